//! Sums over all runs ever. Removed runs leave their sums in the table `totals`; the others are summed on request, so that a repeated write
//! counts once.

use super::{Error, History, migrations};
use crate::history::stats::Total;
use crate::model::record::State;
use rusqlite::{Row, Transaction};

/// The first version with the table.
const SINCE: i64 = 3;

/// Sums over the recorded runs, by job and status.
const REMEMBERED: &str = "
    SELECT job, status, COUNT(*) AS runs, TOTAL(duration) AS duration, TOTAL(attempts) AS attempts,
        TOTAL(files_transferred) AS files_transferred, TOTAL(files_deleted) AS files_deleted,
        TOTAL(bytes_received) AS bytes_received
    FROM jobs WHERE status <> 'running' GROUP BY job, status
";

impl History {
    /// Returns the sums by job and status.
    pub(crate) fn totals(&self) -> Result<Vec<Total>, Error> {
        let cannot = self.cannot_read();
        let removed = match migrations::version(&self.db).map_err(&cannot)? {
            SINCE.. => {
                "UNION ALL SELECT job, status, runs, duration, attempts, files_transferred, files_deleted, bytes_received
                 FROM totals"
            },
            _ => "",
        };
        let sql = format!(
            "SELECT job, status, SUM(runs) AS runs, TOTAL(duration) AS duration, TOTAL(attempts) AS attempts,
                TOTAL(files_transferred) AS files_transferred, TOTAL(files_deleted) AS files_deleted,
                TOTAL(bytes_received) AS bytes_received
             FROM ({REMEMBERED} {removed}) GROUP BY job, status"
        );
        let mut select = self.db.prepare(&sql).map_err(&cannot)?;
        let totals: rusqlite::Result<Vec<Option<Total>>> =
            select.query_map([], total).map_err(&cannot)?.collect();
        Ok(totals.map_err(&cannot)?.into_iter().flatten().collect())
    }
}

/// Reads a row. `None` for a status of a later version.
fn total(row: &Row<'_>) -> rusqlite::Result<Option<Total>> {
    let Some(state) = State::parse(&row.get::<_, String>("status")?) else { return Ok(None) };
    Ok(Some(Total {
        job: row.get("job")?,
        state,
        runs: u64::try_from(row.get::<_, i64>("runs")?).unwrap_or_default(),
        seconds: row.get::<_, f64>("duration")? / 1e6,
        attempts: row.get("attempts")?,
        files_transferred: row.get("files_transferred")?,
        files_deleted: row.get("files_deleted")?,
        bytes_received: row.get("bytes_received")?,
    }))
}

/// Removes runs and keeps their sums. No other code removes runs.
pub(super) fn remove(db: &Transaction<'_>, runs: &[String]) -> rusqlite::Result<()> {
    let mut sum = db.prepare(
        "INSERT INTO totals (job, status, runs, duration, attempts, files_transferred, files_deleted, bytes_received)
         SELECT job, status, 1, TOTAL(duration), TOTAL(attempts), TOTAL(files_transferred), TOTAL(files_deleted),
            TOTAL(bytes_received)
         FROM jobs WHERE run = ?1 AND status <> 'running' GROUP BY job, status
         ON CONFLICT (job, status) DO UPDATE SET
            runs = runs + excluded.runs,
            duration = duration + excluded.duration,
            attempts = attempts + excluded.attempts,
            files_transferred = files_transferred + excluded.files_transferred,
            files_deleted = files_deleted + excluded.files_deleted,
            bytes_received = bytes_received + excluded.bytes_received",
    )?;
    let mut delete = db.prepare("DELETE FROM runs WHERE id = ?1")?;
    for run in runs {
        sum.execute([run])?;
        delete.execute([run])?;
    }
    Ok(())
}
