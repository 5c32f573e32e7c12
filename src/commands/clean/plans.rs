//! Where plans are, and reading them to their end before anybody believes them.

use crate::clean::{Decisions, Entry, Footer, Header, PlanError, Reader, hash_of};
use crate::cli::Global;
use crate::commands::{Failure, locate};
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

pub(super) const ENDING: &str = ".plan.ndjson";

/// `STATE/plans/clean`.
pub(super) fn dir(global: &Global) -> Result<PathBuf, Failure> {
    Ok(locate::state_dir(global)?.join("plans/clean"))
}

/// A plan's file, and the decisions beside it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) path: PathBuf,
    file: File,
    pub(super) decisions: Decisions,
    text: Option<Vec<u8>>,
}

/// What a whole plan says about itself.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) header: Header,
    pub(super) footer: Footer,
    /// Of the plan and its decisions.
    pub(super) hash: String,
}

/// The decisions of a plan lie beside it.
pub(super) fn decisions_of(plan: &Path) -> PathBuf {
    let name = plan.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    plan.with_file_name(format!("{}.decisions.toml", name.strip_suffix(ENDING).unwrap_or(&name)))
}

/// Opens a plan by its file, or the `last` one.
pub(super) fn open(plan: &Path, global: &Global) -> Result<Plan, Failure> {
    let path = if plan == Path::new("last") {
        let dir = dir(global)?;
        let names = fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let last = names.filter(|path| path.to_string_lossy().ends_with(ENDING)).max();
        last.ok_or_else(|| {
            Failure::usage_hint(
                "there is no plan yet",
                "`pdb-sync clean plan JOB` or `… clean plan ./DIR` makes one",
            )
        })?
    } else {
        plan.to_path_buf()
    };
    let file = File::open(&path)
        .map_err(|error| Failure::usage(format!("cannot read the plan {}: {error}", path.display())))?;
    let beside = decisions_of(&path);
    let text = match fs::read(&beside) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::io(format!("read {}", beside.display()))(error)),
    };
    let decisions = match &text {
        None => Decisions::default(),
        Some(text) => {
            let wrong = |why: String| Failure::usage(format!("{}: {why}", beside.display()));
            let text = std::str::from_utf8(text).map_err(|error| wrong(error.to_string()))?;
            Decisions::parse(text).map_err(wrong)?
        }
    };
    Ok(Plan { path, file, decisions, text })
}

impl Plan {
    /// Reads the plan once, from its beginning. What `each` is told is only good if this ends well.
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

    /// From now on, a copy that nobody else knows is read instead: what was found whole stays as it was.
    pub(super) fn pin(&mut self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        self.file.rewind()?;
        let mut copy = tempfile::tempfile_in(dir)?;
        io::copy(&mut (&self.file).take(u64::MAX), &mut copy)?;
        self.file = copy;
        Ok(())
    }

    /// The entries again, for those who have read the plan to its end before.
    pub(super) fn entries(&mut self) -> Result<Reader<BufReader<&File>>, PlanError> {
        self.file.rewind()?;
        Reader::new(BufReader::with_capacity(1 << 16, &self.file))
    }

    /// In words.
    pub(super) fn refused(&self, error: &PlanError) -> String {
        format!("the plan {} is refused: {error}", self.path.display())
    }
}
