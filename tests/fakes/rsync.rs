//! A scripted rsync, for what the real one cannot be made to do on demand: odd output, hangs, lost grandchildren.
//!
//! `FAKE_RSYNC_SCRIPT` names the script. Every invocation appends its arguments, quoted, as a line to `SCRIPT.calls`.
//! A script is sections, of which the first that fits is played:
//!
//! ```text
//! [1]                 the first invocation
//! [if --delete]       any invocation with an argument that holds "--delete"
//! [2 if ab/]          the second among those with an argument that holds "ab/"
//! [*]                 any; what stands before the first header is one of these
//! ```
//!
//! Commands, one a line; `#` begins a comment line, `@dest` in a path is the invocation's last argument:
//!
//! ```text
//! out TEXT / err TEXT         a line                  partial TEXT    text without a line end
//! raw HEX                     bytes                   lines N TEXT    N lines, fast
//! long N                      one line of N bytes     stats F T D     rsync's closing block: F files, T sent, D deleted
//! touch PATH                  an empty file           wait-file PATH  until it exists
//! write PATH HEX              a file of bytes         link TARGET PATH    a symbolic link
//! ignore-term                 from here on            hang            until killed
//! silent                      no figures at the end
//! fork-holder SECONDS [own-group]                     a grandchild that keeps both pipes open
//! exit N                      end                     kill-self N     end by signal N
//! ```
//!
//! The end of the section is `exit 0`. An end with 0, 23 or 24 prints the figures of `stats 1 0 0` first, as the real one prints its figures, unless the
//! section has figures of its own, or says `silent`. `--version` is answered like the real one's and counts for nothing.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// How often a file is looked for.
const NAP: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    let args: Vec<String> =
        std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    if let [flag, seconds, ..] = args.as_slice()
        && flag == "--hold-pipes"
    {
        std::thread::sleep(Duration::from_secs(seconds.parse().unwrap_or(0)));
        return ExitCode::SUCCESS;
    }
    if args.iter().any(|arg| arg == "--version" || arg == "-V") {
        let text = "rsync  version 3.5.0  protocol version 32\nA stand-in for tests.\n";
        return io::stdout().write_all(text.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    match play(&args) {
        Ok(code) => ExitCode::from(code),
        // As the real one ends when nobody listens any more.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::from(12),
        Err(error) => {
            let _ = writeln!(io::stderr(), "fake rsync: {error}");
            ExitCode::from(99)
        }
    }
}

fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, what.into())
}

fn play(args: &[String]) -> io::Result<u8> {
    let path = std::env::var("FAKE_RSYNC_SCRIPT").map_err(|_| wrong("FAKE_RSYNC_SCRIPT is not set"))?;
    let script = std::fs::read_to_string(&path).map_err(|e| wrong(format!("{path}: {e}")))?;
    let calls = record(Path::new(&format!("{path}.calls")), args)?;
    let dest = args.last().map_or("", String::as_str);
    let lines = section(&script, args, &calls)?;
    let figures = !lines.iter().any(|line| line.starts_with("stats ") || *line == "silent");
    for line in lines.into_iter().chain(["exit 0"]) {
        if let Some(code) = command(line, dest)? {
            if figures && matches!(code, 0 | 23 | 24) {
                let all = stats(1, 0, 0);
                // What follows the figures would be a line for people.
                let block = all.split("\nsent ").next().unwrap_or_default();
                write!(io::stdout(), "\n{block}\n")?;
            }
            return Ok(code);
        }
    }
    Ok(0)
}

/// Adds this invocation to the list and returns all of it, under a lock, so that everybody has a number of their own.
fn record(path: &Path, args: &[String]) -> io::Result<Vec<Vec<String>>> {
    let mut file = std::fs::File::options().read(true).append(true).create(true).open(path)?;
    file.lock()?;
    writeln!(file, "{}", shell_words::join(args))?;
    let mut text = String::new();
    std::fs::File::open(path)?.read_to_string(&mut text)?;
    text.lines().map(|line| shell_words::split(line).map_err(|e| wrong(e.to_string()))).collect()
}

/// The lines of the first section that fits.
fn section<'a>(script: &'a str, args: &[String], calls: &[Vec<String>]) -> io::Result<Vec<&'a str>> {
    let mut fits = true;
    let mut lines = Vec::new();
    for line in script.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let Some(header) = line.strip_prefix('[').and_then(|rest| rest.trim_end().strip_suffix(']')) else {
            if fits {
                lines.push(line);
            }
            continue;
        };
        if fits && !lines.is_empty() {
            return Ok(lines);
        }
        fits = header_fits(header, args, calls)?;
        lines.clear();
    }
    if fits { Ok(lines) } else { Err(wrong(format!("no section fits {args:?}"))) }
}

