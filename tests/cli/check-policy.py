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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef struct { const vmm_services *services; vmm_host *h; uint32_t n, last, calls; bool *waits; } turns;
static const vmm_param params[] = {{ .name = "slice", .type = VMM_PARAM_TIME, .max.u = SIM_PS_PER_S, .help = "0: the pre-assigned quantum" }};
static sim_ps slice;
static uint32_t calls;
static void *init(vmm_host *h, const vmm_services *s, const vmm_param_value *v)
{
#ifdef LEAKS
    static char *kept;
    kept = memset(malloc(100), 1, 100);
    (void)kept;
#endif
#ifdef PRINTS
    puts("ok 1 - said by the plug-in");
    fflush(stdout);
#endif
#ifdef ONCE
    static int made;
    if (made++)
        abort();
#endif
    turns *t = calloc(1, sizeof *t);
    *t = (turns){ .services = s, .h = h, .n = s->n_vcpus(h) };
    t->waits = calloc(t->n + 1, sizeof *t->waits);
    slice = v[0].u;
    return t;
}
static void end(void *self) { free(((turns *)self)->waits); free(self); }
#ifdef CHECKS
static bool check(const vmm_param_value *v, char *message, size_t size) { (void)v; (void)message; (void)size; abort(); }
#endif
#ifdef STOPS_TIME
static void timer(void *self, uint32_t pcpu, sim_ps now) { turns *t = self; t->services->set_timer(t->h, pcpu, now - now); }
#endif
static void wake(void *self, uint32_t vcpu)
{
    turns *t = self;
    t->calls++;
#ifdef STOPS_TIME
    t->services->set_timer(t->h, 0, 0);
#endif
#ifdef EATS
    for (size_t i = 0; t->calls > 20 && i < 1000; i++)
        *(volatile char *)malloc(64 << 20) = 1;
#endif
#if defined LOSES || defined FORGETS
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
#ifdef BLOCKED
    for (uint32_t i = 0; i < t->n; i++)
        if (t->services->vcpu(t->h, i)->state == VMM_BLOCKED)
            return (vmm_choice){ .vcpu = i };
#endif
    calls++;
#ifdef HANGS
    for (volatile int i = 0; calls > 50; i = !i)
        ;
#endif
#ifdef IDLES
    if (++t->last % 11 == 0)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
#endif
#ifdef INSISTS
    return (vmm_choice){ .vcpu = 0 };
#endif
    uint32_t found = VMM_VCPU_NONE;
    for (uint32_t vcpu = 0; vcpu < t->n; vcpu++) {
        const vmm_vcpu_facts *f = t->services->vcpu(t->h, vcpu);
        if (!t->waits[vcpu])
            continue;
#ifndef ROAMS
        if (!vmm_mask_has(f->affinity, pcpu))
            continue;
#endif
        bool first = found == VMM_VCPU_NONE;
#ifdef HEAVY /* who weighs least runs only when nobody else would */
        const vmm_vcpu_facts *g = first ? f : t->services->vcpu(t->h, found);
        if (first || g->weight < f->weight || (g->weight == f->weight && g->since > f->since))
#elif defined STARVES
        if (first)
#else
        if (first || t->services->vcpu(t->h, found)->since > f->since)
#endif
            found = vcpu;
    }
    if (found == VMM_VCPU_NONE)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    t->waits[found] = false;
#ifdef REMEMBERS
    if (calls % 7 == 0)
        return (vmm_choice){ .vcpu = found, .quantum = SIM_PS_PER_MS / 2 };
#endif
#ifdef OVERDOES
    return (vmm_choice){ .vcpu = found, .quantum = 2 * SIM_PS_PER_S };
#endif
    return (vmm_choice){ .vcpu = found, .quantum = slice };
}
const struct vmm_policy_ops vmm_policy = {
    .abi_version = VMM_POLICY_ABI, .struct_size = sizeof(struct vmm_policy_ops), .name = "turns", .summary = "turns", .params = params, .n_params = 1,
#ifdef FORGETS
    .flags = VMM_POLICY_MAY_IDLE,
#endif
#ifdef CHECKS
    .check = check,
#endif
#ifdef STOPS_TIME
    .timer = timer,
#endif
    .init = init, .exit = end, .wake = wake, .sleep = sleep_, .context_saved = saved, .schedule = schedule };
