//! `index` and `search`.

use super::types::{BOOL, BYTES, COUNT, Key, NUMBER, Object, SECONDS, TEXT, TEXTS, Type, key, maybe};

const JOB: Key = key("job", Type::Null(&TEXT), "The job whose mirror it is; null: a directory.");
const INDEX: Key = key("index", TEXT, "The index: the name of its job, or its directory.");
const PATH: Key = maybe("path", TEXT, "Path below the mirror, if it is UTF-8.");
const PATH_BASE64: Key = maybe("path_base64", TEXT, "Path below the mirror in Base64, if it is not UTF-8.");
const FILE: Key = maybe("file", TEXT, "Absolute path, if it is UTF-8.");
const FILE_BASE64: Key = maybe("file_base64", TEXT, "Absolute path in Base64, if it is not UTF-8.");
const ALSO: Type =
    Type::Object(&[key("job", Type::Null(&TEXT), "The job."), INDEX, PATH, PATH_BASE64, FILE, FILE_BASE64]);
const TEXT_OR_NULL: Type = Type::Null(&TEXT);
const NUMBER_OR_NULL: Type = Type::Null(&NUMBER);
const COUNT_OR_NULL: Type = Type::Null(&COUNT);
const CELL: Type = Type::Object(&[
    key("a", NUMBER, "Å."),
    key("b", NUMBER, "Å."),
    key("c", NUMBER, "Å."),
    key("alpha", NUMBER, "Degrees."),
    key("beta", NUMBER, "Degrees."),
    key("gamma", NUMBER, "Degrees."),
]);
const VALUE: Type =
    Type::Object(&[key("value", TEXT, "The value."), key("count", COUNT, "Hits that have it.")]);
const ELAPSED: &str = "The same; to go with 1.0.";

