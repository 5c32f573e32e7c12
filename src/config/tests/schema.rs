//! The schema and the parser accept the same files: both get all of these.

use super::super::clean_layer::CleanLayer;
use super::super::layer::{
    AlertLayer, HostLayer, IndexLayer, Key, Layer, MirrorLayer, NotifyLayer, ScanLayer, SearchLayer,
    StatsLayer, SyncLayer,
};
use super::load;
use crate::config::Problems;
use crate::config::layer::Table;

/// Values for any key: right for some, wrong for others.
const VALUES: &[&str] = &[
    "true",
    "false",
    "0",
    "1",
    "-1",
    "5",
    "64",
    "101",
    "100000",
    "1000000001",
    "1.5",
    "-0.5",
    "''",
    "' '",
    "'x'",
    "' x'",
    "'auto'",
    "'0'",
    "'00'",
    "'0s'",
    "'30'",
    "'30s'",
    "'-1s'",
    "' 10m '",
    "'2 hours'",
    "'1h 30m'",
    "'1h30m'",
    "'1.5h'",
    "'1.h'",
    "'soon'",
    "'30x'",
    "'30S'",
    "'1e3s'",
    "'s'",
    "'200y'",
    "'99y'",
    "'1000000y'",
    "'400d'",
    "'1M'",
    "'10ms'",
    "'10MB'",
    "'5GiB'",
    "'5 bananas'",
    "'5kb'",
    "'5.5MB'",
    "'.5MB'",
    "'5.5'",
    "'-5MB'",
    "'5ib'",
    "'much'",
    "'5MB/s'",
    "'100'",
    "'99999999999999999999'",
    "'10%'",
    "'10 %'",
    "'0.5%'",
    "'100%'",
    "'101%'",
    "'-1%'",
    "'%'",
    "'ten%'",
    "'1000'",
    "'1e1%'",
    "'2x p95'",
    "'2xp50'",
    "'0x p95'",
    "'x p95'",
    "'2x p42'",
    "'1.5x mean'",
    "'0.0x p95'",
    "'https://host/x'",
    "'./host:/x'",
    "'a/b:c'",
    "':x'",
    "'-h:x'",
    "'a.b://x'",
    "'me@[::1]:x'",
    "'[]:x'",
    "'@h:x'",
    "'a@-h:x'",
    "'http://host'",
    "'https://'",
    "'ftp://host/'",
    "'https://host/a b'",
    "'https://?x'",
    "'h::m/'",
    "'rsync://h/m/'",
    "'-x'",
    "' h::m/'",
    "'h::m/ '",
    "' /x'",
    "'/x '",
    "'./ x'",
    "'x /'",
    "'rsync://:pw@h/m/'",
    "':pw@h::m/'",
    "'duration'",
    "'quarantine'",
    "'backup'",
    "'trash'",
    "'mirror'",
    "'idle'",
    "'best-effort:7'",
    "'best-effort:8'",
    "'keep'",
    "'drop'",
    "'given'",
    "'fastest'",
    "'checksum'",
    "'always'",
    "'failure'",
    "[]",
    "['x']",
    "['']",
    "[' ']",
    "[1]",
    "[['x']]",
    "[[]]",
    "['1abc', 'PDB_00002xyz']",
    "['1abc', '1abcd']",
    "['pdb_0002xyz']",
    "'ids'",
    "'bad'",
    "[['']]",
    "['h::m/', ' h::m/']",
    "{}",
    "{ x = 1 }",
    "{ enabled = true }",
    "{ enabled = 1 }",
    "'rsync://h'",
    "'rsync://h/'",
    "'rsync:///m/'",
    "'rsync://h:0/m/'",
    "'rsync://h:/m/'",
    "'rsync://h:123456/m/'",
    "'rsync://h:x/m/'",
    "'rsync://[::1]:873/m/'",
    "'rsync://u:pw@h/m/'",
    "'rsync://u@h/m/'",
    "'h::'",
    "'h::/x'",
    "'::m/'",
    "':x'",
    "'u@::m'",
    "'u@h::m'",
    "'[::1]::m/'",
    "'[::1]::'",
    "'h:873::m/'",
    "'u:pw@h::m'",
    "'u:pw@h:/x'",
    "'a/b:c'",
    "'a b/c'",
    "'~'",
    "'~x'",
    "'~x/y'",
    "'~/x'",
    "'%x'",
    "'host:x'",
    "'host:/x/'",
    "'RSYNC://h/m/'",
    "'/a:b/'",
    "'1e1x p95'",
];

