//! Finds plans, and reads them to their end before they are used.

use crate::clean::{Decisions, Entry, Footer, Header, Origin, PlanError, Reader, hash_of};
use crate::cli::Global;
use crate::commands::{Failure, file_locations, settings};
use crate::config::{Overrides, check_name, nearest};
use crate::model::hint;
use crate::model::sanitize;
use crate::output::terminal::Ui;
use crate::output::units::count;
use crate::platform;
use crate::sync::held_plan;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

pub(super) const ENDING: &str = ".plan.ndjson";

/// Returns `STATE/plans/clean`.
pub(super) fn dir(global: &Global) -> Result<PathBuf, Failure> {
    Ok(file_locations::state_dir(global)?.join("plans/clean"))
}

/// The file of a plan, and its decisions.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) path: PathBuf,
    file: File,
    pub(super) decisions: Decisions,
    text: Option<Vec<u8>>,
}

/// The header, the footer and the hash of a complete plan.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) header: Header,
    pub(super) footer: Footer,
    /// The hash of the plan and its decisions.
    pub(super) hash: String,
}

/// The hint to make a new plan in place of an unusable one.
pub(super) const NEW_PLAN: &str =
    "`pdb-sync clean plan JOB` (or `pdb-sync clean plan ./DIR`) makes a new one";

/// The same hint, for a plan whose job or tree is known.
pub(super) fn new_plan(header: &Header) -> String {
    let about = header.job.as_deref().unwrap_or(&header.root.path);
    if header.origin == Origin::Sync {
        return format!("{} makes a new one", hint::command(["sync", about]));
    }
    format!("{} makes a new one", hint::command(["clean", "plan", about]))
}

/// Returns the error for a plan of `sync`, about which nothing can be decided here, and which is applied by `sync` only. `what` is what cannot
/// be done.
pub(super) fn refuse_of_sync(whole: &Whole, what: &str) -> Result<(), Failure> {
    let job = whole.header.job.as_deref().unwrap_or_default();
    if whole.header.origin != Origin::Sync {
        return Ok(());
    }
    let sync = hint::command(["sync", job, "--expect", short(&whole.hash)]);
    Err(Failure::usage_hint(
        format!("this is a plan of `sync` for job {job}, {what}; nothing was touched"),
        format!("if all of it may go: {sync} lists again, and deletes if that is still the plan"),
    ))
}

/// Returns the beginning of a hash, which is as good as the whole.
pub(super) fn short(hash: &str) -> &str {
    hash.get(..LEAST).unwrap_or(hash)
}

/// The least number of digits that stand for a hash.
pub(super) const LEAST: usize = 16;

/// Returns the path of a plan as a word of a command line.
pub(super) fn path_of(plan: &Path) -> String {
    plan.to_string_lossy().into_owned()
}

/// Returns the path of a plan's decisions, which are stored beside the plan.
pub(super) fn decisions_of(plan: &Path) -> PathBuf {
    let name = plan.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    plan.with_file_name(format!("{}.decisions.toml", name.strip_suffix(ENDING).unwrap_or(&name)))
}

/// Opens a plan by its file, by the job whose `sync` held it back, or the `last` one of `clean`, with its decisions.
pub(super) fn open(plan: &Path, global: &Global) -> Result<Plan, Failure> {
    let mut plan = alone(plan, global)?;
    if plan.is_of_sync() {
        return Ok(plan);
    }
    let beside = decisions_of(&plan.path);
    match platform::read_regular(&beside, platform::OWN) {
        Ok(text) => {
            let wrong = |why: String| {
                Failure::usage_hint(
                    format!("{}: {why}", sanitize::path(&beside)),
                    format!("{} opens it", hint::command(["clean", "edit", &path_of(&plan.path)])),
                )
            };
            let read = std::str::from_utf8(&text).map_err(|error| wrong(error.to_string()))?;
            plan.decisions = Decisions::parse(read).map_err(wrong)?;
            plan.text = Some(text);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Failure::io(format!("read {}", sanitize::path(&beside)))(error)),
    }
    Ok(plan)
}

/// Opens a plan without its decisions.
pub(super) fn alone(plan: &Path, global: &Global) -> Result<Plan, Failure> {
    let path = if plan == Path::new("last") {
        let dir = dir(global)?;
        let names = fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let last = names.filter(|path| path.to_string_lossy().ends_with(ENDING)).max();
        match last {
            Some(last) => last,
            None => return Err(no_plan_yet(global)?),
        }
    } else {
        held(plan, global)?.unwrap_or_else(|| plan.to_path_buf())
    };
    // The plan is read more than once, so a pipe is not accepted.
    let file = platform::open_regular(&path).map_err(|error| match name_of_job(plan) {
        Some(name) if error.kind() == io::ErrorKind::NotFound => no_plan_of(name, global),
        _ => {
            let text = format!("cannot read the plan {}: {error}", sanitize::path(&path));
            Failure::named(text, Some(MAKES_ONE))
        }
    })?;
    Ok(Plan { path, file, decisions: Decisions::default(), text: None })
}

/// The argument, if it can be the name of a job.
fn name_of_job(plan: &Path) -> Option<&str> {
    plan.to_str().filter(|name| check_name(name).is_ok())
}

