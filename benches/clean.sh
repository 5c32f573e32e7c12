#!/usr/bin/env bash
# What removing costs: benches/clean.sh [FILES=100000] [DIRECTORIES=1000] [RUNS=3]
#
# `clean run` compares every file with its plan, captures it and compares it again; the others remove whatever is there. With
# --strict, it first compares all of them before it touches one. Planning is not measured: it was reviewed long before.
. "$(dirname "$0")/common.sh"
files=${1:-100000} dirs=${2:-1000} runs=${3:-3}

cat >"$work/fill.py" <<'PY'
import os, sys
root, files, dirs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
old = 1_600_000_000
for d in range(dirs):
    path = f"{root}/{d:04}"
    os.makedirs(path)
    for f in range(d, files, dirs):
        name = f"{path}/{f}~"
        open(name, "w").close()
        os.utime(name, (old, old))
    os.utime(path, (old, old))
PY
export PDB_SYNC_STATE_DIR="$work/state"
fill="rm -rf $(quoted "$work/m"); mkdir $(quoted "$work/m"); python3 $(quoted "$work/fill.py" "$work/m" "$files" "$dirs")"
plan="$(quoted "$program" clean plan "$work/m" -q -o "$work/p.plan.ndjson") >/dev/null"
run="$(quoted "$program" clean run "$work/p.plan.ndjson" --yes --max-delete 100%)"

echo "$files files in $dirs directories"
measure "$runs" --prepare "$fill; $plan" \
    "rm -rf=rm -rf $(quoted "$work/m")" \
    "find -delete=find $(quoted "$work/m") -delete" \
    "clean --delete=$run --delete" \
    "clean --delete --strict=$run --delete --strict" \
    "clean --delete, one thread=$run --delete --threads 1" \
    "clean, quarantine=$run"
