//! Makes a plan from an inventory.

use super::find_whole_dirs::WholeDirs;
use super::judging::{candidate, dir_candidate, inside, is_project, judge_dir, kind_of};
use crate::clean::{
    Action, Candidate, Contents, ContentsHasher, Entry, Footer, Header, Judge, Kind, RootPrint, Stamp,
    Verdict, Why, Writer,
};
use crate::scan::inventory::{self, DirId, DirRef, Inventory, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Number and size of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weighed {
    /// Number of entries.
    pub entries: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// What a rule found, by the action for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleFound {
    /// Entries with the action of the rule.
    pub as_ruled: Weighed,
    /// Entries only marked for review although the rule would delete them, since upstream may have them.
    pub reviewed: Weighed,
}

impl RuleFound {
    /// The sum of both.
    pub fn all(&self) -> Weighed {
        let (a, b) = (self.as_ruled, self.reviewed);
        Weighed { entries: a.entries + b.entries, bytes: a.bytes + b.bytes }
    }
}

/// The result of planning.
#[derive(Debug)]
pub struct Planned {
    /// The footer of the plan.
    pub footer: Footer,
    /// By rule, in the order of the judge.
    pub by_rule: Vec<RuleFound>,
    /// Number of entries that no rule may change.
    pub protected: u64,
}

/// Returns the identity of a directory.
pub fn print_of(path: &Path, dev: u64, ino: u64) -> RootPrint {
    let bytes = path.as_os_str().as_bytes();
    let odd = std::str::from_utf8(bytes).is_err();
    let path_base64 = odd.then(|| STANDARD.encode(bytes));
    RootPrint { path: path.to_string_lossy().into_owned(), path_base64, dev, ino }
}

/// Returns the path of the directory of a plan or journal; `None` if it cannot be decoded.
pub fn root_of(print: &RootPrint) -> Option<PathBuf> {
    match &print.path_base64 {
        None => Some(print.path.clone().into()),
        Some(text) => Some(OsString::from_vec(STANDARD.decode(text).ok()?).into()),
    }
}

/// A directory whose end has not been reached.
struct Open<'a> {
    dir: DirRef<'a>,
    rule: Option<usize>,
    /// Whether everything below it is to be deleted.
    whole: bool,
    verdict: Option<(usize, Action)>,
}

/// Writes the entries that match a rule. The contents of a directory come before the directory. `as_one`: whether directories may be taken as
/// one, which needs inode numbers that stay the same.
pub fn plan<W: Write>(
    inventory: &Inventory,
    judge: &Judge,
    header: &Header,
    as_one: bool,
    out: W,
) -> io::Result<(Planned, W)> {
    let mut planner = Planner {
        judge,
        writer: Writer::new(out, header)?,
        by_rule: vec![RuleFound::default(); judge.rules().len()],
        protected: 0,
        links: HashSet::new(),
        scratch: Vec::new(),
    };
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut whole_dirs = WholeDirs::default();
    // Directories before this one are in a directory that was taken as one.
    let mut taken = DirId::ROOT;
    for dir in inventory.dirs() {
        if dir.id() < taken {
            continue;
        }
        while open.last().is_some_and(|last| last.dir.end() <= dir.id()) {
            planner.close(&mut open)?;
        }
        let path = dir.path();
        let below = open.last().and_then(|parent| parent.rule);
        let project = is_project(&dir);
        let verdict = if path.is_empty() { None } else { planner.judge_dir(&dir, &path, below, project) };
        if let Some((rule, Action::Delete)) = verdict
            && as_one
            && whole_dirs.has(inventory, judge, &dir, below)
        {
            planner.whole(inventory, &dir, path, rule)?;
            taken = dir.end();
            continue;
        }
        let inside = if path.is_empty() { None } else { inside(judge, verdict, below) };
        let readable = dir.state() == State::Read;
        let whole = readable && verdict.is_some();
        let all = planner.entries(&dir, inside, project)?;
        open.push(Open { dir, rule: inside, whole: whole && all, verdict });
    }
    while !open.is_empty() {
        planner.close(&mut open)?;
    }
    let (footer, out) = planner.writer.finish()?;
    Ok((Planned { footer, by_rule: planner.by_rule, protected: planner.protected }, out))
}

struct Planner<'a, W> {
    judge: &'a Judge,
    writer: Writer<W>,
    by_rule: Vec<RuleFound>,
    protected: u64,
    /// Inodes of files with several names, which are counted once.
    links: HashSet<u64>,
    scratch: Vec<usize>,
}

