#!/usr/bin/env bash
# What indexing and searching cost: benches/search.sh [FILES=1000] [DOCUMENTS=25000]
#
# FILES copies of the real entries in tests/corpus are inflated alone, read whole, read with early stop, and indexed; four
# indexes of DOCUMENTS made-up entries are searched, and one of four times as many is brought up to date. Then commands search
# these four, and rg -z looks for one word in the real files, if it is installed.
. "$(dirname "$0")/common.sh"
files=${1:-1000} documents=${2:-25000}

(cd "$benches/.." && cargo bench --locked --bench search -- "$work/bench" "$files" "$documents")

made=(--state-dir "$work/bench/made-state")
echo "One command over four indexes of $documents documents"
python3 "$benches/measure.py" --percentiles 200 \
    "a word=$(quoted "$program" "${made[@]}" search amyloid)" \
    "a phrase=$(quoted "$program" "${made[@]}" search '"crystal structure"')" \
    "three words=$(quoted "$program" "${made[@]}" search crystal structure complex)" \
    "conditions=$(quoted "$program" "${made[@]}" search method:xray resolution:1.5..2.0 released:2010..2015)"
python3 "$benches/measure.py" --peak "$program" "${made[@]}" search crystal structure complex

"$program" --state-dir "$work/state" index "$work/bench/real" >&2
contenders=("pdb-sync=$(quoted "$program" --state-dir "$work/state" search amyloid --ids)")
if command -v rg >/dev/null; then
    contenders+=("rg -z=$(quoted rg -z -l -i -j2 amyloid "$work/bench/real")")
else
    contenders+=("zgrep=$(quoted zgrep -l -i -r amyloid "$work/bench/real")")
fi
echo "One word in $files files, from the command line to the last line of output"
measure 5 "${contenders[@]}"
