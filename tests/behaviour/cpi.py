#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every cycle of every guest, and of every logical processor, is in the CPI stack, once."""
from quanta_tap import check, done, quanta, scenario, vm

GUESTS = ("btree", "fft", "hashjoin", "interp", "list", "lz", "matmul", "phases", "server", "sha256", "sort", "spin", "stream", "files", "timer")
# Machine, what it retires in a cycle at most (with fused instructions), cycles of a misprediction, further settings.
MACHINES = (("skylake", 8, 16, ""), ("skylake", 8, 0, "timing = window"), ("netburst-ht", 6, 20, ""), ("atom-bonnell", 2, 10, ""), ("itanium2", 6, 0, ""),
            ("mixed", 8, 0, ""))


def holders(result):
    yield from result["vms"].items()
    for lp in result["lps"]:
        yield f"LP {lp['id']}", lp


for machine, width, penalty, settings in MACHINES:
    result = quanta("run", scenario(*(vm(g, g) for g in GUESTS), machine=machine, duration="1500us", overrides=settings, policy="[policy]\nquantum = 200us\n"))
    name = f"{machine} {settings}".strip()
    off = {who: (sum(x["cpi_stack"].values()), x["events"]["cycles"]) for who, x in holders(result) if sum(x["cpi_stack"].values()) != x["events"]["cycles"]}
    check(not off, f"{name}: the components' sum is the cycles {off or ''}")
    left = {who: (x["cpi_stack"]["base"] + x["cpi_stack"]["core"], x["events"]["instructions"]) for who, x in holders(result)}
    short = {who: x for who, x in left.items() if x[0] * width < x[1]}
    check(not short, f"{name}: what is left to the pipeline is enough for the instructions {short or ''}")
    cheap = {who: (x["cpi_stack"]["branch"], x["events"]["branch-misses"]) for who, x in holders(result)
             if x["cpi_stack"]["branch"] < x["events"]["branch-misses"] * penalty}
    check(not cheap, f"{name}: each misprediction has its penalty in it {cheap or ''}")
    ran = [x for _, x in holders(result) if x["events"]["cycles"] > 100000]
    check(len(ran) >= 10, f"{name}: {len(ran)} guests and logical processors ran")
done()
