//! Exit codes of the program, which scripts rely on.

/// How the program ends. Of several exit codes the worst one counts: see [`ExitCode::worst`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// 0: everything requested is done (warnings are possible).
    Done,
    /// 1: at least one job, file or entry failed.
    Failed,
    /// 2: usage or configuration error; nothing was started.
    Usage,
    /// 3: something was left out, but nothing failed.
    Partial,
    /// 4: a guard refused; nothing was lost.
    Blocked,
    /// 75: another run holds the lock of every remaining job.
    Locked,
    /// 128 + signal number: a signal ended the program, after the children were stopped.
    Signal(i32),
}

impl ExitCode {
    /// Returns the exit code as the shell sees it.
    pub fn code(self) -> i32 {
        match self {
            ExitCode::Done => 0,
            ExitCode::Failed => 1,
            ExitCode::Usage => 2,
            ExitCode::Partial => 3,
            ExitCode::Blocked => 4,
            ExitCode::Locked => 75,
            ExitCode::Signal(n) => 128 + n,
        }
    }

    /// Returns the worse of two exit codes, in the order signal, 2, 1, 4, 3, 75, 0. (2 never occurs together with others, since nothing was
    /// started.)
    pub fn worst(self, other: ExitCode) -> ExitCode {
        if other.rank() > self.rank() { other } else { self }
    }

    fn rank(self) -> u8 {
        match self {
            ExitCode::Signal(_) => 6,
            ExitCode::Usage => 5,
            ExitCode::Failed => 4,
            ExitCode::Blocked => 3,
            ExitCode::Partial => 2,
            ExitCode::Locked => 1,
            ExitCode::Done => 0,
        }
    }
}

/// Signals that end a run, by number (the same on every system) and name.
pub const SIGNALS: [(i32, &str); 3] = [(1, "SIGHUP"), (2, "SIGINT"), (15, "SIGTERM")];

/// An exit code with its description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The exit code.
    pub exit: ExitCode,
    /// Short description.
    pub brief: &'static str,
    /// Description in a sentence.
    pub meaning: &'static str,
}

const fn code(exit: ExitCode, brief: &'static str, meaning: &'static str) -> Code {
    Code { exit, brief, meaning }
}

/// All exit codes, in numerical order. `--help` and the man page are generated from this list.
pub const CODES: [Code; 9] = [
    code(
        ExitCode::Done,
        "done",
        "All that was asked is done. Warnings are allowed, such as files that vanished while they were read.",
    ),
    code(
        ExitCode::Failed,
        "failed",
        "At least one job, file or entry failed, or a result could not be written to standard output. What sync prints is no result: it \
         is judged by its jobs. A reader that goes away is no failure.",
    ),
    code(ExitCode::Usage, "usage or configuration", "Usage or configuration error. Nothing was started."),
    code(ExitCode::Partial, "partial", "Something was left out, nothing failed."),
    code(
        ExitCode::Blocked,
        "blocked by a guard",
        "A guard refused: too many deletions, an empty source, too little disk space. Nothing was lost.",
    ),
    code(
        ExitCode::Locked,
        "locked by another run",
        "Another run holds the lock of every job that was left. Nothing else was wrong.",
    ),
    code(
        ExitCode::Signal(1),
        "ended by SIGHUP",
        "Ended by SIGHUP, after children were stopped and the summary was printed; not where that signal is ignored, as by nohup.",
    ),
    code(ExitCode::Signal(2), "ended by SIGINT", "Ended by SIGINT, likewise."),
    code(ExitCode::Signal(15), "ended by SIGTERM", "Ended by SIGTERM, likewise."),
];

/// Returns all exit codes on one or two lines, for `--help`.
pub fn briefly() -> String {
    let one = |code: &Code| format!("{} {}", code.exit.code(), code.brief);
    format!("Exit codes: {}.", CODES.iter().map(one).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_the_program_can_end_with_is_listed_once() {
        let listed: Vec<i32> = CODES.iter().map(|code| code.exit.code()).collect();
        assert!(listed.is_sorted_by(|a, b| a < b), "{listed:?}");
        // This match fails to compile until a new variant is listed here.
        let all = |exit: ExitCode| match exit {
            ExitCode::Done
            | ExitCode::Failed
            | ExitCode::Usage
            | ExitCode::Partial
            | ExitCode::Blocked
            | ExitCode::Locked => {
                vec![exit]
            }
            ExitCode::Signal(_) => SIGNALS.map(|(number, _)| ExitCode::Signal(number)).to_vec(),
        };
        let ways = [
            ExitCode::Done,
            ExitCode::Failed,
            ExitCode::Usage,
            ExitCode::Partial,
            ExitCode::Blocked,
            ExitCode::Locked,
            ExitCode::Signal(0),
        ];
        let ends: Vec<i32> = ways.into_iter().flat_map(all).map(ExitCode::code).collect();
        assert_eq!(ends.len(), listed.len());
        assert!(ends.iter().all(|end| listed.contains(end)), "{ends:?}");
        for (number, name) in SIGNALS {
            let listed = CODES.iter().find(|code| code.exit == ExitCode::Signal(number));
            assert!(
                listed.is_some_and(|code| code.brief.ends_with(name) && code.meaning.contains(name)),
                "{name}"
            );
            assert!(briefly().contains(&format!("{} ended by {name}", 128 + number)));
        }
    }

    #[test]
    fn the_worst_wins_in_the_contracts_order() {
        let order = [
            ExitCode::Done,
            ExitCode::Locked,
            ExitCode::Partial,
            ExitCode::Blocked,
            ExitCode::Failed,
            ExitCode::Usage,
            ExitCode::Signal(15),
        ];
        for (i, a) in order.iter().enumerate() {
            for (j, b) in order.iter().enumerate() {
                assert_eq!(a.worst(*b), order[i.max(j)]);
            }
        }
    }
}
