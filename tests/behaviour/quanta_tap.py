# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs scenarios through the quanta command, and says in TAP what held."""
import json
import os
import subprocess
import sys
import tempfile

_count = 0
_failed = 0


def check(truth, text):
    global _count, _failed
    _count += 1
    _failed += not truth
    print(f"{'ok' if truth else 'not ok'} {_count} - {text}", flush=True)


def done():
    print(f"1..{_count}")
    sys.exit(1 if _failed else 0)


def quanta(command, text, *options):
    """The result of `quanta run|compare` on a scenario's text, as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "scenario.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        out = os.path.join(folder, "result.json")
        p = subprocess.run([os.environ["QUANTA"], command, path, "--json", out, "--quiet", *options], capture_output=True, text=True, check=False)
        if p.returncode not in (0, 3):
            print(f"Bail out! quanta {command}: {p.returncode} {p.stderr}")
            sys.exit(1)
        with open(out, encoding="utf-8") as f:
            return json.load(f)


def vm(name, program, args="", **keys):
    lines = [f"[vm {name}]", f"workload = elf:guests/{program}", f"args = {args}"]
    return "\n".join(lines + [f"{key.replace('_', '-')} = {value}" for key, value in keys.items()]) + "\n"


def scenario(*vms, machine="skylake", duration="1s", overrides="", policy=""):
    return (f"[scenario]\nmachine = {machine}\nduration = {duration}\n" + (f"[machine]\n{overrides}\n" if overrides else "") + policy +
            "".join(vms))
