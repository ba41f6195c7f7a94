# SPDX-License-Identifier: GPL-2.0-or-later
"""quanta run --unknown: an instruction that the machine's tables lack is told with its weight. In TAP: unknown.py QUANTA

The guest is a DynamoRIO trace, made here, of a loop with an instruction that no modelled generation has: as it comes from a newer processor.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

HEADER, ENCODING, INSTR, JUMP, FOOTER = 25, 47, 10, 48, 26
# sha256rnds2 xmm0,xmm1,xmm0; dec ecx; jnz
LOOP = [(INSTR, bytes.fromhex("0f38cbc1")), (INSTR, bytes.fromhex("ffc9")), (JUMP, bytes.fromhex("75f8"))]
ROUNDS = 1000


def trace():
    out = struct.pack("<HHQ", HEADER, 0, 4)
    for _ in range(ROUNDS):
        at = 0x401000
        for kind, code in LOOP:
            out += struct.pack("<HH8s", ENCODING, len(code), code) + struct.pack("<HHQ", kind, len(code), at)
            at += len(code)
    return out + struct.pack("<HHQ", FOOTER, 0, 0)


def main():
    quanta = os.path.abspath(sys.argv[1])
    results = []
    with tempfile.TemporaryDirectory() as folder:
        raw, path = os.path.join(folder, "sha.drmemtrace"), os.path.join(folder, "s.conf")
        with open(raw, "wb") as f:
            f.write(trace())
        subprocess.run([quanta, "trace", "import", raw, os.path.join(folder, "sha.qtr")], check=True, capture_output=True)
        with open(path, "w", encoding="ascii") as f:
            f.write("[scenario]\nmachine = skylake\nduration = 1ms\n[vm a]\ncount = 2\nworkload = trace:sha.qtr\n")
        run = [quanta, "run", path]
        plain = json.loads(subprocess.run(run + ["-q", "--json", "-"], check=True, capture_output=True, text=True).stdout)
        asked = json.loads(subprocess.run(run + ["-q", "--unknown", "--json", "-"], check=True, capture_output=True, text=True).stdout)
        got = asked.get("unknown_instructions") or [{}]
        results.append((len(got) == 1 and got[0].get("instruction") == "sha256rnds2 xmm, xmm" and got[0].get("executions") == 2 * ROUNDS,
                        "the instruction and its executions by all VMs", got))
        results.append((asked["digest"] == plain["digest"] and "unknown_instructions" not in plain, "asking changes nothing else", None))
        text = subprocess.run(run + ["--unknown"], check=True, capture_output=True, text=True).stdout
        results.append(("sha256rnds2 xmm, xmm" in text and f"{2 * ROUNDS}  33.3" in text, "as a table, with its share", text))
    for n, (good, name, got) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
        if not good and got is not None:
            print("# " + str(got).replace("\n", "\n# "))
    print(f"1..{len(results)}")
    return 0 if all(r[0] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
