//! Random changes of a tree, and what it holds.

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, FileTimes};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Components of names, with what lists, shells, patterns and file systems treat in their own ways.
const NAMES: [&[u8]; 20] = [
    b"a",
    b"b",
    b"c.gz",
    b"d",
    b"e",
    b"#hash",
    b";semi",
    b"-dash",
    b"sp ace ",
    b"new\nline",
    b"\xff\xfe",
    b"\xc3\xbc",
    b".dot",
    b"s*[x]?",
    b"back\\slash",
    b"\\#012",
    b"tab\t",
    b"\"quote'",
    b"x.tmp",
    b".~x~",
];

/// Times that this test sets are earlier, in seconds since 1970.
const RECENT: i64 = 1_600_000_000;

/// Random changes of a tree.
pub(super) struct Random(fastrand::Rng);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Random(fastrand::Rng::with_seed(seed))
    }

    /// For another one.
    pub(super) fn seed(&mut self) -> u64 {
        self.0.u64(..)
    }

    pub(super) fn of(&mut self, n: usize) -> usize {
        self.0.usize(..n)
    }

    fn name(&mut self) -> Vec<u8> {
        match self.of(40) {
            0 => vec![b'l'; 255],
            _ => NAMES[self.of(NAMES.len())].to_vec(),
        }
    }

    fn path(&mut self, root: &Path) -> PathBuf {
        let mut path = root.to_owned();
        for _ in 0..1 + self.of(3) {
            path.push(OsStr::from_bytes(&self.name()));
        }
        path
    }

    /// One of the entries below the root, if there are any.
    fn entry(&mut self, root: &Path) -> Option<PathBuf> {
        let all: Vec<_> = snapshot(root).into_keys().filter(|name| !name.is_empty()).collect();
        (!all.is_empty()).then(|| root.join(OsStr::from_bytes(&all[self.of(all.len())])))
    }

    /// Within a second, rsync gives a directory the source's time only if it works there: directories get whole seconds.
    fn time(&mut self, dir: bool) -> Duration {
        let half = if dir { 0 } else { self.of(2) as u32 };
        Duration::new(1_500_000_000 + self.of(100_000) as u64, half * 500_000_000)
    }

    fn set_time(&mut self, file: &fs::File) -> std::io::Result<()> {
        let time = SystemTime::UNIX_EPOCH + self.time(file.metadata()?.is_dir());
        file.set_times(FileTimes::new().set_modified(time))
    }

    fn write(&mut self, path: &Path) {
        let size = [0, 1, 5, 5, 5, 3000][self.of(6)];
        let byte = b'a' + self.of(3) as u8;
        if fs::write(path, vec![byte; size]).is_ok() {
            let _ = self.set_time(&fs::File::open(path).unwrap());
        }
    }

    /// Changes one thing below the root. What cannot be done is not done.
    pub(super) fn change(&mut self, root: &Path) {
        let path = self.path(root);
        let _ = fs::create_dir_all(path.parent().unwrap());
        let old = self.entry(root);
        match (self.of(12), old) {
            (0..4, _) => self.write(&path),
            (4, _) => drop(fs::create_dir(&path)),
            (5, _) => drop(symlink(["a", "../b", "nowhere"][self.of(3)], &path)),
            (6, Some(old)) => remove(&old),
            (7, Some(old)) => {
                remove(&old);
                let _ = [fs::create_dir(&old), symlink("x", &old), fs::write(&old, "now a file")];
            }
            (8, Some(old)) => {
                let mode = [0o644, 0o600, 0o755, 0o775][self.of(4)];
                if !old.is_symlink() {
                    let mode = if old.is_dir() { mode | 0o700 } else { mode };
                    fs::set_permissions(&old, fs::Permissions::from_mode(mode)).unwrap();
                }
            }
            (9, Some(old)) if !old.is_symlink() => {
                self.set_time(&fs::File::open(&old).unwrap()).unwrap();
            }
            (10, Some(old)) => drop(fs::rename(&old, &path)),
            (11, Some(old)) if old.is_file() && !old.is_symlink() => drop(fs::hard_link(&old, &path)),
            _ => {}
        }
    }

    /// Gives some directories another time, and everything that has just been made: rsync takes times within the same second as equal.
    pub(super) fn times(&mut self, root: &Path) {
        for name in snapshot(root).into_keys() {
            let path = root.join(OsStr::from_bytes(&name));
            let meta = fs::symlink_metadata(&path).unwrap();
            if meta.mtime() >= RECENT || meta.is_dir() && self.of(2) == 0 {
                let time = self.time(meta.is_dir());
                let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
                let times = Timestamps { last_access: time, last_modification: time };
                utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
            }
        }
    }
}

fn remove(path: &Path) {
    let _ =
        if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

/// All that plain rsync may set, by name. Our own directory is left out.
pub(super) fn snapshot(root: &Path) -> BTreeMap<Vec<u8>, String> {
    let (mut found, mut first) = (BTreeMap::new(), BTreeMap::new());
    let mut links: BTreeMap<u64, u64> = BTreeMap::new();
    let mut stack = vec![root.to_owned()];
    let mut all = Vec::new();
    while let Some(path) = stack.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            stack.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            stack.retain(|path| *path != root.join(".pdb-sync"));
        }
        *links.entry(meta.ino()).or_default() += 1;
        all.push((path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec(), path, meta));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, path, meta) in all {
        let what = if meta.is_symlink() {
            format!("{:?}", fs::read_link(&path).unwrap())
        } else if meta.is_file() {
            let group = first.entry(meta.ino()).or_insert_with(|| name.clone()).clone();
            // A copy that is kept of what was deleted is no other name in the mirror.
            let linked = (links[&meta.ino()] > 1).then(|| String::from_utf8_lossy(&group).into_owned());
            format!("{:?} {linked:?}", String::from_utf8_lossy(&fs::read(&path).unwrap()))
        } else {
            String::new()
        };
        // A time that was not set is that of the change, which differs between the two.
        let time = match meta.mtime() {
            RECENT.. => "recent".to_owned(),
            secs => format!("{secs}.{}", meta.mtime_nsec()),
        };
        let text = format!("{:o} {time} {what}", meta.mode());
        found.insert(name, text);
    }
    found
}
