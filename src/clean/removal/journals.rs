//! Journals on disk: `STATE/journal/RUN.journal.ndjson`, for `sync` `RUN.JOB.journal.ndjson`.

use super::planner::root_of;
use crate::clean::{Begin, End, EntryOutcome, Line, PURGE, Record};
use crate::model::sanitize;
use crate::platform::{self, FileLock};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const ENDING: &str = ".journal.ndjson";
/// Maximum size in bytes of two lines that are not about entries.
const TAIL: u64 = 32 * 1024;

/// A journal that is being written. Every append is passed to the kernel at once, so that it survives the end of the process.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    /// A second handle of the file, so that threads that append do not wait for `fsync`.
    disk: File,
}

impl Journal {
    /// Opens the journal `name` for appending. Creates it if it does not exist.
    pub fn open(state: &Path, name: &str) -> io::Result<Self> {
        Self::open_file(state, &format!("{name}{ENDING}"))
    }

    /// Opens another file beside the journals, which is written in the same way.
    pub(super) fn open_file(state: &Path, name: &str) -> io::Result<Self> {
        let dir = directory(state);
        fs::create_dir_all(&dir)?;
        let path = dir.join(name);
        let mut file = File::options().create(true).read(true).append(true).open(&path)?;
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        if last != *b"\n" {
            // End a truncated line, so that it does not spoil the next one.
            file.write_all(b"\n")?;
        }
        let disk = file.try_clone()?;
        Ok(Journal { path, file: Mutex::new(file), disk })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends complete lines.
    pub fn append(&self, lines: &[u8]) -> io::Result<()> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(lines)
    }

    /// Appends one line.
    pub fn line(&self, line: &Line) -> io::Result<()> {
        let mut text = Vec::new();
        line.write(&mut text);
        self.append(&text)
    }

    /// Flushes the file to disk.
    pub fn sync(&self) -> io::Result<()> {
        self.disk.sync_data()
    }

    /// Locks the file. `None` where files cannot be locked, or if another one has locked it.
    pub(super) fn lock(&self) -> Option<FileLock> {
        FileLock::new(self.disk.try_clone().ok()?).ok()
    }
}

/// A journal on disk.
#[derive(Debug, Clone)]
pub struct FoundJournal {
    /// The path of the file.
    pub path: PathBuf,
    /// The file name without the ending: the run, and the job for `sync`.
    pub name: String,
    /// The first start of the run.
    pub begin: Begin,
    /// The last end of the run; `None` if it has not ended.
    pub end: Option<End>,
    /// When the quarantine of the run was purged, if this is recorded here. No lines follow it.
    pub purged: Option<String>,
}

impl FoundJournal {
    /// Calls `each` with the outcome of every entry. Returns the entries without a known outcome, since the run was interrupted while it
    /// processed them. There are few of these, unless the journal was modified.
    pub fn outcomes(&self, each: impl FnMut(Record)) -> io::Result<Vec<Record>> {
        self.outcomes_while(&|| true, each)
    }

    /// Like [`FoundJournal::outcomes`], while `go_on` returns true: see [`FoundJournal::read_while`].
    pub fn outcomes_while(
        &self,
        go_on: &dyn Fn() -> bool,
        mut each: impl FnMut(Record),
    ) -> io::Result<Vec<Record>> {
        self.outcomes_and(go_on, |line| {
            if let Line::Did(record) = line {
                each(record);
            }
        })
    }

    /// Like [`FoundJournal::outcomes_while`], but also calls `each` with all other lines.
    pub(super) fn outcomes_and(
        &self,
        go_on: &dyn Fn() -> bool,
        mut each: impl FnMut(Line),
    ) -> io::Result<Vec<Record>> {
        let mut open: HashMap<Vec<u8>, Record> = HashMap::new();
        self.read_while(go_on, |line| match line {
            Line::Did(record) if record.did == EntryOutcome::Meant => {
                _ = open.insert(record.path.clone(), record)
            }
            Line::Did(record) => {
                open.remove(&record.path);
                each(Line::Did(record));
            }
            line => each(line),
        })?;
        let mut open: Vec<Record> = open.into_values().collect();
        open.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(open)
    }

