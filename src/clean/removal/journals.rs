//! Journals on disk: `STATE/journal/RUN.journal.ndjson`, for `sync` `RUN.JOB.journal.ndjson`.

use super::planner::root_of;
use crate::clean::{Begin, End, EntryOutcome, Line, PURGE, Record};
use crate::model::sanitize;
use crate::platform;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const ENDING: &str = ".journal.ndjson";
/// Two lines without an entry are never longer, in bytes.
const TAIL: u64 = 32 * 1024;

/// A journal that is being written. What is appended is handed to the system at once, so that it outlives us.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    /// The same file, so that nobody who appends has to wait for the disk.
    disk: File,
}

impl Journal {
    /// Opens the journal `name` for appending, and makes it if it is missing.
    pub fn open(state: &Path, name: &str) -> io::Result<Self> {
        Self::open_file(state, &format!("{name}{ENDING}"))
    }

    /// The same for another file beside the journals, which is written in the same way.
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
            // A line that was cut short must not spoil ours.
            file.write_all(b"\n")?;
        }
        let disk = file.try_clone()?;
        Ok(Journal { path, file: Mutex::new(file), disk })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends whole lines.
    pub fn append(&self, lines: &[u8]) -> io::Result<()> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(lines)
    }

    /// Appends a line.
    pub fn line(&self, line: &Line) -> io::Result<()> {
        let mut text = Vec::new();
        line.write(&mut text);
        self.append(&text)
    }

    /// Everything is on the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.disk.sync_data()
    }

    /// Locks the file until it is dropped. Where files cannot be locked, nothing happens.
    pub(super) fn lock(&self) {
        let _ = self.disk.try_lock();
    }
}

/// A journal that was written.
#[derive(Debug, Clone)]
pub struct FoundJournal {
    /// Where it is.
    pub path: PathBuf,
    /// Its name without the ending: the run, and for `sync` the job.
    pub name: String,
    /// How it began the first time.
    pub begin: Begin,
    /// How it ended the last time; `None` if it did not.
    pub end: Option<End>,
    /// When what it had in the quarantine was purged, if that is known here. Nothing is written after that.
    pub purged: Option<String>,
}

impl FoundJournal {
    /// Calls `each` with what became of every entry. The answer are those of which nobody knows, since the run was cut short
    /// when it had come to them: few, unless the journal was tampered with.
    pub fn outcomes(&self, each: impl FnMut(Record)) -> io::Result<Vec<Record>> {
        self.outcomes_while(&|| true, each)
    }

    /// The same as long as `go_on` says so: see [`FoundJournal::read_while`].
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

    /// The same, with the other lines as well.
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

    /// Calls `each` with every line that can be understood.
    pub fn read(&self, each: impl FnMut(Line)) -> io::Result<()> {
        self.read_while(&|| true, each)
    }

    /// The same as long as `go_on` says so, which is asked now and then. If it does not, that is an error of kind `Interrupted`.
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

/// Where journals are.
pub(super) fn directory(state: &Path) -> PathBuf {
    state.join("journal")
}

/// All journals, oldest first. What is none is passed by.
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

/// The journals of a run (one, or for `sync` one a job), or of the `last` run.
pub fn find(state: &Path, run: &str) -> io::Result<Vec<FoundJournal>> {
    pick(list(state)?, run, |_, _| Ok(true))
}

/// `last` is the newest that `counts`; if there is none, the newest of all. `counts` is told all journals, the oldest first,
/// and the number of the one that is meant.
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

/// Writes into the journals of a run that what it has in the quarantine of this tree is purged; it ends no run that was cut
/// short. Journals of other state directories are not known here.
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
    // The end is in the last bytes, if anywhere, and before it that of a purge.
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
