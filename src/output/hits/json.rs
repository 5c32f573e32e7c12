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
