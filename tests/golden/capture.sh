#!/usr/bin/env bash
# Makes the golden files anew from the rsync in PATH: what it prints, and how it ends, in every case that the tests know.
#
#     tests/golden/capture.sh [DIR]        (default: rsync-VERSION beside this script)
#
# Needs root (for a small tmpfs, and to become `nobody`), python3 and ssh; a case that cannot be made is left out with a notice.
# `NAME.stderr` holds `exit N` and then rsync's standard error; `NAME.stdout` standard output as it came. Directories read
# /upstream and /mirror whatever they were. The two files `ssh-host-key` and `ssh-auth` come from a stand-in that prints
# OpenSSH's words, for they would need a server to be refused by.
set -u
here=$(cd "$(dirname "$0")" && pwd)
version=$(rsync --version | awk 'NR == 1 { print $3 }')
out=${1:-$here/rsync-$version}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
chmod 755 "$work"
up=$work/upstream
mirror=$work/mirror
trap 'rm -rf "$work"' EXIT
export LC_ALL=C TZ=UTC
unset RSYNC_PASSWORD RSYNC_RSH RSYNC_CONNECT_PROG
cd "$work" || exit 1

voice=(-8 --no-h --stats --no-motd)
base=(-rlpt --timeout=20)
filters=(--exclude=/.pdb-sync '--filter=-p .~tmp~' '--filter=-p .~partial~')
transfer=("${base[@]}" '--partial-dir=.~partial~' "${filters[@]}" "${voice[@]}" -v --info=progress2)
list=("${base[@]}" "${filters[@]}" "${voice[@]}" -n --delete --no-v '--out-format=%i %l %B %M %n')
as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

# `Killed` is the shell's word about the server, not rsync's.
clean() { sed -e '/^Killed$/d' -e "s#$mirror#/mirror#g" -e "s#$up#/upstream#g" -e "s#$work#/srv#g" -e 's#127\.0\.0\.1 port [0-9]*#127.0.0.1 port 22#'; }

# case NAME COMMAND…
case_() {
    local name=$1
    shift
    "$@" >"$work/stdout" 2>"$work/stderr" </dev/null
    { echo "exit $?"; clean <"$work/stderr"; } >"$out/$name.stderr"
    echo "$name: $(head -1 "$out/$name.stderr")"
}
fresh() { rm -rf "$mirror"; mkdir "$mirror"; }

