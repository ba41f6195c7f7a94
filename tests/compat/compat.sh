#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Traces of earlier versions stay readable and mean what they meant: each v*/NAME.qtr against v*/NAME.sha256, the checksums of its
# blocks, accesses and events as text. `compat.sh --make NAME.qtr...` writes these; kept files are never changed.
set -u
export LC_ALL=C
quanta=${QUANTA:?}
what="blocks accesses events"
sums() {
    for w in $what; do
        printf '%s %s\n' "$w" "$("$quanta" trace cat --what "$w" "$1" | sha256sum | cut -d' ' -f1)"
    done
}
if [ "${1:-}" = --make ]; then
    shift
    for f in "$@"; do sums "$f" >"${f%.qtr}.sha256"; done
    exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
check() { # DESCRIPTION COMMAND...
    n=$((n + 1))
    description=$1
    shift
    if "$@"; then echo "ok $n - $description"; else echo "not ok $n - $description"; fi
}
for f in "$(dirname -- "$0")"/v*/*.qtr; do
    name=$(basename "$(dirname -- "$f")")/$(basename -- "$f")
    check "$name is whole" "$quanta" trace verify -q "$f"
    sums "$f" >"$work/sums"
    check "$name holds what it held" cmp "$work/sums" "${f%.qtr}.sha256"
    printf '[scenario]\nduration = 10s\n[vm a]\nworkload = trace:%s\n' "$(realpath "$f")" >"$work/s.conf"
    check "$name can be replayed" sh -c "'$quanta' run '$work/s.conf' >'$work/out'"
done
echo "1..$n"
[ "$n" -ge 15 ]
