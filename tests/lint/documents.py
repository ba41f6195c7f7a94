#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Links in the Markdown files lead somewhere, and every file that they name is there."""

import glob
import os
import re

import tree

LINK = re.compile(r'!?\[[^\]]*\]\(([^)\s]+)(?:\s+"[^"]*")?\)')
HEADING = re.compile(r'^#{1,6}\s+(.*?)\s*#*$', re.MULTILINE)
QUOTED = re.compile(r'`([^`\n]+)`')
FENCE = re.compile(r'^( *)(```+|~~~+).*?^\1\2[ \t]*$', re.MULTILINE | re.DOTALL)
FILE = re.compile(r'[\w.+-]+\.(?:c|h|S|py|sh|conf|build|md|scd|txt)')
# Where builds put things; these are not in the tree.
BUILT = ('build/', 'build-')


def anchors(source):
    """The names that a forge gives to the headings."""
    names = set()
    for title in HEADING.findall(FENCE.sub('', source)):
        title = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', title)
        name = re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-')
        while name in names:
            name += '-1'
        names.add(name)
    return names


def check(root):
    everything = tree.files(root)
    names = {os.path.basename(path) for path in everything}
    tops = {path.split('/')[0] for path in everything if '/' in path}
    problems = []
    for path in [p for p in everything if p.endswith('.md')]:
        source = tree.text(root, path)
        blank = FENCE.sub(lambda m: re.sub(r'[^\n]', ' ', m.group(0)), source)
        for match in LINK.finditer(re.sub(r'`[^`\n]*`', lambda m: ' ' * len(m.group(0)), blank)):
            problem = link(root, path, match.group(1))
            if problem:
                problems.append((path, tree.line_of(source, match.start()), problem))
        if path == 'CHANGELOG.md':
            continue  # tells of files that later releases removed
        for match in QUOTED.finditer(blank):
            problem = named(root, match.group(1), tops, names)
            if problem:
                problems.append((path, tree.line_of(source, match.start()), problem))
    return problems


def link(root, path, target):
    if re.match(r'[a-z]+:', target):
        return None
    file, _, anchor = target.partition('#')
    where = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
    if where.startswith('..') or not os.path.exists(os.path.join(root, where)):
        return f'the link to {target} leads nowhere'
    if anchor and where.endswith('.md') and anchor not in anchors(tree.text(root, where)):
        return f'{where} has no heading #{anchor}'
    return None


def named(root, words, tops, names):
    for word in words.split():
        word = word.removeprefix('./').rstrip('.,;:')
        word = re.sub(r':\d+$', '', word)
        if word.startswith(BUILT) or re.search(r'[<>{}$=|\\%()]|\b(NAME|FILE|DIR)\b', word):
            continue
        if '/' in word and word.split('/')[0] in tops:
            if not glob.glob(os.path.join(root, word)):
                return f'there is no {word}'
        elif FILE.fullmatch(word) and word not in names and words == word:
            return f'no file is called {word}'
    return None


if __name__ == '__main__':
    tree.main('documents', check)
