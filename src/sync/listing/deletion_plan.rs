//! Writes the plan of the deletions of a listing, with the identity of each entry at the destination.

use super::deletions::{Deletions, WrittenPlan};
use super::held_plans::{KEPT, PART, forget_parts, prune};
use super::sorted_names::Deletion;
use crate::clean::path::check;
use crate::clean::removal::{print_of, stamp_of};
use crate::clean::{Action, Entry, Header, Kind, Origin, RuleNote, Writer};
use crate::model::pdb::entry_in;
use crate::model::sanitize;
use rustix::fs::{FileType, Stat, lstat};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// The rule in the plan for what the source lacks.
const ABSENT: &str = "absent";
/// The rule for what a job with a list of entries has brought, and that belongs to no entry of the list.
const UNLISTED: &str = "unlisted";

/// The header of a plan, without its root. `listed`: whether the job has a list of entries.
pub(in crate::sync) fn header(job: &str, source: &str, listed: bool) -> Header {
    let rule = |name: &str, reason: &str| RuleNote { name: name.into(), reason: reason.into() };
    let mut rules = vec![rule(ABSENT, "the source does not have it")];
    rules.extend(listed.then(|| rule(UNLISTED, "no longer in the list of entries")));
    Header {
        time: jiff::Timestamp::now().to_string(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        user: rustix::process::getuid().as_raw(),
        job: Some(job.into()),
        rules,
        origin: Origin::Sync,
        source: Some(source.into()),
        ..Header::default()
    }
}

impl Deletions {
    /// Writes the plan, if there is anything to delete. An error is stored: then nothing may be deleted. `present`: how many files the
    /// destination holds.
    pub(in crate::sync) fn write_plan(&mut self, dest: &Path, header: Header, present: Option<u64>) {
        if self.is_empty() || self.unwritten.is_some() {
            return;
        }
        let header = Header { tree_entries: present.unwrap_or(self.tally.files), ..header };
        match self.written(dest, header) {
            Ok(plan) => {
                self.tally.bytes = Some(plan.footer.bytes);
                self.plan = Some(Arc::new(plan));
            }
            Err(error) => self.unwritten = Some(format!("{}: {error}", sanitize::path(&self.path))),
        }
    }

    /// Why an entry is to be deleted. A directory `HH/` of a list of entries goes when no entry of the list has a file in it.
    fn rule_of(&self, name: &[u8]) -> &'static str {
        let Some(only) = &self.only else { return ABSENT };
        let wanted = entry_in(name).is_some_and(|id| only.ids.position(&id).is_some());
        if wanted { ABSENT } else { UNLISTED }
    }

    fn written(&self, dest: &Path, mut header: Header) -> io::Result<WrittenPlan> {
        let meta = fs::metadata(dest)?;
        header.root = print_of(&fs::canonicalize(dest)?, meta.dev(), meta.ino());
        let dir = self.path.parent().ok_or(io::ErrorKind::NotFound)?;
        fs::create_dir_all(dir)?;
        forget_parts(dir);
        prune(dir, KEPT);
        let part = self.path.with_extension(PART);
        let mut new = File::options();
        // The names in a mirror may be private.
        let file = new.read(true).write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        let mut writer = Writer::new(BufWriter::with_capacity(1 << 16, &file), &header)?;
        for listed in self.names.iter() {
            let listed = listed?;
            if self.left_out.contains(&listed.name) {
                continue;
            }
            check(&listed.name).map_err(|bad| {
                let name = String::from_utf8_lossy(&listed.name).into_owned();
                io::Error::new(io::ErrorKind::InvalidData, format!("the path {name:?} {bad}"))
            })?;
            // What is gone since it was listed needs no deletion.
            if let Ok(stat) = lstat(dest.join(OsStr::from_bytes(&listed.name))) {
                let rule = self.rule_of(&listed.name);
                writer.entry(&entry(listed, &stat, rule))?;
            }
        }
        let (footer, out) = writer.finish()?;
        drop(out);
        fs::rename(part, &self.path)?;
        Ok(WrittenPlan { file, footer })
    }
}

fn entry(listed: Deletion, stat: &Stat, rule: &str) -> Entry {
    let stamp = stamp_of(stat);
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        _ if listed.dir => Kind::Dir,
        FileType::RegularFile => Kind::File,
        FileType::Symlink => Kind::Symlink,
        // A directory that was no directory when it was listed is left alone, since it is not of this kind.
        _ => Kind::Other,
    };
    let linked = kind != Kind::Dir && stat.st_nlink > 1;
    let bytes = if kind == Kind::File { stamp.size } else { 0 };
    let (rule, action) = (rule.into(), Action::Delete);
    Entry { path: listed.name, kind, stamp, contents: None, linked, bytes, rule, action }
}