fn header_fits(header: &str, args: &[String], calls: &[Vec<String>]) -> io::Result<bool> {
    let (number, text) = match header.split_once("if ") {
        Some((number, text)) => (number.trim(), text),
        None => (header.trim(), ""),
    };
    let holds = |args: &[String]| text.is_empty() || args.iter().any(|arg| arg.contains(text));
    let nth = calls.iter().filter(|call| holds(call)).count();
    Ok(holds(args)
        && match number {
            "" | "*" => true,
            number => nth == number.parse().map_err(|_| wrong(format!("section [{header}]")))?,
        })
}

/// Does one line; `Some` ends the program.
fn command(line: &str, dest: &str) -> io::Result<Option<u8>> {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong(line));
    let place = |text: &str| PathBuf::from(text.trim().replace("@dest", dest.trim_end_matches('/')));
    let path = || place(rest);
    let first = rest.split(' ').next().unwrap_or_default();
    let (mut out, mut err) = (io::stdout(), io::stderr());
    match name {
        "out" => writeln!(out, "{rest}")?,
        "err" => writeln!(err, "{rest}")?,
        "partial" => out.write_all(rest.as_bytes()).and_then(|()| out.flush())?,
        "raw" => out.write_all(&bytes(rest).ok_or_else(|| wrong(line))?).and_then(|()| out.flush())?,
        "lines" => {
            let (count, text) = rest.split_once(' ').unwrap_or((rest, ""));
            let mut out = io::BufWriter::with_capacity(1 << 16, out);
            (0..number(count)?).try_for_each(|_| writeln!(out, "{text}"))?;
            out.flush()?;
        }
        "long" => {
            let mut out = io::BufWriter::with_capacity(1 << 16, out);
            io::copy(&mut io::repeat(b'x').take(number(rest)?), &mut out)?;
            writeln!(out).and_then(|()| out.flush())?;
        }
        "stats" => {
            let numbers = rest.split_whitespace().map(number).collect::<io::Result<Vec<_>>>()?;
            let [files, sent, deleted] = numbers[..] else { return Err(wrong(line)) };
            out.write_all(stats(files, sent, deleted).as_bytes())?;
        }
        "write" => {
            let (_, hex) = rest.split_once(' ').ok_or_else(|| wrong(line))?;
            std::fs::write(place(first), bytes(hex).ok_or_else(|| wrong(line))?)?;
        }
        "link" => {
            let (_, at) = rest.split_once(' ').ok_or_else(|| wrong(line))?;
            std::os::unix::fs::symlink(first, place(at))?;
        }
        "touch" => drop(std::fs::File::create(path())?),
        "wait-file" => {
            while !path().exists() {
                std::thread::sleep(NAP);
            }
        }
        "silent" => {}
        "ignore-term" => ignore_term()?,
        "hang" => loop {
            std::thread::park();
        },
        "fork-holder" => {
            let (seconds, own_group) =
                rest.split_once(' ').map_or((rest, false), |(s, w)| (s, w == "own-group"));
            // The script's path marks it in the list of processes.
            let mut holder = Command::new(std::env::current_exe()?);
            holder
                .args(["--hold-pipes", seconds])
                .arg(std::env::var_os("FAKE_RSYNC_SCRIPT").unwrap_or_default());
            if own_group {
                holder.process_group(0);
            }
            holder.spawn()?;
        }
        "exit" => return u8::try_from(number(rest)?).map(Some).map_err(|_| wrong(line)),
        "kill-self" => {
            let signal = i32::try_from(number(rest)?).ok().and_then(rustix::process::Signal::from_named_raw);
            rustix::process::kill_process(rustix::process::getpid(), signal.ok_or_else(|| wrong(line))?)?;
            loop {
                std::thread::park();
            }
        }
        _ => return Err(wrong(format!("unknown command {line:?}"))),
    }
    Ok(None)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    let pair = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
    digits.chunks(2).map(|digits| pair(digits).filter(|_| digits.len() == 2)).collect()
}

/// As the real one prints it with `--no-h --stats`.
fn stats(files: u64, sent: u64, deleted: u64) -> String {
    let count = |n: u64| if n == 0 { "0".to_owned() } else { format!("{n} (reg: {n})") };
    format!(
        "\nNumber of files: {}\nNumber of created files: {}\nNumber of deleted files: {}\n\
         Number of regular files transferred: {sent}\nTotal file size: {} bytes\n\
         Total transferred file size: {} bytes\nLiteral data: {} bytes\nMatched data: 0 bytes\nFile list size: 0\n\
         File list generation time: 0.001 seconds\nFile list transfer time: 0.000 seconds\nTotal bytes sent: 100\n\
         Total bytes received: {}\n\nsent 100 bytes  received {} bytes  1.00 bytes/sec\n\
         total size is {}  speedup is 1.00\n",
        count(files),
        count(sent),
        count(deleted),
        files * 10,
        sent * 10,
        sent * 10,
        sent * 12,
        sent * 12,
        files * 10,
    )
}

/// A handler, once registered, stays for the life of the process; nobody asks it anything.
fn ignore_term() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        std::mem::forget(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?);
        io::Result::Ok(())
    })?;
    std::mem::forget(runtime);
    Ok(())
}
