//! A plan for other tools.

use super::super::support::{Env, Kind, tree};
use super::littered;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What goes by the plan: paths below the root.
fn listed(env: &Env) -> BTreeSet<PathBuf> {
    let out = env.run(["clean", "show", "--export", "nul"]).expect_code(0).stdout;
    out.split(|b| *b == 0)
        .filter(|path| !path.is_empty())
        .map(|path| OsStr::from_bytes(path).into())
        .collect()
}

#[test]
fn every_export_means_the_same_entries() {
    let env = Env::new();
    let root = littered(&env);
    for odd in
        ["ab/star*~", "ab/what?~", "ab/[x]~", r"ab/back\slash~", r"ab/back\*~", "ab/quote\"~", "ab/ #~"]
    {
        fs::write(root.join(odd), "odd").unwrap();
    }
    // Names that those would mean, were they wildcards.
    for like in ["ab/starry", "ab/whatx", "ab/x", "ab/backslash", "ab/1abc.xml"] {
        fs::write(root.join(like), "stays, twenty bytes and more").unwrap();
    }
    super::age(&root);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    let goes = listed(&env);
    assert!(goes.len() > 12 && goes.contains(&PathBuf::from("cd/new\nline~")), "{goes:?}");
    // rsync itself, told by the filter, leaves out exactly that.
    let filter = env.dir().join("filter");
    fs::write(&filter, env.run(["clean", "show", "--export", "rsync"]).expect_code(0).stdout).unwrap();
    let copy = env.dir().join("copy");
    let from = format!("--exclude-from={}", filter.display());
    let line = ["-a", &from, &format!("{}/", root.display()), &format!("{}/", copy.display())];
    let done = env.program("rsync", line).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let stays = |path: &PathBuf| !goes.contains(path) && !goes.iter().any(|dir| path.starts_with(dir));
    let expected: BTreeSet<PathBuf> = tree(&root).into_keys().filter(stays).collect();
    assert_eq!(tree(&copy).into_keys().collect::<BTreeSet<_>>(), expected);
    // The table has a line for each, whatever is in its name.
    let csv = env.run(["clean", "show", "--export", "csv"]).expect_code(0).out();
    assert_eq!(csv.lines().next(), Some("path,type,bytes,mtime,rule,action"));
    assert_eq!(csv.lines().filter(|line| line.ends_with(",delete")).count(), goes.len(), "{csv}");
    assert!(csv.contains("\"ab/quote\"\"~\",file,3,"), "{csv}");
    assert!(tree(&root).values().any(|entry| entry.kind == Kind::Dir));
}
