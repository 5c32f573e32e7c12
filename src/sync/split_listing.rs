//! Lists over several connections at the same time.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::listing::{self, Collector};
use super::transport::{Ended, Ran, Request, Show};
use crate::model::event::{Level, Phase};
use crate::model::job::{Job, Source};
use crate::rsync::args::{self, Purpose};
use crate::rsync::exit::Verdict;
use crate::rsync::output::{Change, Count, Stats};
use futures::future::join_all;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

impl AttemptRunner<'_> {
    /// Lists in parts, if that pays and so many connections are free. `None`: the source has to be listed at once; the collector may have
    /// changes by then.
    pub(super) async fn list_in_parts(
        &mut self,
        of: (&Job, &Source),
        purpose: Purpose,
        collector: &Mutex<Collector>,
    ) -> Result<Option<Ran>, AttemptEnd> {
        let host = of.1.host();
        let most = self.job.connections.most().min(self.slots.cap(host));
        if most < 2 || self.lists_at_once || purpose != (Purpose::List { all: false }) {
            return Ok(None);
        }
        if !of.1.is_remote() || !args::can_be_split(self.job) {
            return Ok(None);
        }
        let more: Vec<_> = std::iter::from_fn(|| self.slots.try_connect(host)).take(most - 1).collect();
        let (state_dir, job, n) = (self.plan.state_dir.clone(), self.listing_name(), more.len() + 1);
        let split = move || listing::split(&state_dir, &job, n);
        let filters = off_thread(&self.job_events.stop, split).await.ok_or(AttemptEnd::Stopped)?;
        let Some(filters) = filters else { return Ok(None) };
        let more: Vec<_> = more.into_iter().take(filters.len() - 1).collect();
        let started = Instant::now();
        let requests: Vec<Request<'_>> = filters
            .iter()
            .map(|filters| Request {
                filters,
                several: true,
                ..self.request(of, purpose, Show::Nothing, &[])
            })
            .collect();
        for request in &requests {
            let command = self.transport.command(request);
            self.job_events.phase(self.number, Phase::List, &command).await;
        }
        let (events, transport) = (self.job_events, self.transport);
        let runs = join_all((0..).zip(requests).map(|(number, request)| async move {
            let mut note = |change: &Change<'_>| {
                // Each part lists the root; the first speaks for all.
                let again = number > 0 && change.name == b".";
                !again && collector.lock().unwrap_or_else(PoisonError::into_inner).note(change)
            };
            transport.run(request, events, &mut note).await
        }))
        .await;
        drop(more);
        self.connections = self.connections.max(runs.len() as u32);
        self.phases.push((Phase::List, started.elapsed()));
        let ran = together(runs);
        self.code = ran.code;
        if let Ended::Judged(Verdict::Failed(_, reason)) = &ran.verdict {
            self.lists_at_once = true;
            let text = format!("the source is listed again over one connection: {}", reason.text);
            self.job_events.notice(Level::Debug, text).await;
            return Ok(None);
        }
        Ok(Some(ran))
    }
}

/// The result of all parts: the worst verdict, and the sums of the figures.
fn together(runs: Vec<Ran>) -> Ran {
    let more = runs.len().saturating_sub(1) as u64;
    let mut runs = runs.into_iter();
    let Some(mut all) = runs.next() else {
        return Ran {
            code: None,
            verdict: Ended::Stopped,
            stats: Stats::default(),
            progress: None,
            unshown: Vec::new(),
        };
    };
    for ran in runs {
        all.stats = all.stats.and(&ran.stats);
        if rank(&ran.verdict) > rank(&all.verdict) {
            (all.code, all.verdict) = (ran.code, ran.verdict);
        }
    }
    // Each part has counted the root.
    let once = |count: Count| Count {
        total: count.total.saturating_sub(more),
        dirs: count.dirs.saturating_sub(more),
        ..count
    };
    all.stats.files = all.stats.files.map(|count| if count.dirs > more { once(count) } else { count });
    all
}

fn rank(verdict: &Ended) -> u8 {
    match verdict {
        Ended::Judged(Verdict::Ok) => 0,
        Ended::Judged(Verdict::Vanished(_)) => 1,
        Ended::Judged(Verdict::Partial(_)) => 2,
        Ended::Judged(Verdict::Failed(..)) => 3,
        Ended::DiskLow(_) => 4,
        Ended::Stopped => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::result::Reason;
    use crate::rsync::exit::Class;

    fn ran(verdict: Verdict, files: u64, dirs: u64) -> Ran {
        let stats = Stats {
            files: Some(Count { total: files + dirs, dirs, regular: files }),
            total_size: Some(files * 10),
            received: Some(100),
            ..Stats::default()
        };
        Ran { code: Some(0), verdict: Ended::Judged(verdict), stats, progress: None, unshown: Vec::new() }
    }

    #[test]
    fn figures_are_added_and_the_root_counts_once() {
        let all = together(vec![ran(Verdict::Ok, 5, 3), ran(Verdict::Ok, 2, 1), ran(Verdict::Ok, 1, 2)]);
        assert_eq!(all.stats.files, Some(Count { total: 12, dirs: 4, regular: 8 }));
        assert_eq!((all.stats.total_size, all.stats.received), (Some(80), Some(300)));
        assert_eq!(all.stats.sent, None, "unknown in each part");
        assert_eq!(all.verdict, Ended::Judged(Verdict::Ok));
    }

    #[test]
    fn the_worst_verdict_counts() {
        let (vanished, partial) = (Verdict::Vanished(Reason::new("v")), Verdict::Partial(Reason::new("p")));
        let failed = Verdict::Failed(Class::Retry, Reason::new("f"));
        let all = |verdicts: &[&Verdict]| {
            together(verdicts.iter().map(|verdict| ran((*verdict).clone(), 1, 1)).collect()).verdict
        };
        assert_eq!(all(&[&Verdict::Ok, &vanished, &Verdict::Ok]), Ended::Judged(vanished.clone()));
        assert_eq!(all(&[&vanished, &partial]), Ended::Judged(partial.clone()));
        assert_eq!(all(&[&failed, &partial]), Ended::Judged(failed.clone()));
    }
}