    /// Calls `each` with every line that can be parsed.
    pub fn read(&self, each: impl FnMut(Line)) -> io::Result<()> {
        self.read_while(&|| true, each)
    }

    /// Like [`FoundJournal::read`], while `go_on` returns true. `go_on` is called from time to time; if it returns false, the result is an
    /// error of kind `Interrupted`.
    pub fn read_while(&self, go_on: &dyn Fn() -> bool, mut each: impl FnMut(Line)) -> io::Result<()> {
        for (n, line) in BufReader::new(platform::open_regular(&self.path)?).split(b'\n').enumerate() {
            if n % 1024 == 0 && !go_on() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if let Some(line) = Line::read(&line?) {
                each(line);
            }
        }
        Ok(())
    }
}

/// The directory of journals.
pub(super) fn directory(state: &Path) -> PathBuf {
    state.join("journal")
}

/// Returns all journals, oldest first. Skips files that are not journals.
pub fn list(state: &Path) -> io::Result<Vec<FoundJournal>> {
    let dir = directory(state);
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", sanitize::path(&dir)))),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(ENDING));
        let Some(name) = name.map(str::to_owned) else { continue };
        found.extend(open(path, name)?);
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Returns the journals of a run (one, or one per job for `sync`), or of the `last` run.
pub fn find(state: &Path, run: &str) -> io::Result<Vec<FoundJournal>> {
    pick(list(state)?, run, |_, _| Ok(true))
}

/// Returns the journals of a run. `last` is the newest run for which `counts` returns true, or else the newest of all. `counts` gets all
/// journals, oldest first, and the index of the one in question.
pub(super) fn pick(
    mut all: Vec<FoundJournal>,
    run: &str,
    counts: impl Fn(&[FoundJournal], usize) -> io::Result<bool>,
) -> io::Result<Vec<FoundJournal>> {
    let mut wanted = run.to_ascii_uppercase();
    if run == "last" {
        wanted = all.last().map(|found| found.begin.run.clone()).unwrap_or_default();
        for (n, found) in all.iter().enumerate().rev() {
            if counts(&all, n)? {
                wanted = found.begin.run.clone();
                break;
            }
        }
    }
    all.retain(|found| found.begin.run == wanted);
    Ok(all)
}

/// Records in the journals of a run that its quarantine in this tree is purged. This does not mark an interrupted run as ended. Journals in
/// other state directories are unknown here.
pub fn note_purge(state: &Path, root: &Path, run: &str) -> io::Result<()> {
    for found in find(state, run)? {
        let of_this = root_of(&found.begin.root).and_then(|path| fs::canonicalize(path).ok());
        if of_this.as_deref() != Some(root) || found.purged.is_some() {
            continue;
        }
        let time = jiff::Timestamp::now().to_string();
        let whole = found.end.as_ref().is_some_and(|end| end.whole);
        let journal = Journal::open(state, &found.name)?;
        journal.line(&Line::Begin(Begin { command: PURGE.into(), time: time.clone(), ..found.begin }))?;
        journal.line(&Line::End(End { time, whole }))?;
        journal.sync()?;
    }
    Ok(())
}

fn open(path: PathBuf, name: String) -> io::Result<Option<FoundJournal>> {
    let file = match platform::open_regular(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut input = BufReader::new(file);
    let mut first = Vec::new();
    io::Read::take(&mut input, TAIL).read_until(b'\n', &mut first)?;
    let Some(Line::Begin(begin)) = Line::read(&first) else { return Ok(None) };
    // The end of the run is in the last bytes, if it has one; the end of a purge is before it.
    let mut file = input.into_inner();
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let mut last = tail.rsplit(|b| *b == b'\n').filter(|line| !line.is_empty()).take(2).map(Line::read);
    let (last, before) = (last.next().flatten(), last.next().flatten());
    let purged = [&last, &before].into_iter().flatten().find_map(|line| match line {
        Line::Begin(begin) if begin.command == PURGE => Some(begin.time.clone()),
        _ => None,
    });
    let end = match last {
        Some(Line::End(end)) => Some(end),
        _ => None,
    };
    Ok(Some(FoundJournal { path, name, begin, end, purged }))
}
