//! Tests of backup and trash.

use super::*;
use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};
use std::os::unix::fs::{PermissionsExt, chown};

/// A directory on another file system, if there is one.
pub(super) fn elsewhere() -> tempfile::TempDir {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { tempfile::tempdir_in(shm).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// `/dev/shm` is another file system if it exists; elsewhere the test runs within one file system.
#[test]
fn a_backup_on_another_file_system_is_whole_and_never_over_an_older_one() {
    let place = place();
    let other = elsewhere();
    let removal_mode = RemovalMode::Backup(Backup::open(&other.path().join("backup"), &place.root).unwrap());
    let text = "x".repeat(300_000);
    fs::write(place.root.join("ab/x"), &text).unwrap();
    let mtime = fs::metadata(place.root.join("ab/x")).unwrap().mtime();
    symlink("nowhere", place.root.join("ab/link")).unwrap();
    for name in ["ab/x", "ab/link"] {
        assert_eq!(
            place.take(name, place.stamp(name), &removal_mode),
            RemoveOutcome::Done(EntryOutcome::Backup),
            "{name}"
        );
    }
    let kept = other.path().join("backup/ab");
    assert_eq!(fs::read_to_string(kept.join("x")).unwrap(), text);
    assert_eq!(fs::metadata(kept.join("x")).unwrap().mtime(), mtime);
    assert_eq!(fs::read_link(kept.join("link")).unwrap(), Path::new("nowhere"));
    fs::write(place.root.join("ab/x"), "second").unwrap();
    let RemoveOutcome::Failed(why) = place.take("ab/x", place.stamp("ab/x"), &removal_mode) else {
        panic!("over an older one")
    };
    assert!(why.ends_with("it was put back"), "{why}");
    assert_eq!(fs::read_to_string(place.root.join("ab/x")).unwrap(), "second");
    assert_eq!(fs::read_to_string(kept.join("x")).unwrap(), text);
    assert!(Backup::open(&place.root.join("in"), &place.root).is_err());
}

#[test]
fn the_trash_has_a_note_for_each() {
    let place = place();
    let trash = place.root.with_file_name("Trash");
    let removal_mode = RemovalMode::Trash(Trash::open(&trash, &place.root).unwrap());
    for n in 0..2 {
        fs::write(place.root.join("ab/x y"), format!("{n}")).unwrap();
        assert_eq!(
            place.take("ab/x y", place.stamp("ab/x y"), &removal_mode),
            RemoveOutcome::Done(EntryOutcome::Trashed)
        );
    }
    assert_eq!(fs::read_to_string(trash.join("files/x y")).unwrap(), "0");
    assert_eq!(fs::read_to_string(trash.join("files/x y.1")).unwrap(), "1");
    let note = fs::read_to_string(trash.join("info/x y.1.trashinfo")).unwrap();
    assert!(note.contains("/mirror/ab/x%20y\nDeletionDate=20"), "{note}");
}

#[test]
fn a_backup_keeps_owner_mode_and_attributes_or_refuses() {
    let place = place();
    let other = elsewhere();
    let removal_mode = RemovalMode::Backup(Backup::open(other.path(), &place.root).unwrap());
    let file = place.root.join("ab/x");
    fs::write(&file, "mine").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let root = rustix::process::geteuid().is_root();
    if root {
        chown(&file, Some(1234), Some(1235)).unwrap();
        symlink("x", place.root.join("ab/link")).unwrap();
        std::os::unix::fs::lchown(place.root.join("ab/link"), Some(1234), Some(1235)).unwrap();
    } else {
        eprintln!("skipped in part: only root can give a file away");
    }
    let handle = File::open(&file).unwrap();
    let name = "user.pdb-sync-test";
    let has = fsetxattr(&handle, name, b"value", XattrFlags::empty()).is_ok();
    let could = File::create(other.path().join("probe"))
        .is_ok_and(|probe| fsetxattr(probe, name, b"value", XattrFlags::empty()).is_ok());
    let taken = place.take("ab/x", place.stamp("ab/x"), &removal_mode);
    if has && !could {
        let RemoveOutcome::Failed(why) = taken else { panic!("{taken:?}") };
        assert!(why.contains(name) && why.ends_with("it was put back"), "{why}");
        assert!(file.exists());
        return;
    }
    assert_eq!(taken, RemoveOutcome::Done(EntryOutcome::Backup));
    let kept = other.path().join("ab/x");
    let meta = fs::metadata(&kept).unwrap();
    assert_eq!(meta.mode() & 0o7777, 0o640);
    if root {
        assert_eq!((meta.uid(), meta.gid()), (1234, 1235));
        assert_eq!(
            place.take("ab/link", place.stamp("ab/link"), &removal_mode),
            RemoveOutcome::Done(EntryOutcome::Backup)
        );
        let meta = fs::symlink_metadata(other.path().join("ab/link")).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (1234, 1235));
    }
    let mut value = [0; 16];
    if has {
        let size = fgetxattr(File::open(&kept).unwrap(), name, &mut value).unwrap();
        assert_eq!(&value[..size], b"value");
    } else {
        eprintln!("skipped in part: no extended attributes here");
    }
}

#[test]
fn a_copy_that_was_cut_short_is_made_again() {
    let place = place();
    let other = elsewhere();
    let removal_mode = RemovalMode::Backup(Backup::open(other.path(), &place.root).unwrap());
    // One run was killed during the copy: half of it exists under our own name. One was killed before it removed the original: all of it
    // exists.
    for (name, left) in [("x", None), ("y", Some("contents"))] {
        let path = format!("ab/{name}");
        fs::write(place.root.join(&path), "contents").unwrap();
        let stamp = place.stamp(&path);
        fs::create_dir_all(other.path().join("ab")).unwrap();
        match left {
            None => {
                let part = format!(".pdb-sync-{}.part", &blake3::hash(name.as_bytes()).to_hex()[..24]);
                fs::write(other.path().join("ab").join(part), "cont").unwrap();
            }
            Some(text) => {
                fs::write(other.path().join(&path), text).unwrap();
                let time = fs::metadata(place.root.join(&path)).unwrap().modified().unwrap();
                File::options()
                    .write(true)
                    .open(other.path().join(&path))
                    .unwrap()
                    .set_modified(time)
                    .unwrap();
            }
        }
        assert_eq!(
            place.take(&path, stamp, &removal_mode),
            RemoveOutcome::Done(EntryOutcome::Backup),
            "{name}"
        );
        assert_eq!(fs::read_to_string(other.path().join(&path)).unwrap(), "contents");
    }
    assert_eq!(fs::read_dir(other.path().join("ab")).unwrap().count(), 2, "nothing of ours is left");
}

#[test]
fn a_trash_note_that_waits_is_used() {
    let place = place();
    let trash = place.root.with_file_name("Trash");
    let removal_mode = RemovalMode::Trash(Trash::open(&trash, &place.root).unwrap());
    fs::write(place.root.join("ab/x"), "0").unwrap();
    assert_eq!(
        place.take("ab/x", place.stamp("ab/x"), &removal_mode),
        RemoveOutcome::Done(EntryOutcome::Trashed)
    );
    // As if killed between the info file and the move.
    fs::rename(trash.join("files/x"), place.root.join("ab/x")).unwrap();
    assert_eq!(
        place.take("ab/x", place.stamp("ab/x"), &removal_mode),
        RemoveOutcome::Done(EntryOutcome::Trashed)
    );
    assert_eq!(fs::read_dir(trash.join("info")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(trash.join("files")).unwrap().count(), 1);
}
