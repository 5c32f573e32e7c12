//! The data of an entry.

use super::date::Date;
use std::collections::HashSet;

/// One document: an entry of the archive, a chemical component, a sequence, another text, or a broken file. Unknown fields are `None` or
/// empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entry {
    /// The kind of document.
    pub kind: Kind,
    /// The ID in its normal form, see [`super::normal`]; for a component its code in lower case.
    pub id: Option<String>,
    /// The title; the name of a component.
    pub title: Option<String>,
    /// Keywords, each a word or a phrase.
    pub keywords: Vec<String>,
    /// Experimental methods in lower case, as the archive names them: `x-ray diffraction`.
    pub methods: Vec<String>,
    /// In Å. The best one if there are several.
    pub resolution: Option<f64>,
    /// Names of the molecules, without water.
    pub molecules: Vec<String>,
    /// Scientific names of the source organisms.
    pub organisms: Vec<String>,
    /// Common names of these organisms.
    pub common_names: Vec<String>,
    /// NCBI taxonomy numbers.
    pub taxonomy: Vec<u64>,
    /// Enzyme classes, such as `3.6.5.3`.
    pub enzymes: Vec<String>,
    /// Depositors and authors of the article: `Sawaya, M.R.`.
    pub authors: Vec<String>,
    /// The primary citation.
    pub citation: Citation,
    /// The date of deposition.
    pub deposited: Option<Date>,
    /// The date of the first release.
    pub released: Option<Date>,
    /// The date of the last revision.
    pub revised: Option<Date>,
    /// Components that are not part of a polymer, without water.
    pub ligands: Vec<Ligand>,
    /// Residues of polymers other than the standard amino acids and bases.
    pub modified: Vec<Ligand>,
    /// UniProt accessions.
    pub uniprot: Vec<String>,
    /// Sequences in other databases, for example `GB:AE017221`.
    pub references: Vec<String>,
    /// Names of genes.
    pub genes: Vec<String>,
    /// Scientific names of the organisms that expressed the molecules.
    pub hosts: Vec<String>,
    /// Mutations, for example `C97A`, or the depositors' text.
    pub mutations: Vec<String>,
    /// Maps of the entry in EMDB, for example `EMD-1234`.
    pub emdb: Vec<String>,
    /// Related entries.
    pub related: Vec<Related>,
    /// Whether the entry was withdrawn from the current archive; `None` if the file does not say.
    pub obsolete: Option<bool>,
    /// IDs of the entries that replace it.
    pub superseded_by: Vec<String>,
    /// IDs of the entries that it replaces.
    pub supersedes: Vec<String>,
    /// `experimental` or `predicted`.
    pub methodology: Option<&'static str>,
    /// Mean confidence of a prediction, 0 to 100.
    pub plddt: Option<f64>,
    /// R factor of the reflections left out of the refinement.
    pub r_free: Option<f64>,
    /// R factor of the reflections used in the refinement.
    pub r_work: Option<f64>,
    /// a, b, c in Å, alpha, beta, gamma in degrees.
    pub cell: Option<[f64; 6]>,
    /// States of the biological assemblies, for example `dimeric`.
    pub oligomers: Vec<String>,
    /// The number of polymer chains of the first biological assembly.
    pub assembly: Option<u64>,
    /// Programs that were used.
    pub software: Vec<String>,
    /// `protein`, `dna`, `rna`, `hybrid`, `sugar`, `peptide nucleic acid`, `other`; without duplicates.
    pub polymers: Vec<String>,
    /// The number of polymer chains.
    pub chains: Option<u64>,
    /// The number of residues of all polymer entities; each entity counts once.
    pub residues: Option<u64>,
    /// One-letter codes, one sequence per entity. Empty unless requested.
    pub sequences: Vec<String>,
    /// The molecular weight without water, in kDa.
    pub weight: Option<f64>,
    /// The number of refined atoms.
    pub atoms: Option<u64>,
    /// Space group in Hermann-Mauguin notation.
    pub space_group: Option<String>,
    /// Formula of a component.
    pub formula: Option<String>,
    /// The beginning of another text, as long as requested.
    pub text: Option<String>,
    /// Whether the file may have more fields after its atoms, which were not read.
    pub cut: bool,
    /// Why the file could not be read, or not to the end of its wanted parts.
    pub error: Option<String>,
}

