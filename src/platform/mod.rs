//! Facts about this machine.

mod bounded_read;
mod case_folding;
mod file_lock;
mod flocks;
mod free_space;
mod host_facts;
mod in_the_way;
mod load;
mod matching_files;
mod memory;
mod mounts;
mod open_below;
mod process;
mod runtime;
mod same_directory;
mod secret;
mod shared_permissions;
mod syscalls;
mod typed_lines;
mod users;

pub use bounded_read::{
    OWN, WITHOUT_WAITING, open_named, open_regular, read_named, read_regular, read_stdin, unusable_file,
};
pub use file_lock::FileLock;
pub use flocks::{FlockHolder, flock_holder};
pub use free_space::{FreeSpace, room};
pub use host_facts::{host_facts, resolve};
pub use in_the_way::{Obstacle, in_the_way};
pub use load::{Load, LoadMeter, pressure};
pub use matching_files::matching_files;
pub use memory::{Memory, memory};
pub use mounts::parse as parse_mounts;
pub use mounts::{Mount, is_root, is_root_of_a_file_system, is_unmounted, knows_mount_points, mount_of};
pub use open_below::{LONGEST, Through, open_below, open_child, open_through};
pub use process::{Identity, ProcessStat, boot_id, processes};
pub use runtime::runtime;
pub use shared_permissions::{follow, follows};
pub use syscalls::{ends_children, may_change, renames_without_replacing, set_io_priority, sets_priority};
pub use typed_lines::on_status_request;
pub use users::{group_name, group_operand, host_name, is_member, own_name, user_name};

/// CPU time used so far by all threads of this process; `None` if the system does not report it.
pub fn cpu_time() -> Option<std::time::Duration> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    std::time::Duration::try_from(used).ok()
}

/// Peak memory of this process, in bytes; `None` without `/proc`.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}
