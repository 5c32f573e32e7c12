//! Landlock as a protection against our own bugs: while a plan is applied, the kernel permits this thread, and the threads that it starts,
//! to remove and rename only below the tree and in the few other places that we write to.

use std::path::Path;

/// Whether Landlock is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landlock {
    /// The kernel enforces the restriction.
    Up,
    /// The kernel does not support Landlock.
    Missing,
}

/// Restricts this thread and the threads that it will start. This cannot be reverted.
#[cfg(target_os = "linux")]
pub fn fence(places: &[&Path]) -> Landlock {
    use landlock::{
        ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
        RulesetCreatedAttr, RulesetStatus,
    };
    let build = || -> Result<RulesetStatus, landlock::RulesetError> {
        // Before the second version of Landlock, all renames to another directory are denied.
        let access =
            AccessFs::from_all(ABI::V2) & (AccessFs::RemoveFile | AccessFs::RemoveDir | AccessFs::Refer);
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(access)?
            .create()?;
        for place in places {
            // A place that does not exist needs no access.
            if let Ok(place) = PathFd::new(place) {
                rules = rules.add_rule(PathBeneath::new(place, access))?;
            }
        }
        Ok(rules.restrict_self()?.ruleset)
    };
    match build() {
        Ok(RulesetStatus::FullyEnforced) => Landlock::Up,
        Ok(_) | Err(_) => Landlock::Missing,
    }
}

/// Whether the kernel supports Landlock. Restricts nothing.
#[cfg(target_os = "linux")]
pub fn can_fence() -> bool {
    use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};
    let rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    rules.handle_access(AccessFs::from_all(ABI::V2)).and_then(|rules| rules.create()).is_ok()
}

/// Landlock exists on Linux only.
#[cfg(not(target_os = "linux"))]
pub fn can_fence() -> bool {
    false
}

/// Landlock exists on Linux only.
#[cfg(not(target_os = "linux"))]
pub fn fence(_places: &[&Path]) -> Landlock {
    Landlock::Missing
}
