use super::*;
use crate::model::event::Stream;
use crate::model::result::Outcome;
use crate::output::terminal::{Color, Environment};
use crate::output::testing::{Heard, at, finished, job_started, output, result, started};
use crate::output::{Columns, Port, text_listener::TextListener};
use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};
use std::io::Write;
use std::time::Duration;

/// Standard output on the same terminal as the bars.
struct Above(InMemoryTerm);

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in String::from_utf8_lossy(bytes).lines() {
            self.0.write_line(line)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Stage {
    term: InMemoryTerm,
    screen: Screen,
    bars: Bars,
    human: TextListener,
}

impl Stage {
    fn new(rows: u16, columns: u16) -> Self {
        Stage::of(rows, columns, true)
    }

    fn of(rows: u16, columns: u16, utf8: bool) -> Self {
        let term = InMemoryTerm::new(rows, columns);
        // Without a limit on redraws, so that every state is visible.
        let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
        let multi = MultiProgress::with_draw_target(target);
        let width = || -> Option<Columns> { Some(Box::new(move || columns.into())) };
        let out = Port { writer: Box::new(Above(term.clone())), columns: width() };
        let err = Port { writer: Box::new(Heard::default()), columns: width() };
        let environment = Environment { utf8, ..Environment::default() };
        let mut screen = Screen::new(out, err, Color::Never, &environment);
        screen.put_above(multi.clone());
        let bars = Bars::new(multi, Box::new(move || (rows, columns)), screen.look(Stream::Stderr));
        Stage { term, screen, bars, human: TextListener::new(false, false, true) }
    }

    fn play(&mut self, events: impl IntoIterator<Item = Event>) -> String {
        for event in events {
            let event = Stamped { time: at(0), event };
            self.bars.hear(&event, &mut self.screen).unwrap();
            self.human.hear(&event, &mut self.screen).unwrap();
        }
        self.bars.tick();
        self.term.contents()
    }
}

fn progress(job: &str, percent: Option<f64>) -> Event {
    let progress = Progress {
        bytes: Some(12_300_000),
        percent,
        files: Some(7),
        rate: Some(1_200_000.0),
        eta: Some(Duration::from_secs(200)),
    };
    Event::Progress { job: job.into(), part: None, progress }
}

#[test]
fn a_wide_terminal_has_bars_throughput_and_eta() {
    let mut stage = Stage::new(12, 200);
    let shown = stage.play([
        started(&["mmcif", "a"]),
        job_started("mmcif", 1),
        job_started("a", 1),
        progress("mmcif", Some(50.0)),
        progress("a", None),
    ]);
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 4, "{shown}");
    assert!(lines[1].starts_with("mmcif ━━━━"), "{shown}");
    assert!(lines[1].ends_with("──  50%    1.2 MB/s   3m 20s left   12.3 MB"), "{shown}");
    assert!(
        lines[2].starts_with("a     ") && lines[2].ends_with(" 1.2 MB/s  3m 20s left  12.3 MB"),
        "{shown}"
    );
    assert!(!lines[2].contains('%') && !lines[2].contains('━'), "no invented percentage: {shown}");
    assert!(lines[3].starts_with("0/2 jobs  2.4 MB/s  24.6 MB  0s"), "{shown}");
}

#[test]
fn thirty_columns_are_enough() {
    let mut stage = Stage::new(8, 30);
    let shown = stage.play([
        started(&["a-very-long-name-indeed"]),
        job_started("a-very-long-name-indeed", 1),
        progress("a-very-long-name-indeed", Some(99.99)),
    ]);
    insta::assert_snapshot!(shown, @r"
    Syncing 1 job...
    a-very-lo…  99%  1.2 MB/s
    0/1 jobs  1.2 MB/s  12.3 MB
    ");
}

#[test]
fn without_utf8_there_is_ascii_only() {
    let mut stage = Stage::of(12, 100, false);
    let shown = stage.play([
        started(&["a-very-long-name-indeed", "é"]),
        job_started("a-very-long-name-indeed", 1),
        job_started("é", 1),
        progress("a-very-long-name-indeed", Some(50.0)),
        progress("é", None),
    ]);
    assert!(shown.is_ascii(), "{shown}");
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[1].starts_with("a-very-long-name-... ====="), "{shown}");
    assert!(lines[1].contains("=>---") && lines[2].starts_with(r"\u{e9} "), "{shown}");
}

#[test]
fn a_percentage_never_falls_within_an_attempt() {
    let mut stage = Stage::new(8, 100);
    let mut percents = Vec::new();
    stage.play([started(&["a"]), job_started("a", 1)]);
    for percent in [Some(10.0), Some(40.0), Some(25.0), None, Some(41.0), Some(f64::NAN), Some(500.0)] {
        let shown = stage.play([progress("a", percent)]);
        let end = shown.find('%').unwrap();
        percents.push(shown[..end].rsplit(' ').next().unwrap().parse::<f64>().unwrap());
    }
    assert_eq!(percents, [10.0, 40.0, 40.0, 40.0, 41.0, 41.0, 100.0]);
    let again = stage.play([job_started("a", 2)]);
    assert!(!again.contains('%'), "a new attempt starts anew: {again}");
}

#[test]
fn text_goes_above_and_the_bars_vanish() {
    let mut stage = Stage::new(20, 80);
    let shown = stage.play([
        started(&["a"]),
        job_started("a", 1),
        output("a", Stream::Stdout, b"one\ntwo\n"),
        Event::Phase { job: "a".into(), part: None, attempt: 1, phase: Phase::Delete, argv: vec![] },
        output("a", Stream::Stdout, b"three\n"),
    ]);
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines[..4], ["Syncing 1 job...", "[a] one", "[a] two", "[a] three"], "{shown}");
    assert!(lines[4].starts_with("a ") && lines[4].ends_with("deleting"), "{shown}");
    assert!(lines[5].starts_with("0/1 jobs"), "{shown}");
    let shown = stage.play(finished(vec![result("a", Outcome::Ok)]));
    insta::assert_snapshot!(shown, @r"
    Syncing 1 job...
    [a] one
    [a] two
    [a] three
    === Sync Summary ===
    Total: 1 | Success: 1 | Failed: 0
    All syncs completed successfully.
    Total time: 45.23s | Average: 1.50s
    ");
}

#[test]
fn more_jobs_than_rows_are_counted() {
    let mut stage = Stage::new(5, 80);
    let names = ["a", "b", "c", "d", "e"];
    let mut events = vec![started(&names)];
    events.extend(names.map(|job| job_started(job, 1)));
    let shown = stage.play(events);
    assert!(shown.lines().last().unwrap().ends_with("2 more running"), "{shown}");
    let shown = stage.play([Event::JobFinished(Arc::new(result("a", Outcome::Ok)))]);
    assert!(shown.lines().last().unwrap().ends_with("1 more running"), "{shown}");
    assert!(shown.lines().any(|line| line.starts_with("d ")), "the next one moves up: {shown}");
}
