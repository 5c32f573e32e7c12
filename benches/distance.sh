#!/usr/bin/env bash
# What a refresh and a first sync cost over a distance: benches/distance.sh [FILES=50000] [RUNS=3] [ONE_WAY_MS=25] [MB="60 600"]
#
# First with nothing changed, then with 0.2 % of the files changed, with some new and some gone, beside one plain rsync and the same
# with --no-inc-recursive. ONE_WAY_MS = 0 measures over loopback. Then first syncs of so many MB over a link on which each connection has
# 20 Mbit/s, beside one plain rsync and eight at the same time, each with an eighth of the directories.
#
# Two network namespaces joined by a pair of interfaces that delay every packet by ONE_WAY_MS; without netem in the kernel, by two
# TUN devices and link.py, which also limits connections. Needs root and iproute2. To use another link for the first part:
#   LINK_UP, LINK_DOWN       shell lines that make and remove it (may be empty)
#   LINK_CLIENT, LINK_SERVER what to put before a command to run it at either end, such as "ip netns exec far"
#   LINK_ADDRESS             the server's address, as the client sees it
. "$(dirname "$0")/common.sh"
files=${1:-50000} runs=${2:-3} one_way=${3:-25} megabytes=${4-60 600}

# own_link NETWORK [MBIT]: a link of 10.77.NETWORK.1 and 10.77.NETWORK.2, with at most so many Mbit/s for each connection.
own_link() {
    local network=$1 mbit=${2:-}
    local near=pdbsync-near$1-$$ far=pdbsync-far$1-$$
    [ "$(id -u)" -eq 0 ] || die "network namespaces need root"
    { command -v ip && command -v tc; } >/dev/null || die "ip and tc (iproute2) are needed"
    on_exit+=("ip netns del $near 2>/dev/null" "ip netns del $far 2>/dev/null")
    ip netns add "$near"
    ip netns add "$far"
    ip -n "$near" link add eth0 type veth peer name eth0 netns "$far"
    local i end address device near_device=eth0 far_device=eth0
    if [ -n "$mbit" ] || ! tc -n "$near" qdisc add dev eth0 root netem delay "${one_way}ms" limit 100000 2>"$work/tc"; then
        [ -n "$mbit" ] || say "No netem here ($(head -1 "$work/tc")): the link is made by TUN devices."
        ip -n "$near" link del eth0
        near_device=pdb${network}x$$a far_device=pdb${network}x$$b
        python3 "$benches/link.py" "$near_device" "$far_device" "$one_way" ${mbit:+"$mbit"} >"$work/link$network" &
        on_exit+=("kill $! 2>/dev/null")
        for ((i = 0; i < 100; i++)); do
            if [ -s "$work/link$network" ]; then break; fi
            sleep 0.05
        done
        ip link set "$near_device" netns "$near"
        ip link set "$far_device" netns "$far"
    fi
    for end in "$near 10.77.$network.1 $near_device" "$far 10.77.$network.2 $far_device"; do
        read -r end address device <<<"$end"
        # The default queue is shorter than what is under way on a fast link.
        ip -n "$end" link set "$device" txqueuelen 100000
        ip -n "$end" addr add "$address/24" dev "$device"
        ip -n "$end" link set lo up
        ip -n "$end" link set "$device" up
    done
    [ "$far_device" != eth0 ] || tc -n "$far" qdisc add dev eth0 root netem delay "${one_way}ms" limit 100000
    LINK_CLIENT="ip netns exec $near" LINK_SERVER="ip netns exec $far" LINK_ADDRESS=10.77.$network.2
}

# serve MODULE=PATH…: starts a daemon at the far end, and waits until it answers. Sets `url`.
served=0
serve() {
    local module i port=$((20000 + $$ % 12000 + served)) daemon
    served=$((served + 1))
    {
        printf 'use chroot = no\nuid = 0\ngid = 0\nlog file = %s\n' "$work/daemon.log"
        for module; do printf '[%s]\npath = %s\n' "${module%%=*}" "${module#*=}"; done
    } >"$work/rsyncd$served.conf"
    [ "$(id -u)" -eq 0 ] || sed -i '/^[ug]id/d' "$work/rsyncd$served.conf"
    ${server[@]+"${server[@]}"} rsync --daemon --no-detach --config="$work/rsyncd$served.conf" --port=$port &
    daemon=$!
    on_exit+=("kill $daemon 2>/dev/null && wait $daemon")
    url=rsync://$LINK_ADDRESS:$port
    for ((i = 0; ; i++)); do
        ${client[@]+"${client[@]}"} rsync --contimeout=5 "$url/${1%%=*}/" >/dev/null 2>&1 && break
        { kill -0 "$daemon" && [ "$i" -lt 50 ]; } || die "the daemon does not answer at $url: $(cat "$work/daemon.log")"
        sleep 0.1
    done
}

if [ -n "${LINK_ADDRESS:-}" ]; then
    [ -z "${LINK_DOWN:-}" ] || on_exit+=("$LINK_DOWN")
    [ -z "${LINK_UP:-}" ] || eval "$LINK_UP"
elif [ "$one_way" = 0 ]; then
    LINK_ADDRESS=127.0.0.1
else
    own_link 1
fi
read -ra client <<<"${LINK_CLIENT:-}"
read -ra server <<<"${LINK_SERVER:-}"

