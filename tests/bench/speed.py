#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Speed of whole runs, as ratios measured in one go: speed.py QUANTA UNICORN-BASELINE GUEST-FOLDER [ROUNDS]

Prints, by CPU time (user and system of the process, best of ROUNDS):
- one VM on one logical processor against the same guest under Unicorn with empty block and memory hooks (aim: 0.5);
- eight VMs on four logical processors against one VM, in instructions per second (aim: 0.8);
- peak memory beyond the guests' touched pages (aim: 64 MiB);
- the recording and its replay against the live guest.
"""
import json
import os
import subprocess
import sys
import tempfile

GUESTS = [("sort", "200000 4"), ("matmul", "160 6"), ("hashjoin", "100000 3000000"), ("lz", "256 12"), ("interp", "10 20000"), ("stream", "1024 30")]


def run(command):
    """CPU seconds, peak resident bytes and standard output of a command."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, out.read().decode()


def scenario(folder, guest, args, copies):
    path = os.path.join(folder, "speed.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"[scenario]\nmachine = skylake\nduration = 1000s\n[machine]\ncores = core*2\n"
                f"[vm a]\ncount = {copies}\nworkload = elf:{guest}\nargs = {args}\n")
    return path


def measure(quanta, folder, guest, args, copies, rounds):
    """Best rate in instructions per second, and bytes beyond the guests' touched pages."""
    best, memory = 0.0, 0
    for _ in range(rounds):
        seconds, peak, out = run([quanta, "run", scenario(folder, guest, args, copies), "--json", "-"])
        vms = json.loads(out)["vms"].values()
        best = max(best, sum(v["instructions"] for v in vms) / seconds)
        memory = max(memory, peak - sum(v["touched_bytes"] for v in vms))
    return best, memory


def baseline(program, guest, args, rounds):
    _, _, out = run([program, "-r", str(rounds), guest] + args.split())
    rows = {line.split()[0]: float(line.split()[1]) * 1e6 for line in out.splitlines()[1:5]}
    return rows, out.splitlines()[5]


def main():
    quanta, program, guests = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    print(f"{'guest':10} {'baseline':>9} {'run':>7} {'ratio':>6} {'8 VMs':>7} {'ratio':>6} {'beyond':>8} {'record':>7} {'replay':>7}")
    print(f"{'':10} {'M/s':>9} {'M/s':>7} {'':>6} {'M/s':>7} {'':>6} {'MiB':>8} {'M/s':>7} {'M/s':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for name, args in GUESTS:
            guest = os.path.join(guests, name)
            rows, foot = baseline(program, guest, args, rounds)
            one, _ = measure(quanta, folder, guest, args, 1, rounds)
            eight, memory = measure(quanta, folder, guest, args, 8, 1)
            print(f"{name:10} {rows['baseline'] / 1e6:9.1f} {one / 1e6:7.1f} {one / rows['baseline']:6.2f} {eight / 1e6:7.1f} "
                  f"{eight / one:6.2f} {memory / (1 << 20):8.1f} {rows['record'] / 1e6:7.1f} {rows['replay'] / 1e6:7.1f}", flush=True)
    print(foot.split(", ", 1)[1])


if __name__ == "__main__":
    main()
