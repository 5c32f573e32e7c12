//! Announced changes of the archives that jobs mirror.

use super::report::{Area, Ask, Finding, Verdict};
use crate::mirrors::Change;
use jiff::civil::Date;

/// From this many days before a change on, it is a warning.
const SOON: i32 = 90;
/// How many jobs a finding names.
const NAMED: usize = 8;

/// The changes that concern sources of these jobs, each with its distance from today.
pub(super) fn examine(ask: &Ask, today: Date) -> Vec<Finding> {
    let concerned = |change: &&Change| {
        let is_concerned = |job: &&crate::model::job::Job| {
            job.sources.iter().any(|source| ask.mirrors.changes(source).any(|known| known == *change))
        };
        ask.jobs.iter().filter(is_concerned).map(|job| job.name.as_str()).collect::<Vec<_>>()
    };
    let found = ask.mirrors.dates.iter().map(|change| (change, concerned(&change)));
    found.filter(|(_, jobs)| !jobs.is_empty()).map(|(change, jobs)| finding(change, &jobs, today)).collect()
}

fn finding(change: &Change, jobs: &[&str], today: Date) -> Finding {
    let more = jobs.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let (s, names) = (if jobs.len() == 1 { "" } else { "s" }, jobs[..jobs.len().min(NAMED)].join(", "));
    let text = format!("{}: {} (job{s} {names}{more})", change.when(today), change.about);
    let verdict = if change.days_from(today) <= SOON { Verdict::Warn } else { Verdict::Ok };
    let unknown = if change.unknown.is_empty() { String::new() } else { format!("{}; ", change.unknown) };
    let hint = format!(
        "{unknown}a run whose source has changed its layout is blocked and changes nothing; `pdb-sync mirrors` lists the layouts"
    );
    Finding::new(Area::Source, verdict, text).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirrors::Catalogue;
    use crate::model::job::Job;
    use std::time::Duration;

    #[test]
    fn a_change_is_counted_down_for_the_jobs_that_it_concerns() {
        let ask = |sources: &[&str]| Ask {
            rsync: "rsync".into(),
            jobs: sources.iter().map(|source| Job::example("j", source, "/m")).collect(),
            parallel: 1,
            hosts: Default::default(),
            state_dir: "/s".into(),
            offline: true,
            patience: Duration::from_secs(1),
            mirrors: Catalogue::default(),
        };
        let today = |text: &str| text.parse::<Date>().unwrap();
        let old = "rsync://ftp.pdbj.org/ftp_data/structures/divided/mmCIF/";
        let found = examine(&ask(&[old, "rsync://h/m/"]), today("2026-11-29"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].text.starts_with("2027-07-21 (in 234 days): "), "{found:?}");
        assert!(found[0].text.ends_with("(job j)") && found[0].verdict == Verdict::Ok, "{found:?}");
        for near in ["2027-04-22", "2027-07-21", "2028-01-01"] {
            assert_eq!(examine(&ask(&[old]), today(near))[0].verdict, Verdict::Warn, "{near}");
        }
        assert_eq!(examine(&ask(&["rsync://ftp.pdbj.org/ftp_data/entries/"]), today("2027-01-01")), []);
    }
}
