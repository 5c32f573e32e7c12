//! Updates an index from its mirror.

mod before;
mod feed;
mod task;

pub use task::{Built, IndexOptions, Progress, Target};

use super::SearchError;
use super::budget::Carried;
use super::changes::{Change, FileFilter};
use super::file_list::{self, Listing, Stamp};
use super::index_dir::IndexDir;
use super::indexed_files::{self, Record};
use super::location::{Opened, Payload};
use super::schema::{self, Fields};
use crate::platform;
use crate::scan::Stop;
use before::before;
use feed::{Feed, cores};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;
use tantivy::indexer::IndexWriterOptions;
use tantivy::{Index, IndexSettings, IndexWriter, Term};

/// The minimum memory that tantivy accepts for each of its threads, in bytes.
const LEAST_MEMORY: usize = 15 << 20;
/// Below this number of files, a second writer thread and its segment are not worth their cost.
const FEW: usize = 2_000;

/// Updates the index of a target. If nothing changed, no file is opened and nothing is committed. On `Err` the index is unchanged.
pub fn build(
    target: &Target,
    options: &IndexOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<Built, SearchError> {
    let start = Instant::now();
    let _lock = target.place.lock()?;
    target.place.tidy();
    let (before, anew) = before(target, options)?;
    let Listing { mut files, unreadable } = file_list::files(&target.root, stop)?;
    let wanted = FileFilter::new(&options.include, &options.exclude)?;
    files.retain(|file| wanted.has(&file.path));
    let (opened, records) = before.map_or((None, Vec::new()), |(opened, records)| (Some(opened), records));
    let is_closed = |path: &[u8]| platform::open_regular(&file_list::absolute(&target.root, path)).is_err();
    let change = Change::between(&records, files, &unreadable, is_closed);
    let mut built = Built {
        files_seen: change.files.len() as u64,
        files_read: change.read.len() as u64,
        removed: change.gone.len() as u64,
        unreadable: told(&unreadable),
        anew,
        compared: start.elapsed(),
        ..Built::default()
    };
    progress.files.store(built.files_read, Ordering::Relaxed);
    if let Some(opened) = &opened
        && change.read.is_empty()
        && change.gone.is_empty()
    {
        debug_assert_eq!(opened.payload.label, target.place.label);
        built.count(&records);
        built.elapsed = start.elapsed();
        return Ok(built);
    }
    Builder { target, options, progress, stop, opened: opened.as_ref(), change }.run(&mut built)?;
    built.elapsed = start.elapsed();
    Ok(built)
}

fn told(unreadable: &[(Vec<u8>, String)]) -> Vec<(PathBuf, String)> {
    let told =
        unreadable.iter().map(|(path, error)| (file_list::absolute(Path::new(""), path), error.clone()));
    told.collect()
}

/// The maximum number of unreadable files that are named.
const NAMED: usize = 5;

impl Built {
    /// Sets the figures of what the index now holds.
    fn count(&mut self, records: &[Record]) {
        self.total = records.iter().fold((0, 0), |(documents, errors), record| {
            (documents + u64::from(record.documents), errors + u64::from(record.errors))
        });
        let mut unread = records.iter().filter(|record| record.stamp == Stamp::NEVER);
        let named = unread.by_ref().take(NAMED);
        self.unread = named.map(|record| file_list::absolute(Path::new(""), &record.path)).collect();
        self.unread_files = self.unread.len() as u64 + unread.count() as u64;
    }
}

struct Builder<'b> {
    target: &'b Target,
    options: &'b IndexOptions,
    progress: &'b Progress,
    stop: &'b Stop,
    /// `None` if everything is new.
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
                let directory = IndexDir::open(&dir).map_err(|error| wrong(error.into()))?;
                let settings = IndexSettings::default();
                let mut index = Index::create(directory, fields.schema.clone(), settings).map_err(&wrong)?;
                index.set_tokenizers(schema::tokenizers());
                index.set_fast_field_tokenizers(schema::tokenizers());
                index
            }
        };
        let mut writer = self.writer(&index).map_err(&wrong)?;
        let outcome = self.write(&fields, &mut writer, &dir, built);
        if let Err(error) = outcome {
            // Nothing that was written is in any commit.
            let _ = writer.rollback();
            drop(writer);
            if self.opened.is_none() {
                let _ = fs::remove_dir_all(&dir);
            }
            return Err(error);
        }
        writer.wait_merging_threads().map_err(&wrong)?;
        if self.opened.is_none() {
            place.put(&dir)?;
            // Until now, searches by an earlier version of this program used its own index.
            place.tidy();
        }
        Ok(())
    }

    fn writer(&self, index: &Index) -> tantivy::Result<IndexWriter<Carried>> {
        let memory = self.options.memory.max(LEAST_MEMORY);
        let many = self.change.read.len() > FEW && memory >= 2 * LEAST_MEMORY && cores() > 1;
        let threads = if many { 2 } else { 1 };
        // tantivy rejects 4 GB or more per thread.
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
        let feed = Feed {
            root: &self.target.root,
            change: &self.change,
            options: self.options,
            progress: self.progress,
            stop: self.stop,
            fields,
            writer,
        };
        let fresh = match feed.run() {
            Ok(fresh) => fresh,
            // The error that stopped the writer's threads is stored in them; a commit returns it.
            Err(error) => return Err(wrong(writer.prepare_commit().err().unwrap_or(error))),
        };
        if self.stop.is_stopped() {
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
        built.count(&records);
        let generation = self.opened.map_or(0, |opened| opened.generation) + 1;
        let payload = Payload {
            label: self.target.place.label.clone(),
            root: self.target.root.to_string_lossy().into_owned(),
            ledger: format!("files-{generation}.ledger"),
            generation,
            asked: self.options.asked(),
        };
        // The list of indexed files is written first, then the commit that names it. A process killed in between leaves the previous commit
        // with its own list.
        let file = dir.join(&payload.ledger);
        indexed_files::save(&file, &records).map_err(SearchError::io("write", &file))?;
        let mut commit = writer.prepare_commit().map_err(&wrong)?;
        commit.set_payload(&serde_json::to_string(&payload).unwrap_or_default());
        commit.commit().map_err(&wrong)?;
        built.committed = true;
        if let Some(opened) = self.opened {
            let _ = fs::remove_file(dir.join(&opened.payload.ledger));
        }
        Ok(())
    }
}
