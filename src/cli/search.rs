//! `search`

use clap::{Args, ValueEnum};

const EXAMPLES: &str = "Examples:
  pdb-sync search amyloid                    Find a word anywhere
  pdb-sync search 'kinase resolution:<1.8'   Both conditions must match
  pdb-sync search 'organism:homo sapiens (method:em OR method:nmr)'
  pdb-sync search 'ligand:HEM released:2020..2024 -method:nmr'
  pdb-sync search 'gene:HBA1 resolution<2 r_free:<0.25'
  pdb-sync search 'method:predicted plddt:>=90 uniprot:P69905'
  pdb-sync search '\"release factor\" author:sawaya' --sort resolution
  pdb-sync search status:error               List files that could not be read
  pdb-sync search 'method:xray' --paths -0 | xargs -0 ls -l";

/// `search`: a query and how its hits are shown.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = EXAMPLES,
    after_long_help = long_help()
)]
pub struct SearchArgs {
    /// Query; --help describes the syntax and all fields
    #[arg(value_name = "QUERY", required_unless_present = "repl")]
    pub query: Vec<String>,
    /// Search only this index: name of a job, or directory (may be repeated)
    #[arg(long, value_name = "JOB|PATH")]
    pub job: Vec<String>,
    /// Search all indexes (the default)
    #[arg(long, conflicts_with_all = ["job", "tag"])]
    pub all: bool,
    /// Search only the jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Maximum number of hits
    #[arg(short, long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Number of hits to skip
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: usize,
    /// Order of the hits
    #[arg(long, value_name = "ORDER", default_value = "score")]
    pub sort: Order,
    /// Maximum time of a search (2s) [default: search.timeout]
    ///
    /// A search that has not ended by then prints no hits, since they would not be all. Indexes that did not answer are named; the exit
    /// code is then 3.
    #[arg(long, value_name = "DUR")]
    pub timeout: Option<String>,
    /// Count the values of these fields over all hits (method,year)
    ///
    /// Fields: method, organism, year, kind, polymer, ligand, status, published, job.
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub facets: Vec<String>,
    /// Print only IDs
    #[arg(long, conflicts_with_all = ["paths", "format"])]
    pub ids: bool,
    /// Print only absolute paths, of all files of each hit
    #[arg(long, conflicts_with = "format")]
    pub paths: bool,
    /// End lines of --ids, --paths and --format with NUL, not newline
    #[arg(short = '0', long)]
    pub null: bool,
    /// Print each hit with this template ({id}\t{title})
    ///
    /// Names: id, title, kind, method, resolution, organism, released, deposited, revised, ligands, modified, uniprot, emdb, gene, ec,
    /// taxonomy, authors, journal, space_group, r_free, plddt, weight, doi, error, score, job, path, file. \t, \n, \0 and \\ are escapes;
    /// {{ and }} are braces.
    #[arg(long, value_name = "TEMPLATE")]
    pub format: Option<String>,
    /// Exit with 1 if there are no hits
    #[arg(long)]
    pub fail_on_empty: bool,
    /// Read queries from standard input, one per line; :help lists commands
    #[arg(long, conflicts_with_all = ["query"])]
    pub repl: bool,
}

/// The order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// Best match first; newest first if the query has no words to rank by.
    Score,
    /// Best resolution first.
    Resolution,
    /// Newest release first.
    Released,
    /// By ID.
    Id,
}

/// Describes the query language with all fields. Without the feature `search` there are no fields.
fn long_help() -> String {
    let mut text = format!("{EXAMPLES}\n\nQueries:\n");
    text.push_str(
        "Words and conditions must all match. OR, NOT (or -) and parentheses combine them otherwise.
  lysozyme          a word in any field        \"release factor\"    words in this order
  lysoz*            words with this prefix     \"zinc binding\"~3    up to 3 words between
  lysozime~1        up to 1 (or 2) letters different
  FIELD:WORD        FIELD:\"WORDS\"              FIELD:(A OR B)      FIELD:*   has any value
  FIELD:<2.0        <= > >= =, also FIELD<2.0  FIELD:1.5..2.0      FIELD:1.5-2.0, FIELD:[1.5 TO 2.0}
  2 > FIELD         the same as FIELD:<2       1.5 <= FIELD < 2    both conditions
  FIELD:2020        a year; 2020-03: a month; 2020-03-25: a day
  author:M.F.Perutz is the same as author:\"Perutz, M.F.\"
  space_group:P212121 is the same as space_group:\"P 21 21 21\"
  ec:3.4 matches all classes below 3.4
In titles and keywords, a word also matches its other forms, and British and American spelling.
Exact matches come first. An entry in several files is one hit.
",
    );
    #[cfg(feature = "search")]
    {
        text.push_str("\nFields:\n");
        text.push_str(&crate::search::query::help().join("\n"));
        text.push_str("\n\nRCSB attribute names, such as exptl.method or rcsb_entry_info.resolution_combined, also work.\n");
    }
    text
}
