//! The status as lines of text.

use crate::cli::ProcessOrder;
use crate::model::running::{RunningCommand, RunningJob, RunningSync};
use crate::model::sanitize;
use crate::model::time::local;
use crate::output::terminal::{First, Text, Ui};
use crate::output::units::{bytes, count, rate, whole};
use crate::platform::host_name;
use crate::system::running::Seen;
use crate::system::status::{Disk, Freshness, Process, Snapshot, System, Top};
use console::Style;
use jiff::Timestamp;
use std::time::Duration;

/// A disk is marked if at least this share is used.
const NEARLY_FULL: f64 = 0.95;

/// How the page is shown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct View {
    /// Older mirrors are marked.
    pub(super) max_age: Option<Duration>,
    /// The order of the processes; `None`: those of all orders.
    pub(super) order: Option<ProcessOrder>,
}

/// Returns the whole page. Unknown parts are shown as unknown.
pub(super) fn lines(seen: &Snapshot, view: View, ui: &Ui) -> Vec<Text> {
    let page = Page { ui, now: seen.time, max_age: view.max_age, host: host_name() };
    let mut lines: Vec<Text> = Vec::new();
    lines.push(page.head(&format!("pdb-sync {}  {}", env!("CARGO_PKG_VERSION"), local(seen.time))));
    match &seen.system {
        Some(system) => lines.extend(machine(system).into_iter().map(Text::from)),
        None => lines.push("machine: no answer".into()),
    }
    lines.push(Text::new());
    match seen.commands.as_deref().map(Vec::as_slice) {
        None => lines.push("runs: no answer".into()),
        Some([]) => lines.push("No run in progress.".into()),
        Some(commands) => commands.iter().for_each(|seen| lines.extend(page.command(seen))),
    }
    lines.push(Text::new());
    match (seen.jobs.as_deref().map(Vec::as_slice), &seen.trouble) {
        (_, Some(why)) => lines.push(format!("jobs: {why}").into()),
        (None, None) => lines.push("jobs: no answer".into()),
        (Some([]), None) => lines.push("No jobs in the configuration.".into()),
        (Some(jobs), None) => lines.extend(page.jobs(jobs)),
    }
    lines.push(Text::new());
    match seen.disks.as_deref() {
        None => lines.push("disks: no answer; does one of them hang?".into()),
        Some(disks) => lines.extend(page.disks(disks, seen.jobs.as_deref().map_or(&[], Vec::as_slice))),
    }
    let processes = seen.top.as_deref().map(|top| chosen(top, view.order)).unwrap_or_default();
    if !processes.is_empty() {
        lines.push(Text::new());
        lines.extend(page.processes(&processes));
    }
    lines.into_iter().map(Text::one_line).collect()
}

fn machine(system: &System) -> Vec<String> {
    let percent = |share: Option<f64>| share.map_or("?".into(), |share| format!("{share:.0} %"));
    let cpus = system.cpus.map_or(String::new(), |cpus| format!(" of {}", count(cpus as u64, "CPU", "CPUs")));
    let load = system
        .load
        .map_or(String::new(), |[one, five, fifteen]| format!("   load {one:.2} {five:.2} {fifteen:.2}"));
    let memory = system.memory.map(|memory| {
        let told = |bytes_: Option<u64>| bytes_.map_or("?".into(), bytes);
        let (available, total, cached) = (told(memory.available), bytes(memory.total), told(memory.cached));
        format!("memory {available} available of {total}, {cached} cached")
    });
    let [cpu, mem, io] = system.pressure.map(percent);
    let at_work = format!("{}{cpus} at work{load}", percent(system.cpu.map(|share| share * 100.0)));
    let waiting = format!("waiting (10 s): for a CPU {cpu}, for memory {mem}, all for disks {io}");
    [Some(at_work), memory, Some(waiting)].into_iter().flatten().collect()
}

struct Page<'a> {
    ui: &'a Ui,
    now: Timestamp,
    max_age: Option<Duration>,
    host: String,
}

