//! How much a run may delete.

use std::fmt;
use std::str::FromStr;

/// The most files that one run of a job may delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxDelete {
    /// 10 % of the destination's files, and never fewer than 100.
    Default,
    /// So many files.
    Files(u64),
    /// So many hundredths of a percent of the destination's files (1000 is 10 %), rounded down.
    Share(u32),
}

impl MaxDelete {
    /// The limit for a destination that holds `files` files.
    pub fn of(self, files: u64) -> u64 {
        let share = |hundredths: u32| (u128::from(files) * u128::from(hundredths) / 10_000) as u64;
        match self {
            MaxDelete::Default => share(1_000).max(100),
            MaxDelete::Files(n) => n,
            MaxDelete::Share(hundredths) => share(hundredths),
        }
    }
}

impl FromStr for MaxDelete {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is neither a number of files nor a share such as \"10%\"");
        let text = text.trim();
        let Some(percent) = text.strip_suffix('%') else {
            return text.parse().map(MaxDelete::Files).map_err(|_| bad());
        };
        let percent: f64 = percent.trim().parse().map_err(|_| bad())?;
        if (0.0..=100.0).contains(&percent) {
            Ok(MaxDelete::Share((percent * 100.0).round() as u32))
        } else {
            Err(format!("{text:?} is not between 0% and 100%"))
        }
    }
}

impl fmt::Display for MaxDelete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MaxDelete::Default => f.write_str("10%, at least 100"),
            MaxDelete::Files(n) => write!(f, "{n}"),
            MaxDelete::Share(hundredths) => write!(f, "{}%", f64::from(*hundredths) / 100.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_ten_percent_and_at_least_a_hundred() {
        assert_eq!(MaxDelete::Default.of(0), 100);
        assert_eq!(MaxDelete::Default.of(1_000), 100);
        assert_eq!(MaxDelete::Default.of(1_010), 101);
        assert_eq!(MaxDelete::Default.of(u64::MAX), u64::MAX / 10);
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
