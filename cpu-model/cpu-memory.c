/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request's way down from the first level, and the victims' way out. */
#include "cpu-coherence.h"
#include "cpu-outer.h"

/* ---- building -------------------------------------------------------------------------------------------------- */

static void init_core(cpu_memory *m, unsigned i, cpu_mem_cluster *k)
{
    const cpu_core_desc *d = &m->desc->kinds[m->desc->core_kind[i]];
    cpu_mem_core *c = &m->cores[i];
    c->package = m->desc->core_package[i];
    c->cluster = k;
    c->l2 = &k->l2;
    c->holder = (uint64_t)CPU_LINE_HOLDER << (i - k->first) % 4;
    c->hz = d->hz;
    c->hz_sub = d->hz << 6;
    c->mem_cycles = (uint32_t)sim_ps_to_cycles(m->desc->mem_latency_ns * SIM_PS_PER_NS, d->hz);
    c->mshrs.n = MIN(d->mshrs, CPU_MAX_MSHRS);
    cpu_cache_init(&c->l1i, &d->l1i);
    cpu_cache_init(&c->l1d, &d->l1d);
    c->l1d.through = d->l1d_through;
    c->fetch_flags = d->l1i.policy == CPU_REPLACE_SRRIP ? CPU_LINE_PENDING : 0;
    for (unsigned s = 0; s < G_N_ELEMENTS(c->structures); s++)
        if (d->walk.cached[s])
            cpu_tlb_init(&c->structures[s], &(cpu_tlb_desc){d->walk.cached[s], d->walk.cached[s]});
    if (d->walk.nested_tlb)
        cpu_tlb_init(&c->nested, &(cpu_tlb_desc){d->walk.nested_tlb, d->walk.nested_tlb});
    if (d->prefetch.l1d & CPU_PREFETCH_IP_STRIDE) {
        c->strides.entries = g_new0(cpu_stride, d->prefetch.stride_entries);
        c->strides.mask = d->prefetch.stride_entries - 1;
    }
}

/* How many cores from `first` on share an L2: of one kind and package. */
static unsigned cluster_size(const cpu_machine *d, unsigned first)
{
    unsigned n = 1, most = MAX(d->kinds[d->core_kind[first]].l2_shared, 1);
    while (n < most && first + n < d->n_cores && d->core_kind[first + n] == d->core_kind[first] && d->core_package[first + n] == d->core_package[first])
        n++;
    return n;
}

static void init_cluster(cpu_memory *m, cpu_mem_cluster *k, unsigned first)
{
    const cpu_core_desc *d = &m->desc->kinds[m->desc->core_kind[first]];
    k->first = first;
    k->n = cluster_size(m->desc, first);
    k->package = m->desc->core_package[first];
    cpu_mem_package *p = &m->packages[k->package];
    if (p->n == 0)
        p->first = (uint32_t)(k - m->clusters);
    k->sharer = (uint64_t)CPU_LINE_SHARER << p->n++ % 6;
    k->mshrs.n = MIN(d->l2_mshrs, CPU_MAX_MSHRS);
    cpu_cache_init_outer(&k->l2, &d->l2);
    k->exclusive = d->l2.inclusion == CPU_INCLUSION_EXCLUSIVE;
    k->tied = d->l2.inclusion == CPU_INCLUSION_INCLUSIVE || d->l1d_through;
    k->prefetches = d->prefetch.l2 != 0;
    if (d->prefetch.l2 & CPU_PREFETCH_STREAM) {
        k->streams.entries = g_new0(cpu_stream, d->prefetch.streams);
        k->streams.mask = d->prefetch.streams - 1;
    }
    for (unsigned i = first; i < first + k->n; i++)
        init_core(m, i, k);
}

