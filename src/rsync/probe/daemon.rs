//! Probes one daemon: protocol, modules, and the time of each step.

use crate::model::job::{Address, Job, Source};
use crate::rsync::args;
use crate::rsync::daemon::{self, Answer, Module};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Lists have a few dozen lines. The limit is for servers that never stop sending.
const MOST_LINES: usize = 10_000;
const LONGEST_LINE: usize = 4096;

/// A daemon's address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Endpoint {
    /// Returns the daemon that rsync would connect to for this source of this job; `None` without a TCP connection to a daemon (local
    /// paths, ssh).
    pub fn of(job: &Job, source: &Source) -> Option<Self> {
        let Address::Daemon { host, port, .. } = &source.address else { return None };
        if args::own_shell(&job.rsync_args) {
            return None;
        }
        // As in rsync, the port of the source has priority over the option.
        let port = if *port == 873 { args::port(&job.rsync_args).unwrap_or(873) } else { *port };
        Some(Endpoint { host: host.to_ascii_lowercase(), port })
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Endpoint { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// The steps of a probe, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Resolving the host name.
    Dns,
    /// Opening the connection.
    Connect,
    /// Waiting for the daemon's greeting.
    Greeting,
    /// Reading its list of modules.
    Modules,
}

/// The result of a probe. Each time is measured from the start of its step; `None` if the step was not reached.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The daemon.
    pub endpoint: Endpoint,
    /// Time to resolve the name.
    pub dns: Option<Duration>,
    /// Time to connect, including failed attempts at other addresses of the name.
    pub connect: Option<Duration>,
    /// Time from the start of the connection to the greeting; mirrors are ranked by this.
    pub greeting: Option<Duration>,
    /// Time to read the list of modules after the greeting.
    pub listing: Option<Duration>,
    /// The protocol version in the greeting.
    pub protocol: Option<String>,
    /// The listed modules (a daemon may have unlisted ones).
    pub modules: Option<Vec<Module>>,
    /// The failed step and the error, which completes "connecting to HOST …".
    pub failed: Option<(Step, String)>,
}

impl Probe {
    fn start(endpoint: &Endpoint) -> Self {
        Probe {
            endpoint: endpoint.clone(),
            dns: None,
            connect: None,
            greeting: None,
            listing: None,
            protocol: None,
            modules: None,
            failed: None,
        }
    }

    /// Returns the probe of a server whose name was not resolved within this time.
    pub fn unresolved(endpoint: &Endpoint, limit: Duration) -> Self {
        let how = format!("got no further than its name within {}", crate::model::time::span(limit));
        Probe { failed: Some((Step::Dns, how)), ..Probe::start(endpoint) }
    }

    /// Whether a daemon answered.
    pub fn answers(&self) -> bool {
        self.greeting.is_some()
    }
}

/// Probes a daemon. Blocks for up to `limit` after the name is resolved; the system's resolver has its own time limit.
pub fn probe(endpoint: &Endpoint, limit: Duration) -> Probe {
    let mut probe = Probe::start(endpoint);
    if let Err((step, how)) = ask(&mut probe, limit) {
        probe.failed = Some((step, how));
    }
    probe
}

fn ask(probe: &mut Probe, limit: Duration) -> Result<(), (Step, String)> {
    let begun = Instant::now();
    let Endpoint { host, port } = &probe.endpoint;
    let addresses = (host.as_str(), *port).to_socket_addrs().map_err(|error| {
        let why = error.to_string();
        let why = why.rsplit(": ").next().unwrap_or(&why).to_owned();
        (Step::Dns, format!("failed: its name cannot be resolved ({why})"))
    })?;
    probe.dns = Some(begun.elapsed());
    let deadline = Instant::now() + limit;
    let connecting = Instant::now();
    let stream = connect(addresses, deadline).map_err(|error| (Step::Connect, how(&error, limit)))?;
    probe.connect = Some(connecting.elapsed());
    let mut lines = Lines { stream, deadline, read: Vec::new() };
    let first = lines.next().map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => (Step::Greeting, "was closed by the server without a message".to_owned()),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            (Step::Greeting, format!("worked, but the server sent nothing for {}", shown(limit)))
        }
        _ => (Step::Greeting, format!("worked, but reading the greeting failed: {error}")),
    })?;
    probe.protocol = daemon::greeting(&first);
    if probe.protocol.is_none() {
        let said: String = first.chars().take(60).collect();
        return Err((Step::Greeting, format!("worked, but what answers is not an rsync server ({said:?})")));
    }
    probe.greeting = Some(connecting.elapsed());
    let listing = Instant::now();
    let modules = lines.modules().map_err(|error| (Step::Modules, list_failed(&error, limit)))?;
    probe.modules = Some(modules);
    probe.listing = Some(listing.elapsed());
    Ok(())
}

