#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""State management units of three kinds side by side, and profiles that go from one run to the next."""
import json
import os
import subprocess
import tempfile

from quanta_tap import check, done, quanta, scenario, vm

FOLDER = tempfile.TemporaryDirectory()


def path(name):
    return os.path.join(FOLDER.name, name)


# The scenario that shows the kinds, shorter.
with open(os.path.join(os.environ["SCENARIOS"], "smu-kinds.conf"), encoding="utf-8") as f:
    KINDS = f.read().replace("40ms", "20ms")
runs = quanta("compare", KINDS, "--policies", "smu-software,smu-hardware,smu-hybrid,emon-quantum", "--profile-out", path("kinds"))["runs"]
soft, hard, hybrid = (runs["smu-" + k] for k in ("software", "hardware", "hybrid"))
check([r["smu"]["kind"] for r in (soft, hard, hybrid)] == ["software", "hardware", "hybrid"], "each kind has its run")
check(all(r["policy"]["use"] == "emon-quantum" and r["policy"]["name"] == n for n, r in runs.items() if n.startswith("smu-")), "under its own name")
check("smu" not in runs["round-robin"], "round-robin does not watch")
check(soft["digest"] == runs["emon-quantum"]["digest"], "a variant that changes nothing is the same run")
check(hard["smu"]["register_accesses"] == 0 and hard["smu"]["samples"] > 5 * soft["smu"]["samples"],
      "hardware: many samples, no register read")
check(hard["smu"]["exits"] < soft["smu"]["exits"] / 5 and hard["smu"]["time_ps"] < soft["smu"]["time_ps"] / 10, "... a VM-exit only for a change")
check(0 < hybrid["smu"]["exits"] < soft["smu"]["exits"] and hybrid["smu"]["time_ps"] < soft["smu"]["time_ps"],
      f"hybrid costs less than software here: {hybrid['smu']['time_ps']} of {soft['smu']['time_ps']} ps")
check(hybrid["smu"]["armed"] == {"instructions": 3_400_000, "L1-dcache-load-misses": 6_800, "L1-icache-load-misses": 3_400, "l1d.writebacks": 3_400},
      f"what is armed, of 3.4 GHz and 100us: {hybrid['smu']['armed']}")
exits = [sum(v["exits"][e] for v in r["vms"].values()) for r, e in ((soft, "external"), (hybrid, "emon"), (hard, "emon"))]
check(exits == [soft["smu"]["exits"], hybrid["smu"]["exits"], hard["smu"]["exits"]], f"the VM-exits are in the VMs' accounts: {exits}")
for name, r in (("software", soft), ("hardware", hard), ("hybrid", hybrid)):
    seen = {c["reason"] for c in r["decisions"]["by_reason"]}
    check("cache-flushed" in seen and len(seen) > 2, f"{name}: the policy finds its causes: {sorted(seen)}")
check(sorted(os.listdir(path("kinds"))) == sorted(n + ".json" for n in runs), "a profile of each policy's run")

# Looking costs nothing where hardware looks.
QUIET = KINDS.replace("[policy smu-hardware]", "[policy smu-hardware]\nmax-debt = 0ms").replace("20ms", "8ms")
quiet = quanta("compare", QUIET, "--policies", "smu-hardware")["runs"]
same = [[(v["cycles"], v["instructions"], v["exits"], v["running_ps"]) for v in r["vms"].values()] for r in quiet.values()]
check(quiet["smu-hardware"]["smu"]["samples"] > 700 and same[0] == same[1], "hardware that changes nothing: round-robin's very cycles")

# Profiles: what a run leaves, and what the next one makes of it.
PLAIN = scenario(vm("s", "sort", "20000 40"), vm("w", "server", "60 300"), duration="20ms", policy="[policy]\nname = emon-quantum\n")


def run(text, *options):
    """Exit status, standard error and result of a run."""
    with open(path("s.conf"), "w", encoding="utf-8") as f:
        f.write(text)
    p = subprocess.run([os.environ["QUANTA"], "run", path("s.conf"), "--json", path("r.json"), "-q", *options], capture_output=True, text=True, check=False)
    if p.returncode:
        return p.returncode, p.stderr, None
    with open(path("r.json"), encoding="utf-8") as f:
        return 0, p.stderr, json.load(f)


def read(name):
    with open(path(name), encoding="utf-8") as f:
        return json.load(f)


def write(name, profile):
    with open(path(name), "w", encoding="utf-8") as f:
        json.dump(profile, f)
    return path(name)


