# SPDX-License-Identifier: GPL-2.0-or-later
"""Predictors on recorded branches, against the counts that are known for them: branches.py BRANCHES-PROGRAM"""
import os
import subprocess
import sys

import marks


def main():
    m = marks.Marks(marks.document())
    data = marks.data_folder()
    if not data:
        m.skip("branch", "no reference data: ./run-tests --data DIR")
        return m.finish()
    out = subprocess.run([sys.argv[1], os.path.join(data, "branch")], check=True, capture_output=True, text=True).stdout
    counts = {name: int(count) for name, count in (line.split() for line in out.splitlines())}
    for name, count in counts.items():
        m.check("branch." + name, count)
    if not counts:
        m.skip("branch", "no traces in " + os.path.join(data, "branch"))
    return m.finish()


if __name__ == "__main__":
    sys.exit(main())
