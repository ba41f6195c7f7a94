# SPDX-License-Identifier: GPL-2.0-or-later
"""Time series, timelines and ftrace text against the results of the same runs, to the picosecond. In TAP: timeline.py QUANTA"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
from decimal import Decimal

# Sleepers, one that halts without leaving its processor, one that comes late and is removed, one that ends, a flusher; decisions of emon-quantum.
SCENARIO = """[scenario]
machine = skylake
duration = {duration}
seed = 3
[machine]
cores = core*2
{machine}
[policy]
quantum = 300us
[policy emon-quantum]
tight-loop = true
[vm spin]
workload = trace:samples/spin
repeat = forever
[vm sorter]
workload = trace:samples/sort
repeat = forever
[vm tree]
workload = trace:samples/btree
repeat = forever
[vm server]
workload = trace:samples/server
repeat = forever
priority = 10
[vm halting]
workload = synthetic:loop insns=100k; sleep 150us; repeat forever
instruction-exits = 0
[vm nap]
workload = synthetic:loop insns=20k; sleep 80us; repeat forever
[vm passing]
workload = synthetic:loop insns=100G
start = 1ms
stop = 3500us
[vm short]
workload = synthetic:loop insns=2M
"""
results = []


def check(good, name, why=None):
    results.append(bool(good))
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", flush=True)
    if not good and why is not None:
        print("# " + str(why).replace("\n", "\n# "), flush=True)


class World:
    def __init__(self, quanta, folder):
        self.quanta, self.folder = quanta, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, command, *options, status=0):
        p = subprocess.run([self.quanta, *command, *options], capture_output=True, text=True, check=False, timeout=200)
        if p.returncode != status:
            check(False, f"quanta {' '.join(command)}: exit status {p.returncode} instead of {status}", p.stderr)
        return p.stderr

    def scenario(self, name, duration="6ms", machine=""):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(SCENARIO.format(duration=duration, machine=machine))
        return self.path(name)

    def json(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return json.load(f, parse_float=Decimal)


def ps(us):
    return int(us * 1000000)


def slices_of(events, pid):
    """By LP: (from, to, VM) in the order of time."""
    lanes = collections.defaultdict(list)
    for e in events:
        if e["ph"] == "X" and e["cat"] == "slice" and e["pid"] == pid:
            lanes[e["tid"] - 1].append((ps(e["ts"]), ps(e["ts"]) + ps(e["dur"]), e["name"], e["args"]["end"]))
    return {lp: sorted(lane) for lp, lane in lanes.items()}


def check_timeline(label, events, pid, result):
    lanes = slices_of(events, pid)
    check(all(a[1] <= b[0] for lane in lanes.values() for a, b in zip(lane, lane[1:])), f"{label}: slices on one LP do not overlap")
    ran = collections.Counter()
    for lane in lanes.values():
        for begin, end, vm, _ in lane:
            ran[vm] += end - begin
    want = {name: vm["running_ps"] for name, vm in result["vms"].items()}
    check({n: ran[n] for n in want} == want, f"{label}: slices of each VM add up to its running time", (dict(ran), want))
    states = collections.Counter()
    names = {e["tid"]: e["args"]["name"][3:] for e in events if e["ph"] == "M" and e["pid"] == pid and e["name"] == "thread_name" and e["tid"] > 1000}
    for e in events:
        if e["ph"] == "X" and e["cat"] == "state" and e["pid"] == pid:
            states[names[e["tid"]], e["name"]] += ps(e["dur"])
    want = {(n, s): vm[s + "_ps"] for n, vm in result["vms"].items() for s in ("runnable", "blocked")}
    check({k: states[k] for k in want} == want, f"{label}: waiting and sleeping add up", {k: (states[k], want[k]) for k in want if states[k] != want[k]})
    ends = [(e["id"], e["ph"]) for e in events if e["ph"] in "sf" and e["pid"] == pid]
    begun, ended = {i for i, p in ends if p == "s"}, {i for i, p in ends if p == "f"}
    wakes = sum(vm["wake_latency_ps"]["count"] for vm in result["vms"].values())
    check(begun == ended and len(ends) == 2 * len(begun), f"{label}: flows pair up")
    check(wakes - len(lanes) <= len(begun) <= wakes and begun, f"{label}: a flow for each wake-up of the result", (len(begun), wakes))
    bound = 0
    spans = collections.defaultdict(list)
    for e in events:
        if e["ph"] == "X" and e["pid"] == pid:
            spans[e["tid"]].append((ps(e["ts"]), ps(e["ts"]) + ps(e["dur"])))
    flows = [e for e in events if e["ph"] in "sf" and e["pid"] == pid]
    for e in flows:
        bound += any(a <= ps(e["ts"]) < b for a, b in spans[e["tid"]])
    check(bound == len(flows), f"{label}: both ends of each flow are in a slice", (bound, len(flows)))
    check_decisions(label, events, pid, result)


def check_decisions(label, events, pid, result):
    instants = [e for e in events if e["ph"] == "i" and e["pid"] == pid]
    check(len(instants) == result["decisions"]["count"], f"{label}: as many decisions as in the result", (len(instants), result["decisions"]["count"]))
    instants.sort(key=lambda e: e["args"]["number"])
    same = True
    for e, d in zip(instants, result["decisions"]["first"]):
        a = e["args"]
        same = same and (e["name"], ps(e["ts"]), e["tid"] - 1, a["vm"], ps(a["before_us"]), ps(a["after_us"]), a["evidence"]) == (
            f"{d['action']}: {d['reason']}", d["at_ps"], d["lp"], d["vm"], d["before_ps"], d["after_ps"], d["evidence"])
    check(same, f"{label}: decisions are those of the result, with their evidence")


def check_counters(label, events, pid, result):
    """The bus's counter, summed up over time, is what the counts say."""
    line = 64
    tracks = collections.defaultdict(list)
    for e in events:
        if e["ph"] == "C" and e["pid"] == pid:
            tracks[e["name"]].append((ps(e["ts"]), e["args"]))
    good = True
    for lp in result["lps"]:
        track = tracks[f"LP {lp['id']} bus MB/s"]
        track.append((result["simulated_ps"], None))
        moved = sum(float(a[1]["bus"]) * (b[0] - a[0]) / 1e6 for a, b in zip(track, track[1:]))
        want = (lp["events"]["uncore_imc/data_reads"] + lp["events"]["uncore_imc/data_writes"]) * line
        good = good and abs(moved - want) <= 0.002 * want + 4096
    check(good, f"{label}: bus counters add up to the traffic")
    check(all(f"VM {n} occupancy (lines)" in tracks and f"VM {n} quantum (us)" in tracks for n in result["vms"]), f"{label}: occupancy and quantum of every VM")
    check(all(f"LP {lp['id']} {k}" in tracks for lp in result["lps"] for k in ("IPC", "MPKI")), f"{label}: IPC and MPKI of every LP")


