/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The project's cache against reference counts, and against a second model written another way: cache-replay din|lackey SIZE LINE WAYS <TRACE
 *
 * One cache, data and code alike, demand fetch, write-back, write-allocate; an access touches the line of its first byte; lackey's M is a read and a write.
 * Prints a line per policy: its name, hits, misses, evictions, write-backs, and on how many accesses the two models disagreed (hit or miss, line evicted). */
#include "cpu-cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    uint64_t line; /* + 1; 0: empty */
    uint64_t used, filled; /* times */
    unsigned rrpv;
} entry;

/* The second model: ways stay where they are, everything is decided by times. */
typedef struct {
    entry *entries; /* [sets][ways] */
    uint64_t sets, now, stream;
    unsigned ways;
    cpu_replacement policy;
} model;

static unsigned oldest(const entry *set, unsigned ways, bool by_fill)
{
    unsigned found = 0;
    for (unsigned w = 1; w < ways; w++)
        if ((by_fill ? set[w].filled : set[w].used) < (by_fill ? set[found].filled : set[found].used))
            found = w;
    return found;
}

static uint64_t newest_use(const entry *set, unsigned from, unsigned n)
{
    uint64_t newest = 0;
    for (unsigned w = from; w < from + n; w++)
        newest = MAX(newest, set[w].used);
    return newest;
}

/* A tree of bits that point away from what was touched last descends, in each half, to the quarter whose newest use is older. */
static unsigned tree_victim(const entry *set, unsigned ways)
{
    unsigned from = 0;
    for (unsigned n = ways / 2; n; n /= 2)
        if (newest_use(set, from, n) > newest_use(set, from + n, n))
            from += n;
    return from;
}

/* Counting all up until one has 3 is looking for the highest, and adding what that lacks of 3 to all. */
static unsigned distant(entry *set, unsigned ways)
{
    unsigned found = 0;
    for (unsigned w = 1; w < ways; w++)
        if (set[w].rrpv > set[found].rrpv)
            found = w;
    unsigned lacks = 3 - set[found].rrpv;
    for (unsigned w = 0; w < ways; w++)
        set[w].rrpv += lacks;
    return found;
}

static unsigned choose(model *m, entry *set)
{
    for (unsigned w = 0; w < m->ways; w++)
        if (!set[w].line)
            return w;
    switch (m->policy) {
    case CPU_REPLACE_PLRU:
        return tree_victim(set, m->ways);
    case CPU_REPLACE_SRRIP:
        return distant(set, m->ways);
    case CPU_REPLACE_RANDOM: /* the stream is shared by definition */
        return cpu_replace_draw(&m->stream, m->ways);
    default:
        return oldest(set, m->ways, m->policy == CPU_REPLACE_FIFO);
    }
}

/* Whether it hit; *evicted is the line that went, or UINT64_MAX. */
static bool model_access(model *m, uint64_t line, uint64_t *evicted)
{
    entry *set = m->entries + line % m->sets * m->ways;
    m->now++;
    *evicted = UINT64_MAX;
    for (unsigned w = 0; w < m->ways; w++)
        if (set[w].line == line + 1) {
            set[w].used = m->now;
            set[w].rrpv = 0;
            return true;
        }
    entry *e = set + choose(m, set);
    if (e->line)
        *evicted = e->line - 1;
    *e = (entry){line + 1, m->now, m->now, 2};
    return false;
}

typedef struct {
    cpu_cache cache;
    model model;
    uint64_t hits, misses, evictions, disagreed;
} run;

static void one_access(run *r, uint64_t line, bool write)
{
    uint64_t expected, evicted = UINT64_MAX;
    uint64_t *word = cpu_cache_touch_any(&r->cache, line);
    bool hit = word != NULL;
    if (!hit) {
        uint64_t gone = cpu_cache_fill(&r->cache, line, 0);
        if (gone != CPU_LINE_NONE) {
            evicted = gone >> 8;
            r->evictions++;
        }
        if (cpu_cache_is_dirty(&r->cache, gone))
            cpu_cache_count_writeback(&r->cache, gone);
        word = cpu_cache_peek(&r->cache, line);
    }
    if (write)
        cpu_cache_mark_dirty(&r->cache, word);
    r->hits += hit;
    r->misses += !hit;
    r->disagreed += model_access(&r->model, line, &expected) != hit || expected != evicted;
}

/* One line of a trace: how many accesses (0: not one), the address, whether the last writes. */
static unsigned parse(const char *text, bool din, uint64_t *address, bool *write)
{
    char kind;
    if (din) {
        unsigned type;
        if (sscanf(text, "%u %" SCNx64, &type, address) != 2)
            return 0;
        *write = type == 1;
        return 1;
    }
    if (sscanf(text, " %c %" SCNx64, &kind, address) != 2 || !strchr("LSM", kind))
        return 0;
    *write = kind != 'L';
    return kind == 'M' ? 2 : 1;
}

/* The second half: as outer levels keep them. */
static const char *const names[] = {"lru", "plru", "srrip", "random", "fifo", "outer-lru", "outer-plru", "outer-srrip", "outer-random", "outer-fifo"};
enum { OUTER = 5 };

static void setup(run *r, const cpu_cache_desc *d, unsigned number)
{
    cpu_cache_desc desc = *d;
    cpu_replacement policy = desc.policy = (cpu_replacement)(number % OUTER);
    *r = (run){.model = {.sets = d->size / d->line / d->ways, .ways = d->ways, .policy = policy, .stream = CPU_RANDOM_SEED}};
    r->model.entries = g_new0(entry, r->model.sets * d->ways);
    if (number < OUTER)
        cpu_cache_init(&r->cache, &desc);
    else
        cpu_cache_init_outer(&r->cache, &desc);
}

/* Whether a policy, by its number in `names`, is for such a cache. */
static bool suits(const cpu_cache_desc *d, unsigned number)
{
    if (number >= OUTER && d->ways > 16)
        return false;
    if (number % OUTER == CPU_REPLACE_PLRU)
        return d->ways <= 32 && !(d->ways & (d->ways - 1));
    return number % OUTER == CPU_REPLACE_LRU || d->ways <= 256;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: cache-replay din|lackey SIZE LINE WAYS <TRACE\n");
        return 2;
    }
    cpu_cache_desc d = {.size = strtoull(argv[2], NULL, 10), .line = (uint32_t)atoi(argv[3]), .ways = (uint32_t)atoi(argv[4]), .latency = 1};
    run runs[G_N_ELEMENTS(names)];
    for (unsigned p = 0; p < G_N_ELEMENTS(names); p++)
        if (suits(&d, p))
            setup(&runs[p], &d, p);
    char text[256];
    uint64_t address;
    bool write;
    while (fgets(text, sizeof text, stdin)) {
        unsigned n = parse(text, g_str_equal(argv[1], "din"), &address, &write);
        for (unsigned i = 0; i < n; i++)
            for (unsigned p = 0; p < G_N_ELEMENTS(names); p++)
                if (suits(&d, p))
                    one_access(&runs[p], address / d.line, write && i == n - 1);
    }
    for (unsigned p = 0; p < G_N_ELEMENTS(names); p++) {
        if (!suits(&d, p))
            continue;
        const run *r = &runs[p];
        printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", names[p], r->hits, r->misses, r->evictions, r->cache.writebacks,
               r->disagreed);
        cpu_cache_clear(&runs[p].cache);
        g_free(runs[p].model.entries);
    }
    return 0;
}
