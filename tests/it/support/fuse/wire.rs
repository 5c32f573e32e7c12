//! Requests and replies as bytes: version 7.31 of the kernel's protocol (`linux/fuse.h`).

use rustix::io::Errno;

/// What the kernel wants. The rest of a request follows in [`Fields`].
pub(super) struct Request<'a> {
    pub(super) opcode: u32,
    /// Names the reply.
    pub(super) unique: u64,
    /// What it is about.
    pub(super) node: u64,
    /// Whose request it is.
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) fields: Fields<'a>,
}

impl<'a> Request<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Errno> {
        let mut fields = Fields(bytes);
        let _length = fields.u32()?;
        let opcode = fields.u32()?;
        let (unique, node) = (fields.u64()?, fields.u64()?);
        let (uid, gid) = (fields.u32()?, fields.u32()?);
        let (_pid, _padding) = (fields.u32()?, fields.u32()?);
        Ok(Request { opcode, unique, node, uid, gid, fields })
    }
}

/// Fields that are read one after another.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// So many bytes.
    pub(super) fn bytes(&mut self, n: usize) -> Result<&'a [u8], Errno> {
        let (bytes, rest) = self.0.split_at_checked(n).ok_or(Errno::IO)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Errno> {
        self.bytes(N)?.try_into().map_err(|_| Errno::IO)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Errno> {
        self.array().map(u32::from_ne_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Errno> {
        self.array().map(u64::from_ne_bytes)
    }

    /// A text up to its NUL.
    pub(super) fn text(&mut self) -> Result<&'a [u8], Errno> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or(Errno::IO)?;
        let text = self.bytes(end)?;
        self.bytes(1)?;
        Ok(text)
    }
}

/// Fields that are written one after another.
#[derive(Default)]
pub(super) struct Reply(Vec<u8>);

impl Reply {
    pub(super) fn new() -> Self {
        Reply::default()
    }

    pub(super) fn u16(mut self, n: u16) -> Self {
        self.0.extend(n.to_ne_bytes());
        self
    }

    pub(super) fn u32(mut self, n: u32) -> Self {
        self.0.extend(n.to_ne_bytes());
        self
    }

    pub(super) fn u64(mut self, n: u64) -> Self {
        self.0.extend(n.to_ne_bytes());
        self
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub(super) fn zeros(mut self, n: usize) -> Self {
        self.0.resize(self.0.len() + n, 0);
        self
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The whole message.
    pub(super) fn message(result: Result<Reply, Errno>, unique: u64) -> Vec<u8> {
        let (error, body) = match result {
            Ok(reply) => (0, reply.0),
            Err(errno) => (-errno.raw_os_error(), Vec::new()),
        };
        let length = u32::try_from(16 + body.len()).expect("replies are small");
        Reply::new().u32(length).bytes(&error.to_ne_bytes()).u64(unique).bytes(&body).0
    }
}
