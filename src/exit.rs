//! Exit codes, and the only place that ends the process.

/// How the program ends, in the contract's numbers. The worst of several wins: see [`Exit::worst`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: all that was asked is done (warnings allowed).
    Done,
    /// 1: at least one job, file or entry failed.
    Failed,
    /// 2: usage or configuration error; nothing was started.
    Usage,
    /// 3: something was left out, nothing failed.
    Partial,
    /// 4: a guard refused; nothing was lost.
    Blocked,
    /// 75: another run holds the lock of every job that was left.
    Locked,
    /// 128 + the signal's number: ended by that signal, after children were stopped.
    Signal(i32),
}

impl Exit {
    /// The number the shell sees.
    pub fn code(self) -> i32 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Partial => 3,
            Exit::Blocked => 4,
            Exit::Locked => 75,
            Exit::Signal(n) => 128 + n,
        }
    }

    /// The worse of two, in the order signal, 2, 1, 4, 3, 75, 0. (2 never meets the others: nothing was started.)
    pub fn worst(self, other: Exit) -> Exit {
        if other.rank() > self.rank() { other } else { self }
    }

    fn rank(self) -> u8 {
        match self {
            Exit::Signal(_) => 6,
            Exit::Usage => 5,
            Exit::Failed => 4,
            Exit::Blocked => 3,
            Exit::Partial => 2,
            Exit::Locked => 1,
            Exit::Done => 0,
        }
    }
}

/// Ends the process.
#[expect(clippy::exit, reason = "the one place that ends the process")]
pub fn end(exit: Exit) -> ! {
    std::process::exit(exit.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_wins_in_the_contracts_order() {
        let order = [
            Exit::Done,
            Exit::Locked,
            Exit::Partial,
            Exit::Blocked,
            Exit::Failed,
            Exit::Usage,
            Exit::Signal(15),
        ];
        for (i, a) in order.iter().enumerate() {
            for (j, b) in order.iter().enumerate() {
                assert_eq!(a.worst(*b), order[i.max(j)]);
            }
        }
    }
}
