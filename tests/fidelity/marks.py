# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures that docs/fidelity.md records, and holding a run against them.

A row of a table there whose first cell is a name in backquotes is a figure: its last cell but one says what a run must give, as
`<= 9.61%`, `>= 0.912`, `= 20248` or `1.15 .. 1.35`. A run that falls back behind it fails.
"""
import os
import re
import sys

_NUMBER = r"(-?[\d,]+(?:\.\d+)?)%?"


def _number(text):
    return float(text.replace(",", ""))


def _parse(cell):
    m = re.fullmatch(r"(<=|>=|=)\s*" + _NUMBER, cell)
    if m:
        return m.group(1), _number(m.group(2)), None
    m = re.fullmatch(_NUMBER + r"\s*\.\.\s*" + _NUMBER, cell)
    if m:
        return "..", _number(m.group(1)), _number(m.group(2))
    return None


class Marks:
    """check() prints a TAP line for each figure; finish() gives the exit status."""

    def __init__(self, document):
        self.marks, self.n, self.failed = {}, 0, 0
        for number, line in enumerate(open(document, encoding="utf-8"), 1):
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            m = re.fullmatch(r"`([^`]+)`", cells[0])
            if not m or len(cells) < 3:
                continue
            mark = _parse(cells[-2].strip("`"))
            if not mark:
                sys.exit(f"{document}:{number}: '{cells[-2]}' is no mark: '<= N', '>= N', '= N' or 'N .. M' is needed")
            self.marks[m.group(1)] = mark

    def check(self, name, value, text=""):
        self.n += 1
        if name not in self.marks:
            verdict, wanted = "not ok", "nothing is recorded for it in docs/fidelity.md"
        else:
            op, a, b = self.marks[name]
            good = {"<=": value <= a, ">=": value >= a, "=": value == a, "..": b is not None and a <= value <= b}[op]
            verdict, wanted = "ok" if good else "not ok", f"{op} {a:g}" if b is None else f"{a:g} .. {b:g}"
        self.failed += verdict != "ok"
        shown = f"{value:g}" if value != int(value) or abs(value) >= 1e15 else f"{int(value)}"
        print(f"{verdict} {self.n} - {name}: {shown} (recorded: {wanted}){' ' + text if text else ''}", flush=True)

    def skip(self, name, why):
        self.n += 1
        print(f"ok {self.n} - {name} # SKIP {why}", flush=True)

    def finish(self):
        print(f"1..{self.n}")
        return 1 if self.failed else 0


def data_folder():
    """The folder of reference data ($QUANTA_DATA), or None."""
    folder = os.environ.get("QUANTA_DATA")
    return folder if folder and os.path.isdir(folder) else None


def document():
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "fidelity.md")
