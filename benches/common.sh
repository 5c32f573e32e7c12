# shellcheck shell=bash
# Sourced by the benches: a temporary directory that goes away, the program to measure, and the loop that measures.

set -euo pipefail
benches=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export LC_ALL=C

say() { printf '%s\n' "$*" >&2; }
die() {
    say "$0: $*"
    exit 2
}

command -v python3 >/dev/null || die "python3 is needed for timing"
command -v rsync >/dev/null || die "rsync is needed"

work=$(mktemp -d "${TMPDIR:-/tmp}/pdb-sync-bench.XXXXXX")
on_exit=()
clean_up() {
    local status=$? i
    trap '' INT TERM HUP
    for ((i = ${#on_exit[@]} - 1; i >= 0; i--)); do eval "${on_exit[i]}" || true; done
    rm -rf "$work"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# The program: PDB_SYNC if that is set, else a release build of this checkout.
program=${PDB_SYNC:-}
if [ -z "$program" ]; then
    say "Building pdb-sync..."
    program=$(cd "$benches/.." && cargo build --release --locked --message-format=json-render-diagnostics |
        sed -n 's|.*"executable":"\([^"]*/pdb-sync\)".*|\1|p')
fi
[ -x "$program" ] || die "no pdb-sync to measure: ${program:-the build gave none}"

# A figure is worth no more than what is known about where it was measured.
cpu=$(sed -n '/^model name/{s/^[^:]*: //p;q;}' /proc/cpuinfo 2>/dev/null || true)
printf 'Machine: %s, %s cores, %s %s, %s\nFile system: %s\nDate: %s\n\n' "${cpu:-$(uname -m)}" \
    "$(getconf _NPROCESSORS_ONLN)" "$(uname -s)" "$(uname -r)" "$(rsync --version | sed -n '1s/  */ /g;1s/ protocol.*//p')" \
    "$(stat -f -c %T "$work" 2>/dev/null || echo unknown)" "$(date -u +%Y-%m-%d)"

# measure RUNS [--prepare COMMAND] NAME=COMMAND…: see measure.py
measure() { python3 "$benches/measure.py" "$@"; }

# quoted WORD…: as one line for a shell.
quoted() { printf '%q ' "$@"; }

# configure_jobs N: a configuration with so many jobs, each of which mirrors one file of this machine.
configure_jobs() {
    local n
    for ((n = 0; n < $1; n++)); do
        mkdir -p "$work/source/$n"
        echo "$n" >"$work/source/$n/file"
        printf '[jobs.j%d]\nsource = "%s/source/%d/"\ndest = "%s/mirror/%d"\n' "$n" "$work" "$n" "$work" "$n"
    done >"$work/config.toml"
}
