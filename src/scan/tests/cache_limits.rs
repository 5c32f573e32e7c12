//! The limits of the directory of inventories, and what is counted there.

use crate::retention;
use crate::scan::cache_limits::TOTALS;
use crate::scan::{Cache, CacheLimits, CacheTotals, Earlier, Options};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

const HOUR: Duration = Duration::from_secs(3600);

/// Trees with an inventory each, used one after another, and the cache that has the inventories.
fn scanned(state: &Path, limits: CacheLimits, trees: &[&str]) -> Cache {
    let cache = Cache::new(state).within(limits);
    for tree in trees {
        let root = state.join(tree);
        fs::create_dir_all(&root).unwrap();
        assert_eq!(cache.scan(&root, &Options::default(), Earlier::TakeOver).unwrap().warnings, [""; 0]);
    }
    cache
}

/// Which of these trees have an inventory.
fn kept(cache: &Cache) -> Vec<String> {
    let roots = cache.list().unwrap().into_iter().map(|file| file.header.unwrap().root);
    let mut names: Vec<_> =
        roots.map(|root| root.file_name().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn used_before(cache: &Cache, tree: &Path, ago: Duration) {
    let file = File::options().append(true).open(cache.path(tree, &Options::default())).unwrap();
    file.set_modified(SystemTime::now() - ago).unwrap();
}

#[test]
fn the_least_recently_used_go_first() {
    let state = tempfile::tempdir().unwrap();
    let cache = scanned(state.path(), CacheLimits::default(), &["a", "b", "c"]);
    assert_eq!(kept(&cache), ["a", "b", "c"]);
    for (tree, hours) in [("a", 1), ("b", 3), ("c", 2)] {
        used_before(&cache, &state.path().join(tree), hours * HOUR);
    }
    let limits = CacheLimits { entries: Some(2), ..CacheLimits::default() };
    let cache = scanned(state.path(), limits, &["d"]);
    assert_eq!(kept(&cache), ["a", "d"]);
    let size = cache.list().unwrap()[0].bytes;
    let limits = CacheLimits { bytes: Some(size * 3 / 2), ..CacheLimits::default() };
    assert_eq!(kept(&scanned(state.path(), limits, &["e"])), ["e"]);
    let totals = cache.totals();
    assert_eq!((totals.hits, totals.misses, totals.evicted), (0, 5, 4));
    // What no limit allows is not kept at all.
    let none = CacheLimits { bytes: Some(1), ..CacheLimits::default() };
    assert_eq!(kept(&scanned(state.path(), none, &["f"])), [""; 0]);
}

#[test]
fn over_age_is_marked_first() {
    let state = tempfile::tempdir().unwrap();
    let limits = CacheLimits { age: Some(HOUR), ..CacheLimits::default() };
    let cache = scanned(state.path(), limits, &["a", "b"]);
    used_before(&cache, &state.path().join("a"), 2 * HOUR);
    let cache = scanned(state.path(), limits, &["c"]);
    assert_eq!(kept(&cache), ["a", "b", "c"]);
    let marks = fs::read_to_string(state.path().join("inventory").join(retention::FILE)).unwrap();
    let name = cache.path(&state.path().join("a"), &Options::default());
    assert!(marks.contains(name.file_name().unwrap().to_str().unwrap()), "{marks}");
}

#[test]
fn uses_are_counted_and_of_no_other_version() {
    let state = tempfile::tempdir().unwrap();
    let cache = scanned(state.path(), CacheLimits::default(), &["a", "a", "a"]);
    let totals = cache.totals();
    assert_eq!((totals.hits, totals.misses, totals.dirs_reused + totals.dirs_read), (2, 1, 3));
    fs::write(cache.dir().join(TOTALS), "damaged").unwrap();
    assert_eq!(cache.totals(), CacheTotals::default());
    let newer = cache.path(&state.path().join("a"), &Options::default());
    let mut bytes = fs::read(&newer).unwrap();
    bytes[8] = 99;
    fs::write(&newer, bytes).unwrap();
    scanned(state.path(), CacheLimits { entries: Some(1), ..CacheLimits::default() }, &["b", "c"]);
    assert!(newer.exists());
}
