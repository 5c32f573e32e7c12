//! Keeps the first and the last lines of a job's output, in bounded memory.

use std::ops::Range;

/// Limits for each job's output in a group: only the first and the last bytes are shown; the log is complete. With a hundred jobs at the same time
/// this takes about 10 MB.
pub(super) const HEAD: usize = 16 << 10;
pub(super) const TAIL: usize = 48 << 10;

/// The start and the end of a sequence of lines; at most about `head + 2 × tail` bytes.
#[derive(Debug)]
pub(super) struct KeptOutput {
    limits: Range<usize>,
    head: Vec<u8>,
    tail: Vec<u8>,
    left_out: u64,
}

impl KeptOutput {
    /// Keeps whole lines of up to `head` bytes from the start, and at least the last `tail` bytes.
    pub(super) fn new(head: usize, tail: usize) -> Self {
        KeptOutput { limits: head..head + tail, head: Vec::new(), tail: Vec::new(), left_out: 0 }
    }

    /// Appends whole lines.
    pub(super) fn push(&mut self, mut block: &[u8]) {
        if self.tail.is_empty() && self.left_out == 0 {
            let room = self.limits.start.saturating_sub(self.head.len()).min(block.len());
            let fits = if room == block.len() {
                room
            } else {
                memchr::memrchr(b'\n', &block[..room]).map_or(0, |end| end + 1)
            };
            self.head.extend_from_slice(&block[..fits]);
            block = &block[fits..];
        }
        let limit = self.limits.len();
        self.tail.extend_from_slice(block);
        if self.tail.len() > 2 * limit {
            let cut = self.tail.len() - limit;
            // Cuts at the next whole line, or within a line that is longer than the limit.
            let cut = match memchr::memchr(b'\n', &self.tail[cut..]) {
                Some(end) if cut + end + 1 < self.tail.len() => cut + end + 1,
                _ => cut,
            };
            self.left_out += memchr::memchr_iter(b'\n', &self.tail[..cut]).count() as u64;
            self.tail.drain(..cut);
        }
    }

    /// Returns the first lines, the number of lines omitted after them, and the last lines.
    pub(super) fn parts(&self) -> (&[u8], u64, &[u8]) {
        (&self.head, self.left_out, &self.tail)
    }

    /// Returns everything as one text, with a line in place of omitted lines.
    pub(super) fn text(&self) -> Vec<u8> {
        let (head, left_out, tail) = self.parts();
        let gap = if left_out > 0 { gap(left_out) } else { String::new() };
        [head, gap.as_bytes(), tail].concat()
    }
}

/// Returns the line in place of omitted lines.
pub(super) fn gap(lines: u64) -> String {
    format!("… {} left out; the log has them all\n", super::units::count(lines, "line", "lines"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_output_is_kept_whole() {
        let mut kept = KeptOutput::new(8, 8);
        kept.push(b"one\ntwo\nthree\n");
        assert_eq!(kept.text(), b"one\ntwo\nthree\n");
    }

    proptest! {
        #[test]
        fn lines_are_kept_or_counted(lengths in proptest::collection::vec(0usize..12, 0..80), step in 1usize..5) {
            let lines: Vec<String> = lengths.iter().enumerate().map(|(i, n)| format!("{i}{}\n", "x".repeat(*n))).collect();
            let mut kept = KeptOutput::new(40, 60);
            for block in lines.chunks(step) {
                kept.push(block.concat().as_bytes());
            }
            let whole = lines.concat();
            let (head, left_out, tail) = kept.parts();
            prop_assert!(whole.as_bytes().starts_with(head));
            prop_assert!(whole.as_bytes().ends_with(tail));
            prop_assert!(head.len() <= 40 && tail.len() <= 120);
            let count = |text: &[u8]| text.iter().filter(|b| **b == b'\n').count() as u64;
            prop_assert_eq!(count(head) + left_out + count(tail), lines.len() as u64);
        }

        #[test]
        fn memory_is_bounded_whatever_the_lines(blocks in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..400), 0..20)) {
            let mut kept = KeptOutput::new(40, 60);
            for block in blocks {
                kept.push(&block);
            }
            prop_assert!(kept.head.len() <= 40 && kept.tail.len() <= 120);
        }
    }
}
