#!/usr/bin/env bash
# What it costs to pass a child's lines on with a prefix: benches/lines.sh [LINES=1000000] [RUNS=5]
#
# The child stands in for rsync and prints LINES lines as rsync does for a new mirror. pdb-sync also writes them to its log.
. "$(dirname "$0")/common.sh"
lines=${1:-1000000} runs=${2:-5}

python3 - "$lines" >"$work/lines" <<'PYTHON'
import sys
for n in range(int(sys.argv[1])):
    print(f"{n % 1296:03d}/pdb_{n:08d}/structures/pdb_{n:08d}.cif.gz")
PYTHON

# Without its figures, the end of rsync proves nothing.
cat >"$work/figures" <<TEXT

Number of files: $lines (reg: $lines)
Number of created files: $lines (reg: $lines)
Number of deleted files: 0
Number of regular files transferred: $lines
Total file size: $lines bytes
Total transferred file size: $lines bytes
Total bytes sent: 100
Total bytes received: $lines

sent 100 bytes  received $lines bytes  1.00 bytes/sec
total size is $lines  speedup is 1.00
TEXT

mkdir "$work/source" "$work/bin"
echo something >"$work/source/file"
real=$(command -v rsync)
cat >"$work/bin/rsync" <<SH
#!/bin/sh
case " \$* " in *" --version "*) exec $(quoted "$real")--version ;; esac
cat $(quoted "$work/lines" "$work/figures")
SH
chmod +x "$work/bin/rsync"
cat >"$work/config.toml" <<TOML
[sync]
rsync = "$work/bin/rsync"
[jobs.lines]
source = "$work/source/"
dest = "$work/mirror"
TOML

child="cat $(quoted "$work/lines")"
ours=("$program" --config "$work/config.toml" --state-dir "$work/state" sync lines)
printed=$("${ours[@]}" 2>/dev/null | grep -c '^\[lines\] ' || true)
[ "$printed" -ge "$lines" ] || die "pdb-sync passed $printed lines on, the child printed $lines"

commands=("pdb-sync=$(quoted "${ours[@]}")" "sed -u=$child | sed -u 's/^/[lines] /'" "the child alone=$child | cat")
if parallel --version 2>/dev/null | grep -q '^GNU parallel'; then
    commands+=("parallel --tag=parallel --will-cite --tag --line-buffer '$child #' ::: lines")
else
    say "GNU parallel is not installed; it is left out"
fi
echo "$lines lines, $(wc -c <"$work/lines") bytes"
# Each time a first transfer, which is not preceded by a listing.
fresh="rm -rf $(quoted "$work/mirror" "$work/state")"
measure "$runs" --prepare "$fresh" "${commands[@]}"
eval "$fresh"
python3 "$benches/measure.py" --peak "${ours[@]}"
