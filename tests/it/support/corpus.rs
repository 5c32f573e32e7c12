//! A small archive of real entries, in the layout of the real one.

use std::fs;
use std::path::Path;

/// The entries that `tests/corpus` holds.
pub(crate) const ENTRIES: [&str; 6] = ["1a8o", "1pfe", "3dg1", "3jqh", "4cup", "5i55"];

/// Where an entry lies in the divided layout, such as `structures/divided/mmCIF/a8/1a8o.cif.gz`.
pub(crate) fn path_of(id: &str) -> String {
    format!("structures/divided/mmCIF/{}/{id}.cif.gz", &id[1..3])
}

/// Lays the entries out below `root`, as below `ftp_data/`, all with the time of one weekly update.
pub(crate) fn lay_out(root: &Path) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let wednesday = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_767_744_000);
    for id in ENTRIES {
        let to = root.join(path_of(id));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(corpus.join(format!("{id}.cif.gz")), &to).unwrap();
        fs::File::options().write(true).open(&to).unwrap().set_modified(wednesday).unwrap();
    }
}
