//! The whole way from text to jobs.

mod reading;
mod refusing;
mod showing;

use super::*;
use crate::job::{Hook, MaxDelete, Preset};
use proptest::prelude::*;

fn around() -> Surroundings {
    Surroundings {
        home: Some("/home/ada".into()),
        homes: vec!["/home/bob".into(), "/root".into()],
        cwd: Some("/srv/here/now".into()),
        mounts: vec!["/".into(), "/proc".into(), "/data/disk".into()],
        resolve: |path| match path.strip_prefix("/link") {
            Ok(rest) => Path::new("/real").join(rest),
            Err(_) => path.into(),
        },
    }
}

fn load_over(text: &str, over: &Overrides) -> Result<Config, Problems> {
    super::load(text, Path::new("/etc/pdb/c.toml"), over, &around())
}

pub(crate) fn load(text: &str) -> Result<Config, Problems> {
    load_over(text, &Overrides::default())
}

fn refused(text: &str) -> String {
    load(text).expect_err("should be refused").to_string()
}

fn job(body: &str) -> Job {
    let text = format!("[jobs.j]\nsource = 'h::m/'\ndest = '/m'\n{body}");
    load(&text).unwrap_or_else(|problems| panic!("{problems}")).jobs.remove(0)
}

/// The text of each problem of a job with this body.
fn wrong(body: &str) -> Vec<String> {
    let text = format!("[jobs.j]\nsource = 'h::m/'\ndest = '/m'\n{body}");
    load(&text).expect_err(body).0.into_iter().map(|problem| problem.text).collect()
}

fn by_command_line(layer: Layer) -> Overrides {
    Overrides { layer, ..Overrides::default() }
}