/// Connects to the first address that accepts, in rsync's order.
fn connect(addresses: impl Iterator<Item = SocketAddr>, deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
    for address in addresses {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn how(error: &io::Error, limit: Duration) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "was refused".into(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => format!("got no answer within {}", shown(limit)),
        _ => format!("failed: {}", error.to_string().to_lowercase()),
    }
}

fn list_failed(error: &io::Error, limit: Duration) -> String {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            format!("worked, but the list of modules did not come within {}", shown(limit))
        }
        _ => format!("worked, but it did not list its modules: {error}"),
    }
}

fn shown(limit: Duration) -> String {
    crate::model::time::span(limit)
}

/// Reads lines of a connection until the deadline.
struct Lines {
    stream: TcpStream,
    deadline: Instant,
    read: Vec<u8>,
}

impl Lines {
    fn next(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned());
            }
            // Output without line ends is returned in pieces.
            if self.read.len() >= LONGEST_LINE {
                return Ok(String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned());
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
            let mut chunk = [0; 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => self.read.extend_from_slice(&chunk[..n]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn modules(&mut self) -> io::Result<Vec<Module>> {
        self.stream.set_write_timeout(Some(Duration::from_secs(5)))?;
        self.stream.write_all(daemon::ASK_FOR_MODULES)?;
        let mut modules = Vec::new();
        for _ in 0..MOST_LINES {
            match daemon::answer(&self.next()?) {
                Answer::End => return Ok(modules),
                Answer::Refused(said) => return Err(io::Error::other(said)),
                Answer::Module(module) => modules.push(module),
                Answer::Other => {}
            }
        }
        Err(io::Error::other("the list has no end"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    fn says(bytes: &'static [u8]) -> Endpoint {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(bytes).unwrap();
            // Keeps the connection open until the other side closes it.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        Endpoint { host: "127.0.0.1".into(), port }
    }

    #[test]
    fn a_port_without_a_server_is_refused() {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let probe = probe(&Endpoint { host: "127.0.0.1".into(), port }, Duration::from_secs(5));
        assert_eq!(probe.failed, Some((Step::Connect, "was refused".into())));
        assert!(probe.dns.is_some() && !probe.answers());
    }

    #[test]
    fn whoever_says_nothing_is_not_waited_for() {
        let probe = probe(&says(b""), Duration::from_millis(50));
        let (step, how) = probe.failed.clone().unwrap();
        assert_eq!((step, how.as_str()), (Step::Greeting, "worked, but the server sent nothing for 50ms"));
        assert!(probe.connect.is_some() && !probe.answers());
    }

    #[test]
    fn what_is_no_daemon_is_named() {
        let probe = probe(&says(b"SSH-2.0-OpenSSH_9.2\r\n"), Duration::from_secs(5));
        let (step, how) = probe.failed.unwrap();
        assert_eq!(step, Step::Greeting);
        assert!(how.contains("not an rsync server (\"SSH-2.0-OpenSSH_9.2\")"), "{how}");
    }

    #[test]
    fn a_daemon_is_timed_and_its_modules_are_listed() {
        let endpoint = says(b"@RSYNCD: 32.0 sha512\nHello\nm              \tthe module\n@RSYNCD: EXIT\n");
        let probe = probe(&endpoint, Duration::from_secs(5));
        assert_eq!(probe.failed, None);
        assert_eq!(probe.protocol.as_deref(), Some("32.0"));
        let modules = probe.modules.clone().unwrap();
        assert_eq!(modules, [Module { name: "m".into(), comment: "the module".into() }]);
        assert!(probe.greeting >= probe.connect && probe.listing.is_some());
    }

    #[test]
    fn a_daemon_that_breaks_off_has_still_answered() {
        let probe = probe(&says(b"@RSYNCD: 32.0\n@ERROR: go away\n"), Duration::from_secs(5));
        assert!(probe.answers());
        let (step, how) = probe.failed.unwrap();
        assert_eq!(step, Step::Modules);
        assert!(how.ends_with("go away"), "{how}");
    }
}
