//! The lines of `--info=progress2`.

use super::stats::number;
use crate::model::event::Progress;
use std::time::Duration;

/// Column of the `%`: rsync prints `%15s %3d%% %7.2f%s %s`.
const PERCENT_SIGN: usize = 19;

/// Parses `   1234567  42%   10.00MB/s    0:00:12` and the same with ` (xfr#3, to-chk=5/10)`.
///
/// With the brackets, which end a file, rsync's last column is the elapsed time instead of the time left. So only lines without them have
/// an `eta`; the `rate` of the others is the average so far.
pub(super) fn read(line: &[u8]) -> Option<Progress> {
    // Checked first because it excludes most names at once: names in an archive may start with digits too.
    if line.get(PERCENT_SIGN) != Some(&b'%') {
        return None;
    }
    let bytes = number(line[..15].trim_ascii_start())?;
    let percent = number(line[15..PERCENT_SIGN].trim_ascii_start()).filter(|p| *p <= 100)?;
    let mut words = line[PERCENT_SIGN + 1..].split(|b| *b == b' ').filter(|word| !word.is_empty());
    let rate = rate(words.next()?)?;
    let time = time(words.next()?)?;
    let files = match words.next() {
        None => None,
        Some(word) => {
            let files = number(word.strip_prefix(b"(xfr#")?.strip_suffix(b",")?)?;
            let left = words.next()?.strip_suffix(b")")?;
            if !(left.starts_with(b"to-chk=") || left.starts_with(b"ir-chk=")) || words.next().is_some() {
                return None;
            }
            Some(files)
        }
    };
    // At the very beginning nothing was transferred, and "0:00:00" is not an estimate.
    let eta = if files.is_none() && rate > 0.0 { time } else { None };
    Some(Progress { bytes: Some(bytes), percent: Some(percent as f64), files, rate: Some(rate), eta })
}

/// Whether such a line is complete: rsync ends it with the brackets, or with two spaces in their place.
pub(super) fn is_whole(line: &[u8]) -> bool {
    line.ends_with(b")") || line.ends_with(b"  ")
}

/// Parses `10.00MB/s` to bytes per second; rsync's units are powers of 1024.
fn rate(word: &[u8]) -> Option<f64> {
    let word = std::str::from_utf8(word).ok()?.strip_suffix("B/s")?;
    let unit = match word.bytes().last()? {
        b'k' => 1024.0,
        b'M' => 1024.0 * 1024.0,
        b'G' => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let number: f64 = word[..word.len() - 1].parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number * unit)
}

/// Parses `0:00:12`; `Some(None)` for `??:??:??`, which rsync prints above 9999 hours.
fn time(word: &[u8]) -> Option<Option<Duration>> {
    if word == b"??:??:??" {
        return Some(None);
    }
    let mut parts = word.split(|b| *b == b':').map(number);
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || hours > 9_999 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some(Some(Duration::from_secs(hours * 3600 + minutes * 60 + seconds)))
}
