//! Recognizes compressed files by their first bytes and by their names.

/// Returns the compression of a file that starts with these bytes; `None` if it is unknown.
pub fn packed_by(first: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 14] = [
        (&[0x1f, 0x8b], "gzip"),
        (&[0x1f, 0x9d], "compress (.Z)"),
        (&[0x1f, 0xa0], "compress (.z)"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
        (b"BZh", "bzip2"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
        (&[0x04, 0x22, 0x4d, 0x18], "lz4"),
        (b"PK\x03\x04", "zip"),
        (b"PK\x05\x06", "zip"),
        (&[b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c], "7z"),
        (b"LZIP\x01", "lzip"),
        (&[0x5d, 0, 0], "lzma"),
        (&[0x89, b'L', b'Z', b'O', 0], "lzop"),
        (b"Rar!\x1a\x07", "rar"),
    ];
    KNOWN.iter().find(|(magic, _)| first.starts_with(magic)).map(|(_, name)| *name)
}

/// Extensions of compressed files in lower case, with their compression. Gzip is not among them.
const NAMES: [(&str, &str); 11] = [
    (".z", "compress (.Z)"),
    (".zst", "zstd"),
    (".bz2", "bzip2"),
    (".xz", "xz"),
    (".lz4", "lz4"),
    (".zip", "zip"),
    (".7z", "7z"),
    (".lz", "lzip"),
    (".lzma", "lzma"),
    (".lzo", "lzop"),
    (".rar", "rar"),
];

/// Returns the compression, other than gzip, that a file name indicates; `None` if the name indicates none.
pub fn packed_name(name: &[u8]) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    NAMES
        .iter()
        .find(|(ending, _)| lower.ends_with(ending.as_bytes()) && lower.len() > ending.len())
        .map(|(_, name)| *name)
}

/// Returns a file name, which is in lower case, without the extension of a compressed file, also of gzip.
pub fn without_extension(lower: &str) -> &str {
    let endings = NAMES.iter().map(|(ending, _)| *ending).chain([".gz"]);
    endings.into_iter().find_map(|ending| lower.strip_suffix(ending)).unwrap_or(lower)
}
