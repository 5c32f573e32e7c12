//! The entries that jobs are limited to.

use super::*;
use crate::model::entry_ids::EntryIds;
use std::sync::Arc;

#[test]
fn entries_come_from_a_file_or_the_key() {
    let ids = |body: &str| {
        let only = job(body).only.unwrap();
        assert!(!only.typed);
        only.ids.ids().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(ids("ids = '/etc/pdb/ids'"), ["1abc", "2xyz"]);
    assert_eq!(ids("ids = 'ids'"), ["1abc", "2xyz"], "relative to the directory of the file");
    assert_eq!(ids("ids = ['2XYZ', 'pdb_00001abc', '1abc']"), ["pdb_00001abc", "2xyz"]);
    assert_eq!(job("").only, None);
    let unfit = |body: &str| job(body).unfit.unwrap().text;
    assert_eq!(unfit("ids = 'bad'"), "ids: /etc/pdb/bad:3: \"nope\" is no entry ID");
    assert_eq!(unfit("ids = 'none'"), "ids: cannot read /etc/pdb/none: it is not there");
    assert_eq!(unfit("ids = ['1abc', 'nope', '2x']"), "ids: \"nope\" is no entry ID, nor is \"2x\"");
    assert_eq!(unfit("ids = []"), "ids: the list has no entry ID");
    assert_eq!(unfit("ids = '1abc'"), "ids: \"1abc\" would be the path of a file");
    assert!(unfit("ids = ['1abc']\nrsync_args = ['-R']").contains("rsync's --relative"));
}

/// The option is stronger, and such a job never deletes.
#[test]
fn entries_of_the_command_line_are_for_one_run() {
    let ids = EntryIds::parse(b"3xyz").unwrap();
    let over = Overrides { ids: Some(Arc::new(ids)), ..Overrides::default() };
    for body in ["ids = 'bad'", "ids = ['1abc']", ""] {
        let text = format!("[jobs.j]\nsource = 'h::m/'\ndest = '/m'\ndelete = true\n{body}");
        let job = load_over(&text, &over).unwrap().jobs.remove(0);
        let only = job.only.unwrap();
        assert_eq!(
            (only.ids.ids()[0].to_string().as_str(), only.typed, only.not_deleting),
            ("3xyz", true, true)
        );
        assert!(!job.delete && job.unfit.is_none());
    }
    let refused = load_over("[jobs.j]\nsource = 'wwpdb:'\ndest = '/m'", &over).unwrap_err().to_string();
    assert!(refused.contains("--ids needs a source with one kind of files"), "{refused}");
}
