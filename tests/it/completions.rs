//! The completions, typed into the real shells.

use crate::support::{Env, Terminal, skipped};
use std::fs;
use std::path::{Path, PathBuf};

const CONFIG: &str = r#"
[jobs.mmcif]
source = "nowhere/"
dest = "mirror/mmcif"
description = "Entries: mmCIF"
tags = ["weekly", "big ones", "it's"]
[jobs.emdb]
source = "nowhere/"
dest = "mirror/emdb"
[[clean.rules]]
name = "zz-own"
pattern = "*.old"
action = "review"
"#;

/// What is typed, and the line after the TAB key and an `@`.
const TYPED: &[(&str, &str)] = &[
    ("syn", "sync @"),
    ("clean und", "clean undo @"),
    ("clean undo l", "clean undo last @"),
    ("sync --ta", "sync --tag @"),
    ("sync mm", "sync mmcif @"),
    ("sync --all --max-d", "sync --all --max-delete @"),
    ("sync mmcif em", "sync mmcif emdb @"),
    ("sync --tag we", "sync --tag weekly @"),
    ("sync --tag=big", r"sync --tag=big\ ones @"),
    (r"sync --tag big\ o", r"sync --tag big\ ones @"),
    ("sync --tag 'big", "sync --tag 'big ones' @"),
    ("list --tag it", r"list --tag it\'s @"),
    ("search --sort rel", "search --sort released @"),
    ("search --job em", "search --job emdb @"),
    ("history --status sk", "history --status skipped @"),
    ("clean plan --with zz", "clean plan --with zz-own @"),
    ("completions pow", "completions powershell @"),
    ("clean plan mm", "clean plan mmcif @"),
    ("mirrors pdb-r", "mirrors pdb-redo @"),
    ("scan sub", r"scan sub\ dir/@"),
    ("scan ./sub", r"scan ./sub\ dir/@"),
    ("sync --dest sub", r"sync --dest sub\ dir/@"),
    ("sync --junit=conf", "sync --junit=config.toml @"),
    ("-c other", r"-c other\ one.toml @"),
    // The configuration that was named is the one that counts.
    (r"-c other\ one.toml sync oth", r"-c other\ one.toml sync other @"),
    (r"sync --config=other\ one.toml oth", r"sync --config=other\ one.toml other @"),
    // Nothing fits, and nothing is said.
    ("history --status conf", "history --status conf@"),
    ("sync --tag conf", "sync --tag conf@"),
    ("sync --retries conf", "sync --retries conf@"),
    ("sync mmcif -- mm", "sync mmcif -- mm@"),
    ("-c broken.toml sync mm", "-c broken.toml sync mm@"),
    ("-c missing.toml sync mm", "-c missing.toml sync mm@"),
];

fn installed(shell: &str) -> bool {
    let found = std::env::split_paths("/usr/bin:/bin:/usr/local/bin").any(|dir| dir.join(shell).exists());
    if !found {
        skipped(&format!("{shell} is not installed"));
    }
    found
}

fn env() -> Env {
    let env = Env::new().with_config(CONFIG);
    fs::create_dir(env.dir().join("sub dir")).unwrap();
    let other = CONFIG.replace("mmcif", "other");
    fs::write(env.dir().join("other one.toml"), other).unwrap();
    fs::write(env.dir().join("broken.toml"), b"[[[jobs\n\xff\xfe = ").unwrap();
    env
}

/// The script of a shell, in a file.
fn script(env: &Env, shell: &str, file: &Path) -> PathBuf {
    let printed = env.command(["completions", shell]).output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let file = env.dir().join(file);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, printed.stdout).unwrap();
    file
}

