//! The fields of the query language.

/// The type of a field's values. It decides which conditions are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Words of a text.
    Text,
    /// One word, compared as a whole, ignoring case.
    Word,
    /// A PDB ID or a component's code.
    Id,
    /// An experimental method.
    Method,
    /// A number.
    Number,
    /// A whole number.
    Count,
    /// A date.
    Date,
    /// A sequence of residues.
    Sequence,
    /// A unit cell.
    Cell,
}

macro_rules! fields {
    ($( $(#[doc = $doc:literal])+ $variant:ident $name:literal $is:ident $example:literal $aliases:expr; )+) => {
        /// A field that a query may name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $( $(#[doc = $doc])+ $variant, )+
        }

        impl Field {
            /// All fields, in the order of the help.
            pub const ALL: &[Field] = &[ $( Field::$variant, )+ ];

            /// Returns the name of the field.
            pub fn name(self) -> &'static str {
                match self { $( Field::$variant => $name, )+ }
            }

            /// Returns the type of its values.
            pub fn is(self) -> FieldType {
                match self { $( Field::$variant => FieldType::$is, )+ }
            }

            /// Returns an example of a condition on the field.
            pub fn example(self) -> &'static str {
                match self { $( Field::$variant => $example, )+ }
            }

            /// Returns a description in one line.
            pub fn about(self) -> &'static str {
                match self { $( Field::$variant => concat!($($doc),+).trim_ascii(), )+ }
            }

            /// Returns other names of the field, ours and RCSB's.
            pub fn aliases(self) -> &'static [&'static str] {
                match self { $( Field::$variant => &$aliases, )+ }
            }
        }
    };
}

