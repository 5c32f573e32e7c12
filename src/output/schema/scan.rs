//! `scan` and `verify`.

use super::types::{BOOL, BYTES, COUNT, NUMBER, Object, PATH, PATH_BASE64, SECONDS, TEXT, Type, key, maybe};

const KIND: Type = Type::Words(&["file", "dir", "symlink", "other"]);
const TALLY: Type =
    Type::Object(&[key("files", COUNT, "Number of files."), key("bytes", BYTES, "Total size.")]);
const TOP: Type = Type::Object(&[
    PATH,
    PATH_BASE64,
    key("files", COUNT, "Number of files."),
    key("bytes", BYTES, "Total size."),
    key("disk_bytes", BYTES, "Size on disk."),
]);
const FAULT: Type = Type::Object(&[
    key("fault", TEXT, "Kind of fault, such as \"not_utf8\"."),
    key("text", TEXT, "Description."),
]);
const ENTRIES: Type = Type::Object(&[
    key("format", TEXT, "Format, such as \"mmCIF\"."),
    key("ids", Type::Words(&["classic", "extended"]), "Form of the IDs."),
    key("entries", COUNT, "Number of entries."),
]);
const ELAPSED: &str = "Same as duration_s; to be removed in 1.0.";

pub(super) const OBJECTS: [Object; 13] = [
    Object {
        commands: &["scan", "verify"],
        event: "part_of",
        about: "A tree that is part of another selected tree. It is read and counted there, and has no result of its own.",
        keys: &[
            key("root", TEXT, "Root of the tree."),
            key("job", Type::Null(&TEXT), "Job of the mirror; null if a directory was given."),
            key("part_of", TEXT, "Root of the other tree."),
        ],
    },
    Object {
        commands: &["scan", "verify", "index", "reclaim", "clean plan", "clean purge"],
        event: "skipped",
        about: "A job whose mirror is skipped.",
        keys: &[
            key("job", TEXT, "Name of the job."),
            key("text", TEXT, "Reason."),
            key("hint", Type::Null(&TEXT), "What to do next."),
            key("named", BOOL, "Whether the job was selected by name."),
        ],
    },
    Object {
        commands: &["scan", "verify"],
        event: "result",
        about: "If the mirrors of all jobs are skipped.",
        keys: &[key("trees", COUNT, "0.")],
    },
    Object {
        commands: &["scan"],
        event: "entry",
        about: "With --list: an entry below the root.",
        keys: &[
            PATH,
            PATH_BASE64,
            key("type", KIND, "Type."),
            key("size", BYTES, "Size; 0 for a directory."),
            key("mtime", NUMBER, "Modification time, in seconds since 1970."),
        ],
    },
    Object {
        commands: &["scan"],
        event: "change",
        about: "With --diff: a change since the last scan.",
        keys: &[
            key("kind", Type::Words(&["added", "removed", "changed"]), "Kind of change."),
            PATH,
            PATH_BASE64,
            key("type", KIND, "Type; of a removed entry, its former type."),
            key("size", Type::Null(&BYTES), "Size now; null for a removed entry."),
            key("old_size", Type::Null(&BYTES), "Size at the last scan; null for an added entry."),
        ],
    },
    Object {
        commands: &["scan"],
        event: "dir",
        about: "With --tree: a directory with its totals, including all levels below.",
        keys: &[
            PATH,
            PATH_BASE64,
            key("depth", COUNT, "Depth; 0 for the root."),
            key("files", COUNT, "Number of files."),
            key("dirs", COUNT, "Number of directories."),
            key("bytes", BYTES, "Size of the files."),
            key("disk_bytes", BYTES, "Size on disk."),
            key("complete", BOOL, "Whether everything in it was read."),
        ],
    },
    Object {
        commands: &["scan"],
        event: "name",
        about: "With --check-names: a name that is unportable or misleading.",
        keys: &[PATH, PATH_BASE64, key("faults", Type::List(&FAULT), "Faults of the name.")],
    },
    Object {
        commands: &["scan", "verify"],
        event: "damaged",
        about: "A damaged compressed file. In scan, with --check-gzip.",
        keys: &[
            PATH,
            PATH_BASE64,
            key(
                "damage",
                Type::Words(&["empty", "truncated", "html", "not_gzip", "corrupt", "trailing", "unreadable"]),
                "Kind of damage.",
            ),
            key("text", TEXT, "Description."),
        ],
    },
    Object {
        commands: &["scan"],
        event: "inventory",
        about: "With --cache: a cached inventory.",
        keys: &[
            key("file", TEXT, "File of the inventory."),
            key("root", Type::Null(&TEXT), "Root of the tree."),
            key("bytes", BYTES, "Size of the file."),
            key("age_s", Type::Null(&SECONDS), "Time since the last use."),
            key("dirs_read", Type::Null(&COUNT), "Directories read by the scan."),
            key("dirs_reused", Type::Null(&COUNT), "Directories reused from the scan before."),
            key("duration_s", Type::Null(&SECONDS), "Duration of the scan."),
            key("elapsed_s", Type::Null(&SECONDS), ELAPSED),
            key("error", Type::Null(&TEXT), "Why the inventory cannot be read."),
        ],
    },
    Object {
        commands: &["scan"],
        event: "result",
        about: "One for each tree.",
        keys: &[
            maybe("root", TEXT, "Root of the tree, if the path is UTF-8."),
            maybe("root_base64", TEXT, "Root of the tree in Base64, if the path is not UTF-8."),
            key("job", Type::Null(&TEXT), "Job of the mirror; null if a directory was given."),
            key("files", COUNT, "Number of files."),
            key("dirs", COUNT, "Number of directories, including the root."),
            key("symlinks", COUNT, "Number of symbolic links."),
            key("other", COUNT, "Number of other entries."),
            key("bytes", BYTES, "Size of the files."),
            key("disk_bytes", BYTES, "Size on disk."),
            key("errors", COUNT, "Directories that could not be read."),
            key("duration_s", SECONDS, "Duration."),
            key("elapsed_s", SECONDS, ELAPSED),
            key("entries_per_s", Type::Null(&NUMBER), "Entries per second."),
            key("dirs_read", COUNT, "Directories read."),
            key("dirs_reused", COUNT, "Directories reused from the scan before."),
            key("complete", BOOL, "Whether everything was read."),
            key(
                "ended",
                Type::Null(&Type::Words(&["timeout", "stopped"])),
                "What stopped the scan before its end.",
            ),
            key("vanished", COUNT, "Entries that vanished during the scan."),
            key("loops", COUNT, "Symbolic links to a directory above them."),
            key("not_utf8", COUNT, "Number of names that are not UTF-8."),
            maybe(
                "added",
                Type::Null(&COUNT),
                "With --diff: number of new entries; null without an earlier scan.",
            ),
            maybe("removed", Type::Null(&COUNT), "With --diff: number of removed entries."),
            maybe("changed", Type::Null(&COUNT), "With --diff: number of changed entries."),
            maybe("names", COUNT, "With --check-names: number of names with faults."),
            maybe("gzip_checked", COUNT, "With --check-gzip: number of checked files."),
            maybe("gzip_damaged", COUNT, "With --check-gzip: number of damaged files."),
            maybe("top", Type::List(&TOP), "With --top: the largest directories."),
            maybe("by_extension", Type::Map(&TALLY), "With --by-extension: totals by extension."),
            maybe("by_age", Type::Map(&TALLY), "With --by-age: totals by age."),
            maybe("by_size", Type::Map(&TALLY), "With --by-size: totals by size."),
            maybe(
                "pdb_entries",
                Type::List(&ENTRIES),
                "With one of the --by options: number of PDB entries, by format.",
            ),
        ],
    },
    Object {
        commands: &["scan"],
        event: "result",
        about: "With --cache.",
        keys: &[
            key("inventories", COUNT, "Number of inventories."),
            key("bytes", BYTES, "Total size of their files."),
            key("hits", COUNT, "Scans that found an inventory of the tree."),
            key("misses", COUNT, "Scans that found none."),
            key("dirs_reused", COUNT, "Directories that were reused, over all scans."),
            key(
                "dirs_read",
                COUNT,
                "Directories that were read, over all scans that could use an inventory.",
            ),
            key("evicted", COUNT, "Inventories that the limits of [scan] removed."),
        ],
    },
    Object {
        commands: &["scan"],
        event: "result",
        about: "With --cache evict.",
        keys: &[
            key("evicted", COUNT, "Number of evicted inventories."),
            key("bytes", BYTES, "Total size of their files."),
        ],
    },
    Object {
        commands: &["verify"],
        event: "result",
        about: "One for each tree.",
        keys: &[
            key("root", TEXT, "Root of the tree."),
            key("job", Type::Null(&TEXT), "Job of the mirror; null if a directory was given."),
            key("checked", COUNT, "Number of checked files."),
            key("bytes", BYTES, "Total size."),
            key("damaged", COUNT, "Number of damaged files; with --repair, those that are still damaged."),
            key("repaired", Type::Null(&COUNT), "Number of repaired files; null without --repair."),
            key(
                "unconfirmed",
                Type::Null(&COUNT),
                "Files without proof that they were transferred again; null without --repair.",
            ),
            key("not_checked", COUNT, "Files in other compression formats than gzip."),
            key("complete", BOOL, "Whether every file was checked."),
            key("duration_s", SECONDS, "Duration."),
            key("elapsed_s", SECONDS, ELAPSED),
        ],
    },
];
