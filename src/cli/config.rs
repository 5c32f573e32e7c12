//! `config`

use clap::{Args, Subcommand, ValueEnum};

/// `config`
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// The actions of `config`.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigAction {
    /// Write a commented configuration; never over an existing file
    Init {
        /// Start from an example instead of the template
        #[arg(long, value_name = "EXAMPLE")]
        from: Option<Example>,
    },
    /// Print the resolved configuration
    Show {
        /// Say where each value came from
        #[arg(long)]
        origin: bool,
        /// Only these jobs
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// Report every problem of the configuration at once
    Check,
    /// Print the JSON Schema of the configuration, for editors
    Schema {
        /// That of the lines of --json instead
        #[arg(long)]
        events: bool,
    },
    /// Print which file is used
    Path,
}

/// The examples that `config init --from` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Example {
    /// The PDB archive from its mirrors.
    Pdb,
    /// What AlphaFold and its kin need.
    Alphafold,
    /// A small part, as a step of continuous integration.
    Ci,
}
