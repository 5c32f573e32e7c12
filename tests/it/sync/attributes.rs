//! Attributes that cannot be set are told and hold nothing up; contents that do not come stop deletions.

use crate::support::{Ended, Env, Fuse, Running, one_job, skipped};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

/// Who owns the mirror.
const OWNER: u32 = 65532;
/// The group that may write there.
const GROUP: u32 = 65533;
/// A member of the group, who runs the program.
const MEMBER: [&str; 3] = ["--reuid=65531", "--regid=65533", "--clear-groups"];

/// A source, a mirror of it in directories of somebody else that a group may write in, and a job.
struct Shared {
    env: Env,
    source: PathBuf,
    mirror: PathBuf,
    program: PathBuf,
}

impl Shared {
    /// `None`, and said, where nobody can become somebody else. The mirror is `mirror`, or one beside the source.
    fn new(mirror: Option<&Path>) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skipped("only root can become somebody else");
            return None;
        }
        let env = Env::new();
        let (source, program) = (env.dir().join("source"), env.dir().join("pdb-sync"));
        let mirror = mirror.map_or_else(|| env.mirror("j"), Path::to_owned);
        fs::copy(env!("CARGO_BIN_EXE_pdb-sync"), &program).unwrap();
        for (dir, mode) in [(&source, 0o755), (&mirror, 0o2775)] {
            fs::create_dir_all(dir.join("d")).unwrap();
            for path in [dir.clone(), dir.join("d")] {
                chown(&path, Some(OWNER), Some(GROUP)).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            }
        }
        for path in [env.dir(), mirror.parent().unwrap()] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::create_dir(env.state()).unwrap();
        chown(env.state(), Some(65531), Some(GROUP)).unwrap();
        for name in ["a", "d/b", "d/old"] {
            fs::write(source.join(name), name).unwrap();
            make_old(&source.join(name));
        }
        let shared = Shared { env, source, mirror, program };
        shared.configure("");
        Some(shared)
    }

    fn configure(&self, more: &str) {
        let source = format!("{}/", self.source.display());
        let config = one_job(
            &[&source],
            &self.mirror,
            &format!("delete = true\nmax_delete = 50\nretries = 0\n{more}"),
        );
        fs::write(self.env.config(), config).unwrap();
    }

    fn run_as(&self, who: &[&str]) -> Ended {
        let args = who.iter().map(OsStr::new).chain([self.program.as_os_str()]);
        let args = args.chain(["sync", "j", "--json"].map(OsStr::new));
        Running::start(self.env.program("setpriv", args)).wait()
    }

    fn run(&self) -> Ended {
        self.run_as(&MEMBER)
    }

    fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.mirror.join(name)).is_ok()
    }
}

