//! `doctor`, `mirrors`, `reclaim`, `status`

use clap::{Args, ValueEnum};

/// `doctor`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync doctor              Check everything that runs need
  pdb-sync doctor mmcif        Check what one job needs
  pdb-sync doctor --offline    Check without using the network")]
pub struct DoctorArgs {
    /// Names of jobs to check [default: all enabled jobs]
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// Check only the enabled jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Do not use the network
    #[arg(long)]
    pub offline: bool,
    /// Maximum time to wait for each server
    #[arg(long, value_name = "DUR", default_value = "10s")]
    pub patience: String,
}

/// `mirrors`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync mirrors                   List the archives, their servers and layouts
  pdb-sync mirrors wwpdb --check     Ask the servers of an archive
  pdb-sync mirrors --check --json    Ask all servers, for scripts")]
pub struct MirrorsArgs {
    /// Names of archives [default: all archives]
    #[arg(value_name = "ARCHIVE")]
    pub archives: Vec<String>,
    /// Ask each server whether it answers and lists the module
    ///
    /// Exit with 1 if no server of an archive does, with 3 if some do not.
    #[arg(long)]
    pub check: bool,
    /// Maximum time to wait for each server
    #[arg(long, value_name = "DUR", default_value = "10s")]
    pub patience: String,
}

/// `reclaim`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync reclaim mmcif                Release the page cache of a mirror
  pdb-sync reclaim --all --target 8GiB  Stop when 8 GiB of memory are available
  pdb-sync reclaim ./mirror --sync      Write modified pages to disk first")]
pub struct ReclaimArgs {
    /// Names of jobs, or directories (with a slash, or . or ..)
    #[arg(value_name = "JOB|PATH")]
    pub targets: Vec<String>,
    /// Release page cache of the mirrors of all enabled jobs
    #[arg(long, conflicts_with_all = ["targets", "tag"])]
    pub all: bool,
    /// Release page cache of the enabled jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Stop when this much memory is available: a size or a share of the memory (8GiB, 10%)
    ///
    /// Without it, everything is released. Cached pages count as available already, so a low target is met before anything is released.
    #[arg(long, value_name = "SIZE|P%")]
    pub target: Option<String>,
    /// Write modified pages to disk first
    #[arg(long)]
    pub sync: bool,
    /// Also drop unused dentries and inodes, and compact memory (root only)
    ///
    /// This affects the whole machine, not only the mirrors.
    #[arg(long)]
    pub kernel: bool,
}

/// `status`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync status                      Show the status once
  pdb-sync status --watch              Show it until q or ^C is pressed
  pdb-sync status --sort io --top 10   Show the ten processes with the most disk I/O
  pdb-sync status --max-age 8d         For monitoring: exit with 1 if a mirror is older")]
pub struct StatusArgs {
    /// Names of jobs [default: all jobs]
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// Select the jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Show the status until q or ^C is pressed
    #[arg(short, long)]
    pub watch: bool,
    /// Maximum age of the last success of enabled jobs (8d)
    ///
    /// Exit with 1 if a job is older, or has never succeeded.
    #[arg(long, value_name = "DUR")]
    pub max_age: Option<String>,
    /// Number of processes with the most CPU time, memory and disk I/O each (0: none)
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub top: usize,
    /// Show only the processes with the most of this, in this order
    ///
    /// Without it, the table has the processes of all three orders, by memory. --json always has all three lists.
    #[arg(long, value_name = "ORDER")]
    pub sort: Option<ProcessOrder>,
}

/// The order of processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProcessOrder {
    /// By CPU time.
    Cpu,
    /// By resident memory.
    Memory,
    /// By disk I/O.
    Io,
}
