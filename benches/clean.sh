#!/usr/bin/env bash
# What removing costs: benches/clean.sh [FILES=100000] [DIRECTORIES=1000] [RUNS=3]
#
# `clean run` compares every file with its plan, captures it and compares it again; the others remove whatever is there. With
# --strict, it first compares all of them before it touches one. Planning is not measured: it was reviewed long before.
. "$(dirname "$0")/common.sh"
files=${1:-100000} dirs=${2:-1000} runs=${3:-3}

# All trees are made before the first is removed: ext4 is slow to use the number of a file again that went a moment ago.
cat >"$work/fill.py" <<'PY'
import os, sys
root, trees, files, dirs = sys.argv[1], *map(int, sys.argv[2:])
old = 1_600_000_000
for tree in range(trees):
    for d in range(dirs):
        path = f"{root}/{tree:04}/{d:04}"
        os.makedirs(path)
        at = os.open(path, os.O_RDONLY)
        for f in range(d, files, dirs):
            os.close(os.open(f"{f}~", os.O_CREAT | os.O_WRONLY, dir_fd=at))
            os.utime(f"{f}~", (old, old), dir_fd=at)
        os.utime(at, (old, old))
        os.close(at)
PY
export PDB_SYNC_STATE_DIR="$work/state"
next="rm -rf $(quoted "$work/m"); mv \"\$(find $(quoted "$work/trees") -mindepth 1 -maxdepth 1 | head -n 1)\" $(quoted "$work/m")"
plan="$(quoted "$program" clean plan "$work/m" -q -o "$work/p.plan.ndjson") >/dev/null"
run="$(quoted "$program" clean run "$work/p.plan.ndjson" --yes --max-delete 100%)"

say "Making $(((runs + 1) * 6)) trees of $files files..."
python3 "$work/fill.py" "$work/trees" $(((runs + 1) * 6)) "$files" "$dirs"
sync
echo "$files files in $dirs directories"
measure "$runs" --prepare "$next; $plan" \
    "rm -rf=rm -rf $(quoted "$work/m")" \
    "find -delete=find $(quoted "$work/m") -delete" \
    "clean --delete=$run --delete" \
    "clean --delete --strict=$run --delete --strict" \
    "clean --delete, one thread=$run --delete --threads 1" \
    "clean, quarantine=$run"
