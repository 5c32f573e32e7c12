//! The whole way from text to jobs.

use super::*;
use crate::job::{Hook, MaxDelete, Preset};
use proptest::prelude::*;

fn around() -> Surroundings {
    Surroundings {
        home: Some("/home/ada".into()),
        homes: vec!["/home/bob".into(), "/root".into()],
        cwd: Some("/srv/here/now".into()),
        mounts: vec!["/".into(), "/proc".into(), "/data/disk".into()],
        resolve: |path| match path.strip_prefix("/link") {
            Ok(rest) => Path::new("/real").join(rest),
            Err(_) => path.into(),
        },
    }
}

fn load_over(text: &str, over: &Overrides) -> Result<Config, Problems> {
    super::load(text, Path::new("/etc/pdb/c.toml"), over, &around())
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

/// The text of each problem of a job with this body.
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
    assert_eq!(job.hooks.timeout, Duration::from_secs(3600));
    assert_eq!((job.bwlimit, job.min_free), (None, None));
    assert!(!job.allow_empty_source);
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
    assert_eq!((job.min_free, job.bwlimit), (Some(20 << 30), Some(102_400)));
    assert_eq!((job.include, job.exclude), (vec!["x".into()], vec!["*.tmp".to_string()]));
    assert!(job.compress && job.checksum && job.inc_recursive);
    assert_eq!(job.rsync_args, ["--chmod=ug=rwX,o=rX"]);
    assert_eq!((job.retries, job.retry_delay.as_secs(), job.busy_delay.as_secs()), (0, 1, 300));
    assert_eq!(
        (job.timeout.map(|t| t.as_secs()), job.stall, job.connect_timeout.as_secs()),
        (Some(21_600), None, 9)
    );
    assert_eq!(job.hooks.before, [Hook::Shell("mount /m".into())]);
    assert_eq!(job.hooks.after, [Hook::Shell("a b".into()), Hook::Argv(vec!["c".into(), "d e".into()])]);
    assert_eq!(job.hooks.on_failure, [Hook::Argv(vec!["x".into()])]);
    assert_eq!(job.hooks.timeout.as_secs(), 60);
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
    let config = load_over(text, &over).unwrap();
    let (a, b) = (&config.jobs[0], &config.jobs[1]);
    assert_eq!((a.retries, a.rsync_args.len(), a.allow_empty_source), (7, 0, false), "not meant");
    assert_eq!((b.retries, b.checksum, b.allow_empty_source), (0, false, true));
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
fn every_problem_is_told_with_its_place_and_a_hint() {
    insta::assert_snapshot!(refused(r#"
version = 1
[sync]
paralel = 3
retries = 2
[defaults]
dest = "/x"
[jobs.mmcif]
source = "rsync://h:99999/m/"
dest = "/m/mmcif"
retires = 3
preset = "safest"
[jobs.emdb]
url = "h::m/"
delete = "yes"
timeout = "30"
"#), @r#"
    /etc/pdb/c.toml:4:1: unknown key "paralel" in [sync]
      | paralel = 3
      | ^^^^^^^
      hint: did you mean "parallel"?
    /etc/pdb/c.toml:5:1: unknown key "retries" in [sync]
      | retries = 2
      | ^^^^^^^
      hint: retries belongs in [defaults] or [jobs.NAME]
    /etc/pdb/c.toml:7:1: dest cannot stand in [defaults]: every job needs its own
      | dest = "/x"
      | ^^^^
      hint: set root, below which relative destinations hang
    /etc/pdb/c.toml:9:10: source: "rsync://h:99999/m/" has a port that is not a number between 1 and 65535
      | source = "rsync://h:99999/m/"
      |          ^^^^^^^^^^^^^^^^^^^^
    /etc/pdb/c.toml:11:1: unknown key "retires" in [jobs.mmcif]
      | retires = 3
      | ^^^^^^^
      hint: did you mean "retries"?
    /etc/pdb/c.toml:12:10: preset: unknown preset "safest"
      | preset = "safest"
      |          ^^^^^^^^
      hint: did you mean "safe"?
    /etc/pdb/c.toml:13:7: job "emdb" has no source
      | [jobs.emdb]
      |       ^^^^
      hint: add source = "rsync://HOST/MODULE/"
    /etc/pdb/c.toml:13:7: job "emdb" has no dest
      | [jobs.emdb]
      |       ^^^^
      hint: add dest = "DIR"
    /etc/pdb/c.toml:14:1: unknown key "url" in [jobs.emdb]
      | url = "h::m/"
      | ^^^
      hint: did you mean "source"?
    /etc/pdb/c.toml:15:10: delete: expected true or false, found the string "yes"
      | delete = "yes"
      |          ^^^^^
    /etc/pdb/c.toml:16:11: timeout: "30" has no unit: write "30s" for seconds
      | timeout = "30"
      |           ^^^^
    "#);
}

#[test]
fn a_broken_file_still_has_all_its_other_problems() {
    insta::assert_snapshot!(refused("[jobs.a]\nsource = \ndest = 5\nretires = 1\n[jobs.a]\n[jobs.b\n"), @r#"
    /etc/pdb/c.toml:2:10: not valid TOML: string values must be quoted, expected literal string
      | source =
      |          ^
    /etc/pdb/c.toml:3:8: dest: expected a path, found the integer 5
      | dest = 5
      |        ^
    /etc/pdb/c.toml:4:1: unknown key "retires" in [jobs.a]
      | retires = 1
      | ^^^^^^^
      hint: did you mean "retries"?
    /etc/pdb/c.toml:5:7: not valid TOML: duplicate key
      | [jobs.a]
      |       ^
    /etc/pdb/c.toml:6:8: not valid TOML: unclosed table, expected `]`
      | [jobs.b
      |        ^
    "#);
}

#[test]
fn values_of_the_wrong_kind_or_range_are_refused() {
    for (body, text) in [
        ("enabled = 1", "enabled: expected true or false, found the integer 1"),
        ("tags = 'a'", "tags: expected a list of strings, found the string \"a\""),
        ("tags = ['a', 1]", "tags: expected a string, found the integer 1"),
        ("retries = -1", "retries: -1 is out of range: expected an integer from 0 to 1000"),
        ("priority = 1.5", "priority: expected an integer, found the number 1.5"),
        (
            "priority = 99999999999999999999",
            "priority: the integer 99999999999999999999 is out of range: expected an integer",
        ),
        ("max_delete = '200%'", "max_delete: \"200%\" is not between 0% and 100%"),
        (
            "max_delete = 0.1",
            "max_delete: expected a number of files, or a share such as \"10%\", found the number 0.1",
        ),
        ("stall = '10'", "stall: \"10\" has no unit: write \"10s\" for seconds"),
        ("connect_timeout = '0s'", "connect_timeout: \"0s\" is out of range: expected more than no time"),
        ("before = ['']", "before: a shell line must not be empty"),
        ("before = [[]]", "before: an argument list must begin with a program"),
        ("description = \"a\\u0000b\"", "description: a NUL character cannot be handed to a program"),
        ("allow_empty_source = true", "unknown key \"allow_empty_source\" in [jobs.j]"),
    ] {
        assert_eq!(wrong(body), [text], "{body}");
    }
    for (text, problem) in [
        ("[sync]\nparallel = 0", "parallel: 0 is out of range: expected an integer from 1 to 100"),
        ("[sync]\nparallel = 101", "parallel: 101 is out of range: expected an integer from 1 to 100"),
        ("[hosts.h]\nconnections = 0", "connections: 0 is out of range: expected an integer from 1 to 1000"),
        ("[hosts.h]\nconnections = 1\n[hosts.H]\nconnections = 1", "the host \"h\" stands here twice"),
        ("[hosts.'h:873']\nconnections = 1", "the host \"h:873\" must be named without a port"),
        ("version = 2", "version 2 is newer than this pdb-sync, which reads 1"),
        ("version = 0", "expected version = 1, found the integer 0"),
        ("jobs = 1", "expected a table, [jobs], found the integer 1"),
        ("retries = 1", "unknown key \"retries\""),
        ("[job.a]", "unknown section \"job\""),
        (
            "[sync]\nrsync = '~x/rsync'",
            "\"~x/rsync\": only ~ and ~/… are understood (write ./~x/rsync for a file of that name)",
        ),
    ] {
        let problems = load(text).unwrap_err();
        assert_eq!(problems.0.iter().map(|p| p.text.as_str()).collect::<Vec<_>>(), [problem], "{text}");
        assert!(problems.0[0].place.is_some());
    }
}

#[test]
fn job_names_are_checked() {
    let long = "x".repeat(65);
    for name in ["", "-a", ".a", "a/b", "a b", "ä", "..", long.as_str()] {
        let text = format!("[jobs.{name:?}]\nsource = 'h::m'\ndest = '/m'");
        assert!(refused(&text).contains("the job name"), "{name}");
    }
    for name in ["a", "A-1_b.c", "1abc", &long[1..]] {
        assert_eq!(check_name(name), Ok(()));
    }
}

#[test]
fn sources_are_checked_element_by_element() {
    let problems = load("[jobs.a]\nsource = ['h::m',\n  '-e sh']\ndest = '/m'").unwrap_err();
    let place = problems.0[0].place.as_ref().unwrap();
    assert_eq!((problems.0.len(), place.line, place.column), (1, 3, 3));
    assert!(refused("[jobs.a]\nsource = []\ndest = '/m'").contains("the list of sources is empty"));
    assert!(refused("[jobs.a]\nsource = 'http://h/x'\ndest = '/m'").contains("not this scheme"));
}

#[test]
fn destinations_that_overlap_are_refused_also_of_disabled_jobs() {
    let two = |a: &str, b: &str| {
        format!("[jobs.a]\nsource='h::m'\ndest='{a}'\nenabled=false\n[jobs.b]\nsource='h::m'\ndest='{b}'")
    };
    insta::assert_snapshot!(refused(&two("/m/x", "/m/x/../x/")), @r#"
    /etc/pdb/c.toml:7:1: jobs "a" and "b" have the same destination, /m/x
      | dest='/m/x/../x/'
      | ^^^^
      hint: give every job a directory of its own, or one would delete what the other fetched
    "#);
    insta::assert_snapshot!(refused(&two("/m/x/y", "/m/x")), @r#"
    /etc/pdb/c.toml:7:1: the destination of job "a", /m/x/y, lies inside that of job "b", /m/x
      | dest='/m/x'
      | ^^^^
      hint: give every job a directory of its own, or one would delete what the other fetched
    "#);
    insta::assert_snapshot!(refused(&two("/link/x", "/real/x/y")), @r#"
    /etc/pdb/c.toml:7:1: the destination of job "b", /real/x/y, lies inside that of job "a", /link/x (really /real/x)
      | dest='/real/x/y'
      | ^^^^
      hint: give every job a directory of its own, or one would delete what the other fetched
    "#);
    assert!(load(&two("/m/x", "/m/xy")).is_ok());
}

#[test]
fn deleting_where_it_would_hurt_is_refused_whoever_asks_for_it() {
    let text = |dest: &str, delete| format!("[jobs.a]\nsource = 'h::m'\ndest = '{dest}'\ndelete = {delete}");
    for dest in ["/", "~", "/home", "/home/bob", "/root", "/data", "/srv", ".", "/srv/here/now", "/link/.."] {
        let dest = if dest == "." { "../../srv" } else { dest };
        assert!(refused(&text(dest, true)).contains("would delete in"), "{dest}");
        assert!(load(&text(dest, false)).is_ok(), "{dest} without delete");
    }
    assert!(load(&text("/data/disk", true)).is_ok(), "a mount point itself is a fine mirror");
    let over = by_command_line(Layer { delete: Some(Given::by_command_line(true)), ..Layer::default() });
    assert!(load_over(&text("/home/bob", false), &over).is_err());
    let elsewhere = Overrides { jobs: Some(vec!["other".into()]), ..over };
    assert!(load_over(&text("/home/bob", false), &elsewhere).is_ok());
}

#[test]
fn a_job_must_not_delete_its_own_source() {
    let text = |delete| format!("[jobs.a]\nsource = '/link/x/y/'\ndest = '/real/x'\ndelete = {delete}");
    assert!(refused(&text(true)).contains("would delete its own source, /real/x/y"));
    assert!(load(&text(false)).is_ok());
}

#[test]
fn the_command_line_is_stronger_about_sync_too() {
    let sync =
        SyncLayer { parallel: Parallel::new(9).ok().map(Given::by_command_line), ..SyncLayer::default() };
    let over = Overrides { sync, ..Overrides::default() };
    let config = load_over("[sync]\nparallel = 2\ngrace = '1s'", &over).unwrap();
    assert_eq!((config.sync.parallel, config.sync.grace.as_secs()), (9, 1));
}

#[test]
fn what_is_odd_but_allowed_is_a_warning() {
    let config = load(
        "
        [scan]
        threads = 'whatever'
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
        [
            ("[scan] belongs to a command that this version does not have: ignored", None),
            ("no job has a source on the host \"rsync.rcsb.orgg\"", Some("did you mean \"rsync.rcsb.org\"?")),
        ]
    );
    assert_eq!(config.hosts["rsync.rcsb.orgg"], 2);
}

#[test]
fn what_is_shown_reads_as_the_same() {
    let text = r#"
        [sync]
        parallel = 4
        rsync = "bin/rsync"
        [hosts."H.example"]
        connections = 2
        [defaults]
        root = "~/m"
        stall = "0"
        bwlimit = 77
        preset = "safe"
        [jobs."v1.2"]
        source = ["h.example::m/", "~/local/"]
        dest = "a"
        description = "quote \" and ' and \\ and \n newline"
        before = ["x 'y'", ["a", "b c"]]
        max_delete = "2.5%"
        [jobs.b]
        source = "me@h.example:x"
        dest = "b"
        delete = true
        min_free = 12345
        timeout = "1h 30m"
    "#;
    let config = load(text).unwrap();
    for origins in [false, true] {
        let shown = show(&config, &config.jobs, origins);
        let again = load(&shown).unwrap_or_else(|problems| panic!("{problems}\n{shown}"));
        assert_eq!(
            (again.jobs, again.sync, again.hosts),
            (config.jobs.clone(), config.sync.clone(), config.hosts.clone())
        );
    }
    let shown = show(&config, &config.jobs[1..], true);
    assert!(!shown.contains("v1.2"));
    for line in [
        "parallel = 4  # from /etc/pdb/c.toml:3",
        "dest = \"/home/ada/m/b\"  # from /etc/pdb/c.toml:20",
        "stall = \"0s\"  # [defaults] /etc/pdb/c.toml:9",
        "checksum = true  # preset safe",
        "enabled = true  # default",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
}

/// Two values of each key, so that a random choice among them makes two layers agree, differ or be silent.
const SAMPLES: &[(&str, [&str; 2])] = &[
    ("source", ["'h::m'", "['a::b', 'c::d']"]),
    ("dest", ["'/a'", "'b'"]),
    ("root", ["'/a'", "'b'"]),
    ("description", ["'x'", "'y'"]),
    ("tags", ["[]", "['a']"]),
    ("enabled", ["true", "false"]),
    ("priority", ["1", "-1"]),
    ("preset", ["'safe'", "'fast'"]),
    ("delete", ["true", "false"]),
    ("max_delete", ["5", "'5%'"]),
    ("min_free", ["0", "'1GB'"]),
    ("include", ["[]", "['a']"]),
    ("exclude", ["[]", "['a']"]),
    ("bwlimit", ["0", "'1MB'"]),
    ("compress", ["true", "false"]),
    ("checksum", ["true", "false"]),
    ("inc_recursive", ["true", "false"]),
    ("rsync_args", ["[]", "['--ipv4']"]),
    ("retries", ["0", "9"]),
    ("retry_delay", ["'1s'", "'2s'"]),
    ("busy_delay", ["'1s'", "'2s'"]),
    ("timeout", ["0", "'2s'"]),
    ("stall", ["0", "'2s'"]),
    ("connect_timeout", ["'1s'", "'2s'"]),
    ("before", ["[]", "'true'"]),
    ("after", ["[]", "'true'"]),
    ("on_failure", ["[]", "[['true']]"]),
    ("hook_timeout", ["'1s'", "'2s'"]),
];

/// A layer with any of the sample values, or none, for each key.
fn layers() -> impl Strategy<Value = Layer> {
    proptest::collection::vec(0usize..3, SAMPLES.len()).prop_map(|choice| {
        let mut text = String::from("[jobs.j]\n");
        for ((key, values), n) in SAMPLES.iter().zip(choice) {
            if let Some(value) = values.get(n) {
                text += &format!("{key} = {value}\n");
            }
        }
        let (mut draft, problems) = Draft::parse(&text, Path::new("c"));
        assert_eq!(problems, []);
        draft.jobs.remove(0).layer
    })
}

#[test]
fn the_samples_are_of_every_key() {
    let keys: Vec<_> = Layer::KEYS.iter().map(|key| key.name).collect();
    assert_eq!(SAMPLES.iter().map(|(key, _)| *key).collect::<Vec<_>>(), keys);
}

proptest! {
    #[test]
    fn layers_associate_and_the_empty_one_is_the_identity(a in layers(), b in layers(), c in layers()) {
        let left = a.clone().over(b.clone()).over(c.clone());
        let right = a.clone().over(b.over(c));
        prop_assert_eq!(left, right);
        prop_assert_eq!(Layer::default().over(a.clone()), a.clone());
        prop_assert_eq!(a.clone().over(Layer::default()), a);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "([a-z\\[\\].=\"' \n0-9]|jobs|dest|source|sync|\\PC){0,60}") {
        let _ = load(&text);
    }
}

const TEMPLATE: &str = include_str!("../../config-examples/template.toml");

/// The template with every commented key in force, without the examples of hooks.
fn uncommented() -> String {
    let key = |line: &str| {
        let (key, _) = line.strip_prefix('#')?.split_once(" = ")?;
        key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_').then(|| line[1..].to_string())
    };
    TEMPLATE.lines().map(|line| key(line).unwrap_or_else(|| line.into()) + "\n").collect()
}

#[test]
fn the_template_mentions_every_key() {
    let text = uncommented();
    let (draft, problems) = Draft::parse(&text, Path::new("template.toml"));
    assert_eq!(problems, []);
    let job = draft.jobs[0].layer.clone().over(draft.defaults.clone());
    let mentioned: Vec<_> = job.entries().into_iter().map(|(key, ..)| key).collect();
    assert_eq!(mentioned, Layer::KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
    let mentioned: Vec<_> = draft.sync.entries().into_iter().map(|(key, ..)| key).collect();
    assert_eq!(mentioned, SyncLayer::KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
    for (name, _) in super::preset::NAMES {
        assert!(TEMPLATE.contains(&format!("#   {name} ")), "{name}");
    }
}

#[test]
fn the_defaults_in_the_template_are_the_built_in_ones() {
    let (draft, _) = Draft::parse(&uncommented(), Path::new("template.toml"));
    let said = draft.jobs[0].layer.entries();
    for (key, value, _) in Layer::built_in().entries() {
        if !["before", "after", "on_failure"].contains(&key) {
            let (_, said, _) = said.iter().find(|(known, ..)| *known == key).unwrap();
            assert_eq!(said, &value, "{key}");
        }
    }
    let said = draft.sync.entries();
    for (key, value, _) in SyncLayer::built_in().entries() {
        assert!(said.iter().any(|(known, said, _)| *known == key && *said == value), "{key}");
    }
    assert_eq!(
        load(TEMPLATE).unwrap().jobs[0].max_delete.of(2_000),
        "10%".parse::<MaxDelete>().unwrap().of(2_000)
    );
}
