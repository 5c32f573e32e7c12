use super::*;
use proptest::prelude::*;

fn write(state: &Path, names: &[(NameKind, Vec<u8>)]) -> Names {
    let mut writer = NameWriter::create(state, "j").unwrap();
    for (kind, name) in names {
        writer.push(*kind, name).unwrap();
    }
    writer.finish().unwrap()
}

fn all(mut reader: NameReader) -> Vec<(NameKind, Vec<u8>)> {
    let mut names = Vec::new();
    while let Some((kind, name)) = reader.next().unwrap() {
        names.push((kind, name.to_vec()));
    }
    names
}

fn some() -> Vec<(NameKind, Vec<u8>)> {
    let deep = [&[b'd'; 300][..], b"/x"].concat();
    vec![
        (NameKind::Dir, b"ab".to_vec()),
        (NameKind::File, b"ab/1abc.cif.gz".to_vec()),
        (NameKind::Other, b"ab/\xff\n".to_vec()),
        (NameKind::File, deep.clone()),
        (NameKind::File, [&deep[..], b"y"].concat()),
    ]
}

#[test]
fn names_come_back_as_they_were_kept() {
    let state = tempfile::tempdir().unwrap();
    assert!(kept(state.path(), "j").is_none());
    let names = write(state.path(), &some());
    assert_eq!(all(names.read().unwrap()), some());
    assert_eq!(names.counts, NameCounts { files: 3, dirs: 1, others: 1 });
    names.keep(state.path(), "j").unwrap();
    assert_eq!(all(kept(state.path(), "j").unwrap()), some());
    assert_eq!(kept_counts(state.path(), "j"), Some(NameCounts { files: 3, dirs: 1, others: 1 }));
    forget(state.path(), "j");
    assert!(kept(state.path(), "j").is_none());
}

#[test]
fn what_is_damaged_counts_as_none() {
    let state = tempfile::tempdir().unwrap();
    write(state.path(), &some()).keep(state.path(), "j").unwrap();
    let path = names_path(state.path(), "j");
    let sound = fs::read(&path).unwrap();
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(kept(state.path(), "j").is_none(), "byte {at}");
        fs::write(&path, &sound[..at]).unwrap();
        assert!(kept(state.path(), "j").is_none(), "cut at {at}");
    }
}

#[test]
fn what_a_killed_run_left_is_removed_and_that_of_another_job_is_not() {
    let state = tempfile::tempdir().unwrap();
    let dir = state.path().join("listings");
    fs::create_dir(&dir).unwrap();
    for name in ["j.names-x", "jj.names-x", "j.names"] {
        fs::write(dir.join(name), "").unwrap();
    }
    drop(NameWriter::create(state.path(), "j").unwrap());
    let mut left: Vec<_> = fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["j.names", "jj.names-x"]);
}

#[test]
fn without_a_state_directory_names_are_read_but_not_kept() {
    let nowhere = Path::new("/proc/nowhere");
    let names = write(nowhere, &some());
    assert_eq!(all(names.read().unwrap()), some());
    names.keep(nowhere, "j").unwrap();
    assert!(kept(nowhere, "j").is_none());
}

proptest! {
    #[test]
    fn any_names_survive_and_differences_are_applied(
        names in proptest::collection::btree_set(proptest::collection::vec(1u8.., 1..40), 0..50),
        cut in 0usize..50,
    ) {
        let state = tempfile::tempdir().unwrap();
        let names: Vec<_> = names.into_iter().map(|name| (NameKind::File, name)).collect();
        let (old, new) = names.split_at(cut.min(names.len()));
        write(state.path(), old).keep(state.path(), "j").unwrap();
        let mut writer = NameWriter::create(state.path(), "j").unwrap();
        let dropped: HashSet<u64> = old.iter().take(3).map(|(_, name)| hash(name)).collect();
        let added = new.iter().map(|(kind, name)| (*kind, &name[..]));
        apply(kept(state.path(), "j").unwrap(), &mut writer, &dropped, added).unwrap();
        let expected: Vec<_> = old.iter().skip(3).chain(new).cloned().collect();
        prop_assert_eq!(all(writer.finish().unwrap().read().unwrap()), expected);
    }
}
