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
pub use index::{IndexAction, IndexArgs};
pub use machine::{DoctorArgs, MirrorsArgs, ProcessOrder, ReclaimArgs, StatusArgs};
pub use scan::{CacheAction, ScanArgs, VerifyArgs};
pub use search::{Order, SearchArgs};
pub use stats::StatsArgs;
pub use sync::{Group, SyncArgs};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  pdb-sync config init                Write a commented configuration
  pdb-sync doctor                     Check that runs can work on this machine
  pdb-sync sync --all --plan          Show what a run would change
  pdb-sync sync --all --parallel 3    Run all enabled jobs, up to 3 at a time
  pdb-sync status                     Show the state of machine, jobs and disks";

/// Keep local mirrors of the Protein Data Bank and similar archives up to date
#[derive(Debug, Parser)]
#[command(name = "pdb-sync", bin_name = "pdb-sync", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", crate::model::exit_code::briefly()))]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The heading of the options of every command, which follow the command's own.
const GLOBAL: &str = "Global options";

/// Options that work before and after the command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Configuration file [default: $XDG_CONFIG_HOME/pdb-sync/config.toml]
    #[arg(short, long, global = true, value_name = "FILE", env = "PDB_SYNC_CONFIG", hide_env_values = true)]
    #[arg(help_heading = GLOBAL)]
    pub config: Option<PathBuf>,
    /// Directory for history, logs and indexes [default: $XDG_STATE_HOME/pdb-sync]
    #[arg(long, global = true, value_name = "DIR", env = "PDB_SYNC_STATE_DIR", hide_env_values = true)]
    #[arg(help_heading = GLOBAL)]
    pub state_dir: Option<PathBuf>,
    /// Set a value of a job for this command (may be repeated)
    ///
    /// It is stronger than the configuration and other options. VALUE is TOML; a string needs no quotes.
    #[arg(long, global = true, value_name = "JOB.KEY=VALUE", help_heading = GLOBAL)]
    pub set: Vec<String>,
    /// When to use colors
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = false)]
    #[arg(help_heading = GLOBAL)]
    pub color: When,
    /// Print only errors, warnings and requested data
    ///
    /// `sync` also prints its summary, unless all jobs are ok.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GLOBAL)]
    pub quiet: bool,
    /// Print more details
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub verbose: bool,
    /// Print one JSON object per line on standard output
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,
}

/// Whether to do something that a terminal allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum When {
    /// If the stream is a terminal, unless environment variables forbid it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run jobs: update mirrors with rsync, in parallel
    Sync(Box<SyncArgs>),
    /// List the jobs of the configuration
    List(ListArgs),
    /// Show the machine, commands in progress, age of mirrors, and disks
    Status(StatusArgs),
    /// Release page cache used by mirrors
    Reclaim(ReclaimArgs),
    /// Check rsync, configuration, disks and servers for problems
    Doctor(DoctorArgs),
    /// List known archives, their servers and layouts
    Mirrors(MirrorsArgs),
    /// Show past runs, newest first
    History(HistoryArgs),
    /// Show statistics of past runs, and alerts
    Stats(StatsArgs),
    /// Build, update, list and remove the search indexes of mirrors
    Index(IndexArgs),
    /// Search the indexes of mirrors
    Search(Box<SearchArgs>),
    /// Count the files of a mirror or directory, and show changes
    Scan(Box<ScanArgs>),
    /// Find and remove leftover files in mirrors; removal can be undone
    Clean(Box<CleanArgs>),
    /// Check gzip files of mirrors, and repair damaged ones
    Verify(VerifyArgs),
    /// Write, show and check the configuration
    Config(ConfigArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// `list`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync list                 List all jobs
  pdb-sync list --tag weekly    List the jobs with a tag")]
pub struct ListArgs {
    /// List only jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
}

/// `completions`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  source <(pdb-sync completions bash)        Use it in this shell only
  pdb-sync completions zsh >_pdb-sync        Save it in a directory of $fpath
  pdb-sync completions fish >pdb-sync.fish   Save it in ~/.config/fish/completions")]
pub struct CompletionsArgs {
    /// Name of the shell
    pub shell: clap_complete::Shell,
}
