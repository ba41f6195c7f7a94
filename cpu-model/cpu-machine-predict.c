/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Branch prediction of a machine file. */
#include "cpu-machine-read.h"

static bool power_of_two(sim_config *c, const char *group, const char *key, uint32_t n, GError **error)
{
    return !(n & (n - 1)) || sim_config_fail(c, error, group, key, "%u entries; a power of two or 0 (none) is needed", n);
}

static bool read_direction(sim_config *c, const char *group, cpu_core_desc *k, GError **error)
{
    static const char *const predictors[] = {"gshare", "bimodal", "tage", NULL};
    k->predictor = (cpu_predictor)sim_config_choice(c, group, "predictor", CPU_PREDICTOR_GSHARE, predictors, error);
    k->gshare_bits = cpu_read_uint(c, group, "gshare-bits", 14, 4, 24, error);
    k->gshare_history = cpu_read_uint(c, group, "gshare-history", MIN(12u, k->gshare_bits), 0, 24, error);
    k->tage_kib = cpu_read_uint(c, group, "tage-kib", 8, 2, 256, error);
    k->predictor_tagged = sim_config_bool(c, group, "predictor-tagged", false, error);
    if (*error)
        return false;
    if (k->gshare_history > k->gshare_bits)
        return sim_config_fail(c, error, group, "gshare-history", "%u history bits exceed the %u index bits", k->gshare_history, k->gshare_bits);
    if (k->predictor == CPU_PREDICTOR_BIMODAL)
        k->gshare_history = 0;
    return true;
}

bool cpu_read_predictors(sim_config *c, const char *group, cpu_core_desc *k, GError **error)
{
    k->btb_miss = cpu_read_uint(c, group, "btb-miss", 8, 0, 200, error);
    if (*error || !cpu_read_tlb(c, group, "btb", 4096, 4, &k->btb, error) || !cpu_read_tlb(c, group, "btb2", 0, 4, &k->btb2, error))
        return false;
    if (k->btb.entries == 0)
        return sim_config_fail(c, error, group, "btb", "0 entries; at least 1 is needed");
    k->btb2_latency = cpu_read_uint(c, group, "btb2-latency", 2, 1, 100, error);
    k->indirect = cpu_read_uint(c, group, "indirect-predictor", 0, 0, 1 << 20, error);
    k->line_predictor = cpu_read_uint(c, group, "line-predictor", 0, 0, 1 << 20, error);
    k->line_miss = cpu_read_uint(c, group, "line-miss", 1, 1, 100, error);
    k->ras = cpu_read_uint(c, group, "return-stack", 16, 1, 256, error);
    return *error == NULL && power_of_two(c, group, "indirect-predictor", k->indirect, error) &&
           power_of_two(c, group, "line-predictor", k->line_predictor, error) && read_direction(c, group, k, error);
}
