//! Writes the plan of the deletions of a listing, with the identity of each entry at the destination.

use super::deletions::{Deletions, WrittenPlan};
use super::held_plans::{KEPT, PART, forget_parts, prune};
use super::sorted_names::Deletion;
use crate::clean::path::check;
use crate::clean::removal::{print_of, stamp_of};
use crate::clean::{Action, Entry, Header, Kind, Origin, RuleNote, Writer};
use crate::model::sanitize;
use rustix::fs::{FileType, Stat, lstat};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// The name of the rule in the plan.
const RULE: &str = "absent";

/// The header of a plan, without its root.
pub(in crate::sync) fn header(job: &str, source: &str) -> Header {
    let reason = "the source does not have it".into();
    Header {
        time: jiff::Timestamp::now().to_string(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        user: rustix::process::getuid().as_raw(),
        job: Some(job.into()),
        rules: vec![RuleNote { name: RULE.into(), reason }],
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
                writer.entry(&entry(listed, &stat))?;
            }
        }
        let (footer, out) = writer.finish()?;
        drop(out);
        fs::rename(part, &self.path)?;
        Ok(WrittenPlan { file, footer })
    }
}

fn entry(listed: Deletion, stat: &Stat) -> Entry {
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
    Entry { path: listed.name, kind, stamp, linked, bytes, rule: RULE.into(), action: Action::Delete }
}
