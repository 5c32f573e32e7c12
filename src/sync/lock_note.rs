//! A note of a lock's holder, as a line of JSON for other processes. It is in the state directory, and in the mirror where a file is locked
//! instead of the directory.

use crate::model::sanitize;
use crate::model::time::local_of;
use crate::platform::{Identity, host_name, own_name};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LockNote {
    /// The version of this format: 1.
    v: u32,
    pid: u32,
    /// Identifies the process together with its number, across boots; `None` if the system cannot provide it.
    process: Option<String>,
    run: String,
    user: String,
    host: String,
    /// RFC 3339.
    since: String,
}

impl LockNote {
    /// The note of this process, from now on.
    pub(super) fn own(run: &str) -> Self {
        let Identity { pid, started } = Identity::own();
        let since = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string();
        LockNote { v: 1, pid, process: started, run: run.into(), user: own_name(), host: host_name(), since }
    }

    /// The note as a line, without the newline.
    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Parses a note; `None` if it is truncated or invalid.
    pub(super) fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line.trim()).ok()
    }

    /// Whether the process is on this host, as far as host names show.
    pub(super) fn is_here(&self) -> bool {
        self.host == host_name()
    }

    /// Whether the process was on this host and has ended.
    pub(super) fn is_gone(&self) -> bool {
        self.is_here() && Identity { pid: self.pid, started: self.process.clone() }.is_gone()
    }
}

impl fmt::Display for LockNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LockNote { pid, run, user, host, since, .. } = self;
        // The text was written by another process.
        let since = local_of(since);
        let [run, user, host, since] = [run, user, host, &since].map(|text| sanitize::line(text));
        write!(f, "pid {pid}, run {run}, user {user}, host {host}, since {since}")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A note of another host, or of an ended process of this one.
    pub(crate) fn of(host: &str) -> LockNote {
        let process = Some("another boot:1".to_owned());
        LockNote { pid: 4_000_000, process, host: host.into(), ..LockNote::own("RUN0") }
    }

    #[test]
    fn it_is_read_as_it_was_written_and_tells_what_this_host_can_know() {
        let own = LockNote::own("RUN1");
        assert_eq!(LockNote::read(&format!("{}\n\n", own.line())), Some(own.clone()));
        assert_eq!(LockNote::read(&own.line()[1..]), None);
        assert!(own.is_here() && !own.is_gone());
        assert!(own.to_string().starts_with(&format!("pid {}, run RUN1, user ", std::process::id())));
        assert!(of(&host_name()).is_gone());
        assert!(!of("elsewhere").is_gone(), "nobody can ask there");
    }
}
