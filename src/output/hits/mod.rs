//! Prints the hits of a search: as a table, JSON lines, IDs, paths, or by a template.

mod json;
mod template;

pub use template::Template;

use crate::model::document_summary::DocumentSummary;
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::output::terminal::{Text, Ui};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use console::Style;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// One hit.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The summary of its best document.
    pub shown: DocumentSummary,
    /// The score; 0 if the search has no ranking.
    pub score: f32,
    /// Index, path below its mirror, absolute path; the best document first. Never empty.
    pub places: Vec<(String, Vec<u8>, Vec<u8>)>,
}

/// Data about the whole result of a search.
#[derive(Debug, Clone)]
pub struct Answered<'a> {
    /// Number of hits.
    pub total: u64,
    /// Number of matching documents: an entry may have several.
    pub documents: u64,
    /// Duration of the search.
    pub elapsed: Duration,
    /// Whether some indexes did not respond in time. Then there are no hits, and their number is not known.
    pub timed_out: bool,
    /// The names of these indexes.
    pub late: &'a [String],
    /// Facets: field, values and counts.
    pub facets: BTreeMap<&'static str, &'a [(String, u64)]>,
    /// Words to highlight in titles, in lower case; a trailing star makes it a prefix.
    pub words: Vec<String>,
    /// Number of hits that were skipped.
    pub offset: usize,
}

/// How hits are printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// A table for people; JSON lines with `--json`.
    Table,
    /// One ID per line.
    Ids,
    /// One path per line.
    Paths,
    /// By a template.
    Template(Template),
    /// Like the inner layout, but terminated by NUL.
    Nul(Box<Layout>),
}

impl Layout {
    /// Terminates each item by NUL instead of a line end.
    #[must_use]
    pub fn with_nul(self) -> Self {
        Layout::Nul(Box::new(self))
    }
}

impl Row {
    fn value(&self, name: &str) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let number = |value: Option<f64>| value.map(|number| number.to_string()).unwrap_or_default();
        match name {
            "id" => text(&self.shown.id),
            "title" => text(&self.shown.title),
            "kind" => self.shown.kind.clone(),
            "method" => self.shown.methods.join(", "),
            "resolution" => number(self.shown.resolution),
            "organism" => self.shown.organisms.join(", "),
            "released" => text(&self.shown.released),
            "deposited" => text(&self.shown.deposited),
            "revised" => text(&self.shown.revised),
            "ligands" => self.shown.ligands.join(","),
            "modified" => self.shown.modified.join(","),
            "uniprot" => self.shown.uniprot.join(","),
            "emdb" => self.shown.emdb.join(","),
            "gene" => self.shown.genes.join(","),
            "ec" => self.shown.enzymes.join(","),
            "taxonomy" => self.shown.taxonomy.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            "authors" => self.shown.authors.join("; "),
            "journal" => text(&self.shown.journal),
            "space_group" => text(&self.shown.space_group),
            "r_free" => number(self.shown.r_free),
            "plddt" => number(self.shown.plddt),
            "weight" => number(self.shown.weight),
            "doi" => text(&self.shown.doi),
            "error" => text(&self.shown.error),
            "score" => format!("{:.3}", self.score),
            "job" => self.jobs().join(","),
            _ => String::new(),
        }
    }

    /// Returns the names of the jobs, each once.
    fn jobs(&self) -> Vec<&str> {
        let mut jobs: Vec<&str> = Vec::new();
        for (job, ..) in &self.places {
            if !jobs.contains(&job.as_str()) {
                jobs.push(job);
            }
        }
        jobs
    }

    fn json(&self) -> Value {
        let place = |(job, path, file): &(String, Vec<u8>, Vec<u8>)| {
            let mut body = json!({ "job": job_of(job), "index": job });
            put(&mut body, "path", path);
            put(&mut body, "file", file);
            body
        };
        let first = self.places.first();
        let mut body = json::body(&self.shown);
        body["job"] = first.and_then(|place| job_of(&place.0)).into();
        body["index"] = first.map(|place| place.0.as_str()).into();
        body["score"] = self.score.into();
        body["also"] = self.places.iter().skip(1).map(place).collect();
        if let Some((_, path, file)) = first {
            put(&mut body, "path", path);
            put(&mut body, "file", file);
        }
        body
    }
}

