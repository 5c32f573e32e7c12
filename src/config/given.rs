//! Values of the configuration with their origins.

use crate::model::job::Preset;

/// A value and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// The origin.
    pub origin: Origin,
}

impl<T> Given<T> {
    /// A value from the command line.
    pub fn by_command_line(value: T) -> Self {
        Given { value, origin: Origin::CommandLine }
    }
}

/// The origin of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The built-in default.
    BuiltIn,
    /// The job's preset.
    Preset(Preset),
    /// `[defaults]`.
    Defaults(Span),
    /// The section itself: `[jobs.NAME]`, `[sync]`, `[hosts.NAME]`.
    Section(Span),
    /// This environment variable.
    Environment(&'static str),
    /// The command line.
    CommandLine,
}

/// The position of a value in a file of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The file: 0 is the configuration itself, then come the files that it includes.
    pub file: usize,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// Line, from 1.
    pub line: usize,
}
