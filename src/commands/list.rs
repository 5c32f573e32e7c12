//! `list`

use super::{Failure, past, settings};
use crate::cli::{Global, ListArgs};
use crate::config::{nearest, preset_name};
use crate::exit::Exit;
use crate::history::Latest;
use crate::job::Job;
use crate::report::units;
use crate::ui::Ui;
use console::{measure_text_width, truncate_str};
use jiff::Timestamp;
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

/// Prints the jobs of the configuration.
pub(super) fn run(args: &ListArgs, global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let opened = settings::open(global)?;
    let config = opened.load(ui)?;
    if let Some(tag) = args.tag.iter().find(|tag| !config.jobs.iter().any(|job| job.tags.contains(tag))) {
        let tags = config.jobs.iter().flat_map(|job| &job.tags).map(String::as_str);
        let hint = nearest(tag, tags).map(|known| format!("did you mean {known:?}?"));
        return Err(Failure::Usage { text: format!("no job carries the tag {tag:?}"), hint });
    }
    let wanted = |job: &&Job| args.tag.is_empty() || args.tag.iter().any(|tag| job.tags.contains(tag));
    let jobs: Vec<&Job> = config.jobs.iter().filter(wanted).collect();
    let (latest, now) = (latest(global, ui), Timestamp::now());
    if ui.json {
        for job in &jobs {
            ui.json("job", &as_json(job, latest.get(&job.name), now))?;
        }
        ui.json("result", &json!({ "jobs": jobs.len() }))?;
        return Ok(Exit::Done);
    }
    if jobs.is_empty() {
        if opened.exists {
            ui.note(&format!("{} has no jobs", opened.file.display()));
            ui.note("  hint: add a [jobs.NAME] section; `pdb-sync config init` writes a template");
        } else {
            ui.note(&format!("there is no configuration: {} does not exist", opened.file.display()));
            ui.note("  hint: `pdb-sync config init` writes one");
        }
        return Ok(Exit::Done);
    }
    ui.table(&rows(&jobs, &latest, now, ui.width()))?;
    Ok(Exit::Done)
}

/// The newest results. A list of jobs is of use without them too.
fn latest(global: &Global, ui: &Ui) -> BTreeMap<String, Latest> {
    let read = past::open(global).and_then(|history| match history {
        Some(history) => Ok(history.latest(Timestamp::now())?),
        None => Ok(BTreeMap::new()),
    });
    read.unwrap_or_else(|failure| {
        ui.warning(&failure.to_string());
        BTreeMap::new()
    })
}

/// How long ago the last success was.
fn age(latest: Option<&Latest>, now: Timestamp) -> Option<Duration> {
    // A clock that was set back makes it new.
    Some(Duration::try_from(now.duration_since(latest?.success?)).unwrap_or_default())
}

fn as_json(job: &Job, latest: Option<&Latest>, now: Timestamp) -> serde_json::Value {
    let last = latest.map(|latest| {
        let last = &latest.last;
        json!({ "run": last.run, "status": last.state.word(), "started": format!("{:.3}", last.started) })
    });
    json!({
        "name": job.name,
        "enabled": job.enabled,
        "tags": job.tags,
        "sources": job.sources.iter().map(|source| &source.text).collect::<Vec<_>>(),
        "host": job.hosts().first(),
        "hosts": job.hosts(),
        "dest": job.known_dest().map(|dest| dest.to_string_lossy()),
        "delete": job.delete,
        "preset": preset_name(job.preset),
        "priority": job.priority,
        "description": job.description,
        "last": last,
        "last_success": latest.and_then(|latest| latest.success).map(|time| format!("{time:.3}")),
        "age_s": age(latest, now).map(units::seconds),
    })
}

/// A row a job, below a heading. With a width, the longest columns give way until everything fits.
fn rows(
    jobs: &[&Job],
    latest: &BTreeMap<String, Latest>,
    now: Timestamp,
    width: Option<usize>,
) -> Vec<Vec<String>> {
    let mut rows =
        vec![["JOB", "ON", "LAST", "AGE", "HOST", "DEST", "TAGS", "DESCRIPTION"].map(String::from)];
    for job in jobs {
        let latest = latest.get(&job.name);
        let hosts = job.hosts();
        let host = hosts.first().cloned().unwrap_or_default();
        let more = if hosts.len() > 1 { format!(" +{}", hosts.len() - 1) } else { String::new() };
        let on = if job.enabled { "yes" } else { "no" };
        let cells = [
            job.name.clone(),
            on.into(),
            latest.map_or("-", |latest| latest.last.state.word()).into(),
            age(latest, now).map_or("-".into(), units::whole),
            host + &more,
            job.known_dest().map_or("-".into(), |dest| dest.display().to_string()),
            job.tags.join(","),
            job.description.clone(),
        ];
        rows.push(cells.map(|cell| cell.replace(char::is_control, " ")));
    }
    let Some(fit) = width else { return rows.into_iter().map(Vec::from).collect() };
    let mut natural = [0; COLUMNS];
    for row in &rows {
        for (width, cell) in natural.iter_mut().zip(row) {
            *width = (*width).max(measure_text_width(cell));
        }
    }
    let mut widths = natural;
    shrink(&mut widths, fit);
    if widths[DESCRIPTION] < natural[DESCRIPTION].min(LEGIBLE) {
        widths = natural;
        widths[DESCRIPTION] = 0;
        shrink(&mut widths, fit);
    }
    rows.iter().map(|row| cut(row, &widths)).collect()
}

