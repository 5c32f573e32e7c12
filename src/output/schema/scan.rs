//! `scan` and `verify`.

use super::types::{BOOL, BYTES, COUNT, NUMBER, Object, PATH, PATH_BASE64, SECONDS, TEXT, Type, key, maybe};

const KIND: Type = Type::Words(&["file", "dir", "symlink", "other"]);
const TALLY: Type = Type::Object(&[key("files", COUNT, "Files."), key("bytes", BYTES, "Their size.")]);
const TOP: Type = Type::Object(&[
    PATH,
    PATH_BASE64,
    key("files", COUNT, "Files."),
    key("bytes", BYTES, "Their size."),
    key("disk_bytes", BYTES, "What they take on the disk."),
]);
const FAULT: Type = Type::Object(&[
    key("fault", TEXT, "A word for it: not_utf8."),
    key("text", TEXT, "The same in plain words."),
]);
const ENTRIES: Type = Type::Object(&[
    key("format", TEXT, "What the files hold: mmCIF."),
    key("ids", Type::Words(&["classic", "extended"]), "Form of the IDs."),
    key("entries", COUNT, "Entries."),
]);
const ELAPSED: &str = "The same; to go with 1.0.";

pub(super) const OBJECTS: [Object; 12] = [
    Object {
        commands: &["scan", "verify", "index", "reclaim", "clean plan", "clean purge"],
        event: "skipped",
        about: "A job whose mirror is left out.",
        keys: &[
            key("job", TEXT, "Its name."),
            key("text", TEXT, "Why."),
            key("hint", Type::Null(&TEXT), "What to do about it."),
            key("named", BOOL, "Whether it was asked for by its name."),
        ],
    },
    Object {
        commands: &["scan", "verify"],
        event: "result",
        about: "Of no tree at all: the mirrors of all jobs are left out.",
        keys: &[key("trees", COUNT, "0.")],
    },
    Object {
        commands: &["scan"],
        event: "entry",
        about: "With --list: an entry below the root.",
        keys: &[
            PATH,
            PATH_BASE64,
            key("type", KIND, "What it is."),
            key("size", BYTES, "Its size; 0 of a directory."),
            key("mtime", NUMBER, "Modification time, in seconds since 1970."),
        ],
    },
    Object {
        commands: &["scan"],
        event: "change",
        about: "With --diff: what is not as it was in the last scan.",
        keys: &[
            key("kind", Type::Words(&["added", "removed", "changed"]), "What happened to it."),
            PATH,
            PATH_BASE64,
            key("type", KIND, "What it is, or was."),
            key("size", Type::Null(&BYTES), "Its size now."),
            key("old_size", Type::Null(&BYTES), "Its size then."),
        ],
    },
    Object {
        commands: &["scan"],
        event: "dir",
        about: "With --tree: a directory with what it holds at any depth.",
        keys: &[
            PATH,
            PATH_BASE64,
            key("depth", COUNT, "0 is the root."),
            key("files", COUNT, "Files."),
            key("dirs", COUNT, "Directories."),
            key("bytes", BYTES, "Size of the files."),
            key("disk_bytes", BYTES, "What they take on the disk."),
            key("complete", BOOL, "Whether all of it was read."),
        ],
    },
    Object {
        commands: &["scan"],
        event: "name",
        about: "With --check-names: a name that other systems cannot hold, or that deceives people.",
        keys: &[PATH, PATH_BASE64, key("faults", Type::List(&FAULT), "What is wrong with it.")],
    },
    Object {
        commands: &["scan", "verify"],
        event: "damaged",
        about: "A compressed file that is not whole; of scan with --check-gzip.",
        keys: &[
            PATH,
            PATH_BASE64,
            key(
                "damage",
                Type::Words(&["empty", "truncated", "html", "not_gzip", "corrupt", "trailing", "unreadable"]),
                "How it is damaged.",
            ),
            key("text", TEXT, "The same in plain words."),
        ],
    },
    Object {
        commands: &["scan"],
        event: "inventory",
        about: "With --cache show: an inventory that is kept.",
        keys: &[
            key("file", TEXT, "Its file."),
            key("root", Type::Null(&TEXT), "The tree that it is about."),
            key("bytes", BYTES, "Size of the file."),
            key("age_s", Type::Null(&SECONDS), "How long ago it was used."),
            key("dirs_read", Type::Null(&COUNT), "Directories that the scan read."),
            key("dirs_reused", Type::Null(&COUNT), "Directories that it took over from the scan before."),
            key("duration_s", Type::Null(&SECONDS), "How long the scan took."),
            key("elapsed_s", Type::Null(&SECONDS), ELAPSED),
            key("error", Type::Null(&TEXT), "Why it cannot be read."),
        ],
    },
    Object {
        commands: &["scan"],
        event: "result",
        about: "A result for each tree.",
        keys: &[
            maybe("root", TEXT, "The tree, if its path is UTF-8."),
            maybe("root_base64", TEXT, "The tree in Base64, if its path is not UTF-8."),
            key("job", Type::Null(&TEXT), "The job whose mirror it is, if one was named."),
            key("files", COUNT, "Files."),
            key("dirs", COUNT, "Directories, the root included."),
            key("symlinks", COUNT, "Symbolic links."),
            key("other", COUNT, "Other entries."),
            key("bytes", BYTES, "Size of the files."),
            key("disk_bytes", BYTES, "What they take on the disk."),
            key("errors", COUNT, "Directories that could not be read."),
            key("duration_s", SECONDS, "How long it took."),
            key("elapsed_s", SECONDS, ELAPSED),
            key("entries_per_s", Type::Null(&NUMBER), "Entries a second."),
            key("dirs_read", COUNT, "Directories that were read."),
            key("dirs_reused", COUNT, "Directories that were taken over from the scan before."),
            key("complete", BOOL, "Whether everything was read."),
            key("ended", Type::Null(&Type::Words(&["timeout", "stopped"])), "What ended it early."),
            key("vanished", COUNT, "Entries that went while the tree was read."),
            key("loops", COUNT, "Links that led back to a directory above."),
            key("not_utf8", COUNT, "Names that are not UTF-8."),
            maybe("added", Type::Null(&COUNT), "With --diff: new entries; null without an earlier scan."),
            maybe("removed", Type::Null(&COUNT), "With --diff: entries that are gone."),
            maybe("changed", Type::Null(&COUNT), "With --diff: entries that are not what they were."),
            maybe("names", COUNT, "With --check-names: names that are told."),
            maybe("gzip_checked", COUNT, "With --check-gzip: files that were checked."),
            maybe("gzip_damaged", COUNT, "With --check-gzip: files that are damaged."),
            maybe("top", Type::List(&TOP), "With --top: the largest directories."),
            maybe("by_extension", Type::Map(&TALLY), "With --by-extension."),
            maybe("by_age", Type::Map(&TALLY), "With --by-age."),
            maybe("by_size", Type::Map(&TALLY), "With --by-size."),
            maybe("pdb_entries", Type::List(&ENTRIES), "Entries of the PDB, where classes are counted."),
        ],
    },
    Object {
        commands: &["scan"],
        event: "result",
        about: "With --cache show.",
        keys: &[key("inventories", COUNT, "Inventories."), key("bytes", BYTES, "Size of their files.")],
    },
    Object {
        commands: &["scan"],
        event: "result",
        about: "With --cache evict.",
        keys: &[
            key("evicted", COUNT, "Inventories that were removed."),
            key("bytes", BYTES, "What they took."),
        ],
    },
    Object {
        commands: &["verify"],
        event: "result",
        about: "A result for each tree.",
        keys: &[
            key("root", TEXT, "The tree."),
            key("job", Type::Null(&TEXT), "The job whose mirror it is, if one was named."),
            key("checked", COUNT, "Compressed files that were checked."),
            key("bytes", BYTES, "Their size."),
            key("damaged", COUNT, "Files that are damaged; with --repair, that are so still."),
            key("repaired", Type::Null(&COUNT), "Files that were fetched again; null without --repair."),
            key("unconfirmed", Type::Null(&COUNT), "Files of which nothing shows that they were fetched."),
            key("not_checked", COUNT, "Files that are compressed in another way than gzip."),
            key("complete", BOOL, "Whether every file was checked."),
            key("duration_s", SECONDS, "How long it took."),
            key("elapsed_s", SECONDS, ELAPSED),
        ],
    },
];
