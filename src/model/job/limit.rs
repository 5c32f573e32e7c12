//! Limits on deletions, and on files of a source that are older than the mirror.

use std::fmt;
use std::str::FromStr;

/// Declares a limit on files: a number or a share, with a default that has no notation in the file.
macro_rules! limit {
    ($(#[$doc:meta])* $name:ident, $(#[$default_doc:meta])* $shown:literal, $default:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum $name {
            $(#[$default_doc])*
            #[default]
            Default,
            /// A number of files.
            Files(u64),
            /// A share in hundredths of a percent (1000 is 10 %), rounded down.
            Share(u32),
        }

        impl $name {
            /// Returns the limit for a total of `files`.
            pub fn of(self, files: u64) -> u64 {
                let default: fn(u64) -> u64 = $default;
                match self {
                    $name::Default => default(files),
                    $name::Files(n) => n,
                    $name::Share(hundredths) => share(files, hundredths),
                }
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Ok(match read(text)? {
                    Written::Files(n) => $name::Files(n),
                    Written::Share(hundredths) => $name::Share(hundredths),
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $name::Default => f.write_str($shown),
                    $name::Files(n) => write!(f, "{n}"),
                    $name::Share(hundredths) => write!(f, "{}%", f64::from(*hundredths) / 100.0),
                }
            }
        }
    };
}

limit! {
    /// The maximum number of files that one run of a job may delete.
    MaxDelete,
    /// 10 % of the destination's files, at least 100, but at most half of them, rounded up: a small mirror must not be emptied because only
    /// a part of its source is mounted.
    "10%, at least 100, at most half (rounded up)",
    |files| share(files, 1_000).max(100).min(files.div_ceil(2))
}

impl MaxDelete {
    /// Returns the limit for a source without files that the user accepted for this run. The user expects that more than half of the files
    /// are deleted.
    pub fn of_accepted_empty(self, files: u64) -> u64 {
        match self {
            MaxDelete::Default => MaxEntries::Default.of(files),
            set => set.of(files),
        }
    }
}

limit! {
    /// The maximum number of entries that one `clean run` may remove. A plan lists each of them, so all entries of a tree may be removable.
    MaxEntries,
    /// 10 % of the tree's entries, at least 100.
    "10%, at least 100",
    |entries| share(entries, 1_000).max(100)
}

limit! {
    /// The maximum number of files of the usual source that may be older than those of the destination.
    MaxOlder,
    /// 1 % of the destination's files, at least 10.
    "1%, at least 10",
    |files| share(files, 100).max(10)
}

fn share(files: u64, hundredths: u32) -> u64 {
    (u128::from(files) * u128::from(hundredths) / 10_000) as u64
}

/// A limit as written.
enum Written {
    Files(u64),
    Share(u32),
}

fn read(text: &str) -> Result<Written, String> {
    let bad = || format!("{text:?} is neither a number of files nor a share such as \"10%\"");
    let text = text.trim();
    let Some(percent) = text.strip_suffix('%') else {
        return text.parse().map(Written::Files).map_err(|_| bad());
    };
    let percent = percent.trim();
    // An exponent is almost certainly a mistake.
    if percent.contains(['e', 'E']) {
        return Err(bad());
    }
    let percent: f64 = percent.parse().map_err(|_| bad())?;
    if (0.0..=100.0).contains(&percent) {
        Ok(Written::Share((percent * 100.0).round() as u32))
    } else {
        Err(format!("{text:?} is not between 0% and 100%"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_ten_percent_at_least_a_hundred_and_at_most_half_rounded_up() {
        for (files, limit) in [
            (0, 0),
            (1, 1),
            (2, 1),
            (3, 2),
            (90, 45),
            (199, 100),
            (200, 100),
            (201, 100),
            (1_000, 100),
            (1_010, 101),
            (u64::MAX, u64::MAX / 10),
        ] {
            assert_eq!(MaxDelete::Default.of(files), limit, "of {files}");
        }
    }

    #[test]
    fn an_accepted_empty_source_may_take_more_than_half_of_a_small_mirror_but_no_more_than_before() {
        assert_eq!(
            [20, 100, 1_010].map(|files| MaxDelete::Default.of_accepted_empty(files)),
            [100, 100, 101]
        );
        assert_eq!([20, 100].map(|files| MaxDelete::Share(1_000).of_accepted_empty(files)), [2, 10]);
        assert_eq!([1, 100, 1_010].map(|entries| MaxEntries::Default.of(entries)), [100, 100, 101]);
    }

    #[test]
    fn what_is_set_means_what_it_says_however_small_the_mirror() {
        let ten: MaxDelete = "10%".parse().unwrap();
        let quarter: MaxDelete = "2.5%".parse().unwrap();
        for (files, of_ten, of_quarter) in [
            (0, 0, 0),
            (1, 0, 0),
            (9, 0, 0),
            (10, 1, 0),
            (39, 3, 0),
            (40, 4, 1),
            (90, 9, 2),
            (1_000, 100, 25),
        ] {
            assert_eq!((ten.of(files), quarter.of(files)), (of_ten, of_quarter), "of {files}");
            assert_eq!(MaxDelete::Files(500).of(files), 500);
            assert_eq!(MaxDelete::Share(10_000).of(files), files);
        }
    }

    #[test]
    fn one_percent_may_be_older_and_at_least_ten() {
        for (files, limit) in [(0, 10), (1, 10), (1_000, 10), (1_099, 10), (1_100, 11), (250_160, 2_501)] {
            assert_eq!(MaxOlder::Default.of(files), limit, "of {files}");
        }
        for (text, older, of_2000) in
            [("0", MaxOlder::Files(0), 0), ("5", MaxOlder::Files(5), 5), ("1%", MaxOlder::Share(100), 20)]
        {
            let read: MaxOlder = text.parse().unwrap();
            assert_eq!((read, read.of(2_000), read.to_string()), (older, of_2000, text.to_owned()));
        }
        assert!("older".parse::<MaxOlder>().is_err());
    }

    #[test]
    fn numbers_and_shares_are_read_and_shown() {
        for (text, limit, of_2000) in [
            ("0", MaxDelete::Files(0), 0),
            ("5000", MaxDelete::Files(5_000), 5_000),
            ("10%", MaxDelete::Share(1_000), 200),
            ("0.5%", MaxDelete::Share(50), 10),
            ("100%", MaxDelete::Share(10_000), 2_000),
        ] {
            let read: MaxDelete = text.parse().unwrap();
            assert_eq!(read, limit);
            assert_eq!(read.of(2_000), of_2000);
            assert_eq!(read.to_string(), text);
        }
        for bad in ["", "-1", "ten", "101%", "-1%", "NaN%", "1e3"] {
            assert!(bad.parse::<MaxDelete>().is_err(), "{bad}");
        }
    }
}