/// Their places among the columns.
const DEST: usize = 5;
const DESCRIPTION: usize = 7;
const COLUMNS: usize = 8;
/// A description in fewer columns says nothing; it is left out instead.
const LEGIBLE: usize = 20;

/// Columns of width 0 are left out.
fn cut(row: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> Vec<String> {
    let shown = row.iter().zip(widths).enumerate().filter(|(_, (_, width))| **width > 0);
    let cells = shown.map(|(column, (cell, width))| match column {
        // The end of a path tells it from the others.
        DEST => tail(cell, *width).into_owned(),
        _ => truncate_str(cell, *width, "…").into_owned(),
    });
    cells.collect()
}

/// As much of the end as fits.
fn tail(text: &str, width: usize) -> Cow<'_, str> {
    if measure_text_width(text) <= width {
        return text.into();
    }
    let fits = |(at, _): &(usize, char)| measure_text_width(&text[*at..]) < width;
    let at = text.char_indices().find(fits).map_or(text.len(), |(at, _)| at);
    format!("…{}", &text[at..]).into()
}

/// Takes from the widest column but the name, the switch and how it is, which are short and matter most.
fn shrink(widths: &mut [usize; COLUMNS], fit: usize) {
    const LEAST: usize = 8;
    let gaps = 2 * (widths.iter().filter(|width| **width > 0).count() - 1);
    while widths.iter().sum::<usize>() + gaps > fit {
        match widths[4..].iter_mut().max_by_key(|width| **width) {
            Some(widest) if *widest > LEAST => *widest -= 1,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, Surroundings, load};
    use std::path::Path;

    fn jobs() -> Vec<Job> {
        let text = "
            [jobs.mmcif]
            source = ['rsync://rsync.rcsb.org:33444/ftp_data/structures/divided/mmCIF/', 'h::m/']
            dest = '/srv/mirrors/pdb/data/structures/divided/mmCIF'
            tags = ['weekly', 'pdb']
            description = \"PDB entries,\\nmmCIF, divided layout\"
            [jobs.local]
            source = '/data/'
            dest = '/m'
            enabled = false
        ";
        load(text, Path::new("/c.toml"), &Overrides::default(), &Surroundings::default()).unwrap().jobs
    }

    fn shown(width: Option<usize>) -> Vec<String> {
        let jobs = jobs();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let last = crate::stats::Past {
            job: "mmcif".into(),
            state: crate::stats::State::Ended(crate::result::Status::Failed),
            ..crate::stats::testing::past(0, 1)
        };
        let success = Some(now - Duration::from_secs(3 * 86_400 + 7_200));
        let latest = BTreeMap::from([("mmcif".to_string(), Latest { last, success })]);
        crate::ui::table(&rows(&jobs.iter().collect::<Vec<_>>(), &latest, now, width), width)
    }

    #[test]
    fn a_pipe_gets_everything() {
        let lines = shown(None);
        insta::assert_snapshot!(lines.join("\n"), @r#"
    JOB    ON   LAST    AGE     HOST                     DEST                                            TAGS        DESCRIPTION
    mmcif  yes  failed  3d 02h  rsync.rcsb.org:33444 +1  /srv/mirrors/pdb/data/structures/divided/mmCIF  weekly,pdb  PDB entries, mmCIF, divided layout
    local  no   -       -       local                    /m
    "#);
    }

    #[test]
    fn a_terminal_gets_what_fits() {
        let lines = shown(Some(80));
        assert!(lines.iter().all(|line| measure_text_width(line) <= 80));
        insta::assert_snapshot!(lines.join("\n"), @r#"
    JOB    ON   LAST    AGE     HOST                 DEST                 TAGS
    mmcif  yes  failed  3d 02h  rsync.rcsb.org:334…  …ures/divided/mmCIF  weekly,pdb
    local  no   -       -       local                /m
    "#);
        assert_eq!(shown(Some(5)).len(), 3, "no width is too small");
        let lines = shown(Some(120));
        assert!(lines.iter().all(|line| measure_text_width(line) <= 120));
        assert!(lines[1].contains("PDB entries, mmCIF"), "{}", lines[1]);
    }
}
