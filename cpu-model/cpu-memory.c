/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-memory.h"

void cpu_memory_init(cpu_memory *m, const cpu_machine *desc)
{
    *m = (cpu_memory){.desc = desc};
    m->cores = g_new0(cpu_mem_core, desc->n_cores);
    m->packages = g_new0(cpu_mem_package, desc->n_packages);
    uint32_t line = desc->kinds[0].l1d.line;
    m->line_shift = (unsigned)__builtin_ctz(line);
    m->line_ps = MAX((sim_ps)((unsigned __int128)line * SIM_PS_PER_S / desc->mem_bandwidth), 1);
    uint32_t in_package[CPU_MAX_LPS] = {0};
    for (unsigned i = 0; i < desc->n_cores; i++) {
        const cpu_core_desc *k = &desc->kinds[desc->core_kind[i]];
        cpu_mem_core *c = &m->cores[i];
        c->package = desc->core_package[i];
        c->index = in_package[c->package]++;
        c->hz = k->hz;
        c->hz_sub = k->hz << 6;
        c->mem_cycles = (uint32_t)sim_ps_to_cycles(desc->mem_latency_ns * SIM_PS_PER_NS, k->hz);
        cpu_cache_init(&c->l1i, &k->l1i);
        cpu_cache_init(&c->l1d, &k->l1d);
        cpu_cache_init(&c->l2, &k->l2);
    }
    if (desc->l3.size)
        for (unsigned p = 0; p < desc->n_packages; p++)
            cpu_cache_init(&m->packages[p].l3, &desc->l3);
}

void cpu_memory_clear(cpu_memory *m)
{
    if (!m->desc)
        return;
    for (unsigned i = 0; i < m->desc->n_cores; i++) {
        cpu_cache_clear(&m->cores[i].l1i);
        cpu_cache_clear(&m->cores[i].l1d);
        cpu_cache_clear(&m->cores[i].l2);
    }
    for (unsigned p = 0; p < m->desc->n_packages; p++)
        cpu_cache_clear(&m->packages[p].l3);
    g_free(m->cores);
    g_free(m->packages);
    *m = (cpu_memory){0};
}

/* A bijection of 36 bits: xorshifts and odd multiplications (the construction of splitmix64), so that pages that are
 * neighbours for the guest are not so in the physically indexed caches, as after any allocator's use. */
static uint64_t permute_vpn(uint64_t vpn, uint64_t owner)
{
    uint64_t x = (vpn + owner * UINT64_C(0x5851f42d)) & CPU_VPN_MASK;
    x ^= x >> 17;
    x = (x * UINT64_C(0xd1342543de82ef95)) & CPU_VPN_MASK;
    x ^= x >> 19;
    x = (x * UINT64_C(0xaf251af3b0f025b5)) & CPU_VPN_MASK;
    x ^= x >> 18;
    return x;
}

uint64_t cpu_memory_page(const cpu_memory *m, uint64_t key)
{
    uint64_t owner = key >> CPU_VPN_BITS;
    uint64_t page = m->desc->hashed_pages ? permute_vpn(key & CPU_VPN_MASK, owner) : key & CPU_VPN_MASK;
    return (owner << CPU_VPN_BITS | page) << CPU_PAGE_SHIFT;
}

static uint64_t core_bit(const cpu_mem_core *c)
{
    return (uint64_t)CPU_LINE_SHARER << c->index % 6;
}

/* Takes the first free slot of a package's channel from `at` on; returns how long the request had to wait for it. A
 * backlog of more than the ring's 4,032 lines is cut off there. `clock` is that of core `c`. */
static sim_ps use_channel(cpu_memory *m, const cpu_mem_core *c, unsigned package, uint64_t clock)
{
    sim_ps at = sim_cycles_to_ps(clock, c->hz_sub);
    cpu_channel *ch = &m->packages[package].channel;
    uint64_t first = at / m->line_ps;
    for (uint64_t word = first / 64;; word++) {
        unsigned place = word % CPU_CHANNEL_WORDS;
        if (ch->number[place] < word) {
            ch->number[place] = word;
            ch->taken[place] = 0;
        }
        uint64_t free_slots = ~ch->taken[place];
        if (word == first / 64)
            free_slots &= UINT64_MAX << first % 64;
        bool last = word - first / 64 == CPU_CHANNEL_WORDS - 1;
        if (ch->number[place] > word || (!free_slots && !last)) /* long past, or full */
            continue;
        uint64_t slot = word * 64 + (free_slots ? (unsigned)__builtin_ctzll(free_slots) : 63);
        ch->taken[place] |= UINT64_C(1) << slot % 64;
        return (slot - first) * m->line_ps;
    }
}

