use super::*;
use std::path::Path;

/// A golden file: `exit N`, then standard error.
fn golden(text: &str) -> (i32, Vec<String>) {
    let (first, rest) = text.split_once('\n').unwrap();
    let code = first.strip_prefix("exit ").unwrap().parse().unwrap();
    (code, rest.split(['\n', '\r']).map(str::to_owned).collect())
}

fn of(source: &str, text: &str) -> Verdict {
    let source = Source::parse(source, Path::new("/base")).unwrap();
    let (code, stderr) = golden(text);
    judge(Some(code), &stderr, &source)
}

macro_rules! real {
    ($source:expr, $name:literal) => {
        of($source, include_str!(concat!("../../../tests/golden/rsync-3.5.0/", $name, ".stderr")))
    };
}

const RCSB: &str = "rsync://rsync.rcsb.org:33444/ftp_data/";
const DAEMON: &str = "rsync://127.0.0.1:8730/m/nowhere";
const SHELL: &str = "h:/x/";
const LOCAL: &str = "/upstream/";

#[track_caller]
fn failed(verdict: Verdict, class: Class, text: &str, hint: &str) {
    let Verdict::Failed(found, reason) = verdict else { panic!("{verdict:?}") };
    assert_eq!(found, class, "{reason:?}");
    assert!(reason.text.contains(text), "{reason:?}");
    assert!(reason.hint.as_deref().unwrap_or("").contains(hint), "{reason:?}");
    assert!(!reason.text.contains("(code "), "{reason:?}");
}

#[test]
fn a_daemon_that_cannot_be_reached() {
    use Class::Retry;
    failed(real!(RCSB, "refused"), Retry, "connecting to rsync.rcsb.org:33444 was refused", "port 873");
    failed(real!(RCSB, "refused"), Retry, "", "`source = \"wwpdb:\"` for all of them");
    failed(real!("rsync.rcsb.org::ftp_data/", "refused"), Retry, "", "is known to use port 33444");
    failed(real!("rsync://rsync.rcsb.org:33444/emdb/", "refused"), Retry, "", "33444 blocked by a firewall?");
    failed(real!(DAEMON, "refused"), Retry, "connecting to 127.0.0.1:8730 was refused", "port 8730");
    failed(real!("rsync://[::1]/m/", "refused-ipv6"), Retry, "::1", "firewall");
    failed(real!(RCSB, "connect-timeout"), Retry, "took too long", "port 33444 blocked");
    failed(real!("no.such.host.invalid::m/", "no-such-host"), Retry, "could not be resolved", "DNS");
    failed(real!(DAEMON, "silent-server"), Retry, "stopped sending", "stall");
    failed(real!(DAEMON, "closed-at-once"), Retry, "was lost", "");
    failed(real!(DAEMON, "dropped"), Retry, "was lost", "kept");
}

#[test]
fn the_systems_reason_is_passed_on() {
    let line = |why| format!("exit 10\nrsync: [Receiver] failed to connect to h (192.0.2.1): {why}\n");
    failed(of(RCSB, &line("Connection timed out (110)")), Class::Retry, ":33444 took too long", "firewall");
    failed(
        of("h::m/", &line("No route to host (113)")),
        Class::Retry,
        "failed: no route to host",
        "firewall",
    );
}

#[test]
fn a_daemon_that_refuses() {
    use Class::{Busy, NextSource};
    failed(real!(DAEMON, "max-connections"), Busy, "is full: max connections (1) reached", "connections = 1");
    failed(real!(DAEMON, "unknown-module"), NextSource, "has no module \"nomod\"", "spelling");
    failed(real!(DAEMON, "auth-failed"), NextSource, "refused the login", "`password_file = ");
    failed(real!(DAEMON, "access-denied"), NextSource, "access denied to denied", "another mirror");
    failed(real!(DAEMON, "chdir-failed"), NextSource, "cannot open the module's own directory", "mounted");
    failed(real!(DAEMON, "refused-option"), NextSource, "refuses --compress", "compress = false");
    failed(real!(DAEMON, "no-rsync-server"), NextSource, "not an rsync server", "port");
    // rsync asks for the password on the same line as the server's response.
    let asked = "exit 5\nPassword: @ERROR: auth failed on module auth\n";
    failed(of(DAEMON, asked), NextSource, "refused the login", "RSYNC_PASSWORD");
    failed(of(DAEMON, "exit 5\n@ERROR: closed on Sundays\n"), NextSource, "closed on Sundays", "operators");
}

