//! The runtime of tokio.

use std::io;
use tokio::runtime::{Builder, Runtime};

/// Builds a runtime with one thread. The signal that ends our children if we are killed is tied to the thread that started them, so that
/// it must not end before the process.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
