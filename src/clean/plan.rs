//! A plan on disk: a header, one entry per line, and a footer with the hash of every byte before it. It is streamed when written and read;
//! memory does not depend on the number of entries.

use super::Stamp;
use super::contents::Contents;
use super::path::{BadPath, PathText};
use super::plan_content::Content;
use super::plan_header::{Header, Origin};
use super::rule::{Action, Kind};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};

/// The version of the format.
const VERSION: u32 = 1;
/// Maximum length of a line in bytes: a path of many components, each byte escaped as six.
const LONGEST: u64 = 256 * 1024;
/// Number of bytes hashed at once.
const HASHED: usize = 1 << 16;

/// One entry that a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path relative to the root, checked.
    pub path: Vec<u8>,
    /// The kind of the entry.
    pub kind: Kind,
    /// The identity of the entry when it was examined.
    pub stamp: Stamp,
    /// What a directory that is taken as one contained; `None` for all other kinds.
    pub contents: Option<Contents>,
    /// Whether it had other names (hard links).
    pub linked: bool,
    /// Bytes freed on disk; 0 for a file that was counted under another name. A plan of `sync` counts each name.
    pub bytes: u64,
    /// The name of the rule.
    pub rule: String,
    /// The action for the entry.
    pub action: Action,
}

impl Entry {
    /// Number of entries that it stands for: more than one for a directory that is taken as one.
    pub fn count(&self) -> u64 {
        self.contents.as_ref().map_or(1, |contents| contents.entries)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    kind: Kind,
    dev: u64,
    ino: u64,
    size: u64,
    mtime: i64,
    ctime: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contents: Option<Contents>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    linked: bool,
    bytes: u64,
    rule: String,
    action: Action,
}

/// The footer of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footer {
    /// Number of entries, those in directories that are taken as one included.
    pub entries: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// BLAKE3 of everything before this line, in hexadecimal.
    pub blake3: String,
    /// In a plan of `sync`: what `sync --expect` takes. Equal for plans of the same deletions below the same root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct FooterLine {
    footer: Footer,
}

/// Why a plan is rejected.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It cannot be read.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("it is not a plan: {0}")]
    Foreign(String),
    /// A newer version wrote it.
    #[error("a newer pdb-sync wrote it (format {0}, this one reads {VERSION})")]
    Newer(u32),
    /// A line is not what it should be.
    #[error("line {0} is not an entry of a plan: {1}")]
    Line(u64, String),
    /// A path leads elsewhere.
    #[error("line {0}: the path {1}")]
    Path(u64, BadPath),
    /// The end is missing.
    #[error("it has no footer: it was cut short, or is still being written")]
    Cut,
    /// It is not as it was written.
    #[error(
        "its contents do not match its hash: it was changed after it was made (use `pdb-sync clean edit` to change what is done)"
    )]
    Hash,
}

/// Writes a plan.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    hash: blake3::Hasher,
    content: Option<Content>,
    entries: u64,
    bytes: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    pub fn new(out: W, header: &Header) -> io::Result<Self> {
        let mut writer =
            Writer { out, hash: blake3::Hasher::new(), content: Content::of(header), entries: 0, bytes: 0 };
        writer.line(&Header { pdb_sync_plan: VERSION, ..header.clone() })?;
        Ok(writer)
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.hash.update(&line);
        self.out.write_all(&line)
    }

    /// Writes an entry. The contents of a directory must come before the directory.
    pub fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        let text = PathText::from(entry.path.as_slice());
        let (path, path_base64) = text.parts();
        let Stamp { dev, ino, size, mtime, ctime } = entry.stamp;
        self.entries += entry.count();
        self.bytes += entry.bytes;
        if let Some(content) = &mut self.content {
            content.add(&entry.path, entry.kind, &entry.stamp);
        }
        self.line(&EntryLine {
            path,
            path_base64,
            kind: entry.kind,
            dev,
            ino,
            size,
            mtime,
            ctime,
            contents: entry.contents.clone(),
            linked: entry.linked,
            bytes: entry.bytes,
            rule: entry.rule.clone(),
            action: entry.action,
        })
    }

    /// Writes the footer. A plan without it is rejected.
    pub fn finish(mut self) -> io::Result<(Footer, W)> {
        let blake3 = self.hash.finalize().to_hex().to_string();
        let content = self.content.take().map(Content::finish);
        let footer = Footer { entries: self.entries, bytes: self.bytes, blake3, content };
        let mut line = serde_json::to_vec(&FooterLine { footer: footer.clone() })?;
        line.push(b'\n');
        self.out.write_all(&line)?;
        self.out.flush()?;
        Ok((footer, self.out))
    }
}

