//! Makes a plan from an inventory.

use crate::clean::{
    Action, Candidate, Entry, Footer, Header, Judge, Kind, MANIFESTS, RootPrint, Stamp, Verdict, Why, Writer,
    is_version_control,
};
use crate::scan::inventory::{self, DirRef, Inventory, State};
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

/// Writes the entries that match a rule. The contents of a directory come before the directory.
pub fn plan<W: Write>(
    inventory: &Inventory,
    judge: &Judge,
    header: &Header,
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
    for dir in inventory.dirs() {
        while open.last().is_some_and(|last| last.dir.end() <= dir.id()) {
            planner.close(&mut open)?;
        }
        let path = dir.path();
        let below = open.last().and_then(|parent| parent.rule);
        let project = is_project(&dir);
        let verdict = if path.is_empty() { None } else { planner.judge_dir(&dir, &path, below, project) };
        // A rule that keeps a directory or marks it for review does not apply to each file in it; one that deletes does.
        let rule = verdict.map(|(rule, _)| rule).filter(|rule| judge.rules()[*rule].special.is_none());
        // What is kept is kept with everything below it.
        let rule = rule.or(below.filter(|rule| judge.rules()[*rule].action == Action::Keep));
        let readable = dir.state() == State::Read;
        let whole = readable && verdict.is_some();
        let inside = if path.is_empty() { None } else { rule };
        let all = planner.entries(&dir, inside, project)?;
        open.push(Open { dir, rule: inside, whole: whole && all, verdict });
    }
    while !open.is_empty() {
        planner.close(&mut open)?;
    }
    let (footer, out) = planner.writer.finish()?;
    Ok((Planned { footer, by_rule: planner.by_rule, protected: planner.protected }, out))
}

fn is_project(dir: &DirRef<'_>) -> bool {
    MANIFESTS.iter().any(|name| dir.entry(name.as_bytes()).is_some())
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
        if project || is_version_control(dir.name()) {
            self.protected += 1;
            return None;
        }
        match self.judge.judge(&dir_candidate(dir, path, below), &mut self.scratch) {
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
            let stat = entry.stat;
            let candidate = Candidate {
                path: &path,
                kind: kind_of(stat.kind),
                size: stat.size,
                mtime: stat.mtime,
                ctime: stat.ctime,
                empty: false,
                in_project: project,
                below,
                sibling: &sibling,
            };
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
            let again = stat.linked && !self.links.insert(stat.inode);
            let stamp = Stamp { dev, ino: stat.inode, size: stat.size, mtime: stat.mtime, ctime: stat.ctime };
            let bytes = if again { 0 } else { stat.size };
            let kind = candidate.kind;
            self.write(rule, action, &path, kind, stamp, stat.linked, bytes)?;
        }
        Ok(all)
    }

    /// Judges the directory itself: it can be removed if everything in it is removed.
    fn close(&mut self, open: &mut Vec<Open<'_>>) -> io::Result<()> {
        let Some(Open { dir, whole, verdict, .. }) = open.pop() else { return Ok(()) };
        let goes = match verdict {
            Some((rule, action)) if whole || action != Action::Delete => {
                let stamp = Stamp { dev: dir.stat().dev, ino: dir.stat().inode, size: 0, mtime: 0, ctime: 0 };
                self.write(rule, action, &dir.path(), Kind::Dir, stamp, false, 0)?;
                action == Action::Delete
            }
            _ => false,
        };
        if let Some(parent) = open.last_mut() {
            parent.whole &= goes;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "they are the fields of what is written")]
    fn write(
        &mut self,
        rule: usize,
        action: Action,
        path: &[u8],
        kind: Kind,
        stamp: Stamp,
        linked: bool,
        bytes: u64,
    ) -> io::Result<()> {
        if action == Action::Keep {
            return Ok(());
        }
        let found = &mut self.by_rule[rule];
        let as_ruled = action == self.judge.rules()[rule].action;
        let sum = if as_ruled { &mut found.as_ruled } else { &mut found.reviewed };
        sum.entries += 1;
        sum.bytes += bytes;
        let rule = self.judge.rules()[rule].name.clone();
        self.writer.entry(&Entry { path: path.into(), kind, stamp, linked, bytes, rule, action })
    }
}

fn kind_of(kind: inventory::Kind) -> Kind {
    match kind {
        inventory::Kind::File => Kind::File,
        inventory::Kind::Symlink => Kind::Symlink,
        inventory::Kind::Other => Kind::Other,
    }
}

const ALONE: &dyn Fn(&[u8]) -> bool = &|_| false;

fn dir_candidate<'a>(dir: &DirRef<'_>, path: &'a [u8], below: Option<usize>) -> Candidate<'a> {
    let empty = dir.state() == State::Read && dir.entries().next().is_none() && dir.dirs().next().is_none();
    let (mtime, ctime) = (dir.stat().mtime, dir.stat().ctime);
    Candidate {
        path,
        kind: Kind::Dir,
        size: 0,
        mtime,
        ctime,
        empty,
        in_project: false,
        below,
        sibling: ALONE,
    }
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
            Some(judge.explain(&Candidate {
                path: &path,
                kind: kind_of(entry.stat.kind),
                size: entry.stat.size,
                mtime: entry.stat.mtime,
                ctime: entry.stat.ctime,
                empty: false,
                in_project: is_project(&dir),
                below: above(&dir),
                sibling: &sibling,
            }))
        }
    }
}
