# SPDX-License-Identifier: GPL-2.0-or-later
"""The interval level against the window level, on every guest program: levels.py QUANTA GUEST-FOLDER

Both levels see the same instructions (a trace of the guest's first ones), the same caches and predictors; only the pipeline differs. The figure is the
difference in cycles.
"""
import json
import os
import subprocess
import sys
import tempfile

import marks

GUESTS = {"btree": "", "fft": "", "hashjoin": "100000 3000000", "interp": "10 20000", "list": "2048 1000000", "lz": "256 12", "matmul": "160 6", "phases": "",
          "server": "", "sha256": "", "sort": "200000 4", "spin": "", "stream": "1024 30"}
MACHINES = sys.argv[3:] or ["skylake", "haswell", "ivybridge", "netburst-ht", "atom-bonnell", "cortex-a53", "itanium2"]
LENGTH = "20M"


def cycles(quanta, folder, guest, machine, level):
    path = os.path.join(folder, "level.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"[scenario]\nmachine = {machine}\nduration = 10s\n[machine]\ntiming = {level}\n[policy]\nquantum = 1s\n"
                f"[vm a]\nworkload = trace:{folder}/{guest}.qtr\naffinity = 0\n")
    out = json.loads(subprocess.run([quanta, "run", path, "-q", "--json", "-"], check=True, capture_output=True, text=True).stdout)
    return out["vms"]["a"]["events"]


def main():
    quanta, guests = [os.path.abspath(p) for p in sys.argv[1:3]]
    m = marks.Marks(marks.document())
    with tempfile.TemporaryDirectory() as folder:
        for name, args in GUESTS.items():
            command = [quanta, "record", "-q", "--for", LENGTH, "-o", os.path.join(folder, name + ".qtr"), os.path.join(guests, name)] + args.split()
            subprocess.run(command, check=True)
        for machine in MACHINES:
            errors = {}
            for name in GUESTS:
                a, b = [cycles(quanta, folder, name, machine, level) for level in ("interval", "window")]
                errors[name] = a["cycles"] / b["cycles"] - 1
                stacks = "  ".join(f"{k.rsplit('.', 1)[-1]} {(a[k]) / b['cycles']:.3f}/{b[k] / b['cycles']:.3f}" for k in a
                                   if ("stall" in k or "recovery" in k) and max(a[k], b[k]) > 0.01 * b["cycles"])
                print(f"# {machine} {name:10} CPI {a['cycles'] / a['instructions']:6.3f} {b['cycles'] / b['instructions']:6.3f} "
                      f"{100 * errors[name]:+7.1f}%  {stacks}", flush=True)
            worst = max(errors, key=lambda g: abs(errors[g]))
            m.check(f"levels.{machine}.mean", round(100 * sum(abs(e) for e in errors.values()) / len(errors), 2), "%")
            m.check(f"levels.{machine}.worst", round(100 * abs(errors[worst]), 2), "% " + worst)
    return m.finish()


if __name__ == "__main__":
    sys.exit(main())
