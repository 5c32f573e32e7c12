//! Progress bars: one per running job and a line for the whole run, below the text. They are removed at the end.

use super::listener::ScreenListener;
use super::{Screen, units};
use crate::model::event::{Event, Phase, Progress, Stamped};
use crate::model::sanitize;
use crate::output::terminal::{Glyphs, TextStyle};
use console::{Alignment, pad_str, truncate_str};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// Minimum number of columns for a real bar.
const WIDE: u16 = 72;

/// Columns for the name of a job, on a wide and on a narrow terminal.
const NAME: (usize, usize) = (20, 10);

pub(super) struct Bars {
    multi: MultiProgress,
    /// Returns the current rows and columns.
    size: Box<dyn Fn() -> (u16, u16) + Send>,
    styles: Styles,
    look: TextStyle,
    glyphs: Glyphs,
    /// Width of the longest name in columns.
    longest: usize,
    running: Vec<Running>,
    total: Option<Total>,
}

struct Running {
    job: Arc<str>,
    phase: Option<Phase>,
    progress: Progress,
    /// `None` while there are more jobs than rows.
    bar: Option<ProgressBar>,
}

struct Total {
    bar: ProgressBar,
    jobs: usize,
    done: usize,
    since: Instant,
}

struct Styles {
    wide: ProgressStyle,
    narrow: ProgressStyle,
    unknown: ProgressStyle,
    total: ProgressStyle,
}

impl Styles {
    fn new(color: bool, glyphs: Glyphs) -> Self {
        // An invalid template would be a bug of ours; then the default style is used.
        let style = |template: &str| {
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
        };
        let bar = if color { "{prefix} {wide_bar:.cyan/dim} {msg}" } else { "{prefix} {wide_bar} {msg}" };
        Styles {
            wide: style(bar).progress_chars(glyphs.bar),
            narrow: style("{prefix} {wide_msg}"),
            unknown: style("{prefix} {spinner} {wide_msg}").tick_chars(glyphs.spinner),
            total: style("{wide_msg}"),
        }
    }
}

impl Bars {
    /// Creates the bars for a terminal with this style.
    pub(super) fn new(
        multi: MultiProgress,
        size: Box<dyn Fn() -> (u16, u16) + Send>,
        look: TextStyle,
    ) -> Self {
        let glyphs = Glyphs::of(!look.ascii);
        let styles = Styles::new(look.color, glyphs);
        Bars { multi, size, styles, look, glyphs, longest: 0, running: Vec::new(), total: None }
    }

    fn start(&mut self, jobs: &[String]) {
        self.longest = jobs.iter().map(|job| console::measure_text_width(job)).max().unwrap_or(0);
        let bar = self.multi.add(new_bar(self.styles.total.clone()));
        self.total = Some(Total { bar, jobs: jobs.len(), done: 0, since: Instant::now() });
    }

    fn running(&mut self, job: &Arc<str>) -> &mut Running {
        let at = self.running.iter().position(|running| running.job == *job).unwrap_or_else(|| {
            self.running.push(Running {
                job: job.clone(),
                phase: None,
                progress: Progress::default(),
                bar: None,
            });
            self.running.len() - 1
        });
        &mut self.running[at]
    }

    /// Removes the bar of a job that has ended or waits for its next attempt.
    fn rests(&mut self, job: &Arc<str>) {
        let at = self.running.iter().position(|running| running.job == *job);
        if let Some(bar) = at.and_then(|at| self.running.remove(at).bar) {
            self.drop_bar(&bar);
        }
    }

    fn finished(&mut self, job: &Arc<str>) {
        self.rests(job);
        if let Some(total) = &mut self.total {
            total.done += 1;
        }
    }

    fn drop_bar(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.multi.remove(bar);
    }

    fn draw(&mut self) {
        let Some(total) = &self.total else { return };
        let (rows, columns) = (self.size)();
        // One row is for the total, and one is kept free so that the text above does not jump.
        let room = usize::from(rows).saturating_sub(2);
        let name = self.longest.min(if columns >= WIDE { NAME.0 } else { NAME.1 });
        for running in self.running.iter_mut().take(room) {
            let percent_known = running.progress.percent.is_some();
            let style = match running.progress.percent {
                None => &self.styles.unknown,
                Some(_) if columns >= WIDE => &self.styles.wide,
                Some(_) => &self.styles.narrow,
            };
            let new = || self.multi.insert_before(&total.bar, new_bar(style.clone()));
            let bar = running.bar.get_or_insert_with(new);
            bar.set_style(style.clone());
            let job = sanitize::line(&running.job);
            let job = self.look.plain_str(&job);
            let prefix = truncate_str(&job, name, self.glyphs.ellipsis);
            bar.set_prefix(pad_str(&prefix, name, Alignment::Left, None).into_owned());
            let percent = running.progress.percent.unwrap_or(0.0).clamp(0.0, 100.0);
            bar.set_position((percent * 10.0) as u64);
            // Space beside the name, and beside the spinner if there is one.
            let room = usize::from(columns).saturating_sub(name + 1 + if percent_known { 0 } else { 2 });
            bar.set_message(figures(running.phase, &running.progress, columns >= WIDE, room));
            bar.tick();
        }
        total.bar.set_message(total_line(total, &self.running, room, columns.into()));
        total.bar.tick();
    }

