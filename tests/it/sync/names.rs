//! Names that are hard to write down.

use crate::support::{Env, Upstream, one_job, tree};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const HARD: [&[u8]; 20] = [
    b"with space",
    b" leading and trailing ",
    b"new\nline",
    b"cr\rname",
    b"tab\tname",
    b"--delete",
    b"-n",
    b"\xff\xfe not utf-8",
    b"caf\xc3\xa9",
    b"back\\slash",
    b"back\\#012slash",
    b"\\#134#012",
    b"esc\x1b[31mred\x1b[0m",
    b"*deleting   0 keep",
    b">f+++++++++ 5 keep",
    b"quote\"'`$(touch x)",
    b"[bracket]*?{a,b}",
    b"sub dir/in\nside/\xe9",
    b"Number of files: 3",
    b"         1,000  50%    1.00MB/s    0:00:01",
];

fn path(name: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(name))
}

#[test]
fn hard_names_are_transferred_listed_and_deleted() {
    let upstream = Upstream::new();
    upstream.write("keep", "keep");
    for name in HARD {
        upstream.write(path(name), name);
    }
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), "delete = true\nmax_delete = '100%'");
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()), "{ended}");
    let finished = ended.finished();
    let count = HARD.len() + 1;
    assert_eq!(
        (&finished["files_transferred"], &finished["total_files"]),
        (&count.into(), &count.into()),
        "{ended}"
    );
    assert!(!env.run(["sync", "j"]).expect_code(0).stdout.contains(&0x1b));

    for name in HARD {
        fs::remove_file(upstream.root().join(path(name))).unwrap();
    }
    for dir in ["sub dir", "         1,000  50%    1.00MB"] {
        fs::remove_dir_all(upstream.root().join(dir)).unwrap();
    }
    let plan = env.run(["sync", "j", "--plan", "--json", "-v"]).expect_code(0);
    assert_eq!(plan.events("planned")[0]["deleted"]["files"], HARD.len(), "{plan}");
    let blocked = env.run(["sync", "j", "--json", "--max-delete", "5"]).expect_code(4);
    assert_eq!(tree(&env.mirror("j")).len(), count + 3, "files and three directories: {blocked}");
    let listed = env.run(["clean", "show", "j", "--export", "nul"]).expect_code(0).stdout;
    let names: Vec<_> = listed.split_inclusive(|b| *b == 0).collect();
    assert_eq!(names.len(), HARD.len() + 3);
    assert!(names.contains(&&b"new\nline\0"[..]) && names.contains(&&b"\xff\xfe not utf-8\0"[..]));

    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["files_deleted"], HARD.len(), "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()), "{ended}");
    let told = ended.events("output").into_iter().map(|output| output["line"].as_str().unwrap().to_owned());
    let told: Vec<_> = told.filter(|line| line.starts_with("deleting ")).collect();
    assert!(told.contains(&"deleting new\\#012line".to_owned()), "{ended}");
    assert!(told.contains(&"deleting \u{fffd}\u{fffd} not utf-8".to_owned()), "{ended}");
    assert!(told.contains(&"deleting esc\\#033[31mred\\#033[0m".to_owned()), "{ended}");
}

#[test]
fn a_terminal_s_language_never_comes_from_a_name() {
    let upstream = Upstream::new();
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), "delete = true\nmax_delete = '100%'");
    let env = env.with_config(&config);
    for name in [&b"\x1b]0;title\x07"[..], b"\x9b31m", b"\x7f\x08"] {
        upstream.write(path(name), "x");
        fs::create_dir_all(env.mirror("j")).unwrap();
        fs::write(env.mirror("j").join(path(&[name, b"old"].concat())), "x").unwrap();
    }
    upstream.write("plain", "x");
    for how in [&[][..], &["--plan", "-v"], &["--dry-run"]] {
        let ended = env.run([&["sync", "j"], how].concat()).expect_code(0);
        let bad = |bytes: &[u8]| bytes.iter().any(|b| matches!(b, 0x1b | 0x07 | 0x08));
        assert!(!bad(&ended.stdout) && !bad(&ended.stderr), "{how:?} {ended}");
    }
}

#[test]
fn a_destination_and_a_source_with_hard_names_work() {
    let upstream = Upstream::new();
    upstream.write("a b/-c 'd'/file", "x");
    let env = Env::new().with_pipe(&upstream);
    let dest = env.mirror("dest with -- 'quotes' and \"more\"\t");
    let config = one_job(&[&upstream.url("m/a b/-c 'd'/")], &dest, "delete = true");
    let env = env.with_config(&config);
    env.run(["sync", "j"]).expect_code(0);
    assert_eq!(fs::read_to_string(dest.join("file")).unwrap(), "x");
    upstream.write("a b/-c 'd'/other", "x");
    fs::remove_file(upstream.root().join("a b/-c 'd'/file")).unwrap();
    env.run(["sync", "j"]).expect_code(0);
    assert_eq!(tree(&dest).len(), 1);
}
