//! `search`

use clap::{Args, ValueEnum};

const EXAMPLES: &str = "Examples:
  pdb-sync search amyloid                          a word anywhere
  pdb-sync search 'kinase resolution:<1.8'         both must hold
  pdb-sync search 'organism:homo sapiens (method:em OR method:nmr)'
  pdb-sync search 'ligand:HEM released:2020..2024 -method:nmr'
  pdb-sync search 'gene:HBA1 resolution<2 r_free:<0.25'
  pdb-sync search 'method:predicted plddt:>=90 uniprot:P69905'
  pdb-sync search '\"release factor\" author:sawaya' --sort resolution
  pdb-sync search status:error                     files that could not be read
  pdb-sync search 'method:xray' --paths -0 | xargs -0 ls -l";

/// `search`: a query and how its hits are shown.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = EXAMPLES,
    after_long_help = long_help()
)]
pub struct SearchArgs {
    /// What to look for; `--help` lists every field
    #[arg(value_name = "QUERY", required_unless_present = "repl")]
    pub query: Vec<String>,
    /// Only in this index, by its job's name or its directory (may be repeated)
    #[arg(long, value_name = "JOB|PATH")]
    pub job: Vec<String>,
    /// In all indexes; the default
    #[arg(long, conflicts_with_all = ["job", "tag"])]
    pub all: bool,
    /// Only in the indexes of the jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// At most so many hits
    #[arg(short, long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// After so many
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: usize,
    /// Their order
    #[arg(long, value_name = "ORDER", default_value = "score")]
    pub sort: Order,
    /// Show what there is by then, and name the indexes that did not answer (exit 3)
    #[arg(long, value_name = "DUR")]
    pub timeout: Option<String>,
    /// Count the values of these fields over all hits (method,organism,year,kind,polymer,ligand,status,published,job)
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub facets: Vec<String>,
    /// Print only IDs
    #[arg(long, conflicts_with_all = ["paths", "format"])]
    pub ids: bool,
    /// Print only the absolute paths of files, all of each hit
    #[arg(long, conflicts_with = "format")]
    pub paths: bool,
    /// End what --ids, --paths and --format print with NUL instead of a line end
    #[arg(short = '0', long)]
    pub null: bool,
    /// Print each hit so: {id} {title} {method} {resolution} {organism} {released} {job} {path} {score} ..., \t, \n
    #[arg(long, value_name = "TEMPLATE")]
    pub format: Option<String>,
    /// Exit with 1 if there is no hit
    #[arg(long)]
    pub fail_on_empty: bool,
    /// Read a query a line from standard input, from one engine with a cache
    #[arg(long, conflicts_with_all = ["query"])]
    pub repl: bool,
}

/// The order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// The best first; where there are no words to rank by, the newest.
    Score,
    /// The finest first.
    Resolution,
    /// The newest first.
    Released,
    /// By ID.
    Id,
}

/// Every field, with an example. Without the feature `search` there is no query language to tell of.
fn long_help() -> String {
    let mut text = format!("{EXAMPLES}\n\nQueries:\n");
    text.push_str(
        "Words and conditions side by side must all hold; OR, NOT (or -) and parentheses say otherwise.
  lysozyme          a word anywhere            \"release factor\"    words in this order
  lysoz*            the beginning of a word    \"zinc binding\"~3    with up to 3 words between
  lysozime~1        up to 1 (or 2) letters wrong
  FIELD:WORD        FIELD:\"WORDS\"              FIELD:(A OR B)      FIELD:*   has any value
  FIELD:<2.0        <= > >= =, also FIELD<2.0  FIELD:1.5..2.0      FIELD:1.5-2.0, FIELD:[1.5 TO 2.0}
  FIELD:2020        a year, 2020-03 a month, 2020-03-25 a day
  author:M.F.Perutz is author:\"Perutz, M.F.\"; space_group:P212121 is space_group:\"P 21 21 21\"; ec:3.4 is all below 3.4
In titles and keywords a word also finds its other forms, in British and American spelling; the form that was typed comes first.
An entry in several files is one hit.
",
    );
    #[cfg(feature = "search")]
    {
        text.push_str("\nFields:\n");
        text.push_str(&crate::search::query::help().join("\n"));
        text.push_str("\n\nRCSB's names, such as exptl.method or rcsb_entry_info.resolution_combined, are understood as well.\n");
    }
    text
}
