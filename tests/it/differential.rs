//! What `index` reads in files, against what gemmi reads in the same ones: for whoever changes a reader. Needs Python with gemmi
//! (`pip install gemmi`).

use crate::support::{Env, skipped};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What gemmi reads in all files below `dir`, to which it adds some; `None` if there is no gemmi.
fn gemmi(dir: &Path) -> Option<Vec<Value>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/gemmi_says.py");
    let told = Command::new("python3").arg(script).arg(dir).output().ok()?;
    if told.status.code() == Some(77) {
        return None;
    }
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    Some(
        String::from_utf8(told.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

/// Blanks joined, as the index has texts.
fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" ").into(),
        Value::Number(number) => {
            number.as_f64().map_or(Value::Null, |n| ((n * 1000.0).round() / 1000.0).into())
        }
        Value::Array(list) => list.iter().map(plain).collect(),
        other => other.clone(),
    }
}

#[test]
fn files_say_the_same_to_gemmi() {
    let env = Env::new();
    let dir = env.mirror("x");
    fs::create_dir_all(&dir).unwrap();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for from in [corpus.clone(), corpus.join("more"), corpus.join("odd")] {
        for item in fs::read_dir(from).unwrap() {
            let path = item.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if [".cif", ".cif.gz", ".pdb"].iter().any(|ending| name.ends_with(ending)) {
                fs::copy(&path, dir.join(name)).unwrap();
            }
        }
    }
    let Some(told) = gemmi(&dir) else {
        return skipped("no python3 with gemmi, which `pip install gemmi` brings");
    };
    env.run(["index", "./mirror/x"]).expect_code(0);
    let (mut compared, mut wrong) = (0, Vec::new());
    for said in &told {
        let path = said["path"].as_str().unwrap();
        // Each by itself: several are of one entry.
        let query = format!("path:\"{path}\"");
        let ended = env.run(["search", &query, "--json", "-l", "1000"]).expect_code(0);
        let hits = ended.json();
        let found = hits
            .iter()
            .find(|hit| hit["path"] == *path && hit["also"].as_array().is_some_and(|also| also.is_empty()));
        // The file stands behind another of its entry, or shows the title of another one: asked for in an index of its own.
        let own = found.filter(|hit| plain(&hit["title"]) == plain(&said["title"]));
        let hit = own.cloned().unwrap_or_else(|| alone(&env, &dir.join(path), path));
        let cell = |value: &Value| {
            let sides = ["a", "b", "c", "alpha", "beta", "gamma"].map(|side| value[side].clone());
            if value.is_object() { Value::from(sides.to_vec()) } else { value.clone() }
        };
        for (field, expected) in said.as_object().unwrap() {
            let own = if field == "cell" { cell(&hit["cell"]) } else { hit[field].clone() };
            if field == "path"
                || expected.is_null()
                    && (own.is_array() || matches!(field.as_str(), "id" | "chains" | "residues"))
            {
                continue;
            }
            compared += 1;
            let same = match (field.as_str(), expected, &own) {
                // The authors of the article come behind those of the entry.
                ("authors", Value::Array(first), Value::Array(all)) => {
                    first.iter().all(|name| all.iter().any(|known| plain(known) == plain(name)))
                }
                _ => plain(&own) == plain(expected),
            };
            if !same {
                wrong.push(format!("{path}: {field}: {own}, and gemmi says {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 500, "only {compared} fields were compared");
}

fn alone(env: &Env, file: &Path, name: &str) -> Value {
    let dir = env.dir().join("alone");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir(&dir).unwrap();
    fs::copy(file, dir.join(name)).unwrap();
    env.run(["--state-dir", "alone-state", "index", "./alone"]).expect_code(0);
    let ended = env.run(["--state-dir", "alone-state", "search", "*", "--json"]).expect_code(0);
    ended.json().into_iter().find(|hit| hit["event"] == "hit").unwrap_or_else(|| panic!("{name}: {ended}"))
}
