//! The JSON Schema of the file, for editors. It is generated from the tables of keys.

use super::clean_layer::CleanLayer;
use super::layer::{
    AlertLayer, HostLayer, IndexLayer, Key, Layer, MirrorLayer, NotifyLayer, Origin, ScanLayer, SearchLayer,
    StatsLayer, SyncLayer, Table,
};
use super::patterns;
use crate::history::stats::{Metric, Unit};
use serde_json::{Map, Value, json};

/// Returns the schema, in JSON Schema draft 2020-12.
pub fn schema() -> Value {
    let job_defaults = Layer::default().fill().entries();
    let job = table(
        "A job: one mirror, with its source, its destination and its limits.",
        Layer::KEYS,
        &job_defaults,
        |_| true,
    );
    let mut defaults = table("Default values for all jobs.", Layer::KEYS, &job_defaults, |key| {
        !matches!(key, "source" | "dest" | "description")
    });
    defaults.remove("required");
    let sync_defaults = SyncLayer::default().fill().entries();
    let mut sync = table("Settings of runs.", SyncLayer::KEYS, &sync_defaults, |_| true);
    // The value is expanded like a path.
    sync["properties"]["rsync"]["pattern"] = r"^(~(/|$)|[^%~\s])".into();
    let scan = table("Settings of scans.", ScanLayer::KEYS, &ScanLayer::default().fill().entries(), |_| true);
    let mut clean =
        table("Settings of clean.", CleanLayer::KEYS, &CleanLayer::default().fill().entries(), |_| true);
    clean.insert("if".into(), json!({"required": ["mode"], "properties": {"mode": {"const": "backup"}}}));
    clean.insert("then".into(), json!({"required": ["backup_dir"]}));
    clean["properties"]["backup_dir"]["not"] = patterns::elsewhere();
    let mut host = table("Limits of one host.", HostLayer::KEYS, &[], |_| true);
    host.insert("minProperties".into(), 1.into());
    let mut mirror = table(
        "Addresses of an archive. They add to those that `pdb-sync mirrors` lists, or replace them.",
        MirrorLayer::KEYS,
        &[],
        |_| true,
    );
    mirror.insert("minProperties".into(), 1.into());
    let stats_defaults = StatsLayer::default().fill().entries();
    let mut stats = table("Limits of the history.", StatsLayer::KEYS, &stats_defaults, |_| true);
    let mut alert = table("An alert: a condition on past runs.", AlertLayer::KEYS, &[], |_| true);
    alert.extend(conditions());
    stats["properties"]["alerts"] = json!({
        "description": "Alerts: conditions on past runs.", "type": "array", "items": alert,
    });
    let notify_defaults = NotifyLayer::default().fill().entries();
    let notify = table("Notifications about runs.", NotifyLayer::KEYS, &notify_defaults, |_| true);
    let index = table(
        "Settings of search indexes.",
        IndexLayer::KEYS,
        &IndexLayer::default().fill().entries(),
        |_| true,
    );
    let search =
        table("Settings of searches.", SearchLayer::KEYS, &SearchLayer::default().fill().entries(), |_| true);
    let mut job = job;
    job["properties"]["dest"]["not"] = patterns::elsewhere();
    job["properties"]["root"]["not"] = patterns::elsewhere();
    defaults["properties"]["root"]["not"] = patterns::elsewhere();
    job.insert("required".into(), json!(["source", "dest"]));
    let properties = json!({
        "version": {"description": "Version of the configuration format.", "const": 1},
        "config_files": {
            "description": "Further files of the configuration: names, or patterns with *, ? and [ ], relative to the directory of this \
                file. Their tables are read as if they were written here. A pattern may match no file.",
            "type": "array",
            "default": [],
            "items": {"type": "string", "pattern": r"\S", "not": {"pattern": r"\*\*"}},
        },
        "sync": sync,
        "stats": stats,
        "notify": notify,
        "index": index,
        "search": search,
        "scan": scan,
        "clean": clean,
        "hosts": {
            "description": "Limits by host name, without port.",
            "type": "object",
            "propertyNames": {"not": {"pattern": "^[^:]*:[^:]*$"}},
            "additionalProperties": host,
        },
        "mirrors": {
            "description": "Addresses of archives by the name of the archive, for sources such as \"wwpdb:status/\".",
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"},
            "additionalProperties": mirror,
        },
        "defaults": defaults,
        "jobs": {
            "description": "Jobs by name.",
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"},
            "additionalProperties": job,
        },
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:pdb-sync:config:1",
        "title": "Configuration of pdb-sync",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

/// Requirements for an alert: a condition, and bounds in the unit of its figure.
fn conditions() -> Map<String, Value> {
    let units = [Unit::Time, Unit::Bytes, Unit::Count].map(|unit| {
        let metrics: Vec<&str> =
            Metric::ALL.into_iter().filter(|metric| metric.unit() == unit).map(Metric::word).collect();
        let bound = patterns::bound(Some(unit));
        json!({
            "if": {"required": ["metric"], "properties": {"metric": {"enum": metrics}}},
            "then": {"properties": {"above": bound, "below": bound}},
        })
    });
    let limit = json!([{"required": ["above"]}, {"required": ["below"]}]);
    let any = ["above", "below", "slower_than", "age_above"].map(|key| json!({"required": [key]}));
    let mut conditions = Map::new();
    conditions.insert("anyOf".into(), any.to_vec().into());
    conditions.insert("dependentRequired".into(), json!({"above": ["metric"], "below": ["metric"]}));
    conditions.insert("dependentSchemas".into(), json!({"metric": {"anyOf": limit}}));
    let of_command = json!({
        "if": {"required": ["command"]},
        "then": {"properties": {"metric": {"const": Metric::Duration.word()}}, "not": {"required": ["job"]}},
    });
    conditions.insert("allOf".into(), units.into_iter().chain([of_command]).collect());
    conditions
}

fn table(
    about: &str,
    keys: &[Key],
    defaults: &[(&'static str, toml::Value, Origin)],
    wanted: impl Fn(&str) -> bool,
) -> Map<String, Value> {
    let mut properties = Map::new();
    for key in keys.iter().filter(|key| wanted(key.name)) {
        let mut schema = (key.schema)();
        schema.insert("description".into(), key.doc.trim().into());
        if let Some((_, default, _)) = defaults.iter().find(|(name, ..)| *name == key.name) {
            // Every TOML value that we write can be represented in JSON.
            schema.insert("default".into(), serde_json::to_value(default).unwrap_or_default());
        }
        properties.insert(key.name.into(), schema.to_value());
    }
    let mut table = Map::new();
    table.insert("description".into(), about.into());
    table.insert("type".into(), "object".into());
    table.insert("properties".into(), properties.into());
    table.insert("additionalProperties".into(), false.into());
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_described_and_no_other_allowed() {
        let schema = schema();
        let job = &schema["properties"]["jobs"]["additionalProperties"];
        assert_eq!(job["additionalProperties"], false);
        assert_eq!(job["required"], json!(["source", "dest"]));
        for key in Layer::KEYS {
            let property = &job["properties"][key.name];
            assert!(property["description"].as_str().is_some_and(|text| text.ends_with('.')), "{}", key.name);
        }
        assert_eq!(job["properties"]["retries"]["default"], 3);
        assert_eq!(job["properties"]["stall"]["default"], "10m");
        assert!(schema["properties"]["defaults"]["properties"].get("dest").is_none());
        assert!(schema["properties"]["defaults"]["properties"].get("root").is_some());
        assert_eq!(schema["properties"]["sync"]["properties"]["parallel"]["anyOf"][0]["maximum"], 100);
        for (name, _) in super::super::preset::NAMES {
            assert!(job["properties"]["preset"].to_string().contains(name), "{name}");
        }
    }
}
