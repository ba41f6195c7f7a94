#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Bad scenarios and programs: one clear message, exit status 2, and no result file.
# shellcheck source=tests/cli/tap.sh
. "$(dirname -- "$0")/tap.sh"

# scenario TEXT: writes s.conf; the general part is the same for all.
scenario() {
    printf '[scenario]\nduration = 1ms\n%b' "$1" >s.conf
}

# bad TEXT MESSAGE: the scenario is refused with the message and leaves no file, by run and by compare.
bad() {
    scenario "$1"
    expect 2 "$2" run --json result.json s.conf
    ok "... no result file, nothing on standard output" test ! -e result.json -a ! -s out
    [ "$(wc -l <err)" -le 2 ] || ok "... one message" false
    quanta compare --json result.json s.conf
    ok "... nor from compare" said 2 "$2"
}

vm='[vm a]\nworkload = elf:guests/spin\nargs = 1\n'

expect 2 "cannot read 'absent.conf': no such file" run absent.conf
expect 2 "cannot read '.': it is a folder" run .
bad '' "s.conf: the scenario has no VM; add a group [vm NAME]"
bad "sede = 1\n$vm" "s.conf: [scenario] sede: unknown key; did you mean 'seed'?"
bad "${vm}weight = heavy\n" "s.conf: [vm a] weight: 'heavy' is not a whole number from 1 to 65535"
bad "${vm}start = 5\n" "s.conf: [vm a] start: '5' is not a time: a number and one of the units ps, ns, us, ms, s"
bad "${vm}start = 2ms\nstop = 2ms\n" "s.conf: [vm a] stop: is not after the VM's start"
bad "${vm}entry-controls = 128\n" "s.conf: [vm a] entry-controls: 128 has bits that there are not: the entry controls are 7 bits, 0 to 0x7f"
bad "${vm}exit-controls = 0x10\n" "s.conf: [vm a] exit-controls: 0x10 has bits that there are not: the exit controls are 4 bits, 0 to 0xf"
bad "${vm}entry-controls = fpu\n" "s.conf: [vm a] entry-controls: 'fpu' is none of the entry controls: general, fp, control, msr, internal, tlb, devices"
bad "${vm}entry-controls = all\n" "s.conf: [vm a] entry-controls: entries load what exits do not save"
bad "${vm}instruction-exits = -1\n" "s.conf: [vm a] instruction-exits: '-1' is none of the instructions that exit"
bad "${vm}affinity = 0-8\n" "s.conf: [vm a] affinity: there is no logical processor 8; the machine has 0 to 7"
bad "${vm}folder = absent\n" "s.conf: [vm a] folder: there is no folder 'absent'"
bad "machine = skylakes\n$vm" "s.conf: [scenario] machine: unknown machine 'skylakes'; did you mean 'skylake'?"
bad "${vm}[core core]\nl1d = 48KiB\nl1d-ways = 7\n" "s.conf: [core core] l1d-ways: 7 ways do not divide the 768 lines of l1d evenly"
bad "${vm}[policy]\nname = emon-quantm\n" "s.conf: [policy] name: unknown policy 'emon-quantm'; did you mean 'emon-quantum'?"
bad "${vm}[policy]\nname = emon-quantum\nmin-gain = 1\n" "s.conf: [policy]: parameter 'min-gain' of policy 'emon-quantum': '1' is not a time"
bad "${vm}[vm a]\nweight = 1\n" "s.conf:6: '[vm a]': this group stands earlier in the file already"
bad '[vm a]\nworkload = elf:guests/srot\n' "s.conf: [vm a] workload: there is no guest program 'srot'; did you mean 'sort'?"
bad '[vm a]\nworkload = sythetic:x\n' "s.conf: [vm a] workload: 'sythetic:x' is of no known kind; valid: elf:PATH"
bad '[vm a]\nworkload = synthetic:chaise\n' "s.conf: [vm a] workload: synthetic: there is no phase 'chaise'; did you mean 'chase'?"
t='[vm a]\nworkload = tasks:q\n[tasks q]\nbody = synthetic:loop\n'
bad '[vm a]\nworkload = tasks:q\n' "s.conf: [vm a] workload: there is no group [tasks q]"
bad "${t}[vm b]\nworkload = tasks:qq\n" "s.conf: [vm b] workload: there is no group [tasks qq]; did you mean 'q'?"
bad "${vm}[tasks q]\nbody = synthetic:loop\n" "s.conf: [tasks q]: no VM can run them; add 'workload = tasks:q' to a [vm NAME]"
bad '[vm a]\nworkload = tasks:q\n[tasks q]\n' "s.conf: [tasks q] body: is missing"
bad '[vm a]\nworkload = tasks:q\n[tasks q]\nbody = elf:guests/sort\n' "s.conf: [tasks q] body: 'elf:guests/sort' is of no known kind; valid: "
bad '[vm a]\nworkload = tasks:q\n[tasks q]\nbody = synthetic:loop; repeat forever\n' "s.conf: [tasks q] body: never ends; a task has an end"
bad '[vm a]\nworkload = tasks:q\n[tasks q]\nbody = trace:absent.qtr\n' "s.conf: [tasks q] body: there is no file '"
bad "${t}arrive = b\n" "s.conf: [tasks q] arrive: 'b' is no VM that can run them"
bad "${t}count = 0\n" "s.conf: [tasks q] count: '0' is not a whole number from 1 to 1000000"
bad "${t}peroid = 1ms\n" "s.conf: [tasks q] peroid: unknown key; did you mean 'period'?"
bad '[vm a]\nworkload = trace:absent.qtr\n' "s.conf: [vm a] workload: there is no file '"

# Programs that are none.
head -c 100 "$GUESTS/spin" >cut.elf
printf 'not a program\n' >text
printf '\177ELF\001\001\001\0\0\0\0\0\0\0\0\0\002\0\003\0\001\0\0\0\0\0\0\0\064\0\0\0\0\0\0\0\0\0\0\0\064\0\040\0\0\0\050\0\0\0\0\0' >elf32
for program in cut.elf text elf32 /bin/sh; do
    bad "[vm a]\nworkload = elf:$program\n" "s.conf: [vm a] workload: "
    ok "... and names the program" grep -q "$(basename $program)" err
done

# Result files that cannot be.
scenario "$vm"
expect 2 "--json: cannot write 'absent/r.json': No such file or directory" run --json absent/r.json s.conf
expect 2 "--json: cannot write '.': Is a directory" compare --json . s.conf
scenario "${vm}stdout = absent/out\n"
expect 2 "s.conf: [vm a] stdout: cannot write 'absent/out': No such file or directory" run s.conf
echo old >result.json
scenario "sede = 1\n$vm"
quanta run --json result.json s.conf
ok "a failure leaves an older result as it is" grep -q '^old$' result.json
finish
