//! The tree: files by number, directories by folded names.

use super::Options;
use rustix::io::Errno;
use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};
use unicode_normalization::UnicodeNormalization;

/// The root directory, as the kernel calls it.
pub(super) const ROOT: u64 = 1;

/// Seconds and nanoseconds.
pub(super) type Time = (i64, u32);

/// Entries of a directory by folded name: the name as it is shown, and the file.
pub(super) type Entries = BTreeMap<Vec<u8>, (Vec<u8>, u64)>;

/// Nothing is ever freed: a test's tree is small, and its server does not live long.
pub(super) struct Tree {
    pub(super) options: Options,
    files: HashMap<u64, File>,
    /// Files by what the kernel calls them. The same file under two spellings is two nodes for the kernel: where it saw one, it
    /// would take a rename from one to the other for done without asking.
    nodes: HashMap<u64, u64>,
    others: HashMap<(u64, Vec<u8>), u64>,
    /// Of nodes, files and invented inode numbers alike.
    last: u64,
}

/// A file of any kind.
pub(super) struct File {
    pub(super) id: u64,
    pub(super) kind: Kind,
    /// Type and permissions.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) links: u32,
    pub(super) atime: Time,
    pub(super) mtime: Time,
    pub(super) ctime: Time,
}

pub(super) enum Kind {
    Regular(Vec<u8>),
    /// With the directory above.
    Directory(Entries, u64),
    Symlink(Vec<u8>),
    Special,
}

impl File {
    pub(super) fn size(&self) -> u64 {
        match &self.kind {
            Kind::Regular(data) | Kind::Symlink(data) => data.len() as u64,
            Kind::Directory(..) | Kind::Special => 0,
        }
    }

    pub(super) fn entries(&mut self) -> Result<&mut Entries, Errno> {
        match &mut self.kind {
            Kind::Directory(entries, _) => Ok(entries),
            _ => Err(Errno::NOTDIR),
        }
    }

    pub(super) fn data(&mut self) -> Result<&mut Vec<u8>, Errno> {
        match &mut self.kind {
            Kind::Regular(data) => Ok(data),
            _ => Err(Errno::INVAL),
        }
    }
}

impl Tree {
    /// An empty directory that belongs to these.
    pub(super) fn new(options: Options, uid: u32, gid: u32) -> Self {
        let nodes = HashMap::from([(ROOT, ROOT)]);
        let mut tree = Tree { options, files: HashMap::new(), nodes, others: HashMap::new(), last: ROOT - 1 };
        tree.make(Kind::Directory(Entries::new(), ROOT), libc::S_IFDIR | 0o755, uid, gid);
        tree
    }

