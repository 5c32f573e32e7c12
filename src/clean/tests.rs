use super::path::{BadPath, check};
use super::*;
use proptest::prelude::*;
use std::io::BufReader;

const NOW: i64 = 1_800_000_000_000_000_000;
const DAY: i64 = 86_400_000_000_000;

fn header() -> Header {
    Header {
        pdb_sync_plan: 1,
        time: "2026-11-22T00:00:00Z".into(),
        host: "h".into(),
        user: 1,
        job: None,
        root: RootPrint { path: "/m".into(), path_base64: None, dev: 1, ino: 2 },
        tree_entries: 10,
        tree_bytes: 20,
        rules: vec![],
        rules_blake3: None,
        ..Header::default()
    }
}

fn entry(path: &[u8]) -> Entry {
    let stamp = Stamp { dev: 1, ino: 3, size: 4, mtime: 5, ctime: 6 };
    let (rule, action) = ("editor".into(), Action::Delete);
    Entry {
        path: path.into(),
        kind: Kind::File,
        stamp,
        contents: None,
        linked: false,
        bytes: 4,
        rule,
        action,
    }
}

fn plan(entries: &[Entry]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    entries.iter().for_each(|entry| writer.entry(entry).unwrap());
    writer.finish().unwrap().1
}

fn read(bytes: &[u8]) -> Result<Vec<Entry>, PlanError> {
    let mut reader = Reader::new(BufReader::new(bytes))?;
    let mut entries = Vec::new();
    while let Some(entry) = reader.entry()? {
        entries.push(entry);
    }
    reader.finish()?;
    Ok(entries)
}

#[test]
fn hostile_paths_are_refused_whatever_the_hash_says() {
    for (path, why) in [
        (&b"../x"[..], BadPath::Leads),
        (b"a/../../x", BadPath::Leads),
        (b"a//b", BadPath::Leads),
        (b"a/", BadPath::Leads),
        (b"./a", BadPath::Leads),
        (b"/etc/passwd", BadPath::Absolute),
        (b"a\0b", BadPath::Nul),
        (b"", BadPath::Empty),
        (b".pdb-sync/quarantine/x", BadPath::Ours),
        (&[b'a'; 256], BadPath::Long),
    ] {
        assert_eq!(check(path), Err(why), "{}", String::from_utf8_lossy(path));
        // The plan was written by our code, so its hash is correct.
        assert!(matches!(read(&plan(&[entry(path)])), Err(PlanError::Path(2, bad)) if bad == why));
    }
    assert_eq!(check(b"a/..b/c..."), Ok(()));
}

#[test]
fn a_plan_that_is_not_whole_is_refused() {
    let good = plan(&[entry(b"a~"), entry(b"new\nline~"), entry(b"\xff~")]);
    assert_eq!(read(&good).unwrap().len(), 3);
    for cut in 0..good.len() {
        assert!(read(&good[..cut]).is_err(), "cut at {cut}");
    }
    let text = String::from_utf8(good.clone()).unwrap();
    assert!(matches!(read(text.replacen("a~", "b~", 1).as_bytes()), Err(PlanError::Hash)));
    let without = text.lines().take(4).map(|line| format!("{line}\n")).collect::<String>();
    assert!(matches!(read(without.as_bytes()), Err(PlanError::Cut)));
    assert!(matches!(read(text.replacen("plan\":1", "plan\":2", 1).as_bytes()), Err(PlanError::Newer(2))));
    assert!(read(&[good, b"{}\n".to_vec()].concat()).is_err());
    assert!(matches!(read(b"\x00\x01\x02\n\n"), Err(PlanError::Foreign(_))));
    assert!(matches!(read(b""), Err(PlanError::Foreign(_))));
    assert!(read(&[b'{'; 1 << 20]).is_err());
}

