/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-suites.h"

int main(void)
{
    SRunner *runner = srunner_create(scenario_suite());
    srunner_add_suite(runner, metrics_suite());
    srunner_add_suite(runner, output_suite());
    srunner_add_suite(runner, emon_suite());
    srunner_add_suite(runner, vm_params_suite());
    srunner_add_suite(runner, figures_suite());
    srunner_add_suite(runner, stats_suite());
    srunner_add_suite(runner, expression_suite());
    srunner_add_suite(runner, sweep_suite());
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
