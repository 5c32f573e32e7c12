//! Writes the standard input of a child, which need not read it.

use std::io;
use std::os::fd::OwnedFd;
use tokio::net::unix::pipe::Sender;

/// The writing end, and the bytes left to write.
pub(super) struct Input<'a>(Option<(Sender, &'a [u8])>);

impl<'a> Input<'a> {
    pub(super) fn new(end: Option<OwnedFd>, bytes: Option<&'a [u8]>) -> io::Result<Self> {
        let end = end.map(Sender::from_owned_fd).transpose()?;
        Ok(Input(end.zip(bytes)))
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Writes as much as the pipe accepts. Closes it after the last byte, or if there is no reader any more.
    pub(super) async fn passed_on(&mut self) {
        let Some((end, left)) = &mut self.0 else { return };
        let ready = end.writable().await;
        let written = ready.and_then(|()| end.try_write(left));
        match written {
            Ok(written) => *left = &left[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => *left = &[],
        }
        if left.is_empty() {
            self.0 = None;
        }
    }
}