/// The kind of an [`Entry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Kind {
    /// Coordinates of an entry and their metadata.
    Structure,
    /// A biological assembly of an entry.
    Assembly,
    /// Measured reflections of an entry.
    StructureFactors,
    /// Restraints, chemical shifts and other NMR data of an entry.
    Nmr,
    /// An entry as PDBML.
    Xml,
    /// A validation report of an entry.
    Validation,
    /// A chemical component, or a molecule of the BIRD dictionary.
    Component,
    /// A record of a FASTA file.
    Sequence,
    /// Anything else that is text, also CIF of other sorts.
    #[default]
    Text,
    /// Only the name is known.
    Name,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 10] = [
        Kind::Structure,
        Kind::Assembly,
        Kind::StructureFactors,
        Kind::Nmr,
        Kind::Xml,
        Kind::Validation,
        Kind::Component,
        Kind::Sequence,
        Kind::Text,
        Kind::Name,
    ];

    /// Returns the name of the kind in queries and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Structure => "structure",
            Kind::Assembly => "assembly",
            Kind::StructureFactors => "structure_factors",
            Kind::Nmr => "nmr",
            Kind::Xml => "xml",
            Kind::Validation => "validation",
            Kind::Component => "component",
            Kind::Sequence => "sequence",
            Kind::Text => "text",
            Kind::Name => "name",
        }
    }

    /// Returns the kind with this name. Case is ignored, and words may be joined by `_`, `-` or a blank.
    pub fn named(word: &str) -> Option<Kind> {
        let plain = word.to_lowercase().replace(['-', ' '], "_");
        let known = Kind::ALL.into_iter().find(|kind| kind.word() == plain);
        known.or(match plain.as_str() {
            "entry" | "coordinates" | "model" => Some(Kind::Structure),
            "assemblies" | "biounit" | "biological_assembly" => Some(Kind::Assembly),
            "sf" | "reflections" | "structure_factor" => Some(Kind::StructureFactors),
            "mr" | "cs" | "nmr_data" | "nef" | "restraints" | "chemical_shifts" => Some(Kind::Nmr),
            "pdbml" => Some(Kind::Xml),
            "validation_report" | "report" => Some(Kind::Validation),
            "ligand" | "chem_comp" => Some(Kind::Component),
            "fasta" => Some(Kind::Sequence),
            _ => None,
        })
    }
}

/// The citation of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Citation {
    /// The title of the article.
    pub title: Option<String>,
    /// The journal, as abbreviated by the archive.
    pub journal: Option<String>,
    /// The year of publication.
    pub year: Option<u64>,
    /// In lower case, since DOIs ignore case.
    pub doi: Option<String>,
    /// The PubMed ID.
    pub pubmed: Option<u64>,
}

/// A small molecule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ligand {
    /// One to five characters, upper case.
    pub code: String,
    /// As the archive names it.
    pub name: Option<String>,
}

/// A related entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The name of its database in upper case, such as `BMRB`.
    pub database: Option<String>,
    /// A PDB ID in its normal form, `EMD-1234`, or as named by another database.
    pub code: String,
}

/// The maximum number of values per field of a document. The largest entries of the archive have some hundreds.
pub(super) const MOST_VALUES: usize = 4096;

impl Entry {
    /// Sets `error` if a field may have more values than are kept.
    pub(super) fn tell_cut(&mut self) {
        let texts = [
            &self.keywords,
            &self.methods,
            &self.molecules,
            &self.organisms,
            &self.common_names,
            &self.enzymes,
            &self.authors,
            &self.uniprot,
            &self.references,
            &self.genes,
            &self.hosts,
            &self.mutations,
            &self.emdb,
            &self.superseded_by,
            &self.supersedes,
            &self.oligomers,
            &self.software,
        ];
        let others = [self.ligands.len(), self.modified.len(), self.taxonomy.len(), self.related.len()];
        let most = texts.iter().map(|list| list.len()).chain(others).max();
        if most >= Some(MOST_VALUES) {
            self.error.get_or_insert_with(|| {
                format!("a field has more than {MOST_VALUES} values; the others are left out")
            });
        }
    }
}

/// Adds a value to a short list, unless it is there already. Use [`Adder`] for long lists.
pub(super) fn add(list: &mut Vec<String>, value: impl Into<String>) {
    let value = value.into();
    if list.len() < MOST_VALUES
        && !value.is_empty()
        && !list.iter().any(|known| known.eq_ignore_ascii_case(&value))
    {
        list.push(value);
    }
}

/// Adds the name of an organism to a short list.
pub(super) fn add_organism(list: &mut Vec<String>, name: &str) {
    add(list, organism(name));
}

/// Normalizes the case of an organism's name. Old entries have it in upper case.
fn organism(name: &str) -> String {
    if name.chars().any(char::is_lowercase) {
        return name.into();
    }
    let mut letters = name.chars();
    let first = letters.next().map(String::from).unwrap_or_default();
    first + &letters.as_str().to_lowercase()
}

/// Adds values to a list without duplicates (ignoring case). It uses a hash set, since a search of the list for each of millions of rows
/// would take quadratic time.
pub(super) struct Adder<'e> {
    list: &'e mut Vec<String>,
    known: HashSet<String>,
}

impl<'e> Adder<'e> {
    /// Starts with the values that are already in the list.
    pub(super) fn to(list: &'e mut Vec<String>) -> Self {
        let known = list.iter().map(|value| value.to_ascii_lowercase()).collect();
        Adder { list, known }
    }

    pub(super) fn add(&mut self, value: impl Into<String>) {
        let value = value.into();
        if self.list.len() < MOST_VALUES && !value.is_empty() && self.known.insert(value.to_ascii_lowercase())
        {
            self.list.push(value);
        }
    }

    /// Adds the name of an organism.
    pub(super) fn organism(&mut self, name: &str) {
        self.add(organism(name));
    }
}
