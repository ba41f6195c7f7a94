#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""VM-entry and VM-exit: what each control bit changes in counts and costs, direct access, TLBs without tags, VMs that are removed."""
import json
import os
import subprocess
import tempfile

from quanta_tap import check, done, quanta, scenario, vm

ONE = "cores = core"
THREAD = "[core core]\nthreads = 1\n"


def run(text, *options, **keys):
    return quanta("run", scenario(text, overrides=ONE, **keys) + THREAD, *options)


def guest(kind, count=200, work=2000, name="g", **keys):
    return vm(name, "exits", f"{kind} {count} {work}", **keys)


def balanced(r):
    """States sum to the run; the VMM's work to exits and dispatches; switches to their kinds."""
    for v in r["vms"].values():
        states = v["running_ps"] + v["runnable_ps"] + v["blocked_ps"] + v["offline_ps"]
        s = v["switches"]
        if (states != r["simulated_ps"] or v["vmm_ps"] != sum(v["exit_ps"].values()) + v["dispatch_ps"] or
                s["preemptions"] + s["voluntary"] != s["quantum"] + s["ended_early"] + s["preempted"] + s["yielded"] + s["blocked"] or
                v["halted_ps"] > v["running_ps"]):
            return False
    return True


# Entry and exit controls, on a guest that only makes hypercalls: cost of a round trip, by which elements it switches.
def trip(entry, exits):
    """Cycles from VM-exit to VM-entry."""
    v = run(guest("hypercall", entry_controls=entry, exit_controls=exits))["vms"]["g"]
    return v["exit_ps"]["hypercall"] / 200 / 1000 * 3.4


usual = trip("general|control|internal", "processor")
for bit, element in (("fp", "fp"), ("msr", "msr"), ("devices", "devices")):
    saved = trip("general|control|internal", f"processor|{bit}")
    loaded = trip(f"general|control|internal|{element}", f"processor|{bit}")
    check(usual + 30 < saved and saved + 30 < loaded, f"exit bit {bit}, then entry bit {element}, add to {usual:.0f} cycles: {saved:.0f}, {loaded:.0f}")
for less, rest in (("general", "control|internal"), ("control", "general|internal"), ("internal", "general|control")):
    cost = trip(rest, "processor")
    check(usual - 200 < cost < usual - 8, f"without entry bit {less}: {cost:.0f} cycles")
direct = trip("none", "none")
check(direct < usual - 250, f"nothing switched: {direct:.0f} cycles")
check(trip("0x15", "1") == usual and trip("21", "0x1") == usual, "numbers and names are the same controls, and these the defaults: "
      f"{trip('0x15', '1'):.0f}")

# What transitions leave in the registers is switched when another VM gets on.
pair = guest("none", 100, 100000, "a") + guest("none", 100, 100000, "b")
lazy = run(pair, duration="8ms")["vms"]["a"]
eager = run(guest("none", 100, 100000, "a", entry_controls="95", exit_controls="all") + guest("none", 100, 100000, "b"), duration="8ms")["vms"]["a"]
check(lazy["dispatch_ps"] / lazy["switches"]["dispatches"] > 500_000, "a dispatch switches the rest of the state, too")
check(eager["exit_ps"]["quantum"] > lazy["exit_ps"]["quantum"] * 1.5, "with all bits the VM-exit saves it instead: "
      f"{lazy['exit_ps']['quantum']} and {eager['exit_ps']['quantum']} ps")

# Translations: with tags they stay, but for the entry bit; without, every transition flushes.
btree = vm("t", "btree", "20000 20000 20000", entry_controls="general|control|internal")
flushing = btree.replace("internal", "internal|tlb")
calls = guest("hypercall", 500, 20000, "h")


def walks(text, *options, machine="skylake"):
    return run(text, *options, machine=machine, duration="20ms", policy="[policy]\nquantum = 100us\n")["vms"]["t"]["events"]["dTLB-load-misses"]


kept, flushed = walks(btree + calls), walks(flushing + calls)
untagged = walks(btree + calls, "--set", "core core.tlb-tagged=false")
check(flushed > kept * 1.5, f"the tlb bit flushes at each entry: {kept} and {flushed} misses")
check(untagged > kept * 1.5, f"so does a processor without tags: {untagged}")
alone = run(guest("hypercall"), "--set", "core core.tlb-tagged=false")["lps"][0]["events"]
check(alone["tlb_flush.stlb_any"] >= 400, f"... at each VM-exit and VM-entry, also where one VM runs alone: {alone['tlb_flush.stlb_any']} flushes")
check(run(guest("hypercall"))["lps"][0]["events"]["tlb_flush.stlb_any"] == 0, "with tags never")

# Instructions that exit, and do not.
COUNTS = {"cpuid": (200, "cpuid"), "pause": (800, "pause"), "rdtsc": (200, "rdtsc"), "sleep": (200, "msr"), "wbinvd": (200, "wbinvd")}
for kind, (n, reason) in COUNTS.items():
    on, off = (run(guest(kind, instruction_exits=which)) for which in (f"hlt|io|{reason}", "hlt|io"))
    v, w = on["vms"]["g"], off["vms"]["g"]
    more = v["exits"][reason] - w["exits"][reason]
    extra = v["exits"][reason] - n
    check(0 <= extra <= 60 and w["exits"][reason] == 0 and more >= n, f"{reason}: {v['exits'][reason]} VM-exits with the bit, none without")
    check(v["exit_ps"][reason] > 200_000 * n and v["vmm_ps"] > w["vmm_ps"] + 150_000 * n,
          f"... which take {v['exit_ps'][reason] // v['exits'][reason]} ps each")
    check(v["instructions"] == w["instructions"] or kind == "rdtsc", "... and the guest does the same")
    check(balanced(on) and balanced(off), "... accounts balanced")

