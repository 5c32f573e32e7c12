//! `history`

use clap::{Args, Subcommand};

/// `history`
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  pdb-sync history                                 the newest 50 jobs
  pdb-sync history mmcif --since 30d               one job's last month
  pdb-sync history --status failed --status blocked
  pdb-sync history show last                       the last run's summary once more")]
pub struct HistoryArgs {
    /// Look at one run
    #[command(subcommand)]
    pub action: Option<HistoryAction>,
    /// Only these jobs
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// Only jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Only what started within this time (12h, 30d)
    #[arg(long, value_name = "DUR")]
    pub since: Option<String>,
    /// Only what ended so: ok, warned, partial, blocked, failed, skipped, cancelled, interrupted, or is running (may
    /// be repeated)
    #[arg(long, value_name = "STATUS")]
    pub status: Vec<String>,
    /// At most so many, the newest; 0 is all [default: 50; with --json: all]
    #[arg(short, long, value_name = "N")]
    pub limit: Option<usize>,
}

/// The actions of `history`.
#[derive(Debug, Clone, Subcommand)]
pub enum HistoryAction {
    /// Show the summary of a run once more
    Show {
        /// Its ID, or the beginning of it, or `last`
        #[arg(value_name = "RUN")]
        run: String,
    },
}
