//! Output for people: the resolved configuration and the template.

use super::*;
use crate::config::layer::Table;

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
        max_older = 7
        [jobs.b]
        source = "me@h.example:x"
        dest = "b"
        delete = true
        min_free = 12345
        timeout = "1h 30m"
        [jobs.c]
        source = "ours:x/"
        dest = "c"
        [mirrors.ours]
        first = ["~/ours/", "h.example::ours"]
    "#;
    let config = load(text).unwrap();
    for origins in [false, true] {
        let shown = show(&config, &config.jobs, origins);
        let again = load(&shown).unwrap_or_else(|problems| panic!("{problems}\n{shown}"));
        assert_eq!(
            (again.jobs, again.sync, again.hosts, again.mirrors),
            (config.jobs.clone(), config.sync.clone(), config.hosts.clone(), config.mirrors.clone())
        );
    }
    assert!(show(&config, &config.jobs, true).contains("max_older = 7  # from /etc/pdb/c.toml:18"));
    let shown = show(&config, &config.jobs[1..], true);
    assert!(!shown.contains("v1.2"));
    for line in [
        "parallel = 4  # from /etc/pdb/c.toml:3",
        "dest = \"/home/ada/m/b\"  # from /etc/pdb/c.toml:21",
        "stall = \"0s\"  # [defaults] /etc/pdb/c.toml:9",
        "first = [\"/home/ada/ours/\", \"h.example::ours\"]  # from /etc/pdb/c.toml:29",
        "source = [\"/home/ada/ours/x/\", \"h.example::ours/x/\"]  # from /etc/pdb/c.toml:26",
        "# source is \"ours:x/\" in the file  # from /etc/pdb/c.toml:26",
        "checksum = true  # preset safe",
        "enabled = true  # default",
        "# max_delete is not set: 10%, at least 100, at most half (rounded up) of the mirror's files  # default",
        "# max_older is not set: 1%, at least 10 of the mirror's files  # default",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
}

const TEMPLATE: &str = include_str!("../../../config-examples/template.toml");

/// Returns the template with all commented keys enabled, without the examples of hooks.
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
    let mentioned: Vec<_> = draft.scan.entries().into_iter().map(|(key, ..)| key).collect();
    assert_eq!(mentioned, ScanLayer::KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
    let mentioned: Vec<_> = draft.search.entries().into_iter().map(|(key, ..)| key).collect();
    assert_eq!(mentioned, SearchLayer::KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
    let mentioned: Vec<_> = draft.stats.entries().into_iter().map(|(key, ..)| key).collect();
    assert_eq!(mentioned, StatsLayer::KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
    let mentioned: Vec<_> = draft.notify.entries().into_iter().map(|(key, ..)| key).collect();
    assert_eq!(mentioned, NotifyLayer::KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
    for name in AlertLayer::KEYS
        .iter()
        .map(|key| key.name)
        .chain(crate::history::stats::Metric::ALL.map(|m| m.word()))
    {
        assert!(TEMPLATE.contains(name), "{name}");
    }
    for (name, _) in preset::NAMES {
        assert!(TEMPLATE.contains(&format!("#   {name} ")), "{name}");
    }
}

#[test]
fn the_defaults_in_the_template_are_the_built_in_ones() {
    let (draft, _) = Draft::parse(&uncommented(), Path::new("template.toml"));
    let said = draft.jobs[0].layer.entries();
    for (key, value, _) in Layer::default().fill().entries() {
        if !["before", "after", "on_failure"].contains(&key) {
            let (_, said, _) = said.iter().find(|(known, ..)| *known == key).unwrap();
            assert_eq!(said, &value, "{key}");
        }
    }
    let said = draft.sync.entries();
    for (key, value, _) in SyncLayer::default().fill().entries() {
        assert!(said.iter().any(|(known, said, _)| *known == key && *said == value), "{key}");
    }
    let said = [draft.scan.entries(), draft.search.entries()].concat();
    for (key, value, _) in
        [ScanLayer::default().fill().entries(), SearchLayer::default().fill().entries()].concat()
    {
        assert!(said.iter().any(|(known, said, _)| *known == key && *said == value), "{key}");
    }
    let said = [draft.stats.entries(), draft.notify.entries()].concat();
    for (key, value, _) in
        [StatsLayer::default().fill().entries(), NotifyLayer::default().fill().entries()].concat()
    {
        assert!(said.iter().any(|(known, said, _)| *known == key && *said == value), "{key}");
    }
    assert_eq!(
        load(TEMPLATE).unwrap().jobs[0].max_delete.of(2_000),
        "10%".parse::<MaxDelete>().unwrap().of(2_000)
    );
}
