//! Circles of imports: between the files of `src/`, and between its top-level modules.

use super::source::{Reference, references};
use super::{module_of, top};
use std::collections::{BTreeMap, BTreeSet};

/// Who imports whom.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// The imports that are part of a circle, as `A → B`, sorted.
pub(super) fn circles(imports: &Imports) -> Vec<String> {
    let mut found = Vec::new();
    for (from, to) in imports {
        let back = to.iter().filter(|to| reached(imports, to).contains(from));
        found.extend(back.map(|to| format!("{from} → {to}")));
    }
    found
}

/// `start`, what it imports, and what that imports.
fn reached<'a>(imports: &'a Imports, start: &'a String) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(next) = open.pop() {
        open.extend(imports.get(next).into_iter().flatten().filter(|to| found.insert(to)));
    }
    found
}

/// Which top-level modules import which.
pub(super) fn of_modules(sources: &[(String, String)]) -> Imports {
    let mut imports = Imports::new();
    for (file, text) in sources {
        let module = module_of(file);
        let from = imports.entry(top(&module).to_owned()).or_default();
        let named = references(file, text)
            .into_iter()
            .filter_map(|r| r.path.strip_prefix("crate::").map(str::to_owned));
        from.extend(named.map(|to| top(&to).to_owned()).filter(|to| to != top(&module)));
    }
    imports
}

/// Which files import which. A path that another file re-exports leads to the file with the definition; the re-export itself is
/// no import, so a `mod.rs` may re-export from files that use it.
pub(super) fn of_files(sources: &[(String, String)]) -> Imports {
    let files: BTreeMap<String, &str> =
        sources.iter().map(|(file, _)| (module_of(file), file.as_str())).collect();
    let mut paths = BTreeMap::new();
    let mut named = Vec::new();
    for (file, text) in sources {
        let module = module_of(file);
        let found = references(file, text);
        let imported = modules(&found, &files);
        for Reference { path, reexport, .. } in found {
            let Some(path) = absolute(&module, &path, &imported, &files) else { continue };
            if reexport {
                let name = format!("{module}::{}", path.rsplit("::").next().unwrap_or_default());
                if !files.contains_key(&name) {
                    paths.insert(name, path);
                }
            } else {
                named.push((file, path));
            }
        }
    }
    let mut imports = Imports::new();
    for (from, path) in named {
        if let Some(to) = file_of(path, &paths, &files).filter(|to| to != from) {
            imports.entry(from.clone()).or_default().insert(to.to_owned());
        }
    }
    imports
}

/// The modules that a file imports, by name.
fn modules(found: &[Reference], files: &BTreeMap<String, &str>) -> BTreeMap<String, String> {
    let paths = found.iter().filter_map(|reference| reference.path.strip_prefix("crate::"));
    let paths = paths.map(|path| path.strip_suffix("::self").unwrap_or(path));
    let named = paths.filter(|path| files.contains_key(*path));
    named.map(|path| (path.rsplit("::").next().unwrap_or(path).to_owned(), path.to_owned())).collect()
}

/// A path from the root of the crate; `None` for a path that is not ours. A path without `crate::` or `super::` may begin with a
/// child of the module, or with a module that the file imports. If it begins with another item, that one's import counts.
fn absolute(
    module: &str,
    path: &str,
    imported: &BTreeMap<String, String>,
    files: &BTreeMap<String, &str>,
) -> Option<String> {
    let path = path.strip_suffix("::self").unwrap_or(path);
    if let Some(path) = path.strip_prefix("crate::") {
        return Some(path.to_owned());
    }
    let path = path.strip_prefix("self::").unwrap_or(path);
    let child = format!("{module}::{}", top(path));
    match imported.get(top(path)) {
        _ if files.contains_key(&child) => Some(format!("{module}::{path}")),
        Some(module) => Some(format!("{module}{}", &path[top(path).len()..])),
        None => None,
    }
}

/// The file that defines the item of a path.
fn file_of<'a>(
    mut path: String,
    paths: &BTreeMap<String, String>,
    files: &BTreeMap<String, &'a str>,
) -> Option<&'a str> {
    loop {
        let Some((name, to)) = prefixes(&path).find_map(|name| paths.get_key_value(name)) else { break };
        path = format!("{to}{}", &path[name.len()..]);
    }
    prefixes(&path).find_map(|module| files.get(module).copied())
}

/// `a::b::c`, `a::b`, `a`.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once("::").map(|(shorter, _)| shorter))
}
