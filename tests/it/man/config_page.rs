//! The keys of pdb-sync-config(5), from the JSON Schema of the file and from the samples that set every key.

use super::{escaped, literal, markdown};
use pdb_sync::config::Overrides;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Sections by the name that they have in the file; where the schema and the samples have their keys.
const SECTIONS: [(&str, &str, &str); 12] = [
    ("[jobs.NAME]", "/properties/jobs/additionalProperties", "/jobs/mmcif"),
    ("[sync]", "/properties/sync", "/sync"),
    ("[hosts.\"NAME\"]", "/properties/hosts/additionalProperties", "/hosts/rsync.rcsb.org"),
    ("[mirrors.NAME]", "/properties/mirrors/additionalProperties", "/mirrors/wwpdb"),
    ("[scan]", "/properties/scan", "/scan"),
    ("[clean]", "/properties/clean", "/clean"),
    ("[[clean.rules]]", "/properties/clean/properties/rules/items", "/clean/rules/0"),
    ("[index]", "/properties/index", "/index"),
    ("[search]", "/properties/search", "/search"),
    ("[stats]", "/properties/stats", "/stats"),
    ("[[stats.alerts]]", "/properties/stats/properties/alerts/items", "/stats/alerts/0"),
    ("[notify]", "/properties/notify", "/notify"),
];

/// Keys whose example is only valid with another key of the same section.
const BESIDE: [(&str, &str); 1] = [("mode", "backup_dir")];

fn samples() -> Value {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/tests/samples.toml");
    let samples: toml::Value = fs::read_to_string(samples).unwrap().parse::<toml::Table>().unwrap().into();
    serde_json::to_value(samples).unwrap()
}

/// The lines of the example of a key, first the key itself.
fn example_of(samples: &Value, key: &str) -> Vec<String> {
    let beside = BESIDE.iter().filter(|(first, _)| *first == key).map(|(_, other)| *other);
    let keys = std::iter::once(key).chain(beside);
    let line = |key: &str| match samples.get(key) {
        Some(value) => format!("{key} = {}", toml(value)),
        None => panic!("src/config/tests/samples.toml has no example of {key}"),
    };
    keys.map(line).collect()
}

pub(super) fn keys() -> String {
    let schema = pdb_sync::config::schema();
    let samples = samples();
    let mut out = String::from(
        ".SS Whole file\n.TP\n.B version\nThe version of this format.\n.br\nExample: \\fBversion = 1\\fR\n",
    );
    let files = escaped(schema["properties"]["config_files"]["description"].as_str().unwrap());
    let example = "Example: \\fBconfig_files = [\\(dqconf.d/*.toml\\(dq]\\fR";
    out.push_str(&format!(".TP\n.B config_files\n{files}\n.br\n{example}\n"));
    for (name, place, examples) in SECTIONS {
        let section = schema.pointer(place).unwrap_or_else(|| panic!("the schema has no {place}"));
        out.push_str(&format!(".SS {}\n{}\n", escaped(name).replace('"', "\\(dq"), about(section, name)));
        if name == "[jobs.NAME]" {
            let defaults = "A key in [defaults] is for every job. [defaults] has the same keys except";
            out.push_str(&format!("{defaults} {}.\n", not_in_defaults(&schema).join(", ")));
        }
        let required: Vec<&str> =
            section["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (key, property) in section["properties"].as_object().unwrap() {
            // Alerts and rules are sections of their own.
            if property["items"].get("properties").is_some() {
                continue;
            }
            let example = example_of(samples.pointer(examples).unwrap_or(&Value::Null), key);
            one_key(key, property, &example, required.contains(&&**key), &mut out);
            // A table with one key is another notation, which the text of the key explains.
            let tables = property["anyOf"].as_array().into_iter().flatten();
            let tables = tables.filter_map(|one| one["properties"].as_object()).filter(|keys| keys.len() > 1);
            for (sub, property) in tables.flatten() {
                let job = samples.pointer("/jobs/status").unwrap_or(&Value::Null);
                let example = example_of(&job[key], sub).into_iter().map(|line| format!("{key}.{line}"));
                one_key(&format!("{key}.{sub}"), property, &Vec::from_iter(example), false, &mut out);
            }
        }
    }
    out
}

fn about(property: &Value, name: &str) -> String {
    let about = property["description"].as_str();
    markdown::code(about.unwrap_or_else(|| panic!("the schema does not describe {name}")), escaped)
}

fn one_key(key: &str, property: &Value, example: &[String], required: bool, out: &mut String) {
    let title = property["title"].as_str().unwrap_or_else(|| panic!("the schema has no type of {key}"));
    let example: Vec<_> = example.iter().map(|line| format!("\\fB{}\\fR", literal(line))).collect();
    let default = match property.get("default") {
        Some(default) => format!("\\fB{}\\fR", literal(&toml(default))),
        None if required => "none, the key must be given".into(),
        None => "not set".into(),
    };
    out.push_str(&format!(
        ".TP\n\\fB{}\\fR\n{}\n.br\nType: {}.\n.br\nDefault: {default}.\n.br\nExample: {}\n",
        escaped(key),
        about(property, key),
        escaped(title),
        example.join(", with "),
    ));
}

/// A value as the file has it.
fn toml(value: &Value) -> String {
    toml::Value::try_from(value).unwrap().to_string()
}

/// Keys of a job that `[defaults]` does not have.
fn not_in_defaults(schema: &Value) -> Vec<String> {
    let defaults = &schema["properties"]["defaults"]["properties"];
    let job = schema["properties"]["jobs"]["additionalProperties"]["properties"].as_object().unwrap();
    job.keys().filter(|key| defaults.get(key).is_none()).cloned().collect()
}

/// A section of the schema without a place in the page would be missing.
#[test]
fn every_section_of_the_schema_has_its_keys_in_the_page() {
    let schema = pdb_sync::config::schema();
    for section in schema["properties"].as_object().unwrap().keys() {
        let place = format!("/properties/{section}");
        let known = SECTIONS.iter().any(|(_, known, _)| known.starts_with(&place));
        assert!(known || ["version", "config_files", "defaults"].contains(&&**section), "{section}");
    }
    let page = keys();
    for (name, place, _) in SECTIONS {
        for (key, property) in schema.pointer(place).unwrap()["properties"].as_object().unwrap() {
            let own = property["items"].get("properties").is_some();
            assert!(own || page.contains(&format!(".TP\n\\fB{}\\fR\n", escaped(key))), "{name} {key}");
        }
    }
}

/// Of sections that need no other one.
#[test]
fn examples_of_keys_are_valid_as_the_page_shows_them() {
    let samples = samples();
    let around = pdb_sync::model::host_facts::HostFacts::default();
    for (name, _, place) in SECTIONS
        .iter()
        .filter(|(name, ..)| ["[sync]", "[scan]", "[clean]", "[index]", "[stats]"].contains(name))
    {
        let section = samples.pointer(place).unwrap();
        let plain = section.as_object().unwrap().iter().filter(|(_, value)| !value[0].is_object());
        for (key, _) in plain {
            let text = format!("version = 1\n{name}\n{}\n", example_of(section, key).join("\n"));
            let file = Path::new("/etc/pdb-sync/config.toml");
            let read = pdb_sync::config::load((&text, file), &[], &Overrides::default(), &around);
            read.unwrap_or_else(|problems| panic!("{text}\n{problems}"));
        }
    }
}
