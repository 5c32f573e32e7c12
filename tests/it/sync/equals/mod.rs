//! A run leaves what plain rsync leaves: random trees and changes, the same options, and the same mirror afterwards in names, contents,
//! modes, times of files and directories, links and groups of hard links.

mod killed;
mod random;

use super::quick;
use crate::support::{Env, Upstream, is_long, rounds};
use random::{Random, snapshot};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a source is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// A module.
    Module,
    /// A directory of a module.
    Below,
    /// A daemon behind a remote shell.
    DaemonByShell,
    /// A remote shell.
    Shell,
    /// A directory without a slash at its end.
    NoSlash,
    Local,
}

struct Case {
    env: Env,
    upstream: Upstream,
    root: PathBuf,
    source: String,
    options: Vec<String>,
    what: String,
}

impl Case {
    fn new(way: Way, keys: &str, options: &[&str]) -> Self {
        let upstream = Upstream::new();
        let root = upstream.root().join(if way == Way::Module { "" } else { "deep/er" });
        fs::create_dir_all(&root).unwrap();
        let env = Env::new();
        let shell = env.dir().join("shell");
        let text = format!(
            "#!/bin/sh\nshift\n[ \"$3\" = --daemon ] || exec \"$@\"\nshift\nexec rsync --config={} \"$@\"\n",
            upstream.config().display()
        );
        fs::write(&shell, text).unwrap();
        fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
        let mut options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        if matches!(way, Way::Shell | Way::DaemonByShell) {
            options.push(format!("--rsh={}", shell.display()));
        }
        let source = match way {
            Way::Module => upstream.url("m/"),
            Way::Below => upstream.url("m/deep/er/"),
            Way::NoSlash => upstream.url("m/deep/er"),
            Way::DaemonByShell => "somewhere::m/deep/er/".to_owned(),
            Way::Shell => format!("somewhere:{}/", root.display()),
            Way::Local => format!("{}/", root.display()),
        };
        let list: Vec<_> = options.iter().map(|option| format!("'{option}'")).collect();
        let config = quick(&format!(
            "[jobs.j]\nsource = '{source}'\ndest = 'j'\ndelete = true\nmax_delete = '100%'\nmax_older = '100%'\n\
             rsync_args = [{}]\n{keys}\n",
            list.join(", ")
        ));
        let env = env.with_pipe(&upstream).with_config(&config);
        Case { env, upstream, root, source, options, what: format!("{way:?} {keys:?}") }
    }

    /// Plain rsync, with `more` options.
    fn plain(&self, more: &[String]) {
        let mirror = self.env.dir().join("plain");
        let ended = Command::new("rsync")
            .args(["-rlpt", "--delete"])
            .args(more)
            .args(&self.options)
            .args(["--", &self.source])
            .arg(&mirror)
            .env(self.upstream.pipe().0, self.upstream.pipe().1)
            .output()
            .unwrap();
        assert!(ended.status.success(), "{ended:?}");
    }

    fn differences(&self) -> Vec<String> {
        // Where times are not mirrored, they are whatever the changes here left. A deletion by rsync changes that of the directory.
        let has = |option: &str| self.options.iter().any(|own| own == option);
        let (files, dirs) = (!has("--no-times"), !has("--no-times") && !has("--omit-dir-times"));
        let taken = |mirror: &Path| {
            let mut all = snapshot(mirror);
            for text in all.values_mut().filter(|text| if text.starts_with('4') { !dirs } else { !files }) {
                *text = text.split(' ').enumerate().filter(|(n, _)| *n != 1).map(|(_, word)| word).collect();
            }
            all
        };
        let (ours, plain) = (taken(&self.env.mirror("j")), taken(&self.env.dir().join("plain")));
        let names: BTreeSet<_> = ours.keys().chain(plain.keys()).collect();
        let differ = names.into_iter().filter(|name| ours.get(*name) != plain.get(*name));
        differ
            .map(|name| {
                format!(
                    "{:?}: ours {:?}, rsync's {:?}",
                    String::from_utf8_lossy(name),
                    ours.get(name),
                    plain.get(name)
                )
            })
            .collect()
    }

    /// Changes the source. It always holds one file: an empty source is refused.
    fn change(&self, random: &mut Random, times: usize) {
        for _ in 0..times {
            random.change(&self.root);
        }
        let stays = self.root.join("a file that stays");
        if !stays.exists() {
            fs::write(stays, "it stays").unwrap();
        }
        random.times(&self.root);
    }

