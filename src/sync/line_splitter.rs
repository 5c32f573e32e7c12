//! Splits the bytes of a pipe into lines. Line ends are `\n`, `\r` and `\r\n`; a line longer than [`LIMIT`] is split into pieces.

/// Maximum length of a piece of a line, in bytes. Bounds the memory that one child can occupy.
pub(super) const LIMIT: usize = 64 * 1024;

/// The kind of the last byte, if it was a `\r`.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Cr {
    #[default]
    No,
    /// A `\r` that ended a line.
    Line,
    /// A `\r` with nothing before it: an empty line only if a `\n` follows.
    Empty,
}

/// Splits one stream into lines.
#[derive(Debug, Default)]
pub(super) struct LineSplitter {
    /// The beginning of an unfinished line; shorter than [`LIMIT`].
    begun: Vec<u8>,
    /// Whether the last byte was a `\r`, so that a `\n` now only completes that line end.
    after_cr: Cr,
}

impl LineSplitter {
    /// Passes every line that `chunk` completes to `line`, without its end. A `\r` with nothing before it does not end a line, since a
    /// progress display starts with one.
    pub(super) fn feed(&mut self, mut chunk: &[u8], mut line: impl FnMut(&[u8])) {
        if self.after_cr != Cr::No && !chunk.is_empty() {
            if let Some(tail) = chunk.strip_prefix(b"\n") {
                chunk = tail;
                if self.after_cr == Cr::Empty {
                    line(b"");
                }
            }
            self.after_cr = Cr::No;
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', chunk) {
            let (head, mut tail) = (&chunk[..end], &chunk[end + 1..]);
            let by_cr = chunk[end] == b'\r';
            if by_cr && tail.is_empty() {
                self.after_cr = if head.is_empty() && self.begun.is_empty() { Cr::Empty } else { Cr::Line };
            } else if by_cr {
                tail = tail.strip_prefix(b"\n").unwrap_or(tail);
            }
            let crlf = by_cr && chunk.len() - end - 1 != tail.len();
            self.complete(head, by_cr && !crlf, &mut line);
            chunk = tail;
        }
        while self.begun.len() + chunk.len() >= LIMIT {
            let (head, tail) = chunk.split_at(LIMIT - self.begun.len());
            self.begun.extend_from_slice(head);
            line(&self.begun);
            self.begun.clear();
            chunk = tail;
        }
        self.begun.extend_from_slice(chunk);
    }

    /// The beginning of an unfinished line.
    pub(super) fn begun(&self) -> &[u8] {
        &self.begun
    }

    /// Ends the stream: the rest is a line.
    pub(super) fn finish(&mut self, mut line: impl FnMut(&[u8])) {
        if !self.begun.is_empty() {
            line(&self.begun);
            self.begun.clear();
        }
    }

    fn complete(&mut self, head: &[u8], skip_empty: bool, line: &mut impl FnMut(&[u8])) {
        let mut rest = head;
        if self.begun.is_empty() {
            if rest.is_empty() {
                if !skip_empty {
                    line(rest);
                }
                return;
            }
        } else {
            let room = (LIMIT - self.begun.len()).min(rest.len());
            self.begun.extend_from_slice(&rest[..room]);
            line(&self.begun);
            self.begun.clear();
            rest = &rest[room..];
        }
        for piece in rest.chunks(LIMIT) {
            line(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut framer, mut lines) = (LineSplitter::default(), Vec::new());
        for chunk in chunks {
            framer.feed(chunk, |l| lines.push(l.to_vec()));
        }
        framer.finish(|l| lines.push(l.to_vec()));
        lines
    }

    #[test]
    fn every_kind_of_end_ends_a_line() {
        assert_eq!(lines(&[b"a\nb\r\nc\rd"]), [b"a", b"b", b"c", b"d"]);
        assert_eq!(lines(&[b"a\r", b"\nb"]), [b"a", b"b"]);
        assert_eq!(lines(&[b"a\n\nb\n"]), [b"a".to_vec(), b"".to_vec(), b"b".to_vec()]);
        assert_eq!(lines(&[b"\r  1%\r  2%\n"]), [b"  1%", b"  2%"]);
        assert!(lines(&[b""]).is_empty());
    }

    #[test]
    fn a_line_of_ten_megabytes_comes_in_bounded_pieces_and_whole() {
        let long = vec![b'x'; 10_000_000];
        let mut input = long.clone();
        input.extend_from_slice(b"\nnext\n");
        let chunks: Vec<&[u8]> = input.chunks(65_536).collect();
        let mut got = lines(&chunks);
        assert_eq!(got.pop().unwrap(), b"next");
        assert!(got.iter().all(|l| l.len() <= LIMIT));
        assert_eq!(got.concat(), long);
    }

    proptest! {
        #[test]
        fn where_the_chunks_end_does_not_matter(bytes in proptest::collection::vec(
            prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), any::<u8>()], 0..200), cut in 0usize..200) {
            let cut = cut.min(bytes.len());
            let (a, b) = bytes.split_at(cut);
            prop_assert_eq!(lines(&[a, b]), lines(&[&bytes]));
        }
    }
}
