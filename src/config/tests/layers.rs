//! Properties of layers and of the parser.

use super::*;
use crate::config::layer::Table;
use proptest::prelude::*;

/// Two values of each key, so that in two random layers a key is equal, different or missing.
const SAMPLES: &[(&str, [&str; 2])] = &[
    ("source", ["'h::m'", "['a::b', 'c::d']"]),
    ("source_order", ["'given'", "'fastest'"]),
    ("dest", ["'/a'", "'b'"]),
    ("root", ["'/a'", "'b'"]),
    ("description", ["'x'", "'y'"]),
    ("tags", ["[]", "['a']"]),
    ("enabled", ["true", "false"]),
    ("priority", ["1", "-1"]),
    ("preset", ["'safe'", "'fast'"]),
    ("delete", ["true", "false"]),
    ("keep_deleted", ["0", "'2d'"]),
    ("max_delete", ["5", "'5%'"]),
    ("max_older", ["5", "'5%'"]),
    ("adopt", ["'size-time'", "'checksum'"]),
    ("min_free", ["0", "'1GB'"]),
    ("include", ["[]", "['a']"]),
    ("exclude", ["[]", "['a']"]),
    ("bwlimit", ["0", "'1MB'"]),
    ("compress", ["true", "false"]),
    ("checksum", ["true", "false"]),
    ("inc_recursive", ["true", "false"]),
    ("rsync_args", ["[]", "['--ipv4']"]),
    ("password_file", ["'a'", "'b'"]),
    ("retries", ["0", "9"]),
    ("retry_delay", ["'1s'", "'2s'"]),
    ("busy_delay", ["'1s'", "'2s'"]),
    ("timeout", ["0", "'2s'"]),
    ("stall", ["0", "'2s'"]),
    ("min_rate", ["0", "'2KB'"]),
    ("connect_timeout", ["'1s'", "'2s'"]),
    ("nice", ["0", "19"]),
    ("ionice", ["'idle'", "'best-effort:7'"]),
    ("cache", ["'keep'", "'drop'"]),
    ("before", ["[]", "'true'"]),
    ("after", ["[]", "'true'"]),
    ("on_failure", ["[]", "[['true']]"]),
    ("hook_timeout", ["'1s'", "'2s'"]),
    ("index", ["true", "{ exclude = ['a'] }"]),
];

/// A layer with any of the sample values, or none, for each key.
fn layers() -> impl Strategy<Value = Layer> {
    proptest::collection::vec(0usize..3, SAMPLES.len()).prop_map(|choice| {
        let mut text = String::from("[jobs.j]\n");
        for ((key, values), n) in SAMPLES.iter().zip(choice) {
            if let Some(value) = values.get(n) {
                text += &format!("{key} = {value}\n");
            }
        }
        let (mut draft, problems) = Draft::parse(&text, Path::new("c"));
        assert_eq!(problems, []);
        draft.jobs.remove(0).layer
    })
}

#[test]
fn the_samples_are_of_every_key() {
    let keys: Vec<_> = Layer::KEYS.iter().map(|key| key.name).collect();
    assert_eq!(SAMPLES.iter().map(|(key, _)| *key).collect::<Vec<_>>(), keys);
}

proptest! {
    #[test]
    fn layers_associate_and_the_empty_one_is_the_identity(a in layers(), b in layers(), c in layers()) {
        let left = a.clone().over(b.clone()).over(c.clone());
        let right = a.clone().over(b.over(c));
        prop_assert_eq!(left, right);
        prop_assert_eq!(Layer::default().over(a.clone()), a.clone());
        prop_assert_eq!(a.clone().over(Layer::default()), a);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "([a-z\\[\\].=\"' \n0-9]|jobs|dest|source|sync|\\PC){0,60}") {
        let _ = load(&text);
    }
}
