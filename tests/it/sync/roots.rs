//! Destinations that are the root of a file system: what that keeps there for itself is nobody's to delete, and stops nothing.

use super::quick;
use crate::support::{Ended, Env, skipped, with_mounts};
use std::fs;
use std::os::unix::fs::lchown;

/// What is mounted on the mirror `$2`, with a `lost+found` that only root may enter. The image lies beside it.
const EXT4: &str =
    "truncate -s 8M \"$2.img\" && mkfs.ext4 -qF \"$2.img\" && mount -o loop \"$2.img\" \"$2\" || exit 99\n";
const TMPFS: &str = "mount -t tmpfs none \"$2\" && mkdir -m 700 \"$2/lost+found\" || exit 99\n";
/// The same device number inside and outside.
const BIND: &str = "mkdir -m 755 \"$2.real\" && mount --bind \"$2.real\" \"$2\" && mkdir -m 700 \"$2/lost+found\" || exit 99\n";
/// No root of anything.
const PLAIN: &str = "mkdir -m 700 \"$2/lost+found\" || exit 99\n";

/// What others keep at such a root, what upstream does not have, and names that mean nothing further down. All belongs to the user `$3`
/// but `lost+found`, and all is old.
const FILL: &str = "\
    mkdir -p \"$2/.Trash-1000/files\" \"$2/System Volume Information\" \"$2/.snapshot/x\" \"$2/sub/lost+found\" || exit 98\n\
    for f in old 'sub/lost+found/old' '.Trash-1000/files/x~' '$RECYCLE.BIN'; do echo some bytes of it >\"$2/$f\"; done\n\
    touch -d '3 days ago' \"$2\"/* \"$2\"/.T* \"$2\"/.T*/* \"$2\"/.T*/*/* \"$2\"/.s*\n\
    for f in \"$2\"/* \"$2\"/.T* \"$2\"/.s*; do [ \"$f\" = \"$2/lost+found\" ] || chown -R \"$3\" \"$f\"; done\n\
    chown \"$3\" \"$2\"\n";

struct Case {
    env: Env,
}

impl Case {
    fn new(more: &str) -> Self {
        let env = Env::new();
        for dir in ["up/sub", "mirror/m"] {
            fs::create_dir_all(env.dir().join(dir)).unwrap();
        }
        for file in ["up/1", "up/sub/2"] {
            fs::write(env.dir().join(file), "contents").unwrap();
        }
        fs::copy(env!("CARGO_BIN_EXE_pdb-sync"), env.dir().join("pdb-sync")).unwrap();
        let job =
            format!("[jobs.m]\nsource = 'up/'\ndest = 'm'\ndelete = true\nmax_delete = '100%'\n{more}\n");
        Case { env: env.with_config(&quick(&job)) }
    }

    /// Mounts, fills, and runs the commands of the program one after the other; then tells what the mirror holds.
    fn run(&self, user: u32, mount: &str, commands: &str) -> Option<Ended> {
        let dir = self.env.dir();
        self.env.taken_over("m");
        let remembered = self.env.state().join("listings");
        for path in
            [dir.to_owned(), self.env.state(), remembered.join("m.json"), remembered, self.env.mirror("m")]
        {
            lchown(path, Some(user), Some(user)).unwrap();
        }
        let script = format!(
            "PATH=$PATH:/usr/sbin:/sbin\n{mount}{FILL}m=$2 user=$3 dir=${{2%/mirror/m}}\n\
             p() {{ setpriv --reuid=\"$user\" --regid=\"$user\" --clear-groups \"$dir/pdb-sync\" \"$@\"; }}\n\
             {commands}\ncode=$?; cd \"$m\"; find . -name .pdb-sync -prune -o -type f -printf 'HAS %P\\n' >&2; ls -A | sed 's/^/TOP /' >&2; exit $code"
        );
        let mirror = self.env.mirror("m");
        let ended = with_mounts(&self.env, &script, &[mirror.to_str().unwrap(), &user.to_string()])?;
        (ended.code() != 99).then_some(ended)
    }
}

