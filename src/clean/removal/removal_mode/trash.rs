//! The trash of the freedesktop specification: the one in the home directory. Entries are copied if it is on another file system.

use super::moving::move_to;
use crate::clean::Stamp;
use crate::clean::removal::capture::Captured;
use crate::clean::removal::stamp::look;
use crate::clean::removal::tree::join;
use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Maximum length of a name in the trash without its ending, in bytes. It is below the limit for names.
const LONGEST: usize = 230;

/// The open trash with its two directories.
#[derive(Debug)]
pub struct Trash {
    path: PathBuf,
    files: File,
    info: File,
    root: PathBuf,
}

impl Trash {
    /// Opens the trash at `path` (`~/.local/share/Trash`), and creates what is missing.
    pub fn open(path: &Path, root: &Path) -> io::Result<Self> {
        for part in ["files", "info"] {
            fs::create_dir_all(path.join(part))?;
            fs::set_permissions(path.join(part), fs::Permissions::from_mode(0o700))?;
        }
        let (files, info) = (File::open(path.join("files"))?, File::open(path.join("info"))?);
        Ok(Trash { path: path.into(), files, info, root: root.into() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves an entry to the trash. The info file comes first, as in the specification: its exclusive creation reserves the name.
    pub(super) fn put(&self, hold: &Captured<'_>, from: &[u8], stamp: &Stamp) -> io::Result<()> {
        let name = hold.own();
        let original = [self.root.as_os_str().as_bytes(), b"/", &join(from, name)].concat();
        let now = jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let front = format!("[Trash Info]\nPath={}\n", percent(&original));
        let note = format!("{front}DeletionDate={now}\n");
        for n in 0..10_000u32 {
            let number = if n == 0 { String::new() } else { format!(".{n}") };
            let cut = &name[..name.len().min(LONGEST)];
            let new = [cut, number.as_bytes()].concat();
            let info = [&new[..], b".trashinfo"].concat();
            let info = OsStr::from_bytes(&info);
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(&self.info, info, flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => {
                    let done = File::from(file).write_all(note.as_bytes());
                    let done = done.and_then(|()| move_to(hold.dir(), hold.name(), &self.files, &new, stamp));
                    if done.is_err() {
                        // No entry belongs to the info file.
                        let _ = unlinkat(&self.info, info, AtFlags::empty());
                    }
                    match done {
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                        done => return done,
                    }
                }
                // An earlier attempt was interrupted between the info file and the move.
                Err(Errno::EXIST) if self.waits(info, &new, &front) => {
                    match move_to(hold.dir(), hold.name(), &self.files, &new, stamp) {
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                        done => return done,
                    }
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::Error::other("there are ten thousand of that name"))
    }

    /// Whether an info file of ours was made for this entry.
    fn waits(&self, info: &OsStr, new: &[u8], front: &str) -> bool {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut text = String::new();
        let read = openat(&self.info, info, flags, Mode::empty())
            .is_ok_and(|file| File::from(file).take(1 << 16).read_to_string(&mut text).is_ok());
        read && text.starts_with(front) && look(&self.files, new).is_err()
    }
}

fn percent(path: &[u8]) -> String {
    let mut text = String::new();
    for byte in path {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(*byte))
            }
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
