/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vmm.h"

#include <stdlib.h>

int main(void)
{
    Suite *s = suite_create("vmm");
    suite_add_tcase(s, vmm_tests_runqueue());
    suite_add_tcase(s, vmm_tests_below());
    suite_add_tcase(s, vmm_tests_params());
    suite_add_tcase(s, vmm_tests_sched());
    suite_add_tcase(s, vmm_tests_transitions());
    suite_add_tcase(s, vmm_tests_decision());
    suite_add_tcase(s, vmm_tests_priority());
    suite_add_tcase(s, vmm_tests_smu());
    suite_add_tcase(s, vmm_tests_sampling());
    suite_add_tcase(s, vmm_tests_profile());
    suite_add_tcase(s, vmm_tests_emon());
    suite_add_tcase(s, vmm_tests_emon_history());
    suite_add_tcase(s, vmm_tests_counters());
    suite_add_tcase(s, vmm_tests_credit());
    suite_add_tcase(s, vmm_tests_rtds());
    suite_add_tcase(s, vmm_tests_gang());
    suite_add_tcase(s, vmm_tests_symbiosis());
    suite_add_tcase(s, vmm_tests_eevdf());
    suite_add_tcase(s, vmm_tests_host_os());
    suite_add_tcase(s, vmm_tests_credit2());
    suite_add_tcase(s, vmm_tests_vm_params());
    suite_add_tcase(s, vmm_tests_policies());
    SRunner *runner = srunner_create(s);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
