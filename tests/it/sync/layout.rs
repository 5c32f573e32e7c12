//! A source that changes its layout, as announced for 2027-07-21: nothing comes and nothing goes.

use crate::support::{Ended, Entry, Env, Upstream, one_job, tree};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// IDs of today, with letters beyond `f` in their directories.
const CLASSIC: [&str; 6] = ["1xyz", "9zzz", "2wgk", "1abc", "5i55", "4cup"];

/// The files of an entry in the layout of today, below `structures/divided/mmCIF/`.
fn today(id: &str) -> String {
    format!("{}/{id}.cif.gz", &id[1..3])
}

/// The same entry in the new layout.
fn later(id: &str) -> [String; 3] {
    let dir = format!("entries/{}/pdb_0000{id}", &id[1..3]);
    [
        format!("{dir}/structures/pdb_0000{id}.cif.gz"),
        format!("{dir}/validation_reports/pdb_0000{id}_validation.xml.gz"),
        format!("{dir}/assemblies/pdb_0000{id}-assembly1.cif.gz"),
    ]
}

/// A mirror `j` in step with an upstream in the layout of today.
struct Mirror {
    upstream: Upstream,
    env: Env,
}

impl Mirror {
    fn new(module: &str, path: &str, more: &str) -> Self {
        let upstream = Upstream::new().module("ftp_data", &[]);
        CLASSIC.iter().for_each(|id| drop(upstream.write(Path::new(path).join(today(id)), id)));
        let env = Env::new().with_pipe(&upstream);
        let config = one_job(&[&upstream.url(&format!("{module}/{path}"))], &env.mirror("j"), more);
        let env = env.with_config(&config);
        env.run(["sync", "j"]).expect_code(0);
        let mirror = Mirror { upstream, env };
        assert_eq!(mirror.now().len(), 12, "six directories and files");
        mirror
    }

    /// The switch: everything is in the new layout below `path`, with an entry that has an extended ID only.
    fn switch(&self, path: &str) {
        self.upstream.empty();
        for id in CLASSIC {
            later(id).iter().for_each(|file| drop(self.upstream.write(Path::new(path).join(file), id)));
        }
        let new = "entries/xy/pdb_zz09wxyz/structures/pdb_zz09wxyz.cif.gz";
        self.upstream.write(Path::new(path).join(new), "new");
    }

    fn now(&self) -> BTreeMap<PathBuf, Entry> {
        tree(&self.env.mirror("j"))
    }

    #[track_caller]
    fn blocked(&self, args: &[&str], words: &[&str]) -> Ended {
        let before = self.now();
        let ended = self.env.run([&["sync", "j", "--json"], args].concat()).expect_code(4);
        let finished = ended.finished();
        assert_eq!(finished["status"], "blocked", "{ended}");
        let said = format!("{} {}", finished["error"].as_str().unwrap(), finished["hint"].as_str().unwrap());
        for word in words {
            assert!(said.contains(word), "{word}: {ended}");
        }
        assert_eq!(self.now(), before, "{ended}");
        ended
    }
}

const SWITCHED: [&str; 4] =
    ["under other paths", "6 of 6 entries are the same", "announced for 2027-07-21", "pdb-sync mirrors"];

#[test]
fn a_switched_layout_blocks_and_changes_nothing() {
    for more in ["delete = true\nmax_delete = \"100%\"", "delete = false"] {
        let mirror = Mirror::new("m", "", more);
        mirror.switch("");
        for args in [&[][..], &["--max-delete", "1000"], &["--dry-run"], &["--plan"], &["--allow-older"]] {
            mirror.blocked(args, &SWITCHED);
        }
        // A state directory that was lost does not weaken it.
        fs::remove_dir_all(mirror.env.state()).unwrap();
        mirror.blocked(&[], &SWITCHED);

        let adopted = mirror.env.run(["sync", "j", "--adopt", "--json"]).expect_code(0);
        assert_eq!(adopted.finished()["files_deleted"], 0, "{adopted}");
        let files = |mirror: &Mirror| mirror.now().keys().filter(|path| path.extension().is_some()).count();
        assert_eq!(files(&mirror), 6 + 3 * 6 + 1, "{adopted}");
        mirror.env.run(["sync", "j"]).expect_code(0);
    }
}

#[test]
fn another_server_that_still_has_the_old_layout_serves() {
    let mirror = Mirror::new("m", "", "delete = true");
    let old = Upstream::new().listen();
    CLASSIC.iter().for_each(|id| drop(old.write(today(id), id)));
    let new = Upstream::new().listen();
    CLASSIC.iter().flat_map(|id| later(id)).for_each(|file| drop(new.write(file, "x")));
    fs::write(mirror.env.config(), one_job(&[&new.url("m/"), &old.url("m/")], &mirror.env.mirror("j"), ""))
        .unwrap();
    let before: Vec<_> = mirror.now().into_keys().collect();
    let command = |mirror: &Mirror| {
        let mut command = mirror.env.command(["sync", "j", "--json"]);
        command.env_remove("RSYNC_CONNECT_PROG");
        crate::support::Running::start(command).wait()
    };
    let ended = command(&mirror).expect_code(0);
    assert_eq!(ended.tries().len(), 2, "{ended}");
    assert_eq!(mirror.now().into_keys().collect::<Vec<_>>(), before, "{ended}");
}

/// Its files are at the source, too: it is no other layout.
#[test]
fn a_first_transfer_that_was_interrupted_goes_on() {
    let upstream = Upstream::new();
    let env = Env::new().with_pipe(&upstream);
    for id in CLASSIC {
        for kind in 0..12 {
            upstream.write(format!("kind{kind:02}/{}", today(id)), id);
        }
        let here = env.mirror("j").join("kind00").join(today(id));
        fs::create_dir_all(here.parent().unwrap()).unwrap();
        fs::write(here, id).unwrap();
    }
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), "delete = true");
    let env = env.with_config(&config);
    env.run(["sync", "j"]).expect_code(0);
    assert_eq!(tree(&env.mirror("j")).len(), tree(&upstream.root()).len());
}

#[test]
fn a_module_that_is_gone_blocks_where_the_new_layout_is() {
    let mirror = Mirror::new("ftp_data", "", "delete = true");
    let conf = fs::read_to_string(mirror.upstream.config()).unwrap();
    fs::write(mirror.upstream.config(), conf.replace("[ftp_data]", "[pdb_data]")).unwrap();
    // Without the new layout it is a failure like any other.
    let ended = mirror.env.run(["sync", "j", "--json"]).expect_code(1);
    assert!(ended.finished()["error"].as_str().unwrap().contains("has no module \"ftp_data\""), "{ended}");
    mirror.switch("");
    let words = ["has no module \"ftp_data\"", "pdb_data/", "2027-07-21", "pdb-sync mirrors"];
    for args in [&[][..], &["--plan"]] {
        let ended = mirror.blocked(args, &words);
        assert_eq!(ended.tries(), [(mirror.upstream.url("ftp_data/"), Some(5))], "{ended}");
    }
}

#[test]
fn a_path_that_is_gone_blocks_where_the_new_layout_is() {
    let mirror = Mirror::new("m", "structures/divided/mmCIF/", "delete = true");
    mirror.switch("");
    mirror.blocked(&[], &["cannot be read", "/m/", "2027-07-21"]);
    mirror.upstream.empty();
    mirror.upstream.write("README", "moved");
    let ended = mirror.env.run(["sync", "j", "--json"]).expect_code(1);
    assert_eq!(ended.finished()["status"], "failed", "{ended}");
}
