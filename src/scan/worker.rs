//! A thread of a scan: it opens and reads directories, and stores their contents in its own arena.

use super::TroubleKind;
use super::directory::{Learned, Names, words};
use super::listing::{FileTypeByte, Listing, MANY};
use super::look::dir_stat;
use super::open::Held;
use super::parallel_lookup::Ahead;
use super::queue::{Item, Shared, State as WalkState, Task, Wide};
use crate::model::system_names::{OURS, is_of_a_file_system};
use crate::platform::{self, Through};
use crate::scan::inventory::{Block, DirStat, Found, State};
use rustix::fs::{AtFlags, fstat, statat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// Number of names in a part of a large directory.
const PART: usize = 2_048;

/// A thread of a scan.
pub(super) struct Worker<'s, 'a> {
    shared: &'s Shared<'a>,
    number: usize,
    arena: Vec<u8>,
    name: Vec<u8>,
    path: Vec<u8>,
    listing: Listing,
    learned: Learned,
}

/// Ends the scan if the thread panics, so that the other threads do not wait for it.
struct Promise<'s, 'a>(&'s Shared<'a>);

impl Drop for Promise<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.give_up();
        }
    }
}

impl<'s, 'a> Worker<'s, 'a> {
    /// `number` is the number of its arena.
    pub(super) fn new(shared: &'s Shared<'a>, number: usize) -> Self {
        Worker {
            shared,
            number,
            arena: Vec::new(),
            name: Vec::new(),
            path: Vec::new(),
            listing: Listing::default(),
            learned: Learned::default(),
        }
    }

    /// Works until nothing is left; returns the arena.
    pub(super) fn run(mut self) -> Vec<u8> {
        while let Some(item) = self.shared.next(&mut self.name, &mut self.path) {
            let promise = Promise(self.shared);
            match item {
                Item::Dir(task) => self.directory(task),
                Item::Part(wide, range) => self.part(&wide, range),
                Item::Ahead(chunk) => {
                    chunk.look(|| self.shared.is_halted());
                    self.shared.finish(self.shared.lock());
                }
            }
            std::mem::forget(promise);
        }
        self.arena
    }

    fn directory(&mut self, mut task: Task) {
        let shared = self.shared;
        let too_deep = shared.options.max_depth.is_some_and(|depth| task.depth >= depth);
        if too_deep && let Some(stat) = self.stat_unopened(&task) {
            return self.left_out(&task, stat);
        }
        let fd = match self.open(&task) {
            Ok(fd) => fd,
            Err(error) => return self.not_opened(&task, error),
        };
        // Subdirectories are opened from this directory, so its parent is no longer needed.
        let at = task.at.take();
        let stat = match fstat(&fd) {
            Ok(raw) => dir_stat(&raw),
            Err(error) => return self.not_opened(&task, error),
        };
        drop(at);
        let elsewhere = shared.options.one_file_system && stat.dev != shared.root_stat.dev;
        if too_deep || elsewhere {
            return self.left_out(&task, stat);
        }
        if task.through {
            let mut state = shared.lock();
            if shared.is_loop(&state, task.node, &stat) {
                let path = state.builder.path(task.node);
                state.builder.gone(task.node);
                shared.trouble(&mut state, path, TroubleKind::Loop, String::new());
                return shared.finish(state);
            }
        }
        let (listed, ahead) = self.list(&fd, task.depth);
        if self.listing.len() > MANY {
            return self.wide(task, fd, stat, ahead, listed.err());
        }
        let all = 0..self.listing.len();
        let block = self.learn(&fd, None, all);
        let at = self.hold(fd);
        let mut state = shared.lock();
        self.found(&mut state, &task, stat, listed.err());
        self.put(&mut state, &task, &self.listing, 0, block);
        shared.push_dirs(&mut state, &task, &self.listing, &self.learned, at.as_ref());
        shared.finish(state);
    }

    /// Processes some names of a large directory.
    fn part(&mut self, wide: &Wide, range: Range<usize>) {
        let shared = self.shared;
        let number = (range.start / PART) as u32;
        let block = self.learn(&wide.dir.fd, Some(wide), range);
        let mut state = shared.lock();
        self.put(&mut state, &wide.task, &wide.listing, number, block);
        let at = if shared.open.load(std::sync::atomic::Ordering::Relaxed) < shared.open_limit {
            Some(&wide.dir)
        } else {
            None
        };
        shared.push_dirs(&mut state, &wide.task, &wide.listing, &self.learned, at);
        shared.finish(state);
    }

    fn wide(&mut self, task: Task, fd: OwnedFd, stat: DirStat, ahead: Ahead, error: Option<Errno>) {
        let shared = self.shared;
        let listing = self.listing.take();
        let mut state = shared.lock();
        self.found(&mut state, &task, stat, error);
        let wide = Arc::new(Wide { task, dir: Held::hold(fd), listing, ahead });
        shared.push_parts(&mut state, wide, PART);
        shared.finish(state);
    }

