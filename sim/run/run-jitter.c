/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-jitter.h"

#include "sim-random.h"

#include <string.h>

#define MOST (1000 * SIM_PS_PER_S)

/* The group that a VM comes from: [vm web] makes web, or with `count` web.1, web.2 and so on. */
static char *group_of(const sim_config *c, const run_vm *vm)
{
    g_autofree char *group = g_strconcat("vm ", vm->name, NULL);
    char *dot = strrchr(group, '.');
    if (dot && !sim_config_has_group(c, group))
        *dot = '\0';
    return g_steal_pointer(&group);
}

static bool move_start(sim_config *c, const run_scenario *s, run_vm *vm, GError **error)
{
    g_autofree char *group = group_of(c, vm), *stream = g_strconcat("start-jitter/", vm->name, NULL);
    sim_ps jitter = sim_config_time(c, group, "start-jitter", 0, error);
    sim_random random;
    if (*error)
        return false;
    if (jitter > MOST)
        return sim_config_fail(c, error, group, "start-jitter", "is more than 1000s");
    if (jitter && vm->stop && vm->stop <= vm->start + jitter)
        return sim_config_fail(c, error, group, "start-jitter", "may put the VM's start behind its stop");
    sim_random_init(&random, s->seed, stream);
    vm->start += jitter ? sim_random_below(&random, jitter + 1) : 0;
    return true;
}

/* VMs that start at the same time start a picosecond after one another, in an order by chance: it decides who begins on which pCPU, and where in run queues. */
static bool shuffle(const sim_config *c, run_scenario *s, GError **error)
{
    guint n = s->vms->len;
    g_autofree guint *rank = g_new0(guint, n + 1);
    sim_random random;
    sim_random_init(&random, s->seed, "placement-jitter");
    for (guint i = 0; i < n; i++) {
        guint other = (guint)sim_random_below(&random, i + 1);
        rank[i] = rank[other];
        rank[other] = i;
    }
    for (guint i = 0; i < n; i++) {
        run_vm *vm = g_ptr_array_index(s->vms, i);
        vm->start += rank[i];
        if (vm->stop && vm->stop <= vm->start)
            return sim_config_fail(c, error, "scenario", "placement-jitter", "puts the start of VM '%s' behind its stop", vm->name);
    }
    return true;
}

bool run_jitter_read(sim_config *c, run_scenario *s, GError **error)
{
    bool placement = sim_config_bool(c, "scenario", "placement-jitter", false, error);
    for (guint i = 0; !*error && i < s->vms->len; i++)
        if (!move_start(c, s, g_ptr_array_index(s->vms, i), error))
            return false;
    return !*error && (!placement || shuffle(c, s, error));
}
