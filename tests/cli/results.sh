#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What run and compare write, and how they exit.
# shellcheck source=tests/cli/tap.sh
. "$(dirname -- "$0")/tap.sh"

cat >s.conf <<'EOF'
[scenario]
duration = 3ms
[machine]
cores = core*1
[vm a]
workload = elf:guests/sort
args = 300
stdout = a.txt
[vm b]
workload = elf:guests/spin
args = 100
EOF

quanta run s.conf
ok "run" exits 0
ok "run prints a table" grep -q '^VMs ' out
escape=$(printf '\033')
ok "the table is plain where it is no terminal" sh -c "! grep -q '$escape' out"
ok "lines have 110 columns at most" sh -c '! grep -q "^.\{111\}" out'
"$GUESTS/sort" 300 >native.txt
ok "the guest's output is in its file" cmp a.txt native.txt
quanta run --quiet s.conf
ok "--quiet prints nothing" test ! -s out -a ! -s err
quanta run --json r.json s.conf
ok "the last line names the result" sh -c "tail -n 1 out | grep -q '$work/r.json\$'"
cp r.json first.json
quanta run --json - s.conf
ok "--json - prints JSON alone" cmp out first.json
ok "the result has its schema" grep -q '"schema": "quanta-run/1"' r.json
ok "the guest's output is in the result" grep -qF "\"stdout\": \"$(cat native.txt)\\n\"" r.json
ok "no STP without runs alone" sh -c '! grep -q "\"stp\":" r.json'
quanta run --alone --json alone.json s.conf
ok "--alone adds STP" grep -q '"stp": 1\.' alone.json
digest() { sed -n 's/^  "digest": "\(.*\)",$/\1/p' "$1"; }
ok "runs alone do not change the run" test "$(digest r.json)" = "$(digest alone.json)"
quanta run --seed 2 --json seed.json s.conf
ok "--seed reaches the result" grep -q '"seed": 2' seed.json
quanta run --set a.weight=1 --set scenario.duration=1ms --json set.json s.conf
ok "--set reaches the result" grep -q '"duration_ps": 1000000000' set.json
quanta run --strict --json strict.json s.conf
ok "--strict reaches the result" grep -q '"strict": true' strict.json
quanta run --policy priority --json p.json s.conf
ok "--policy reaches the result" grep -q '"name": "priority"' p.json
quanta run --progress s.conf
ok "--progress draws on standard error" grep -q 'of 1 runs' err

quanta compare s.conf --policies priority --json c.json
ok "compare" exits 0
ok "compare has its schema" grep -q '"schema": "quanta-compare/1"' c.json
ok "round-robin is the reference, unasked" grep -q '"reference": "round-robin"' c.json
ok "guests were executed once" test "$(grep -c '"guest_executions": 1,' c.json)" -eq 2
ok "the table has ratios" grep -q ' = ' out
quanta compare s.conf --policies round-robin --json one.json
ok "round-robin alone can be compared" exits 0
quanta compare s.conf --policies priority,emon-quantum
ok "lines of a comparison have 110 columns at most" sh -c '! grep -q "^.\{111\}" out'

# Guests that end badly.
printf '[scenario]\nduration = 2ms\n[vm good]\nworkload = elf:guests/sort\nargs = 100\n[vm bad]\nworkload = elf:guests/fault\nargs = null\n' >f.conf
quanta run --json f.json f.conf
ok "a guest that faults: exit status 3" exits 3
ok "... the result is there" grep -q '"reason": "write to unmapped address 0x0' f.json
ok "... the table says where" grep -q '! bad faulted: write to unmapped address 0x0 at ip 0x' out
ok "... the other guest went on" grep -q '"stdout": "sort checksum=' f.json
quanta compare --json fc.json f.conf
ok "compare with a fault: exit status 3 and a result" sh -c "[ $status -eq 3 ] && grep -q quanta-compare fc.json"
if [ -x /bin/busybox ]; then
    printf '[scenario]\nduration = 20ms\n[vm no]\nworkload = elf:/bin/busybox\nargs = false\n' >no.conf
    quanta run --json no.json no.conf
    ok "a guest's own failure is no failure of the run" exits 0
    ok "... but is shown" grep -q 'exit status 1' out
    ok "... and is in the result" grep -q '"exit_status": 1' no.json
else
    skip "a guest's own failure" "no /bin/busybox"
fi

# A guest that reads the clock.
printf '[scenario]\nduration = 2ms\n[vm t]\nworkload = elf:guests/timer\n[vm b]\nworkload = elf:guests/spin\nargs = 100\naffinity = 0\n' >t.conf
quanta compare t.conf --policies priority --json t.json
ok "a guest that reads the clock is executed for each run" grep -q '"guest_executions": 3,' t.json
ok "... and the table says so" grep -q 'read the clock, .*: t$' out

# Interrupted.
printf '[scenario]\nduration = 900s\n[vm b]\nworkload = elf:guests/spin\nargs = 1000000\n' >long.conf
for command in run compare; do
    "$QUANTA" $command --json long.json long.conf >out 2>err &
    pid=$!
    sleep 1
    kill -INT $pid
    status=0
    wait $pid || status=$?
    ok "$command: SIGINT ends it with 130" exits 130
    ok "... and leaves no file" sh -c '! ls long.json* 2>/dev/null'
done
finish
