# SPDX-License-Identifier: GPL-2.0-or-later
"""Policies in shared objects: the example built against the installed headers alone, run and compared; bad ones told by name. In TAP:
plugin.py QUANTA BUILD-FOLDER SOURCE-FOLDER CC..."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

SCENARIO = """[scenario]
machine = skylake
duration = 20ms
[machine]
cores = core
[core core]
threads = 1
[policy]
quantum = 100us
{policy}
[vm light]
workload = synthetic:loop insns=100G
[vm heavy]
weight = 768
workload = synthetic:loop insns=100G
"""
# A policy that is right but for what `extra` and `schedule` say.
BAD = """
#include <quanta/vmm-policy.h>
#include <stdlib.h>
#include <string.h>
static const vmm_services *services; static vmm_host *host; static uint32_t n;
static void *init(vmm_host *h, const vmm_services *s, const vmm_param_value *v) {{ (void)v; host = h; services = s; n = s->n_vcpus(h); return &n; }}
static void end(void *self) {{ (void)self; }}
static void queue(void *self, uint32_t vcpu) {{ (void)self; (void)vcpu; }}
static void saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why) {{ (void)self; (void)pcpu; (void)vcpu; (void)why; }}
static vmm_choice schedule(void *self, uint32_t pcpu, sim_ps now) {{ (void)self; (void)pcpu; (void)now; {schedule} }}
const struct vmm_policy_ops {symbol} = {{
    .abi_version = VMM_POLICY_ABI, .struct_size = sizeof(struct vmm_policy_ops), .name = "bad", .summary = "bad", .init = init, .exit = end,
    .wake = queue, .sleep = queue, .context_saved = saved, .schedule = schedule, {extra} }};
