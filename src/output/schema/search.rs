//! `index` and `search`.

use super::types::{BOOL, BYTES, COUNT, Key, NUMBER, Object, SECONDS, TEXT, TEXTS, TIME, Type, key, maybe};

const JOB: Key = key("job", Type::Null(&TEXT), "Job of the mirror; null for a directory.");
const INDEX: Key = key("index", TEXT, "Name of the index: the job, or the directory.");
const PATH: Key = maybe("path", TEXT, "Path relative to the mirror, if it is UTF-8.");
const PATH_BASE64: Key =
    maybe("path_base64", TEXT, "Path relative to the mirror in Base64, if it is not UTF-8.");
const FILE: Key = maybe("file", TEXT, "Absolute path, if it is UTF-8.");
const FILE_BASE64: Key = maybe("file_base64", TEXT, "Absolute path in Base64, if it is not UTF-8.");
const ALSO: Type = Type::Object(&[
    key("job", Type::Null(&TEXT), "Job of the mirror; null for a directory."),
    INDEX,
    PATH,
    PATH_BASE64,
    FILE,
    FILE_BASE64,
]);
const TEXT_OR_NULL: Type = Type::Null(&TEXT);
const NUMBER_OR_NULL: Type = Type::Null(&NUMBER);
/// Null where the file has no name.
const NAMES: Type = Type::List(&TEXT_OR_NULL);
const COUNT_OR_NULL: Type = Type::Null(&COUNT);
const CELL: Type = Type::Object(&[
    key("a", NUMBER, "Length in Å."),
    key("b", NUMBER, "Length in Å."),
    key("c", NUMBER, "Length in Å."),
    key("alpha", NUMBER, "Angle in degrees."),
    key("beta", NUMBER, "Angle in degrees."),
    key("gamma", NUMBER, "Angle in degrees."),
]);
const VALUE: Type =
    Type::Object(&[key("value", TEXT, "Value."), key("count", COUNT, "Number of hits with this value.")]);
const ELAPSED: &str = "Same as duration_s; to be removed in 1.0.";

const BYTES_READ: Key = key("bytes_read", BYTES, "Bytes of the files that were read, as stored on disk.");
const FILES_PER_S: Key =
    key("files_per_s", NUMBER_OR_NULL, "Files read per second of the duration; null if none was read.");
const BYTES_PER_S: Key =
    key("bytes_per_s", NUMBER_OR_NULL, "Bytes read per second of the duration; null if none was read.");

