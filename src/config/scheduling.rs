//! Values about how jobs use servers and this machine.

use super::patterns;
use super::value::{Reader, Value, Within, read_text};
use crate::model::job::{Adopt, CachePolicy, Connections, IoPriority, Marker, SourceOrder};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::str::FromStr;
use toml::Spanned;
use toml::de::DeValue;

/// A number from 1 to `MAX`, or "auto".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberOrAuto<const MAX: i64> {
    /// A fixed number.
    Fixed(Within<1, MAX>),
    /// As many as are useful.
    Auto,
}

/// How many jobs run at the same time; "auto": as many as the load of the machine allows, up to `parallel_max`.
pub type Concurrency = NumberOrAuto<100>;

/// How many connections a job has at the same time; "auto": as many as pay.
pub type ConnectionLimit = NumberOrAuto<16>;

/// CPU niceness, relative to our own.
pub type Nice = Within<0, 19>;

impl<const MAX: i64> FromStr for NumberOrAuto<MAX> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(NumberOrAuto::Auto);
        }
        let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty();
        if !digits {
            return Err(format!("{text:?} is neither a number from 1 to {MAX} nor \"auto\""));
        }
        // A number that is too large for the type is also outside the range.
        Within::new(text.parse().unwrap_or(i64::MAX)).map(NumberOrAuto::Fixed)
    }
}

impl<const MAX: i64> Value for NumberOrAuto<MAX> {
    fn expected() -> String {
        format!("an integer from 1 to {MAX}, or \"auto\"")
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref().as_str() {
            Some("auto") => Some(NumberOrAuto::Auto),
            Some(_) => {
                reader.wrong_type(value, &Self::expected());
                None
            }
            None if !value.get_ref().is_integer() => {
                reader.wrong_type(value, &Self::expected());
                None
            }
            None => Within::read(value, reader).map(NumberOrAuto::Fixed),
        }
    }

    fn to_toml(&self) -> toml::Value {
        match self {
            NumberOrAuto::Fixed(n) => n.to_toml(),
            NumberOrAuto::Auto => "auto".into(),
        }
    }

    fn schema() -> Schema {
        schemars::json_schema!({"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX}, {"const": "auto"}]})
    }
}

impl From<ConnectionLimit> for Connections {
    fn from(limit: ConnectionLimit) -> Self {
        match limit {
            NumberOrAuto::Fixed(n) => Connections::Fixed(n.into()),
            NumberOrAuto::Auto => Connections::Auto,
        }
    }
}

impl Value for Marker {
    fn expected() -> String {
        "a path below the source, or an rsync:// address".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        read_text(value, reader)
    }

    fn to_toml(&self) -> toml::Value {
        self.to_string().into()
    }

    fn schema() -> Schema {
        patterns::marker()
    }
}

impl Value for IoPriority {
    fn expected() -> String {
        "\"idle\", or \"best-effort:0\" to \"best-effort:7\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        read_text(value, reader)
    }

    fn to_toml(&self) -> toml::Value {
        self.to_string().into()
    }

    fn schema() -> Schema {
        schemars::json_schema!({"type": "string", "pattern": "^idle$|^best-effort(:[0-7])?$"})
    }
}

/// Implements `Value` for an enum that is one of a few strings.
macro_rules! words {
    ($type:ty: $($word:literal => $value:path),+) => {
        impl Value for $type {
            fn expected() -> String {
                [$(format!("{:?}", $word)),+].join(" or ")
            }

            fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
                match value.get_ref().as_str() {
                    $(Some($word) => Some($value),)+
                    _ => {
                        reader.wrong_type(value, &Self::expected());
                        None
                    }
                }
            }

            fn to_toml(&self) -> toml::Value {
                match self {
                    $($value => $word.into(),)+
                }
            }

            fn schema() -> Schema {
                <$type as JsonSchema>::json_schema(&mut SchemaGenerator::default())
            }
        }
    };
}

words!(SourceOrder: "given" => SourceOrder::Given, "fastest" => SourceOrder::Fastest);
words!(Adopt: "size-time" => Adopt::SizeTime, "checksum" => Adopt::Checksum);
words!(CachePolicy: "keep" => CachePolicy::Keep, "drop" => CachePolicy::Drop);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{HostFacts, Overrides, load};
    use crate::model::job::Priority;
    use std::path::Path;

