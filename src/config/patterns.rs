//! Regular expressions of values with a unit, for editors. They accept what the parsers of these values accept; only the parsers check sums
//! and fractions beyond a limit.

use schemars::{Schema, json_schema};
use serde_json::{Value, json};

/// One part of a time span, at most 100 years. Without look-ahead and Unicode classes, which some editors do not support.
const PART: &str = r"(([0-9]{1,2}([.][0-9]+)?\s*(years|year|yr|yrs|y))|([0-9]{1,4}([.][0-9]+)?\s*(months|month|M|weeks|week|wk|wks|w))|([0-9]{1,5}([.][0-9]+)?\s*(days|day|d))|([0-9]{1,6}([.][0-9]+)?\s*(hours|hour|hr|hrs|h))|([0-9]{1,8}([.][0-9]+)?\s*(minutes|minute|min|mins|m))|([0-9]{1,10}([.][0-9]+)?\s*(seconds|second|secs|sec|s))|([0-9]{1,13}([.][0-9]+)?\s*(millis|msec|ms))|([0-9]{1,18}([.][0-9]+)?\s*(usec|us|µs|nanos|nsec|ns)))";
/// A size with a unit, as bytesize parses it.
const SIZE: &str = r"([0-9]+[.]?[0-9]*|[.][0-9]+)\s*([bB]|[kKmMgGtTpPeE][iI]?[bB]?)";
/// Decimal digits of a number that fits into 64 bits.
const COUNT: &str = "[+]?[0-9]{1,19}";

/// A time span. `zero`: how an empty span may be written.
pub(super) fn span(zero: Zero, what: &str) -> Schema {
    let text = format!(r"^\s*(0|({PART}\s*)+)\s*$");
    let string = |more: Value| {
        let mut schema = json!({"type": "string", "pattern": text, "examples": ["30s", "10m", "2h", "30d"], "$comment": what});
        if let (Some(schema), Value::Object(more)) = (schema.as_object_mut(), more) {
            schema.extend(more);
        }
        schema
    };
    let schema = match zero {
        Zero::Refused => string(json!({"allOf": [{"pattern": "[1-9]"}]})),
        Zero::AsText => string(json!({})),
        Zero::AsNumber => json!({"anyOf": [string(json!({})), {"type": "integer", "const": 0}]}),
    };
    Schema::try_from(schema).unwrap_or_default()
}

/// How an empty span may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// Not at all.
    Refused,
    /// As `"0"` and `"0s"`.
    AsText,
    /// As `"0"`, `"0s"` and the number 0.
    AsNumber,
}

/// A size.
pub(super) fn size() -> Schema {
    let text = format!(r"^\s*({COUNT}|{SIZE})\s*$");
    json_schema!({"type": ["string", "integer"], "minimum": 0, "pattern": text, "examples": ["20GiB"]})
}

/// A rate per second.
pub(super) fn rate() -> Schema {
    // A larger number of KiB does not fit into 64 bits of bytes.
    let text = format!(r"^\s*([+]?[0-9]{{1,16}}|{SIZE})(/s)?\s*$");
    json_schema!({
        "type": ["string", "integer"], "minimum": 0, "maximum": u64::MAX / 1024, "pattern": text, "examples": ["5MB"]
    })
}

/// A number of files, or a share of all files.
pub(super) fn share() -> Schema {
    let percent = r"[+]?(100([.]0*)?|[0-9]{1,2}([.][0-9]*)?|[.][0-9]+)\s*%";
    let text = format!(r"^\s*({COUNT}|{percent})\s*$");
    json_schema!({"type": ["string", "integer"], "minimum": 0, "pattern": text, "examples": ["10%", 1000]})
}

/// What follows `rsync` in an address of a daemon.
const URL: &str = r"://([^/@:]*:?@)?(\[[^/\]]+\]|[^/:@\[\]]+)(:(0*[1-9][0-9]{0,4})?)?/[^/]";

/// A marker: a path without `.`, `..` or empty components, or the address of a file.
pub(super) fn marker() -> Schema {
    json_schema!({
        "type": "string",
        "anyOf": [
            {"pattern": format!("^rsync{URL}")},
            {"pattern": r"^([.][.]/)*([^/:.]|[.]+[^/:.]|[.]{3})[^/:]*(/([^/.]|[.]+[^/.]|[.]{3})[^/]*)*$"},
        ],
        "not": {"pattern": r"[\x00\n]|^$|/$"},
        "examples": ["../../../status/latest/added.pdb"],
    })
}

/// A source in one of rsync's notations: `rsync://[USER@]HOST[:PORT]/MODULE…`, `[USER@]HOST::MODULE…`, `[USER@]HOST:PATH`, `PATH`.
pub(super) fn source() -> Schema {
    let url = format!("^[rR][sS][yY][nN][cC]{URL}");
    let no_other = [
        // Other schemes.
        "^[A-Za-z0-9+]*://",
        // No host, no module, a password, a port with a remote-shell path.
        "^([^/:@]*@)?:",
        r"^(\[\]|[^/:]*@-[^/:]*):",
        r"^([^/:\[]*|([^/:@]*@)?\[[^/\]]*\])::(/|$)",
        "^[^/:@]+:[^/@]+@",
        "^[^/:]+:[0-9]+::",
        // Local paths that cannot be expanded.
        "^(%[^:]*|~[^/:]+(/.*)?)$",
    ];
    let no_other: Vec<Value> = no_other.into_iter().map(|pattern| json!({"pattern": pattern})).collect();
    json_schema!({
        "type": "string",
        "pattern": r"^[^-\s]",
        "anyOf": [{"pattern": url}, {"not": {"anyOf": no_other}}],
        "examples": ["rsync://HOST/MODULE/", "HOST::MODULE/", "/srv/mirror/"],
    })
}

/// Text that cannot be a directory on this machine without a `./` prefix: a URL, `[USER@]HOST:PATH`, `[USER@]HOST::MODULE`. A schema cannot
/// check the values of variables.
pub(super) fn elsewhere() -> Value {
    let patterns = [
        "^[A-Za-z0-9+]*://",
        r"^\[[^-\]][^\]]*\]:",
        r"^[^/:@\[$-][^/:@$]*:",
        r"^([^/:\[$][^/:$]*)?@[^/:@$-][^/:@$]*:",
    ];
    json!({"anyOf": patterns.map(|pattern| json!({"pattern": pattern}))})
}

/// A bound for a figure with this unit: a number, or text.
pub(super) fn bound(unit: Option<crate::history::stats::Unit>) -> Schema {
    use crate::history::stats::Unit;
    let size = format!(r"\s*{SIZE}(/s)*\s*");
    let span = format!(r"\s*({PART}\s*)+");
    let text = match unit {
        None => format!("^({size}|{span})$"),
        Some(Unit::Time) => format!("^{span}$"),
        Some(Unit::Bytes) => format!("^{size}$"),
        Some(Unit::Count) => return json_schema!({"type": "number"}),
    };
    json_schema!({"type": ["number", "string"], "pattern": text, "examples": ["2h", "5MB", 100]})
}
