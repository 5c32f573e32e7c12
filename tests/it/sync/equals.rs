//! A run leaves what plain rsync leaves: random trees and changes, the same options, and the same mirror afterwards in names, contents,
//! modes, times of files and directories, links and groups of hard links.

use super::quick;
use crate::support::{Env, Upstream, rounds};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, FileTimes};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
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

/// How a source is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// A module.
    Module,
    /// A directory of a module.
    Below,
    /// A daemon behind a remote shell.
    DaemonByShell,
    /// A remote shell.
    Shell,
    /// A directory without a slash at its end.
    NoSlash,
    Local,
}

struct Random(fastrand::Rng);

impl Random {
    fn of(&mut self, n: usize) -> usize {
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

    fn time(&mut self) -> FileTimes {
        let secs = 1_500_000_000 + self.of(100_000) as u64;
        FileTimes::new()
            .set_modified(SystemTime::UNIX_EPOCH + Duration::new(secs, self.of(2) as u32 * 500_000_000))
    }

    fn write(&mut self, path: &Path) {
        let size = [0, 1, 5, 5, 5, 3000][self.of(6)];
        let byte = b'a' + self.of(3) as u8;
        if fs::write(path, vec![byte; size]).is_ok() {
            let _ = fs::File::open(path).unwrap().set_times(self.time());
        }
    }

    /// Changes one thing below the root. What cannot be done is not done.
    fn change(&mut self, root: &Path) {
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
                fs::File::open(&old).unwrap().set_times(self.time()).unwrap();
            }
            (10, Some(old)) => drop(fs::rename(&old, &path)),
            (11, Some(old)) if old.is_file() && !old.is_symlink() => drop(fs::hard_link(&old, &path)),
            _ => {}
        }
    }

    /// Gives some directories another time, and everything that has just been made: rsync takes times within the same second as equal.
    fn times(&mut self, root: &Path) {
        for name in snapshot(root).into_keys() {
            let path = root.join(OsStr::from_bytes(&name));
            let meta = fs::symlink_metadata(&path).unwrap();
            if meta.mtime() >= RECENT || meta.is_dir() && self.of(2) == 0 {
                let secs = 1_500_000_000 + self.of(100_000) as i64;
                let time = Timespec { tv_sec: secs, tv_nsec: self.of(2) as i64 * 500_000_000 };
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
fn snapshot(root: &Path) -> BTreeMap<Vec<u8>, String> {
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

struct Case {
    env: Env,
    upstream: Upstream,
    root: PathBuf,
    source: String,
    options: Vec<String>,
    what: String,
}

impl Case {
    fn new(way: Way, keys: &str, options: &[&str]) -> Self {
        let upstream = Upstream::new();
        let root = upstream.root().join(if way == Way::Module { "" } else { "deep/er" });
        fs::create_dir_all(&root).unwrap();
        let env = Env::new();
        let shell = env.dir().join("shell");
        let text = format!(
            "#!/bin/sh\nshift\n[ \"$3\" = --daemon ] || exec \"$@\"\nshift\nexec rsync --config={} \"$@\"\n",
            upstream.config().display()
        );
        fs::write(&shell, text).unwrap();
        fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
        let mut options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        if matches!(way, Way::Shell | Way::DaemonByShell) {
            options.push(format!("--rsh={}", shell.display()));
        }
        let source = match way {
            Way::Module => upstream.url("m/"),
            Way::Below => upstream.url("m/deep/er/"),
            Way::NoSlash => upstream.url("m/deep/er"),
            Way::DaemonByShell => "somewhere::m/deep/er/".to_owned(),
            Way::Shell => format!("somewhere:{}/", root.display()),
            Way::Local => format!("{}/", root.display()),
        };
        let list: Vec<_> = options.iter().map(|option| format!("'{option}'")).collect();
        let config = quick(&format!(
            "[jobs.j]\nsource = '{source}'\ndest = 'j'\ndelete = true\nmax_delete = '100%'\nmax_older = '100%'\n\
             rsync_args = [{}]\n{keys}\n",
            list.join(", ")
        ));
        let env = env.with_pipe(&upstream).with_config(&config);
        Case { env, upstream, root, source, options, what: format!("{way:?} {keys:?}") }
    }

    /// Plain rsync, with `more` options.
    fn plain(&self, more: &[String]) {
        let mirror = self.env.dir().join("plain");
        let ended = Command::new("rsync")
            .args(["-rlpt", "--delete"])
            .args(more)
            .args(&self.options)
            .args(["--", &self.source])
            .arg(&mirror)
            .env(self.upstream.pipe().0, self.upstream.pipe().1)
            .output()
            .unwrap();
        assert!(ended.status.success(), "{ended:?}");
    }

    fn differences(&self) -> Vec<String> {
        // Where times are not mirrored, they are whatever the changes here left. A deletion by rsync changes that of the directory.
        let has = |option: &str| self.options.iter().any(|own| own == option);
        let (files, dirs) = (!has("--no-times"), !has("--no-times") && !has("--omit-dir-times"));
        let taken = |mirror: &Path| {
            let mut all = snapshot(mirror);
            for text in all.values_mut().filter(|text| if text.starts_with('4') { !dirs } else { !files }) {
                *text = text.split(' ').enumerate().filter(|(n, _)| *n != 1).map(|(_, word)| word).collect();
            }
            all
        };
        let (ours, plain) = (taken(&self.env.mirror("j")), taken(&self.env.dir().join("plain")));
        let names: std::collections::BTreeSet<_> = ours.keys().chain(plain.keys()).collect();
        let differ = names.into_iter().filter(|name| ours.get(*name) != plain.get(*name));
        differ
            .map(|name| {
                format!(
                    "{:?}: ours {:?}, rsync's {:?}",
                    String::from_utf8_lossy(name),
                    ours.get(name),
                    plain.get(name)
                )
            })
            .collect()
    }

    /// Changes the source. It always holds one file: an empty source is refused.
    fn change(&self, random: &mut Random, times: usize) {
        for _ in 0..times {
            random.change(&self.root);
        }
        let stays = self.root.join("a file that stays");
        if !stays.exists() {
            fs::write(stays, "it stays").unwrap();
        }
        random.times(&self.root);
    }

    /// Several changes, a run and a plain rsync after each.
    fn go(&self, more: &[String], seed: u64, times: usize) {
        let mut random = Random(fastrand::Rng::with_seed(seed));
        self.change(&mut random, 25);
        for round in 0..times {
            let what = format!("{} {:?} {more:?} seed {seed} round {round}", self.what, self.options);
            let ended = self.env.run(["sync", "j", "--json"]);
            assert!(ended.code() == 0, "{what}\n{ended}");
            self.plain(more);
            let differ = self.differences();
            assert!(differ.is_empty(), "{what}\n{}\n{ended}", differ.join("\n"));
            let again = self.env.run(["sync", "j", "--json"]).expect_code(0);
            assert_eq!(again.finished()["changed"], false, "{what}\n{again}");
            // At the source, and the same in both mirrors.
            self.change(&mut random, 8);
            for _ in 0..3 {
                let seed = random.0.u64(..);
                for mirror in [self.env.mirror("j"), self.env.dir().join("plain")] {
                    let mut random = Random(fastrand::Rng::with_seed(seed));
                    random.change(&mirror);
                    random.times(&mirror);
                }
            }
        }
    }
}

fn all(ways: &[Way], keys: &str, more: &[&str], options: &[&str]) {
    let more: Vec<String> = more.iter().map(|option| (*option).to_owned()).collect();
    for way in ways {
        for seed in 0..rounds(1, 12) as u64 {
            Case::new(*way, keys, options).go(&more, fastrand::u64(..) ^ seed, 3);
        }
    }
}

#[test]
fn from_each_kind_of_source() {
    all(&[Way::Module, Way::Below, Way::NoSlash, Way::Local, Way::Shell, Way::DaemonByShell], "", &[], &[]);
}

#[test]
fn with_each_protocol() {
    for protocol in ["--protocol=29", "--protocol=30", "--protocol=31", "--protocol=32"] {
        all(&[Way::Below, Way::Shell], "", &[], &[protocol]);
    }
}

#[test]
fn with_the_options_that_mirrors_use() {
    for options in [
        &["-H"][..],
        &["-AX"],
        &["-S", "--omit-dir-times"],
        &["--chmod=Dg+s,ug+rwX,o-w"],
        &["--fuzzy"],
        &["--inplace"],
        &["--delay-updates", "--whole-file"],
        &["--copy-dirlinks"],
        &["--no-perms", "--no-times", "--size-only"],
        &["-m"],
        &["--safe-links"],
        &["--numeric-ids", "-og", "-D"],
    ] {
        all(&[Way::Below], "", &[], options);
    }
}

#[test]
fn with_filters() {
    let keys = "include = ['*/', 'a', '*.gz']\nexclude = ['*.tmp', '/b/', 'd']";
    let same =
        ["--include=*/", "--include=a", "--include=*.gz", "--exclude=*.tmp", "--exclude=/b/", "--exclude=d"];
    all(&[Way::Below, Way::Local], keys, &same, &[]);
    all(&[Way::Below], "", &[], &["--filter=- c.gz", "--exclude=/a/b"]);
}

#[test]
fn with_checksums() {
    all(&[Way::Below, Way::Local], "checksum = true", &["-c"], &[]);
}

#[test]
fn with_what_is_deleted_kept() {
    all(&[Way::Below], "keep_deleted = '1d'", &[], &[]);
}
