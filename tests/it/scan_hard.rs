//! `scan` where it is hard: other file systems, several trees, signals, memory, names that are meant to hurt.

use crate::support::{Ended, Env, Running, eventually};
use rustix::process::Signal;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// In memory where there is such a directory: a hundred thousand files take a disk a while.
fn room() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// `names` names of one file; other names of it are as much work for a scan as files, and less for the test.
fn fill(dir: &Path, names: usize) {
    fs::create_dir_all(dir).unwrap();
    let first = dir.join("0");
    fs::write(&first, "x").unwrap();
    for n in 1..names {
        fs::hard_link(&first, dir.join(n.to_string())).unwrap();
    }
}

fn result(ended: &Ended) -> Value {
    let last = ended.json().pop().unwrap();
    assert_eq!(last["event"], "result", "{ended}");
    last
}

/// Mounts a file system at `$0/mnt`, and runs `pdb-sync scan` twice; `None` where that is not permitted.
fn with_mount(env: &Env, root: &Path, options: &[&str]) -> Option<Ended> {
    let way = ["-m", "-rm"].into_iter().find(|way| {
        let mut probe = Command::new("unshare");
        probe.args([way, "mount", "-t", "tmpfs", "none", "/mnt"]).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    })?;
    let script = "mount -t tmpfs none \"$0/mnt\" && mkdir \"$0/mnt/deep\" && echo 12345 >\"$0/mnt/deep/f\" && \"$@\" && exec \"$@\"";
    let mut line: Vec<_> = [way, "sh", "-c", script].map(Into::into).to_vec();
    line.push(root.as_os_str().to_owned());
    line.extend([env!("CARGO_BIN_EXE_pdb-sync"), "scan", "--json", "--list"].map(Into::into));
    line.push(root.as_os_str().to_owned());
    line.extend(options.iter().map(Into::into));
    Some(Running::start(env.program("unshare", line)).wait())
}

#[test]
fn another_file_system_is_entered_unless_told_otherwise() {
    for (options, files, dirs, bytes) in
        [(&[][..], 2, 5, 7), (&["--one-file-system"], 1, 4, 1), (&["--one-file-system", "--follow"], 1, 4, 1)]
    {
        let env = Env::new();
        let root = fs::canonicalize(env.mirror("")).unwrap().join("tree");
        fs::create_dir_all(root.join("mnt")).unwrap();
        fs::create_dir_all(root.join("own/sub")).unwrap();
        fs::write(root.join("own/sub/f"), "1").unwrap();
        let Some(ended) = with_mount(&env, &root, options) else {
            eprintln!("skipped: no file system may be mounted here");
            return;
        };
        let ended = ended.expect_code(0);
        let results = ended.events("result");
        assert_eq!(results.len(), 2, "{ended}");
        for told in results {
            let is = ["files", "dirs", "bytes", "errors"].map(|key| told[key].as_u64().unwrap());
            assert_eq!(
                (is, &told["complete"]),
                ([files, dirs, bytes, 0], &true.into()),
                "{options:?} {ended}"
            );
        }
        let inside = ended.events("entry").iter().filter(|e| e["path"] == "mnt/deep/f").count() as u64;
        assert_eq!(inside, 2 * (files - 1), "{ended}");
        let mounts = ended.events("entry").iter().filter(|e| e["path"] == "mnt").count();
        assert_eq!(mounts, 2, "the mount point itself is there\n{ended}");
    }
}

#[test]
fn several_trees_are_told_in_the_order_in_which_they_were_named() {
    let env = Env::new();
    // The first is the last to be read.
    let roots: Vec<PathBuf> = [3_000, 1, 500, 2, 0, 40]
        .iter()
        .enumerate()
        .map(|(n, files)| {
            let root = env.mirror(&format!("tree {n}"));
            fs::create_dir_all(&root).unwrap();
            for file in 0..*files {
                fs::write(root.join(format!("{n}-{file}")), "12").unwrap();
            }
            root
        })
        .collect();
    fs::write(roots[3].join("aux"), "").unwrap();
    let mut line: Vec<&OsStr> = ["scan", "--json", "--list", "--check-names"].map(OsStr::new).to_vec();
    line.extend(roots.iter().map(|root| root.as_os_str()));
    let ended = env.run(line).expect_code(3);
    let mut entries = 0;
    let mut told = Vec::new();
    for event in ended.json() {
        match event["event"].as_str().unwrap() {
            "entry" => {
                let path = event["path"].as_str().unwrap();
                assert!(
                    path == "aux" || path.starts_with(&format!("{}-", told.len())),
                    "{path} is elsewhere"
                );
                entries += 1;
            }
            "result" => {
                assert!(
                    event["root"].as_str().unwrap().ends_with(&format!("tree {}", told.len())),
                    "{event}"
                );
                told.push((event["files"].as_u64().unwrap(), event["bytes"].as_u64().unwrap()));
            }
            _ => {}
        }
    }
    assert_eq!(told, [(3_000, 6_000), (1, 2), (500, 1_000), (3, 4), (0, 0), (40, 80)]);
    assert_eq!(entries, 3_544);
}