/// Returns the job of an index; `None` for the index of a directory, whose name is a path. Job names have no slash.
fn job_of(index: &str) -> Option<&str> {
    (!index.contains('/')).then_some(index)
}

/// Adds a path as text, or, if it is not UTF-8, as Base64 under another key.
fn put(body: &mut Value, name: &str, path: &[u8]) {
    match std::str::from_utf8(path) {
        Ok(text) => body[name] = text.into(),
        Err(_) => body[format!("{name}_base64")] = STANDARD.encode(path).into(),
    }
}

/// Prints the hits.
pub fn print(
    rows: &[Row],
    answered: &Answered<'_>,
    layout: &Layout,
    exit: ExitCode,
    ui: &Ui,
) -> io::Result<()> {
    let (layout, end) = match layout {
        Layout::Nul(inner) => (&**inner, b'\0'),
        other => (other, b'\n'),
    };
    let mut out = Vec::new();
    let mut line = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        out.push(end);
    };
    match layout {
        Layout::Table | Layout::Nul(_) => {
            ui.objects("hit", rows.iter().map(Row::json))?;
            ui.objects("facet", answered.facets.iter().map(facet))?;
            return ui.report(exit, &result(rows, answered), || print_table(rows, answered, ui));
        }
        Layout::Ids => {
            rows.iter()
                .filter_map(|row| row.shown.id.as_ref())
                .for_each(|id| line(&ui.raw_name(id.as_bytes())));
        }
        Layout::Paths => {
            rows.iter().flat_map(|row| &row.places).for_each(|place| line(&ui.raw_name(&place.2)))
        }
        Layout::Template(template) => {
            rows.iter().for_each(|row| line(&template.fill(row, |value| ui.raw_name(value))))
        }
    }
    ui.raw(&out)
}

