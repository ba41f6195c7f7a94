#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Recording and replay: the same results, whole files at every instant, damage that is told.
# shellcheck source=tests/cli/tap.sh
. "$(dirname -- "$0")/tap.sh"

digest() { sed -n 's/^  "digest": "\(.*\)",$/\1/p' "$1"; }

cat >s.conf <<'EOF2'
[scenario]
duration = 4ms
[machine]
cores = core*2
[policy]
quantum = 200us
[vm sorter]
workload = elf:guests/sort
args = 2000 3
[vm files]
workload = elf:guests/files
[vm server]
workload = elf:guests/server
args = 20
[vm clock]
workload = elf:guests/timer
[vm made]
workload = synthetic:stream ws=64KiB insns=1M; sleep 300us; chase ws=128KiB insns=100k; repeat 3
EOF2

# ---- a scenario, recorded and replayed
quanta run s.conf --json live.json
quanta record s.conf -o T
ok "record a scenario" exits 0
ok "it says what it wrote" grep -q '^T/sorter.qtr: [0-9]* instructions' out
ok "it says which guest reads the clock" grep -q '^T/clock.qtr: .*reads the clock' out
quanta run s.conf --traces T --json replay.json
ok "a replay is the live run, to the last byte" cmp live.json replay.json
quanta run s.conf --traces T
ok "a replay tells of guests that read the clock" grep -q 'read the clock when they were recorded.*: clock' out
quanta compare s.conf --policies priority --json a.json --set scenario.duration=3ms --traces T
ok "compare traces" exits 0
quanta compare s.conf --policies priority --json b.json -j 1 --set scenario.duration=3ms --traces T
ok "with any number of threads" cmp a.json b.json
ok "no guest is executed" grep -q '"guest_executions": 0' a.json
sed 's/^workload = elf:guests\/sort/workload = trace:T\/sorter.qtr/; s/^args = 2000 3//' s.conf >mixed.conf
quanta run mixed.conf --json mixed.json
ok "a trace beside live guests: the same digest" test "$(digest live.json)" = "$(digest mixed.json)"
quanta run s.conf --traces T --policy priority --set scenario.machine=netburst-ht --set "machine.cores=p4*1" --json other.json
ok "another machine, another policy" exits 0
quanta record s.conf --set scenario.duration=1ms --beyond 0 -q -o T0
quanta run s.conf --traces T0 --json long.json
ok "a trace that ends before its guest says so" grep -q '"state": "trace-ended"' long.json
quanta run s.conf --traces nowhere
ok "--traces DIR without them" said 2 "--traces: there is no 'nowhere/sorter.qtr'"

# ---- a program
quanta record -o sort.qtr elf:guests/sort 3000 2
ok "record a program" exits 0
"$GUESTS/sort" 3000 2 >native.txt
printf '[scenario]\nduration = 10s\n[vm a]\nworkload = trace:sort.qtr\nstdout = a.txt\n' >t.conf
quanta run t.conf --json t.json
ok "the replay has the guest's output" cmp a.txt native.txt
ok "and its arguments" sh -c 'tr -d " \n" <t.json | grep -q "\"args\":\[\"3000\",\"2\"\]"'
printf '[scenario]\nduration = 10s\n[vm a]\nworkload = elf:guests/sort\nargs = 3000 2\nstdout = b.txt\n' >e.conf
quanta run e.conf --json e.json
ok "the digest of the live run" test "$(digest t.json)" = "$(digest e.json)"
quanta run t.conf --json twice.json --set a.repeat=2 --set a.stdout=c.txt
ok "repeat plays it again" sh -c 'one=$(sed -n "s/^ *\"instructions\": \(.*\),$/\1/p" t.json | head -n 1)
    two=$(sed -n "s/^ *\"instructions\": \(.*\),$/\1/p" twice.json | head -n 1); test "$two" -eq $((2 * one))'
quanta record -o twice.qtr elf:guests/sort 3000 2
ok "recording is deterministic" cmp sort.qtr twice.qtr
quanta record -o s.qtr "synthetic:branch insns=100k"
ok "record a synthetic workload" grep -q '^s.qtr: 10[0-9]* instructions' out
quanta record -o part.qtr --from 100k --for 50k elf:guests/sort 3000 2
ok "--from and --for" grep -q '^part.qtr: 500[0-9]* instructions' out
quanta trace cut --from 100k --for 50k sort.qtr cut.qtr
quanta trace cat --what accesses part.qtr
mv out part.txt
quanta trace cat --what accesses cut.qtr
ok "cutting is the same as recording a part" cmp out part.txt
quanta record -o roi.qtr --roi elf:guests/sort 3000 2
quanta trace info roi.qtr
ok "--roi" grep -q '1 roi-begin, 1 roi-end' out
expect 2 "is a trace already" record -o x.qtr trace:sort.qtr
expect 2 "did you mean '--from'?" record --frm 5 elf:guests/sort
expect 2 "did you mean '--from'?" record s.conf --frm 5
expect 2 "--for: 0 instructions are no trace" record --for 0 elf:guests/sort
expect 2 "--from: 'x' is not a count" record --from x elf:guests/sort
expect 2 "--policy is for scenarios" record --policy priority elf:guests/sort
expect 2 "are for programs" record --folder . s.conf