    fn open(&self, task: &Task) -> Result<OwnedFd, Errno> {
        match &task.at {
            Some(at) => platform::open_child(&at.fd, &self.name, task.through),
            None => {
                let through = if self.shared.options.follow { Through::Links } else { Through::Mounts };
                platform::open_through(&self.shared.root, &self.path, through)
            }
        }
    }

    /// Reads the metadata of a directory without opening it. `None` for the root, and if the parent is not open; then the directory must be
    /// opened.
    fn stat_unopened(&self, task: &Task) -> Option<DirStat> {
        let at = task.at.as_ref()?;
        let flags = if task.through { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        statat(&at.fd, OsStr::from_bytes(&self.name), flags).ok().map(|raw| dir_stat(&raw))
    }

    /// Lists a directory. Also returns metadata that other threads have read meanwhile, if the directory is large.
    fn list(&mut self, fd: &OwnedFd, depth: u32) -> (Result<(), Errno>, Ahead) {
        let (shared, path) = (self.shared, &self.path);
        let options = shared.options;
        let skip = |name: &[u8], kind| {
            options.skip_hidden && name.starts_with(b".") && name != b"." && name != b".."
                || depth == 0
                    && name == OURS.as_bytes()
                    && matches!(kind, FileTypeByte::Directory | FileTypeByte::Unknown)
                || options.exclude.holds(path, name)
        };
        let mut ahead = Ahead::default();
        let listed = self.listing.read(fd, skip, |fresh| {
            shared.push_ahead(|| ahead.offer(fd, fresh, options.follow));
        });
        ahead.end();
        (listed, ahead)
    }

    /// Reads the metadata of names, from this thread's listing or that of a large directory. Adds records and names to the arena.
    fn learn(&mut self, fd: &OwnedFd, wide: Option<&Wide>, range: Range<usize>) -> Block {
        let (shared, at) = (self.shared, self.arena.len() as u64);
        let (listing, follow) = (wide.map_or(&self.listing, |wide| &wide.listing), shared.options.follow);
        let ahead = wide.map(|wide| &wide.ahead);
        let names = Names { listing, range, ahead };
        self.learned.learn(&mut self.arena, fd, names, follow, || shared.is_halted());
        self.arena.extend_from_slice(&self.learned.names);
        Block { arena: self.number as u32, at, count: self.learned.count }
    }

    fn hold(&self, fd: OwnedFd) -> Option<Arc<Held>> {
        if self.learned.dirs.is_empty() {
            return None;
        }
        Held::try_hold(fd, &self.shared.open, self.shared.open_limit).ok()
    }

    fn found(&self, state: &mut WalkState, task: &Task, stat: DirStat, error: Option<Errno>) {
        state.read += 1;
        self.shared.options.meter.add(1, 0, 1);
        let known = if error.is_some() { State::Incomplete } else { State::Read };
        state.builder.found(task.node, Found { stat, state: known });
        if let Some(error) = error {
            let path = state.builder.path(task.node);
            self.shared.trouble(state, path, TroubleKind::Unreadable, words(error));
        }
    }

    fn put(&self, state: &mut WalkState, task: &Task, listing: &Listing, part: u32, block: Block) {
        let learned = &self.learned;
        state.builder.holds(task.node, part, block, learned.own);
        if !learned.whole {
            state.builder.incomplete(task.node);
        }
        for (n, kind, why) in &learned.troubles {
            let mut path = state.builder.path(task.node);
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(listing.get(*n as usize).0);
            self.shared.trouble(state, path, *kind, why.clone());
        }
        self.shared.options.meter.add(learned.own.entries(), learned.own.bytes, 0);
    }

    fn left_out(&self, task: &Task, stat: DirStat) {
        let mut state = self.shared.lock();
        state.builder.found(task.node, Found { stat, state: State::LeftOut });
        self.shared.options.meter.add(1, 0, 0);
        self.shared.finish(state);
    }

    fn not_opened(&self, task: &Task, error: Errno) {
        let stat = self.stat_unopened(task);
        let shared = self.shared;
        let mut state = shared.lock();
        let path = state.builder.path(task.node);
        // Only root may read it, and it contains nothing of a mirror.
        let of_the_system = matches!(error, Errno::ACCESS | Errno::PERM)
            && task.depth == 1
            && is_of_a_file_system(&path)
            && platform::is_root(&shared.root).unwrap_or(false);
        // It was removed or replaced. This has changed its parent, so the next scan reads it again.
        let gone = matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP);
        if gone {
            state.builder.gone(task.node);
            shared.trouble(&mut state, path, TroubleKind::Vanished, String::new());
        } else {
            let stat = stat.unwrap_or_default();
            if of_the_system {
                // Without its change time it is tried again by the next scan, which may have permission.
                let found = Found { stat: DirStat { ctime: 0, ..stat }, state: State::LeftOut };
                state.builder.found(task.node, found);
            } else {
                state.builder.found(task.node, Found { stat, state: State::Incomplete });
                shared.trouble(&mut state, path, TroubleKind::Unreadable, words(error));
            }
        }
        shared.finish(state);
    }
}
