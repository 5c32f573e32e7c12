//! The rsync options that a job must not use, and what to use instead.

use super::{Item, LONG_VALUED, SHORT_VALUED, items, names};

/// An option that a job must not give to rsync.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refused {
    /// A lower-case fragment: which, and why.
    pub text: String,
    /// What to do instead.
    pub hint: String,
}

/// Refuses options that would bypass a guard, suppress output that we need, or make rsync do something other than a transfer into the
/// destination.
pub fn check(args: &[String]) -> Result<(), Refused> {
    if let Some(arg) = args.iter().find(|arg| arg.contains('\0')) {
        return Err(refused(format!("{arg:?} holds a NUL byte"), "no program can be given one; remove it"));
    }
    for item in items(args) {
        match item {
            Item::Long(name, _) if name.contains(char::is_whitespace) => {
                return Err(several(&format!("--{name}")));
            }
            Item::Short(letter, _) if letter.is_whitespace() => {
                let whole = args.iter().find(|arg| is_cluster_with_blank(arg));
                return Err(several(whole.map_or(" ", String::as_str)));
            }
            Item::Long(name, value) => {
                if let Some((why, hint)) = long(name) {
                    return Err(refused(format!("rsync's --{name} is not for a job: {why}"), hint));
                }
                if name == "remote-option" {
                    remote(value)?;
                }
                if value.is_none() && LONG_VALUED.contains(&name) {
                    return Err(no_value(&format!("--{name}")));
                }
            }
            Item::Short(letter, value) => {
                if let Some((why, hint)) = short(letter) {
                    return Err(refused(format!("rsync's -{letter} is not for a job: {why}"), hint));
                }
                if letter == 'M' {
                    remote(value)?;
                }
                if value.is_none() && SHORT_VALUED.contains(letter) {
                    return Err(no_value(&format!("-{letter}")));
                }
            }
            Item::Operand("--") => {
                return Err(refused(
                    "\"--\" is not allowed among a job's rsync options: rsync would read what follows as sources".into(),
                    "remove it; it is put before the source and the destination anyway",
                ));
            }
            Item::Operand(arg) => {
                return Err(refused(
                    format!("{arg:?} is not an rsync option: rsync would read it as one more source"),
                    "write an option and its value as one argument, such as \"--max-size=1g\"; sources belong in `source`",
                ));
            }
        }
    }
    Ok(())
}

/// An option with a blank inside: rsync takes the blank as part of the option name.
fn several(text: &str) -> Refused {
    refused(
        format!("{text:?} is not an option of rsync: a blank does not end an option"),
        "write each option as an argument of its own, and its value after \"=\", such as [\"-v\", \"--max-size=1g\"]",
    )
}

fn is_cluster_with_blank(arg: &str) -> bool {
    arg.starts_with('-') && !arg.starts_with("--") && arg.contains(char::is_whitespace)
}

/// An option without its value at the end of the job's options: rsync would take our next option as the value.
fn no_value(option: &str) -> Refused {
    refused(
        format!("rsync's {option} needs a value"),
        "write both as one argument, such as \"--max-size=1g\"",
    )
}

/// Like [`check`], for a job with `delete = true`. Such a job deletes entries itself, so rsync options for deleted entries would have no
/// effect on them.
pub fn check_with_delete(args: &[String]) -> Result<(), Refused> {
    check(args)?;
    if names(args, Some('b'), "backup") || names(args, None, "backup-dir") {
        return Err(refused(
            "rsync's --backup does not go with `delete = true`: deletions are done here, without a copy in rsync's backup"
                .into(),
            "remove one of the two",
        ));
    }
    let through_links = if in_force(args, &["K", "keep-dirlinks"]) {
        "--keep-dirlinks (-K)"
    } else if in_force(args, &["no-implied-dirs", "no-i-d"])
        && (in_force(args, &["R", "relative"]) || names(args, None, "files-from"))
    {
        "--no-implied-dirs"
    } else {
        return Ok(());
    };
    Err(refused(
        format!(
            "rsync's {through_links} does not go with `delete = true`: it lists for deletion what lies in a directory that is a symbolic \
             link in the mirror, and nothing is deleted through links"
        ),
        "remove one of the two; for a directory that has to be elsewhere, use a job of its own with that `dest`, and name the directory in `exclude` here",
    ))
}

