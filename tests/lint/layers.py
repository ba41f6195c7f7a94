#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Includes follow the layers of docs/architecture.md, and each library is used where it belongs."""

import os
import re

import tree

# Folder: the folders whose headers it may include besides its own. The longest matching folder decides.
LAYERS = {
    'sim/kernel': [],
    'cpu-model/port': [],
    'cpu-model': ['cpu-model/port', 'sim/kernel'],
    'vmm': ['sim/kernel'],
    'vmm/conform': ['sim/kernel', 'vmm'],
    'traces': ['cpu-model/port', 'sim/kernel'],
    'workloads': ['cpu-model/port', 'sim/kernel', 'traces'],
    'workloads/guests': [],
    'examples': [],
    'sim/run': ['cpu-model', 'cpu-model/port', 'sim/kernel', 'traces', 'vmm', 'workloads'],
    'sim/cli': ['cpu-model', 'cpu-model/port', 'sim/kernel', 'sim/run', 'traces', 'vmm', 'vmm/conform', 'workloads'],
    'tests': ['cpu-model', 'cpu-model/port', 'sim/kernel', 'sim/run', 'tests/unit/vmm', 'traces', 'vmm', 'vmm/conform', 'workloads', 'workloads/guests'],
}

# Library header: the files that may include it.
LIBRARIES = [
    (r'Zydis/|Zycore/', r'cpu-model/cpu-(decode|describe)[\w-]*\.[ch]'),
    (r'unicorn/', r'workloads/wl-[\w-]+\.[ch]|tests/.*'),
    (r'(libelf|gelf|elfutils/.*)\.h', r'workloads/wl-[\w-]+\.[ch]|traces/tr-import-elf\.c|tests/.*'),
    (r'archive(_entry)?\.h', r'traces/tr-(import|export)-[\w-]+\.c|tests/.*'),
    (r'json-glib/', r'sim/(run|cli)/.*|tests/.*'),
    (r'zstd', r'(workloads/wl|traces/tr)-[\w-]+\.[ch]|tests/.*'),
    (r'gmodule\.h', r'vmm/[\w-]+\.[ch]|sim/run/.*'),
    (r'sqlite3\.h', r'sim/run/.*'),
    (r'check\.h', r'tests/.*'),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def layer_of(path):
    folders = [f for f in LAYERS if path.startswith(f + '/')]
    return max(folders, key=len) if folders else None


def check(root):
    sources = tree.files(root, '.c', '.h')
    headers = [path for path in sources if path.endswith('.h')]
    by_name = {}
    for path in headers:
        by_name.setdefault(os.path.basename(path), []).append(path)
    problems = []
    for path in sources:
        layer = layer_of(path)
        if layer is None:
            problems.append((path, 1, f'belongs to no layer: one of {", ".join(LAYERS)}'))
            continue
        source = tree.text(root, path) or ''
        shown = tree.code(source, keep_strings=True)
        for match in INCLUDE.finditer(shown):
            quote, name = match.groups()
            line = tree.line_of(source, match.start())
            problem = library(path, name) if quote == '<' else quoted(path, layer, name, headers, by_name)
            if quote == '<' and not problem and '/' not in name and any(name == os.path.basename(h) for h in headers):
                problem = f'<{name}> is a header of this project: include it in quotes'
            if problem:
                problems.append((path, line, problem))
    return problems


def library(path, name):
    for header, allowed in LIBRARIES:
        if re.match(header, name) and not re.fullmatch(allowed, path):
            return f'<{name}> may be included only by {allowed}'
    return None


def quoted(path, layer, name, headers, by_name):
    if '..' in name.split('/'):
        return f'"{name}": no include goes up; name the header as its layer offers it'
    own = os.path.dirname(path)
    roots = [own, layer] + LAYERS[layer]
    if any(os.path.normpath(os.path.join(folder, name)) in headers for folder in roots):
        return None
    elsewhere = by_name.get(os.path.basename(name))
    if elsewhere:
        allowed = ', '.join(LAYERS[layer]) or 'no other folder'
        return f'"{name}" is {" or ".join(elsewhere)}, but {layer} may include from: {allowed}'
    return f'"{name}" is no header of this project'


if __name__ == '__main__':
    tree.main('layers', check)
