//! Converts an entry to a document of the index.

use super::entry_key;
use super::hit::shown;
use super::schema::Fields;
use super::stems::{Stems, marked};
use crate::search::entry::{Date, Entry, Kind, Ligand, Related, enzyme_classes, group_forms};
use crate::search::query;
use tantivy::TantivyDocument;

/// How often a title is added to the field of all words. Its words then count more than others, and each word still needs only one term
/// lookup.
const TITLE: usize = 3;

impl Fields {
    /// Returns the document of an entry in the file `path`.
    pub(super) fn document(&self, entry: &Entry, path: &[u8], stems: &Stems) -> TantivyDocument {
        let mut page = Page { fields: self, document: TantivyDocument::default() };
        page.identity(entry, path);
        page.texts(entry);
        page.words(entry);
        page.components(entry);
        page.numbers(entry);
        page.stems(entry, stems);
        if let Ok(json) = serde_json::to_string(&shown(entry, path)) {
            page.document.add_text(self.shown, json);
        }
        page.document
    }
}

struct Page<'f> {
    fields: &'f Fields,
    document: TantivyDocument,
}

impl Page<'_> {
    fn identity(&mut self, entry: &Entry, path: &[u8]) {
        use query::Field as F;
        self.document.add_bytes(self.fields.file, path);
        self.document.add_u64(self.fields.key, entry_key::of(entry, path));
        let name = String::from_utf8_lossy(path);
        self.text(F::Path, &name);
        self.word(F::Kind, entry.kind.word());
        self.word(F::Status, if entry.error.is_some() { "error" } else { "ok" });
        if let Some(id) = &entry.id {
            self.word(F::Id, id);
            self.anywhere(id);
        }
        if let Some(error) = &entry.error {
            self.text(F::Error, error);
            self.anywhere(error);
        }
        if entry.kind == Kind::Text || entry.kind == Kind::Name || entry.error.is_some() {
            self.anywhere(&name);
        }
    }

    fn texts(&mut self, entry: &Entry) {
        use query::Field as F;
        for (field, values) in [
            (F::Title, entry.title.as_slice()),
            (F::Keywords, &entry.keywords),
            (F::Molecule, &entry.molecules),
            (F::Organism, &entry.organisms),
            (F::Organism, &entry.common_names),
            (F::Author, &entry.authors),
            (F::Journal, entry.citation.journal.as_slice()),
            (F::Article, entry.citation.title.as_slice()),
            (F::Gene, &entry.genes),
            (F::Text, entry.text.as_slice()),
        ] {
            for value in values {
                self.text(field, value);
                self.anywhere(value);
            }
        }
        if let Some(title) = &entry.title {
            (1..TITLE).for_each(|_| self.anywhere(title));
        }
        // Half of the archive was expressed in one organism and refined with one of two programs, so these words do not distinguish
        // entries.
        for (field, values) in [(F::Host, &entry.hosts), (F::Software, &entry.software)] {
            values.iter().for_each(|value| self.text(field, value));
        }
        for name in &entry.organisms {
            self.document.add_text(self.fields.species, name);
        }
        for sequence in &entry.sequences {
            self.document.add_text(self.fields.of(F::Sequence), sequence);
            self.has(F::Sequence);
        }
        if let Some(formula) = &entry.formula {
            self.anywhere(formula);
        }
    }

    fn words(&mut self, entry: &Entry) {
        use query::Field as F;
        for (field, values) in [
            (F::Uniprot, entry.uniprot.as_slice()),
            (F::Method, &entry.methods),
            (F::Polymer, &entry.polymers),
            (F::Mutation, &entry.mutations),
            (F::Emdb, &entry.emdb),
            (F::Doi, entry.citation.doi.as_slice()),
        ] {
            for value in values {
                self.word(field, value);
                self.anywhere(value);
            }
        }
        for class in &entry.enzymes {
            enzyme_classes(class).iter().for_each(|class| self.word(F::Enzyme, class));
            self.anywhere(class);
        }
        if let Some(group) = &entry.space_group {
            for form in group_forms(group) {
                self.word(F::SpaceGroup, &form);
                self.anywhere(&form);
            }
            self.anywhere(group);
        }
        for reference in &entry.references {
            let accession = reference.split_once(':').map_or(reference.as_str(), |(_, accession)| accession);
            self.word(F::Reference, reference);
            self.word(F::Reference, accession);
            self.anywhere(accession);
        }
        // A search for one of these values without a field is meant for the entry itself.
        for (field, values) in [
            (F::SupersededBy, entry.superseded_by.as_slice()),
            (F::Supersedes, &entry.supersedes),
            (F::Oligomer, &entry.oligomers),
        ] {
            values.iter().for_each(|value| self.word(field, value));
        }
        for Related { database, code } in &entry.related {
            self.word(F::Related, code);
            if let Some(database) = database {
                self.word(F::Related, database);
                self.word(F::Related, &format!("{database}:{code}"));
            }
        }
        if let Some(how) = entry.methodology {
            self.word(F::Methodology, how);
        }
        if let Some(obsolete) = entry.obsolete {
            self.word(F::Obsolete, if obsolete { "yes" } else { "no" });
        }
    }

    fn components(&mut self, entry: &Entry) {
        use query::Field as F;
        let mut each = |field: F, name_field: Option<F>, components: &[Ligand]| {
            for component in components {
                self.word(field, &component.code);
                self.anywhere(&component.code);
                if let Some(name) = &component.name {
                    self.anywhere(name);
                    if let Some(field) = name_field {
                        self.text(field, name);
                    }
                }
            }
        };
        each(F::Ligand, Some(F::LigandName), &entry.ligands);
        each(F::Modified, None, &entry.modified);
    }

    fn numbers(&mut self, entry: &Entry) {
        use query::Field as F;
        let side = |at: usize| entry.cell.map(|cell| cell[at]);
        for (field, value) in [
            (F::Resolution, entry.resolution),
            (F::Weight, entry.weight),
            (F::RFree, entry.r_free),
            (F::RWork, entry.r_work),
            (F::Plddt, entry.plddt),
            (F::CellA, side(0)),
            (F::CellB, side(1)),
            (F::CellC, side(2)),
            (F::CellAlpha, side(3)),
            (F::CellBeta, side(4)),
            (F::CellGamma, side(5)),
        ] {
            if let Some(value) = value {
                self.document.add_f64(self.fields.of(field), value);
                self.has(field);
            }
        }
        if entry.cell.is_some() {
            self.has(F::Cell);
        }
        let day = |date: Option<Date>| date.map(|date| u64::from(date.number()));
        for (field, value) in [
            (F::Published, entry.citation.year),
            (F::Pubmed, entry.citation.pubmed),
            (F::Released, day(entry.released)),
            (F::Year, entry.released.map(|date| u64::from(date.year()))),
            (F::Deposited, day(entry.deposited)),
            (F::Revised, day(entry.revised)),
            (F::Chains, entry.chains),
            (F::Residues, entry.residues),
            (F::Assembly, entry.assembly),
            (F::Atoms, entry.atoms),
        ] {
            if let Some(value) = value {
                self.document.add_u64(self.fields.of(field), value);
                self.has(field);
            }
        }
        for number in &entry.taxonomy {
            self.document.add_u64(self.fields.of(F::Taxonomy), *number);
            self.has(F::Taxonomy);
        }
    }

    /// Adds the words of titles and keywords with their stems: once for searches in any field and once for searches in their own field.
    fn stems(&mut self, entry: &Entry, stems: &Stems) {
        let title = stems.of_text(entry.title.as_deref().unwrap_or_default());
        let keywords = stems.of_text(&entry.keywords.join(" "));
        let both = title.union(&keywords).cloned().collect();
        for (mark, stems) in [("t:", &title), ("k:", &keywords), ("", &both)] {
            self.document.add_text(self.fields.stems, marked(mark, stems));
        }
    }

    fn text(&mut self, field: query::Field, value: &str) {
        self.document.add_text(self.fields.of(field), value);
        self.has(field);
    }

    fn word(&mut self, field: query::Field, value: &str) {
        self.document.add_text(self.fields.of(field), value.to_lowercase());
        self.has(field);
    }

    fn anywhere(&mut self, value: &str) {
        self.document.add_text(self.fields.all, value);
    }

    fn has(&mut self, field: query::Field) {
        self.document.add_text(self.fields.has, field.name());
    }
}