static void write_to_memory(cpu_memory *m, const cpu_mem_core *c, unsigned package, uint64_t at, cpu_mem_result *r)
{
    use_channel(m, c, package, at);
    r->mem_writes++;
}

/* Takes a line out of a core's private caches; true when a dirty copy was there. */
static bool purge_core(cpu_mem_core *c, uint64_t line)
{
    uint64_t l1 = cpu_cache_remove(&c->l1d, line);
    uint64_t l2 = cpu_cache_remove(&c->l2, line);
    cpu_cache_remove(&c->l1i, line);
    return (l1 != CPU_LINE_NONE && l1 & CPU_LINE_DIRTY) || (l2 != CPU_LINE_NONE && l2 & CPU_LINE_DIRTY);
}

/* Makes a core's copies clean and shared; true when a dirty copy was there. */
static bool share_core(cpu_mem_core *c, uint64_t line, bool *present)
{
    bool dirty = false;
    cpu_cache *caches[] = {&c->l1d, &c->l2};
    for (unsigned i = 0; i < G_N_ELEMENTS(caches); i++) {
        uint64_t *word = cpu_cache_peek(caches[i], line);
        if (!word)
            continue;
        *present = true;
        dirty |= *word & CPU_LINE_DIRTY;
        cpu_cache_mark_clean(caches[i], word);
        *word |= CPU_LINE_SHARED;
    }
    *present |= cpu_cache_peek(&c->l1i, line) != NULL;
    return dirty;
}

/* All cores of a package but `except` (index, or UINT32_MAX) among those of the `sharers` mask: purged or made
 * sharers. Adds what they had to *dirty; returns the mask of those that still hold the line. */
static uint64_t snoop_package(cpu_memory *m, unsigned package, uint32_t except, uint64_t sharers, uint64_t line, bool write, bool *dirty)
{
    uint64_t holders = 0;
    for (unsigned i = 0; i < m->desc->n_cores && sharers; i++) {
        cpu_mem_core *c = &m->cores[i];
        if (c->package != package || c->index == except || !(sharers & core_bit(c)))
            continue;
        if (write) {
            *dirty |= purge_core(c, line);
        } else {
            bool present = false;
            *dirty |= share_core(c, line, &present);
            if (present)
                holders |= core_bit(c);
        }
    }
    return holders;
}

static void evict_from_l2(cpu_memory *m, cpu_mem_core *c, uint64_t word, uint64_t at, cpu_mem_result *r)
{
    if (word == CPU_LINE_NONE || !(word & CPU_LINE_DIRTY))
        return;
    c->l2.writebacks++;
    r->l2_writeback++;
    cpu_cache *l3 = &m->packages[c->package].l3;
    uint64_t *home = l3->sets ? cpu_cache_peek(l3, word >> 8) : NULL;
    if (home)
        cpu_cache_mark_dirty(l3, home);
    else
        write_to_memory(m, c, c->package, at, r);
}

static void fill_l2(cpu_memory *m, cpu_mem_core *c, uint64_t line, uint64_t flags, uint64_t at, cpu_mem_result *r)
{
    evict_from_l2(m, c, cpu_cache_fill(&c->l2, line, flags), at, r);
}

static void evict_from_l1d(cpu_memory *m, cpu_mem_core *c, uint64_t word, uint64_t at, cpu_mem_result *r)
{
    if (word == CPU_LINE_NONE || !(word & CPU_LINE_DIRTY))
        return;
    c->l1d.writebacks++;
    r->l1_writeback++;
    uint64_t *home = cpu_cache_peek(&c->l2, word >> 8);
    if (home)
        cpu_cache_mark_dirty(&c->l2, home);
    else
        fill_l2(m, c, word >> 8, CPU_LINE_DIRTY, at, r);
}