/// Whether the process has something at or below `root` open.
fn has_open(pid: u32, root: &Path) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.flatten().filter_map(|fd| fs::read_link(fd.path()).ok()).any(|path| path.starts_with(root))
}

#[test]
fn a_scan_that_is_interrupted_tells_what_it_knows_and_keeps_nothing() {
    let dir = room();
    let root = fs::canonicalize(dir.path()).unwrap();
    for n in 0..40 {
        fill(&root.join(n.to_string()), 1_500);
    }
    // It may be done before it is caught: then again.
    for attempt in 0.. {
        assert!(attempt < 50, "never caught while it was reading");
        let env = Env::new();
        let line = [OsStr::new("scan"), root.as_os_str(), OsStr::new("--json"), OsStr::new("--threads=1")];
        let running = env.spawn(line);
        eventually("it reads the tree, or has", || {
            has_open(running.pid(), &root) || running.so_far().0.contains("result")
        });
        // Held while the signal is sent, so that there is something left to read when it is seen.
        running.signal(Signal::STOP);
        running.signal(Signal::INT);
        running.signal(Signal::CONT);
        let ended = running.wait();
        let told = result(&ended);
        if told["complete"] == true {
            continue;
        }
        assert_eq!((ended.code(), &told["ended"]), (130, &"stopped".into()), "{ended}");
        assert!(told["files"].as_u64().unwrap() < 60_000 && told["errors"] == 0, "{ended}");
        assert!(ended.err().contains("incomplete"), "{ended}");
        let again = result(&env.run(line).expect_code(0));
        let is = ["files", "dirs", "dirs_read", "dirs_reused"].map(|key| again[key].as_u64().unwrap());
        assert_eq!(is, [60_000, 41, 41, 0], "half an inventory is none");
        return;
    }
}

/// Peak of resident memory in bytes of a scan of `root`, the program's own code excepted, after it has kept the inventory and while it tells the list:
/// nobody reads that, so that it cannot end before it is looked at.
fn peak(env: &Env, root: &Path) -> u64 {
    let mut command = env.command(["scan", "--list", "--json", "--full", "--threads=2"]);
    let mut child = command.arg(root).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let kept = || {
        let files = fs::read_dir(env.state().join("inventory")).into_iter().flatten().flatten();
        files.into_iter().any(|file| file.path().extension().is_some_and(|e| e == "inv"))
    };
    eventually("the inventory is kept", kept);
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    assert!(child.try_wait().unwrap().is_none(), "it has ended: the list is too short");
    child.kill().unwrap();
    child.wait().unwrap();
    let of = |key: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    // A build for tests has several times the code, and says nothing about the one that is used.
    (of("VmHWM:") - of("RssFile:")) * 1024
}

/// From how much more the larger of two trees takes.
#[test]
fn a_million_files_would_take_less_than_seventy_megabytes() {
    let dir = room();
    let sizes = [40_000u64, 160_000];
    let mut measured = Vec::new();
    for files in sizes {
        let root = dir.path().join(files.to_string());
        for n in 0..files {
            let below = root.join(format!("{:03x}", n / 1_000));
            if n % 1_000 == 0 {
                fs::create_dir_all(&below).unwrap();
            }
            fs::write(below.join(format!("{n:08x}.cif.gz")), "").unwrap();
        }
        measured.push(peak(&Env::new(), &root) as f64);
    }
    let each = (measured[1] - measured[0]) / (sizes[1] - sizes[0]) as f64;
    assert!(each > 40.0, "a record alone has 40 bytes, so that {each} is mismeasured: {measured:?}");
    let million = measured[0] + each * (1_000_000 - sizes[0]) as f64;
    assert!(million < 70e6, "{:.1} MB, {each:.1} bytes a file: {measured:?}", million / 1e6);
}

