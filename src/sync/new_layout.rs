//! A source that has changed its layout, or has been replaced by one with another layout, as announced by the archive.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::guard;
use super::listing::{self, Listing};
use crate::mirrors::{Catalogue, beside};
use crate::model::job::{Address, Job, Source};
use crate::rsync::args;
use crate::rsync::exit::Class;
use crate::rsync::output::{Change, ChangeKind};

/// rsync's exit codes for an unknown module and for a path that is not there.
const GONE: [i32; 2] = [5, 23];

impl AttemptRunner<'_> {
    /// Fails if the source has the entries of the mirror under other paths. `--adopt` accepts them.
    pub(super) fn judge_layout(&self, listing: &Listing) -> Result<(), AttemptEnd> {
        let accepted = self.job.adopt_again;
        match listing.moved.as_ref().filter(|_| !accepted) {
            Some(moved) => {
                Err(AttemptEnd::Moved(guard::moved(self.job, &self.plan.again, self.source, moved)))
            }
            None => Ok(()),
        }
    }

    /// Explains a module or path that is not there any more: looks for the new layout at the same server.
    pub(super) async fn explain_gone(&mut self, ending: AttemptEnd) -> AttemptEnd {
        let AttemptEnd::Failed(Class::NextSource, reason) = ending else { return ending };
        let whole = !self.plan.named_files && args::files_from(&self.job.rsync_args).is_none();
        let gone = self.code.is_some_and(|code| GONE.contains(&code)) && whole;
        let Some((change, root, modules)) = Catalogue::built_in().new_layout().filter(|_| gone) else {
            return AttemptEnd::Failed(Class::NextSource, reason);
        };
        let (state_dir, job) = (self.plan.state_dir.clone(), self.names_key());
        let known = off_thread(&self.job_events.stop, move || listing::has_entries(&state_dir, &job)).await;
        if known == Some(true) {
            for candidate in candidates(self.source, modules) {
                match self.has_layout(&candidate, root).await {
                    Ok(true) => return AttemptEnd::Moved(guard::replaced(reason, change, &candidate)),
                    Ok(false) => {}
                    Err(ending) => return ending,
                }
            }
        }
        AttemptEnd::Failed(Class::NextSource, reason)
    }

    /// Whether this source has directories of the layout: `ROOT/HH/`. No file is listed.
    async fn has_layout(&mut self, source: &Source, root: &str) -> Result<bool, AttemptEnd> {
        let job = Job {
            sources: vec![source.clone()],
            dest: self.plan.state_dir.join("listings").join(".none").join(&self.plan.run),
            include: vec![format!("/{root}/"), format!("/{root}/??/")],
            exclude: vec!["*".into()],
            delete: false,
            checksum: false,
            ..self.job.clone()
        };
        let mut found = false;
        let mut note = |change: &Change<'_>| {
            let name = change.name.strip_prefix(root.as_bytes()).and_then(|name| name.strip_prefix(b"/"));
            let is_hash =
                name.is_some_and(|name| name.len() == 2 && name.iter().all(u8::is_ascii_alphanumeric));
            found |= change.kind == ChangeKind::Created && change.dir && is_hash;
            false
        };
        self.look((&job, source), &[], &mut note).await?;
        Ok(found)
    }
}

/// Where the new layout may be at the same server: at the root of the source's module or archive, or in a module that the archives have
/// for it.
fn candidates(source: &Source, modules: Vec<String>) -> Vec<Source> {
    let Address::Daemon { module, .. } = &source.address else { return Vec::new() };
    let place = Catalogue::built_in().place(source);
    let archive = place.and_then(|(_, server, _)| Some(format!("{module}/{}", server.path()?)));
    let roots = [Some(module.clone()), archive].into_iter().flatten().chain(modules);
    let mut found: Vec<Source> = Vec::new();
    for root in roots {
        let candidate = beside(source, &format!("{}/", root.trim_end_matches('/')));
        found.extend(candidate.filter(|candidate| !found.contains(candidate)));
    }
    found
}
