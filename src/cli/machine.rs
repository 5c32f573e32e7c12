//! `doctor`, `reclaim`, `status`

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
    /// Only the enabled jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Leave the network alone
    #[arg(long)]
    pub offline: bool,
    /// How long a server may take to answer
    #[arg(long, value_name = "DUR", default_value = "10s")]
    pub patience: String,
}

/// `reclaim`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync reclaim mmcif              forget the contents of a mirror's files
  pdb-sync reclaim --all --target 8GiB  stop as soon as so much is available
  pdb-sync reclaim ./mirror --sync    have everything written first")]
pub struct ReclaimArgs {
    /// Mirrors of jobs, or directories
    #[arg(value_name = "JOB|PATH")]
    pub targets: Vec<String>,
    /// The mirrors of all enabled jobs
    #[arg(long, conflicts_with_all = ["targets", "tag"])]
    pub all: bool,
    /// The mirrors of the enabled jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Stop as soon as programs can have so much memory (8GiB)
    #[arg(long, value_name = "SIZE")]
    pub target: Option<String>,
    /// Have what is not on the disk yet written first
    #[arg(long)]
    pub sync: bool,
    /// Also have the kernel drop unused names and inodes of the whole machine, and compact memory (root only)
    #[arg(long)]
    pub kernel: bool,
}

/// `status`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync status                 one look
  pdb-sync status --watch         on the screen until q or ^C
  pdb-sync status --max-age 8d    for monitoring: exit 1 where a job is staler")]
pub struct StatusArgs {
    /// Only these jobs
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// Only jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Keep it on the screen, until q or ^C
    #[arg(short, long)]
    pub watch: bool,
    /// Exit 1 if an enabled job last ended well longer ago than this, or never (8d)
    #[arg(long, value_name = "DUR")]
    pub max_age: Option<String>,
}
