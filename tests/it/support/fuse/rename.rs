//! Renames, in which file systems differ most.

use super::memory::{Kind, ROOT, Tree};
use rustix::io::Errno;

/// `RENAME_NOREPLACE` and `RENAME_EXCHANGE`.
const NOREPLACE: u32 = 1;
const EXCHANGE: u32 = 2;

impl Tree {
    /// `renameat2`, from one directory and name to another.
    pub(super) fn rename(
        &mut self,
        (from, old): (u64, &[u8]),
        (to, new): (u64, &[u8]),
        flags: u32,
    ) -> Result<(), Errno> {
        if flags & !(NOREPLACE | EXCHANGE) != 0 || flags != 0 && self.options.noflags {
            return Err(Errno::INVAL);
        }
        self.allowed(new)?;
        let (_, id) = self.find(from, old)?;
        let target = self.find(to, new).ok();
        let (old_key, new_key) = (self.folded(old), self.folded(new));
        let same_entry = old_key == new_key && self.file(from)?.id == self.file(to)?.id;
        self.refuse_circles(id, to)?;
        for id in [Some(id), target.as_ref().map(|(_, id)| *id)].into_iter().flatten() {
            self.forget_spellings(id);
        }
        match target {
            None if flags & EXCHANGE != 0 => return Err(Errno::NOENT),
            Some(_) if same_entry => {
                if !self.options.norespell && flags & EXCHANGE == 0 {
                    self.file(to)?.entries()?.insert(new_key, (new.to_vec(), id));
                    self.touch(to)?;
                }
                return Ok(());
            }
            Some((shown, other)) if flags & EXCHANGE != 0 => {
                let (old_shown, _) = self.find(from, old)?;
                self.file(from)?.entries()?.insert(old_key, (old_shown, other));
                self.file(to)?.entries()?.insert(new_key, (shown, id));
                self.moved(other, from)?;
            }
            Some(_) if flags & NOREPLACE != 0 => return Err(Errno::EXIST),
            // Two names of one file.
            Some((_, other)) if other == id => return Ok(()),
            Some((shown, other)) => {
                if matches!(&self.file(other)?.kind, Kind::Directory(entries, _) if !entries.is_empty()) {
                    return Err(Errno::NOTEMPTY);
                }
                self.one_name_less(other)?;
                self.file(from)?.entries()?.remove(&old_key);
                // vfat uses the entry that is there.
                let shown = if self.options.norespell { shown } else { new.to_vec() };
                self.file(to)?.entries()?.insert(new_key, (shown, id));
            }
            None => {
                self.file(from)?.entries()?.remove(&old_key);
                self.file(to)?.entries()?.insert(new_key, (new.to_vec(), id));
            }
        }
        self.moved(id, to)?;
        self.touch(from)?;
        self.touch(to)
    }

    /// Writes down where a file is now.
    fn moved(&mut self, id: u64, to: u64) -> Result<(), Errno> {
        let above = self.file(to)?.id;
        let now = self.now();
        let file = self.file(id)?;
        file.ctime = now;
        if let Kind::Directory(_, parent) = &mut file.kind {
            *parent = above;
        }
        Ok(())
    }

    /// The kernel sees to it that no directory moves below itself, but not under another spelling.
    fn refuse_circles(&mut self, id: u64, to: u64) -> Result<(), Errno> {
        let mut at = self.file(to)?.id;
        while at != ROOT {
            if at == id {
                return Err(Errno::INVAL);
            }
            let Kind::Directory(_, above) = self.file(at)?.kind else { return Err(Errno::NOTDIR) };
            at = above;
        }
        Ok(())
    }
}
