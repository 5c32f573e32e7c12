//! Announced changes of archives.

use jiff::civil::Date;
use serde::Deserialize;

/// A change that an archive has announced for a day.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The day.
    pub day: Date,
    /// What was announced, as a main clause without a full stop.
    pub about: String,
    /// What was not announced, as a main clause; may be empty.
    #[serde(default)]
    pub unknown: String,
    /// The names of the archives that it concerns.
    pub archives: Vec<String>,
    /// The name of the layout that they have afterwards, if it changes.
    pub layout: Option<String>,
}

impl Change {
    /// Returns the number of days until then; negative afterwards.
    pub fn days_from(&self, today: Date) -> i32 {
        today.until(self.day).map_or(0, |span| span.get_days())
    }

    /// Returns the day and its distance: `2027-07-21 (in 234 days)`.
    pub fn when(&self, today: Date) -> String {
        let distance = match self.days_from(today) {
            0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            -1 => "yesterday".to_owned(),
            days if days > 0 => format!("in {days} days"),
            days => format!("{} days ago", days.unsigned_abs()),
        };
        format!("{} ({distance})", self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_across_months_and_years() {
        let change = |day: &str| Change {
            day: day.parse().unwrap(),
            about: String::new(),
            unknown: String::new(),
            archives: Vec::new(),
            layout: None,
        };
        let switch = change("2027-07-21");
        let when = |today: &str| switch.when(today.parse().unwrap());
        assert_eq!(when("2026-11-29"), "2027-07-21 (in 234 days)");
        assert_eq!(when("2027-07-20"), "2027-07-21 (tomorrow)");
        assert_eq!(when("2027-07-21"), "2027-07-21 (today)");
        assert_eq!(when("2027-07-22"), "2027-07-21 (yesterday)");
        assert_eq!(when("2028-07-21"), "2027-07-21 (366 days ago)");
    }
}
