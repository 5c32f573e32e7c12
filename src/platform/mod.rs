//! What this machine is like.

mod bounded;
mod flocks;
mod folds;
mod follow;
mod give_way;
mod host_facts;
mod in_the_way;
mod load;
mod memory;
mod mounts;
mod offered;
mod process;
mod room;
mod secret;
mod users;
mod within;

pub use bounded::{OWN, WITHOUT_WAITING, open_named, open_regular, read_named, read_regular};
pub use flocks::{Holder, flock_holder};
pub use follow::{follow, follows};
pub use give_way::give_way;
pub use host_facts::{host_facts, resolve};
pub use in_the_way::{Obstacle, in_the_way};
pub use load::{Load, Meter, pressure};
pub use memory::{Memory, memory};
pub use mounts::{Mount, is_root, is_root_of_a_file_system, is_unmounted, knows_mount_points, mount_of};
pub use offered::{ends_children, may_change, renames_without_replacing, sets_io_priority, sets_priority};
pub use process::{Identity, boot_id};
pub use room::{Room, room};
pub use users::{group_name, group_operand, host_name, is_member, own_name, user_name};

/// Time of CPUs that all threads of this process have used so far; `None` where the system does not tell.
pub fn cpu_time() -> Option<std::time::Duration> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    std::time::Duration::try_from(used).ok()
}

/// The most memory that this process has had at once, in bytes; `None` where there is no `/proc`.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}
