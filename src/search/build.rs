//! Brings an index up to date with its mirror.

use super::SearchError;
use super::budget::{Budget, Carried};
use super::change::{Change, Wanted};
use super::ledger::{self, Record};
use super::list::{self, Listed, Listing};
use super::place::{IndexPlace, Opened, Payload};
use super::schema::{self, Fields};
use crate::entry::{self, Entry};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tantivy::indexer::IndexWriterOptions;
use tantivy::{Index, IndexWriter, Term};

/// What to index.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where the index goes.
    pub place: IndexPlace,
    /// The mirror; absolute.
    pub root: PathBuf,
}

/// How to index.
#[derive(Debug, Clone)]
pub struct IndexOptions {
    /// Threads that read files; 0: one a core.
    pub threads: usize,
    /// Bytes that the writer may fill before it writes a segment.
    pub memory: usize,
    /// What is read of a file.
    pub read: entry::Options,
    /// Globs of paths below the mirror; empty: all.
    pub include: Vec<String>,
    /// Globs of those that are left out.
    pub exclude: Vec<String>,
    /// Build anew, although the index could be brought up to date.
    pub rebuild: bool,
}

impl Default for IndexOptions {
    fn default() -> Self {
        IndexOptions {
            threads: 0,
            memory: 64 << 20,
            read: entry::Options::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            rebuild: false,
        }
    }
}

/// How far it is; written by the builder, read by whoever wants to know.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files that have to be read; 0 until that is known.
    pub files: AtomicU64,
    /// Files that were read.
    pub done: AtomicU64,
    /// Bytes of these, as they lie on disk.
    pub bytes: AtomicU64,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Built {
    /// Files of the mirror that are to be indexed.
    pub files_seen: u64,
    /// Files that were new or changed.
    pub files_read: u64,
    /// Bytes of these, as they lie on disk.
    pub bytes_read: u64,
    /// Documents written.
    pub documents: u64,
    /// Documents among these that say why a file could not be read.
    pub errors: u64,
    /// Files that are gone.
    pub removed: u64,
    /// Directories that could not be read, with what was said; what was known of them stays in the index.
    pub unreadable: Vec<(PathBuf, String)>,
    /// All documents of the index, and those of them that are errors.
    pub total: (u64, u64),
    /// Why it was built anew, if it was.
    pub anew: Option<String>,
    /// Whether there is a new commit.
    pub committed: bool,
    /// How long it took.
    pub elapsed: Duration,
}

/// In flight between readers and the writer.
const IN_FLIGHT: usize = 16 << 20;
/// The engine does not work with less for each of its threads.
const LEAST_MEMORY: usize = 15 << 20;
/// So many files are not worth a second writing thread and its segment.
const FEW: usize = 2_000;

/// Brings the index of a target up to date. With nothing changed, no file is opened and nothing is committed. With an `Err` the index
/// is as it was.
pub fn build(
    target: &Target,
    options: &IndexOptions,
    progress: &Progress,
    stop: &AtomicBool,
) -> Result<Built, SearchError> {
    let start = Instant::now();
    let _lock = target.place.lock()?;
    target.place.tidy();
    let (before, anew) = before(target, options)?;
    let Listing { mut files, unreadable } = list::files(&target.root)?;
    let wanted = Wanted::new(&options.include, &options.exclude)?;
    files.retain(|file| wanted.has(&file.path));
    let (opened, records) = before.map_or((None, Vec::new()), |(opened, records)| (Some(opened), records));
    let change = Change::between(&records, files, &unreadable);
    let mut built = Built {
        files_seen: change.files.len() as u64,
        files_read: change.read.len() as u64,
        removed: change.gone.len() as u64,
        unreadable: told(&unreadable),
        anew,
        ..Built::default()
    };
    progress.files.store(built.files_read, Ordering::Relaxed);
    if let Some(opened) = &opened
        && change.read.is_empty()
        && change.gone.is_empty()
    {
        debug_assert_eq!(opened.payload.label, target.place.label);
        built.total = totals(&records);
        built.elapsed = start.elapsed();
        return Ok(built);
    }
    Builder { target, options, progress, stop, opened: opened.as_ref(), change }.run(&mut built)?;
    built.elapsed = start.elapsed();
    Ok(built)
}

fn told(unreadable: &[(Vec<u8>, String)]) -> Vec<(PathBuf, String)> {
    let told = unreadable.iter().map(|(path, error)| (list::absolute(Path::new(""), path), error.clone()));
    told.collect()
}

