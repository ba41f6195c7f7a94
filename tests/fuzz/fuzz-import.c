/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of another tool; the first byte chooses the importer, beyond the last one it has to be recognised. */
#include "cpu-machine.h"
#include "fuzz.h"
#include "tr-import.h"

#include <glib/gstdio.h>
#include <unistd.h>

enum { INSNS = 20000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *to;
    if (!to)
        to = g_strdup_printf("%s/quanta-fuzz-%d.qtr", g_file_test("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm" : g_get_tmp_dir(), (int)getpid());
    if (size < 1)
        return 0;
    unsigned formats = g_strv_length((char **)tr_import_formats);
    tr_import_options options = { .format = data[0] < formats ? tr_import_formats[data[0]] : NULL, .limit = INSNS };
    tr_import_report report;
    insn_code *code = cpu_code_new();
    g_autoptr(GError) error = NULL;
    bool ok = tr_import(fuzz_file(data + 1, size - 1), to, code, &options, &report, &error);
    g_assert(ok == !error);
    cpu_code_free(code);
    g_unlink(to);
    return 0;
}
