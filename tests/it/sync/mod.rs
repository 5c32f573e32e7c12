//! `sync` through the binary, mostly with the real rsync at both ends.

mod failover;
mod failures;
mod faults;
mod guards;
mod guards_moving;
mod lock;
mod names;
mod ssh;
