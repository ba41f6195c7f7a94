#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`quanta diff`: configuration, decisions, figures of two results; runs of comparisons; bad input. In TAP: diff.py QUANTA"""
import json
import os
import subprocess
import sys
import tempfile

QUANTA = os.path.abspath(sys.argv[1])
SCENARIO = """[scenario]
machine = skylake
duration = 4ms
[machine]
cores = core
[core core]
threads = 1
[policy]
name = emon-quantum
quantum = 500us
tight-loop = true
[vm web]
workload = synthetic:loop insns=60k; sleep 100us; repeat forever
[vm batch]
workload = synthetic:loop insns=100G
[vm other]
workload = synthetic:stream ws=64KiB insns=100G
"""
results = []


def check(good, name, why=None):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", flush=True)
    if not good and why is not None:
        print("# " + str(why).replace("\n", "\n# "), flush=True)


def quanta(*args, **more):
    return subprocess.run([QUANTA, *args], capture_output=True, text=True, check=False, timeout=120, **more)


def make(name, *args, command="run"):
    p = quanta(command, "s.conf", "--json", name, "-q", *args)
    if p.returncode:
        print(f"Bail out! {p.stderr}")
        sys.exit(1)


def load(name):
    with open(name, encoding="utf-8") as f:
        return json.load(f)


def store(name, value):
    with open(name, "w", encoding="utf-8") as f:
        json.dump(value, f)


def runs():
    make("a.json")
    make("again.json")
    make("max.json", "--set", "policy.max=1300")
    p = quanta("diff", "a.json", "again.json")
    check(p.returncode == 0 and "emon-quantum: the same" in p.stdout, "the same: exit 0", p.stdout + p.stderr)
    p = quanta("diff", "a.json", "max.json", "--limit", "3")
    lines = [line.strip() for line in p.stdout.splitlines()]
    check(p.returncode == 1 and "policy.parameters.max             1500                1300" in lines, "the configuration comes first, and exit 1", p.stdout
        + p.stderr)
    order = [next((i for i, line in enumerate(lines) if line.startswith(w)), -1) for w in ("configuration", "decisions: number 1", "whole run:", "vm web:",
        "vm batch:", "lp 0:")]
    check(-1 not in order and order == sorted(order), "then decisions, the run, its VMs, its logical processors", p.stdout)
    check("quantum 500.0us to 750.0us" in p.stdout and "quantum 500.0us to 650.0us" in p.stdout and "because: " in p.stdout
        and "differs in: after_ps" in p.stdout,
          "the first decision that differs, with its evidence", p.stdout)
    check(order[4] - order[2] > 0 and all(lines[i].endswith("the largest changes") and len(lines[i + 3].split()) == 4
        and lines[i + 4].split()[0] in ("vm", "lp") for i in order[3:5]),
          "--limit figures of each group", p.stdout)


def machine_readable():
    d = json.loads(quanta("diff", "a.json", "max.json", "--json").stdout)
    run = d["runs"][0]
    check(d["schema"] == "quanta-diff/1" and not d["same"] and not run["same_digest"] and run["configuration"] == [{"what": "policy.parameters.max",
        "a": "1500", "b": "1300"}],
          "JSON: configuration", d)
    a, b = load("a.json")["decisions"], load("max.json")["decisions"]
    at = next(i for i, (x, y) in enumerate(zip(a["first"], b["first"])) if x != y)
    check(run["decisions"]["same"] == at and run["decisions"]["first_a"] == a["first"][at] and run["decisions"]["first_b"] == b["first"][at],
        "JSON: decisions", run["decisions"])
    # the order of figures, counted again
    x, y = load("a.json")["vms"]["batch"]["events"], load("max.json")["vms"]["batch"]["events"]
    whole = json.loads(quanta("diff", "a.json", "max.json", "--json", "--limit", "0").stdout)["runs"][0]["figures"]
    batch = next(g for g in whole if g["of"] == "vm batch")
    named = {f["name"]: f for f in batch["largest"]}
    changed = [e for e in x if x[e] != y[e] and e not in ("instructions", "cycles") and not e.startswith("cpi_stack.")]
    check(batch["changed"] == len(batch["largest"]) and len(changed) > 5 and all(named[e]["a"] == x[e] and named[e]["b"] == y[e] for e in changed),
        "every counter that changed is there", changed)
    sizes = [abs(f["b"] - f["a"]) / max(abs(f["a"]), abs(f["b"]), 100) for f in batch["largest"] if f["name"] in changed]
    check(sizes == sorted(sizes, reverse=True) and len(sizes) > 5, "by size of change", sizes)


