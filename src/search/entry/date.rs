//! Dates.

/// A date as the decimal number `20260305`, so that later dates are larger. An unknown month or day is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(u32);

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

impl Date {
    /// Returns a valid calendar date; `None` if it is invalid or the year is not between 1 and 9999.
    pub fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let (y, m, d) = (year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?);
        let known = year > 0 && jiff::civil::Date::new(y, m, d).is_ok();
        known.then_some(Date(year * 10_000 + month * 100 + day))
    }

    /// Parses `2026-03-05`, optionally followed by a time of day.
    pub fn iso(text: &str) -> Option<Self> {
        let text = text.get(..10).unwrap_or(text);
        let mut parts = text.split('-').map(digits);
        let date = Date::new(parts.next()??, parts.next()??, parts.next()??)?;
        parts.next().is_none().then_some(date)
    }

    /// Parses `05-MAR-26`, the form in legacy files. Years from 50 on are in the 20th century, since the archive began in 1971.
    pub fn legacy(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (day, month, year) = (digits(parts.next()?)?, parts.next()?, digits(parts.next()?)?);
        let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
        let century = if year >= 50 { 1900 } else { 2000 };
        Date::new(century + year, u32::try_from(month).ok()? + 1, day)
    }

    /// Returns the decimal number.
    pub fn number(self) -> u32 {
        self.0
    }

    /// Returns the year.
    pub fn year(self) -> u32 {
        self.0 / 10_000
    }

    /// Converts a number from [`Date::number`].
    pub fn from_number(number: u64) -> Option<Self> {
        let n = u32::try_from(number).ok()?;
        Date::new(n / 10_000, n / 100 % 100, n % 100)
    }
}

fn digits(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_no_other_day_is_made_up() {
        assert_eq!(Date::iso("2016-02-14").map(Date::number), Some(20_160_214));
        assert_eq!(Date::iso("2024-02-29T00:00:00").map(|d| d.to_string()).as_deref(), Some("2024-02-29"));
        assert_eq!(Date::legacy("12-JAN-93").map(|d| d.to_string()).as_deref(), Some("1993-01-12"));
        assert_eq!(Date::legacy("05-mar-26").map(|d| d.to_string()).as_deref(), Some("2026-03-05"));
        for bad in ["", "2016", "2016-02", "2016-02-30", "2023-02-29", "16-13-01", "a-b-c", "2016-2-é"] {
            assert_eq!(Date::iso(bad), None, "{bad}");
        }
        for bad in ["", "12-XXX-93", "99-JAN-93", "12-JAN"] {
            assert_eq!(Date::legacy(bad), None, "{bad}");
        }
        assert_eq!(Date::from_number(20_160_214), Date::iso("2016-02-14"));
        assert_eq!(Date::from_number(7), None);
    }
}
