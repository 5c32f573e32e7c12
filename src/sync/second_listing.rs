//! Decides by a second listing whether everything arrived, regardless of the transfer's exit code and standard error.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::name_list::NameList;
use super::transport::{OnChange, Show, came};
use crate::model::event::Phase;
use crate::model::job::{Job, Source};
use crate::model::result::Reason;
use crate::rsync::args::Purpose;
use crate::rsync::exit::Verdict;
use crate::rsync::output::{Change, Stats, unescape};
use std::collections::BTreeSet;

/// The result of a listing after the transfer.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// Entries that the destination lacks in whole or in part: contents, names, link targets, hard links.
    pub(super) missing: u64,
    /// Entries that differ in attributes only.
    pub(super) unset: Unset,
}

/// Entries whose attributes differ from the source, and these attributes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Unset {
    entries: u64,
    all: Attributes,
    /// Without attributes that rsync did not try to set: if it cannot set an entry's owner, it sets nothing else.
    tried: Attributes,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Attributes {
    dir_times: bool,
    link_times: bool,
    file_times: bool,
    /// Permissions of entries other than directories.
    file_perms: bool,
    /// The letters of [`Change::marks`] that occur, other than `t`.
    letters: Vec<u8>,
}

impl Attributes {
    fn note(&mut self, mark: u8, change: &Change<'_>) {
        self.file_perms |= mark == b'p' && !change.dir;
        match (mark, change.dir, change.link) {
            (b't', true, _) => self.dir_times = true,
            (b't', _, true) => self.link_times = true,
            (b't', ..) => self.file_times = true,
            _ if self.letters.contains(&mark) => {}
            _ => self.letters.push(mark),
        }
    }

    fn known(&self) -> impl Iterator<Item = &'static (u8, &'static str, &'static [&'static str])> {
        LETTERS.iter().filter(|(letter, ..)| self.letters.contains(letter))
    }
}

/// rsync's letters for attributes, their names, and the options that exclude them.
const LETTERS: [(u8, &str, &[&str]); 8] = [
    (b'p', "permissions", &["--no-perms"]),
    (b'o', "owner", &["--no-owner"]),
    (b'g', "group", &["--no-group"]),
    (b'u', "access times", &["--no-atimes"]),
    (b'n', "creation times", &["--no-crtimes"]),
    (b'b', "access and creation times", &["--no-atimes", "--no-crtimes"]),
    (b'a', "access control lists", &["--no-acls"]),
    (b'x', "extended attributes", &["--no-xattrs"]),
];

impl Unset {
    /// Adds an entry that differs in attributes only.
    fn note(&mut self, change: &Change<'_>) {
        let marks = change.marks.iter().filter(|mark| mark.is_ascii_lowercase() && !b"cs".contains(mark));
        let marks: Vec<u8> = marks.copied().collect();
        let owned = marks.iter().any(|mark| b"og".contains(mark));
        for mark in &marks {
            self.all.note(*mark, change);
            if !owned || b"og".contains(mark) {
                self.tried.note(*mark, change);
            }
        }
        self.entries += u64::from(!marks.is_empty());
    }

    /// The attributes that could not be set after a transfer that brought all contents. `group` is the command that lets the group of a
    /// shared mirror change all of it.
    pub(super) fn reason(&self, group: Option<&str>) -> Reason {
        if self.entries == 0 {
            return Reason::new("rsync reported errors (code 23), but a second listing shows no difference")
                .hint("see rsync's own messages");
        }
        let Unset { all, tried, .. } = self;
        let times = [
            (all.dir_times, "times of directories"),
            (all.link_times, "times of symbolic links"),
            (all.file_times, "times of files"),
        ];
        let names = times.iter().filter(|(set, _)| *set).map(|(_, name)| *name);
        let names: Vec<_> = names.chain(all.known().map(|(_, name, _)| *name)).collect();
        let entries = if self.entries == 1 { "1 entry".into() } else { format!("{} entries", self.entries) };
        let text =
            format!("attributes of {entries} could not be set ({}); all contents are here", names.join(", "));
        // The option that excludes all times includes those of directories and links.
        let times: &[&str] = match (tried.file_times, tried.dir_times, tried.link_times) {
            (true, ..) => &["--no-times"],
            (_, true, true) => &["--omit-dir-times", "--omit-link-times"],
            (_, true, _) => &["--omit-dir-times"],
            (_, _, true) => &["--omit-link-times"],
            _ => &[],
        };
        let shared = group.filter(|_| tried.letters.contains(&b'p'));
        let options =
            times.iter().chain(tried.known().flat_map(|(letter, _, options)| match (letter, shared) {
                // Without permissions, other members could not change what one member creates.
                (b'p', Some(_)) if tried.file_perms => &["--chmod=Dg+ws,Fg+w"][..],
                (b'p', Some(_)) => &["--chmod=Dg+ws"],
                _ => options,
            }));
        let options: BTreeSet<_> = options.map(|option| format!("\"{option}\"")).collect();
        if options.is_empty() {
            return Reason::new(text).hint("see rsync's own messages");
        }
        // Without times, equal sizes do not prove that a file is unchanged.
        let checksum = if tried.file_times { " and `checksum = true`" } else { "" };
        let options = Vec::from_iter(options).join(", ");
        Reason::new(text).hint(match shared {
            Some(command) => format!(
                "a group keeps this mirror: set `rsync_args = [{options}]`{checksum}, and run once, as root or as each owner for their own entries: {command}"
            ),
            None => format!(
                "this user or this file system cannot set them; to leave them as they are, set `rsync_args = [{options}]`{checksum}"
            ),
        })
    }
}

