#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# quanta explain: of results of run and compare, of any policy; and what is no result.
# shellcheck source=tests/cli/tap.sh
. "$(dirname -- "$0")/tap.sh"

cat >s.conf <<EOF
[scenario]
machine = skylake
duration = 12ms
[machine]
cores = core
[policy]
name = emon-quantum
tight-loop = true
[vm looper]
workload = synthetic:loop; repeat forever
[vm walker]
workload = synthetic:chase ws=1MiB; repeat forever
[vm brancher]
workload = synthetic:branch; repeat forever
EOF
quanta run s.conf --json run.json --quiet
quanta compare s.conf --policies emon-quantum,priority --json both.json --quiet

quanta explain run.json
ok "a run is explained" exits 0
ok "by VM and reason" grep -q '^    [0-9]* x tight-loop: its quantum was lengthened (mean 1ms to 1.5ms): it was in a tight loop' out
ok "with its evidence beside the limit" grep -q 'BTB hit limit 99.0%' out
ok "and what came of it" grep -Eq '^      outcome: used ' out
ok "in a word, and by which figures" grep -Eq '^      result: (gained|lost|no difference) \(IPC before ' out
ok "and the account of the VM" grep -Eq '^    account: debt .*, taken .*, given ' out
ok "advice has its reason" grep -Eq '^    brancher: .*\.' out
quanta explain --vm looper run.json
ok "one VM alone" grep -q '^  looper: ' out
ok "... and no other" sh -c '! grep -q walker out'
quanta explain both.json
ok "a comparison: every run" sh -c 'grep -q "^emon-quantum: " out && grep -q "^priority: 0 decisions" out && grep -q "^round-robin: 0 decisions" out'
quanta explain --json both.json
ok "as JSON" grep -q '"schema": "quanta-explain/1"' out
mv out first.json
"$QUANTA" explain --json - <both.json >out 2>err
ok "from standard input the same" cmp out first.json

expect 2 "the result is missing; give a file that 'quanta run --json'" explain
expect 2 "unexpected argument 'both.json'" explain run.json both.json
expect 2 "absent.json: cannot be read" explain absent.json
expect 2 "run.json: there is no VM 'loper' in it; did you mean 'looper'?" explain --vm loper run.json
: >empty
expect 2 "empty: is empty" explain empty
echo 'no json' >text
expect 2 "text: is no JSON" explain text
echo '[1, 2]' >list
expect 2 "list: is no result of quanta: not a JSON object" explain list
echo '{"a": 1}' >object
expect 2 "object: is no result of quanta: it has no 'schema'" explain object
quanta list policies --json list.json
expect 2 "list.json: has the schema 'quanta-list/1'; valid: quanta-run/1, quanta-compare/1" explain list.json
head -c 5000 run.json >cut.json
expect 2 "cut.json: is no JSON" explain cut.json
echo '{"schema": "quanta-run/1", "policy": {}, "metrics": {}, "scenario": {}, "decisions": {}}' >part.json
expect 2 "part.json: is no whole result: the run '' has no 'vms'" explain part.json
echo '{"schema": "quanta-compare/1", "runs": {}}' >none.json
expect 2 "none.json: is no whole result: it has no 'runs'" explain none.json
# Members of other kinds than they should be are as if they were not there.
echo '{"schema": "quanta-run/1", "policy": {"name": 5}, "metrics": {"running_ps": "much"}, "scenario": {"name": []}, "decisions": {"first": {}, "count": "x"},
 "vms": {"a": 1, "b": {"quanta_changed": [1, {"action": 7, "reason": "tight-loop", "count": -1, "evidence": [], "outcome": {"used-ps": 3}}],
 "policy_figures": {"debt-ps": "x"}, "cpi_stack": 9, "switches": null}}}' >odd.json
quanta explain odd.json
ok "odd members do no harm" exits 0
head -c 200000 /dev/zero | tr '\0' '[' >deep
expect 2 "deep: is no result of quanta: too large, or nested too deeply" explain deep
finish
