/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of decisions beside the decision itself: further evidence, and what came of it; and figures of VMs. */
#include "vmm-private.h"

#include <string.h>

/* Facts kept of a run: 32 bytes each. */
enum { MAX_FACTS = 1 << 22 };

struct vmm_facts_state {
    vmm_fact pending[VMM_N_MORE]; /* evidence of the decision that is to come */
    unsigned n_pending;
    GArray *facts;      /* of vmm_fact */
    GArray *n_outcomes; /* of uint8_t, by decision */
    const char *names[VMM_N_FIGURES];
    unsigned n_names;
    GPtrArray *figures; /* by VM: GArray of vmm_figure */
};

struct vmm_facts_state *vmm_facts_new(void)
{
    struct vmm_facts_state *f = g_new0(struct vmm_facts_state, 1);
    f->facts = g_array_new(FALSE, FALSE, sizeof(vmm_fact));
    f->n_outcomes = g_array_new(FALSE, TRUE, 1);
    f->figures = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    return f;
}

void vmm_facts_free(struct vmm_facts_state *f)
{
    if (!f)
        return;
    g_array_unref(f->facts);
    g_array_unref(f->n_outcomes);
    g_ptr_array_unref(f->figures);
    g_free(f);
}

static void add(vmm *v, const vmm_fact *fact)
{
    uint64_t words[] = { GUINT64_TO_LE(fact->decision), GUINT64_TO_LE((uint64_t)fact->value), fact->outcome };
    g_checksum_update(v->sum, (const guchar *)words, sizeof words);
    g_checksum_update(v->sum, (const guchar *)fact->name, (gssize)strlen(fact->name) + 1);
    if (fact->decision < v->max_decisions && v->facts->facts->len < MAX_FACTS)
        g_array_append_vals(v->facts->facts, fact, 1);
}

void vmm_facts_attach(vmm *v, uint64_t number)
{
    struct vmm_facts_state *f = v->facts;
    for (unsigned i = 0; i < f->n_pending; i++) {
        f->pending[i].decision = number;
        add(v, &f->pending[i]);
    }
    f->n_pending = 0;
}

const vmm_fact *vmm_facts_pending(const vmm *v, unsigned *n)
{
    *n = v->facts->n_pending;
    return v->facts->pending;
}

void vmm_facts_forget(vmm *v)
{
    v->facts->n_pending = 0;
}

void vmm_service_evidence(vmm_host *h, const char *name, int64_t value)
{
    struct vmm_facts_state *f = h->v->facts;
    if (!name || f->n_pending == VMM_N_MORE) {
        vmm_bad_answer(h->v, name ? "more than %u pairs of evidence beyond a decision's own" : "evidence without a name", (unsigned)VMM_N_MORE);
        return;
    }
    f->pending[f->n_pending++] = (vmm_fact){ .name = name, .value = value };
}

uint64_t vmm_service_next_decision(const vmm_host *h)
{
    return h->v->n_decisions;
}

void vmm_service_outcome(vmm_host *h, uint64_t decision, const char *name, int64_t value)
{
    vmm *v = h->v;
    GArray *n = v->facts->n_outcomes;
    if (!name || decision >= v->n_decisions) {
        vmm_bad_answer(v, "an outcome of decision %" G_GUINT64_FORMAT ", which was not made, or without a name", decision);
        return;
    }
    if (decision < v->max_decisions) {
        if (n->len <= decision)
            g_array_set_size(n, (guint)decision + 1);
        if (g_array_index(n, uint8_t, decision)++ >= VMM_N_OUTCOMES) {
            vmm_bad_answer(v, "more than %u outcomes of a decision", (unsigned)VMM_N_OUTCOMES);
            g_array_index(n, uint8_t, decision) = VMM_N_OUTCOMES;
            return;
        }
    }
    add(v, &(vmm_fact){ .decision = decision, .name = name, .value = value, .outcome = true });
}

static bool known_name(struct vmm_facts_state *f, const char *name)
{
    for (unsigned i = 0; i < f->n_names; i++)
        if (strcmp(f->names[i], name) == 0)
            return true;
    if (f->n_names == VMM_N_FIGURES)
        return false;
    f->names[f->n_names++] = name;
    return true;
}

void vmm_service_figure(vmm_host *h, uint32_t vcpu, const char *name, int64_t value)
{
    vmm *v = h->v;
    struct vmm_facts_state *f = v->facts;
    const vmm_vcpu *c = vmm_vcpu_at(v, vcpu);
    if (!c || !name || !known_name(f, name)) {
        vmm_bad_answer(v, "a figure of vCPU %u, which does not exist, without a name, or one name too many", vcpu);
        return;
    }
    while (f->figures->len <= c->facts.vm)
        g_ptr_array_add(f->figures, g_array_new(FALSE, FALSE, sizeof(vmm_figure)));
    GArray *own = g_ptr_array_index(f->figures, c->facts.vm);
    for (guint i = 0; i < own->len; i++) {
        vmm_figure *known = &g_array_index(own, vmm_figure, i);
        if (strcmp(known->name, name) == 0) {
            known->value = value;
            return;
        }
    }
    vmm_figure fresh = { .name = name, .value = value };
    g_array_append_val(own, fresh);
}

const vmm_fact *vmm_facts(const vmm *v, unsigned *n)
{
    *n = v->facts->facts->len;
    return (const vmm_fact *)(const void *)v->facts->facts->data;
}

const vmm_figure *vmm_figures(const vmm *v, unsigned vm, unsigned *n)
{
    const GArray *own = vm < v->facts->figures->len ? g_ptr_array_index(v->facts->figures, vm) : NULL;
    *n = own ? own->len : 0;
    return own ? (const vmm_figure *)(const void *)own->data : NULL;
}