proptest! {
    #[test]
    fn no_plan_makes_us_leave_the_root(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
        if check(&bytes).is_ok() {
            let path = std::path::Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&bytes));
            let path: &std::path::Path = path;
            prop_assert!(path.components().all(|c| matches!(c, std::path::Component::Normal(_))));
        }
        let _ = Line::read(&bytes);
    }

    #[test]
    fn what_is_written_is_read(name in proptest::collection::vec(1u8..=255, 1..40), size: u64, mtime: i64) {
        prop_assume!(check(&name).is_ok());
        let mut one = entry(&name);
        (one.stamp.size, one.stamp.mtime) = (size, mtime);
        prop_assert_eq!(read(&plan(&[one.clone()])).unwrap(), vec![one.clone()]);
        let record = Record { path: name, kind: Kind::File, did: EntryOutcome::Deleted, bytes: size, entries: 1, why: None };
        let mut line = Vec::new();
        Line::Did(record.clone()).write(&mut line);
        prop_assert_eq!(Line::read(&line), Some(Line::Did(record)));
    }
}

fn verdict(judge: &Judge, path: &str, size: u64, days: i64) -> Verdict {
    judge.judge(&candidate(path, size, days), &mut Vec::new())
}

fn candidate(path: &str, size: u64, days: i64) -> Candidate<'_> {
    Candidate {
        path: path.trim_end_matches('/').as_bytes(),
        kind: if path.ends_with('/') { Kind::Dir } else { Kind::File },
        size,
        mtime: NOW - days * DAY,
        ctime: NOW - days * DAY,
        empty: false,
        in_project: false,
        below: None,
        sibling: &|name| name == b"known",
    }
}

fn name(judge: &Judge, verdict: Verdict) -> String {
    match verdict {
        Verdict::Rule(n, _) => judge.rules()[n].name.clone(),
        Verdict::Nothing => "-".into(),
        Verdict::Protected(_) => "protected".into(),
    }
}

#[test]
fn built_in_rules_mean_leavings_and_nothing_else() {
    let judge = Judge::new(built_in(), NOW).unwrap();
    for (path, size, days, rule) in [
        ("ab/.1abc.cif.gz.a1B2c3", 9, 2, "rsync-temp"),
        ("ab/.1abc.cif.gz.a1B2c3", 9, 0, "-"),
        ("ab/.known.a1B2c3", 9, 2, "rsync-temp"),
        ("ab/.bashrc.before", 9, 2, "-"),
        ("ab/.bashrc.a1B2c3d", 9, 2, "-"),
        ("ab/.a1B2c3", 9, 2, "-"),
        ("ab/1abc.cif.gz", 90, 2, "-"),
        ("ab/1abc.cif.gz", 19, 2, "cut-gzip"),
        ("ab/1abc.txt", 0, 2, "empty-file"),
        ("ab/.~tmp~/", 0, 2, "rsync-partial"),
        ("ab/x~", 1, 2, "editor"),
        (".DS_Store", 1, 0, "desktop"),
        ("core.123", 1, 2, "core"),
        ("a:b", 1, 2, "odd-name"),
        (".git/x~", 1, 2, "protected"),
        (".pdb-sync/x~", 1, 2, "protected"),
        ("x/__pycache__/", 1, 2, "-"),
    ] {
        assert_eq!(name(&judge, verdict(&judge, path, size, days)), rule, "{path}");
    }
    let mut project = candidate("x~", 1, 2);
    project.in_project = true;
    assert!(matches!(judge.judge(&project, &mut Vec::new()), Verdict::Protected(_)));
    let partial = judge.rules().iter().position(|rule| rule.name == "rsync-partial");
    let mut below = candidate("ab/.~tmp~/1abc.cif.gz", 90, 2);
    below.below = partial;
    assert_eq!(name(&judge, judge.judge(&below, &mut Vec::new())), "rsync-partial");
    below.mtime = NOW;
    assert_eq!(name(&judge, judge.judge(&below, &mut Vec::new())), "-", "too young to be given up");
}

