//! Decides which rule applies to an entry, and explains why the others do not.

use super::builtin::spares_upstreams;
use super::lists::Lists;
use super::protect;
use super::rule::{Action, Kind, Rule, Special};
use super::upstream::{Mirror, Upstream, look_up};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// Endings of the files in archives. They identify a `.NAME.XXXXXX` that rsync left behind.
const ENDINGS: [&str; 12] =
    [".gz", ".cif", ".ent", ".xml", ".bcif", ".pdb", ".txt", ".dat", ".idx", ".tar", ".map", ".json"];

/// An entry to judge.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// Path relative to the root.
    pub path: &'a [u8],
    /// The kind of the entry.
    pub kind: Kind,
    /// Size in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime: i64,
    /// Change time, nanoseconds since 1970.
    pub ctime: i64,
    /// For a directory: whether it is empty.
    pub empty: bool,
    /// Whether the directory of the entry contains the manifest of a project.
    pub in_project: bool,
    /// Index of the rule for directories that decided about a directory above it.
    pub below: Option<usize>,
    /// Whether the directory of the entry contains a name.
    pub sibling: &'a dyn Fn(&[u8]) -> bool,
}

/// The result of a rule for an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The rule decides.
    Decides,
    /// The rule is disabled.
    Off,
    /// No pattern matches.
    Pattern,
    /// The rule is for another kind of entry.
    Kind,
    /// The entry is too small or too large.
    Size,
    /// The entry is too young or too old.
    Age,
    /// A pattern matches, but the additional condition does not hold.
    Special,
    /// Upstream has the entry.
    Upstream,
    /// An earlier rule decided.
    Late,
}

impl Why {
    /// The result in words.
    pub fn text(&self) -> &'static str {
        match self {
            Why::Decides => "decides",
            Why::Off => "is turned off",
            Why::Pattern => "its pattern does not match",
            Why::Kind => "it is for another kind of entry",
            Why::Size => "the size is out of its range",
            Why::Age => "the age is out of its range",
            Why::Special => "the name matches, but not the other conditions (see `pdb-sync clean rules`)",
            Why::Upstream => "upstream has it: the next sync would fetch it again",
            Why::Late => "would match, but an earlier rule decides",
        }
    }
}

/// The decision about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No rule matches it.
    Nothing,
    /// No rule may change it, with the reason.
    Protected(&'static str),
    /// The rule with this index decides.
    Rule(usize, Action),
}

/// The origin of a glob.
#[derive(Debug, Clone, Copy)]
struct Owner {
    rule: usize,
    /// Whether the pattern ended in a slash, and so matches directories only.
    dirs: bool,
}

/// Compiled rules.
#[derive(Debug)]
pub struct Judge {
    rules: Vec<Rule>,
    globs: GlobSet,
    /// The origin of each glob.
    owners: Vec<Owner>,
    lists: Lists,
    now: i64,
    at_root: bool,
    mirrors: Vec<Mirror>,
}

impl Judge {
    /// `now` is in nanoseconds since 1970. The error names the pattern.
    pub fn new(rules: Vec<Rule>, now: i64) -> Result<Self, globset::Error> {
        let mut globs = GlobSetBuilder::new();
        let mut owners = Vec::new();
        for (n, rule) in rules.iter().enumerate() {
            for pattern in &rule.patterns {
                let plain = pattern.trim_end_matches('/');
                let anywhere = !plain.contains('/');
                let text =
                    if anywhere { format!("**/{plain}") } else { plain.trim_start_matches('/').into() };
                globs.add(GlobBuilder::new(&text).literal_separator(true).build()?);
                owners.push(Owner { rule: n, dirs: plain.len() < pattern.len() });
                if let Some(dir) = rule.whole_dir(&text) {
                    globs.add(GlobBuilder::new(dir).literal_separator(true).build()?);
                    owners.push(Owner { rule: n, dirs: true });
                }
            }
        }
        Ok(Judge {
            rules,
            globs: globs.build()?,
            owners,
            lists: Lists::default(),
            now,
            at_root: false,
            mirrors: Vec::new(),
        })
    }

