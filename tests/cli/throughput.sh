#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# quanta throughput: blocks from the command line, files, programs and CSV; bad input.
# shellcheck source=tests/cli/tap.sh
. "$(dirname -- "$0")/tap.sh"

# imul rax, rax: a chain of three cycles.
quanta throughput '48 0f af c0'
ok "a chain of multiplications takes three cycles" grep -q '^skylake (core): 3.00 cycles per iteration, bottleneck: dependence chain$' out
ok "... the listing has the instruction" grep -q 'imul rax, rax' out
quanta throughput --json block.json 480fafc0
ok "--json FILE prints the table, too" grep -q 'imul rax, rax' out
ok "... schema, cycles, ports" grep -q '"schema": "quanta-throughput/1"' block.json
ok "... an instruction" grep -q '"hex": "480fafc0"' block.json
quanta throughput --json - 480fafc0
ok "--json - prints JSON alone" cmp out block.json

# The same bytes from a file, and from a program's function.
printf '\110\017\257\300' >block.bin
quanta throughput --file block.bin
ok "--file: bytes as they are" grep -q ': 3.00 cycles per iteration' out
quanta throughput --elf "$GUESTS/sort" --function main
ok "--elf --function: basic blocks of a function" grep -q '^main+0x0:$' out
ok "... several" test "$(grep -c 'cycles per iteration' out)" -gt 3
quanta throughput --elf "$GUESTS/sort" --function main --json function.json
ok "... as JSON" grep -q '"name": "main+0x0:"' function.json

# A loop comes from the micro-op cache; copies have to be decoded.
quanta throughput --repeat unroll 6605e803660503e86605e803
ok "copies with length-changing prefixes stall in the predecoder" grep -q 'bottleneck: predecode' out
quanta throughput --repeat loop 6605e803660503e86605e803
ok "... a loop does not" grep -q 'bottleneck: dependence chain' out

for machine in netburst-ht ivybridge haswell skylake atom-bonnell; do
    quanta throughput --machine $machine 4801d8480fafc3
    ok "--machine $machine" grep -q "^$machine " out
done
quanta throughput --set 'core core.latencies=mul:9' --machine netburst-ht 480fafc0
ok "an override that does not fit is an error" said 2 "there is no"
quanta throughput --set 'core p4.latencies=mul:9' --machine netburst-ht 480fafc0
ok "--set overrides a key" grep -q ': 9.00 cycles' out

# Batches.
printf 'name,hex,x\na,480fafc0,1\nb,"90",2\n\nc,4801d8,3\n' >blocks.csv
quanta throughput --batch blocks.csv
ok "--batch: header, a line for each block, in order" test "$(cut -d, -f1 out | tr '\n' ' ')" = "hex 480fafc0 90 4801d8 "
ok "... cycles and bottleneck" grep -q '^480fafc0,3.000,dependence chain$' out
"$QUANTA" throughput --batch - <blocks.csv >out2
ok "--batch -: standard input" cmp out out2
awk 'BEGIN { print "hex"; for (i = 0; i < 9000; i++) print i % 3 ? "4801d8" : "480fafc0" }' >many.csv
quanta throughput --batch many.csv
ok "more rows than are read at a time" test "$(wc -l <out)" -eq 9001
awk -F, 'NR > 1 && $2 != ($1 == "480fafc0" ? "3.000" : "1.000") { bad = 1 } END { exit bad }' out
ok "... and their order is kept" test $? -eq 0

# Bad input.
expect 2 "which block? valid: HEX, --file, --elf with --function, --batch" throughput
expect 2 "one of HEX, --file, --elf and --batch, not several" throughput --file block.bin 90
expect 2 "the block: character 7: a byte with one hexadecimal digit; each has two" throughput 4801d84
expect 2 "the block: character 3: 'x' is not a hexadecimal digit" throughput 90x0
expect 2 "the block: the block is empty" throughput ''
expect 2 "the block: offset 3: byte 0x06 begins no x86-64 instruction" throughput 4801d8064801d8
expect 2 "the block: offset 3: byte 0x48 begins no x86-64 instruction that is whole" throughput 4801d848
expect 2 "unknown machine 'skylane'; did you mean 'skylake'?" throughput --machine skylane 90
expect 2 "--core: machine 'skylake' has no kind of core 'big'" throughput --core big 90
expect 2 "--elf and --function need each other" throughput --elf "$GUESTS/sort"
expect 2 "there is no function 'mian'; did you mean 'main'?" throughput --elf "$GUESTS/sort" --function mian
expect 2 "block.bin: is not an ELF file" throughput --elf block.bin --function main
expect 2 "absent: cannot open: No such file or directory" throughput --elf absent --function main
expect 2 "--repeat: there is no way 'lop'; did you mean 'loop'?" throughput --repeat lop 90
expect 2 "--batch: cannot read 'absent.csv': No such file or directory" throughput --batch absent.csv
printf 'code\n90\n' >blocks2.csv
expect 2 "blocks2.csv:1: the header names no column 'hex'" throughput --batch blocks2.csv
printf 'a,hex\n1,90\n2\n3,4801d8\n4,06\n' >blocks3.csv
expect 2 "blocks3.csv:3: there is no column 2 ('hex')" throughput --batch blocks3.csv
ok "... a later undecodable row is named, too" grep -q 'blocks3.csv:5: offset 0: byte 0x06' err
ok "... and the good rows are there" grep -q '^4801d8,1.000,' out
head -c 5000 /dev/zero >long.bin
expect 2 "long.bin: the block has 5000 bytes; at most 4096 are taken" throughput --file long.bin
finish
