//! Names of users, groups and the host.

use rustix::process::{getegid, geteuid, getgroups};
use std::ffi::CStr;

/// Maximum size of a record of a user or group, in bytes. A group may have thousands of members.
const LONGEST: usize = 1 << 20;

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

/// Calls a C library function that fills a buffer. Repeats it with a larger buffer on `ERANGE`.
fn with_buffer<T>(mut call: impl FnMut(&mut [libc::c_char]) -> (i32, Option<T>)) -> Option<T> {
    let mut buffer = vec![0; 1024];
    loop {
        match call(&mut buffer) {
            (libc::ERANGE, _) if buffer.len() < LONGEST => buffer.resize(buffer.len() * 4, 0),
            (_, found) => return found,
        }
    }
}

#[expect(unsafe_code, reason = "only the C library knows users that are not in /etc/passwd")]
fn user(uid: u32) -> Option<String> {
    with_buffer(|buffer| {
        // SAFETY: all zeros is a valid `passwd`, which has only numbers and pointers.
        let mut record: libc::passwd = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        // SAFETY: every pointer is valid for the call, and the length is that of the buffer.
        let error =
            unsafe { libc::getpwuid_r(uid, &mut record, buffer.as_mut_ptr(), buffer.len(), &mut found) };
        // SAFETY: a record that was found has a name, which is in the buffer and NUL-terminated.
        let name = (!found.is_null()).then(|| unsafe { CStr::from_ptr(record.pw_name) });
        (error, name.map(|name| name.to_string_lossy().into_owned()))
    })
}

#[expect(unsafe_code, reason = "only the C library knows groups that are not in /etc/group")]
fn group(gid: u32) -> Option<String> {
    with_buffer(|buffer| {
        // SAFETY: all zeros is a valid `group`, which has only numbers and pointers.
        let mut record: libc::group = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        // SAFETY: every pointer is valid for the call, and the length is that of the buffer.
        let error =
            unsafe { libc::getgrgid_r(gid, &mut record, buffer.as_mut_ptr(), buffer.len(), &mut found) };
        // SAFETY: a record that was found has a name, which is in the buffer and NUL-terminated.
        let name = (!found.is_null()).then(|| unsafe { CStr::from_ptr(record.gr_name) });
        (error, name.map(|name| name.to_string_lossy().into_owned()))
    })
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