#[test]
fn no_name_breaks_a_list() {
    let env = Env::new();
    let root = fs::canonicalize(env.mirror("")).unwrap().join("tree");
    let sub = root.join(OsStr::from_bytes(b"dir\n\"\xfe"));
    fs::create_dir_all(&sub).unwrap();
    let long = [b'x'; 255];
    let names: [&[u8]; 16] = [
        b"new\nline",
        b"\"quoted\"",
        b"back\\slash",
        b"\x1b[31mred\x1b[0m",
        b"\xff\xfe",
        b"caf\xc3",
        b"-rf",
        b" ",
        b"tab\there",
        b"\r",
        "\u{202e}fdp.exe".as_bytes(),
        "\u{2028}".as_bytes(),
        "e\u{301}".as_bytes(),
        b"~",
        &long,
        b"{\"event\":\"result\"}",
    ];
    for name in names {
        fs::write(root.join(OsStr::from_bytes(name)), "1").unwrap();
        fs::write(sub.join(OsStr::from_bytes(name)), "22").unwrap();
    }
    let found =
        Command::new("find").arg(&root).args(["-mindepth", "1", "-printf", "%P\\0"]).output().unwrap();
    let mut expected: Vec<Vec<u8>> =
        found.stdout.split(|b| *b == 0).filter(|path| !path.is_empty()).map(<[u8]>::to_vec).collect();
    expected.sort();
    let line = |json: bool| {
        let mut line = vec![OsStr::new("scan"), root.as_os_str(), OsStr::new("--list")];
        line.extend(json.then_some(OsStr::new("--json")));
        env.run(line).expect_code(0)
    };
    let ended = line(true);
    let mut listed: Vec<Vec<u8>> = ended.events("entry").iter().map(path).collect();
    listed.sort();
    assert_eq!(listed, expected, "{ended}");
    assert_eq!(result(&ended)["files"], 32);
    let told = line(false).out();
    let list: Vec<&str> = told.lines().take_while(|line| !line.starts_with(root.to_str().unwrap())).collect();
    assert_eq!(list.len(), expected.len(), "{told}");
    let harmful = |c: char| c != '\n' && (c.is_control() || ['\u{202e}', '\u{2028}'].contains(&c));
    assert!(!told.contains(harmful), "{told:?}");
}

/// What a line of JSON says the path is.
fn path(event: &Value) -> Vec<u8> {
    use base64::Engine;
    match (event["path"].as_str(), event["path_base64"].as_str()) {
        (Some(path), None) => path.as_bytes().to_vec(),
        (None, Some(path)) => base64::engine::general_purpose::STANDARD.decode(path).unwrap(),
        _ => panic!("{event} has no path, or two"),
    }
}

#[test]
fn a_tree_can_be_told_in_json() {
    let env = Env::new();
    let root = fs::canonicalize(env.mirror("")).unwrap().join("tree");
    let odd = OsStr::from_bytes(b"c\xff");
    for (dir, text) in [(root.join("a/b"), "12"), (root.join("a"), "1"), (root.join(odd), "12345")] {
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("f"), text).unwrap();
    }
    let dirs = |more: &[&str]| -> Vec<_> {
        let line = [&["scan", root.to_str().unwrap(), "--tree", "--json"], more].concat();
        let ended = env.run(line).expect_code(0);
        let told = result(&ended);
        assert_eq!([&told["files"], &told["dirs"]], [3, 4], "counted whole, however much is shown");
        let row = |e: &Value| {
            let n = ["depth", "files", "dirs", "bytes"].map(|key| e[key].as_u64().unwrap());
            (std::ffi::OsString::from_vec(path(e)), n)
        };
        ended.events("dir").iter().map(row).collect()
    };
    let all = [
        ("".into(), [0, 3, 4, 8]),
        ("a".into(), [1, 2, 2, 3]),
        ("a/b".into(), [2, 1, 1, 2]),
        (odd.to_owned(), [1, 1, 1, 5]),
    ];
    assert_eq!(dirs(&[]), all);
    let mut shallow = all.to_vec();
    shallow.remove(2);
    assert_eq!(dirs(&["--max-depth=1"]), shallow);
}
