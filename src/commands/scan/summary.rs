//! Prints the results of a scan as text.

use crate::cli::ScanArgs;
use crate::commands::targets::Target;
use crate::output::terminal::{Ui, shown};
use crate::output::units::{self, bytes, count, grouped};
use crate::scan::inventory::{AGES, Changes, Classes, DirRef, Inventory, SIZES, Tally};
use crate::scan::{self, Checked, Scan};
use std::cmp::Reverse;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The number of directories and extensions shown by default.
const SHORT: usize = 5;

/// Results besides the totals. `None` if they were not requested or are unknown.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) changes: Option<Changes>,
    pub(super) names: Option<u64>,
    pub(super) gzip: Option<Checked>,
    pub(super) classes: Option<Classes>,
}

/// The sections to print.
struct Sections {
    top: usize,
    extensions: usize,
    ages: bool,
    sizes: bool,
}

impl Sections {
    /// Returns all sections in short form, unless some are requested.
    fn of(args: &ScanArgs) -> Self {
        let grouped = args.by_extension || args.by_age || args.by_size || args.top.is_some();
        let other = args.tree || args.list || args.diff || args.check_names || args.check_gzip;
        let all = !grouped && !other;
        Sections {
            top: args.top.unwrap_or(if all { SHORT } else { 0 }),
            extensions: if args.by_extension { usize::MAX } else { usize::from(all) * SHORT },
            ages: args.by_age || all,
            sizes: args.by_size || all,
        }
    }
}

/// Prints the summary.
pub(super) fn tell(target: &Target, scan: &Scan, found: &Found, args: &ScanArgs, ui: &Ui) -> io::Result<()> {
    let (inventory, totals) = (&scan.inventory, scan.inventory.totals());
    let of_job = target.job.as_ref().map(|job| format!(" ({})", job.name)).unwrap_or_default();
    ui.line(&format!("{}{of_job}", shown(std::os::unix::ffi::OsStrExt::as_bytes(target.root.as_os_str()))))?;
    let mut counts =
        vec![count(totals.files, "file", "files"), count(totals.dirs, "directory", "directories")];
    if totals.symlinks > 0 {
        counts.push(count(totals.symlinks, "symbolic link", "symbolic links"));
    }
    if totals.other > 0 {
        counts.push(format!("{} other", grouped(totals.other)));
    }
    ui.line(&format!("  {}", counts.join(", ")))?;
    ui.line(&format!("  {}, {} on disk", bytes(totals.bytes), bytes(totals.disk)))?;
    ui.line(&format!("  {}", how(scan)))?;
    if let Some(changes) = found.changes {
        let (added, removed, changed) =
            (grouped(changes.added), grouped(changes.removed), grouped(changes.changed));
        ui.line(&format!("  {added} added, {removed} removed, {changed} changed since the last scan"))?;
    }
    if let Some(names) = found.names {
        ui.line(&format!("  {} that other systems cannot hold", count(names, "name", "names")))?;
    }
    if let Some(gzip) = &found.gzip {
        let (files, damaged) = (count(gzip.files, "compressed file", "compressed files"), gzip.damaged.len());
        ui.line(&format!("  {files} checked, {} damaged", grouped(damaged as u64)))?;
    }
    let wanted = Sections::of(args);
    if let Some(classes) = found.classes.as_ref().filter(|_| totals.files > 0) {
        groups(classes, &wanted, ui)?;
    }
    top(inventory, wanted.top, ui)
}

