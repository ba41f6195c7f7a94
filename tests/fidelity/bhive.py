# SPDX-License-Identifier: GPL-2.0-or-later
"""Basic blocks' measured throughput (BHive) against `quanta throughput`: bhive.py QUANTA [--classes] [--worst N] [--mca]

MAPE is the mean of |predicted - measured| / measured, tau the rank correlation tau-b (Kendall), over the rows that the data set's README calls clean. --classes
adds a table of errors by class of block, --worst the rows that are furthest off, --mca the figures of llvm-mca on a sample, where it is installed.
"""
import argparse
import csv
import io
import os
import subprocess
import sys
import tempfile

import marks
import zst

SETS = {"skl": "skylake", "hsw": "haswell", "ivb": "ivybridge"}

CLASSES = [
    ("divisions", lambda r: r["has_div"] != "0"),
    ("x87 and MMX", lambda r: r["has_x87"] != "0" or r["has_mmx"] != "0"),
    ("SSE and AVX", lambda r: r["has_sse"] != "0"),
    ("push and pop", lambda r: r["n_pushpop"] != "0"),
    ("loads and stores", lambda r: r["n_load"] != "0" and r["n_store"] != "0"),
    ("loads only", lambda r: r["n_load"] != "0"),
    ("stores only", lambda r: r["n_store"] != "0"),
    ("registers only", lambda r: True),
]


def rows_of(folder, name):
    text = zst.read(os.path.join(folder, "bhive", name + "-dev.csv.zst")).decode()
    return [r for r in csv.DictReader(io.StringIO(text)) if r["may_alias"] == "0" and r["too_fast"] == "0"]


def predict(quanta, machine, rows):
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as f:
        f.write("hex\n")
        f.writelines(r["hex"] + "\n" for r in rows)
        f.flush()
        out = subprocess.run([quanta, "throughput", "--machine", machine, "--batch", f.name], capture_output=True, text=True)
    if out.returncode:
        print("# " + out.stderr.strip().replace("\n", "\n# "), flush=True)
    result = list(csv.DictReader(io.StringIO(out.stdout)))
    assert [r["hex"] for r in result] == [r["hex"] for r in rows]
    return [float(r["cycles"] or 0) for r in result], [r["bottleneck"] for r in result]


def mape(pairs):
    return sum(abs(p - m) / m for p, m in pairs) / len(pairs) * 100


def swaps(values):
    """Pairs in the wrong order, by merge sort; sorts the list."""
    if len(values) < 2:
        return 0
    middle = len(values) // 2
    left, right = values[:middle], values[middle:]
    n = swaps(left) + swaps(right)
    i = j = 0
    for k in range(len(values)):
        if j == len(right) or (i < len(left) and left[i] <= right[j]):
            values[k] = left[i]
            i += 1
        else:
            values[k] = right[j]
            j += 1
            n += len(left) - i
    return n


def ties(values):
    n, run = 0, 1
    values = sorted(values)
    for a, b in zip(values, values[1:] + [None]):
        if a == b:
            run += 1
        else:
            n += run * (run - 1) // 2
            run = 1
    return n


def tau_b(pairs):
    n = len(pairs) * (len(pairs) - 1) // 2
    x, y, both = ties([p[0] for p in pairs]), ties([p[1] for p in pairs]), ties(pairs)
    discordant = swaps([p[1] for p in sorted(pairs)])
    return (n - x - y + both - 2 * discordant) / ((n - x) * (n - y)) ** 0.5


def half(row):
    """A half of the rows that has nothing to do with their order or content: FNV-1a of the bytes."""
    h = 2166136261
    for c in row["hex"].encode():
        h = (h ^ c) * 16777619 & 0xFFFFFFFF
    return (h >> 16) & 1


def print_classes(rows, pairs):
    left = list(zip(rows, pairs))
    print("# class                rows   MAPE  share of the error")
    total = sum(abs(p - m) / m for p, m in pairs)
    for name, test in CLASSES:
        mine = [p for r, p in left if test(r)]
        left = [(r, p) for r, p in left if not test(r)]
        if mine:
            print(f"# {name:18s} {len(mine):6d} {mape(mine):6.2f} {sum(abs(p - m) / m for p, m in mine) / total * 100:6.1f}%")


def print_mca(rows, cpu):
    """llvm-mca's figure on every 200th row, through its assembler."""
    pairs = []
    for r in rows[::200]:
        code = ",".join("0x" + r["hex"][i:i + 2] for i in range(0, len(r["hex"]), 2))
        text = subprocess.run(["llvm-mc", "-disassemble", "-triple=x86_64"], input=code.replace(",", " "), capture_output=True, text=True).stdout
        out = subprocess.run(["llvm-mca", f"-mcpu={cpu}", "-mtriple=x86_64", "-iterations=100"], input=text, capture_output=True, text=True).stdout
        for line in out.splitlines():
            if line.startswith("Total Cycles:"):
                pairs.append((float(line.split()[-1]) / 100, float(r["cycles_per_100iter"]) / 100))
    if pairs:
        print(f"# llvm-mca on {len(pairs)} rows: MAPE {mape(pairs):.2f}%, tau {tau_b(pairs):.3f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("quanta")
    parser.add_argument("--classes", action="store_true")
    parser.add_argument("--worst", type=int, default=0)
    parser.add_argument("--mca", action="store_true")
    parser.add_argument("--sets", default=",".join(SETS))
    args = parser.parse_args()
    held = marks.Marks(marks.document())
    folder = marks.data_folder()
    for name in args.sets.split(","):
        if not folder or not os.path.exists(os.path.join(folder, "bhive", name + "-dev.csv.zst")):
            for figure in ("mape", "tau", "halves"):
                held.skip(f"bhive-{name}-{figure}", "no reference data ($QUANTA_DATA)")
            continue
        rows = rows_of(folder, name)
        predicted, bounds = predict(args.quanta, SETS[name], rows)
        pairs = [(p, float(r["cycles_per_100iter"]) / 100) for p, r in zip(predicted, rows)]
        held.check(f"bhive-{name}-mape", round(mape(pairs), 2), f"% over {len(pairs)} blocks")
        held.check(f"bhive-{name}-tau", round(tau_b(pairs), 3))
        halves = [mape([p for p, r in zip(pairs, rows) if half(r) == h]) for h in (0, 1)]
        held.check(f"bhive-{name}-halves", round(abs(halves[0] - halves[1]), 2), f"points between the MAPE of two halves: {halves[0]:.2f}%, {halves[1]:.2f}%")
        if args.classes:
            print_classes(rows, pairs)
        if args.mca:
            print_mca(rows, SETS[name])
        order = sorted(range(len(rows)), key=lambda i: -abs(pairs[i][0] - pairs[i][1]) / pairs[i][1])
        for i in order[:args.worst]:
            print(f"# {pairs[i][0]:8.2f} for {pairs[i][1]:8.2f} {bounds[i]:18s} {rows[i]['hex']}")
    return held.finish()


if __name__ == "__main__":
    sys.exit(main())