#[test]
fn a_source_that_is_not_there_has_failed_and_is_not_partial() {
    use Class::NextSource;
    failed(real!(DAEMON, "missing-directory"), NextSource, "nowhere: no such file", "check the path");
    failed(real!(DAEMON, "missing-file"), NextSource, "nowhere: no such file", "check the path");
    failed(real!("/srv/nowhere/", "missing-local"), NextSource, "/srv/nowhere", "mounted");
    failed(real!("h:/upstream/nowhere/", "missing-over-ssh"), NextSource, "/upstream/nowhere", "path");
    // A missing file of a file list is a different case.
    let listed =
        "exit 23\nrsync: [sender] link_stat \"/ab/x\" (in m) failed: No such file or directory (2)\n";
    assert!(matches!(of(DAEMON, listed), Verdict::Partial(_)));
}

#[test]
fn what_only_we_can_mend_is_fatal() {
    use Class::Fatal;
    failed(real!(LOCAL, "disk-full"), Fatal, "the disk is full: writing /mirror/big", "make room");
    failed(real!(LOCAL, "out-of-inodes"), Fatal, "no inodes left, at /mirror/deep/er", "df -i");
    failed(real!(LOCAL, "read-only"), Fatal, "read-only: /mirror", "remount");
    failed(real!(LOCAL, "no-parent"), Fatal, "/mirror/no/such/parent could not be created", "parent");
    failed(real!(LOCAL, "usage"), Fatal, "--no-such-option: unknown option", "install rsync");
    failed(real!(SHELL, "no-shell-here"), Fatal, "/no/such/ssh", "install ssh");
    failed(of(LOCAL, "exit 127\n"), Fatal, "could not be started", "PATH");
    failed(real!(LOCAL, "max-delete"), Fatal, "deletion limit", "");
}

#[test]
fn limits_of_attributes_are_no_full_disk() {
    for line in [
        r#"rsync: [receiver] chown "/mirror/.f.z0kD2S" failed: Disk quota exceeded (122)"#,
        r#"rsync: [receiver] rsync_xal_set: lsetxattr("/mirror/.f.z0kD2S","user.x") failed: No space left on device (28)"#,
    ] {
        let Verdict::Partial(reason) = of(LOCAL, &format!("exit 23\n{line}\n")) else { panic!("{line}") };
        assert!(reason.text.ends_with("/mirror/f"), "{reason:?}");
    }
    let line = r#"rsync: [generator] failed to set times on "/mirror/.": Read-only file system (30)"#;
    failed(of(LOCAL, &format!("exit 23\n{line}\n")), Class::Fatal, "read-only: /mirror/.", "remount");
}

#[test]
fn what_rsync_may_not_do_over_ssh_is_no_failed_login() {
    for line in [
        r#"rsync: [receiver] mkstemp "/mirror/.f.z0kD2S" failed: Permission denied (13)"#,
        r#"rsync: [sender] send_files failed to open "/upstream/f": Permission denied (13)"#,
    ] {
        assert!(matches!(of(SHELL, &format!("exit 23\n{line}\n")), Verdict::Partial(_)), "{line}");
    }
}

