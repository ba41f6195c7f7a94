#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Speed of the timing model alone, fed from memory, against Cachegrind on the same guest, in one go: timing.py QUANTA TIMING GUEST-FOLDER [ROUNDS]

Millions of instructions per second of CPU time, best of ROUNDS, and the ratio to Cachegrind (L1I, L1D, LL and branches both). The skylake machine: levels
interval and window, each with its own predictor (TAGE) and with gshare, which costs what Cachegrind's does. The aims were 1.0 for interval and 0.25 for window.
"""
import os
import re
import subprocess
import sys
import tempfile

from traces import GUESTS, cachegrind

WAYS = {"interval": [], "interval gshare": ["core.predictor=gshare"], "window": ["machine.timing=window"],
        "window gshare": ["machine.timing=window", "core.predictor=gshare"]}


def rate(timing, trace, keys):
    out = subprocess.run([timing, trace, "skylake"] + keys, check=True, capture_output=True, text=True).stdout
    n, seconds = re.match(r"(\d+) instructions, \d+ cycles, ([\d.]+) seconds", out).groups()
    return int(n) / float(seconds)


def main():
    quanta, timing, guests = [os.path.abspath(p) for p in sys.argv[1:4]]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 2
    print(f"{'guest':10} {'Cachegrind':>10} " + " ".join(f"{w:>17}" for w in WAYS), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, args in GUESTS:
            trace = os.path.join(folder, "t.qtr")
            subprocess.run([quanta, "record", "-q", "-o", trace, os.path.join(guests, name)] + args.split(), check=True)
            measured = {w: 0 for w in WAYS}
            reference = 0
            for _ in range(rounds): # interleaved, so that a noisy moment hits all
                reference = max(reference, (cachegrind(os.path.join(guests, name), args, folder, 1) or [0])[0])
                for way, keys in WAYS.items():
                    measured[way] = max(measured[way], rate(timing, trace, keys))
            print(f"{name:10} {reference / 1e6:10.0f} " +
                  " ".join(f"{r / 1e6:9.0f}  {r / reference if reference else 0:5.2f} " for r in measured.values()), flush=True)


if __name__ == "__main__":
    main()