void cpu_memory_init(cpu_memory *m, const cpu_machine *desc)
{
    uint32_t line = desc->kinds[0].l1d.line;
    *m = (cpu_memory){.desc = desc, .line_shift = (unsigned)__builtin_ctz(line), .l3 = desc->l3.size != 0};
    m->owner_shift = CPU_PA_BITS - CPU_OWNER_BITS - m->line_shift;
    m->l3_inclusion = desc->l3.inclusion == CPU_INCLUSION_USUAL ? CPU_INCLUSION_INCLUSIVE : desc->l3.inclusion;
    m->cores = g_new0(cpu_mem_core, desc->n_cores);
    m->clusters = g_new0(cpu_mem_cluster, desc->n_cores);
    m->packages = g_new0(cpu_mem_package, desc->n_packages);
    for (unsigned i = 0; i < desc->n_cores; i += m->clusters[m->n_clusters++].n)
        init_cluster(m, &m->clusters[m->n_clusters], i);
    for (unsigned p = 0; p < desc->n_packages; p++) {
        cpu_dram_init(&m->packages[p].dram, desc);
        if (m->l3)
            cpu_cache_init_outer(&m->packages[p].l3, &desc->l3);
    }
    if (desc->bus_bandwidth)
        m->bus.slot = MAX((sim_ps)((unsigned __int128)line * SIM_PS_PER_S / desc->bus_bandwidth), 1);
}

void cpu_memory_clear(cpu_memory *m)
{
    if (!m->desc)
        return;
    for (unsigned i = 0; i < m->desc->n_cores; i++) {
        cpu_mem_core *c = &m->cores[i];
        cpu_cache_clear(&c->l1i);
        cpu_cache_clear(&c->l1d);
        for (unsigned s = 0; s < G_N_ELEMENTS(c->structures); s++)
            cpu_tlb_clear(&c->structures[s]);
        cpu_tlb_clear(&c->nested);
        g_free(c->strides.entries);
    }
    for (unsigned i = 0; i < m->n_clusters; i++) {
        cpu_cache_clear(&m->clusters[i].l2);
        g_free(m->clusters[i].streams.entries);
    }
    for (unsigned p = 0; p < m->desc->n_packages; p++) {
        cpu_cache_clear(&m->packages[p].l3);
        cpu_dram_clear(&m->packages[p].dram);
    }
    g_free(m->cores);
    g_free(m->clusters);
    g_free(m->packages);
    *m = (cpu_memory){0};
}

bool cpu_memory_way_mask(cpu_memory *m, cpu_level level, unsigned unit, uint32_t owner, uint64_t mask)
{
    if (owner >= 1u << CPU_OWNER_BITS)
        return false;
    if (level == CPU_LEVEL_L2 && unit < m->desc->n_cores)
        return cpu_cache_way_mask(m->cores[unit].l2, owner, mask);
    if (level == CPU_LEVEL_LLC && m->l3 && unit < m->desc->n_packages)
        return cpu_cache_way_mask(&m->packages[unit].l3, owner, mask);
    return false;
}

/* A bijection of `bits` bits: xorshifts and odd multiplications (the construction of splitmix64), so that pages that are
 * neighbours for the guest are not so in the physically indexed caches, as after any allocator's use. */
static uint64_t permute(uint64_t page, uint64_t owner, unsigned bits)
{
    const uint64_t mask = (UINT64_C(1) << bits) - 1;
    uint64_t x = (page + owner * UINT64_C(0x5851f42d)) & mask;
    x ^= x >> (bits / 2 - 1);
    x = (x * UINT64_C(0xd1342543de82ef95)) & mask;
    x ^= x >> (bits / 2 + 1);
    x = (x * UINT64_C(0xaf251af3b0f025b5)) & mask;
    x ^= x >> bits / 2;
    return x;
}

uint64_t cpu_memory_page(const cpu_memory *m, uint64_t key)
{
    uint64_t owner = key >> CPU_VPN_BITS, page = key & CPU_VPN_MASK;
    if (m->desc->hashed_pages && m->desc->page_size > 4096)
        page = permute(page >> CPU_LARGE_SHIFT, owner, CPU_VPN_BITS - CPU_LARGE_SHIFT) << CPU_LARGE_SHIFT | (page & ((1u << CPU_LARGE_SHIFT) - 1));
    else if (m->desc->hashed_pages)
        page = permute(page, owner, CPU_VPN_BITS);
    return (owner << CPU_VPN_BITS | page) << CPU_PAGE_SHIFT;
}