    fn read(sync: &str, job: &str) -> Result<crate::config::Config, String> {
        let text = format!("[sync]\n{sync}\n[jobs.a]\nsource = '/s/'\ndest = '/d'\n{job}\n");
        load((&text, Path::new("/c.toml")), &[], &Overrides::default(), &HostFacts::default())
            .map_err(|problems| problems.to_string())
    }

    #[test]
    fn manners_are_read() {
        let config = read(
            "parallel = 'auto'\nparallel_max = 4",
            "source_order = 'fastest'\nnice = 10\nionice = 'best-effort:7'\ncache = 'drop'",
        );
        let config = config.unwrap();
        assert_eq!((config.sync.parallel, config.sync.auto), (4, true));
        let job = &config.jobs[0];
        assert_eq!((job.source_order, job.cache), (SourceOrder::Fastest, CachePolicy::Drop));
        assert_eq!(job.child_priority(), Priority { nice: 10, io: Some(IoPriority::BestEffort(7)) });
        let several =
            read("", "connections = 'auto'\nmarker = 'status/added.txt'\nfull_every = '7d'").unwrap();
        assert_eq!(several.jobs[0].connections, Connections::Auto);
        assert_eq!(several.jobs[0].marker, Some("status/added.txt".parse().unwrap()));
        assert_eq!(several.jobs[0].full_every.as_secs(), 7 * 24 * 3600);
        let plain = read("parallel = 3", "").unwrap();
        assert_eq!((plain.jobs[0].connections, &plain.jobs[0].marker), (Connections::Fixed(1), &None));
        assert_eq!((plain.sync.parallel, plain.sync.auto), (3, false));
        assert_eq!(plain.jobs[0].child_priority(), Priority::default());
    }

    #[test]
    fn bad_manners_are_named() {
        for (sync, job, text) in [
            (
                "parallel = 'many'",
                "",
                "expected an integer from 1 to 100, or \"auto\", found the string \"many\"",
            ),
            ("parallel = 101", "", "out of range: expected an integer from 1 to 100"),
            ("", "nice = 20", "out of range: expected an integer from 0 to 19"),
            ("", "ionice = 'best-effort:8'", "\"best-effort:8\" is neither"),
            ("", "cache = 'empty'", "expected \"keep\" or \"drop\""),
            ("", "connections = 17", "connections: 17 is out of range: expected an integer from 1 to 16"),
            ("", "connections = 'many'", "expected an integer from 1 to 16, or \"auto\", found the string"),
            ("", "marker = '/status/x'", "\"/status/x\" is not relative to the source"),
            ("", "marker = 'a/../../x'", "must not contain"),
            ("", "marker = 'wwpdb:status/x'", "neither a path below the source nor"),
            ("", "marker = 'http://h/x'", "neither a path below the source nor"),
            ("", "marker = 'rsync://h/m/dir/'", "names a directory"),
            ("", "source_order = 1", "expected \"given\" or \"fastest\", found the integer 1"),
        ] {
            let problems = read(sync, job).unwrap_err();
            assert!(problems.contains(text), "{problems}");
        }
    }

    #[test]
    fn concurrency_is_read_from_the_command_line() {
        assert_eq!("auto".parse(), Ok(Concurrency::Auto));
        assert_eq!("3".parse(), Ok(Concurrency::Fixed(Within::constant(3))));
        for bad in ["", "0", "101", "99999999999999999999", "-1", "x"] {
            assert!(bad.parse::<Concurrency>().is_err(), "{bad}");
        }
    }
}
