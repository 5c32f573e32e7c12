//! `mirrors`

use super::interruption::until_signal;
use super::{Failure, file_locations, settings};
use crate::cli::{Global, MirrorsArgs};
use crate::config::{Overrides, Period, nearest};
use crate::mirrors::{Archive, Catalogue, Change, Layout, Server};
use crate::model::exit_code::ExitCode;
use crate::model::job::Address;
use crate::model::sanitize;
use crate::model::time;
use crate::output::terminal::{Text, Ui};
use crate::rsync::probe::{self, Endpoint, Probe, Probes};
use serde_json::{Value, json};
use std::io;

/// Lists the archives. With `--check`, asks their servers.
pub(super) fn run(args: &MirrorsArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let patience: Period =
        args.patience.parse().map_err(|wrong: String| Failure::usage(format!("--patience: {wrong}")))?;
    // The known archives are of use without a configuration, too.
    let catalogue = settings::open(global)?.check(&Overrides::default())?.mirrors;
    let archives = chosen(&catalogue, &args.archives)?;
    let probes = args.check.then(|| ask(&archives, patience, global, ui)).transpose()?;
    let found = Found { catalogue: &catalogue, archives, probes };
    let exit = found.exit();
    let servers = found.servers();
    ui.objects("mirror", servers.map(|(archive, server)| found.mirror(archive, server)))?;
    ui.report(exit, &found.as_json(), || found.show(ui))?;
    Ok(exit)
}

fn chosen<'a>(catalogue: &'a Catalogue, names: &[String]) -> Result<Vec<&'a Archive>, Failure> {
    if names.is_empty() {
        return Ok(catalogue.archives.iter().collect());
    }
    let find = |name: &String| {
        catalogue.archive(name).ok_or_else(|| {
            let known: Vec<&str> = catalogue.archives.iter().map(|archive| archive.name.as_str()).collect();
            let hint = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("known are {}", known.join(", ")),
            };
            Failure::usage_hint(format!("there is no archive {name:?}"), hint)
        })
    };
    names.iter().map(find).collect()
}

/// Asks the daemons of these archives, each once.
fn ask(archives: &[&Archive], patience: Period, global: &Global, ui: &Ui) -> Result<Probes, Failure> {
    if let Some(name) = probe::through() {
        ui.warning(&format!("servers are reached through {name}, so they cannot be asked directly"));
        return Ok(Probes::new());
    }
    let mut endpoints: Vec<Endpoint> =
        archives.iter().flat_map(|archive| &archive.servers).filter_map(endpoint).collect();
    endpoints.sort();
    endpoints.dedup();
    let probes = until_signal(probe::probe_all(endpoints, patience.0))?;
    let state_dir = file_locations::state_dir(global)?;
    let all: Vec<Probe> = probes.values().cloned().collect();
    if let Err(error) = probe::save(&state_dir, &all) {
        let dir = sanitize::path(&state_dir);
        ui.warning(&format!("cannot store the measured speed of the servers in {dir}: {error}"));
    }
    Ok(probes)
}

fn endpoint(server: &Server) -> Option<Endpoint> {
    match server.address()? {
        Address::Daemon { host, port, .. } => Some(Endpoint { host, port }),
        Address::Shell { .. } | Address::Local(_) => None,
    }
}

/// What is printed.
struct Found<'a> {
    catalogue: &'a Catalogue,
    archives: Vec<&'a Archive>,
    /// `None` without `--check`.
    probes: Option<Probes>,
}

