//! Whether the process of a run that is recorded as running still runs.

use crate::model::running;
use crate::platform::{self, Identity, host_name};
use jiff::{SignedDuration, Timestamp};
use std::fs::TryLockError;
use std::io;
use std::path::Path;

/// A run of another host that has no record among the commands in progress is over after this time. A run without a record is rare: it
/// could not write one, or the record was removed after the run was killed.
const UNRECORDED: SignedDuration = SignedDuration::from_hours(24);

/// The process of a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RunProcess {
    pub(super) pid: u32,
    /// See [`Identity::started`].
    pub(super) started: Option<String>,
    /// The host; `None` in rows of earlier versions.
    pub(super) host: Option<String>,
}

impl RunProcess {
    /// This process.
    pub(super) fn own() -> Self {
        let Identity { pid, started } = Identity::own();
        RunProcess { pid, started, host: Some(host_name()) }
    }

    /// Whether it has ended. Hosts may share a state directory. Only its own host can look for a process; another one asks whether the
    /// process still has the lock of its record (`STATE/running`), which the kernel or the file server releases when it ends.
    pub(super) fn is_gone(&self, state_dir: &Path, begun: Timestamp) -> bool {
        match &self.host {
            Some(host) if *host != host_name() => match self.has_lock(host, state_dir) {
                Ok(locked) => !locked,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Timestamp::now().duration_since(begun) > UNRECORDED
                }
                Err(_) => false,
            },
            _ => Identity { pid: self.pid, started: self.started.clone() }.is_gone(),
        }
    }

    /// Whether the process has locked its record.
    fn has_lock(&self, host: &str, state_dir: &Path) -> io::Result<bool> {
        let file = platform::open_regular(&running::record_path(state_dir, self.pid, host))?;
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_process_of_another_host_is_judged_by_its_lock() {
        let state = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let other = RunProcess {
            pid: i32::MAX as u32,
            started: Some("another boot:1".into()),
            host: Some("other/host".into()),
        };
        assert!(!other.is_gone(state.path(), now), "its record may not be written yet");
        assert!(other.is_gone(state.path(), now - SignedDuration::from_hours(25)));
        let path = running::record_path(state.path(), other.pid, "other/host");
        fs::create_dir(path.parent().unwrap()).unwrap();
        let record = fs::File::create(&path).unwrap();
        record.lock().unwrap();
        let long_ago = now - SignedDuration::from_hours(1000);
        assert!(!other.is_gone(state.path(), long_ago), "it has the lock");
        record.unlock().unwrap();
        assert!(other.is_gone(state.path(), now), "its lock is released");
        // The same row of this host, and of an earlier version, which did not tell.
        for host in [Some(host_name()), None] {
            assert!(RunProcess { host, ..other.clone() }.is_gone(state.path(), now));
        }
        assert!(!RunProcess::own().is_gone(state.path(), now));
    }
}
