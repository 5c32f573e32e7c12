#!/usr/bin/env bash
# What a refresh without a change costs over a distance: benches/distance.sh [FILES=50000] [RUNS=3] [ONE_WAY=25ms]
#
# Two network namespaces joined by a pair of interfaces that delay every packet by ONE_WAY. Needs root, iproute2 and a kernel
# with netem. On a machine without it, bring another link and say how to use it:
#   LINK_UP, LINK_DOWN       shell lines that make and remove it (may be empty)
#   LINK_CLIENT, LINK_SERVER what to put before a command to run it at either end, such as "ip netns exec far"
#   LINK_ADDRESS             the server's address, as the client sees it
. "$(dirname "$0")/common.sh"
files=${1:-50000} runs=${2:-3} one_way=${3:-25ms}
near=pdbsync-near-$$ far=pdbsync-far-$$

own_link() {
    [ "$(id -u)" -eq 0 ] || die "network namespaces need root"
    { command -v ip && command -v tc; } >/dev/null || die "ip and tc (iproute2) are needed"
    on_exit+=("ip netns del $near 2>/dev/null" "ip netns del $far 2>/dev/null")
    ip netns add "$near"
    ip netns add "$far"
    ip -n "$near" link add eth0 type veth peer name eth0 netns "$far"
    local end address
    for end in "$near 10.77.1.1" "$far 10.77.1.2"; do
        read -r end address <<<"$end"
        ip -n "$end" addr add "$address/24" dev eth0
        ip -n "$end" link set lo up
        ip -n "$end" link set eth0 up
        # The default queue of 1000 packets is shorter than what is under way on a fast link.
        tc -n "$end" qdisc add dev eth0 root netem delay "$one_way" limit 100000 2>"$work/tc" ||
            die "no netem here ($(head -1 "$work/tc")); the head of $0 says how to use another link"
    done
    LINK_CLIENT="ip netns exec $near" LINK_SERVER="ip netns exec $far" LINK_ADDRESS=10.77.1.2
}
if [ -n "${LINK_ADDRESS:-}" ]; then
    [ -z "${LINK_DOWN:-}" ] || on_exit+=("$LINK_DOWN")
    [ -z "${LINK_UP:-}" ] || eval "$LINK_UP"
else
    own_link
fi
read -ra client <<<"${LINK_CLIENT:-}"
read -ra server <<<"${LINK_SERVER:-}"

say "Laying out $files files..."
python3 - "$work/tree" "$files" <<'PYTHON'
import pathlib, sys
root, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
# As in the archive: some 50 files a directory in 1,060 of them.
width = max(1, count // 1060)
for n in range(count):
    directory = root / f"{n // width:04d}"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{n:06d}.cif.gz").write_text(f"{n}\n")
PYTHON
for mirror in plain ours; do rsync -a "$work/tree/" "$work/$mirror/"; done

port=$((20000 + $$ % 12000))
printf 'use chroot = no\nuid = 0\ngid = 0\nlog file = %s\n[tree]\npath = %s\n' "$work/daemon.log" "$work/tree" >"$work/rsyncd.conf"
[ "$(id -u)" -eq 0 ] || sed -i '/^[ug]id/d' "$work/rsyncd.conf"
${server[@]+"${server[@]}"} rsync --daemon --no-detach --config="$work/rsyncd.conf" --port=$port &
daemon=$!
on_exit+=("kill $daemon 2>/dev/null && wait $daemon")
url=rsync://$LINK_ADDRESS:$port/tree/
for ((i = 0; ; i++)); do
    ${client[@]+"${client[@]}"} rsync --contimeout=5 "$url" >/dev/null 2>&1 && break
    { kill -0 "$daemon" && [ "$i" -lt 50 ]; } || die "the daemon does not answer at $url: $(cat "$work/daemon.log")"
    sleep 0.1
done

cat >"$work/config.toml" <<TOML
[jobs.tree]
source = "$url"
dest = "$work/ours"
delete = true
TOML
if [ -n "${LINK_ADDRESS:-}" ] && command -v ping >/dev/null; then
    ${client[@]+"${client[@]}"} ping -c 5 -q "$LINK_ADDRESS" | sed -n 's/^\(rtt\|round-trip\)/round trip:/p' || true
fi
echo "$files files, nothing to do"
measure "$runs" \
    "rsync -a --delete=$(quoted ${client[@]+"${client[@]}"} rsync -a --delete "$url" "$work/plain/")" \
    "pdb-sync=$(quoted ${client[@]+"${client[@]}"} "$program" --config "$work/config.toml" --state-dir "$work/state" sync tree)"
