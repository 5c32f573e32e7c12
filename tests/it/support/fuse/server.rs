//! The process that serves a mounted file system: this test binary, asked for one test, with [`MOUNT`] in its environment.

use super::memory::{Entries, Kind, Time, Tree};
use super::wire::{Fields, Reply, Request};
use super::{Fuse, Options, mount};
use crate::support::eventually;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

/// How the binary is asked for it.
pub(super) const NAME: &str = "support::fuse::server::it_ends_when_its_file_system_is_unmounted";
/// Variables: where it is mounted, and what it is like.
pub(super) const MOUNT: &str = "PDB_SYNC_TEST_FUSE_MOUNT";
pub(super) const OPTIONS: &str = "PDB_SYNC_TEST_FUSE_OPTIONS";

/// What a slow disk takes for each of the requests that it is slow at, and the names of a part of its listings.
const MOMENT: Duration = Duration::from_millis(10);
const FEW: usize = 8;

/// The most that one write brings.
const MOST: u32 = 128 << 10;

#[test]
fn it_ends_when_its_file_system_is_unmounted() {
    if let Some(at) = std::env::var_os(MOUNT) {
        return serve_at(Path::new(&at));
    }
    let Some(mut fuse) = Fuse::mounted("") else { return };
    std::fs::write(fuse.path().join("f"), "served").unwrap();
    assert!(fuse.server.try_wait().unwrap().is_none());
    mount::unmount(fuse.path());
    let mut status = None;
    eventually("it has ended", || {
        status = fuse.server.try_wait().unwrap();
        status.is_some()
    });
    assert!(status.unwrap().success(), "{status:?}");
}

fn serve_at(at: &Path) {
    let options = Options::parse(&std::env::var(OPTIONS).unwrap());
    let device = File::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    if serve(device, options).is_err() {
        mount::unmount(at);
    }
}

/// `Ok`: it was unmounted. `Err`: the test process is gone.
fn serve(mut device: File, options: Options) -> Result<(), ()> {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let mut server = Server { tree: Tree::new(options, uid, gid), listings: HashMap::new() };
    let mut buffer = vec![0; MOST as usize + 4096];
    let owner = std::io::stdout();
    loop {
        let mut watched = [
            PollFd::new(&device, PollFlags::IN),
            PollFd::from_borrowed_fd(owner.as_fd(), PollFlags::empty()),
        ];
        match poll(&mut watched, None) {
            Err(Errno::INTR) => continue,
            Err(_) => return Err(()),
            Ok(_) if watched[1].revents().intersects(PollFlags::ERR | PollFlags::HUP) => return Err(()),
            Ok(_) => {}
        }
        let length = match device.read(&mut buffer) {
            Ok(length) => length,
            Err(error) => match Errno::from_io_error(&error) {
                // The request was taken back.
                Some(Errno::INTR | Errno::NOENT | Errno::AGAIN) => continue,
                _ => return Ok(()),
            },
        };
        let Ok(request) = Request::parse(&buffer[..length]) else { continue };
        let unique = request.unique;
        if server.tree.options.slow && [10, 11, 12, 28, 45].contains(&request.opcode) {
            std::thread::sleep(MOMENT);
        }
        // To forget, to forget many, to interrupt: nobody waits for an answer.
        if [2, 42, 36].contains(&request.opcode) {
            continue;
        }
        let reply = server.answer(request);
        // Whoever asked may have gone away.
        let _ = device.write(&Reply::message(reply, unique));
    }
}

struct Server {
    tree: Tree,
    /// Open directories: inode number, type and name of each entry as it was when the reading began.
    listings: HashMap<u64, Vec<(u64, u32, Vec<u8>)>>,
}

