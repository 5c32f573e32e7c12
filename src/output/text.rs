//! Adds prefixes to lines of children, block by block, without a copy per line.

/// Appends the whole lines in `block` to `out`, each after `prefix`. All other bytes stay unchanged.
pub(super) fn prefix_lines(prefix: &[u8], block: &[u8], out: &mut Vec<u8>) {
    out.reserve(block.len() + prefix.len() * 8);
    let mut rest = block;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, tail) = rest.split_at(end);
        out.extend_from_slice(prefix);
        out.extend_from_slice(line);
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Lines;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_block_is_prefixed_as_line_by_line(bytes in proptest::collection::vec(
            prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')], 0..300)) {
            let lines = Lines::new(bytes);
            let mut naive = Vec::new();
            for line in lines.iter() {
                naive.extend_from_slice(b"[a] ");
                naive.extend_from_slice(line);
                naive.push(b'\n');
            }
            let mut block = Vec::new();
            prefix_lines(b"[a] ", lines.as_bytes(), &mut block);
            prop_assert_eq!(block, naive);
        }
    }
}
