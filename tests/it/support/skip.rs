//! Telling that a test has tested nothing.

use std::io::Write;

/// Says so on standard error itself, not by a macro: what those print is hidden if the test passes, and it does pass.
pub(crate) fn skipped(why: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    // Who closed standard error wants to hear nothing.
    let _ = writeln!(std::io::stderr(), "SKIPPED {name}: {why}");
}