/// Returns the classes of all entries, with ages as of now, if text or JSON shows any.
pub(super) fn classes(inventory: &Inventory, args: &ScanArgs) -> Option<Classes> {
    let wanted = Sections::of(args);
    if wanted.extensions == 0 && !wanted.ages && !wanted.sizes {
        return None;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let threads = args.threads.filter(|n| *n > 0).map_or(cores, usize::from);
    Some(scan::classes(inventory, i64::try_from(now).unwrap_or(i64::MAX), threads))
}

fn how(scan: &Scan) -> String {
    let time = duration(scan.elapsed);
    match (scan.dirs_read, scan.dirs_reused) {
        (_, 0) => {
            let rate = scan.inventory.totals().entries() as f64 / scan.elapsed.as_secs_f64().max(1e-9);
            format!("read in {time}, {} entries a second", grouped(rate as u64))
        }
        (0, _) => format!("unchanged, checked in {time}"),
        (read, reused) => format!(
            "{} read in {time}, {} unchanged",
            count(read, "directory", "directories"),
            grouped(reused)
        ),
    }
}

fn groups(classes: &Classes, wanted: &Sections, ui: &Ui) -> io::Result<()> {
    if !classes.entries.is_empty() {
        ui.line("PDB entries")?;
        let rows = classes.entries.iter().map(|((format, form), n)| {
            vec![format!("  {}", format.word()), grouped(*n), form.describe().to_owned()]
        });
        ui.columns(&rows.collect::<Vec<_>>())?;
    }
    if wanted.extensions > 0 {
        let mut all: Vec<(&[u8], Tally)> =
            classes.extensions.iter().map(|(e, t)| (e.as_slice(), *t)).collect();
        all.sort_by_key(|(extension, tally)| (Reverse((tally.bytes, tally.files)), *extension));
        let rest = all.split_off(wanted.extensions.min(all.len()));
        let name = |e: &[u8]| if e.is_empty() { "(none)".to_owned() } else { format!(".{}", shown(e)) };
        let mut rows: Vec<(String, Tally)> = all.into_iter().map(|(e, t)| (name(e), t)).collect();
        if !rest.is_empty() {
            let mut sum = Tally::default();
            rest.iter().for_each(|(_, tally)| sum += *tally);
            rows.push((format!("{} more", rest.len()), sum));
        }
        table("By extension", rows, ui)?;
    }
    let classed = |names: &[&str], tallies: &[Tally]| -> Vec<(String, Tally)> {
        let all = names.iter().zip(tallies).filter(|(_, tally)| tally.files > 0);
        all.map(|(name, tally)| ((*name).to_owned(), *tally)).collect()
    };
    if wanted.sizes {
        table("By size", classed(&SIZES.map(|(name, _)| name), &classes.sizes), ui)?;
    }
    if wanted.ages {
        table("By age", classed(&AGES.map(|(name, _)| name), &classes.ages), ui)?;
    }
    Ok(())
}

fn table(title: &str, rows: Vec<(String, Tally)>, ui: &Ui) -> io::Result<()> {
    ui.line(title)?;
    let rows = rows.into_iter().map(|(name, tally)| {
        vec![format!("  {name}"), count(tally.files, "file", "files"), bytes(tally.bytes)]
    });
    ui.columns(&rows.collect::<Vec<_>>())
}

/// Returns the largest directories below the root, by apparent size.
pub(super) fn largest(inventory: &Inventory, n: usize) -> Vec<DirRef<'_>> {
    let key = |dir: &DirRef<'_>| (Reverse(dir.totals().bytes), dir.id());
    let mut dirs: Vec<DirRef<'_>> = inventory.dirs().skip(1).collect();
    if n < dirs.len() {
        dirs.select_nth_unstable_by_key(n, key);
        dirs.truncate(n);
    }
    dirs.sort_unstable_by_key(key);
    dirs
}

fn top(inventory: &Inventory, n: usize, ui: &Ui) -> io::Result<()> {
    let largest = largest(inventory, n);
    if largest.is_empty() {
        return Ok(());
    }
    ui.line("Largest directories")?;
    let rows = largest.iter().map(|dir| {
        let totals = dir.totals();
        vec![
            format!("  {}", bytes(totals.bytes)),
            count(totals.files, "file", "files"),
            shown(&dir.path()) + "/",
        ]
    });
    ui.columns(&rows.collect::<Vec<_>>())
}

fn duration(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return format!("{:.1} ms", time.as_secs_f64() * 1e3);
    }
    units::duration(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_scan_took_milliseconds() {
        assert_eq!(duration(Duration::from_micros(1_440)), "1.4 ms");
        assert_eq!(duration(Duration::from_millis(61_900)), "1m 02s");
    }
}
