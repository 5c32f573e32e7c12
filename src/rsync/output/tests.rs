use super::*;
use proptest::prelude::*;
use std::time::Duration;

/// Splits at `\n` and at `\r`, like the reader of the pipe.
fn lines(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    output.strip_suffix(b"\n").unwrap_or(output).split(|b| matches!(b, b'\n' | b'\r'))
}

fn read(purpose: Purpose, output: &[u8]) -> (Reader, Vec<Line<'_>>) {
    let mut reader = Reader::new(purpose);
    let lines = lines(output).map(|line| reader.read(line)).collect();
    (reader, lines)
}

const LIST: &[u8] = include_bytes!("../../../tests/golden/rsync-3.5.0/list-hostile.stdout");
const TRANSFER: &[u8] = include_bytes!("../../../tests/golden/rsync-3.5.0/transfer-hostile.stdout");
const PROGRESS: &[u8] = include_bytes!("../../../tests/golden/rsync-3.5.0/transfer-slow.stdout");

#[test]
fn a_list_of_hostile_names() {
    let (reader, lines) = read(Purpose::List { all: false }, LIST);
    let changes: Vec<_> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Change(change) => Some(*change),
            _ => None,
        })
        .collect();
    let names = |kind, dir| {
        let mut names: Vec<_> = changes
            .iter()
            .filter(|c| c.kind == kind && c.dir == dir)
            .map(|c| String::from_utf8_lossy(&unescape(c.name)).into_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        names(ChangeKind::Deleted, false),
        ["a\nb", "gone", "gone-dir/-f", "gone-link -> x", "sp ", "stale/.~partial~/p"]
    );
    assert_eq!(names(ChangeKind::Deleted, true), ["gone-dir", "stale", "stale/.~partial~"]);
    assert_eq!(names(ChangeKind::Updated, false), ["changed", "touched"]);
    assert_eq!(
        names(ChangeKind::Created, true),
        [
            "              1   0%    0.00kB",
            "              1   0%    0.00kB/s    0:00:00 (xfr#1, to-chk=25",
            "new-dir"
        ]
    );
    assert_eq!(
        names(ChangeKind::Created, false),
        [
            "              1   0%    0.00kB/s    0:00:00 (xfr#1, to-chk=25/27)",
            "*deleting   0 changed",
            "-dash",
            "Number of files: 99 (reg: 99)",
            "\\#012",
            "esc\u{1b}[0m",
            "l -> m",
            "new\nline",
            "trailing ",
            "\u{fffd}\u{fffd}",
        ]
    );
    let change = |name: &[u8]| *changes.iter().find(|c| c.name == name).unwrap();
    assert_eq!((change(b"-dash").size, change(b"gone").size), (5, 0));
    assert!(change(b"changed").contents && !change(b"touched").contents);

    // rsync's figures agree with the parsed lines.
    let stats = reader.stats();
    let count = |kind| {
        let of_kind = || changes.iter().filter(|c| c.kind == kind);
        let of = |holds: fn(&Change<'_>) -> bool| of_kind().filter(|c| holds(c)).count() as u64;
        Count { total: of_kind().count() as u64, dirs: of(|c| c.dir), regular: of(|c| c.file) }
    };
    // For a deletion rsync does not print whether the entry is a regular file.
    let deleted = stats.deleted.unwrap();
    assert_eq!(Count { regular: 0, ..deleted }, count(ChangeKind::Deleted));
    assert_eq!(stats.created, Some(count(ChangeKind::Created)));
    let seconds = changes.iter().find(|c| c.name == b"changed").unwrap().mtime().unwrap();
    assert!(seconds > 1_700_000_000, "{seconds}");
    assert_eq!(stats.files, Some(Count { total: 17, dirs: 5, regular: 11 }));
    assert_eq!((stats.total_size, stats.transferred_size), (Some(38), Some(27)));
    assert_eq!((stats.sent, stats.received), (Some(554), Some(197)));
}

#[test]
fn an_unreadable_source_lists_no_deletion() {
    let output = include_bytes!("../../../tests/golden/rsync-3.5.0/unreadable-source-list.stdout");
    let (reader, lines) = read(Purpose::List { all: false }, output);
    assert!(lines.contains(&Line::Text(b"IO error encountered -- skipping file deletion")));
    assert!(!lines.iter().any(|l| matches!(l, Line::Change(c) if c.kind == ChangeKind::Deleted)));
    assert_eq!(reader.stats().deleted, Some(Count::default()));
}

#[test]
fn figures_and_names_of_a_transfer_are_told_apart() {
    let (reader, lines) = read(Purpose::Transfer, TRANSFER);
    let stats = reader.stats();
    assert_eq!(stats.files, Some(Count { total: 17, dirs: 5, regular: 11 }));
    assert_eq!((stats.deleted, stats.transferred), (Some(Count::default()), Some(10)));
    assert_eq!((stats.sent, stats.received), (Some(981), Some(229)));
    assert!(lines.contains(&Line::Text(b"Number of files: 99 (reg: 99)")));
    assert!(lines.contains(&Line::Text(b"*deleting   0 changed")));
    assert_eq!(lines.iter().filter(|line| **line == Line::Stat).count(), 13);
}

#[test]
fn a_file_named_like_a_figure_stays_a_name_after_any_line() {
    for before in
        ["", "1abc.cif.gz\n", "a\n\r              1   0%    0.00kB/s    0:00:00 (xfr#1, to-chk=1/2)\n"]
    {
        let output = format!("{before}Number of files: 99 (reg: 99)\nTotal file size: 7 bytes\n");
        let (reader, _) = read(Purpose::Transfer, output.as_bytes());
        assert_eq!(*reader.stats(), Stats::default(), "{before:?}");
    }
}

#[test]
fn the_last_block_of_figures_counts() {
    let output = b"\nNumber of files: 9 (reg: 9)\nTotal file size: 7 bytes\n\nNumber of files: 1 (dir: 1)\n";
    let (reader, _) = read(Purpose::List { all: false }, output);
    assert_eq!(reader.stats().files, Some(Count { total: 1, dirs: 1, regular: 0 }));
    assert_eq!(reader.stats().total_size, None);
}

#[test]
fn older_figures_are_read_as_far_as_they_go() {
    let output = b"\nNumber of files: 27\nNumber of files transferred: 20\nTotal file size: 3000046 bytes\n";
    let (reader, _) = read(Purpose::Transfer, output);
    assert_eq!(reader.stats().files, None, "how many are directories is not said");
    assert_eq!(reader.stats().transferred, Some(20));
    assert_eq!(reader.stats().deleted, None);
}

#[test]
fn progress_rises_to_the_end() {
    let (reader, lines) = read(Purpose::Transfer, PROGRESS);
    let progress: Vec<_> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Progress(progress) => Some(*progress),
            _ => None,
        })
        .collect();
    assert!(progress.len() > 5);
    assert!(progress.windows(2).all(|w| w[0].bytes <= w[1].bytes && w[0].percent <= w[1].percent));
    let last = progress[progress.len() - 1];
    assert_eq!((last.bytes, last.percent, last.files), (Some(1_200_000), Some(100.0), Some(3)));
    assert!(progress.iter().any(|p| p.eta.is_some_and(|eta| eta > Duration::from_secs(1))));
    assert_eq!(reader.stats().transferred, Some(3));
    assert!(!lines.iter().any(|l| matches!(l, Line::Text(text) if text.contains(&b'%'))), "{lines:?}");
}

