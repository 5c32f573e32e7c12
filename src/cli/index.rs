//! `index`

use clap::Args;

/// `index`: which mirrors, and how.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync index --all                   Update the indexes of all enabled jobs
  pdb-sync index mmcif --rebuild         Build the index of a job from scratch
  pdb-sync index /srv/mirrors/mmCIF      Index a directory, without a configuration")]
pub struct IndexArgs {
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
