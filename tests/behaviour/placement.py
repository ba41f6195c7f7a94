#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A VMM in a host OS with work of its own, or within another VMM; VMs bound to processors of mixed kinds; the scenarios of these mission rows."""
import json
import os
import subprocess
import tempfile

from quanta_tap import check, done, quanta, scenario

ONE = "cores = core"
THREAD = "[core core]\nthreads = 1\n"
SCENARIOS = os.environ["SCENARIOS"]


def vm(name, spec="loop; repeat forever", *lines):
    return f"[vm {name}]\nworkload = synthetic:{spec}\n" + "".join(line + "\n" for line in lines)


def group(name, *lines):
    return f"[{name}]\n" + "".join(line + "\n" for line in lines)


def run(*parts, command="run", options=(), **keys):
    return quanta(command, scenario(*parts, **{"overrides": ONE, "duration": "20ms", **keys}) + THREAD, *options)


def shipped(name, duration, *options):
    """A shipped scenario, cut short."""
    with open(os.path.join(SCENARIOS, name), encoding="utf-8") as f:
        return quanta("run", f.read(), "--set", f"scenario.duration={duration}", *options)


def share(part, r):
    return 100 * part / r["simulated_ps"] / r["machine"]["logical_processors"]


def balanced(r):
    """States of each VM, and times of each logical processor, sum to the run; what was taken is steal time."""
    whole = r["simulated_ps"]
    for v in r["vms"].values():
        if v["running_ps"] + v["runnable_ps"] + v["blocked_ps"] + v["offline_ps"] != whole or v["taken_ps"] > v["runnable_ps"]:
            return False
        if v["vmm_ps"] != sum(v["exit_ps"].values()) + v["dispatch_ps"] or v.get("outer_ps", 0) > v["vmm_ps"]:
            return False
    for lp in r["lps"]:
        if sum(lp["below"][part] for part in ("vmm_ps", "threads_ps", "work_ps", "idle_ps")) != whole:
            return False
    below = r["below"]
    ran = sum(t["ran_ps"] for t in below["threads"].values())
    return abs(ran - below["threads_ps"]) < 0.01 * whole and sum(v["running_ps"] for v in r["vms"].values()) <= below["vmm_ps"] + below["work_ps"]


# A load of its own: what it is told to take, it takes, and the VMs wait for it.
bare = run(vm("a"), vm("b"))
check("below" not in bare and "taken_ps" not in bare["vms"]["a"], "without [host] nothing is said of it")
for load in (10, 40):
    r = run(vm("a"), vm("b"), group("host", f"load = {load}%", "period = 2ms", "tick = 250us"))
    taken = sum(v["taken_ps"] for v in r["vms"].values())
    check(abs(share(r["below"]["threads_ps"], r) - load) < 2, f"a load of {load}% takes {share(r['below']['threads_ps'], r):.1f}%")
    check(balanced(r) and abs(taken - r["below"]["threads_ps"]) < 0.02 * r["simulated_ps"], f"... from VMs that run: {share(taken, r):.1f}%, accounts balanced")
    left = sum(v["instructions"] for v in r["vms"].values()) / sum(v["instructions"] for v in bare["vms"].values())
    check(abs(left - (1 - load / 100)) < 0.03, f"... who do {left:.2f} of their work")
same = run(vm("a"), vm("b"), group("host", "load = 40%", "period = 2ms", "tick = 250us"))
check(same["digest"] == r["digest"], "the same again")
idle = run(vm("s", "loop insns=20k; sleep 500us; repeat forever"), group("host", "load = 30%", "period = 2ms"))
check(balanced(idle) and idle["below"]["idle_ps"] > 0.5 * idle["simulated_ps"] and idle["vms"]["s"]["taken_ps"] < 0.1 * idle["below"]["threads_ps"],
      "a VMM with nothing to run loses nothing")
none = run(vm("a"), group("host"))
check(balanced(none) and none["below"]["threads"] == {} and none["below"]["taken"] == 0 and none["lps"][0]["below"]["ticks"] >= 4,
      "a host without load takes its ticks and no more")