/// Whether an option is in effect, by its letter or any of its names. The last occurrence counts, and the prefix `no-` negates.
fn in_force(args: &[String], of: &[&str]) -> bool {
    let opposite = |name: &str| match name.strip_prefix("no-") {
        Some(plain) => plain.to_owned(),
        None => format!("no-{name}"),
    };
    let opposites: Vec<String> = of.iter().map(|name| opposite(name)).collect();
    let mut said = items(args).into_iter().filter_map(|item| {
        let name = match item {
            Item::Long(name, _) => name.to_owned(),
            Item::Short(letter, _) => letter.to_string(),
            Item::Operand(_) => return None,
        };
        match (of.contains(&&*name), opposites.contains(&name)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    });
    said.next_back().unwrap_or(false)
}

/// Options for the other side are checked like those of this side.
fn remote(value: Option<&str>) -> Result<(), Refused> {
    value.map_or(Ok(()), |value| check(&[value.to_owned()]))
}

fn refused(text: String, hint: &str) -> Refused {
    Refused { text, hint: hint.into() }
}

const COUNTED: &str = "deletions are counted and limited here before the first one";
const BLIND: &str = "without rsync's own messages nothing can be counted or judged";
const NO_TRANSFER: &str = "it makes rsync do something else than a transfer";

/// Returns why a long option is refused, and what to use instead.
pub(super) fn long(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "delete-excluded" => (
            "it removes what the job does not transfer, including the quarantine and the files of other jobs",
            "give `--delete` to `sync` itself or set `delete = true`, and remove excluded files with `pdb-sync clean plan`",
        ),
        "delete-missing-args" => (
            COUNTED,
            "give `--delete` to `sync` itself or set `delete = true`, or list the names with `include` and `exclude`",
        ),
        "ignore-errors" => (
            "it deletes even though the source could not be read in full",
            "remove it; the next run deletes once the source can be read",
        ),
        "max-delete" => {
            (COUNTED, "give `--max-delete` to `sync` itself, before any `--`, or set `max_delete` in the job")
        }
        "force" => (
            COUNTED,
            "give `--delete` to `sync` itself, or set `delete = true`; directories in the way are then removed as well",
        ),
        _ if name == "del" || name.starts_with("delete") => {
            (COUNTED, "give `--delete` to `sync` itself, before any `--`, or set `delete = true` in the job")
        }
        "remove-source-files" | "remove-sent-files" => {
            ("it deletes files at the source, and a mirror only reads", "remove it")
        }
        "dry-run" | "no-dry-run" | "no-n" => (
            "a job cannot decide whether anything is changed",
            "remove it, and use `pdb-sync sync --dry-run`",
        ),
        "compare-dest" => (
            "a transfer then removes files of the mirror that are the same in the other directory, uncounted",
            "use `--link-dest` or `--copy-dest`, which only save transfers",
        ),
        "list-only" => (NO_TRANSFER, "use `pdb-sync sync --plan`, or run rsync itself"),
        "daemon" | "server" | "sender" | "config" | "dparam" | "no-detach" | "help" | "version" => {
            (NO_TRANSFER, "remove it")
        }
        "read-batch" | "write-batch" | "only-write-batch" => (NO_TRANSFER, "run rsync itself for batches"),
        "quiet" => (BLIND, "remove it; `pdb-sync sync -q` is quiet"),
        "stderr" | "msgs2stderr" | "no-msgs2stderr" => (BLIND, "remove it"),
        "out-format" | "log-format" => (
            "its output is read, so its format is fixed",
            "use `--log-file=FILE` with `--log-file-format=FORMAT` for one of your own",
        ),
        _ => return None,
    })
}

/// Like [`long`], for a short option.
fn short(letter: char) -> Option<(&'static str, &'static str)> {
    match letter {
        'n' => long("dry-run"),
        'q' => long("quiet"),
        'V' => long("version"),
        _ => None,
    }
}