    /// Sets the lists of absent and obsolete entries.
    pub fn with(self, lists: Lists) -> Self {
        Judge { lists, ..self }
    }

    /// Sets whether the tree is the root of a file system. Then the names that the file system reserves there are protected.
    pub fn at_root(self, at_root: bool) -> Self {
        Judge { at_root, ..self }
    }

    /// Sets the mirrors of jobs that the tree is, contains or lies in. Built-in rules leave alone what their sources have. Where that is
    /// unknown, built-in rules only mark entries for review.
    pub fn of_mirrors(self, mirrors: Vec<Mirror>) -> Self {
        Judge { mirrors, ..self }
    }

    /// The mirrors that the tree is, contains or lies in.
    pub fn mirrors(&self) -> &[Mirror] {
        &self.mirrors
    }

    /// Returns BLAKE3 of the contents of all enabled rules, in hexadecimal.
    pub fn hash(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for rule in self.rules.iter().filter(|rule| rule.on) {
            hash.update(format!("{rule:?}\n").as_bytes());
        }
        hash.finalize().to_hex().to_string()
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Decides about an entry.
    pub fn judge(&self, entry: &Candidate<'_>, scratch: &mut Vec<usize>) -> Verdict {
        if let Some(why) = self.protected(entry) {
            return Verdict::Protected(why);
        }
        self.matches(entry, scratch);
        let decides = |n: &usize| self.why(*n, entry, true) == Why::Decides;
        let first = scratch.iter().copied().find(decides);
        let below = entry.below.filter(|n| self.fits(*n, entry));
        match first.into_iter().chain(below).min() {
            Some(n) => Verdict::Rule(n, self.action(n, entry)),
            None => Verdict::Nothing,
        }
    }

    /// Returns the action of the deciding rule for an entry.
    fn action(&self, n: usize, entry: &Candidate<'_>) -> Action {
        match self.rules[n].action {
            Action::Delete if self.upstream(n, entry) == Upstream::Unknown => Action::Review,
            action => action,
        }
    }

    /// Whether upstream has the entry; `HasNot` if the rule does not depend on it.
    fn upstream(&self, n: usize, entry: &Candidate<'_>) -> Upstream {
        match spares_upstreams(&self.rules[n]) {
            true => look_up(&self.mirrors, entry.path),
            false => Upstream::HasNot,
        }
    }

    /// Decides about an entry, and returns the result of each rule, in order.
    pub fn explain(&self, entry: &Candidate<'_>) -> (Verdict, Vec<Why>) {
        let mut scratch = Vec::new();
        let verdict = self.judge(entry, &mut scratch);
        let decided = match verdict {
            Verdict::Rule(n, _) => Some(n),
            _ => None,
        };
        let why = |n: usize| match self.why(n, entry, scratch.contains(&n)) {
            _ if decided == Some(n) => Why::Decides,
            Why::Decides => Why::Late,
            why => why,
        };
        (verdict, (0..self.rules.len()).map(why).collect())
    }

    /// Collects the indexes of the rules that have a matching pattern.
    fn matches(&self, entry: &Candidate<'_>, into: &mut Vec<usize>) {
        self.globs.matches_into(Path::new(OsStr::from_bytes(entry.path)), into);
        into.retain(|n| self.means_kind(self.owners[*n], entry.kind));
        for n in into.iter_mut() {
            *n = self.owners[*n].rule;
        }
        into.sort_unstable();
        into.dedup();
    }

    /// Whether a pattern applies to entries of this kind. The kind that the rule itself names is checked separately.
    fn means_kind(&self, owner: Owner, kind: Kind) -> bool {
        match (kind, owner.dirs) {
            (Kind::Dir, dirs) => {
                dirs || self.rules[owner.rule].kind.is_some() || self.rules[owner.rule].keeps_dirs()
            }
            (_, dirs) => !dirs,
        }
    }

    /// Returns why no rule may change the entry.
    fn protected(&self, entry: &Candidate<'_>) -> Option<&'static str> {
        if super::path::check(entry.path).is_err() {
            return Some("it is not below the root, or it is the quarantine");
        }
        if protect::in_version_control(entry.path) {
            return Some("it belongs to a version control system");
        }
        if self.at_root && crate::model::system_names::is_of_a_file_system(entry.path) {
            return Some("it belongs to the file system");
        }
        entry.in_project.then_some("its directory holds the manifest of a project")
    }

    fn why(&self, n: usize, entry: &Candidate<'_>, pattern: bool) -> Why {
        let rule = &self.rules[n];
        match () {
            () if !rule.on => Why::Off,
            () if !pattern => Why::Pattern,
            () if rule.kind.is_some_and(|kind| kind != entry.kind) => Why::Kind,
            () if !self.size_fits(rule, entry) => Why::Size,
            () if !self.age_fits(rule, entry) => Why::Age,
            () if !self.special(rule.special, entry) => Why::Special,
            () if self.upstream(n, entry) == Upstream::Has => Why::Upstream,
            () => Why::Decides,
        }
    }

    /// Whether an entry below a directory that the rule matched satisfies the rule too.
    fn fits(&self, n: usize, entry: &Candidate<'_>) -> bool {
        let aged = self.rules.get(n).is_some_and(|rule| self.age_fits(rule, entry));
        aged && self.upstream(n, entry) != Upstream::Has
    }

    fn size_fits(&self, rule: &Rule, entry: &Candidate<'_>) -> bool {
        entry.kind == Kind::Dir
            || rule.min_size.is_none_or(|least| entry.size >= least)
                && rule.max_size.is_none_or(|most| entry.size <= most)
    }

    fn age_fits(&self, rule: &Rule, entry: &Candidate<'_>) -> bool {
        // A file with a time in the future counts as new.
        let since = if rule.special == Some(Special::Backup) { entry.ctime } else { entry.mtime };
        let age = u64::try_from(self.now.saturating_sub(since)).unwrap_or(0);
        let age = Duration::from_nanos(age);
        rule.min_age.is_none_or(|least| age >= least) && rule.max_age.is_none_or(|most| age <= most)
    }

    fn special(&self, special: Option<Special>, entry: &Candidate<'_>) -> bool {
        let name = super::path::split(entry.path).1;
        match special {
            None | Some(Special::Backup) => true,
            Some(Special::EmptyDir) => entry.empty,
            Some(Special::OddName) => is_odd(name),
            Some(Special::Absent) => self.lists.is_absent(entry.path),
            Some(Special::Obsolete) => self.lists.is_obsolete(entry.path),
            Some(Special::RsyncTemp) => target_of_temp(name).is_some_and(|target| {
                let known = ENDINGS.iter().any(|ending| target.ends_with(ending.as_bytes()));
                known || (entry.sibling)(target)
            }),
        }
    }
}

/// Returns `NAME` of `.NAME.XXXXXX`, as made by `mkstemp`: six letters or digits. Ordinary dotfiles may look the same: `.bashrc.before`.
fn target_of_temp(name: &[u8]) -> Option<&[u8]> {
    let (front, end) = name.strip_prefix(b".")?.split_at_checked(name.len().checked_sub(8)?)?;
    let random = end.strip_prefix(b".")?;
    (!front.is_empty() && random.len() == 6 && random.iter().all(u8::is_ascii_alphanumeric)).then_some(front)
}

/// Whether Windows or macOS does not support the name, or a terminal cannot show it.
fn is_odd(name: &[u8]) -> bool {
    let forbidden = |b: &u8| b.is_ascii_control() || br#"<>:"\|?*"#.contains(b);
    std::str::from_utf8(name).is_err()
        || name.iter().any(forbidden)
        || name.ends_with(b" ")
        || name.ends_with(b".")
}
