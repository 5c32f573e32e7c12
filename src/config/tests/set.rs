//! `--set` and `PDB_SYNC_PARALLEL`.

use super::*;
use crate::config::{Concurrency, SyncLayer, show};

const TEXT: &str = "
    [defaults]
    retries = 1
    [jobs.'a.b']
    source = 'h::m/'
    dest = '/m'
    retries = 2
    [jobs.other]
    source = 'h::o/'
    dest = '/o'
";

fn set(values: &[&str]) -> Overrides {
    let layer = Layer { retries: Some(Given::by_command_line(Within::constant(7))), ..Layer::default() };
    let set = values.iter().map(|value| value.to_string()).collect();
    Overrides { jobs: Some(vec!["a.b".into()]), layer, set, ..Overrides::default() }
}

#[test]
fn a_value_of_one_job_is_stronger_than_all_others() {
    let jobs = load_over(TEXT, &set(&["a.b.retries=4", "a.b.retries = 5"])).unwrap().jobs;
    assert_eq!((jobs[0].retries, jobs[1].retries), (5, 1));
    // It also applies to jobs that are not selected.
    let jobs = load_over(TEXT, &set(&["other.retries=4"])).unwrap().jobs;
    assert_eq!((jobs[0].retries, jobs[1].retries), (7, 4));
}

#[test]
fn a_string_needs_no_quotes_and_a_list_is_toml() {
    let values = ["timeout=2h", "description=5", "exclude=['*.tmp', 'x=y']", "dest=sub", "max_delete=25%"];
    let values = values.map(|value| format!("other.{value}"));
    let over = set(&values.each_ref().map(String::as_str));
    let config = load_over(TEXT, &over).unwrap();
    let job = &config.jobs[1];
    assert_eq!(job.timeout, Some(Duration::from_secs(7200)));
    assert_eq!(job.description, "5");
    assert_eq!(job.exclude, ["*.tmp", "x=y"]);
    assert_eq!(job.dest, Path::new("/srv/here/now/sub"), "it is relative to the working directory");
    let shown = show(&config, &config.jobs, true);
    assert!(shown.contains("timeout = \"2h\"  # command line\n"), "{shown}");
}

#[test]
fn what_cannot_be_set_is_refused_with_the_option() {
    for (typed, text, hint) in [
        ("retries=5", "--set \"retries=5\" is not JOB.KEY=VALUE", "--set mmcif.retries=5"),
        ("other.retries", "--set \"other.retries\" is not JOB.KEY=VALUE", "--set mmcif.retries=5"),
        ("othr.retries=5", "--set othr.retries: there is no job \"othr\"", "did you mean \"other\"?"),
        ("other.retires=5", "--set other.retires: a job has no key \"retires\"", "did you mean \"retries\"?"),
        (
            "other.retries=x",
            "--set other.retries: expected an integer from 0 to 1000, found the string \"x\"",
            "",
        ),
        (
            "other.retries=-1",
            "--set other.retries: -1 is out of range: expected an integer from 0 to 1000",
            "",
        ),
        // Not a string that has quotes.
        ("other.marker=\"/etc/passwd\"", "--set other.marker: ", ""),
        ("other.marker=''", "--set other.marker: ", ""),
        ("other.marker=['a', 'b']", "--set other.marker: expected ", ""),
        ("other.description={}", "--set other.description: expected ", ""),
        ("other.tags=[weekly]", "--set other.tags: not valid TOML: ", "single quotes"),
        ("other.allow_older=true", "--set other.allow_older: a job has no key", "only --allow-older"),
    ] {
        let problems = load_over(TEXT, &set(&[typed])).unwrap_err().0;
        assert_eq!(problems.len(), 1, "{typed}");
        assert!(problems[0].text.starts_with(text), "{typed}: {:?}", problems[0]);
        assert!(problems[0].hint.as_deref().unwrap_or_default().contains(hint), "{typed}: {:?}", problems[0]);
    }
}

#[test]
fn the_variable_is_between_the_option_and_the_file() {
    let text = "[sync]\nparallel = 2\n";
    let load = |value: fn(&str) -> Option<std::ffi::OsString>, over: &Overrides| {
        crate::config::load((text, Path::new("c")), &[], over, &HostFacts { variable: value, ..around() })
    };
    let three: fn(&str) -> _ = |name| (name == "PDB_SYNC_PARALLEL").then(|| "3".into());
    let config = load(three, &Overrides::default()).unwrap();
    assert_eq!(config.sync.parallel, 3);
    assert!(show(&config, &[], true).contains("parallel = 3  # environment PDB_SYNC_PARALLEL\n"));
    let four = Some(Given::by_command_line(Concurrency::Fixed(Within::constant(4))));
    let over =
        Overrides { sync: SyncLayer { parallel: four, ..SyncLayer::default() }, ..Overrides::default() };
    assert_eq!(load(three, &over).unwrap().sync.parallel, 4);
    assert_eq!(load(|_| Some("".into()), &Overrides::default()).unwrap().sync.parallel, 2);
    let bad = load(|_| Some("0".into()), &Overrides::default()).unwrap_err();
    assert!(bad.0[0].text.starts_with("PDB_SYNC_PARALLEL: 0 is out of range"), "{bad}");
    assert_eq!(load(|_| Some("0".into()), &over).unwrap().sync.parallel, 4, "what is overridden is not read");
}
