//! Attributes of a file apart from its contents. A copy that cannot have all of them is no backup, so this is an error.

use crate::clean::removal::mode::mode_of;
use crate::clean::removal::recipe::{mtime_of, set_mtime};
use rustix::fs::{
    AtFlags, Gid, Stat, Timestamps, Uid, XattrFlags, chownat, fchown, fgetxattr, flistxattr, fsetxattr,
    fstat, statat, utimensat,
};
use rustix::io::Errno;
use std::ffi::{CStr, OsStr};
use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;

/// Labels of security modules depend on the location, not on the file.
const OF_THE_PLACE: [&[u8]; 3] = [b"security.selinux", b"security.SMACK64", b"security.ima"];

/// Copies owner, extended attributes, permissions and modification time, in an order in which none resets another.
pub(super) fn keep(source: &File, copy: &File) -> io::Result<()> {
    let (old, new) = (fstat(source)?, fstat(copy)?);
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid) {
        fchown(copy, Some(Uid::from_raw(old.st_uid)), Some(Gid::from_raw(old.st_gid)))
            .map_err(|error| cannot_own(&old, error))?;
    }
    extended(source, copy)?;
    copy.set_permissions(Permissions::from_mode(mode_of(&old)))?;
    set_mtime(copy, mtime_of(&old));
    Ok(())
}

/// Copies the attributes that a symlink can have.
pub(super) fn keep_link(hold: &OwnedFd, from: &OsStr, to: impl AsFd, copy: &OsStr) -> io::Result<()> {
    let old = statat(hold, from, AtFlags::SYMLINK_NOFOLLOW)?;
    let new = statat(&to, copy, AtFlags::SYMLINK_NOFOLLOW)?;
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid) {
        let owner = (Some(Uid::from_raw(old.st_uid)), Some(Gid::from_raw(old.st_gid)));
        chownat(&to, copy, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| cannot_own(&old, error))?;
    }
    let times = Timestamps { last_access: mtime_of(&old), last_modification: mtime_of(&old) };
    utimensat(to, copy, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}

fn cannot_own(old: &Stat, error: Errno) -> io::Error {
    let error = io::Error::from(error);
    let text = format!("its owner {}:{} cannot be kept there: {error}", old.st_uid, old.st_gid);
    io::Error::new(error.kind(), text)
}

fn extended(source: &File, copy: &File) -> io::Result<()> {
    let mut names = vec![0u8; 64 * 1024];
    let size = match flistxattr(source, &mut names) {
        Ok(size) => size,
        // The file system has no extended attributes.
        Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for name in names[..size].split_inclusive(|b| *b == 0) {
        let Ok(name) = CStr::from_bytes_with_nul(name) else { continue };
        if OF_THE_PLACE.contains(&name.to_bytes()) {
            continue;
        }
        let cannot = |error: Errno| {
            let error = io::Error::from(error);
            let text = format!("its attribute {} cannot be kept there: {error}", name.to_string_lossy());
            io::Error::new(error.kind(), text)
        };
        let mut value = vec![0u8; 64 * 1024];
        let size = match fgetxattr(source, name, &mut value) {
            Ok(size) => size,
            // The attribute was removed meanwhile.
            Err(Errno::NODATA) => continue,
            Err(error) => return Err(cannot(error)),
        };
        fsetxattr(copy, name, &value[..size], XattrFlags::empty()).map_err(cannot)?;
    }
    Ok(())
}
