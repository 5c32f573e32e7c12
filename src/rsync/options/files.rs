//! Options that name a file on this machine, which rsync reads or writes in addition to the transferred files.

use super::{Item, LONG_VALUED, items};

/// rsync resolves these against the working directory. Others, such as `--link-dest` and `--backup-dir`, are relative to the destination.
const FILES: [&str; 5] = ["exclude-from", "include-from", "files-from", "password-file", "log-file"];

/// Returns the same options, with the file names replaced by `path`.
pub(in crate::rsync) fn with_files<E>(
    args: &[String],
    mut path: impl FnMut(&str) -> Result<String, E>,
) -> Result<Vec<String>, E> {
    let mut out = Vec::with_capacity(args.len());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let long = arg.strip_prefix("--").unwrap_or("");
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        match value {
            Some(value) if FILES.contains(&name) && is_here(value) => {
                out.push(format!("--{name}={}", path(value)?));
            }
            None if LONG_VALUED.contains(&name) => {
                out.push(arg.clone());
                match rest.next() {
                    Some(value) if FILES.contains(&name) && is_here(value) => out.push(path(value)?),
                    value => out.extend(value.cloned()),
                }
            }
            _ => out.push(arg.clone()),
        }
    }
    Ok(out)
}

/// Returns the files on this machine that these options name, each with its option.
pub(in crate::rsync) fn named_files(args: &[String]) -> Vec<(&str, &str)> {
    let file = |item| match item {
        Item::Long(name, Some(value)) if FILES.contains(&name) && is_here(value) => Some((name, value)),
        _ => None,
    };
    items(args).into_iter().filter_map(file).collect()
}

/// Whether a value is a file on this machine: not standard input, and not a file on the other side (`--files-from=HOST:PATH`).
fn is_here(value: &str) -> bool {
    value != "-" && !value.split('/').next().is_some_and(|first| first.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(args: &[&str]) -> Vec<String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        with_files(&args, |path| Ok::<_, ()>(format!("/etc/pdb/{path}"))).unwrap()
    }

    #[test]
    fn files_beside_the_transfer_are_named_and_nothing_else() {
        assert_eq!(
            resolved(&[
                "--exclude-from=a",
                "--include-from",
                "b",
                "--files-from=-",
                "--files-from=:c",
                "-av"
            ]),
            [
                "--exclude-from=/etc/pdb/a",
                "--include-from",
                "/etc/pdb/b",
                "--files-from=-",
                "--files-from=:c",
                "-av"
            ]
        );
        for own in [
            &["--link-dest=../old"][..],
            &["--backup-dir", "old"],
            &["--partial-dir=.p"],
            &["--exclude", "--log-file=x"],
            &["--filter=merge rules"],
            &["--password-file"],
        ] {
            assert_eq!(resolved(own), own);
        }
        assert_eq!(
            resolved(&["--log-file=l", "--password-file=p"]),
            ["--log-file=/etc/pdb/l", "--password-file=/etc/pdb/p"]
        );
        let args = ["-av", "--exclude-from=a", "--log-file", "b", "--files-from=-", "--link-dest=c"];
        let args = args.map(str::to_owned);
        assert_eq!(named_files(&args), [("exclude-from", "a"), ("log-file", "b")]);
    }
}