#[test]
fn the_first_rule_that_matches_decides_and_explains() {
    let mut rules = built_in();
    rules.insert(0, mine("kept/**", Action::Keep));
    let judge = Judge::new(rules, NOW).unwrap();
    let (verdict, why) = judge.explain(&candidate("kept/a/x~", 0, 2));
    assert_eq!(verdict, Verdict::Rule(0, Action::Keep));
    let word = |rule: &str| why[judge.rules().iter().position(|r| r.name == rule).unwrap()].clone();
    assert_eq!((word("mine"), word("editor"), word("empty-file")), (Why::Decides, Why::Late, Why::Late));
    assert_eq!((word("rsync-temp"), word("empty-dir"), word("pycache")), (Why::Pattern, Why::Kind, Why::Off));
}

fn mine(pattern: &str, action: Action) -> Rule {
    let plain = built_in().remove(2);
    Rule {
        name: "mine".into(),
        patterns: vec![pattern.into()],
        action,
        kind: None,
        special: None,
        min_age: None,
        built_in: false,
        ..plain
    }
}

fn with_mine(rule: Rule) -> Judge {
    let mut rules = built_in();
    rules.insert(0, rule);
    Judge::new(rules, NOW).unwrap()
}

#[test]
fn a_rule_that_keeps_means_directories_with_all_that_is_in_them() {
    let judge = with_mine(mine("cache", Action::Keep));
    let mut dir = candidate("ab/cache/", 0, 2);
    dir.empty = true;
    assert_eq!(judge.judge(&dir, &mut Vec::new()), Verdict::Rule(0, Action::Keep));
    let mut inside = candidate("ab/cache/x~", 1, 2);
    inside.below = Some(0);
    assert_eq!(judge.judge(&inside, &mut Vec::new()), Verdict::Rule(0, Action::Keep));
    // A size limit applies to files. No other rule matches directories unless it names the kind.
    let large = Rule { min_size: Some(9), ..mine("*", Action::Keep) };
    for judge in [with_mine(large), with_mine(mine("cache", Action::Delete))] {
        assert_eq!(name(&judge, judge.judge(&dir, &mut Vec::new())), "empty-dir");
    }
}

#[test]
fn a_pattern_that_ends_in_a_slash_means_directories() {
    for (pattern, path) in [("old/", "ab/old/"), ("ab/old/", "ab/old/"), ("/old/", "old/")] {
        let judge = with_mine(mine(pattern, Action::Delete));
        assert_eq!(verdict(&judge, path, 0, 2), Verdict::Rule(0, Action::Delete), "{pattern}");
        assert_eq!(verdict(&judge, path.trim_end_matches('/'), 1, 2), Verdict::Nothing, "{pattern}: a file");
    }
    let judge = with_mine(mine("/old/", Action::Delete));
    assert_eq!(verdict(&judge, "ab/old/", 0, 2), Verdict::Nothing, "only in the root");
}

#[test]
fn lists_and_backups_have_their_rules() {
    let mut lists = Lists::default();
    let dat = b" LIST OF OBSOLETE COORDINATE ENTRIES AND SUCCESSORS\nOBSLTE    01-JUN-26 4ABC     5ABC\nOBSLTE    31-JUL-94 116L\n";
    assert_eq!(lists.add_obsolete(dat), 2);
    assert_eq!(lists.add_obsolete(b"1XYZ\npdb_00001aaa\nno entry\n"), 2);
    lists.add_absent(b"ab/gone.cif.gz".to_vec());
    let mut rules = built_in();
    let backups = rules.iter_mut().find(|rule| rule.name == BACKUPS).unwrap();
    backups.patterns = vec!["old/**".into()];
    let judge = Judge::new(rules, NOW).unwrap().with(lists);
    for (path, rule) in [
        ("structures/divided/mmCIF/ab/4abc.cif.gz", "obsolete"),
        ("structures/divided/pdb/16/pdb116l.ent.gz", "obsolete"),
        ("structures/divided/mmCIF/aa/1aaa.cif.gz", "obsolete"),
        ("structures/divided/mmCIF/ab/5abc.cif.gz", "-"),
        ("structures/obsolete/mmCIF/ab/4abc.cif.gz", "-"),
        ("ab/gone.cif.gz", "absent"),
        ("cd/gone.cif.gz", "-"),
        ("old/ab/x", "rsync-backup"),
    ] {
        assert_eq!(name(&judge, verdict(&judge, path, 90, 40)), rule, "{path}");
    }
    // rsync preserves the modification time of what it moves: a backup made yesterday may have one that is years old.
    let mut fresh = candidate("old/ab/x", 90, 4_000);
    fresh.ctime = NOW - DAY;
    assert_eq!(name(&judge, judge.judge(&fresh, &mut Vec::new())), "-");
}

