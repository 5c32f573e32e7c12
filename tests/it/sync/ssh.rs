//! Sources that a remote shell reaches; here the remote host is this one.

use crate::support::{Env, Upstream, one_job, tree};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// An environment in which `ssh` is this script.
pub(super) fn with_ssh(script: &str) -> Env {
    let env = Env::new();
    let bin = env.dir().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("ssh"), format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(bin.join("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    env.with_var("PATH", path)
}

/// Notes its arguments, forgets options and the host, and does the rest here, as a login shell does.
pub(super) const HERE: &str = "echo \"$@\" >> \"$0.calls\"\nwhile [ \"${1#-}\" != \"$1\" ]; do [ \"$1\" = -l ] && shift; shift; done\nshift\nexec sh -c \"$*\"";

#[test]
fn a_source_behind_ssh_is_mirrored_deletions_included() {
    let upstream = Upstream::new().with_corpus();
    upstream.write("a name/with spaces", "x");
    let env = with_ssh(HERE);
    let source = format!("someone@far.invalid:{}/", upstream.root().display());
    let config = one_job(&[&source], &env.mirror("j"), "delete = true");
    let env = env.with_config(&config);
    env.run(["sync", "j"]).expect_code(0);
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
    fs::remove_file(upstream.root().join("a name/with spaces")).unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["files_deleted"], 1, "{ended}");
    assert!(!env.mirror("j").join("a name/with spaces").exists());
    let calls = fs::read_to_string(env.dir().join("bin/ssh.calls")).unwrap();
    assert!(
        calls.lines().all(|call| call.contains("-oBatchMode=yes") && call.contains("far.invalid")),
        "{calls}"
    );
}

#[test]
fn a_failing_ssh_is_said_in_plain_words() {
    for (said, words, tries) in [
        ("someone@far.invalid: Permission denied (publickey,password).", "could not log in to", 1),
        (
            "ssh: Could not resolve hostname far.invalid: Name or service not known",
            "could not be resolved",
            2,
        ),
        ("Host key verification failed.", "does not trust the host key", 1),
    ] {
        let env = with_ssh(&format!("echo '{said}' >&2; exit 255"));
        let config = one_job(&["far.invalid:/data/"], &env.mirror("j"), "retries = 1");
        let env = env.with_config(&config);
        let ended = env.run(["sync", "j", "--json"]).expect_code(1);
        let finished = ended.finished();
        assert!(finished["error"].as_str().unwrap().contains(words), "{ended}");
        assert!(finished["hint"].is_string(), "{ended}");
        assert_eq!(ended.tries().len(), tries, "{ended}");
    }
}

#[test]
fn no_rsync_at_the_other_end_is_said() {
    let env = with_ssh("echo 'sh: 1: rsync: not found' >&2; exit 127");
    let config = one_job(&["far.invalid:/data/"], &env.mirror("j"), "");
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(1);
    let finished = ended.finished();
    assert!(
        finished["error"].as_str().unwrap().contains("no rsync could be started at far.invalid"),
        "{ended}"
    );
    assert!(finished["hint"].as_str().unwrap().contains("--rsync-path"), "{ended}");
}
