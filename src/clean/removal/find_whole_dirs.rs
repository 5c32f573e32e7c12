//! Finds the directories that a plan takes as one: the same rule deletes the directory and everything in it.
//!
//! Entry by entry go: what a transfer may be writing, files with several names (removing one changes the others), and directories with files
//! that readers of a mirror look for, since names in a directory that is moved as one are not escaped.

use super::judging::{candidate, inside, is_project, judge_dir};
use crate::clean::{Action, Judge, Verdict, is_of_a_transfer};
use crate::scan::inventory::{DirId, DirRef, Inventory, State};
use std::collections::HashSet;

/// Parts of the names that readers of a mirror look for.
const READ: [&str; 9] = [".gz", ".Z", ".cif", ".ent", ".pdb", ".bcif", ".mmtf", ".xml", ".map"];

/// Looks at each directory that a rule deletes, with all below it, once.
#[derive(Debug, Default)]
pub(super) struct WholeDirs {
    /// Directories before this one were looked at.
    seen: Option<DirId>,
    found: HashSet<DirId>,
}

/// A directory whose end has not been reached.
struct Level<'a> {
    dir: DirRef<'a>,
    inside: Option<usize>,
    /// The rule that deletes it and everything in it so far.
    rule: Option<usize>,
}

fn is_looked_for(name: &[u8]) -> bool {
    READ.iter().any(|part| memchr::memmem::find(name, part.as_bytes()).is_some())
}

impl WholeDirs {
    /// Whether a directory may be taken as one. Directories must come in their order. `below`: the rule that applies to everything in its parent.
    pub(super) fn has(
        &mut self,
        inventory: &Inventory,
        judge: &Judge,
        dir: &DirRef<'_>,
        below: Option<usize>,
    ) -> bool {
        if self.seen.is_none_or(|seen| dir.id() >= seen) {
            self.found.clear();
            self.look(inventory, judge, dir, below);
            self.seen = Some(dir.end());
        }
        self.found.contains(&dir.id())
    }

    fn look(&mut self, inventory: &Inventory, judge: &Judge, top: &DirRef<'_>, below: Option<usize>) {
        let (mut open, mut scratch): (Vec<Level<'_>>, _) = (Vec::new(), Vec::new());
        for dir in (top.id().0..top.end().0).filter_map(|id| inventory.dir(DirId(id))) {
            while open.last().is_some_and(|last| last.dir.end() <= dir.id()) {
                self.close(&mut open);
            }
            let below = open.last().map_or(below, |above| above.inside);
            let (path, project) = (dir.path(), is_project(&dir));
            let verdict = match judge_dir(judge, &dir, &path, below, project, &mut scratch) {
                Verdict::Rule(rule, action) => Some((rule, action)),
                Verdict::Nothing | Verdict::Protected(_) => None,
            };
            let inside = inside(judge, verdict, below);
            let known = dir.state() == State::Read
                && dir.stat().dev == top.stat().dev
                && (dir.id() == top.id() || !is_looked_for(dir.name()));
            let rule = verdict.filter(|(_, action)| known && *action == Action::Delete).map(|(rule, _)| rule);
            let rule = rule.filter(|rule| {
                let found = &judge.rules()[*rule];
                found.special.is_none() && !is_of_a_transfer(&found.name)
            });
            let sibling = |name: &[u8]| dir.entry(name).is_some();
            let rule = rule.filter(|rule| {
                dir.entries().all(|entry| {
                    let path = dir.path_of(entry.name);
                    let candidate = candidate(&path, &entry, inside, project, &sibling);
                    !entry.stat.linked
                        && !is_looked_for(entry.name)
                        && judge.judge(&candidate, &mut scratch) == Verdict::Rule(*rule, Action::Delete)
                })
            });
            open.push(Level { dir, inside, rule });
        }
        while !open.is_empty() {
            self.close(&mut open);
        }
    }

    fn close(&mut self, open: &mut Vec<Level<'_>>) {
        let Some(Level { dir, rule, .. }) = open.pop() else { return };
        let empty = dir.entries().next().is_none() && dir.dirs().next().is_none();
        if rule.is_some() && !empty {
            self.found.insert(dir.id());
        }
        if let Some(above) = open.last_mut() {
            above.rule = above.rule.filter(|above| Some(*above) == rule);
        }
    }
}
