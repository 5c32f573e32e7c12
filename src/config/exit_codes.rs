//! The value of `exit_codes`.

use super::value::{Reader, Value};
use crate::model::job::ExitCodes;
use crate::model::result::Status;
use schemars::Schema;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::DeValue;

impl Value for ExitCodes {
    fn expected() -> String {
        "a table of exit codes and statuses, such as { 23 = \"warned\" }".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            reader.wrong_type(value, &Self::expected());
            return None;
        };
        let before = reader.problems.len();
        let mut codes = BTreeMap::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let code = name.parse::<u8>().ok().filter(|code| *code > 0 && code.to_string() == name);
            if code.is_none() {
                let hint = (name == "0")
                    .then(|| "0 is success; a job that rsync ended with 0 keeps its status".into());
                reader.problem(key.span(), format!("{name:?} is no exit code from 1 to 255"), hint);
            }
            let word = value.get_ref().as_str();
            let status = ExitCodes::STATUSES.into_iter().find(|status| Some(status.word()) == word);
            if status.is_none() {
                reader.wrong_type(value, "\"ok\", \"warned\", \"partial\" or \"failed\"");
            }
            codes.extend(code.zip(status));
        }
        (reader.problems.len() == before).then_some(ExitCodes(codes))
    }

    fn to_toml(&self) -> toml::Value {
        let entry = |(code, status): (&u8, &Status)| (code.to_string(), status.word().into());
        toml::Value::Table(self.0.iter().map(entry).collect())
    }

    fn schema() -> Schema {
        let words = ExitCodes::STATUSES.map(Status::word);
        schemars::json_schema!({
            "type": "object",
            "propertyNames": {"pattern": "^([1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$"},
            "additionalProperties": {"enum": words},
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::load;

    #[test]
    fn what_is_no_exit_code_or_no_status_is_refused() {
        let text = "[jobs.a]\nsource = 'h::m/'\ndest = '/m/a'\nexit_codes = ";
        for (value, wrong) in [
            ("{ 0 = 'ok' }", "exit_codes: \"0\" is no exit code from 1 to 255"),
            ("{ 256 = 'ok' }", "exit_codes: \"256\" is no exit code from 1 to 255"),
            ("{ 023 = 'ok' }", "exit_codes: \"023\" is no exit code from 1 to 255"),
            (
                "{ 23 = 'blocked' }",
                "exit_codes: expected \"ok\", \"warned\", \"partial\" or \"failed\", found the string \"blocked\"",
            ),
            (
                "[23]",
                "exit_codes: expected a table of exit codes and statuses, such as { 23 = \"warned\" }, found a list",
            ),
        ] {
            let problems = load(&format!("{text}{value}\n")).unwrap_err().0;
            assert_eq!(problems[0].text, wrong);
            assert_eq!(problems[0].place.as_ref().map(|place| place.line), Some(4));
        }
    }
}
