//! Output for GitHub Actions of a command that ends before there is a run: annotations with positions, and the outputs of the step.

use super::{append, cell, data, property};
use crate::model::event::Level;
use crate::output::terminal::Environment;
use std::io::{self, Write};
use std::path::Path;

/// A position in a file, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<'a> {
    /// The path as given by the user.
    pub file: &'a Path,
    /// Line and column; `None` if the problem has no single position.
    pub place: Option<(usize, usize)>,
}

/// Prints an annotation on standard output, like those of runs; with `json` on standard error. The runner reads both. A failure cannot be
/// reported, so it is ignored.
pub fn annotate(level: Level, at: Option<At<'_>>, text: &str, json: bool) {
    let workspace = std::env::var_os("GITHUB_WORKSPACE");
    let line = annotation_at(level, at, text, workspace.as_deref().map(Path::new));
    let _ = match json {
        true => io::stderr().lock().write_all(line.as_bytes()),
        false => io::stdout().lock().write_all(line.as_bytes()),
    };
}

/// Files of a checkout are named relative to its root, as on the pages of a pull request.
fn annotation_at(level: Level, at: Option<At<'_>>, text: &str, workspace: Option<&Path>) -> String {
    let mut properties = String::new();
    if let Some(At { file, place }) = at {
        let whole = std::path::absolute(file).unwrap_or_else(|_| file.into());
        let file = workspace.and_then(|root| whole.strip_prefix(root).ok()).unwrap_or(file);
        properties += &format!("file={},", property(&file.to_string_lossy()));
        if let Some((line, column)) = place {
            properties += &format!("line={line},col={column},");
        }
    }
    format!("::{} {properties}title=pdb-sync::{}\n", super::word(level), data(text))
}

/// Writes the outputs and the summary of a step in which no job was started. `failed`: the requested jobs, by name.
pub fn nothing_started(environment: &Environment, failed: &[String], why: &[String]) -> io::Result<()> {
    // Job names contain no other characters. A line end would start another output.
    let is_name = |name: &&String| !name.is_empty() && !name.contains(|c: char| c.is_control() || c == ',');
    let failed: Vec<&str> = failed.iter().filter(is_name).map(String::as_str).collect();
    let outputs = format!("changed=false\nfailed={}\n", failed.join(","));
    let outputs = append(environment.github_output.as_deref(), &outputs);
    let mut text = "### pdb-sync: no job was started\n\n".to_owned();
    for why in why {
        text += &format!("- {}\n", cell(why));
    }
    text.push('\n');
    append(environment.step_summary.as_deref(), &text).and(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_names_the_place_from_the_root_of_the_checkout() {
        let at = |file, place| Some(At { file: Path::new(file), place });
        let line =
            |at, root: Option<&str>| annotation_at(Level::Error, at, "no\nhint: x", root.map(Path::new));
        let ours = at("/w/r/ci, 1.toml", Some((3, 7)));
        let expected = "::error file=ci%2C 1.toml,line=3,col=7,title=pdb-sync::no%0Ahint: x\n";
        assert_eq!(line(ours, Some("/w/r")), expected);
        assert!(line(ours, Some("/elsewhere")).starts_with("::error file=/w/r/ci%2C 1.toml,line=3,"));
        assert!(line(at("ci.toml", None), None).starts_with("::error file=ci.toml,title=pdb-sync::"));
        assert!(line(None, None).starts_with("::error title=pdb-sync::no"));
    }

    #[test]
    fn a_name_is_no_second_output() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("output");
        let environment = Environment { github_output: Some(path.clone()), ..Environment::default() };
        let names = ["a".to_owned(), "b\nchanged=true".to_owned(), "c".to_owned()];
        nothing_started(&environment, &names, &[]).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "changed=false\nfailed=a,c\n");
    }
}
