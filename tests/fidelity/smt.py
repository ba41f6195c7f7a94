# SPDX-License-Identifier: GPL-2.0-or-later
"""Hyperthreading: pairs of guests on the two logical processors of one netburst-ht core, against each alone: smt.py QUANTA GUEST-FOLDER [--table]

Combined throughput is the sum over the pair of instructions in a span of time, shared over alone. Published for this processor: 1.15 to 1.30 (Marr et al.,
Intel
Technology Journal, Q1 2002: server workloads 1.16 to 1.28; Tuck and Tullsen, PACT 2003: SPEC pairs 0.90 to 1.58, mean 1.20).
"""
import itertools
import json
import os
import subprocess
import sys
import tempfile

import marks

# Guests with inputs that keep them busy for longer than the span, most of it past their first touch of memory.
GUESTS = {"sort": "300000 4", "matmul": "160 6", "hashjoin": "100000 3000000", "lz": "256 12",
          "interp": "10 20000", "stream": "1024 30", "fft": "", "sha256": ""}
SPAN = "40ms"
LEVEL = os.environ.get("LEVEL", "interval")


def instructions(quanta, folder, traces, placed):
    """Instructions of each VM: placed is a list of guests, one for each logical processor from 0 on."""
    text = f"[scenario]\nmachine = netburst-ht\nduration = {SPAN}\n[machine]\ntiming = {LEVEL}\n[policy]\nquantum = 1s\n"
    for lp, guest in enumerate(placed):
        text += f"[vm v{lp}]\nworkload = trace:{traces}/{guest}.qtr\nrepeat = forever\naffinity = {lp}\n"
    path = os.path.join(folder, "pair.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    out = subprocess.run([quanta, "run", path, "-q", "--json", "-"], check=True, capture_output=True, text=True).stdout
    vms = json.loads(out)["vms"]
    return [vms[f"v{lp}"]["instructions"] for lp in range(len(placed))]


def record(quanta, guests, folder):
    for name, args in GUESTS.items():
        command = [quanta, "record", "-q", "--for", "60M", "-o", os.path.join(folder, name + ".qtr"), os.path.join(guests, name)] + args.split()
        subprocess.run(command, check=True)


def main():
    quanta, guests = [os.path.abspath(p) for p in sys.argv[1:3]]
    with tempfile.TemporaryDirectory() as folder:
        record(quanta, guests, folder)
        alone = {g: instructions(quanta, folder, folder, [g])[0] for g in GUESTS}
        pairs = {}
        for a, b in itertools.combinations_with_replacement(GUESTS, 2):
            x, y = instructions(quanta, folder, folder, [a, b])
            pairs[a, b] = x / alone[a] + y / alone[b]
    mixed = [v for (a, b), v in pairs.items() if a != b]
    print("# " + " " * 10 + "".join(f"{g:>10}" for g in GUESTS))
    for a in GUESTS:
        print(f"# {a:10}" + "".join(f"{pairs[a, b] if (a, b) in pairs else pairs[b, a]:10.2f}" for b in GUESTS))
    m = marks.Marks(marks.document())
    m.check("smt.least", min(pairs.values()), min(pairs, key=pairs.get).__str__())
    m.check("smt.most", max(pairs.values()), max(pairs, key=pairs.get).__str__())
    m.check("smt.mixed-mean", sum(mixed) / len(mixed))
    m.check("smt.stream-stream", pairs["stream", "stream"], "two that fight for the bus")
    m.check("smt.sha256-sha256", pairs["sha256", "sha256"], "two that fight for the ALUs")
    return m.finish()


if __name__ == "__main__":
    sys.exit(main())
