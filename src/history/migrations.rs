//! The tables, and the steps that lead to them from those of older versions.

use rusqlite::{Connection, TransactionBehavior};

/// The SQLite application ID, which identifies our databases: "pdbs".
pub(super) const APPLICATION: i32 = 0x7064_6273;

/// Each step leads from the version that is its index to the next one. Steps are only ever appended.
///
/// Times are milliseconds since 1970, durations microseconds; NULL is unknown. `runs.state` is `running`, `ended` or `interrupted`;
/// `jobs.status` is a status word, `running` or `interrupted`. Phases with attempt 0 are hooks.
pub(super) const STEPS: &[&str] = &[
    "
    CREATE TABLE runs (
        id TEXT PRIMARY KEY NOT NULL,
        command TEXT NOT NULL,
        state TEXT NOT NULL,
        started INTEGER NOT NULL,
        duration INTEGER,
        exit_code INTEGER,
        signal INTEGER,
        parallel INTEGER,
        pid INTEGER NOT NULL,
        process TEXT
    );
    CREATE INDEX runs_by_start ON runs (started);
    CREATE TABLE jobs (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        job TEXT NOT NULL,
        place INTEGER NOT NULL,
        status TEXT NOT NULL,
        started INTEGER NOT NULL,
        duration INTEGER,
        queued INTEGER,
        attempts INTEGER NOT NULL DEFAULT 0,
        exit_code INTEGER,
        files_transferred INTEGER,
        files_deleted INTEGER,
        bytes_received INTEGER,
        total_files INTEGER,
        total_bytes INTEGER,
        source TEXT,
        error TEXT,
        hint TEXT,
        log TEXT,
        alerts TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (run, job)
    );
    CREATE INDEX jobs_by_start ON jobs (job, started);
    CREATE TABLE attempts (
        run TEXT NOT NULL,
        job TEXT NOT NULL,
        number INTEGER NOT NULL,
        source TEXT NOT NULL,
        started INTEGER NOT NULL,
        duration INTEGER NOT NULL,
        exit_code INTEGER,
        error TEXT,
        hint TEXT,
        PRIMARY KEY (run, job, number),
        FOREIGN KEY (run, job) REFERENCES jobs (run, job) ON DELETE CASCADE
    );
    CREATE TABLE phases (
        run TEXT NOT NULL,
        job TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        place INTEGER NOT NULL,
        name TEXT NOT NULL,
        duration INTEGER NOT NULL,
        PRIMARY KEY (run, job, attempt, place),
        FOREIGN KEY (run, job) REFERENCES jobs (run, job) ON DELETE CASCADE
    );
",
    "
    -- It said `sync` in every row: what other commands cost is in a file of its own, costs.jsonl.
    ALTER TABLE runs DROP COLUMN command;
    CREATE INDEX jobs_by_time ON jobs (started);
",
    "
    -- Sums of the runs that were removed, so that counters never fall. Spans of time are microseconds here, too.
    CREATE TABLE totals (
        job TEXT NOT NULL,
        status TEXT NOT NULL,
        runs INTEGER NOT NULL,
        duration REAL NOT NULL,
        attempts REAL NOT NULL,
        files_transferred REAL NOT NULL,
        files_deleted REAL NOT NULL,
        bytes_received REAL NOT NULL,
        PRIMARY KEY (job, status)
    ) WITHOUT ROWID;
",
    "
    ALTER TABLE jobs ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';
",
    "
    ALTER TABLE jobs ADD COLUMN files_verified INTEGER;
    ALTER TABLE jobs ADD COLUMN files_damaged INTEGER;
",
    "
    -- What the command line limited the run to; NULL for a run of the whole job.
    ALTER TABLE jobs ADD COLUMN scope TEXT;
    -- The host of the process.
    ALTER TABLE runs ADD COLUMN host TEXT;
",
    "
    -- How many connections it had at the same time, at most.
    ALTER TABLE jobs ADD COLUMN connections INTEGER;
    -- A row for each transfer of a part; for a part that was not started, one without a number.
    CREATE TABLE parts (
        run TEXT NOT NULL,
        job TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        part INTEGER NOT NULL,
        parts INTEGER NOT NULL,
        files INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        done INTEGER NOT NULL,
        connection INTEGER,
        started INTEGER,
        duration INTEGER,
        exit_code INTEGER,
        error TEXT,
        FOREIGN KEY (run, job) REFERENCES jobs (run, job) ON DELETE CASCADE
    );
    CREATE INDEX parts_by_job ON parts (run, job);
",
];

/// The first version with `jobs.scope`.
const SCOPED: i64 = 6;
/// The first version with the table `parts`.
const PARTED: i64 = 7;

/// The condition in SQL for a run of the whole job. In a database of an earlier version, all of them count.
pub(super) fn whole_jobs(db: &Connection) -> rusqlite::Result<&'static str> {
    Ok(if version(db)? < SCOPED { "TRUE" } else { "scope IS NULL" })
}

/// Whether the database has the table `parts`.
pub(super) fn has_parts(db: &Connection) -> rusqlite::Result<bool> {
    Ok(version(db)? >= PARTED)
}

/// The version that this program writes.
pub(super) fn newest() -> i64 {
    STEPS.len() as i64
}

/// Returns the version of the file. An empty file has version 0.
pub(super) fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Applies the missing steps. Several processes may try at once: one applies them, the others find them applied.
pub(super) fn migrate(db: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    if version(db)? >= steps.len() as i64 {
        return Ok(());
    }
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = usize::try_from(version(&change)?).unwrap_or(0);
    for step in steps.iter().skip(done) {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "application_id", APPLICATION)?;
    change.pragma_update(None, "user_version", steps.len().max(done) as i64)?;
    change.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_tables_take_the_missing_steps_and_keep_what_they_hold() {
        let mut db = Connection::open_in_memory().unwrap();
        let steps =
            ["CREATE TABLE a (x); INSERT INTO a VALUES (1);", "ALTER TABLE a ADD COLUMN y DEFAULT 2;"];
        migrate(&mut db, &steps[..1]).unwrap();
        assert_eq!(version(&db).unwrap(), 1);
        migrate(&mut db, &steps).unwrap();
        migrate(&mut db, &steps).unwrap();
        let row: (i64, i64) = db.query_row("SELECT x, y FROM a", [], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
        assert_eq!((row, version(&db).unwrap()), ((1, 2), 2));
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let mut db = Connection::open_in_memory().unwrap();
        assert!(migrate(&mut db, &["CREATE TABLE a (x);", "nonsense"]).is_err());
        assert_eq!(version(&db).unwrap(), 0);
        migrate(&mut db, &["CREATE TABLE a (x);"]).unwrap();
    }
}