#[test]
fn left_out_files_are_named() {
    let Verdict::Partial(reason) = real!(LOCAL, "unreadable-source") else { panic!() };
    assert_eq!(
        reason.text,
        "some files were left out, permission denied: /upstream/closed, /upstream/closed-1, \
         /upstream/closed-2 and 2 more"
    );
    assert!(reason.hint.unwrap().contains("at the source"));
    let Verdict::Partial(reason) = real!(LOCAL, "unreadable-source-list") else { panic!() };
    assert!(reason.text.ends_with("permission denied: /upstream/closed"), "{reason:?}");
    assert!(reason.hint.unwrap().contains("at the source"));
    let Verdict::Partial(reason) = real!(LOCAL, "unwritable-destination") else { panic!() };
    assert!(reason.hint.unwrap().contains("owns the destination"));
    let Verdict::Partial(reason) = of(LOCAL, "exit 23\n") else { panic!() };
    assert!(reason.text.contains("left out") && reason.hint.is_some());
    let closed = "exit 23\nrsync: [sender] opendir \"/upstream/lost+found\" failed: Permission denied (13)\n";
    let Verdict::Partial(reason) = of(LOCAL, closed) else { panic!() };
    assert!(reason.hint.unwrap().contains("`exclude = [\"lost+found/\"]`"));
}

#[test]
fn a_directory_in_the_way_is_told_from_other_trouble() {
    let text = include_str!("../../../tests/golden/rsync-3.5.0/in-the-way.stderr");
    let Verdict::Partial(reason) = of(LOCAL, text) else { panic!() };
    assert_eq!(
        reason.text,
        "some files were left out (a directory is in the way): name: with colon, was-dir"
    );
    assert!(reason.hint.unwrap().contains("delete = true"));
}

#[test]
fn vanished_files_are_named() {
    let Verdict::Vanished(reason) = real!(DAEMON, "vanished") else { panic!() };
    assert!(reason.text.contains("/deep/er/file"), "{reason:?}");
    assert!(matches!(of(DAEMON, "exit 24\n"), Verdict::Vanished(_)));
}

#[test]
fn ssh_is_understood_whatever_the_code() {
    use Class::{NextSource, Retry};
    failed(real!(SHELL, "ssh-host-key"), NextSource, "host key of h", "ssh h");
    failed(real!(SHELL, "ssh-auth"), NextSource, "could not log in to h", "key");
    failed(real!(SHELL, "ssh-refused"), Retry, "connection refused", "ssh port");
    failed(real!(SHELL, "ssh-no-host"), Retry, "could not be resolved", "DNS");
    failed(real!(SHELL, "no-rsync-there"), NextSource, "no rsync could be started at h", "--rsync-path");
    let twelve = "exit 12\nHost key verification failed.\nrsync: connection unexpectedly closed (0 bytes)\n";
    failed(of(SHELL, twelve), NextSource, "host key", "");
    failed(of(SHELL, "exit 255\nsomething new\n"), Retry, "something new", "ssh h");
}

#[test]
fn signals_are_told_from_failures() {
    failed(real!(LOCAL, "terminated"), Class::Signalled, "SIGTERM", "time limit");
    let source = Source::parse(LOCAL, Path::new("/")).unwrap();
    failed(judge(Some(137), &[], &source), Class::Signalled, "signal", "out-of-memory");
    for code in [None, Some(19), Some(20), Some(137), Some(143)] {
        let source = Source::parse(LOCAL, Path::new("/")).unwrap();
        assert!(matches!(judge(code, &[], &source), Verdict::Failed(Class::Signalled, _)), "{code:?}");
    }
}

#[test]
fn only_zero_is_success() {
    let source = Source::parse(DAEMON, Path::new("/")).unwrap();
    assert_eq!(judge(Some(0), &["rsync: odd".into()], &source), Verdict::Ok);
    for code in (-1..=260).filter(|code| *code != 0) {
        let verdict = judge(Some(code), &[], &source);
        let reason = match &verdict {
            Verdict::Ok => panic!("{code}"),
            Verdict::Vanished(reason) => (code == 24).then_some(reason),
            Verdict::Partial(reason) => (code == 23).then_some(reason),
            Verdict::Failed(_, reason) => Some(reason),
        };
        assert!(!reason.unwrap().text.is_empty(), "{code}");
    }
}

