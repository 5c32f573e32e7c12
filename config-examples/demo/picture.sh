#!/bin/sh
# Makes run.svg, the picture in the README: runs the demo in a terminal of 80 columns and draws what the first run of pdb-sync printed.
# Needs tmux and Python 3. PDB_SYNC names the program; without it, the demo builds one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../tests/need.sh"

for tool in tmux python3; do
    command -v "$tool" >/dev/null 2>&1 || die "$tool is needed"
done
work=$(mktemp -d "${TMPDIR:-/tmp}/pdb-sync-picture.XXXXXX")
terminal() { tmux -S "$work/socket" -f /dev/null "$@"; }
clean_up() {
    terminal kill-server 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

LC_ALL=C.UTF-8 TERM=xterm-256color
export LC_ALL TERM here work
unset NO_COLOR CLICOLOR CLICOLOR_FORCE CI GITHUB_ACTIONS 2>/dev/null || true
# shellcheck disable=SC2016 # The shell in the terminal expands these.
terminal new-session -d -x 80 -y 40 'sh "$here/run.sh"; echo $? >"$work/code"; exec cat'
while [ ! -s "$work/code" ]; do sleep 1; done
terminal capture-pane -e -p -S - >"$work/screen"
[ "$(cat "$work/code")" = 0 ] || die "the demo failed: $(cat "$work/screen")"
python3 "$here/picture.py" <"$work/screen" >"$work/run.svg"
cp "$work/run.svg" "$here/run.svg"
