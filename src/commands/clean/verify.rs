//! `clean verify`: compares the entries of a plan with the tree.

use super::plans;
use super::shared;
use crate::clean::path::split;
use crate::clean::removal::{Parent, has_contents, info, look_for, root_of};
use crate::clean::{Action, Begin, Entry, Kind, RootPrint};
use crate::cli::{Global, OnePlan};
use crate::commands::Failure;
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::output::terminal::{Ui, shown};
use crate::output::units::grouped;
use rustix::io::Errno;
use serde_json::json;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The maximum number of entries to report by name.
const TOLD: usize = 20;

/// The differences.
#[derive(Debug, Default)]
pub(super) struct Drift {
    pub(super) fresh: u64,
    /// Size of these in bytes.
    pub(super) fresh_bytes: u64,
    pub(super) changed: u64,
    pub(super) gone: u64,
    pub(super) why: Vec<(Vec<u8>, &'static str)>,
}

/// Compares entries one by one and keeps the last directory open.
pub(super) struct PlanVerifier<'a> {
    root: &'a File,
    /// The last directory, or the error from opening it.
    parent: Option<(Vec<u8>, Result<Parent, Errno>)>,
    pub(super) drift: Drift,
}

impl<'a> PlanVerifier<'a> {
    pub(super) fn new(root: &'a File) -> Self {
        PlanVerifier { root, parent: None, drift: Drift::default() }
    }

    /// Returns the difference of an entry, if there is one.
    pub(super) fn compare(&mut self, entry: &Entry) -> Option<&'static str> {
        let (dir, name) = split(&entry.path);
        if self.parent.as_ref().is_none_or(|(at, _)| at != dir) {
            self.parent = Some((dir.into(), Parent::open(self.root, dir)));
        }
        let now = match &self.parent {
            Some((_, Ok(parent))) => look_for(parent.fd(), name, &entry.stamp),
            Some((_, Err(error))) => Err(*error),
            None => Err(Errno::NOENT),
        };
        let same = |kind: Kind, dir: &Parent| match &entry.contents {
            Some(contents) => kind == Kind::Dir && has_contents(dir.fd(), name, contents),
            None => kind == entry.kind,
        };
        let word = match now {
            Ok((kind, stamp)) if stamp == entry.stamp && self.is(|dir| same(kind, dir)) => {
                self.drift.fresh += entry.count();
                self.drift.fresh_bytes += entry.bytes;
                return None;
            }
            Err(Errno::NOENT) => {
                self.drift.gone += entry.count();
                "is gone"
            }
            Ok(_) | Err(Errno::LOOP | Errno::NOTDIR | Errno::XDEV) => {
                self.drift.changed += entry.count();
                "has changed"
            }
            Err(_) => {
                self.drift.changed += entry.count();
                "cannot be looked at"
            }
        };
        if self.drift.why.len() < TOLD {
            self.drift.why.push((entry.path.clone(), word));
        }
        Some(word)
    }

    fn is(&self, what: impl FnOnce(&Parent) -> bool) -> bool {
        matches!(&self.parent, Some((_, Ok(parent))) if what(parent))
    }
}

/// Opens the tree of a plan, and checks that it is the same tree.
pub(super) fn root(print: &RootPrint) -> Result<(PathBuf, File), String> {
    tree(print, |_, dev, ino| {
        let same = (dev, ino) == (print.dev, print.ino);
        if same { Ok(()) } else { Err("planned") }
    })
}

/// Opens the tree of a run, and checks that it is the same tree. Device numbers change when a disk is mounted again; the record in the
/// quarantine does not.
pub(in crate::commands) fn root_of_run(begin: &Begin) -> Result<(PathBuf, File), String> {
    let print = &begin.root;
    tree(print, |file, dev, ino| {
        let same = ino == print.ino
            && (dev == print.dev
                || file.is_none_or(|root| info(root, &begin.run).is_some_and(|info| info.run == begin.run)));
        if same { Ok(()) } else { Err("cleaned then") }
    })
}

/// Checks the tree before and after opening it. If it is another tree, `is_it` returns what was done with
/// the right one, for the message.
fn tree(
    print: &RootPrint,
    is_it: impl Fn(Option<&File>, u64, u64) -> Result<(), &'static str>,
) -> Result<(PathBuf, File), String> {
    let path = root_of(print).filter(|path| path.is_absolute());
    let path = path.ok_or_else(|| format!("the root {:?} is not an absolute path", print.path))?;
    let another = |what: &str| {
        format!(
            "{} is not the directory that was {what}: is another disk mounted there, or none?",
            sanitize::path(&path)
        )
    };
    let meta = std::fs::symlink_metadata(&path);
    let meta = meta.map_err(|error| format!("cannot find the root {}: {error}", sanitize::path(&path)))?;
    if !meta.is_dir() {
        return Err(format!("{} is not a directory any more", sanitize::path(&path)));
    }
    // Some network file systems invent inode numbers. If two calls return different ones, the number is not compared.
    let again = || std::fs::symlink_metadata(&path).map_or(meta.ino(), |again| again.ino());
    let (second, third) = (again(), again());
    let invented = meta.ino() != second && second != third && meta.ino() != third;
    let inode = |meta: &Metadata| if invented { print.ino } else { meta.ino() };
    is_it(None, meta.dev(), inode(&meta)).map_err(another)?;
    let file = open(&path).map_err(|error| format!("cannot open {}: {error}", sanitize::path(&path)))?;
    let meta =
        file.metadata().map_err(|error| format!("cannot look at {}: {error}", sanitize::path(&path)))?;
    is_it(Some(&file), meta.dev(), inode(&meta)).map_err(another)?;
    Ok((path, file))
}

pub(super) fn open(path: &Path) -> std::io::Result<File> {
    File::open(path)
}

/// Compares everything that the plan would remove.
pub(super) fn run(args: &OnePlan, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let mut plan = plans::open(&args.plan, global)?;
    let refuse =
        |plan: &plans::Plan, error| shared::blocked(ui, &plan.refused(&error), Some(plans::NEW_PLAN));
    let whole = match plan.read(|_, _| ()) {
        Ok(whole) => whole,
        Err(error) => return Ok(refuse(&plan, error)),
    };
    let (_, root) = match root(&whole.header.root) {
        Ok(root) => root,
        Err(why) => return Ok(shared::blocked(ui, &why, Some(&plans::new_plan(&whole.header)))),
    };
    let mut eye = PlanVerifier::new(&root);
    let decisions = std::mem::take(&mut plan.decisions);
    if let Err(error) = plan.read(|_, entry| {
        if decisions.action(&entry) == Action::Delete {
            eye.compare(&entry);
        }
    }) {
        return Ok(refuse(&plan, error));
    }
    plans::judge_decisions(&decisions, &whole.header, ui)?;
    let Drift { fresh, changed, gone, why, .. } = std::mem::take(&mut eye.drift);
    let body = json!({"fresh": fresh, "changed": changed, "gone": gone, "hash": whole.hash});
    ui.report(ExitCode::Done, &body, || {
        for (path, word) in why {
            ui.line(&format!("{} {word}", shown(&path)))?;
        }
        let say = |text: &str| if changed + gone > 0 { ui.line(text) } else { ui.outcome(text) };
        say(&format!(
            "as planned: {}, changed: {}, gone: {}",
            grouped(fresh),
            grouped(changed),
            grouped(gone)
        ))
    })?;
    Ok(if changed + gone > 0 { ExitCode::Partial } else { ExitCode::Done })
}
