//! The query and the options of a search.

use crate::cli::{Order, SearchArgs};
use crate::commands::Failure;
use crate::config::{Pause, nearest};
use crate::model::exit_code::ExitCode;
use crate::output::hits::{Layout, Template};
use crate::search::query::{self, Field, Node, QueryError};
use crate::search::{FACETS, Outcome, Request, Sort};

/// Parses a query. Errors have their position.
pub(super) fn understood(text: &str) -> Result<Node, Failure> {
    query::parse(text).map_err(|mistake: QueryError| Failure::Query {
        text: format!("cannot understand the query, {mistake}"),
        excerpt: mistake.excerpt(text),
        hint: mistake
            .hint
            .or_else(|| Some("`pdb-sync search --help` lists every field with an example".into())),
    })
}

/// The options besides the query.
pub(super) struct Options {
    pub(super) request: Request,
    pub(super) layout: Layout,
    pub(super) fail_on_empty: bool,
}

impl Options {
    pub(super) fn new(args: &SearchArgs) -> Result<Self, Failure> {
        let timeout = args.timeout.as_deref().map(str::parse::<Pause>).transpose();
        let timeout = timeout.map_err(|wrong| Failure::usage(format!("--timeout: {wrong}")))?;
        let mut facets = Vec::new();
        for name in args.facets.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
            let known: &str = if let Some(field) = Field::find(name) { field.name() } else { name };
            let Some(facet) = FACETS.into_iter().find(|facet: &&str| **facet == *known) else {
                let hint = nearest(name, FACETS.iter().copied()).map_or_else(
                    || format!("known are {}", FACETS.join(", ")),
                    |near| format!("did you mean {near:?}?"),
                );
                return Err(Failure::usage_hint(format!("--facets: {name:?} cannot be counted"), hint));
            };
            facets.push(facet);
        }
        let layout = match &args.format {
            Some(template) => Layout::Template(
                Template::parse(template)
                    .map_err(|(text, hint)| Failure::Usage { text: format!("--format: {text}"), hint })?,
            ),
            None if args.ids => Layout::Ids,
            None if args.paths => Layout::Paths,
            None => Layout::Table,
        };
        let sort = match args.sort {
            Order::Score => Sort::Score,
            Order::Resolution => Sort::Resolution,
            Order::Released => Sort::Released,
            Order::Id => Sort::Id,
        };
        if args.null && matches!(layout, Layout::Table) {
            return Err(Failure::usage_hint("-0 is for --ids, --paths and --format", "add one of them"));
        }
        Ok(Options {
            request: Request {
                query: Node::All,
                sort,
                limit: args.limit,
                offset: args.offset,
                facets,
                timeout: timeout.map(|timeout| timeout.0),
            },
            layout: if args.null { layout.with_nul() } else { layout },
            fail_on_empty: args.fail_on_empty,
        })
    }

    /// Returns the exit code for this outcome.
    pub(super) fn exit(&self, outcome: &Outcome) -> ExitCode {
        match () {
            () if !outcome.failed.is_empty() || (outcome.total == 0 && self.fail_on_empty) => {
                ExitCode::Failed
            }
            () if !outcome.late.is_empty() => ExitCode::Partial,
            () => ExitCode::Done,
        }
    }
}
