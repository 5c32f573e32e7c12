//! The command line: clap structs and nothing else. What they mean is said in [`crate::commands`].

mod clean;
mod config;
mod history;
mod index;
mod machine;
mod scan;
mod search;
mod stats;
mod sync;

pub use clean::{
    CleanAction, CleanArgs, ExplainArgs, Export, LogArgs, OnePlan, PlanArgs, PurgeArgs, RunArgs, RunMode,
    ShowArgs, UndoArgs,
};
pub use config::{ConfigAction, ConfigArgs, Example};
pub use history::{HistoryAction, HistoryArgs};
pub use index::IndexArgs;
pub use machine::{DoctorArgs, ReclaimArgs, StatusArgs};
pub use scan::{CacheAction, ScanArgs, VerifyArgs};
pub use search::{Order, SearchArgs};
pub use stats::StatsArgs;
pub use sync::SyncArgs;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Keeps local mirrors of the Protein Data Bank and similar archives true, unattended
#[derive(Debug, Parser)]
#[command(name = "pdb-sync", bin_name = "pdb-sync", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = crate::model::exit_code::briefly())]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that work before and after the command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Configuration file [default: $XDG_CONFIG_HOME/pdb-sync/config.toml]
    #[arg(short, long, global = true, value_name = "FILE", env = "PDB_SYNC_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Where the history, logs and locks are kept [default: $XDG_STATE_HOME/pdb-sync]
    #[arg(long, global = true, value_name = "DIR", env = "PDB_SYNC_STATE_DIR", hide_env_values = true)]
    pub state_dir: Option<PathBuf>,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = false)]
    pub color: When,
    /// Print only errors, warnings and what was asked for; for `sync` the summary unless every job is ok
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Print one JSON object a line on standard output
    #[arg(long, global = true)]
    pub json: bool,
}

/// Whether to do something that a terminal allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum When {
    /// If the stream is a terminal and the environment does not object.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run jobs: rsync transfers, in parallel, guarded, retried, summarised
    Sync(Box<SyncArgs>),
    /// Show the jobs of the configuration
    List(ListArgs),
    /// One look: machine, commands in progress, freshness, disks
    Status(StatusArgs),
    /// Give back the memory that mirroring has filled
    Reclaim(ReclaimArgs),
    /// Find out what would stop a run here: rsync, configuration, disks, servers
    Doctor(DoctorArgs),
    /// Show past runs, newest first
    History(HistoryArgs),
    /// Show percentiles and trends of past runs, and alerts
    Stats(StatsArgs),
    /// Build or refresh the search index of mirrors
    Index(IndexArgs),
    /// Find entries, components and texts in the indexes of mirrors
    Search(Box<SearchArgs>),
    /// Count what a mirror or any directory holds, and what has changed there
    Scan(Box<ScanArgs>),
    /// Find what is left over in a mirror, and remove it so that it can be brought back
    Clean(Box<CleanArgs>),
    /// Check that compressed files are whole, and fetch the damaged ones again
    Verify(VerifyArgs),
    /// Write, show and check the configuration
    Config(ConfigArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
}

/// `list`
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Only jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
}

/// `completions`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  source <(pdb-sync completions bash)             for this shell only
  pdb-sync completions zsh >_pdb-sync             into a directory of $fpath
  pdb-sync completions fish >pdb-sync.fish        into ~/.config/fish/completions")]
pub struct CompletionsArgs {
    /// The shell to complete in
    pub shell: clap_complete::Shell,
}
