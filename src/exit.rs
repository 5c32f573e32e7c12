//! The only place that ends the process.

use crate::model::exit_code::ExitCode;

/// Ends the process.
#[expect(clippy::exit, reason = "the one place that ends the process")]
pub fn end(exit: ExitCode) -> ! {
    std::process::exit(exit.code())
}
