#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The same work gives the same bytes: again, with any number of threads, in any order of policies.
# shellcheck source=tests/cli/tap.sh
. "$(dirname -- "$0")/tap.sh"

cat >s.conf <<'EOF'
[scenario]
duration = 6ms
[machine]
cores = core*1
[policy]
name = emon-quantum
[vm sorter]
workload = elf:guests/sort
args = 5000
[vm phases]
workload = elf:guests/phases
args = 20 3000 256
[vm server]
workload = elf:guests/server
args = 20 100
priority = 5
[vm timer]
workload = elf:guests/timer
args = 20
[vm late]
workload = elf:guests/hashjoin-musl
args = 5000 5000
start = 1500us
affinity = 1
EOF
[ -x "$GUESTS/hashjoin-musl" ] || sed -i 's/-musl//' s.conf

compare() { # NAME POLICIES OPTIONS...
    name=$1
    policies=$2
    shift 2
    quanta compare s.conf --policies "$policies" --json "$name" "$@"
    ok "compare $policies $*" exits 0
}
compare a.json priority,emon-quantum -j 1
cp out a.table
compare b.json priority,emon-quantum -j 1
ok "again: the same bytes" cmp a.json b.json
compare b.json priority,emon-quantum -j 2
ok "-j 2: the same bytes" cmp a.json b.json
compare b.json emon-quantum,round-robin,priority -j 4
ok "-j 4, other order of policies: the same bytes" cmp a.json b.json
LC_ALL=C.UTF-8 TZ=Asia/Kathmandu compare b.json priority,emon-quantum
ok "other locale and time zone: the same bytes" cmp a.json b.json

# digest_of POLICY FILE: of that policy's run in a comparison.
digest_of() {
    sed -n "/^    \"$1\": {/,/^    }/s/^      \"digest\": \"\(.*\)\",\$/\1/p" "$2"
}
for policy in round-robin priority emon-quantum; do
    quanta run s.conf --policy $policy --json r.json
    live=$(sed -n 's/^  "digest": "\(.*\)",$/\1/p' r.json)
    ok "$policy: live and from the recording, one digest" test -n "$live" -a "$live" = "$(digest_of $policy a.json)"
done
ok "digests of policies differ" test "$(digest_of priority a.json)" != "$(digest_of round-robin a.json)"
quanta run s.conf --policy round-robin --set policy.quantum=500us --json r.json
ok "another quantum: another digest" test "$(digest_of round-robin a.json)" != "$(sed -n 's/^  "digest": "\(.*\)",$/\1/p' r.json)"
finish