impl Found<'_> {
    /// The result of the probe of a server; `None` if it was not asked.
    fn probe(&self, server: &Server) -> Option<&Probe> {
        self.probes.as_ref()?.get(&endpoint(server)?)
    }

    /// Whether the server answers and does not leave its module out of its list; `None` if it was not asked.
    fn is_good(&self, server: &Server) -> Option<bool> {
        let probe = self.probe(server)?;
        Some(probe.answers() && probe.failed.is_none() && lists(probe, server) != Some(false))
    }

    fn exit(&self) -> ExitCode {
        let Some(probes) = &self.probes else { return ExitCode::Done };
        if probes.is_empty() {
            return ExitCode::Partial;
        }
        let of = |archive: &&Archive| {
            let asked: Vec<bool> = archive.servers.iter().filter_map(|server| self.is_good(server)).collect();
            match (asked.iter().any(|good| *good), asked.iter().all(|good| *good)) {
                (_, true) => ExitCode::Done,
                (true, false) => ExitCode::Partial,
                (false, false) => ExitCode::Failed,
            }
        };
        self.archives.iter().map(of).fold(ExitCode::Done, ExitCode::worst)
    }

    /// The layouts of these archives.
    fn layouts(&self) -> impl Iterator<Item = &Layout> {
        let is_used = |layout: &&Layout| {
            self.archives.iter().any(|archive| archive.layout.as_ref() == Some(&layout.name))
                || self.dates().any(|change| change.layout.as_ref() == Some(&layout.name))
        };
        self.catalogue.layouts.iter().filter(is_used)
    }

    /// The announced changes of these archives.
    fn dates(&self) -> impl Iterator<Item = &Change> {
        let concerns =
            |change: &&Change| self.archives.iter().any(|archive| change.archives.contains(&archive.name));
        self.catalogue.dates.iter().filter(concerns)
    }

    fn show(&self, ui: &Ui) -> io::Result<()> {
        let mut head = vec!["ARCHIVE", "ADDRESS", "OPERATOR", "NOTE"];
        if self.probes.is_some() {
            head.insert(3, "ANSWER");
        }
        let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
        for (archive, server) in self.servers() {
            let operator = server.operator.as_deref().unwrap_or("-").to_owned();
            let mut row = vec![archive.name.clone(), server.source(""), operator];
            if self.probes.is_some() {
                row.push(self.answer(server));
            }
            row.push(note(archive, server));
            rows.push(row.iter().map(|cell| sanitize::line(cell).into_owned()).collect());
        }
        ui.table(&rows)?;
        ui.line("")?;
        let about = self.archives.iter().filter(|archive| !archive.about.is_empty());
        let about: Vec<Vec<String>> = about
            .map(|archive| {
                let layout = archive.layout.as_ref().map(|layout| format!("; layout {layout}"));
                vec![archive.name.clone(), format!("{}{}", archive.about, layout.unwrap_or_default())]
            })
            .collect();
        ui.columns(&about)?;
        for layout in self.layouts() {
            ui.line("")?;
            ui.hanging(&Text::from(format!("layout {}: {}", layout.name, layout.about)), 2)?;
            layout.paths.iter().try_for_each(|path| ui.line(&format!("  {path}")))?;
        }
        for change in self.dates() {
            ui.line("")?;
            let mut text = format!("{}: {}", change.when(jiff::Zoned::now().date()), change.about);
            if !change.unknown.is_empty() {
                text.push_str(&format!("; {}", change.unknown));
            }
            ui.hanging(&Text::from(text), 2)?;
        }
        Ok(())
    }

    /// The answer of a server in words.
    fn answer(&self, server: &Server) -> String {
        let Some(probe) = self.probe(server) else { return "not asked".into() };
        match (&probe.failed, probe.greeting, lists(probe, server)) {
            (Some((_, how)), ..) => how.clone(),
            (None, Some(took), Some(false)) => {
                format!("{}, but does not list the module", time::span(rounded(took)))
            }
            (None, Some(took), _) => time::span(rounded(took)),
            (None, None, _) => "failed".into(),
        }
    }

    /// The servers that are shown.
    fn servers(&self) -> impl Iterator<Item = (&Archive, &Server)> {
        self.archives.iter().flat_map(|archive| archive.servers.iter().map(move |server| (*archive, server)))
    }

    fn as_json(&self) -> Value {
        let today = jiff::Zoned::now().date();
        let layouts = self.layouts();
        let layouts: Vec<Value> = layouts
            .map(|layout| json!({"name": layout.name, "about": layout.about, "paths": layout.paths}))
            .collect();
        let dates: Vec<Value> = self
            .dates()
            .map(|change| {
                json!({
                    "date": change.day.to_string(), "days": change.days_from(today), "text": change.about,
                    "archives": change.archives, "layout": change.layout,
                })
            })
            .collect();
        let good = self.servers().filter(|(_, server)| self.is_good(server) == Some(true)).count();
        json!({
            "archives": self.archives.len(), "mirrors": self.servers().count(),
            "answering": self.probes.as_ref().map(|_| good), "layouts": layouts, "dates": dates,
        })
    }

    fn mirror(&self, archive: &Archive, server: &Server) -> Value {
        let (host, port, module) = match server.address() {
            Some(Address::Daemon { host, port, module }) => (Some(host), Some(port), Some(module)),
            Some(Address::Shell { host }) => (Some(host), None, None),
            Some(Address::Local(_)) | None => (None, None, None),
        };
        let check = self.probe(server).map(|probe| {
            json!({
                "answers": probe.answers(), "lists_module": lists(probe, server), "protocol": probe.protocol,
                "greeting_s": probe.greeting.map(|time| (time.as_secs_f64() * 1e6).round() / 1e6),
                "error": probe.failed.as_ref().map(|(_, how)| how),
            })
        });
        json!({
            "archive": archive.name, "about": archive.about, "layout": archive.layout,
            "address": server.source(""), "host": host, "port": port, "module": module, "path": server.path(),
            "operator": server.operator, "also": server.also, "second_hand": server.second_hand,
            "configured": server.configured, "used": archive.used().any(|used| used == server), "check": check,
        })
    }
}

/// Whether a server lists the module. `None` if it lists none: a daemon may have modules that it does not list.
fn lists(probe: &Probe, server: &Server) -> Option<bool> {
    let Some(Address::Daemon { module, .. }) = server.address() else { return None };
    let listed = probe.modules.as_ref().filter(|listed| !listed.is_empty())?;
    Some(listed.iter().any(|listed| listed.name == module))
}

/// What users should know about an address.
fn note(archive: &Archive, server: &Server) -> String {
    let mut notes = Vec::new();
    if server.configured {
        notes.push("from the configuration".to_owned());
    }
    if server.second_hand {
        let used = archive.used().any(|used| used == server);
        notes.push(if used { "second-hand" } else { "second-hand, not used" }.to_owned());
    }
    if !server.also.is_empty() {
        notes.push(format!("also {}", server.also.join(", ")));
    }
    notes.join("; ")
}

fn rounded(time: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_millis(time.as_millis().max(1).try_into().unwrap_or(u64::MAX))
}
