//! `index`

use clap::{Args, Subcommand};

/// `index`: which mirrors, and how.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  pdb-sync index --all                   Update the indexes of all enabled jobs
  pdb-sync index mmcif --rebuild         Build the index of a job from scratch
  pdb-sync index /srv/mirrors/mmCIF      Index a directory, without a configuration
  pdb-sync index list                    List the indexes with their sizes and ages")]
pub struct IndexArgs {
    /// What to do instead
    #[command(subcommand)]
    pub action: Option<IndexAction>,
    /// Names of jobs, or directories (with a slash, or . or ..)
    #[arg(value_name = "JOB|PATH")]
    pub targets: Vec<String>,
    /// Index the mirrors of all enabled jobs
    #[arg(long, conflicts_with_all = ["targets", "tag"])]
    pub all: bool,
    /// Index the mirrors of the enabled jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Build the index from scratch instead of updating it
    #[arg(long)]
    pub rebuild: bool,
    /// Number of threads that read files [default: one per core]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Index only files that match this pattern (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Do not index files that match this pattern (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Index sequences
    #[arg(long)]
    pub sequences: bool,
    /// Index each record of a FASTA file as a document of its own
    #[arg(long)]
    pub fasta: bool,
}

/// The actions of `index`.
#[derive(Debug, Clone, Subcommand)]
pub enum IndexAction {
    /// List the indexes with their sizes and ages, and which have lost their job or mirror
    #[command(after_help = "Examples:
  pdb-sync index list           List all indexes
  pdb-sync index list --json    Print them as JSON")]
    List,
    /// Print the directory of an index, or of all indexes
    #[command(after_help = "Examples:
  pdb-sync index where          Print the directory of all indexes
  pdb-sync index where mmcif    Print the directory of the index of a job")]
    Where {
        /// Names of jobs, or directories (with a slash, or . or ..)
        #[arg(value_name = "INDEX")]
        indexes: Vec<String>,
    },
    /// Remove indexes; mirrors are not touched
    #[command(after_help = "Examples:
  pdb-sync index remove mmcif           Ask, then remove the index of a job
  pdb-sync index remove /srv/old --yes  Remove the index of a directory that may be gone")]
    Remove {
        /// Names of jobs, or directories (with a slash, or . or ..), as in index list
        #[arg(value_name = "INDEX", required = true)]
        indexes: Vec<String>,
        /// Remove without asking
        #[arg(short, long)]
        yes: bool,
    },
}
