//! From a draft to jobs: layers are laid upon each other, paths become absolute, destinations are checked.

use super::dests::Placed;
use super::draft::{Draft, DraftJob};
use super::guard::Dest;
use super::index::Indexed;
use super::job_problems::Mistakes;
use super::layer::{CleanLayer, Given, Layer, Origin, Settings, Span};
use super::paths::normalise;
use super::preset;
use super::problem::{Problem, Text};
use super::suggestion::did_you_mean;
use super::{
    CleanMode, CleanSettings, Concurrency, Config, IndexLayer, NotifyLayer, Overrides, ScanLayer,
    ScanSettings, StatsLayer, SyncLayer, SyncSettings,
};
use crate::model::host_facts::HostFacts;
use crate::model::job::{Hooks, Indexing, Job, MaxDelete, MaxEntries, MaxOlder, Preset, Priority, Source};
use crate::rsync::args;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub(super) struct Resolver<'a> {
    pub(super) text: Text<'a>,
    pub(super) over: &'a Overrides,
    pub(super) around: &'a HostFacts,
    pub(super) problems: Vec<Problem>,
    /// Mistakes about single jobs, without which the rest can be used.
    pub(super) mistakes: Mistakes,
    /// Whether the job that is being resolved is not enabled.
    pub(super) disabled: bool,
    /// What is probably not meant.
    pub(super) advice: Vec<Problem>,
    /// What is worth knowing.
    pub(super) notes: Vec<Problem>,
    /// Of `[clean]`.
    pub(super) backup_dir: Option<(PathBuf, Origin)>,
    /// Also those of jobs that are wrong otherwise.
    pub(super) placed: Vec<Placed>,
    /// The jobs so far, by their names in small letters: the name of the first, and its line.
    pub(super) names: HashMap<String, (String, usize)>,
    /// Whether the state directory takes names that differ in case alone for one, once somebody asked.
    pub(super) folds: Option<bool>,
}

