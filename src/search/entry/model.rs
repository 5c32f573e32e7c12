//! What is known of an entry.

use super::date::Date;
use std::collections::HashSet;

/// One document: an entry of the archive, a chemical component, a sequence, another text, or a file that is broken. What is not
/// known is `None` or empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// In its normal form, see [`super::normal`]; the code of a component in lower case.
    pub id: Option<String>,
    /// What people read first; the name of a component.
    pub title: Option<String>,
    /// Each a word or a phrase.
    pub keywords: Vec<String>,
    /// Experimental methods in lower case, as the archive names them: `x-ray diffraction`.
    pub methods: Vec<String>,
    /// In Å; the finest if there are several.
    pub resolution: Option<f64>,
    /// Names of the molecules, water excepted.
    pub molecules: Vec<String>,
    /// Scientific names.
    pub organisms: Vec<String>,
    /// What people call these organisms.
    pub common_names: Vec<String>,
    /// NCBI taxonomy.
    pub taxonomy: Vec<u64>,
    /// Enzyme classes, such as `3.6.5.3`.
    pub enzymes: Vec<String>,
    /// Who deposited it, and who wrote about it: `Sawaya, M.R.`.
    pub authors: Vec<String>,
    /// The primary citation.
    pub citation: Citation,
    /// When it was deposited.
    pub deposited: Option<Date>,
    /// When it first came out.
    pub released: Option<Date>,
    /// When it was last revised.
    pub revised: Option<Date>,
    /// Components that are no part of a polymer, water excepted.
    pub ligands: Vec<Ligand>,
    /// Residues of polymers that are none of the usual amino acids and bases.
    pub modified: Vec<Ligand>,
    /// UniProt accessions.
    pub uniprot: Vec<String>,
    /// Sequences in other databases, as `GB:AE017221`.
    pub references: Vec<String>,
    /// Names of genes.
    pub genes: Vec<String>,
    /// Scientific names of the organisms that expressed the molecules.
    pub hosts: Vec<String>,
    /// As `C97A`, or as the depositors say.
    pub mutations: Vec<String>,
    /// Maps of the entry in EMDB, as `EMD-1234`.
    pub emdb: Vec<String>,
    /// Related entries: PDB IDs in their normal form, others as their database names them.
    pub related: Vec<String>,
    /// Whether it was withdrawn from the current archive; `None` if the file does not tell.
    pub obsolete: Option<bool>,
    /// IDs of the entries that replace it.
    pub superseded_by: Vec<String>,
    /// IDs of the entries that it replaces.
    pub supersedes: Vec<String>,
    /// `experimental` or `predicted`.
    pub methodology: Option<&'static str>,
    /// Mean confidence of a prediction, 0 to 100.
    pub plddt: Option<f64>,
    /// R factor of the reflections that were left out of the refinement.
    pub r_free: Option<f64>,
    /// R factor of the reflections that were refined against.
    pub r_work: Option<f64>,
    /// a, b, c in Å, alpha, beta, gamma in degrees.
    pub cell: Option<[f64; 6]>,
    /// States of the biological assemblies, such as `dimeric`.
    pub oligomers: Vec<String>,
    /// Polymer chains of the first biological assembly.
    pub assembly: Option<u64>,
    /// Programs that were used.
    pub software: Vec<String>,
    /// `protein`, `dna`, `rna`, `hybrid`, `sugar`, `peptide nucleic acid`, `other`; each once.
    pub polymers: Vec<String>,
    /// Chains of polymers.
    pub chains: Option<u64>,
    /// Residues of all polymer entities, each entity once.
    pub residues: Option<u64>,
    /// One-letter codes, a sequence an entity; only if asked for.
    pub sequences: Vec<String>,
    /// Without water, in kDa.
    pub weight: Option<f64>,
    /// Atoms that were refined.
    pub atoms: Option<u64>,
    /// Space group, Hermann-Mauguin.
    pub space_group: Option<String>,
    /// Formula of a component.
    pub formula: Option<String>,
    /// Other text, as much as was asked for.
    pub text: Option<String>,
    /// Whether the file may say more behind its atoms, which were not passed over.
    pub cut: bool,
    /// Why the file could not be read, or not to the end of what is of interest.
    pub error: Option<String>,
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Kind {
    /// Coordinates and what belongs to them.
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
    /// Known by its name only.
    Name,
}

impl Kind {
    /// All of them.
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

    /// The word that queries and JSON use.
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

    /// The kind that a word means, whatever its case and whether words are joined by `_`, `-` or a blank.
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

/// What was written about an entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Citation {
    /// Of the article.
    pub title: Option<String>,
    /// As abbreviated by the archive.
    pub journal: Option<String>,
    /// When it appeared.
    pub year: Option<u64>,
    /// Lower case, as DOIs have no case.
    pub doi: Option<String>,
    /// In PubMed.
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

/// So many values of a field are kept of one document. The largest entries of the archive have some hundreds.
pub(super) const MOST_VALUES: usize = 4096;

impl Entry {
    /// Says so if a field has more values than are kept.
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
            &self.related,
            &self.superseded_by,
            &self.supersedes,
            &self.oligomers,
            &self.software,
        ];
        let others = [self.ligands.len(), self.modified.len(), self.taxonomy.len()];
        let most = texts.iter().map(|list| list.len()).chain(others).max();
        if most >= Some(MOST_VALUES) {
            self.error.get_or_insert_with(|| {
                format!("a field has more than {MOST_VALUES} values; the others are left out")
            });
        }
    }
}

/// Adds a value to a short list; for long ones there is [`Adder`].
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

/// Old entries shout; both ways of writing are one organism.
fn organism(name: &str) -> String {
    if name.chars().any(char::is_lowercase) {
        return name.into();
    }
    let mut letters = name.chars();
    let first = letters.next().map(String::from).unwrap_or_default();
    first + &letters.as_str().to_lowercase()
}

/// Adds values to a list, each once whatever its case. To look for one takes no look at all: a table of millions of rows must not take
/// the product of its length and the list's.
pub(super) struct Adder<'e> {
    list: &'e mut Vec<String>,
    known: HashSet<String>,
}

impl<'e> Adder<'e> {
    /// For a list that may hold values already.
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
