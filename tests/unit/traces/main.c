/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include <glib/gstdio.h>
#include <stdlib.h>

static char *folder;

const char *test_folder(void)
{
    if (!folder)
        folder = g_dir_make_tmp("quanta-traces-XXXXXX", NULL);
    if (!folder)
        g_error("no temporary folder");
    return folder;
}

char *test_path(const char *name)
{
    return g_build_filename(test_folder(), name, NULL);
}

void test_folder_remove(void)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *entry;
    while ((entry = g_dir_read_name(dir))) {
        g_autofree char *path = test_path(entry);
        g_unlink(path);
    }
    g_rmdir(folder);
}

int main(void)
{
    test_folder(); /* before Check forks */
    Suite *suite = suite_create("traces");
    suite_add_tcase(suite, codec_tests());
    suite_add_tcase(suite, reader_tests());
    suite_add_tcase(suite, import_tests());
    suite_add_tcase(suite, export_tests());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    test_folder_remove();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