pub(super) const OBJECTS: [Object; 6] = [
    Object {
        commands: &["index"],
        event: "indexed",
        about: "An index that was built or refreshed.",
        keys: &[
            JOB,
            INDEX,
            key("files_seen", COUNT, "Files that may be indexed."),
            key("files_read", COUNT, "Files that were read."),
            key("documents", COUNT, "Documents that were written."),
            key("removed", COUNT, "Documents that were removed."),
            key("errors", COUNT, "Documents that say why a file could not be read."),
            key("unread_files", COUNT, "Files that could not be read; they are tried again each time."),
            key("duration_s", SECONDS, "How long it took."),
            key("elapsed_s", SECONDS, ELAPSED),
            key("rebuilt", TEXT_OR_NULL, "Why it was built anew."),
            key("unread", TEXTS, "The first of the files that could not be read."),
        ],
    },
    Object {
        commands: &["index"],
        event: "result",
        about: "Of all indexes.",
        keys: &[
            key("files_seen", COUNT, "Files that may be indexed."),
            key("files_read", COUNT, "Files that were read."),
            key("documents", COUNT, "Documents that were written."),
            key("removed", COUNT, "Documents that were removed."),
            key("errors", COUNT, "Documents that say why a file could not be read."),
            key("unread_files", COUNT, "Files that could not be read; they are tried again each time."),
            key("duration_s", SECONDS, "How long it took."),
            key("elapsed_s", SECONDS, ELAPSED),
            key("bytes_read", BYTES, "What was read."),
            key("index_documents", COUNT, "Documents that the indexes hold."),
            key("index_errors", COUNT, "Documents of files that could not be read."),
            key("peak_memory_bytes", Type::Null(&BYTES), "The most memory that was had at once."),
        ],
    },
    Object {
        commands: &["search"],
        event: "hit",
        about: "An entry that matches.",
        keys: &[
            JOB,
            INDEX,
            key("id", TEXT_OR_NULL, "Its ID."),
            key("score", NUMBER, "How well it matches; 0 where nothing is ranked."),
            key("title", TEXT_OR_NULL, "Its title."),
            key("kind", TEXT, "What it is: structure."),
            key("method", TEXTS, "Methods of the experiment."),
            key("methodology", TEXT_OR_NULL, "experimental, integrative or computational."),
            key("resolution", NUMBER_OR_NULL, "Å."),
            key("organism", TEXTS, "Organisms."),
            key("released", TEXT_OR_NULL, "Day of the release."),
            key("deposited", TEXT_OR_NULL, "Day of the deposition."),
            key("revised", TEXT_OR_NULL, "Day of the last revision."),
            key("ligands", TEXTS, "Components that are no polymers."),
            key("modified", TEXTS, "Modified residues."),
            key("uniprot", TEXTS, "Accessions of UniProt."),
            key("weight_kda", NUMBER_OR_NULL, "Weight in kDa."),
            key("doi", TEXT_OR_NULL, "DOI of the article."),
            key("error", TEXT_OR_NULL, "Why the file could not be read."),
            key("keywords", TEXTS, "Keywords."),
            key("molecules", TEXTS, "Molecules."),
            key("polymer", TEXTS, "Kinds of polymers."),
            key("chains", COUNT_OR_NULL, "Chains."),
            key("residues", COUNT_OR_NULL, "Residues."),
            key("atoms", COUNT_OR_NULL, "Atoms."),
            key("oligomer", TEXTS, "Oligomeric states."),
            key("assembly", COUNT_OR_NULL, "Number of the assembly that the file holds."),
            key("ec", TEXTS, "EC numbers."),
            key("mutation", TEXTS, "Mutations."),
            key("gene", TEXTS, "Genes."),
            key("taxonomy", Type::List(&COUNT), "Numbers of the NCBI taxonomy."),
            key("organism_common", TEXTS, "Common names of organisms."),
            key("host", TEXTS, "Expression hosts."),
            key("space_group", TEXT_OR_NULL, "Space group."),
            key("cell", Type::Null(&CELL), "Unit cell."),
            key("r_free", NUMBER_OR_NULL, "R-free."),
            key("r_work", NUMBER_OR_NULL, "R-work."),
            key("plddt", NUMBER_OR_NULL, "Mean pLDDT of a predicted model."),
            key("software", TEXTS, "Software."),
            key("authors", TEXTS, "Authors."),
            key("article", TEXT_OR_NULL, "Title of the article."),
            key("journal", TEXT_OR_NULL, "Its journal."),
            key("published", COUNT_OR_NULL, "Its year."),
            key("pubmed", COUNT_OR_NULL, "Its number in PubMed."),
            key("reference", TEXTS, "References to other databases of sequences."),
            key("emdb", TEXTS, "Entries of the EMDB."),
            key("related", TEXTS, "Related entries."),
            key("obsolete", Type::Null(&BOOL), "Whether the entry is obsolete."),
            key("superseded_by", TEXTS, "Entries that took its place."),
            key("supersedes", TEXTS, "Entries whose place it took."),
            key("formula", TEXT_OR_NULL, "Formula of a component."),
            key("cut", BOOL, "Whether the file has more than was read."),
            PATH,
            PATH_BASE64,
            FILE,
            FILE_BASE64,
            key("also", Type::List(&ALSO), "Other files of the entry."),
        ],
    },
    Object {
        commands: &["search"],
        event: "facet",
        about: "With --facets: the values of a field over all hits.",
        keys: &[key("field", TEXT, "The field."), key("values", Type::List(&VALUE), "Its values.")],
    },
    Object {
        commands: &["search"],
        event: "result",
        about: "A result for each query.",
        keys: &[
            key("hits", COUNT, "Hits that were printed."),
            key("total", COUNT, "Hits that there are."),
            key("documents", COUNT, "Documents that match."),
            key("duration_s", SECONDS, "How long it took."),
            key("elapsed_ms", Type::Milliseconds, "The same in milliseconds; to go with 1.0."),
            key("timed_out", BOOL, "Whether an index did not answer in time."),
            key("late", TEXTS, "Indexes that did not answer in time."),
        ],
    },
    Object {
        commands: &["search"],
        event: "cache",
        about: "With --repl: the cache of answers, for :stats and at the end.",
        keys: &[
            key("hits", COUNT, "Answers from the cache."),
            key("misses", COUNT, "Answers that were not in it."),
            key("evictions", COUNT, "Answers that had to go."),
            key("entries", COUNT, "Answers in it."),
            key("bytes", BYTES, "Their size."),
        ],
    },
];
