#!/usr/bin/env bash
# What indexing and searching cost: benches/search.sh [FILES=1000] [DOCUMENTS=25000]
#
# FILES copies of the real entries in tests/corpus are inflated alone, read whole, read with early stop, and indexed; four
# indexes of DOCUMENTS made-up entries are searched. Then rg -z looks for one word in the same files, if it is installed.
. "$(dirname "$0")/common.sh"
files=${1:-1000} documents=${2:-25000}

(cd "$benches/.." && cargo bench --locked --bench search -- "$work/bench" "$files" "$documents")

"$program" --state-dir "$work/state" index "$work/bench/real" >&2
contenders=("pdb-sync=$(quoted "$program" --state-dir "$work/state" search amyloid --ids)")
if command -v rg >/dev/null; then
    contenders+=("rg -z=$(quoted rg -z -l -i -j2 amyloid "$work/bench/real")")
else
    contenders+=("zgrep=$(quoted zgrep -l -i -r amyloid "$work/bench/real")")
fi
echo "One word in $files files, from the command line to the last line of output"
measure 5 "${contenders[@]}"