say "Laying out $files files..."
cat >"$work/tree.py" <<'PYTHON'
"""tree.py ROOT new COUNT | tree.py ROOT change N: lays out a tree, or changes N files, and a quarter as many come and go."""
import pathlib, random, sys
root, what, count = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
def write(number, text):
    # As in the archive: some 240 files a directory in 1,060 of them.
    directory = root / f"{number % 1060:04d}"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{number:07d}.cif.gz").write_text(text)
if what == "new":
    for n in range(count):
        write(n, f"{n}\n")
else:
    names = sorted(root.glob("*/*.cif.gz"))
    chosen = random.sample(names, count + count // 4)
    for path in chosen[:count]:
        path.write_text(f"changed {random.random()}\n")
    for path in chosen[count:]:
        path.unlink()
    last = max(int(path.name[:7]) for path in names)
    for n in range(count // 4):
        write(last + 1 + n, "new\n")
PYTHON
# A tree and a mirror for each contender that changes, so that each finds the same number of changes.
python3 "$work/tree.py" "$work/tree1" new "$files"
for n in 2 3 4; do rsync -a "$work/tree1/" "$work/tree$n/"; done
for n in 1 2 3 4; do rsync -a "$work/tree$n/" "$work/mirror$n/"; done
mkdir "$work/marker"
echo "release 1" >"$work/marker/release"
touch -d '3 days ago' "$work/marker/release"
serve tree1="$work/tree1" tree2="$work/tree2" tree3="$work/tree3" tree4="$work/tree4" marker="$work/marker"

cat >"$work/config.toml" <<TOML
[hosts."$LINK_ADDRESS"]
connections = 16
[defaults]
delete = true
[jobs.tree]
source = "$url/tree3/"
dest = "$work/mirror3"
[jobs.four]
source = "$url/tree4/"
dest = "$work/mirror4"
connections = 4
[jobs.marker]
source = "$url/tree1/"
dest = "$work/mirror1"
marker = "$url/marker/release"
TOML
if [ "$LINK_ADDRESS" != 127.0.0.1 ] && command -v ping >/dev/null; then
    ${client[@]+"${client[@]}"} ping -c 5 -q "$LINK_ADDRESS" | sed -n 's/^\(rtt\|round-trip\)/round trip:/p' || true
fi
ours() { quoted ${client[@]+"${client[@]}"} "$program" --config "$work/config.toml" --state-dir "$work/state" sync "$@"; }
contenders=(
    "rsync -a --delete=$(quoted ${client[@]+"${client[@]}"} rsync -a --delete "$url/tree1/" "$work/mirror1/")"
    "with --no-inc-recursive=$(quoted ${client[@]+"${client[@]}"} rsync -a --delete --no-inc-recursive "$url/tree2/" "$work/mirror2/")"
    "pdb-sync=$(ours tree)"
    "four connections=$(ours four)"
)
# The first run of a job at a mirror stores what later runs go by.
for job in four marker; do eval "$(ours "$job")" >/dev/null; done
echo "$files files, nothing changed"
measure "$runs" "${contenders[@]}" "by marker=$(ours marker)"
change=$((files / 625))
echo "$files files, $change changed, $((change / 4)) new, $((change / 4)) gone"
# measure.py sets CONTENDER.
measure "$runs" --prepare "python3 '$work/tree.py' '$work/tree'\$CONTENDER change $change" "${contenders[@]}"
python3 "$work/tree.py" "$work/tree3" change "$change"
measure --peak-all "$(ours tree)"

[ -n "$megabytes" ] && [ "$one_way" != 0 ] || exit 0
own_link 2 20
read -ra client <<<"$LINK_CLIENT"
read -ra server <<<"$LINK_SERVER"
for mb in $megabytes; do
    python3 - "$work/first$mb" "$mb" <<'PYTHON'
"""Lays out files of 40 to 460 kB that cannot be compressed, in 64 directories."""
import pathlib, random, sys
root, left = pathlib.Path(sys.argv[1]), int(sys.argv[2]) * 1_000_000
number = 0
while left > 0:
    size = min(left, random.randrange(40_000, 460_000))
    directory = root / f"{number % 64:02d}"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{number:05d}").write_bytes(random.randbytes(size))
    left -= size
    number += 1
PYTHON
    serve first="$work/first$mb"
    cat >"$work/config.toml" <<TOML
[hosts."$LINK_ADDRESS"]
connections = 16
[jobs.first]
source = "$url/first/"
dest = "$work/copy"
TOML
    fresh="rm -rf '$work/copy' '$work/state'"
    echo "ls '$work/first$mb' | awk \"NR % 8 == \$1\" | $(quoted "${client[@]}") rsync -a -r --files-from=- '$url/first/' '$work/copy/'" >"$work/eighth.sh"
    by_hand="mkdir -p '$work/copy' && printf '%s\\n' 0 1 2 3 4 5 6 7 | xargs -P8 -n1 sh '$work/eighth.sh'"
    contenders=("rsync -a=$(quoted "${client[@]}" rsync -a "$url/first/" "$work/copy/")")
    for n in 1 2 4 8 16; do contenders+=("$n connections=$(ours first --connections "$n")"); done
    echo "first sync of $mb MB, 20 Mbit/s for each connection"
    measure "$runs" --prepare "$fresh" "${contenders[@]}" "eight by xargs=$by_hand"
done