/// Types into a shell that was started by `line`, after it was prepared by `setup`.
fn type_into(env: &Env, line: &str, setup: &str, more: &[(String, String)]) {
    let Some(terminal) = Terminal::start(env, 150, line) else { return };
    let send = |keys: &[&str]| {
        let sent = terminal.tmux([&["send-keys"], keys].concat());
        assert!(sent.status.success(), "{sent:?}");
    };
    terminal.until("a prompt", |screen| !screen.is_empty());
    send(&["-l", &format!("{setup}; echo rea''dy")]);
    send(&["Enter"]);
    terminal.until("the shell is ready", |screen| screen.iter().any(|line| line == "ready"));
    let typed = TYPED.iter().map(|(typed, line)| ((*typed).to_owned(), (*line).to_owned()));
    for (typed, completed) in typed.chain(more.iter().cloned()) {
        send(&["C-u"]);
        send(&["C-l"]);
        terminal.until("an empty line", |screen| screen == [">"]);
        send(&["-l", &format!("pdb-sync {typed}")]);
        send(&["Tab"]);
        send(&["-l", "@"]);
        let what = format!("{completed:?} after {typed:?}");
        terminal.until(&what, |screen| screen.iter().any(|line| *line == format!("> pdb-sync {completed}")));
    }
}

#[test]
fn bash_completes_everything() {
    if !installed("bash") {
        return;
    }
    let env = env();
    let script = script(&env, "bash", Path::new("script"));
    let setup = format!("PS1='> '; source '{}'", script.display());
    // The history of a run, to be shown again.
    env.run(["sync", "emdb"]);
    let printed = env.command(["history", "--json"]).output().unwrap();
    let first = String::from_utf8(printed.stdout).unwrap().lines().next().unwrap().to_owned();
    let job: serde_json::Value = serde_json::from_str(&first).unwrap();
    let run = job["run"].as_str().unwrap();
    let more = [(format!("history show {}", &run[..4]), format!("history show {run} @"))];
    type_into(&env, "exec bash --norc --noprofile -i", &setup, &more);
}

#[test]
fn zsh_completes_everything_from_its_directory_of_functions() {
    if !installed("zsh") {
        return;
    }
    let env = env();
    script(&env, "zsh", Path::new("functions/_pdb-sync"));
    let setup = "PS1='> '; fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u";
    type_into(&env, "exec zsh -f -i", setup, &[]);
}

#[test]
fn zsh_completes_what_was_sourced() {
    if !installed("zsh") {
        return;
    }
    let env = env();
    let script = script(&env, "zsh", Path::new("script"));
    let setup = format!("PS1='> '; autoload -Uz compinit; compinit -u; source '{}'", script.display());
    type_into(&env, "exec zsh -f -i", &setup, &[]);
}

#[test]
fn fish_completes_everything() {
    if !installed("fish") {
        return;
    }
    let env = env();
    script(&env, "fish", Path::new("home/.config/fish/completions/pdb-sync.fish"));
    // fish loads completions only of what is in its path.
    fs::create_dir(env.dir().join("bin")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pdb-sync"), env.dir().join("bin/pdb-sync")).unwrap();
    let setup = "set -gx PATH $PWD/bin $PATH; function fish_prompt; printf '> '; end; set -g fish_autosuggestion_enabled 0";
    type_into(&env, "exec fish -i", setup, &[]);
}

/// Without a terminal: what bash would be given, by a function that is called as bash calls it.
#[test]
fn bash_may_be_asked_without_readline() {
    if !installed("bash") {
        return;
    }
    let env = env();
    let script = script(&env, "bash", Path::new("script"));
    let ask = |words: &str, n: usize| {
        let line = format!(
            "source '{}'; COMP_WORDS=({words}); COMP_CWORD={n}; _pdb_sync pdb-sync \"${{COMP_WORDS[{n}]}}\" x; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let asked = env.program("bash", ["--norc", "-c", &line]).output().unwrap();
        assert!(asked.stderr.is_empty(), "{asked:?}");
        String::from_utf8(asked.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ask("pdb-sync sync ''", 2), ["mmcif", "emdb"]);
    assert_eq!(ask("pdb-sync sync --tag ''", 3), [r"big\ ones", r"it\'s", "weekly"]);
    assert_eq!(ask("pdb-sync -c conf", 2), ["config.toml"]);
    assert!(ask("pdb-sync clean ''", 2).contains(&"undo".to_owned()));
}