pub(super) const OBJECTS: [Object; 11] = [
    Object {
        commands: &["index"],
        event: "indexed",
        about: "An index that was built or updated.",
        keys: &[
            JOB,
            INDEX,
            key("files_seen", COUNT, "Number of files that match the patterns."),
            key("files_read", COUNT, "Number of files read."),
            key("documents", COUNT, "Number of documents written."),
            key("removed", COUNT, "Number of documents removed."),
            key("errors", COUNT, "Number of documents of files that could not be parsed."),
            key(
                "unread_files",
                COUNT,
                "Number of files that could not be opened or read; the next run tries them again.",
            ),
            key("duration_s", SECONDS, "Duration."),
            key("elapsed_s", SECONDS, ELAPSED),
            BYTES_READ,
            FILES_PER_S,
            BYTES_PER_S,
            key("rebuilt", TEXT_OR_NULL, "Why the index was rebuilt."),
            key("unread", TEXTS, "The first files that could not be opened or read."),
        ],
    },
    Object {
        commands: &["index"],
        event: "result",
        about: "Totals of all indexes.",
        keys: &[
            key("files_seen", COUNT, "Number of files that match the patterns."),
            key("files_read", COUNT, "Number of files read."),
            key("documents", COUNT, "Number of documents written."),
            key("removed", COUNT, "Number of documents removed."),
            key("errors", COUNT, "Number of documents of files that could not be parsed."),
            key(
                "unread_files",
                COUNT,
                "Number of files that could not be opened or read; the next run tries them again.",
            ),
            key("duration_s", SECONDS, "Duration."),
            key("elapsed_s", SECONDS, ELAPSED),
            BYTES_READ,
            FILES_PER_S,
            BYTES_PER_S,
            key("index_documents", COUNT, "Number of documents in the indexes."),
            key("index_errors", COUNT, "Number of documents of files that could not be parsed."),
            key("peak_memory_bytes", Type::Null(&BYTES), "Peak memory."),
        ],
    },
    Object {
        commands: &["index list"],
        event: "index",
        about: "An index.",
        keys: &[
            JOB,
            INDEX,
            key("dir", TEXT, "Directory of the index."),
            key("root", TEXT_OR_NULL, "Root of the mirror."),
            key(
                "state",
                Type::Words(&["ok", "outdated", "newer", "damaged", "unfinished"]),
                "Whether it can be searched (ok), is of an earlier or later version of pdb-sync, cannot be read, or was never completed.",
            ),
            key("error", TEXT_OR_NULL, "Why it cannot be read."),
            key("documents", COUNT_OR_NULL, "Number of documents; null unless it can be searched."),
            key("bytes", BYTES, "Size of all of its files."),
            key("updated", Type::Null(&TIME), "Time of its last change."),
            key("age_s", Type::Null(&SECONDS), "Time since its last change."),
            key("in_use", BOOL, "Whether a process of this host is building it."),
            key("orphan", TEXT_OR_NULL, "Which of its job and its mirror is gone, and null if neither is."),
        ],
    },
    Object {
        commands: &["index list"],
        event: "result",
        about: "",
        keys: &[
            key("dir", TEXT, "Directory of all indexes."),
            key("indexes", COUNT, "Number of indexes."),
            key("orphans", COUNT, "Number of indexes whose job or mirror is gone."),
            key("bytes", BYTES, "Size of all indexes."),
        ],
    },
    Object {
        commands: &["index where"],
        event: "place",
        about: "The directory of an index.",
        keys: &[
            JOB,
            INDEX,
            key("dir", TEXT, "Directory of the index."),
            key("exists", BOOL, "Whether there is an index."),
        ],
    },
    Object {
        commands: &["index where"],
        event: "result",
        about: "",
        keys: &[key("dir", TEXT, "Directory of all indexes.")],
    },
    Object {
        commands: &["index remove"],
        event: "result",
        about: "",
        keys: &[
            key("removed", TEXTS, "Indexes that were removed."),
            key("bytes", BYTES, "Size of their files."),
            key(
                "failed",
                TEXTS,
                "Indexes that were not removed, since they are in use or could not be removed.",
            ),
        ],
    },
    Object {
        commands: &["search"],
        event: "hit",
        about: "An entry that matches.",
        keys: &[
            JOB,
            INDEX,
            key("id", TEXT_OR_NULL, "ID."),
            key("score", NUMBER, "Score; 0 if the query has no words to rank by."),
            key("title", TEXT_OR_NULL, "Title."),
            key("kind", TEXT, "Kind of file, such as \"structure\"."),
            key("method", TEXTS, "Experimental methods."),
            key("methodology", TEXT_OR_NULL, "\"experimental\", \"integrative\" or \"predicted\"."),
            key("resolution", NUMBER_OR_NULL, "Length in Å."),
            key("organism", TEXTS, "Organisms."),
            key("released", TEXT_OR_NULL, "Date of the first release."),
            key("deposited", TEXT_OR_NULL, "Date of the deposition."),
            key("revised", TEXT_OR_NULL, "Date of the last revision."),
            key("ligands", TEXTS, "Ligands, by component ID."),
            key("modified", TEXTS, "Modified residues, by component ID."),
            key("uniprot", TEXTS, "UniProt accessions."),
            key("weight_kda", NUMBER_OR_NULL, "Molecular weight in kDa."),
            key("doi", TEXT_OR_NULL, "DOI of the article."),
            key("error", TEXT_OR_NULL, "Why the file could not be read."),
            key("ligand_names", NAMES, "Names of the ligands, in the order of ligands."),
            key("modified_names", NAMES, "Names of the modified residues, in the order of modified."),
            key("keywords", TEXTS, "Keywords."),
            key("molecules", TEXTS, "Names of molecules."),
            key("polymer", TEXTS, "Types of polymers."),
            key("chains", COUNT_OR_NULL, "Number of polymer chains."),
            key("residues", COUNT_OR_NULL, "Number of residues; each polymer counts once."),
            key("atoms", COUNT_OR_NULL, "Number of atoms in the refinement."),
            key("oligomer", TEXTS, "Oligomeric states."),
            key("assembly", COUNT_OR_NULL, "Number of polymer chains in the first assembly."),
            key("ec", TEXTS, "EC numbers."),
            key("mutation", TEXTS, "Mutations."),
            key("gene", TEXTS, "Genes."),
            key("taxonomy", Type::List(&COUNT), "NCBI taxonomy IDs."),
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
            key("journal", TEXT_OR_NULL, "Journal of the article."),
            key("published", COUNT_OR_NULL, "Year of the article."),
            key("pubmed", COUNT_OR_NULL, "PubMed ID of the article."),
            key("reference", TEXTS, "Accessions in other sequence databases."),
            key("emdb", TEXTS, "EMDB IDs."),
            key("related", TEXTS, "IDs of related entries."),
            key("related_databases", NAMES, "Databases of the related entries, in the order of related."),
            key("obsolete", Type::Null(&BOOL), "Whether the entry is obsolete."),
            key("superseded_by", TEXTS, "Entries that replace it."),
            key("supersedes", TEXTS, "Entries that it replaces."),
            key("formula", TEXT_OR_NULL, "Chemical formula of a component."),
            key("cut", BOOL, "Whether the file may have more data than was read."),
            PATH,
            PATH_BASE64,
            FILE,
            FILE_BASE64,
            key("also", Type::List(&ALSO), "Other files of the same entry."),
        ],
    },
    Object {
        commands: &["search"],
        event: "facet",
        about: "With --facets: the values of a field over all hits.",
        keys: &[key("field", TEXT, "Field."), key("values", Type::List(&VALUE), "Values.")],
    },
    Object {
        commands: &["search"],
        event: "result",
        about: "One for each query.",
        keys: &[
            key("hits", COUNT, "Number of hits printed."),
            key("total", COUNT_OR_NULL, "Number of hits; null if the search timed out."),
            key("documents", COUNT_OR_NULL, "Number of documents that match; null if the search timed out."),
            key("duration_s", SECONDS, "Duration."),
            key(
                "elapsed_ms",
                Type::Milliseconds,
                "Same as duration_s, in milliseconds; to be removed in 1.0.",
            ),
            key("timed_out", BOOL, "Whether an index did not answer in time; then there are no hits."),
            key("late", TEXTS, "Indexes that did not answer in time."),
        ],
    },
    Object {
        commands: &["search"],
        event: "cache",
        about: "With --repl: the cache of results, for :stats and at the end.",
        keys: &[
            key("hits", COUNT, "Queries answered from the cache."),
            key("misses", COUNT, "Queries not in the cache."),
            key("evictions", COUNT, "Results evicted from the cache."),
            key("entries", COUNT, "Results in the cache."),
            key("bytes", BYTES, "Total size."),
        ],
    },
];