# Threads with work of their own, by weights; the VMM as a whole has one.
for weight, percent in ((256, 50), (768, 75)):
    r = run(vm("a"), vm("b"), group("host", "tick = 250us"), group("host backup", "workload = synthetic:loop; repeat forever", f"weight = {weight}"))
    check(balanced(r) and abs(share(r["below"]["threads_ps"], r) - percent) < 6, f"a thread of weight {weight} gets {share(r['below']['threads_ps'], r):.1f}%")
    check(abs(r["vms"]["a"]["running_ps"] - r["vms"]["b"]["running_ps"]) < 0.12 * r["simulated_ps"], "... and the VMs share what is left")
two = group("host") + group("host t", "workload = synthetic:loop; repeat forever", "count = 2")
r = quanta("run", scenario(vm("a"), two, overrides=ONE, duration="10ms"))
check(balanced(r) and share(r["below"]["idle_ps"], r) < 1 and set(r["below"]["threads"]) == {"t.1", "t.2"},
      "two threads and a VM leave none of two processors idle")
r = run(vm("a"), group("host"), group("host io", "workload = synthetic:loop insns=100k; io 64KiB; repeat 3"),
        group("host broken", "workload = elf:guests/fault", "args = null"))
threads = r["below"]["threads"]
check(balanced(r) and threads["io"]["ended"] and "fault" in threads["broken"] and "unmapped" in threads["broken"]["fault"],
      "threads wait for disks, end, and fault")

# Nothing is told to a policy: no policy gives a bad answer, timers come late, quanta are times of the clock.
LOADED = (vm("a"), vm("b", "stream ws=64KiB insns=100k; sleep 100us; repeat forever"), vm("c", "loop", "weight = 512"), vm("d"),
          group("host", "load = 25%", "period = 3ms", "tick = 500us"), group("host t", "workload = synthetic:chase ws=256KiB; repeat forever", "weight = 128"))
listed = subprocess.run([os.environ["QUANTA"], "list", "policies", "--json", "-"], capture_output=True, text=True, check=True).stdout
names = [p for p in ("credit", "credit2", "dio", "eevdf", "emon-quantum", "gang", "host-os", "priority", "rtds", "symbiosis") if f'"{p}"' in listed]
text = scenario(*LOADED, overrides="cores = core", duration="4ms", policy="[policy]\nquantum = 300us\nsmu = hybrid\n")
c = quanta("compare", text, "--policies", ",".join(names))
for name, r in c["runs"].items():
    check(balanced(r) and r["policy"]["bad_answers"] == 0 and r["policy"]["starvations"] == 0, f"{name}: accounts balanced, no bad answer")
    check(18 < r["below"]["threads_ps"] / r["simulated_ps"] * 50 < 60, f"{name}: the host takes {share(r['below']['threads_ps'], r):.1f}%")
again = quanta("compare", text, "--policies", "host-os,emon-quantum", "--jobs", "1")["runs"]
check(all(c["runs"][n]["digest"] == again[n]["digest"] for n in ("round-robin", "host-os", "emon-quantum")), "the same again, in another order and one by one")
bare = quanta("compare", scenario(*LOADED[:4], overrides="cores = core", duration="4ms", policy="[policy]\nquantum = 300us\nsmu = hybrid\n"),
              "--policies", "eevdf")
check(bare["guests"]["a"]["alone_ps"] > 0 and bare["runs"]["round-robin"]["vms"]["a"]["normalised_progress"] > 1.2 *
      c["runs"]["round-robin"]["vms"]["a"]["normalised_progress"], "runs alone have the bare machine: a host load is slowdown")

# Registers stand still while the host has the processor: rates of events are the guests' own.
for kind in ("software", "hybrid"):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "profile.json")
        r = run(vm("a"), group("host", "load = 50%", "period = 1ms", "workload = synthetic:random ws=4MiB; repeat forever", "tick = 250us"),
                policy=f"[policy]\nname = emon-quantum\nsmu = {kind}\n", options=("--profile-out", path))
        with open(path, encoding="utf-8") as f:
            profile = json.load(f)
    mean = profile["vms"]["a"]["vcpus"][0]["mean"]
    misses = mean["rates"][profile["events"].index("L1-dcache-load-misses")]
    check(r["below"]["taken"] > 5 and misses < 2000 and mean["ipc_permille"] > 1500,
          f"{kind}: samples have nothing of a host that misses at every fourth instruction: {misses} per million, {mean['ipc_permille'] / 1000} IPC")