# ---- upstream -----------------------------------------------------------------------------------------------------------
mkdir -p "$up/ab" "$up/deep/er"
echo one >"$up/ab/one"
echo two >"$up/ab/two"
echo x >"$up/deep/er/file"
head -c 300000 /dev/urandom >"$up/big"
cat >"$work/rsyncd.conf" <<END
use chroot = no
[m]
path = $up
[full]
path = $up
max connections = 1
lock file = $work/lock
[auth]
path = $up
auth users = someone
secrets file = $work/secrets
[denied]
path = $up
hosts deny = *
[unmounted]
path = $work/nowhere
[picky]
path = $up
refuse options = compress
END
echo someone:secret >"$work/secrets"
chmod 600 "$work/secrets"
pipe="rsync --config=$work/rsyncd.conf --daemon"
daemon() { RSYNC_CONNECT_PROG=$pipe rsync "${transfer[@]}" --contimeout=10 "$@"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# ---- connecting ---------------------------------------------------------------------------------------------------------
fresh
case_ refused rsync "${transfer[@]}" -- "rsync://127.0.0.1:$(free_port)/m/" mirror/
case_ refused-ipv6 rsync "${transfer[@]}" -- "rsync://[::1]:$(free_port)/m/" mirror/
case_ no-such-host rsync "${transfer[@]}" -- rsync://no.such.host.invalid/m/ mirror/
cat >"$work/deaf.py" <<'END'
# A listener whose queue is full: further connections get no answer at all.
import socket, subprocess, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(0)
port = listener.getsockname()[1]
held = []
for _ in range(4):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(("127.0.0.1", port))
    held.append(s)
sys.exit(subprocess.call([a.replace("PORT", str(port)) for a in sys.argv[1:]]))
END
case_ connect-timeout python3 "$work/deaf.py" rsync "${transfer[@]}" --contimeout=1 -- rsync://127.0.0.1:PORT/m/ mirror/
case_ silent-server env RSYNC_CONNECT_PROG='sleep 3' rsync "${transfer[@]}" --timeout=1 -- rsync://h/m/ mirror/
case_ closed-at-once env RSYNC_CONNECT_PROG=true rsync "${transfer[@]}" -- rsync://h/m/ mirror/
case_ no-rsync-server env RSYNC_CONNECT_PROG='echo HTTP/1.1 400 Bad Request' rsync "${transfer[@]}" -- rsync://h/m/ mirror/
case_ unknown-module daemon -- rsync://h/nomod/ mirror/
case_ auth-failed env RSYNC_PASSWORD=wrong RSYNC_CONNECT_PROG="$pipe" rsync "${transfer[@]}" -- rsync://someone@h/auth/ mirror/
case_ access-denied daemon -- rsync://h/denied/ mirror/
case_ chdir-failed daemon -- rsync://h/unmounted/ mirror/
case_ refused-option daemon -z -- rsync://h/picky/ mirror/
: >"$work/first"
daemon --bwlimit=10 -- rsync://h/full/ elsewhere/ >"$work/first" 2>&1 &
first=$!
until grep -q '%' "$work/first"; do kill -0 $first || break; done
case_ max-connections daemon -- rsync://h/full/ mirror/
kill -TERM $first
wait $first 2>/dev/null

# ---- reading ------------------------------------------------------------------------------------------------------------
fresh
case_ missing-directory daemon -- rsync://h/m/nowhere/ mirror/
case_ missing-file daemon -- rsync://h/m/nowhere mirror/
case_ missing-local rsync "${transfer[@]}" -- "$work/nowhere/" mirror/
echo er/file >"$work/names"
case_ vanished daemon --files-from="$work/names" -- rsync://h/m/deep/ mirror/
mkdir "$up/closed"
echo 1 >"$up/closed/file"
for n in 1 2 3 4; do echo $n >"$up/closed-$n"; done
chmod 000 "$up/closed" "$up"/closed-?
fresh
chmod 777 "$mirror"
case_ unreadable-source "${as_nobody[@]}" rsync "${transfer[@]}" -- upstream/ mirror/
case_ unreadable-source-list "${as_nobody[@]}" rsync "${list[@]}" -- upstream/ mirror/
clean <"$work/stdout" >"$out/unreadable-source-list.stdout"
rm -rf "$up"/closed*

# ---- writing ------------------------------------------------------------------------------------------------------------
fresh
chmod 755 "$mirror"
case_ unwritable-destination "${as_nobody[@]}" rsync "${transfer[@]}" -- upstream/ mirror/
case_ no-parent rsync "${transfer[@]}" -- upstream/ mirror/no/such/parent/
for case in 'disk-full size=64k' 'out-of-inodes size=9m,nr_inodes=3' 'read-only size=9m,ro'; do
    fresh
    if mount -t tmpfs -o "${case#* }" tmpfs "$mirror"; then
        case_ "${case% *}" rsync "${transfer[@]}" -- upstream/ mirror/
        umount -l "$mirror"
    else
        echo "${case% *}: left out, no tmpfs" >&2
    fi
done
fresh
mkdir -p "$work/ways" "$mirror/was-dir/sub" "$mirror/name: with colon"
touch "$work/ways/was-dir" "$mirror/was-dir/sub/f" "$mirror/name: with colon/f"
ln -s x "$work/ways/name: with colon"
case_ in-the-way rsync "${transfer[@]}" -- ways/ mirror/
fresh
for n in 1 2 3; do echo >"$mirror/extra-$n"; done
case_ max-delete rsync "${base[@]}" --delete --max-delete=1 -- upstream/ mirror/

# ---- ends ---------------------------------------------------------------------------------------------------------------
fresh
case_ usage rsync "${transfer[@]}" --no-such-option -- upstream/ mirror/
terminated() {
    rsync "${transfer[@]}" --bwlimit=10 -- upstream/ mirror/ >"$work/slow" &
    local pid=$!
    until grep -q '%' "$work/slow"; do kill -0 $pid || break; done
    kill -TERM $pid
    wait $pid
}
case_ terminated terminated
dropped() {
    RSYNC_CONNECT_PROG="sh -c 'echo \$\$ >$work/server; exec $pipe'" rsync "${transfer[@]}" --bwlimit=10 -- rsync://h/m/ mirror/ >"$work/slow" &
    local pid=$!
    until grep -q '%' "$work/slow"; do kill -0 $pid || break; done
    kill -KILL "$(cat "$work/server")"
    wait $pid
}
fresh
case_ dropped dropped

# ---- remote shell -------------------------------------------------------------------------------------------------------
fresh
printf '#!/bin/sh\nshift\nexec sh -c "$*"\n' >"$work/there"
printf '#!/bin/sh\necho "Host key verification failed." >&2\nexit 255\n' >"$work/host-key"
printf '#!/bin/sh\necho "someone@h: Permission denied (publickey,password)." >&2\nexit 255\n' >"$work/auth"
chmod +x "$work/there" "$work/host-key" "$work/auth"
case_ no-rsync-there rsync "${transfer[@]}" -e "$work/there" --rsync-path=no-such-rsync -- h:/x/ mirror/
case_ no-shell-here rsync "${transfer[@]}" -e /no/such/ssh -- h:/x/ mirror/
case_ missing-over-ssh rsync "${transfer[@]}" -e "$work/there" -- "h:$up/nowhere/" mirror/
case_ ssh-refused rsync "${transfer[@]}" -e "ssh -o BatchMode=yes -p $(free_port)" -- 127.0.0.1:/x/ mirror/
case_ ssh-no-host rsync "${transfer[@]}" -e "ssh -o BatchMode=yes" -- no.such.host.invalid:/x/ mirror/
case_ ssh-host-key rsync "${transfer[@]}" -e "$work/host-key" -- h:/x/ mirror/
case_ ssh-auth rsync "${transfer[@]}" -e "$work/auth" -- h:/x/ mirror/

# ---- output -------------------------------------------------------------------------------------------------------------
rm -rf "$up"
fresh
mkdir "$up" "$up/new-dir" "$up/.~tmp~"
(
    cd "$up" || exit
    echo newer >changed
    echo same >touched
    echo dash >-dash
    echo 1 >'Number of files: 99 (reg: 99)'
    # A path, for a name holds no slash.
    mkdir -p '              1   0%    0.00kB/s    0:00:00 (xfr#1, to-chk=25'
    echo 1 >'              1   0%    0.00kB/s    0:00:00 (xfr#1, to-chk=25/27)'
    echo 1 >'*deleting   0 changed'
    echo 1 >'\#012'
    echo 1 >$'esc\e[0m'
    echo 1 >$'new\nline'
    echo 1 >'trailing '
    echo 1 >$'\xff\xfe'
    ln -s 'x -> y' 'l -> m'
    echo 1 >'.~tmp~/upstreams-own'
)
(
    cd "$mirror" || exit
    mkdir -p .pdb-sync/q '.~tmp~' 'stale/.~partial~' 'ab/.~partial~' gone-dir
    echo 1 >changed
    cp -p "$up/touched" touched
    chmod 600 touched
    for name in .pdb-sync/q/z '.~tmp~/t' 'stale/.~partial~/p' 'ab/.~partial~/p' gone-dir/-f gone 'sp ' $'a\nb'; do echo 1 >"$name"; done
    ln -s y 'gone-link -> x'
)
mkdir "$up/ab"
rsync "${list[@]}" -- upstream/ mirror/ >"$out/list-hostile.stdout"
rsync "${transfer[@]}" -- upstream/ mirror/ >"$out/transfer-hostile.stdout"
rm -rf "$up"
fresh
mkdir "$up"
for n in 1 2 3; do head -c 400000 /dev/urandom >"$up/f$n"; done
rsync "${transfer[@]}" --bwlimit=200 -- upstream/ mirror/ >"$out/transfer-slow.stdout"
