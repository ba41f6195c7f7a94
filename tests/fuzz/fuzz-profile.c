/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profile files: what they say must harm nobody, neither who reads them nor a run that begins with them. */
#include "fuzz.h"
#include "run-experiment.h"
#include "run-profile.h"

/* As the corpus was made: quanta run SCENARIO --policy emon-quantum --profile-out FILE. */
static const char scenario[] = "[scenario]\nduration = 350us\n[machine]\ncores = core*1\n[core core]\nthreads = 1\n"
                               "[vm a]\nworkload = synthetic:stream ws=64KiB stores=50%; repeat forever\n"
                               "[vm b]\nworkload = synthetic:loop body=16 insns=100k; sleep 10us; repeat forever\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static run_scenario *s;
    if (!s)
        s = run_scenario_parse(scenario, "fuzz", NULL);
    g_autoptr(GError) error = NULL;
    s->profile = run_profile_load(fuzz_file(data, size), s, &error);
    g_assert((s->profile != NULL) == (error == NULL));
    if (!s->profile)
        return 0;
    s->keep_profile = true;
    run_status status;
    run_status_init(&status, 1);
    g_autoptr(run_result) r = run_live(s, "emon-quantum", &status, NULL);
    g_autofree char *text = r ? run_profile_text(r) : NULL;
    run_status_clear(&status);
    g_clear_pointer(&s->profile, run_profile_free);
    return 0;
}
