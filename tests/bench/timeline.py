#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to look on: a replay of the shipped traces with and without --timeline, --ftrace and --series, in one go: timeline.py QUANTA [ROUNDS]

CPU seconds of the process, best of ROUNDS, and the ratio to a run on which nobody looks. The aim for --timeline is 1.10. Fails above it."""
import os
import resource
import subprocess
import sys
import tempfile

MOST = 1.10
WAYS = {"nobody": [], "--timeline": ["--timeline", "t.json"], "--ftrace": ["--ftrace", "t.txt"], "--series 100us": ["--series", "100us", "--json", "r.json"]}
TRACES = ["sort", "matmul", "phases", "list", "btree", "sha256", "interp", "server"]
# Quanta of 1 ms, of 100 us, and guests that wake some 10,000 times a second each.
CASES = {"quantum 1 ms": ("1ms", ""), "quantum 100 us": ("100us", ""),
         "storm of wake-ups": ("1ms", "".join(f"[vm nap{i}]\nworkload = synthetic:loop insns=20k; sleep 90us; repeat forever\n" for i in range(8)))}


def scenario(quantum, more):
    return (f"[scenario]\nmachine = skylake\nduration = 20ms\n[machine]\ncores = core*2\n[policy]\nname = round-robin\nquantum = {quantum}\n" +
            "".join(f"[vm {t}]\nworkload = trace:samples/{t}\nrepeat = forever\n" for t in TRACES) + more)


def seconds(command, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    quanta = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(f"{'case':20} {'seconds':>8} " + " ".join(f"{w:>15}" for w in list(WAYS)[1:]) + f" {'t.json':>10}", flush=True)
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, (quantum, more) in CASES.items():
            path = os.path.join(folder, "s.conf")
            with open(path, "w", encoding="ascii") as f:
                f.write(scenario(quantum, more))
            best = {}
            for _ in range(rounds):  # interleaved, so that a noisy moment hits all
                for way, options in WAYS.items():
                    best[way] = min(best.get(way, 1e9), seconds([quanta, "run", path, "-q", *options], folder))
            ratios = {way: best[way] / best["nobody"] for way in WAYS}
            worst = max(worst, ratios["--timeline"])
            size = os.path.getsize(os.path.join(folder, "t.json"))
            print(f"{name:20} {best['nobody']:8.2f} " + " ".join(f"{ratios[w]:15.3f}" for w in list(WAYS)[1:]) + f" {size / 1e6:7.2f} MB", flush=True)
    print(f"--timeline costs {(worst - 1) * 100:.1f}% at the most; the aim was under {(MOST - 1) * 100:.0f}%")
    sys.exit(worst > MOST)


if __name__ == "__main__":
    main()
