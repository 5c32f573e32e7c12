//! Files that a job's options name for rsync: it would wait for the other end of a FIFO for ever.

use crate::machine::{self, WITHOUT_WAITING};
use crate::result::Reason;
use crate::rsync::args;
use std::fs::{File, metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Why rsync could not use one of them; `None` if it can.
pub(super) fn unusable(rsync_args: &[String]) -> Option<Reason> {
    args::named_files(rsync_args).into_iter().find_map(|(option, path)| {
        let opened = match option {
            "log-file" => written(Path::new(path)),
            _ => machine::open_named(Path::new(path)).map(drop),
        };
        let text = format!("rsync_args: --{option} names {path}, which cannot be used: {}", opened.err()?);
        Some(
            Reason::new(text)
                .hint("correct the path in rsync_args, or make it a file that this user may read"),
        )
    })
}

/// rsync makes that one if it is missing.
fn written(path: &Path) -> io::Result<()> {
    if !metadata(path).is_ok_and(|meta| meta.file_type().is_fifo()) {
        return Ok(());
    }
    let opened = File::options().write(true).custom_flags(WITHOUT_WAITING).open(path);
    opened.map(drop).map_err(|_| io::Error::other("it is a FIFO that nobody reads"))
}
