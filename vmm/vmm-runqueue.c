/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm-runqueue.h"

#include <glib.h>
#include <string.h>

typedef struct {
    int64_t key, seq;
    uint32_t group;
    uint32_t place; /* in the group's heap, 1-based; 0: not queued */
} entry;

typedef struct {
    uint64_t mask[VMM_MASK_WORDS];
    uint32_t *heap; /* vCPU numbers, heap[0] first; room for `members` */
    uint32_t n, members;
} group;

struct vmm_runqueue {
    entry *entries; /* [n_vcpus] */
    GArray *groups; /* of group, in order of admission */
    GArray **of_pcpu; /* [n_pcpus] of uint32_t: groups that hold the pCPU */
    unsigned n_vcpus, n_pcpus, length;
    int64_t next_seq, front_seq;
};

vmm_runqueue *vmm_runqueue_new(unsigned n_vcpus, unsigned n_pcpus)
{
    vmm_runqueue *q = g_new0(vmm_runqueue, 1);
    q->entries = g_new0(entry, n_vcpus);
    q->groups = g_array_new(FALSE, TRUE, sizeof(group));
    q->of_pcpu = g_new0(GArray *, n_pcpus);
    for (unsigned i = 0; i < n_pcpus; i++)
        q->of_pcpu[i] = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    q->n_vcpus = n_vcpus;
    q->n_pcpus = n_pcpus;
    q->next_seq = 1;
    return q;
}

void vmm_runqueue_free(vmm_runqueue *q)
{
    if (!q)
        return;
    for (unsigned i = 0; i < q->groups->len; i++)
        g_free(g_array_index(q->groups, group, i).heap);
    g_array_free(q->groups, TRUE);
    for (unsigned i = 0; i < q->n_pcpus; i++)
        g_array_free(q->of_pcpu[i], TRUE);
    g_free(q->of_pcpu);
    g_free(q->entries);
    g_free(q);
}

static group *group_at(const vmm_runqueue *q, uint32_t i)
{
    return &g_array_index(q->groups, group, i);
}

static uint32_t group_of_mask(vmm_runqueue *q, const uint64_t mask[VMM_MASK_WORDS])
{
    uint32_t n = q->groups->len;
    for (uint32_t i = 0; i < n; i++)
        if (!memcmp(group_at(q, i)->mask, mask, sizeof group_at(q, i)->mask))
            return i;
    group g = { .n = 0 };
    memcpy(g.mask, mask, sizeof g.mask);
    g_array_append_val(q->groups, g);
    for (unsigned p = 0; p < q->n_pcpus; p++)
        if (vmm_mask_has(mask, p))
            g_array_append_val(q->of_pcpu[p], n);
    return n;
}

void vmm_runqueue_admit(vmm_runqueue *q, uint32_t vcpu, const uint64_t affinity[VMM_MASK_WORDS])
{
    g_assert(vcpu < q->n_vcpus && q->entries[vcpu].place == 0);
    uint32_t at = group_of_mask(q, affinity);
    group *g = group_at(q, at);
    q->entries[vcpu].group = at;
    g->members++;
    g->heap = g_renew(uint32_t, g->heap, g->members);
}

static bool before(const vmm_runqueue *q, uint32_t a, uint32_t b)
{
    const entry *x = &q->entries[a], *y = &q->entries[b];
    return x->key != y->key ? x->key < y->key : x->seq < y->seq;
}

static void put(vmm_runqueue *q, group *g, uint32_t place, uint32_t vcpu)
{
    g->heap[place - 1] = vcpu;
    q->entries[vcpu].place = place;
}

static void sift(vmm_runqueue *q, group *g, uint32_t place)
{
    uint32_t vcpu = g->heap[place - 1];
    while (place > 1 && before(q, vcpu, g->heap[place / 2 - 1])) {
        put(q, g, place, g->heap[place / 2 - 1]);
        place /= 2;
    }
    for (uint32_t child; (child = 2 * place) <= g->n; place = child) {
        if (child < g->n && before(q, g->heap[child], g->heap[child - 1]))
            child++;
        if (!before(q, g->heap[child - 1], vcpu))
            break;
        put(q, g, place, g->heap[child - 1]);
    }
    put(q, g, place, vcpu);
}

static void insert(vmm_runqueue *q, uint32_t vcpu, int64_t key, int64_t seq)
{
    g_assert(vcpu < q->n_vcpus);
    vmm_runqueue_remove(q, vcpu);
    entry *e = &q->entries[vcpu];
    group *g = group_at(q, e->group);
    e->key = key;
    e->seq = seq;
    g->n++;
    g_assert(g->n <= g->members);
    put(q, g, g->n, vcpu);
    sift(q, g, g->n);
    q->length++;
}

void vmm_runqueue_insert(vmm_runqueue *q, uint32_t vcpu, int64_t key)
{
    insert(q, vcpu, key, q->next_seq++);
}

void vmm_runqueue_insert_front(vmm_runqueue *q, uint32_t vcpu, int64_t key)
{
    insert(q, vcpu, key, --q->front_seq);
}

void vmm_runqueue_put_back(vmm_runqueue *q, uint32_t vcpu)
{
    insert(q, vcpu, q->entries[vcpu].key, q->entries[vcpu].seq);
}

bool vmm_runqueue_remove(vmm_runqueue *q, uint32_t vcpu)
{
    if (!vmm_runqueue_contains(q, vcpu))
        return false;
    entry *e = &q->entries[vcpu];
    group *g = group_at(q, e->group);
    uint32_t place = e->place, last = g->heap[--g->n];
    e->place = 0;
    if (last != vcpu) {
        put(q, g, place, last);
        sift(q, g, place);
    }
    q->length--;
    return true;
}

bool vmm_runqueue_contains(const vmm_runqueue *q, uint32_t vcpu)
{
    return vcpu < q->n_vcpus && q->entries[vcpu].place != 0;
}

uint32_t vmm_runqueue_first(const vmm_runqueue *q, uint32_t pcpu)
{
    uint32_t best = VMM_VCPU_NONE;
    const GArray *groups = q->of_pcpu[pcpu];
    for (unsigned i = 0; i < groups->len; i++) {
        const group *g = group_at(q, g_array_index(groups, uint32_t, i));
        if (g->n && (best == VMM_VCPU_NONE || before(q, g->heap[0], best)))
            best = g->heap[0];
    }
    return best;
}

uint32_t vmm_runqueue_head(const vmm_runqueue *q)
{
    uint32_t best = VMM_VCPU_NONE;
    for (unsigned i = 0; i < q->groups->len; i++) {
        const group *g = group_at(q, i);
        if (g->n && (best == VMM_VCPU_NONE || before(q, g->heap[0], best)))
            best = g->heap[0];
    }
    return best;
}

int64_t vmm_runqueue_key(const vmm_runqueue *q, uint32_t vcpu)
{
    return q->entries[vcpu].key;
}

unsigned vmm_runqueue_length(const vmm_runqueue *q)
{
    return q->length;
}
