//! A hit as JSON, with all data that its index has.

use crate::model::document_summary::DocumentSummary;
use serde_json::{Value, json};

/// Unknown values are `null` or an empty list.
pub(super) fn body(shown: &DocumentSummary) -> Value {
    let cell = shown.cell.map(|[a, b, c, alpha, beta, gamma]| {
        json!({ "a": a, "b": b, "c": c, "alpha": alpha, "beta": beta, "gamma": gamma })
    });
    let mut body = json!({
        "job": null,
        "index": null,
        "id": shown.id,
        "score": null,
        "title": shown.title,
        "kind": shown.kind,
        "method": shown.methods,
        "methodology": shown.methodology,
        "resolution": shown.resolution,
        "organism": shown.organisms,
        "released": shown.released,
        "deposited": shown.deposited,
        "revised": shown.revised,
        "ligands": shown.ligands,
        "modified": shown.modified,
        "uniprot": shown.uniprot,
        "weight_kda": shown.weight,
        "doi": shown.doi,
        "error": shown.error,
    });
    let more = [
        json!({
            "ligand_names": shown.ligand_names,
            "modified_names": shown.modified_names,
            "keywords": shown.keywords,
            "molecules": shown.molecules,
            "polymer": shown.polymers,
            "chains": shown.chains,
            "residues": shown.residues,
            "atoms": shown.atoms,
            "oligomer": shown.oligomers,
            "assembly": shown.assembly,
            "ec": shown.enzymes,
            "mutation": shown.mutations,
            "gene": shown.genes,
            "taxonomy": shown.taxonomy,
            "organism_common": shown.common_names,
            "host": shown.hosts,
        }),
        json!({
            "space_group": shown.space_group,
            "cell": cell,
            "r_free": shown.r_free,
            "r_work": shown.r_work,
            "plddt": shown.plddt,
            "software": shown.software,
            "authors": shown.authors,
            "article": shown.article,
            "journal": shown.journal,
            "published": shown.published,
            "pubmed": shown.pubmed,
        }),
        json!({
            "reference": shown.references,
            "emdb": shown.emdb,
            "related": shown.related,
            "related_databases": shown.related_databases,
            "obsolete": shown.obsolete,
            "superseded_by": shown.superseded_by,
            "supersedes": shown.supersedes,
            "formula": shown.formula,
            "cut": shown.cut,
        }),
    ];
    for part in more {
        if let (Value::Object(body), Value::Object(part)) = (&mut body, part) {
            body.extend(part);
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Collects all values inside a value.
    fn leaves(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| leaves(item, into)),
            Value::Object(items) => items.values().for_each(|item| leaves(item, into)),
            other => drop(into.insert(other.to_string())),
        }
    }

    /// No field is left to its default here, so that a new one does not compile without a value.
    #[test]
    fn a_hit_has_all_that_is_stored() {
        let text = |name: &str| Some(name.to_owned());
        let list = |name: &str| vec![name.to_owned()];
        let stored = DocumentSummary {
            kind: "kind".into(),
            id: text("id"),
            title: text("title"),
            keywords: list("keywords"),
            methods: list("methods"),
            methodology: text("methodology"),
            plddt: Some(0.1),
            resolution: Some(0.2),
            r_free: Some(0.3),
            r_work: Some(0.4),
            space_group: text("space_group"),
            cell: Some([1.1, 1.2, 1.3, 1.4, 1.5, 1.6]),
            molecules: list("molecules"),
            organisms: list("organisms"),
            common_names: list("common_names"),
            taxonomy: vec![1],
            genes: list("genes"),
            hosts: list("hosts"),
            enzymes: list("enzymes"),
            mutations: list("mutations"),
            polymers: list("polymers"),
            chains: Some(2),
            residues: Some(3),
            oligomers: list("oligomers"),
            assembly: Some(4),
            weight: Some(0.5),
            atoms: Some(5),
            formula: text("formula"),
            ligands: list("ligands"),
            ligand_names: vec![text("ligand_names"), None],
            modified: list("modified"),
            modified_names: vec![text("modified_names"), None],
            uniprot: list("uniprot"),
            references: list("references"),
            emdb: list("emdb"),
            related: list("related"),
            related_databases: vec![text("related_databases"), None],
            obsolete: Some(true),
            superseded_by: list("superseded_by"),
            supersedes: list("supersedes"),
            authors: list("authors"),
            article: text("article"),
            journal: text("journal"),
            published: Some(6),
            doi: text("doi"),
            pubmed: Some(7),
            software: list("software"),
            released: text("released"),
            deposited: text("deposited"),
            revised: text("revised"),
            cut: false,
            error: text("error"),
            // Places are added by `Row::json`.
            path: "id".into(),
            path_bytes: None,
        };
        let (mut kept, mut told) = (BTreeSet::new(), BTreeSet::new());
        leaves(&serde_json::to_value(&stored).unwrap(), &mut kept);
        leaves(&body(&stored), &mut told);
        assert_eq!(kept.difference(&told).collect::<Vec<_>>(), Vec::<&String>::new());
        assert_eq!(body(&DocumentSummary { cut: true, ..stored })["cut"], true);
    }
}
