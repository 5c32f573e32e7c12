//! A server that starts an rsync daemon for each connection, as inetd does, and counts the connections that clients have open.
//!
//! The daemon itself counts by its processes, of which some still run for a while after their clients have ended.

use super::Upstream;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// The client has closed its end.
#[cfg(target_os = "linux")]
const CLOSED: PollFlags = PollFlags::RDHUP;
#[cfg(not(target_os = "linux"))]
const CLOSED: PollFlags = PollFlags::HUP;

/// Listens on loopback until dropped.
pub(crate) struct CountingDaemon {
    port: u16,
    over: Arc<AtomicBool>,
    most: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl CountingDaemon {
    /// Serves the modules of this upstream.
    pub(crate) fn new(upstream: &Upstream) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (over, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (ended, count, config) = (Arc::clone(&over), Arc::clone(&most), upstream.config());
        let thread = std::thread::spawn(move || {
            let (mut open, mut serving) = (Vec::new(), Vec::new());
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let stream = stream.unwrap();
                open.retain(|stream| !is_closed(stream));
                open.push(stream.try_clone().unwrap());
                count.fetch_max(open.len(), Ordering::Relaxed);
                serving.push(serve(stream, &config));
            }
            drop(open);
            for mut child in serving {
                let _ = child.kill();
                child.wait().unwrap();
            }
        });
        CountingDaemon { port, over, most, thread: Some(thread) }
    }

    /// The address of a path in a module.
    pub(crate) fn url(&self, module_and_path: &str) -> String {
        format!("rsync://127.0.0.1:{}/{module_and_path}", self.port)
    }

    /// How many connections were open at the same time, at most.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

impl Drop for CountingDaemon {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn is_closed(stream: &TcpStream) -> bool {
    let mut fds = [PollFd::new(stream, CLOSED)];
    poll(&mut fds, Some(&Timespec::default())).unwrap() > 0
}

fn serve(stream: TcpStream, config: &Path) -> Child {
    let (input, output): (OwnedFd, OwnedFd) = (stream.try_clone().unwrap().into(), stream.into());
    Command::new("rsync")
        .arg("--daemon")
        .arg(format!("--config={}", config.display()))
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output))
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