impl Page<'_> {
    fn head(&self, text: &str) -> Text {
        Text::styled(text, Style::new().bold())
    }

    fn good(&self, text: &str) -> Text {
        Text::styled(text, Style::new().green())
    }

    fn bad(&self, text: &str) -> Text {
        Text::styled(text, Style::new().red().bold())
    }

    fn since(&self, then: Timestamp) -> Duration {
        Duration::try_from(self.now.duration_since(then)).unwrap_or_default()
    }

    fn command(&self, seen: &Seen) -> Vec<Text> {
        let RunningCommand { command, run, pid, host, started, targets, sync, .. } = &seen.command;
        // A `sync` is the usual command.
        let command = if sync.is_some() { "RUN".into() } else { command.to_uppercase() };
        let run = run.as_ref().map_or(String::new(), |run| format!(" {run}"));
        let host = host.as_ref().filter(|host| **host != self.host);
        let host = host.map_or(String::new(), |host| format!(" on {host}"));
        let mut head = format!("{command}{run} by pid {pid}{host}, for {}: ", whole(self.since(*started)));
        match sync {
            Some(RunningSync { jobs, dry_run, .. }) => {
                let done = jobs.iter().filter(|job| job.ended).count();
                head += &format!("{done} of {}", count(jobs.len() as u64, "job", "jobs"));
                head += if *dry_run { ", changes nothing" } else { "" };
            }
            None => head += &targets.join(", "),
        }
        if seen.gone {
            return vec![self.head(&head), self.bad("  its process has ended without a result")];
        }
        let Some(run) = sync else { return vec![self.head(&head)] };
        let at_work = run.jobs.iter().filter(|job| !job.ended && job.started.is_some());
        let mut rows: Vec<Vec<String>> = at_work.map(|job| self.running(job)).collect();
        let waiting = run.jobs.iter().filter(|job| !job.ended && job.started.is_none()).count();
        if waiting > 0 {
            rows.push(vec![format!("  {} waiting", count(waiting as u64, "job", "jobs"))]);
        }
        [self.head(&head)].into_iter().chain(self.ui.rows(&rows, First::Row)).collect()
    }

    fn running(&self, job: &RunningJob) -> Vec<String> {
        let or_empty = |text: Option<String>| text.unwrap_or_default();
        let progress = &job.progress;
        vec![
            format!("  {}", job.job),
            job.state.clone(),
            if job.attempt > 1 { format!("try {}", job.attempt) } else { String::new() },
            or_empty(progress.percent.map(|percent| format!("{percent:.0} %"))),
            or_empty(progress.bytes.map(bytes)),
            or_empty(progress.rate.and_then(rate)),
            or_empty(progress.eta.map(|eta| format!("{} left", whole(eta)))),
            or_empty(job.source.clone()),
        ]
    }

    fn jobs(&self, jobs: &[Freshness]) -> Vec<Text> {
        let heading = ["JOB", "LAST", "ENDED WELL", "AGE", "QUARANTINE", ""].map(|head| self.head(head));
        let mut rows = vec![Vec::from(heading)];
        for job in jobs {
            let last = match &job.last {
                None => "-".into(),
                Some(last) if matches!(last.state.as_str(), "ok" | "warned") => self.good(&last.state),
                Some(last) if last.state == "skipped" => (&last.state).into(),
                Some(last) => self.bad(&last.state),
            };
            let age = match job.age(self.now) {
                Some(age) => whole(age),
                None => "never".into(),
            };
            let stale = job.enabled && self.max_age.is_some_and(|limit| job.is_staler(limit, self.now));
            let quarantine = job
                .quarantine
                .map(|(files, size)| format!("{}, {}", count(files, "file", "files"), bytes(size)));
            let error = job.last.as_ref().and_then(|last| last.error.clone());
            rows.push(vec![
                (&job.job).into(),
                last,
                job.success.map_or("-".into(), |time| local(time).into()),
                if stale { self.bad(&age) } else { age.into() },
                quarantine.map_or_else(|| "-".into(), Text::from),
                if job.enabled { error.unwrap_or_default().into() } else { "not enabled".into() },
            ]);
        }
        self.ui.rows(&rows, First::Heading)
    }

    fn disks(&self, disks: &[Disk], jobs: &[Freshness]) -> Vec<Text> {
        if disks.is_empty() {
            return Vec::new();
        }
        let mut rows =
            vec![Vec::from(["DISK", "FREE", "OF", "USED", "FULL IN", "JOBS"].map(|head| self.head(head)))];
        for disk in disks {
            let used = disk.used().map_or("-".into(), |used| {
                let text = format!("{:.0} %", used * 100.0);
                if used >= NEARLY_FULL { self.bad(&text) } else { text.into() }
            });
            rows.push(vec![
                sanitize::path(&disk.point).to_string().into(),
                bytes(disk.free).into(),
                bytes(disk.size).into(),
                used,
                forecast(disk, jobs).map_or("-".into(), |days| format!("{days:.0} days").into()),
                disk.jobs.join(", ").into(),
            ]);
        }
        self.ui.rows(&rows, First::Heading)
    }

    fn processes(&self, processes: &[&Process]) -> Vec<Text> {
        let mut rows =
            vec![Vec::from(["PROCESS", "PID", "CPU", "MEMORY", "DISK"].map(|head| self.head(head)))];
        for process in processes {
            let cpu = process.cpu.map_or("-".into(), |cpu| format!("{:.0} %", cpu * 100.0));
            let io = process.io.and_then(rate).unwrap_or("-".into());
            let cells = [process.name.clone(), process.pid.to_string(), cpu, bytes(process.resident), io];
            rows.push(cells.map(Text::from).to_vec());
        }
        self.ui.rows(&rows, First::Heading)
    }
}

