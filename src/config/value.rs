//! Parsing of values in the file, and the messages for invalid ones.

use super::given::Span;
use super::problem::{MOST_PROBLEMS, Problem, Text};
use schemars::Schema;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use toml::Spanned;
use toml::de::DeValue;

/// A type of values in the file.
pub(super) trait Value: Sized {
    /// Returns what the file should contain, for messages: "a string", "a number from 1 to 100".
    fn expected() -> String;
    /// Parses a value, or reports the problem to the reader. A problem is reported once.
    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self>;
    /// Returns a TOML value that parses to the same value.
    fn to_toml(&self) -> toml::Value;
    /// Returns the JSON Schema, for editors.
    fn schema() -> Schema;

    /// Returns the JSON Schema with what is expected as its title.
    fn titled() -> Schema {
        let mut schema = Self::schema();
        schema.insert("title".into(), Self::expected().into());
        schema
    }

    /// The same with a description.
    fn described(about: &str) -> Schema {
        let mut schema = Self::titled();
        schema.insert("description".into(), about.into());
        schema
    }
}

/// The text that is being read, and the problems found so far.
pub(super) struct Reader<'a> {
    pub(super) text: Text<'a>,
    /// The number of the file, for [`Span`].
    file: usize,
    pub(super) problems: Vec<Problem>,
    /// The end of each line, so that the line of a value is found by binary search.
    ends: Vec<usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: Text<'a>) -> Self {
        Reader::of_file(0, text)
    }

    pub(super) fn of_file(file: usize, text: Text<'a>) -> Self {
        let ends = text.text.match_indices('\n').map(|(at, _)| at).collect();
        Reader { text, file, problems: Vec::new(), ends }
    }

    /// Returns the position of a byte range.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let line = self.ends.partition_point(|end| *end < range.start) + 1;
        Span { file: self.file, start: range.start, end: range.end, line }
    }

    pub(super) fn problem(&mut self, span: Range<usize>, text: impl Into<String>, hint: Option<String>) {
        self.text.next_problem(&mut self.problems, span, text, hint);
    }

    /// Whether further problems are only counted, not shown.
    pub(super) fn only_counts(&self) -> bool {
        self.problems.len() >= MOST_PROBLEMS
    }

    /// Reports a value of the wrong type.
    pub(super) fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, expected: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) if self.text.is_private_at(value.span().start) => "a string".into(),
            value => found(value),
        };
        self.problem(value.span(), format!("expected {expected}, found {found}"), None);
    }
}

/// Describes a value, short enough for a message.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() <= 40 => format!("the string {text:?}"),
        DeValue::String(_) => "a string".into(),
        DeValue::Integer(n) => format!("the integer {n}"),
        DeValue::Float(n) => format!("the number {n}"),
        DeValue::Boolean(b) => format!("{b}"),
        DeValue::Datetime(d) => format!("the date {d}"),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

/// Returns an integer of the file; `None` if the value is not an integer or does not fit.
pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// Reads a value that is a string in the file. The error of its `FromStr` is the message.
pub(super) fn read_text<T: Value + FromStr<Err = String>>(
    value: &Spanned<DeValue<'_>>,
    reader: &mut Reader<'_>,
) -> Option<T> {
    let Some(text) = value.get_ref().as_str() else {
        reader.wrong_type(value, &T::expected());
        return None;
    };
    match text.parse() {
        Ok(read) => Some(read),
        Err(wrong) => {
            reader.problem(value.span(), wrong, None);
            None
        }
    }
}

impl Value for bool {
    fn expected() -> String {
        "true or false".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let read = value.get_ref().as_bool();
        if read.is_none() {
            reader.wrong_type(value, &Self::expected());
        }
        read
    }

    fn to_toml(&self) -> toml::Value {
        (*self).into()
    }

    fn schema() -> Schema {
        schemars::json_schema!({"type": "boolean"})
    }
}

impl Value for String {
    fn expected() -> String {
        "a string".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(text) = value.get_ref().as_str() else {
            reader.wrong_type(value, &Self::expected());
            return None;
        };
        if text.contains('\0') {
            reader.problem(value.span(), "a NUL character cannot be passed to a program", None);
            return None;
        }
        Some(text.into())
    }

