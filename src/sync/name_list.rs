//! Lists of file names for `--files-from`. They are in a temporary file, so that their number does not matter for memory.

use crate::model::job::{Job, Source};
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
        self.len += 1;
        let Some(picked) = &self.picked else { return };
        let new = || tempfile::Builder::new().prefix("pdb-sync-files").tempfile().map(BufWriter::new);
        let file = self.file.get_or_insert_with(new);
        if let Ok(open) = file
            && let Err(error) = open.write_all(&picked.list([name]))
        {
            *file = Err(error);
        }
    }

    /// The number of names.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// A job that transfers exactly these files if their checksums differ, and sets their attributes. It deletes nothing. The list must
    /// outlive the job.
    pub(super) fn job(&mut self, job: &Job) -> Option<Job> {
        let (picked, file) = (self.picked.as_ref()?, self.file.as_mut()?.as_mut().ok()?);
        file.flush().ok()?;
        let path = file.get_ref().path().to_str()?.to_owned();
        let mut rsync_args = job.rsync_args.clone();
        rsync_args.extend([format!("--files-from={path}"), "--from0".to_owned()]);
        let sources = vec![picked.source.clone()];
        Some(Job { sources, delete: false, checksum: true, rsync_args, ..job.clone() })
    }
}
