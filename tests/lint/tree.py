# SPDX-License-Identifier: GPL-2.0-or-later
"""What the linters share: the files of the source tree, C without its comments, and the way to report."""

import os
import re
import sys

HIDDEN = {'.ci', '.clang-format', '.gitignore'}


def files(root, *suffixes):
    """Paths below root, relative and sorted; build folders and hidden ones left out."""
    found = []
    for folder, folders, names in os.walk(root):
        top = folder == root
        folders[:] = sorted(d for d in folders if (d in HIDDEN or not d.startswith('.')) and d != '__pycache__'
                            and not (top and d.startswith('build')) and not os.path.islink(os.path.join(folder, d)))
        for name in names:
            if name.startswith('.') and name not in HIDDEN:
                continue
            path = os.path.join(folder, name)
            if (not suffixes or name.endswith(suffixes)) and os.path.isfile(path) and not os.path.islink(path):
                found.append(os.path.relpath(path, root))
    return sorted(found)


def text(root, path):
    """The file's text, or None if it is no text."""
    with open(os.path.join(root, path), 'rb') as file:
        data = file.read()
    if b'\0' in data:
        return None
    try:
        return data.decode('utf-8')
    except UnicodeDecodeError:
        return None


_NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def code(source, keep_strings=False):
    """C source with comments (and strings) blanked out; line numbers stay."""
    def blank(match):
        found = match.group(0)
        if keep_strings and found[0] in '"\'':
            return found
        return re.sub(r'[^\n]', ' ', found)
    return _NOT_CODE.sub(blank, source)


def line_of(source, offset):
    return source.count('\n', 0, offset) + 1


def main(name, check):
    """Runs check(root) -> [(path, line, message)] for the tree named on the command line."""
    if len(sys.argv) != 2:
        sys.exit(f'usage: {name} SOURCE-ROOT')
    problems = check(sys.argv[1])
    for path, line, message in problems:
        print(f'{path}:{line}: {message}')
    print(f'{name}: {len(problems)} problem{"" if len(problems) == 1 else "s"}')
    sys.exit(1 if problems else 0)
