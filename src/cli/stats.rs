//! `stats`

use clap::Args;
use std::path::PathBuf;

/// `stats`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync stats                       every job, and what scan, verify, index, search and clean cost
  pdb-sync stats mmcif --since 90d     one job's last quarter
  pdb-sync stats --check               1 if an alert of [[stats.alerts]] is set off
  pdb-sync stats --prometheus /var/lib/node_exporter/textfile/pdb_sync.prom")]
pub struct StatsArgs {
    /// Only these jobs
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// Only jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Only what started within this time (12h, 30d) [default: all that is remembered]
    #[arg(long, value_name = "DUR")]
    pub since: Option<String>,
    /// Print only the alerts, and end with 1 if there are any
    #[arg(long)]
    pub check: bool,
    /// Write the figures for Prometheus' node exporter into this file, at once and whole
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub prometheus: Option<PathBuf>,
}
