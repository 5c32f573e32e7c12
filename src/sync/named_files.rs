//! Checks files that a job's options name for rsync. With a FIFO, rsync would wait forever for the other end.

use crate::model::result::Reason;
use crate::platform::unusable_file;
use crate::rsync::args;
use std::path::Path;

/// Why rsync could not use one of the files; `None` if it can use all. `typed_args`: the options given on the command line.
pub(super) fn unusable(rsync_args: &[String], typed_args: &[String]) -> Option<Reason> {
    let typed = args::named_files(typed_args);
    args::named_files(rsync_args).into_iter().find_map(|(option, path)| {
        let why = unusable_file(Path::new(path), args::named_for(option))?;
        let (whence, place) = match typed.contains(&(option, path)) {
            true => ("the command line", "on the command line"),
            false => ("rsync_args", "in rsync_args"),
        };
        let (text, hint) = args::unusable_text(option, path, &why, place);
        Some(Reason::new(format!("{whence}: {text}")).hint(hint))
    })
}
