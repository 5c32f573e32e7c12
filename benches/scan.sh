#!/usr/bin/env bash
# Scanning: scan.sh [FILES] [RUNS] [DIR]
#
# Reads trees of files, with the attributes of every file, beside du, find, the walker of the `ignore` crate and (if installed) gdu:
#
#   pdb    FILES (1,000,000) in directories of a thousand
#   nm     FILES / 2 in directories of five
#   wide   FILES / 5 in one directory
#   deep   FILES / 10 in chains of 200 directories, each in the one before, five in each
#   mixed  FILES / 5 of any size up to 4 KiB in directories of one to thousands, at any depth to six, with symbolic links
#
# in full with two threads and with one, and again when nothing has changed; with a warm cache, and as root with a cold one
# too, unless COLD=no. Then the peak of memory for `pdb`. DIR is where the trees are made, one after the other (else a temporary directory).
#
# At the end, as root on Linux: FILES / 50 files of a file system that answers each request after a millisecond (slow_fs.py), as a file server
# does, with 1, 2, 4 and 8 threads, and with as many as scan chooses.
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

# make_tree TREE FILES FILES_PER_DIRECTORY NAME
make_tree() {
    say "Making $2 files for $4..."
    python3 - "$@" <<'PYTHON'
import os, random, sys
tree, files, each, name = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
os.makedirs(tree)


def deep():
    """Each directory is opened from the one above, so that no path has to be walked again."""
    made, chain = 0, 0
    while made < files:
        at = os.open(tree, os.O_RDONLY)
        below = f"{chain:04x}"
        for _ in range(200):
            os.mkdir(below, dir_fd=at)
            next_at = os.open(below, os.O_RDONLY, dir_fd=at)
            os.close(at)
            at, below = next_at, "deeper"
            for n in range(each):
                os.close(os.open(f"{n:08x}.cif.gz", os.O_CREAT | os.O_WRONLY, dir_fd=at))
            made += each
            if made >= files:
                break
        os.close(at)
        chain += 1


def mixed():
    """The same tree each time."""
    chance, dirs, made = random.Random(1), [(tree, 0)], 0
    while made < files:
        above, depth = chance.choice(dirs)
        path = os.path.join(above, f"{len(dirs):06x}")
        os.mkdir(path)
        if depth < 5:
            dirs.append((path, depth + 1))
        at = os.open(path, os.O_RDONLY)
        for n in range(min(files - made, int(chance.paretovariate(0.6)), 5000)):
            if chance.random() < 0.02:
                os.symlink("../nowhere", f"{n:08x}.link", dir_fd=at)
            else:
                file = os.open(f"{n:08x}.cif.gz", os.O_CREAT | os.O_WRONLY, dir_fd=at)
                os.truncate(file, chance.randrange(4096))
                os.close(file)
            made += 1
        os.close(at)


if name in ("deep", "mixed"):
    {"deep": deep, "mixed": mixed}[name]()
    sys.exit()
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
    make_tree "$tree/t" "$2" "$3" "$name"
    export PDB_SYNC_STATE_DIR=$work/state-$name
    local scan peers
    scan=$(quoted "$program" scan "$tree/t" --threads)
    peers=("du=$(quoted du -sb "$tree/t")" "find=$(quoted find "$tree/t" -printf '%p %s %T@ %i\n')"
        "ignore=$(quoted "$walker" 2 "$tree/t")")
    command -v gdu >/dev/null && peers+=("gdu=$(quoted gdu --non-interactive --no-progress "$tree/t")")
    "$program" scan "$tree/t" >/dev/null
    printf '\n%s: %s files, %s a directory%s, warm\n\n' "$1" "$2" "$3" "${4:-}"
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
bench deep $((files / 10)) 5 " in chains of 200 directories"
bench mixed $((files / 5)) 1 " to thousands"

# late FILES: a file system that answers each request after a millisecond.
late() {
    local point=$work/late ready scan
    if [ "$(id -u)" != 0 ] || [ ! -w /dev/fuse ]; then
        printf '\nlate: not measured, which takes the superuser and /dev/fuse\n'
        return
    fi
    mkdir "$point"
    exec {ready}< <(exec python3 "$benches/slow_fs.py" "$point" "$1" 100 1)
    # Its server ends with the mount.
    on_exit+=("umount -l $(printf %q "$point") 2>/dev/null")
    read -r -t 10 -u "$ready" _ || die "slow_fs.py did not mount its file system"
    export PDB_SYNC_STATE_DIR=$work/state-late
    scan=$(quoted "$program" scan "$point" --full --threads)
    printf '\nlate: %s files, 100 a directory, a millisecond for each request\n\n' "$1"
    measure "$(((runs + 1) / 2))" "1 thread=$scan 1" "2 threads=$scan 2" "4 threads=$scan 4" "8 threads=$scan 8" \
        "threads as chosen=$scan 0"
    umount "$point"
    exec {ready}<&-
}

late $((files / 50))
