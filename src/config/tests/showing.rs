//! What is shown and documented reads as the same; what holds for any layers and any text.

use super::*;

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

const TEMPLATE: &str = include_str!("../../../config-examples/template.toml");

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
