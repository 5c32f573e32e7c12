//! `doctor`

use clap::Args;

/// `doctor`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync doctor                 everything that a run needs
  pdb-sync doctor mmcif           only what this job needs
  pdb-sync doctor --offline       leave the network alone")]
pub struct DoctorArgs {
    /// Only these jobs' sources and destinations; otherwise those of every enabled job
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// Leave the network alone
    #[arg(long)]
    pub offline: bool,
    /// How long a server may take to answer
    #[arg(long, value_name = "DUR", default_value = "10s")]
    pub patience: String,
}
