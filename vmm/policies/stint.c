/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stint.h"

#include <glib.h>

void stints_init(stints *s, vmm_host *h, const vmm_services *services)
{
    uint32_t n = services->n_vcpus(h);
    *s = (stints){ .h = h, .services = services, .began = g_new0(sim_ps, n), .mark = g_new0(sim_ps, n) };
}

void stints_clear(stints *s)
{
    g_free(s->began);
    g_free(s->mark);
}

void stints_begin(stints *s, uint32_t vcpu, sim_ps now, bool goes_on)
{
    if (!goes_on)
        s->began[vcpu] = now;
    s->mark[vcpu] = now;
}

void stints_imposed(stints *s, uint32_t vcpu)
{
    s->mark[vcpu] = 0;
}

static void find_begin(stints *s, uint32_t vcpu, uint32_t pcpu)
{
    if (!s->mark[vcpu])
        s->began[vcpu] = s->mark[vcpu] = s->services->pcpu(s->h, pcpu)->quantum_begin;
}

sim_ps stints_take(stints *s, uint32_t vcpu, uint32_t pcpu, sim_ps now)
{
    find_begin(s, vcpu, pcpu);
    sim_ps ran = now > s->mark[vcpu] ? now - s->mark[vcpu] : 0;
    s->mark[vcpu] += ran;
    return ran;
}

sim_ps stints_length(const stints *s, uint32_t vcpu, uint32_t pcpu, sim_ps now)
{
    sim_ps began = s->mark[vcpu] ? s->began[vcpu] : s->services->pcpu(s->h, pcpu)->quantum_begin;
    return now > began ? now - began : 0;
}
