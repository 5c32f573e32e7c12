//! `--expect HASH`: deletions go on only if they are those of the plan that the user has approved.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::guard::Approval;
use super::listing::{Deletions, Listing, PlanReader, plan_with};
use crate::clean::path::{BESIDE, split};
use crate::clean::removal::{self, root_of};
use crate::clean::{Entry, Kind, PlanError, Reader, plan_order};
use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;

impl AttemptRunner<'_> {
    /// Compares the deletions of a listing with the approved plan.
    pub(super) async fn approval(&self, listing: &Listing) -> Result<Approval, AttemptEnd> {
        let Some(expected) = self.plan.expect.clone() else { return Ok(Approval::NotAsked) };
        if listing.gone.unwritten.is_some() {
            // Nothing is deleted in any case.
            return Ok(Approval::NotAsked);
        }
        let asked = Asked {
            expected,
            state_dir: self.plan.state_dir.clone(),
            job: self.job.name.clone(),
            dest: self.job.dest.clone(),
        };
        let gone = listing.gone.clone();
        off_thread(&self.job_events.stop, move || asked.judge(&gone)).await.ok_or(AttemptEnd::Stopped)
    }
}

struct Asked {
    /// The beginning of the hash, in lower case.
    expected: String,
    state_dir: PathBuf,
    job: String,
    dest: PathBuf,
}

impl Asked {
    fn judge(&self, gone: &Deletions) -> Approval {
        if gone.hash().is_some_and(|hash| hash.starts_with(&self.expected)) {
            return Approval::Given;
        }
        let Some((held, hash)) = plan_with(&self.state_dir, &self.job, &self.expected) else {
            return match gone.is_empty() {
                true => Approval::Needless { plan: self.expected.clone(), known: false },
                false => Approval::Refused("no plan of this hash is known".into()),
            };
        };
        let interrupted = self.interrupted(&hash);
        let differences = match compare(&held, gone, interrupted.as_deref()) {
            Ok(differences) => differences,
            Err(error) => return Approval::Refused(format!("the plan cannot be compared: {error}")),
        };
        // What an interrupted run of the plan has done needs no approval a second time.
        match interrupted {
            Some(_) if differences.more + differences.changed == 0 => Approval::Given,
            _ if gone.is_empty() => Approval::Needless { plan: hash, known: true },
            _ => Approval::Refused(differences.text()),
        }
    }

    /// The run that began to apply the plan and did not end; `None` if there is none.
    fn interrupted(&self, hash: &str) -> Option<String> {
        let dest = fs::canonicalize(&self.dest).ok()?;
        let found = removal::list(&self.state_dir).ok()?.into_iter().rev().find(|found| {
            let begin = &found.begin;
            begin.plan.as_deref() == Some(hash)
                && begin.job.as_deref() == Some(&self.job)
                && found.end.is_none()
                && root_of(&begin.root).as_deref() == Some(&dest)
        });
        Some(found?.begin.run)
    }
}

/// How the deletions differ from the plan.
#[derive(Debug, Default, PartialEq, Eq)]
struct Differences {
    /// Deletions that the plan does not have.
    more: u64,
    /// Deletions of the plan that are not among these.
    fewer: u64,
    /// Deletions of the plan whose entries are of another kind, size or time now.
    changed: u64,
}

impl Differences {
    fn text(&self) -> String {
        let parts = [(self.more, "more"), (self.fewer, "fewer"), (self.changed, "changed")];
        let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}"));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// Compares two plans, which are in the same order. What the `interrupted` run has captured belongs to the plan.
fn compare(held: &File, gone: &Deletions, interrupted: Option<&str>) -> Result<Differences, PlanError> {
    let mut held = Reader::new(BufReader::with_capacity(1 << 16, held))?;
    let mut now = gone.read()?;
    let captured = interrupted.map(|run| [BESIDE, run.as_bytes(), b"-"].concat());
    let next = |now: &mut Option<PlanReader<'_>>| -> Result<Option<Entry>, PlanError> {
        loop {
            let entry = match now {
                Some(now) => now.entry()?,
                None => None,
            };
            let ours =
                |entry: &Entry| captured.as_ref().is_some_and(|name| split(&entry.path).1.starts_with(name));
            if !entry.as_ref().is_some_and(ours) {
                return Ok(entry);
            }
        }
    };
    let mut differences = Differences::default();
    let (mut one, mut two) = (held.entry()?, next(&mut now)?);
    while one.is_some() || two.is_some() {
        let order = match (&one, &two) {
            (Some(one), Some(two)) => plan_order(key(one), key(two)),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        match order {
            Ordering::Less => differences.fewer += 1,
            Ordering::Greater => differences.more += 1,
            Ordering::Equal => {
                differences.changed += u64::from(one.as_ref().map(content) != two.as_ref().map(content))
            }
        }
        if order.is_le() {
            one = held.entry()?;
        }
        if order.is_ge() {
            two = next(&mut now)?;
        }
    }
    Ok(differences)
}

fn key(entry: &Entry) -> (&[u8], bool) {
    (&entry.path, entry.kind == Kind::Dir)
}

/// What the hash of a plan covers, besides the path.
fn content(entry: &Entry) -> (Kind, u64, i64) {
    (entry.kind, entry.stamp.size, entry.stamp.mtime)
}
