//! Leaves out trees that are part of another selected tree, so that a command reads and counts nothing twice.

use super::Failure;
use super::targets::Target;
use crate::model::sanitize;
use crate::output::terminal::Ui;
use crate::scan::{Options, storage};
use serde_json::json;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Returns the trees that no other one contains, and tells which are left out. A tree stays if the scan of the other one, with these options,
/// would not read it.
pub(super) fn without_parts(
    targets: Vec<Target>,
    options: &Options,
    ui: &Ui,
) -> Result<Vec<Target>, Failure> {
    let mut roots: Vec<PathBuf> = targets.iter().map(|target| target.root.clone()).collect();
    // A tree comes before its parts.
    roots.sort();
    let mut wholes: Vec<PathBuf> = Vec::new();
    for root in roots {
        if !wholes.iter().any(|whole| reads(whole, &root, options)) {
            wholes.push(root);
        }
    }
    let mut left = Vec::new();
    for target in targets {
        let Some(whole) = wholes.iter().find(|whole| reads(whole, &target.root, options)) else {
            left.push(target);
            continue;
        };
        let (part, whole) = (target.root.to_string_lossy(), whole.to_string_lossy());
        ui.note(&format!(
            "{} is part of {}: it is read and counted there, and not once more",
            sanitize::name(part.as_bytes()),
            sanitize::name(whole.as_bytes())
        ));
        let job = target.job.as_ref().map(|job| &job.name);
        ui.objects("part_of", [json!({"root": part, "job": job, "part_of": whole})])?;
    }
    Ok(left)
}

/// Whether a scan of `whole` reads the tree at `part`, which is another one.
fn reads(whole: &Path, part: &Path, options: &Options) -> bool {
    let Ok(below) = part.strip_prefix(whole) else { return false };
    let device = |path: &Path| storage(path).map(|storage| storage.device);
    !below.as_os_str().is_empty()
        && options.enters(below.as_os_str().as_bytes())
        && (!options.one_file_system || device(whole).is_some() && device(whole) == device(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Excludes;

    #[test]
    fn a_part_is_read_only_if_the_options_lead_there() {
        let reads =
            |whole: &str, part: &str, options: &Options| super::reads(whole.as_ref(), part.as_ref(), options);
        let plain = Options::default();
        assert!(reads("/a", "/a/b", &plain) && reads("/", "/a/b", &plain));
        for (whole, part) in [("/a", "/a"), ("/a", "/ab"), ("/a/b", "/a"), ("/a", "/a/.pdb-sync/quarantine")]
        {
            assert!(!reads(whole, part, &plain), "{whole} {part}");
        }
        let excluding = |pattern: &str| {
            let exclude = Excludes::new(&[pattern.into()]).unwrap();
            Options { exclude, ..Options::default() }
        };
        assert!(reads("/a", "/a/b/z", &excluding("x")) && !reads("/a", "/a/b/x/c", &excluding("x")));
        // It means another path in each of the trees.
        assert!(!reads("/a", "/a/b", &excluding("/b/y")));
        let hidden = Options { skip_hidden: true, ..Options::default() };
        assert!(!reads("/a", "/a/b/.c/d", &hidden));
        // Its own scan would read it deeper.
        let shallow = Options { max_depth: Some(9), ..Options::default() };
        assert!(!reads("/a", "/a/b", &shallow));
        let one = Options { one_file_system: true, ..Options::default() };
        assert!(!reads("/", "/proc", &one) && !reads("/a", "/a/none", &one));
    }
}
