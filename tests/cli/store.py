# SPDX-License-Identifier: GPL-2.0-or-later
"""The result store and quanta sweep: what goes in, the documented questions, several writers, kills at any moment, bad input. In TAP:
store.py QUANTA SOURCE-FOLDER CC..."""
import json
import os
import random
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

SCENARIO = """[scenario]
machine = skylake
duration = {ms}ms
[machine]
cores = core
[core core]
threads = 1
[policy]
quantum = 50us
[vm a]
workload = synthetic:loop insns=30k; sleep 10us; repeat forever
[vm b]
workload = synthetic:stream ws=20KiB insns=10M; repeat forever
"""
CRASH = """
#include "vmm-policy.h"
#include <stdlib.h>
static void *init(vmm_host *h, const vmm_services *s, const vmm_param_value *v) { (void)h; (void)s; (void)v; abort(); }
static void end(void *self) { (void)self; }
static void queue(void *self, uint32_t vcpu) { (void)self; (void)vcpu; }
static void saved(void *self, uint32_t pcpu, uint32_t vcpu, vmm_off_reason why) { (void)self; (void)pcpu; (void)vcpu; (void)why; }
static vmm_choice schedule(void *self, uint32_t pcpu, sim_ps now) { (void)self; (void)pcpu; (void)now; return (vmm_choice){ .vcpu = 0 }; }
const struct vmm_policy_ops vmm_policy = { .abi_version = VMM_POLICY_ABI, .struct_size = sizeof(struct vmm_policy_ops), .name = "crash", .summary = "dies",
    .init = init, .exit = end, .wake = queue, .sleep = queue, .context_saved = saved, .schedule = schedule };
"""
results = []


def check(good, name, why=None):
    results.append(bool(good))
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", flush=True)
    if not good and why is not None:
        print("# " + str(why).replace("\n", "\n# "), flush=True)


