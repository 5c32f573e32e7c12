//! rsync ends with 0 where a server ends the conversation early: what was not listed or counted has not happened.

use crate::support::{Ended, Env, Fake, FakeDaemon, Running, Upstream, corpus, one_job};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

fn result(ended: &Ended) -> Value {
    ended.json().pop().unwrap()
}

/// The texts about sources, as `verdict: text`, and their hints.
fn sources(ended: &Ended) -> Vec<(String, String)> {
    let checks = ended.events("check").into_iter().filter(|check| check["area"] == "source");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    checks.map(|c| (format!("{}: {}", text(&c["verdict"]), text(&c["text"])), text(&c["hint"]))).collect()
}

/// What the tests below are about; should rsync change, they are about nothing.
#[test]
fn the_real_rsync_ends_with_0_where_it_was_turned_away() {
    let env = Env::new();
    for (words, code) in FakeDaemon::ENDS {
        let daemon = FakeDaemon::saying(words);
        let ended = Running::start(env.program("rsync", ["-r", "--stats", &daemon.url("m/"), "x/"])).wait();
        assert_eq!(ended.code(), code, "{words:?}: {ended}");
        assert!(!ended.out().contains("Number of files"), "{words:?}: {ended}");
        assert_eq!(daemon.asked(), ["m"]);
    }
}

#[test]
fn doctor_does_not_take_an_early_end_for_a_source_that_is_there() {
    for (words, _) in FakeDaemon::ENDS {
        let daemon = FakeDaemon::saying(words);
        let env = Env::new();
        let config = one_job(&[&daemon.url("m/")], &env.mirror("j"), "");
        let env = env.with_config(&config);
        let ended = env.run(["doctor", "--patience", "5s", "--json"]).expect_code(1);
        let told = sources(&ended);
        assert!(told[0].0.starts_with("fail: "), "{words:?}: {ended}");
        assert!(daemon.asked().contains(&"m".to_owned()), "rsync itself was not asked: {ended}");
        let silent = words.ends_with("EXIT\n");
        assert_eq!(silent, told[0].0.contains("rsync listed nothing"), "{words:?}: {ended}");
        assert_eq!(silent, told[0].1.contains("refuses this machine"), "{words:?}: {ended}");
        // What the server said is told, although rsync takes it for a message of the day.
        assert_eq!(
            silent && words.starts_with("ERROR"),
            told[0].0.contains("max connections reached"),
            "{ended}"
        );

        // With another source that is there, the job can go on.
        let upstream = Upstream::new().with_corpus().listen();
        let good = upstream.url("m/");
        let config = one_job(&[&daemon.url("m/"), &good], &env.mirror("j"), "");
        let ended = env.with_config(&config).run(["doctor", "--patience", "5s", "--json"]).expect_code(0);
        let told = sources(&ended);
        assert!(told[0].0.starts_with("warn: ") && told[1].0.starts_with("ok: "), "{words:?}: {ended}");
        assert!(told[0].1.contains(&format!("the job goes on with {good}")), "{words:?}: {ended}");
    }
}

/// A message of the day comes before a real listing too, and a source may be an empty directory or a file.
#[test]
fn doctor_still_knows_a_source_that_is_there() {
    let upstream = Upstream::new().with_corpus();
    fs::create_dir(upstream.root().join("empty")).unwrap();
    upstream.write("file", "x");
    let motd = upstream.root().parent().unwrap().join("motd");
    fs::write(&motd, "Welcome\n\nNumber of visitors: many\n").unwrap();
    let conf = fs::read_to_string(upstream.config()).unwrap();
    fs::write(upstream.config(), format!("motd file = {}\n{conf}", motd.display())).unwrap();
    for path in ["m/", "m", "m/empty/", "m/file", "m/structures/divided"] {
        let env = Env::new().with_pipe(&upstream);
        for args in ["[]", "[\"-h\"]", "[\"--exclude=*\"]"] {
            let config = one_job(&[&upstream.url(path)], &env.mirror("j"), &format!("rsync_args = {args}"));
            fs::write(env.config(), config).unwrap();
            let ended = env.run(["doctor", "--json"]).expect_code(0);
            assert!(
                sources(&ended).iter().any(|(text, _)| text.ends_with("is there")),
                "{path} {args}: {ended}"
            );
        }
    }
}

/// The trial of rsync itself, of a job with options of its own.
#[test]
fn doctor_does_not_take_a_silent_rsync_for_one_that_works() {
    let fake = Fake::new("silent\nexit 0\n");
    for args in ["[]", "[\"--ipv4\"]"] {
        let env = Env::new().with_fake(&fake);
        let config = one_job(&["/"], &env.mirror("j"), &format!("rsync_args = {args}"));
        let ended = env.with_config(&config).run(["doctor", "--offline", "--json"]).expect_code(1);
        let checks = ended.events("check").into_iter();
        let told = checks.filter(|c| c["area"] == "rsync").map(|c| c["text"].to_string()).collect::<String>();
        let said = "the options of j do not run: rsync reported success, but did not do its work";
        assert!(told.contains(said), "{args}: {ended}");
    }
}

