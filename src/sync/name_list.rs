//! Lists of file names for `--files-from`. They are in a temporary file, so that their number does not matter for memory.

use crate::model::job::{Job, Source};
use crate::rsync::args;
use crate::rsync::fetch_files::FetchFiles;
use std::io::{self, BufWriter, Write};
use tempfile::NamedTempFile;

/// Names of files of a source, relative to the destination. If a name could not be written, the list is unusable and [`NameList::job`]
/// returns `None`.
#[derive(Debug)]
pub(super) struct NameList {
    /// `None` for a source whose notation is not supported.
    picked: Option<FetchFiles>,
    file: Option<io::Result<BufWriter<NamedTempFile>>>,
    len: u64,
}

impl NameList {
    /// An empty list.
    pub(super) fn new(source: &Source) -> Self {
        NameList { picked: FetchFiles::from(source), file: None, len: 0 }
    }

    /// Adds a file, by its name on disk.
    pub(super) fn push(&mut self, name: &[u8]) {
        let line = self.picked.as_ref().map(|picked| picked.list([name]));
        self.write(line);
    }

    /// Adds an entry, by its name on disk. The root of the destination gets the attributes of the source's.
    pub(super) fn push_with_root(&mut self, name: &[u8]) {
        let line = self.picked.as_ref().map(|picked| {
            let mut line = Vec::with_capacity(name.len() + 64);
            picked.name_with_root(name, &mut line);
            line
        });
        self.write(line);
    }

    fn write(&mut self, line: Option<Vec<u8>>) {
        self.len += 1;
        let Some(line) = line else { return };
        let new = || tempfile::Builder::new().prefix("pdb-sync-files").tempfile().map(BufWriter::new);
        let file = self.file.get_or_insert_with(new);
        if let Ok(open) = file
            && let Err(error) = open.write_all(&line)
        {
            *file = Err(error);
        }
    }

    /// The number of names.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// A job that transfers exactly these entries, and sets their attributes. It deletes nothing. `None` if the list cannot be used. It must
    /// outlive the job.
    pub(super) fn job(&mut self, job: &Job) -> Option<Job> {
        let (picked, file) = (self.picked.as_ref()?, self.file.as_mut()?.as_mut().ok()?);
        file.flush().ok()?;
        Some(args::only_listed(job, picked.source.clone(), file.get_ref().path().to_str()?))
    }

    /// A job that lists these entries, as far as its filters let them through; with `deep`, directories with all their contents.
    pub(super) fn listing_job(&mut self, job: &Job, deep: bool) -> Option<Job> {
        let (picked, file) = (self.picked.as_ref()?, self.file.as_mut()?.as_mut().ok()?);
        file.flush().ok()?;
        Some(args::only_named(job, picked.source.clone(), file.get_ref().path().to_str()?, deep))
    }

    /// The same job, for files that are compared by checksum.
    pub(super) fn comparing_job(&mut self, job: &Job) -> Option<Job> {
        Some(Job { checksum: true, ..self.job(job)? })
    }
}