"""
# Fault: the invariant that it breaks, words of what is said of it, and what it may break besides.
FAULTS = {"STARVES": ("no-starvation", r"vCPU \d+ has been runnable for"), "HEAVY": ("no-starvation", "vCPU [0-9]+ has been runnable for"),
          "LOSES": ("none-lost", "asked again, on every pCPU, it did not choose it", "no-starvation"),
          "FORGETS": ("none-lost", "which it may use, idles, though it was chosen"),
          "IDLES": ("work-conserving", "asked again, it chose it"),
          "INSISTS": ("good-answers", "which runs on another pCPU|which is blocked|which is off line", "no-starvation"),
          "BLOCKED": ("good-answers", "which is blocked"), "REMEMBERS": ("deterministic", "another schedule"), "CRASHES": ("no-crash", "in the hook 'wake'"),
          "CHECKS": ("no-crash", "in the hook 'check'"), "ONCE": ("no-crash", "in the hook 'init'"), "HANGS": ("ends", "in the hook 'schedule'"),
          "STOPS_TIME": ("ends", "time stand still"), "ROAMS": ("good-answers", "which may not run there"),
          "OVERDOES": ("good-answers", "a quantum of 2000000000000 ps"), "LEAKS": ("clean-exit", r"'exit' leave \d+ bytes")}
# Cases that bring them to light; the others are the same but slower.
CASES = ["4-on-2", "16-on-8", "on-and-off", "two-spin-on-one", "herd", "sleepers", "affinities", "unlike-weights", "random-4"]
if "QUANTA_SANITIZED" not in os.environ:
    FAULTS["EATS"] = ("no-crash", "in the hook 'wake'")
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
        good = p.returncode == 0 and out["failed"] == 0 and out["passed"] >= 60 and all(c["decisions"] > 0 for c in out["cases"])
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
        check(p.returncode == 0 and "not ok" not in p.stdout and p.stdout.count("\nok ") >= 60, "a plug-in that does no wrong passes, in TAP", p.stdout)
        p = run(right, "--param", "slice=2ms", "--case", "four-spin-on-two", "--json", "-")
        slices = json.loads(p.stdout)["cases"][0]["decisions"]
        check(p.returncode == 0 and 2900 < slices < 3100, "its parameters are given to it", slices)
        for fault, (invariant, words, *besides) in FAULTS.items():
            cases = [arg for case in CASES for arg in ("--case", case)]
            p = run(plugin(fault), "--json", "-", *cases, *(["--timeout", "1"] if fault == "HANGS" else []))
            out = json.loads(p.stdout)
            broken = [c for c in out["cases"] if not c["passed"]]
            found = {c["invariant"] for c in broken}
            check(p.returncode == 1 and invariant in found and found <= {invariant, *besides}, f"{fault.lower()}: {invariant} is broken", broken)
            check(any(re.search(words, c["detail"]) for c in broken), f"{fault.lower()}: says '{words}'", broken)
            if fault in ("FORGETS", "IDLES"):
                check(all("vcpu" in c and "pcpu" in c and "at_ps" in c for c in broken), f"{fault.lower()}: with instant, vCPU and pCPU", broken)
            if fault == "HANGS":
                check(len(broken) == 3 and out["not_run"] == len(CASES) - 3 - out["passed"] > 0, "after three cases that hung the rest is not run", out)
        p = run(plugin("PRINTS"), "--tap", "--case", "herd")
        check(p.returncode == 0 and p.stdout == "1..1\nok 1 - herd\n" and "said by" in p.stderr, "what a plug-in prints does not mix with the outcome",
              p.stdout)
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
