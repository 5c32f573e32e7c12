# shellcheck shell=sh
# What a machine must have before the tests or the demo can run, and how to get it. POSIX sh, sourced by tests/run.sh
# and config-examples/demo/run.sh. Asks nothing: where it cannot install a thing by itself it says what to do.

say() { printf '%s\n' "$*" >&2; }
die() {
    say "$0: $*"
    exit 2
}

# The oldest Rust that builds the project: `rust-version` in Cargo.toml.
need_cargo() {
    if ! command -v cargo >/dev/null 2>&1 && [ -x "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" ]; then
        PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
        export PATH
    fi
    command -v cargo >/dev/null 2>&1 || die "cargo is not installed; get Rust from https://rustup.rs and try again"
    _wanted=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' Cargo.toml)
    _found=$(rustc --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p')
    [ -n "$_found" ] || die "rustc does not run; get Rust from https://rustup.rs and try again"
    [ "$_found" -ge "$_wanted" ] || die "Rust 1.$_found is too old, 1.$_wanted is needed; try: rustup update stable"
}

# Rust links through the C compiler; no C code of our own is compiled.
need_cc() {
    command -v cc >/dev/null 2>&1 && return
    say "No C compiler (cc), which Rust links with."
    case $(manager) in
        apt-get) packages gcc libc6-dev ;;
        dnf) packages gcc glibc-devel ;;
        apk) packages gcc musl-dev ;;
        pacman) packages gcc ;;
        *) die "install a C compiler (on macOS: xcode-select --install) and try again" ;;
    esac
    command -v cc >/dev/null 2>&1 || die "there is still no cc in PATH after installing it"
}

# The real rsync, 3.1 or newer. What macOS calls rsync is openrsync, which lacks the options that pdb-sync gives.
need_rsync() {
    _fault=$(rsync_fault)
    [ -z "$_fault" ] && return
    say "$_fault"
    case $(manager) in
        '') die "install rsync 3.1 or newer and try again" ;;
        *) packages rsync ;;
    esac
    hash -r 2>/dev/null || true
    _fault=$(rsync_fault)
    [ -z "$_fault" ] || die "$_fault after installing it; is the new one first in PATH?"
}

# want COMMAND PACKAGE: gets what some tests are better with; without it they skip, and say so. Only where CI=true: nobody wants a
# server on a machine of their own because they ran some tests.
want() {
    [ "${CI-}" = true ] || return 0
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] && return
    [ -n "$(manager)" ] || return 0
    (packages "$2") || say "Going on without $1: the tests that need it are skipped."
}

# PyYAML, which is no command. As `want`.
want_yaml() {
    [ "${CI-}" = true ] || return 0
    python3 -c 'import yaml' 2>/dev/null && return
    case $(manager) in
        apt-get) _package=python3-yaml ;;
        dnf) _package=python3-pyyaml ;;
        apk) _package=py3-yaml ;;
        pacman) _package=python-yaml ;;
        *) return 0 ;;
    esac
    (packages "$_package") || say "Going on without PyYAML: the tests that need it are skipped."
}

# Says what is wrong with the rsync in PATH; nothing if it will do.
rsync_fault() {
    if ! command -v rsync >/dev/null 2>&1; then
        echo "rsync is not installed"
        return
    fi
    _line=$(rsync --version 2>/dev/null | sed -n 1p)
    _version=$(printf '%s\n' "$_line" | sed -n 's/^rsync  *version v*\([0-9][0-9]*\)\.\([0-9][0-9]*\).*/\1 \2/p')
    if [ -z "$_version" ]; then
        echo "$(command -v rsync) is not the rsync of rsync.samba.org (it says: ${_line:-nothing})"
    elif [ "${_version% *}" -lt 3 ] || { [ "${_version% *}" -eq 3 ] && [ "${_version#* }" -lt 1 ]; }; then
        echo "$(command -v rsync) is too old (it says: $_line)"
    fi
}

# The package manager of this machine; nothing if it is none that we know.
manager() {
    if [ "$(uname -s)" = Darwin ]; then
        command -v brew >/dev/null 2>&1 && echo brew
        return 0
    fi
    for _manager in apt-get dnf apk pacman; do
        command -v "$_manager" >/dev/null 2>&1 && echo "$_manager" && return
    done
    return 0
}

# packages NAME…: installs them, as root or by sudo.
packages() {
    _manager=$(manager)
    _sudo=
    # Homebrew refuses root; everything else needs it.
    if [ "$_manager" != brew ] && [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || die "cannot install $* without root or sudo; install it and try again"
        # Without a terminal nobody could type the password.
        if [ -t 2 ]; then _sudo=sudo; else _sudo='sudo -n'; fi
    fi
    say "Installing $* with ${_sudo:+$_sudo }$_manager..."
    # Package lists may be missing (a fresh container) or stale; the answer of `install` is what counts.
    case $_manager in
        apt-get)
            $_sudo apt-get update -qq >&2 || true
            $_sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
            ;;
        dnf) $_sudo dnf install -y -q "$@" >&2 ;;
        apk) $_sudo apk add --quiet "$@" >&2 ;;
        pacman) $_sudo pacman -Sy --noconfirm --needed "$@" >&2 ;;
        brew) brew install --quiet "$@" >&2 ;;
    esac || die "$_manager could not install $* (see above); install it by hand and try again"
}
