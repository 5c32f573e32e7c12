//! `stats`

use crate::history::stats::COMMANDS;
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::path::PathBuf;

/// `stats`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync stats                       Show all jobs, and the cost of other commands
  pdb-sync stats mmcif --since 90d     Show one job over the last 90 days
  pdb-sync stats --command scan        Show how long each part of scan takes
  pdb-sync stats --check               Exit with 1 if an alert of [[stats.alerts]] fires
  pdb-sync stats --prometheus /var/lib/node_exporter/textfile/pdb_sync.prom")]
pub struct StatsArgs {
    /// Names of jobs [default: all jobs]
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// Select the jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Use only runs that started within this time (12h, 30d) [default: all]
    #[arg(long, value_name = "DUR")]
    pub since: Option<String>,
    /// Show one command and its parts
    ///
    /// For sync, the runs are those of jobs, and the parts are their phases.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["check", "prometheus"])]
    #[arg(value_parser = PossibleValuesParser::new(COMMANDS.into_iter().chain(["sync"])))]
    pub command: Option<String>,
    /// Print only the alerts; exit with 1 if there are any
    #[arg(long)]
    pub check: bool,
    /// Write metrics for the Prometheus node exporter to this file
    ///
    /// The file is replaced atomically.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub prometheus: Option<PathBuf>,
}