# HLT: without the exit the processor stays the guest's own, and the other VM waits.
spin = guest("none", 1000, 100000, "spin")
out, stays = (run(guest("sleep", 60, 100, instruction_exits=which) + spin, duration="10ms") for which in ("hlt|io", "io"))
check(out["vms"]["g"]["exits"]["hlt"] > 5 and out["vms"]["g"]["halted_ps"] == 0, "HLT exits, and the VMM runs the other VM")
check(stays["vms"]["g"]["exits"]["hlt"] == 0 and stays["vms"]["g"]["halted_ps"] > 2_000_000_000,
      f"without it the pCPU halts for {stays['vms']['g']['halted_ps']} ps")
check(stays["vms"]["spin"]["running_ps"] < out["vms"]["spin"]["running_ps"] * 0.8, "... at the other's cost")
check(stays["vms"]["g"]["wake_latency_ps"]["p50"] < out["vms"]["g"]["wake_latency_ps"]["p50"] / 10, "... and it wakes at once: "
      f"{stays['vms']['g']['wake_latency_ps']['p50']} instead of {out['vms']['g']['wake_latency_ps']['p50']} ps")
check(balanced(out) and balanced(stays), "accounts balanced")

# Port I/O: direct access to the device.
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "input.bin"), "wb") as f:
        f.write(bytes(1 << 20))
    io, own, idle = (run(guest("read", 20, instruction_exits=which, folder=folder)) for which in ("hlt|io", "hlt", "none"))
    a, b, c = (r["vms"]["g"] for r in (io, own, idle))
    check(a["exits"]["io"] > 0 and b["exits"]["io"] == 0 and b["exits"]["hlt"] == a["exits"]["io"] + a["exits"]["hlt"],
          f"{a['exits']['io']} disk requests exit; with the device its own the guest halts")
    check(c["exits"]["hlt"] == c["exits"]["io"] == 0 and c["halted_ps"] > 0 and c["blocked_ps"] == 0, "with neither it halts the processor")

# A trace replays what exits as the live run does.
with tempfile.TemporaryDirectory() as folder:
    text = scenario(guest("cpuid", instruction_exits="all") + guest("pause", 50, 500, "p", instruction_exits="all"), overrides=ONE) + THREAD
    path = os.path.join(folder, "s.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    subprocess.run([os.environ["QUANTA"], "record", path, "-o", folder, "-q"], check=True)
    live, again = quanta("run", text), quanta("run", text, "--traces", folder)
    check(live["digest"] == again["digest"] and live["vms"]["g"]["exits"]["cpuid"] >= 200, "a trace gives the same digest, instruction exits included")
    both = quanta("compare", text, "--policies", "emon-quantum")["runs"]["round-robin"]
    check(both["vms"]["p"]["exits"] == live["vms"]["p"]["exits"], "so does a recording that policies share")

# VMs that are removed, whatever they do; that start late; that fault. All policies.
TASKS = (vm("r", "spin", "1000", stop="3300us") + vm("w", "server", "2000 300", stop="4100us") + vm("late", "spin", "1000", start="2ms", stop="2500us") +
         vm("f", "fault", "null", start="1ms") + vm("never", "spin", "1", start="1s") + vm("x", "sort", "20000 50"))
listed = subprocess.run([os.environ["QUANTA"], "list", "policies", "--json", "-"], capture_output=True, text=True, check=True).stdout
policies = sorted(p["name"] for p in json.loads(listed)["policies"] if p["name"] not in ("oracle", "null"))
c = quanta("compare", scenario(TASKS, duration="8ms", overrides=ONE) + THREAD + "[policy]\nquantum = 300us\n", "--policies", ",".join(policies))
for name, r in c["runs"].items():
    v = r["vms"]
    check(balanced(r) and r["policy"]["bad_answers"] == 0, f"{name}: accounts balanced: {r['policy'].get('first_bad_answer', 'no bad answer')}")
    check(v["r"]["state"] == v["w"]["state"] == v["late"]["state"] == "stopped" and "exit_status" not in v["r"], f"{name}: removed VMs are stopped")
    ends = [abs(v[n]["ended_ps"] - t) for n, t in (("r", 3_300_000_000), ("w", 4_100_000_000), ("late", 2_500_000_000))]
    check(max(ends) < 20_000_000, f"{name}: at their time, to a transition's length: {ends}")
    check(v["f"]["state"] in ("faulted", "runnable") and v["x"]["state"] in ("running", "runnable") and v["never"]["state"] == "not-started",
          f"{name}: the others as they are")
debts = {n: v["policy_figures"]["debt-ps"] for n, v in c["runs"]["emon-quantum"]["vms"].items() if "policy_figures" in v}
check(debts and sum(debts.values()) == 0 and all(debts[n] == 0 for n in ("r", "w", "late") if n in debts), f"emon-quantum's ledger sums to zero: {debts}")

done()
