#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Results of small scenarios, held against the ones written down in golden.json. In TAP.

`golden.py --update` (with QUANTA=path of the command) writes them anew: for a change of a model that is meant; say in
the commit why."""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FIELDS = ("instructions", "cycles", "running_ps", "runnable_ps", "blocked_ps")
EVENTS = ("branch-misses", "L1-dcache-load-misses", "l2_rqsts.all_demand_miss", "cache-misses", "dTLB-load-misses")
SCENARIOS = {
    "skylake": "[scenario]\nmachine = skylake\nduration = 20ms\n[machine]\ncores = core\n{vms}",
    "netburst-ht": "[scenario]\nmachine = netburst-ht\nduration = 20ms\n{vms}",
    "atom-bonnell": "[scenario]\nmachine = atom-bonnell\nduration = 20ms\n{vms}",
}
VMS = "[vm a]\ncount = 3\nworkload = elf:tiny\n[vm late]\nworkload = elf:tiny\nstart = 300us\npriority = 5\nquantum = 400us\n"


def outcome(folder, name, text):
    path = os.path.join(folder, name + ".conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.format(vms=VMS))
    p = subprocess.run([os.environ["QUANTA"], "compare", path, "--policies", "priority,emon-quantum", "--json", "-", "--quiet"],
                       capture_output=True, text=True, check=False)
    if p.returncode:
        print(f"Bail out! {name}: {p.stderr}")
        sys.exit(1)
    result = {}
    for policy, run in json.loads(p.stdout)["runs"].items():
        vms = {v: {**{k: r[k] for k in FIELDS}, **{e: r["events"][e] for e in EVENTS}} for v, r in run["vms"].items()}
        result[policy] = {"digest": run["digest"], "vms": vms}
    return result


def main():
    golden = os.path.join(HERE, "golden.json")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(HERE, "tiny.hex"), encoding="ascii") as f, open(os.path.join(folder, "tiny"), "wb") as out:
            out.write(bytes.fromhex(f.read()))
        os.chmod(os.path.join(folder, "tiny"), 0o755)
        results = {name: outcome(folder, name, text) for name, text in SCENARIOS.items()}
    if "--update" in sys.argv:
        with open(golden, "w", encoding="utf-8") as f:
            json.dump(results, f, indent=1)
            f.write("\n")
        return
    with open(golden, encoding="utf-8") as f:
        expected = json.load(f)
    n = failed = 0
    for name, policies in expected.items():
        for policy, run in policies.items():
            got = results[name][policy]
            n += 1
            same = got == run
            failed += not same
            print(f"{'ok' if same else 'not ok'} {n} - {name}, {policy}")
            for vm, facts in run["vms"].items():
                for key, value in facts.items():
                    if got["vms"][vm][key] != value:
                        print(f"# {vm} {key}: {value} is now {got['vms'][vm][key]}")
    print(f"1..{n}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