def check_series(label, result):
    s = result["series"]
    check([p[s["lps"]["columns"].index("lp")] for p in s["lps"]["points"][:len(result["lps"])]] == [lp["id"] for lp in result["lps"]], f"{label}: points by LP")
    sums = collections.Counter()
    for at, lp, vm, insns, cycles, l1d, llc, branch, bus in s["lps"]["points"]:
        for key, n in zip(("instructions", "cycles", "cache-misses", "branch-misses"), (insns, cycles, llc, branch)):
            sums[lp, key] += n
        sums[lp, "l1d"] += l1d
        sums[lp, "bus"] += bus
    good = True
    for lp in result["lps"]:
        ev = lp["events"]
        good = good and all(sums[lp["id"], k] == ev[k] for k in ("instructions", "cycles", "cache-misses", "branch-misses"))
        good = good and sums[lp["id"], "l1d"] == ev["L1-dcache-load-misses"] + ev["L1-dcache-store-misses"]
        good = good and sums[lp["id"], "bus"] == 64 * (ev["uncore_imc/data_reads"] + ev["uncore_imc/data_writes"])
    check(good, f"{label}: points add up to the counts of each LP")
    states = collections.Counter()
    for at, vm, quantum, l1d, l2, llc, running, runnable, blocked in s["vms"]["points"]:
        states[vm, "running"] += running
        states[vm, "runnable"] += runnable
        states[vm, "blocked"] += blocked
    check(all(states[i, k] == vm[k + "_ps"] for i, vm in enumerate(result["vms"].values()) for k in ("running", "runnable", "blocked")),
          f"{label}: points add up to the times of each VM")
    times = [p[0] for p in s["vms"]["points"][::len(result["vms"])]]
    check(times == sorted(set(times)) and times[-1] == result["simulated_ps"], f"{label}: time goes on to the end")
    return s