/// Reads a plan. **Entries are only verified after the end was read**: call [`Reader::finish`] before acting on them.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    header: Header,
    hash: blake3::Hasher,
    content: Option<Content>,
    line: Vec<u8>,
    number: u64,
    entries: u64,
    bytes: u64,
    footer: Option<Footer>,
    /// Lines that are not hashed yet.
    unhashed: Vec<u8>,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    pub fn new(input: R) -> Result<Self, PlanError> {
        let mut reader = Reader {
            input,
            header: Header::default(),
            hash: blake3::Hasher::new(),
            content: None,
            line: Vec::new(),
            number: 0,
            entries: 0,
            bytes: 0,
            footer: None,
            unhashed: Vec::new(),
        };
        if !reader.next_line()? {
            return Err(PlanError::Foreign("it is empty".into()));
        }
        // The version first: keys of a newer version are unknown.
        #[derive(Deserialize)]
        struct Version {
            pdb_sync_plan: u32,
        }
        let foreign = |error: serde_json::Error| PlanError::Foreign(error.to_string());
        let version: Version = serde_json::from_slice(&reader.line).map_err(foreign)?;
        if version.pdb_sync_plan > VERSION {
            return Err(PlanError::Newer(version.pdb_sync_plan));
        }
        reader.header = serde_json::from_slice(&reader.line).map_err(foreign)?;
        reader.content = Content::of(&reader.header);
        reader.take_line();
        Ok(reader)
    }

    fn next_line(&mut self) -> Result<bool, PlanError> {
        self.line.clear();
        self.number += 1;
        let read = io::Read::take(&mut self.input, LONGEST).read_until(b'\n', &mut self.line)?;
        if read > 0 && self.line.last() != Some(&b'\n') {
            return Err(if read as u64 == LONGEST {
                PlanError::Line(self.number, "it is too long".into())
            } else {
                PlanError::Cut
            });
        }
        Ok(read > 0)
    }

    /// Collects lines before hashing. Hashing each line takes five times as long.
    fn take_line(&mut self) {
        self.unhashed.extend_from_slice(&self.line);
        if self.unhashed.len() >= HASHED {
            self.hash.update(&self.unhashed);
            self.unhashed.clear();
        }
    }

    /// Returns the header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the next entry. `None` at the end, after footer and hash were verified.
    pub fn entry(&mut self) -> Result<Option<Entry>, PlanError> {
        if self.footer.is_some() {
            return Ok(None);
        }
        if !self.next_line()? {
            return Err(PlanError::Cut);
        }
        if self.line.starts_with(b"{\"footer\"") {
            return self.end().map(|()| None);
        }
        let number = self.number;
        let line: EntryLine =
            serde_json::from_slice(&self.line).map_err(|error| PlanError::Line(number, error.to_string()))?;
        self.take_line();
        let path = PathText::of(line.path, line.path_base64);
        let path = path.bytes().map_err(|bad| PlanError::Path(number, bad))?;
        let (dev, ino, size, mtime, ctime) = (line.dev, line.ino, line.size, line.mtime, line.ctime);
        let of_sync = self.header.origin == Origin::Sync;
        if line.contents.is_some() != (line.kind == Kind::Tree) || of_sync && line.kind == Kind::Tree {
            let why = "its kind does not go with its contents, or with the plan";
            return Err(PlanError::Line(number, why.into()));
        }
        self.entries =
            self.entries.saturating_add(line.contents.as_ref().map_or(1, |contents| contents.entries));
        self.bytes = self.bytes.saturating_add(line.bytes);
        let entry = Entry {
            path,
            kind: line.kind,
            stamp: Stamp { dev, ino, size, mtime, ctime },
            contents: line.contents,
            linked: line.linked,
            bytes: line.bytes,
            rule: line.rule,
            action: line.action,
        };
        if let Some(content) = &mut self.content {
            content.add(&entry.path, entry.kind, &entry.stamp);
        }
        Ok(Some(entry))
    }

    fn end(&mut self) -> Result<(), PlanError> {
        let number = self.number;
        let FooterLine { footer } =
            serde_json::from_slice(&self.line).map_err(|error| PlanError::Line(number, error.to_string()))?;
        let hash = self.hash.update(&self.unhashed).finalize().to_hex();
        let content = self.content.take().map(Content::finish);
        if hash.as_str() != footer.blake3
            || content != footer.content
            || footer.entries != self.entries
            || footer.bytes != self.bytes
        {
            return Err(PlanError::Hash);
        }
        if self.next_line()? {
            return Err(PlanError::Line(self.number, "something follows the footer".into()));
        }
        self.footer = Some(footer);
        Ok(())
    }

    /// Reads the rest and returns the footer. After that, everything that was read is verified.
    pub fn finish(mut self) -> Result<Footer, PlanError> {
        while self.entry()?.is_some() {}
        self.footer.ok_or(PlanError::Cut)
    }
}

/// Parses the footer at the end of a plan, of which `tail` is the last part. Nothing is verified.
pub fn footer_of(tail: &[u8]) -> Option<Footer> {
    let line = tail.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()?;
    Some(serde_json::from_slice::<FooterLine>(line).ok()?.footer)
}

/// Returns the hash that `--expect` takes: of a plan and the decisions about it, or of the deletions of a plan of `sync`, about which there
/// are no decisions.
pub fn hash_of(footer: &Footer, decisions: Option<&[u8]>) -> String {
    if let Some(content) = &footer.content {
        return content.clone();
    }
    match decisions {
        None => footer.blake3.clone(),
        Some(text) => {
            let mut hash = blake3::Hasher::new();
            hash.update(footer.blake3.as_bytes()).update(text);
            hash.finalize().to_hex().to_string()
        }
    }
}