impl Server {
    fn answer(&mut self, request: Request<'_>) -> Result<Reply, Errno> {
        let Request { opcode, node, uid, gid, fields: mut f, .. } = request;
        let owner = (uid, gid);
        match opcode {
            1 => self.entry(node, f.text()?),
            3 => self.attributes(node),
            4 => self.set_attributes(node, f),
            5 => match &self.tree.file(node)?.kind {
                Kind::Symlink(target) => Ok(Reply::new().bytes(target)),
                _ => Err(Errno::INVAL),
            },
            6 => {
                let (name, target) = (f.text()?, f.text()?.to_vec());
                let mode = libc::S_IFLNK | 0o777;
                self.tree.create(node, name, Kind::Symlink(target), mode, owner)?;
                self.entry(node, name)
            }
            8 => {
                let (mode, _device, _umask, _) = (f.u32()?, f.u32()?, f.u32()?, f.u32()?);
                let regular = mode & libc::S_IFMT == libc::S_IFREG;
                let kind = if regular { Kind::Regular(vec![]) } else { Kind::Special };
                let name = f.text()?;
                self.tree.create(node, name, kind, mode, owner)?;
                self.entry(node, name)
            }
            9 => {
                let (mode, _umask) = (f.u32()?, f.u32()?);
                let name = f.text()?;
                let kind = Kind::Directory(Entries::new(), node);
                self.tree.create(node, name, kind, libc::S_IFDIR | mode & 0o7777, owner)?;
                self.entry(node, name)
            }
            10 | 11 => self.tree.remove(node, f.text()?, opcode == 11).map(|()| Reply::new()),
            12 | 45 => {
                let to = f.u64()?;
                let flags = if opcode == 45 { f.u64()? as u32 } else { 0 };
                let (old, new) = (f.text()?, f.text()?);
                self.tree.rename((node, old), (to, new), flags).map(|()| Reply::new())
            }
            13 => {
                let (file, name) = (f.u64()?, f.text()?);
                self.tree.link(file, node, name)?;
                self.entry(node, name)
            }
            14 => Ok(opened(0)),
            15 => {
                let (_handle, offset, size) = (f.u64()?, f.u64()?, f.u32()?);
                let data = self.tree.file(node)?.data()?;
                let from = (offset as usize).min(data.len());
                let to = (from + size as usize).min(data.len());
                Ok(Reply::new().bytes(&data[from..to]))
            }
            16 => {
                let (_handle, offset, size) = (f.u64()?, f.u64()?, f.u32()?);
                f.bytes(20)?;
                let bytes = f.bytes(size as usize)?;
                let data = self.tree.file(node)?.data()?;
                let (from, to) = (offset as usize, offset as usize + bytes.len());
                data.resize(data.len().max(to), 0);
                data[from..to].copy_from_slice(bytes);
                self.tree.touch(node)?;
                Ok(Reply::new().u32(size).u32(0))
            }
            // 4 GiB, half of them free.
            17 => Ok(Reply::new()
                .u64(1 << 20)
                .u64(1 << 19)
                .u64(1 << 19)
                .u64(1 << 20)
                .u64(1 << 19)
                .u32(4096)
                .u32(255)
                .u32(4096)
                .zeros(28)),
            // To release, to make durable, to flush; and the end.
            18 | 20 | 25 | 30 | 38 => Ok(Reply::new()),
            26 => self.start(f),
            27 => {
                let handle = self.tree.number();
                let listing = self.listing(node)?;
                self.listings.insert(handle, listing);
                Ok(opened(handle))
            }
            28 => self.list(node, f),
            29 => {
                self.listings.remove(&f.u64()?);
                Ok(Reply::new())
            }
            31..=33 => Err(Errno::NOLCK),
            35 => {
                let (_flags, mode, _umask, _) = (f.u32()?, f.u32()?, f.u32()?, f.u32()?);
                let name = f.text()?;
                let mode = libc::S_IFREG | mode & 0o7777;
                self.tree.create(node, name, Kind::Regular(vec![]), mode, owner)?;
                Ok(self.entry(node, name)?.u64(0).u64(0))
            }
            // Extended attributes, gaps, holes, copies within the file system.
            _ => Err(Errno::NOSYS),
        }
    }

    /// What both sides can do.
    fn start(&mut self, mut f: Fields<'_>) -> Result<Reply, Errno> {
        const POSIX_LOCKS: u32 = 1 << 1;
        const BIG_WRITES: u32 = 1 << 5;
        const FLOCK_LOCKS: u32 = 1 << 10;
        const AUTO_INVAL_DATA: u32 = 1 << 12;
        let (_major, _minor, readahead, offered) = (f.u32()?, f.u32()?, f.u32()?, f.u32()?);
        let locks = if self.tree.options.noflock { POSIX_LOCKS | FLOCK_LOCKS } else { 0 };
        let wanted = BIG_WRITES | AUTO_INVAL_DATA | locks;
        let reply = Reply::new().u32(7).u32(31).u32(readahead).u32(wanted & offered);
        Ok(reply.u16(16).u16(12).u32(MOST).u32(1).zeros(36))
    }

    /// What the kernel is to call an entry, and its attributes; nothing of it may be remembered.
    fn entry(&mut self, dir: u64, name: &[u8]) -> Result<Reply, Errno> {
        let node = self.tree.node(dir, name)?;
        let reply = Reply::new().u64(node).zeros(32);
        self.stat(reply, node)
    }

