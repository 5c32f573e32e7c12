//! `verify = true`: what came is checked before anything is deleted.

use super::{events, finished};
use crate::support::{Ended, Env, Fake, Upstream, eventually, one_job, packed, tree};
use rustix::process::Signal;
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The same with another checksum at its end.
fn corrupt(text: &str) -> Vec<u8> {
    let mut bytes = packed(text);
    let at = bytes.len() - 8;
    bytes[at] ^= 1;
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn dated(path: &Path, seconds: u64) {
    let time = UNIX_EPOCH + Duration::from_secs(seconds);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn time_of(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

/// A mirror of five files that the upstream has, one of which it then loses.
fn filled(upstream: &Upstream, more: &str) -> Env {
    for n in 0..5 {
        upstream.write(format!("ab/{n}.cif.gz"), packed(&n.to_string()));
    }
    let env = Env::new().with_pipe(upstream);
    let config =
        one_job(&[&upstream.url("m/")], &env.mirror("j"), &format!("delete = true\nverify = true\n{more}"));
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(figures(&ended), (5, 0), "{ended}");
    fs::remove_file(upstream.root().join("ab/0.cif.gz")).unwrap();
    env
}

/// How many files were verified, and how many are damaged.
#[track_caller]
fn figures(ended: &Ended) -> (u64, u64) {
    let finished = finished(ended, "j");
    let [verified, damaged] = ["files_verified", "files_damaged"].map(|key| finished[key].as_u64());
    (verified.unwrap_or_else(|| panic!("{ended}")), damaged.unwrap())
}

#[track_caller]
fn run(env: &Env, code: i32) -> Ended {
    env.run(["sync", "j", "--json"]).expect_code(code)
}

fn phases(ended: &Ended) -> Vec<String> {
    events(ended, "phase").iter().map(|phase| phase["phase"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_source_with_damaged_files_deletes_nothing_until_they_are_mended() {
    let upstream = Upstream::new();
    let env = filled(&upstream, "");
    let cut = packed(&"one".repeat(1000));
    upstream.write("ab/1.cif.gz", &cut[..cut.len() - 9]);
    dated(&upstream.write("ab/new.cif.gz", corrupt("new")), 1_700_000_000);
    upstream.write("ab/notes.txt", "no gzip file");
    upstream.write("ab/2.cif.gz", packed("another"));

    for again in [false, true, true] {
        let ended = run(&env, 3);
        let end = finished(&ended, "j");
        // The second time, only the damaged files are listed.
        assert_eq!(figures(&ended), (if again { 2 } else { 3 }, 2), "{ended}");
        assert_eq!(end["files_deleted"], 0, "{ended}");
        let error = end["error"].as_str().unwrap();
        assert!(error.starts_with("2 files are damaged, also after a second transfer: "), "{ended}");
        assert!(error.contains("ab/1.cif.gz (truncated)"), "{ended}");
        assert!(error.contains("ab/new.cif.gz (damaged: "), "{ended}");
        assert!(error.ends_with("nothing is deleted before this is mended"), "{ended}");
        assert!(
            end["hint"].as_str().unwrap().contains("the source itself may have damaged files"),
            "{ended}"
        );
        assert!(env.mirror("j/ab/0.cif.gz").exists(), "{ended}");
        assert_eq!(phases(&ended), ["list", "transfer", "verify", "transfer", "verify"], "{ended}");
        for name in ["ab/1.cif.gz", "ab/new.cif.gz"] {
            assert_eq!(time_of(&env.mirror("j").join(name)), UNIX_EPOCH, "the next listing names it");
        }
    }
    let past = env.run(["history", "--json"]).expect_code(0).events("job");
    assert_eq!((&past[0]["files_verified"], &past[0]["files_damaged"]), (&2.into(), &2.into()));
    assert!(past[0]["phases"]["verify"].is_number(), "{past:?}");

    // Mended with the same size and time.
    dated(&upstream.write("ab/new.cif.gz", packed("new")), 1_700_000_000);
    upstream.write("ab/1.cif.gz", packed("one"));
    let ended = run(&env, 0);
    assert_eq!((&finished(&ended, "j")["status"], figures(&ended)), (&"ok".into(), (2, 0)), "{ended}");
    assert_eq!(finished(&ended, "j")["files_deleted"], 1, "{ended}");
    assert_eq!(phases(&ended), ["list", "transfer", "verify", "delete"], "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
    let ended = run(&env, 0);
    assert_eq!((figures(&ended), phases(&ended)), ((0, 0), vec!["list".to_owned()]), "{ended}");
}

#[test]
fn a_first_transfer_is_checked_as_a_whole() {
    let upstream = Upstream::new();
    upstream.write("ab/1.cif.gz", packed("one"));
    upstream.write("ab/2.CIF.GZ", corrupt("two"));
    upstream.write("cd/page.gz", "<html>502 Bad Gateway</html>");
    upstream.write("cd/plain.cif", "data_3");
    upstream.write("cd/.gz", "no name of a gzip file");
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), "verify = true");
    let env = env.with_config(&config);
    let ended = run(&env, 3);
    assert_eq!(figures(&ended), (3, 2), "{ended}");
    let error = finished(&ended, "j")["error"].as_str().unwrap().to_owned();
    assert!(error.contains("cd/page.gz (a web page, not gzip)") && error.contains("ab/2.CIF.GZ"), "{ended}");
    assert_eq!(phases(&ended), ["transfer", "verify", "transfer", "verify"], "{ended}");
    assert!(!env.state().join("listings/j.names").exists(), "a run that is not complete stores no names");
    upstream.write("ab/2.CIF.GZ", packed("two"));
    upstream.write("cd/page.gz", packed("three"));
    assert_eq!(figures(&run(&env, 0)), (2, 0));
    // Without the key, nothing is read and nothing is claimed.
    let text = fs::read_to_string(env.config()).unwrap().replace("verify = true", "");
    let env = env.with_config(&text);
    upstream.write("ab/1.cif.gz", corrupt("one, changed"));
    let ended = run(&env, 0);
    assert_eq!(finished(&ended, "j")["files_verified"], Value::Null, "{ended}");
    assert_eq!(phases(&ended), ["list", "transfer"], "{ended}");
}

#[test]
fn what_would_come_is_not_verified() {
    let upstream = Upstream::new();
    let env = filled(&upstream, "");
    upstream.write("ab/1.cif.gz", corrupt("one, changed"));
    for mode in ["--dry-run", "--plan"] {
        let ended = env.run(["sync", "j", "--json", mode]).expect_code(0);
        let end = finished(&ended, "j");
        assert_eq!((&end["files_verified"], &end["files_damaged"]), (&Value::Null, &Value::Null), "{ended}");
        assert!(!phases(&ended).contains(&"verify".to_owned()), "{ended}");
    }
}

/// `checksum` compares contents, so that a file that is damaged at the source is never listed again.
#[test]
fn what_is_damaged_stays_so_until_a_check_has_found_it_intact() {
    for more in ["checksum = true", "rsync_args = [\"--size-only\"]", "rsync_args = [\"-H\"]"] {
        let upstream = Upstream::new();
        let env = filled(&upstream, more);
        upstream.write("ab/1.cif.gz", corrupt("one, changed"));
        for _ in 0..3 {
            let ended = run(&env, 3);
            assert_eq!(figures(&ended).1, 1, "{more}: {ended}");
            assert!(env.mirror("j/ab/0.cif.gz").exists(), "{more}: {ended}");
        }
        upstream.write("ab/1.cif.gz", packed("one, changed"));
        let ended = run(&env, 0);
        assert_eq!(
            (figures(&ended), &finished(&ended, "j")["files_deleted"]),
            ((1, 0), &1.into()),
            "{more}: {ended}"
        );
    }
}

#[test]
fn a_damaged_file_that_the_source_drops_goes_like_any_other() {
    let upstream = Upstream::new();
    let env = filled(&upstream, "");
    upstream.write("ab/new.cif.gz", corrupt("new"));
    run(&env, 3);
    fs::remove_file(upstream.root().join("ab/new.cif.gz")).unwrap();
    let ended = run(&env, 0);
    assert_eq!((figures(&ended), &finished(&ended, "j")["files_deleted"]), ((0, 0), &2.into()), "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
    assert_eq!(figures(&run(&env, 0)), (0, 0));
}

#[test]
fn a_guard_that_refuses_deletions_does_not_hide_damage() {
    let upstream = Upstream::new();
    let env = filled(&upstream, "max_delete = 0");
    upstream.write("ab/new.cif.gz", corrupt("new"));
    let ended = run(&env, 4);
    assert_eq!(figures(&ended), (1, 1), "{ended}");
    let error = finished(&ended, "j")["error"].as_str().unwrap().to_owned();
    assert!(error.contains("; 1 file is damaged, also after a second transfer: ab/new.cif.gz"), "{error}");
}

/// A job of a source that only the fake knows, at a mirror with a file `old` that the source lacks.
fn faked(fake: &Fake) -> Env {
    let env = Env::new().with_fake(fake);
    let more = "delete = true\nverify = true\nretries = 0";
    let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), more);
    let env = env.with_config(&config);
    fs::create_dir(env.mirror("j")).unwrap();
    fs::write(env.mirror("j/old"), "x").unwrap();
    env.taken_over("j");
    env
}

const NEW: &str = "out >f+++++++++ 1 2026/01/01-00:00:00 new.gz\n";
const OLD: &str = "out *deleting   0 1970/01/01-00:00:00 old\n";

#[test]
fn what_was_damaged_on_its_way_is_transferred_once_more_before_anything_is_deleted() {
    let (whole, bad) = (packed("new"), corrupt("new"));
    let (whole, bad) = (hex(&whole), hex(&bad));
    // The second transfer waits for what must still be here.
    let fake = Fake::new(&format!(
        "[1 if --delete]\n{NEW}{OLD}stats 5 1 1\n\
         [1 if progress2]\nwrite @dest/new.gz {bad}\nstats 5 1 0\n\
         [2 if progress2]\nwait-file @dest/old\nwrite @dest/new.gz {whole}\nstats 1 1 0\n"
    ));
    let env = faked(&fake);
    let ended = run(&env, 0);
    assert_eq!((&finished(&ended, "j")["status"], figures(&ended)), (&"ok".into(), (1, 0)), "{ended}");
    let warned = events(&ended, "notice").into_iter().filter(|notice| notice["level"] == "warning");
    let warned: Vec<_> = warned.map(|notice| notice["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(warned.len(), 1, "{ended}");
    assert!(
        warned[0].starts_with("1 file came damaged, and intact when transferred once more: new.gz ("),
        "{warned:?}"
    );
    assert!(!env.mirror("j/old").exists(), "{ended}");
    let again = &fake.calls()[2];
    assert!(again.contains(&"-c".to_owned()), "compared by checksum: {again:?}");
    assert!(again.iter().any(|argument| argument.starts_with("--files-from=")), "{again:?}");
}

#[test]
fn what_an_attempt_brought_that_failed_is_checked_by_the_next_one() {
    let (whole, bad) = (hex(&packed("new")), hex(&corrupt("new")));
    let fake = Fake::new(&format!(
        "[1 if --delete]\n{NEW}{OLD}stats 5 1 1\n\
         [1 if progress2]\nwrite @dest/new.gz {bad}\nerr rsync error: error in rsync protocol data stream (code 12)\nexit 12\n\
         [if --delete]\n{OLD}stats 5 0 1\n\
         [2 if progress2]\nwait-file @dest/old\nwrite @dest/new.gz {whole}\nstats 1 1 0\n"
    ));
    let env = faked(&fake);
    let ended = run(&env, 1);
    assert_eq!(finished(&ended, "j")["files_verified"], Value::Null, "{ended}");
    // Nothing differs for the next listing.
    let ended = run(&env, 0);
    assert_eq!(
        (figures(&ended), phases(&ended)),
        ((1, 0), ["list", "verify", "transfer", "verify", "delete"].map(String::from).to_vec()),
        "{ended}"
    );
    assert!(!env.mirror("j/old").exists(), "{ended}");
}

#[test]
fn a_transfer_that_left_something_out_is_checked_too() {
    let (whole, bad) = (hex(&packed("new")), hex(&corrupt("new")));
    let fake = Fake::new(&format!(
        "[1 if --delete]\n{NEW}{OLD}stats 5 2 1\n\
         [1 if progress2]\nwrite @dest/new.gz {bad}\n\
         err rsync: [sender] send_files failed to open \"/x\" (in m): Permission denied (13)\nstats 5 1 0\nexit 23\n\
         [2 if progress2]\nwrite @dest/new.gz {whole}\nstats 1 1 0\n\
         [if -n]\nout >f+++++++++ 1 2026/01/01-00:00:00 x\nstats 5 1 0\n"
    ));
    let env = faked(&fake);
    let ended = run(&env, 3);
    assert_eq!(figures(&ended), (1, 0), "{ended}");
    assert_eq!(phases(&ended), ["list", "transfer", "list", "verify", "transfer", "verify"], "{ended}");
    assert!(env.mirror("j/old").exists(), "{ended}");
}

/// With `--update`, a newer file of the mirror is not the source's, and stays whatever is wrong with it.
#[test]
fn a_damaged_file_that_the_transfer_leaves_alone_keeps_its_time() {
    let upstream = Upstream::new();
    let env = filled(&upstream, "rsync_args = [\"--update\"]");
    dated(&upstream.root().join("ab/1.cif.gz"), 1_700_000_000);
    let own = env.mirror("j/ab/1.cif.gz");
    fs::write(&own, "our own, and no gzip").unwrap();
    let time = time_of(&own);
    for _ in 0..2 {
        let ended = run(&env, 3);
        assert!(
            finished(&ended, "j")["error"].as_str().unwrap().contains("ab/1.cif.gz (not gzip)"),
            "{ended}"
        );
        assert_eq!((fs::read(&own).unwrap(), time_of(&own)), (b"our own, and no gzip".to_vec(), time));
    }
}

#[test]
fn what_cannot_be_read_is_not_intact() {
    let fake = Fake::new(&format!(
        "[1 if --delete]\n{NEW}{OLD}stats 5 1 1\n[if progress2]\ntouch @dest/came\nstats 5 1 0\n"
    ));
    let env = faked(&fake);
    // A link that leads out of the mirror is not followed.
    let outside = env.dir().join("whole.gz");
    fs::write(&outside, packed("whole")).unwrap();
    std::os::unix::fs::symlink(&outside, env.mirror("j/new.gz")).unwrap();
    let ended = run(&env, 3);
    assert_eq!(figures(&ended), (0, 1), "{ended}");
    let error = finished(&ended, "j")["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("1 file cannot be checked: new.gz (cannot be read: "), "{error}");
    assert!(env.mirror("j/old").exists() && env.mirror("j/came").exists(), "{ended}");
    assert!(time_of(&outside) > UNIX_EPOCH, "what is outside stays as it is");
}

#[test]
fn a_list_that_is_damaged_stands_for_everything() {
    let upstream = Upstream::new();
    let env = filled(&upstream, "");
    upstream.write("ab/new.cif.gz", corrupt("new"));
    run(&env, 3);
    let dir = env.state().join("listings");
    let names = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let list = names.into_iter().find(|path| path.to_str().unwrap().contains(".unverified-")).unwrap();
    let bytes = fs::read(&list).unwrap();
    fs::write(&list, &bytes[..bytes.len() - 1]).unwrap();
    upstream.write("ab/new.cif.gz", packed("new"));
    let ended = run(&env, 0);
    // Without the file that is gone at the source.
    assert_eq!((figures(&ended), &finished(&ended, "j")["files_deleted"]), ((5, 0), &1.into()), "{ended}");
    // What was gone at the source is not here any more.
    assert_eq!(figures(&run(&env, 0)), (0, 0));
    assert!(!list.exists());
}

/// A check that takes long is ended by a signal; the next run makes it.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_the_check_and_the_next_run_makes_it() {
    let upstream = Upstream::new();
    let env = filled(&upstream, "");
    // Megabytes that hold a hundred gigabytes.
    let member = packed(&"1\n".repeat(5_000_000));
    upstream.write("ab/long.gz", member.repeat(2_000));
    let running = env.spawn(["sync", "j", "--json"]);
    let (file, fds) = (env.mirror("j/ab/long.gz"), format!("/proc/{}/fd", running.pid()));
    eventually("the file is open", || {
        let open = fs::read_dir(&fds).into_iter().flatten().flatten();
        open.into_iter().any(|fd| fs::read_link(fd.path()).is_ok_and(|at| at == file))
    });
    running.signal(Signal::INT);
    let ended = running.wait().expect_code(130);
    assert_eq!(finished(&ended, "j")["status"], "cancelled", "{ended}");
    assert!(env.mirror("j/ab/0.cif.gz").exists(), "{ended}");
    upstream.write("ab/long.gz", &member);
    fs::copy(upstream.root().join("ab/long.gz"), &file).unwrap();
    dated(&file, 1_700_000_000);
    dated(&upstream.root().join("ab/long.gz"), 1_700_000_000);
    let ended = run(&env, 0);
    assert_eq!((figures(&ended), &finished(&ended, "j")["files_deleted"]), ((1, 0), &1.into()), "{ended}");
}

/// The message has the first few, the log every one.
#[test]
fn every_damaged_file_is_named_in_the_log() {
    let upstream = Upstream::new();
    let env = filled(&upstream, "");
    let names: Vec<_> = (10..15).map(|n| format!("ab/{n}.cif.gz")).collect();
    names.iter().for_each(|name| drop(upstream.write(name, corrupt(name))));
    let ended = run(&env, 3);
    let end = finished(&ended, "j");
    assert!(end["error"].as_str().unwrap().contains(" and 2 more"), "{ended}");
    let log = fs::read_to_string(end["log"].as_str().unwrap()).unwrap();
    for name in &names {
        assert!(log.contains(&format!("not intact: {name} (damaged: ")), "{name}\n{log}");
    }
}
