/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The insides of chunks again, as the work of two VMs in a whole run: what events say must harm nobody. */
#include "fuzz.h"
#include "run-experiment.h"
#include "run-result-json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const policies[] = { "round-robin", "emon-quantum", "priority" };
    g_autoptr(GByteArray) file = fuzz_trace(data, size);
    g_autofree char *text = g_strdup_printf("[scenario]\nduration = 300us\n[machine]\ncores = core*1\n[vm a]\ncount = 2\nworkload = trace:%s\n"
                                            "salvage = true\nrepeat = 2\n", fuzz_file(file->data, file->len));
    g_autoptr(run_scenario) s = run_scenario_parse(text, "fuzz", NULL);
    if (!s)
        return 0;
    run_status status;
    run_status_init(&status, 1);
    g_autoptr(run_result) r = run_live(s, policies[size % 3], &status, NULL);
    g_autofree char *json = r ? run_result_to_json(r) : NULL;
    run_status_clear(&status);
    return 0;
}
