//! Reads facts from the free text of remarks: resolution, refinement, assemblies, related entries.

use super::super::details;
use super::super::model::{Entry, add};
use super::super::table::measured;
use super::assembly::Assemblies;

/// Reads a line `REMARK NNN …`, whatever the columns of the number.
pub(super) fn line(line: &str, assemblies: &mut Assemblies, entry: &mut Entry) {
    let rest = line.get(6..).unwrap_or_default().trim();
    let (number, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let text = text.trim();
    match number {
        "2" => {
            if let Some(rest) = text.strip_prefix("RESOLUTION.") {
                entry.resolution = resolution(rest).or(entry.resolution);
            }
        }
        "3" => refinement(text, entry),
        "200" | "210" | "215" | "217" | "240" | "245" => {
            if let Some((key, value)) = text.split_once(':')
                && key.to_uppercase().contains("SOFTWARE")
            {
                programs(value, entry);
            }
        }
        "350" => assemblies.line(text, entry),
        "900" => {
            let Some(rest) = text.strip_prefix("RELATED ID:") else { return };
            if let Some((code, database)) = rest.split_once("RELATED DB:") {
                details::related(database, code, false, entry);
            }
        }
        _ => {}
    }
}

fn resolution(text: &str) -> Option<f64> {
    let number = text.split_whitespace().next().and_then(|word| measured(word).parse::<f64>().ok());
    number.filter(|r| r.is_finite() && *r > 0.0)
}

fn refinement(text: &str, entry: &mut Entry) {
    let Some((key, value)) = text.split_once(':') else { return };
    let key = key.split_whitespace().collect::<Vec<_>>().join(" ");
    let factor = || measured(value.trim()).parse::<f64>().ok().filter(|r| details::is_r_factor(*r));
    match key.as_str() {
        "PROGRAM" => programs(value, entry),
        "RESOLUTION RANGE HIGH (ANGSTROMS)" if entry.resolution.is_none() => {
            entry.resolution = resolution(value);
        }
        "R VALUE (WORKING SET)" | "R VALUE (WORKING SET, NO CUTOFF)" => {
            entry.r_work = entry.r_work.or_else(factor)
        }
        "FREE R VALUE" | "FREE R VALUE (NO CUTOFF)" => entry.r_free = entry.r_free.or_else(factor),
        _ => {}
    }
}

fn programs(text: &str, entry: &mut Entry) {
    for name in text.split([',', ';']).map(str::trim) {
        if !matches!(name, "NULL" | "NONE" | "") {
            add(&mut entry.software, name);
        }
    }
}