/* A line leaves an inclusive L3: the cores above have to give it up. */
static void evict_from_l3(cpu_memory *m, const cpu_mem_core *c, uint64_t word, uint64_t at, cpu_mem_result *r)
{
    if (word == CPU_LINE_NONE)
        return;
    bool dirty = word & CPU_LINE_DIRTY;
    if (word & CPU_LINE_SHARERS)
        snoop_package(m, c->package, UINT32_MAX, word & CPU_LINE_SHARERS, word >> 8, true, &dirty);
    if (dirty) {
        m->packages[c->package].l3.writebacks++;
        r->llc_writeback++;
        write_to_memory(m, c, c->package, at, r);
    }
}

/* Other packages may hold the line: theirs is purged or shared. True when one had it. */
static bool snoop_others(cpu_memory *m, const cpu_mem_core *c, uint64_t line, bool write, uint64_t at, cpu_mem_result *r)
{
    bool found = false;
    for (unsigned p = 0; p < m->desc->n_packages; p++) {
        if (p == c->package)
            continue;
        cpu_cache *l3 = &m->packages[p].l3;
        bool dirty = false;
        if (l3->sets) {
            uint64_t *word = cpu_cache_peek(l3, line);
            if (!word)
                continue;
            found = true;
            dirty = *word & CPU_LINE_DIRTY;
            uint64_t left = snoop_package(m, p, UINT32_MAX, *word & CPU_LINE_SHARERS, line, write, &dirty);
            if (write) {
                cpu_cache_remove(l3, line);
            } else {
                cpu_cache_mark_clean(l3, word);
                *word = (*word & ~(uint64_t)CPU_LINE_SHARERS) | left | CPU_LINE_SHARED;
            }
        } else {
            uint64_t left = snoop_package(m, p, UINT32_MAX, UINT64_MAX, line, write, &dirty);
            found |= left != 0 || dirty;
        }
        if (dirty)
            write_to_memory(m, c, p, at, r);
    }
    return found;
}

static uint32_t from_memory(cpu_memory *m, cpu_mem_core *c, uint64_t at, cpu_mem_result *r)
{
    sim_ps wait = use_channel(m, c, c->package, at);
    r->mem_reads++;
    r->level = CPU_LEVEL_MEM;
    return c->mem_cycles + (wait ? (uint32_t)MIN(sim_ps_to_cycles(wait, c->hz), UINT32_MAX / 4) : 0);
}

/* Below L2: returns latency, sets the level and the flags of the copy that the core gets. */
static uint32_t find_below_l2(cpu_memory *m, cpu_mem_core *c, uint64_t line, bool write, uint64_t at, uint64_t *flags, cpu_mem_result *r)
{
    cpu_mem_package *p = &m->packages[c->package];
    bool dirty = false;
    *flags = 0;
    if (!p->l3.sets) {
        uint64_t holders = 0;
        if (m->desc->n_cores > m->desc->n_packages)
            holders = snoop_package(m, c->package, c->index, UINT64_MAX, line, write, &dirty);
        bool elsewhere = m->desc->n_packages > 1 && snoop_others(m, c, line, write, at, r);
        if (dirty)
            write_to_memory(m, c, c->package, at, r);
        if (holders || elsewhere)
            *flags = write ? 0 : CPU_LINE_SHARED;
        return from_memory(m, c, at, r);
    }
    uint64_t *word = cpu_cache_touch(&p->l3, line);
    if (word) {
        /* A bit stands for several cores where a package has more than six: the core's own then says nothing of those. */
        uint64_t others = *word & CPU_LINE_SHARERS & ~(m->desc->n_cores > 6 ? 0 : core_bit(c));
        uint32_t latency = p->l3.latency;
        if (others) {
            uint64_t left = snoop_package(m, c->package, c->index, others, line, write, &dirty);
            if (dirty) {
                cpu_cache_mark_dirty(&p->l3, word);
                latency += p->l3.latency / 2; /* estimate: a further trip to the core that had it */
            }
            *word = (*word & ~(uint64_t)CPU_LINE_SHARERS) | left;
            if (left)
                *flags = CPU_LINE_SHARED;
        }
        if (*word & CPU_LINE_SHARED && write && snoop_others(m, c, line, true, at, r))
            latency += c->mem_cycles / 2; /* estimate: across the link between packages */
        if (write)
            *word &= ~(uint64_t)CPU_LINE_SHARED;
        else
            *flags |= *word & CPU_LINE_SHARED;
        *word |= core_bit(c);
        r->level = CPU_LEVEL_LLC;
        return latency;
    }
    bool elsewhere = m->desc->n_packages > 1 && snoop_others(m, c, line, write, at, r);
    *flags = elsewhere && !write ? CPU_LINE_SHARED : 0;
    uint32_t latency = p->l3.latency + from_memory(m, c, at, r);
    evict_from_l3(m, c, cpu_cache_fill(&p->l3, line, *flags | core_bit(c)), at, r);
    return latency;
}