"""
results = []


def check(good, name, why=None):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", flush=True)
    if not good and why is not None:
        print("# " + str(why).replace("\n", "\n# "), flush=True)


class World:
    def __init__(self, quanta, build, cc, folder):
        self.quanta, self.cc, self.folder = quanta, cc, folder
        env = dict(os.environ, DESTDIR=os.path.join(folder, "root"))
        subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--tags", "devel"], check=True, env=env, stdout=subprocess.DEVNULL)
        for where, _, files in os.walk(os.path.join(folder, "root")):
            if "quanta-policy.pc" in files:
                self.env = dict(os.environ, PKG_CONFIG_PATH=where, PKG_CONFIG_SYSROOT_DIR=os.path.join(folder, "root"))
        self.flags = subprocess.run(["pkg-config", "--cflags", "quanta-policy"], check=True, env=self.env, capture_output=True, text=True).stdout.split()

    def path(self, name):
        return os.path.join(self.folder, name)

    def compile(self, name, source):
        with open(self.path(name + ".c"), "w", encoding="ascii") as f:
            f.write(source)
        subprocess.run(self.cc + self.flags + ["-shared", "-fPIC", "-o", self.path(name + ".so"), self.path(name + ".c")], check=True)
        return self.path(name + ".so")

    def bad(self, name, schedule="return (vmm_choice){ .vcpu = 0 };", extra="", symbol="vmm_policy"):
        return self.compile(name, BAD.format(schedule=schedule, extra=extra, symbol=symbol))

    def scenario(self, policy=""):
        with open(self.path("s.conf"), "w", encoding="ascii") as f:
            f.write(SCENARIO.format(policy=policy))
        return self.path("s.conf")

    def run(self, *args, command="run"):
        return subprocess.run([self.quanta, command] + list(args), capture_output=True, text=True, check=False, cwd=self.folder)


def example(w, source):
    shutil.copytree(os.path.join(source, "examples", "policy-plugin"), w.path("plugin"))
    made = subprocess.run(["make", "-C", w.path("plugin"), "CC=" + " ".join(w.cc)], env=w.env, capture_output=True, text=True, check=False)
    check(made.returncode == 0 and "warning" not in made.stderr, "the example builds against the installed headers alone", made.stderr)
    p = w.run(w.scenario(), "--policies", "plugin/lottery.so", "-q", "--json", "-", command="compare")
    check(p.returncode == 0, "it runs in a comparison", p.stderr)
    run = json.loads(p.stdout)["runs"]["lottery"]
    ratio = run["vms"]["heavy"]["instructions"] / run["vms"]["light"]["instructions"]
    check(2.2 < ratio < 4.0, "three times the tickets, three times the work", ratio)
    check(len(run["policy"].get("plugin_sha256", "")) == 64 and run["policy"]["bad_answers"] == 0, "its file's checksum stands in the result", run["policy"])
    q = w.run(w.scenario("name = plugin/lottery.so\ncompensation = false"), "-q", "--json", "-")
    check(q.returncode == 0 and json.loads(q.stdout)["policy"]["parameters"] == {"compensation": "false"},
          "a scenario names it by a path beside itself, with parameters", q.stderr)
    q = w.run(w.scenario("name = plugin/lottery.so\ncompensatoin = false"), "-q")
    check(q.returncode == 2 and "did you mean 'compensation'" in q.stderr, "a wrong parameter is told", q.stderr)


def refused(w):
    with open(w.path("text.so"), "w", encoding="ascii") as f:
        f.write("no\n")
    cases = [(w.path("none.so"), "No such file"), (w.path("text.so"), "no shared object"),
             (w.bad("symbol", symbol="my_policy"), "exports no symbol 'vmm_policy'"),
             (w.bad("abi", extra=".abi_version = 99,"), "ABI version 99"), (w.bad("size", extra=".struct_size = 16,"), "struct_size is 16"),
             (w.bad("hook", extra=".schedule = 0,"), "mandatory hook 'schedule'"), (w.bad("clash", extra='.name = "credit",'), "names itself 'credit'"),
             (w.bad("named", extra='.name = "Bad Name",'), "lower-case")]
    for path, text in cases:
        p = w.run(w.scenario(), "--policy", path, "-q")
        check(p.returncode in (2, 3) and text in p.stderr and os.path.basename(path) in p.stderr, f"refused: {text}", f"{p.returncode} {p.stderr}")


def contained(w):
    """Answers that are nonsense: counted and reported by name; the run goes on, or fails with --strict."""
    cases = [("nonsense", "return (vmm_choice){ .vcpu = 77 };", "", "bad_answers"),
             ("idle", "return (vmm_choice){ .vcpu = VMM_VCPU_NONE };", "", "bad_answers"),
             ("long", "return (vmm_choice){ .vcpu = 0, .quantum = 5 * SIM_PS_PER_S };", "", "bad_answers")]
    for name, schedule, extra, what in cases:
        path = w.bad(name, schedule, extra)
        p = w.run(w.scenario(), "--policy", path, "-q", "--json", "-")
        r = json.loads(p.stdout)
        both = min(v["instructions"] for v in r["vms"].values())
        check(p.returncode == 0 and r["policy"][what] > 0 and "policy 'bad'" in r["policy"]["first_bad_answer"] and both > 0,
              f"{name}: counted, reported by name, both VMs run", (p.returncode, r["policy"], both))
        p = w.run(w.scenario(), "--policy", path, "-q", "--strict")
        check(p.returncode == 3 and "policy 'bad'" in p.stderr, f"{name}: --strict fails with status 3", (p.returncode, p.stderr))
    starving = w.bad("starving", "return (vmm_choice){ .vcpu = services->vcpu(host, 0)->state == VMM_RUNNABLE ? 0 : 1 };")
    p = w.run(w.scenario(), "--policy", starving, "-q", "--json", "-", "-s", "scenario.duration=1100ms", "-s", "policy.quantum=10ms")
    r = json.loads(p.stdout)
    check(r["policy"]["starvations"] > 0 and r["vms"]["heavy"]["instructions"] > 0, "a VM that is starved runs all the same, and it is told", r["policy"])


def main():
    quanta, build, source = [os.path.abspath(p) for p in sys.argv[1:4]]
    with tempfile.TemporaryDirectory() as folder:
        w = World(quanta, build, sys.argv[4:], folder)
        example(w, source)
        refused(w)
        contained(w)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
