//! Reads additional fields of an entry: genes, hosts, maps, related entries, refinement figures, programs.

use super::model::{Entry, MOST_VALUES, Related, add, add_organism};
use super::normal_forms::map_code;
use super::residue;
use super::table::Block;
use super::{id, method};

/// Databases of predicted structures.
const PREDICTED: [&str; 3] = ["ALPHAFOLDDB", "MODELARCHIVE", "SWISS-MODEL_REPOSITORY"];

/// Fills these fields from the tables of a block.
pub(super) fn fill(block: &Block<'_>, entry: &mut Entry) {
    expression(block, entry);
    databases(block, entry);
    succession(block, entry);
    refinement(block, entry);
    for row in block.rows("_struct_ref_seq_dif") {
        if row.text("details").is_some_and(|text| is_mutation(&text)) {
            let place = row.get("pdbx_auth_seq_num").or_else(|| row.get("seq_num")).unwrap_or_default();
            let (from, to) = (row.get("db_mon_id"), row.get("mon_id"));
            mutation(&from.unwrap_or_default(), &place, &to.unwrap_or_default(), entry);
        }
    }
    for row in block.rows("_pdbx_struct_assembly") {
        add(&mut entry.oligomers, row.get("oligomeric_details").unwrap_or_default().to_lowercase());
        entry.assembly = entry.assembly.or_else(|| row.number("oligomeric_count"));
    }
    for category in ["_software", "_em_software", "_pdbx_nmr_software"] {
        for row in block.rows(category) {
            add(&mut entry.software, row.get("name").unwrap_or_default());
        }
    }
    methodology(block, entry);
}

fn expression(block: &Block<'_>, entry: &mut Entry) {
    for row in block.rows("_entity_src_gen") {
        genes(&row.get("pdbx_gene_src_gene").unwrap_or_default(), entry);
        for host in row.get("pdbx_host_org_scientific_name").unwrap_or_default().split(", ") {
            add_organism(&mut entry.hosts, host.trim());
        }
    }
    for row in block.rows("_ma_target_ref_db_details") {
        genes(&row.get("gene_name").unwrap_or_default(), entry);
        let database = row.get("db_name").unwrap_or_default().to_uppercase();
        reference(entry, &database, &row.get("db_accession").unwrap_or_default());
    }
}

/// Adds names of genes, which are separated by commas.
pub(super) fn genes(text: &str, entry: &mut Entry) {
    text.split([',', ';']).for_each(|name| add(&mut entry.genes, name.trim()));
}

fn databases(block: &Block<'_>, entry: &mut Entry) {
    for row in block.rows("_database_2") {
        if row.text("database_id").is_some_and(|name| name.eq_ignore_ascii_case("EMDB")) {
            add(&mut entry.emdb, map_code(&row.get("database_code").unwrap_or_default()));
        }
    }
    for row in block.rows("_pdbx_database_related") {
        let (name, code) = (row.get("db_name").unwrap_or_default(), row.get("db_id").unwrap_or_default());
        let other = row.text("content_type").is_some_and(|text| text.to_lowercase().starts_with("other"));
        related(&name, &code, other, entry);
    }
}

/// Adds a related entry. `other`: a map is not the entry's own map.
pub(super) fn related(database: &str, code: &str, other: bool, entry: &mut Entry) {
    let (database, code) = (database.trim().to_uppercase(), code.trim());
    let code = match database.as_str() {
        "EMDB" if !other => return add(&mut entry.emdb, map_code(code)),
        "EMDB" => map_code(code),
        "PDB" => id::normal(code).unwrap_or_else(|| code.to_lowercase()),
        _ => code.into(),
    };
    let own = database == "PDB" && entry.id.as_ref() == Some(&code);
    let related = Related { database: Some(database).filter(|name| !name.is_empty()), code };
    let is_new = !entry.related.contains(&related) && entry.related.len() < MOST_VALUES;
    if is_new && !own && !related.code.is_empty() {
        entry.related.push(related);
    }
}

fn succession(block: &Block<'_>, entry: &mut Entry) {
    match block.one("_pdbx_database_status", "status_code").as_deref() {
        Some("OBS") => entry.obsolete = Some(true),
        Some("REL") => entry.obsolete = Some(false),
        _ => {}
    }
    for row in block.rows("_pdbx_database_pdb_obs_spr") {
        let ids = |item: &str| row.get(item).unwrap_or_default();
        if row.text("id").is_some_and(|id| matches!(&*id, "OBSLTE" | "SPRSDE")) {
            replaced_by(&ids("pdb_id"), &ids("replace_pdb_id"), entry);
        }
    }
}

/// Records that the entries `by` replace the entries `replaced`. Both are lists of IDs; this entry is in one of them.
pub(super) fn replaced_by(by: &str, replaced: &str, entry: &mut Entry) {
    let ids = |text: &str| -> Vec<String> { text.split([',', ' ', ';']).filter_map(id::normal).collect() };
    let own = |ids: &[String]| ids.iter().any(|id| entry.id.as_ref() == Some(id));
    let (by, replaced) = (ids(by), ids(replaced));
    if own(&replaced) {
        entry.obsolete = Some(true);
        by.into_iter().for_each(|id| add(&mut entry.superseded_by, id));
    } else if own(&by) {
        replaced.into_iter().for_each(|id| add(&mut entry.supersedes, id));
    }
}

