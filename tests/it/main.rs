//! One integration binary; the real rsync wherever it can be made to do what the test needs.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, which clippy does not see")]

mod docs;
mod floors;
mod man;
