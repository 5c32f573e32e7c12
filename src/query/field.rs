//! The fields that a query may name.

/// What values a field has, which decides what may be asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// Words of a text.
    Text,
    /// One word, compared whole and without case.
    Word,
    /// A PDB ID or a component's code.
    Id,
    /// An experimental method.
    Method,
    /// A number.
    Number,
    /// A whole number.
    Count,
    /// A day.
    Date,
    /// A sequence of residues.
    Sequence,
}

macro_rules! fields {
    ($( $(#[doc = $doc:literal])+ $variant:ident $name:literal $is:ident $example:literal $aliases:expr; )+) => {
        /// A field that a query may name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $( $(#[doc = $doc])+ $variant, )+
        }

        impl Field {
            /// All of them, in the order in which help shows them.
            pub const ALL: &[Field] = &[ $( Field::$variant, )+ ];

            /// As it is written.
            pub fn name(self) -> &'static str {
                match self { $( Field::$variant => $name, )+ }
            }

            /// What values it has.
            pub fn is(self) -> Is {
                match self { $( Field::$variant => Is::$is, )+ }
            }

            /// A condition on it.
            pub fn example(self) -> &'static str {
                match self { $( Field::$variant => $example, )+ }
            }

            /// What it is, a line.
            pub fn about(self) -> &'static str {
                match self { $( Field::$variant => concat!($($doc),+).trim_ascii(), )+ }
            }

            /// What else it is called, here and at RCSB.
            pub fn aliases(self) -> &'static [&'static str] {
                match self { $( Field::$variant => &$aliases, )+ }
            }
        }
    };
}

