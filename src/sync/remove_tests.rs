use super::*;
use crate::clean::removal::WriteAccess;
use crate::rsync::output::{Change, ChangeKind};
use crate::sync::listing::DeletionWriter;
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
    fn count(&self, names: &[&str]) -> Deletions {
        let mut list = DeletionWriter::create(&self.list, false);
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
                time: b"",
                name,
            });
        }
        list.finish()
    }

    fn remove(&self, list: &Deletions, stamps: &[Option<Mark>]) -> Removed {
        let root = File::open(&self.root).unwrap();
        let job = crate::model::job::Job {
            dest: self.root.clone(),
            ..crate::model::job::Job::example("a", "/s/", "/d")
        };
        let access = WriteAccess::new(root, &self.root, &self.list).unwrap();
        let keep = KeepDeleted::new(&access, &job, &self.list, "RUN1").unwrap();
        let removed = remove(&keep, list, stamps, |_| true, |_| {}, || false).unwrap();
        keep.close();
        removed
    }
}

const GONE: [&str; 4] = ["gone/deep/b", "gone/deep/", "gone/a", "gone/"];

#[test]
fn what_was_counted_goes_and_nothing_else() {
    let tree = tree();
    let list = tree.count(&GONE);
    let (stamps, bytes) = list.stamps(&tree.root).unwrap();
    assert_eq!(bytes, "gone/a".len() as u64 + "gone/deep/b".len() as u64);
    let removed = tree.remove(&list, &stamps);
    assert_eq!(removed, Removed { files: 2, dirs: 2, ..Removed::default() });
    assert_eq!(fs::read_dir(&tree.root).unwrap().count(), 1);
    assert_eq!(tree.remove(&list, &stamps), Removed::default(), "a second time there is nothing to do");
}

#[test]
fn a_directory_keeps_the_time_that_the_transfer_gave_it() {
    let tree = tree();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    for dir in ["gone", "."] {
        File::open(tree.root.join(dir)).unwrap().set_modified(time).unwrap();
    }
    let list = tree.count(&["gone/deep/b", "gone/deep/", "keep"]);
    let (stamps, _) = list.stamps(&tree.root).unwrap();
    assert_eq!(tree.remove(&list, &stamps).files, 2);
    for dir in ["gone", "."] {
        assert_eq!(fs::metadata(tree.root.join(dir)).unwrap().modified().unwrap(), time, "{dir}");
    }
}

#[test]
fn what_changed_since_it_was_counted_stays() {
    let tree = tree();
    let list = tree.count(&GONE);
    let (stamps, _) = list.stamps(&tree.root).unwrap();
    fs::remove_file(tree.root.join("gone/a")).unwrap();
    fs::write(tree.root.join("gone/a"), "new").unwrap();
    fs::write(tree.root.join("gone/deep/late"), "new").unwrap();
    let removed = tree.remove(&list, &stamps);
    assert_eq!((removed.files, removed.dirs, removed.left), (1, 0, 1), "{removed:?}");
    assert!(removed.why[0].starts_with("gone/a: it has changed"), "{removed:?}");
    assert!(tree.root.join("gone/deep/late").exists() && tree.root.join("gone/a").exists());
}

#[test]
fn another_name_of_the_same_file_may_go_before_it() {
    let tree = tree();
    fs::hard_link(tree.root.join("gone/a"), tree.root.join("other")).unwrap();
    let list = tree.count(&["gone/a"]);
    let (stamps, _) = list.stamps(&tree.root).unwrap();
    // As when the transfer replaces a hard link: this changes the ctime of both.
    fs::remove_file(tree.root.join("other")).unwrap();
    assert_eq!(tree.remove(&list, &stamps), Removed { files: 1, ..Removed::default() });
}

#[test]
fn a_parent_that_became_a_symlink_is_not_followed() {
    let tree = tree();
    let list = tree.count(&["gone/a"]);
    let (stamps, _) = list.stamps(&tree.root).unwrap();
    let real = tree.root.with_file_name("elsewhere");
    fs::rename(tree.root.join("gone"), &real).unwrap();
    symlink(&real, tree.root.join("gone")).unwrap();
    let removed = tree.remove(&list, &stamps);
    assert_eq!(removed.left, 1);
    assert!(removed.why[0].contains("symlink"), "{removed:?}");
    assert!(real.join("a").exists());
}

#[test]
fn names_that_leave_the_root_are_refused() {
    let tree = tree();
    let list = tree.count(&["../outside", "/etc/hostname", "gone/../keep", "", "."]);
    let stamps = vec![None; 5];
    let removed = tree.remove(&list, &stamps);
    assert_eq!((removed.files, removed.left), (0, 5), "{removed:?}");
    assert!(tree.root.with_file_name("outside").exists() && tree.root.join("keep").exists());
    let root = File::open(&tree.root).unwrap();
    assert!(open_below(&root, b"../").is_err());
    assert!(open_below(&root, b"gone/deep").is_ok());
}

#[test]
fn a_list_that_is_cut_short_is_an_error() {
    let tree = tree();
    let list = tree.count(&GONE);
    fs::write(&tree.list, "gone/de").unwrap();
    assert!(list.stamps(&tree.root).is_err());
}
