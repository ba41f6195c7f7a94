#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the policies that model other systems do with whole VMs, on the simulated machine."""
from quanta_tap import check, done, quanta, scenario

ONE_LP = "cores = core"
ONE_THREAD = "[core core]\nthreads = 1\n"
ALL = "credit,credit2,eevdf,host-os,rtds"


def vm(name, spec, *lines):
    return f"[vm {name}]\nworkload = synthetic:{spec}\n" + "".join(line + "\n" for line in lines)


def spin(name, *lines):
    return vm(name, "loop; repeat forever", *lines)


def share(run, name):
    return 100 * run["vms"][name]["running_ps"] / run["simulated_ps"]


def sound(run):
    return run["policy"]["bad_answers"] == 0 and run["policy"]["starvations"] == 0


# Weights of 1 to 3 on one processor. Xen's first scheduler needs many slices for that: they are short here.
two = scenario(spin("a"), spin("b", "weight = 768"), duration="80ms", overrides=ONE_LP) + ONE_THREAD + "[policy credit]\nslice = 1ms\nratelimit = 0ms\n"
runs = quanta("compare", two, "--policies", ALL)["runs"]
for name in ("credit", "credit2", "eevdf", "host-os"):
    b = share(runs[name], "b")
    check(sound(runs[name]) and abs(b - 75) < 6, f"{name}: three quarters for three times the weight: {b:.1f}%")
check(sound(runs["rtds"]) and abs(share(runs["rtds"], "b") - 50) < 4, f"rtds knows no weights: {share(runs['rtds'], 'b'):.1f}%")
again = quanta("compare", two, "--policies", "rtds,host-os,eevdf,credit2,credit", "--jobs", "1")["runs"]
check({n: r["digest"] for n, r in runs.items()} == {n: r["digest"] for n, r in again.items()}, "the same again, in another order and one by one")
ticks = runs["host-os"]["vms"]["a"]["exits"]["external"] + runs["host-os"]["vms"]["b"]["exits"]["external"]
check(19 <= ticks <= 45, f"host-os: a tick each 4 ms, and decisions at them: {ticks} exits in 80 ms")

# A VM that sleeps most of the time, beside three that never do: who lets it in when?
sleeper = scenario(*(spin(f"s{i}") for i in range(3)), vm("io", "loop insns=200k; sleep 1ms; repeat forever"), duration="50ms", overrides=ONE_LP) + ONE_THREAD
runs = quanta("compare", sleeper, "--policies", ALL)["runs"]
p50 = {n: r["vms"]["io"]["wake_latency_ps"]["p50"] / 1e6 for n, r in runs.items()}
check(p50["round-robin"] > 1500, f"round-robin: it waits for its turn, of three milliseconds: {p50['round-robin']:.0f} us")
for name in ("credit", "credit2", "eevdf", "host-os"):
    check(sound(runs[name]) and p50[name] < 1100, f"{name}: within a millisecond mostly: {p50[name]:.0f} us")

# Reservations and caps hold though the processor idles.
strict = scenario(spin("r", "rtds.extratime = false", "rtds.budget = 3ms", "credit2.cap = 30"), duration="50ms", overrides=ONE_LP) + ONE_THREAD
runs = quanta("compare", strict, "--policies", "credit2,rtds")["runs"]
check(abs(share(runs["rtds"], "r") - 30) < 0.5, f"rtds: 3 ms of each 10: {share(runs['rtds'], 'r'):.2f}%")
check(abs(share(runs["credit2"], "r") - 30) < 1, f"credit2: a cap of 30: {share(runs['credit2'], 'r'):.2f}%")
own = runs["rtds"]["policy"]["vm_parameters"]["r"]
check(own == {"period": "10ms", "budget": "3ms", "extratime": "false"}, f"the result tells the VM's parameters: {own}")

# Four processors of two cores: nobody idles while somebody waits, and who is bound stays.
many = scenario(*(spin(f"s{i}") for i in range(5)), spin("bound", "affinity = 1"), duration="20ms", overrides="cores = core*2")
runs = quanta("compare", many, "--policies", ALL)["runs"]
for name in ALL.split(","):
    run = runs[name]
    used = sum(v["running_ps"] for v in run["vms"].values()) / run["simulated_ps"] / 4
    check(sound(run) and used > 0.95 and run["vms"]["bound"]["switches"]["migrations"] == 0, f"{name}: {100 * used:.1f}% of four processors")

done()