fn totals(records: &[Record]) -> (u64, u64) {
    records.iter().fold((0, 0), |(documents, errors), record| {
        (documents + u64::from(record.documents), errors + u64::from(record.errors))
    })
}

/// What decides which documents an index has; another choice is another index.
fn asked(options: &IndexOptions) -> String {
    let IndexOptions { read, include, exclude, .. } = options;
    format!(
        "sequences {} fasta {} text {} include {include:?} exclude {exclude:?}",
        read.sequences, read.fasta, read.text_limit
    )
}

type Before = Option<(Opened, Vec<Record>)>;

/// The index as it is, if it can be brought up to date, and else why not.
fn before(target: &Target, options: &IndexOptions) -> Result<(Before, Option<String>), SearchError> {
    let anew = |why: &str| Ok((None, Some(why.to_owned())));
    if options.rebuild {
        return anew("as asked");
    }
    let opened = match target.place.open() {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok((None, None)),
        Err(SearchError::Damaged { why, .. }) => return anew(&format!("the old index is damaged: {why}")),
        Err(error) => return Err(error),
    };
    if opened.root != Path::new(&*target.root.to_string_lossy()) {
        return anew("the mirror lies elsewhere now");
    }
    if opened.payload.asked != asked(options) {
        return anew("other files or texts are asked for now");
    }
    match ledger::load(&opened.dir.join(&opened.payload.ledger)) {
        Ok(records) => Ok((Some((opened, records)), None)),
        Err(error) => anew(&format!("its list of files cannot be read: {error}")),
    }
}

struct Builder<'b> {
    target: &'b Target,
    options: &'b IndexOptions,
    progress: &'b Progress,
    stop: &'b AtomicBool,
    /// `None`: everything is new.
    opened: Option<&'b Opened>,
    change: Change,
}

