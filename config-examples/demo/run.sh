#!/bin/sh
# Demonstrates pdb-sync on this machine: sh config-examples/demo/run.sh
#
# Builds pdb-sync, serves six real PDB entries as three modules of an rsync daemon on 127.0.0.1, and mirrors them twice.
# It needs a Rust toolchain, but no root, and no network except for Cargo (rsync is installed if it is missing). It ends all
# processes that it started, and leaves only Cargo's target/ behind. The exit code is 0 if everything succeeded.
set -eu
exec </dev/null
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
. tests/need.sh

work='' daemon='' child=''
clean_up() {
    status=$?
    trap '' INT TERM HUP
    for pid in $child $daemon; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    [ -z "$work" ] || rm -rf "$work"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Runs a command that a signal to this script ends too: the shell runs traps only while it waits for a background process.
attended() {
    "$@" &
    child=$!
    status=0
    wait "$child" || status=$?
    child=''
    return "$status"
}
step() { printf '\n--- %s\n' "$*"; }
pause() { sleep 0.1 2>/dev/null || sleep 1; }

if [ -z "${PDB_SYNC:-}" ]; then
    need_cargo
    need_cc
fi
need_rsync
work=$(mktemp -d "${TMPDIR:-/tmp}/pdb-sync-demo.XXXXXX")

# PDB_SYNC names another program than a build without optimization, which takes half the time of a release build.
program=${PDB_SYNC:-}
if [ -z "$program" ]; then
    step "Building pdb-sync (the first time takes some minutes)"
    attended cargo build --locked --message-format=json-render-diagnostics >"$work/build"
    # Cargo reports the path of the program, also if its configuration sets another target directory.
    program=$(sed -n 's|.*"executable":"\([^"]*/pdb-sync\)".*|\1|p' "$work/build")
fi
[ -x "$program" ] || die "no pdb-sync to show: ${program:-cargo built none}"

step "Laying out six real PDB entries as an archive does"
upstream=$work/upstream
mkdir -p "$upstream/status/latest"
for file in tests/corpus/*.cif.gz; do
    entry=$(basename "$file" .cif.gz)
    middle=${entry#?}
    middle=${middle%?}
    mkdir -p "$upstream/mmcif/$middle" "$upstream/beta/$middle/pdb_0000$entry/structures"
    cp "$file" "$upstream/mmcif/$middle/"
    cp "$file" "$upstream/beta/$middle/pdb_0000$entry/structures/pdb_0000$entry.cif.gz"
    echo "$entry" >>"$upstream/status/latest/added.pdb"
done
echo "$(wc -l <"$upstream/status/latest/added.pdb") entries from tests/corpus, in the layouts of today and of 2027"

# serve PORT: starts a daemon and waits until it answers. Returns 1 if the daemon ended, for example because the port is in use.
serve() {
    rsync --daemon --no-detach --config="$work/rsyncd.conf" --address=127.0.0.1 --port="$1" >"$work/daemon" 2>&1 &
    daemon=$!
    polls=0
    while kill -0 "$daemon" 2>/dev/null && [ "$polls" -lt 100 ]; do
        # The comment distinguishes this daemon from another one on the same port.
        rsync --contimeout=5 "rsync://127.0.0.1:$1/" 2>/dev/null | grep -q "demo-$$\$" && return 0
        pause
        polls=$((polls + 1))
    done
    kill "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
    daemon=''
    return 1
}

step "Starting an rsync daemon on 127.0.0.1"
{
    echo "use chroot = no"
    echo "log file = $work/daemon.log"
    # A daemon started by root would run as nobody, which cannot read this directory.
    [ "$(id -u)" -ne 0 ] || printf 'uid = 0\ngid = 0\n'
    for module in mmcif beta status; do
        printf '[%s]\npath = %s\nread only = yes\ncomment = demo-%s\n' "$module" "$upstream/$module" "$$"
    done
} >"$work/rsyncd.conf"
port=''
for try in 1 2 3 4 5 6 7 8 9 10; do
    candidate=$((20000 + ($$ + try * 1237) % 12000))
    if serve "$candidate"; then
        port=$candidate
        break
    fi
done
[ -n "$port" ] || die "the rsync daemon did not start: $(cat "$work/daemon" "$work/daemon.log" 2>/dev/null)"
echo "It listens on port $port and serves the modules mmcif, beta and status"

sed "s/127\.0\.0\.1:8730/127.0.0.1:$port/" "$here/demo.toml" >"$work/demo.toml"
# In GitHub Actions, the demo prints the same as on a terminal.
sync() {
    GITHUB_ACTIONS='' attended "$program" --config "$work/demo.toml" --state-dir "$work/state" sync --all --parallel 3
}
# Names, sizes, times and inodes. rsync replaces files by renaming, so a file that is transferred again has another inode.
inventory() { (cd "$work/mirrors" && ls -liR); }

step "First run: pdb-sync sync --all --parallel 3"
sync

step "The tree that came"
for module in mmcif:mmCIF beta:beta status:status; do
    echo "mirrors/${module#*:}"
    rsync -r --list-only "$work/mirrors/${module#*:}/" | sed -n '/^-/s/^/    /p'
    # Compares contents; the output is empty if both sides are equal.
    difference=$(rsync -rnc --delete --out-format='%i %n' "$upstream/${module%:*}/" "$work/mirrors/${module#*:}/")
    [ -z "$difference" ] || die "the mirror differs from its source: $difference"
done
echo "Every file has the contents of its source"
inventory >"$work/before"

step "Second run: nothing has changed upstream"
sync
inventory >"$work/after"
[ "$(cat "$work/before")" = "$(cat "$work/after")" ] || die "the second run changed the mirrors"
echo "The second run transferred nothing."

step "Done; ending the daemon and removing $work"
