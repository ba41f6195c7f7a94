#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`quanta compare --seeds` and the keys that make seeds a sample: start-jitter, placement-jitter, arrival-jitter, sleeps with jitter.
In TAP: seeds.py QUANTA"""
import json
import os
import subprocess
import sys
import tempfile

QUANTA = os.path.abspath(sys.argv[1])
# What the VMs do is the same with every seed, so that only jitter makes a difference.
SCENARIO = """[scenario]
machine = skylake
duration = 2ms
{scenario}
[machine]
cores = core
[core core]
threads = 1
[policy]
quantum = 200us
[vm a]
workload = synthetic:loop insns=60k; sleep 100us{sleep}; repeat forever
{vm}
[vm b]
workload = synthetic:loop insns=100G ilp=2
[vm c]
count = 2
workload = tasks:work
[tasks work]
body = synthetic:loop insns=20k
count = 20
period = {period}
{tasks}
"""
results = []


def check(good, name, why=None):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", flush=True)
    if not good and why is not None:
        print("# " + str(why).replace("\n", "\n# "), flush=True)


def quanta(*args):
    return subprocess.run([QUANTA, *args], capture_output=True, text=True, check=False, timeout=120)


def write(name, scenario="", vm="", tasks="", sleep="", period="0s"):
    with open(name, "w", encoding="utf-8") as f:
        f.write(SCENARIO.format(scenario=scenario, vm=vm, tasks=tasks, sleep=sleep, period=period))


def run(seed):
    return json.loads(quanta("run", "s.conf", "--seed", str(seed), "--json", "-", "-q").stdout)


def digests(**keys):
    write("s.conf", **keys)
    return [run(seed)["digest"] for seed in (1, 2, 1)]


def jitter():
    plain = digests()
    check(plain[0] == plain[1], "without jitter the seed changes nothing here")
    for name, keys in [("start-jitter", {"vm": "start-jitter = 300us"}), ("placement-jitter", {"scenario": "placement-jitter = true"}),
                       ("arrival-jitter", {"tasks": "arrival-jitter = 300us"}), ("a sleep's jitter", {"sleep": " jitter=50us"})]:
        d = digests(**keys)
        check(len({plain[0], d[0], d[1]}) == 3 and d[0] == d[2], f"{name}: another run with another seed, the same with the same", d)
    for name, keys in [("start-jitter", {"vm": "start-jitter = 0s"}), ("placement-jitter", {"scenario": "placement-jitter = false"}),
                       ("arrival-jitter", {"tasks": "arrival-jitter = 0s"}), ("a sleep's jitter", {"sleep": " jitter=0s"})]:
        check(digests(**keys) == plain, f"{name}: none")
    write("s.conf", vm="start = 100us\nstart-jitter = 300us")
    starts = [run(seed)["vms"]["a"]["started_ps"] for seed in range(8)]
    check(all(100e6 <= s <= 400e6 for s in starts) and len(set(starts)) == 8 and max(starts) - min(starts) > 100e6,
        "start-jitter: within bounds, and spread", starts)
    write("s.conf", scenario="placement-jitter = true")
    orders = set()
    for seed in range(12):
        vms = run(seed)["vms"]
        orders.add(tuple(sorted(vms, key=lambda v, vms=vms: vms[v]["started_ps"])))
        check_ranks = sorted(v["started_ps"] for v in vms.values())
        if check_ranks != [0, 1, 2, 3]:
            check(False, "placement-jitter: ranks", check_ranks)
    check(len(orders) > 5, "placement-jitter: many orders", orders)
    # arrivals by chance stay what they were when jitter comes to them
    write("s.conf", period="50us")
    before = run(1)["digest"]
    check(before != plain[0] and digests(period="50us", tasks="arrival-jitter = 0s")[0] == before, "arrivals by chance are a stream of their own")


def mistakes():
    for said, keys in [("[vm a] start-jitter: is more than 1000s", {"vm": "start-jitter = 2000s"}),
        ("start-jitter: may put the VM's start behind its stop", {"vm": "stop = 1ms\nstart-jitter = 2ms"}),
                       ("[scenario] placement-jitter: 'x' is neither true nor false",
                           {"scenario": "placement-jitter = x"}), ("arrival-jitter: is more than 3600s", {"tasks": "arrival-jitter = 4000s"}),
                       ("did you mean 'start-jitter'?", {"vm": "start-jiter = 1ms"}), ("a sleep is written 'sleep 1ms' or 'sleep 1ms jitter=200us'",
                           {"sleep": " jit=1us"}),
                       ("sleep: jitter: ", {"sleep": " jitter=1"})]:
        write("s.conf", **keys)
        p = quanta("run", "s.conf")
        check(p.returncode == 2 and said in p.stderr, f"exit 2, says: {said}", p.stderr)


def compare():
    write("s.conf", vm="start-jitter = 300us", scenario="placement-jitter = true")
    p = quanta("compare", "s.conf", "-p", "gang,credit", "--seeds", "1-4", "--figures", "ipc,vm.*.slowdown", "--json", "x.json")
    o = json.loads(open("x.json", encoding="utf-8").read())
    check(p.returncode == 0 and o["schema"] == "quanta-seeds/1" and o["seeds"] == [1, 2, 3, 4] and o["seeds_matter"], "--seeds", p.stderr)
    check(list(o["figures"]) == ["ipc", "vm.a.slowdown", "vm.b.slowdown", "vm.c.1.slowdown", "vm.c.2.slowdown"]
        and list(o["figures"]["ipc"]["policies"]) == ["round-robin", "credit", "gang"],
          "figures by pattern, policies", list(o["figures"]))
    # one seed of it, and its mean, told by single comparisons
    singles = [json.loads(quanta("compare", "s.conf", "-p", "gang,credit", "--seed", str(s), "--json", "-", "-q").stdout)["runs"] for s in (1, 2, 3, 4)]
    values = [r["credit"]["metrics"]["ipc"] for r in singles]
    told = o["figures"]["ipc"]["policies"]["credit"]
    check(told["values"] == values and abs(told["mean"] - sum(values) / 4) < 1e-6 and o["digests"]["credit"] == [r["credit"]["digest"] for r in singles],
        "values are those of single comparisons",
          told)
    differences = [r["credit"]["metrics"]["ipc"] - r["round-robin"]["metrics"]["ipc"] for r in singles]
    mean = sum(differences) / 4
    half = 3.182446 * (sum((d - mean) ** 2 for d in differences) / 3 / 4) ** 0.5  # t(0.975, 3)
    against = told["against_reference"]
    check(abs(against["difference"] - mean) < 2e-6 and abs(against["low"] - (mean - half)) < 2e-6 and abs(against["high"] - (mean + half)) < 2e-6
        and against["pairs"] == 4,
          "the paired interval", (against, mean, half))
    check("paired by seed" in p.stdout and "vm.c.2.slowdown" in p.stdout and p.stdout.count("round-robin  ") == 5, "the table", p.stdout)
    again = [quanta("compare", "s.conf", "-p", "gang,credit", "--seeds", "1-4", "--figures", "ipc,vm.*.slowdown", "--json", "-", "-j", j).stdout for j in "13"]
    check(again[0] == again[1] == open("x.json", encoding="utf-8").read(), "-j changes nothing")
    p = quanta("compare", "s.conf", "-p", "credit", "--seeds", "5,9", "--figures", "stp")
    check(p.returncode == 0 and "too few pairs" in p.stdout and "No claims: they take at least 3 seeds" in p.stdout and "paired t" not in p.stdout,
        "two seeds: no claim", p.stdout)
    write("s.conf")
    p = quanta("compare", "s.conf", "-p", "credit", "--seeds", "1-3", "--figures", "stp,ipc")
    check(p.returncode == 0 and "The seeds change nothing in this scenario" in p.stdout and "x  better" not in p.stdout and "x  worse" not in p.stdout,
        "seeds without chance: no claim", p.stdout)
    for said, args in [("'1-' is no list of seeds", ["--seeds", "1-"]), ("--figures: there is no figure 'spt'; did you mean 'stp'?",
        ["--seeds", "1-3", "--figures", "spt"]),
                       ("no figure of these runs fits 'x*'", ["--seeds", "1", "--figures", "x*"]), ("--figures belongs to --seeds", ["--figures", "stp"]),
                       ("--seed and --seeds exclude each other", ["--seed", "1", "--seeds", "1-3"]), ("are for one seed", ["--seeds", "1-3", "--exits"]),
                       ("--json: cannot write", ["--seeds", "1-3", "--json", "nix/x"]), ("unknown policy 'crdit'", ["--seeds", "1-3", "-p", "crdit"])]:
        p = quanta("compare", "s.conf", *args)
        check(p.returncode == 2 and said in p.stderr and p.stdout == "", f"exit 2, says: {said}", p.stderr)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        jitter()
        mistakes()
        compare()
        os.chdir("/")
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


sys.exit(main())
