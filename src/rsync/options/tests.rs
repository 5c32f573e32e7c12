use super::*;

fn args(line: &str) -> Vec<String> {
    shell_words::split(line).unwrap()
}

#[test]
fn what_a_job_may_say_passes() {
    for line in [
        "",
        "-z --chmod=ug=rwX,o=rX",
        "--max-size 1g --min-size=1",
        "-e 'ssh -p 2222 -n'",
        "-e'ssh -n' -essh -e=ssh",
        "-zT /tmp -B 700",
        "-f '- *.tmp' --filter 'P x'",
        "--exclude -n --include --delete",
        "-M--log-file=/tmp/x --remote-option=--bwlimit=5",
        "-vv --progress -P -i -h --no-motd",
        "--files-from=/list --from0 --numeric-ids -HAXS",
        "--backup --backup-dir=/old --suffix=.old",
    ] {
        assert_eq!(check(&args(line)), Ok(()), "{line}");
    }
}

#[test]
fn an_option_does_not_take_one_of_ours_for_its_value() {
    for line in ["-e", "-zT", "--exclude", "-v --password-file", "-M", "--remote-option"] {
        let refused = check(&args(line)).unwrap_err();
        assert!(refused.text.contains("needs a value"), "{line}: {refused}");
    }
}

#[test]
fn what_would_undermine_a_guard_is_refused() {
    for line in [
        "--del",
        "--delete",
        "--delete=x",
        "--delete-before",
        "--delete-during",
        "--delete-delay",
        "--delete-after",
        "--delete-excluded",
        "--delete-missing-args",
        "--max-delete=5",
        "--max-delete 5",
        "--ignore-errors",
        "--compare-dest=../old",
        "--compare-dest ../old",
        "--force",
        "--remove-source-files",
        "--remove-sent-files",
        "-n",
        "-avn",
        "-nv",
        "--dry-run",
        "--no-dry-run",
        "--list-only",
        "--daemon",
        "--server",
        "--sender",
        "--read-batch=x",
        "--write-batch x",
        "--only-write-batch=x",
        "-q",
        "-aq",
        "--quiet",
        "--stderr=all",
        "--out-format=%n",
        "--log-format=%n",
        "--help",
        "--version",
        "-V",
        "--",
        "-z -- /etc",
        "-",
        "/etc",
        "host::module",
        "--max-size 1g 2g",
        "-z /etc --links",
        "-M--remove-source-files",
        "-M --sender",
        "--remote-option=--delete",
        "-e ssh -n",
        "-zn -e ssh",
        "-en ssh",
    ] {
        let refused = check(&args(line)).expect_err(line);
        assert!(!refused.hint.is_empty(), "{line}");
        assert!(refused.to_string().starts_with(|c: char| !c.is_uppercase()), "{refused}");
    }
    assert!(check(&["--exclude=a\0b".into()]).is_err());
}

#[test]
fn several_options_in_one_argument_are_refused() {
    for text in ["-avz --partial", "--partial --inplace", "-a ", "--size-only "] {
        let refused = check(&[text.to_owned()]).unwrap_err();
        assert!(refused.text.contains("a blank does not end an option"), "{text}: {refused}");
    }
    for text in ["--exclude=a b", "-e ssh -p 22", "--rsh=ssh -p 22", "-fmerge x"] {
        assert_eq!(check(&[text.to_owned()]), Ok(()), "{text}");
    }
}

#[test]
fn the_hint_names_our_own_way() {
    let hint = |line: &str| check(&args(line)).expect_err(line).hint;
    assert!(hint("--delete-after").contains("`delete = true`"));
    assert!(hint("--max-delete=3").contains("`max_delete`"));
    assert!(hint("-avn").contains("--dry-run"));
}

#[test]
fn no_backup_is_promised_for_what_is_deleted_here() {
    for line in ["-b", "-ab", "--backup", "--backup-dir=/old", "--delete"] {
        assert!(check_with_delete(&args(line)).is_err(), "{line}");
    }
    for line in ["", "-e -b", "--exclude --backup"] {
        assert_eq!(check_with_delete(&args(line)), Ok(()), "{line}");
    }
}

#[test]
fn nothing_is_listed_through_links_that_nothing_is_deleted_through() {
    for line in [
        "-K",
        "-zK",
        "-rKn2",
        "--keep-dirlinks",
        "-K --exclude --no-K",
        "--no-K -K",
        "-R --no-implied-dirs",
        "--relative --no-i-d",
        "--no-implied-dirs --files-from=list",
        "-R --no-R --relative --no-implied-dirs",
    ] {
        assert!(check_with_delete(&args(line)).is_err(), "{line}");
    }
    for line in [
        "-K --no-K",
        "--keep-dirlinks --no-keep-dirlinks",
        "-k",
        "-L",
        "-R",
        "--no-implied-dirs",
        "-R --no-R --no-implied-dirs",
        "-R --no-implied-dirs --implied-dirs",
        "--exclude -K",
        "-f-K",
        "-TK",
    ] {
        assert_eq!(check_with_delete(&args(line)), Ok(()), "{line}");
    }
    assert_eq!(check(&args("-K -R --no-implied-dirs")), Ok(()), "without deletions");
}

proptest::proptest! {
    #[test]
    fn any_text_is_judged(args in proptest::collection::vec("-{0,2}[a-zA-Z@é=\u{0} /-]{0,12}", 0..6)) {
        let _ = check_with_delete(&args);
        for arg in &args {
            proptest::prop_assert!(arg.starts_with('-') || check(std::slice::from_ref(arg)).is_err());
        }
    }
}

#[test]
fn an_option_is_found_by_either_name() {
    assert!(names(&args("-ze ssh"), Some('e'), "rsh"));
    assert!(names(&args("--rsh ssh"), Some('e'), "rsh"));
    assert!(!names(&args("--exclude -e -T e"), Some('e'), "rsh"));
}
