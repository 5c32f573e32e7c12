//! A real terminal, by tmux.

use super::{faked, log, progress, slow};
use crate::support::{Fake, Terminal, eventually, with_marker};
use std::fs;

fn sync(args: &str) -> String {
    format!("'{}' sync {args}", env!("CARGO_BIN_EXE_pdb-sync"))
}

#[test]
fn bars_fit_the_terminal_and_leave_nothing_behind() {
    for columns in [30, 200] {
        let mut script = progress(1_000_000, 42, "0:00:12  ");
        script += "wait-file @dest/go\nout\nstats 9 3 0\n";
        let fake = Fake::new(&script);
        let env = faked(&fake, &["mmcif", "a-job-with-quite-a-long-name"], "");
        let Some(terminal) = Terminal::start(&env, columns, &sync("--all --parallel 2")) else { return };
        let screen = terminal.until("both bars and the total", |screen| {
            screen.iter().filter(|line| line.contains("42%")).count() == 2
                && screen.iter().any(|line| line.contains("0/2"))
        });
        assert!(screen.iter().any(|line| line.starts_with("mmcif ")), "{screen:#?}");
        assert!(screen.iter().any(|line| line.starts_with("a-job-wit")), "{screen:#?}");
        assert!(screen.iter().all(|line| line.chars().count() <= columns as usize), "{screen:#?}");
        assert_eq!(screen.iter().any(|line| line.contains("━")), columns == 200, "{screen:#?}");
        for name in ["mmcif", "a-job-with-quite-a-long-name"] {
            fs::write(env.mirror(name).join("go"), "").unwrap();
        }
        assert_eq!(terminal.code(), "code 0\n");
        let screen =
            terminal.until("the summary", |screen| screen.iter().any(|line| line.contains("Total time")));
        let total = screen.iter().position(|line| line.starts_with("Total time: ")).unwrap();
        // In 30 columns the last line of the summary is broken in two by the terminal.
        assert!(total + 2 >= screen.len(), "the summary is last\n{screen:#?}");
        assert!(!screen.iter().any(|line| line.contains("42%") || line.contains("━")), "{screen:#?}");
        assert_eq!(
            screen.iter().filter(|line| line.contains("=== Sync Summary ===")).count(),
            1,
            "{screen:#?}"
        );
    }
}

#[test]
fn ctrl_c_at_the_terminal_ends_gently() {
    let (_upstream, env) = slow();
    let Some(terminal) = Terminal::start(&env, 100, &sync("a --bwlimit 200KB")) else { return };
    let screen = terminal.until("a bar of a real transfer", |screen| {
        screen.iter().any(|line| line.starts_with("a ") && line.contains('%') && line.contains("─"))
    });
    assert!(
        !screen.iter().any(|line| line.contains("0%") && line.contains("left")),
        "left of what? {screen:#?}"
    );
    terminal.tmux(["send-keys", "C-c"]);
    assert_eq!(terminal.code(), "code 130\n");
    let screen =
        terminal.until("the summary", |screen| screen.iter().any(|line| line.contains("Total time")));
    assert!(screen.iter().any(|line| line.contains("Cancelled: 1")), "{screen:#?}");
    assert!(!screen.iter().any(|line| line.contains("─")), "{screen:#?}");
    assert!(with_marker(&env.mirror("a").display().to_string()).is_empty());
}

#[test]
fn a_job_that_waits_for_its_next_try_has_no_bar() {
    let fake = Fake::new(&(progress(1_000_000, 42, "0:00:12  ") + "wait-file @dest/go\nexit 12\n"));
    let env = faked(&fake, &["a"], "retries = 1\nretry_delay = '1h'");
    let Some(terminal) = Terminal::start(&env, 100, &sync("a")) else { return };
    terminal
        .until("a bar", |screen| screen.iter().any(|line| line.starts_with("a ") && line.contains("42%")));
    fs::write(env.mirror("a").join("go"), "").unwrap();
    let failed = |screen: &[String]| screen.iter().any(|line| line.contains("try 1 failed"));
    terminal.until("no bar", |screen| failed(screen) && !screen.iter().any(|line| line.contains("42%")));
    terminal.until("the total", |screen| screen.last().is_some_and(|line| line.starts_with("0/1 jobs ")));
}

#[test]
fn a_terminal_that_is_closed_ends_the_run() {
    let fake = Fake::new("out at work\nhang\n");
    let env = faked(&fake, &["a"], "");
    let Some(terminal) = Terminal::start(&env, 80, &sync("a")) else { return };
    terminal.until("it works", |screen| screen.iter().any(|line| line.contains("at work")));
    drop(terminal);
    let marker = env.mirror("a").display().to_string();
    eventually("nobody is left", || with_marker(&marker).is_empty());
}

#[test]
fn what_a_child_prints_cannot_steer_the_terminal() {
    // Clears the screen, sets the title, overwrites the line.
    let fake = Fake::new(
        "out first\nraw 1b5b324a 1b5d303b6f776e656407 6265666f7265 0d 6166746572 0a\nout last\nstats 1 0 0\n",
    );
    let env = faked(&fake, &["a"], "");
    let Some(terminal) = Terminal::start(&env, 80, &sync("a")) else { return };
    assert_eq!(terminal.code(), "code 0\n");
    let screen =
        terminal.until("the summary", |screen| screen.iter().any(|line| line.contains("Total time")));
    for line in ["[a] first", r"[a] \u{1b}[2J\u{1b}]0;owned\u{7}before", "[a] after", "[a] last"] {
        assert!(screen.iter().any(|l| l == line), "{line}\n{screen:#?}");
    }
}

#[test]
fn without_a_wish_for_bars_there_are_none() {
    let fake = Fake::new(
        &(progress(1_000_000, 42, "0:00:12  ") + "out\nout the line\nwait-file @dest/go\nout\nstats 9 3 0\n"),
    );
    for (assignment, args) in [("CI=true", "a"), ("TERM=dumb", "a"), ("X=", "a -q"), ("X=", "a --json")] {
        let env = faked(&fake, &["a"], "");
        let line = format!("{assignment} {}", sync(args));
        let Some(terminal) = Terminal::start(&env, 80, &line) else { return };
        eventually("it has begun", || {
            log(&env, "a").is_some_and(|log| fs::read_to_string(log).unwrap().contains("out the line"))
        });
        let screen = terminal.screen();
        assert!(!screen.iter().any(|line| line.contains("━")), "{assignment} {args}\n{screen:#?}");
        fs::write(env.mirror("a").join("go"), "").unwrap();
        assert_eq!(terminal.code(), "code 0\n");
    }
}

#[test]
fn a_child_cannot_ask_at_the_terminal() {
    let fake = Fake::new("stats 1 0 0\n");
    let env =
        faked(&fake, &["a"], "before = ['(exec 3<>/dev/tty) 2>/dev/null && echo asks || echo cannot ask']");
    let line = format!("(exec 3<>/dev/tty) && {}", sync("a"));
    let Some(terminal) = Terminal::start(&env, 80, &line) else { return };
    assert_eq!(terminal.code(), "code 0\n");
    terminal.until("the hook says", |screen| screen.iter().any(|line| line == "[a] cannot ask"));
}
