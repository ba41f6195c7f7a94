/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pcpu-topology.h"

#include <glib.h>

void pcpu_topology_init(pcpu_topology *t, const vmm_host *h, const vmm_services *services)
{
    *t = (pcpu_topology){ .n = services->n_pcpus(h) };
    t->core = g_new0(pcpu_mask, t->n);
    t->package = g_new0(pcpu_mask, t->n);
    for (uint32_t i = 0; i < t->n; i++) {
        const vmm_pcpu_facts *a = services->pcpu(h, i);
        pcpu_mask_add(&t->all, i);
        for (uint32_t k = 0; k < t->n; k++) {
            const vmm_pcpu_facts *b = services->pcpu(h, k);
            if (a->core == b->core)
                pcpu_mask_add(&t->core[i], k);
            if (a->package == b->package)
                pcpu_mask_add(&t->package[i], k);
        }
    }
}

void pcpu_topology_clear(pcpu_topology *t)
{
    g_free(t->core);
    g_free(t->package);
}