# An outer VMM: quanta in turn, by weights; exits multiply.
CALLS = "[vm g]\nworkload = elf:guests/exits\nargs = hypercall 2000 2000\n"
plain = run(CALLS)
for accesses in (0, 3, 40):
    r = run(CALLS, group("outer", f"exits-per-exit = {accesses}"))
    v, below = r["vms"]["g"], r["below"]
    n = sum(v["exits"].values())
    check(balanced(r) and below["exits"]["reflected"] == n and below["exits"]["access"] == accesses * n and below["exits"]["resume"] >= n,
          f"{n} VM-exits make {accesses + 2} exits each to the outer VMM")
    check(v["outer_exits"] == sum(below["exits"][e] for e in ("reflected", "access", "resume", "timer")) and v["outer_ps"] > 0,
          f"... which take {v['outer_ps'] / n / 1e6:.1f} us each of the VM's time")
    more = v["exit_ps"]["hypercall"] / v["exits"]["hypercall"] - plain["vms"]["g"]["exit_ps"]["hypercall"] / plain["vms"]["g"]["exits"]["hypercall"]
    check(abs(more - v["outer_ps"] / n) < 0.15 * more, f"... and are what a hypercall costs more: {more / 1e6:.1f} us")
    check(v["instructions"] <= plain["vms"]["g"]["instructions"], "... for the same guest")
for end in ("1000us", "1003us", "1006us"):
    storm = run("[vm g]\nworkload = elf:guests/exits\nargs = pause 1000 10\ninstruction-exits = all\n", group("outer", "exits-per-exit = 40"), duration=end)
    check(balanced(storm) and storm["below"]["outer_ps"] > 0.8 * storm["simulated_ps"], f"a storm of exits, cut off at {end}, is accounted for")
for weight, percent in ((256, 50), (64, 20)):
    r = run(vm("a"), vm("b"), group("outer", "quantum = 2ms"), group("outer n", "workload = synthetic:loop; repeat forever", f"weight = {weight}"),
            duration="40ms")
    check(balanced(r) and abs(share(r["below"]["threads_ps"], r) - percent) < 6,
          f"a neighbour of weight {weight} gets {share(r['below']['threads_ps'], r):.1f}%")
    check(r["below"]["exits"]["quantum"] > 5 and sum(v["times_taken"] for v in r["vms"].values()) > 5, "... by outer quanta, which the inner VMM does not see")
r = run(vm("s", "loop insns=20k; sleep 500us; repeat forever"), group("outer"))
check(balanced(r) and r["below"]["exits"]["hlt"] > 20, f"an inner VMM without work halts, which exits: {r['below']['exits']['hlt']} times")

# A trace gives the same result as the live run.
with tempfile.TemporaryDirectory() as folder:
    for kind in ("host", "outer"):
        path = os.path.join(folder, "s.conf")
        extra = group(kind, "load = 20%", "period = 1ms") + group(f"{kind} t", "workload = elf:guests/sort", "args = 2000 5", "weight = 64")
        text = scenario("[vm v]\nworkload = elf:guests/server\nargs = 20 100\n", vm("w"), extra, overrides=ONE, duration="5ms")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        subprocess.run([os.environ["QUANTA"], "record", path, "-o", os.path.join(folder, kind), "-q"], check=True)
        live, replayed = quanta("run", text), quanta("run", text, "--traces", os.path.join(folder, kind))
        check(live["digest"] == replayed["digest"] and live["below"]["threads"]["t"]["instructions"] > 0, f"[{kind}]: traces of the VMs give the same digest")
        both = quanta("compare", text, "--policies", "eevdf")["runs"]["round-robin"]
        check(both["digest"] == live["digest"], f"[{kind}]: so does a recording that policies share")

