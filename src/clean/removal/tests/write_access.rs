//! Tests of directories without write permission. Modes do not restrict root, so root becomes nobody in a thread of the test.

use super::*;
use crate::clean::removal::write_access::NotWritable;
use rustix::process::{getegid, geteuid};
use std::os::unix::fs::{PermissionsExt, chown};

const NOBODY: u32 = 65534;

/// Runs a test as an ordinary user, in a directory of that user.
fn as_user(test: impl FnOnce(&Place) + Send) {
    let place = place();
    if !geteuid().is_root() {
        return test(&place);
    }
    if !cfg!(target_os = "linux") {
        eprintln!("SKIPPED: only Linux lets one thread become somebody else");
        return;
    }
    for path in [place._home.path(), &place.root, &place.root.join("ab")] {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            #[cfg(target_os = "linux")]
            {
                use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
                let (user, group) = (rustix::fs::Uid::from_raw(NOBODY), rustix::fs::Gid::from_raw(NOBODY));
                set_thread_groups(&[]).unwrap();
                set_thread_res_gid(group, group, group).unwrap();
                set_thread_res_uid(user, user, user).unwrap();
            }
            test(&place);
        });
    });
}

fn close(dir: &Path, mode: u32) {
    fs::set_permissions(dir, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(dir: &Path) -> u32 {
    fs::metadata(dir).unwrap().mode() & 0o7777
}

fn records(place: &Place) -> usize {
    let entries = fs::read_dir(place.root.with_file_name("state").join("journal"));
    entries.into_iter().flatten().flatten().filter(|e| e.path().to_string_lossy().contains(".modes.")).count()
}

/// Opens the tree as the next run does.
fn again(place: &Place) -> Arc<WriteAccess> {
    let state = place.root.with_file_name("state");
    WriteAccess::new(place.dir.try_clone().unwrap(), &place.root, &state).unwrap()
}

/// Leaves the state of a killed run: the mode is changed and not restored.
fn killed(place: &Place, path: &[u8]) {
    let access = again(place);
    let dir = open_below::open_below(&place.dir, path).unwrap();
    std::mem::forget(access.make_writable(&dir, path).unwrap().unwrap());
}

#[test]
fn an_entry_goes_and_the_mode_is_what_it_was() {
    as_user(|place| {
        let dir = place.root.join("ab");
        for was in [0o555, 0o1555, 0o2555, 0o3550, 0o500] {
            for removal_mode in [RemovalMode::Quarantine, RemovalMode::Delete] {
                let path = format!("ab/{was}-{}", removal_mode.word());
                fs::write(place.root.join(&path), "x").unwrap();
                File::open(&dir).unwrap().set_modified(OLD).unwrap();
                close(&dir, was);
                let did = place.take(&path, place.stamp(&path), &removal_mode);
                assert!(matches!(did, RemoveOutcome::Done(_)), "{did:?}");
                assert!(!place.root.join(&path).exists());
                assert_eq!((mode(&dir), fs::metadata(&dir).unwrap().modified().unwrap()), (was, OLD));
                close(&dir, 0o755);
            }
        }
        // The root itself.
        fs::write(place.root.join("top"), "x").unwrap();
        close(&place.root, 0o555);
        assert_eq!(
            place.take("top", place.stamp("top"), &RemovalMode::Quarantine),
            RemoveOutcome::Done(EntryOutcome::Quarantined)
        );
        assert_eq!((mode(&place.root), place.access.take_troubles()), (0o555, Vec::new()));
        place.undo();
        assert!(place.root.join("top").exists() && !place.root.join(".pdb-sync").exists());
        assert_eq!(mode(&place.root), 0o555);
        close(&place.root, 0o755);
    });
}

#[test]
fn threads_in_one_directory_count_as_one() {
    as_user(|place| {
        let dir = place.root.join("ab");
        let names: Vec<String> = (0..4_000).map(|n| format!("{n:04}")).collect();
        names.iter().for_each(|name| fs::write(dir.join(name), "").unwrap());
        close(&dir, 0o555);
        std::thread::scope(|scope| {
            for part in names.chunks(500) {
                scope.spawn(move || {
                    for name in part {
                        let path = format!("ab/{name}");
                        let did = place.take(&path, place.stamp(&path), &RemovalMode::Delete);
                        assert_eq!(did, RemoveOutcome::Done(EntryOutcome::Deleted), "{path}");
                    }
                });
            }
        });
        assert_eq!((mode(&dir), fs::read_dir(&dir).unwrap().count()), (0o555, 0));
    });
}

/// The recorded metadata of a directory is the original, even while other threads work in it.
#[test]
fn a_directory_that_is_writable_for_a_moment_is_seen_as_it_is() {
    as_user(|place| {
        close(&place.root.join("ab"), 0o2555);
        let first = Parent::open_to_change(&place.access, b"ab").unwrap();
        first.changes().unwrap();
        assert_eq!(mode(&place.root.join("ab")), 0o2755);
        let second = Parent::open_to_change(&place.access, b"ab").unwrap();
        assert_eq!(second.was().mode, 0o2555);
        second.changes().unwrap();
        drop(first);
        assert_eq!(mode(&place.root.join("ab")), 0o2755, "the second still works there");
        drop(second);
        assert_eq!(mode(&place.root.join("ab")), 0o2555);
        let looking = Parent::open_to_change(&place.access, b"ab").unwrap();
        assert_eq!(
            records(place),
            1,
            "who only looks changes nothing, and the record is there until the end"
        );
        drop(looking);
    });
}

#[test]
fn nothing_is_changed_that_is_not_written_down() {
    as_user(|place| {
        let dir = place.root.join("ab");
        fs::write(dir.join("x"), "x").unwrap();
        close(&dir, 0o555);
        fs::write(place.root.with_file_name("state"), "in the way").unwrap();
        let RemoveOutcome::Failed(why) = place.take("ab/x", place.stamp("ab/x"), &RemovalMode::Delete) else {
            panic!()
        };
        assert!(why.contains("cannot be recorded: ") && why.contains("state/journal"), "{why}");
        assert_eq!(mode(&dir), 0o555);
        fs::remove_file(place.root.with_file_name("state")).unwrap();
        // Nor where a record of a newer version exists.
        killed(place, b"ab");
        close(&dir, 0o555);
        let record =
            fs::read_dir(place.root.with_file_name("state/journal")).unwrap().next().unwrap().unwrap();
        let text = fs::read_to_string(record.path()).unwrap();
        fs::write(record.path(), text.replace("\"v\":1", "\"v\":9")).unwrap();
        let access = again(place);
        access.put_back();
        let troubles = access.take_troubles();
        assert!(troubles.len() == 1 && troubles[0].contains("a newer version"), "{troubles:?}");
        let parent = Parent::open_to_change(&access, b"ab").unwrap();
        assert!(matches!(parent.changes(), Err(NotWritable::Unwritten(_))));
        assert_eq!((mode(&dir), records(place)), (0o555, 1));
    });
}

#[test]
fn after_a_kill_the_next_one_puts_back_what_is_still_as_it_was_left() {
    as_user(|place| {
        let dir = |name: &str| place.root.join(name);
        for name in ["b", "b/c", "moved", "chmod", "gone"] {
            fs::create_dir(dir(name)).unwrap();
        }
        for name in ["ab", "b/c", "b", "moved", "chmod", "gone"] {
            close(&dir(name), 0o1555);
            killed(place, name.as_bytes());
            assert_eq!(mode(&dir(name)), 0o1755, "{name}");
        }
        // A line that was truncated when the machine crashed.
        let record =
            fs::read_dir(place.root.with_file_name("state/journal")).unwrap().next().unwrap().unwrap();
        let mut text = fs::read(record.path()).unwrap();
        text.extend_from_slice(b"{\"changed\":{\"path\":\"x");
        fs::write(record.path(), text).unwrap();
        // Other processes have changed the tree.
        fs::rename(dir("moved"), dir("elsewhere")).unwrap();
        fs::create_dir(dir("moved")).unwrap();
        close(&dir("moved"), 0o1755);
        close(&dir("chmod"), 0o700);
        fs::remove_dir(dir("gone")).unwrap();
        symlink("ab", dir("gone")).unwrap();
        let access = again(place);
        access.put_back();
        assert_eq!((access.take_troubles(), records(place)), (Vec::new(), 0));
        for (name, expected) in
            [("ab", 0o1555), ("b", 0o1555), ("b/c", 0o1555), ("moved", 0o1755), ("chmod", 0o700)]
        {
            assert_eq!(mode(&dir(name)), expected, "{name}");
        }
    });
}

#[test]
fn a_record_of_a_tree_that_holds_this_one_counts_unless_its_writer_is_alive() {
    as_user(|place| {
        let (inner, state) = (place.root.join("ab"), place.root.with_file_name("state"));
        fs::create_dir(inner.join("c")).unwrap();
        close(&inner.join("c"), 0o555);
        let below = || {
            let dir = File::open(&inner).unwrap();
            let access = WriteAccess::new(dir, &inner, &state).unwrap();
            access.put_back();
            assert_eq!(access.take_troubles(), Vec::<String>::new());
            mode(&inner.join("c"))
        };
        let access = again(place);
        let parent = Parent::open_to_change(&access, b"ab/c").unwrap();
        parent.changes().unwrap();
        assert_eq!(below(), 0o755, "somebody is at work there");
        drop(parent);
        drop(access);
        assert_eq!((below(), records(place)), (0o555, 0));
        // The lock of a killed process is released with it.
        killed(place, b"ab/c");
        let record = fs::read_dir(state.join("journal")).unwrap().next().unwrap().unwrap().path();
        let text = fs::read(&record).unwrap();
        fs::remove_file(&record).unwrap();
        fs::write(&record, text).unwrap();
        // The record is removed by a run of that tree.
        assert_eq!((below(), records(place)), (0o555, 1));
        again(place).put_back();
        assert_eq!(records(place), 0);
    });
}

#[test]
fn undo_makes_such_directories_again() {
    as_user(|place| {
        fs::create_dir(place.root.join("ab/c")).unwrap();
        fs::write(place.root.join("ab/c/x"), "x").unwrap();
        for dir in ["ab/c", "ab"] {
            File::open(place.root.join(dir)).unwrap().set_modified(OLD).unwrap();
            close(&place.root.join(dir), 0o555);
        }
        let entries: Vec<_> = ["ab/c/x", "ab/c", "ab"].map(|path| applying::entry(place, path)).into();
        let applied = applying::apply(place, &entries, &RemovalMode::Quarantine, None, 2);
        assert_eq!((applied.quarantined, applied.deleted), (1, 2), "{applied:?}");
        assert!(!place.root.join("ab").exists());
        let undone = place.undo();
        assert_eq!((undone.restored, undone.failed), (3, 0), "{undone:?}");
        for dir in ["ab", "ab/c"] {
            let meta = fs::metadata(place.root.join(dir)).unwrap();
            assert_eq!((meta.mode() & 0o7777, meta.modified().unwrap()), (0o555, OLD), "{dir}");
        }
        assert_eq!((geteuid().as_raw(), getegid().as_raw()), {
            let meta = fs::metadata(place.root.join("ab/c")).unwrap();
            (meta.uid(), meta.gid())
        });
    });
}

/// rsync may give the directories of its backups the modes of the mirror.
#[test]
fn such_directories_in_the_quarantine_are_undone_escaped_and_purged() {
    for what in ["undo", "escape", "purge"] {
        as_user(|place| {
            place.quarantine.prepare().unwrap();
            let layer = place.root.join(".pdb-sync/quarantine/RUN1/replaced-100");
            fs::create_dir_all(layer.join("ab/c")).unwrap();
            for name in ["ab/x", "ab/c/y"] {
                fs::write(layer.join(name), name).unwrap();
            }
            for dir in ["ab/c", "ab", ""] {
                close(&layer.join(dir), 0o555);
            }
            let journal = place.journal();
            journal.line(&Line::Begin(place.begin())).unwrap();
            match what {
                "undo" => {
                    let undone = place.undo();
                    // The directory `c` is recreated too.
                    assert_eq!((undone.restored, undone.failed), (3, 0), "{undone:?}");
                }
                "escape" => {
                    let state = place.root.with_file_name("state");
                    let left = escape_quarantines(&place.access, &state, &|| false);
                    assert_eq!(left, Unescaped::default());
                    assert!(!layer.exists());
                    assert_eq!(place.undo().restored, 3);
                }
                _ => {
                    let (order, now) = (Order::OlderThan(Duration::ZERO), crate::retention::now());
                    let (tree, begun, stop) = (&place.access, |_: &str| Ok(()), || false);
                    let purged = purge(&Purge {
                        tree,
                        order,
                        now: &now,
                        dry: false,
                        begun: &begun,
                        stop: &stop,
                        meter: &ApplyProgress::default(),
                    });
                    let purged = purged.unwrap();
                    assert_eq!((purged.entries, purged.why.len()), (2, 0), "{purged:?}");
                }
            }
            assert!(!place.root.join(".pdb-sync").exists(), "{what}");
        });
    }
}

#[test]
fn what_is_not_ours_is_left_and_told() {
    if !geteuid().is_root() {
        eprintln!("SKIPPED: directories of others: only root can make them");
        return;
    }
    as_user(|place| {
        let access = WriteAccess::new(File::open("/usr").unwrap(), Path::new("/usr"), &place.root).unwrap();
        let parent = Parent::open_to_change(&access, b"bin").unwrap();
        let Err(why) = parent.changes() else { panic!("/usr/bin is writable for nobody") };
        let why = why.to_string();
        assert!(why.contains("its directory belongs to root, group "), "{why}");
        assert_eq!(take_dir(&parent, b"no-such-entry", None), RemoveOutcome::Gone);
    });
}