/// Returns the processes of one order; without an order, each process of any order once, by memory.
fn chosen(top: &Top, order: Option<ProcessOrder>) -> Vec<&Process> {
    match order {
        Some(ProcessOrder::Cpu) => top.cpu.iter().collect(),
        Some(ProcessOrder::Memory) => top.memory.iter().collect(),
        Some(ProcessOrder::Io) => top.io.iter().collect(),
        None => {
            let mut all: Vec<&Process> = Vec::new();
            for process in top.memory.iter().chain(&top.cpu).chain(&top.io) {
                if !all.iter().any(|known| known.pid == process.pid) {
                    all.push(process);
                }
            }
            all.sort_by_key(|process| std::cmp::Reverse(process.resident));
            all
        }
    }
}

/// Returns the days until the disk is full if its mirrors keep growing at the same rate; `None` if that is unknown or not foreseeable.
pub(super) fn forecast(disk: &Disk, jobs: &[Freshness]) -> Option<f64> {
    let here = jobs.iter().filter(|job| disk.jobs.contains(&job.job));
    let growth: f64 = here.filter_map(|job| job.growth).sum();
    let days = disk.free as f64 / growth;
    (growth > 0.0 && days < 3_650.0).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Progress;
    use crate::platform::Memory;
    use crate::system::status::Newest;
    use std::sync::Arc;

    fn time(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn fresh(job: &str, state: &str, success: Option<i64>) -> Freshness {
        Freshness {
            job: job.into(),
            enabled: true,
            dest: Some("/srv".into()),
            last: Some(Newest {
                state: state.into(),
                started: time(-100),
                error: (state != "ok").then(|| "why".into()),
            }),
            success: success.map(time),
            growth: Some(1e9),
            quarantine: None,
        }
    }

    fn snapshot() -> Snapshot {
        let memory = Memory {
            total: 25_000_000_000,
            available: Some(20_000_000_000),
            cached: Some(3_000_000_000),
            reclaimable: None,
            dirty: None,
        };
        let system = System {
            cpus: Some(2),
            cpu: Some(0.25),
            load: Some([0.5, 1.0, 1.5]),
            memory: Some(memory),
            pressure: [Some(33.7), None, Some(0.0)],
        };
        let job = RunningJob {
            state: "transfer".into(),
            attempt: 2,
            source: Some("rsync://h/m/".into()),
            started: Some(time(-60)),
            progress: Progress {
                bytes: Some(1_200_000),
                percent: Some(42.4),
                files: None,
                rate: Some(3e6),
                eta: Some(Duration::from_secs(90)),
            },
            ..RunningJob::waiting("a")
        };
        let jobs = vec![job, RunningJob::waiting("b")];
        let run = RunningCommand {
            v: 1,
            command: "sync".into(),
            run: Some("01X".into()),
            pid: 7,
            process: None,
            host: None,
            started: time(-65),
            told: time(0),
            targets: vec!["a".into(), "b".into()],
            sync: Some(RunningSync { parallel: 1, dry_run: false, jobs }),
        };
        let scan = RunningCommand {
            command: "scan".into(),
            run: None,
            pid: 8,
            host: Some("elsewhere".into()),
            targets: vec!["a".into(), "/srv/other".into()],
            sync: None,
            ..run.clone()
        };
        let clean = RunningCommand {
            command: "clean run".into(),
            run: Some("01Y".into()),
            targets: vec!["/srv/a".into()],
            ..scan.clone()
        };
        let seen = |command, gone| Seen { command, gone };
        let disk = Disk {
            point: "/srv".into(),
            size: 100e9 as u64,
            free: 30e9 as u64,
            jobs: vec!["a".into(), "b".into()],
        };
        let process = |pid, name: &str, cpu, io| Process {
            pid,
            name: name.into(),
            cpu,
            resident: 5_000_000 + u64::from(pid) * 100_000,
            io,
        };
        Snapshot {
            time: time(0),
            system: Some(Arc::new(system)),
            top: Some(Arc::new(Top {
                cpu: vec![process(9, "rsync", Some(1.5), Some(2e6)), process(4, "sh", Some(0.25), None)],
                memory: vec![process(1, "init", None, None)],
                io: vec![process(9, "rsync", Some(1.5), Some(2e6))],
            })),
            disks: Some(Arc::new(vec![disk])),
            commands: Some(Arc::new(vec![seen(run, false), seen(scan, false), seen(clean, true)])),
            jobs: Some(Arc::new(vec![fresh("a", "ok", Some(-86_400)), fresh("b", "failed", None)])),
            trouble: None,
        }
    }

    fn joined(lines: &[Text]) -> String {
        lines.iter().map(|line| line.render(false)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_page_in_full() {
        let ui = Ui { color: crate::output::terminal::Color::Never, ..Ui::default() };
        let text = joined(&lines(&snapshot(), View::default(), &ui)[1..]);
        // Independent of the time zone in which the test runs.
        let text = text.replace(&local(time(-86_400)), "2027-01-14 08:00:00 +00:00");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn what_does_not_answer_is_said() {
        let ui = Ui { color: crate::output::terminal::Color::Never, ..Ui::default() };
        let nothing =
            Snapshot { system: None, top: None, disks: None, commands: None, jobs: None, ..snapshot() };
        let text = joined(&lines(&nothing, View::default(), &ui));
        for part in ["machine", "runs", "jobs", "disks"] {
            assert!(text.contains(&format!("{part}: no answer")), "{text}");
        }
    }

    #[test]
    fn an_order_shows_its_processes_only() {
        let top = snapshot().top.unwrap();
        let pids = |order| chosen(&top, order).iter().map(|process| process.pid).collect::<Vec<_>>();
        assert_eq!(pids(Some(ProcessOrder::Cpu)), [9, 4]);
        assert_eq!(pids(Some(ProcessOrder::Memory)), [1]);
        assert_eq!(pids(Some(ProcessOrder::Io)), [9]);
        assert_eq!(pids(None), [9, 4, 1], "each once, by memory");
    }

    #[test]
    fn a_forecast_needs_growth() {
        let disk = Disk { point: "/".into(), size: 10, free: 5_000_000_000, jobs: vec!["a".into()] };
        let mut job = fresh("a", "ok", None);
        assert_eq!(forecast(&disk, std::slice::from_ref(&job)), Some(5.0));
        job.growth = Some(-1.0);
        assert_eq!(forecast(&disk, std::slice::from_ref(&job)), None);
        assert_eq!(forecast(&disk, &[]), None);
    }
}