impl<W: Write> Planner<'_, W> {
    fn judge_dir(
        &mut self,
        dir: &DirRef<'_>,
        path: &[u8],
        below: Option<usize>,
        project: bool,
    ) -> Option<(usize, Action)> {
        match judge_dir(self.judge, dir, path, below, project, &mut self.scratch) {
            Verdict::Rule(rule, action) => Some((rule, action)),
            Verdict::Nothing => None,
            Verdict::Protected(_) => {
                self.protected += 1;
                None
            }
        }
    }

    /// Judges the entries of a directory. Returns whether all of them are to be deleted.
    fn entries(&mut self, dir: &DirRef<'_>, below: Option<usize>, project: bool) -> io::Result<bool> {
        let mut all = true;
        let dev = dir.stat().dev;
        let sibling = |name: &[u8]| dir.entry(name).is_some();
        for entry in dir.entries() {
            let path = dir.path_of(entry.name);
            let candidate = candidate(&path, &entry, below, project, &sibling);
            let (rule, action) = match self.judge.judge(&candidate, &mut self.scratch) {
                Verdict::Rule(rule, action) => (rule, action),
                Verdict::Nothing => {
                    all = false;
                    continue;
                }
                Verdict::Protected(_) => {
                    self.protected += 1;
                    all = false;
                    continue;
                }
            };
            all &= action == Action::Delete;
            let (stat, kind) = (entry.stat, candidate.kind);
            let again = stat.linked && !self.links.insert(stat.inode);
            let bytes = if again { 0 } else { stat.size };
            let (stamp, linked) = (stamp(dev, &entry), stat.linked);
            self.write(rule, Entry { kind, stamp, linked, bytes, ..plain(path.clone(), action) })?;
        }
        Ok(all)
    }

    /// Writes a directory that is taken as one.
    fn whole(
        &mut self,
        inventory: &Inventory,
        top: &DirRef<'_>,
        path: Vec<u8>,
        rule: usize,
    ) -> io::Result<()> {
        let (contents, bytes) = contents(inventory, top);
        let stamp = dir_stamp(top);
        let contents = Some(contents);
        self.write(rule, Entry { kind: Kind::Tree, stamp, contents, bytes, ..plain(path, Action::Delete) })
    }

    /// Judges the directory itself: it can be removed if everything in it is removed.
    fn close(&mut self, open: &mut Vec<Open<'_>>) -> io::Result<()> {
        let Some(Open { dir, whole, verdict, .. }) = open.pop() else { return Ok(()) };
        let goes = match verdict {
            Some((rule, action)) if whole || action != Action::Delete => {
                self.write(rule, Entry { stamp: dir_stamp(&dir), ..plain(dir.path(), action) })?;
                action == Action::Delete
            }
            _ => false,
        };
        if let Some(parent) = open.last_mut() {
            parent.whole &= goes;
        }
        Ok(())
    }

    fn write(&mut self, rule: usize, entry: Entry) -> io::Result<()> {
        if entry.action == Action::Keep {
            return Ok(());
        }
        let found = &mut self.by_rule[rule];
        let as_ruled = entry.action == self.judge.rules()[rule].action;
        let sum = if as_ruled { &mut found.as_ruled } else { &mut found.reviewed };
        sum.entries += entry.count();
        sum.bytes += entry.bytes;
        self.writer.entry(&Entry { rule: self.judge.rules()[rule].name.clone(), ..entry })
    }
}

/// A directory of a plan, without its stamp and its rule.
fn plain(path: Vec<u8>, action: Action) -> Entry {
    let (kind, stamp) = (Kind::Dir, Stamp { dev: 0, ino: 0, size: 0, mtime: 0, ctime: 0 });
    Entry { path, kind, stamp, contents: None, linked: false, bytes: 0, rule: String::new(), action }
}

fn stamp(dev: u64, entry: &inventory::Entry<'_>) -> Stamp {
    let stat = &entry.stat;
    Stamp { dev, ino: stat.inode, size: stat.size, mtime: stat.mtime, ctime: stat.ctime }
}

fn dir_stamp(dir: &DirRef<'_>) -> Stamp {
    Stamp { dev: dir.stat().dev, ino: dir.stat().inode, size: 0, mtime: 0, ctime: 0 }
}

/// What a directory contains at any depth, and its size in bytes.
fn contents(inventory: &Inventory, top: &DirRef<'_>) -> (Contents, u64) {
    let (mut hasher, mut bytes) = (ContentsHasher::default(), 0);
    let above = top.path().len();
    for dir in (top.id().0..top.end().0).filter_map(|id| inventory.dir(DirId(id))) {
        let path = dir.path();
        let own = dir_stamp(&dir);
        let entries: Vec<_> = dir
            .entries()
            .map(|entry| (entry.name, kind_of(entry.stat.kind), stamp(own.dev, &entry)))
            .collect();
        bytes += entries.iter().map(|(.., stamp)| stamp.size).sum::<u64>();
        hasher.dir(path.get(above + 1..).unwrap_or_default(), (own.dev, own.ino), entries);
    }
    (hasher.finish(), bytes)
}

/// Returns what the rules say about one path of an inventory; `None` if the path is not in it.
pub fn explain(inventory: &Inventory, judge: &Judge, path: &[u8]) -> Option<(Verdict, Vec<Why>)> {
    use inventory::Member;
    // A rule that matched a directory above applies to everything below it.
    let above = |dir: &DirRef<'_>| {
        let mut dirs: Vec<DirRef<'_>> = dir.ancestors().filter(|dir| !dir.path().is_empty()).collect();
        dirs.reverse();
        let mut below = None;
        for dir in dirs {
            let path = dir.path();
            below = match judge.judge(&dir_candidate(&dir, &path, below), &mut Vec::new()) {
                Verdict::Rule(rule, _) if judge.rules()[rule].special.is_none() => Some(rule),
                _ => below.filter(|rule| judge.rules()[*rule].action == Action::Keep),
            };
        }
        below
    };
    match inventory.lookup(path)? {
        Member::Dir(dir) => {
            let below = dir.parent().and_then(|parent| above(&parent));
            let path = dir.path();
            let candidate = Candidate { in_project: is_project(&dir), ..dir_candidate(&dir, &path, below) };
            Some(judge.explain(&candidate))
        }
        Member::Entry(dir, entry) => {
            let path = dir.path_of(entry.name);
            let sibling = |name: &[u8]| dir.entry(name).is_some();
            Some(judge.explain(&candidate(&path, &entry, above(&dir), is_project(&dir), &sibling)))
        }
    }
}
