//! The file system of the tests itself: a test on top of it must be able to trust it.

use crate::support::{Env, Upstream};
use crate::support::{Fuse, Running, eventually, is_running, skipped, tree, without_flock};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn is_mounted(at: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    mounts.lines().any(|line| line.split(' ').nth(1) == at.to_str())
}

/// `renameat2` in one directory.
fn rename_with(dir: &Path, old: &str, new: &str, flags: rustix::fs::RenameFlags) -> rustix::io::Result<()> {
    let dir = File::open(dir).unwrap();
    rustix::fs::renameat_with(&dir, old, &dir, new, flags)
}

#[test]
fn without_options_it_is_a_file_system_like_others() {
    let Some(fuse) = Fuse::mounted("") else { return };
    let at = |name: &str| fuse.path().join(name);
    let mut file = File::options().read(true).write(true).create_new(true).open(at("f")).unwrap();
    let long: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
    file.write_all(&long).unwrap();
    file.seek(std::io::SeekFrom::Start(3)).unwrap();
    file.write_all(b"abc").unwrap();
    let read = fs::read(at("f")).unwrap();
    assert_eq!(
        (read.len(), &read[..8], &read[999_000..]),
        (1_000_000, &b"\0\x01\x02abc\x06\x07"[..], &long[999_000..])
    );
    file.set_len(2).unwrap();
    file.set_len(4).unwrap();
    assert_eq!(fs::read(at("f")).unwrap(), b"\0\x01\0\0");
    File::options().append(true).open(at("f")).unwrap().write_all(b"end").unwrap();
    fs::write(at("F"), "another").unwrap();
    assert_eq!(fs::read(at("f")).unwrap(), b"\0\x01\0\0end");
    fs::remove_file(at("F")).unwrap();

    let time = UNIX_EPOCH + Duration::new(1_000_000_001, 7);
    file.set_modified(time).unwrap();
    file.set_permissions(PermissionsExt::from_mode(0o640)).unwrap();
    let meta = fs::metadata(at("f")).unwrap();
    assert_eq!((meta.modified().unwrap(), meta.mode()), (time, 0o100_640));
    assert_eq!(meta.ino(), file.metadata().unwrap().ino());
    fs::hard_link(at("f"), at("g")).unwrap();
    assert_eq!((fs::metadata(at("g")).unwrap().ino(), file.metadata().unwrap().nlink()), (meta.ino(), 2));
    symlink("f", at("l")).unwrap();
    assert_eq!(fs::read_link(at("l")).unwrap(), Path::new("f"));
    fs::remove_file(at("f")).unwrap();
    let mut still = String::new();
    file.seek(std::io::SeekFrom::End(-3)).unwrap();
    file.read_to_string(&mut still).unwrap();
    assert_eq!(still, "end");

    fs::create_dir_all(at("d/e")).unwrap();
    assert_eq!(fs::remove_dir(at("d")).unwrap_err().kind(), ErrorKind::DirectoryNotEmpty);
    assert_eq!(fs::rename(at("d"), at("d/e/d")).unwrap_err().kind(), ErrorKind::InvalidInput);
    fs::rename(at("d/e"), at("e")).unwrap();
    assert_eq!(names(fuse.path()), ["d", "e", "g", "l"]);
    fs::write(at("h"), "h").unwrap();
    use rustix::fs::RenameFlags;
    assert_eq!(rename_with(fuse.path(), "h", "g", RenameFlags::NOREPLACE), Err(rustix::io::Errno::EXIST));
    rename_with(fuse.path(), "h", "g", RenameFlags::EXCHANGE).unwrap();
    assert_eq!(fs::read_to_string(at("g")).unwrap(), "h");
    fs::rename(at("g"), at("h")).unwrap();
    assert_eq!(names(fuse.path()), ["d", "e", "h", "l"]);
    File::open(at("h")).unwrap().try_lock().unwrap();
}

