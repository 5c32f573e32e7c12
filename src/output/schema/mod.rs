//! The lines of `--json`, declared once: the JSON Schema and the manual page pdb-sync-json(5) follow from it, and tests hold every
//! line that is printed to it.

mod clean;
mod machine;
mod past;
mod scan;
mod search;
mod sync;
mod types;

pub use types::{HEAD, Key, Object, RESULT, Type};

use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io;
use types::{BOOL, COUNT, TEXT, key};

/// What every command may print.
const ALL: [Object; 2] = [
    Object {
        commands: &[],
        event: "error",
        about: "An error that stopped a command or a part of it. In a run of sync, errors are in \"notice\" and \"job_finished\".",
        keys: &[
            key(
                "kind",
                Type::Words(&["usage", "config", "io", "failed", "blocked", "locked"]),
                "Kind of error.",
            ),
            key("text", TEXT, "Error message."),
            key("hint", Type::Null(&TEXT), "What to do next."),
            key("file", Type::Null(&TEXT), "File with the error."),
            key("line", Type::Null(&COUNT), "Line, from 1."),
            key("column", Type::Null(&COUNT), "Column, from 1, in characters."),
        ],
    },
    Object {
        commands: &[],
        event: "result",
        about: "The only result of a command that was refused, or stopped before its own result.",
        keys: &[],
    },
];

/// `config` and `completions`.
const CONFIG: [Object; 7] = [
    Object {
        commands: &["config check"],
        event: "problem",
        about: "A problem of the configuration.",
        keys: &[
            key("severity", Type::Words(&["error", "warning", "note"]), "Severity."),
            key("file", Type::Null(&TEXT), "File."),
            key("line", Type::Null(&COUNT), "Line, from 1."),
            key("column", Type::Null(&COUNT), "Column, from 1, in characters."),
            key("text", TEXT, "Description of the problem."),
            key("hint", Type::Null(&TEXT), "What to do next."),
        ],
    },
    Object {
        commands: &["config check"],
        event: "result",
        about: "",
        keys: &[
            key("file", TEXT, "Configuration file."),
            key("ok", BOOL, "Whether there are no errors."),
            key("jobs", Type::Null(&COUNT), "Number of jobs."),
            key("problems", COUNT, "Number of errors."),
            key("warnings", COUNT, "Number of warnings."),
            key("notes", COUNT, "Number of notes."),
        ],
    },
    Object {
        commands: &["config init"],
        event: "result",
        about: "",
        keys: &[
            key("file", TEXT, "File written."),
            key(
                "ids",
                Type::Null(&TEXT),
                "List of entries beside it, for --from benchmark; one that existed is kept. Else null.",
            ),
        ],
    },
    Object {
        commands: &["config show"],
        event: "result",
        about: "",
        keys: &[key("toml", TEXT, "Configuration with all defaults, as TOML.")],
    },
    Object {
        commands: &["config path"],
        event: "result",
        about: "",
        keys: &[key("file", TEXT, "Configuration file."), key("exists", BOOL, "Whether it exists.")],
    },
    Object {
        commands: &["config schema"],
        event: "result",
        about: "",
        keys: &[key("schema", Type::Any, "The JSON Schema.")],
    },
    Object {
        commands: &["completions"],
        event: "result",
        about: "",
        keys: &[key("shell", TEXT, "Shell."), key("script", TEXT, "Completion script.")],
    },
];

/// Every kind of line that there is.
pub fn objects() -> impl Iterator<Item = &'static Object> {
    let parts: [&'static [Object]; 8] = [
        &ALL,
        &sync::OBJECTS,
        &past::OBJECTS,
        &scan::OBJECTS,
        &clean::OBJECTS,
        &search::OBJECTS,
        &machine::OBJECTS,
        &CONFIG,
    ];
    parts.into_iter().flatten()
}

/// The body of a line of this command: the keys that are declared for the event, in the declared order, with the values that `object` has.
/// A declaration chooses from the one form that a thing has in JSON.
pub fn body(command: &str, event: &str, object: &impl Serialize) -> io::Result<Value> {
    let declared = objects().find(|known| known.event == event && known.commands.contains(&command));
    Ok(match (declared, serde_json::to_value(object)?) {
        (Some(declared), Value::Object(object)) => declared.select(object),
        (_, value) => value,
    })
}

/// The JSON Schema of a line. It allows keys that it does not know: later versions may add some.
pub fn of_events() -> Value {
    let mut definitions = Map::new();
    for object in objects() {
        // Some commands have results of several forms.
        let forms = (1..).map(|n| if n == 1 { object.name() } else { format!("{}-{n}", object.name()) });
        if let Some(name) = forms.into_iter().find(|name| !definitions.contains_key(name)) {
            definitions.insert(name, object.schema());
        }
    }
    let any: Vec<Value> =
        definitions.keys().map(|name| json!({ "$ref": format!("#/$defs/{name}") })).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of pdb-sync --json",
        "description": "Later versions may add keys. Ignore unknown keys.",
        "type": "object",
        "required": ["event", "time"],
        "anyOf": any,
        "$defs": definitions,
    })
}
