//! The recipes of `config-examples/`: each is read by what it is for, or by a parser of its format. The units of systemd are in
//! `sandbox.rs`, scripts and command lines in `docs.rs`.

use crate::support::skipped;
use clap::Parser;
use pdb_sync::cli::Cli;
use serde_json::Value;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config-examples").join(file)
}

fn read(file: &str) -> String {
    fs::read_to_string(example(file)).unwrap()
}

/// A YAML file as JSON, by Python; nothing where that cannot be done.
fn yaml(file: &str) -> Option<Value> {
    const CONVERT: &str = "import json, sys\ntry:\n    import yaml\nexcept ImportError:\n    sys.exit(75)\n\
        json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)\n";
    let read = match Command::new("python3").args(["-c", CONVERT]).arg(example(file)).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skipped("python3 is not installed");
            return None;
        }
        read => read.unwrap(),
    };
    if read.status.code() == Some(75) {
        skipped("python3 has no PyYAML");
        return None;
    }
    assert!(read.status.success(), "{file}: {}", String::from_utf8_lossy(&read.stderr));
    Some(serde_json::from_slice(&read.stdout).unwrap())
}

#[test]
fn the_crontab_has_five_fields_and_a_command() {
    let mut entries = 0;
    for line in read("cron/crontab").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.split_once('=').is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase())) {
            continue;
        }
        let fields: Vec<&str> = line.split_whitespace().take(6).collect();
        for (field, most) in fields[..5].iter().zip([59, 23, 31, 12, 7]) {
            assert!(*field == "*" || field.parse::<u8>().unwrap() <= most, "{line}");
        }
        assert!(fields[5].starts_with('/') && line.contains(" sync --all"), "{line}");
        // cron takes a percent sign for a line end.
        assert!(!line.contains('%'), "{line}");
        entries += 1;
    }
    assert_eq!(entries, 1);
}

#[test]
fn the_batch_script_has_its_options_before_its_first_command() {
    let script = read("slurm.sbatch");
    assert!(script.starts_with("#!/bin/bash\n"), "{script}");
    // sbatch reads no option behind the first command.
    let first = script.lines().position(|line| !line.is_empty() && !line.starts_with('#')).unwrap();
    let options: Vec<usize> =
        script.lines().enumerate().filter(|(_, line)| line.starts_with("#SBATCH ")).map(|(n, _)| n).collect();
    assert!(options.len() >= 5 && options.iter().all(|n| *n < first), "{script}");
    // The signal is for the shell, which pdb-sync replaces.
    assert!(script.contains("#SBATCH --signal=B:TERM@") && script.contains("\nexec pdb-sync "), "{script}");
    match Command::new("bash").arg("-n").arg(example("slurm.sbatch")).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => skipped("bash is not installed"),
        read => assert!(read.as_ref().unwrap().status.success(), "{read:?}"),
    }
}

#[test]
fn the_workflow_mirrors_and_uses_what_changed() {
    let Some(workflow) = yaml("github-actions.yml") else { return };
    // YAML 1.1 takes `on` for true.
    let triggers = workflow.get("on").or(workflow.get("true")).unwrap();
    assert!(triggers["schedule"][0]["cron"].is_string(), "{workflow}");
    let job = &workflow["jobs"]["mirror"];
    assert!(job["runs-on"].is_string(), "{workflow}");
    let steps = job["steps"].as_array().unwrap();
    for step in steps {
        assert!(step["run"].is_string() != step["uses"].is_string(), "{step}");
    }
    let mirror = steps.iter().find(|step| step["id"] == "mirror").unwrap();
    assert!(mirror["run"].as_str().unwrap().starts_with("pdb-sync -c ci.toml sync "), "{mirror}");
    assert!(steps.iter().any(|step| step["if"] == "steps.mirror.outputs.changed == 'true'"), "{workflow}");
}

#[test]
fn the_cronjob_runs_sync_on_volumes_that_it_has() {
    let Some(cron) = yaml("kubernetes-cronjob.yaml") else { return };
    assert_eq!((cron["apiVersion"].as_str(), cron["kind"].as_str()), (Some("batch/v1"), Some("CronJob")));
    assert_eq!(cron["spec"]["schedule"].as_str().unwrap().split(' ').count(), 5);
    assert_eq!(cron["spec"]["concurrencyPolicy"], "Forbid");
    let pod = &cron["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(pod["restartPolicy"], "Never");
    let container = &pod["containers"][0];
    let command: Vec<&str> =
        container["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    Cli::try_parse_from(&command).unwrap();
    let names = |list: &Value| {
        let mut names: Vec<String> =
            list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().into()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&container["volumeMounts"]), names(&pod["volumes"]));
    // What the command names is on one of them.
    for mount in ["/etc/pdb-sync", "/var/lib/pdb-sync"] {
        let mounts = container["volumeMounts"].as_array().unwrap();
        assert!(mounts.iter().any(|one| one["mountPath"] == mount), "{mount}");
        assert!(command.iter().any(|word| word.starts_with(mount)), "{mount}");
    }
}

/// `config-examples/demo/picture.sh` makes it.
#[test]
fn the_picture_is_xml_and_shows_the_summary() {
    let svg = read("demo/run.svg");
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>\n"));
    // A line of the terminal is a text of the picture.
    let lines = svg.lines().filter(|line| line.starts_with("<text"));
    let lines: Vec<String> = lines
        .map(|line| line.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect())
        .collect();
    for wanted in [
        "$ pdb-sync sync --all --parallel 3",
        "=== Sync Summary ===",
        "Total: 3 | Success: 3 | Failed: 0",
        "All syncs completed successfully.",
    ] {
        assert!(lines.iter().any(|line| line == wanted), "{wanted}: {lines:#?}");
    }
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    match Command::new("xmllint").arg("--noout").arg(example("demo/run.svg")).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => skipped("xmllint is not installed"),
        read => assert!(read.as_ref().unwrap().status.success(), "{read:?}"),
    }
}