/// Whole files.
const FILES: &[&str] = &[
    "",
    "version = 1",
    "version = 2",
    "version = '1'",
    "[jobs.a]\nsource = 'h::m/'",
    "[jobs.a]\ndest = '/m'",
    "[jobs.'-a']\nsource = 'h::m/'\ndest = '/m'",
    "[jobs.'a b']\nsource = 'h::m/'\ndest = '/m'",
    "[jobs]\na = 1",
    "[defaults]\nsource = 'h::m/'",
    "[defaults]\ndest = '/m'",
    "[nobody]",
    "unknown = 1",
    "config_files = 'x'",
    "config_files = ['']",
    "config_files = [' ']",
    "config_files = ['a/**']",
    "config_files = ['conf.d/*.toml', 'x']",
    "[sync]\nbwlimit = [{ from = '08:00', to = '18:00', rate = '5MB' }]",
    "[sync]\nbwlimit = [{ from = '8:00', to = '18:00', rate = '5MB' }]",
    "[sync]\nbwlimit = [{ from = '08:00', to = '24:00', rate = '5MB' }]",
    "[sync]\nbwlimit = [{ from = '08:00', rate = '5MB' }]",
    "[sync]\nbwlimit = [{ from = '08:00', to = '18:00', rate = 'x' }]",
    "[sync]\nbwlimit = [{ from = '08:00', to = '18:00', rate = 1, x = 1 }]",
    "[defaults]\nexit_codes = { 23 = 'ok', 255 = 'failed' }",
    "[defaults]\nexit_codes = { 0 = 'ok' }",
    "[defaults]\nlast = ['a', 'a/b/', '..a/.b']",
    "[defaults]\nlast = ['/a']",
    "[defaults]\nlast = ['a//b']",
    "[defaults]\nlast = ['a/../b']",
    "[defaults]\nlast = ['./a']",
    "[defaults]\nlast = ['..']",
    "[defaults]\nlast = ['/']",
    "[defaults]\nexit_codes = { 256 = 'ok' }",
    "[defaults]\nexit_codes = { 07 = 'ok' }",
    "[defaults]\nexit_codes = { 23 = 'blocked' }",
    "[defaults]\nexit_codes = { 23 = 0 }",
    "[hosts.'a']\nconnections = 2",
    "[hosts.'a:873']\nconnections = 2",
    "[hosts.'::1']\nconnections = 2",
    "[hosts.'a']",
    "[hosts.'a']\nconnections = 0",
    "[mirrors.m]",
    "[mirrors.'a.b']\nfirst = 'h::m'",
    "[mirrors]\nm = 1",
    "[mirrors.m]\nfirst = ['h::m', '/x']\nlast = 'h::m'\n",
    "[clean]\nmode = 'backup'",
    "[clean]\nmode = 'backup'\nbackup_dir = '/b'",
    "[clean]\nbackup_dir = '/b'",
    "[[stats.alerts]]",
    "[[stats.alerts]]\njob = 'j'",
    "[[stats.alerts]]\nmetric = 'duration'",
    "[[stats.alerts]]\nabove = 5",
    "[[stats.alerts]]\nmetric = 'duration'\nabove = 5",
    "[[stats.alerts]]\nmetric = 'duration'\nabove = '2h'",
    "[[stats.alerts]]\nmetric = 'duration'\nbelow = '0s'",
    "[[stats.alerts]]\nmetric = 'duration'\nabove = '5MB'",
    "[[stats.alerts]]\nmetric = 'duration'\nabove = '5'",
    "[[stats.alerts]]\nmetric = 'bytes_received'\nabove = '5MB'",
    "[[stats.alerts]]\nmetric = 'bytes_received'\nabove = '2h'",
    "[[stats.alerts]]\nmetric = 'files_transferred'\nabove = 5",
    "[[stats.alerts]]\nmetric = 'files_transferred'\nabove = '5MB'",
    "[[stats.alerts]]\nmetric = 'nothing'\nabove = 5",
    "[[stats.alerts]]\nslower_than = '2x p95'",
    "[[stats.alerts]]\ncommand = 'search'\nmetric = 'duration'\nabove = '2s'",
    "[[stats.alerts]]\ncommand = 'search --repl'\nage_above = '2d'",
    "[[stats.alerts]]\ncommand = 'search'\nmetric = 'files'\nabove = 2",
    "[[stats.alerts]]\ncommand = 'search'\njob = 'j'\nage_above = '2d'",
    "[[stats.alerts]]\ncommand = 'sync'\nage_above = '2d'",
    "[[stats.alerts]]\nage_above = '8d'",
    "[[stats.alerts]]\nage_above = '0s'",
    "[[stats.alerts]]\nage_above = '8d'\nmetric = 'duration'",
    "[stats]\nalerts = {}",
    "[[clean.rules]]\nname = 'r'\npattern = 'x'\naction = 'delete'",
    "[[clean.rules]]\nname = 'r'\npattern = ['x', 'y/']\naction = 'review'",
    "[[clean.rules]]\nname = 'r'\npattern = 'x/'\naction = 'keep'\ntype = 'dir'",
    "[[clean.rules]]\nname = 'r'\npattern = 'x/'\naction = 'keep'\ntype = 'file'",
    "[[clean.rules]]\nname = 'r'\npattern = ['y', 'x/']\naction = 'keep'\ntype = 'symlink'",
    "[[clean.rules]]\nname = ''\npattern = 'x'\naction = 'keep'",
    "[[clean.rules]]\nname = 'r'\npattern = ''\naction = 'keep'",
    "[[clean.rules]]\nname = 'r'\npattern = '//'\naction = 'keep'",
    "[[clean.rules]]\nname = 'r'\npattern = []\naction = 'keep'",
    "[[clean.rules]]\nname = 'r'\npattern = 'x'",
    "[[clean.rules]]\nname = 'r'\npattern = 'x'\naction = 'burn'",
    "[[clean.rules]]\nname = 'r'\npattern = 'x'\naction = 'keep'\nmin_age = 'soon'",
    "[[clean.rules]]\nname = 'r'\npattern = 'x'\naction = 'keep'\nmin_age = 0\nmin_size = '1kB'",
    "[[clean.rules]]\nname = 'r'\npattern = 'x'\naction = 'keep'\nmax_size = 'big'",
    "[[clean.rules]]\nname = 'r'\npattern = 'x'\naction = 'keep'\nwhat = 1",
];

