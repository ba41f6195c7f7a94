#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing of the host's clock, chance, locale or hash order can reach a result: such calls are not there."""

import re

import tree

FOLDERS = ('sim/', 'cpu-model/', 'vmm/', 'workloads/', 'traces/')
GUESTS = 'workloads/guests/'  # programs of the simulated machine: their clock is the simulated one

CALLS = {
    "the host's clock": r'time|clock|clock_gettime|clock_getres|gettimeofday|times|ftime|getrusage|__rdtscp?|_rdtsc|'
                        r'__builtin_ia32_rdtscp?|g_get_monotonic_time|g_get_real_time|g_get_current_time|'
                        r'g_date_time_new_now\w*|g_timer_new',
    'chance': r'rand|rand_r|random|srand|srandom|[dlm]rand48|arc4random\w*|getrandom|getentropy|g_rand_new|'
              r'g_random_\w+|g_uuid_string_random',
    'the locale': r'setlocale|strtod|atof|g_ascii_isblank_l|localtime|localtime_r|strftime|strcoll|g_utf8_collate\w*',
    "a hash table's order": r'g_hash_table_(?:iter_init|foreach\w*|get_keys\w*|get_values\w*|find)',
}

# (file, function): why it is harmless there.
ALLOWED = {
    ('sim/cli/cli-progress.c', 'g_get_monotonic_time'): 'the progress display shows how long the user has waited',
    ('sim/cli/cli-sweep-local.c', 'g_get_monotonic_time'): 'the progress display shows how long the user has to wait',
    ('vmm/conform/vmm-conform.c', 'g_get_monotonic_time'): 'a case that does not end is given up; no schedule depends on it',
}


def check(root):
    calls = [(what, re.compile(rf'(?<![\w.>])({names})\s*\(')) for what, names in CALLS.items()]
    problems = []
    unused = set(ALLOWED)
    for path in tree.files(root, '.c', '.h'):
        if not path.startswith(FOLDERS) or path.startswith(GUESTS):
            continue
        source = tree.text(root, path) or ''
        shown = tree.code(source)
        for what, pattern in calls:
            for match in pattern.finditer(shown):
                if (path, match.group(1)) in ALLOWED:
                    unused.discard((path, match.group(1)))
                    continue
                problems.append((path, tree.line_of(shown, match.start()),
                                 f'{match.group(1)}() depends on {what}; a result must not'))
    for path, name in sorted(unused):
        problems.append((path, 1, f'does not call {name}(): take it off the list in tests/lint/determinism.py'))
    return problems


if __name__ == '__main__':
    tree.main('determinism', check)
