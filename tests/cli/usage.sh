#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line: help, unknown words, lists.
# shellcheck source=tests/cli/tap.sh
. "$(dirname -- "$0")/tap.sh"

printf '[scenario]\nduration = 1ms\n[vm a]\nworkload = elf:guests/spin\nargs = 1\n' >s.conf

expect 2 "a command is missing; valid: init, run, compare, check-policy, explain"
expect 2 "unknown command 'comapre'; did you mean 'compare'?" comapre
expect 2 "unknown option '--verbose'; valid: --help, --version" --verbose
expect 2 "the scenario file is missing" run
expect 2 "unexpected argument 'b.conf'" run s.conf b.conf
expect 2 "did you mean '--json'?" run --jsn=x s.conf
expect 2 "did you mean '--policies'?" compare --polices=x s.conf
expect 2 "--seed: 'x' is not a whole number from 0 to" run --seed x s.conf
expect 2 "-j: -1 is not a number of threads" compare -j -1 s.conf
expect 2 "'seed' is not GROUP.KEY=VALUE" run --set seed s.conf
expect 2 "what to list? valid: policies, machines, events, figures, guests, traces" list
expect 2 "there is no list of 'event'; did you mean 'events'?" list event
expect 2 "unknown policy 'prioritty'; did you mean 'priority'?" run --policy prioritty s.conf
expect 2 "policy 'priority' is named twice" compare --policies priority,priority s.conf

for words in --help "run --help" "compare --help" "check-policy --help" "explain --help" "report --help" "check --help" "diff --help" "sweep --help" \
    "record --help" "trace --help" "trace info --help" "trace verify --help" "trace cat --help" "trace cut --help" "trace import --help" \
    "trace export --help" "throughput --help" "list --help" "init --help" --version; do
    # shellcheck disable=SC2086 # words are meant
    quanta $words
    ok "quanta $words" exits 0
    ok "quanta $words is on standard output alone" test -s out -a ! -s err
done
quanta --help
for command in run compare explain record trace throughput list check diff; do
    ok "--help names $command" grep -q "^  $command " out
done

quanta list policies
ok "list policies" grep -q '^round-robin ' out
quanta list machines
ok "list machines" grep -q '^skylake ' out
ok "list machines: kinds of cores" grep -q '2 x madison: EPIC, 6 wide' out
ok "list machines: figures without a source" grep -Eq '[0-9]+ figures, [0-9]+ of them estimates' out
quanta list events
ok "list events: perf's names with raw codes and units" grep -q '^branch-misses  *r00c5  *branches ' out
ok "list events: no code where the vendor has none" grep -q '^cpi_stack.base  *-  *cycles ' out
quanta list figures
ok "list figures" grep -q '^wake_p99  *run, VM  *time  *lower  *wake-up to first instruction, 99th percentile$' out
quanta list guests
ok "list guests" grep -q '^elf:guests/sort$' out
quanta list traces
ok "list traces" grep -q '^trace:samples/sort$' out
for what in policies machines events figures guests traces; do
    quanta list $what --json list.json
    ok "list $what --json FILE prints nothing" test ! -s out
    quanta list $what --json -
    ok "list $what --json -" grep -q '"schema": "quanta-list/1"' out
    ok "list $what: both are the same" cmp out list.json
done
status=0
"$QUANTA" list events >/dev/full 2>err || status=$?
ok "a full disk under standard output is a failure" exits 2
finish
