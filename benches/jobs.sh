#!/usr/bin/env bash
# What it costs to start jobs: benches/jobs.sh [JOBS=100] [RUNS=15]
#
# Each job mirrors one new file of this machine. xargs -P3 runs the very commands that pdb-sync says it runs.
. "$(dirname "$0")/common.sh"
jobs=${1:-100} runs=${2:-15}

configure_jobs "$jobs"

ours=("$program" --config "$work/config.toml" --state-dir "$work/state")
"${ours[@]}" sync --all --print-command | sed -n 's/^\(LC_ALL=C \)\{0,1\}\(\([^ ]*\/\)\{0,1\}rsync \)/exec \2/p' |
    tr '\n' '\0' >"$work/commands"
count=$(tr -cd '\0' <"$work/commands" | wc -c)
[ "$count" -eq "$jobs" ] || die "--print-command gave $count rsync commands for $jobs jobs"

echo "$jobs jobs of one new file each, three at a time"
measure "$runs" --prepare "rm -rf $(quoted "$work/mirror"); mkdir $(quoted "$work/mirror")" \
    "xargs -P3=xargs -0 -P3 -n1 sh -c <$(quoted "$work/commands")" \
    "pdb-sync=$(quoted "${ours[@]}" sync --all --parallel 3)"
