/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page walks: the tables' entries are read as lines through L2, one after the other, four levels of 512 entries of 8 bytes (Intel SDM vol. 3A, "4-level
 * paging"), three for pages of 2 MiB. Paging-structure caches (section "Caching Translation Information" there) skip the levels whose entry they
 * hold. Their sizes are of no public specification; van Schaik et al., "RevAnC: A Framework for Reverse Engineering Hardware Page Table Caches",
 * EuroSec 2017, measured 2 to 32 entries per level on Intel's cores.
 *
 * Nested (two-dimensional) walks: each table of the guest, and the page itself, has a guest-physical address that a walk of the host's tables translates
 * (Bhargava et al., "Accelerating Two-Dimensional Page Walks for Virtualized Systems", ASPLOS 2008): up to 24 reads. The host's translations of
 * the guest's tables and pages are kept in a small nested TLB, as theirs. Guest-physical pages are numbered as the guest's virtual ones.
 *
 * Where the tables lie: below the kernel's half of the address space, where Linux maps nothing, one region per level; so their lines have the guest's owner.
 *
 * Approximate, and left out: walks read from L2, not from L1D; accessed and dirty bits are not written; a core's walks do not wait for one another. */
#include "cpu-coherence.h"

/* Page numbers where the tables of a guest and of its host begin; a region per level. */
#define GUEST_TABLES UINT64_C(0x800000000)
#define HOST_TABLES UINT64_C(0x840000000)
enum { REGION_SHIFT = 28, LEVEL_BITS = 9, TOP_LEVEL = 3, ENTRY_BYTES = 8 };

typedef struct {
    cpu_memory *m;
    cpu_mem_core *c;
    cpu_mem_result *r;
    uint64_t at;     /* clock when it began */
    uint64_t owner;  /* << 36 */
    uint32_t cycles; /* so far */
    bool nested;
} walk;

/* Where the walk begins: the entry of the level above is cached, or it is the top. */
static unsigned first_level(walk *w, uint64_t page, uint64_t base, unsigned leaf)
{
    for (unsigned level = leaf; level < TOP_LEVEL; level++) {
        cpu_tlb *t = &w->c->structures[level];
        if (t->count && cpu_tlb_touch(t, w->owner | base | page >> LEVEL_BITS * (level + 1)))
            return level;
    }
    return TOP_LEVEL;
}

static void keep_structure(walk *w, uint64_t page, uint64_t base, unsigned level)
{
    cpu_tlb *t = &w->c->structures[level - 1];
    uint64_t key = w->owner | base | page >> LEVEL_BITS * level;
    if (t->count && !cpu_tlb_touch(t, key))
        cpu_tlb_fill(t, key, 0);
}

static void read_entry(walk *w, uint64_t table, uint64_t index)
{
    uint64_t pa = cpu_memory_page(w->m, w->owner | table) + index * ENTRY_BYTES, flags = 0;
    w->cycles += cpu_ask_l2(w->m, w->c, pa >> w->m->line_shift, CPU_ASK_WALK, w->at + ((uint64_t)w->cycles << 6), &flags, w->r);
    w->c->walk_reads++;
}

static uint64_t table_page(uint64_t page, uint64_t base, unsigned level)
{
    return base | (uint64_t)level << REGION_SHIFT | page >> LEVEL_BITS * (level + 1);
}

/* The host's walk for a guest-physical page. */
static void walk_host(walk *w, uint64_t page)
{
    cpu_tlb *t = &w->c->nested;
    if (t->count && cpu_tlb_touch(t, w->owner | page))
        return;
    for (unsigned level = first_level(w, page, HOST_TABLES, 0);; level--) {
        read_entry(w, table_page(page, HOST_TABLES, level), page >> LEVEL_BITS * level & 511);
        if (level == 0)
            break;
        keep_structure(w, page, HOST_TABLES, level);
    }
    if (t->count)
        cpu_tlb_fill(t, w->owner | page, 0);
}

uint32_t cpu_memory_walk(cpu_memory *m, unsigned core, uint64_t key, uint64_t at, cpu_mem_result *r)
{
    cpu_mem_core *c = &m->cores[core];
    *r = (cpu_mem_result){0};
    walk w = {.m = m, .c = c, .r = r, .at = at, .owner = key & ~CPU_VPN_MASK};
    w.nested = w.owner && m->desc->kinds[m->desc->core_kind[core]].walk.nested;
    uint64_t page = key & CPU_VPN_MASK;
    unsigned leaf = m->desc->page_size > 4096;
    for (unsigned level = first_level(&w, page, GUEST_TABLES, leaf);; level--) {
        uint64_t table = table_page(page, GUEST_TABLES, level);
        if (w.nested)
            walk_host(&w, table);
        read_entry(&w, table, page >> LEVEL_BITS * level & 511);
        if (level == leaf)
            break;
        keep_structure(&w, page, GUEST_TABLES, level);
    }
    if (w.nested)
        walk_host(&w, page);
    c->walks++;
    return w.cycles;
}

void cpu_memory_flush_structures(cpu_memory *m, unsigned core)
{
    cpu_mem_core *c = &m->cores[core];
    for (unsigned i = 0; i < G_N_ELEMENTS(c->structures); i++)
        cpu_tlb_flush(&c->structures[i]);
    cpu_tlb_flush(&c->nested);
}
