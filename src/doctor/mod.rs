//! Checks everything that a run needs on this machine, in parallel, and never hangs.
//!
//! Each check has its own time limit; no answer is a finding. Nothing is changed, except for temporary files that are removed at once.

mod dates;
mod destination;
mod host;
mod kernel;
mod limited;
mod programs;
mod report;
mod shared;
mod sources;
mod state;

pub(crate) use report::{Area, Ask, Finding, Mirror, Report, Verdict};

use limited::blocking;
use tokio::task::JoinSet;

/// Runs all checks in parallel. Needs a runtime. Threads may be held by a dead file system or resolver, so end the runtime with
/// `shutdown_background`.
pub(crate) async fn examine(ask: Ask) -> Report {
    let mut looking: JoinSet<(usize, Vec<Finding>)> = JoinSet::new();
    let mut place = 0;
    let mut next = || {
        place += 1;
        place
    };
    let rsync = ask.clone();
    let first = next();
    looking.spawn(async move { (first, programs::rsync(&rsync).await) });
    let (dir, at) = (ask.state_dir.clone(), next());
    looking.spawn(async move { (at, blocking(Area::State, None, move || state::examine(&dir)).await) });
    for job in &ask.jobs {
        let (own, at) = (job.clone(), next());
        let name = Some(job.name.clone());
        looking.spawn(async move {
            (at, blocking(Area::Destination, name, move || destination::examine(&own)).await)
        });
    }
    let (parallel, at) = (ask.parallel, next());
    looking.spawn(async move { (at, blocking(Area::Kernel, None, move || host::examine(parallel)).await) });
    let sources = async {
        match ask.offline {
            true => (sources::local(&ask).await, Vec::new()),
            false => sources::examine(&ask).await,
        }
    };
    let (sources, found) = tokio::join!(sources, looking.join_all());
    let mut found = found;
    found.sort_by_key(|(at, _)| *at);
    let (mut about_sources, mirrors) = sources;
    about_sources.extend(dates::examine(&ask, jiff::Zoned::now().date()));
    let mut findings: Vec<_> =
        found.into_iter().flat_map(|(_, findings)| findings).chain(about_sources).collect();
    findings.sort_by_key(|finding| finding.area);
    Report { findings, mirrors }
}
