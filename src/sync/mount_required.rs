//! `mount_required`: whether the file system that should hold the destination is mounted.

use crate::model::hint;
use crate::model::job::Job;
use crate::model::result::Reason;
use crate::model::sanitize;
use crate::platform::{self, Mount};
use std::path::{Path, PathBuf};

/// Why the job must not run: nothing is mounted that could hold its mirror; `None` if something is, or if the job does not ask. May wait for a
/// dead mount.
pub(super) fn refusal(job: &Job) -> Option<Reason> {
    if !job.mount_required {
        return None;
    }
    let dest = platform::resolve(&job.dest);
    judge(&dest, platform::mount_of(&dest), platform::is_unmounted(&dest))
}

/// `mount`: the file system that holds the destination. `unmounted`: a mount point of `/etc/fstab` that should.
fn judge(dest: &Path, mount: Option<Mount>, unmounted: Option<PathBuf>) -> Option<Reason> {
    let told = sanitize::path(&dest);
    let text = match (mount, unmounted) {
        (_, Some(point)) => {
            format!("{} is not mounted, and the destination {told} is below it", sanitize::path(&point))
        }
        (None, None) => format!("the system does not tell which file system holds the destination {told}"),
        (Some(mount), None) if mount.point == Path::new("/") => {
            format!("nothing is mounted at the destination {told} or above it, except the file system of /")
        }
        (Some(_), None) => return None,
    };
    let show = hint::joined(["findmnt".as_ref(), "--target".as_ref(), dest.as_os_str()]);
    let hint =
        format!("mount it and run again; `{show}` shows what holds it, and mount_required = false allows it");
    Some(Reason::new(format!("mount_required: {text}")).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(point: &str) -> Option<Mount> {
        let (id, kind, device, root) = ("1".into(), "ext4".into(), "8:1".into(), "/".into());
        Some(Mount { id, point: point.into(), kind, read_only: false, device, root, source: String::new() })
    }

    #[test]
    fn another_file_system_than_that_of_the_root_has_to_hold_it() {
        let of = |mount, unmounted: Option<&str>| {
            judge(Path::new("/srv/a b"), mount, unmounted.map(Into::into)).map(|reason| reason.text)
        };
        assert_eq!(of(mount("/srv"), None), None);
        let on_root = of(mount("/"), None).unwrap();
        assert!(on_root.starts_with("mount_required: nothing is mounted at the destination "), "{on_root}");
        assert!(of(mount("/srv"), Some("/srv/a b")).unwrap().contains("is not mounted"));
        assert!(of(None, None).is_some(), "unknown is not mounted");
    }
}
