/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include <stdlib.h>

int main(void)
{
    test_folder(); /* before Check forks */
    Suite *suite = suite_create("workloads");
    suite_add_tcase(suite, elf_tests());
    suite_add_tcase(suite, memory_tests());
    suite_add_tcase(suite, folder_tests());
    suite_add_tcase(suite, access_tests());
    suite_add_tcase(suite, linux_tests());
    suite_add_tcase(suite, fault_tests());
    suite_add_tcase(suite, record_tests());
    suite_add_tcase(suite, guest_tests());
    suite_add_tcase(suite, synthetic_tests());
    suite_add_tcase(suite, tasks_tests());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    test_folder_remove();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