/// Returns the plan of the deletions that `sync` held back, if the argument is the name of such a job.
fn held(plan: &Path, global: &Global) -> Result<Option<PathBuf>, Failure> {
    let Some(job) = name_of_job(plan) else { return Ok(None) };
    Ok(held_plan(&file_locations::state_dir(global)?, job))
}

/// What makes a plan of `clean`.
const MAKES_ONE: &str = "`pdb-sync clean plan JOB` or `pdb-sync clean plan ./DIR` makes one";

/// Returns the error if `clean` has made no plan. It names the commands that show the plans of blocked syncs.
fn no_plan_yet(global: &Global) -> Result<Failure, Failure> {
    let state_dir = file_locations::state_dir(global)?;
    let dirs = fs::read_dir(state_dir.join("plans")).into_iter().flatten().flatten();
    let names = dirs.filter_map(|dir| dir.file_name().into_string().ok());
    let mut jobs: Vec<String> = names.filter(|job| held_plan(&state_dir, job).is_some()).collect();
    jobs.sort_unstable();
    let more = if jobs.len() > SHOWN { ", …" } else { "" };
    let shows: Vec<String> =
        jobs.iter().take(SHOWN).map(|job| hint::command(["clean", "show", job])).collect();
    let hint = match shows.is_empty() {
        true => MAKES_ONE.to_owned(),
        false => format!("{MAKES_ONE}; the plan of a blocked sync: {}{more}", shows.join(", ")),
    };
    Ok(Failure::usage_hint("there is no plan yet", hint))
}

/// How many blocked syncs a hint names.
const SHOWN: usize = 5;

/// Returns the error for a name that is neither a file nor a job with a plan. The configuration tells which names are jobs, if it can be read.
fn no_plan_of(name: &str, global: &Global) -> Failure {
    let config = settings::open(global).ok().and_then(|opened| opened.check(&Overrides::default()).ok());
    let jobs = config.map(|config| config.jobs).unwrap_or_default();
    if jobs.iter().any(|job| job.name == name) {
        let text = format!("job {name} has no plan of a blocked sync, and there is no file of that name");
        let [sync, clean] = [&["sync", name, "--plan"][..], &["clean", "plan", name]].map(hint::command);
        let hint =
            format!("{sync} summarizes what a run would delete; {clean} plans the removal of leftovers");
        return Failure::usage_hint(text, hint);
    }
    let text = format!("there is neither a plan {name:?} nor a job of that name");
    match nearest(name, jobs.iter().map(|job| job.name.as_str())) {
        Some(near) => Failure::usage_hint(text, format!("did you mean {near:?}?")),
        None => Failure::usage_hint(text, MAKES_ONE),
    }
}

/// Checks the decisions after all entries were read. A rule that is not in the plan is an error. A decision that applies to no entry is a
/// warning: it has no effect, but its author expected one.
pub(super) fn judge_decisions(decisions: &Decisions, header: &Header, ui: &Ui) -> Result<(), Failure> {
    if let Some(rule) = decisions.unknown_rule(header) {
        let known: Vec<&str> = header.rules.iter().map(|note| note.name.as_str()).collect();
        return Err(Failure::usage_hint(
            format!("a decision names the rule {rule:?}, which the plan does not have; nothing was touched"),
            format!("it was made with {}", known.join(", ")),
        ));
    }
    for text in decisions.unused() {
        ui.warning(&format!("the decision about {text} matches no entry of the plan"));
    }
    for (text, spared) in decisions.sparing() {
        let dirs =
            count(spared, "directory that is taken as one stays", "directories that are taken as one stay");
        ui.warning(&format!("{dirs} as a whole, since the decision about {text} may match something there"));
    }
    Ok(())
}

impl Plan {
    /// Whether `sync` made the plan, according to its header.
    fn is_of_sync(&self) -> bool {
        let mut file = &self.file;
        let read =
            Reader::new(BufReader::new(file)).is_ok_and(|reader| reader.header().origin == Origin::Sync);
        read && file.rewind().is_ok()
    }

    /// Reads the plan once, from its beginning. The data passed to `each` may be used only if this returns `Ok`.
    pub(super) fn read(&mut self, mut each: impl FnMut(&Header, Entry)) -> Result<Whole, PlanError> {
        self.file.rewind()?;
        let mut reader = Reader::new(BufReader::with_capacity(1 << 16, &self.file))?;
        while let Some(entry) = reader.entry()? {
            each(reader.header(), entry);
        }
        let header = reader.header().clone();
        let footer = reader.finish()?;
        let hash = hash_of(&footer, self.text.as_deref());
        Ok(Whole { header, footer, hash })
    }

    /// From now on, reads a private copy, so that the plan cannot change after it was checked.
    pub(super) fn pin(&mut self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        self.file.rewind()?;
        let mut copy = tempfile::tempfile_in(dir)?;
        io::copy(&mut (&self.file).take(u64::MAX), &mut copy)?;
        self.file = copy;
        Ok(())
    }

    /// Reads the entries again, after the plan was read to its end.
    pub(super) fn entries(&mut self) -> Result<Reader<BufReader<&File>>, PlanError> {
        self.file.rewind()?;
        Reader::new(BufReader::with_capacity(1 << 16, &self.file))
    }

    /// Returns the error as text.
    pub(super) fn refused(&self, error: &PlanError) -> String {
        format!("the plan {} is refused: {error}", sanitize::path(&self.path))
    }
}