void cpu_memory_miss(cpu_memory *m, unsigned core, uint64_t line, bool write, bool fetch, uint64_t at, cpu_mem_result *r)
{
    cpu_mem_core *c = &m->cores[core];
    *r = (cpu_mem_result){.level = CPU_LEVEL_L2, .latency = c->l2.latency};
    uint64_t flags = 0;
    uint64_t *word = cpu_cache_touch(&c->l2, line);
    if (word) {
        if (write && *word & CPU_LINE_SHARED)
            r->latency += cpu_memory_upgrade(m, core, line, word);
        flags = *word & CPU_LINE_SHARED;
    } else {
        r->latency = find_below_l2(m, c, line, write, at, &flags, r);
        fill_l2(m, c, line, flags, at, r);
    }
    if (fetch)
        cpu_cache_fill(&c->l1i, line, flags);
    else
        evict_from_l1d(m, c, cpu_cache_fill(&c->l1d, line, flags | (write ? CPU_LINE_DIRTY : 0)), at, r);
    r->latency -= MIN(r->latency, c->l1d.latency);
}

uint32_t cpu_memory_upgrade(cpu_memory *m, unsigned core, uint64_t line, uint64_t *word)
{
    cpu_mem_core *c = &m->cores[core];
    cpu_mem_package *p = &m->packages[c->package];
    cpu_mem_result r = {0};
    bool dirty = false;
    uint64_t sharers = UINT64_MAX;
    uint64_t *home = p->l3.sets ? cpu_cache_peek(&p->l3, line) : NULL;
    if (home) {
        sharers = *home & CPU_LINE_SHARERS;
        *home = (*home & ~(uint64_t)(CPU_LINE_SHARERS | CPU_LINE_SHARED)) | core_bit(c);
    }
    snoop_package(m, c->package, c->index, sharers, line, true, &dirty);
    if (m->desc->n_packages > 1)
        snoop_others(m, c, line, true, 0, &r);
    *word &= ~(uint64_t)CPU_LINE_SHARED;
    return p->l3.sets ? p->l3.latency : c->mem_cycles / 2;
}

/* Writes back every dirty line of a cache and empties it. Returns the lines written back. */
static uint64_t flush_cache(cpu_cache *cache, GArray *dirty)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < (uint64_t)cache->sets << cache->way_shift; i++) {
        uint64_t word = cache->ways[i];
        if (word == CPU_LINE_NONE)
            continue;
        if (word & CPU_LINE_DIRTY) {
            uint64_t line = word >> 8;
            g_array_append_val(dirty, line);
            cache->writebacks++;
            n++;
        }
        uint32_t owner = cpu_line_owner(cache, word);
        cache->owned[owner] = cache->owned_dirty[owner] = 0;
        cache->ways[i] = CPU_LINE_NONE;
    }
    cache->valid = 0;
    cache->flushes++;
    return n;
}

uint64_t cpu_memory_flush(cpu_memory *m, unsigned core, uint64_t at)
{
    cpu_mem_core *c = &m->cores[core];
    g_autoptr(GArray) dirty = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    uint64_t n = flush_cache(&c->l1d, dirty) + flush_cache(&c->l2, dirty);
    flush_cache(&c->l1i, dirty);
    for (guint i = 0; i < dirty->len; i++) { /* memory is up to date after a WBINVD: L3's copy too */
        cpu_mem_result r = {0};
        cpu_cache *l3 = &m->packages[c->package].l3;
        uint64_t *home = l3->sets ? cpu_cache_peek(l3, g_array_index(dirty, uint64_t, i)) : NULL;
        if (home)
            cpu_cache_mark_clean(l3, home);
        write_to_memory(m, c, c->package, at, &r);
    }
    return n;
}
