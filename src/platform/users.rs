//! Names of users, groups and the host.

use nix::unistd::{Group, User};
use rustix::process::{getegid, geteuid, getgroups};

/// The name of a user; `uid 1234` if it has none.
pub fn user_name(uid: u32) -> String {
    user(uid).unwrap_or_else(|| format!("uid {uid}"))
}

/// The name of a group; `gid 1234` if it has none.
pub fn group_name(gid: u32) -> String {
    group(gid).unwrap_or_else(|| format!("gid {gid}"))
}

/// A group as an operand of `chgrp`: its name, or else its number.
pub fn group_operand(gid: u32) -> String {
    group(gid).unwrap_or_else(|| gid.to_string())
}

/// The name of this host.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether this process is a member of a group.
pub fn is_member(gid: u32) -> bool {
    let of = |group: rustix::process::Gid| group.as_raw() == gid;
    of(getegid()) || getgroups().is_ok_and(|groups| groups.into_iter().any(of))
}

/// The name of the user of this process.
pub fn own_name() -> String {
    user_name(geteuid().as_raw())
}

/// The C library knows users and groups that are not in `/etc/passwd` and `/etc/group`.
fn user(uid: u32) -> Option<String> {
    User::from_uid(uid.into()).ok().flatten().map(|user| user.name)
}

fn group(gid: u32) -> Option<String> {
    Group::from_gid(gid.into()).ok().flatten().map(|group| group.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_name_is_called_by_it_and_others_by_number() {
        assert_eq!(user_name(0), "root");
        assert_eq!(user_name(3_999_999_999), "uid 3999999999");
        assert_eq!(group_name(3_999_999_999), "gid 3999999999");
        assert_eq!(group_operand(3_999_999_999), "3999999999");
        assert!(is_member(getegid().as_raw()) && !is_member(3_999_999_999));
        assert!(!host_name().is_empty());
    }
}