# Affinity by core, package and kind.
MIXED = scenario(vm("plain", "loop; repeat forever", "affinity = kind:plain"), vm("small", "loop; repeat forever", "affinity = kind:a53"),
                 vm("first", "loop; repeat forever", "affinity = core:0"), vm("number", "loop; repeat forever", "affinity = 2-3"), machine="mixed",
                 duration="2ms")
r = quanta("run", MIXED)
work = {lp["id"]: lp["events"]["instructions"] for lp in r["lps"]}
check([lp["kind"] for lp in r["lps"]] == ["core"] * 4 + ["plain", "a53"], "processors say of which kind they are")
check(r["vms"]["plain"]["instructions"] == work[4] and r["vms"]["small"]["instructions"] == work[5] and
      r["vms"]["first"]["instructions"] == work[0] + work[1], "VMs bound to a kind or a core run there and nowhere else")
check(r["vms"]["plain"]["instructions"] > 2.5 * r["vms"]["small"]["instructions"], "... at that core's speed")
r = quanta("run", scenario(vm("far", "loop; repeat forever", "affinity = package:1"), machine="itanium2", duration="2ms"))
check(r["lps"][0]["events"]["instructions"] == 0 and r["vms"]["far"]["instructions"] == r["lps"][1]["events"]["instructions"], "bound to a package")

# Bad input.
for what, parts in {
    "'120%' is more than a logical processor has": [group("host", "load = 120%")],
    "'much' is not a share": [group("host", "load = much")],
    "'-5%' is not a share": [group("host", "load = -5%")],
    "did you mean 'load'": [group("host", "laod = 10%")],
    "is outside 100us to 10s": [group("host", "load = 10%", "period = 1us")],
    "is outside 10us to 1s": [group("outer", "quantum = 0ms")],
    "not both": [group("host", "load = 10%"), group("outer")],
    "and is not 'load'": [group("host load", "workload = synthetic:loop")],
    "[host t] workload: is missing": [group("host t", "weight = 2")],
    "tasks are for VMs": [group("host t", "workload = tasks:x")],
    "unknown key": [group("host t", "workload = synthetic:loop", "quantum = 1ms")],
    "is not after its start": [group("outer t", "workload = synthetic:loop", "start = 2ms", "stop = 1ms")],
    "there is no logical processor 7": [vm("x", "loop", "affinity = 7")],
    "there is no core 3": [vm("x", "loop", "affinity = core:3")],
    "valid: package:0 to package:0": [vm("x", "loop", "affinity = package:one")],
    "the machine has no core of kind 'dsp'; valid: core": [vm("x", "loop", "affinity = kind:dsp")],
    "is not a list of logical processors": [vm("x", "loop", "affinity = cpu1")],
    "there is no guest program": [group("host t", "workload = elf:guests/nosuch")],
}.items():
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, "s.conf"), os.path.join(folder, "r.json")
        with open(path, "w", encoding="utf-8") as f:
            f.write(scenario(vm("a"), *parts, overrides=ONE) + THREAD)
        p = subprocess.run([os.environ["QUANTA"], "run", path, "--json", out], capture_output=True, text=True, check=False)
        check(p.returncode == 2 and what in p.stderr and not os.path.exists(out), f"refused: {what}: {p.stderr.strip().splitlines()[-1:]}")

# What the shipped scenarios show.
r = shipped("m09-host-load.conf", "8ms")
taken = sum(v["taken_ps"] for v in r["vms"].values())
check(balanced(r) and share(r["below"]["threads_ps"], r) > 15 and taken > 0.1 * r["simulated_ps"],
      f"m09-host-load: the host takes {share(taken, r):.1f}% from VMs")