impl Builder<'_> {
    fn run(mut self, built: &mut Built) -> Result<(), SearchError> {
        let fields = Fields::new();
        let place = &self.target.place;
        let dir = self.opened.map_or_else(|| place.beside(), |opened| opened.dir.clone());
        let wrong = SearchError::engine(&dir);
        let index = match self.opened {
            Some(opened) => opened.index.clone(),
            None => {
                let _ = fs::remove_dir_all(&dir);
                fs::create_dir_all(&dir).map_err(SearchError::io("make the directory", &dir))?;
                let mut index = Index::create_in_dir(&dir, fields.schema.clone()).map_err(&wrong)?;
                index.set_tokenizers(schema::tokenizers());
                index.set_fast_field_tokenizers(schema::tokenizers());
                index
            }
        };
        let mut writer = self.writer(&index).map_err(&wrong)?;
        let outcome = self.write(&fields, &mut writer, &dir, built);
        if let Err(error) = outcome {
            // Nothing of it is in any commit.
            let _ = writer.rollback();
            drop(writer);
            if self.opened.is_none() {
                let _ = fs::remove_dir_all(&dir);
            }
            return Err(error);
        }
        writer.wait_merging_threads().map_err(&wrong)?;
        if self.opened.is_none() {
            swap(&dir, &place.current())?;
        }
        Ok(())
    }

    fn writer(&self, index: &Index) -> tantivy::Result<IndexWriter<Carried>> {
        let memory = self.options.memory.max(LEAST_MEMORY);
        let many = self.change.read.len() > FEW && memory >= 2 * LEAST_MEMORY && cores() > 1;
        let threads = if many { 2 } else { 1 };
        // The engine refuses 4 GB and more a thread.
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread((memory / threads).min(1 << 31))
            .num_worker_threads(threads)
            .num_merge_threads(1)
            .build();
        index.writer_with_options(options)
    }

    fn write(
        &mut self,
        fields: &Fields,
        writer: &mut IndexWriter<Carried>,
        dir: &Path,
        built: &mut Built,
    ) -> Result<(), SearchError> {
        let wrong = SearchError::engine(dir);
        for path in &self.change.gone {
            writer.delete_term(Term::from_field_bytes(fields.file, path));
        }
        let fresh = match self.read(fields, writer) {
            Ok(fresh) => fresh,
            // What stopped the writer's own threads is known to them; a commit would ask them.
            Err(error) => return Err(wrong(writer.prepare_commit().err().unwrap_or(error))),
        };
        if self.stop.load(Ordering::Relaxed) {
            return Err(SearchError::Stopped);
        }
        for record in &fresh {
            built.documents += u64::from(record.documents);
            built.errors += u64::from(record.errors);
        }
        built.bytes_read = self.progress.bytes.load(Ordering::Relaxed);
        let mut records: Vec<Record> = self.change.kept.drain(..).flatten().collect();
        records.append(&mut self.change.beyond);
        records.extend(fresh);
        records.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        built.total = totals(&records);
        let generation = self.opened.map_or(0, |opened| opened.generation) + 1;
        let payload = Payload {
            label: self.target.place.label.clone(),
            root: self.target.root.to_string_lossy().into_owned(),
            ledger: format!("files-{generation}.ledger"),
            generation,
            asked: asked(self.options),
        };
        // First the ledger, then the commit that names it: who is killed in between leaves the commit before, and its ledger.
        let file = dir.join(&payload.ledger);
        ledger::save(&file, &records).map_err(SearchError::io("write", &file))?;
        let mut commit = writer.prepare_commit().map_err(&wrong)?;
        commit.set_payload(&serde_json::to_string(&payload).unwrap_or_default());
        commit.commit().map_err(&wrong)?;
        built.committed = true;
        if let Some(opened) = self.opened {
            let _ = fs::remove_file(dir.join(&opened.payload.ledger));
        }
        Ok(())
    }

    /// Reads what changed, with several threads, and hands the documents to the writer.
    fn read(&self, fields: &Fields, writer: &IndexWriter<Carried>) -> tantivy::Result<Vec<Record>> {
        let threads = if self.options.threads == 0 { cores() } else { self.options.threads };
        let budget = Budget::new(IN_FLIGHT);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut records = Vec::new();
            while let Some((at, known)) = self.change.read.get(next.fetch_add(1, Ordering::Relaxed)).copied()
            {
                if self.stop.load(Ordering::Relaxed) {
                    break;
                }
                let file = &self.change.files[at];
                records.extend(self.read_one(file, known, fields, writer, &budget)?);
                self.progress.done.fetch_add(1, Ordering::Relaxed);
                self.progress.bytes.fetch_add(file.stamp.size, Ordering::Relaxed);
            }
            tantivy::Result::Ok(records)
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads.clamp(1, 256))
                .map_while(|_| std::thread::Builder::new().spawn_scoped(scope, work).ok())
                .collect();
            let mut all = work()?;
            for other in others {
                let joined = other
                    .join()
                    .map_err(|_| tantivy::TantivyError::InternalError("a reader panicked".into()))?;
                all.append(&mut joined?);
            }
            Ok(all)
        })
    }

    /// `None`: the file is gone by now.
    fn read_one(
        &self,
        file: &Listed,
        known: bool,
        fields: &Fields,
        writer: &IndexWriter<Carried>,
        budget: &std::sync::Arc<Budget>,
    ) -> tantivy::Result<Option<Record>> {
        if known {
            writer.delete_term(Term::from_field_bytes(fields.file, &file.path));
        }
        let mut record = Record { path: file.path.clone(), stamp: file.stamp, documents: 0, errors: 0 };
        let mut outcome = Ok(());
        let mut sink = |entry: Entry| {
            let document = fields.document(&entry, &file.path);
            let bytes = entry.text.as_ref().map_or(0, |text| 3 * text.len()) + (8 << 10);
            let carried = Carried { document, _share: budget.take(bytes) };
            if outcome.is_ok() {
                outcome = writer.add_document(carried).map(|_| ());
            }
            record.documents = record.documents.saturating_add(1);
            record.errors = record.errors.saturating_add(u32::from(entry.error.is_some()));
        };
        let name = String::from_utf8_lossy(&file.path);
        match File::open(list::absolute(&self.target.root, &file.path)) {
            Ok(open) => {
                entry::read(&name, open, &self.options.read, &mut sink);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => sink(entry::failed(&name, format!("cannot be opened: {error}"))),
        }
        outcome.map(|()| Some(record))
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Puts a finished index where readers look for it, in one step where the file system can.
fn swap(fresh: &Path, current: &Path) -> Result<(), SearchError> {
    let failed = || SearchError::io("replace the index", current);
    if !current.exists() {
        return fs::rename(fresh, current).map_err(failed());
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, fresh, CWD, current, RenameFlags::EXCHANGE).is_ok() {
            let _ = fs::remove_dir_all(fresh);
            return Ok(());
        }
    }
    let old = current.with_extension("old");
    let _ = fs::remove_dir_all(&old);
    fs::rename(current, &old).map_err(failed())?;
    fs::rename(fresh, current).map_err(failed())?;
    let _ = fs::remove_dir_all(&old);
    Ok(())
}
