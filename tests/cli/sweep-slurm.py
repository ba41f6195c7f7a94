# SPDX-License-Identifier: GPL-2.0-or-later
"""quanta sweep --engine slurm on a real Slurm of one node on the loopback, with a task that is killed: the store is that of a local sweep. Skipped, saying why,
where Slurm is not installed or cannot be started. In TAP: sweep-slurm.py QUANTA"""
import os
import shutil
import signal
import socket
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
CONF = """ClusterName=quanta
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
SlurmctldPort={port}
SlurmdPort={port2}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1
MinJobAge=300
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=500 State=UNKNOWN
PartitionName=batch Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:2
"""
results = []


def check(good, name, why=None):
    results.append(bool(good))
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", flush=True)
    if not good and why is not None:
        print("# " + str(why).replace("\n", "\n# "), flush=True)


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Slurm:
    """munged, slurmctld and slurmd in a folder of their own."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.env = dict(os.environ, SLURM_CONF=os.path.join(folder, "slurm.conf"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def tail(self, name):
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as f:
                return f.read()[-400:]
        except OSError:
            return ""

    def start(self):
        host = socket.gethostname().split(".")[0]
        port, port2 = free_ports(2)
        for name in ("state", "spool"):
            os.mkdir(self.path(name))
        with open(self.path("slurm.conf"), "w", encoding="ascii") as f:
            f.write(CONF.format(host=host, folder=self.folder, port=port, port2=port2))
        with open(self.path("cgroup.conf"), "w", encoding="ascii") as f:
            f.write("CgroupAutomount=no\n")
        with open(self.path("munge.key"), "wb") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(os.urandom(128))
        self.daemon("munged", "--foreground", "--force", *(f"--{k}={self.path('munge.' + k.split('-')[0])}" for k in ("socket", "key-file", "log-file",
            "pid-file", "seed-file")))
        if not self.wait(lambda: os.path.exists(self.path("munge.socket"))):
            return "munged does not start: " + self.tail("munged.out")
        self.daemon("slurmctld", "-D", "-c")
        self.daemon("slurmd", "-D", "-N", host)
        if not self.wait(lambda: "idle" in self.ask("sinfo", "--noheader", "--format=%T")):
            return "no node comes up: " + self.ask("sinfo") + self.tail("slurmctld.log") + self.tail("slurmd.log")
        return None

    def daemon(self, name, *args):
        path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        with open(self.path(name + ".out"), "wb") as out:
            self.processes.append(subprocess.Popen([path, *args], env=self.env, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True))

    def ask(self, *args):
        return subprocess.run(args, env=self.env, capture_output=True, text=True, check=False, timeout=20).stdout

    @staticmethod
    def wait(truth, seconds=30):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if truth():
                return True
            time.sleep(0.1)
        return False

    def stop(self):
        for p in reversed(self.processes):
            p.terminate()
        for p in self.processes:
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)


def content(path):
    questions = ["SELECT r.key, s.digest, r.policy, r.seed, r.digest FROM runs r JOIN scenarios s ON s.id = r.scenario ORDER BY 1",
                 "SELECT r.key, k.name, f.vm, f.value FROM figures f JOIN runs r ON r.id = f.run JOIN kinds k ON k.id = f.kind ORDER BY 1, 2, 3",
                 "SELECT r.key, a.name, a.value FROM axes a JOIN runs r ON r.id = a.run ORDER BY 1, 2",
                 "SELECT r.key, d.number, d.at_ps, d.reason FROM decisions d JOIN runs r ON r.id = d.run ORDER BY 1, 2",
                 "SELECT r.key, e.decision, e.name, e.value FROM evidence e JOIN runs r ON r.id = e.run ORDER BY 1, 2, 3"]
    with sqlite3.connect(path) as db:
        return [db.execute(q).fetchall() for q in questions]


def kill_a_task(quanta, folder):
    """Kills the first process of a cell that is found running in a task, once. True when there was one."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
            if words[0] == quanta.encode() and b"compare" in words[:2] and not any(folder.encode() + b"/local.db" in w for w in words):
                with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                    parent = f.read().rsplit(")", 1)[1].split()[1]
                os.kill(int(parent), signal.SIGKILL) # the task's shell: nothing of it is left to report
                os.kill(int(pid), signal.SIGKILL)
                return True
        except (OSError, IndexError):
            continue
    return False


def main():
    quanta = os.path.realpath(sys.argv[1])
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [p for p in ("munged", "slurmctld", "slurmd", "sbatch", "squeue") if not shutil.which(p, path=path)]
    if missing:
        skip("Slurm is not installed: " + ", ".join(missing))
    if os.geteuid() != 0:
        skip("a Slurm of one's own needs root")
    folder = tempfile.mkdtemp(prefix="quanta-slurm-")
    os.chmod(folder, 0o755)
    slurm = Slurm(folder)
    try:
        why = slurm.start()
        if why:
            skip("Slurm does not start here: " + " ".join(why.split()))
        run(slurm, quanta, folder)
    finally:
        slurm.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


def run(slurm, quanta, folder):
    with open(os.path.join(folder, "s.conf"), "w", encoding="ascii") as f:
        f.write(SCENARIO.format(ms=15))
    grid = ["sweep", "s.conf", "--policies", "credit,emon-quantum", "--seeds", "1-2", "--vary", "policy.quantum=50us,100us"]
    local = subprocess.run([quanta, *grid, "--store", "local.db"], cwd=folder, capture_output=True, text=True, check=False)
    check(local.returncode == 0, "the sweep on this host", local.stderr)
    with subprocess.Popen([quanta, *grid, "--engine", "slurm", "--partition", "batch", "--time", "5", "--mem", "100M", "--store", "slurm.db", "-j2"],
                          cwd=folder,
                          env=slurm.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        killed = slurm.wait(lambda: kill_a_task(quanta, folder) or p.poll() is not None, 60) and p.poll() is None
        try:
            out, err = p.communicate(timeout=200)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
    check(killed, "a task was killed in the middle", err)
    check(p.returncode == 0, "the sweep as a job array", f"{p.returncode} {err} {slurm.ask('squeue')} {slurm.tail('slurmctld.log')}")
    check("it is run again" in err and "cell" in err, "the cell of the killed task is named, and run again", err)
    check(os.path.exists(os.path.join(folder, "slurm.db")) and content(os.path.join(folder, "slurm.db")) == content(os.path.join(folder, "local.db")),
          "its store is that of the local sweep")
    check(out == local.stdout, "and its table", out)
    check(not os.path.exists(os.path.join(folder, "slurm.db.slurm")), "nothing is left beside it")
    again = subprocess.run([quanta, *grid, "--engine", "slurm", "--store", "slurm.db"], cwd=folder, env=slurm.env, capture_output=True, text=True, check=False)
    check(again.returncode == 0 and "0 were run" in again.stdout, "again: nothing to run", again.stdout)
    bad = subprocess.run([quanta, *grid, "--engine", "slurm", "--partition", "none", "--store", "bad.db"], cwd=folder, env=slurm.env, capture_output=True,
                         text=True, check=False)
    check(bad.returncode == 2 and "sbatch did not take the job" in bad.stderr and "partition" in bad.stderr, "a job that Slurm rejects is told", bad.stderr)


if __name__ == "__main__":
    sys.exit(main())