# TP_printk of the events in include/trace/events/sched.h, Linux 6.1, and the line that kernel/trace/trace_output.c puts before them.
PREFIX = re.compile(r" *(\S.{0,15})-(\d+) +\[(\d{3})\] d\.\.2\. +(\d+)\.(\d{9}): (\w+): (.*)$")
TASK = r"{0}comm=(\S+) {0}pid=(\d+) {0}prio=(\d+)"
EVENTS = {
    "sched_switch": re.compile(TASK.format("prev_") + r" prev_state=(R\+?|S|X) ==> " + TASK.format("next_") + "$"),
    "sched_waking": re.compile(TASK.format("") + r" target_cpu=(\d{3})$"),
    "sched_migrate_task": re.compile(TASK.format("") + r" orig_cpu=(\d+) dest_cpu=(\d+)$"),
}
EVENTS["sched_wakeup"] = EVENTS["sched_wakeup_new"] = EVENTS["sched_waking"]


def check_ftrace(label, text, result):
    lines = text.splitlines()
    body = [line for line in lines if not line.startswith("#")]
    counts = re.match(r"# entries-in-buffer/entries-written: (\d+)/(\d+)   #P:(\d+) *$", lines[2])
    check(lines[0] == "# tracer: nop" and counts and int(counts[1]) == int(counts[2]) == len(body) and int(counts[3]) == len(result["lps"]),
          f"{label}: header of the tracer nop", lines[:4])
    current, on, since, ran, last, migrations, woken, bad = {}, {}, {}, collections.Counter(), 0, collections.Counter(), set(), []
    for line in body:
        p = PREFIX.match(line)
        e = p and EVENTS.get(p[6]) and EVENTS[p[6]].match(p[7])
        if not e:
            bad.append(line)
            continue
        cpu, at, f = int(p[3]), int(p[4]) * 10**9 + int(p[5]), e.groups()
        if at < last or int(p[2]) != current.get(cpu, 0):
            bad.append("order: " + line)
        last = at
        if p[6] == "sched_switch":
            if int(f[1]) != current.get(cpu, 0) or f[1] == f[5] or f[5] in on:
                bad.append("chain: " + line)
            if f[1] not in ("0", "2"):
                ran[f[0]] += at - since[f[1]]
                del on[f[1]]
            if f[5] not in ("0", "2"):
                on[f[5]], since[f[5]] = cpu, at
            current[cpu] = int(f[5])
        elif p[6] == "sched_migrate_task":
            migrations[f[0]] += 1
        elif p[6] == "sched_waking":
            woken.add((f[0], at))
        elif p[6] == "sched_wakeup" and (f[0], at) not in woken:
            bad.append("not woken: " + line)
    check(not bad, f"{label}: every line is of the kernel's form, in order, and each switch follows the one before", "\n".join(bad[:5]))
    names = list(result["vms"])
    for pid, cpu in on.items():
        ran[names[int(pid) - 1000]] += result["simulated_ps"] // 1000 - since[pid]
    far = {n: (ran[n], vm["running_ps"] // 1000) for n, vm in result["vms"].items() if abs(ran[n] - vm["running_ps"] // 1000) > 20 * 10**3}
    check(not far, f"{label}: time between switches is running time", far)
    check(all(migrations[n] == vm["switches"]["migrations"] for n, vm in result["vms"].items()), f"{label}: migrations are the result's")


def one_run(w, label, scenario, *options):
    w.run(["run", scenario, "-q", "--json", w.path("plain.json")], *options)
    w.run(["run", scenario, "-q", "--json", w.path("run.json"), "--timeline", w.path("t.json"), "--ftrace", w.path("t.txt"), "--series", "50us"], *options)
    plain, result, trace = w.json("plain.json"), w.json("run.json"), w.json("t.json")
    check(plain["digest"] == result["digest"], f"{label}: looking on changes nothing", (plain["digest"], result["digest"]))
    s = check_series(label, result)
    result.pop("series")
    check(plain == result, f"{label}: the result is the same but for the series")
    events = trace["traceEvents"]
    check_timeline(label, events, 1, result)
    check_counters(label, events, 1, result)
    flat = sorted((a, b, lp, vm, why) for lp, lane in slices_of(events, 1).items() for a, b, vm, why in lane)
    names = list(result["vms"])
    check(flat == sorted((r[0], r[1], r[2], names[r[3]], r[5]) for r in s["slices"]["points"]) and s["slices"]["count"] == len(flat),
          f"{label}: the series' slices are the timeline's")
    with open(w.path("t.txt"), encoding="ascii") as f:
        check_ftrace(label, f.read(), result)
    return result


def comparison(w):
    scenario = w.scenario("s.conf", "3ms")
    options = ["--policies", "credit,eevdf", "--series", "100us", "-q"]
    for jobs in ("1", "2"):
        w.run(["compare", scenario, "-j", jobs, "--json", w.path(f"c{jobs}.json"), "--timeline", w.path(f"tc{jobs}.json")], *options)
    with open(w.path("tc1.json"), "rb") as a, open(w.path("tc2.json"), "rb") as b:
        check(a.read() == b.read(), "compare: the timeline is the same with any number of threads")
    result, events = w.json("c2.json"), w.json("tc2.json")["traceEvents"]
    for i, (policy, run) in enumerate(result["runs"].items()):
        named = [e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "process_name" and e["pid"] == i + 1]
        check(named == [f"{run['scenario']['name']}: {policy}"], f"compare: {policy} is a process of its own", named)
        check_timeline("compare " + policy, events, i + 1, run)


def long_series(w):
    """More samples than are kept: they merge, and nothing is lost."""
    with open(w.path("long.conf"), "w", encoding="ascii") as f:
        f.write("[scenario]\nmachine = skylake\nduration = 60ms\n[machine]\ncores = core\n"
                "[vm a]\nworkload = synthetic:loop insns=1k; sleep 12us; repeat forever\n"
                "[vm b]\nworkload = synthetic:loop insns=1k; sleep 17us; repeat forever\n")
    w.run(["run", w.path("long.conf"), "-q", "--series", "10us", "--json", w.path("long.json"), "--timeline", w.path("long.t.json")])
    result = w.json("long.json")
    s = check_series("long", result)
    check(s["asked_ps"] == 10**7 and s["period_ps"] == 2 * 10**7 and 2048 <= len(s["vms"]["points"]) // 2 <= 4096, "long: samples merged once",
          (s["period_ps"], len(s["vms"]["points"])))


def refused(w):
    scenario = w.scenario("s.conf")
    text = w.run(["run", scenario, "--series", "5us"], status=2)
    check("--series" in text and "10us to 1s" in text, "a period that is too short is refused with the bounds", text)
    text = w.run(["run", scenario, "--series", "fast"], status=2)
    check("--series" in text and "fast" in text, "a period that is none is refused", text)
    for option in ("--timeline", "--ftrace"):
        text = w.run(["run", scenario, option, w.path("nowhere/x")], status=2)
        check(option in text and "nowhere/x" in text, f"{option} into a folder that is not there", text)
    text = w.run(["run", scenario, "-q", "--timeline", "/dev/full"], status=2)
    check("/dev/full" in text and "No space" in text, "a full disk is told", text)
    left = [n for n in os.listdir(w.folder) if re.search(r"\.[A-Za-z0-9]{6}$", n)]
    check(not left, "no part of a file is left", left)


def main():
    with tempfile.TemporaryDirectory() as folder:
        w = World(os.path.abspath(sys.argv[1]), folder)
        scenario = w.scenario("s.conf")
        result = one_run(w, "emon-quantum", scenario, "--policy", "emon-quantum")
        check(result["decisions"]["count"] > 3 and result["vms"]["halting"]["halted_ps"] > 0 and result["vms"]["passing"]["state"] == "stopped",
              "the scenario has decisions, a halted and a removed VM")
        one_run(w, "credit2", scenario, "--policy", "credit2")
        one_run(w, "host", w.scenario("h.conf", "4ms", "[host]\nload = 20%\nperiod = 1ms"), "--policy", "credit")
        one_run(w, "window", w.scenario("w.conf", "1ms", "timing = window"))
        comparison(w)
        long_series(w)
        refused(w)
    print(f"1..{len(results)}")
    sys.exit(0 if all(results) else 1)


main()