fields! {
    /// PDB ID in either form, or a component's code
    Id "id" Id "id:pdb_00001abc" ["pdb", "pdb_id", "entry", "entry_id", "entry.id", "rcsb_id", "rcsb_entry_container_identifiers.entry_id"];
    /// title of the entry, name of a component
    Title "title" Text "title:\"release factor\"" ["struct.title", "name"];
    /// the depositors' and the archive's keywords
    Keywords "keywords" Text "keywords:amyloid" ["keyword", "kw", "struct_keywords.text", "struct_keywords.pdbx_keywords"];
    /// xray, em, nmr, neutron ... or the archive's own name
    Method "method" Method "method:cryo-em" ["exptl.method", "experimental_method", "technique"];
    /// in angstroms
    Resolution "resolution" Number "resolution:<2.0" ["res", "rcsb_entry_info.resolution_combined", "refine.ls_d_res_high", "em_3d_reconstruction.resolution"];
    /// source organism, scientific or common name
    Organism "organism" Text "organism:homo sapiens" ["org", "species", "source", "rcsb_entity_source_organism.ncbi_scientific_name", "rcsb_entity_source_organism.taxonomy_lineage.name", "entity_src_gen.pdbx_gene_src_scientific_name"];
    /// NCBI taxonomy number
    Taxonomy "taxonomy" Count "taxonomy:9606" ["taxid", "tax", "ncbi_taxonomy_id", "rcsb_entity_source_organism.ncbi_taxonomy_id"];
    /// name of a molecule in the entry
    Molecule "molecule" Text "molecule:lysoz*" ["entity", "compound", "protein", "entity.pdbx_description", "rcsb_polymer_entity.pdbx_description"];
    /// component that is no amino acid, base or water, by its code
    Ligand "ligand" Word "ligand:HEM" ["lig", "comp", "chem_comp.id", "rcsb_nonpolymer_instance_annotation.comp_id", "rcsb_chem_comp_container_identifiers.comp_id"];
    /// the same by its name
    LigandName "ligand_name" Text "ligand_name:heme" ["chem_comp.name"];
    /// UniProt accession
    Uniprot "uniprot" Word "uniprot:P00749" ["accession", "unp", "struct_ref.pdbx_db_accession", "rcsb_polymer_entity_container_identifiers.reference_sequence_identifiers.database_accession"];
    /// enzyme class; a star stands for the rest
    Enzyme "ec" Word "ec:3.4.*" ["enzyme", "entity.pdbx_ec", "rcsb_polymer_entity.rcsb_ec_lineage.id"];
    /// depositor, or author of the article
    Author "author" Text "author:sawaya" ["authors", "audit_author.name", "citation_author.name"];
    /// of the article
    Journal "journal" Text "journal:science" ["citation.journal_abbrev", "rcsb_primary_citation.rcsb_journal_abbrev"];
    /// title of the article
    Article "article" Text "article:amyloid" ["citation", "citation.title", "rcsb_primary_citation.title"];
    /// year of the article
    Published "published" Count "published:2015..2020" ["citation.year", "rcsb_primary_citation.year"];
    /// of the article
    Doi "doi" Word "doi:10.1126/science.aaf4901" ["citation.pdbx_database_id_doi", "rcsb_primary_citation.pdbx_database_id_doi"];
    /// of the article
    Pubmed "pubmed" Count "pubmed:28232575" ["pmid", "citation.pdbx_database_id_pubmed", "rcsb_primary_citation.pdbx_database_id_pubmed"];
    /// first release
    Released "released" Date "released:>=2020-01-01" ["release", "release_date", "rcsb_accession_info.initial_release_date"];
    /// year of the first release
    Year "year" Count "year:2015..2020" ["release_year"];
    /// deposition
    Deposited "deposited" Date "deposited:2016" ["deposit", "deposition", "deposit_date", "rcsb_accession_info.deposit_date", "pdbx_database_status.recvd_initial_deposition_date"];
    /// last revision
    Revised "revised" Date "revised:2024-03..2024-06" ["revision", "modified", "rcsb_accession_info.revision_date"];
    /// protein, dna, rna, hybrid, sugar, other
    Polymer "polymer" Word "polymer:rna" ["polymer_type", "entity_poly.type", "rcsb_entry_info.selected_polymer_entity_types"];
    /// chains of polymers
    Chains "chains" Count "chains:>=12" ["rcsb_entry_info.deposited_polymer_entity_instance_count"];
    /// residues, each polymer counted once
    Residues "residues" Count "residues:<100" ["length", "rcsb_entry_info.deposited_polymer_monomer_count"];
    /// in kDa, without water
    Weight "weight" Number "weight:50..100" ["mass", "rcsb_entry_info.molecular_weight"];
    /// atoms in the refinement
    Atoms "atoms" Count "atoms:<1000" ["rcsb_entry_info.deposited_atom_count"];
    /// as Hermann and Mauguin write it
    SpaceGroup "space_group" Word "space_group:\"P 63 2 2\"" ["spacegroup", "symmetry.space_group_name_h-m", "symmetry.space_group_name_h_m"];
    /// part of a sequence, where sequences are indexed
    Sequence "sequence" Sequence "sequence:KTWGR" ["seq", "motif", "entity_poly.pdbx_seq_one_letter_code_can"];
    /// other text, where there is any
    Text "text" Text "text:\"mirror list\"" ["body", "content"];
    /// words of the path below the mirror
    Path "path" Text "path:assembly1" ["file", "filename"];
    /// structure, component, sequence, text, name
    Kind "kind" Word "kind:component" ["type"];
    /// ok or error
    Status "status" Word "status:error" [];
    /// why a file could not be read
    Error "error" Text "error:truncated" ["message"];
}

impl Field {
    /// By its name or an alias, whatever the case and with `-` for `_`.
    pub fn find(name: &str) -> Option<Field> {
        let plain = name.to_lowercase().replace('-', "_");
        let plain = plain.trim_start_matches('_');
        let is = |known: &&'static str| known.replace('-', "_") == plain;
        Field::ALL.iter().copied().find(|f| f.name() == plain || f.aliases().iter().any(is))
    }

    /// Whether it has words of which several may be meant.
    pub fn is_text(self) -> bool {
        self.is() == Is::Text
    }

    /// Whether larger and smaller mean something.
    pub fn is_ordered(self) -> bool {
        matches!(self.is(), Is::Number | Is::Count | Is::Date)
    }
}