    fn clear(&mut self) {
        let bars = self.running.drain(..).filter_map(|running| running.bar).collect::<Vec<_>>();
        for bar in bars.into_iter().chain(self.total.take().map(|total| total.bar)) {
            self.drop_bar(&bar);
        }
    }
}

impl ScreenListener for Bars {
    fn name(&self) -> &str {
        "bars"
    }

    fn hear(&mut self, event: &Stamped, _screen: &mut Screen) -> io::Result<()> {
        match &event.event {
            Event::RunStarted { jobs, .. } => self.start(jobs),
            Event::JobStarted { job, .. } => {
                let running = self.running(job);
                running.phase = None;
                running.progress = Progress::default();
            }
            Event::Phase { job, phase, .. } => self.running(job).phase = Some(*phase),
            Event::Progress { job, progress, .. } => {
                let running = self.running(job);
                running.progress = merged(&running.progress, progress);
            }
            Event::Retry { job, .. } => self.rests(job),
            Event::JobFinished(result) => self.finished(&result.job),
            Event::RunFinished(_) => {
                self.clear();
                return Ok(());
            }
            // The next tick redraws the bars.
            Event::Output { .. }
            | Event::Planned { .. }
            | Event::Adopted { .. }
            | Event::Notice { .. }
            | Event::StatusRequested => {
                return Ok(());
            }
        }
        self.draw();
        Ok(())
    }

    fn tick(&mut self) {
        self.draw();
    }

    fn wants_ticks(&self) -> bool {
        true
    }

    fn finish(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

/// The length is in thousandths, which is finer than the width of any terminal. The bar is hidden until its style is set, since every
/// change is drawn.
fn new_bar(style: ProgressStyle) -> ProgressBar {
    let bar = ProgressBar::hidden().with_style(style);
    bar.set_length(1_000);
    bar
}

/// Merges progress: the latest values, but a percentage never falls or disappears within an attempt.
fn merged(old: &Progress, new: &Progress) -> Progress {
    let percent = match (old.percent, new.percent.filter(|percent| percent.is_finite())) {
        (Some(old), Some(new)) => Some(old.max(new)),
        (old, new) => new.or(old),
    };
    Progress { percent, ..*new }
}

/// Formats ` 42%  1.2 MB/s  3m 20s  123 MB`. The most important value is first, since values that do not fit into `room` are omitted. On a
/// wide terminal each value has fixed columns, so that the bar beside them does not move.
fn figures(phase: Option<Phase>, progress: &Progress, wide: bool, room: usize) -> String {
    let waiting = match phase {
        Some(Phase::Before | Phase::After) => Some("hooks"),
        Some(Phase::Marker) => Some("marker"),
        Some(Phase::List) => Some("listing"),
        Some(Phase::Verify) => Some("verifying"),
        Some(Phase::Delete) => Some("deleting"),
        Some(Phase::Transfer) | None => None,
    };
    if let Some(word) = waiting {
        return word.into();
    }
    let percent = progress.percent.map(|percent| format!("{:>3}%", percent.clamp(0.0, 100.0).floor()));
    let rate = progress.rate.and_then(units::rate);
    let eta = progress.eta.map(|eta| format!("{} left", units::whole(eta)));
    let bytes = Some(units::bytes(progress.bytes.unwrap_or_default()));
    if wide && percent.is_some() {
        let [percent, rate, eta, bytes] = [percent, rate, eta, bytes].map(Option::unwrap_or_default);
        return format!("{percent:>4}  {rate:>10}  {eta:>12}  {bytes:>8}");
    }
    fitting([percent, rate, eta, bytes].into_iter().flatten(), room)
}

/// Returns as many of the parts as fit, from the first one on.
fn fitting(parts: impl IntoIterator<Item = String>, room: usize) -> String {
    let mut text = String::new();
    for part in parts {
        let gap = if text.is_empty() { "" } else { "  " };
        if !text.is_empty() && text.len() + gap.len() + part.len() > room {
            break;
        }
        text = text + gap + &part;
    }
    text
}

/// Formats the line of the whole run: `1/3 jobs  5.1 MB/s  12.3 MB  1m 05s`.
fn total_line(total: &Total, running: &[Running], room: usize, columns: usize) -> String {
    let rate: f64 = running.iter().filter_map(|running| running.progress.rate).sum();
    let bytes: u64 = running.iter().filter_map(|running| running.progress.bytes).sum();
    let mut parts = vec![format!("{}/{} jobs", total.done, total.jobs)];
    parts.extend(units::rate(rate));
    if bytes > 0 {
        parts.push(units::bytes(bytes));
    }
    parts.push(units::whole(total.since.elapsed()));
    if running.len() > room {
        parts.push(format!("{} more running", running.len() - room));
    }
    fitting(parts, columns)
}

#[cfg(test)]
mod tests;
