//! `config`

use clap::{Args, Subcommand, ValueEnum};

/// `config`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync config init                   Write a commented configuration
  pdb-sync config check                  Report all problems of the configuration
  pdb-sync config show mmcif --origin    Show the values of a job and their origins")]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// The actions of `config`.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigAction {
    /// Write a commented configuration; an existing file is not overwritten
    #[command(after_help = "Examples:
  pdb-sync config init               Write the template with all keys
  pdb-sync config init --from pdb    Write the configuration of the PDB archive
  pdb-sync -c ci.toml config init --from ci
  pdb-sync -c set.toml config init --from benchmark")]
    Init {
        /// Start from an example instead of the template
        #[arg(long, value_name = "EXAMPLE")]
        from: Option<Example>,
    },
    /// Show the configuration with all defaults filled in
    #[command(after_help = "Examples:
  pdb-sync config show                   Show everything
  pdb-sync config show mmcif --origin    Show one job, and where each value comes from")]
    Show {
        /// Show where each value comes from
        #[arg(long)]
        origin: bool,
        /// Names of jobs [default: all jobs]
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// Check the configuration, and report all problems at once
    #[command(after_help = "Examples:
  pdb-sync config check               Check the configuration
  pdb-sync -c new.toml config check   Check another file")]
    Check,
    /// Print the JSON Schema of the configuration, for editors
    #[command(after_help = "Examples:
  pdb-sync config schema >pdb-sync.schema.json   Save the schema of the configuration
  pdb-sync config schema --events                Print the schema of the lines of --json")]
    Schema {
        /// Print the JSON Schema of the lines of --json instead
        #[arg(long)]
        events: bool,
    },
    /// Print the path of the configuration file
    #[command(after_help = "Examples:
  pdb-sync config path              Print the path
  ${EDITOR:-vi} \"$(pdb-sync config path)\"")]
    Path,
}

/// The examples that `config init --from` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Example {
    /// The PDB archive, from several hosts.
    Pdb,
    /// The databases that AlphaFold and similar programs need.
    Alphafold,
    /// A small part of the archive, for continuous integration.
    Ci,
    /// The entries of a list, benchmark-ids.txt: a benchmark set, or the data of a test.
    Benchmark,
}
