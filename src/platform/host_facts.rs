//! Gathers the host facts that a configuration is checked against.

use super::in_the_way::in_the_way;
use crate::model::entry_ids::LARGEST_LIST;
use crate::model::host_facts::{HostFacts, Unusable};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Home directories below these belong to services, and their contents too.
const SYSTEM: [&str; 10] =
    ["/bin", "/boot", "/dev", "/etc", "/proc", "/run", "/sbin", "/sys", "/usr", "/var"];

/// Gathers the facts. What cannot be read (not every system has `/proc`) is not checked later.
pub fn host_facts() -> HostFacts {
    HostFacts {
        home: etcetera::home_dir().ok(),
        homes: fs::read("/etc/passwd").map(|text| homes(&text)).unwrap_or_default(),
        cwd: env::current_dir().ok(),
        mounts: super::mounts::table().into_iter().map(|mount| mount.point).collect(),
        variable: |name| env::var_os(name),
        resolve,
        is_dir: Path::is_dir,
        obstacle: |path| {
            let found = in_the_way(path).filter(|found| found.of_all)?;
            Some(Unusable { text: found.text, hint: Some(found.hint) })
        },
        holds: super::same_directory::holds,
        state: None,
        folds: super::case_folding::folds,
        secret: super::secret::secret,
        id_list: |path| {
            super::bounded_read::read_named(path, LARGEST_LIST).map_err(|error| error.to_string())
        },
        unusable: super::bounded_read::unusable_file,
    }
}

/// Resolves symbolic links in the existing part of an absolute path.
pub fn resolve(path: &Path) -> PathBuf {
    for known in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (known.canonicalize(), path.strip_prefix(known)) {
            // Joining an empty path would add a slash.
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    path.into()
}

/// The home directories in a passwd file, without those of services.
fn homes(passwd: &[u8]) -> Vec<PathBuf> {
    let mut homes = Vec::new();
    for line in passwd.split(|b| *b == b'\n') {
        let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
        let [_, _, _, _, _, home, shell] = fields[..] else { continue };
        let home = PathBuf::from(OsString::from_vec(home.to_vec()));
        let logs_in = !shell.ends_with(b"/nologin") && !shell.ends_with(b"/false");
        let of_a_service = SYSTEM.iter().any(|system| home.starts_with(system));
        if logs_in && home.is_absolute() && home.parent().is_some() && !of_a_service && !homes.contains(&home)
        {
            homes.push(home);
        }
    }
    homes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_people_have_homes() {
        let text = b"root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
postgres:x:101:1::/var/lib/postgresql:/bin/bash
ftp:x:102:1::/srv/ftp:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/:/bin/sh
ada:x:1000:1000:Ada,,,:/home/ada:/bin/zsh
ada2:x:1001:1000:Ada,,,:/home/ada:/bin/zsh
odd
";
        assert_eq!(homes(text), [Path::new("/root"), Path::new("/home/ada")]);
    }

    #[test]
    fn links_are_resolved_as_far_as_there_is_something() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        fs::create_dir(real.join("a")).unwrap();
        symlink(real.join("a"), real.join("link")).unwrap();
        assert_eq!(resolve(&dir.path().join("link")), real.join("a"));
        assert_eq!(resolve(&dir.path().join("link/b/c")), real.join("a/b/c"));
        assert_eq!(resolve(Path::new("/")), Path::new("/"));
    }

    #[test]
    fn this_machine_has_surroundings() {
        let around = host_facts();
        assert!(around.cwd.is_some());
        if cfg!(target_os = "linux") {
            assert!(around.mounts.contains(&PathBuf::from("/")) && around.mounts.len() > 1);
        }
    }
}