/// A directory from which files are removed while it is read: none is passed by, and a long one comes whole.
#[test]
fn long_directories_are_listed_whole() {
    let Some(fuse) = Fuse::mounted("") else { return };
    let wanted: Vec<String> = (0..3_000).map(|n| format!("a name of some length {n:04}")).collect();
    for name in &wanted {
        File::create(fuse.path().join(name)).unwrap();
    }
    assert_eq!(names(fuse.path()), wanted);
    for entry in fs::read_dir(fuse.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert_eq!(names(fuse.path()), [""; 0]);
}

#[test]
fn folding_folds_and_keeps_the_spelling_of_the_creator() {
    // é as one character, and as two; both in capitals and not.
    let (one, two, capital) = ("caf\u{e9}", "cafe\u{301}", "CAF\u{c9}");
    for (options, same, other) in [
        ("fold", &[one, two, capital][..], &[][..]),
        ("fold-case", &[one, capital], &[two]),
        ("fold-form", &[one, two], &[capital]),
        ("", &[one], &[two, capital]),
    ] {
        let Some(fuse) = Fuse::mounted(options) else { return };
        fs::create_dir(fuse.path().join("Dir")).unwrap();
        let at = |name: &str| fuse.path().join("Dir").join(name);
        fs::write(at(one), "first").unwrap();
        let inode = fs::metadata(at(one)).unwrap().ino();
        for name in same {
            assert_eq!(fs::read_to_string(at(name)).unwrap(), "first", "{options}: {name}");
            assert_eq!(fs::metadata(at(name)).unwrap().ino(), inode, "{options}: {name}");
            let created = File::options().write(true).create_new(true).open(at(name)).unwrap_err();
            assert_eq!(created.kind(), ErrorKind::AlreadyExists, "{options}: {name}");
        }
        for name in other {
            assert!(!at(name).exists(), "{options}: {name}");
        }
        // What is written under one spelling is read under the others, also through what was open before.
        let mut open = File::open(at(one)).unwrap();
        for name in same {
            fs::write(at(name), format!("by {name}")).unwrap();
            for reader in same {
                assert_eq!(fs::read_to_string(at(reader)).unwrap(), format!("by {name}"), "{options}");
            }
        }
        let mut text = String::new();
        open.read_to_string(&mut text).unwrap();
        assert_eq!(text, format!("by {}", same.last().unwrap()), "{options}");
        assert_eq!(names(&fuse.path().join("Dir")), [one], "{options}");
        let folded = fs::read_dir(fuse.path().join("DIR"));
        assert_eq!(folded.is_ok(), options == "fold" || options == "fold-case", "{options}");
        // Removed by one spelling, gone under all.
        fs::remove_file(at(same.last().unwrap())).unwrap();
        assert!(same.iter().all(|name| !at(name).exists()), "{options}");
    }
}

#[test]
fn capitals_are_folded_as_in_unicode_and_bytes_as_in_ascii() {
    let Some(fuse) = Fuse::mounted("fold") else { return };
    for (created, asked) in [
        (&b"stra\xc3\x9fe"[..], &b"STRASSE"[..]),
        ("ΟΔΟΣ".as_bytes(), "οδος".as_bytes()),
        (b"a\xffB", b"A\xffb"),
    ] {
        let at = |name| fuse.path().join(OsStr::from_bytes(name));
        fs::write(at(created), created).unwrap();
        assert_eq!(fs::read(at(asked)).unwrap(), created);
        fs::remove_file(at(asked)).unwrap();
    }
}

#[test]
fn a_rename_to_another_spelling_respells_or_does_nothing() {
    for (options, after) in [("fold", ["DIR", "FILE"]), ("fold,norespell", ["dir", "file"])] {
        let Some(fuse) = Fuse::mounted(options) else { return };
        let at = |name: &str| fuse.path().join(name);
        fs::create_dir(at("dir")).unwrap();
        fs::write(at("file"), "f").unwrap();
        fs::rename(at("dir"), at("DIR")).unwrap();
        fs::rename(at("file"), at("FILE")).unwrap();
        assert_eq!(names(fuse.path()), after, "{options}");
        // Still usable, under whatever spelling, and back again.
        for dir in ["dir", "DIR", "Dir"] {
            fs::write(at(dir).join(dir), dir).unwrap();
        }
        assert_eq!(names(&at("diR")), ["dir"], "{options}");
        fs::rename(at("DIR"), at("dir")).unwrap();
        fs::rename(at("dir"), at("dIr")).unwrap();
        fs::write(at("DiR").join("other"), "").unwrap();
        assert_eq!(names(&at("dir")), ["dir", "other"], "{options}");
        // Over what has another spelling.
        fs::write(at("tmp"), "new").unwrap();
        fs::rename(at("tmp"), at("fIlE")).unwrap();
        assert_eq!(fs::read_to_string(at("FILE")).unwrap(), "new", "{options}");
        assert_eq!(names(fuse.path()).len(), 2, "{options}");
        let shown = if options == "fold" { "fIlE" } else { "file" };
        assert!(names(fuse.path()).contains(&shown.to_owned()), "{options}: {:?}", names(fuse.path()));
        // Never below itself.
        fs::create_dir(at("dir/sub")).unwrap();
        assert!(fs::rename(at("DIR"), at("dir/sub/x")).is_err(), "{options}");
    }
}

#[test]
fn what_it_lacks_is_refused_or_ignored() {
    let Some(fuse) = Fuse::mounted("nochmod,nolinks,gran2,chars,noflags") else { return };
    let at = |name: &str| fuse.path().join(name);
    fs::write(at("f"), "f").unwrap();
    fs::set_permissions(at("f"), PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(fs::metadata(at("f")).unwrap().mode(), 0o100_755);
    let own = rustix::process::geteuid().as_raw();
    std::os::unix::fs::chown(at("f"), Some(own), None).unwrap();
    if own == 0 {
        let refused = std::os::unix::fs::chown(at("f"), Some(12345), None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    }
    assert_eq!(symlink("f", at("l")).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(fs::hard_link(at("f"), at("h")).unwrap_err().kind(), ErrorKind::PermissionDenied);
    for (given, kept) in [(1_000_000_001, 1_000_000_000), (1_000_000_002, 1_000_000_002)] {
        File::open(at("f")).unwrap().set_modified(UNIX_EPOCH + Duration::new(given, 999)).unwrap();
        assert_eq!(fs::metadata(at("f")).unwrap().modified().unwrap(), UNIX_EPOCH + Duration::new(kept, 0));
    }
    for name in ["a:b", "a*", "a?", "a\"", "a<", "a>", "a|", "a\\", "a\nb"] {
        assert_eq!(File::create(at(name)).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(fs::create_dir(at(name)).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(fs::rename(at("f"), at(name)).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
    }
    use rustix::fs::RenameFlags;
    fs::write(at("g"), "g").unwrap();
    for flags in [RenameFlags::EXCHANGE, RenameFlags::NOREPLACE] {
        let new = if flags == RenameFlags::EXCHANGE { "g" } else { "new" };
        assert_eq!(rename_with(fuse.path(), "f", new, flags), Err(rustix::io::Errno::INVAL));
    }
    assert_eq!(names(fuse.path()), ["f", "g"]);
}

#[test]
fn inode_numbers_can_be_invented() {
    let Some(fuse) = Fuse::mounted("inodes") else { return };
    let path = fuse.path().join("f");
    fs::write(&path, "f").unwrap();
    let inode = || fs::metadata(&path).unwrap().ino();
    assert_ne!(inode(), inode());
    assert_eq!(fs::read_to_string(&path).unwrap(), "f");
}

#[test]
fn locks_can_fail() {
    let flock = |command: &mut Command| command.stderr(Stdio::null()).status().unwrap().success();
    let Some(fuse) = Fuse::mounted("noflock") else { return };
    let file = File::create(fuse.path().join("f")).unwrap();
    let std::fs::TryLockError::Error(error) = file.try_lock().unwrap_err() else { panic!("somebody has it") };
    assert_eq!(error.raw_os_error(), Some(libc::ENOLCK));
    let record = rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive);
    assert_eq!(record, Err(rustix::io::Errno::NOLCK));
    // Linux does not ask about directories; a filter of system calls answers there.
    if !Path::new("/usr/bin/flock").exists() {
        return skipped("flock(1) is not installed");
    }
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("/usr/bin/flock");
    command.arg("-n").arg(dir.path()).arg("true");
    assert!(flock(&mut command));
    without_flock(&mut command, libc::ENOLCK);
    assert!(!flock(&mut command));
}

#[test]
fn the_real_rsync_fills_it() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new().with_pipe(&upstream);
    for options in ["", "fold", "fold,nochmod,nolinks,gran2,chars,noflags,norespell,inodes"] {
        let Some(fuse) = Fuse::mounted(options) else { return };
        let dest = fuse.path().join("m/");
        let rsync = |flags: &str| {
            let args = [flags, "--modify-window=1", "--stats", &upstream.url("m/"), dest.to_str().unwrap()];
            Running::start(env.program("rsync", args)).wait().expect_code(0).out()
        };
        let files =
            tree(&upstream.root()).into_iter().filter(|(path, _)| upstream.root().join(path).is_file());
        let files: Vec<PathBuf> = files.map(|(path, _)| path).collect();
        let moved = |out: &str, n: usize| {
            let line = format!("Number of regular files transferred: {n}\n");
            assert!(out.contains(&line), "{options}: {out}");
        };
        moved(&rsync("-rt"), files.len());
        for file in &files {
            assert_eq!(fs::read(dest.join(file)).unwrap(), fs::read(upstream.root().join(file)).unwrap());
        }
        moved(&rsync("-rt"), 0);
    }
}

#[test]
fn two_names_of_the_source_become_one_file() {
    let upstream = Upstream::new();
    upstream.write("name", "small");
    upstream.write("NAME", "CAPITAL");
    let env = Env::new().with_pipe(&upstream);
    let Some(fuse) = Fuse::mounted("fold") else { return };
    let dest = fuse.path().join("m/");
    let args = ["-r", &upstream.url("m/"), dest.to_str().unwrap()];
    Running::start(env.program("rsync", args)).wait().expect_code(0);
    assert_eq!(names(&dest).len(), 1);
}

/// For users who are not root, and for machines where root may not mount.
#[test]
fn the_helper_mounts_it_too() {
    let Some(fuse) = Fuse::mounted_by_helper("fold") else { return };
    assert!(is_mounted(fuse.path()));
    fs::write(fuse.path().join("a"), "a").unwrap();
    assert_eq!(fs::read_to_string(fuse.path().join("A")).unwrap(), "a");
}

#[test]
fn it_is_unmounted_whatever_happens() {
    let Some(fuse) = Fuse::mounted("") else { return };
    let (path, pid) = (fuse.path().to_owned(), fuse.pid());
    let open = File::create(path.join("open")).unwrap();
    assert!(is_mounted(&path));
    // By a panic, and although somebody has a file open there.
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _fuse = fuse;
        std::panic::resume_unwind(Box::new("a panic"));
    }));
    assert!(panicked.is_err());
    assert!(!is_mounted(&path) && !path.exists() && !is_running(pid));
    assert!(open.metadata().is_err());

    // The server is killed: nobody hangs, and the mount goes all the same.
    let Some(fuse) = Fuse::mounted("") else { return };
    let path = fuse.path().to_owned();
    File::create(path.join("f")).unwrap();
    kill(fuse.pid());
    eventually("the kernel knows", || fs::metadata(path.join("f")).is_err());
    drop(fuse);
    assert!(!is_mounted(&path) && !path.exists());
}

const WAITS: &str = "PDB_SYNC_TEST_WAITS";

/// What a test process that is killed leaves behind: nothing that is mounted. That process runs the same test, with [`WAITS`].
#[test]
fn the_mount_does_not_outlive_the_tests() {
    if std::env::var_os(WAITS).is_some() {
        return mount_and_wait();
    }
    if Fuse::mounted("").is_none() {
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "support_fuse::the_mount_does_not_outlive_the_tests", "--nocapture"]);
    command.env(WAITS, "yes").stdin(Stdio::piped());
    let tests = Running::start(command);
    tests.until_said(" mounted at");
    let (said, _) = tests.so_far();
    let path = said.lines().find_map(|line| line.split_once(" mounted at ")).unwrap().1;
    let path = PathBuf::from(path);
    assert!(is_mounted(&path));
    kill(tests.pid());
    eventually("it is unmounted", || !is_mounted(&path));
    fs::remove_dir(path).unwrap();
}

fn mount_and_wait() {
    let fuse = Fuse::mounted("").unwrap();
    // It answers, so that its server is at work.
    names(fuse.path());
    let said = format!("\nfile system mounted at {}\n", fuse.path().display());
    std::io::stdout().write_all(said.as_bytes()).unwrap();
    let _ = std::io::stdin().read(&mut [0]);
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
