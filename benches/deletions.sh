#!/usr/bin/env bash
# What deletions cost a sync, and how much memory they take: benches/deletions.sh [ENTRIES=10000000] [DIRECTORIES=10000]
#
# With FILES=yes, files are made and deleted, and rsync lists them; that needs as many inodes. Otherwise a script stands in for rsync and names
# entries below links to one directory of real files: all of them are listed, sorted, planned, judged, journalled and given to the threads, which
# refuse each at its removal, since nothing is removed through a link.
. "$(dirname "$0")/common.sh"
entries=${1:-10000000} dirs=${2:-10000}
each=$(((entries + dirs - 1) / dirs))
mirror=$work/mirror
mkdir -p "$work/source" "$mirror" "$work/real" "$work/state/listings"
echo x >"$work/source/keep"
cp -p "$work/source/keep" "$mirror/keep"

cat >"$work/fill.py" <<'PY'
import os, sys
mirror, real, each, dirs, files = *sys.argv[1:3], *map(int, sys.argv[3:5]), sys.argv[5] == "yes"
def fill(path):
    at = os.open(path, os.O_RDONLY)
    for n in range(each):
        os.close(os.open(f"{n:06}.cif.gz", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)
if not files:
    fill(real)
for d in range(dirs):
    path = f"{mirror}/{d:06}"
    if files:
        os.mkdir(path)
        fill(path)
    else:
        os.symlink(real, path)
PY
cat >"$work/rsync" <<'PY'
#!/usr/bin/env python3
import sys
if "--version" in sys.argv:
    print("rsync  version 3.5.0  protocol version 32")
    sys.exit()
each, dirs = EACH, DIRS
listed = any(argument.startswith("--del") for argument in sys.argv)
if listed:
    for d in reversed(range(dirs)):
        sys.stdout.write("".join(f"*deleting   0 1970/01/01-00:00:00 {d:06}/{n:06}.cif.gz\n" for n in reversed(range(each))))
print(f"""
Number of files: 1 (reg: 1)
Number of created files: 0
Number of deleted files: {each * dirs if listed else 0}
Number of regular files transferred: 0
Total file size: 2 bytes
Total transferred file size: 0 bytes
Literal data: 0 bytes
Matched data: 0 bytes
File list size: 0
File list generation time: 0.001 seconds
File list transfer time: 0.000 seconds
Total bytes sent: 100
Total bytes received: 100

sent 100 bytes  received 100 bytes  1.00 bytes/sec
total size is 2  speedup is 1.00""")
PY
sed -i "s/EACH, DIRS/$each, $dirs/" "$work/rsync"
chmod +x "$work/rsync"
cat >"$work/peak.py" <<'PY'
import subprocess, sys, time
def size(status, key):
    return int(next(line for line in status.splitlines() if line.startswith(key)).split()[1])
started, peak = time.time(), 0
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
while child.poll() is None:
    try:
        status = open(f"/proc/{child.pid}/status").read()
        peak = max(peak, size(status, "VmHWM:") - size(status, "RssFile:"))
    except (OSError, StopIteration):
        pass
    time.sleep(0.05)
print(f"exit code {child.returncode}, {time.time() - started:.1f} s, {peak / 1024:.1f} MiB beside the program itself")
PY

rsync=rsync
[ "${FILES:-no}" = yes ] || rsync=$work/rsync
say "Making the mirror..."
python3 "$work/fill.py" "$mirror" "$work/real" "$each" "$dirs" "${FILES:-no}"
printf '{"v":1,"dests":["%s"]}' "$mirror" >"$work/state/listings/j.json"
printf 'version = 1\n[sync]\nrsync = "%s"\n[jobs.j]\nsource = "%s/source/"\ndest = "%s"\ndelete = true\ntimeout = 0\n%s' \
    "$rsync" "$work" "$mirror" "${JOB:-}" >"$work/config.toml"
ours=("$program" --config "$work/config.toml" --state-dir "$work/state")
echo "$((each * dirs)) deletions in $dirs directories"
printf 'held back: '
python3 "$work/peak.py" "${ours[@]}" sync j --max-delete 1 -q
hash=$("${ours[@]}" clean show j --json | sed -n 's/.*"hash":"\([0-9a-f]*\)".*/\1/p')
printf 'approved: '
python3 "$work/peak.py" "${ours[@]}" sync j --expect "$hash" -q