class World:
    def __init__(self, quanta, source, folder):
        self.quanta, self.source, self.folder = quanta, source, folder
        self.write("s.conf", SCENARIO.format(ms=1))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def run(self, *args, **more):
        return subprocess.run([self.quanta, *args], capture_output=True, text=True, check=False, cwd=self.folder, timeout=250, **more)

    def start(self, *args):
        return subprocess.Popen([self.quanta, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)

    def ask(self, store, sql):
        with sqlite3.connect(self.path(store)) as db:
            return db.execute(sql).fetchall()


def content(w, store):
    """All that a store says, without its numbering."""
    run = "r.key"
    questions = [f"SELECT {run}, s.digest, r.policy, r.seed, r.digest, r.failure FROM runs r JOIN scenarios s ON s.id = r.scenario ORDER BY 1",
                 f"SELECT {run}, a.name, a.value FROM axes a JOIN runs r ON r.id = a.run ORDER BY 1, 2",
                 f"SELECT {run}, p.name, p.value FROM parameters p JOIN runs r ON r.id = p.run ORDER BY 1, 2",
                 f"SELECT {run}, v.number, v.name, v.state FROM vms v JOIN runs r ON r.id = v.run ORDER BY 1, 2",
                 f"SELECT {run}, k.name, f.vm, f.value FROM figures f JOIN runs r ON r.id = f.run JOIN kinds k ON k.id = f.kind ORDER BY 1, 2, 3",
                 f"SELECT {run}, d.number, d.at_ps, d.action, d.reason FROM decisions d JOIN runs r ON r.id = d.run ORDER BY 1, 2",
                 f"SELECT {run}, e.decision, e.outcome, e.name, e.value FROM evidence e JOIN runs r ON r.id = e.run ORDER BY 1, 2, 3, 4"]
    return [w.ask(store, q) for q in questions]


def holds_results(w):
    w.write("emon.conf", SCENARIO.format(ms=5))
    p = w.run("compare", "emon.conf", "--policies", "credit,emon-quantum", "--series", "100us", "--store", "a.db", "--json", "a.json", "-q")
    check(p.returncode == 0, "compare puts its runs into a store", p.stderr)
    with open(w.path("a.json"), encoding="utf-8") as f:
        runs = json.load(f)["runs"]
    rows = w.ask("a.db", "SELECT policy, digest, seed, simulated_ps, alone, failure FROM runs ORDER BY id")
    check(rows == [(n, r["digest"], 1, r["simulated_ps"], 1, None) for n, r in runs.items()], "its runs are those of the result", rows)
    for name, run in runs.items():
        stored = dict(w.ask("a.db", f"SELECT figure, value FROM run_figures JOIN runs ON id = run WHERE policy = '{name}'"))
        of_vm = dict(w.ask("a.db", f"SELECT vm || '.' || figure, value FROM vm_figures JOIN runs ON id = run WHERE policy = '{name}'"))
        check(abs(stored["stp"] - run["metrics"]["stp"]) < 1e-6 and stored["instructions"] == run["metrics"]["instructions"] and
              all(of_vm[f"{n}.running"] == v["running_ps"] and of_vm.get(f"{n}.L1-dcache-loads", 0) == v["events"]["L1-dcache-loads"] for n,
                  v in run["vms"].items()),
              f"{name}: figures of the run and of its VMs", stored)
    first = w.ask("a.db", "SELECT d.action, d.reason, d.before_ps, d.after_ps FROM decisions d JOIN runs r ON r.id = d.run"
                  " WHERE r.policy = 'emon-quantum' ORDER BY number")
    wanted = [(d["action"], d["reason"], d["before_ps"], d["after_ps"]) for d in runs["emon-quantum"]["decisions"]["first"]]
    check(first == wanted, "decisions in order", f"{len(first)} {len(wanted)}")
    sums = w.ask("a.db", "SELECT r.policy, sum(l.instructions) FROM series_lps l JOIN runs r ON r.id = l.run GROUP BY r.id ORDER BY r.id")
    check(sums == [(n, sum(lp["events"]["instructions"] for lp in r["lps"])) for n, r in runs.items()], "time series add up to the counts", sums)
    before = content(w, "a.db")
    w.run("compare", "emon.conf", "--policies", "credit,emon-quantum", "--store", "a.db", "-q")
    check(content(w, "a.db") == before, "stored again, nothing changes")
    w.run("run", "emon.conf", "--policy", "credit", "--store", "a.db", "-q")
    w.run("run", "emon.conf", "--policy", "credit", "--seed", "2", "--store", "a.db", "-q")
    check(w.ask("a.db", "SELECT alone, seed, count(*) FROM runs GROUP BY 1, 2 ORDER BY 1, 2") == [(0, 1, 1), (0, 2, 1), (1, 1, 3)],
          "without runs alone, or with another seed, it is another run")
    check("loop insns=30k" in w.ask("a.db", "SELECT text FROM scenarios")[0][0], "the scenario is in it as it held")


def questions(w):
    w.run("sweep", "s.conf", "--policies", "credit,emon-quantum", "--seeds", "1-3", "--store", "q.db", "-q")
    w.write("long.conf", SCENARIO.format(ms=8).replace("quantum = 50us", "quantum = 1ms"))
    w.run("sweep", "long.conf", "--policies", "emon-quantum", "--store", "q.db", "-q")
    with open(os.path.join(w.source, "docs", "store.md"), encoding="utf-8") as f:
        found = re.findall(r"\*\*(.*?)\*\*[^`]*```sql\n(.*?)```", f.read(), re.DOTALL)
    check(len(found) == 5, "docs/store.md asks five questions", len(found))
    for title, sql in found:
        rows = w.ask("q.db", sql)
        check(rows or "quanta change" in title, f"asked: {title}", rows)
    best = w.ask("q.db", found[0][1])
    check([r for r in best if r[0] == "s"][0][3] == max(r[3] for r in best if r[0] == "s"), "the best comes first", best)


def sweeps(w, cc):
    args = ["sweep", "s.conf", "--policies", "credit,eevdf", "--seeds", "1-3", "--vary", "policy.quantum=50us,100us", "--vary", "vm b.weight=128|256"]
    p = w.run(*args, "--store", "one.db", "-j1")
    check(p.returncode == 0 and "12 cells: 0 were there, 12 were run, 0 failed" in p.stdout, "a sweep of 12 cells", p.stdout + p.stderr)
    check(len(w.ask("one.db", "SELECT 1 FROM runs")) == 36 and w.ask("one.db",
                                                                     "SELECT count(DISTINCT value) FROM axes WHERE name = 'policy.quantum'") == [(2,)],
          "all runs are in the store, with their places")
    q = w.run(*args, "--store", "two.db", "-j3")
    check(content(w, "one.db") == content(w, "two.db") and p.stdout == q.stdout, "the same with any number of processes")
    r = w.run(*args, "--store", "one.db")
    check("12 were there, 0 were run" in r.stdout and r.stdout.splitlines()[:-1] == p.stdout.splitlines()[:-1], "again: nothing is run, the table is the same")
    compared = json.loads(w.run("compare", "s.conf", "--policies", "credit,eevdf", "--seed", "2", "--set", "policy.quantum=100us", "--set", "vm b.weight=128",
                                "-q", "--json", "-").stdout)
    stored = w.ask("one.db", "SELECT r.digest FROM runs r JOIN axes a ON a.run = r.id AND a.name = 'policy.quantum' AND a.value = '100us'"
                   " JOIN axes b ON b.run = r.id"
                   " AND b.name = 'vm b.weight' AND b.value = '128' WHERE r.seed = 2 AND r.policy = 'eevdf'")
    check(stored == [(compared["runs"]["eevdf"]["digest"],)], "a cell is what compare says")
    w.write("t.conf", SCENARIO.format(ms=2))
    w.write("grid.conf", "[sweep]\nscenarios = s.conf, t.conf\npolicies = credit\nseeds = 1-2\nmachines = skylake\n[vary]\npolicy.quantum = 50us, 80us\n")
    p = w.run("sweep", "grid.conf", "--store", "g.db")
    check(p.returncode == 0 and "8 cells" in p.stdout and w.ask("g.db", "SELECT count(*) FROM scenarios") == [(4,)], "a grid file", p.stdout + p.stderr)
    listed = w.run("sweep", "grid.conf", "--list").stdout.splitlines()
    check(len(listed) == 8 and listed[0] == "0 scenario=s policy.quantum=50us machine=skylake seed=1", "its cells can be listed", listed)
    source = w.write("crash.c", CRASH)
    subprocess.run(cc + ["-I", os.path.join(w.source, "vmm"), "-I", os.path.join(w.source, "sim", "kernel"), "-shared", "-fPIC", "-o", w.path("crash.so"),
                         source], check=True)
    p = w.run("sweep", "s.conf", "--policies", "credit,./crash.so,eevdf", "--seeds", "1-2", "--store", "c.db")
    check(p.returncode == 3 and "policy ./crash.so: its process died: Aborted" in p.stderr and "2 of 2 cells have no result" in p.stderr,
          "a policy that crashes is named", f"{p.returncode} {p.stderr}")
    check(w.ask("c.db", "SELECT policy, count(*) FROM runs GROUP BY 1") == [("credit", 2), ("eevdf", 2), ("round-robin", 2)], "and costs nobody else a result")


def kills(w, times):
    """Killed at random instants: what is finished stays, nothing is there twice, and in the end it is what one go makes."""
    args = ["sweep", "s.conf", "--policies", "credit", "--seeds", "1-40", "-q", "--no-progress", "-j2"]
    w.run(*args, "--store", "whole.db")
    chance, lost, twice, broken = random.Random(1), 0, 0, 0
    finished = set()
    for _ in range(times):
        p = w.start(*args, "--store", "killed.db")
        time.sleep(chance.uniform(0.01, 0.25))
        p.send_signal(signal.SIGKILL)
        p.wait()
        if not os.path.exists(w.path("killed.db")) or not os.path.getsize(w.path("killed.db")):
            continue
        try:
            rows = w.ask("killed.db", "SELECT seed, policy FROM runs")
            counts = w.ask("killed.db", "SELECT count(*) FROM runs r WHERE (SELECT count(*) FROM vms v WHERE v.run = r.id) <> 2"
                           " OR (SELECT count(*) FROM run_figures f WHERE f.run = r.id) < 20")
        except sqlite3.OperationalError as e:
            if "no such table" in str(e):
                continue
            raise
        lost += not finished <= set(rows)
        twice += len(rows) != len(set(rows))
        broken += counts[0][0]
        finished = set(rows)
        if len(rows) == 80:
            for suffix in ("", "-wal", "-shm"):
                if os.path.exists(w.path("killed.db" + suffix)):
                    os.unlink(w.path("killed.db" + suffix))
            finished = set()
    check(lost == 0 and twice == 0 and broken == 0, f"killed {times} times: no finished run lost, none twice, none in part", f"{lost} {twice} {broken}")
    p = w.run(*args, "--store", "killed.db")
    check(p.returncode == 0 and content(w, "killed.db") == content(w, "whole.db"), "then brought to its end: what one go makes", p.stderr)


def interrupted(w):
    w.write("slow.conf", SCENARIO.format(ms=20))
    p = subprocess.Popen([w.quanta, "sweep", "slow.conf", "--policies", "credit", "--seeds", "1-200", "--store", "i.db", "-j2"], stderr=subprocess.PIPE,
                         text=True,
                         cwd=w.folder, stdout=subprocess.DEVNULL)
    time.sleep(2)
    p.send_signal(signal.SIGINT)
    said = p.communicate(timeout=60)[1]
    check(p.returncode == 130 and "goes on from there" in said, "Ctrl-C ends a sweep, and says how to go on", f"{p.returncode} {said}")


def writers(w):
    """Several processes, one store that is not there yet."""
    many = [w.start("compare", "s.conf", "--policies", "credit", "--seed", str(i), "--store", "many.db", "-q") for i in range(8)]
    good = [p.wait() == 0 for p in many]
    check(all(good) and w.ask("many.db", "SELECT count(*), count(DISTINCT seed) FROM runs") == [(16, 8)],
          "eight processes write one store that none of them finds", good)


def bad_input(w):
    w.write("text.db", "not a database\n")
    with sqlite3.connect(w.path("other.db")) as db:
        db.execute("CREATE TABLE mine(x)")
    w.run("compare", "s.conf", "--policies", "credit", "--store", "new.db", "-q")
    with sqlite3.connect(w.path("new.db")) as db:
        db.execute("PRAGMA user_version = 7")
    os.mkdir(w.path("folder"))
    cases = [(("run", "s.conf", "-q", "--store", "text.db"), "not a database"), (("run", "s.conf", "-q", "--store", "other.db"), "something else"),
             (("run", "s.conf", "-q", "--store", "new.db"), "version 7"), (("run", "s.conf", "-q", "--store", "folder"), "folder"),
             (("run", "s.conf", "-q", "--store", "no/such.db"), "no/such.db"), (("run", "s.conf", "-q", "--store", "x.db", "--axis", "a"), "NAME=VALUE"),
             (("run", "s.conf", "-q", "--axis", "a=b"), "--store"), (("sweep", "s.conf"), "--store is missing"), (("sweep", "--store", "x.db"),
                 "scenario is missing"),
             (("sweep", "s.conf", "--store", "x.db", "--policies", "credt"), "'credit'"), (("sweep", "s.conf", "--store", "x.db", "--machines", "skylak"),
                                                                                           "'skylake'"),
             (("sweep", "s.conf", "--store", "x.db", "--vary", "policy.quantm=1ms"), "'quantum'"), (("sweep", "s.conf", "--store", "x.db", "--vary",
                 "quantum"), "GROUP.KEY"),
             (("sweep", "s.conf", "--store", "x.db", "--vary", "policy.quantum=1ms,,2ms"), "empty value"), (("sweep", "s.conf", "--store", "x.db", "--seeds",
                 "0-x"), "seeds"),
             (("sweep", "s.conf", "--store", "x.db", "--vary", "policy.quantum=1ms,1ms"), "there twice"), (("sweep", "none.conf", "--store", "x.db"),
                 "none.conf"),
             (("sweep", "s.conf", "--store", "x.db", "--engine", "pbs"), "neither local nor slurm"), (("sweep", "s.conf", "--store", "x.db", "--mem", "1G"),
                 "--engine slurm"),
             (("sweep", "s.conf", "--store", "x.db", "--cell", "9"), "there are 0 to 0")]
    for args, text in cases:
        p = w.run(*args)
        check(p.returncode == 2 and text in p.stderr, f"bad input: {text}", f"{p.returncode} {p.stderr}")
    w.write("g2.conf", "[sweep]\npolicies = credit\n")
    w.write("g3.conf", "[sweep]\nscenarios = s.conf\npolcies = credit\n")
    check("scenarios" in w.run("sweep", "g2.conf", "--store", "x.db").stderr, "a grid without scenarios is told")
    check("'policies'" in w.run("sweep", "g3.conf", "--store", "x.db").stderr, "an unknown key of a grid is told")
    p = w.run("sweep", "s.conf", "--store", "x.db", "--engine", "slurm", env=dict(os.environ, PATH="/no/where"))
    check(p.returncode == 2 and "sbatch" in p.stderr, "a Slurm that is not there is told", p.stderr)


def no_room(w):
    """A file that must not grow (as a full disk): nothing that was finished is lost."""
    w.run("sweep", "s.conf", "--policies", "credit", "--seeds", "1-2", "--store", "full.db", "-q")
    before = content(w, "full.db")
    limit = 24576

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    p = w.run("compare", "s.conf", "--policies", "credit,eevdf,emon-quantum", "--seed", "7", "--store", "full.db", "-q", preexec_fn=small)
    check(p.returncode == 2 and "full.db" in p.stderr and content(w, "full.db") == before, "no room: a clear error, and what was there is there",
          f"{p.returncode} {p.stderr}")
    if os.geteuid() != 0:
        os.chmod(w.folder, 0o500)
        p = w.run("run", "s.conf", "-q", "--store", "ro.db")
        os.chmod(w.folder, 0o700)
        check(p.returncode == 2 and "ro.db" in p.stderr, "a read-only folder is told", p.stderr)


def main():
    with tempfile.TemporaryDirectory() as folder:
        w = World(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), folder)
        holds_results(w)
        questions(w)
        sweeps(w, sys.argv[3:])
        writers(w)
        interrupted(w)
        bad_input(w)
        no_room(w)
        kills(w, 100)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