#[test]
fn decisions_about_nothing_are_noticed() {
    let text = "[[decide]]\nglob = '*~'\naction = 'keep'\n[[decide]]\nrule = 'editor'\naction = 'delete'\n\
                [[decide]]\npath = 'nowhere/'\naction = 'keep'\n[[decide]]\nrule = 'edit'\naction = 'keep'\n";
    let decisions = Decisions::parse(text).unwrap();
    assert_eq!(decisions.action(&entry(b"a~")), Action::Delete);
    // The first decision was overridden, but it matched an entry.
    assert_eq!(decisions.unused(), ["path \"nowhere/\"", "rule \"edit\""]);
    let mut header = header();
    header.rules = vec![RuleNote { name: "editor".into(), reason: String::new() }];
    assert_eq!(decisions.unknown_rule(&header), Some("edit"));
    assert!(Decisions::parse("[[decide]]\npath = '/'\naction = 'delete'\n").is_err());
}

#[test]
fn a_journal_tells_how_far_a_run_came() {
    let record = |path: &[u8], kind, did| {
        Line::Did(Record { path: path.into(), kind, did, bytes: 1, entries: 1, why: None })
    };
    let recipe = |mtime| Recipe { mode: 0o750, uid: 1, gid: 2, mtime, nanos: 3 };
    let lines = [
        Line::Was(Vec::new(), recipe(1)),
        Line::Was(b"d".to_vec(), recipe(2)),
        record(b"a", Kind::File, EntryOutcome::Meant),
        record(b"b", Kind::File, EntryOutcome::Meant),
        record(b"a", Kind::File, EntryOutcome::Deleted),
        record(b"c", Kind::File, EntryOutcome::Skipped),
        record(b"d", Kind::Dir, EntryOutcome::Meant),
        record(b"e", Kind::Dir, EntryOutcome::Meant),
        record(b"e", Kind::Dir, EntryOutcome::Skipped),
        // The run was resumed after the modification time had changed.
        Line::Was(b"d".to_vec(), recipe(9)),
    ];
    let mut past = JournalProgress::default();
    for line in &lines {
        let mut text = Vec::new();
        line.write(&mut text);
        let read = Line::read(&text).unwrap();
        assert_eq!(read, *line);
        past.learn(&read);
    }
    let says = |path: &[u8]| (past.is_gone(path), past.is_meant(path), past.is_left(path));
    assert_eq!(says(b"a"), (true, false, false));
    assert_eq!(says(b"b"), (false, true, false));
    assert_eq!(says(b"c"), (false, false, true));
    assert_eq!(says(b"x"), (false, false, false));
    assert_eq!(past.dirs.was[&b"d"[..]], recipe(2));
    assert!(past.dirs.gone.contains(&b"d"[..]) && !past.dirs.gone.contains(&b"e"[..]));
    let bad = br#"{"was":{"path":"../x","mode":1,"uid":1,"gid":1,"mtime":1,"nanos":1}}"#;
    assert_eq!(Line::read(bad), None);
}