/// root, and whom root can become.
const USERS: [u32; 2] = [0, 65534];

#[test]
fn what_a_file_system_keeps_at_its_root_is_not_deleted_and_stops_no_deletion() {
    for (mount, what) in [(EXT4, "ext4 on a loop device"), (TMPFS, "tmpfs"), (BIND, "a bind mount")] {
        for user in USERS {
            let Some(ended) = Case::new("").run(user, mount, "p sync m --json && p sync m --json") else {
                skipped(&format!("no {what} can be mounted and filled here"));
                break;
            };
            let ended = ended.expect_code(0);
            let out = ended.err();
            for kept in
                ["lost+found", ".Trash-1000", "System Volume Information", ".snapshot", "$RECYCLE.BIN", "1"]
            {
                assert!(
                    out.lines().any(|line| line == format!("TOP {kept}")),
                    "{what}, user {user}: {kept}\n{ended}"
                );
            }
            assert!(out.contains("HAS .Trash-1000/files/x~\n"), "{ended}");
            for gone in ["TOP old", "HAS sub/lost+found/old"] {
                assert!(!out.contains(gone), "{what}, user {user}: {gone}\n{ended}");
            }
            let deleted: Vec<_> =
                ended.events("job_finished").iter().map(|job| job["files_deleted"].as_u64()).collect();
            assert_eq!(deleted, [Some(2), Some(0)], "{what}, user {user}\n{ended}");
        }
    }
}

#[test]
fn a_source_that_has_its_own_does_not_stop_it_either() {
    for user in USERS {
        let case = Case::new("");
        fs::create_dir(case.env.dir().join("up/lost+found")).unwrap();
        fs::write(case.env.dir().join("up/lost+found/theirs"), "contents").unwrap();
        let commands = "touch \"$m/lost+found/ours\"; p sync m --json";
        let Some(ended) = case.run(user, EXT4, commands) else {
            return skipped("no ext4 on a loop device can be mounted here");
        };
        let ended = ended.expect_code(0);
        let out = ended.err();
        assert!(!out.contains("TOP old"), "{ended}");
        assert!(out.contains("HAS lost+found/ours"), "{ended}");
        // Whoever may write there gets what the source has.
        assert_eq!(out.contains("HAS lost+found/theirs"), user == 0, "{ended}");
    }
}

#[test]
fn elsewhere_these_names_are_names_as_any_other() {
    let ended = Case::new("").run(0, PLAIN, "p sync m --json");
    let Some(ended) = ended else { return skipped("no file system may be mounted here") };
    let ended = ended.expect_code(0);
    let top: Vec<_> =
        ended.err().lines().filter_map(|line| line.strip_prefix("TOP ").map(str::to_owned)).collect();
    assert_eq!(top, ["1", "sub"], "{ended}");
}

#[test]
fn neither_clean_nor_scan_minds_it() {
    for mount in [EXT4, TMPFS] {
        for user in USERS {
            let commands = "p scan ./mirror/m >&2 && p clean plan ./mirror/m --json && \
                            p clean run --yes --max-delete 100% >&2 && p clean explain \"$m/.Trash-1000/files/x~\" --root \"$m\"";
            let more =
                "[[clean.rules]]\nname = 'mine'\npattern = ['x~', 'old']\naction = 'delete'\nreason = 'mine'";
            let Some(ended) = Case::new(more).run(user, mount, commands) else {
                skipped("no file system can be mounted and filled here");
                break;
            };
            let ended = ended.expect_code(0);
            let out = ended.err();
            for kept in [
                "TOP lost+found",
                "HAS .Trash-1000/files/x~",
                "TOP .snapshot",
                "TOP System Volume Information",
            ] {
                assert!(out.contains(kept), "user {user}: {kept}\n{ended}");
            }
            assert!(!out.contains("TOP old"), "{ended}");
            assert!(ended.out().contains("protected: it belongs to the file system"), "{ended}");
        }
    }
}