fn refinement(block: &Block<'_>, entry: &mut Entry) {
    let best = |item: &str| {
        let values = block.rows("_refine").filter_map(|row| row.number::<f64>(item));
        values.filter(|r| is_r_factor(*r)).min_by(f64::total_cmp)
    };
    entry.r_free = best("ls_r_factor_r_free");
    entry.r_work = best("ls_r_factor_r_work");
    let items = ["length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"];
    if let Some(row) = block.rows("_cell").next() {
        crystal(items.map(|item| row.number::<f64>(item)), entry);
    }
}

/// Whether a number can be an R factor.
pub(super) fn is_r_factor(number: f64) -> bool {
    number > 0.0 && number < 1.0
}

/// Sets the unit cell. Lengths that are all 1 Å or all 0 stand for "no crystal": then there is no space group either.
pub(super) fn crystal(sides: [Option<f64>; 6], entry: &mut Entry) {
    if [0.0, 1.0].iter().any(|none| sides[..3].iter().all(|side| *side == Some(*none))) {
        entry.space_group = None;
        return;
    }
    let known = sides.map(|side| side.filter(|side| side.is_finite() && *side > 0.0));
    entry.cell = known.iter().all(Option::is_some).then(|| known.map(Option::unwrap_or_default));
}

/// Whether the comment on a difference between a sequence and its reference says that it was made on purpose: `engineered mutation`, and in
/// old files `ENGINEERED` or `MUTATION`.
pub(super) fn is_mutation(comment: &str) -> bool {
    let comment = comment.trim().to_lowercase();
    comment.contains("engineered") || comment == "mutation"
}

/// Adds the mutations of a list such as `C97A, Y122F`. Other text is added unchanged, except `YES`: which mutations there are is in the
/// table of differences.
pub(super) fn mutations(text: &str, list: &mut Vec<String>) {
    let is_one = |word: &str| {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
        let inner = word.get(1..word.len().saturating_sub(1)).unwrap_or_default();
        letter(word.chars().next())
            && letter(word.chars().last())
            && !inner.is_empty()
            && inner.bytes().all(|b| b.is_ascii_digit())
    };
    let words = || text.split([',', ';', '/', ' ', '+']).map(str::trim).filter(|word| is_one(word));
    if words().next().is_none() && !matches!(text.trim().to_uppercase().as_str(), "YES" | "NO" | "NONE") {
        add(list, text.trim());
    }
    words().for_each(|word| add(list, word.to_uppercase()));
}

/// Adds one mutation, given by the codes of both residues.
pub(super) fn mutation(from: &str, place: &str, to: &str, entry: &mut Entry) {
    let letter = |code: &str| residue::known(&code.trim().to_uppercase()).map(|(letter, _)| letter);
    if let (Some(from), Some(to)) = (letter(from), letter(to))
        && !place.trim().is_empty()
    {
        add(&mut entry.mutations, format!("{from}{}{to}", place.trim()));
    }
}

fn methodology(block: &Block<'_>, entry: &mut Entry) {
    let deposited = block.rows("_database_2").filter_map(|row| row.get("database_id"));
    let predicted = ["_ma_target_ref_db_details", "_ma_qa_metric_global", "_ma_model_list"]
        .iter()
        .any(|category| block.has(category))
        || deposited.into_iter().any(|name| PREDICTED.contains(&name.to_uppercase().as_str()));
    let stated = block.one("_struct", "pdbx_structure_determination_methodology");
    entry.methodology = match stated.map(|text| text.to_lowercase()).as_deref() {
        Some("experimental") => Some("experimental"),
        Some("computational") => Some("predicted"),
        Some("integrative") => Some("integrative"),
        _ if block.has("_ihm_model_list") => Some("integrative"),
        _ => method::methodology(&entry.methods, predicted),
    };
    let values = block.rows("_ma_qa_metric_global").filter_map(|row| {
        let scale = plddt_scale(block, row.get("metric_id"))?;
        Some((row.number::<f64>("metric_value")? * scale * 1e4).round() / 1e4)
    });
    entry.plddt = values.into_iter().find(|value| (0.0..=100.0).contains(value));
}

/// Returns the factor from a metric to percent; `None` if the metric is not pLDDT. A metric without a definition counts as pLDDT.
fn plddt_scale(block: &Block<'_>, id: Option<String>) -> Option<f64> {
    let metric = block.rows("_ma_qa_metric").filter(|row| row.get("id") == id);
    let texts = metric.flat_map(|row| ["name", "type"].map(|item| row.get(item).unwrap_or_default()));
    let texts: Vec<String> = texts.map(|text| text.to_lowercase()).filter(|text| !text.is_empty()).collect();
    let has = |word: &str| texts.iter().any(|text| text.contains(word));
    (texts.is_empty() || has("plddt")).then_some(if has("[0,1]") { 100.0 } else { 1.0 })
}

/// Adds a sequence of another database. References to the entry itself are left out.
pub(super) fn reference(entry: &mut Entry, database: &str, accession: &str) {
    let accession = accession.trim().to_uppercase();
    match database {
        "UNP" | "UNIPROT" | "TREMBL" | "SWS" => add(&mut entry.uniprot, accession),
        "PDB" | "" => {}
        _ if accession.is_empty() => {}
        _ => add(&mut entry.references, format!("{database}:{accession}")),
    }
}
