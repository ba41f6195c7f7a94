#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What copies of the simulation find out: the oracle's choices, the warm-up cost of switches."""
import os
import subprocess
import tempfile

from quanta_tap import check, done, quanta, scenario

ONE_CORE = "cores = core"
ONE_THREAD = "[core core]\nthreads = 1\n"


def vm(name, spec, *lines):
    return f"[vm {name}]\nworkload = synthetic:{spec}\n" + "".join(line + "\n" for line in lines)


def refused(text, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        p = subprocess.run([os.environ["QUANTA"], "run", path, "-q", *options], capture_output=True, text=True, check=False)
        return p.returncode == 2 and p.stderr


# A VM that sleeps most of the time and three that never do, on one processor: the oracle finds out that it pays to let the sleeper in when it wakes.
spins = [vm(f"s{i}", "loop; repeat forever") for i in range(3)]
sleeper = scenario(*spins, vm("io", "loop insns=200k; sleep 1ms; repeat forever"), duration="15ms", overrides=ONE_CORE) + ONE_THREAD
first = quanta("compare", sleeper, "--policies", "oracle,priority", "-j2")
runs = first["runs"]
stp = {name: run["metrics"]["stp"] for name, run in runs.items()}
check(stp["oracle"] > 1.15 * stp["round-robin"], f"oracle: a greater system throughput than round-robin's: {stp}")
check(runs["oracle"]["policy"]["bad_answers"] == 0 and runs["oracle"]["policy"]["starvations"] == 0, "oracle: no bad answer, nobody starved")
reasons = runs["oracle"]["decisions"]["by_reason"]
check(reasons and all(r["reason"] == "trial" for r in reasons) and any("gain-by-vcpu-permille" in r["evidence"] for r in reasons),
      "oracle: its choices are recorded with what they are worth")
check(max(v["runnable_ps"] for n, v in runs["oracle"]["vms"].items()) < 0.85 * runs["oracle"]["simulated_ps"], "oracle: the others are not kept out")
again = quanta("compare", sleeper, "--policies", "oracle", "-j1")["runs"]
check(again["oracle"]["digest"] == runs["oracle"]["digest"], "oracle: the same again with one copy at a time")
check(again["round-robin"]["digest"] == runs["round-robin"]["digest"] == quanta("run", sleeper, "-p", "round-robin")["digest"],
      "round-robin beside the oracle is as it is alone: copies leave nothing behind")
alone = quanta("run", sleeper, "-p", "oracle")
check(alone["digest"] == runs["oracle"]["digest"], "oracle: live, without recordings, the same")

# Pairs on a hyperthreaded core: two that fill the caches and two that do not. Together with its like each does worse.
pairs = scenario(*(vm(f"big{i}", "stream ws=160KiB insns=1G; repeat forever") for i in range(2)),
                 *(vm(f"small{i}", "loop; repeat forever") for i in range(2)), duration="12ms", overrides=ONE_CORE)
runs = quanta("compare", pairs, "--policies", "oracle")["runs"]
gain = runs["oracle"]["metrics"]["stp"] / runs["round-robin"]["metrics"]["stp"]
check(gain > 0.99, f"oracle: pairs on a core at least as good as by turns: {gain:.3f}")

# Real guests, live: the oracle's copies execute them on, and the original's are none the worse for it.
guests = scenario("[vm a]\nworkload = elf:guests/sort\nargs = 3000\n",
                  "[vm b]\nworkload = elf:guests/lz\nargs = 4 1\n", "[vm c]\nworkload = elf:guests/spin\nargs = 2\n",
                  duration="1s", overrides=ONE_CORE, policy="[policy]\nquantum = 200us\n") + ONE_THREAD
live, by_turns = quanta("run", guests, "-p", "oracle"), quanta("run", guests, "-p", "round-robin")
check(all(live["vms"][n]["state"] == "ended" and live["vms"][n]["stdout"] == by_turns["vms"][n]["stdout"] and
          live["vms"][n]["instructions"] == by_turns["vms"][n]["instructions"] for n in "abc"), "oracle: live guests print and execute what they do by turns")
compared = quanta("compare", guests, "--policies", "oracle")["runs"]["oracle"]
check(compared["digest"] == live["digest"], "oracle: from recordings as live")

# Two walks over most of the L2 of a Pentium 4 that alternate: what a switch costs, by copies, is what it costs by the work that got done.
WALKS = ("[scenario]\nmachine = netburst-ht\nduration = {ms}ms\n[machine]\npages = identity\n[core p4]\nthreads = 1\n[policy]\nquantum = 1ms\n")
WALK = "stream ws={kib}KiB insns=1G; repeat forever"


def walks(kib, n, ms, *options):
    text = WALKS.format(ms=ms) + "".join(vm(f"v{i}", WALK.format(kib=kib)) for i in range(n))
    return quanta("run", text, "-p", "round-robin", *options)


def by_work(kib):
    """Microseconds for a switch, as in tests/fidelity/switch.py, without VM-exit, VMM and VM-entry."""
    alone = [walks(kib, 1, ms)["metrics"]["instructions"] for ms in (8, 18)]
    both = [walks(kib, 2, ms) for ms in (8, 18)]
    work = (both[1]["metrics"]["instructions"] - both[0]["metrics"]["instructions"]) / ((alone[1] - alone[0]) / 10)
    switches = both[1]["metrics"]["switches"] - both[0]["metrics"]["switches"]
    direct = sum(v["vmm_ps"] for v in both[1]["vms"].values()) - sum(v["vmm_ps"] for v in both[0]["vms"].values())
    return ((10 - work) * 1000 - direct / 1e6) / switches


for kib in (256, 384):
    run = walks(kib, 2, 18, "--warm-up", "2M")
    warm, work = run["warm_up"], by_work(kib)
    mean = warm["sum_ps"] / warm["switches"] / 1e6
    check(warm["switches"] == run["metrics"]["switches"] - 2 and abs(mean - work) < max(0.1 * work, 3),
          f"warm-up, {kib} KiB: {mean:.1f} us by copies, {work:.1f} us by work, {warm['switches']} switches")
check(run["digest"] == walks(384, 2, 18)["digest"], "measuring the warm-up changes nothing")
check(run["warm_up_instructions"] == 2000000 and run["warm_up_different"] == 0 and warm["instructions"] >= 2000000 * warm["switches"] and
      sum(v["warm_up"]["switches"] for v in run["vms"].values()) == warm["switches"], "warm-up: the result says over what it was measured")
small = walks(4, 2, 18, "--warm-up", "100k")["warm_up"]
check(abs(small["sum_ps"] / small["switches"]) < 0.3e6, f"warm-up: 4 KiB cost next to nothing: {small['sum_ps'] / small['switches'] / 1e6:.3f} us")
both = quanta("compare", WALKS.format(ms=10) + vm("a", WALK.format(kib=64)) + vm("b", WALK.format(kib=64)), "--policies", "oracle", "--warm-up", "50k")["runs"]
counts = {n: r["warm_up"]["switches"] for n, r in both.items()}
check(all(counts.values()), f"warm-up beside the oracle, in a comparison: {counts}")

# Bad input.
check(refused(sleeper, "--warm-up", "0") and "1 to 1G" in refused(sleeper, "--warm-up", "0"), "warm-up of no instructions: an error with what is valid")
check("--warm-up" in (refused(sleeper, "--warm-up", "much") or ""), "warm-up of no number: an error that names the option")
with tempfile.TemporaryDirectory() as folder:
    writes = scenario(f"[vm w]\nworkload = elf:guests/sort\nfolder = {folder}\nfolder-writable = true\n")
    check("[vm w] folder-writable" in (refused(writes, "-p", "oracle") or ""), "oracle with a guest that writes files: refused, with the VM's name")
    check("--warm-up" in (refused(writes, "--warm-up", "1k") or ""), "warm-up with a guest that writes files: refused")
check("breadth" in (refused(sleeper, "-p", "oracle", "--set", "policy oracle.breadth=9") or ""), "oracle: a breadth beyond the bounds is refused")
done()
