//! The deeds of `sync`: one dispatcher, a task a job, a process a transfer.