#[test]
fn progress_in_all_its_forms() {
    let read = |line: &str| match Reader::new(Purpose::Transfer).read(line.as_bytes()) {
        Line::Progress(p) => Some(p),
        _ => None,
    };
    let p = read("        1234567  42%   10.00MB/s    0:00:12  ").unwrap();
    assert_eq!((p.bytes, p.percent, p.files), (Some(1_234_567), Some(42.0), None));
    assert_eq!((p.rate, p.eta), (Some(10.0 * 1_048_576.0), Some(Duration::from_secs(12))));
    let p = read("  1234567890123   0%    2.79GB/s  123:45:06 (xfr#3, ir-chk=1005/1010)").unwrap();
    assert_eq!((p.bytes, p.files, p.eta), (Some(1_234_567_890_123), Some(3), None));
    let p = read("          32768   2%    0.50kB/s   ??:??:??  ").unwrap();
    assert_eq!((p.rate, p.eta), (Some(512.0), None));
    for not in [
        "100d.cif.gz",
        " 42%",
        "        1234567 142%   10.00MB/s    0:00:12",
        "        1234567  42%   10.00XB/s    0:00:12",
        "        1234567  42%   -1.00MB/s    0:00:12",
        "        1234567  42%   10.00MB/s    0:61:12",
        "        1234567  42%   10.00MB/s    0:00:12 (xfr#3, to-chk=5/10) more",
        "        1234567  42%   10.00MB/s    0:00:12 name",
        "        12345x7  42%   10.00MB/s    0:00:12",
    ] {
        assert_eq!(read(not), None, "{not}");
    }
}