/// A mirror `j` of the corpus with one file damaged, and the file.
fn damaged(sources: &[&str], upstream: &Upstream) -> (Env, PathBuf, Vec<u8>) {
    let env = Env::new();
    let first = one_job(&[&upstream.url("m/")], &env.mirror("j"), "");
    fs::write(env.config(), first).unwrap();
    env.run(["sync", "j"]).expect_code(0);
    let config = one_job(sources, &env.mirror("j"), "retries = 0");
    fs::write(env.config(), config).unwrap();
    let file = env.mirror("j").join(corpus::path_of("1a8o"));
    let good = fs::read(&file).unwrap();
    fs::write(&file, &good[..good.len() / 2]).unwrap();
    (env, file, good)
}

#[test]
fn a_repair_that_was_turned_away_goes_on_with_the_next_source() {
    let upstream = Upstream::new().with_corpus().listen();
    for (words, _) in FakeDaemon::ENDS {
        let daemon = FakeDaemon::saying(words);
        let (env, file, good) = damaged(&[&daemon.url("m/")], &upstream);
        let ended = env.run(["verify", "j", "--repair", "--json"]).expect_code(1);
        let end = result(&ended);
        assert_eq!(
            (&end["damaged"], &end["repaired"], &end["unconfirmed"]),
            (&1.into(), &0.into(), &0.into()),
            "{words:?}: {ended}"
        );
        assert_ne!(fs::read(&file).unwrap(), good);
        assert_eq!(daemon.asked().first().map(String::as_str), Some("m"));

        let config = one_job(&[&daemon.url("m/"), &upstream.url("m/")], &env.mirror("j"), "retries = 0");
        fs::write(env.config(), config).unwrap();
        let ended = env.run(["verify", "j", "--repair", "--json"]).expect_code(0);
        let end = result(&ended);
        assert_eq!((&end["damaged"], &end["repaired"]), (&0.into(), &1.into()), "{words:?}: {ended}");
        assert_eq!(fs::read(&file).unwrap(), good);
    }
}

/// Whole by somebody else's hand, or by an rsync that says nothing: not repaired, as far as anybody can tell.
#[test]
fn a_file_is_repaired_only_if_rsync_says_so() {
    let upstream = Upstream::new().with_corpus().listen();
    for (says, code, repaired) in [("silent\n", 1, 0), ("stats 0 0 0\n", 1, 0), ("stats 1 1 0\n", 0, 1)] {
        let (env, file, good) = damaged(&[&upstream.url("m/")], &upstream);
        let fake = Fake::new(&format!("touch @dest/began\nwait-file @dest/go\n{says}exit 0\n"));
        let env = env.with_fake(&fake);
        let repair = env.spawn(["verify", "j", "--repair", "--json"]);
        let dest = env.mirror("j");
        crate::support::eventually("rsync runs", || dest.join("began").exists());
        fs::write(&file, &good).unwrap();
        fs::write(dest.join("go"), "").unwrap();
        let ended = repair.wait().expect_code(code);
        let end = result(&ended);
        assert_eq!(
            (&end["damaged"], &end["repaired"], &end["unconfirmed"]),
            (&0.into(), &repaired.into(), &(1 - repaired).into()),
            "{says:?}: {ended}"
        );
        if repaired == 0 {
            assert!(ended.err().contains("nothing shows that they were fetched"), "{says:?}: {ended}");
        }
    }
}

/// rsync takes names that begin with `#` or `;` for comments, also under `--from0`.
#[test]
fn names_that_look_like_comments_or_options_are_repaired_too() {
    let hard: [&[u8]; 8] =
        [b"#x.gz", b";y.gz", b"-z.gz", b"new\nline.gz", b"#d/;e/f.gz", b" space .gz", b"\xff.gz", b"a.gz"];
    let upstream = Upstream::new().with_corpus();
    let good = fs::read(upstream.root().join(corpus::path_of("1a8o"))).unwrap();
    let path = |name: &[u8]| Path::new(OsStr::from_bytes(name)).to_owned();
    // Where the source is, where its files are upstream, and below which directory of the mirror.
    for (module, below, at) in [
        ("m/", "", ""),
        ("m/#sub/", "#sub", ""),
        ("m/#sub", "#sub", "#sub"),
        ("m/;a/b/", ";a/b", ""),
        ("local", ";a/b", ""),
    ] {
        for name in hard {
            upstream.write(Path::new(below).join(path(name)), &good);
        }
        let env = Env::new().with_pipe(&upstream);
        let source = match module {
            "local" => format!("{}/", upstream.root().join(below).display()),
            _ => upstream.url(module),
        };
        fs::write(env.config(), one_job(&[&source], &env.mirror("j"), "")).unwrap();
        env.run(["sync", "j"]).expect_code(0);
        let at = env.mirror("j").join(at);
        for name in hard {
            fs::write(at.join(path(name)), &good[..100]).unwrap();
        }
        fs::set_permissions(env.mirror("j"), PermissionsExt::from_mode(0o751)).unwrap();
        let ended = env.run(["verify", "j", "--repair", "--json"]).expect_code(0);
        let end = result(&ended);
        assert_eq!((&end["damaged"], &end["repaired"]), (&0.into(), &hard.len().into()), "{module}: {ended}");
        for name in hard {
            assert_eq!(fs::read(at.join(path(name))).unwrap(), good, "{module}: {ended}");
        }
        // Nothing but these files: the mirror's own directory stays as it was.
        assert_eq!(fs::metadata(env.mirror("j")).unwrap().mode(), 0o40_751, "{module}: {ended}");
    }
}