without = shipped("m09-host-load.conf", "8ms", "--set", "host.load=0%", "--set", "host backup.stop=1us")
check(without["vms"]["matrix"]["instructions"] > 1.1 * r["vms"]["matrix"]["instructions"], "... who do more without it")
r = shipped("m06-nested.conf", "12ms")
check(balanced(r) and r["vms"]["caller"]["outer_ps"] > 0.5 * r["vms"]["caller"]["vmm_ps"] and 5 < share(r["below"]["threads_ps"], r) < 45,
      f"m06-nested: outer exits are {100 * r['vms']['caller']['outer_ps'] / r['vms']['caller']['vmm_ps']:.0f}% of what transitions cost")
r = shipped("m26-placement.conf", "2ms")
check(all(r["vms"][n]["switches"]["migrations"] == 0 and r["vms"][n]["runnable_ps"] < 1e6 for n in ("control", "render")) and
      r["vms"]["free.1"]["switches"]["migrations"] > 0, "m26-placement: bound VMs stay, and have their processors; free ones wander")
check(abs(r["vms"]["pair.1"]["running_ps"] + r["vms"]["pair.2"]["running_ps"] - r["simulated_ps"]) < 0.01 * r["simulated_ps"],
      "... two VMs share one processor")
c = {p: shipped("m08-priority.conf", "15ms", "--policy", p) for p in ("round-robin", "priority")}
check(c["priority"]["vms"]["server"]["wake_latency_ps"]["p50"] < c["round-robin"]["vms"]["server"]["wake_latency_ps"]["p50"] / 100 and
      c["priority"]["vms"]["idle-work"]["running_ps"] < 0.01 * c["priority"]["simulated_ps"], "m08-priority: the urgent VM runs at once, the least not at all")
rr = c["round-robin"]["vms"]
check(rr["long"]["running_ps"] / rr["long"]["switches"]["dispatches"] > 2.5 * rr["short"]["running_ps"] / rr["short"]["switches"]["dispatches"],
      "... pre-assigned quanta are as long as they were told to be")
r = shipped("m02-exits.conf", "20ms")["vms"]
check(r["hypercall"]["exits"]["hypercall"] == 1000 and r["cpuid"]["exits"]["cpuid"] >= 1000 and r["unwatched"]["exits"]["cpuid"] == 0 and
      r["clock"]["exits"]["rdtsc"] >= 1000 and r["spinlock"]["exits"]["pause"] >= 1000 and r["sleeper"]["exits"]["hlt"] >= 90 and
      r["sleeper"]["exits"]["msr"] >= 90 and r["broken"]["exits"]["fault"] == 1, "m02-exits: every kind of VM-exit by its VM")
r = shipped("m24-several-processors.conf", "10ms")
check(r["vms"]["chaser"]["switches"]["migrations"] == 0 and r["lps"][1]["events"]["cache-misses"] != r["lps"][0]["events"]["cache-misses"] and
      r["machine"]["packages"] == 2, "m24-several-processors: two packages, each with counts of its own")
r = shipped("m20-quanta.conf", "16ms")
changed = [d["after_ps"] for d in r["decisions"]["first"]]
check(min(changed) == 500_000_000 and max(changed) == 1_500_000_000, f"m20-quanta: quanta of 1 ms become 0.5 ms to 1.5 ms, {len(changed)} times")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "profile.json")
    shipped("m11-monitoring.conf", "6ms", "--profile-out", path)
    with open(path, encoding="utf-8") as f:
        lps = json.load(f)["lps"]
    ipc = {lp["kind"]: lp["profile"]["mean"]["ipc_permille"] for lp in lps}
    check(set(ipc) == {"core", "plain", "dsp", "mcu"} and all(lp["profile"]["samples"] > 500 for lp in lps) and ipc["plain"] > 1.5 * ipc["dsp"],
          f"m11-monitoring: a profile of each processor, of whatever kind: {ipc}")
r = shipped("m25-hyperthreading.conf", "3ms")
lone = shipped("m25-hyperthreading.conf", "3ms", "--set", "core core.threads=1")
check(sum(v["cpi_stack"]["smt"] for v in r["vms"].values()) > 0 and sum(v["cpi_stack"]["smt"] for v in lone["vms"].values()) == 0 and
      r["metrics"]["instructions"] > lone["metrics"]["instructions"], "m25-hyperthreading: siblings take from each other, and do more together")

done()
