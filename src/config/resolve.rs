//! From a draft to jobs: layers are laid upon each other, paths become absolute, destinations are checked.

use super::dests::Placed;
use super::draft::{Draft, DraftJob};
use super::guard::Dest;
use super::index::Indexed;
use super::layer::{CleanLayer, Given, Layer, Origin, Settings, Span};
use super::nearest::did_you_mean;
use super::paths::{expand, normalise};
use super::preset;
use super::problem::{Problem, Text};
use super::surroundings::Surroundings;
use super::{
    CleanMode, CleanSettings, Concurrency, Config, IndexLayer, NotifyLayer, NotifySettings, Overrides,
    ScanLayer, ScanSettings, StatsLayer, SyncLayer, SyncSettings,
};
use crate::job::{Address, Hooks, Indexing, Job, MaxDelete, MaxEntries, MaxOlder, Preset, Priority, Source};
use crate::rsync::args;
use std::path::{Path, PathBuf};

pub(super) struct Resolver<'a> {
    pub(super) text: Text<'a>,
    pub(super) over: &'a Overrides,
    pub(super) around: &'a Surroundings,
    pub(super) problems: Vec<Problem>,
    /// Problems of single jobs, without which the rest can be used.
    pub(super) unfit: Vec<Problem>,
    /// Also those of jobs that are wrong otherwise.
    pub(super) placed: Vec<Placed>,
}

