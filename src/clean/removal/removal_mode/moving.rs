//! Moves within a file system, or to another one: copies, compares with what is read back from disk, then removes the original.

use super::attributes;
use crate::clean::removal::rename::{Target, rename_new};
use crate::clean::removal::stamp::{look, look_for};
use crate::clean::{Kind, Stamp};
use rustix::fs::{AtFlags, Mode, OFlags, openat, readlinkat, symlinkat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// Moves an entry. Never replaces anything. A copy has the same contents, permissions, owner, times and extended attributes; otherwise this
/// is an error, and the original stays in its place.
pub(super) fn move_to(
    hold: &OwnedFd,
    name: &[u8],
    to: impl AsFd,
    new: &[u8],
    stamp: &Stamp,
) -> io::Result<()> {
    match rename_new(hold, name, &to, new, Target::Shared) {
        Err(Errno::XDEV) => {}
        other => return other.map_err(Into::into),
    }
    let (kind, now) = look_for(hold, name, stamp)?;
    let changed = || io::Error::other("it changed while it was copied");
    if !now.same_but_ctime(stamp) {
        return Err(changed());
    }
    // The copy has a name of ours until it is complete. An existing file of that name is left from an earlier, killed attempt.
    let part = part_of(new);
    let part = OsStr::from_bytes(&part);
    match unlinkat(&to, part, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let from = OsStr::from_bytes(name);
    let copied = match kind {
        Kind::Symlink => copy_link(hold, from, &to, part),
        Kind::File => copy(hold, from, &to, part),
        Kind::Dir | Kind::Tree | Kind::Other => {
            Err(io::Error::other("only files and links go to another file system"))
        }
    };
    let whole = copied.and_then(|()| match look(hold, name)? {
        (after_kind, after) if after == now && after_kind == kind => place(&to, part, new, kind),
        _ => Err(changed()),
    });
    if let Err(error) = whole {
        let _ = unlinkat(&to, part, AtFlags::empty());
        return Err(error);
    }
    rustix::fs::fsync(&to)?;
    unlinkat(hold, from, AtFlags::empty())?;
    Ok(())
}

fn part_of(new: &[u8]) -> Vec<u8> {
    format!(".pdb-sync-{}.part", &blake3::hash(new).to_hex()[..24]).into_bytes()
}

/// Gives the copy its name. If an identical entry exists there, an earlier attempt was killed before it removed the original.
fn place(to: impl AsFd, part: &OsStr, new: &[u8], kind: Kind) -> io::Result<()> {
    match rename_new(&to, part.as_bytes(), &to, new, Target::Shared) {
        Err(Errno::EXIST) if same(&to, part, new, kind)? => {}
        other => return other.map_err(Into::into),
    }
    match unlinkat(&to, part, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn same(to: impl AsFd, part: &OsStr, new: &[u8], kind: Kind) -> io::Result<bool> {
    let (there_kind, there) = look(&to, new)?;
    let (_, ours) = look(&to, part.as_bytes())?;
    let target = OsStr::from_bytes(new);
    match kind {
        _ if there_kind != kind => Ok(false),
        Kind::Symlink => Ok(readlinkat(&to, target, Vec::new())? == readlinkat(&to, part, Vec::new())?),
        _ if (there.size, there.mtime) != (ours.size, ours.mtime) => Ok(false),
        _ => Ok(digest(open(&to, target)?)? == digest(open(&to, part)?)?),
    }
}

fn open(dir: impl AsFd, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(File::from(openat(dir, name, flags, Mode::empty())?))
}

fn digest(mut file: File) -> io::Result<blake3::Hash> {
    let mut hash = blake3::Hasher::new();
    io::copy(&mut file, &mut hash)?;
    Ok(hash.finalize())
}

fn copy_link(hold: &OwnedFd, from: &OsStr, to: impl AsFd, part: &OsStr) -> io::Result<()> {
    let link = readlinkat(hold, from, Vec::new())?;
    symlinkat(link, &to, part)?;
    attributes::keep_link(hold, from, to, part)
}

fn copy(hold: &OwnedFd, from: &OsStr, to: impl AsFd, part: &OsStr) -> io::Result<()> {
    let mut source = open(hold, from)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut copy = File::from(openat(&to, part, flags, Mode::RUSR | Mode::WUSR)?);
    let mut hash = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let n = source.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
        copy.write_all(&buffer[..n])?;
    }
    attributes::keep(&source, &copy)?;
    copy.sync_all()?;
    // Compare with what is read back from disk.
    io::Seek::rewind(&mut copy)?;
    if digest(copy)? != hash.finalize() {
        return Err(io::Error::other("the copy is not the same as the file"));
    }
    Ok(())
}
