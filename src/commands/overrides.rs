//! Changes to jobs and runs by the options of `sync`.

use super::Failure;
use crate::cli::SyncArgs;
use crate::config::{
    Concurrency, ConnectionLimit, Given, Layer, Overrides, Rate, Retries, SyncLayer, TimeLimit,
};
use crate::model::entry_ids::{EntryIds, LARGEST_LIST};
use crate::model::job::{Adopt, MaxDelete};
use crate::model::sanitize;
use crate::platform;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

/// Returns the options as layers. They apply to every job until [`super::settings::Opened::select`] limits them to the selected jobs.
pub fn overrides(args: &SyncArgs) -> Result<Overrides, Failure> {
    let delete = match (args.delete, args.no_delete) {
        (false, false) => None,
        (delete, _) => Some(Given::by_command_line(delete)),
    };
    let layer = Layer {
        dest: args.dest.clone().map(Given::by_command_line),
        delete,
        max_delete: read::<MaxDelete>("--max-delete", args.max_delete.as_deref())?,
        connections: read::<ConnectionLimit>("--connections", args.connections.as_deref())?,
        bwlimit: read::<Rate>("--bwlimit", args.bwlimit.as_deref())?,
        adopt: args.adopt.then(|| Given::by_command_line(Adopt::Checksum)),
        retries: number("--retries", args.retries.map(u64::from), Retries::new)?,
        timeout: read::<TimeLimit>("--timeout", args.timeout.as_deref())?,
        ..Layer::default()
    };
    if args.dest.as_ref().is_some_and(|dest| dest.as_os_str().is_empty()) {
        return Err(Failure::usage_hint("--dest must not be empty", "write . for this directory"));
    }
    let sync = SyncLayer {
        parallel: read::<Concurrency>("--parallel", args.parallel.as_deref())?,
        fail_fast: args.fail_fast.then(|| Given::by_command_line(true)),
        jitter: read::<TimeLimit>("--jitter", args.jitter.as_deref())?,
        ..SyncLayer::default()
    };
    Ok(Overrides {
        jobs: None,
        layer,
        set: Vec::new(),
        sync,
        allow_empty_source: args.allow_empty_source,
        allow_older: args.allow_older,
        adopt: args.adopt,
        ids: args.ids.as_deref().map(id_list).transpose()?,
        rsync_args: args.rsync_args.clone(),
    })
}

/// Reads the list of `--ids`; `-` is standard input.
fn id_list(file: &Path) -> Result<Arc<EntryIds>, Failure> {
    let stdin = file == Path::new("-");
    let (name, bytes) = match stdin {
        true => (Path::new("standard input"), platform::read_stdin(LARGEST_LIST)),
        false => (file, platform::read_named(file, LARGEST_LIST)),
    };
    let bytes = bytes.map_err(|error| {
        let text = format!("--ids: cannot read {}: {error}", sanitize::path(name));
        Failure::usage_hint(
            text,
            "name a file with entry IDs that this user may read, or - for standard input",
        )
    })?;
    match EntryIds::parse(&bytes) {
        Ok(ids) => Ok(Arc::new(ids)),
        Err(bad) => Err(Failure::usage_hint(format!("--ids: {}", bad.at(name)), bad.hint)),
    }
}

fn read<T: FromStr<Err = String>>(option: &str, text: Option<&str>) -> Result<Option<Given<T>>, Failure> {
    let read = text.map(str::parse).transpose();
    let read = read.map_err(|wrong| Failure::usage(format!("{option}: {wrong}")))?;
    Ok(read.map(Given::by_command_line))
}

fn number<T>(
    option: &str,
    n: Option<u64>,
    new: impl Fn(i64) -> Result<T, String>,
) -> Result<Option<Given<T>>, Failure> {
    // A value that is too large for the type is too large for every range.
    let read = n.map(|n| new(i64::try_from(n).unwrap_or(i64::MAX))).transpose();
    let read = read.map_err(|wrong| Failure::usage(format!("{option}: {wrong}")))?;
    Ok(read.map(Given::by_command_line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn of(options: &[&str]) -> Result<Overrides, String> {
        let cli = Cli::try_parse_from([&["pdb-sync", "sync"], options].concat()).unwrap();
        let Command::Sync(args) = cli.command else { panic!("not sync") };
        overrides(&args).map_err(|failure| failure.to_string())
    }

    #[test]
    fn nothing_said_changes_nothing() {
        assert_eq!(of(&["a"]), Ok(Overrides::default()));
    }

    #[test]
    fn every_option_becomes_a_value() {
        let over = of(&[
            "--parallel=3",
            "--fail-fast",
            "--retries=0",
            "--timeout=2h",
            "--no-delete",
            "--max-delete=25%",
            "--allow-empty-source",
            "--allow-older",
            "--adopt",
            "--connections=auto",
            "--bwlimit=5MB",
            "--dest=out",
            "--",
            "--ipv4",
        ])
        .unwrap();
        let said: Vec<_> =
            over.layer.entries().into_iter().map(|(key, value, _)| format!("{key}={value}")).collect();
        assert_eq!(
            said,
            [
                "dest=\"out\"",
                "delete=false",
                "max_delete=\"25%\"",
                "adopt=\"checksum\"",
                "connections=\"auto\"",
                "bwlimit=\"5MB\"",
                "retries=0",
                "timeout=\"2h\""
            ]
        );
        let said: Vec<_> =
            over.sync.entries().into_iter().map(|(key, value, _)| format!("{key}={value}")).collect();
        assert_eq!(said, ["parallel=3", "fail_fast=true"]);
        assert!(over.allow_empty_source && over.allow_older && over.adopt);
        assert_eq!(over.rsync_args, ["--ipv4"]);
        assert_eq!(of(&["--delete"]).unwrap().layer.delete.map(|given| given.value), Some(true));
    }

    #[test]
    fn bad_values_name_their_option() {
        for (option, text) in [
            ("--parallel=0", "--parallel: 0 is out of range: expected an integer from 1 to 100"),
            ("--parallel=101", "--parallel: 101 is out of range: expected an integer from 1 to 100"),
            ("--connections=17", "--connections: 17 is out of range: expected an integer from 1 to 16"),
            ("--timeout=5", "--timeout: \"5\" has no unit: write \"5s\" for seconds"),
            (
                "--max-delete=all",
                "--max-delete: \"all\" is neither a number of files nor a share such as \"10%\"",
            ),
        ] {
            assert_eq!(of(&[option]).unwrap_err(), text);
        }
    }
}
