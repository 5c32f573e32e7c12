//! The types that declare the lines.

use serde_json::{Map, Value, json};

/// A kind of line.
#[derive(Debug, Clone, Copy)]
pub struct Object {
    /// The commands that print it; empty: all commands.
    pub commands: &'static [&'static str],
    /// The value of `event`.
    pub event: &'static str,
    /// The description; may be empty.
    pub about: &'static str,
    /// Its keys, without those that all lines or all results have.
    pub keys: &'static [Key],
}

/// A key of an object.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Type,
    /// The description.
    pub about: &'static str,
    /// Whether it may be missing.
    pub optional: bool,
}

/// The type of a value, with its unit.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// A string.
    Text,
    /// A string: RFC 3339, UTC, milliseconds.
    Time,
    /// True or false.
    Bool,
    /// An integer, 0 or more.
    Count,
    /// An integer.
    Integer,
    /// A number.
    Number,
    /// A number of seconds.
    Seconds,
    /// A number of milliseconds.
    Milliseconds,
    /// An integer of bytes.
    Bytes,
    /// A number of bytes per second.
    BytesPerSecond,
    /// A number from 0 to 100.
    Percent,
    /// A number from 0 to 1.
    Share,
    /// One of these strings.
    Words(&'static [&'static str]),
    /// An object with these keys.
    Object(&'static [Key]),
    /// An object whose keys are names, each with a value of this type.
    Map(&'static Type),
    /// An array.
    List(&'static Type),
    /// The value, or null if it is unknown or missing.
    Null(&'static Type),
    /// Any value.
    Any,
}

pub(super) const TEXT: Type = Type::Text;
pub(super) const TIME: Type = Type::Time;
pub(super) const BOOL: Type = Type::Bool;
pub(super) const COUNT: Type = Type::Count;
pub(super) const INTEGER: Type = Type::Integer;
pub(super) const NUMBER: Type = Type::Number;
pub(super) const SECONDS: Type = Type::Seconds;
pub(super) const BYTES: Type = Type::Bytes;
pub(super) const TEXTS: Type = Type::List(&Type::Text);

pub(super) const fn key(name: &'static str, kind: Type, about: &'static str) -> Key {
    Key { name, kind, about, optional: false }
}

/// A key that may be missing.
pub(super) const fn maybe(name: &'static str, kind: Type, about: &'static str) -> Key {
    Key { name, kind, about, optional: true }
}

/// A path is text, or in Base64 under another name if it is not UTF-8.
pub(super) const PATH: Key = maybe("path", TEXT, "Path, if it is UTF-8.");
pub(super) const PATH_BASE64: Key = maybe("path_base64", TEXT, "Path in Base64, if it is not UTF-8.");

/// What is the first key of every line, and the second.
pub const HEAD: [Key; 2] =
    [key("event", TEXT, "Name of the event."), key("time", TIME, "Time of the event, or of its output.")];

/// What every result has.
pub const RESULT: [Key; 2] = [
    key(
        "command",
        TEXT,
        "Name of the command, such as \"clean plan\". Empty if the command line could not be parsed.",
    ),
    key(
        "exit_code",
        INTEGER,
        "In the last line, the exit code of the command; in earlier results, that of the item.",
    ),
];

impl Object {
    /// Name of its definition in the schema: a result is one of a command.
    pub fn name(&self) -> String {
        let commands = self.commands.iter().map(|command| command.replace(' ', "-"));
        let mut parts: Vec<String> = commands.collect();
        parts.push(self.event.into());
        parts.join(".")
    }

    /// Its keys in the order in which they are printed, those of all lines included.
    pub fn all_keys(&self) -> impl Iterator<Item = Key> {
        let of_results = (self.event == "result").then_some(RESULT);
        HEAD.into_iter().chain(of_results.into_iter().flatten()).chain(self.keys.iter().copied())
    }

    /// The declared keys of an object, in the declared order, and so on in what lies in it. Other keys are left out.
    pub(super) fn select(&self, object: Map<String, Value>) -> Value {
        select(self.keys.iter(), object)
    }

    pub(super) fn schema(&self) -> Value {
        let keys: Vec<Key> = self.all_keys().collect();
        let mut schema = of_object(&keys);
        schema["description"] = self.about.into();
        schema["properties"]["event"] = json!({ "const": self.event });
        if self.event == "result" && !self.commands.is_empty() {
            schema["properties"]["command"] = json!({ "enum": self.commands });
        }
        schema
    }
}

fn select<'a>(keys: impl Iterator<Item = &'a Key>, mut object: Map<String, Value>) -> Value {
    keys.filter_map(|key| {
        let (name, value) = object.remove_entry(key.name)?;
        Some((name, key.kind.select(value)))
    })
    .collect()
}

fn of_object(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| {
            let mut schema = key.kind.schema();
            schema["description"] = key.about.into();
            (key.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = keys.iter().filter(|key| !key.optional).map(|key| key.name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

impl Type {
    fn select(self, value: Value) -> Value {
        match (self, value) {
            (Type::Object(keys), Value::Object(object)) => select(keys.iter(), object),
            (Type::Map(inner), Value::Object(object)) => {
                object.into_iter().map(|(name, value)| (name, inner.select(value))).collect()
            }
            (Type::List(inner), Value::Array(items)) => {
                items.into_iter().map(|item| inner.select(item)).collect()
            }
            (Type::Null(inner), value) => inner.select(value),
            (_, value) => value,
        }
    }

    fn schema(self) -> Value {
        match self {
            Type::Text => json!({ "type": "string" }),
            Type::Time => json!({
                "type": "string", "format": "date-time",
                "pattern": "^-?[0-9]{4,6}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$",
            }),
            Type::Bool => json!({ "type": "boolean" }),
            Type::Count | Type::Bytes => json!({ "type": "integer", "minimum": 0 }),
            Type::Integer => json!({ "type": "integer" }),
            Type::Number => json!({ "type": "number" }),
            Type::Seconds | Type::Milliseconds | Type::BytesPerSecond => {
                json!({ "type": "number", "minimum": 0 })
            }
            Type::Percent => json!({ "type": "number", "minimum": 0, "maximum": 100 }),
            Type::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
            Type::Words(words) => json!({ "enum": words }),
            Type::Object(keys) => of_object(keys),
            Type::Map(value) => json!({ "type": "object", "additionalProperties": value.schema() }),
            Type::List(item) => json!({ "type": "array", "items": item.schema() }),
            Type::Null(value) => json!({ "anyOf": [value.schema(), { "type": "null" }] }),
            Type::Any => json!({}),
        }
    }

    /// Returns the type in words: `integer, bytes, or null`.
    pub fn words(self) -> String {
        match self {
            Type::Text => "string".into(),
            Type::Time => "time".into(),
            Type::Bool => "boolean".into(),
            Type::Count | Type::Integer => "integer".into(),
            Type::Number => "number".into(),
            Type::Seconds => "number, seconds".into(),
            Type::Milliseconds => "number, milliseconds".into(),
            Type::Bytes => "integer, bytes".into(),
            Type::BytesPerSecond => "number, bytes per second".into(),
            Type::Percent => "number, 0 to 100".into(),
            Type::Share => "number, 0 to 1".into(),
            Type::Words(words) => words.join(" | "),
            Type::Object(_) => "object".into(),
            Type::Map(value) => format!("object, each value: {}", value.words()),
            Type::List(item) => format!("array of: {}", item.words()),
            Type::Null(value) => format!("{}, or null", value.words()),
            Type::Any => "any".into(),
        }
    }

    /// Returns the keys of the object, or of the object in it.
    pub fn keys(self) -> &'static [Key] {
        match self {
            Type::Object(keys) => keys,
            Type::Map(inner) | Type::List(inner) | Type::Null(inner) => inner.keys(),
            _ => &[],
        }
    }
}
