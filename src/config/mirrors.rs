//! `[mirrors]`, and sources that name an archive: `wwpdb:structures/divided/mmCIF/`.

use super::draft::{Draft, DraftJob};
use super::given::Given;
use super::job_paths::Wrong;
use super::layer::MirrorLayer;
use super::lists::Sources;
use super::paths::escape;
use super::resolver::Resolver;
use super::suggestion::nearest;
use crate::mirrors::{OwnServers, plain_path};
use crate::model::job::{Address, Source};
use std::collections::BTreeMap;
use std::path::Path;

impl Resolver<'_> {
    /// Adds the addresses of `[mirrors]` to the catalogue. Returns them with absolute local paths.
    pub(super) fn own_mirrors(&mut self, draft: &Draft) -> BTreeMap<String, MirrorLayer> {
        let mut resolved = BTreeMap::new();
        for (name, (layer, _)) in &draft.mirrors {
            let mut layer = layer.clone();
            for key in [&mut layer.first, &mut layer.only, &mut layer.last] {
                self.own_addresses(name, key);
            }
            resolved.insert(name.clone(), layer);
        }
        for (name, layer) in &resolved {
            let of = |given: &Option<Given<Sources>>| given.as_ref().map(|given| given.value.0.clone());
            let (first, last) = (of(&layer.first).unwrap_or_default(), of(&layer.last).unwrap_or_default());
            self.mirrors.add(name, OwnServers { first, only: of(&layer.only), last });
        }
        resolved
    }

    /// Makes the local paths among these addresses absolute. One that cannot be resolved stays as it is: jobs that use it cannot be run.
    fn own_addresses(&mut self, name: &str, key: &mut Option<Given<Sources>>) {
        let Some(Given { value: Sources(addresses), origin }) = key else { return };
        let base = self.base(*origin);
        for text in addresses {
            if self.mirrors.reference(text).is_some() {
                let wrong = format!("[mirrors.{name}]: {text:?} names an archive, not an address");
                let hint =
                    "write the root of the archive in one of rsync's notations, such as rsync://HOST/MODULE/";
                self.note(*origin, wrong, Some(hint.into()));
                continue;
            }
            match self.source(text, &base) {
                Ok(Source { text: path, address: Address::Local(_) }) => *text = escape(&path),
                Ok(_) => {}
                Err(wrong) => self.note(*origin, format!("[mirrors.{name}]: {}", wrong.text), wrong.hint),
            }
        }
    }

    /// Returns the addresses that a configured source stands for: those of its archive, or the source itself.
    pub(super) fn addresses(&self, text: &str, base: &Path) -> Vec<Result<Source, Wrong>> {
        let Some(reference) = self.mirrors.reference(text) else { return vec![self.source(text, base)] };
        if !plain_path(reference.path) {
            let text = format!("{text:?} has a part \"..\", which could lead out of the archive");
            return vec![Err(Wrong {
                text,
                hint: Some("write the path from the root of the archive".into()),
            })];
        }
        reference.archive.used().map(|server| self.source(&server.source(reference.path), base)).collect()
    }

    /// Warns of a host for ssh that is spelled almost like an archive.
    pub(super) fn advise_on_archives(&mut self, job: &DraftJob, given: &Given<Sources>) {
        for text in &given.value.0 {
            let Some((name, path)) = text.split_once(':') else { continue };
            let plain = !name.contains(['.', '@', '/', '[']) && !path.starts_with(['/', ':', '.', '~']);
            if !plain || path.is_empty() || self.mirrors.archive(name).is_some() {
                continue;
            }
            let names = self.mirrors.archives.iter().map(|archive| archive.name.as_str());
            let Some(near) = nearest(name, names) else { continue };
            let wrong = format!("job {:?}: {text:?} is a path on the host {name:?}, over ssh", job.name);
            let hint = format!("did you mean the archive {near:?}? otherwise write {name}:./{path}");
            let before = self.problems.len();
            self.at_origin(given.origin, wrong, Some(hint));
            self.advice.extend(self.problems.drain(before..));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::load;
    use crate::model::job::Job;

    fn texts(job: &Job) -> Vec<&str> {
        job.sources.iter().map(|source| source.text.as_str()).collect()
    }

    fn job(source: &str, more: &str) -> Job {
        let text = format!("{more}\n[jobs.j]\nsource = {source}\ndest = '/m'\n");
        load(&text).unwrap_or_else(|problems| panic!("{problems}")).jobs.remove(0)
    }

    #[test]
    fn an_archive_stands_for_all_its_servers() {
        let all = job("'wwpdb:structures/divided/mmCIF/'", "");
        let expected = [
            "rsync://rsync.rcsb.org:33444/ftp_data/structures/divided/mmCIF/",
            "rsync://ftp.pdbj.org/ftp_data/structures/divided/mmCIF/",
            "rsync://rsync.ebi.ac.uk/pub/databases/pdb/data/structures/divided/mmCIF/",
        ];
        assert_eq!(texts(&all), expected);
        let mixed = job("['/srv/copy/', 'wwpdb:status/', 'rsync://ftp.pdbj.org/ftp_data/status/']", "");
        assert_eq!(texts(&mixed).len(), 4, "an address is there once: {:?}", texts(&mixed));
        assert_eq!(texts(&job("'wwpdb:/x/'", "")), ["wwpdb:/x/"], "a host over ssh");
    }

    #[test]
    fn own_addresses_come_in() {
        let own = "[mirrors.wwpdb]\nfirst = ['~/pdb/', 'rsync://mirror.example/pdb/']\nlast = 'me@h:pdb'\n\
                   [mirrors.ours]\nonly = 'h::ours'\n";
        let wwpdb = job("'wwpdb:status/'", own);
        let all = texts(&wwpdb);
        assert_eq!((all[0], all[1]), ("/home/ada/pdb/status/", "rsync://mirror.example/pdb/status/"));
        assert_eq!((all.len(), all[5]), (6, "me@h:pdb/status/"));
        assert_eq!(texts(&job("'ours:x'", own)), ["h::ours/x"]);
    }

    #[test]
    fn what_is_wrong_with_an_archive_is_told() {
        for (text, problem) in [
            ("[mirrors.m]", "[mirrors.m] is empty"),
            (
                "[mirrors.'a.b']\nfirst = 'h::m'",
                "the archive name \"a.b\" has a character that is not allowed",
            ),
            ("[mirrors.m]\nfirst = []", "first: the list of sources is empty"),
            ("[mirrors.m]\nonly = '-x'", "only: a source must not start with '-'"),
            ("[mirrors.m]\nhost = 'h'", "unknown key \"host\" in [mirrors.m]"),
            ("[mirrors]\nm = 1", "expected a table, [mirrors.m]"),
        ] {
            let found = load(text).unwrap_err().to_string();
            assert!(found.contains(problem), "{text}: {found}");
        }
        for (text, problem) in [
            ("[mirrors.m]\nfirst = '~x/y'", "[mirrors.m]: "),
            ("[mirrors.m]\nfirst = 'wwpdb:x'", "names an archive, not an address"),
            ("[jobs.j]\nsource = 'wwpdb:a/../../x'\ndest = '/m'", "lead out of the archive"),
            ("[mirrors.m]\nfirst = '$NONE/x'\n[jobs.j]\nsource = 'm:a'\ndest = '/m'", "job \"j\": "),
        ] {
            let config = load(text).unwrap_or_else(|problems| panic!("{problems}"));
            let found: Vec<_> = config.unfit.iter().map(|problem| problem.to_string()).collect();
            assert!(found.iter().any(|found| found.contains(problem)), "{text}: {found:?}");
            assert!(config.jobs.iter().all(|job| job.unfit.is_some()), "{text}");
        }
        let config = load("[jobs.j]\nsource = 'wwpbd:status/'\ndest = '/m'").unwrap();
        let hint = config.advice[0].hint.as_deref().unwrap();
        assert!(hint.starts_with("did you mean the archive \"wwpdb\"?"), "{hint}");
    }
}