impl Resolver<'_> {
    /// The configuration, which is only good if no problem was found on the way.
    pub(super) fn resolve(&mut self, draft: Draft) -> Config {
        if let Err(refused) = args::check(&self.over.rsync_args) {
            self.at_origin(Origin::CommandLine, refused.text, Some(refused.hint));
        }
        let names: Vec<String> = draft.jobs.iter().map(|job| job.name.clone()).collect();
        let mut config = Config {
            file: Some(self.text.file.into()),
            sync: self.sync_settings(&draft),
            sync_layer: self.over.sync.clone().over(draft.sync.clone()).over(SyncLayer::built_in()),
            stats: self.stats(&draft.stats, &draft.alerts, &names),
            stats_layer: draft.stats.clone().over(StatsLayer::built_in()),
            alert_layers: draft.alerts.iter().map(|(layer, _)| layer.clone()).collect(),
            notify: NotifySettings::of(draft.notify.clone()),
            notify_layer: draft.notify.clone().over(NotifyLayer::built_in()),
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
            let Some(resolved) = self.job(job, layer.clone().fill(), &draft) else { continue };
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
            let hint =
                Some("add backup_dir = \"DIR\"; for one run there is `clean run --backup-dir DIR`".into());
            self.at_origin(clean.mode.origin, "mode = \"backup\" needs a backup_dir".into(), hint);
        }
        let backup_dir = clean.backup_dir.and_then(|given| {
            let base = self.base(given.origin);
            let text = given.value.to_string_lossy().into_owned();
            match expand(&text, self.around) {
                Ok(text) => Some(normalise(&base.join(text))),
                Err(wrong) => {
                    self.at_origin(given.origin, wrong.to_string(), None);
                    None
                }
            }
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
        let sources = match &settings.source {
            Some(given) => self.sources(draft, given),
            None => self.missing(draft, broken, "source", "source = \"rsync://HOST/MODULE/\""),
        };
        let dest = match &settings.dest {
            Some(given) => self.dest(draft, given, settings.root.as_ref()),
            None => self.missing(draft, broken, "dest", "dest = \"DIR\""),
        };
        if let (Some(dest), Some(given)) = (&dest, &settings.dest) {
            self.placed.push(Placed {
                job: draft.name.clone(),
                dest: Dest::new(dest, self.around),
                origin: given.origin,
                delete: settings.delete.value,
                local_sources: self.local(sources.as_deref().unwrap_or_default()),
            });
        }
        let (sources, dest) = (sources?, dest?);
        let applies = self.over.applies_to(&draft.name);
        let mut rsync_args = self.files(draft, &settings.rsync_args);
        if applies {
            rsync_args.extend_from_slice(&self.over.rsync_args);
        }
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
            // The range of the key is far smaller than the type.
            retries: u32::try_from(settings.retries.value.get()).unwrap_or(u32::MAX),
            retry_delay: settings.retry_delay.value.0,
            busy_delay: settings.busy_delay.value.0,
            timeout: settings.timeout.value.0,
            stall: settings.stall.value.0,
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
        })
    }

    fn missing<T>(&mut self, job: &DraftJob, broken: bool, key: &str, example: &str) -> Option<T> {
        // A key that could not be read is not missing, and a problem says so already.
        if !broken && !job.unread.iter().any(|unread| unread == key) {
            self.at(job.span, format!("job {:?} has no {key}", job.name), Some(format!("add {example}")));
        }
        None
    }

    fn sources(&mut self, job: &DraftJob, given: &Given<super::Sources>) -> Option<Vec<Source>> {
        let base = self.base(given.origin);
        let mut read = Vec::new();
        for text in &given.value.0 {
            match self.source(text, &base) {
                Ok(source) => read.push(source),
                Err(wrong) => self.about(given.origin, job, wrong, None),
            }
        }
        (read.len() == given.value.0.len() && !read.is_empty()).then_some(read)
    }

    fn source(&self, text: &str, base: &Path) -> Result<Source, String> {
        let source = Source::parse(text, base).map_err(|wrong| wrong.to_string())?;
        let Address::Local(_) = source.address else { return Ok(source) };
        let text = expand(text, self.around).map_err(|wrong| wrong.to_string())?;
        let source = Source::parse(&text, base).map_err(|wrong| wrong.to_string())?;
        // Its text would name another directory.
        if matches!(&source.address, Address::Local(path) if path.to_str().is_none()) {
            return Err(format!("{text:?} hangs below a directory whose name is not UTF-8"));
        }
        Ok(source)
    }

    /// A job's options for rsync, with the files that they name below the directory of the configuration.
    fn files(&mut self, job: &DraftJob, given: &Given<super::RsyncArgs>) -> Vec<String> {
        let base = self.base(given.origin);
        let named = args::with_files(&given.value.0, |text| {
            let path = expand(text, self.around).map_err(|wrong| wrong.to_string())?;
            let path = base.join(path).into_os_string().into_string();
            path.map_err(|_| format!("{text:?} hangs below a directory whose name is not UTF-8"))
        });
        named.unwrap_or_else(|wrong| {
            self.about(
                given.origin,
                job,
                format!("rsync_args: {wrong}"),
                Some("write the whole path".into()),
            );
            Vec::new()
        })
    }

    fn local(&self, sources: &[Source]) -> Vec<PathBuf> {
        let local = sources.iter().filter_map(|source| match &source.address {
            Address::Local(path) => Some((self.around.resolve)(&normalise(path))),
            _ => None,
        });
        local.collect()
    }

    fn dest(
        &mut self,
        job: &DraftJob,
        given: &Given<PathBuf>,
        root: Option<&Given<PathBuf>>,
    ) -> Option<PathBuf> {
        let dest = self.expand(job, given)?;
        let base = self.base(given.origin);
        // What was typed at a prompt is relative to where it was typed.
        let below = match root {
            Some(root) if dest.is_relative() && given.origin != Origin::CommandLine => {
                self.base(root.origin).join(self.expand(job, root)?)
            }
            _ => base,
        };
        let dest = normalise(&below.join(dest));
        if dest.is_absolute() {
            return Some(dest);
        }
        let text =
            format!("the destination {} is relative, and the working directory is gone", dest.display());
        self.about(given.origin, job, text, Some("give an absolute path".into()));
        None
    }

    fn expand(&mut self, job: &DraftJob, given: &Given<PathBuf>) -> Option<PathBuf> {
        // What was typed at a prompt has been expanded by the shell.
        let Some(text) = given.value.to_str().filter(|_| given.origin != Origin::CommandLine) else {
            return Some(given.value.clone());
        };
        match expand(text, self.around) {
            Ok(text) => Some(text.into()),
            Err(wrong) => {
                self.about(given.origin, job, wrong.to_string(), Some("write the whole path".into()));
                None
            }
        }
    }

    /// Below what a relative path hangs: the working directory, or the directory of the file.
    fn base(&self, origin: Origin) -> PathBuf {
        let cwd = self.around.cwd.clone().unwrap_or_default();
        match origin {
            Origin::CommandLine => cwd,
            _ => normalise(&cwd.join(self.text.file.parent().unwrap_or(Path::new("")))),
        }
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

    /// A name is looked up in `PATH`; a path hangs below the directory of the file.
    fn program(&mut self, given: &Given<String>) -> String {
        let name = given.value.as_str();
        if name.trim().is_empty() {
            let hint = Some("write rsync = \"rsync\", or leave it out".into());
            self.at_origin(given.origin, "the rsync program must not be empty".into(), hint);
        }
        if !name.contains(['/', '$']) && !name.starts_with(['~', '%']) {
            return name.into();
        }
        let expanded = expand(name, self.around).map_err(|wrong| wrong.to_string());
        let path = expanded.and_then(|path| {
            let path = self.base(given.origin).join(path).into_os_string();
            path.into_string()
                .map_err(|_| format!("{name:?} hangs below a directory whose name is not UTF-8"))
        });
        path.unwrap_or_else(|wrong| {
            self.at_origin(given.origin, wrong, Some("write the whole path".into()));
            name.into()
        })
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
