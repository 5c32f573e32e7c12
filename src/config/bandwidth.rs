//! The value of `bwlimit` in `[sync]`.

use super::units::Rate;
use super::value::{Reader, Value};
use crate::model::bandwidth::{Bandwidth, Window};
use schemars::Schema;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const KEYS: [&str; 3] = ["from", "to", "rate"];

impl Value for Bandwidth {
    fn expected() -> String {
        format!("{}, or a list of tables with from, to and rate", Rate::expected())
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(list) = value.get_ref().as_array() else {
            return Rate::read(value, reader).map(|rate| Bandwidth::Always(rate.0));
        };
        let before = reader.problems.len();
        let mut windows: Vec<Window> = Vec::new();
        for element in list {
            let Some(table) = element.get_ref().as_table() else {
                reader.wrong_type(
                    element,
                    "a table such as { from = \"08:00\", to = \"18:00\", rate = \"5MB\" }",
                );
                continue;
            };
            let Some(window) = window(element, table, reader) else { continue };
            if windows.iter().any(|other| overlap(*other, window)) {
                let hint = Some("give each time of day one rate".into());
                reader.problem(element.span(), "these times overlap with earlier ones", hint);
            }
            windows.push(window);
        }
        (reader.problems.len() == before).then_some(Bandwidth::Times(windows))
    }

    fn to_toml(&self) -> toml::Value {
        let rate = |rate: Option<u64>| Rate(rate).to_toml();
        match self {
            Bandwidth::Always(all) => rate(*all),
            Bandwidth::Times(windows) => {
                let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60).into();
                let entry = |window: &Window| {
                    let values = [time(window.from), time(window.to), rate(window.rate)];
                    toml::Value::Table(KEYS.map(str::to_owned).into_iter().zip(values).collect())
                };
                toml::Value::Array(windows.iter().map(entry).collect())
            }
        }
    }

    fn schema() -> Schema {
        let time = schemars::json_schema!({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"});
        schemars::json_schema!({"anyOf": [Rate::schema(), {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"from": time, "to": time, "rate": Rate::schema()},
                "required": KEYS,
                "additionalProperties": false,
            },
        }]})
    }
}

fn window(element: &Spanned<DeValue<'_>>, table: &DeTable<'_>, reader: &mut Reader<'_>) -> Option<Window> {
    let (mut times, mut rate) = ([None; 2], None);
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "from" => times[0] = Some(time(value, reader)),
            "to" => times[1] = Some(time(value, reader)),
            "rate" => rate = Some(Rate::read(value, reader)),
            name => {
                let hint = Some(format!("known are {}", KEYS.join(", ")));
                reader.problem(key.span(), format!("unknown key {name:?}"), hint);
            }
        }
    }
    let missing = [times[0].is_none(), times[1].is_none(), rate.is_none()];
    if let Some((_, key)) = missing.into_iter().zip(KEYS).find(|(missing, _)| *missing) {
        reader.problem(element.span(), format!("{key} is missing"), None);
    }
    Some(Window { from: times[0]??, to: times[1]??, rate: rate??.0 })
}

/// Reads `HH:MM`, in minutes.
fn time(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<u16> {
    let parts = value.get_ref().as_str().and_then(|text| text.split_once(':'));
    let number = |text: &str, end: u16| {
        let digits = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
        text.parse().ok().filter(|n: &u16| digits && *n < end)
    };
    let time = parts.and_then(|(hour, minute)| Some(number(hour, 24)? * 60 + number(minute, 60)?));
    if time.is_none() {
        reader.wrong_type(value, "a time of day such as \"08:00\"");
    }
    time
}

fn overlap(a: Window, b: Window) -> bool {
    a.holds(b.from) || b.holds(a.from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::load;

    fn read(value: &str) -> Result<Bandwidth, Vec<String>> {
        match load(&format!("[sync]\nbwlimit = {value}\n")) {
            Ok(config) => Ok(config.sync.bwlimit),
            Err(problems) => Err(problems.0.into_iter().map(|problem| problem.text).collect()),
        }
    }

    #[test]
    fn a_rate_or_a_timetable_is_read() {
        assert_eq!(read("'5MB'"), Ok(Bandwidth::Always(Some(5_000_000))));
        assert_eq!(read("0"), Ok(Bandwidth::Always(None)));
        let table =
            "[{ from = '08:00', to = '18:30', rate = '5MB' }, { from = '18:30', to = '08:00', rate = 0 }]";
        let windows = vec![
            Window { from: 480, to: 1110, rate: Some(5_000_000) },
            Window { from: 1110, to: 480, rate: None },
        ];
        assert_eq!(read(table), Ok(Bandwidth::Times(windows)));
        assert_eq!(read(&read(table).unwrap().to_toml().to_string()), read(table));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let window = "from = '08:00', to = '18:00', rate = '5MB'";
        for (value, wrong) in [
            ("[5]", "expected a table such as"),
            ("[{ from = '08:00', to = '18:00' }]", "rate is missing"),
            (
                "[{ from = '8:00', to = '18:00', rate = 1 }]",
                "expected a time of day such as \"08:00\", found the string \"8:00\"",
            ),
            ("[{ from = '08:00', to = '24:00', rate = 1 }]", "expected a time of day"),
            (&format!("[{{ {window}, days = 1 }}]"), "unknown key \"days\""),
            (
                &format!("[{{ {window} }}, {{ from = '17:59', to = '19:00', rate = 1 }}]"),
                "these times overlap with earlier ones",
            ),
            (
                "[{ from = '22:00', to = '06:00', rate = 1 }, { from = '05:00', to = '07:00', rate = 1 }]",
                "these times overlap",
            ),
        ] {
            let problems = read(value).unwrap_err();
            assert!(problems[0].starts_with(&format!("bwlimit: {wrong}")), "{value}: {problems:?}");
        }
    }
}
