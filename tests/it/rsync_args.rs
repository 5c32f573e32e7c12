//! Our arguments and what the real rsync makes of them.

use crate::support::{Env, Running, Upstream, job, rsync, tree};
use pdb_sync::model::job::{Job, Preset};
use pdb_sync::rsync::args::{Purpose, check};
use pdb_sync::rsync::output::{ChangeKind, Line, Reader};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const PURPOSES: [Purpose; 3] =
    [Purpose::List { all: false }, Purpose::Plan { all: false }, Purpose::Transfer];

/// Everything that a job can switch on.
fn all_knobs(job: &mut Job) {
    job.delete = true;
    job.include = vec!["*.cif.gz".into()];
    job.exclude = vec!["*.tmp".into(), "-odd".into()];
    job.bwlimit = Some(u64::MAX);
    job.compress = true;
    job.checksum = true;
    job.rsync_args.push("--chmod=ug=rwX,o=rX".into());
}

#[test]
fn every_purpose_is_accepted_for_every_source_and_preset() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new();
    // Stands in for ssh: drops the host and runs the rest here.
    let shell = env.dir().join("shell");
    fs::write(&shell, "#!/bin/sh\nshift\nexec sh -c \"$*\"\n").unwrap();
    fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
    let local = format!("{}/", upstream.root().display());
    let kinds = [
        (upstream.url("m/"), vec![]),
        (local.clone(), vec![]),
        (format!("host:{local}"), vec![format!("--rsh={}", shell.display())]),
    ];
    let presets = [Preset::Mirror, Preset::Safe, Preset::Fast, Preset::Minimal, Preset::Conservative];
    for (n, preset) in presets.into_iter().enumerate() {
        for (kind, (source, rsync_args)) in kinds.iter().enumerate() {
            let dest = env.mirror(&format!("{n}-{kind}"));
            let mut job = job(source, &dest);
            job.preset = preset;
            job.rsync_args.clone_from(rsync_args);
            all_knobs(&mut job);
            for purpose in PURPOSES {
                let mut command = rsync(&job, purpose);
                command.envs([upstream.pipe()]);
                let ended = Running::start(command).wait().expect_code(0);
                assert!(ended.stderr.is_empty(), "{ended}");
                let expected =
                    if purpose == Purpose::Transfer { tree(&upstream.root()) } else { tree(&dest) };
                assert_eq!(tree(&dest), expected, "{ended}");
                assert!(purpose == Purpose::Transfer || expected.is_empty(), "a dry run wrote\n{ended}");
            }
        }
    }
}

#[test]
fn options_that_rsync_knows_are_told_from_sources() {
    let mut command = Command::new("rsync");
    command.arg("--help");
    let help = Running::start(command).wait().expect_code(0).out();
    let mut seen = 0;
    for line in help.lines().filter(|line| line.starts_with('-')) {
        let names: Vec<_> =
            line.split("  ").next().unwrap().split([',', ' ']).filter(|w| w.starts_with('-')).collect();
        let valued = names.iter().any(|name| name.contains('='));
        for name in names {
            let (option, _) = name.split_once('=').unwrap_or((name, ""));
            // The first is no option; the value of the others has to be one.
            if ["--no-OPTION", "--remote-option", "-M"].contains(&option) {
                continue;
            }
            seen += 1;
            let stray = check(&[option.into(), "stray-word".into()])
                .is_err_and(|refused| refused.text.contains("stray-word"));
            let refused = check(&[option.into()]).is_err();
            assert!(refused || stray != valued, "{line}");
        }
    }
    assert!(seen > 150, "{seen} options in\n{help}");
}

#[test]
fn a_jobs_own_options_cannot_hide_what_has_to_be_read() {
    let upstream = Upstream::new();
    upstream.write("new", "12345");
    let env = Env::new();
    let dest = env.mirror("m");
    fs::create_dir_all(dest.join("dir")).unwrap();
    for name in ["old", "dir/old\nx", "b\u{e4}d"] {
        fs::write(dest.join(name), "1").unwrap();
    }
    for noise in [
        "",
        "--info=none",
        "--info=stats0,name0,del0,progress2",
        "-vvv",
        "--progress",
        "-P",
        "-ii",
        "-h",
        "-hh",
        "--no-8-bit-output",
        "--no-v",
        "--log-file=/dev/null",
    ] {
        let mut job = job(&upstream.url("m/"), &dest);
        job.delete = true;
        job.rsync_args.extend((!noise.is_empty()).then(|| noise.to_owned()));
        check(&job.rsync_args).unwrap();
        let mut command = rsync(&job, Purpose::List { all: false });
        command.envs([upstream.pipe()]);
        let ended = Running::start(command).wait().expect_code(0);
        let mut reader = Reader::new(Purpose::List { all: false });
        let deleted: BTreeSet<_> = ended
            .stdout
            .split(|b| matches!(b, b'\n' | b'\r'))
            .filter_map(|line| match reader.read(line) {
                Line::Change(change) if change.kind == ChangeKind::Deleted => Some(change.name.to_vec()),
                _ => None,
            })
            .collect();
        let expected = ["old", "dir", "dir/old\\#012x", "b\u{e4}d"].map(|name| name.as_bytes().to_vec());
        assert_eq!(deleted, BTreeSet::from(expected), "{noise}\n{ended}");
        assert_eq!(reader.stats().deleted.unwrap().files(), 3, "{noise}\n{ended}");
        assert_eq!(reader.stats().files.unwrap().files(), 1, "{noise}\n{ended}");

        // And so for a transfer.
        job.dest = env.mirror("t");
        let mut command = rsync(&job, Purpose::Transfer);
        command.envs([upstream.pipe()]);
        let ended = Running::start(command).wait().expect_code(0);
        let mut reader = Reader::new(Purpose::Transfer);
        let lines: Vec<_> =
            ended.stdout.split(|b| matches!(b, b'\n' | b'\r')).map(|line| reader.read(line)).collect();
        assert_eq!(reader.stats().transferred, Some(1), "{noise}\n{ended}");
        assert!(
            lines.iter().any(|line| matches!(line, Line::Progress(p) if p.bytes == Some(5))),
            "{noise}\n{ended}"
        );
        fs::remove_dir_all(&job.dest).unwrap();
    }
}

#[test]
fn writing_in_place_is_possible() {
    let upstream = Upstream::new();
    upstream.write("file", "contents");
    let env = Env::new();
    let mut job = job(&upstream.url("m/"), &env.mirror("m"));
    job.rsync_args = vec!["--inplace".into()];
    let mut command = rsync(&job, Purpose::Transfer);
    command.envs([upstream.pipe()]);
    Running::start(command).wait().expect_code(0);
    assert_eq!(tree(&job.dest).len(), 1);
}