/// A partial line of progress gives the same progress as the whole line, or none, wherever reading stopped.
#[test]
fn progress_counts_before_its_line_has_an_end() {
    let mut told = 0;
    for line in lines(PROGRESS) {
        let whole = match Reader::new(Purpose::Transfer).read(line) {
            Line::Progress(now) => Some(now),
            _ => None,
        };
        for end in 0..=line.len() {
            let begun = Reader::new(Purpose::Transfer).begun(&line[..end]);
            assert!(begun.is_none() || begun == whole, "{:?}", String::from_utf8_lossy(&line[..end]));
        }
        assert_eq!(Reader::new(Purpose::Transfer).begun(line), whole, "{:?}", String::from_utf8_lossy(line));
        told += usize::from(whole.is_some());
    }
    assert!(told > 5);
    let listed =
        Reader::new(Purpose::List { all: false }).begun(b"            100  98%   10.00MB/s    0:00:12  ");
    assert_eq!(listed, None);
}

#[test]
fn a_percentage_never_falls() {
    let mut reader = Reader::new(Purpose::Transfer);
    let mut percent = |line: &str| match reader.read(line.as_bytes()) {
        Line::Progress(p) => p.percent,
        line => panic!("{line:?}"),
    };
    assert_eq!(percent("            100  98%   10.00MB/s    0:00:12  "), Some(98.0));
    assert_eq!(percent("            200   3%   10.00MB/s    0:00:12  "), Some(98.0));
    assert_eq!(percent("            300  99%   10.00MB/s    0:00:12  "), Some(99.0));
}

#[test]
fn permissions_are_told_apart_from_times_and_names() {
    for (line, permissions, name) in [
        (">f+++++++++ 5 rw-r--r-- 2026/11/28-15:21:12 f", "rw-r--r--", "f"),
        ("cd+++++++++ 4096 r-xr-sr-t 2026/11/28-15:21:12 d/", "r-xr-sr-t", "d"),
        ("*deleting   0 --------- 1970/01/01-00:00:00 gone/", "---------", "gone"),
        (">f+++++++++ 5 2026/11/28-15:21:12 f", "", "f"),
        (
            ">f+++++++++ 5 2026/11/28-15:21:12 rwxr-xr-x 2026/11/28-15:21:12 f",
            "",
            "rwxr-xr-x 2026/11/28-15:21:12 f",
        ),
        (">f+++++++++ 5 rw-r--r-- 2026/11/28-15:21:12 rwxr-xr-x f", "rw-r--r--", "rwxr-xr-x f"),
    ] {
        let (_, lines) = read(Purpose::List { all: false }, line.as_bytes());
        let [Line::Change(change)] = lines[..] else { panic!("{line}") };
        assert_eq!((change.permissions, change.name), (permissions.as_bytes(), name.as_bytes()), "{line}");
        assert!(change.time.starts_with(b"19") || change.time.starts_with(b"2026/11/28-"), "{line}");
    }
}