static inline uint64_t *touch_outer(cpu_cache *c, uint64_t line)
{
    return G_LIKELY(c->outer) ? cpu_outer_touch(c, line) : cpu_cache_touch_any(c, line);
}

static inline uint64_t fill_outer(cpu_cache *c, uint64_t line, uint64_t flags)
{
    return G_LIKELY(c->outer) ? cpu_outer_fill(c, line, flags) : cpu_cache_fill(c, line, flags);
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

int64_t cpu_use_memory(cpu_memory *m, const cpu_mem_core *c, unsigned package, uint64_t line, uint64_t clock)
{
    sim_ps at = sim_cycles_to_ps(clock, c->hz_sub);
    sim_ps bus = m->bus.slot ? cpu_channel_use(&m->bus, at) : 0;
    int64_t extra = cpu_dram_access(&m->packages[package].dram, line, at + bus) + (int64_t)bus;
    if (extra == 0)
        return 0;
    int64_t cycles = (int64_t)MIN(sim_ps_to_cycles((sim_ps)ABS(extra), c->hz), UINT32_MAX / 4);
    return extra < 0 ? -cycles : cycles;
}

void cpu_write_to_memory(cpu_memory *m, const cpu_mem_core *c, unsigned package, uint64_t line, uint64_t at, cpu_mem_result *r)
{
    cpu_use_memory(m, c, package, line, at);
    r->mem_writes++;
}

static uint32_t from_memory(cpu_memory *m, cpu_mem_core *c, uint64_t line, uint64_t at, cpu_mem_result *r)
{
    int64_t latency = c->mem_cycles + cpu_use_memory(m, c, c->package, line, at);
    r->mem_reads++;
    r->level = CPU_LEVEL_MEM;
    return (uint32_t)MAX(latency, 1);
}

/* ---- victims --------------------------------------------------------------------------------------------------- */

static void evict_from_l3(cpu_memory *m, const cpu_mem_core *c, uint64_t word, uint64_t at, cpu_mem_result *r)
{
    if (word == CPU_LINE_NONE)
        return;
    cpu_mem_package *p = &m->packages[c->package];
    bool dirty = word & CPU_LINE_DIRTY, present = false;
    if (m->l3_inclusion == CPU_INCLUSION_INCLUSIVE && word & CPU_LINE_SHARERS)
        for (cpu_mem_cluster *k = &m->clusters[p->first], *end = k + p->n; k < end; k++)
            if (word & k->sharer)
                dirty |= cpu_purge_cluster(m, k, word >> 8, &present);
    if (dirty) {
        cpu_cache_count_writeback(&p->l3, word);
        r->llc_writeback++;
        cpu_write_to_memory(m, c, c->package, word >> 8, at, r);
    }
}

static void fill_l3(cpu_memory *m, const cpu_mem_core *c, uint64_t line, uint64_t flags, uint64_t at, cpu_mem_result *r)
{
    evict_from_l3(m, c, fill_outer(&m->packages[c->package].l3, line, flags), at, r);
}

/* What leaves L2 goes to L3: dirty lines, and all where L3 is filled with victims. */
static void victim_to_l3(cpu_memory *m, const cpu_mem_core *c, uint64_t word, bool dirty, uint64_t at, cpu_mem_result *r)
{
    uint64_t line = word >> 8;
    bool takes_all = m->l3 && m->l3_inclusion == CPU_INCLUSION_EXCLUSIVE;
    if (!dirty && !takes_all)
        return;
    uint64_t *home = m->l3 ? cpu_cache_peek(&m->packages[c->package].l3, line) : NULL;
    if (home && dirty)
        cpu_cache_mark_dirty(&m->packages[c->package].l3, home);
    else if (!home && m->l3 && m->l3_inclusion != CPU_INCLUSION_INCLUSIVE)
        fill_l3(m, c, line, (word & CPU_LINE_SHARED) | (dirty ? CPU_LINE_DIRTY : 0), at, r);
    else if (!home)
        cpu_write_to_memory(m, c, c->package, line, at, r);
}

static G_GNUC_NO_INLINE bool leave_l1s(cpu_memory *m, const cpu_mem_cluster *k, uint64_t line)
{
    bool present = false;
    if (m->desc->kinds[m->desc->core_kind[k->first]].l2.inclusion == CPU_INCLUSION_INCLUSIVE)
        return cpu_purge_l1s(m, k, NULL, line, &present);
    for (cpu_mem_core *c = &m->cores[k->first], *end = c + k->n; c < end; c++) { /* written through: L2 no longer has it dirty */
        uint64_t *word = cpu_cache_peek(&c->l1d, line);
        if (word)
            cpu_cache_mark_clean(&c->l1d, word);
    }
    return false;
}

static void evict_from_l2(cpu_memory *m, cpu_mem_core *c, uint64_t word, uint64_t at, cpu_mem_result *r)
{
    if (word == CPU_LINE_NONE)
        return;
    bool dirty = word & CPU_LINE_DIRTY;
    if (G_UNLIKELY(c->cluster->tied))
        dirty |= leave_l1s(m, c->cluster, word >> 8);
    if (dirty) {
        cpu_cache_count_writeback(c->l2, word);
        r->l2_writeback++;
    }
    victim_to_l3(m, c, word, dirty, at, r);
}

/* Where cores share the L2, any of them may hold the line unless the flags say which. */
static void fill_l2(cpu_memory *m, cpu_mem_core *c, uint64_t line, uint64_t flags, uint64_t at, cpu_mem_result *r)
{
    if (G_UNLIKELY(c->cluster->n > 1) && !(flags & CPU_LINE_HOLDERS))
        flags |= CPU_LINE_HOLDERS;
    evict_from_l2(m, c, fill_outer(c->l2, line, flags), at, r);
}

static void evict_from_l1(cpu_memory *m, cpu_mem_core *c, cpu_cache *l1, uint64_t word, uint64_t at, cpu_mem_result *r)
{
    if (word == CPU_LINE_NONE)
        return;
    bool dirty = cpu_cache_is_dirty(l1, word);
    if (!dirty && !c->cluster->exclusive)
        return;
    if (dirty) {
        cpu_cache_count_writeback(l1, word);
        r->l1_writeback++;
    }
    uint64_t *home = cpu_cache_peek(c->l2, word >> 8);
    if (!home)
        fill_l2(m, c, word >> 8, word & (dirty ? CPU_LINE_DIRTY | CPU_LINE_SHARED : CPU_LINE_SHARED), at, r);
    else if (dirty)
        cpu_cache_mark_dirty(c->l2, home);
}

void cpu_fill_l1(cpu_memory *m, cpu_mem_core *c, bool fetch, uint64_t line, uint64_t flags, uint64_t at, cpu_mem_result *r)
{
    cpu_cache *l1 = fetch ? &c->l1i : &c->l1d;
    evict_from_l1(m, c, l1, cpu_cache_fill(l1, line, flags), at, r);
}

/* ---- below L2 -------------------------------------------------------------------------------------------------- */

/* An inclusive L3 has the line: its directory says who else. */
static uint32_t directory_hit(cpu_memory *m, cpu_mem_core *c, uint64_t *word, uint64_t line, bool write, uint64_t at, uint64_t *flags, cpu_mem_result *r)
{
    cpu_mem_package *p = &m->packages[c->package];
    cpu_mem_cluster *k = c->cluster;
    /* A bit stands for several L2s where a package has more than six: the own one then says nothing of those. */
    uint64_t others = *word & CPU_LINE_SHARERS & ~(p->n > 6 ? 0 : k->sharer);
    uint32_t latency = p->l3.latency;
    if (others) {
        bool dirty = false, present = false;
        uint64_t left = cpu_snoop_package(m, c->package, k, others, line, write, &dirty, &present, r);
        if (dirty) {
            cpu_cache_mark_dirty(&p->l3, word);
            latency += p->l3.latency / 2; /* estimate: a further trip to the core that had it */
        }
        *word = (*word & ~(uint64_t)CPU_LINE_SHARERS) | left;
        if (left)
            *flags = CPU_LINE_SHARED;
    }
    if (*word & CPU_LINE_SHARED && write && cpu_snoop_packages(m, c, line, true, at, r))
        latency += c->mem_cycles / 2; /* estimate: across the link between packages */
    if (write)
        *word &= ~(uint64_t)CPU_LINE_SHARED;
    else
        *flags |= *word & CPU_LINE_SHARED;
    *word |= k->sharer;
    r->level = CPU_LEVEL_LLC;
    return latency;
}

/* An L3 that is not inclusive has the line: what the core gets of it, and whether it stays. */
static void take_from_l3(cpu_memory *m, cpu_mem_core *c, uint64_t *word, uint64_t line, bool write, bool shared, uint64_t *flags)
{
    cpu_cache *l3 = &m->packages[c->package].l3;
    if (write)
        *word &= ~(uint64_t)CPU_LINE_SHARED;
    *flags |= *word & CPU_LINE_SHARED;
    if (m->l3_inclusion != CPU_INCLUSION_EXCLUSIVE || (shared && !write))
        return;
    *flags |= *word & CPU_LINE_DIRTY;
    cpu_cache_remove(l3, line);
}

/* No directory: the package's other cores are asked, those that can have something of the line's owner. */
static uint32_t undirected(cpu_memory *m, cpu_mem_core *c, uint64_t *word, uint64_t line, bool write, uint64_t at, uint64_t *flags, cpu_mem_result *r)
{
    cpu_mem_package *p = &m->packages[c->package];
    bool dirty = false, present = false, elsewhere = false;
    uint64_t left = p->n > 1 ? cpu_snoop_package(m, c->package, c->cluster, UINT64_MAX, line, write, &dirty, &present, r) : 0;
    if (m->desc->n_packages > 1 && (!word || (write && *word & CPU_LINE_SHARED)))
        elsewhere = cpu_snoop_packages(m, c, line, write, at, r);
    if (dirty && word)
        cpu_cache_mark_dirty(&p->l3, word);
    else if (dirty)
        cpu_write_to_memory(m, c, c->package, line, at, r);
    if ((left || elsewhere) && !write)
        *flags = CPU_LINE_SHARED;
    uint32_t latency = p->l3.latency;
    if (word) {
        take_from_l3(m, c, word, line, write, left != 0, flags);
        r->level = CPU_LEVEL_LLC;
        return latency + (dirty ? latency / 2 : 0); /* estimate, as with a directory */
    }
    if (present && m->l3) {
        r->level = CPU_LEVEL_LLC;
        latency += latency / 2;
    } else {
        latency += from_memory(m, c, line, at, r);
    }
    if (m->l3_inclusion == CPU_INCLUSION_NINE && m->l3)
        fill_l3(m, c, line, *flags & CPU_LINE_SHARED, at, r);
    return latency;
}

/* Returns latency, sets the level and the flags of the copy that the core gets. */
static uint32_t find_below_l2(cpu_memory *m, cpu_mem_core *c, uint64_t line, bool write, uint64_t at, uint64_t *flags, cpu_mem_result *r)
{
    cpu_mem_package *p = &m->packages[c->package];
    uint64_t *word = m->l3 ? touch_outer(&p->l3, line) : NULL;
    if (!m->l3 || m->l3_inclusion != CPU_INCLUSION_INCLUSIVE)
        return undirected(m, c, word, line, write, at, flags, r);
    if (word)
        return directory_hit(m, c, word, line, write, at, flags, r);
    bool elsewhere = m->desc->n_packages > 1 && cpu_snoop_packages(m, c, line, write, at, r);
    if (elsewhere && !write)
        *flags |= CPU_LINE_SHARED;
    uint32_t latency = p->l3.latency + from_memory(m, c, line, at, r);
    fill_l3(m, c, line, *flags | c->cluster->sharer, at, r);
    return latency;
}

/* ---- L2 -------------------------------------------------------------------------------------------------------- */

static cpu_flying *flight_of(cpu_mem_cluster *k, uint64_t line)
{
    return &k->flying[line % CPU_L2_FLYING];
}

/* L2 lacks a line: gets it from below. Cycles from `at` on, those for which a miss status holding register was waited for included. */
static uint32_t miss_l2(cpu_memory *m, cpu_mem_core *c, uint64_t line, bool write, uint64_t at, uint64_t *flags, cpu_mem_result *r)
{
    cpu_mem_cluster *k = c->cluster;
    uint64_t begin = at, *mshr = k->mshrs.n ? cpu_mshr_take(&k->mshrs, &begin) : NULL;
    uint32_t latency = find_below_l2(m, c, line, write, begin, flags, r) + (uint32_t)((begin - at) >> 6);
    uint64_t complete = at + ((uint64_t)latency << 6);
    if (mshr)
        *mshr = complete;
    *flight_of(k, line) = (cpu_flying){.line = line, .complete = complete};
    return latency;
}

/* L2 has the line, perhaps on its way. */
static uint32_t hit_l2(cpu_memory *m, cpu_mem_core *c, uint64_t *word, uint64_t line, bool write, uint64_t at, cpu_mem_result *r)
{
    cpu_mem_cluster *k = c->cluster;
    uint32_t latency = k->l2.latency;
    const cpu_flying *f = flight_of(k, line);
    bool late = f->line == line && f->complete > at + ((uint64_t)latency << 6);
    if (*word & CPU_LINE_PREFETCHED) {
        *word &= ~(uint64_t)CPU_LINE_PREFETCHED;
        k->prefetch.useful++;
        r->prefetch_hits++;
        k->prefetch.late += late;
    }
    if (late)
        latency = (uint32_t)((f->complete - at) >> 6);
    if (write && *word & CPU_LINE_SHARED)
        latency += cpu_memory_upgrade(m, (unsigned)(c - m->cores), line, word, at, r);
    return latency;
}

/* Other cores of this L2 may have the line in L1. A dirty copy is L2's then. */
static uint32_t ask_neighbours(cpu_memory *m, cpu_mem_core *c, uint64_t **word, uint64_t line, bool write, uint64_t at, uint64_t *flags, cpu_mem_result *r)
{
    if (*word && !(**word & CPU_LINE_HOLDERS & ~(c->cluster->n > 4 ? 0 : c->holder)))
        return 0;
    bool dirty = false;
    if (cpu_snoop_neighbours(m, c, line, write, &dirty, r))
        *flags |= CPU_LINE_SHARED;
    if (*word && write)
        **word &= ~(uint64_t)CPU_LINE_HOLDERS;
    if (!dirty)
        return 0;
    if (*word) {
        cpu_cache_mark_dirty(c->l2, *word);
    } else {
        fill_l2(m, c, line, CPU_LINE_DIRTY, at, r);
        *word = cpu_cache_peek(c->l2, line);
    }
    return c->l2->latency / 2; /* estimate: as from a core through L3 */
}

/* An exclusive L2 gives a line up; one that fetch must not lose stays. */
static void give_up(cpu_mem_core *c, uint64_t *word, uint64_t line, bool keep, uint64_t *flags)
{
    if (keep && *word & CPU_LINE_DIRTY)
        return;
    *flags |= *word & CPU_LINE_DIRTY;
    cpu_cache_remove(c->l2, line);
}

uint32_t cpu_ask_l2(cpu_memory *m, cpu_mem_core *c, uint64_t line, cpu_ask ask, uint64_t at, uint64_t *flags, cpu_mem_result *r)
{
    cpu_mem_cluster *k = c->cluster;
    bool write = ask == CPU_ASK_WRITE, up = ask != CPU_ASK_WALK;
    uint32_t latency = 0;
    uint64_t *word = touch_outer(&k->l2, line), below = 0;
    if (G_UNLIKELY(k->n > 1))
        latency = ask_neighbours(m, c, &word, line, write, at, flags, r);
    if (word) {
        latency += hit_l2(m, c, word, line, write, at, r);
        *flags |= *word & CPU_LINE_SHARED;
        if (G_UNLIKELY(k->exclusive) && up)
            give_up(c, word, line, ask == CPU_ASK_FETCH, flags);
        else if (G_UNLIKELY(k->n > 1) && up)
            *word |= c->holder;
        return latency;
    }
    latency += miss_l2(m, c, line, write, at, &below, r);
    *flags |= below & CPU_LINE_SHARED;
    if (G_UNLIKELY(k->exclusive) && up && !(ask == CPU_ASK_FETCH && below & CPU_LINE_DIRTY))
        *flags |= below;
    else
        fill_l2(m, c, line, below | (k->n > 1 && up && !(*flags & CPU_LINE_SHARED) ? c->holder : 0), at, r);
    return latency;
}

void cpu_prefetch_l2(cpu_memory *m, cpu_mem_core *c, uint64_t line, uint64_t at, cpu_mem_result *r)
{
    cpu_mem_cluster *k = c->cluster;
    if (cpu_cache_peek(&k->l2, line))
        return;
    uint64_t begin = at, flags = 0;
    if (k->mshrs.n) {
        cpu_mshr_take(&k->mshrs, &begin);
        if (begin > at) {
            k->prefetch.dropped++;
            return;
        }
    }
    cpu_level level = r->level;
    miss_l2(m, c, line, false, at, &flags, r);
    r->level = level; /* of the demand */
    fill_l2(m, c, line, flags | CPU_LINE_PREFETCHED, at, r);
    k->prefetch.issued++;
    r->prefetches++;
}

/* ---- requests of L1 --------------------------------------------------------------------------------------------- */

/* A store that misses a write-through L1D leaves its data in L2. */
static void store_below(cpu_memory *m, cpu_mem_core *c, uint64_t line, uint64_t flags, uint64_t at, cpu_mem_result *r)
{
    uint64_t *home = cpu_cache_peek(c->l2, line);
    if (home)
        cpu_cache_mark_dirty(c->l2, home);
    else
        fill_l2(m, c, line, CPU_LINE_DIRTY | (flags & CPU_LINE_SHARED), at, r);
}

void cpu_memory_miss(cpu_memory *m, unsigned core, uint64_t line, bool write, bool fetch, uint64_t at, cpu_mem_result *r)
{
    cpu_mem_core *c = &m->cores[core];
    uint64_t flags = 0;
    *r = (cpu_mem_result){.level = CPU_LEVEL_L2};
    uint32_t latency = cpu_ask_l2(m, c, line, write ? CPU_ASK_WRITE : fetch ? CPU_ASK_FETCH : CPU_ASK_READ, at, &flags, r);
    if (write && c->l1d.through)
        store_below(m, c, line, flags, at, r);
    else
        cpu_fill_l1(m, c, fetch, line, flags | (write ? CPU_LINE_DIRTY : 0) | (fetch ? c->fetch_flags : 0), at, r);
    if (G_UNLIKELY(c->cluster->prefetches))
        cpu_train_l2(m, c, line, at, r);
    r->latency = latency - MIN(latency, c->l1d.latency);
}

void cpu_memory_store_through(cpu_memory *m, unsigned core, uint64_t line, uint64_t *word, uint64_t at, cpu_mem_result *r)
{
    cpu_mem_core *c = &m->cores[core];
    if (*word & CPU_LINE_DIRTY)
        return;
    cpu_cache_mark_dirty(&c->l1d, word);
    store_below(m, c, line, *word, at, r);
}
