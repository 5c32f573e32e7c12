//! The program that `scan.sh` compares with: the parallel walker of the `ignore` crate. It calls `stat` for every entry and keeps the same
//! data as a scan.
//!
//! `ignore_walk THREADS ROOT` prints the number of entries and the sum of their sizes.

use ignore::{DirEntry, ParallelVisitor, ParallelVisitorBuilder, WalkBuilder, WalkState};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

/// The results of one thread.
#[derive(Default)]
struct Found {
    names: Vec<u8>,
    records: Vec<Record>,
    errors: u64,
}

struct Record {
    name_end: u32,
    size: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
    inode: u64,
}

/// Adds its results to `all` when its thread ends.
struct Visitor<'a> {
    found: Found,
    all: &'a Mutex<Vec<Found>>,
}

impl Visitor<'_> {
    fn keep(&mut self, entry: &DirEntry) -> Result<(), ignore::Error> {
        let stat = entry.metadata()?;
        self.found.names.extend_from_slice(entry.file_name().as_bytes());
        self.found.records.push(Record {
            name_end: self.found.names.len() as u32,
            size: stat.len(),
            mtime: (stat.mtime(), stat.mtime_nsec()),
            ctime: (stat.ctime(), stat.ctime_nsec()),
            inode: stat.ino(),
        });
        Ok(())
    }
}

impl ParallelVisitor for Visitor<'_> {
    fn visit(&mut self, entry: Result<DirEntry, ignore::Error>) -> WalkState {
        if entry.and_then(|entry| self.keep(&entry)).is_err() {
            self.found.errors += 1;
        }
        WalkState::Continue
    }
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        let found = std::mem::take(&mut self.found);
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(found);
    }
}

struct Visitors<'a>(&'a Mutex<Vec<Found>>);

impl<'s> ParallelVisitorBuilder<'s> for Visitors<'s> {
    fn build(&mut self) -> Box<dyn ParallelVisitor + 's> {
        Box::new(Visitor { found: Found::default(), all: self.0 })
    }
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args_os().skip(1).filter(|argument| argument != "--bench");
    let threads = arguments.next().and_then(|n| n.to_str()?.parse().ok());
    let (Some(threads), Some(root)) = (threads, arguments.next()) else {
        // `cargo bench` passes no tree.
        return writeln!(io::stderr(), "usage: ignore_walk THREADS ROOT");
    };
    let all = Mutex::new(Vec::new());
    let walk = WalkBuilder::new(root).standard_filters(false).threads(threads).build_parallel();
    walk.visit(&mut Visitors(&all));
    let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let sum = |of: fn(&Found) -> u64| all.iter().map(of).sum::<u64>();
    let entries = sum(|found| found.records.len() as u64);
    let bytes = sum(|found| found.records.iter().map(|record| record.size).sum());
    // Read all fields once, so that the compiler cannot optimize them away.
    let rest = sum(|found| {
        let one = |r: &Record| r.mtime.0 ^ r.mtime.1 ^ r.ctime.0 ^ r.ctime.1 ^ r.inode as i64;
        found.records.iter().fold(0, |all, r| all ^ one(r) as u64 ^ u64::from(r.name_end)) & 1
    });
    let errors = sum(|found| found.errors);
    writeln!(io::stdout(), "{entries} entries, {bytes} bytes, {errors} errors, {rest}")
}
