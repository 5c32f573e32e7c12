//! Prints a resolved configuration as TOML that parses to the same jobs.

use super::Config;
use super::layer::{Origin, Span};
use super::lists::Sources;
use super::paths::escape;
use super::preset;
use super::value::Value;
use crate::model::job::{Address, Job, MaxDelete, MaxOlder, Source};
use crate::model::sanitize;
use crate::rsync::args;
use std::convert::Infallible;
use std::fmt::Write;
use std::path::Path;

/// Prints the configuration, or only these jobs of it. With `origins`, a comment after each value states its origin.
pub fn show(config: &Config, jobs: &[Job], origins: bool) -> String {
    let mut out = Page { text: String::from("version = 1\n"), config, origins };
    let mut sync = config.given.sync.entries();
    for (key, value, _) in &mut sync {
        // The program was found in `PATH`, or its path is absolute. A program that cannot be resolved is shown as configured.
        if *key == "rsync" && config.sync.rsync.starts_with('/') {
            *value = escape(&config.sync.rsync).to_toml();
        }
    }
    out.section("sync", &sync);
    out.section("stats", &config.given.stats.entries());
    for alert in &config.given.alerts {
        out.section("[stats.alerts]", &alert.entries());
    }
    out.section("notify", &config.given.notify.entries());
    out.section("index", &config.given.index.entries());
    out.section("search", &config.given.search.entries());
    out.section("scan", &config.given.scan.entries());
    out.section("clean", &config.given.clean.entries());
    for (name, layer) in &config.given.hosts {
        out.section(&format!("hosts.{}", quoted(name)), &layer.entries());
    }
    for (name, layer) in &config.given.mirrors {
        out.section(&format!("mirrors.{name}"), &layer.entries());
    }
    for job in jobs {
        let mut entries =
            config.given.jobs.get(&job.name).map(|settings| settings.entries()).unwrap_or_default();
        // Jobs with errors are shown as configured.
        if job.unfit.is_none() {
            resolved(job, &mut entries);
        }
        out.section(&format!("jobs.{}", quoted(&job.name)), &entries);
        let source = config.given.jobs.get(&job.name).and_then(|settings| settings.source.as_ref());
        if let Some(given) = source
            && given.value.0.iter().any(|text| config.mirrors.reference(text).is_some())
        {
            out.line(&format!("# source is {} in the file", given.value.to_toml()), given.origin);
        }
        if job.max_delete == MaxDelete::Default {
            out.line(
                &format!("# max_delete is not set: {} of the mirror's files", job.max_delete),
                Origin::BuiltIn,
            );
        }
        if job.max_older == MaxOlder::Default {
            out.line(
                &format!("# max_older is not set: {} of the mirror's files", job.max_older),
                Origin::BuiltIn,
            );
        }
    }
    out.text
}

/// Replaces configured paths by absolute ones, so that the output does not depend on its own location.
fn resolved(job: &Job, entries: &mut Vec<(&'static str, toml::Value, Origin)>) {
    // `root` is part of the absolute destination.
    entries.retain(|(key, ..)| *key != "root");
    let source = |source: &Source| match source.address {
        Address::Local(_) => escape(&source.text),
        _ => source.text.clone(),
    };
    let path = |path: &Path| escape(&path.to_string_lossy()).to_toml();
    for (key, value, _) in entries {
        match *key {
            "source" => *value = Sources(job.sources.iter().map(source).collect()).to_toml(),
            "dest" => *value = path(&job.dest),
            "rsync_args" => {
                let escaped = args::with_files(&job.rsync_args, |path| Ok::<_, Infallible>(escape(path)));
                *value = escaped.unwrap_or_default().to_toml();
            }
            "password_file" => *value = job.password_file.as_deref().map_or(value.clone(), path),
            _ => {}
        }
    }
}

struct Page<'a> {
    text: String,
    config: &'a Config,
    origins: bool,
}

impl Page<'_> {
    fn section(&mut self, name: &str, entries: &[(&'static str, toml::Value, Origin)]) {
        let _ = writeln!(self.text, "\n[{name}]");
        for (key, value, origin) in entries {
            self.line(&format!("{key} = {value}"), *origin);
        }
    }

    fn line(&mut self, line: &str, origin: Origin) {
        self.text.push_str(line);
        if self.origins {
            let _ = write!(self.text, "  # {}", self.origin(origin));
        }
        self.text.push('\n');
    }

    fn origin(&self, origin: Origin) -> String {
        let file = |span: Span| match span.file.checked_sub(1) {
            Some(included) => self.config.included.get(included),
            None => self.config.file.as_ref(),
        };
        let place = |span: Span| match file(span) {
            Some(file) => format!("{}:{}", sanitize::path(file), span.line),
            None => format!("line {}", span.line),
        };
        match origin {
            Origin::BuiltIn => "default".into(),
            Origin::Preset(preset) => format!("preset {}", preset::name(preset)),
            Origin::Defaults(span) => format!("[defaults] {}", place(span)),
            Origin::Section(span) => format!("from {}", place(span)),
            Origin::Environment(name) => format!("environment {name}"),
            Origin::CommandLine => "command line".into(),
        }
    }
}

/// Quotes a name where needed: dots would create nested tables.
fn quoted(name: &str) -> String {
    let bare = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if bare { name.into() } else { toml::Value::from(name).to_string() }
}
