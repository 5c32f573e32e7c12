//! A plan of a million entries.

use super::super::support::Env;
use pdb_sync::clean::{Action, Entry, Header, Kind, RootPrint, RuleNote, Stamp, Writer};
use std::fs::{self, File};
use std::io::{BufWriter, Read};
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

const ENTRIES: u64 = 1_000_000;
/// Bytes.
const MOST: u64 = 100 << 20;

#[test]
fn a_million_entries_take_no_more_memory_than_a_few() {
    let env = Env::new();
    let root = env.mirror("m");
    fs::create_dir_all(&root).unwrap();
    let root = root.canonicalize().unwrap();
    let meta = fs::metadata(&root).unwrap();
    let header = Header {
        pdb_sync_plan: 1,
        time: "2026-11-22T00:00:00Z".into(),
        host: "h".into(),
        user: 0,
        job: None,
        root: RootPrint {
            path: root.to_str().unwrap().into(),
            path_base64: None,
            dev: meta.dev(),
            ino: meta.ino(),
        },
        tree_entries: ENTRIES,
        tree_bytes: ENTRIES,
        rules: vec![RuleNote { name: "editor".into(), reason: "left over".into() }],
        rules_blake3: None,
        ..Header::default()
    };
    let path = env.dir().join("big.plan.ndjson");
    let mut writer = Writer::new(BufWriter::new(File::create(&path).unwrap()), &header).unwrap();
    for n in 0..ENTRIES {
        let stamp = Stamp { dev: meta.dev(), ino: n, size: 1, mtime: 1, ctime: 1 };
        let (rule, action) = ("editor".into(), Action::Delete);
        let path = format!("{:03}/{:07}.cif.gz~", n % 1000, n).into_bytes();
        writer
            .entry(&Entry {
                path,
                kind: Kind::File,
                stamp,
                contents: None,
                linked: false,
                bytes: 1,
                rule,
                action,
            })
            .unwrap();
    }
    writer.finish().unwrap();
    // The whole plan has been read, and folded, before the first byte of an export is written, which nobody takes.
    let mut command = env.command(["clean", "show", "--export", "nul"]);
    let mut child = command.arg(&path).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = [0];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let of = |key: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let peak = (of("VmHWM:") - of("RssFile:")) * 1024;
    assert!(peak < MOST, "{peak} bytes");
}
