//! Tests of the whole way from text to jobs.

mod ids;
mod include;
mod index;
mod layers;
mod limits;
mod operation;
mod refusals;
mod schema;
mod set;
mod shown;

use super::*;
use crate::model::host_facts::Unusable;
use crate::model::job::{Hook, Job, MaxDelete, MaxOlder, Preset};
use std::time::Duration;

fn around() -> HostFacts {
    HostFacts {
        home: Some("/home/ada".into()),
        homes: vec!["/home/bob".into(), "/root".into()],
        cwd: Some("/srv/here/now".into()),
        mounts: vec!["/".into(), "/proc".into(), "/data/disk".into()],
        variable: |name| (name == "SCRATCH").then(|| "/scratch".into()),
        resolve: |path| match path.strip_prefix("/link") {
            Ok(rest) => Path::new("/real").join(rest),
            Err(_) => path.into(),
        },
        secret: |path, _| match path.to_str() {
            Some("/etc/pdb/pw") => Ok("hunter2".into()),
            Some("/etc/pdb/url") => Ok("https://hooks.example/s3cret".into()),
            _ => Err(Unusable { text: format!("{} is not there", path.display()), hint: None }),
        },
        id_list: |path| match path.to_str() {
            Some("/etc/pdb/ids") => Ok(b"1abc\n2xyz # second\n".to_vec()),
            Some("/etc/pdb/bad") => Ok(b"1abc\n\nnope\n".to_vec()),
            _ => Err("it is not there".into()),
        },
        ..HostFacts::default()
    }
}

fn load_over(text: &str, over: &Overrides) -> Result<Config, Problems> {
    super::load((text, Path::new("/etc/pdb/c.toml")), &[], over, &around())
}

pub(crate) fn load(text: &str) -> Result<Config, Problems> {
    load_over(text, &Overrides::default())
}

fn refused(text: &str) -> String {
    load(text).expect_err("should be refused").to_string()
}

fn job(body: &str) -> Job {
    let text = format!("[jobs.j]\nsource = 'h::m/'\ndest = '/m'\n{body}");
    load(&text).unwrap_or_else(|problems| panic!("{problems}")).jobs.remove(0)
}

/// Returns the texts of all problems of a job with this body.
fn wrong(body: &str) -> Vec<String> {
    let text = format!("[jobs.j]\nsource = 'h::m/'\ndest = '/m'\n{body}");
    load(&text).expect_err(body).0.into_iter().map(|problem| problem.text).collect()
}

fn by_command_line(layer: Layer) -> Overrides {
    Overrides { layer, ..Overrides::default() }
}

#[test]
fn nothing_said_gives_the_built_in_values() {
    let job = job("");
    assert!(job.enabled && !job.delete && !job.inc_recursive && !job.compress && !job.checksum);
    assert_eq!((job.priority, job.preset, job.max_delete), (0, Preset::Mirror, MaxDelete::Default));
    assert_eq!((job.retries, job.retry_delay), (3, Duration::from_secs(2)));
    assert_eq!(job.busy_delay, Duration::from_secs(60));
    assert_eq!((job.timeout, job.stall), (None, Some(Duration::from_secs(600))));
    assert_eq!(job.connect_timeout, Duration::from_secs(30));
    assert_eq!(job.hook_timeout, Duration::from_secs(3600));
    assert_eq!((job.bwlimit, job.min_free), (None, None));
    assert!(!job.allow_empty_source && !job.allow_older);
    assert_eq!(job.max_older, MaxOlder::Default);
    let empty = load("").unwrap();
    assert_eq!((empty.sync, empty.jobs.len()), (SyncSettings::default(), 0));
}