run(PLAIN, "--profile-out", path("a.json"))
a = read("a.json")
server, sort = a["vms"]["w"], a["vms"]["s"]
check(a["schema"] == "quanta-profile/1" and a["machine"] == "skylake" and len(a["lps"]) == 8, "the profile says what it is of")
check(server["tasks"] and server["tasks"][0]["count"] > 10 and server["tasks"][0]["instructions"] > 1000, f"tasks of the server: {server['tasks']}")
own = sort["vcpus"][0]
check(len(own["recent"]) == 16 and own["samples"] > 100 and own["mean"]["rates"][3] > 10000, "last samples, decaying averages, totals")
status, _, second = run(PLAIN, "--profile-in", path("a.json"), "--profile-out", path("b.json"))
b = read("b.json")
check(status == 0 and second["profile_in"]["known_vms"] == 2 and not second["profile_in"]["fallbacks"], "all VMs are known")
check(len(second["profile_in"]["digest"]) == 64, "the profile's digest stands in the result")
check(b["vms"]["w"]["tasks"][0]["count"] == 2 * server["tasks"][0]["count"], "totals go on")
check(b["vms"]["s"]["vcpus"][0]["samples"] > own["samples"] * 1.9, "... of samples, too")
third = run(PLAIN, "--profile-in", path("a.json"), "--profile-out", path("c.json"))[2]
check(third == second and read("c.json") == b, "the same profile, the same result")

# VMs that do not match.
changed = PLAIN.replace("guests/sort", "guests/spin").replace("20000 40", "100").replace("[vm w]", "[vm v]") + vm("w", "server", "60 300")
status, _, other = run(changed, "--profile-in", path("a.json"))
check(status == 0 and other["profile_in"]["known_vms"] == 1 and len(other["profile_in"]["fallbacks"]) == 2,
      f"VMs that do not match are told: {other and other['profile_in']['fallbacks']}")
status, message, _ = run(PLAIN.replace("[vm s]", "[vm x]").replace("[vm w]", "[vm y]"), "--profile-in", path("a.json"))
check(status == 2 and "none of the scenario's VMs" in message, f"none: an error: {message.strip()}")


def refused(name, text, words, source=PLAIN):
    status, message, _ = run(source, "--profile-in", text)
    check(status == 2 and words in message and message.count("\n") == 1, f"{name}: {message.strip()}")


def edited(change):
    profile = read("a.json")
    change(profile)
    return write("edited.json", profile)


refused("another machine", path("a.json"), "it is of the machine 'skylake', and the scenario's is 'haswell'", PLAIN.replace("skylake", "haswell"))
refused("fewer processors", path("a.json"), "8 logical processors", PLAIN + "[machine]\ncores = core*2\n")
refused("other caches", path("a.json"), "'l1d_lines' of logical processor 0", PLAIN + "[core core]\nl1d = 16KiB\n")
refused("a missing file", path("none.json"), "none.json")
refused("no JSON", path("s.conf"), "not a profile")
refused("a result", path("r.json"), "'quanta-run/1', not a profile")
refused("another version", edited(lambda p: p.update(schema="quanta-profile/2")), "it is a 'quanta-profile/2'; this program reads 'quanta-profile/1'")
refused("a missing member", edited(lambda p: p["vms"]["s"]["vcpus"][0].pop("cycles")), "VM 's' lacks 'cycles'")
refused("a negative count", edited(lambda p: p["vms"]["s"]["vcpus"][0].update(samples=-1)), "'samples' is not a whole number")
refused("a text for a number", edited(lambda p: p["vms"]["s"]["vcpus"][0]["recent"][3].update(fills="9")), "recent sample 3: 'fills'")
refused("a thousandth too many", edited(lambda p: p["vms"]["s"]["vcpus"][0]["recent"][0]["view"].update(btb_hit_permille=1001)), "from 0 to 1000")
refused("an unknown event", edited(lambda p: p["events"].__setitem__(0, "nonsense")), "there is no event 'nonsense'")
refused("too few rates", edited(lambda p: p["events"].pop()), "not as many values as there are events")
refused("too few samples", edited(lambda p: p["vms"]["s"]["vcpus"][0]["recent"].pop()), "'recent' has 15 samples")
refused("tasks without a count", edited(lambda p: p["vms"]["w"]["tasks"][0].update(count=0)), "'count' is 0")
with open(path("deep.json"), "w", encoding="utf-8") as f:
    f.write('{"schema": ' + "[" * 200000)
refused("nothing but brackets", path("deep.json"), "not a profile")
status, message, _ = run(PLAIN, "--profile-out", path("none/x.json"))
check(status == 2 and "--profile-out" in message, f"a profile that cannot be written is told before the run: {message.strip()}")

done()