    /// The next free number.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn make(&mut self, kind: Kind, mode: u32, uid: u32, gid: u32) -> u64 {
        let id = self.number();
        let now = self.now();
        let links = if matches!(kind, Kind::Directory(..)) { 2 } else { 1 };
        let mode = match self.options.nochmod && mode & libc::S_IFMT != libc::S_IFLNK {
            true => mode & libc::S_IFMT | 0o755,
            false => mode,
        };
        let file = File { id, kind, mode, uid, gid, links, atime: now, mtime: now, ctime: now };
        self.files.insert(id, file);
        self.nodes.insert(id, id);
        id
    }

    /// The time, as exact as this file system keeps it.
    pub(super) fn now(&self) -> Time {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.kept((now.as_secs() as i64, now.subsec_nanos()))
    }

    /// A time as it is kept.
    pub(super) fn kept(&self, (seconds, nanos): Time) -> Time {
        if self.options.gran2 { (seconds.div_euclid(2) * 2, 0) } else { (seconds, nanos) }
    }

    /// The file that a node stands for.
    pub(super) fn file(&mut self, node: u64) -> Result<&mut File, Errno> {
        let id = self.nodes.get(&node).ok_or(Errno::STALE)?;
        self.files.get_mut(id).ok_or(Errno::STALE)
    }

    pub(super) fn touch(&mut self, node: u64) -> Result<(), Errno> {
        let now = self.now();
        let file = self.file(node)?;
        (file.mtime, file.ctime) = (now, now);
        Ok(())
    }

    /// A name as names are compared.
    pub(super) fn folded(&self, name: &[u8]) -> Vec<u8> {
        let Options { fold_case, fold_form, .. } = self.options;
        let Ok(text) = std::str::from_utf8(name) else {
            return if fold_case { name.to_ascii_lowercase() } else { name.to_vec() };
        };
        let form = |text: String| if fold_form { text.nfc().collect() } else { text };
        // By way of capitals, so that ß and SS, or σ and ς, are one.
        let case = |text: String| if fold_case { text.to_uppercase().to_lowercase() } else { text };
        form(case(form(text.to_owned()))).into_bytes()
    }

    /// An entry of a directory: its name as it is shown, and its file.
    pub(super) fn find(&mut self, dir: u64, name: &[u8]) -> Result<(Vec<u8>, u64), Errno> {
        let key = self.folded(name);
        self.file(dir)?.entries()?.get(&key).cloned().ok_or(Errno::NOENT)
    }

    /// What the kernel is to call an entry that it asked for by this name.
    pub(super) fn node(&mut self, dir: u64, name: &[u8]) -> Result<u64, Errno> {
        let (shown, id) = self.find(dir, name)?;
        if shown == name {
            return Ok(id);
        }
        if let Some(node) = self.others.get(&(id, name.to_vec())) {
            return Ok(*node);
        }
        let node = self.number();
        self.others.insert((id, name.to_vec()), node);
        self.nodes.insert(node, id);
        Ok(node)
    }

    /// The kernel takes a node for dead after it was replaced: other spellings get others from now on.
    pub(super) fn forget_spellings(&mut self, id: u64) {
        self.others.retain(|(other, _), _| *other != id);
    }

    /// Whether a new entry may have this name.
    pub(super) fn allowed(&self, name: &[u8]) -> Result<(), Errno> {
        if name.len() > 255 {
            return Err(Errno::NAMETOOLONG);
        }
        match self.options.chars && name.iter().any(|byte| *byte < 32 || b":*?\"<>|\\".contains(byte)) {
            true => Err(Errno::INVAL),
            false => Ok(()),
        }
    }

    /// A new file with one name. The node is what the kernel is to call it.
    pub(super) fn create(
        &mut self,
        dir: u64,
        name: &[u8],
        kind: Kind,
        mode: u32,
        (uid, gid): (u32, u32),
    ) -> Result<u64, Errno> {
        if self.options.nolinks && !matches!(kind, Kind::Regular(_) | Kind::Directory(..)) {
            return Err(Errno::PERM);
        }
        self.allowed(name)?;
        let key = self.folded(name);
        let above = self.file(dir)?;
        let (above_mode, above_gid, above_id) = (above.mode, above.gid, above.id);
        if above.entries()?.contains_key(&key) {
            return Err(Errno::EXIST);
        }
        let (gid, mode, kind) = match (above_mode & libc::S_ISGID != 0, kind) {
            (true, Kind::Directory(entries, _)) => {
                (above_gid, mode | libc::S_ISGID, Kind::Directory(entries, above_id))
            }
            (false, Kind::Directory(entries, _)) => (gid, mode, Kind::Directory(entries, above_id)),
            (true, kind) => (above_gid, mode, kind),
            (false, kind) => (gid, mode, kind),
        };
        let id = self.make(kind, mode, uid, gid);
        self.file(dir)?.entries()?.insert(key, (name.to_vec(), id));
        self.touch(dir)?;
        Ok(id)
    }

    /// One more name of a file.
    pub(super) fn link(&mut self, node: u64, dir: u64, name: &[u8]) -> Result<(), Errno> {
        if self.options.nolinks {
            return Err(Errno::PERM);
        }
        self.allowed(name)?;
        let key = self.folded(name);
        let id = self.file(node)?.id;
        let entries = self.file(dir)?.entries()?;
        if entries.contains_key(&key) {
            return Err(Errno::EXIST);
        }
        entries.insert(key, (name.to_vec(), id));
        self.touch(dir)?;
        let now = self.now();
        let file = self.file(id)?;
        (file.links, file.ctime) = (file.links + 1, now);
        Ok(())
    }

    /// `unlink` and `rmdir`.
    pub(super) fn remove(&mut self, dir: u64, name: &[u8], directory: bool) -> Result<(), Errno> {
        let (_, id) = self.find(dir, name)?;
        match (&self.file(id)?.kind, directory) {
            (Kind::Directory(entries, _), true) if entries.is_empty() => {}
            (Kind::Directory(..), true) => return Err(Errno::NOTEMPTY),
            (Kind::Directory(..), false) => return Err(Errno::ISDIR),
            (_, true) => return Err(Errno::NOTDIR),
            (_, false) => {}
        }
        let key = self.folded(name);
        self.file(dir)?.entries()?.remove(&key);
        self.touch(dir)?;
        self.one_name_less(id)
    }

    pub(super) fn one_name_less(&mut self, id: u64) -> Result<(), Errno> {
        let now = self.now();
        let file = self.file(id)?;
        file.links = if matches!(file.kind, Kind::Directory(..)) { 0 } else { file.links.saturating_sub(1) };
        file.ctime = now;
        Ok(())
    }
}