#[test]
fn every_key_of_a_job_is_read() {
    let job = job(r#"
        description = "d"
        tags = ["a", "b"]
        enabled = false
        priority = -3
        preset = "minimal"
        delete = true
        max_delete = "10%"
        max_older = 12
        min_free = "20GiB"
        include = ["x"]
        exclude = ["*.tmp"]
        bwlimit = 100
        compress = true
        checksum = true
        inc_recursive = true
        rsync_args = ["--chmod=ug=rwX,o=rX"]
        retries = 0
        retry_delay = "1s"
        busy_delay = "5m"
        timeout = "6h"
        stall = 0
        connect_timeout = "9s"
        before = "mount /m"
        after = ["a b", ["c", "d e"]]
        on_failure = [["x"]]
        hook_timeout = "1m"
    "#);
    assert_eq!((job.description.as_str(), job.tags.len(), job.enabled, job.priority), ("d", 2, false, -3));
    assert_eq!((job.preset, job.delete, job.max_delete), (Preset::Minimal, true, MaxDelete::Share(1_000)));
    assert_eq!(job.max_older, MaxOlder::Files(12));
    assert_eq!((job.min_free, job.bwlimit), (Some(20 << 30), Some(102_400)));
    assert_eq!((job.include, job.exclude), (vec!["x".into()], vec!["*.tmp".to_string()]));
    assert!(job.compress && job.checksum && job.inc_recursive);
    assert_eq!(job.rsync_args, ["--chmod=ug=rwX,o=rX"]);
    assert_eq!((job.retries, job.retry_delay.as_secs(), job.busy_delay.as_secs()), (0, 1, 300));
    assert_eq!(
        (job.timeout.map(|t| t.as_secs()), job.stall, job.connect_timeout.as_secs()),
        (Some(21_600), None, 9)
    );
    assert_eq!(job.before, [Hook::Shell("mount /m".into())]);
    assert_eq!(job.after, [Hook::Shell("a b".into()), Hook::Argv(vec!["c".into(), "d e".into()])]);
    assert_eq!(job.on_failure, [Hook::Argv(vec!["x".into()])]);
    assert_eq!(job.hook_timeout.as_secs(), 60);
}

#[test]
fn the_stronger_layer_wins_and_a_preset_never_wipes_a_default() {
    let text = "
        [defaults]
        retries = 7
        preset = 'conservative'
        tags = ['t']
        [jobs.a]
        source = 'h::m/a/'
        dest = '/m/a'
        [jobs.b]
        source = 'h::m/b/'
        dest = '/m/b'
        preset = 'safe'
        retries = 1
        tags = []
    ";
    let config = load(text).unwrap();
    let (a, b) = (&config.jobs[0], &config.jobs[1]);
    assert_eq!((a.retries, a.bwlimit, a.max_delete), (7, Some(5_000_000), MaxDelete::Share(250)));
    assert_eq!((b.retries, b.bwlimit, b.checksum), (1, None, true));
    assert_eq!((a.tags.len(), b.tags.len()), (1, 0), "lists replace");

    let mut over = by_command_line(Layer {
        retries: Within::new(0).ok().map(Given::by_command_line),
        preset: Some(Given::by_command_line(Preset::Mirror)),
        ..Layer::default()
    });
    over.jobs = Some(vec!["b".into()]);
    over.rsync_args = vec!["--ipv4".into()];
    over.allow_empty_source = true;
    over.allow_older = true;
    let config = load_over(text, &over).unwrap();
    let (a, b) = (&config.jobs[0], &config.jobs[1]);
    assert_eq!((a.retries, a.rsync_args.len(), a.allow_empty_source), (7, 0, false), "not meant");
    assert_eq!((b.retries, b.checksum, b.allow_empty_source), (0, false, true));
    assert_eq!((a.allow_older, b.allow_older), (false, true));
    assert_eq!(b.rsync_args, ["--ipv4"]);
}

#[test]
fn paths_hang_where_they_should() {
    let config = load(
        "
        [defaults]
        root = 'mirrors/./x'
        [jobs.a]
        source = 'src/'
        dest = 'a/../b'
        [jobs.b]
        source = ['~/data/', 'me@host:~/x']
        dest = '~/m'
        [jobs.c]
        source = '/abs'
        dest = '../c'
        root = '/srv/r'
    ",
    )
    .unwrap();
    let dest = |n: usize| config.jobs[n].dest.to_str().unwrap();
    assert_eq!(dest(0), "/etc/pdb/mirrors/x/b");
    assert_eq!(config.jobs[0].sources[0].text, "/etc/pdb/src/");
    assert_eq!(dest(1), "/home/ada/m");
    assert_eq!(config.jobs[1].sources[0].text, "/home/ada/data/");
    assert_eq!(config.jobs[1].sources[1].text, "me@host:~/x", "a remote home is not ours");
    assert_eq!(dest(2), "/srv/c");

    let over =
        by_command_line(Layer { dest: Some(Given::by_command_line("out".into())), ..Layer::default() });
    let config = load_over("[defaults]\nroot = '/r'\n[jobs.a]\nsource = 'h::m'\ndest = 'a'", &over).unwrap();
    assert_eq!(config.jobs[0].dest, Path::new("/srv/here/now/out"), "below the working directory, not root");
}

#[test]
fn the_command_line_is_stronger_about_sync_too() {
    let sync = SyncLayer {
        parallel: Parallel::new(9).ok().map(Concurrency::Fixed).map(Given::by_command_line),
        ..SyncLayer::default()
    };
    let over = Overrides { sync, ..Overrides::default() };
    let config = load_over("[sync]\nparallel = 2\ngrace = '1s'", &over).unwrap();
    assert_eq!((config.sync.parallel, config.sync.grace.as_secs()), (9, 1));
}

#[test]
fn what_is_odd_but_allowed_is_a_warning() {
    let config = load(
        "
        [hosts.\"rsync.rcsb.orgg\"]
        connections = 2
        [jobs.a]
        source = 'rsync.rcsb.org::m/'
        dest = '/m'
    ",
    )
    .unwrap();
    let warnings: Vec<_> = config.warnings.iter().map(|w| (w.text.as_str(), w.hint.as_deref())).collect();
    assert_eq!(
        warnings,
        [("no job has a source on the host \"rsync.rcsb.orgg\"", Some("did you mean \"rsync.rcsb.org\"?")),]
    );
    assert_eq!(config.hosts["rsync.rcsb.orgg"], 2);
}

#[test]
fn how_trees_are_read_can_be_said() {
    let config = load("[scan]\nthreads = 3\nskip_hidden = true\nexclude = ['*.tmp', '/a/**']").unwrap();
    assert_eq!((config.scan.threads, config.scan.skip_hidden), (3, true));
    assert_eq!(config.scan.exclude, ["*.tmp", "/a/**"]);
    let problems = load("[scan]\nexclude = ['ok', 'a[']\nthread = 1").unwrap_err().0;
    let texts: Vec<_> = problems.iter().map(|problem| problem.text.as_str()).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].starts_with("exclude: \"a[\" is not a pattern"), "{texts:?}");
    assert_eq!(problems[0].place.as_ref().map(|place| (place.line, place.column)), Some((2, 18)));
    assert_eq!(problems[1].hint.as_deref(), Some("did you mean \"threads\"?"));
}

#[test]
fn how_trees_are_cleaned_can_be_said() {
    let config = load(
        "[scan]\nmax_depth = 2\nfollow = true\none_file_system = true\ntimeout = '5m'
        [clean]\nrun_mode = 'dry-run'\nstrict = true\nfail_fast = true\nthreads = 2\nmax_bytes = '1GB'",
    )
    .unwrap();
    let scan = &config.scan;
    assert_eq!((scan.max_depth, scan.follow, scan.one_file_system), (Some(2), true, true));
    assert_eq!(scan.timeout, Some(Duration::from_secs(300)));
    let clean = &config.clean;
    assert_eq!((clean.strict, clean.fail_fast, clean.threads), (true, true, 2));
    assert_eq!((clean.run_mode, clean.max_bytes), (Some(CleanRunMode::DryRun), Some(1_000_000_000)));
    let plain = load("").unwrap();
    assert_eq!((plain.scan, plain.clean), (ScanSettings::default(), CleanSettings::default()));
    let wrong = load("[clean]\nrun_mode = 'quick'").unwrap_err().to_string();
    assert!(wrong.contains("expected \"interactive\", \"batch\" or \"dry-run\""), "{wrong}");
}
