#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""emon-quantum on the scenarios of mission rows: each shows the reason that it is there for, and not once the trigger is switched off."""
import json
import os
import subprocess
import sys
import tempfile

from quanta_tap import check, done, quanta

FOLDER = os.environ["SCENARIOS"]
# As long as it takes to see it.
DURATION = {"m12-cache-flush.conf": "12ms", "m13-tight-loop.conf": "10ms", "m14-loop-end.conf": "24ms", "m16-prediction.conf": "28ms", "m21-tasks.conf": "60ms",
            "m22-profile.conf": "20ms", "m23-l1-traversed.conf": "10ms", "m28-donation.conf": "20ms"}


def run(name, *options):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "result.json")
        p = subprocess.run([os.environ["QUANTA"], "run", os.path.join(FOLDER, name), "--json", out, "--quiet", "--set",
                            f"scenario.duration={DURATION[name]}", *options], capture_output=True, text=True, check=False)
        if p.returncode:
            print(f"Bail out! {name}: {p.returncode} {p.stderr}")
            sys.exit(1)
        with open(out, encoding="utf-8") as f:
            return json.load(f)


def count(result, vm, reason):
    return sum(c["count"] for c in result["vms"][vm]["quanta_changed"] if c["reason"] == reason)


def ledger(result):
    """What the VMs owe; VMs that ended left with nothing, and what they owed was divided among the others."""
    return [v["policy_figures"]["debt-ps"] for v in result["vms"].values()]


ROWS = [
    ("m12-cache-flush.conf", "device", "cache-flushed", "cache-flushed"),
    ("m13-tight-loop.conf", "hasher", "tight-loop", "tight-loop"),
    ("m14-loop-end.conf", "looper", "loop-end", "loop-end"),
    ("m16-prediction.conf", "looper", "loop-end-near", "prediction"),
    ("m16-prediction.conf", "phased", "cold-phase-next", "prediction"),
    ("m21-tasks.conf", "slow", "task-history", "task-history"),
    ("m22-profile.conf", "table", "profile-warm-up", "profile"),
    ("m23-l1-traversed.conf", "matrix", "l1-traversed", "l1-traversed"),
    ("m28-donation.conf", "chaser", "pipeline-stalled", "donation"),
]
results = {}
for name, vm, reason, _ in ROWS:
    results.setdefault(name, run(name))
    r = results[name]
    check(count(r, vm, reason) >= 1, f"{name}: {reason} in {vm}: {count(r, vm, reason)}")
    check(sum(ledger(r)) == 0, f"{name}: the debts sum to zero: {ledger(r)}")
    check(r["policy"]["bad_answers"] == 0, f"{name}: no bad answer")
for name, vm, reason, switch in (ROWS[0], ROWS[5]):
    off = run(name, "--set", f"policy.{switch}=false")
    check(count(off, vm, reason) == 0, f"{name}: not with {switch} = false")
    check(off["digest"] != results[name]["digest"], f"{name}: and that makes a difference")

# M14: what a loop had longer is paid back to those who waited.
paid = [c for v in results["m14-loop-end.conf"]["vms"].values() for c in v["quanta_changed"] if c["reason"] == "paid-back"]
check(paid and all(c["mean_after_ps"] > c["mean_before_ps"] for c in paid), "m14: paid-back makes quanta longer")

# M28: the rest of the quantum goes to one VM, which owes it.
donated = [d for d in results["m28-donation.conf"]["decisions"]["first"] if d["action"] == "donate"]
check(donated and all("to-vcpu" in d["evidence"] and d["evidence"]["to-vcpu"] != 0 for d in donated), "m28: donations name who gets the time")
off = run("m28-donation.conf", "--set", "policy.donation=false")
check(not any(d["action"] == "donate" for d in off["decisions"]["first"]), "m28: without donation the next in turn gets it")

# M21: the tasks that moved were done in the better VM, and sooner than if they had stayed.
tasks = {n: v["task_kinds"][0] for n, v in results["m21-tasks.conf"]["vms"].items()}
stayed = {n: v["task_kinds"][0] for n, v in run("m21-tasks.conf", "--policy", "round-robin")["vms"].items()}
check(tasks["fast"]["moved_in"] == tasks["slow"]["moved_out"] > 0, f"m21: tasks moved: {tasks['slow']['moved_out']}")
check(tasks["fast"]["count"] + tasks["slow"]["count"] == stayed["fast"]["count"] + stayed["slow"]["count"] == 400, "m21: all are done, either way")
check(stayed["slow"]["moved_out"] == 0 and tasks["slow"]["response_p99_ps"] < stayed["slow"]["response_p99_ps"],
      f"m21: arrival to end, p99: {tasks['slow']['response_p99_ps']} ps, under round-robin {stayed['slow']['response_p99_ps']}")

# A result has evidence with limits, and outcomes.
d = results["m13-tight-loop.conf"]["decisions"]["first"][0]
check(d["evidence"]["btb-hit-permille"] >= d["evidence"]["btb-hit-permille-limit"], f"evidence beside its limit: {d['evidence']}")
check({"used-ps", "ipc-permille-before", "ipc-permille-in-it"} <= set(d["outcome"]), f"and what came of it: {d['outcome']}")

# A VM that ends or dies in the middle of its quantum leaves the ledger balanced.
DYING = ("[scenario]\nmachine = skylake\nduration = 30ms\n[machine]\ncores = core\n[policy]\nname = emon-quantum\ntight-loop = true\nl1-traversed = true\n"
         "[vm dies]\nworkload = elf:guests/fault\nargs = null\nstart = 4300us\n[vm ends]\nworkload = synthetic:loop insns=20M\n"
         "[vm a]\nworkload = synthetic:loop; repeat forever\n[vm b]\nworkload = synthetic:stream ws=16KiB; repeat forever\n")
dying = quanta("run", DYING)
check(dying["vms"]["dies"]["state"] == "faulted" and sum(ledger(dying)) == 0, f"a fault leaves the ledger balanced: {ledger(dying)}")
check(dying["vms"]["ends"]["policy_figures"]["debt-ps"] == 0, "one that is gone owes nothing")

done()
