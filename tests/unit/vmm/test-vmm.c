/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vmm.h"

#include <stdlib.h>

int main(void)
{
    Suite *s = suite_create("vmm");
    suite_add_tcase(s, vmm_tests_runqueue());
    suite_add_tcase(s, vmm_tests_params());
    suite_add_tcase(s, vmm_tests_sched());
    suite_add_tcase(s, vmm_tests_decision());
    suite_add_tcase(s, vmm_tests_priority());
    suite_add_tcase(s, vmm_tests_smu());
    suite_add_tcase(s, vmm_tests_emon());
    suite_add_tcase(s, vmm_tests_counters());
    SRunner *runner = srunner_create(s);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
