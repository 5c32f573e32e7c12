//! `clean`

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `clean`: what is left over in a mirror, and its removal.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync clean plan mmcif            find what is left over; nothing is touched
  pdb-sync clean show                  look at the last plan
  pdb-sync clean run --yes             do what it says
  pdb-sync clean undo last             bring everything back
  pdb-sync clean purge mmcif           remove for good what was kept long enough")]
pub struct CleanArgs {
    /// What to do
    #[command(subcommand)]
    pub action: CleanAction,
}

/// The actions of `clean`.
#[derive(Debug, Clone, Subcommand)]
pub enum CleanAction {
    /// Find what the rules mean, and write it down; nothing is touched
    Plan(PlanArgs),
    /// Show a plan, folded by rule and directory, or export it
    Show(ShowArgs),
    /// Decide about a plan in $EDITOR
    Edit(OnePlan),
    /// Compare a plan with what is there now
    Verify(OnePlan),
    /// Do what a plan says
    Run(RunArgs),
    /// Bring back what a run of `clean` or `sync` removed
    Undo(UndoArgs),
    /// Show runs, or what one run did
    Log(LogArgs),
    /// Remove for good what was in quarantine long enough; what is over-age is marked first, and removed a day later at the earliest
    Purge(PurgeArgs),
    /// List the rules in the order in which they are asked
    Rules,
    /// Say which rule decides about a path, or that upstream has it, and why the others do not
    Explain(ExplainArgs),
}

/// `clean plan`
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// Jobs, by name, or paths (with a slash, or . or ..); a plan for each
    #[arg(value_name = "JOB|PATH")]
    pub targets: Vec<String>,
    /// Plan for the mirror of every enabled job
    #[arg(long, conflicts_with_all = ["targets", "tag"])]
    pub all: bool,
    /// Plan for the mirrors of the enabled jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Where the plan is written [default: below the state directory]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Turn on a rule that is off (may be repeated)
    #[arg(long, value_name = "RULE")]
    pub with: Vec<String>,
    /// Turn off a rule (may be repeated)
    #[arg(long, value_name = "RULE")]
    pub without: Vec<String>,
    /// A list of obsolete entries, beside the mirror's own status/obsolete.dat: one ID a line, or as that (may be repeated)
    #[arg(long, value_name = "FILE")]
    pub obsolete: Vec<PathBuf>,
}

/// A plan.
#[derive(Debug, Clone, Args)]
pub struct OnePlan {
    /// The plan's file, a job for what its `sync` held back, or `last`
    #[arg(value_name = "PLAN|JOB", default_value = "last")]
    pub plan: PathBuf,
}

/// `clean show`
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// The plan's file, a job for what its `sync` held back, or `last`
    #[arg(value_name = "PLAN|JOB", default_value = "last")]
    pub plan: PathBuf,
    /// Show the N largest rows
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Print every entry instead: as CSV, as a NUL-separated list of paths, or as filters for rsync
    #[arg(long, value_name = "FORMAT")]
    pub export: Option<Export>,
}

/// How a plan is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Export {
    /// A table.
    Csv,
    /// Paths, each followed by a NUL.
    Nul,
    /// `--exclude-from` for rsync.
    Rsync,
}

/// `clean run`
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The plan's file, or `last`
    #[arg(value_name = "PLAN", default_value = "last")]
    pub plan: PathBuf,
    /// How to go about it [default: interactive on a terminal, otherwise batch]
    #[arg(long, value_name = "MODE")]
    pub mode: Option<RunMode>,
    /// Say what would be done; touch and write nothing (--mode dry-run)
    #[arg(short = 'n', long, conflicts_with = "mode")]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Keep what is removed, so that it can be brought back
    #[arg(long, group = "fate")]
    pub quarantine: bool,
    /// Remove for good
    #[arg(long, group = "fate")]
    pub delete: bool,
    /// Move what is removed into a directory
    #[arg(long, group = "fate", value_name = "DIR")]
    pub backup_dir: Option<PathBuf>,
    /// Move what is removed into the desktop's trash
    #[arg(long, group = "fate")]
    pub trash: bool,
    /// Stop at the first failure
    #[arg(long)]
    pub fail_fast: bool,
    /// Touch nothing if anything is not as it was when it was planned
    #[arg(long)]
    pub strict: bool,
    /// Touch nothing unless the plan and its decisions have this hash, which `clean show` prints
    #[arg(long, value_name = "HASH")]
    pub expect: Option<String>,
    /// How many entries may go: a number, or a share of the tree's ("10%")
    #[arg(long, value_name = "N|P%")]
    pub max_delete: Option<String>,
    /// How many bytes may go ("5GiB")
    #[arg(long, value_name = "SIZE")]
    pub max_bytes: Option<String>,
    /// Threads (0: one a core)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=256))]
    pub threads: Option<u16>,
}

/// How to go about a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunMode {
    /// Say what would be done; touch and write nothing.
    DryRun,
    /// Ask for each rule and directory.
    Interactive,
    /// Do it.
    Batch,
}

/// `clean undo`
#[derive(Debug, Clone, Args)]
pub struct UndoArgs {
    /// The run, as `clean log` and `history` name it, or the beginning of its ID, or `last`: the newest that took something away
    #[arg(value_name = "RUN")]
    pub run: String,
}

/// `clean log`
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// The run whose entries are shown, or the beginning of its ID, or `last`
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
}

/// `clean purge`
#[derive(Debug, Clone, Args)]
pub struct PurgeArgs {
    /// Jobs, by name, or paths [default: every tree that a run is known of]
    #[arg(value_name = "JOB|PATH")]
    pub targets: Vec<String>,
    /// The mirrors of the enabled jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Remove at once what is older than this, without marking it first and whatever each run said ("30d"; "0" is everything)
    #[arg(long, value_name = "DUR")]
    pub older_than: Option<String>,
    /// Say what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `clean explain`
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// A path in a mirror
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// The tree that it is judged in [default: the mirror that holds it, or else its directory]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// A list of obsolete entries, beside the mirror's own status/obsolete.dat: one ID a line, or as that (may be repeated)
    #[arg(long, value_name = "FILE")]
    pub obsolete: Vec<PathBuf>,
}