proptest::proptest! {
    #[test]
    fn any_words_are_judged(
        code in proptest::option::of(-5..300),
        stderr in proptest::collection::vec(
            "(rsync: |ssh: )?(@ERROR: |server sent \"|\\[Receiver\\] mkdir \"|failed to connect to |file has vanished: )?\\PC{0,30}(\": )?\\PC{0,9}",
            0..5,
        ),
    ) {
        for source in [RCSB, SHELL, LOCAL] {
            let source = Source::parse(source, Path::new("/")).unwrap();
            proptest::prop_assert_eq!(judge(code, &stderr, &source) == Verdict::Ok, code == Some(0));
        }
    }
}

#[test]
fn codes_without_words_keep_their_class() {
    let source = Source::parse(DAEMON, Path::new("/")).unwrap();
    for (codes, class) in [
        (&[10, 12, 30, 35, 5][..], Class::Retry),
        (&[13, 14, 15, 16, 21, 99][..], Class::Once),
        (&[1, 3, 11, 22, 126, 127][..], Class::Fatal),
        (&[2, 4][..], Class::NextSource),
    ] {
        for code in codes {
            let Verdict::Failed(found, _) = judge(Some(*code), &[], &source) else { panic!("{code}") };
            assert_eq!(found, class, "{code}");
        }
    }
}

/// Printed by rsync 3.5.0 for a list of names of which the source has some, and by a sender that has none of them.
#[test]
fn names_that_need_not_be_there_are_no_error() {
    let missing =
        r#"rsync: [sender] link_stat "/d/mmCIF/zz/9zzz.cif.gz" (in m) failed: No such file or directory (2)"#;
    let partly = "rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1956) [generator=3.5.0]";
    let reset = "rsync: [Receiver] read error: Connection reset by peer (104)";
    let denied = r#"rsync: [sender] opendir "/d/mmCIF/ab" (in m) failed: Permission denied (13)"#;
    let chdir = r#"rsync: [sender] change_dir "nope" (in m) failed: No such file or directory (2)"#;
    assert!(reports_missing(missing.as_bytes()) && follows_missing(partly.as_bytes()));
    for other in [denied, chdir, partly, reset, ""] {
        assert!(!reports_missing(other.as_bytes()), "{other}");
    }
    let source = Source::parse(DAEMON, Path::new("/base")).unwrap();
    let judged = |code, missing_expected, lines: &[&str]| {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        judge(Some(code), &lines, Peer { missing_expected, ..Peer::from(&source) })
    };
    assert_eq!(judged(23, true, &[partly]), Verdict::Ok);
    assert_eq!(judged(23, true, &[partly, reset]), Verdict::Ok);
    assert!(matches!(judged(23, true, &[denied, partly]), Verdict::Partial(_)));
    assert_ne!(judged(23, true, &[chdir, partly]), Verdict::Ok);
    assert_ne!(judged(12, true, &[partly]), Verdict::Ok);
    assert_ne!(judged(23, false, &[partly]), Verdict::Ok);
}

#[test]
fn a_file_that_is_discarded_is_left_out_although_the_exit_code_is_0() {
    for (line, text) in [
        (
            "Unable to create partial-dir for a/b -- c.gz -- discarding completed file.",
            "some files were left out (no directory for updates could be made): a/b -- c.gz",
        ),
        ("rsync: [receiver] keep_backup failed: a -> \"q/a\": Permission denied (13)", "permission denied"),
        ("rsync: [receiver] backup mkdir q/a failed: No space left on device (28)", "left out"),
        ("backup filename too long", "left out"),
    ] {
        let verdict = of(DAEMON, &format!("exit 0\nWARNING: x failed verification\n{line}\n"));
        let Verdict::Partial(reason) = verdict else { panic!("{line}: {verdict:?}") };
        assert!(reason.text.contains(text), "{reason:?}");
    }
    // What failed its verification is transferred once more, and an error then comes with 23.
    for line in [
        "WARNING: x failed verification -- update discarded (will try again).",
        "Unable to create partial-dir for x -- discarding partial file.",
        "Unable to create x",
    ] {
        assert_eq!(of(DAEMON, &format!("exit 0\n{line}\n")), Verdict::Ok);
    }
}
