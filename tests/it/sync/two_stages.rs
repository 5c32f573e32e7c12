//! `last`: paths that are transferred after everything else has arrived.

use super::{events, faked, finished, quick};
use crate::support::{Ended, Env, Fake, Upstream, tree};
use std::fs;

/// The position of the first line of rsync's output that is this.
#[track_caller]
fn line(ended: &Ended, name: &str) -> usize {
    let lines = events(ended, "output");
    let at = lines.iter().position(|event| event["line"] == name);
    at.unwrap_or_else(|| panic!("{name}\n{ended}"))
}

#[test]
fn an_index_comes_after_what_it_names() {
    // A walk of the whole source, and lists of names.
    for more in ["", "rsync_args = ['--hard-links']"] {
        let upstream = Upstream::new();
        for name in ["an-index/all", "an-index/sub/more", "data/x", "b", "z/last", "z/other"] {
            upstream.write(name, name);
        }
        let job = format!(
            "[jobs.a]\nsource = '{}'\ndest = 'a'\ndelete = true\nlast = ['an-index/', 'b']\n{more}\n",
            upstream.url("m/")
        );
        let env = Env::new().with_pipe(&upstream).with_config(&quick(&job));
        let check = |ended: &Ended, index: &str, data: &str| {
            assert!(line(ended, index) > line(ended, data), "{ended}");
            assert_eq!(tree(&env.mirror("a")), tree(&upstream.root()), "{ended}");
        };
        let first = env.run(["sync", "a", "--json"]).expect_code(0);
        check(&first, "an-index/all", "z/last");
        check(&first, "b", "z/other");
        assert_eq!(finished(&first, "a")["files_transferred"], 6, "{first}");
        upstream.write("an-index/all", "changed");
        upstream.write("data/new", "new");
        fs::remove_file(upstream.root().join("z/other")).unwrap();
        let second = env.run(["sync", "a", "--json"]).expect_code(0);
        check(&second, "an-index/all", "data/new");
        let end = finished(&second, "a");
        assert_eq!((&end["files_transferred"], &end["files_deleted"]), (&2.into(), &1.into()), "{second}");
        upstream.write("an-index/all", "alone it comes, too");
        let third = env.run(["sync", "a", "--json"]).expect_code(0);
        assert_eq!(finished(&third, "a")["files_transferred"], 1, "{third}");
        assert_eq!(tree(&env.mirror("a")), tree(&upstream.root()), "{third}");
        let fourth = env.run(["sync", "a", "--json"]).expect_code(0);
        assert_eq!(finished(&fourth, "a")["changed"], false, "{fourth}");
    }
}

#[test]
fn an_index_stays_if_something_else_is_missing() {
    let denied = "err rsync: [receiver] mkstemp \"/m/data/.new.aBcDeF\" failed: Permission denied (13)";
    let new = |name: &str| format!("out >f+++++++++ 1 2026/01/01-00:00:00 {name}\n");
    // Names that the filters of the first stage leave out are not in its second listing.
    let fake = Fake::new(&format!(
        "[1]\n{}{}stats 5 0 0\n[1 if --exclude=/index]\n{denied}\nstats 5 0 0\nexit 23\n[2 if --exclude=/index]\n{}stats 5 0 0\n",
        new("data/new"),
        new("index/all"),
        new("data/new")
    ));
    let env = faked(&fake, &["a"], "last = ['index/']");
    let ended = env.run(["sync", "a", "--json"]).expect_code(3);
    let end = finished(&ended, "a");
    assert!(
        end["error"]
            .as_str()
            .unwrap()
            .ends_with("the paths of `last` were not transferred, since not everything else arrived"),
        "{ended}"
    );
    // The listing, the first stage, and the listing that judges it.
    assert_eq!(fake.calls().len(), 3, "{ended}");
}
