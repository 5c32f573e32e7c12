//! Reads files with several threads and passes their documents to the index writer.

use super::{IndexOptions, Progress};
use crate::platform;
use crate::scan::Stop;
use crate::search::budget::{Budget, Carried};
use crate::search::changes::Change;
use crate::search::entry::{self, Entry};
use crate::search::file_list::{self, Listed, Stamp};
use crate::search::indexed_files::Record;
use crate::search::schema::Fields;
use crate::search::stems::Stems;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tantivy::{IndexWriter, Term};

/// The maximum number of bytes in flight between the readers and the writer.
const IN_FLIGHT: usize = 8 << 20;

pub(super) struct Feed<'f> {
    pub(super) root: &'f Path,
    pub(super) change: &'f Change,
    pub(super) options: &'f IndexOptions,
    pub(super) progress: &'f Progress,
    pub(super) stop: &'f Stop,
    pub(super) fields: &'f Fields,
    pub(super) writer: &'f IndexWriter<Carried>,
}

impl Feed<'_> {
    /// Reads all files with several threads. Returns what was written for each file, in no particular order.
    pub(super) fn run(&self) -> tantivy::Result<Vec<Record>> {
        let threads = if self.options.threads == 0 { cores() } else { self.options.threads };
        let budget = Budget::new(IN_FLIGHT);
        let next = AtomicUsize::new(0);
        let work = || {
            let stems = Stems::default();
            let mut records = Vec::new();
            while let Some((at, known)) = self.change.read.get(next.fetch_add(1, Ordering::Relaxed)).copied()
            {
                if self.stop.is_stopped() {
                    break;
                }
                let file = &self.change.files[at];
                records.extend(self.one(file, known, &budget, &stems)?);
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

    /// Returns `None` if the file no longer exists.
    fn one(
        &self,
        file: &Listed,
        known: bool,
        budget: &Arc<Budget>,
        stems: &Stems,
    ) -> tantivy::Result<Option<Record>> {
        if known {
            self.writer.delete_term(Term::from_field_bytes(self.fields.file, &file.path));
        }
        let mut record = Record { path: file.path.clone(), stamp: file.stamp, documents: 0, errors: 0 };
        let mut outcome = Ok(());
        let mut sink = |entry: Entry| {
            let document = self.fields.document(&entry, &file.path, stems);
            let bytes = entry.text.as_ref().map_or(0, |text| 3 * text.len()) + (8 << 10);
            let carried = Carried { document, _share: budget.take(bytes) };
            if outcome.is_ok() {
                outcome = self.writer.add_document(carried).map(|_| ());
            }
            record.documents = record.documents.saturating_add(1);
            record.errors = record.errors.saturating_add(u32::from(entry.error.is_some()));
        };
        let name = String::from_utf8_lossy(&file.path);
        match platform::open_regular(&file_list::absolute(self.root, &file.path)) {
            Ok(open) => {
                // If reading stops here, what is read of the file afterwards is not committed.
                let failed = AtomicBool::new(false);
                let bytes = Stoppable { file: open, stop: self.stop, failed: &failed };
                entry::read(&name, bytes, &self.options.read, &mut sink);
                if failed.load(Ordering::Relaxed) {
                    record.stamp = Stamp::NEVER;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                sink(entry::failed(&name, format!("cannot be opened: {error}")));
                record.stamp = Stamp::NEVER;
            }
        }
        outcome.map(|()| Some(record))
    }
}

/// A file whose reads fail after a stop request. A file may inflate to more data than anybody would wait for.
struct Stoppable<'s> {
    file: File,
    stop: &'s Stop,
    /// Set to true if the system fails to return the bytes of the file.
    failed: &'s AtomicBool,
}

impl io::Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_stopped() {
            return Err(io::Error::other("stopped"));
        }
        self.file.read(buffer).inspect_err(|_| self.failed.store(true, Ordering::Relaxed))
    }
}

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
