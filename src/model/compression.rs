//! Recognizes compressed files by their first bytes and by their names.

/// Returns the compression of a file that starts with these bytes; `None` if it is unknown.
pub fn packed_by(first: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 8] = [
        (&[0x1f, 0x8b], "gzip"),
        (&[0x1f, 0x9d], "compress (.Z)"),
        (&[0x1f, 0xa0], "compress (.z)"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
        (b"BZh", "bzip2"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
        (&[0x04, 0x22, 0x4d, 0x18], "lz4"),
        (b"PK\x03\x04", "zip"),
    ];
    KNOWN.iter().find(|(magic, _)| first.starts_with(magic)).map(|(_, name)| *name)
}

/// Returns the compression, other than gzip, that a file name indicates; `None` if the name indicates none.
pub fn packed_name(name: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 6] = [
        (b".z", "compress (.Z)"),
        (b".zst", "zstd"),
        (b".bz2", "bzip2"),
        (b".xz", "xz"),
        (b".lz4", "lz4"),
        (b".zip", "zip"),
    ];
    let lower = name.to_ascii_lowercase();
    KNOWN
        .iter()
        .find(|(ending, _)| lower.ends_with(ending) && lower.len() > ending.len())
        .map(|(_, name)| *name)
}
