# SPDX-License-Identifier: GPL-2.0-or-later
"""The caches against published counts, against a second model, and against Cachegrind: caches.py CACHE-REPLAY CACHE-TRACE QUANTA GUEST-FOLDER

Counts and traces are described in the README of the reference data. Cachegrind: LRU, write-allocate, misses of L1 go to LL, which is not inclusive; a
read-modify-write is one read; an access that straddles lines is at most one miss. Guests with musl, which do not ask the processor what it can do: Valgrind's
answer is not Unicorn's.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import marks
import zst

# trace, form, size, line, ways, misses that others found with LRU
REFERENCE = [("mm32.din", "din", 8192, 16, 4, 20248), ("mm32.din", "din", 8192, 16, 512, 19452), ("mm32.din", "din", 8 << 20, 16, 8, 1795),
             ("long.lackey", "lackey", 1024, 32, 1, 21775)]
LACKEY = (265189, 21775, 21743)  # hits, misses, evictions

GUESTS = {"sort": "400000 1", "matmul": "260 1", "hashjoin": "200000 400000", "lz": "512 1", "btree": "60000 100000", "list": "4096 300000"}
CACHEGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=yes", "--I1=32768,8,64", "--D1=32768,8,64", "--LL=2097152,16,64"]


def name_of(trace, size, ways):
    return f"cache.{trace.split('.')[0]}.{size >> 10}k.{ways}"


def replay(program, text, form, size, line, ways):
    """{policy: (hits, misses, evictions, write-backs, disagreements)}"""
    out = subprocess.run([program, form, str(size), str(line), str(ways)], input=text, check=True, capture_output=True).stdout.decode()
    return {w[0]: tuple(int(x) for x in w[1:]) for w in (row.split() for row in out.splitlines())}


def references(m, program, data):
    texts, disagreements = {}, 0
    for trace, form, size, line, ways, _ in REFERENCE:
        name = name_of(trace, size, ways)
        if not data:
            m.skip(name, "no reference data: QUANTA_DATA is not set")
            continue
        if trace not in texts:
            texts[trace] = zst.read(os.path.join(data, "cache", trace + ".zst"))
        result = replay(program, texts[trace], form, size, line, ways)
        disagreements += sum(r[4] for r in result.values())
        m.check(name, result["lru"][1], "misses")
        if form == "lackey":
            m.check(name + ".off", sum(abs(a - b) for a, b in zip(result["lru"], LACKEY)), "from the published hits, misses and evictions")
        for policy, r in result.items():
            print(f"# {name} {policy:12}: {r[0]} hits, {r[1]} misses, {r[2]} evictions, {r[3]} write-backs")
    if data:
        m.check("cache.second-model", disagreements, "accesses on which two models of plru, srrip, random, fifo or LRU disagree")
    else:
        m.skip("cache.second-model", "no reference data: QUANTA_DATA is not set")


def cachegrind(guest, args, folder):
    """Misses of D1, I1, and LL."""
    command = CACHEGRIND + ["--cachegrind-out-file=" + os.path.join(folder, "cg.out"), guest] + args.split()
    text = subprocess.run(command, check=True, capture_output=True, cwd=folder, env={}).stderr.decode()
    return [int(re.search(rf"\b{what} +misses: +([\d,]+)", text).group(1).replace(",", "")) for what in ("D1", "I1", "LL")]


def trace(program, quanta, guest, args, folder):
    path = os.path.join(folder, "guest.qtr")
    subprocess.run([quanta, "record", "-q", "-o", path, guest] + args.split(), check=True, capture_output=True)
    machine = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cachegrind.conf")
    return [int(x) for x in subprocess.run([program, path, machine], check=True, capture_output=True).stdout.split()][1:]


def against_cachegrind(m, program, quanta, guests):
    names = ("d1", "i1", "ll")
    if not shutil.which("valgrind"):
        for n in names:
            m.skip("cache.cachegrind." + n, "valgrind is not installed")
        return
    worst = dict.fromkeys(names, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        for guest, args in GUESTS.items():
            path = os.path.join(guests, guest + "-musl")
            theirs = cachegrind(path, args, folder)
            ours = trace(program, quanta, path, args, folder)
            print(f"# {guest:9}" + "".join(f"  {n}: {a} (Cachegrind {b})" for n, a, b in zip(names, ours, theirs)), flush=True)
            for n, a, b in zip(names, ours, theirs):
                worst[n] = max(worst[n], 0 if abs(a - b) <= 50 else 100 * abs(a - b) / b)
    for n in names:
        m.check("cache.cachegrind." + n, round(worst[n], 3), "% of the misses, worst guest; 0 where within 50")


def main():
    replay_program, trace_program, quanta, guests = [os.path.abspath(p) for p in sys.argv[1:5]]
    m = marks.Marks(marks.document())
    references(m, replay_program, marks.data_folder())
    against_cachegrind(m, trace_program, quanta, guests)
    return m.finish()


if __name__ == "__main__":
    sys.exit(main())
