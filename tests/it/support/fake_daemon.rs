//! A server that begins like an rsync daemon and then ends the conversation, as full servers and front ends do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Listens on loopback until dropped.
pub(crate) struct FakeDaemon {
    port: u16,
    over: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeDaemon {
    /// The words with which conversations end although nothing was served, and rsync's exit code for each.
    pub(crate) const ENDS: [(&str, i32); 4] = [
        ("@RSYNCD: EXIT\n", 0),
        ("ERROR: max connections reached\n@RSYNCD: EXIT\n", 0),
        ("ERROR: max connections reached\n", 5),
        ("", 5),
    ];

    /// Greets, waits until it is asked for a module, says `words`, and closes.
    pub(crate) fn saying(words: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let over = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (ended, heard) = (Arc::clone(&over), Arc::clone(&asked));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                // Whoever hangs up in between wants no answer.
                let asks = |module| heard.lock().unwrap().push(module);
                let _ = stream.and_then(|stream| converse(stream, words, asks));
            }
        });
        FakeDaemon { port, over, asked, thread: Some(thread) }
    }

    /// The address of a path in a module.
    pub(crate) fn url(&self, module_and_path: &str) -> String {
        format!("rsync://127.0.0.1:{}/{module_and_path}", self.port)
    }

    /// What it was asked for so far: modules, and `#list` for the list of them.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for FakeDaemon {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Calls `asks` with what is asked for, before it is answered.
fn converse(mut stream: TcpStream, words: &str, asks: impl FnOnce(String)) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(b"@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n")?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let (Some(Ok(_greeting)), Some(Ok(module))) = (lines.next(), lines.next()) else { return Ok(()) };
    asks(module);
    stream.write_all(words.as_bytes())?;
    // Closed with something unread, the connection would be reset, and the words lost.
    stream.shutdown(Shutdown::Write)?;
    let _ = stream.read_to_end(&mut Vec::new());
    Ok(())
}
