//! Values that are a single item or a list: sources, hooks, rsync options.

use super::value::{Reader, Value};
use crate::model::job::{Hook, Source};
use crate::rsync::args;
use schemars::Schema;
use std::path::Path;
use toml::Spanned;
use toml::de::DeValue;

/// One or more sources, as configured. [`Source::parse`] accepts each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources(pub Vec<String>);

/// Additional rsync options. [`args::check`] accepts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsyncArgs(pub Vec<String>);

/// Patterns of names and paths. Each is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Globs(pub Vec<String>);

/// Commands, in the order in which they run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookList(pub Vec<Hook>);

impl Value for Sources {
    fn expected() -> String {
        "a source or a list of sources".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let elements = match value.get_ref() {
            DeValue::String(_) => std::slice::from_ref(value),
            DeValue::Array(list) if list.is_empty() => {
                let hint = Some("name at least one, such as \"rsync://HOST/MODULE/\"".into());
                reader.problem(value.span(), "the list of sources is empty", hint);
                return None;
            }
            DeValue::Array(list) => list,
            _ => {
                reader.wrong_type(value, &Self::expected());
                return None;
            }
        };
        let mut read = Vec::new();
        for element in elements {
            let Some(text) = String::read(element, reader) else { continue };
            // The base of relative paths is not known yet. It does not affect which sources are refused.
            match Source::parse(&text, Path::new("/")) {
                Ok(_) => read.push(text),
                Err(wrong) => reader.problem(element.span(), wrong.to_string(), wrong.hint()),
            }
        }
        (read.len() == elements.len()).then_some(Sources(read))
    }

    fn to_toml(&self) -> toml::Value {
        match self.0.as_slice() {
            [one] => one.as_str().into(),
            several => several.to_vec().to_toml(),
        }
    }

    fn schema() -> Schema {
        let one = super::patterns::source();
        schemars::json_schema!({"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]})
    }
}

/// In a list of at most this length, the problem is at the refused argument; otherwise at the whole list.
const MOST_TRIED: usize = 1000;

/// The commands of `[notify]` run at the same time.
const MOST_COMMANDS: usize = 100;

impl Value for RsyncArgs {
    fn expected() -> String {
        Vec::<String>::expected()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let read = Vec::<String>::read(value, reader)?;
        let Err(refused) = args::check(&read) else { return Some(RsyncArgs(read)) };
        // The shortest prefix that is refused for the same reason ends with the refused argument. Checking a prefix is linear in its
        // length.
        let is_refused = |n: &usize| args::check(&read[..=*n]).is_err_and(|beginning| beginning == refused);
        let culprit = (0..read.len().min(MOST_TRIED)).find(is_refused);
        let elements = value.get_ref().as_array();
        let span = culprit.and_then(|n| elements?.get(n)).map_or(value.span(), Spanned::span);
        reader.problem(span, refused.text, Some(refused.hint));
        None
    }

    fn to_toml(&self) -> toml::Value {
        self.0.to_toml()
    }

    fn schema() -> Schema {
        Vec::<String>::schema()
    }
}

impl Value for Globs {
    fn expected() -> String {
        Vec::<String>::expected()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let read = Vec::<String>::read(value, reader)?;
        let elements = value.get_ref().as_array();
        let mut good = true;
        for (n, pattern) in read.iter().enumerate() {
            let Err(error) = globset::Glob::new(pattern) else { continue };
            good = false;
            let span = elements.and_then(|elements| elements.get(n)).map_or(value.span(), Spanned::span);
            reader.problem(span, format!("{pattern:?} is not a pattern: {}", error.kind()), None);
        }
        good.then_some(Globs(read))
    }

    fn to_toml(&self) -> toml::Value {
        self.0.to_toml()
    }

    fn schema() -> Schema {
        Vec::<String>::schema()
    }
}

impl From<HookList> for Vec<Hook> {
    fn from(list: HookList) -> Self {
        list.0
    }
}

impl Value for HookList {
    fn expected() -> String {
        "a shell line, or a list of shell lines and argument lists".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let elements = match value.get_ref() {
            DeValue::String(_) => std::slice::from_ref(value),
            DeValue::Array(list) => list,
            _ => {
                reader.wrong_type(value, &Self::expected());
                return None;
            }
        };
        if elements.len() > MOST_COMMANDS {
            let text = format!("{} commands are more than {MOST_COMMANDS}", elements.len());
            reader.problem(value.span(), text, Some("put them into a script".into()));
            return None;
        }
        let read: Vec<Option<Hook>> = elements.iter().map(|element| hook(element, reader)).collect();
        read.into_iter().collect::<Option<_>>().map(HookList)
    }

    fn to_toml(&self) -> toml::Value {
        let element = |hook: &Hook| match hook {
            Hook::Shell(line) => line.as_str().into(),
            Hook::Argv(argv) => argv.to_toml(),
        };
        toml::Value::Array(self.0.iter().map(element).collect())
    }

    fn schema() -> Schema {
        let line = || schemars::json_schema!({"type": "string", "pattern": r"\S"});
        let argv = schemars::json_schema!({
            "type": "array", "minItems": 1, "prefixItems": [{"minLength": 1}], "items": {"type": "string"}
        });
        schemars::json_schema!({"anyOf": [line(), {"type": "array", "items": {"anyOf": [line(), argv]}}]})
    }
}

fn hook(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Hook> {
    match value.get_ref() {
        DeValue::String(_) => {
            let line = String::read(value, reader)?;
            if line.trim().is_empty() {
                reader.problem(value.span(), "a shell line must not be empty", None);
                return None;
            }
            Some(Hook::Shell(line))
        }
        DeValue::Array(_) => {
            let argv = Vec::<String>::read(value, reader)?;
            if argv.first().is_none_or(String::is_empty) {
                reader.problem(value.span(), "an argument list must begin with a program", None);
                return None;
            }
            Some(Hook::Argv(argv))
        }
        _ => {
            reader.wrong_type(value, "a shell line or a list of arguments");
            None
        }
    }
}
