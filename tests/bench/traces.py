#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Speed of traces, as ratios measured in one go: traces.py QUANTA TRACE-DECODE GUEST-FOLDER [ROUNDS]

By elapsed time and, for decoding and recording, by CPU time (user and system), best of ROUNDS, one VM on the skylake machine:
  replay/cg    replay of a guest's trace against Cachegrind (caches and branches) on the same program (aim: 1.0)
  by CPU       the same by CPU time: the replay decodes in a thread of its own
  replay/live  replay against running the guest live, elapsed and by CPU time (aim: 1.5)
  decode/rep   reading and decoding the trace alone against its replay (aim: 2.5)
  record       quanta record against quanta run of the same scenario (at most 1.25)
  bytes        of the trace for an instruction (aim: 0.35 on the mean)
  growth       peak memory of the replay against that of a tenth of the trace, MiB (aim: none)
Then the sizes of traces of all guest programs. Cachegrind's column is empty without valgrind.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

GUESTS = [("sort", "200000 4"), ("matmul", "160 6"), ("hashjoin", "100000 3000000"), ("lz", "256 12"), ("interp", "10 20000"), ("stream", "1024 30")]
SIZES = [("btree", ""), ("fft", ""), ("hashjoin", "100000 3000000"), ("interp", "10 20000"), ("list", "2048 1000000"), ("lz", "256 12"), ("matmul", "160 6"),
         ("phases", "10 10000 2048"), ("server", ""), ("sha256", ""), ("sort", "200000 4"), ("spin", "100"), ("stream", "1024 30")]


def run(command, folder):
    """CPU and elapsed seconds, peak resident bytes, standard output and error of a command."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.monotonic()
        child = subprocess.Popen(command, stdout=out, stderr=err, cwd=folder)
        _, status, usage = os.wait4(child.pid, 0)
        elapsed = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return usage.ru_utime + usage.ru_stime, elapsed, usage.ru_maxrss * 1024, out.read().decode(), err.read().decode()


def best(command, folder, rounds):
    results = [run(command, folder) for _ in range(rounds)]
    return min(r[0] for r in results), min(r[1] for r in results), results[0]


def cachegrind(program, args, folder, rounds):
    """Instructions per second of CPU and of elapsed time, or None."""
    if not shutil.which("valgrind"):
        return None
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=yes", "--branch-sim=yes", "--cachegrind-out-file=/dev/null", program] + args.split()
    cpu, elapsed, (_, _, _, _, err) = best(command, folder, rounds)
    refs = re.search(r"I +refs: +([\d,]+)", err)
    return [int(refs.group(1).replace(",", "")) / s for s in (cpu, elapsed)] if refs else None


def scenario(folder, guest, args):
    with open(os.path.join(folder, "s.conf"), "w", encoding="utf-8") as f:
        f.write(f"[scenario]\nmachine = skylake\nduration = 1000s\n[vm a]\nworkload = elf:{guest}\nargs = {args}\n")


def measure(quanta, decode, program, args, folder, rounds):
    scenario(folder, program, args)
    cg = cachegrind(program, args, folder, rounds)
    live, live_elapsed, (_, _, _, out, _) = best([quanta, "run", "s.conf", "--json", "-"], folder, rounds)
    record, _, _ = best([quanta, "record", "s.conf", "-q", "-o", "t"], folder, rounds)
    replay, elapsed, (_, _, memory, out2, _) = best([quanta, "run", "s.conf", "--traces", "t", "--json", "-"], folder, rounds)
    alone, _, _ = best([decode, "t/a.qtr"], folder, rounds)
    insns = json.loads(out)["vms"]["a"]["instructions"]
    size = os.path.getsize(os.path.join(folder, "t/a.qtr"))
    os.makedirs(os.path.join(folder, "tenth"), exist_ok=True)
    run([quanta, "trace", "cut", "-q", "--for", str(insns // 10), "t/a.qtr", "tenth/a.qtr"], folder)
    _, _, tenth, _, _ = run([quanta, "run", "s.conf", "--traces", "tenth", "--json", "-"], folder)
    same = "same" if out == out2 else "DIFFERENT"
    return {"insns": insns, "cg": cg, "live": insns / live_elapsed, "replay": insns / elapsed, "replay_cpu": insns / replay, "live_cpu": insns / live,
            "decode": insns / alone, "record": record / live, "bytes": size / insns, "growth": (memory - tenth) / (1 << 20), "same": same}


def main():
    quanta, decode, guests = [os.path.abspath(p) for p in sys.argv[1:4]]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    print(f"{'guest':10} {'M instr':>8} {'cg':>6} {'live':>6} {'replay':>6} {'decode':>6} {'replay/cg':>9} {'by CPU':>6} {'replay/live':>11} {'by CPU':>6} "
          f"{'decode/rep':>10} {'record':>7} {'bytes':>6} {'growth':>7} result")
    with tempfile.TemporaryDirectory() as folder:
        for name, args in GUESTS:
            m = measure(quanta, decode, os.path.join(guests, name), args, folder, rounds)
            cg = f"{m['cg'][1] / 1e6:6.0f}" if m["cg"] else "     -"
            ratio = f"{m['replay'] / m['cg'][1]:9.2f} {m['replay_cpu'] / m['cg'][0]:6.2f}" if m["cg"] else "        -      -"
            rates = f"{m['live'] / 1e6:6.0f} {m['replay'] / 1e6:6.0f} {m['decode'] / 1e6:6.0f}"
            print(f"{name:10} {m['insns'] / 1e6:8.1f} {cg} {rates} {ratio} {m['replay'] / m['live']:11.2f} {m['replay_cpu'] / m['live_cpu']:6.2f} "
                  f"{m['decode'] / m['replay']:10.2f} {m['record']:7.2f} {m['bytes']:6.3f} {m['growth']:7.1f} {m['same']}", flush=True)
        total = []
        for name, args in SIZES:
            _, _, _, out, _ = run([quanta, "record", "-o", "size.qtr", "--for", "50M", os.path.join(guests, name)] + args.split(), folder)
            total.append((name, float(re.search(r"\(([\d.]+) per instruction\)", out).group(1))))
        sizes = ", ".join(f"{n} {b:.3f}" for n, b in total)
        print(f"bytes per instruction (first 50 M): {sizes}; mean {sum(b for _, b in total) / len(total):.3f}")


if __name__ == "__main__":
    main()
