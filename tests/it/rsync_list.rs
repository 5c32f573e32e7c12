//! What a list says, against what is really there.

use crate::support::{Ended, Env, Running, Upstream, job, rsync, tree};
use pdb_sync::model::job::Job;
use pdb_sync::rsync::args::Purpose;
use pdb_sync::rsync::output::{ChangeKind, Line, Reader, unescape};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Names that are meant to be misread.
const HOSTILE: [&[u8]; 22] = [
    b"plain",
    b"with space",
    b" leading",
    b"trailing ",
    b"new\nline",
    b"carriage\rreturn",
    b"\xff\xfe",
    b"-n",
    b"--delete",
    b"esc\x1b[31m",
    b"\\#012",
    b"\\#0123",
    b"\\#999",
    b"\\#12",
    b"\\",
    b"a -> b",
    b"a => b",
    b"*deleting   0 plain",
    b">f+++++++++ 1 plain",
    b"Number of files: 7 (reg: 7)",
    b"\xf0\x9f\xa6\x80",
    b"#",
];

type Names = BTreeSet<PathBuf>;

fn list(job: &Job, upstream: &Upstream) -> (HashMap<ChangeKind, Names>, Reader, Ended) {
    let deleting = Job { delete: true, ..job.clone() };
    let mut command = rsync(&deleting, Purpose::List { all: false });
    command.envs([upstream.pipe()]);
    let ended = Running::start(command).wait().expect_code(0);
    let mut reader = Reader::new(Purpose::List { all: false });
    let mut changes: HashMap<_, Names> = HashMap::new();
    for line in ended.stdout.split(|b| matches!(b, b'\n' | b'\r')) {
        if let Line::Change(change) = reader.read(line) {
            let name = OsString::from_vec(unescape(change.name)).into();
            let fresh = changes.entry(change.kind).or_default().insert(name);
            assert!(fresh, "named twice: {change:?}\n{ended}");
        }
    }
    (changes, reader, ended)
}

/// Fills `dir` with hostile names: files, a directory that holds one, and links.
fn hostile(dir: &Path, names: &[&[u8]]) {
    for name in names {
        let name = OsStr::from_bytes(name);
        fs::create_dir_all(dir.join("d").join(name)).unwrap();
        fs::create_dir_all(dir.join("l")).unwrap();
        fs::write(dir.join(name), "12345").unwrap();
        fs::write(dir.join("d").join(name).join(name), "1").unwrap();
        std::os::unix::fs::symlink("to -> x", dir.join("l").join(name)).unwrap();
    }
}

#[test]
fn hostile_names_are_listed_exactly() {
    let upstream = Upstream::new();
    let env = Env::new();
    let dest = env.mirror("m");
    let (theirs, both, ours) = (&HOSTILE[..9], &HOSTILE[9..12], &HOSTILE[12..]);
    hostile(&upstream.root(), theirs);
    hostile(&upstream.root(), both);
    hostile(&dest, both);
    hostile(&dest, ours);
    // The other way round as well, so that each name is once on either side.
    for swap in [false, true] {
        let (names_up, names_dest) = (tree(&upstream.root()), tree(&dest));
        let sources = if swap {
            let local = format!("{}/", dest.display());
            job(&local, &upstream.root())
        } else {
            job(&upstream.url("m/"), &dest)
        };
        let (from, to) = if swap { (&names_dest, &names_up) } else { (&names_up, &names_dest) };
        let minus = |a: &BTreeMap<PathBuf, _>, b: &BTreeMap<PathBuf, _>| -> Names {
            a.keys().filter(|name| !b.contains_key(*name)).cloned().collect()
        };
        let (changes, reader, ended) = list(&sources, &upstream);
        assert_eq!(changes[&ChangeKind::Created], minus(from, to), "{ended}");
        assert_eq!(changes[&ChangeKind::Deleted], minus(to, from), "{ended}");
        assert_eq!(reader.stats().deleted.unwrap().total, minus(to, from).len() as u64, "{ended}");
        assert_eq!(reader.stats().created.unwrap().total, minus(from, to).len() as u64, "{ended}");
        // The root itself is one of the files.
        assert_eq!(reader.stats().files.unwrap().total, from.len() as u64 + 1, "{ended}");
        assert_eq!((tree(&upstream.root()), tree(&dest)), (names_up, names_dest), "a list changes nothing");
    }
}