impl AttemptRunner<'_> {
    /// Lists again with the job's own options; `None` if this gives no answer. Files of the same size that differ in time are compared by
    /// checksum if nothing else is missing. They have just been transferred, so reading them again takes about as long.
    pub(super) async fn differences(&mut self, lost: &[Vec<u8>]) -> Result<Option<Differences>, AttemptEnd> {
        let mut seen = Differences::default();
        let mut same_size = NameList::new(self.source);
        let mut note = |change: &Change<'_>| {
            if change.same_size() {
                same_size.push(&unescape(change.name));
                seen.unset.note(change);
            } else if change.lacking {
                seen.missing += 1;
            } else {
                seen.unset.note(change);
            }
            false
        };
        let scope = self.scope.clone();
        let Some(stats) = self.look(self.of(&scope), lost, &mut note).await? else { return Ok(None) };
        if stats.files.is_some_and(|files| files.files() == 0) {
            // A transfer of listed names does not show that the source is empty by now.
            self.figures.total_files = Some(0);
        }
        let unproven = same_size.len();
        if seen.missing > 0 || unproven == 0 {
            seen.missing += unproven;
            return Ok(Some(seen));
        }
        let others = self.other_contents(&mut same_size).await?;
        Ok(others.map(|missing| Differences { missing, ..seen }))
    }

    /// How many of these files differ from the source by checksum; `None` if not all of them could be compared.
    pub(super) async fn other_contents(&mut self, names: &mut NameList) -> Result<Option<u64>, AttemptEnd> {
        let Some(picked) = names.comparing_job(self.job) else { return Ok(None) };
        let mut others = 0;
        let mut note = |change: &Change<'_>| {
            others += u64::from(change.lacking);
            false
        };
        let stats = self.look((&picked, &picked.sources[0]), &[], &mut note).await?;
        let looked_at = stats.and_then(|stats| stats.files).map(|files| files.regular);
        Ok((looked_at >= Some(names.len())).then_some(others))
    }

    /// Runs an additional dry run that does not change the figures and exit code of the transfer. `None` if it ended without figures, since
    /// it then failed.
    pub(super) async fn look(
        &mut self,
        of: (&Job, &Source),
        lost: &[Vec<u8>],
        note: &mut OnChange<'_>,
    ) -> Result<Option<Stats>, AttemptEnd> {
        let (figures, code) = (self.figures, self.code);
        let purpose = Purpose::Plan { all: false };
        let ran = self.run_phase(of, Phase::List, purpose, Show::Nothing, lost, note).await;
        let stats = ran.stats;
        let more = came(&stats, self.source.is_remote());
        (self.figures, self.code) = (figures, code);
        self.figures.bytes_received = figures.bytes_received.zip(more).map(|(a, b)| a + b);
        Ok(matches!(self.verdict(ran)?, Verdict::Ok).then_some(stats))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rsync::output::{Line, Reader};

    fn unset(items: &[&str], group: Option<&str>) -> Reason {
        let mut unset = Unset::default();
        let mut reader = Reader::new(Purpose::Plan { all: false });
        for item in items {
            let line = format!("{item} 5 2026/11/28-15:21:12 name");
            let Line::Change(change) = reader.read(line.as_bytes()) else { panic!("{item}") };
            assert!(!change.lacking, "{item}");
            unset.note(&change);
        }
        unset.reason(group)
    }

    #[test]
    fn each_attribute_has_its_option() {
        for (items, names, options) in [
            (
                &[".d..t......"][..],
                "1 entry could not be set (times of directories)",
                "[\"--omit-dir-times\"]`",
            ),
            (&[".L..t......"], "times of symbolic links", "[\"--omit-link-times\"]`"),
            (&[".f..t......", ".d..t......"], "2 entries", "[\"--no-times\"]` and `checksum = true`"),
            (&[".d..t......", ".L..t......"], "2 entries", "[\"--omit-dir-times\", \"--omit-link-times\"]`"),
            (&[".f...p....."], "(permissions)", "[\"--no-perms\"]`"),
            (&[".f....og..."], "(owner, group)", "[\"--no-group\", \"--no-owner\"]`"),
            (
                &[".f.......ax"],
                "(access control lists, extended attributes)",
                "[\"--no-acls\", \"--no-xattrs\"]`",
            ),
            (&[".f......u..", ".f......b.."], "access times", "[\"--no-atimes\", \"--no-crtimes\"]`"),
        ] {
            let reason = unset(items, None);
            assert!(reason.text.contains(names), "{reason:?}");
            assert!(reason.hint.as_ref().unwrap().ends_with(options), "{reason:?}");
        }
        assert!(unset(&[], None).text.contains("no difference"));
    }

    #[test]
    fn what_rsync_did_not_try_for_want_of_the_owner_is_not_given_up() {
        let reason = unset(&[".f..tpog...", ".d..t......"], None);
        assert!(
            reason.text.contains("(times of directories, times of files, permissions, owner, group)"),
            "{reason:?}"
        );
        let options = "`rsync_args = [\"--no-group\", \"--no-owner\", \"--omit-dir-times\"]`";
        assert!(reason.hint.as_ref().unwrap().ends_with(options), "{reason:?}");
    }

    #[test]
    fn in_a_mirror_of_a_group_what_is_made_stays_writable_for_it() {
        for (item, chmod) in [(".d...p.....", "--chmod=Dg+ws"), (".f...p.....", "--chmod=Dg+ws,Fg+w")] {
            let hint = unset(&[item], Some("`find`")).hint.unwrap();
            assert!(hint.contains(&format!("`rsync_args = [\"{chmod}\"]`")), "{hint}");
            assert!(hint.ends_with(": `find`") && !hint.contains("no-perms"), "{hint}");
        }
        let hint = unset(&[".d..t......"], Some("`find`")).hint.unwrap();
        assert!(!hint.contains("find"), "{hint}");
    }
}