    fn to_toml(&self) -> toml::Value {
        self.as_str().into()
    }

    fn schema() -> Schema {
        schemars::json_schema!({"type": "string"})
    }
}

/// A path as configured. It is resolved later, when its base is known.
impl Value for PathBuf {
    fn expected() -> String {
        "a path".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        if value.get_ref().as_str().is_none() {
            reader.wrong_type(value, &Self::expected());
            return None;
        }
        let text = String::read(value, reader)?;
        if text.trim().is_empty() {
            reader.problem(
                value.span(),
                "a path must not be empty",
                Some("write . for this directory".into()),
            );
            return None;
        }
        Some(text.into())
    }

    /// Paths from a file are UTF-8; others are converted lossily.
    fn to_toml(&self) -> toml::Value {
        self.to_string_lossy().into_owned().into()
    }

    fn schema() -> Schema {
        // `~name` and `%…%` are not supported, and no path begins with a blank.
        schemars::json_schema!({"type": "string", "pattern": r"^(~(/|$)|[^%~\s])"})
    }
}

impl Value for Vec<String> {
    fn expected() -> String {
        "a list of strings".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(list) = value.get_ref().as_array() else {
            let hint = value.get_ref().as_str().map(|text| format!("write [{text:?}]"));
            let found = found(value.get_ref());
            reader.problem(value.span(), format!("expected {}, found {found}", Self::expected()), hint);
            return None;
        };
        // All elements are read, so that all problems are reported.
        let read: Vec<Option<String>> = list.iter().map(|element| String::read(element, reader)).collect();
        read.into_iter().collect()
    }

    fn to_toml(&self) -> toml::Value {
        self.iter().map(String::as_str).collect::<Vec<_>>().into()
    }

    fn schema() -> Schema {
        schemars::json_schema!({"type": "array", "items": {"type": "string"}})
    }
}

/// An integer in a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within<const MIN: i64, const MAX: i64>(i64);

/// Maximum number of jobs that run at the same time.
pub type Parallel = Within<1, 100>;

/// Number of retries.
pub type Retries = Within<0, 1000>;

impl<const MIN: i64, const MAX: i64> Within<MIN, MAX> {
    /// Creates a value; the error names the range.
    pub fn new(n: i64) -> Result<Self, String> {
        if (MIN..=MAX).contains(&n) {
            Ok(Within(n))
        } else {
            Err(format!("{n} is out of range: expected {}", Self::expected()))
        }
    }

    /// For the defaults in the key tables: clamps the value to the range.
    pub(super) const fn constant(n: i64) -> Self {
        Within(if n < MIN {
            MIN
        } else if n > MAX {
            MAX
        } else {
            n
        })
    }

    /// Returns the integer.
    pub fn get(self) -> i64 {
        self.0
    }
}

/// Converts to an integer type that holds the whole range.
macro_rules! holds_range {
    ($($integer:ty),+) => {
        $( impl<const MIN: i64, const MAX: i64> From<Within<MIN, MAX>> for $integer {
            fn from(within: Within<MIN, MAX>) -> Self {
                const { assert!(MIN as i128 >= <$integer>::MIN as i128 && MAX as i128 <= <$integer>::MAX as i128) };
                within.0 as $integer
            }
        } )+
    };
}

holds_range!(i64, u32, u8, usize);

impl<const MIN: i64, const MAX: i64> Value for Within<MIN, MAX> {
    fn expected() -> String {
        if MIN == i64::MIN { "an integer".into() } else { format!("an integer from {MIN} to {MAX}") }
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        if !value.get_ref().is_integer() {
            reader.wrong_type(value, &Self::expected());
            return None;
        }
        let read = match integer(value.get_ref()) {
            Some(n) => Self::new(n),
            None => Err(format!("{} is out of range: expected {}", found(value.get_ref()), Self::expected())),
        };
        match read {
            Ok(read) => Some(read),
            Err(wrong) => {
                reader.problem(value.span(), wrong, None);
                None
            }
        }
    }

    fn to_toml(&self) -> toml::Value {
        self.0.into()
    }

    fn schema() -> Schema {
        if MIN == i64::MIN {
            return schemars::json_schema!({"type": "integer"});
        }
        schemars::json_schema!({"type": "integer", "minimum": MIN, "maximum": MAX})
    }
}
