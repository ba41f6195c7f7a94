#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each file says its licence, is short enough, names no machine or download host, and is tidy."""

import os
import re

import tree

SPDX = 'SPDX-License-Identifier: GPL-2.0-or-later'
WITH_SPDX = ('.c', '.h', '.S', '.sh', '.py', '.build', 'meson_options.txt', 'quickstart', 'run-tests', '.ci/run')
LINES = 700  # a file of code; past 600 it is time to ask what second thing is in it
COLUMNS = 160  # a line aims at 110; this is where it fails
MARKS = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X)\b')
# Written in pieces, so that this file does not name them either.
FOREIGN = re.compile('|'.join([
    r'(?<![\w.$}/-])/(?:wo' r'rk|ho' r'me|Us' r'ers)/[\w.-]+',
    r'\b(?:deb|ftp|security|snapshot)\.' r'debian\.(?:org|net)\b',
    r'\bregistry\.' r'npmjs\.(?:org|com)\b',
    r'\b(?:files\.pythonhosted|pypi)\.' r'org\b',
    r'\b(?:static\.|index\.)?crates\.' r'io\b',
    r'\bproxy\.' r'golang\.org\b',
]))


def check(root):
    problems = []
    for path in tree.files(root):
        source = tree.text(root, path)
        if source is None:
            continue
        lines = source.split('\n')
        if path.endswith(WITH_SPDX):
            if SPDX not in '\n'.join(lines[:2] if lines[0].startswith('#!') else lines[:1]):
                problems.append((path, 1, f'the first line (after #!) is not "{SPDX}"'))
        for number, line in enumerate(lines, 1):
            found = FOREIGN.search(line)
            if found and path != 'LICENSE':
                problems.append((path, number, f'names a machine or a download host: {found.group(0)}'))
        if source and not source.endswith('\n') and not generated(path):
            problems.append((path, len(lines), 'no newline at the end'))
        if path.endswith(('.c', '.h', '.py', '.sh')):
            problems += tidy(path, lines)
    return problems


def generated(path):
    return path.startswith(('tests/golden/', 'tests/cli/')) and not path.endswith(('.py', '.sh', '.build', '.c'))


def tidy(path, lines):
    problems = []
    if len(lines) - 1 > LINES:
        problems.append((path, LINES, f'{len(lines) - 1} lines: which second thing is in this file?'))
    elif len(lines) - 1 > 600 and path.endswith(('.c', '.h')):
        print(f'{path}: note: {len(lines) - 1} lines; past {LINES} it fails')
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            problems.append((path, number, f'{len(line)} columns, more than {COLUMNS}'))
        if line != line.rstrip():
            problems.append((path, number, 'blanks at the end of the line'))
        if '\t' in line:
            problems.append((path, number, 'a tab: indent with four spaces'))
        if MARKS.search(line):
            problems.append((path, number, 'unfinished: do it, or file an issue'))
    return problems


if __name__ == '__main__':
    tree.main(os.path.basename(__file__), check)
