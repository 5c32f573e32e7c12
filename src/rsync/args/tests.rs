use super::*;
use std::path::Path;

fn job() -> Job {
    let mut job = Job::example("mmcif", "rsync://h:33444/m/d/", "/srv/m");
    (job.stall, job.connect_timeout) = (None, Duration::from_millis(10_001));
    job
}

fn source(text: &str) -> Source {
    Source::parse(text, Path::new("/base")).unwrap()
}

fn of(job: &Job, purpose: Purpose) -> Vec<String> {
    argv("rsync", job, &job.sources[0], purpose)
}

#[test]
fn a_transfer_from_a_daemon_in_full() {
    let mut job = job();
    job.delete = true;
    job.stall = Some(Duration::from_secs(600));
    job.include = vec!["keep.tmp".into()];
    job.exclude = vec!["*.tmp".into(), "-x".into()];
    job.rsync_args = vec!["--chmod=ug=rwX".into(), "--max-size".into(), "1g".into()];
    job.bwlimit = Some(5_000_000);
    (job.compress, job.checksum) = (true, true);
    assert_eq!(
        of(&job, Purpose::Transfer).join(" "),
        "rsync -rlpt --partial-dir=.~partial~ --timeout=900 --contimeout=11 --sockopts=TCP_NODELAY \
         --no-inc-recursive -z -c --bwlimit=4883 --exclude=/.pdb-sync --filter=-p .~tmp~ \
         --filter=-p .~partial~ --include=keep.tmp --exclude=*.tmp --exclude=-x --chmod=ug=rwX --max-size 1g \
         -8 --no-h --stats --no-motd --debug=proto1 -v --info=progress2 -- rsync://h:33444/m/d/ /srv/m/"
    );
}

#[test]
fn only_dry_runs_delete() {
    let mut job = job();
    for delete in [false, true] {
        job.delete = delete;
        assert!(!of(&job, Purpose::Transfer).iter().any(|a| a.starts_with("--del")));
        for purpose in [Purpose::List { all: false }, Purpose::Plan { all: false }] {
            let argv = of(&job, purpose);
            assert!(argv.iter().any(|a| a == "-n"));
            assert_eq!(argv.iter().any(|a| a == "--delete"), delete, "{purpose:?}");
        }
    }
}

#[test]
fn checksums_are_compared_in_the_listing_that_the_transfer_follows() {
    let mut job = job();
    for checksum in [false, true] {
        job.checksum = checksum;
        for purpose in [Purpose::List { all: false }, Purpose::Plan { all: false }, Purpose::Transfer] {
            assert_eq!(of(&job, purpose).contains(&"-c".into()), checksum, "{purpose:?}");
        }
    }
}

#[test]
fn a_checksum_of_an_earlier_connection_is_named_unless_the_job_decides() {
    let mut job = job();
    let mut argv = of(&job, Purpose::Transfer);
    tell_checksum(&mut argv);
    choose_checksum(&mut argv, "xxh128");
    let argv = argv.join(" ");
    let end =
        "--debug=proto1,nstr1 -v --info=progress2 --checksum-choice=xxh128 -- rsync://h:33444/m/d/ /srv/m/";
    assert!(argv.ends_with(end), "{argv}");
    assert!(leaves_checksum(&job));
    for own in ["--checksum-choice=md5", "--cc=md5", "--protocol=29"] {
        job.rsync_args = vec![own.to_owned()];
        assert!(!leaves_checksum(&job), "{own}");
    }
}

#[test]
fn a_list_of_names_takes_the_place_of_the_filters() {
    let mut job = job();
    job.include = vec!["*.gz".into()];
    job.exclude = vec!["*".into()];
    job.rsync_args =
        ["-aF", "--exclude=x", "--max-size=1g", "--chmod=D755", "-m"].map(str::to_owned).to_vec();
    let listed = only_listed(&job, source("rsync://h/m/"), "/tmp/list");
    assert_eq!(
        of(&listed, Purpose::Transfer)[1..].join(" "),
        "-rlpt --partial-dir=.~partial~ --contimeout=11 --sockopts=TCP_NODELAY --no-inc-recursive \
         --exclude=/.pdb-sync --filter=-p .~tmp~ --filter=-p .~partial~ -a --chmod=D755 --max-size=1g \
         --files-from=/tmp/list --from0 --no-recursive --dirs \
         -8 --no-h --stats --no-motd --debug=proto1 -v --info=progress2 -- rsync://h/m/ /srv/m/"
    );
    for (option, why) in
        [("-aH", "group"), ("--iconv=utf8", "names"), ("-aR", "names"), ("--files-from=x", "own")]
    {
        assert!(not_listed(&[option.to_owned()]).unwrap().contains(why), "{option}");
    }
    assert_eq!(not_listed(&["-aAXS".into(), "--chmod=D755".into(), "--link-dest=../x".into()]), None);
}