# ---- looking into it
quanta trace info sort.qtr --json info.json
ok "info --json" grep -q '"schema": "quanta-trace-info/1"' info.json
ok "info knows the program" grep -q "\"program_sha256\": \"$(sha256sum "$GUESTS/sort" | cut -d' ' -f1)\"" info.json
insns=$(sed -n 's/^ *"instructions": \(.*\),$/\1/p' info.json)
bytes=$(wc -c <sort.qtr)
ok "at most 0.35 bytes per instruction, $bytes for $insns" test $((bytes * 100)) -le $((insns * 35))
quanta trace cat --for 3 sort.qtr
ok "cat disassembles" grep -q '^ *0 0000000000[0-9a-f]* ' out
quanta trace cat --what events sort.qtr
ok "cat --what events" grep -q 'event  *end arg0=0' out
expect 2 "--what: 'event' cannot be printed; did you mean 'events'?" trace cat --what event sort.qtr
expect 2 "there is no 'quanta trace ifno'; did you mean 'info'?" trace ifno

# ---- damage
quanta trace verify sort.qtr
ok "verify a whole trace" exits 0
cp sort.qtr bad.qtr
printf 'x' | dd of=bad.qtr bs=1 seek=$((bytes / 2)) conv=notrunc 2>dd.txt
quanta trace verify bad.qtr
ok "verify names the damaged chunk" sh -c "grep -q '^bad.qtr: chunk [0-9]* ([A-Z]*, at byte [0-9]*) is damaged: ' out"
ok "verify exits with 1" exits 1
quanta run t.conf --set a.workload=trace:bad.qtr --json -
ok "a replay stops with that message" sh -c "grep -q 'chunk [0-9]* ([A-Z]*, at byte [0-9]*) is damaged' out"
ok "and exits with 3" exits 3
quanta run t.conf --set a.workload=trace:bad.qtr --salvage --json salvaged.json
ok "--salvage uses the rest" exits 0
ok "and tells of it" grep -q '"damaged_chunks": [1-9]' salvaged.json
head -c $((bytes / 2)) sort.qtr >short.qtr
quanta trace verify short.qtr
ok "verify a cut-off file" exits 1
ok "it says where it ends" grep -q 'the file ends within it' out
expect 2 "the trace is unfinished" run t.conf --set a.workload=trace:short.qtr
quanta run t.conf --set a.workload=trace:short.qtr --salvage --json -
ok "--salvage plays the beginning" grep -q '"state": "trace-ended"' out
expect 2 "the trace is unfinished" trace cut short.qtr saved.qtr
quanta trace cut --salvage short.qtr saved.qtr
quanta trace verify saved.qtr
ok "cut --salvage makes a whole trace of it" exits 0
expect 2 "it is no quanta trace but a program" trace info "$GUESTS/sort"
expect 2 "s.conf: it is no quanta trace" trace verify s.conf
expect 2 "absent.qtr: No such file or directory" trace info absent.qtr
: >empty.qtr
expect 2 "empty.qtr: it is empty" trace info empty.qtr

# ---- interrupted and killed recordings
"$QUANTA" record -o long.qtr elf:guests/sort 3000000 50 >out 2>err &
pid=$!
tries=0
while [ ! -s long.qtr.part ] && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
sleep 0.3
kill -INT $pid
status=0
wait $pid || status=$?
ok "Ctrl-C: exit status 130" exits 130
quanta trace verify long.qtr
ok "and a whole trace" exits 0
quanta trace info long.qtr
ok "that knows why it ends" grep -q 'where the recording was interrupted' out
survived=0
for delay in 0.00 0.01 0.02 0.04 0.08 0.15 0.3; do
    rm -f killed.qtr killed.qtr.part
    "$QUANTA" record -o killed.qtr elf:guests/sort 3000000 50 >out 2>err &
    pid=$!
    sleep $delay
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ ! -e killed.qtr ] || { echo "# killed after $delay s: there is a killed.qtr"; continue; }
    if [ -e killed.qtr.part ]; then
        quanta trace info killed.qtr.part && [ "$status" -eq 0 ] || { echo "# killed after $delay s: info: $(cat err)"; continue; }
        quanta trace cut --salvage killed.qtr.part saved.qtr && [ "$status" -eq 0 ] || { echo "# killed after $delay s: cut: $(cat err)"; continue; }
        quanta trace verify saved.qtr && [ "$status" -eq 0 ] || { echo "# killed after $delay s: verify: $(cat out)"; continue; }
    fi
    survived=$((survived + 1))
done
ok "kill -9 at any instant leaves what the next command can read" test $survived -eq 7
expect 2 "of a recording that is going on or was broken off" run t.conf --set a.workload=trace:killed.qtr
if [ "$(id -u)" -ne 0 ]; then
    mkdir locked && chmod a-w locked
    expect 2 "cannot make the trace" record -o locked/x.qtr elf:guests/sort 10
else
    skip "a folder that cannot be written" "root writes everywhere"
fi
expect 2 "cannot make the trace" record -o nowhere/x.qtr elf:guests/sort 10
finish