    fn attributes(&mut self, node: u64) -> Result<Reply, Errno> {
        self.stat(Reply::new().zeros(16), node)
    }

    fn stat(&mut self, reply: Reply, node: u64) -> Result<Reply, Errno> {
        let invented = self.tree.options.inodes.then(|| self.tree.number());
        let file = self.tree.file(node)?;
        let (size, (atime, mtime, ctime)) = (file.size(), (file.atime, file.mtime, file.ctime));
        Ok(reply
            .u64(invented.unwrap_or(file.id))
            .u64(size)
            .u64(size.div_ceil(512))
            .u64(atime.0 as u64)
            .u64(mtime.0 as u64)
            .u64(ctime.0 as u64)
            .u32(atime.1)
            .u32(mtime.1)
            .u32(ctime.1)
            .u32(file.mode)
            .u32(file.links)
            .u32(file.uid)
            .u32(file.gid)
            .u32(0)
            .u32(4096)
            .u32(0))
    }

    fn set_attributes(&mut self, node: u64, mut f: Fields<'_>) -> Result<Reply, Errno> {
        let (valid, _, _handle, size, _owner) = (f.u32()?, f.u32()?, f.u64()?, f.u64()?, f.u64()?);
        let (atime, mtime, _ctime) = (f.u64()?, f.u64()?, f.u64()?);
        let (atime_nanos, mtime_nanos, _ctime_nanos) = (f.u32()?, f.u32()?, f.u32()?);
        let (mode, _, uid, gid) = (f.u32()?, f.u32()?, f.u32()?, f.u32()?);
        let set = |bit: u32| valid & bit != 0;
        let now = self.tree.now();
        let given = |bit: u32, now_bit: u32, time: Time| match (set(now_bit), set(bit)) {
            (true, _) => Some(now),
            (false, true) => Some(self.tree.kept(time)),
            (false, false) => None,
        };
        let atime = given(16, 128, (atime as i64, atime_nanos));
        let mtime = given(32, 256, (mtime as i64, mtime_nanos));
        let nochmod = self.tree.options.nochmod;
        let file = self.tree.file(node)?;
        if nochmod && (set(2) && uid != file.uid || set(4) && gid != file.gid) {
            return Err(Errno::PERM);
        }
        if set(8) {
            file.data()?.resize(size as usize, 0);
            file.mtime = now;
        }
        if set(1) && !nochmod {
            file.mode = file.mode & libc::S_IFMT | mode & 0o7777;
        }
        if set(2) {
            file.uid = uid;
        }
        if set(4) {
            file.gid = gid;
        }
        file.atime = atime.unwrap_or(file.atime);
        file.mtime = mtime.unwrap_or(file.mtime);
        file.ctime = now;
        self.attributes(node)
    }

    fn listing(&mut self, dir: u64) -> Result<Vec<(u64, u32, Vec<u8>)>, Errno> {
        let id = self.tree.file(dir)?.id;
        let Kind::Directory(entries, above) = &self.tree.file(dir)?.kind else { return Err(Errno::NOTDIR) };
        let shown = [(b".".to_vec(), id), (b"..".to_vec(), *above)];
        let all: Vec<_> = shown.into_iter().chain(entries.values().cloned()).collect();
        let mut listing = Vec::new();
        for (name, id) in all {
            let kind = (self.tree.file(id)?.mode & libc::S_IFMT) >> 12;
            let number = if self.tree.options.inodes { self.tree.number() } else { id };
            listing.push((number, kind, name));
        }
        Ok(listing)
    }

    fn list(&mut self, dir: u64, mut f: Fields<'_>) -> Result<Reply, Errno> {
        let (handle, offset, size) = (f.u64()?, f.u64()?, f.u32()?);
        if offset == 0 {
            // From the beginning, perhaps once more: as it is now.
            let listing = self.listing(dir)?;
            self.listings.insert(handle, listing);
        }
        let listing = self.listings.get(&handle).ok_or(Errno::BADF)?;
        let mut reply = Reply::new();
        for (n, (number, kind, name)) in listing.iter().enumerate().skip(offset as usize) {
            let length = (24 + name.len()).next_multiple_of(8);
            let enough = self.tree.options.slow && n >= offset as usize + FEW;
            if enough || reply.len() + length > size as usize {
                break;
            }
            let entry = reply.u64(*number).u64(n as u64 + 1).u32(name.len() as u32).u32(*kind).bytes(name);
            reply = entry.zeros(length - 24 - name.len());
        }
        Ok(reply)
    }
}

fn opened(handle: u64) -> Reply {
    Reply::new().u64(handle).u64(0)
}