#[test]
fn what_is_listed_and_nothing_else_makes_a_true_mirror() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new();
    let dest = env.mirror("m");
    hostile(&dest, &HOSTILE);
    // A file where upstream has a directory, and a directory where it has a file.
    fs::write(dest.join("structures"), "in the way").unwrap();
    upstream.write("plain/file", "a directory upstream");
    let job = job(&upstream.url("m/"), &dest);
    let (changes, ..) = list(&job, &upstream);
    let mut command = rsync(&job, Purpose::Transfer);
    command.envs([upstream.pipe()]);
    Running::start(command).wait().expect_code(0);
    // Deepest first, which is the reverse of their order.
    for name in changes[&ChangeKind::Deleted].iter().rev() {
        let path = dest.join(name);
        let meta = fs::symlink_metadata(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        if name == Path::new("plain") {
            // What was listed as in the way has become something else by the transfer.
            assert!(meta.is_dir());
        } else if meta.is_dir() {
            fs::remove_dir(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
    }
    assert_eq!(tree(&dest), tree(&upstream.root()));
}

#[test]
fn a_directory_in_the_way_goes_once_its_listed_contents_are_gone() {
    let upstream = Upstream::new();
    upstream.write("was-dir", "now a file");
    upstream.write("other", "1");
    let env = Env::new();
    let dest = env.mirror("m");
    fs::create_dir_all(dest.join("was-dir/sub")).unwrap();
    fs::write(dest.join("was-dir/sub/f"), "1").unwrap();
    let job = job(&upstream.url("m/"), &dest);
    let (changes, ..) = list(&job, &upstream);
    assert_eq!(changes[&ChangeKind::Deleted], Names::from(["was-dir/sub".into(), "was-dir/sub/f".into()]));
    let transfer = || {
        let mut command = rsync(&job, Purpose::Transfer);
        command.envs([upstream.pipe()]);
        Running::start(command).wait()
    };
    let ended = transfer().expect_code(23);
    assert!(ended.err().contains("could not make way"), "{ended}");
    assert!(dest.join("other").exists(), "the rest is transferred");
    fs::remove_dir_all(dest.join("was-dir/sub")).unwrap();
    transfer().expect_code(0);
    assert_eq!(tree(&dest), tree(&upstream.root()));
}

#[test]
fn our_own_and_unfinished_files_are_neither_listed_nor_transferred() {
    let upstream = Upstream::new();
    for theirs in ["ab/.~tmp~/x", ".~tmp~/x", ".pdb-sync/theirs", "ab/1abc.cif.gz"] {
        upstream.write(theirs, "1");
    }
    let env = Env::new();
    let dest = env.mirror("m");
    for ours in [".pdb-sync/quarantine/f", ".~tmp~/t", "ab/.~tmp~/t", "ab/.~partial~/p", ".~partial~/p"] {
        let path = dest.join(ours);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "1").unwrap();
    }
    let mut job = job(&upstream.url("m/"), &dest);
    // Not even when a job's own rules say otherwise.
    job.include = vec![".~tmp~/".into(), "/.pdb-sync/***".into()];
    let (changes, _, ended) = list(&job, &upstream);
    assert_eq!(changes.get(&ChangeKind::Deleted), None, "{ended}");
    assert_eq!(changes[&ChangeKind::Created], Names::from(["ab/1abc.cif.gz".into()]), "{ended}");

    // But leftovers do not keep a directory that is gone upstream; and only at the top is `.pdb-sync` ours.
    fs::remove_dir_all(upstream.root().join("ab")).unwrap();
    fs::create_dir_all(dest.join("cd/.pdb-sync")).unwrap();
    let (changes, _, ended) = list(&job, &upstream);
    let gone = ["ab", "ab/.~partial~", "ab/.~partial~/p", "ab/.~tmp~", "ab/.~tmp~/t", "cd", "cd/.pdb-sync"];
    assert_eq!(changes[&ChangeKind::Deleted], gone.iter().map(PathBuf::from).collect(), "{ended}");
}

#[test]
fn excluded_files_are_not_listed_for_deletion() {
    let upstream = Upstream::new();
    upstream.write("a", "longer");
    let env = Env::new();
    let dest = env.mirror("m");
    fs::create_dir_all(&dest).unwrap();
    for name in ["a", "keep.tmp", "gone.tmp", "gone"] {
        fs::write(dest.join(name), "1").unwrap();
    }
    let mut job = job(&upstream.url("m/"), &dest);
    job.include = vec!["gone.tmp".into()];
    job.exclude = vec!["*.tmp".into()];
    let (changes, ..) = list(&job, &upstream);
    assert_eq!(changes[&ChangeKind::Deleted], Names::from(["gone".into(), "gone.tmp".into()]));
    assert!(changes[&ChangeKind::Updated].contains(Path::new("a")));
    assert_eq!(changes.get(&ChangeKind::Created), None);
}
