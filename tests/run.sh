#!/bin/sh
# Runs the whole test suite: sh tests/run.sh [--coverage | --long]
#
# --coverage  measures line coverage, and fails below 85 %.
# --long      repeats what is killed at random hundreds of times, tries twenty times as many random inputs, and takes a tree of a
#             million files through everything. Run it before a release, and after a change of what removes files.
#
# A machine with a Rust toolchain is enough: rsync and a C compiler to link with are installed where they are missing. Where CI=true,
# so are sshd, tmux, jq, shellcheck, promtool, fusermount3, zsh, fish, mandoc, xmllint, systemd-analyze and PyYAML, without which a few tests skip themselves
# ("SKIPPED name: why" in the output).
# Needs no terminal and asks nothing. Ends with "All tests passed." and 0, or with the code of what failed.
set -eu
exec </dev/null
cd "$(dirname "$0")/.."
. tests/need.sh

coverage=
case "${1-}" in
    '') ;;
    --coverage) coverage=yes ;;
    --long)
        # Inputs that are no case are as many times more.
        PDB_SYNC_TEST_LONG=1 PROPTEST_CASES=5120 PROPTEST_MAX_GLOBAL_REJECTS=20480
        export PDB_SYNC_TEST_LONG PROPTEST_CASES PROPTEST_MAX_GLOBAL_REJECTS
        ;;
    *) die "unknown argument: $1 (there are --coverage and --long)" ;;
esac

need_cargo
need_cc
need_rsync
want ssh openssh-client
want sshd openssh-server
want tmux tmux
case $(manager) in
    dnf) want shellcheck ShellCheck ;;
    *) want shellcheck shellcheck ;;
esac
want jq jq
want promtool prometheus
want fusermount3 fuse3
want mkfs.ext4 e2fsprogs
want zsh zsh
want fish fish
want mandoc mandoc
case $(manager) in
    apt-get | apk) want xmllint libxml2-utils ;;
    *) want xmllint libxml2 ;;
esac
want systemd-analyze systemd
want_yaml
say "Testing with $(rustc --version) and $(rsync --version | sed -n 's/  protocol.*//;s/  */ /;1p')"

# The feature is on by itself, but in a published package, which cannot depend on itself.
if [ -n "$coverage" ]; then
    cargo llvm-cov --version >/dev/null 2>&1 || die "cargo-llvm-cov is missing; try: cargo install cargo-llvm-cov"
    # Processes that tests kill leave files that cannot be read.
    LLVM_PROFDATA_FLAGS=--failure-mode=all
    export LLVM_PROFDATA_FLAGS
    set -- llvm-cov --locked --features test-fakes --fail-under-lines 85
else
    set -- test --locked --features test-fakes
fi
if cargo "$@"; then
    echo "All tests passed."
else
    status=$?
    say "Some tests failed (see above)."
    exit "$status"
fi