#[test]
fn the_last_decision_wins() {
    let text = "[[decide]]\nrule = 'editor'\naction = 'keep'\n[[decide]]\nglob = '*.x~'\npath = 'a'\naction = 'review'\n";
    let decisions = Decisions::parse(text).unwrap();
    assert_eq!(decisions.action(&entry(b"b.x~")), Action::Keep);
    assert_eq!(decisions.action(&entry(b"a/b.x~")), Action::Review);
    assert_eq!(decisions.action(&entry(b"ab/b.x~")), Action::Keep, "a path is no prefix of a name");
    assert_eq!(Decisions::default().action(&entry(b"b")), Action::Delete);
    for bad in [
        "[[decide]]\naction='delete'",
        "[[decide]]\nrule='x'\naction='burn'",
        "x = 1",
        "[[decide]]\nglob='['\naction='keep'",
    ] {
        assert!(Decisions::parse(bad).is_err(), "{bad}");
    }
    let row =
        |entries| ("editor".to_owned(), "a \"b\"".to_owned(), Action::Delete, entries, "4 B".to_owned());
    let one = template("/m", [row(1)].into_iter());
    assert!(one.contains("  # 1 entry, 4 B\n"), "{one}");
    let template = template("/m", [row(3)].into_iter());
    assert!(template.contains("  # 3 entries, 4 B\n"), "{template}");
    assert!(Decisions::parse(&template).unwrap().is_empty());
    let taken = template.replace("\n#[[", "\n[[").replace("\n#rule", "\nrule").replace("\n#path", "\npath");
    let taken = Decisions::parse(&taken.replace("\n#action", "\naction")).unwrap();
    assert_eq!(taken.action(&entry(b"a \"b\"/x")), Action::Keep);
}

#[test]
fn fuses_blow_before_anything_is_touched() {
    let limits = Limits { entries: crate::model::job::MaxEntries::Default, bytes: Some(50) };
    assert!(limits.check(100, 50, 10).is_ok());
    assert!(limits.check(101, 50, 10).is_err());
    assert!(limits.check(1_000, 50, 10_000).is_ok());
    assert!(limits.check(1, 51, 10).unwrap_err().to_string().contains("nothing was touched"));
}

#[test]
fn at_the_root_of_a_file_system_its_own_is_protected() {
    for (at_root, path, is) in [
        (true, "lost+found/x~", "protected"),
        (true, ".Trash-0/x~", "protected"),
        (true, "ab/lost+found/x~", "editor"),
        (false, "lost+found/x~", "editor"),
    ] {
        let judge = Judge::new(built_in(), NOW).unwrap().at_root(at_root);
        assert_eq!(name(&judge, verdict(&judge, path, 1, 2)), is, "{path}");
    }
}

#[test]
fn built_in_rules_leave_alone_what_upstream_has() {
    let one = |hashes: Option<Vec<u64>>| {
        let names = hashes.map(|hashes| SourceNames::new(hashes, |name| name.len() as u64));
        let mirror = Mirror { job: "j".into(), at: Vec::new(), below: Vec::new(), names };
        let rules = [vec![mine("mine~", Action::Delete)], built_in()].concat();
        Judge::new(rules, NOW).unwrap().of_mirrors(vec![mirror])
    };
    // The hash is the length of the name.
    let (has, has_not, unknown) = (one(Some(vec![2, 5, 18])), one(Some(vec![])), one(None));
    for (path, rule) in [("x~", "editor"), (".1ab.cif.gz.a1B2c3", "rsync-temp"), ("mine~", "mine")] {
        let own = rule == "mine";
        assert_eq!(name(&has, verdict(&has, path, 1, 2)), if own { "mine" } else { "-" }, "{path}");
        assert_eq!(name(&has_not, verdict(&has_not, path, 1, 2)), rule, "{path}");
        let Verdict::Rule(n, action) = verdict(&unknown, path, 1, 2) else { panic!("{path}") };
        assert_eq!(unknown.rules()[n].name, rule);
        assert_eq!(action, if own { Action::Delete } else { Action::Review }, "{path}");
    }
    let Verdict::Rule(_, action) = verdict(&unknown, "ab/.~tmp~/", 1, 2) else { panic!() };
    assert_eq!(action, Action::Delete, "every transfer hides it");
    let (verdict, why) = has.explain(&candidate("x~", 1, 2));
    assert!(verdict == Verdict::Nothing && why.contains(&Why::Upstream), "{why:?}");
}
