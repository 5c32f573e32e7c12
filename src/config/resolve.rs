//! Resolves a draft to jobs: merges layers, makes paths absolute, checks destinations.

use super::clean::{CleanMode, CleanSettings};
use super::draft::{Draft, DraftJob};
use super::guard::Dest;
use super::index::Indexed;
use super::layer::{Given, IndexLayer, Layer, Origin, Settings, SyncFilled, SyncLayer};
use super::paths::normalise;
use super::preset_layer::preset_layer;
use super::resolver::{Placed, Resolver};
use super::settings::{Config, Sections, SyncSettings};
use super::suggestion::did_you_mean;
use crate::model::job::{Indexing, Job, MaxEntries, Preset, Source};
use crate::rsync::args;
use std::collections::BTreeSet;
use std::path::Path;

/// The variable for `parallel` of `[sync]`.
const PARALLEL: &str = "PDB_SYNC_PARALLEL";

impl Resolver<'_> {
    /// Returns the configuration, which is valid only if no problem was found.
    pub(super) fn resolve(&mut self, draft: Draft) -> Config {
        if let Err(refused) = args::check(&self.over.rsync_args) {
            self.at_origin(Origin::CommandLine, refused.text, Some(refused.hint));
        }
        self.set = self.read_set(&draft.jobs);
        self.needs = self.all_needs(&draft);
        let sync = self.over.sync.clone().over(self.environment()).over(draft.sync.clone());
        let names: Vec<String> = draft.jobs.iter().map(|job| job.name.clone()).collect();
        let mut notify = draft.notify.clone();
        let mut config = Config {
            file: Some(self.texts.0[0].file.into()),
            included: self.texts.0[1..].iter().map(|text| text.file.into()).collect(),
            stats: self.stats(&draft.stats, &draft.alerts, &names),
            notify: self.notify(&mut notify),
            index: draft.index.clone().fill().into(),
            search: draft.search.clone().fill().into(),
            scan: draft.scan.clone().fill().into(),
            clean: self.clean(&draft),
            given: Sections {
                sync: sync.fill(),
                stats: draft.stats.clone().fill(),
                alerts: draft.alerts.iter().map(|(alert, _)| alert.clone()).collect(),
                notify: notify.fill(),
                index: draft.index.clone().fill(),
                search: draft.search.clone().fill(),
                scan: draft.scan.clone().fill(),
                clean: draft.clean.clone().fill(),
                ..Sections::default()
            },
            warnings: Vec::new(),
            ..Config::default()
        };
        config.sync = self.sync_settings(&config.given.sync);
        config.given.mirrors = self.own_mirrors(&draft);
        config.mirrors = self.mirrors.clone();
        for (name, (layer, _)) in &draft.hosts {
            config.given.hosts.insert(name.clone(), layer.clone());
            if let Some(connections) = &layer.connections {
                config.hosts.insert(name.clone(), connections.value.into());
            }
        }
        for job in &draft.jobs {
            let layer = self.layer(job, &draft.defaults);
            let settings = layer.fill();
            self.advise_on_filters(job, &settings);
            let Some(resolved) = self.job(job, settings.clone(), &draft) else { continue };
            config.given.jobs.insert(resolved.name.clone(), settings);
            config.jobs.push(resolved);
        }
        self.check_dests();
        self.unused_hosts(&draft, &mut config);
        self.note_few_connections(&config);
        config
    }

    /// Returns the values for `[sync]` of environment variables. What an option overrides is not read.
    fn environment(&mut self) -> SyncLayer {
        let value = (self.around.variable)(PARALLEL).filter(|value| !value.is_empty());
        let Some(value) = value.filter(|_| self.over.sync.parallel.is_none()) else {
            return SyncLayer::default();
        };
        let origin = Origin::Environment(PARALLEL);
        match value.to_string_lossy().parse() {
            Ok(value) => SyncLayer { parallel: Some(Given { value, origin }), ..SyncLayer::default() },
            Err(wrong) => {
                let hint = Some(format!("correct or unset {PARALLEL}; --parallel overrides it"));
                self.at_origin(origin, format!("{PARALLEL}: {wrong}"), hint);
                SyncLayer::default()
            }
        }
    }

    fn clean(&mut self, draft: &Draft) -> CleanSettings {
        let clean = draft.clean.clone().fill();
        if clean.mode.value == CleanMode::Backup && draft.clean.backup_dir.is_none() {
            let hint = Some(
                "add backup_dir = \"DIR\"; for one run, use `pdb-sync clean run --backup-dir DIR`".into(),
            );
            self.at_origin(clean.mode.origin, "mode = \"backup\" needs a backup_dir".into(), hint);
        }
        let backup_dir = clean.backup_dir.map(|given| {
            let text = given.value.to_string_lossy().into_owned();
            let path = self.local_below(given.origin, &text).map(|path| normalise(Path::new(&path)));
            path.inspect(|path| self.backup_dir = Some((path.clone(), given.origin))).map_err(|wrong| {
                self.note(given.origin, format!("backup_dir: {}", wrong.text), wrong.hint);
                wrong.text
            })
        });
        CleanSettings {
            mode: clean.mode.value,
            keep: clean.keep.value.0,
            backup_dir,
            max_delete: clean.max_delete.map_or(MaxEntries::Default, |given| given.value),
            max_bytes: clean.max_bytes.value.0,
            run_mode: clean.run_mode.map(|given| given.value),
            strict: clean.strict.value,
            fail_fast: clean.fail_fast.value,
            threads: clean.threads.value.into(),
            rules: clean.rules.value.0,
        }
    }

    /// Returns all values of a job, merged by priority, without built-in values.
    fn layer(&self, job: &DraftJob, defaults: &Layer) -> Layer {
        let over = if self.over.applies_to(&job.name) { self.over.layer.clone() } else { Layer::default() };
        let set = self.set.get(&job.name).cloned().unwrap_or_default();
        let said = set.over(over).over(job.layer.clone()).over(defaults.clone());
        let preset = said.preset.as_ref().map_or(Preset::Mirror, |given| given.value);
        said.over(preset_layer(preset))
    }

    fn job(&mut self, draft: &DraftJob, settings: Settings, whole: &Draft) -> Option<Job> {
        let broken = whole.broken;
        self.disabled = !settings.enabled.value;
        let sources = match &settings.source {
            Some(given) => self.sources(draft, given),
            None => self.missing(draft, broken, "source", "source = \"rsync://HOST/MODULE/\""),
        };
        let dest = match &settings.dest {
            Some(given) => self.dest(draft, given, settings.root.as_ref()),
            None => self.missing(draft, broken, "dest", "dest = \"DIR\""),
        };
        if let (Some((dest, true)), Some(given)) = (&dest, &settings.dest) {
            self.placed.push(Placed {
                job: draft.name.clone(),
                dest: Dest::new(dest, self.around),
                origin: given.origin,
                delete: settings.delete.value,
            });
            if let Some(obstacle) = (self.around.obstacle)(dest) {
                let text = format!("cannot make the destination: {}", obstacle.text);
                self.unfit(given.origin, draft, text, obstacle.hint);
            }
        }
        let applies = self.over.applies_to(&draft.name);
        let mut rsync_args = self.files(draft, &settings);
        if applies {
            rsync_args.extend_from_slice(&self.over.rsync_args);
        }
        if let (Some(sources), Some((dest, true))) = (&sources, &dest) {
            self.check_own_source(draft, &settings, sources, dest, &rsync_args);
            self.check_slashes(draft, &settings, sources, dest, &rsync_args);
        }
        let password_file = self.password_file(draft, &settings, sources.as_deref(), &rsync_args);
        let only =
            sources.as_ref().and_then(|sources| self.only_entries(draft, &settings, sources, &rsync_args));
        let never_deletes = only.as_ref().is_some_and(|only| only.typed);
        self.check_needs(draft, &settings);
        self.check_spelling(draft);
        let unfit = self.mistakes.take(!matches!(dest, Some((_, true))));
        let (sources, (dest, _)) = (sources?, dest?);
        self.check_with_delete(draft, &settings.delete, &rsync_args);
        let index = indexing(settings.index.clone(), &whole.index);
        let settings = if never_deletes { without_delete(settings) } else { settings };
        Some(Job {
            only,
            allow_empty_source: applies && self.over.allow_empty_source,
            allow_older: applies && self.over.allow_older,
            adopt_again: applies && self.over.adopt,
            rsync_args,
            typed_args: if applies { self.over.rsync_args.clone() } else { Vec::new() },
            password_file,
            unfit,
            ..settings.job(&draft.name, sources, dest, index)
        })
    }

    fn missing<T>(&mut self, job: &DraftJob, broken: bool, key: &str, example: &str) -> Option<T> {
        // A key that could not be read is not missing, and already has a problem.
        if !broken && !job.unread.iter().any(|unread| unread == key) {
            self.at(job.span, format!("job {:?} has no {key}", job.name), Some(format!("add {example}")));
        }
        None
    }

    fn unused_hosts(&self, draft: &Draft, config: &mut Config) {
        let used: BTreeSet<&str> =
            config.jobs.iter().flat_map(|job| &job.sources).filter_map(Source::host).collect();
        for (name, (_, span)) in &draft.hosts {
            if !used.contains(name.as_str()) {
                let hint = did_you_mean(name, used.iter().copied());
                let text = format!("no job has a source on the host {name:?}");
                self.texts.next_problem(&mut config.warnings, *span, text, hint);
            }
        }
    }

    fn sync_settings(&mut self, sync: &SyncFilled) -> SyncSettings {
        SyncSettings::of(sync, self.program(&sync.rsync))
    }
}

/// `--ids` never deletes.
fn without_delete(settings: Settings) -> Settings {
    Settings { delete: Given { value: false, ..settings.delete }, ..settings }
}

/// Combines the settings of a job with those of `[index]`.
fn indexing(said: Option<Given<Indexed>>, all: &IndexLayer) -> Indexing {
    let all = all.clone().fill();
    match said.map(|given| given.value) {
        Some(said) => Indexing {
            enabled: said.enabled,
            after_sync: said.enabled,
            include: said.include.unwrap_or(all.include.value.0),
            exclude: said.exclude.unwrap_or(all.exclude.value.0),
        },
        None => Indexing {
            enabled: true,
            after_sync: all.after_sync.value,
            include: all.include.value.0,
            exclude: all.exclude.value.0,
        },
    }
}