fields! {
    /// PDB ID in either form, or component ID
    Id "id" Id "id:pdb_00001abc" ["pdb", "pdb_id", "entry", "entry_id", "entry.id", "rcsb_id", "rcsb_entry_container_identifiers.entry_id"];
    /// title of the entry, name of a component
    Title "title" Text "title:\"release factor\"" ["struct.title", "name"];
    /// keywords of the entry
    Keywords "keywords" Text "keywords:amyloid" ["keyword", "kw", "struct_keywords.text", "struct_keywords.pdbx_keywords"];
    /// method: xray, em, nmr, neutron ..., or its name in the archive
    Method "method" Method "method:cryo-em" ["exptl.method", "experimental_method", "technique"];
    /// resolution in angstroms
    Resolution "resolution" Number "resolution:<2.0" ["res", "rcsb_entry_info.resolution_combined", "refine.ls_d_res_high", "em_3d_reconstruction.resolution"];
    /// source organism, scientific or common name
    Organism "organism" Text "organism:homo sapiens" ["org", "species", "source", "rcsb_entity_source_organism.ncbi_scientific_name", "rcsb_entity_source_organism.taxonomy_lineage.name", "entity_src_gen.pdbx_gene_src_scientific_name"];
    /// NCBI taxonomy ID
    Taxonomy "taxonomy" Count "taxonomy:9606" ["taxid", "tax", "ncbi_taxonomy_id", "rcsb_entity_source_organism.ncbi_taxonomy_id"];
    /// name of a molecule
    Molecule "molecule" Text "molecule:lysoz*" ["entity", "compound", "protein", "entity.pdbx_description", "rcsb_polymer_entity.pdbx_description"];
    /// ligand (not polymer, not water), by component ID
    Ligand "ligand" Word "ligand:HEM" ["lig", "comp", "chem_comp.id", "rcsb_nonpolymer_instance_annotation.comp_id", "rcsb_chem_comp_container_identifiers.comp_id"];
    /// modified residue of a polymer, by component ID
    Modified "modified" Word "modified:MSE" ["modified_residue", "modres", "pdbx_struct_mod_residue.label_comp_id"];
    /// name of a ligand
    LigandName "ligand_name" Text "ligand_name:heme" ["chem_comp.name"];
    /// UniProt accession
    Uniprot "uniprot" Word "uniprot:P00749" ["accession", "unp", "struct_ref.pdbx_db_accession", "rcsb_polymer_entity_container_identifiers.reference_sequence_identifiers.database_accession"];
    /// accession in another sequence database
    Reference "reference" Word "reference:AE017221" ["xref", "database", "struct_ref.db_name"];
    /// name of a gene
    Gene "gene" Text "gene:HBA1" ["genes", "entity_src_gen.pdbx_gene_src_gene", "rcsb_gene_name.value"];
    /// expression host
    Host "host" Text "host:escherichia coli" ["expression_host", "expression_system", "entity_src_gen.pdbx_host_org_scientific_name", "rcsb_entity_host_organism.ncbi_scientific_name"];
    /// mutation of a residue
    Mutation "mutation" Word "mutation:C97A" ["mutations", "mutant", "entity.pdbx_mutation", "rcsb_polymer_entity.pdbx_mutation"];
    /// EC number; a prefix matches all classes below
    Enzyme "ec" Word "ec:3.4" ["enzyme", "entity.pdbx_ec", "rcsb_polymer_entity.rcsb_ec_lineage.id"];
    /// author of the entry or of the article
    Author "author" Text "author:sawaya" ["authors", "audit_author.name", "citation_author.name"];
    /// journal of the article
    Journal "journal" Text "journal:science" ["citation.journal_abbrev", "rcsb_primary_citation.rcsb_journal_abbrev"];
    /// title of the article
    Article "article" Text "article:amyloid" ["citation", "citation.title", "rcsb_primary_citation.title"];
    /// year of the article
    Published "published" Count "published:2015..2020" ["citation.year", "rcsb_primary_citation.year"];
    /// DOI of the article
    Doi "doi" Word "doi:10.1126/science.aaf4901" ["citation.pdbx_database_id_doi", "rcsb_primary_citation.pdbx_database_id_doi"];
    /// PubMed ID of the article
    Pubmed "pubmed" Count "pubmed:28232575" ["pmid", "citation.pdbx_database_id_pubmed", "rcsb_primary_citation.pdbx_database_id_pubmed"];
    /// date of the first release
    Released "released" Date "released:>=2020-01-01" ["release", "release_date", "rcsb_accession_info.initial_release_date"];
    /// year of the first release
    Year "year" Count "year:2015..2020" ["release_year"];
    /// date of the deposition
    Deposited "deposited" Date "deposited:2016" ["deposit", "deposition", "deposit_date", "rcsb_accession_info.deposit_date", "pdbx_database_status.recvd_initial_deposition_date"];
    /// date of the last revision
    Revised "revised" Date "revised:2024-03..2024-06" ["revision", "rcsb_accession_info.revision_date"];
    /// type of polymer: protein, dna, rna, hybrid, sugar, other
    Polymer "polymer" Word "polymer:rna" ["polymer_type", "entity_poly.type", "rcsb_entry_info.selected_polymer_entity_types"];
    /// number of polymer chains
    Chains "chains" Count "chains:>=12" ["rcsb_entry_info.deposited_polymer_entity_instance_count"];
    /// number of residues, each polymer counted once
    Residues "residues" Count "residues:<100" ["length", "rcsb_entry_info.deposited_polymer_monomer_count"];
    /// oligomeric state: monomeric, dimeric ...
    Oligomer "oligomer" Word "oligomer:dimeric" ["oligomeric", "oligomeric_state", "quaternary", "pdbx_struct_assembly.oligomeric_details", "rcsb_struct_symmetry.oligomeric_state"];
    /// number of polymer chains of the first assembly
    Assembly "assembly" Count "assembly:>=4" ["assembly_chains", "oligomeric_count", "pdbx_struct_assembly.oligomeric_count"];
    /// molecular weight in kDa, without water
    Weight "weight" Number "weight:50..100" ["mass", "rcsb_entry_info.molecular_weight"];
    /// number of atoms in the refinement
    Atoms "atoms" Count "atoms:<1000" ["rcsb_entry_info.deposited_atom_count"];
    /// R-free
    RFree "r_free" Number "r_free:<0.25" ["rfree", "refine.ls_r_factor_r_free"];
    /// R-work
    RWork "r_work" Number "r_work:<0.2" ["rwork", "refine.ls_r_factor_r_work"];
    /// space group in Hermann-Mauguin notation; blanks are ignored
    SpaceGroup "space_group" Word "space_group:P212121" ["spacegroup", "sg", "symmetry.space_group_name_h-m", "symmetry.space_group_name_h_m", "space_group.name_h-m_alt"];
    /// unit cell, each length and angle within 1 %
    Cell "cell" Cell "cell:61,62,63,90,90,90" ["unit_cell"];
    /// length a of the unit cell in angstroms
    CellA "cell_a" Number "cell_a:60..62" ["cell.length_a"];
    /// length b
    CellB "cell_b" Number "cell_b:60..62" ["cell.length_b"];
    /// length c
    CellC "cell_c" Number "cell_c:<100" ["cell.length_c"];
    /// angle alpha of the unit cell in degrees
    CellAlpha "cell_alpha" Number "cell_alpha:90" ["cell.angle_alpha"];
    /// angle beta
    CellBeta "cell_beta" Number "cell_beta:>90" ["cell.angle_beta"];
    /// angle gamma
    CellGamma "cell_gamma" Number "cell_gamma:120" ["cell.angle_gamma"];
    /// name of a program
    Software "software" Text "software:refmac" ["program", "software.name", "em_software.name"];
    /// experimental or predicted
    Methodology "methodology" Word "methodology:predicted" ["determination", "rcsb_entry_info.structure_determination_methodology"];
    /// mean pLDDT of a predicted model, 0 to 100
    Plddt "plddt" Number "plddt:>=90" ["confidence", "ma_qa_metric_global.metric_value", "rcsb_ma_qa_metric_global.ma_qa_metric_global.value"];
    /// EMDB ID of a map
    Emdb "emdb" Word "emdb:EMD-1234" ["emd", "emdb_id", "rcsb_entry_container_identifiers.emdb_ids"];
    /// related entry, also with its database (BMRB:15555); or the database
    Related "related" Word "related:4zhm" ["pdbx_database_related.db_id"];
    /// "yes" for withdrawn and replaced entries
    Obsolete "obsolete" Word "obsolete:yes" ["withdrawn"];
    /// ID of the entry that replaces it
    SupersededBy "superseded_by" Word "superseded_by:2mbp" ["replaced_by", "pdbx_database_pdb_obs_spr.pdb_id"];
    /// ID of an entry that it replaces
    Supersedes "supersedes" Word "supersedes:1am3" ["replaces", "pdbx_database_pdb_obs_spr.replace_pdb_id"];
    /// part of a sequence, if sequences are indexed
    Sequence "sequence" Sequence "sequence:KTWGR" ["seq", "motif", "entity_poly.pdbx_seq_one_letter_code_can"];
    /// other text of the file
    Text "text" Text "text:\"mirror list\"" ["body", "content"];
    /// words of the path relative to the mirror
    Path "path" Text "path:assembly1" ["file", "filename"];
    /// structure, assembly, structure_factors, nmr, xml, validation, component, sequence, text, name
    Kind "kind" Word "kind:component" ["type"];
    /// "ok", or "error" for files that could not be read
    Status "status" Word "status:error" [];
    /// why a file could not be read
    Error "error" Text "error:truncated" ["message"];
}

impl Field {
    /// Finds a field by its name or an alias. Case is ignored, and `-` is accepted for `_`.
    pub fn find(name: &str) -> Option<Field> {
        let plain = name.to_lowercase().replace('-', "_");
        let plain = plain.trim_start_matches('_');
        let is = |known: &&'static str| known.replace('-', "_") == plain;
        Field::ALL.iter().copied().find(|f| f.name() == plain || f.aliases().iter().any(is))
    }

    /// Whether the field has words, of which a condition may contain several.
    pub fn is_text(self) -> bool {
        self.is() == FieldType::Text
    }

    /// Whether the values can be compared as larger or smaller.
    pub fn is_ordered(self) -> bool {
        matches!(self.is(), FieldType::Number | FieldType::Count | FieldType::Date)
    }
}
