//! A list with more IDs than the archive has entries.

use super::ids::{files_of, set};
use crate::support::{Env, one_job};
use std::collections::BTreeSet;
use std::fs;

const IDS: usize = 250_000;
/// Each of so many entries has a file at the source.
const EVERY: usize = 2_500;
/// Peak memory of pdb-sync until its hooks run, without the pages of the program file: about 130 bytes for each ID. 21 MB were measured.
const MOST: u64 = 32 << 20;

/// The ID with this number, among all that begin with a digit from 1 to 9.
fn id(number: usize) -> String {
    let digit = |n: usize| char::from_digit((n % 36) as u32, 36).unwrap();
    let first = char::from_digit((1 + number / 46_656) as u32, 10).unwrap();
    [first, digit(number / 1_296), digit(number / 36), digit(number)].into_iter().collect()
}

/// Neither the memory nor the work grows with more than the length of the list: the test would not end if every ID were compared with every
/// other.
#[test]
#[cfg(target_os = "linux")]
fn a_quarter_of_a_million_ids_are_a_list_like_any_other() {
    let env = Env::new();
    let source = env.dir().join("source/structures/divided/mmCIF");
    let mut there = BTreeSet::new();
    for id in (0..IDS).step_by(EVERY).map(id) {
        let name = format!("{}/{id}.cif.gz", &id[1..3]);
        fs::create_dir_all(source.join(&id[1..3])).unwrap();
        fs::write(source.join(&name), &id).unwrap();
        there.insert(name);
    }
    let list: Vec<String> = (0..IDS).map(id).collect();
    fs::write(env.dir().join("ids.txt"), list.join("\n")).unwrap();
    let peak = env.dir().join("peak");
    let more = format!(
        "ids = 'ids.txt'\ndelete = true\non_failure = ['''grep -E '^(VmHWM|RssFile):' /proc/$PPID/status >'{}' ''']",
        peak.display()
    );
    let config = one_job(&[&format!("{}/", source.display())], &env.mirror("j"), &more);
    let env = env.with_config(&config);
    for _ in 0..2 {
        let ended = env.run(["sync", "j", "--json"]).expect_code(3).finished();
        assert_eq!(ended["missing_ids"].as_array().unwrap().len(), IDS - there.len());
        assert_eq!(files_of(&env.mirror("j")), there);
        let status = fs::read_to_string(&peak).unwrap();
        let of = |key: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(key)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let peak = (of("VmHWM:") - of("RssFile:")) * 1024;
        assert!(peak < MOST, "{peak} bytes");
    }
    // All of them leave the list but one.
    let (kept, id) = (there.first().unwrap(), id(0));
    fs::write(env.dir().join("ids.txt"), &id).unwrap();
    env.run(["sync", "j", "--max-delete", "100%"]).expect_code(0);
    assert_eq!(files_of(&env.mirror("j")), set(&[kept]));
}
