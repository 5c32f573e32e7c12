//! Jobs that ask for more connections than their hosts get.

use super::layer::Origin;
use super::resolver::Resolver;
use super::settings::Config;
use crate::model::job::{A_HOST, Connections};

impl Resolver<'_> {
    /// Notes jobs whose `connections` is more than `[hosts]` allows to one of their hosts.
    pub(super) fn note_few_connections(&mut self, config: &Config) {
        for job in &config.jobs {
            let (Connections::Fixed(wanted), Some(settings)) =
                (job.connections, config.given.jobs.get(&job.name))
            else {
                continue;
            };
            let (Origin::Section(span) | Origin::Defaults(span)) = settings.connections.origin else {
                continue;
            };
            let cap = |host: &str| config.hosts.get(host).copied().unwrap_or(A_HOST);
            let few =
                job.sources.iter().filter_map(|source| source.host()).find(|host| cap(host) < wanted.into());
            let Some(host) = few else { continue };
            let text =
                format!("job {:?}: of its {wanted} connections, {host} gets at most {}", job.name, cap(host));
            let hint = format!("to allow more, set connections = {wanted} in [hosts.{host:?}]");
            self.texts.next_problem(&mut self.notes, span, text, Some(hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{HostFacts, Overrides, load};
    use std::path::Path;

    #[test]
    fn more_connections_than_a_host_gets_are_noted_where_they_are_set() {
        let notes = |hosts: &str, connections: &str| {
            let text = format!(
                "{hosts}\n[jobs.a]\nsource = 'rsync://h.org/m/'\ndest = '/d'\nconnections = {connections}\n"
            );
            let config =
                load((&text, Path::new("/c.toml")), &[], &Overrides::default(), &HostFacts::default())
                    .unwrap();
            config.notes.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let told = notes("", "8");
        assert!(
            told.len() == 1 && told[0].contains("of its 8 connections, h.org gets at most 4"),
            "{told:?}"
        );
        assert!(notes("[hosts.'h.org']\nconnections = 8", "8").is_empty());
        assert_eq!(notes("[hosts.'h.org']\nconnections = 2", "3").len(), 1);
        assert!(notes("", "4").is_empty() && notes("", "'auto'").is_empty());
    }
}
