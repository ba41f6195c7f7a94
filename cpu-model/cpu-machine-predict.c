/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Branch prediction of a machine file. */
#include "cpu-machine-read.h"

bool cpu_read_predictors(sim_config *c, const char *group, cpu_core_desc *k, GError **error)
{
    k->btb_miss = cpu_read_uint(c, group, "btb-miss", 8, 0, 200, error);
    if (*error || !cpu_read_tlb(c, group, "btb", 4096, 4, &k->btb, error))
        return false;
    if (k->btb.entries == 0)
        return sim_config_fail(c, error, group, "btb", "0 entries; at least 1 is needed");
    k->ras = cpu_read_uint(c, group, "return-stack", 16, 1, 256, error);
    k->gshare_bits = cpu_read_uint(c, group, "gshare-bits", 14, 4, 24, error);
    k->gshare_history = cpu_read_uint(c, group, "gshare-history", 12, 0, 24, error);
    if (*error)
        return false;
    if (k->gshare_history > k->gshare_bits)
        return sim_config_fail(c, error, group, "gshare-history", "%u history bits exceed the %u index bits", k->gshare_history, k->gshare_bits);
    return true;
}
