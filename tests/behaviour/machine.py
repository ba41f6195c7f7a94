#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a machine's parts do to real guests, from the scenario to the result."""
from quanta_tap import check, done, quanta, scenario, vm


def only(result):
    return next(iter(result["vms"].values()))


# Cache sizes: a list of 64 KiB lives in an L2 of 256 KiB, and not in one of 32 KiB.
LIST = vm("a", "list", "64 300000")
big = only(quanta("run", scenario(LIST)))
small = only(quanta("run", scenario(LIST) + "[core core]\nl2 = 32KiB\n"))
check(small["l2_mpki"] > 10 * big["l2_mpki"], f"a smaller L2 misses more: {big['l2_mpki']} and {small['l2_mpki']} MPKI")
check(small["ipc"] < big["ipc"] * 0.7, f"... and is slower: IPC {big['ipc']} and {small['ipc']}")
check(small["instructions"] == big["instructions"], "the guest does the same whatever the machine")

# Pipelines: dependent work is alike, independent misses are not.
HASH = vm("a", "hashjoin", "40000 60000")
out_of_order = only(quanta("run", scenario(HASH)))
in_order = only(quanta("run", scenario(HASH) + "[core core]\npipeline = inorder\n"))
check(in_order["cycles"] > 1.3 * out_of_order["cycles"], f"an in-order core is slower: {out_of_order['cycles']} and {in_order['cycles']} cycles")

# Hyperthreading: two copies on one core, on two cores, and alone.
PAIR = vm("a", "matmul", "96 2") + vm("b", "matmul", "96 2")
alone = quanta("run", scenario(vm("a", "matmul", "96 2"), overrides="cores = core"))["simulated_ps"]
one_core = quanta("run", scenario(PAIR, overrides="cores = core"))["simulated_ps"]
two_cores = quanta("run", scenario(PAIR, overrides="cores = core*2"))["simulated_ps"]
check(two_cores < 1.1 * alone, f"two cores do two copies in the time of one: {alone} and {two_cores} ps")
check(1.15 * alone < one_core < 2.0 * alone, f"two logical processors of a core do not, but beat one after the other: {one_core} ps")
check(only(quanta("run", scenario(PAIR, overrides="cores = core")))["events"]["cpi_stack.smt"] > 0, "... and count what they lost to each other")

# Memory bandwidth is shared by all cores.
STREAM = "".join(vm(f"v{i}", "stream", "2048 1") for i in range(4))
wide = quanta("run", scenario(STREAM))["simulated_ps"]
narrow = quanta("run", scenario(STREAM) + "[memory]\nbandwidth = 2GB\n")["simulated_ps"]
check(narrow > 2 * wide, f"a narrow memory channel holds four streams up: {wide} and {narrow} ps")

# TLBs without tags are flushed when the VM changes.
TWO = vm("a", "btree", "8000 12000") + vm("b", "btree", "8000 12000")
tagged = quanta("run", scenario(TWO, overrides="cores = core") + "[core core]\nthreads = 1\n")
flushed = quanta("run", scenario(TWO, overrides="cores = core") + "[core core]\nthreads = 1\ntlb-tagged = false\n")
check(flushed["metrics"]["dtlb_mpki"] > 1.2 * tagged["metrics"]["dtlb_mpki"],
      f"untagged TLBs miss more: {tagged['metrics']['dtlb_mpki']} and {flushed['metrics']['dtlb_mpki']} MPKI")

# The largest machine.
large = quanta("run", scenario(vm("a", "sort", "2000 1", count=6), overrides="cores = core*32\npackages = 4"))
check(len(large["lps"]) == 256 and large["all_ended"], "256 logical processors in four packages")

# Shipped machines run a guest, each in its own time.
times = {m: quanta("run", scenario(vm("a", "sort", "5000 1"), machine=m))["simulated_ps"] for m in ("skylake", "netburst-ht", "atom-bonnell")}
check(times["skylake"] < times["netburst-ht"] < times["atom-bonnell"], f"the machines' order is that of their years and sizes: {times}")

# A chain of loads that miss the TLB: each walk begins when its address is known. Walks that were timed from the present, and loads from the chain's end, once
# doubled the wait at each load.
chase = "[vm a]\nworkload = synthetic:chase ws=4MiB; repeat forever\n"
ipc = {level: quanta("run", scenario(chase, duration="2ms", overrides=f"timing = {level}"))["metrics"]["ipc"] for level in ("interval", "window")}
check(0.8 < ipc["interval"] / ipc["window"] < 1.25, f"chains of loads with page walks: interval as window: {ipc}")
done()
