//! Which process of this host holds a `flock` on a file or directory, from `/proc/locks`.

use crate::model::sanitize;
use rustix::fs::fstat;
use rustix::process::Pid;
use std::fmt;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

/// A process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlockHolder {
    /// Its pid.
    pub pid: u32,
    /// The name of its program.
    pub program: Option<String>,
    /// The name of its user.
    pub user: Option<String>,
    /// Its start time.
    pub started: Option<jiff::Timestamp>,
}

impl fmt::Display for FlockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.pid)?;
        if let Some(program) = &self.program {
            write!(f, " ({program})")?;
        }
        if let Some(user) = &self.user {
            write!(f, ", user {user}")?;
        }
        write!(f, ", host {}", super::host_name())?;
        match &self.started {
            Some(started) => write!(f, ", running since {started}"),
            None => Ok(()),
        }
    }
}

/// The process that holds a `flock` on an open file; `None` if unknown: it is on another host or in another container, or the system has no
/// `/proc`.
pub fn flock_holder(file: &File) -> Option<FlockHolder> {
    let inode = file.metadata().ok()?.ino();
    let devices = devices(file);
    let pid = find(&fs::read_to_string("/proc/locks").ok()?, &devices, inode)?;
    // The process may have ended and left the descriptor to a child.
    let there = Pid::from_raw(i32::try_from(pid).ok()?)?;
    if rustix::process::test_kill_process(there) == Err(rustix::io::Errno::SRCH) {
        return None;
    }
    // If processes of other users are hidden, only the pid is known.
    let user = fs::metadata(format!("/proc/{pid}")).ok().map(|meta| super::user_name(meta.uid()));
    let program = fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    let program = program.map(|name| sanitize::line(&name).into_owned());
    Some(FlockHolder { pid, program, user, started: started(pid) })
}

/// The devices, as major and minor number, under which the kernel may list a file. `stat` and `/proc/locks` differ if a file system has
/// several parts, such as subvolumes of btrfs.
fn devices(file: &File) -> Vec<(u32, u32)> {
    let stat = fstat(file).map(|stat| (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev)));
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).unwrap_or_default();
    let mount = info.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(str::trim);
    let mount = super::mounts::table().into_iter().find(|known| Some(known.id.as_str()) == mount);
    let listed = mount.and_then(|mount| {
        let (major, minor) = mount.device.split_once(':')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    });
    stat.into_iter().chain(listed).collect()
}

/// Parses lines such as `1: FLOCK  ADVISORY  WRITE 25514 fe:00:10043560 0 EOF`. Lines with an arrow are of waiting processes.
fn find(locks: &str, devices: &[(u32, u32)], inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        if words.next()? != "FLOCK" {
            return None;
        }
        let pid: i32 = words.nth(2)?.parse().ok()?;
        let mut place = words.next()?.split(':');
        let [major, minor] = [place.next()?, place.next()?].map(|part| u32::from_str_radix(part, 16).ok());
        let same = devices.contains(&(major?, minor?)) && place.next()?.parse() == Ok(inode);
        if same { u32::try_from(Pid::from_raw(pid)?.as_raw_nonzero().get()).ok() } else { None }
    })
}

/// The start time of a process, to the second.
fn started(pid: u32) -> Option<jiff::Timestamp> {
    let ticks = super::ProcessStat::read(pid)?.start;
    let all = fs::read_to_string("/proc/stat").ok()?;
    let boot: u64 = all.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    let seconds = boot.checked_add(ticks.checked_div(rustix::param::clock_ticks_per_second())?)?;
    jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_kernel_are_understood() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 fe:00:7 0 EOF\n2: FLOCK  ADVISORY  WRITE 12 00:1f:7 0 EOF\n\
                     3: -> FLOCK  ADVISORY  WRITE 13 fe:00:7 0 EOF\n4: FLOCK  ADVISORY  READ  14 fe:00:7 0 EOF\n\
                     5: LEASE  ACTIVE    READ 15 fe:00:8 0 EOF\n6: FLOCK  ADVISORY  WRITE 0 fe:00:9 0 EOF\nodd\n";
        let find = |inode| find(locks, &[(1, 1), (0xfe, 0)], inode);
        assert_eq!((find(7), find(8), find(9), find(1)), (Some(14), None, None, None));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_holder_of_a_directory_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let [ours, asked] = [(); 2].map(|()| File::open(dir.path()).unwrap());
        assert_eq!(flock_holder(&asked), None);
        ours.lock().unwrap();
        let holder = flock_holder(&asked).unwrap();
        assert_eq!(holder.pid, std::process::id());
        let now = jiff::Timestamp::now().as_second();
        let started = holder.started.unwrap().as_second();
        assert!((now - 86_400..=now + 2).contains(&started), "{holder}");
        assert!(
            holder.to_string().contains(&format!(", user {}, host ", super::super::own_name())),
            "{holder}"
        );
    }
}
