# SPDX-License-Identifier: GPL-2.0-or-later
"""What a switch costs two guests that walk arrays and alternate every 1 ms on one logical processor: switch.py QUANTA

The cost of a switch is the time that the work of the alternating guests took beyond what the same number of instructions takes one of them when it has the
processor to
itself, over the number of switches. Li, Ding and Shen ("Quantifying the cost of context switch", ExpCS 2007) measured a direct cost of 3.8 us on a
processor of this kind
(Xeon 2.0 GHz, 512 KiB of L2), and an indirect one that grows with the array to more than 1 ms about the size of the L2 and falls beyond it.
"""
import json
import os
import subprocess
import sys
import tempfile

import marks

SIZES = [4, 16, 64, 128, 256, 320, 384, 448, 512, 640, 1024, 8192]  # KiB
FROM, TO = 8, 18  # ms: the span that is measured


def instructions(quanta, folder, size, guests, ms):
    quantum = "1ms" if guests > 1 else "1s"
    text = (f"[scenario]\nmachine = netburst-ht\nduration = {ms}ms\n[machine]\npages = identity\n[core p4]\nthreads = 1\n[policy]\nquantum = {quantum}\n")
    for g in range(guests):
        text += f"[vm v{g}]\nworkload = synthetic:stream ws={size}KiB insns=1G; repeat forever\n"
    path = os.path.join(folder, "switch.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    out = json.loads(subprocess.run([quanta, "run", path, "-q", "--json", "-"], check=True, capture_output=True, text=True).stdout)
    return out["metrics"]["instructions"], out["metrics"]["switches"]


def cost(quanta, folder, size):
    """Microseconds for a switch."""
    alone = [instructions(quanta, folder, size, 1, ms)[0] for ms in (FROM, TO)]
    shared = [instructions(quanta, folder, size, 2, ms) for ms in (FROM, TO)]
    rate = (alone[1] - alone[0]) / (TO - FROM)
    work = (shared[1][0] - shared[0][0]) / rate
    return (TO - FROM - work) * 1000 / (shared[1][1] - shared[0][1])


def main():
    quanta = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        costs = {size: cost(quanta, folder, size) for size in SIZES}
    for size, us in costs.items():
        print(f"# {size:6} KiB {us:9.2f} us")
    largest = max(costs, key=costs.get)
    m = marks.Marks(marks.document())
    m.check("switch.direct", round(costs[SIZES[0]], 2), "us, arrays of 4 KiB")
    m.check("switch.largest-at", largest, "KiB")
    m.check("switch.largest", round(costs[largest], 1), "us")
    below = [s for s in SIZES if s <= largest]
    m.check("switch.falls-before-largest", sum(costs[b] < 0.98 * costs[a] for a, b in zip(below, below[1:])),
            "sizes below the largest that cost less than a smaller one")
    m.check("switch.beyond", round(costs[SIZES[-1]] / costs[largest], 3), "cost at 8 MiB against the largest")
    return m.finish()


if __name__ == "__main__":
    sys.exit(main())
