//! SIGUSR1 and Enter: how far a running sync is.

use super::{faked, progress};
use crate::support::{Fake, Terminal};
use rustix::process::Signal;
use std::fs;

fn script() -> String {
    progress(1_000_000, 42, "0:00:12  ") + "wait-file @dest/go\nout\nstats 9 3 0\n"
}

#[test]
fn a_signal_is_answered_and_ends_nothing() {
    for options in [&[][..], &["-q"], &["--json"]] {
        let fake = Fake::new(&script());
        let env = faked(&fake, &["a", "b", "c"], "");
        let running = env.spawn([&["sync", "--all", "--parallel", "2"], options].concat());
        crate::support::eventually("both transfers run", || fake.calls().len() == 2);
        crate::support::eventually("the progress is told", || {
            running.signal(Signal::USR1);
            let (_, err) = running.so_far();
            err.contains("status after ") && err.contains("42%, 1.0 MB") && err.contains("  waiting: c\n")
        });
        for name in ["a", "b", "c"] {
            let _ = fs::create_dir(env.mirror(name));
            fs::write(env.mirror(name).join("go"), "").unwrap();
        }
        running.wait().expect_code(0);
    }
}

#[test]
fn enter_at_the_terminal_is_answered() {
    let fake = Fake::new(&script());
    let env = faked(&fake, &["a"], "");
    let line = format!("stty -a >before; '{}' sync a; stty -a >after", env!("CARGO_BIN_EXE_pdb-sync"));
    let Some(terminal) = Terminal::start(&env, 100, &line) else { return };
    terminal.until("a bar", |screen| screen.iter().any(|line| line.contains("42%")));
    for keys in ["", "s"] {
        terminal.tmux(["send-keys", keys, "Enter"]);
        terminal.until("the status", |screen| {
            let blocks = screen.iter().filter(|line| line.contains("1 running, 0 waiting, 0 of 1 job ended"));
            blocks.count() == if keys.is_empty() { 1 } else { 2 }
        });
    }
    fs::write(env.mirror("a").join("go"), "").unwrap();
    assert_eq!(terminal.code(), "code 0\n");
    let modes = |name: &str| fs::read_to_string(env.dir().join(name)).unwrap();
    assert_eq!(modes("before"), modes("after"));
}

#[test]
fn in_the_background_the_terminal_is_left_alone() {
    let fake = Fake::new(&script());
    let env = faked(&fake, &["a"], "");
    let line = format!("set -m; '{}' sync a & wait $!", env!("CARGO_BIN_EXE_pdb-sync"));
    let Some(terminal) = Terminal::start(&env, 100, &line) else { return };
    terminal.until("a bar", |screen| screen.iter().any(|line| line.contains("42%")));
    terminal.tmux(["send-keys", "s", "Enter"]);
    // A process that reads from the background is stopped, and never ends.
    fs::write(env.mirror("a").join("go"), "").unwrap();
    assert_eq!(terminal.code(), "code 0\n");
    assert!(!terminal.lines().iter().any(|line| line.contains("status after")), "{:#?}", terminal.lines());
}
