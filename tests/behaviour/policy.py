#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the policies do with real guests."""
from quanta_tap import check, done, quanta, scenario, vm

ONE_LP = "cores = core"
ONE_THREAD = "[core core]\nthreads = 1\n"


def reasons(run):
    return {(c["reason"]) for v in run["vms"].values() for c in v["quanta_changed"]}


def states_sum(run):
    return all(v["running_ps"] + v["runnable_ps"] + v["blocked_ps"] + v["offline_ps"] == run["simulated_ps"] for v in run["vms"].values())


# Round-robin: equal work gets equal time.
even = quanta("run", scenario(vm("a", "spin", "100", count=4), duration="12ms", overrides=ONE_LP) + ONE_THREAD)
shares = [v["running_ps"] for v in even["vms"].values()]
check(max(shares) - min(shares) <= 1_050_000_000, f"four equal VMs differ by a quantum of 1 ms at most: {shares}")
check(states_sum(even), "the four states of each VM sum to the run's time")

# A server beside two spinners: its wake-ups wait a quantum under round-robin, and not under priority.
SERVER = vm("web", "server", "60 300", priority=9) + vm("x", "spin", "100") + vm("y", "spin", "100")
both = quanta("compare", scenario(SERVER, duration="40ms", overrides=ONE_LP) + ONE_THREAD, "--policies", "priority")["runs"]
fair, urgent = (both[p]["vms"]["web"]["wake_latency_ps"]["p99"] for p in ("round-robin", "priority"))
check(fair > 900_000_000, f"round-robin: p99 of the wake-up latency is about two quanta: {fair} ps")
check(urgent < 50_000_000, f"priority: a fraction of it: {urgent} ps")
check(all(states_sum(r) for r in both.values()), "states sum there, too")

# The triggers of emon-quantum, each on a guest that gives cause.
MIX = vm("p", "phases", "100 4000 1024") + vm("s", "sort", "100000 20") + vm("b", "btree")
mix = scenario(MIX, duration="50ms", overrides=ONE_LP, policy="[policy emon-quantum]\ntight-loop = true\nl1-traversed = true\n") + ONE_THREAD
emon = quanta("run", mix, "--policy", "emon-quantum")
seen = reasons(emon)
for reason in ("tight-loop", "l1-traversed", "loop-end", "cache-flushed"):
    check(reason in seen, f"{reason} fires: {sorted(seen)}")
quanta_after = [d["after_ps"] for d in emon["decisions"]["first"] if d["action"] in ("extend", "increase", "decrease")]
check(quanta_after and min(quanta_after) >= 500_000_000 and max(quanta_after) <= 1_500_000_000, "quanta stay within 0.5 and 1.5 ms")
check(all(d["evidence"] for d in emon["decisions"]["first"]), "every decision has its evidence")
off = quanta("run", mix.replace("50ms", "20ms"), "--policy", "emon-quantum", "--set", "policy emon-quantum.tight-loop=false", "--set",
             "policy emon-quantum.l1-traversed=false")
check(not reasons(off) & {"tight-loop", "l1-traversed"}, f"a trigger that is switched off does not fire: {sorted(reasons(off))}")
check(quanta("run", mix.replace("50ms", "10ms"), "--policy", "round-robin")["metrics"]["quanta_changed"] == 0, "round-robin changes nothing")

# Comparisons: executed once; a guest that reads the time is executed by each.
c = quanta("compare", scenario(vm("a", "sort", "20000 1"), vm("t", "timer", "5"), duration="1s"), "--policies", "priority,emon-quantum")
rr = c["runs"]["round-robin"]["vms"]
check(c["guests"]["a"]["executed_instructions"] <= rr["a"]["instructions"] * 1.01, "three policies and the run alone, one execution")
check(rr["t"]["time_dependent"] and not rr["a"]["time_dependent"], "the guest that reads the time is marked")
check(c["guests"]["t"]["guest_executions"] > 1, "... and was executed more than once")

# A fault ends its VM; the others go on.
f = quanta("run", scenario(vm("bad", "fault", "null"), vm("good", "sort", "5000 1")))
check(f["vms"]["bad"]["state"] == "faulted" and f["vms"]["bad"]["fault"]["address"] == "0x0", "a null pointer faults with its address")
check(f["vms"]["good"]["exit_status"] == 0 and "checksum" in f["vms"]["good"]["stdout"], "the other VM ends as it should")
o = quanta("run", scenario(vm("o", "fault", "oom", memory="32MiB")))["vms"]["o"]
check(o["exit_status"] == 0 and o["touched_bytes"] <= 32 << 20, f"a guest has no more memory than its VM: {o['touched_bytes']} bytes")

done()
