//! Lines of `--json`, held to the schema that `config schema --events` prints, which is closed here: what it does not know is a
//! mistake.

use pdb_sync::output::schema;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// By name, what lines each definition is about and who judges them.
type Definitions = BTreeMap<String, (String, jsonschema::Validator)>;

fn definitions() -> &'static Definitions {
    static DEFINITIONS: OnceLock<Definitions> = OnceLock::new();
    DEFINITIONS.get_or_init(|| {
        let all = schema::of_events();
        let definitions = all["$defs"].as_object().unwrap();
        let judge = |(name, definition): (&String, &Value)| {
            let event = definition["properties"]["event"]["const"].as_str().unwrap().to_owned();
            let validator = jsonschema::draft202012::new(&closed(definition)).unwrap();
            (name.clone(), (event, validator))
        };
        definitions.iter().map(judge).collect()
    })
}

/// The names of all kinds of lines.
pub(crate) fn kinds() -> Vec<&'static str> {
    definitions().keys().map(String::as_str).collect()
}

/// No object may have other keys than are listed.
fn closed(schema: &Value) -> Value {
    let mut schema: Map<String, Value> = schema.as_object().unwrap().clone();
    for list in ["anyOf"] {
        if let Some(Value::Array(schemas)) = schema.get_mut(list) {
            schemas.iter_mut().for_each(|inner| *inner = closed(inner));
        }
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(inner) {
            *inner = closed(inner);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(|inner| *inner = closed(inner));
        schema.insert("additionalProperties".into(), false.into());
    }
    schema.into()
}

/// Each line, and the name of what kind it is. The error is what is wrong.
pub(crate) fn parse(stdout: &str) -> Result<Vec<(Value, &'static str)>, String> {
    stdout.lines().map(parse_line).collect()
}

fn parse_line(line: &str) -> Result<(Value, &'static str), String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("no JSON ({error}): {line}"))?;
    let keys: Vec<&str> = value.as_object().into_iter().flat_map(|o| o.keys()).map(String::as_str).collect();
    if !keys.starts_with(&["event", "time"]) {
        return Err(format!("event and time are not first: {line}"));
    }
    let mut faults = Vec::new();
    for (name, (_, validator)) in definitions().iter().filter(|(_, (event, _))| value["event"] == **event) {
        let fault = validator.iter_errors(&value).next();
        let Some(fault) = fault.map(|error| format!("as {name}: {error} at {}", error.instance_path()))
        else {
            return Ok((value, name));
        };
        faults.push(fault);
    }
    Err(format!("the schema does not know {line}\n{}", faults.join("\n")))
}