fn facet((field, values): (&&'static str, &&[(String, u64)])) -> Value {
    let value = |(value, count): &(String, u64)| json!({ "value": value, "count": count });
    json!({ "field": field, "values": values.iter().map(value).collect::<Vec<_>>() })
}

fn result(rows: &[Row], answered: &Answered<'_>) -> Value {
    let milliseconds = (answered.elapsed.as_secs_f64() * 1e6).round() / 1e3;
    let known = |n: u64| (!answered.timed_out).then_some(n);
    json!({
        "hits": rows.len(), "total": known(answered.total), "documents": known(answered.documents), "elapsed_ms": milliseconds,
        "duration_s": milliseconds / 1e3,
        "timed_out": answered.timed_out, "late": answered.late,
    })
}

fn print_table(rows: &[Row], answered: &Answered<'_>, ui: &Ui) -> io::Result<()> {
    if !rows.is_empty() {
        let heads = ["ID", "METHOD", "RES", "RELEASED", "JOB", "TITLE"];
        let mut table = vec![heads.map(Text::from).to_vec()];
        let several = rows.iter().any(|row| row.jobs() != rows[0].jobs());
        for row in rows {
            let path = || row.places.first().map(|place| sanitize::name(&place.1));
            let title: Text = match (&row.shown.error, &row.shown.title) {
                (Some(error), _) => format!("{} ({error})", path().unwrap_or_default()).into(),
                (None, Some(title)) => mark(title, &answered.words),
                (None, None) => path().unwrap_or_default().as_ref().into(),
            };
            let resolution = row.shown.resolution.map(|r| format!("{r:.2}")).unwrap_or_default();
            table.push(vec![
                row.shown.id.as_deref().unwrap_or("-").into(),
                short(row).into(),
                resolution.into(),
                row.shown.released.as_deref().unwrap_or_default().into(),
                row.jobs().join(",").into(),
                title,
            ]);
        }
        if !several {
            table.iter_mut().for_each(|row| drop(row.remove(4)));
        }
        ui.table(&table)?;
    }
    for (field, values) in &answered.facets {
        ui.line(&format!("{field}:"))?;
        for (value, count) in values.iter().take(20) {
            ui.line(&format!("  {count:>7}  {}", sanitize::line(value)))?;
        }
        if values.len() > 20 {
            ui.line(&format!("  and {} more", values.len() - 20))?;
        }
    }
    if !rows.is_empty() {
        let first = answered.offset + 1;
        let last = answered.offset + rows.len();
        let milliseconds = answered.elapsed.as_secs_f64() * 1e3;
        ui.note(&format!("hits {first} to {last} of {}, found in {milliseconds:.1} ms", answered.total));
    }
    Ok(())
}

/// Returns the common short name of a method.
fn short(row: &Row) -> String {
    let one = |method: &String| match method.as_str() {
        "x-ray diffraction" => "xray".into(),
        "electron microscopy" => "em".into(),
        "solution nmr" => "nmr".into(),
        "solid-state nmr" => "ssnmr".into(),
        "neutron diffraction" => "neutron".into(),
        "electron crystallography" => "microed".into(),
        other => other.to_owned(),
    };
    if row.shown.kind == "structure" {
        row.shown.methods.iter().map(one).collect::<Vec<String>>().join("+")
    } else {
        row.shown.kind.clone()
    }
}

/// Highlights the words of the query.
fn mark(title: &str, words: &[String]) -> Text {
    let wanted = |word: &str| {
        let lower = word.to_lowercase();
        words.iter().any(|known| match known.strip_suffix('*') {
            Some(stem) => lower.starts_with(stem),
            None => lower == *known,
        })
    };
    let mut out = Text::new();
    let mut rest = title;
    while !rest.is_empty() {
        let inside = rest.starts_with(char::is_alphanumeric);
        let end = rest.find(|c: char| c.is_alphanumeric() != inside).unwrap_or(rest.len());
        let (word, more) = rest.split_at(end);
        if inside && wanted(word) {
            out += Text::styled(word, Style::new().bold().yellow());
        } else {
            out += word;
        }
        rest = more;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            shown: DocumentSummary {
                kind: "structure".into(),
                id: Some("1a8o".into()),
                title: Some("HIV CAPSID".into()),
                methods: vec!["x-ray diffraction".into()],
                resolution: Some(1.7),
                modified: vec!["MSE".into()],
                path: "y".into(),
                ..DocumentSummary::default()
            },
            score: 1.5,
            places: vec![
                ("a".into(), b"x/\xff".to_vec(), b"/m/x/\xff".to_vec()),
                ("b".into(), b"y".to_vec(), b"/y".to_vec()),
            ],
        }
    }

    #[test]
    fn templates_are_filled_and_mistakes_told() {
        let fill =
            |text: &str| Template::parse(text).map(|template| template.fill(&row(), |value| value.into()));
        assert_eq!(fill(r"{id}\t{title}{{}}").unwrap(), b"1a8o\tHIV CAPSID{}");
        assert_eq!(fill("{file} {job} {score} {released}").unwrap(), b"/m/x/\xff a,b 1.500 ");
        assert_eq!(fill("{ide}").unwrap_err().0, "unknown name {ide}");
        assert_eq!(fill("{id").unwrap_err().0, "{id is never closed");
    }

    #[test]
    fn words_of_the_query_are_set_off() {
        let marked = mark("HIV-1 capsid, capsids", &["capsid".into(), "hi*".into()]).render(true);
        assert_eq!(console::strip_ansi_codes(&marked), "HIV-1 capsid, capsids");
        assert_eq!(marked.matches("\u{1b}[0m").count(), 2);
    }
}
