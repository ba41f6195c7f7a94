#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every guest program prints the same natively and as a guest: glibc, musl, static PIE, and busybox.
# shellcheck source=tests/cli/tap.sh
. "$(dirname -- "$0")/tap.sh"

mkdir data
cp "$SCENARIOS/data/records.txt" data/
printf '[scenario]\nduration = 1s\n[machine]\npackages = 2\n' >s.conf

# guest NAME PROGRAM ARGUMENTS...: adds a VM, and what the program prints natively.
names=
guest() {
    name=$1
    program=$2
    shift 2
    names="$names $name"
    printf '[vm %s]\nworkload = elf:%s\nargs = %s\nfolder = data\nstdout = %s.guest\n' "$name" "$program" "$*" "$name" >>s.conf
    (cd data && eval "exec \"$program\" $*") >"$name.native" 2>/dev/null </dev/null
}

arguments() {
    case $1 in
    btree) echo 2000 2000 ;;
    fft) echo 8 2 ;;
    files) echo read records.txt ;;
    hashjoin) echo 2000 2000 ;;
    interp) echo 1 500 ;;
    list) echo 64 5000 ;;
    lz) echo 16 1 ;;
    matmul) echo 40 1 ;;
    phases) echo 2 100 64 ;;
    server) echo 5 20 ;;
    sha256) echo 16 1 ;;
    sort) echo 2000 ;;
    spin) echo 1 ;;
    stream) echo 32 2 ;;
    esac
}
for program in "$GUESTS"/*; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then
        continue
    fi
    file=$(basename "$program")
    base=${file%-*}
    case $base in
    fault | timer) continue ;; # ends badly; prints what time it is
    esac
    # shellcheck disable=SC2046 # words are meant
    guest "$file" "$program" $(arguments "$base")
done
if [ -x /bin/busybox ]; then
    guest bb-sha256sum /bin/busybox sha256sum records.txt
    guest bb-sort /bin/busybox sort -n records.txt
    guest bb-awk /bin/busybox awk "'{ s += \$1 } END { print NR, s }'" records.txt
    guest bb-gzip /bin/busybox gzip -c records.txt
    guest bb-ls /bin/busybox ls
fi

quanta run s.conf --json r.json
ok "all guests run" exits 0
ok "all guests end" grep -q '"all_ended": true' r.json
for name in $names; do
    ok "$name prints what it prints natively" cmp "$name.native" "$name.guest"
done
finish
