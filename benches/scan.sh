#!/usr/bin/env bash
# Scanning: scan.sh [FILES] [RUNS] [DIR]
#
# Counts FILES empty files (1,000,000) in directories of a thousand with a warm cache, in full and again when nothing has
# changed, beside du, find and (if installed) gdu and fd. DIR is where the tree is made (else a temporary directory).
. "$(dirname "$0")/common.sh"

files=${1:-1000000}
runs=${2:-5}
tree=$work/tree
if [ -n "${3-}" ]; then
    tree=$(mktemp -d "$3/pdb-sync-bench-tree.XXXXXX")
    on_exit+=("rm -rf $(printf %q "$tree")")
fi

say "Making $files files..."
python3 - "$tree" "$files" <<'PYTHON'
import os, sys
tree, files = sys.argv[1], int(sys.argv[2])
os.makedirs(tree, exist_ok=True)
for first in range(0, files, 1000):
    path = os.path.join(tree, f"{first // 1000:04x}")
    os.mkdir(path)
    at = os.open(path, os.O_RDONLY)
    for n in range(first, min(first + 1000, files)):
        os.close(os.open(f"{n:08x}.cif.gz", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)
PYTHON
# A directory that changed less than two seconds before it is read is read again next time.
sleep 3

export PDB_SYNC_STATE_DIR=$work/state
scan=$(quoted "$program" scan "$tree" --threads)
peers=("du=$(quoted du -sb "$tree")" "find=$(quoted find "$tree" -printf '%p %s %T@ %i\n')")
command -v gdu >/dev/null && peers+=("gdu=$(quoted gdu --non-interactive --no-progress "$tree")")
command -v fd >/dev/null && peers+=("fd (no stat)=$(quoted fd -uu . "$tree")")

"$program" scan "$tree" >/dev/null
measure "$runs" "2 threads=$scan 2 --full" "1 thread=$scan 1 --full" "unchanged=$scan 2" "${peers[@]}"
