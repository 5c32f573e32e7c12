//! What `cargo package` makes is complete: whoever has only that can build it, test it and run the demo.

use crate::support::skipped;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn cargo(dir: &Path, args: &[&str]) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let done = Command::new(cargo).args(args).arg("--offline").current_dir(dir).output().unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    done
}

/// That its tests compile, too, is shown by `.ci/run`: it takes minutes.
#[test]
fn a_package_holds_what_it_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if root.join("Cargo.toml.orig").exists() {
        return skipped("this is the package itself");
    }
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().to_str().unwrap();
    cargo(root, &["package", "--no-verify", "--allow-dirty", "--target-dir", target]);
    let name = concat!("pdb-sync-", env!("CARGO_PKG_VERSION"));
    let crate_file = dir.path().join("package").join(format!("{name}.crate"));
    let unpacked =
        Command::new("tar").arg("-xzf").arg(&crate_file).arg("-C").arg(dir.path()).status().unwrap();
    assert!(unpacked.success());
    let package = dir.path().join(name);
    // crates.io takes no more.
    assert!(fs::metadata(&crate_file).unwrap().len() < 10_000_000);

    // Programs, tests and benches.
    let metadata = cargo(&package, &["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let targets = metadata["packages"][0]["targets"].as_array().unwrap().clone();
    for name in ["pdb-sync", "fake-rsync", "it", "search"] {
        assert!(targets.iter().any(|target| target["name"] == name), "{name}: {targets:?}");
    }
    for target in &targets {
        assert!(Path::new(target["src_path"].as_str().unwrap()).exists(), "{target}");
    }

    // What the README's first commands start, what that reads, and what must pass before a merge.
    for file in [
        "config-examples/demo/run.sh",
        "config-examples/demo/demo.toml",
        "config-examples/demo/picture.sh",
        "config-examples/demo/picture.py",
        "config-examples/demo/run.svg",
        "config-examples/cron/crontab",
        "config-examples/systemd/pdb-sync.service",
        "config-examples/systemd/pdb-sync.timer",
        "config-examples/github-actions.yml",
        "config-examples/kubernetes-cronjob.yaml",
        "config-examples/slurm.sbatch",
        "src/config/tests/samples.toml",
        "man/extra/pdb-sync-config.5.md",
        "tests/run.sh",
        "tests/need.sh",
        ".ci/run",
        "benches/README.md",
        "man/pdb-sync.1",
    ] {
        assert!(package.join(file).exists(), "the package lacks {file}");
    }
    for entry in crate::support::corpus::ENTRIES {
        let file = format!("tests/corpus/{entry}.cif.gz");
        assert!(package.join(&file).exists(), "the package lacks {file}");
    }

    let mut links = 0;
    for file in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "benches/README.md"] {
        let text = fs::read_to_string(package.join(file)).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split([')', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                assert!(
                    package.join(file).parent().unwrap().join(target).exists(),
                    "{file} links to {target}"
                );
                links += 1;
            }
        }
    }
    assert!(links > 4, "only {links} links were found");
}
