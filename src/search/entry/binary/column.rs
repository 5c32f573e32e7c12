//! Decodes columns. The encodings are undone one after the other.

use serde::Deserialize;

/// The maximum number of values that are read of a column. No wanted table of the archive has as many.
pub(super) const MOST: usize = 1 << 20;

/// The maximum size in bytes of a column's text that is not ASCII. Longer texts are read only if they are ASCII.
const LONGEST: usize = 16 << 20;

type Wrong = &'static str;

/// Encoded bytes and the steps of their encoding.
#[derive(Deserialize)]
pub(super) struct Data<'a> {
    data: &'a [u8],
    #[serde(borrow)]
    encoding: Vec<Encoding<'a>>,
}

/// A step of an encoding. Only the parameters of its kind are set.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Encoding<'a> {
    kind: &'a str,
    #[serde(rename = "type")]
    kind_of_number: u8,
    factor: f64,
    min: f64,
    max: f64,
    num_steps: f64,
    origin: i64,
    src_size: usize,
    byte_count: u8,
    is_unsigned: bool,
    #[serde(borrow)]
    data_encoding: Vec<Encoding<'a>>,
    string_data: &'a str,
    #[serde(borrow)]
    offset_encoding: Vec<Encoding<'a>>,
    #[serde(borrow)]
    offsets: Bytes<'a>,
}

#[derive(Deserialize, Default)]
#[serde(transparent)]
struct Bytes<'a>(&'a [u8]);

impl Data<'_> {
    /// Decodes numbers: masks, and columns that are not text.
    pub(super) fn numbers(&self) -> Result<Vec<f64>, Wrong> {
        numbers(self.data, &self.encoding)
    }

    /// Decodes the first `rows` texts.
    pub(super) fn texts(&self, rows: usize) -> Result<Vec<String>, Wrong> {
        let [encoding] = &self.encoding[..] else { return self.plain() };
        if encoding.kind != "StringArray" {
            return self.plain();
        }
        let offsets = numbers(encoding.offsets.0, &encoding.offset_encoding)?;
        let places = numbers(self.data, &encoding.data_encoding)?;
        let offsets = places_in(encoding.string_data, &offsets)?;
        let word = |place: f64| -> Result<String, Wrong> {
            // A missing value has a negative index.
            if place < 0.0 {
                return Ok(String::new());
            }
            let at = |n: usize| offsets.get(n).copied();
            let (from, to) = (at(place as usize), at(place as usize + 1));
            let range = from.zip(to).map(|(from, to)| from..to).ok_or("a text has no offset")?;
            encoding.string_data.get(range).map(str::to_owned).ok_or("a text lies outside of the texts")
        };
        places.into_iter().take(rows).map(word).collect()
    }

    fn plain(&self) -> Result<Vec<String>, Wrong> {
        let rounded = |number: f64| (number * 1e6).round() / 1e6;
        Ok(self.numbers()?.into_iter().map(|number| rounded(number).to_string()).collect())
    }
}

/// Returns where texts begin and end, in bytes. The unit of the offsets depends on the language of the writer: UTF-16 code units,
/// characters, or bytes.
fn places_in(text: &str, offsets: &[f64]) -> Result<Vec<usize>, Wrong> {
    let last = offsets.iter().fold(0.0_f64, |last, offset| last.max(*offset)) as usize;
    if text.is_ascii() || last == text.len() {
        return Ok(offsets.iter().map(|offset| *offset as usize).collect());
    }
    if text.len() > LONGEST {
        return Err("its texts are too long");
    }
    let units = if last == text.chars().count() { |_| 1 } else { char::len_utf16 };
    let mut places = Vec::with_capacity(text.len() + 1);
    for (at, c) in text.char_indices() {
        places.extend(std::iter::repeat_n(at, units(c)));
    }
    places.push(text.len());
    let place =
        |offset: &f64| places.get(*offset as usize).copied().ok_or("a text lies outside of the texts");
    offsets.iter().map(place).collect()
}

