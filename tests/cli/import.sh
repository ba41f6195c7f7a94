#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A native program's lackey trace is imported, with and without its code, replayed, and goes to ChampSim and back.
# shellcheck source=tests/cli/tap.sh
. "$(dirname -- "$0")/tap.sh"

# replayed TRACE INSTRUCTIONS: a run of the trace alone retires so many.
replayed() {
    printf '[scenario]\nduration = 1s\n[vm t]\nworkload = trace:%s\n' "$1" >s.conf
    quanta run s.conf --json r.json
    [ "$status" -eq 0 ] && grep -q "\"instructions\": $2[,}]*\$" r.json
}

# told TEXT...: all of them on the one line of standard output.
told() {
    for text; do
        grep -qF -- "$text" out || { echo "# lacks: $text"; return 1; }
    done
}

# interrupted: SIGINT while standard input is still open leaves a whole trace, and status 130.
interrupted() {
    mkfifo pipe
    "$QUANTA" trace import --format lackey - stopped.qtr <pipe >out 2>err &
    pid=$!
    exec 9>pipe
    cat n.lackey >&9
    i=0
    while [ ! -e stopped.qtr.part ] && [ $i -lt 100 ]; do
        sleep 0.1
        i=$((i + 1))
    done
    kill -INT "$pid"
    cat n.lackey >&9 2>/dev/null
    exec 9>&-
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 130 ] && "$QUANTA" trace verify stopped.qtr >out
}

printf 'I  00401000,3\n L 00005000,8\nI  00401003,2\nI  00401000,3\n L 00005008,8\n' >n.lackey
quanta trace import n.lackey n.qtr
ok 'a small trace is imported' exits 0
ok 'what came of it is told' told 'n.qtr: 3 instructions, 2 accesses' lackey '3 instructions without code bytes'
ok 'it is replayed' replayed n.qtr 3
"$QUANTA" trace import - piped.qtr <n.lackey >out
ok 'standard input is imported' told 'piped.qtr: 3 instructions'
quanta trace import n.lackey part.qtr --for 2
ok 'part of it' told 'part.qtr: 2 instructions'
ok 'SIGINT leaves a whole trace' interrupted

quanta trace export n.qtr n.champsim
ok 'it is exported' exits 0
ok 'as 64-byte records' [ "$(wc -c <n.champsim)" -eq 192 ]
"$QUANTA" trace export n.qtr - >piped.champsim
ok 'to standard output too' cmp n.champsim piped.champsim

expect 2 'n.lackey.bad: No such file' trace import n.lackey.bad x.qtr
printf 'I  00401000,3\n L 5000\n' >n.lackey.bad
expect 2 'n.lackey.bad: line 2' trace import n.lackey.bad x.qtr
ok 'bad input leaves nothing behind' [ "$(echo x.qtr*)" = 'x.qtr*' ]
expect 2 "did you mean 'dinero'" trace import --format dinera n.lackey x.qtr
expect 2 'a file to import and the name of the trace are wanted' trace import n.lackey
expect 2 "unexpected argument 'c'" trace import a b c
expect 2 '--for: 0 instructions' trace import n.lackey x.qtr --for 0
expect 2 'not an ELF file' trace import --elf n.lackey n.lackey x.qtr
expect 2 'missing' trace export missing x.champsim
expect 2 'valid: champsim' trace export --format lackey n.qtr x
expect 2 'standard output' trace import n.lackey -

if ! command -v valgrind >/dev/null; then
    skip 'a native program under valgrind' 'there is no valgrind'
    finish
    exit 0
fi
valgrind --tool=lackey --trace-mem=yes --log-file=sort.lackey "$GUESTS/sort" 200 >/dev/null 2>&1
lines=$(grep -c '^I' sort.lackey)
accesses=$(grep -c '^ [LSM]' sort.lackey)
# An atomic instruction is a load and a modification at the same place to Valgrind, one access to its decoded code.
atomic=$(awk '/^ M/ && last == " L" substr($0, 3) { n++ } { last = $0 } END { print n + 0 }' sort.lackey)
gzip -k sort.lackey
quanta trace import sort.lackey.gz bare.qtr
ok 'without the program: every line' told "bare.qtr: $lines instructions, $accesses accesses" "$lines instructions without code bytes"
ok 'replayed, every instruction' replayed bare.qtr "$lines"
quanta trace import sort.lackey coded.qtr --elf "$GUESTS/sort"
ok 'with the program: all code is known' exits 0
ok 'no instruction lacks its bytes' [ "$(grep -c 'without code' out)" -eq 0 ]
ok 'and every access is there' told " $((accesses - atomic)) accesses"
coded=$(sed -n 's/^coded.qtr: \([0-9]*\) instructions.*/\1/p' out)
ok 'rep instructions count once' [ "$coded" -lt "$lines" ]
ok 'replayed with code' replayed coded.qtr "$coded"
quanta trace export coded.qtr coded.champsim.gz
ok 'exported, packed' exits 0
quanta trace import coded.champsim.gz back.qtr
ok 'and back: every access' told champsim " $((accesses - atomic)) accesses"
quanta trace export back.qtr again.champsim
gzip -d coded.champsim.gz
ok 'the same the second time' cmp coded.champsim again.champsim
finish
