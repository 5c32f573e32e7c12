#!/usr/bin/env bash
# Scanning: scan.sh [FILES] [RUNS] [DIR]
#
# Reads three trees of empty files, with the attributes of every file, beside du, find, the walker of the `ignore` crate
# and (if installed) gdu:
#
#   pdb   FILES (1,000,000) in directories of a thousand
#   nm    FILES / 2 in directories of five
#   wide  FILES / 5 in one directory
#
# in full with two threads and with one, and again when nothing has changed; with a warm cache, and as root with a cold one
# too, unless COLD=no. Then the peak of memory for `pdb`. DIR is where the trees are made, one after the other (else a temporary directory).
. "$(dirname "$0")/common.sh"

files=${1:-1000000}
runs=${2:-5}
trees=${3:-$work}
[ "$trees" = "$work" ] || printf 'File system of the trees: %s\n\n' "$(stat -f -c %T "$trees" 2>/dev/null || echo unknown)"
[[ $files =~ ^[0-9]+$ && $files -ge 1000 ]] || die "FILES has to be a number from 1000 on: $files"

walker=${IGNORE_WALK:-}
if [ -z "$walker" ]; then
    say "Building the walker to compare with..."
    walker=$(cd "$benches/.." && cargo build --release --locked --bench ignore_walk \
        --message-format=json-render-diagnostics | sed -n 's|.*"executable":"\([^"]*/ignore_walk[^"]*\)".*|\1|p')
fi
[ -x "$walker" ] || die "no walker to compare with: ${walker:-the build gave none}"

# make_tree TREE FILES FILES_PER_DIRECTORY
make_tree() {
    say "Making $2 files, $3 a directory..."
    python3 - "$@" <<'PYTHON'
import os, sys
tree, files, each = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.makedirs(tree)
for first in range(0, files, each):
    number = first // each
    path = os.path.join(tree, f"{number // 1000:03x}", f"{number:05x}") if files // each > 2000 \
        else os.path.join(tree, f"{number:04x}")
    os.makedirs(path)
    at = os.open(path, os.O_RDONLY)
    for n in range(first, min(first + each, files)):
        os.close(os.open(f"{n:08x}.cif.gz", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)
PYTHON
    # A directory that changed less than two seconds before it is read is read again next time.
    sleep 3
}

# The cold rounds need the right to empty the kernel's caches of names and attributes, which all on the machine feel.
cold="sync; echo 3 >/proc/sys/vm/drop_caches"
[ "${COLD-yes}" = yes ] && [ -w /proc/sys/vm/drop_caches ] || cold=

# bench NAME FILES FILES_PER_DIRECTORY
bench() {
    local name=$1 tree
    tree=$(mktemp -d "$trees/pdb-sync-bench-tree.XXXXXX")
    on_exit+=("rm -rf $(printf %q "$tree")")
    make_tree "$tree/t" "$2" "$3"
    export PDB_SYNC_STATE_DIR=$work/state-$name
    local scan peers
    scan=$(quoted "$program" scan "$tree/t" --threads)
    peers=("du=$(quoted du -sb "$tree/t")" "find=$(quoted find "$tree/t" -printf '%p %s %T@ %i\n')"
        "ignore=$(quoted "$walker" 2 "$tree/t")")
    command -v gdu >/dev/null && peers+=("gdu=$(quoted gdu --non-interactive --no-progress "$tree/t")")
    "$program" scan "$tree/t" >/dev/null
    printf '\n%s: %s files, %s a directory, warm\n\n' "$@"
    measure "$runs" "2 threads=$scan 2 --full" "1 thread=$scan 1 --full" "unchanged=$scan 2" "${peers[@]}"
    if [ -n "$cold" ]; then
        printf '\n%s: cold\n\n' "$name"
        local few=$(((runs + 1) / 2))
        measure "$few" --prepare "$cold" "threads as chosen=$scan 0 --full" "unchanged=$scan 0" \
            "du=$(quoted du -sb "$tree/t")" "find=$(quoted find "$tree/t" -printf '%p %s %T@ %i\n')"
    else
        printf '\n%s: not measured cold, which takes the superuser and COLD unset\n' "$name"
    fi
    if [ "$name" = pdb ]; then
        printf '\n%s: ' "$name"
        measure --peak "$program" scan "$tree/t" --threads 2 --full
    fi
    rm -rf "$tree"
}

bench pdb "$files" 1000
bench nm $((files / 2)) 5
bench wide $((files / 5)) $((files / 5))