/// Decodes numbers. The last step of the encoding is undone first.
fn numbers(bytes: &[u8], steps: &[Encoding<'_>]) -> Result<Vec<f64>, Wrong> {
    let mut steps = steps.iter().rev();
    let first = steps.next().filter(|step| step.kind == "ByteArray").ok_or("a ByteArray is missing")?;
    let mut values = array(bytes, first.kind_of_number)?;
    for step in steps {
        values = match step.kind {
            "FixedPoint" if step.factor != 0.0 => values.into_iter().map(|n| n / step.factor).collect(),
            "IntervalQuantization" if step.num_steps > 1.0 => {
                let width = (step.max - step.min) / (step.num_steps - 1.0);
                values.into_iter().map(|n| step.min + n * width).collect()
            }
            "Delta" => {
                let mut sum = step.origin as f64;
                let add = |n: f64| {
                    sum += n;
                    sum
                };
                values.into_iter().map(add).collect()
            }
            "RunLength" => run_lengths(&values, step.src_size)?,
            "IntegerPacking" => unpacked(&values, step),
            _ => return Err("an encoding is unknown"),
        };
    }
    Ok(values)
}

fn array(bytes: &[u8], kind: u8) -> Result<Vec<f64>, Wrong> {
    fn each<const N: usize>(bytes: &[u8], of: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.as_chunks::<N>().0.iter().take(MOST).map(|chunk| of(*chunk)).collect()
    }
    Ok(match kind {
        1 => each(bytes, |b: [u8; 1]| f64::from(b[0].cast_signed())),
        2 => each(bytes, |b| f64::from(i16::from_le_bytes(b))),
        3 => each(bytes, |b| f64::from(i32::from_le_bytes(b))),
        4 => each(bytes, |b: [u8; 1]| f64::from(b[0])),
        5 => each(bytes, |b| f64::from(u16::from_le_bytes(b))),
        6 => each(bytes, |b| f64::from(u32::from_le_bytes(b))),
        32 => each(bytes, |b| f64::from(f32::from_le_bytes(b))),
        33 => each(bytes, f64::from_le_bytes),
        _ => return Err("a type of numbers is unknown"),
    })
}

/// Expands pairs of a value and its number of repetitions.
fn run_lengths(pairs: &[f64], size: usize) -> Result<Vec<f64>, Wrong> {
    let most = size.min(MOST);
    let mut values = Vec::new();
    for [value, times] in pairs.as_chunks::<2>().0 {
        let room = most - values.len();
        values.extend(std::iter::repeat_n(*value, (*times as usize).min(room)));
    }
    Ok(values)
}

/// Undoes the packing of integers. A number that did not fit is stored as a sum: all its parts but the last are the largest, or the
/// smallest, value that fits.
fn unpacked(values: &[f64], step: &Encoding<'_>) -> Vec<f64> {
    let (low, high) = match (step.byte_count, step.is_unsigned) {
        (1, true) => (f64::NEG_INFINITY, 255.0),
        (1, false) => (-128.0, 127.0),
        (_, true) => (f64::NEG_INFINITY, 65_535.0),
        (_, false) => (-32_768.0, 32_767.0),
    };
    let mut found = Vec::with_capacity(values.len());
    let mut sum = 0.0;
    for value in values {
        sum += value;
        if *value != low && *value != high {
            found.push(sum);
            sum = 0.0;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_bytes_characters_or_units_of_utf_16() {
        let all = "M\u{fc}ller\u{1f9ec}DNA";
        for offsets in [[0.0, 6.0, 7.0, 10.0], [0.0, 6.0, 8.0, 11.0], [0.0, 7.0, 11.0, 14.0]] {
            let places = places_in(all, &offsets).unwrap();
            let texts: Vec<&str> = places.windows(2).map(|ends| &all[ends[0]..ends[1]]).collect();
            assert_eq!(texts, ["M\u{fc}ller", "\u{1f9ec}", "DNA"], "{offsets:?}");
        }
        assert_eq!(places_in("abc", &[0.0, 9.0]), Ok(vec![0, 9]));
        assert!(places_in("\u{fc}", &[0.0, 9.0]).is_err());
    }
}
