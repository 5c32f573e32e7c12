//! What commands say fits a real terminal, in the characters that it shows.

use crate::support::{Env, Terminal, on_terminal};
use std::fs;

/// Jobs that end in several ways, one with a long reason, one with an alert.
fn env() -> Env {
    let env = Env::new();
    fs::create_dir(env.dir().join("source")).unwrap();
    fs::write(env.dir().join("source/f"), "contents").unwrap();
    fs::write(env.dir().join("source/empty…"), "").unwrap();
    let config = "version = 1\n[defaults]\nretries = 0\nroot = 'mirror'\n\
        [jobs.mmcif]\nsource = 'source/'\ndest = 'mmcif'\n\
        [jobs.hooked]\nsource = 'source/'\ndest = 'hooked'\nbefore = ['exit 75']\n\
        [jobs.bad]\nsource = 'a/rather/long/directory/that/is/not/there/'\ndest = 'bad'\n\
        [[stats.alerts]]\njob = 'bad'\nage_above = '1ms'\n";
    let env = env.with_config(config);
    let broken = format!("version = 1\n[jobs.a]\nsource = [{}7]\ndest = 'a'\n", "'up::m/', ".repeat(20));
    fs::write(env.dir().join("broken.toml"), broken).unwrap();
    env
}

const COMMANDS: &str = "sync mmcif hooked -q; sync bad -q 2>/dev/null; history; history show last; stats; stats --check; status; list; \
    clean plan ./source; clean show; clean rules; clean log; clean explain source/f; doctor --offline; scan mmcif; \
    scan ./source --list; -c broken.toml config check; sync nope; history --since 1x";

/// One after another, with what says that all have ended.
fn line(locale: &str) -> String {
    let program = env!("CARGO_BIN_EXE_pdb-sync");
    let commands: String = COMMANDS.split("; ").map(|words| format!("'{program}' {words}; ")).collect();
    format!("unset LC_ALL; {locale}; {commands} echo 'THE END'")
}

#[test]
fn what_commands_say_fits_terminals_of_any_width() {
    for columns in [60, 80, 120] {
        for (locale, utf8) in [
            ("export LC_ALL=C", false),
            ("export LANG=C.UTF-8 LC_CTYPE=POSIX", false),
            ("unset LANG", false),
            ("export LC_ALL=C.UTF-8 LC_CTYPE=C", true),
        ] {
            if columns != 60 && locale.contains("LANG") {
                continue;
            }
            let env = env();
            let Some(terminal) = Terminal::start(&env, columns, &line(locale)) else { return };
            terminal.code();
            let lines = terminal.lines();
            let text = lines.join("\n");
            assert!(text.ends_with("THE END"), "{text}");
            for line in &lines {
                assert!(
                    console::measure_text_width(line) <= columns as usize,
                    "{columns} {locale}: {line}\n\n{text}"
                );
            }
            assert_eq!(text.is_ascii(), !utf8, "{columns} {locale}\n{text}");
            assert!(text.contains(if utf8 { "empty…" } else { "empty..." }), "{columns} {locale}\n{text}");
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            for said in [
                "hook `exit 75` ended with 75",
                "alert: [bad] no success of it is recorded",
                "hint: known are mmcif, hooked, bad",
            ] {
                assert!(words(&text).contains(said), "{columns} {locale}: {said}\n{text}");
            }
            // A number and its unit.
            assert!(!text.lines().any(|line| line.trim_start().starts_with("GB ")), "{text}");
            let mark = lines
                .iter()
                .position(|line| line.trim_start().starts_with("| ") && line.ends_with('^'))
                .unwrap();
            let at = lines[mark].find('^').unwrap();
            assert_eq!(lines[mark - 1].chars().nth(at), Some('7'), "{columns} {locale}\n{text}");
            if columns == 80 {
                let row = lines.iter().position(|line| line.starts_with("STARTED ")).unwrap();
                assert!(lines[row].ends_with(" RECEIVED"), "{text}");
                assert!(text.contains(" FILES/S TREND\n"), "{text}");
            }
        }
    }
}

#[test]
fn what_moves_is_ascii_where_utf8_is_not_shown() {
    let env = env();
    fs::create_dir(env.dir().join("many")).unwrap();
    for n in 0..2_000 {
        fs::write(env.dir().join(format!("many/{n}.gz")), [0x1f, 0x8b]).unwrap();
    }
    for (locale, utf8) in [("C", false), ("C.UTF-8", true)] {
        let mut moved = String::new();
        for words in [&["scan", "./many", "--full"][..], &["verify", "./many"], &["sync", "mmcif"]] {
            let mut command = env.command(words);
            command.env("LC_ALL", locale);
            moved += &on_terminal(command, "").out();
        }
        assert!(moved.contains('\r'), "nothing moved: {moved}");
        assert_eq!(moved.is_ascii(), !utf8, "{locale}: {moved}");
    }
}

/// By the convention of <https://bixense.com/clicolors/>: the option, `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR`, the stream.
#[test]
fn the_strongest_wish_for_colours_counts() {
    let env = env();
    let colored = |vars: &[(&str, &str)], words: &[&str]| {
        let mut command = env.command(words);
        command.envs(vars.iter().copied());
        on_terminal(command, "").out().contains("\u{1b}[")
    };
    let wrong = ["sync", "nope"];
    assert!(colored(&[], &wrong));
    assert!(colored(&[("CLICOLOR", "1")], &wrong));
    assert!(!colored(&[("CLICOLOR", "0")], &wrong));
    assert!(colored(&[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")], &wrong));
    assert!(!colored(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &wrong));
    assert!(colored(&[("CLICOLOR", "0"), ("NO_COLOR", "1")], &["--color", "always", "sync", "nope"]));
    assert!(!colored(&[("CLICOLOR_FORCE", "1")], &["--color", "never", "sync", "nope"]));
    assert!(colored(&[], &["--help"]) && !colored(&[], &["--color", "never", "--help"]));
    assert!(
        !colored(&[("CLICOLOR", "0")], &["--help"])
            && colored(&[("CLICOLOR", "0")], &["--color=always", "--help"])
    );
    assert!(!colored(&[], &["--color=never", "nonsense"]));
    let piped = env.command(wrong).env("CLICOLOR", "1").output().unwrap();
    assert!(!piped.stderr.contains(&0x1b));
}
