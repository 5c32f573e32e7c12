//! `mount_required`, where file systems may be mounted.

use super::local;
use crate::support::{skipped, with_mounts};

#[test]
fn a_job_whose_disk_is_not_mounted_is_blocked_before_anything_is_written() {
    let env = local("mount_required = true");
    // The root of the test's own mounts holds the mirror, wherever the temporary directory is.
    let (mirrors, dest) = (env.dir().join("mirror"), env.mirror("a"));
    let script = format!(
        "findmnt -n -o TARGET --target {mirrors:?} | grep -qx / || exit 77
         \"$@\" -n; test $? = 4 || exit 97
         \"$@\"; test $? = 4 || exit 98
         test ! -e {dest:?} || exit 99
         mount -t tmpfs none {mirrors:?} && \"$@\" && test -e {dest:?}/f"
    );
    let Some(ended) = with_mounts(&env, &script, &["sync", "a"]) else {
        return skipped("no file system can be mounted here");
    };
    if ended.code() == 77 {
        return skipped("temporary files are not on the file system of /");
    }
    let ended = ended.expect_code(0);
    let out = ended.out();
    let told =
        format!("mount_required: nothing is mounted at the destination {} or above it", dest.display());
    assert_eq!(out.matches(&told).count(), 2, "{ended}");
    assert!(out.contains(&format!("`findmnt --target {}` shows what holds it", dest.display())), "{ended}");
}
