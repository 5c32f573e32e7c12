//! The archive as announced for 2027-07-21: extended IDs, a directory for each entry, names with versions, integrative entries. Everything
//! that reads names has to take them.

use crate::support::{Env, Upstream, packed, tree};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// With letters beyond f, of twelve characters only, and an integrative entry.
const IDS: [&str; 3] = ["pdb_00009xyz", "pdb_1000abzz", "pdb_00009a0z"];

const ATOMS: &str = "loop_\n_atom_site.group_PDB\n_atom_site.id\n_atom_site.label_atom_id\n_atom_site.label_comp_id\n\
    ATOM 1 CA ALA\n#\n";
const SPHERES: &str = "loop_\n_ihm_model_list.model_id\n_ihm_model_list.model_name\n1 'Best model'\n#\nloop_\n\
    _ihm_sphere_obj_site.id\n_ihm_sphere_obj_site.entity_id\n_ihm_sphere_obj_site.Cartn_x\n1 1 0.5\n#\n";

/// The files of an entry, below its directory.
fn files(id: &str) -> Vec<(String, String)> {
    let (kind, body) = if id.ends_with("9a0z") { ("integrative", SPHERES) } else { ("experimental", ATOMS) };
    let model = format!(
        "data_{id}\n#\n_entry.id {id}\n#\n_struct.entry_id {id}\n_struct.title 'Structure of {kind} origin'\n\
         _struct.pdbx_structure_determination_methodology {kind}\n#\n{body}"
    );
    [
        ("structures/ID.cif.gz", model.as_str()),
        ("structures/ID_xyz_v1-2.cif.gz", &model),
        ("structures/ID.xml.gz", "<?xml version=\"1.0\"?><PDBx:datablock/>"),
        ("assemblies/ID-assembly1.cif.gz", &model),
        ("experimental_data/ID-sf.cif.gz", "data_rsf\n_refln.index_h 1\n"),
        (
            "validation_reports/ID_validation.cif.gz",
            "data_validation\n_pdbx_vrpt_summary.PDB_revision_number 1\n",
        ),
        ("validation_reports/ID_validation.pdf.gz", "%PDF-1.7"),
    ]
    .map(|(path, text)| (path.replace("ID", id), text.to_owned()))
    .into()
}

fn dir(id: &str) -> String {
    format!("{}/{id}", &id[id.len() - 3..id.len() - 1])
}

/// A source with these entries, and jobs: all of them, and two.
fn archive() -> (Upstream, Env) {
    let upstream = Upstream::new();
    for id in IDS {
        for (path, text) in files(id) {
            let path = upstream.root().join("entries").join(dir(id)).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, packed(&text)).unwrap();
        }
    }
    let source = upstream.url("m/entries/");
    let config = format!(
        "[jobs.all]\nsource = '{source}'\ndest = 'all'\n\
         [jobs.some]\nsource = '{source}'\ndest = 'some'\nids = ['9XYZ', 'pdb_1000abzz']\n"
    );
    let env = Env::new().with_pipe(&upstream).with_config(&format!("[defaults]\nroot = 'mirror'\n{config}"));
    (upstream, env)
}

fn lines(env: &Env, arguments: &[&str]) -> Vec<Value> {
    env.run(arguments).expect_code(0).json()
}

#[test]
fn a_job_with_a_list_brings_all_files_of_its_entries_and_no_others() {
    let (upstream, env) = archive();
    env.run(["sync", "some"]).expect_code(0);
    for id in IDS {
        let (here, there) = (env.mirror("some").join(dir(id)), upstream.root().join("entries").join(dir(id)));
        match id {
            "pdb_00009a0z" => assert!(!here.exists(), "{id}"),
            _ => assert_eq!(tree(&here), tree(&there), "{id}"),
        }
    }
    let missing = env.run(["sync", "some", "--ids", "-", "--json"]);
    assert_eq!(missing.code(), 2, "an empty list: {missing}");
}

#[test]
fn scan_counts_entries_by_format_and_form() {
    let (_upstream, env) = archive();
    env.run(["sync", "all"]).expect_code(0);
    let last = lines(&env, &["scan", "all", "--json"]).pop().unwrap().to_string();
    let text = env.run(["scan", "all"]).expect_code(0).out();
    for kind in ["mmCIF", "XML", "assemblies", "structure factors", "validation reports"] {
        let line = text.lines().find(|line| line.trim_start().starts_with(kind)).unwrap_or_default();
        assert!(line.ends_with("3  12-character IDs"), "{kind}: {text}");
        assert!(last.contains(kind), "{kind}: {last}");
    }
}

#[cfg(feature = "search")]
#[test]
fn search_finds_entries_by_either_form_and_integrative_ones_by_their_method() {
    let (_upstream, env) = archive();
    env.run(["sync", "all"]).expect_code(0);
    env.run(["index", "all"]).expect_code(0);
    let found = |query: &str| {
        let hits = lines(&env, &["search", query, "--json"]);
        let ids = hits.iter().filter(|hit| hit["event"] == "hit" && !hit["title"].is_null());
        let mut ids: Vec<_> = ids.map(|hit| hit["id"].as_str().unwrap().to_owned()).collect();
        ids.dedup();
        ids
    };
    assert_eq!(found("9xyz origin"), ["9xyz"]);
    assert_eq!(found("id:pdb_00009xyz origin"), ["9xyz"]);
    assert_eq!(found("id:pdb_1000abzz origin"), ["pdb_1000abzz"]);
    assert_eq!(found("method:integrative"), ["9a0z"]);
    assert_eq!(found("methodology:experimental").len(), 2);
    assert_eq!(found("origin").len(), 3, "the copies of an entry are one hit");
}

#[test]
fn verify_reads_them_and_clean_knows_obsolete_ones() {
    let (_upstream, env) = archive();
    env.run(["sync", "all"]).expect_code(0);
    let checked = lines(&env, &["verify", "all", "--json"]).pop().unwrap();
    assert_eq!((&checked["checked"], &checked["damaged"]), (&21.into(), &0.into()), "{checked}");
    let path = env.mirror("all").join(dir(IDS[1])).join("structures/pdb_1000abzz.cif.gz");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    let damaged = env.run(["verify", "all", "--json"]);
    assert_eq!(damaged.code(), 1, "{damaged}");
    fs::write(&path, whole).unwrap();
    // The list has one ID in each form; the mirror is not that of a job here.
    fs::write(env.dir().join("list"), "9XYZ\npdb_1000abzz\n").unwrap();
    let copy = env.dir().join("copy");
    copy_tree(&env.mirror("all"), &copy);
    let plan = lines(&env, &["clean", "plan", "./copy", "--obsolete", "list", "--json"]).pop().unwrap();
    assert_eq!(plan["by_rule"]["obsolete"]["entries"], 14, "{plan}");
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