    /// Several changes, a run and a plain rsync after each.
    fn go(&self, more: &[String], seed: u64, times: usize) {
        let mut random = Random::new(seed);
        self.change(&mut random, 25);
        for round in 0..times {
            let what = format!("{} {:?} {more:?} seed {seed} round {round}", self.what, self.options);
            let ended = self.env.run(["sync", "j", "--json"]);
            assert!(ended.code() == 0, "{what}\n{ended}");
            self.plain(more);
            let differ = self.differences();
            assert!(differ.is_empty(), "{what}\n{}\n{ended}", differ.join("\n"));
            let again = self.env.run(["sync", "j", "--json"]).expect_code(0);
            assert_eq!(again.finished()["changed"], false, "{what}\n{again}");
            // At the source, and the same in both mirrors.
            self.change(&mut random, 8);
            for _ in 0..3 {
                let seed = random.seed();
                for mirror in [self.env.mirror("j"), self.env.dir().join("plain")] {
                    let mut random = Random::new(seed);
                    random.change(&mirror);
                    random.times(&mirror);
                }
            }
        }
    }
}

fn all(ways: &[Way], keys: &str, more: &[&str], options: &[&str]) {
    let more: Vec<String> = more.iter().map(|option| (*option).to_owned()).collect();
    for way in ways {
        for seed in 0..rounds(1, 12) as u64 {
            // The same changes each time, but for the long run, which looks for new ones.
            let seed = if is_long() { fastrand::u64(..) } else { seed };
            Case::new(*way, keys, options).go(&more, seed, 3);
        }
    }
}

#[test]
fn from_each_kind_of_source() {
    all(&[Way::Module, Way::Below, Way::NoSlash, Way::Local, Way::Shell, Way::DaemonByShell], "", &[], &[]);
}

#[test]
fn with_each_protocol() {
    for protocol in ["--protocol=29", "--protocol=30", "--protocol=31", "--protocol=32"] {
        all(&[Way::Below, Way::Shell], "", &[], &[protocol]);
    }
}

#[test]
fn with_the_options_that_mirrors_use() {
    for options in [
        &["-H"][..],
        &["-AX"],
        &["-S", "--omit-dir-times"],
        &["--chmod=Dg+s,ug+rwX,o-w"],
        &["--inplace"],
        &["--delay-updates", "--whole-file"],
        &["--copy-dirlinks"],
        &["--no-perms", "--no-times", "--size-only"],
        &["-m"],
        &["--safe-links"],
        &["--numeric-ids", "-og", "-D"],
    ] {
        all(&[Way::Below], "", &[], options);
    }
}

#[test]
fn over_several_connections() {
    let ways = [Way::Module, Way::Below, Way::Local, Way::Shell];
    for (n, connections) in ["2", "3", "8", "16", "'auto'"].iter().enumerate() {
        let ways = if is_long() { &ways[..] } else { &ways[n % ways.len()..=n % ways.len()] };
        all(ways, &format!("connections = {connections}"), &[], &[]);
    }
    for options in [
        &["-AX"][..],
        &["-H"],
        &["-S", "--omit-dir-times", "--chmod=Dg+s,ug+rwX,o-w"],
        &["--inplace"],
        &["--delay-updates", "--whole-file", "--no-perms", "--no-times", "--size-only"],
    ] {
        all(&[Way::Below], "connections = 16\nkeep_deleted = '1d'", &[], options);
    }
}

#[test]
fn with_filters() {
    let keys = "include = ['*/', 'a', '*.gz']\nexclude = ['*.tmp', '/b/', 'd']";
    let same =
        ["--include=*/", "--include=a", "--include=*.gz", "--exclude=*.tmp", "--exclude=/b/", "--exclude=d"];
    all(&[Way::Below, Way::Local], keys, &same, &[]);
    all(&[Way::Below], "", &[], &["--filter=- c.gz", "--exclude=/a/b"]);
}

#[test]
fn with_checksums() {
    all(&[Way::Below, Way::Local], "checksum = true", &["-c"], &[]);
}

#[test]
fn with_what_is_deleted_kept() {
    all(&[Way::Below], "keep_deleted = '1d'", &[], &[]);
}
