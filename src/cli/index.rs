//! `index`

use clap::Args;

/// `index`: which mirrors, and how.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync index --all                   brings the indexes of all enabled jobs up to date
  pdb-sync index mmcif --rebuild         builds one anew
  pdb-sync index /srv/mirrors/mmCIF      any directory; no configuration is needed")]
pub struct IndexArgs {
    /// Jobs by name, or directories (with a /, or . or ..)
    #[arg(value_name = "JOB|PATH")]
    pub targets: Vec<String>,
    /// Index every enabled job
    #[arg(long, conflicts_with_all = ["targets", "tag"])]
    pub all: bool,
    /// Index the enabled jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Build the index anew, although it could be brought up to date
    #[arg(long)]
    pub rebuild: bool,
    /// Threads that read files [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Only files that match (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// No files that match (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Make sequences searchable
    #[arg(long)]
    pub sequences: bool,
    /// Make each record of a FASTA file a document
    #[arg(long)]
    pub fasta: bool,
}
