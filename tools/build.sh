#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tools/build.sh DIR [options of meson setup]: configures DIR if that is not done with these options, and builds it.
# Says little unless it fails; DIR/build.log has everything.
set -eu
dir=$1
shift
log=$dir/build.log
wanted="meson $(meson --version) $*"

fail() {
    grep -v '^\[[0-9]*/[0-9]*\]' "$log" | tail -n 60 >&2
    echo "build: $1; the whole log is $log" >&2
    exit 2
}

if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$dir/configured-as" 2>/dev/null)" != "$wanted" ]; then
    echo "build: configuring $dir" >&2
    [ ! -d "$dir/meson-private" ] || rm -rf "$dir"
    mkdir -p "$dir"
    meson setup "$dir" "$@" >"$log" 2>&1 </dev/null || fail "could not configure $dir"
    printf '%s\n' "$wanted" >"$dir/configured-as"
fi
echo "build: compiling $dir" >&2
ninja -C "$dir" >"$log" 2>&1 </dev/null || fail "could not compile $dir"
