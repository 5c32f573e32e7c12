//! A fence around our own mistakes: while a plan runs, the kernel lets this thread, and those it starts, remove and rename
//! only below the tree and the few other places that we write to.

use std::path::Path;

/// How good the fence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landlock {
    /// The kernel holds us to it.
    Up,
    /// This kernel has none.
    Missing,
}

/// Puts up the fence around this thread and the threads that it will start. There is no way back.
#[cfg(target_os = "linux")]
pub fn fence(places: &[&Path]) -> Landlock {
    use landlock::{
        ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
        RulesetCreatedAttr, RulesetStatus,
    };
    let build = || -> Result<RulesetStatus, landlock::RulesetError> {
        // Before the second version, no rename into another directory is allowed at all.
        let access =
            AccessFs::from_all(ABI::V2) & (AccessFs::RemoveFile | AccessFs::RemoveDir | AccessFs::Refer);
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(access)?
            .create()?;
        for place in places {
            // A place that is not there needs no access.
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

/// Whether this kernel could put up a fence, without doing so.
#[cfg(target_os = "linux")]
pub fn can_fence() -> bool {
    use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};
    let rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    rules.handle_access(AccessFs::from_all(ABI::V2)).and_then(|rules| rules.create()).is_ok()
}

/// There is none on this system.
#[cfg(not(target_os = "linux"))]
pub fn can_fence() -> bool {
    false
}

/// There is none on this system.
#[cfg(not(target_os = "linux"))]
pub fn fence(_places: &[&Path]) -> Landlock {
    Landlock::Missing
}
