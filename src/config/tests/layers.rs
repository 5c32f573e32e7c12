//! Properties of layers and of the parser.

use super::*;
use crate::config::clean_layer::CleanLayer;
use crate::config::layer::{
    AlertLayer, HostLayer, IndexLayer, Key, MirrorLayer, NotifyLayer, Origin, ScanLayer, SearchLayer,
    StatsLayer, SyncLayer, Table,
};
use proptest::prelude::*;

/// A configuration that sets every key of every section; its two jobs set each key to two values, so that in two random layers a key is
/// equal, different or missing. pdb-sync-config(5) takes its examples from it.
const SAMPLES: &str = include_str!("samples.toml");

/// The values of each key of a job, as they are written in TOML.
fn samples() -> Vec<(&'static str, [String; 2])> {
    let all: toml::Table = SAMPLES.parse().unwrap();
    let value = |job: &str, key: &str| match all["jobs"][job].get(key) {
        Some(value) => value.to_string(),
        None => panic!("samples.toml has no {key} in [jobs.{job}]"),
    };
    Layer::KEYS.iter().map(|key| (key.name, ["mmcif", "status"].map(|job| value(job, key.name)))).collect()
}

/// A layer with any of the sample values, or none, for each key.
fn layers() -> impl Strategy<Value = Layer> {
    let samples = samples();
    proptest::collection::vec(0usize..3, samples.len()).prop_map(move |choice| {
        let mut text = String::from("[jobs.j]\n");
        for ((key, values), n) in samples.iter().zip(choice) {
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
    let (draft, problems) = Draft::parse(SAMPLES, Path::new("samples.toml"));
    assert_eq!(problems, []);
    let names = |keys: &[Key]| keys.iter().map(|key| key.name).collect::<Vec<_>>();
    let given = |entries: Vec<(&'static str, toml::Value, Origin)>| {
        entries.into_iter().map(|(key, ..)| key).collect::<Vec<_>>()
    };
    for (entries, keys) in [
        (draft.jobs[0].layer.entries(), Layer::KEYS),
        (draft.jobs[1].layer.entries(), Layer::KEYS),
        (draft.sync.entries(), SyncLayer::KEYS),
        (draft.hosts["rsync.rcsb.org"].0.entries(), HostLayer::KEYS),
        (draft.mirrors["wwpdb"].0.entries(), MirrorLayer::KEYS),
        (draft.stats.entries(), StatsLayer::KEYS),
        (draft.alerts[0].0.entries(), AlertLayer::KEYS),
        (draft.notify.entries(), NotifyLayer::KEYS),
        (draft.index.entries(), IndexLayer::KEYS),
        (draft.scan.entries(), ScanLayer::KEYS),
        (draft.search.entries(), SearchLayer::KEYS),
        (draft.clean.entries(), CleanLayer::KEYS),
    ] {
        assert_eq!(given(entries), names(keys));
    }
    for (key, [one, other]) in samples() {
        assert_ne!(one, other, "{key}");
    }
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
