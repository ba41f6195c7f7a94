#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tools/setup.sh [--tests]: installs what packages.txt names and is not there yet; with --tests also what only tests want, as far as that
# can be had. Asks nothing; silent when all is there.
set -eu
tests=
[ "${1:-}" != --tests ] || tests=yes
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
packages=$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' -e '/^\[tests\]/,$d' "$here/packages.txt")
wanted_by_tests=$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' -e '1,/^\[tests\]/d' "$here/packages.txt")

find_missing() {
    # shellcheck disable=SC2086 # words are meant
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $1 2>/dev/null | sed -n 's/^installed //p' || true)
    missing=
    for package in $1; do
        printf '%s\n' "$installed" | grep -qxF -e "$package" || missing="$missing $package"
    done
}
for_tests=
if [ -n "$tests" ]; then
    find_missing "$wanted_by_tests"
    for_tests=$missing
fi
find_missing "$packages"
[ -n "$missing$for_tests" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "setup: these packages are missing, and there is no apt-get to install them:$missing$for_tests" >&2
    [ -n "$missing" ] || exit 0
    exit 2
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: run this as root, or install sudo, so that it can install:$missing$for_tests" >&2
        [ -n "$missing" ] || exit 0
        exit 2
    fi
    as_root=sudo
fi

echo "setup: installing$missing$for_tests" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$log" 2>&1
}
# Old or missing package lists show as a failed install, so they are fetched only when they are needed.
# shellcheck disable=SC2086 # words are meant
install_missing() { apt install -y --no-install-recommends $missing; }
if [ -n "$missing" ] && ! install_missing; then
    : >"$log"
    apt update || echo "setup: apt-get update failed; trying with the lists that there are" >&2
    if ! install_missing; then
        tail -n 30 "$log" >&2
        echo "setup: apt-get could not install:$missing" >&2
        exit 2
    fi
fi
[ -n "$for_tests" ] || exit 0
# shellcheck disable=SC2086 # words are meant
if ! apt install -y --no-install-recommends $for_tests; then
    apt update || true
    for package in $for_tests; do
        apt install -y --no-install-recommends "$package" || echo "setup: cannot install $package: tests that want it will be skipped" >&2
    done
fi
