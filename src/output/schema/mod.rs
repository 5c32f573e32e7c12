//! The lines of `--json`, declared once: the JSON Schema and the manual page pdb-sync-json(5) follow from it, and tests hold every
//! line that is printed to it.

mod clean;
mod machine;
mod past;
mod scan;
mod search;
mod sync;
mod types;

pub use types::{Key, Object, Type};

use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io;
use types::{BOOL, COUNT, INTEGER, TEXT, TIME, key};

/// What is the first key of every line, and the second.
pub const HEAD: [Key; 2] =
    [key("event", TEXT, "Name of the event."), key("time", TIME, "When it happened, or was told.")];

/// What every result has.
pub const RESULT: [Key; 2] = [
    key("command", TEXT, "The command: \"clean plan\". Empty if the command line was not understood."),
    key(
        "exit_code",
        INTEGER,
        "Exit code of the command, in the last line; before it, of what the result is about.",
    ),
];

/// What every command may print.
const ALL: [Object; 2] = [
    Object {
        commands: &[],
        event: "error",
        about: "What stopped a command, or a part of it. In a run of sync, errors are notices and results of jobs.",
        keys: &[
            key("kind", Type::Words(&["usage", "config", "io", "failed", "blocked", "locked"]), "What kind."),
            key("text", TEXT, "What was tried, on what, and why it failed."),
            key("hint", Type::Null(&TEXT), "What to do next."),
            key("file", Type::Null(&TEXT), "The file that is wrong."),
            key("line", Type::Null(&COUNT), "Line in it, from 1."),
            key("column", Type::Null(&COUNT), "Column in it, from 1, in characters."),
        ],
    },
    Object {
        commands: &[],
        event: "result",
        about: "The only result of a command that was refused, or ended before it had one.",
        keys: &[],
    },
];

/// `config` and `completions`.
const CONFIG: [Object; 7] = [
    Object {
        commands: &["config check"],
        event: "problem",
        about: "Something that is wrong with the configuration, or odd about it.",
        keys: &[
            key("severity", Type::Words(&["error", "warning", "note"]), "How much it matters."),
            key("file", Type::Null(&TEXT), "The file."),
            key("line", Type::Null(&COUNT), "Line in it, from 1."),
            key("column", Type::Null(&COUNT), "Column in it, from 1, in characters."),
            key("text", TEXT, "What is wrong."),
            key("hint", Type::Null(&TEXT), "What to do about it."),
        ],
    },
    Object {
        commands: &["config check"],
        event: "result",
        about: "",
        keys: &[
            key("file", TEXT, "The configuration."),
            key("ok", BOOL, "Whether there is no error."),
            key("jobs", Type::Null(&COUNT), "Its jobs."),
            key("problems", COUNT, "Errors."),
            key("warnings", COUNT, "Warnings."),
            key("notes", COUNT, "Notes."),
        ],
    },
    Object {
        commands: &["config init"],
        event: "result",
        about: "",
        keys: &[key("file", TEXT, "The file that was written.")],
    },
    Object {
        commands: &["config show"],
        event: "result",
        about: "",
        keys: &[key("toml", TEXT, "The resolved configuration.")],
    },
    Object {
        commands: &["config path"],
        event: "result",
        about: "",
        keys: &[key("file", TEXT, "Which file is used."), key("exists", BOOL, "Whether it is there.")],
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
        keys: &[key("shell", TEXT, "The shell."), key("script", TEXT, "What the shell is to read.")],
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
        "description": "Keys that are not listed may be added by later versions, and are to be ignored.",
        "type": "object",
        "required": ["event", "time"],
        "anyOf": any,
        "$defs": definitions,
    })
}