#[test]
fn changes_are_read_in_lists_only_and_only_real_ones() {
    let read = |line: &'static str| match Reader::new(Purpose::List { all: false }).read(line.as_bytes()) {
        Line::Change(change) => Some(change),
        _ => None,
    };
    let change = read("hf+++++++++ 3 2026/11/28-15:21:12 hard").unwrap();
    assert_eq!((change.kind, change.contents), (ChangeKind::Created, false));
    let change = read(".d..t...... 4096 2026/11/28-15:21:12 ./").unwrap();
    assert_eq!((change.kind, change.dir, change.name), (ChangeKind::Updated, true, &b"."[..]));
    let change = read(".f          5 2026/11/28-15:21:12 same").unwrap();
    assert_eq!((change.kind, change.mtime()), (ChangeKind::Unchanged, Some(1_795_879_272)));
    assert!(read(">fcst...... 5 2026/11/28-15:21:12 f").unwrap().resized);
    for not in [
        "created directory >f",
        ">f+++++++++ 5 name without a time",
        "created dir 5 x",
        "cannot delete non-empty directory: x",
        ">f+++++++++ x 2026/11/28-15:21:12 name",
        ">f+++++++++ 5 2026/11/28-15:21:12 ",
        ">f+++++++++ 5",
        "*deleting   0 2026/11/28-15:21:12 ",
        "*deleting   0 2026/11/28-15:21:12 /",
        "*deleting   0 2026/11/28-15:21:12 /etc/passwd",
        "*deleting   0 2026/11/28-15:21:12 ../x",
        "*deleting   0 2026/11/28-15:21:12 a/../../x",
        "*deleting   0 2026/11/28-15:21:12 \\#056\\#056/x",
        "*deleting   0 2026/11/28-15:21:12 a\\#000b",
        "*deleting   0 2026/11/28-15:21:12 a//b",
        "*deleted    0 2026/11/28-15:21:12 x",
    ] {
        assert_eq!(read(not), None, "{not}");
    }
    let line = b"*deleting   0 2026/11/28-15:21:12 x";
    assert_eq!(Reader::new(Purpose::Transfer).read(line), Line::Text(line));
}

proptest! {
    #[test]
    fn any_bytes_are_some_line(
        purpose in prop_oneof![Just(Purpose::List { all: false }), Just(Purpose::Plan { all: false }), Just(Purpose::Transfer)],
        output in proptest::collection::vec(prop_oneof![
            any::<u8>().prop_map(|b| vec![b]),
            prop_oneof![
                Just("\n"), Just("\n\nNumber of files: "), Just("*deleting   "), Just(">f+++++++++ "),
                Just("99999999999999999999 "), Just("\n        1234567  42%   10.00MB/s    0:00:12 "),
                Just("(xfr#"), Just("Total bytes sent: "), Just("(reg: "), Just("dir: "), Just(")"), Just("12"),
                Just("5 2026/11/28-15:21:12 "),
            ].prop_map(|s: &str| s.as_bytes().to_vec()),
        ], 0..60),
    ) {
        let output = output.concat();
        let mut reader = Reader::new(purpose);
        for line in lines(&output) {
            match reader.read(line) {
                Line::Text(text) => prop_assert_eq!(text, line),
                Line::Change(change) => {
                    prop_assert!(purpose != Purpose::Transfer);
                    prop_assert!(!change.name.is_empty());
                }
                Line::Progress(p) => prop_assert!(p.percent.is_some_and(|p| (0.0..=100.0).contains(&p))),
                Line::Stat => {}
            }
        }
    }
}
