# SPDX-License-Identifier: GPL-2.0-or-later
"""quanta check-policy: every policy of the registry keeps the invariants, and each of a set of faulty plug-ins is caught with the right one. In TAP:
check-policy.py QUANTA BUILD-FOLDER CC..."""
import json
import os
import re
import subprocess
import sys
import tempfile

# Takes turns, rightly, but for the fault that is compiled in.
POLICY = """
#include <quanta/vmm-policy.h>
#include <stdlib.h>
typedef struct { const vmm_services *services; vmm_host *h; uint32_t n, last, calls; bool *waits; } turns;
static const vmm_param params[] = {{ .name = "slice", .type = VMM_PARAM_TIME, .max.u = SIM_PS_PER_S, .help = "0: the pre-assigned quantum" }};
static sim_ps slice;
static uint32_t calls;
static void *init(vmm_host *h, const vmm_services *s, const vmm_param_value *v)
{
    turns *t = calloc(1, sizeof *t);
    *t = (turns){ .services = s, .h = h, .n = s->n_vcpus(h) };
    t->waits = calloc(t->n + 1, sizeof *t->waits);
    slice = v[0].u;
    return t;
}
static void end(void *self) { free(((turns *)self)->waits); free(self); }
static void wake(void *self, uint32_t vcpu)
{
    turns *t = self;
    t->calls++;
#ifdef LOSES
    if (t->calls % 37 == 0)
        return;
#endif
#ifdef CRASHES
    if (t->calls == 30)
        *(volatile int *)8 = 1;
#endif
    t->waits[vcpu] = true;
}
static void sleep_(void *self, uint32_t vcpu) { ((turns *)self)->waits[vcpu] = false; }
static void saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why) { (void)pcpu; (void)why; ((turns *)self)->waits[vcpu] = true; }
static vmm_choice schedule(void *self, uint32_t pcpu, sim_ps now)
{
    turns *t = self;
    (void)now;
    calls++;
#ifdef HANGS
    for (volatile int i = 0; calls > 50; i = !i)
        ;
#endif
#ifdef IDLES
    if (calls % 11 == 0)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
#endif
#ifdef INSISTS
    return (vmm_choice){ .vcpu = 0 };
#endif
#ifdef REMEMBERS
    t->last = calls % t->n;
#endif
    for (uint32_t i = 1; i <= t->n; i++) {
#ifdef STARVES
        uint32_t vcpu = i - 1;
#else
        uint32_t vcpu = (t->last + i) % t->n;
#endif
        if (!t->waits[vcpu])
            continue;
#ifndef ROAMS
        if (!vmm_mask_has(t->services->vcpu(t->h, vcpu)->affinity, pcpu))
            continue;
#endif
        t->last = vcpu;
        t->waits[vcpu] = false;
#ifdef OVERDOES
        return (vmm_choice){ .vcpu = vcpu, .quantum = 2 * SIM_PS_PER_S };
#endif
        return (vmm_choice){ .vcpu = vcpu, .quantum = slice };
    }
    return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
}
const struct vmm_policy_ops vmm_policy = {
    .abi_version = VMM_POLICY_ABI, .struct_size = sizeof(struct vmm_policy_ops), .name = "turns", .summary = "turns", .params = params, .n_params = 1,
    .init = init, .exit = end, .wake = wake, .sleep = sleep_, .context_saved = saved, .schedule = schedule };
"""
FAULTS = {"STARVES": "no-starvation", "LOSES": "good-answers", "IDLES": "good-answers", "INSISTS": "good-answers", "REMEMBERS": "deterministic",
          "CRASHES": "no-crash", "HANGS": "ends", "ROAMS": "good-answers", "OVERDOES": "good-answers"}
results = []


def check(good, name, why=None):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", flush=True)
    if not good and why is not None:
        print("# " + str(why).replace("\n", "\n# "), flush=True)


def main():
    quanta, build, cc = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3:]

    def run(*args):
        return subprocess.run([quanta, "check-policy", *args], capture_output=True, text=True, check=False, timeout=200)

    listed = subprocess.run([quanta, "list", "policies"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^([a-z][a-z0-9-]*)  ", listed, re.MULTILINE)
    check(len(names) >= 13 and "oracle" in names, "the registry's policies are listed", listed)
    for name in names:
        p = run(name, "--json", "-")
        out = json.loads(p.stdout)
        good = p.returncode == 0 and out["failed"] == 0 and out["passed"] >= 33 and all(c["decisions"] > 0 for c in out["cases"])
        check(good, f"{name} keeps all invariants",
              [c for c in out["cases"] if not c["passed"]])
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--tags", "devel"], check=True, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, DESTDIR=os.path.join(folder, "root")))
        include = next(where for where, _, files in os.walk(os.path.join(folder, "root")) if "vmm-policy.h" in files)
        source = os.path.join(folder, "turns.c")
        with open(source, "w", encoding="ascii") as f:
            f.write(POLICY)

        def plugin(*faults):
            path = os.path.join(folder, "-".join(faults or ("right",)) + ".so")
            subprocess.run(cc + ["-I", os.path.dirname(include), "-shared", "-fPIC", "-o", path, source] + ["-D" + f for f in faults], check=True)
            return path

        right = plugin()
        p = run(right, "--tap")
        check(p.returncode == 0 and "not ok" not in p.stdout and p.stdout.count("\nok ") >= 33, "a plug-in that does no wrong passes, in TAP", p.stdout)
        p = run(right, "--param", "slice=2ms", "--case", "four-on-two", "--json", "-")
        slices = json.loads(p.stdout)["cases"][0]["decisions"]
        check(p.returncode == 0 and 2900 < slices < 3100, "its parameters are given to it", slices)
        for fault, invariant in FAULTS.items():
            bad = plugin(fault)
            p = run(bad, "--json", "-", "--timeout", "2", *(["--case", "two-on-one"] if fault == "HANGS" else []))
            broken = {c["case"]: (c["invariant"], c["detail"]) for c in json.loads(p.stdout)["cases"] if not c["passed"]}
            check(p.returncode == 1 and invariant in {i for i, _ in broken.values()}, f"{fault.lower()}: {invariant}", broken)
            if fault in ("CRASHES", "HANGS"):
                hook = "'wake'" if fault == "CRASHES" else "'schedule'"
                check(any(hook in d for _, d in broken.values()), f"{fault.lower()}: in the hook {hook}", broken)
        p = run(plugin("STARVES"))
        check("FAILED" in p.stdout and re.search(r"\d+ passed, \d+ failed", p.stdout), "a table for people says what failed", p.stdout)
        mistakes = [((), "the policy is missing"), (("no-such",), "no-such"), (("rond-robin",), "round-robin"),
                    (("round-robin", "--case", "herdd"), "'herd'"), ((os.path.join(folder, "none.so"),), "No such file"),
                    (("credit", "--param", "slice"), "NAME=VALUE"), (("credit", "--param", "slise=1ms"), "slice"),
                    (("round-robin", "--timeout", "0"), "1 to 3600"), (("round-robin", "--json", "/no/where/x.json"), "--json")]
        for args, text in mistakes:
            p = run(*args)
            wanted = 3 if "none.so" in str(args) else 2
            check(p.returncode == wanted and text in p.stderr and not p.stdout.strip().endswith("failed"), f"bad input: {text}",
                  f"{p.returncode} {p.stderr}")
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
