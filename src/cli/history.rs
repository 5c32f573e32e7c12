//! `history`

use clap::{Args, Subcommand};

/// `history`
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  pdb-sync history                                   Show the 50 newest jobs
  pdb-sync history mmcif --since 30d                 Show one job over the last 30 days
  pdb-sync history --status failed --status blocked  Show jobs that failed or were blocked
  pdb-sync history show last                         Show the summary of the last run")]
pub struct HistoryArgs {
    /// What to show instead
    #[command(subcommand)]
    pub action: Option<HistoryAction>,
    /// Names of jobs [default: all jobs]
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// Select the jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Show only jobs that started within this time (12h, 30d)
    #[arg(long, value_name = "DUR")]
    pub since: Option<String>,
    /// Show only jobs with this status (may be repeated)
    ///
    /// One of ok, warned, partial, blocked, failed, skipped, cancelled, interrupted, running.
    #[arg(long, value_name = "STATUS")]
    pub status: Vec<String>,
    /// Maximum number of jobs, the newest first (0: all) [default: 50; with --json: all]
    #[arg(short, long, value_name = "N")]
    pub limit: Option<usize>,
}

/// The actions of `history`.
#[derive(Debug, Clone, Subcommand)]
pub enum HistoryAction {
    /// Show the summary of a run
    #[command(after_help = "Examples:
  pdb-sync history show last           Show the summary of the last run
  pdb-sync history show last --json    Print it as JSON")]
    Show {
        /// ID of the run, the first characters of it, or "last"
        #[arg(value_name = "RUN")]
        run: String,
    },
}
