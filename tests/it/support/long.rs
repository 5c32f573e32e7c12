//! How much work a test does: little in every run of the suite, much with `tests/run.sh --long`.

/// Whether `tests/run.sh --long` runs the tests.
pub(crate) fn is_long() -> bool {
    std::env::var_os("PDB_SYNC_TEST_LONG").is_some_and(|value| !value.is_empty())
}

/// How often a test repeats what happens at a random moment.
pub(crate) fn rounds(usual: usize, long: usize) -> usize {
    if is_long() { long } else { usual }
}
