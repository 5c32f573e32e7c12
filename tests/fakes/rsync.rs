//! A scripted rsync.
fn main() {}
