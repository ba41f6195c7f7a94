#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each linter finds what it is there for, in small trees made for that, and lets good code pass."""

import os
import tempfile
import unittest

import determinism
import documents
import layers
import sources

SPDX = '/* SPDX-License-Identifier: GPL-2.0-or-later */\n'


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        self.addCleanup(self.folder.cleanup)

    def put(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8') as file:
            file.write(text)

    def messages(self, linter):
        return [f'{path}:{line}: {message}' for path, line, message in linter.check(self.root)]

    def finds(self, linter, place, *words):
        found = [m for m in self.messages(linter) if m.startswith(place + ':')]
        self.assertEqual(len(found), 1, f'{place}: {self.messages(linter)}')
        for word in words:
            self.assertIn(word, found[0])


class Layers(Tree):
    def setUp(self):
        super().setUp()
        for path in ['sim/kernel/sim-types.h', 'cpu-model/cpu-core.h', 'cpu-model/port/insn-source.h', 'vmm/pcpu.h',
                     'vmm/policies/emon.h', 'workloads/wl-guest.h', 'sim/run/run-machine.h']:
            self.put(path, '')

    def test_allowed(self):
        self.put('vmm/a.c', '#include "pcpu.h"\n#include "policies/emon.h"\n#include <glib.h>\n#include "sim-types.h"\n')
        self.put('vmm/policies/b.c', '#include "emon.h"\n#include "pcpu.h"\n')
        self.put('workloads/c.c', '#include "insn-source.h"\n')
        self.put('sim/run/d.c', '#include "cpu-core.h"\n#include "pcpu.h"\n#include "wl-guest.h"\n')
        self.put('cpu-model/cpu-decode-table.c', '#include <Zydis/Zydis.h>\n// #include "pcpu.h"\n')
        self.assertEqual(self.messages(layers), [])

    def test_vmm_sees_no_core(self):
        self.put('vmm/a.c', '\n#include "cpu-core.h"\n')
        self.finds(layers, 'vmm/a.c:2', 'cpu-model/cpu-core.h', 'sim/kernel')

    def test_core_sees_no_vm(self):
        self.put('cpu-model/a.c', '#include "pcpu.h"\n')
        self.finds(layers, 'cpu-model/a.c:1', 'vmm/pcpu.h')

    def test_kernel_sees_nobody(self):
        self.put('sim/kernel/a.c', '#include "insn-source.h"\n')
        self.finds(layers, 'sim/kernel/a.c:1', 'insn-source.h')

    def test_workloads_see_only_the_port(self):
        self.put('workloads/a.c', '#include "cpu-core.h"\n')
        self.finds(layers, 'workloads/a.c:1', 'cpu-model/cpu-core.h')

    def test_way_up(self):
        self.put('vmm/a.c', '#include "../cpu-model/cpu-core.h"\n')
        self.finds(layers, 'vmm/a.c:1', 'goes up')

    def test_unknown_header(self):
        self.put('vmm/a.c', '#include "gone.h"\n')
        self.finds(layers, 'vmm/a.c:1', 'no header')

    def test_angle_brackets(self):
        self.put('vmm/a.c', '#include <cpu-core.h>\n')
        self.finds(layers, 'vmm/a.c:1', 'in quotes')

    def test_libraries(self):
        self.put('cpu-model/cpu-core.c', '#include <Zydis/Zydis.h>\n')
        self.put('sim/run/a.c', '#  include <unicorn/unicorn.h>\n')
        self.finds(layers, 'cpu-model/cpu-core.c:1', 'Zydis')
        self.finds(layers, 'sim/run/a.c:1', 'unicorn')

    def test_no_layer(self):
        self.put('misc/a.c', '')
        self.finds(layers, 'misc/a.c:1', 'no layer')


class Sources(Tree):
    def test_good(self):
        self.put('vmm/a.c', SPDX + 'int vmm_a;\n')
        self.put('tools/a.sh', '#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0-or-later\nls /usr/share\n')
        self.assertEqual(self.messages(sources), [])

    def test_no_licence(self):
        self.put('vmm/a.c', 'int vmm_a;\n' + SPDX)
        self.finds(sources, 'vmm/a.c:1', 'SPDX')

    def test_machine_path(self):
        self.put('vmm/a.c', SPDX + 'const char *where = "/ho' + 'me/someone/quanta";\n')
        self.finds(sources, 'vmm/a.c:2', 'names a machine')

    def test_download_host(self):
        self.put('docs/a.md', 'from deb.' + 'debian.org\n')
        self.finds(sources, 'docs/a.md:1', 'download host')

    def test_too_long(self):
        self.put('vmm/a.c', SPDX + 'int vmm_a;\n' * sources.LINES)
        self.finds(sources, f'vmm/a.c:{sources.LINES}', 'lines')

    def test_untidy(self):
        self.put('vmm/a.c', SPDX + 'int a; \n\tint b;\n' + 'x' * (sources.COLUMNS + 1) + '\n/* TO' + 'DO */\nint c;')
        for line, word in [(2, 'blanks'), (3, 'tab'), (4, 'columns'), (5, 'unfinished'), (6, 'newline')]:
            self.finds(sources, f'vmm/a.c:{line}', word)


class Determinism(Tree):
    def setUp(self):
        super().setUp()
        for path, name in determinism.ALLOWED:
            self.put(path, f'{name}();\n')

    def test_good(self):
        self.put('vmm/a.c', '/* never time() */\nint vmm_time(void);\nx->clock(y); puts("rand()"); wait_time(3);\n')
        self.put('workloads/guests/a.c', 'clock_gettime(0, &t);\n')
        self.put('tests/a.c', 'time(NULL);\n')
        self.assertEqual(self.messages(determinism), [])

    def test_calls(self):
        calls = ['time(NULL)', 'clock_gettime(0, &t)', 'g_get_real_time()', 'rand()', 'g_random_int()', 'strtod(s, 0)',
                 'g_hash_table_iter_init(&i, h)']
        self.put('cpu-model/a.c', ''.join(f'x = {call};\n' for call in calls))
        for line in range(1, len(calls) + 1):
            self.finds(determinism, f'cpu-model/a.c:{line}', 'a result must not')

    def test_unused_allowance(self):
        path, name = next(iter(determinism.ALLOWED))
        self.put(path, '\n')
        self.finds(determinism, f'{path}:1', name)


class Documents(Tree):
    def setUp(self):
        super().setUp()
        self.put('docs/other.md', '# The title\n\n## A part, named `so`\n')
        self.put('vmm/vmm.c', '')

    def test_good(self):
        self.put('README.md', '[a](docs/other.md) [b](docs/other.md#a-part-named-so) [c](https://example.org/x)\n'
                 '`vmm/vmm.c` `vmm.c` `vmm/*.c` `build/x.json` `tests/<area>/`\n\n```\n[x](gone.md) `vmm/gone.c`\n```\n')
        self.assertEqual(self.messages(documents), [])

    def test_dead_link(self):
        self.put('README.md', '\n[a](docs/gone.md)\n')
        self.finds(documents, 'README.md:2', 'leads nowhere')

    def test_dead_anchor(self):
        self.put('README.md', '[a](docs/other.md#gone)\n')
        self.finds(documents, 'README.md:1', '#gone')

    def test_dead_names(self):
        self.put('docs/a.md', 'see `vmm/gone.c`\nand `gone.h`\n')
        self.finds(documents, 'docs/a.md:1', 'vmm/gone.c')
        self.finds(documents, 'docs/a.md:2', 'gone.h')


if __name__ == '__main__':
    unittest.main()
