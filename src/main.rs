//! The `pdb-sync` program: everything is in the library, [`pdb_sync::commands`] is where to start reading.

fn main() {
    pdb_sync::exit::end(pdb_sync::commands::main())
}
