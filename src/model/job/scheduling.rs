//! How a job uses servers and the machine that it runs on.

/// The order in which the sources of a job are tried.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SourceOrder {
    /// The order of the configuration.
    #[default]
    Given,
    /// The server with the shortest response time first, by measurements of earlier runs and of `doctor`.
    Fastest,
}

/// Maximum number of connections to a host for which the configuration has no limit.
pub const A_HOST: usize = 4;

/// How many connections a job may have at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// At most this number, 1..=16.
    Fixed(u8),
    /// As many as pay, up to 16.
    Auto,
}

impl Connections {
    /// The maximum number.
    pub const MOST: u8 = 16;

    /// Returns the maximum number for this job.
    pub fn most(self) -> usize {
        match self {
            Connections::Fixed(n) => n.into(),
            Connections::Auto => Self::MOST.into(),
        }
    }
}

/// What happens to the page cache used by a transfer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CachePolicy {
    /// The kernel decides.
    #[default]
    Keep,
    /// It is released after the transfer, so that pages of other programs stay in memory.
    Drop,
}

/// How an existing mirror is taken over, in the first run of a job at a destination that has files already.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Adopt {
    /// Files that differ in size or time are transferred, as in every other run.
    #[default]
    SizeTime,
    /// Files of the same size and another time are compared by checksum. Equal files only get the time of the source.
    Checksum,
}

/// Scheduling of the job's children by the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Priority {
    /// Added to our own CPU niceness: 0 to 19 (lowest priority).
    pub nice: u8,
    /// I/O priority; `None`: inherited from us.
    pub io: Option<IoPriority>,
}

/// I/O priority, for I/O schedulers that support it (Linux).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoPriority {
    /// Only when no other process uses the disk.
    Idle,
    /// Best effort, 0 (highest) to 7 (lowest).
    BestEffort(u8),
}

impl std::str::FromStr for IoPriority {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "{text:?} is neither \"idle\" nor \"best-effort\" nor \"best-effort:0\" to \"best-effort:7\""
            )
        };
        match text {
            "idle" => Ok(IoPriority::Idle),
            "best-effort" => Ok(IoPriority::BestEffort(4)),
            _ => {
                let level = text.strip_prefix("best-effort:").and_then(|level| level.parse().ok());
                level.filter(|level| *level <= 7).map(IoPriority::BestEffort).ok_or_else(bad)
            }
        }
    }
}

impl std::fmt::Display for IoPriority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            IoPriority::Idle => f.write_str("idle"),
            IoPriority::BestEffort(level) => write!(f, "best-effort:{level}"),
        }
    }
}
