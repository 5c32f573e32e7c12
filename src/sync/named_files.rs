//! Files that a job's options name for rsync: it would wait for the other end of a FIFO for ever.

use crate::model::result::Reason;
use crate::model::sanitize;
use crate::platform::{self, WITHOUT_WAITING};
use crate::rsync::args;
use std::fs::{File, metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Why rsync could not use one of them; `None` if it can. `typed_args`: those that the command line gives.
pub(super) fn unusable(rsync_args: &[String], typed_args: &[String]) -> Option<Reason> {
    let typed = args::named_files(typed_args);
    args::named_files(rsync_args).into_iter().find_map(|(option, path)| {
        let opened = match option {
            "log-file" => written(Path::new(path)),
            _ => platform::open_named(Path::new(path)).map(drop),
        };
        let (whence, place) = match typed.contains(&(option, path)) {
            true => ("the command line", "on the command line"),
            false => ("rsync_args", "in rsync_args"),
        };
        let path = sanitize::name(path.as_bytes());
        let text = format!("{whence}: --{option} names {path}, which cannot be used: {}", opened.err()?);
        let hint = format!("correct the path {place}, or make it a file that this user may read");
        Some(Reason::new(text).hint(hint))
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
