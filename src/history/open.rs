//! Opens the database: for reading without changing anything, for writing with repairs where necessary.

use super::{Error, migrations};
use crate::model::sanitize;
use crate::platform;
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a writer waits for other writers.
const PATIENCE: Duration = Duration::from_secs(5);
/// Delay between attempts where SQLite itself does not wait.
const PAUSE: Duration = Duration::from_millis(10);

/// An open history.
#[derive(Debug)]
pub(crate) struct History {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
}

/// A history open for writing, with warnings.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The history.
    pub history: History,
    /// Warnings, for example that a damaged file was set aside.
    pub warnings: Vec<String>,
}

impl History {
    /// Returns the path of the database in the state directory.
    pub(crate) fn path(state_dir: &Path) -> PathBuf {
        state_dir.join("history.db")
    }

    /// Opens the history for reading. Creates and changes nothing. `None` if it does not exist.
    pub(crate) fn read(state_dir: &Path) -> Result<Option<History>, Error> {
        let path = History::path(state_dir);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { tried: "cannot open", path, source }),
            Ok(meta) if meta.is_dir() => {
                let source = io::ErrorKind::IsADirectory.into();
                return Err(Error::Io { tried: "cannot read", path, source });
            }
            Ok(_) => {}
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(&path, flags).and_then(probed);
        let db = match opened {
            Err(error) if needs_a_writable_directory(&error) && !journal(&path).exists() => {
                // Without a journal no process is writing, and the file is complete.
                let name = format!("file:{}?immutable=1", uri(&path));
                Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_URI).and_then(probed)
            }
            opened => opened,
        };
        let db = db.map_err(|source| Error::Database { tried: "cannot read", path: path.clone(), source })?;
        // Another process may have been killed between creating the file and its tables.
        let empty = migrations::version(&db).is_ok_and(|version| version == 0);
        Ok((!empty).then_some(History { db, path }))
    }

    /// Opens the history for writing: creates it if it does not exist, migrates it to the newest version, and sets a damaged file aside.
    pub(crate) fn write(state_dir: &Path) -> Result<Opened, Error> {
        let path = History::path(state_dir);
        fs::create_dir_all(state_dir).map_err(|source| Error::Io {
            tried: "cannot make the directory of",
            path: path.clone(),
            source,
        })?;
        match open(&path) {
            Ok(history) => Ok(Opened { history, warnings: Vec::new() }),
            // The system gives the reason, which SQLite does not.
            Err(error) if error.is_unopened() => match writable(&path) {
                Err(source) => Err(Error::Io { tried: "cannot write", path, source }),
                Ok(_) => Err(error),
            },
            Err(error) if error.is_damage() => {
                let warnings = set_aside(&path, &error)?.into_iter().collect();
                Ok(Opened { history: open(&path)?, warnings })
            }
            Err(error) => Err(error),
        }
    }

    /// The state directory.
    pub(super) fn state_dir(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    pub(super) fn cannot_read(&self) -> impl Fn(rusqlite::Error) -> Error + '_ {
        |source| Error::Database { tried: "cannot read", path: self.path.clone(), source }
    }

    pub(super) fn cannot_write(&self) -> impl Fn(rusqlite::Error) -> Error + use<> {
        let path = self.path.clone();
        move |source| Error::Database { tried: "cannot write", path: path.clone(), source }
    }
}

fn writable(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

/// Reads the header, since opening a database does not read it.
fn probed(db: Connection) -> rusqlite::Result<Connection> {
    db.busy_timeout(PATIENCE)?;
    migrations::version(&db)?;
    db.query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(()))?;
    Ok(db)
}

fn needs_a_writable_directory(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn journal(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn uri(path: &Path) -> String {
    use std::fmt::Write;
    use std::os::unix::ffi::OsStrExt;
    let mut out = String::new();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
            out.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn open(path: &Path) -> Result<History, Error> {
    let cannot = |source| Error::Database { tried: "cannot write", path: path.into(), source };
    let db = Connection::open(path).map_err(cannot)?;
    let mut history = History { db, path: path.into() };
    history.db.busy_timeout(PATIENCE).map_err(cannot)?;
    let found = migrations::version(&history.db).map_err(cannot)?;
    if found > migrations::newest() {
        return Err(Error::Newer { path: path.into(), found, known: migrations::newest() });
    }
    // Changing the journal mode does not wait for other processes by itself.
    patiently(|| history.db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))).map_err(cannot)?;
    // A power failure may lose the last rows, but never damages the file.
    let settings = "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;";
    history.db.execute_batch(settings).map_err(cannot)?;
    migrations::migrate(&mut history.db, migrations::STEPS).map_err(cannot)?;
    Ok(history)
}

fn patiently<T>(mut act: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let start = Instant::now();
    loop {
        match act() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && start.elapsed() < PATIENCE =>
            {
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

/// Whether every page can be read. A file that cannot be opened for reasons other than damage counts as sound.
fn is_sound(path: &Path) -> bool {
    match open(path) {
        Ok(history) => {
            let verdict = history.db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
            verdict.is_ok_and(|verdict| verdict == "ok")
        }
        Err(error) => !error.is_damage(),
    }
}

/// Renames a damaged file. `None` if another process has done so meanwhile.
pub(super) fn set_aside(path: &Path, why: &Error) -> Result<Option<String>, Error> {
    let cannot = |source| Error::Io { tried: "cannot set aside", path: path.into(), source };
    // Without a lock, the second of two processes would set the new file aside.
    let lock = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(platform::WITHOUT_WAITING)
        .open(beside(path, ".lock"));
    let lock = lock.map_err(cannot)?;
    lock.lock().map_err(cannot)?;
    if is_sound(path) {
        return Ok(None);
    }
    let aside = beside(path, &format!(".damaged-{}", Timestamp::now().as_millisecond()));
    for suffix in ["-wal", "-shm"] {
        // These files belong to the damaged database, and would damage the new one.
        match fs::rename(beside(path, suffix), beside(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(error)),
            _ => {}
        }
    }
    fs::rename(path, &aside).map_err(cannot)?;
    Ok(Some(format!("{why}; it was set aside as {}, and a new history begins", sanitize::path(&aside))))
}