/// Gives an entry a time that nothing else here has.
fn make_old(path: &Path) {
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

/// The message and the hint of a run that went well but for attributes.
#[track_caller]
fn warned(ended: &Ended) -> (String, String) {
    let finished = ended.finished();
    assert_eq!((ended.code(), &finished["status"]), (0, &Value::from("warned")), "{ended}");
    let text = |key: &str| finished[key].as_str().unwrap_or_default().to_owned();
    (text("error"), text("hint"))
}

/// Takes the options out of a hint into the configuration: with them the job has nothing left to tell.
#[track_caller]
fn heeded(shared: &Shared, hint: &str, more: &str, run: impl Fn() -> Ended) {
    let options = &hint[hint.find("rsync_args = [").expect(hint)..];
    let options = &options[..=options.find(']').unwrap()];
    let checksum = if hint.contains("checksum = true") { "checksum = true" } else { "" };
    shared.configure(&format!("{}\n{checksum}", options.replace('[', &format!("[{more}"))));
    let ended = run();
    assert_eq!((ended.code(), &ended.finished()["status"]), (0, &Value::from("ok")), "{hint}: {ended}");
}

#[test]
fn modes_and_times_of_directories_of_somebody_else_hold_nothing_up() {
    let Some(shared) = Shared::new(None) else { return };
    let (error, _) = warned(&shared.run());
    assert!(error.starts_with("attributes of 2 entries could not be set"), "{error}");
    assert!(error.ends_with("all contents are here") && !error.contains("left out"), "{error}");
    fs::remove_file(shared.source.join("d/old")).unwrap();
    fs::write(shared.source.join("d/new"), "new").unwrap();
    let ended = shared.run();
    let (error, hint) = warned(&ended);
    assert!(error.contains("permissions") && hint.contains("\"--chmod=Dg+ws\""), "{ended}");
    assert_eq!(ended.finished()["files_deleted"], 1, "{ended}");
    assert!(shared.has("d/new") && !shared.has("d/old"));
    // Nothing comes again, and nothing is wrong.
    let ended = shared.run();
    warned(&ended);
    assert_eq!(ended.finished()["files_transferred"], 0, "{ended}");

    // With the same modes only the times differ.
    for dir in ["", "d"] {
        fs::set_permissions(shared.source.join(dir), fs::Permissions::from_mode(0o2775)).unwrap();
        make_old(&shared.source.join(dir));
    }
    let (error, hint) = warned(&shared.run());
    assert!(
        error.contains("(times of directories)") && hint.contains("[\"--omit-dir-times\"]"),
        "{error}: {hint}"
    );
    heeded(&shared, &hint, "", || shared.run());
}

#[test]
fn an_owner_that_cannot_be_set_holds_nothing_up() {
    let Some(shared) = Shared::new(None) else { return };
    chown(shared.source.join("a"), Some(OWNER), Some(OWNER)).unwrap();
    symlink("a", shared.source.join("link")).unwrap();
    shared.configure("rsync_args = [\"-o\", \"-g\"]");
    // As in a container, or on a file system that another machine exports to nobody.
    let who = ["--bounding-set=-chown,-fsetid", "--inh-caps=-chown,-fsetid"];
    let run = || shared.run_as(&who);
    let (error, hint) = warned(&run());
    assert!(error.contains("owner, group") && !error.contains("/."), "{error}");
    fs::remove_file(shared.source.join("d/old")).unwrap();
    warned(&run());
    assert!(!shared.has("d/old"));
    heeded(&shared, &hint, "\"-o\", \"-g\", ", run);
}

#[test]
fn an_owner_that_only_root_can_set_is_all_that_is_given_up() {
    let Some(shared) = Shared::new(None) else { return };
    let args = "rsync_args = [\"-o\", \"-g\", \"--super\", \"--no-perms\", \"--omit-dir-times\"]";
    shared.configure(args);
    let (error, hint) = warned(&shared.run());
    assert!(error.contains("owner"), "{error}");
    assert!(
        hint.contains("\"--no-owner\"") && !hint.contains("times") && !hint.contains("checksum"),
        "{hint}"
    );
    heeded(&shared, &hint, "\"-o\", \"-g\", \"--super\", \"--no-perms\", \"--omit-dir-times\", ", || {
        shared.run()
    });
}

#[test]
fn contents_that_cannot_be_written_stop_deletions_whatever_they_are() {
    let Some(shared) = Shared::new(None) else { return };
    fs::write(shared.source.join("d/linked"), "x").unwrap();
    warned(&shared.run());
    // From here on nobody but its owner writes in `d`.
    fs::set_permissions(shared.mirror.join("d"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(shared.source.join("a")).unwrap();
    let new = shared.source.join("d/new");
    let make: [(&str, &dyn Fn()); 5] = [
        ("a file", &|| fs::write(&new, "x").unwrap()),
        ("a symbolic link", &|| symlink("b", &new).unwrap()),
        ("a directory", &|| fs::create_dir(&new).unwrap()),
        ("a hard link", &|| fs::hard_link(shared.source.join("d/linked"), &new).unwrap()),
        ("a special file", &|| {
            let mode = rustix::fs::Mode::from_raw_mode(0o644);
            rustix::fs::mknodat(rustix::fs::CWD, &new, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }),
    ];
    shared.configure("rsync_args = [\"-H\", \"--specials\"]");
    for (what, make) in make {
        make();
        let ended = shared.run().expect_code(3);
        let error = ended.finished()["error"].as_str().unwrap().to_owned();
        assert_eq!(ended.finished()["status"], "partial", "{what}: {ended}");
        assert!(error.contains("nothing was deleted") && shared.has("a"), "{what}: {ended}");
        assert!(error.contains("d/new") && !error.contains("d/.new"), "{what}: {error}");
        if fs::remove_file(&new).is_err() {
            fs::remove_dir(&new).unwrap();
        }
    }
    // A link to another place is a content, too.
    fs::set_permissions(shared.mirror.join("d"), fs::Permissions::from_mode(0o2775)).unwrap();
    symlink("b", &new).unwrap();
    fs::write(shared.source.join("a"), "a").unwrap();
    warned(&shared.run());
    fs::remove_file(&new).unwrap();
    symlink("linked", &new).unwrap();
    fs::remove_file(shared.source.join("a")).unwrap();
    fs::set_permissions(shared.mirror.join("d"), fs::Permissions::from_mode(0o755)).unwrap();
    let ended = shared.run().expect_code(3);
    let error = ended.finished()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("d/new") && !error.contains("d/.new") && shared.has("a"), "{ended}");
}

#[test]
fn a_file_whose_time_cannot_be_set_is_judged_by_its_checksum() {
    let Some(shared) = Shared::new(None) else { return };
    shared.configure("rsync_args = [\"--inplace\", \"--no-perms\", \"--omit-dir-times\"]");
    for (name, mode) in [("a", 0o664), ("d/b", 0o664)] {
        let path = shared.mirror.join(name);
        fs::write(&path, name).unwrap();
        chown(&path, Some(OWNER), Some(GROUP)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        fs::File::open(&path).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    }
    let (error, hint) = warned(&shared.run());
    assert!(error.starts_with("attributes of 2 entries could not be set (times of files)"), "{error}");
    fs::remove_file(shared.source.join("d/old")).unwrap();
    warned(&shared.run());
    assert!(!shared.has("d/old"));
    heeded(&shared, &hint, "\"--inplace\", \"--no-perms\", ", || shared.run());

    // The same size and other contents, which cannot be written.
    shared.configure("rsync_args = [\"--inplace\", \"--no-perms\", \"--omit-dir-times\"]");
    fs::set_permissions(shared.mirror.join("a"), fs::Permissions::from_mode(0o444)).unwrap();
    fs::write(shared.mirror.join("a"), "z").unwrap();
    fs::File::open(shared.mirror.join("a")).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    fs::remove_file(shared.source.join("d/b")).unwrap();
    let ended = shared.run().expect_code(3);
    assert!(ended.finished()["error"].as_str().unwrap().contains("nothing was deleted"), "{ended}");
    assert!(shared.has("d/b"));
}

#[test]
fn a_mirror_of_another_owner_without_times_is_taken_over() {
    let Some(shared) = Shared::new(None) else { return };
    shared.configure("adopt = \"checksum\"\nrsync_args = [\"--no-perms\", \"--omit-dir-times\"]");
    for (name, contents) in [("a", "a"), ("d/b", "X/b"), ("d/foreign", "x")] {
        let path = shared.mirror.join(name);
        fs::write(&path, contents).unwrap();
        chown(&path, Some(OWNER), Some(GROUP)).unwrap();
    }
    let ended = shared.run();
    let (error, _) = warned(&ended);
    assert!(error.contains("1 file was not deleted, since this is the first run"), "{ended}");
    assert_eq!(ended.events("adopted")[0]["same_size"], 2, "{ended}");
    assert_eq!(fs::read_to_string(shared.mirror.join("d/b")).unwrap(), "d/b");
    assert!(shared.has("d/foreign"));
    // Files whose time could not be set are this user's now.
    let ended = shared.run();
    assert_eq!((ended.code(), &ended.finished()["status"]), (0, &Value::from("ok")), "{ended}");
    assert_eq!(ended.finished()["files_transferred"], 0, "{ended}");
    assert!(!shared.has("d/foreign"));
}

#[test]
fn a_file_system_without_owners_and_modes_holds_nothing_up() {
    let Some(fuse) = Fuse::mounted("nochmod") else { return };
    let (env, mirror) = (Env::new(), fuse.path().join("j"));
    let source = env.dir().join("source");
    fs::create_dir(&source).unwrap();
    for name in ["a", "old"] {
        fs::write(source.join(name), name).unwrap();
        fs::set_permissions(source.join(name), fs::Permissions::from_mode(0o640)).unwrap();
    }
    let owned = rustix::process::geteuid().is_root();
    if owned {
        chown(source.join("a"), Some(OWNER), Some(GROUP)).unwrap();
    }
    let more = "delete = true\nrsync_args = [\"-o\", \"-g\"]";
    let env = env.with_config(&one_job(&[&format!("{}/", source.display())], &mirror, more));
    env.run(["sync", "j"]).expect_code(0);
    fs::remove_file(source.join("old")).unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert!(mirror.join("a").exists() && !mirror.join("old").exists(), "{ended}");
    if owned {
        let (error, hint) = warned(&ended);
        assert!(error.contains("owner, group"), "{error}");
        assert!(hint.contains("--no-owner") && hint.contains("--no-group"), "{hint}");
    }
}

#[test]
fn a_mirror_on_tmpfs_of_somebody_else_is_no_different() {
    let Ok(tmpfs) = tempfile::Builder::new().prefix("pdb-sync-").tempdir_in("/dev/shm") else {
        return skipped("there is no /dev/shm to write in");
    };
    let Some(shared) = Shared::new(Some(&tmpfs.path().join("j"))) else { return };
    warned(&shared.run());
    fs::remove_file(shared.source.join("d/old")).unwrap();
    warned(&shared.run());
    assert!(!shared.has("d/old"));
    assert_eq!(fs::metadata(shared.mirror.join("d")).unwrap().uid(), OWNER);
}
