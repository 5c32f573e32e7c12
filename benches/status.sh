#!/usr/bin/env bash
# What a look costs: benches/status.sh [RUNS=20] [HISTORY=10000] [JOBS=10]
#
# A history of HISTORY runs of JOBS jobs each, an hour apart, made from one real run. Measured are whole commands, from the
# command line to the last line of output, and the time of CPUs that one refresh of `status --watch` takes on average.
. "$(dirname "$0")/common.sh"
runs=${1:-20} past=${2:-10000} jobs=${3:-10}

configure_jobs "$jobs"
ours=("$program" --config "$work/config.toml" --state-dir "$work/state")
"${ours[@]}" -q sync --all >/dev/null

cat >"$work/age.py" <<'PY'
# Copies the newest run of a history into the past, an hour apart, with everything that hangs on it.
import sqlite3, sys

path, copies = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(path)
run, = db.execute("SELECT id FROM runs ORDER BY started DESC LIMIT 1").fetchone()
for table, key in [("runs", "id"), ("jobs", "run"), ("attempts", "run"), ("phases", "run")]:
    columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    value = {key: f"{key} || '-' || n", "started": "started - n * 3600000"}
    values = ", ".join(value.get(column, column) for column in columns)
    db.execute(
        f"""WITH RECURSIVE ago(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM ago WHERE n < ?)
            INSERT INTO {table} ({", ".join(columns)}) SELECT {values} FROM ago, {table} WHERE {key} = ?""",
        (copies, run),
    )
db.commit()
PY
python3 "$work/age.py" "$work/state/history.db" "$((past - 1))"

echo "$jobs jobs, $past runs of all of them remembered"
measure "$runs" \
    "--version=$(quoted "${ours[@]}" --version)" \
    "status=$(quoted "${ours[@]}" status)" \
    "status --json=$(quoted "${ours[@]}" status --json)" \
    "list --json=$(quoted "${ours[@]}" list --json)"
python3 "$benches/measure.py" --refresh 10 "${ours[@]}" status --watch --json
