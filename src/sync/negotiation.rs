//! What rsync says about a connection before it says anything about files: the lines of `--debug=proto1,nstr1`.

/// The other side has answered for the module.
const PROTOCOL: &[u8] = b"(Client) Protocol versions: ";
/// The other side has taken part in a negotiation, and this checksum was chosen.
const NEGOTIATED: &[u8] = b"Client negotiated checksum: ";
/// Other choices. That of the digest for a password comes before the answer for the module.
const OTHERS: [&[u8]; 3] = [b"Client negotiated ", b"Client checksum: ", b"Client compress: "];
/// rsync waits for the list of files. The first of these lines has more text as soon as the list is there.
const WAITS: [&[u8]; 2] = [b"receiving file list ... ", b"receiving incremental file list"];
/// Names of checksums are shorter.
const LONGEST_NAME: usize = 32;

/// The beginning of rsync's standard output.
#[derive(Debug, Default)]
pub(super) struct Negotiation {
    /// Whether the other side has answered for the module.
    pub(super) answered: bool,
    /// The checksum of the connection; `None` if it was not negotiated, or not said.
    pub(super) checksum: Option<String>,
    /// Whether something of the files has followed.
    pub(super) over: bool,
    /// Lines of standard error until then that have not been shown.
    pub(super) errors: Vec<u8>,
}

impl Negotiation {
    /// Returns whether the line belongs to it. Nothing else is printed before the other side has answered: a message of the day is not
    /// among these lines.
    pub(super) fn takes(&mut self, line: &[u8]) -> bool {
        if self.over {
            return false;
        }
        if let Some(name) = line.strip_prefix(NEGOTIATED) {
            self.checksum = usable(name);
        } else if OTHERS.iter().any(|start| line.starts_with(start)) {
            return true;
        } else {
            self.over = !line.starts_with(PROTOCOL) && !WAITS.contains(&line);
        }
        self.answered = true;
        !self.over && !WAITS.contains(&line)
    }
}

/// A name that can be given to rsync again.
fn usable(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let is_name =
        !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(|b| b.is_ascii_alphanumeric());
    (is_name && !["none", "auto"].contains(&name)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each line was taken.
    fn take(lines: &[&str]) -> (Negotiation, Vec<bool>) {
        let mut negotiation = Negotiation::default();
        let taken = lines.iter().map(|line| negotiation.takes(line.as_bytes())).collect();
        (negotiation, taken)
    }

    #[test]
    fn it_ends_before_the_first_line_about_files() {
        let protocol = "(Client) Protocol versions: remote=32, negotiated=32";
        let (negotiation, taken) = take(&[
            "Client negotiated daemon auth checksum: sha512",
            protocol,
            "Client negotiated checksum: xxh128",
            "Client negotiated compress: zstd (level 3)",
            "receiving file list ... done",
            // A name of a file.
            "Client negotiated checksum: md4",
        ]);
        assert_eq!(taken, [true, true, true, true, false, false]);
        assert_eq!(negotiation.checksum.as_deref(), Some("xxh128"));
        assert!(negotiation.answered && negotiation.over);

        let (negotiation, taken) = take(&[protocol, "Client checksum: md5"]);
        assert_eq!((taken, negotiation.checksum), (vec![true, true], None));
        assert!(negotiation.answered && !negotiation.over);
    }

    #[test]
    fn a_connection_that_waits_for_the_list_of_files_has_brought_nothing() {
        for line in ["receiving file list ... ", "receiving incremental file list"] {
            let (negotiation, taken) = take(&[line]);
            assert_eq!((taken, negotiation.answered, negotiation.over), (vec![false], true, false), "{line}");
        }
    }

    #[test]
    fn the_digest_of_a_password_is_no_answer_for_the_module() {
        let (negotiation, taken) = take(&["Client negotiated daemon auth checksum: sha512"]);
        assert_eq!(taken, [true]);
        assert!(!negotiation.answered);
        let (negotiation, taken) = take(&["receiving file list ... done"]);
        assert_eq!(taken, [false]);
        assert!(negotiation.answered);
    }

    #[test]
    fn only_names_of_checksums_are_kept() {
        for name in ["none", "auto", "", "a b", "md5,md4", "--delete", &"x".repeat(33), "m\u{e9}"] {
            let (negotiation, taken) = take(&[&format!("Client negotiated checksum: {name}")]);
            assert_eq!((taken, negotiation.checksum), (vec![true], None), "{name}");
        }
    }
}
