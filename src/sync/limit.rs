//! What a job that is limited to entries asks of its source: the names that the files of these entries may have. The source is not walked.
//!
//! Where the layout gives the names, they are asked for directly; which of them exist is seen in the listing. Elsewhere one or two short
//! listings find them: of the top, and of the directories `HH/` of these entries.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::entries_seen::NOT_SHAPED;
use super::name_list::NameList;
use super::scope::Scope;
use crate::mirrors::{Catalogue, EntryPath, Shape};
use crate::model::job::{Job, OnlyEntries, Source};
use crate::model::pdb::{EntryId, entry_in};
use crate::model::result::Reason;
use crate::rsync::args;
use crate::rsync::exit::Class;
use crate::rsync::output::{Change, ChangeKind, unescape};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many directories at the top of a source are remembered, for a message.
const MOST_DIRS: usize = 10_000;
/// How many paths a hint suggests.
const SUGGESTED: usize = 3;

/// What the top of a source has.
#[derive(Default)]
struct Top {
    /// Directories, at most [`MOST_DIRS`].
    dirs: BTreeSet<String>,
    /// Files and directories of the entries.
    found: Vec<(Vec<u8>, bool)>,
    /// Whether any file or directory belongs to an entry.
    any: bool,
}

impl AttemptRunner<'_> {
    /// The job for a listing of everything that this attempt may bring: the job itself, or that of its scope.
    pub(super) fn of<'s>(&self, scope: &'s Option<Arc<Scope>>) -> (&'s Job, &'s Source)
    where
        Self: 's,
    {
        match scope {
            Some(scope) => (&scope.job, &scope.job.sources[0]),
            None => (self.job, self.source),
        }
    }

    /// Whether the names of a request are those of the scope, not all of which the source needs to have.
    pub(super) fn is_optional(&self, job: &Job) -> bool {
        let list = args::files_from(&job.rsync_args);
        self.scope.as_ref().is_some_and(|scope| list == args::files_from(&scope.job.rsync_args))
    }

    /// Limits the attempt to the entries of the job, if it has any.
    pub(super) async fn limit(&mut self, shape: Option<Shape>) -> Result<(), AttemptEnd> {
        let Some(only) = self.job.only.clone() else { return Ok(()) };
        let own = args::own_directory(&self.job.rsync_args, self.source);
        let own = own.map(|own| format!("{own}/")).unwrap_or_default();
        let filtered = args::unfiltered(self.job).is_some();
        let shape = shape.unwrap_or_else(|| Catalogue::built_in().shape(self.source));
        let hashes: BTreeSet<String> =
            only.ids.ids().iter().map(|id| String::from_utf8_lossy(id.hash()).into_owned()).collect();
        let mut list = NameList::new(self.source);
        let (deep, by_layout) = match shape {
            Shape::Named(paths) => {
                let divided = paths.iter().any(EntryPath::is_divided);
                // rsync would enter a directory `HH/` that the filters exclude, since it is above a name of the list.
                let top = if filtered && divided { Some(self.top(&only, &own).await?) } else { None };
                for id in only.ids.ids() {
                    let hash = String::from_utf8_lossy(id.hash());
                    if top.as_ref().is_some_and(|top| !top.dirs.contains(&*hash)) {
                        continue;
                    }
                    let names = paths.iter().flat_map(|path| path.of(id));
                    names.for_each(|name| list.push_with_root(format!("{own}{name}").as_bytes()));
                }
                (paths.iter().any(EntryPath::is_dir), true)
            }
            Shape::Divided | Shape::Unknown => {
                let top = if filtered || shape == Shape::Unknown {
                    Some(self.top(&only, &own).await?)
                } else {
                    None
                };
                let hashes: Vec<String> = match &top {
                    Some(top) => hashes.into_iter().filter(|hash| top.dirs.contains(hash)).collect(),
                    None => hashes.into_iter().collect(),
                };
                let mut found = top.as_ref().map(|top| top.found.clone()).unwrap_or_default();
                let shaped = self.look_into(&only, &own, &hashes, &mut found).await?;
                if let Some(top) = top.filter(|top| !shaped && !top.any && shape == Shape::Unknown) {
                    return Err(self.not_shaped(&top));
                }
                found.iter().for_each(|(name, _)| list.push_with_root(name));
                (found.iter().any(|(_, dir)| *dir), false)
            }
        };
        if list.len() == 0 {
            // A list is needed, and this name is not at any source.
            list.push_with_root(format!("{own}.pdb-sync/-").as_bytes());
        }
        let job = list.listing_job(self.job, deep).ok_or_else(cannot_list)?;
        self.scope = Some(Arc::new(Scope { job, by_layout, _list: list }));
        Ok(())
    }

    /// Lists the top of the source.
    async fn top(&mut self, only: &OnlyEntries, own: &str) -> Result<Top, AttemptEnd> {
        let mut top = Top::default();
        let mut note = |name: &[u8], dir: bool| {
            let Some(inner) = name.strip_prefix(own.as_bytes()) else { return };
            if dir && top.dirs.len() < MOST_DIRS {
                top.dirs.insert(String::from_utf8_lossy(inner).into_owned());
            }
            if let Some(id) = of_entry(inner, dir) {
                top.any = true;
                if only.ids.position(&id).is_some() {
                    top.found.push((name.to_vec(), dir));
                }
            }
        };
        let name = if own.is_empty() { "." } else { own };
        self.names_in([name.to_owned()].into_iter(), &mut note).await?;
        Ok(top)
    }

    /// Lists the directories of these entries. Returns whether any file or directory in them belongs to an entry.
    async fn look_into(
        &mut self,
        only: &OnlyEntries,
        own: &str,
        hashes: &[String],
        found: &mut Vec<(Vec<u8>, bool)>,
    ) -> Result<bool, AttemptEnd> {
        if hashes.is_empty() {
            return Ok(false);
        }
        let mut any = false;
        let mut note = |name: &[u8], dir: bool| {
            let inner = name.strip_prefix(own.as_bytes()).and_then(|inner| inner.split_at_checked(3));
            let Some((_, inner)) = inner.filter(|(hash, _)| hash.ends_with(b"/")) else { return };
            if let Some(id) = of_entry(inner, dir) {
                any = true;
                if only.ids.position(&id).is_some() {
                    found.push((name.to_vec(), dir));
                }
            }
        };
        self.names_in(hashes.iter().map(|hash| format!("{own}{hash}/")), &mut note).await?;
        Ok(any)
    }

    /// Lists the contents of directories, one level deep, as far as the filters let them through.
    async fn names_in(
        &mut self,
        dirs: impl Iterator<Item = String>,
        note: &mut (dyn FnMut(&[u8], bool) + Send),
    ) -> Result<(), AttemptEnd> {
        let mut list = NameList::new(self.source);
        dirs.for_each(|dir| list.push(dir.as_bytes()));
        // There is no such directory, so everything is listed.
        let nowhere = self.plan.state_dir.join("listings").join(".none").join(&self.plan.run);
        let mut passing = args::passing(self.job, nowhere);
        // In a listing of one level, every directory is an empty one.
        passing.rsync_args.push("--no-prune-empty-dirs".into());
        let job = list.listing_job(&passing, false).ok_or_else(cannot_list)?;
        self.scope = Some(Arc::new(Scope { job, by_layout: false, _list: list }));
        let scope = self.scope.clone();
        let mut changes = |change: &Change<'_>| {
            if change.kind == ChangeKind::Created && change.name != b"." {
                note(&unescape(change.name), change.dir);
            }
            false
        };
        self.ask(self.of(&scope), &mut changes).await?;
        self.scope = None;
        Ok(())
    }

    /// The end of an attempt on a source without entries of the PDB.
    fn not_shaped(&self, top: &Top) -> AttemptEnd {
        let dirs: Vec<&str> = top.dirs.iter().map(String::as_str).collect();
        let kinds = Catalogue::built_in().kinds_among(self.source, &dirs);
        let filtered = args::unfiltered(self.job).is_some();
        let through = if filtered { ", as far as the filters of the job let them through" } else { "" };
        let text = format!(
            "{} shows no entries of the PDB at its top, nor in directories of the entries{through}",
            self.source
        );
        let hint = match kinds.is_empty() {
            true if filtered => {
                format!("do the filters of the job leave out the entries? if not: {NOT_SHAPED}")
            }
            true => NOT_SHAPED.into(),
            false => format!(
                "`ids` needs a source with one kind of files; add the path of one kind to the source, such as {}",
                kinds.iter().take(SUGGESTED).cloned().collect::<Vec<_>>().join(" or ")
            ),
        };
        AttemptEnd::Failed(Class::NextSource, Reason::new(text).hint(hint))
    }
}

/// The entry that a file or directory of a source belongs to, by its name.
fn of_entry(name: &[u8], dir: bool) -> Option<EntryId> {
    match dir {
        true => EntryId::parse(name),
        false => entry_in(name),
    }
}

fn cannot_list() -> AttemptEnd {
    let text = "the names of the files of the entries cannot be given to rsync";
    let hint =
        "is there room where TMPDIR points? the source must be a path, with or without a host, or a module";
    AttemptEnd::Failed(Class::Fatal, Reason::new(text).hint(hint))
}
