//! Files that hold secrets: read only if no other user can read them.

use super::bounded_read::open_regular;
use crate::model::hint::quoted;
use crate::model::host_facts::{Secret, Unusable};
use crate::model::sanitize;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Maximum length of a secret, in bytes. rsync reads at most 511 bytes of a password.
const LONGEST: u64 = 16 * 1024;
/// Modes that rsync refuses: read or write by everybody. The group may have access, so that several users can share the file.
const FOR_EVERYBODY: u32 = 0o006;

/// Reads a secret. Never waits for a FIFO. Errors never contain the contents of the file.
pub(super) fn secret(path: &Path, what: Secret) -> Result<String, Unusable> {
    let shown = sanitize::path(&path);
    let unusable = |text: String, hint: String| Unusable { text, hint: Some(hint) };
    let cannot = |error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "write it there (`chmod 600`), or correct the path",
            io::ErrorKind::InvalidInput => "name a file that holds the secret",
            _ => "make it a file that this user may read, and no other",
        };
        unusable(format!("{shown} cannot be read: {error}"), hint.into())
    };
    let file = open_regular(path).map_err(cannot)?;
    let meta = file.metadata().map_err(cannot)?;
    if meta.mode() & FOR_EVERYBODY != 0 {
        let text =
            format!("{shown} can be read or written by every user (mode {:04o})", meta.mode() & 0o7777);
        let told = if what == Secret::Password { ", which rsync refuses" } else { "" };
        return Err(unusable(format!("{text}{told}"), format!("chmod 600 {}", quoted(path))));
    }
    if what == Secret::Password && rustix::process::geteuid().is_root() && meta.uid() != 0 {
        let text = format!("{shown} does not belong to root, which rsync refuses when root runs it");
        return Err(unusable(text, format!("chown root {}", quoted(path))));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > LONGEST {
        let text = format!("{shown} is larger than {} KiB: it holds no secret", LONGEST >> 10);
        return Err(unusable(text, "name a file that holds the secret and nothing else".into()));
    }
    let text = String::from_utf8_lossy(&bytes);
    let secret = match what {
        Secret::Password => text.split(['\n', '\r', '\0']).find(|line| !line.is_empty()).unwrap_or(""),
        Secret::Address => text.trim(),
    };
    if secret.is_empty() {
        let what = if what == Secret::Password { "password" } else { "address" };
        return Err(unusable(format!("{shown} holds no {what}"), format!("write the {what} into it")));
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_what_is_private_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, "\nhunter2\nmore\n").unwrap();
        let with_mode = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            secret(&path, Secret::Password)
        };
        assert_eq!((with_mode(0o600), with_mode(0o640)), (Ok("hunter2".into()), Ok("hunter2".into())));
        for mode in [0o644, 0o604, 0o602, 0o666] {
            let unusable = with_mode(mode).unwrap_err();
            assert!(unusable.text.contains(&format!("{mode:04o}")), "{unusable:?}");
            assert_eq!(unusable.hint, Some(format!("chmod 600 {}", path.display())));
            assert!(!unusable.text.contains("hunter2"));
        }
        with_mode(0o600).unwrap();
        assert_eq!(secret(&path, Secret::Address).unwrap(), "hunter2\nmore");
        fs::write(&path, "\n\r\n").unwrap();
        assert!(with_mode(0o600).unwrap_err().text.ends_with("holds no password"));
        assert!(
            secret(&dir.path().join("none"), Secret::Address).unwrap_err().text.contains("cannot be read")
        );
        assert!(
            secret(dir.path(), Secret::Address)
                .unwrap_err()
                .text
                .ends_with("it is a directory, not a regular file")
        );
    }
}
