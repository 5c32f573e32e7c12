//! `needs`: jobs that come first. Unknown names and circles are errors in the jobs that have them.

use super::draft::{Draft, DraftJob};
use super::layer::{Given, Origin, Settings};
use super::resolver::{Needs, Resolver};
use super::suggestion::did_you_mean;
use std::collections::HashSet;

impl Resolver<'_> {
    /// Returns what each job needs.
    pub(super) fn all_needs(&self, draft: &Draft) -> Needs {
        let of = |job: &DraftJob| {
            let set = self.set.get(&job.name).and_then(|layer| layer.needs.as_ref());
            let given = set.or(job.layer.needs.as_ref()).or(draft.defaults.needs.as_ref());
            (job.name.clone(), given.map(|given| given.value.clone()).unwrap_or_default())
        };
        draft.jobs.iter().map(of).collect()
    }

    pub(super) fn check_needs(&mut self, job: &DraftJob, settings: &Settings) {
        let Given { value: needs, origin } = &settings.needs;
        for name in needs {
            if !self.needs.contains_key(name) {
                let hint = did_you_mean(name, self.needs.keys().map(String::as_str));
                let text = format!("needs {name:?}, but there is no such job");
                return self.unfit(*origin, job, text, hint);
            }
        }
        if let Some(circle) = circle(&job.name, &self.needs) {
            let text = format!("its needs make a circle: {}", circle.join(" needs "));
            let hint = match origin {
                Origin::Defaults(_) => format!("write needs = [] in [jobs.{}]", job.name),
                _ => "remove one of these needs".into(),
            };
            self.unfit(*origin, job, text, Some(hint));
        }
    }
}

/// Returns the way from a job through its needs back to itself, with the job at both ends.
fn circle<'n>(job: &'n str, needs: &'n Needs) -> Option<Vec<&'n str>> {
    let mut seen = HashSet::new();
    let mut ways = vec![vec![job]];
    while let Some(way) = ways.pop() {
        let next = way.last().and_then(|last| needs.get(*last)).into_iter().flatten();
        for name in next {
            let longer = [way.as_slice(), &[name.as_str()]].concat();
            if name == job {
                return Some(longer);
            }
            if seen.insert(name.as_str()) {
                ways.push(longer);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::config::tests::load;

    fn problems(text: &str) -> Vec<(String, String, Option<String>)> {
        let jobs = ["a", "b", "c"].map(|job| format!("[jobs.{job}]\nsource = 'h::m/'\ndest = '/m/{job}'\n"));
        let config = load(&format!("{text}\n{}", jobs.concat())).unwrap();
        let told = |problem: crate::config::Problem| (problem.position(), problem.text, problem.hint);
        config.unfit.into_iter().map(told).collect()
    }

    #[test]
    fn what_is_needed_has_to_exist() {
        let text = "[jobs.x]\nsource = 'h::m/'\ndest = '/m/x'\nneeds = ['a', 'd']";
        let found = problems(text);
        assert_eq!(found[0].0, "/etc/pdb/c.toml:4:1");
        assert_eq!(found[0].1, "job \"x\": needs \"d\", but there is no such job");
        assert!(found[0].2.as_deref().unwrap().contains("known are a, b, c, x"), "{found:?}");
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_circle_is_an_error_in_each_of_its_jobs_only() {
        let job = |name: &str, needs: &str| {
            format!("[jobs.{name}]\nsource = 'h::m/'\ndest = '/m/{name}'\nneeds = [{needs}]\n")
        };
        let text = [job("x", "'y'"), job("y", "'a', 'z'"), job("z", "'x'"), job("w", "'x'"), job("v", "'v'")];
        let texts: Vec<_> = problems(&text.concat()).into_iter().map(|(_, text, _)| text).collect();
        assert_eq!(
            texts,
            [
                "job \"x\": its needs make a circle: x needs y needs z needs x",
                "job \"y\": its needs make a circle: y needs z needs x needs y",
                "job \"z\": its needs make a circle: z needs x needs y needs z",
                "job \"v\": its needs make a circle: v needs v",
            ]
        );
        let found = problems("[defaults]\nneeds = ['a']");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].2.as_deref(), Some("write needs = [] in [jobs.a]"));
    }
}
