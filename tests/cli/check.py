#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`quanta check`: what holds, what fails and what is said of it, baselines, TAP, JUnit, JSON, bad suites. In TAP:
check.py QUANTA SOURCE-FOLDER CC..."""
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

QUANTA, SOURCE, CC = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
SAMPLES = os.path.join(SOURCE, "traces", "samples")
# One logical processor; small, for it is run often.
SCENARIO = """[scenario]
machine = skylake
duration = 1ms
[machine]
cores = core
[core core]
threads = 1
[policy]
name = emon-quantum
quantum = 600us
tight-loop = true
[vm web]
workload = synthetic:loop insns=60k; sleep 100us; repeat forever
[vm batch]
workload = synthetic:loop insns=100G
"""
# In which the policy makes decisions.
DECIDING = SCENARIO.replace("duration = 1ms", "duration = 5ms") + "[vm other]\nworkload = synthetic:stream ws=64KiB insns=100G\n"
results = []


def check(good, name, why=None):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", flush=True)
    if not good and why is not None:
        print("# " + str(why).replace("\n", "\n# "), flush=True)


def write(name, text):
    with open(name, "w", encoding="utf-8") as f:
        f.write(text)


def read(name):
    with open(name, encoding="utf-8") as f:
        return f.read()


def quanta(*args):
    return subprocess.run([QUANTA, *args], capture_output=True, text=True, check=False, timeout=120)


def run(suite, *args):
    write("t.suite", suite)
    return quanta("check", "t.suite", *args)


def case(*lines, name="one", scenario="s.conf"):
    return f"[case {name}]\nscenario = {scenario}\n" + "\n".join(lines) + "\n"


def forget():
    if os.path.exists("t.baseline.json"):
        os.remove("t.baseline.json")


def holds_and_fails():
    p = run(case("expect = ipc > 0; vm.web.wake_p99 <= 100ms", "expect.stp = stp >= 0.5 * round-robin"))
    check(p.returncode == 0 and "3 of 3 as expected" in p.stdout and p.stderr == "", "what holds: exit 0", p.stdout + p.stderr)
    p = run(case("policies = priority", "against = credit", "expect = ipc > 100; stp@credit <= 0 * round-robin; ipc > 0"))
    check(p.returncode == 1 and p.stdout.count("FAIL") == 2 and "1 of 3 as expected" in p.stdout, "what does not hold: exit 1", p.stdout + p.stderr)
    check("nothing is recorded of this run" in p.stdout, "without a baseline that is said", p.stdout)
    p = run(case("policies = priority", "expect = ipc / (stp - stp) >= 1; vm.batch.wake_p99 <= 1s"))
    check(p.returncode == 1 and "divides by 0 at column 5" in p.stdout, "division by zero fails the expectation", p.stdout)
    check("vm.batch.wake_p99 is not known of policy 'priority'" in p.stdout, "so does a value that the run has not", p.stdout)


def baselines():
    forget()
    zeros = "0" * 64
    suite = ("# first\n[suite]\npolicies = emon-quantum\n\n" + case("# kept  ", "digest.emon-quantum =  " + zeros, "expect = stp >= recorded",
        scenario="deciding.conf") +
             case("policies = round-robin", "digest = recorded", name="two"))
    p = run(suite)
    check(p.returncode == 2 and "'quanta check --update' records it" in p.stderr, "a missing baseline: exit 2", p.stderr)
    p = run(suite, "--update")
    check(p.returncode == 0 and "one/emon-quantum: new" in p.stdout and "3 of 3 as expected" in p.stdout, "--update records, then all is as expected",
        p.stdout + p.stderr)
    written = read("t.suite")
    digest = json.loads(read("t.baseline.json"))["cases"]["one"]["emon-quantum"]["digest"]
    check(written == suite.replace(zeros, digest), "the suite differs in the digest alone", written)
    p = quanta("check", "t.suite")
    check(p.returncode == 0, "what was recorded is found again", p.stdout)
    before = read("t.baseline.json")
    p = quanta("check", "t.suite", "--update")
    check("nothing differs from t.baseline.json" in p.stdout and read("t.baseline.json") == before, "recording again changes no byte", p.stdout)

    p = run(written.replace("[case one]", "[case one]\nset = policy.quantum=500us"))
    check(p.returncode == 1 and "policy.quantum_ps" in p.stdout and "600.0us" in p.stdout and "500.0us" in p.stdout, "what changed: the configuration",
        p.stdout)
    check("decisions: number 1 is the first that differs" in p.stdout and "figures differ" in p.stdout, "... the first decision, the figures", p.stdout)
    p = quanta("check", "t.suite", "--update", "--case", "one")
    after = json.loads(read("t.baseline.json"))["cases"]
    check(p.returncode == 0 and "policy.quantum_ps" in p.stdout and after["one"]["emon-quantum"]["digest"] != digest, "--update shows it, then writes",
        p.stdout)
    check(after["two"] == json.loads(before)["cases"]["two"], "--case leaves what is recorded of other cases", list(after))
    check(run(case("expect = ipc > 0", name="three"), "--update").returncode == 0 and list(json.loads(read("t.baseline.json"))["cases"]) == ["three"],
          "cases that the suite has no more go")
    write("t.baseline.json", "{}")
    p = run(case("digest = recorded"))
    check(p.returncode == 2 and "t.baseline.json: is no baseline" in p.stderr, "what is no baseline is refused", p.stderr)
    write("t.baseline.json", '{"schema": "quanta-baseline/9", "cases": {}}')
    p = run(case("digest = recorded"))
    check(p.returncode == 2 and "has the schema 'quanta-baseline/9'; valid: quanta-baseline/1" in p.stderr, "so is one of another version", p.stderr)
    forget()


def formats():
    suite = "[suite]\nname = a<b>&c\n" + case("policies = priority, credit", "expect = ipc >= 100; stp <= 1.05 * round-robin + 10", "seeds = 1-2")
    p = run(suite, "--tap", "--junit", "x.xml", "--json", "x.json")
    lines = p.stdout.splitlines()
    check(p.returncode == 1 and lines[0] == "TAP version 13" and lines[1] == "1..4" and sum(l.startswith("ok ") for l in lines) == 2
          and sum(l.startswith("not ok ") for l in lines) == 2, "TAP", p.stdout + p.stderr)
    check("not ok 1 - one/priority: ipc >= 100" in lines and all(l.startswith(("TAP", "1..", "ok ", "not ok ", "#")) for l in lines),
        "TAP's names and comments", p.stdout)
    root = ET.parse("x.xml").getroot()
    cases = root.findall("./testsuite/testcase")
    check(root.get("name") == "a<b>&c" and (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "2", "0") and len(cases) == 4,
        "JUnit's counts",
          read("x.xml"))
    check(cases[0].get("name") == "ipc >= 100" and cases[0].get("classname") == "a<b>&c.one.priority" and "measured" in cases[0].find("failure").get("message")
          and cases[1].find("failure") is None, "JUnit's cases", read("x.xml"))
    o = json.loads(read("x.json"))
    check(o["schema"] == "quanta-check/1" and o["expectations"] == 4 and o["failed"] == 2 and [r["outcome"] for r in o["results"]] == ["fail", "pass"] * 2
          and o["results"][0]["bound"] == 100 and len(o["runs"]) == 3 and o["runs"][0]["seeds"] == 2, "JSON", read("x.json"))
    one, four = quanta("check", "t.suite", "-j", "1", "--json", "-"), quanta("check", "t.suite", "-j", "4", "--json", "-")
    check(one.stdout == four.stdout == read("x.json"), "-j changes nothing")
    p = quanta("check", "t.suite", "-q", "--junit", "-")
    check(p.stdout == read("x.xml") and p.returncode == 1, "--junit -: the same on standard output", p.stdout + read("x.xml") + p.stderr)


def failures():
    with open(os.path.join(SAMPLES, "spin.qtr"), "rb") as f:
        data = bytearray(f.read())
    data[len(data) // 2] ^= 0xFF
    with open("damaged.qtr", "wb") as f:
        f.write(data)
    write("damaged.conf", SCENARIO.split("[vm web]")[0] + "[vm bad]\nworkload = trace:damaged.qtr\n")
    suite = "[case bad]\nscenario = damaged.conf\nset = scenario.duration=50ms\npolicies = priority\nexpect = ipc > 0\n" + case("policies = priority",
        "expect = ipc > 0")
    p = run(suite, "--junit", "x.xml")
    error = ET.parse("x.xml").getroot().find("./testsuite/testcase/error")
    check(p.returncode == 3 and "VM 'bad' faulted" in p.stderr and "ERROR" in p.stdout and "1 of 2 as expected" in p.stdout,
        "a guest that fails: exit 3, the other case is checked",
          f"{p.returncode}\n{p.stdout}{p.stderr}")
    check(error is not None and "faulted" in error.get("message"), "JUnit tells an error", read("x.xml"))
    p = run(suite, "--update")
    check(p.returncode == 3 and list(json.loads(read("t.baseline.json"))["cases"]["bad"]) == [], "what failed is not recorded", p.stdout + p.stderr)
    forget()


def plugins():
    """Policies by path, one that answers right and one that does not."""
    os.makedirs("include/quanta", exist_ok=True)
    for folder in ("vmm", "sim/kernel"):
        for name in os.listdir(os.path.join(SOURCE, folder)):
            if name.endswith(".h"):
                os.symlink(os.path.join(SOURCE, folder, name), os.path.join("include/quanta", name))
    with open(os.path.join(SOURCE, "examples", "policy-plugin", "lottery.c"), encoding="utf-8") as f:
        lottery = f.read()
    write("lottery.c", lottery)
    at = lottery.index("static vmm_choice ")
    body = lottery.index("{", at)
    write("bad.c", lottery[:body + 1] + " if (1) return (vmm_choice){ .vcpu = 12345 };" + lottery[body + 1:])
    for name in ("lottery", "bad"):
        subprocess.run([*CC, "-Iinclude", "-w", "-shared", "-fPIC", "-o", name + ".so", name + ".c"], check=True)
    p = run(case("policies = ./lottery.so, priority", "seeds = 1-2", "expect = ipc > 0; ipc@lottery > 0"), "--json", "-")
    o = json.loads(p.stdout)
    check(p.returncode == 0 and [r.get("policy") for r in o["results"]] == ["lottery", "priority", None], "a policy by path", p.stdout + p.stderr)
    p = run(case("policies = bad.so", "set = policy.strict=true", "expect = ipc > 0") + case("policies = priority", "expect = ipc > 0", name="two"), "--tap")
    check(p.returncode == 3 and "not ok 1" in p.stdout and "ok 2 - two/priority: ipc > 0" in p.stdout and "lottery" in p.stderr and "12345" in p.stderr,
          "a policy that fails: exit 3, the other case is checked", f"{p.returncode}\n{p.stdout}{p.stderr}")
    p = run(case("policies = nix.so", "expect = ipc > 0"))
    check(p.returncode in (2, 3) and "nix.so" in p.stderr and p.stdout == "", "a policy that is not there", f"{p.returncode} {p.stderr}")


BAD = [
    ("there is no figure 'stpp'; did you mean 'stp'?", case("expect = stpp >= 1")),
    ("[case one] expect: column 1", case("expect = stpp >= 1")),
    ("there is no VM 'wbe' for the figure 'vm.wbe.ipc'; did you mean 'web'?", case("expect = vm.wbe.ipc >= 1")),
    ("t.suite: [case one] expect.b: column 7: a number, a figure or a policy is missing", case("expect.a = stp >= 1", "expect.b = stp >=")),
    ("stp >= 1 * * 2\n               ^", case("expect = stp >= 1 * * 2")),
    ("the policy 'gang' is not run here; add it to 'policies' or 'against'", case("expect = stp / stp@gang >= 1")),
    ("there is no run of a policy 'credt'; did you mean 'credit'?", case("against = credit", "expect = stp >= stp@credt")),
    ("a time and a number: give the number a unit", case("expect = vm.web.wake_p99 <= 2")),
    ("nothing is expected", case("policies = credit")),
    ("expect: is empty", case("expect = ;")),
    ("unknown policy 'crdit'; did you mean 'credit'?", case("policies = crdit", "expect = stp >= 1")),
    ("policy 'credit' is named twice", case("policies = credit, credit", "expect = stp >= 1")),
    ("[case one] policies: is empty", case("policies = ", "expect = stp >= 1")),
    ("is no digest; valid: recorded, or the 64 hexadecimal digits", case("digest = abc")),
    ("several policies have several digests", case("policies = credit, gang", "digest = " + "a" * 64)),
    ("the policy 'gang' is not run in this case", case("digest.gang = recorded")),
    ("it needs the baseline, and in 't.baseline.json' nothing is recorded", case("expect = stp >= recorded")),
    ("'1-x' is no list of seeds", case("seeds = 1-x", "expect = stp >= 1")),
    ("seed 3 is named twice", case("seeds = 1-5,3", "expect = stp >= 1")),
    ("ends before it begins", case("seeds = 5-1", "expect = stp >= 1")),
    ("more than 10000 seeds", case("seeds = 1-100000000000", "expect = stp >= 1")),
    ("[case one] expct: unknown key; did you mean 'expect'?", case("expct = stp >= 1", "expect = stp >= 1")),
    ("scenario: is missing", "[case one]\nexpect = stp >= 1\n"),
    ("[case one] scenario: cannot read 'nix.conf'", "[case one]\nscenario = nix.conf\nexpect = stp >= 1\n"),
    ("[case one] scenario: --set: [vm web] wait", case("set = web.wait=5", "expect = stp >= 1")),
    ("the suite has no case", "[suite]\nname = x\n"),
    ("a case's name consists of", case("expect = stp >= 1", name="a b")),
    ("[cases x]: unknown group", case("expect = stp >= 1") + "[cases x]\na = b\n"),
    ("cannot write", "[suite]\nbaseline = nix/x.json\n" + case("expect = stp >= 1")),
]


def bad_input():
    for said, suite in BAD:
        p = run(suite, *(["--update"] if said == "cannot write" else []))
        check(p.returncode == 2 and said in p.stderr and p.stdout == "", f"exit 2, says: {said}".replace("\n", " "), f"{p.returncode} {p.stdout}{p.stderr}")
    write("t.suite", case("expect = ipc > 0"))
    for said, args in [("there is no case 'on'; did you mean 'one'?", ["t.suite", "--case", "on"]), ("the suite is missing", []),
        ("unexpected argument 'b'", ["t.suite", "b"]),
                       ("only one of --tap, --json - and --junit -", ["t.suite", "--tap", "--json", "-"]), ("--junit: cannot write 'nix/x'",
                           ["t.suite", "--junit", "nix/x"]),
                       ("nix.suite", ["nix.suite"]), ("did you mean '--update'?", ["t.suite", "--updat"]), ("-j: -2 is not a number", ["t.suite", "-j", "-2"])]:
        p = quanta("check", *args)
        check(p.returncode == 2 and said in p.stderr, f"exit 2, says: {said}", f"{p.returncode} {p.stdout}{p.stderr}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write("s.conf", SCENARIO)
        write("deciding.conf", DECIDING)
        holds_and_fails()
        baselines()
        formats()
        failures()
        plugins()
        bad_input()
        os.chdir("/")
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


sys.exit(main())