#[test]
fn each_kind_of_source_gets_what_its_connection_takes() {
    let mut job = job();
    let has = |job: &Job, text: &str, option: &str| {
        argv("rsync", job, &source(text), Purpose::Transfer).iter().any(|a| a.starts_with(option))
    };
    for (text, contimeout, no_inc) in [("h::m/", true, true), ("h:/d/", false, true), ("/d/", false, false)] {
        assert_eq!(has(&job, text, "--contimeout"), contimeout, "{text}");
        assert_eq!(has(&job, text, "--sockopts"), contimeout, "{text}");
        assert_eq!(has(&job, text, "--no-inc-recursive"), no_inc, "{text}");
    }
    job.inc_recursive = true;
    assert!(!has(&job, "h::m/", "--no-inc-recursive"));
    for shell in ["--rsh=ssh", "-essh", "-re"] {
        job.rsync_args = vec![shell.into()];
        assert!(!has(&job, "h::m/", "--contimeout"), "{shell}");
    }
}

#[test]
fn numbers_stay_in_rsyncs_range() {
    let mut job = job();
    for (bytes, kib) in [(0, 1), (1, 1), (1024, 1), (1025, 2), (u64::MAX, MAX_KIB)] {
        job.bwlimit = Some(bytes);
        assert!(of(&job, Purpose::Transfer).contains(&format!("--bwlimit={kib}")), "{bytes}");
    }
    for (stall, seconds) in [(Duration::ZERO, 1), (Duration::from_millis(1), 1), (Duration::MAX, MAX_SECONDS)]
    {
        job.stall = Some(stall);
        assert!(of(&job, Purpose::Transfer).contains(&format!("--timeout={seconds}")), "{stall:?}");
    }
    job.connect_timeout = Duration::ZERO;
    assert!(!of(&job, Purpose::Transfer).iter().any(|a| a.starts_with("--contimeout")));
}

#[test]
fn writing_in_place_goes_without_a_partial_directory() {
    let mut job = job();
    for (option, partial) in [("--inplace", false), ("--append-verify", false), ("-W", true)] {
        job.rsync_args = vec![option.into()];
        let argv = of(&job, Purpose::Transfer);
        assert_eq!(argv.contains(&"--partial-dir=.~partial~".into()), partial, "{option}");
    }
}

#[test]
fn our_voice_comes_after_the_jobs_options() {
    let mut job = job();
    job.rsync_args = vec!["--info=stats0".into(), "-h".into()];
    let argv = of(&job, Purpose::List { all: false });
    let at = |text: &str| argv.iter().position(|a| a == text).unwrap();
    assert!(at("--info=stats2,progress0") > at("--info=stats0"));
    assert!(at("--no-h") > at("-h"));
}

#[test]
fn what_a_file_system_keeps_is_protected_wherever_filters_begin() {
    let mut job = job();
    job.delete = true;
    job.exclude = vec!["!".into(), "*.tmp".into()];
    let mut argv = of(&job, Purpose::List { all: false });
    protect_file_system(&mut argv, &["lost+found".into()]);
    let places = |text: &str| {
        argv.iter().enumerate().filter(|(_, a)| *a == text).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let (hidden, kept) = (places("--exclude=/lost+found"), places("--filter=P /.Trash-*"));
    assert_eq!((hidden.len(), kept.len()), (2, 2), "{argv:?}");
    let clear = places("--exclude=!")[0];
    assert!(hidden[0] < kept[0] && kept[0] < clear && clear < hidden[1], "{argv:?}");
    // A transfer deletes nothing, and entries in `closed` are excluded.
    let mut argv = of(&job, Purpose::Transfer);
    protect_file_system(&mut argv, &["lost+found".into()]);
    assert!(
        argv.contains(&"--exclude=/lost+found".into()) && !argv.iter().any(|a| a.starts_with("--filter=P"))
    );
}

#[test]
fn the_destination_gets_one_slash() {
    let mut job = job();
    for dest in ["/srv/m", "/srv/m/"] {
        job.dest = dest.into();
        assert_eq!(of(&job, Purpose::Transfer).last().unwrap(), "/srv/m/");
    }
}