const SECTIONS: &[(&str, &[Key])] = &[
    ("sync", SyncLayer::KEYS),
    ("stats", StatsLayer::KEYS),
    ("notify", NotifyLayer::KEYS),
    ("index", IndexLayer::KEYS),
    ("scan", ScanLayer::KEYS),
    ("search", SearchLayer::KEYS),
    ("clean", CleanLayer::KEYS),
    ("hosts.h", HostLayer::KEYS),
    ("mirrors.m", MirrorLayer::KEYS),
    ("defaults", Layer::KEYS),
];

/// Checks that a schema cannot express: which jobs and files exist, and whether patterns and rsync options are valid.
fn is_beyond_a_schema(key: &str, problem: &str) -> bool {
    match key {
        "rsync_args" => true,
        // Which files exist, and what is in them.
        "ids" => problem.contains("cannot read") || problem.contains("bad:3: "),
        _ => ["no job is called", "there is no such job", "is not a pattern", "is not there"]
            .iter()
            .any(|words| problem.contains(words)),
    }
}

fn files() -> Vec<(String, String)> {
    let mut files: Vec<_> = FILES.iter().map(|file| (String::new(), (*file).to_owned())).collect();
    for value in VALUES {
        for (section, keys) in SECTIONS {
            for key in keys.iter().filter(|key| !matches!(key.name, "mode")) {
                files.push((key.name.into(), format!("[{section}]\n{} = {value}\n", key.name)));
            }
        }
        for key in Layer::KEYS {
            let mut file = "[jobs.j]\n".to_owned();
            for (name, usual) in [("source", "'h::m/'"), ("dest", "'/m'")] {
                if key.name != name {
                    file += &format!("{name} = {usual}\n");
                }
            }
            files.push((key.name.into(), format!("{file}{} = {value}\n", key.name)));
        }
        for key in AlertLayer::KEYS.iter().filter(|key| !matches!(key.name, "metric" | "job")) {
            let metric = if matches!(key.name, "above" | "below") { "metric = 'duration'\n" } else { "" };
            files.push((key.name.into(), format!("[[stats.alerts]]\n{metric}{} = {value}\n", key.name)));
        }
    }
    files
}

#[test]
fn the_schema_refuses_what_the_reader_refuses_and_nothing_else() {
    let schema = jsonschema::draft202012::new(&crate::config::schema()).unwrap();
    let mut disagreed = Vec::new();
    let files = files();
    for (key, file) in &files {
        // Like `config check`, which also rejects files with errors in single jobs.
        let read = load(file).and_then(|config| match config.unfit {
            none if none.is_empty() => Ok(()),
            problems => Err(Problems(problems)),
        });
        let value: toml::Value = toml::from_str(file).unwrap();
        let value = serde_json::to_value(value).unwrap();
        let fits = schema.is_valid(&value);
        match &read {
            // A list in [defaults] is read for jobs, and there are none.
            Ok(_) if !fits && key == "ids" && file.starts_with("[defaults]") => {}
            // The parser ignores a root without relative paths, and a password without a daemon.
            Ok(_) if !fits && !matches!(&**key, "root" | "password_file") => {
                disagreed.push(format!("{file:?}: only the schema refuses it"))
            }
            Err(problems) if fits && !is_beyond_a_schema(key, &problems.to_string()) => {
                disagreed.push(format!("{file:?}: only the reader refuses it: {}", problems.0[0].text));
            }
            _ => {}
        }
    }
    assert!(files.len() > 5_000, "{}", files.len());
    assert!(disagreed.is_empty(), "{} of {}: {:#?}", disagreed.len(), files.len(), disagreed);
}

/// The defaults in the schema are readable and valid as values.
#[test]
fn defaults_can_be_written_into_the_file() {
    let schema = crate::config::schema();
    assert_eq!(schema["properties"]["stats"]["properties"]["keep"]["default"], "400d");
    for (section, _) in SECTIONS.iter().filter(|(section, _)| !section.contains('.')) {
        let properties = schema["properties"][*section]["properties"].as_object().unwrap();
        for (key, property) in properties {
            let Some(default) = property.get("default") else { continue };
            let value = toml::Value::try_from(default).unwrap();
            let file = format!("[{section}]\n{key} = {value}\n");
            assert!(load(&file).is_ok(), "{file}");
        }
    }
}