def edited():
    a = load("a.json")
    a["vms"]["web"]["stdout"] = "other"
    a["vms"]["web"]["state"] = "ended"
    a["vms"]["extra"] = a["vms"]["batch"]
    del a["decisions"]["first"][1:]
    a["decisions"]["count"] = 1
    store("edited.json", a)
    p = quanta("diff", "a.json", "edited.json")
    check(p.returncode == 1 and "vm extra" in p.stdout and "vm extra:" not in p.stdout, "a VM that only one has: said once", p.stdout)
    check("vm web: state" in p.stdout and "vm web: stdout" in p.stdout, "texts that differ", p.stdout)
    check("decisions: number 2 is the first that differs" in p.stdout and "B  made none any more" in p.stdout, "one that stops deciding", p.stdout)
    a = load("a.json")
    a["vms"]["web"]["events"]["branches"] += 1
    store("one.json", a)
    p = quanta("diff", "a.json", "one.json")
    check(p.returncode == 1 and "vm web: 1 figure differs" in p.stdout and "branches" in p.stdout, "one count alone", p.stdout)


def comparisons():
    make("c.json", "--policies", "credit,emon-quantum", command="compare")
    make("d.json", "--policies", "emon-quantum,gang", "--seed", "2", command="compare")
    p = quanta("diff", "c.json", "d.json")
    check(p.returncode == 1 and "only in A: credit" in p.stdout and "only in B: gang" in p.stdout and "scenario.seed" in p.stdout,
        "comparisons: run by run", p.stdout)
    p = quanta("diff", "c.json:credit", "c.json:round-robin")
    check(p.returncode == 1 and "credit, round-robin" in p.stdout and "policy.name" in p.stdout, "two runs of one comparison", p.stdout)
    p = quanta("diff", "a.json", "c.json")
    check(p.returncode == 1 and "\nemon-quantum\n" in p.stdout and "credit" not in p.stdout, "a run against the comparison's of its policy", p.stdout)
    os.rename("a.json", "odd:name.json")
    p = quanta("diff", "odd:name.json", "again.json")
    check(p.returncode == 0, "a file whose name has a colon", p.stderr)
    os.rename("odd:name.json", "a.json")
    with open("a.json", encoding="utf-8") as f:
        p = quanta("diff", "-", "again.json", stdin=f)
    check(p.returncode == 0, "- is standard input", p.stderr)


def bad_input():
    make("rr.json", "--policy", "gang")
    with open("text", "w", encoding="utf-8") as f:
        f.write("no json")
    store("old.json", {"schema": "quanta-run/0"})
    for said, args in [("two results are needed", ["a.json"]), ("unexpected argument 'x'", ["a.json", "a.json", "x"]),
        ("nix.json: cannot be read", ["nix.json", "a.json"]),
                       ("text: is no JSON", ["a.json", "text"]), ("old.json: has the schema 'quanta-run/0'", ["old.json", "a.json"]),
                       ("c.json: there is no run of a policy 'credt'; did you mean 'credit'?", ["c.json:credt", "a.json"]),
                       ("c.json has several runs; name one as FILE:POLICY. c.json: there is no run of a policy 'gang'", ["rr.json", "c.json"]),
                       ("standard input can be one of the results, not both", ["-", "-"]), ("--limit: -1 is not a number",
                           ["a.json", "a.json", "--limit", "-1"]),
                       ("did you mean '--limit'?", ["a.json", "a.json", "--limt=1"])]:
        p = quanta("diff", *args)
        check(p.returncode == 2 and said in p.stderr and p.stdout == "", f"exit 2, says: {said}", f"{p.returncode} {p.stderr}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("s.conf", "w", encoding="utf-8") as f:
            f.write(SCENARIO)
        runs()
        machine_readable()
        edited()
        comparisons()
        bad_input()
        os.chdir("/")
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


sys.exit(main())
