use super::*;
use crate::clean::removal::WriteAccess;
use crate::rsync::output::{Change, ChangeKind};
use crate::sync::listing::{self, DeletionWriter};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

struct Tree {
    _home: tempfile::TempDir,
    root: PathBuf,
    list: PathBuf,
}

fn tree() -> Tree {
    let home = tempfile::tempdir().unwrap();
    let (root, list) = (home.path().join("mirror"), home.path().join("list"));
    fs::create_dir_all(root.join("gone/deep")).unwrap();
    for file in ["keep", "gone/a", "gone/deep/b"] {
        fs::write(root.join(file), file).unwrap();
    }
    fs::write(home.path().join("outside"), "precious").unwrap();
    Tree { _home: home, root, list }
}

impl Tree {
    /// The plan of these names.
    fn plan(&self, names: &[&str]) -> Deletions {
        let mut list = DeletionWriter::new(&self.list, false);
        for name in names {
            let dir = name.ends_with('/');
            let name = name.trim_end_matches('/').as_bytes();
            let kind = ChangeKind::Deleted;
            list.push(&Change {
                kind,
                dir,
                file: false,
                link: false,
                size: 0,
                contents: false,
                resized: false,
                marks: b"",
                lacking: false,
                permissions: b"",
                time: b"",
                name,
            });
        }
        let mut list = list.finish();
        list.write_plan(&self.root, listing::header("a", "/s/", false), None);
        list
    }

    fn remove(&self, list: &Deletions) -> Removed {
        let root = File::open(&self.root).unwrap();
        let job = crate::model::job::Job {
            dest: self.root.clone(),
            ..crate::model::job::Job::example("a", "/s/", "/d")
        };
        let state = self.list.with_file_name("state");
        let access = WriteAccess::new(root, &self.root, &state).unwrap();
        let keep = KeepDeleted::new(&access, &job, &state, ("sync", "RUN1"), None).unwrap();
        let removed = remove(&keep, list, &|_| true, &|_| {}, &|| false).unwrap();
        keep.close();
        assert_eq!(fs::read_dir(state.join("journal")).unwrap().count(), 0, "nothing can be brought back");
        removed
    }
}

const GONE: [&str; 4] = ["gone/deep/b", "gone/deep/", "gone/a", "gone/"];

#[test]
fn what_was_counted_goes_and_nothing_else() {
    let tree = tree();
    let list = tree.plan(&GONE);
    assert_eq!(list.tally.bytes, Some("gone/a".len() as u64 + "gone/deep/b".len() as u64));
    let removed = tree.remove(&list);
    assert_eq!(removed, Removed { files: 2, dirs: 2, ..Removed::default() });
    assert_eq!(fs::read_dir(&tree.root).unwrap().count(), 1);
    assert_eq!(tree.remove(&list), Removed::default(), "a second time there is nothing to do");
}

#[test]
fn a_directory_keeps_the_time_that_the_transfer_gave_it() {
    let tree = tree();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    for dir in ["gone", "."] {
        File::open(tree.root.join(dir)).unwrap().set_modified(time).unwrap();
    }
    let list = tree.plan(&["gone/deep/b", "gone/deep/", "keep"]);
    assert_eq!(tree.remove(&list).files, 2);
    for dir in ["gone", "."] {
        assert_eq!(fs::metadata(tree.root.join(dir)).unwrap().modified().unwrap(), time, "{dir}");
    }
}

#[test]
fn what_changed_since_it_was_counted_stays() {
    let tree = tree();
    let list = tree.plan(&GONE);
    fs::remove_file(tree.root.join("gone/a")).unwrap();
    fs::write(tree.root.join("gone/a"), "new").unwrap();
    fs::write(tree.root.join("gone/deep/late"), "new").unwrap();
    let removed = tree.remove(&list);
    assert_eq!((removed.files, removed.dirs, removed.left), (1, 0, 1), "{removed:?}");
    assert!(removed.why[0].starts_with("gone/a: it has changed"), "{removed:?}");
    assert!(tree.root.join("gone/deep/late").exists() && tree.root.join("gone/a").exists());
}

#[test]
fn another_name_of_the_same_file_may_go_before_it() {
    let tree = tree();
    fs::hard_link(tree.root.join("gone/a"), tree.root.join("other")).unwrap();
    let list = tree.plan(&["gone/a"]);
    // As when the transfer replaces a hard link: this changes the ctime of both.
    fs::remove_file(tree.root.join("other")).unwrap();
    assert_eq!(tree.remove(&list), Removed { files: 1, ..Removed::default() });
}

#[test]
fn a_parent_that_became_a_symlink_is_not_followed() {
    let tree = tree();
    let list = tree.plan(&["gone/a"]);
    let real = tree.root.with_file_name("elsewhere");
    fs::rename(tree.root.join("gone"), &real).unwrap();
    symlink(&real, tree.root.join("gone")).unwrap();
    let removed = tree.remove(&list);
    assert_eq!(removed.left, 1);
    assert!(removed.why[0].contains("symlink"), "{removed:?}");
    assert!(real.join("a").exists());
}

#[test]
fn names_that_leave_the_root_make_no_plan() {
    for name in ["../outside", "/etc/hostname", "gone/../keep", "", "."] {
        let tree = tree();
        let list = tree.plan(&[name, "gone/a"]);
        assert!(list.unwritten.is_some() && list.hash().is_none(), "{name}");
        assert_eq!(tree.remove(&list), Removed::default());
        assert!(tree.root.with_file_name("outside").exists() && tree.root.join("gone/a").exists());
        assert!(!tree.list.exists());
    }
}

#[test]
fn what_clean_protects_goes_if_the_source_lacks_it() {
    let tree = tree();
    fs::create_dir_all(tree.root.join("gone/.git/objects")).unwrap();
    for file in ["gone/.git/objects/x", "gone/Cargo.toml"] {
        fs::write(tree.root.join(file), file).unwrap();
    }
    let names = ["gone/.git/objects/x", "gone/.git/objects/", "gone/.git/", "gone/Cargo.toml"];
    let list = tree.plan(&[&names[..], &GONE].concat());
    assert_eq!(tree.remove(&list), Removed { files: 4, dirs: 4, ..Removed::default() });
}

#[test]
fn a_plan_that_is_cut_short_is_an_error() {
    let tree = tree();
    let list = tree.plan(&GONE);
    File::options().write(true).open(&tree.list).unwrap().set_len(900).unwrap();
    let mut plan = list.read().unwrap().unwrap();
    let mut read = || plan.entry().transpose();
    assert!(std::iter::from_fn(&mut read).any(|entry| entry.is_err()));
}

#[test]
fn the_hash_is_of_what_is_deleted_and_not_of_when_it_was_listed() {
    let tree = tree();
    let hash = |list: &Deletions| list.hash().unwrap().to_owned();
    let first = hash(&tree.plan(&GONE));
    let other_order = ["gone/a", "gone/deep/b", "gone/deep/", "gone/"];
    assert_eq!(hash(&tree.plan(&other_order)), first);
    assert_ne!(hash(&tree.plan(&GONE[..3])), first);
    let time = fs::metadata(tree.root.join("gone/a")).unwrap().modified().unwrap();
    // The same path, size and time, in another file.
    fs::remove_file(tree.root.join("gone/a")).unwrap();
    fs::write(tree.root.join("gone/a"), "gone/b").unwrap();
    let file = File::options().write(true).open(tree.root.join("gone/a")).unwrap();
    assert_ne!(hash(&tree.plan(&GONE)), first, "another time");
    file.set_modified(time).unwrap();
    assert_eq!(hash(&tree.plan(&GONE)), first);
}