impl Resolver<'_> {
    /// The configuration, which is only good if no problem was found on the way.
    pub(super) fn resolve(&mut self, draft: Draft) -> Config {
        if let Err(refused) = args::check(&self.over.rsync_args) {
            self.at_origin(Origin::CommandLine, refused.text, Some(refused.hint));
        }
        let names: Vec<String> = draft.jobs.iter().map(|job| job.name.clone()).collect();
        let mut notify_layer = draft.notify.clone();
        let mut config = Config {
            file: Some(self.text.file.into()),
            sync: self.sync_settings(&draft),
            sync_layer: self.over.sync.clone().over(draft.sync.clone()).over(SyncLayer::built_in()),
            stats: self.stats(&draft.stats, &draft.alerts, &names),
            stats_layer: draft.stats.clone().over(StatsLayer::built_in()),
            alert_layers: draft.alerts.iter().map(|(layer, _)| layer.clone()).collect(),
            notify: self.notify(&mut notify_layer),
            notify_layer: notify_layer.over(NotifyLayer::built_in()),
            index: draft.index.clone().fill().into(),
            index_layer: draft.index.clone().over(IndexLayer::built_in()),
            scan: ScanSettings::of(&draft.scan),
            clean: self.clean(&draft),
            clean_layer: draft.clean.clone().over(CleanLayer::built_in()),
            scan_layer: draft.scan.clone().over(ScanLayer::built_in()),
            warnings: Vec::new(),
            ..Config::default()
        };
        for (name, (layer, _)) in &draft.hosts {
            config.host_layers.insert(name.clone(), layer.clone());
            if let Some(connections) = &layer.connections {
                config.hosts.insert(name.clone(), usize::try_from(connections.value.get()).unwrap_or(1));
            }
        }
        for job in &draft.jobs {
            let layer = self.layer(job, &draft.defaults);
            let settings = layer.clone().fill();
            self.advise_on_filters(job, &settings);
            let Some(resolved) = self.job(job, settings, &draft) else { continue };
            config.layers.insert(resolved.name.clone(), layer.over(Layer::built_in()));
            config.jobs.push(resolved);
        }
        self.check_dests();
        self.unused_hosts(&draft, &mut config);
        config
    }

    fn clean(&mut self, draft: &Draft) -> CleanSettings {
        let clean = draft.clean.clone().fill();
        if clean.mode.value == CleanMode::Backup && draft.clean.backup_dir.is_none() {
            let hint = Some(
                "add backup_dir = \"DIR\"; for one run there is `pdb-sync clean run --backup-dir DIR`".into(),
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
            rules: clean.rules.value.0,
        }
    }

    /// Everything that was said about a job, by strength; built-in values excepted.
    fn layer(&self, job: &DraftJob, defaults: &Layer) -> Layer {
        let over = if self.over.applies_to(&job.name) { self.over.layer.clone() } else { Layer::default() };
        let said = over.over(job.layer.clone()).over(defaults.clone());
        let preset = said.preset.as_ref().map_or(Preset::Mirror, |given| given.value);
        said.over(preset::layer(preset))
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
        let mut rsync_args = self.files(draft, &settings.rsync_args);
        if applies {
            rsync_args.extend_from_slice(&self.over.rsync_args);
        }
        if let (Some(sources), Some((dest, true))) = (&sources, &dest) {
            self.check_own_source(draft, &settings, sources, dest, &rsync_args);
            self.check_slashes(draft, &settings, sources, dest, &rsync_args);
        }
        let password_file = self.password_file(draft, &settings, sources.as_deref(), &rsync_args);
        self.check_spelling(draft);
        let unfit = self.mistakes.take(!matches!(dest, Some((_, true))));
        let (sources, (dest, _)) = (sources?, dest?);
        self.check_with_delete(draft, &settings.delete, &rsync_args);
        Some(Job {
            name: draft.name.clone(),
            description: settings.description.map(|given| given.value).unwrap_or_default(),
            tags: settings.tags.value,
            enabled: settings.enabled.value,
            priority: settings.priority.value.get(),
            sources,
            source_order: settings.source_order.value,
            dest,
            preset: settings.preset.value,
            delete: settings.delete.value,
            keep_deleted: settings.keep_deleted.value.0,
            max_delete: settings.max_delete.map_or(MaxDelete::Default, |given| given.value),
            allow_empty_source: applies && self.over.allow_empty_source,
            max_older: settings.max_older.map_or(MaxOlder::Default, |given| given.value),
            allow_older: applies && self.over.allow_older,
            adopt: settings.adopt.value,
            adopt_again: applies && self.over.adopt,
            min_free: settings.min_free.and_then(|given| given.value.0),
            include: settings.include.value,
            exclude: settings.exclude.value,
            bwlimit: settings.bwlimit.and_then(|given| given.value.0),
            compress: settings.compress.value,
            checksum: settings.checksum.value,
            inc_recursive: settings.inc_recursive.value,
            rsync_args,
            typed_args: if applies { self.over.rsync_args.clone() } else { Vec::new() },
            password_file,
            // The range of the key is far smaller than the type.
            retries: u32::try_from(settings.retries.value.get()).unwrap_or(u32::MAX),
            retry_delay: settings.retry_delay.value.0,
            busy_delay: settings.busy_delay.value.0,
            timeout: settings.timeout.value.0,
            stall: settings.stall.value.0,
            min_rate: settings.min_rate.value.0,
            connect_timeout: settings.connect_timeout.value.0,
            child_priority: Priority {
                nice: u8::try_from(settings.nice.value.get()).unwrap_or(u8::MAX),
                io: settings.ionice.map(|given| given.value),
            },
            cache: settings.cache.value,
            hooks: Hooks {
                before: settings.before.value.0,
                after: settings.after.value.0,
                on_failure: settings.on_failure.value.0,
                timeout: settings.hook_timeout.value.0,
            },
            index: indexing(settings.index, &whole.index),
            unfit,
        })
    }

    fn missing<T>(&mut self, job: &DraftJob, broken: bool, key: &str, example: &str) -> Option<T> {
        // A key that could not be read is not missing, and a problem says so already.
        if !broken && !job.unread.iter().any(|unread| unread == key) {
            self.at(job.span, format!("job {:?} has no {key}", job.name), Some(format!("add {example}")));
        }
        None
    }

    fn unused_hosts(&self, draft: &Draft, config: &mut Config) {
        let used: Vec<&str> =
            config.jobs.iter().flat_map(|job| &job.sources).filter_map(Source::host).collect();
        for (name, (_, span)) in &draft.hosts {
            if !used.contains(&name.as_str()) {
                let hint = did_you_mean(name, used.iter().copied());
                let text = format!("no job has a source on the host {name:?}");
                config.warnings.push(self.text.problem(span.start..span.end, text, hint));
            }
        }
    }

    fn sync_settings(&mut self, draft: &Draft) -> SyncSettings {
        let sync = self.over.sync.clone().over(draft.sync.clone()).fill();
        // The ranges of the keys are far smaller than the types.
        let number = |n: i64| usize::try_from(n).unwrap_or(usize::MAX);
        SyncSettings {
            parallel: match sync.parallel.value {
                Concurrency::Fixed(n) => number(n.get()),
                Concurrency::Auto => number(sync.parallel_max.value.get()),
            },
            auto: sync.parallel.value == Concurrency::Auto,
            fail_fast: sync.fail_fast.value,
            grace: sync.grace.value.0,
            log_keep: number(sync.log_keep.value.get()),
            rsync: self.program(&sync.rsync),
        }
    }

    fn at(&mut self, span: Span, text: String, hint: Option<String>) {
        self.text.next_problem(&mut self.problems, span.start..span.end, text, hint);
    }

    pub(super) fn at_origin(&mut self, origin: Origin, text: String, hint: Option<String>) {
        match origin {
            Origin::Defaults(span) | Origin::Section(span) => self.at(span, text, hint),
            Origin::BuiltIn | Origin::Preset(_) | Origin::CommandLine => {
                self.problems.push(Problem { file: None, place: None, text, hint });
            }
        }
    }

    pub(super) fn about(&mut self, origin: Origin, job: &DraftJob, text: String, hint: Option<String>) {
        self.at_origin(origin, format!("job {:?}: {text}", job.name), hint);
    }
}

/// What a job says, and for the rest `[index]`.
fn indexing(said: Option<Given<Indexed>>, all: &IndexLayer) -> Indexing {
    let all = all.clone().fill();
    match said.map(|given| given.value) {
        Some(said) => Indexing {
            enabled: said.enabled,
            after_sync: said.enabled,
            include: said.include.unwrap_or(all.include.value),
            exclude: said.exclude.unwrap_or(all.exclude.value),
        },
        None => Indexing {
            enabled: true,
            after_sync: all.after_sync.value,
            include: all.include.value,
            exclude: all.exclude.value,
        },
    }
}
