//! Resolves `[notify]`: finds the addresses.

use super::layer::{Given, NotifyLayer};
use super::notify::{Addressee, Url};
use super::paths::escape;
use super::resolver::Resolver;
use super::settings::NotifySettings;
use crate::model::host_facts::Secret;

impl Resolver<'_> {
    /// Resolves `[notify]`. An address that cannot be found is an error, but it prevents no job from running; a run reports at its end that
    /// nothing was sent.
    pub(super) fn notify(&mut self, layer: &mut NotifyLayer) -> NotifySettings {
        let ping = self.addressee("ping", &mut layer.ping);
        let webhook = self.addressee("webhook", &mut layer.webhook);
        if let Some(given) = &layer.command {
            let commands = &given.value.0;
            let twice = (1..commands.len()).find(|n| commands[..*n].contains(&commands[*n]));
            if let Some(n) = twice {
                let text = format!(
                    "command: number {} of the list repeats an earlier one, and would be run twice",
                    n + 1
                );
                self.note(given.origin, text, Some("remove one of them".into()));
            }
        }
        NotifySettings::of(layer.clone(), ping, webhook)
    }

    /// Resolves an address, and replaces the path of its file by the absolute path.
    fn addressee(&mut self, key: &str, given: &mut Option<Given<Addressee>>) -> Option<Result<Url, String>> {
        let given = given.as_mut()?;
        let found: Result<String, (String, Option<String>)> = match &given.value {
            Addressee::Url(url) => return Some(Ok(url.clone())),
            Addressee::Env(name) => {
                let set = (self.around.variable)(name).map(|value| value.to_string_lossy().trim().to_owned());
                let hint =
                    Some(format!("set {name} where pdb-sync runs: cron and systemd set few variables"));
                match set {
                    None => Err((format!("the environment has no variable {name}"), hint)),
                    Some(value) if value.is_empty() => {
                        Err((format!("the variable {name} of the environment is empty"), hint))
                    }
                    Some(value) => Ok(value),
                }
            }
            Addressee::File(text) => match self.below(given.origin, text) {
                Ok(path) => {
                    let read = (self.around.secret)(std::path::Path::new(&path), Secret::Address);
                    given.value = Addressee::File(escape(&path));
                    read.map_err(|unusable| (unusable.text, unusable.hint))
                }
                Err(wrong) => Err((wrong.text, wrong.hint)),
            },
        };
        let found = found.and_then(|text| {
            let hint = Some("write one line: https://HOST/…".into());
            text.parse::<Url>().map_err(|wrong| (format!("its value is not an address: {wrong}"), hint))
        });
        let origin = given.origin;
        Some(found.map_err(|(text, hint)| {
            self.note(origin, format!("{key}: {text}"), hint);
            text
        }))
    }
}
