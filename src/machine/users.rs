//! Names of users.

/// The name of a user, for messages; `user 1234` for one that `/etc/passwd` does not name, as where a directory service does.
pub fn user_name(uid: u32) -> String {
    let passwd = std::fs::read("/etc/passwd").unwrap_or_default();
    name_in(&passwd, uid).unwrap_or_else(|| format!("user {uid}"))
}

fn name_in(passwd: &[u8], uid: u32) -> Option<String> {
    let uid = uid.to_string();
    passwd.split(|b| *b == b'\n').find_map(|line| {
        let mut fields = line.split(|b| *b == b':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        let named = number == uid.as_bytes() && !name.is_empty();
        named.then(|| String::from_utf8_lossy(name).escape_debug().to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_number() {
        let passwd = b"root:x:0:0:root:/root:/bin/sh\nbroken\n:x:7::::\nmirror:x:1000:100::/srv:/bin/sh\n+\n";
        assert_eq!(name_in(passwd, 0).as_deref(), Some("root"));
        assert_eq!(name_in(passwd, 1000).as_deref(), Some("mirror"));
        assert_eq!((name_in(passwd, 100), name_in(passwd, 7)), (None, None));
        assert_eq!(user_name(u32::MAX - 7), format!("user {}", u32::MAX - 7));
    }
}
