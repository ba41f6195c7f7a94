/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-prefetch.h"

#include "cpu-coherence.h"

enum {
    STRIDE_MAX = 2048,   /* bytes: the manual's limit of the IP-based prefetcher */
    STRIDE_SURE = 2,     /* repetitions before it prefetches: estimate */
    STREAM_SURE = 2,     /* requests in one direction: estimate */
};

uint64_t cpu_stride_next(cpu_stride_table *t, uint64_t ip, uint64_t pa)
{
    cpu_stride *e = &t->entries[(ip ^ ip >> 8) & t->mask];
    if (e->ip != ip) {
        *e = (cpu_stride){.ip = ip, .last = pa};
        return 0;
    }
    int64_t stride = (int64_t)(pa - e->last);
    e->last = pa;
    if (stride == 0)
        return 0;
    if (stride != e->stride) {
        e->stride = ABS(stride) <= STRIDE_MAX ? (int32_t)stride : 0;
        e->confidence = 0;
        return 0;
    }
    e->confidence += e->confidence < STRIDE_SURE;
    uint64_t next = pa + (uint64_t)stride;
    return e->confidence + 1 >= STRIDE_SURE && next >> CPU_PAGE_SHIFT == pa >> CPU_PAGE_SHIFT ? next : 0;
}

/* A request goes on in the stream's direction, or begins one. */
static void follow(cpu_stream *s, int16_t offset)
{
    int8_t direction = offset > s->last ? 1 : offset < s->last ? -1 : 0;
    if (direction == 0)
        return;
    if (direction != s->direction) {
        s->direction = direction;
        s->run = 0;
        s->ahead = offset;
    }
    s->run = (uint8_t)MIN(s->run + 1, 100);
    s->last = offset;
    if ((s->ahead - offset) * direction < 0)
        s->ahead = offset;
}

unsigned cpu_stream_next(cpu_stream_table *t, const cpu_prefetch_desc *desc, uint64_t line, unsigned lines, uint64_t *first, int *step)
{
    uint64_t page = line / lines;
    int16_t offset = (int16_t)(line % lines);
    cpu_stream *s = &t->entries[(page ^ page >> 7) & t->mask];
    if (s->page != page + 1) {
        *s = (cpu_stream){.page = page + 1, .last = offset, .ahead = offset};
        return 0;
    }
    follow(s, offset);
    if (s->run < STREAM_SURE)
        return 0;
    int furthest = CLAMP(offset + s->direction * (int)desc->stream_distance, 0, (int)lines - 1);
    int n = MIN((furthest - s->ahead) * s->direction, (int)desc->stream_degree);
    if (n <= 0)
        return 0;
    *first = page * lines + (uint64_t)(s->ahead + s->direction);
    *step = s->direction;
    s->ahead = (int16_t)(s->ahead + n * s->direction);
    return (unsigned)n;
}

void cpu_train_l2(cpu_memory *m, cpu_mem_core *c, uint64_t line, uint64_t at, cpu_mem_result *r)
{
    const cpu_prefetch_desc *d = &m->desc->kinds[m->desc->core_kind[c - m->cores]].prefetch;
    if (d->l2 & CPU_PREFETCH_PAIR && r->level > CPU_LEVEL_L2)
        cpu_prefetch_l2(m, c, line ^ 1, at, r);
    if (!(d->l2 & CPU_PREFETCH_STREAM))
        return;
    uint64_t first = 0;
    int step = 0;
    unsigned n = cpu_stream_next(&c->cluster->streams, d, line, (1u << CPU_PAGE_SHIFT) >> m->line_shift, &first, &step);
    for (unsigned i = 1; i < n; i++) /* what the host will look at, while it works on the first */
        cpu_memory_prefetch(m, c, first + (uint64_t)((int)i * step));
    for (unsigned i = 0; i < n; i++, first += (uint64_t)step)
        cpu_prefetch_l2(m, c, first, at, r);
}

/* ---- first level ------------------------------------------------------------------------------------------------ */

static void prefetch_l1(cpu_memory *m, unsigned core, bool fetch, uint64_t line, uint64_t at, cpu_mem_result *r)
{
    cpu_mem_core *c = &m->cores[core];
    cpu_prefetch_counts *counts = fetch ? &c->l1i_prefetch : &c->l1d_prefetch;
    if (cpu_cache_peek(fetch ? &c->l1i : &c->l1d, line))
        return;
    uint64_t begin = at, *mshr = cpu_mshr_take(&c->mshrs, &begin);
    if (begin > at) {
        counts->dropped++;
        return;
    }
    cpu_level level = r->level;
    uint64_t flags = 0;
    uint64_t complete = at + ((uint64_t)cpu_ask_l2(m, c, line, fetch ? CPU_ASK_FETCH : CPU_ASK_READ, at, &flags, r) << 6);
    cpu_fill_l1(m, c, fetch, line, flags | CPU_LINE_PENDING | CPU_LINE_PREFETCHED, at, r);
    if (c->cluster->prefetches)
        cpu_train_l2(m, c, line, at, r);
    r->level = level; /* of the demand */
    if (!fetch)
        *mshr = complete;
    c->flying[line % CPU_L1_FLYING] = (cpu_flying){.line = line, .complete = complete};
    counts->issued++;
    r->prefetches++;
}

static bool same_page(const cpu_memory *m, uint64_t a, uint64_t b)
{
    return (a ^ b) >> (CPU_PAGE_SHIFT - m->line_shift) == 0;
}

void cpu_memory_train_data(cpu_memory *m, unsigned core, uint64_t ip, uint64_t pa, uint64_t at, cpu_mem_result *r)
{
    cpu_mem_core *c = &m->cores[core];
    unsigned kinds = m->desc->kinds[m->desc->core_kind[core]].prefetch.l1d;
    uint64_t line = pa >> m->line_shift, last = c->strides.last_line;
    c->strides.last_line = line;
    if (kinds & CPU_PREFETCH_NEXT_LINE && line && same_page(m, line, line + 1) && (last == line - 1 || cpu_cache_peek(&c->l1d, line - 1)))
        prefetch_l1(m, core, false, line + 1, at, r);
    if (!(kinds & CPU_PREFETCH_IP_STRIDE))
        return;
    uint64_t next = cpu_stride_next(&c->strides, ip, pa);
    if (next && next >> m->line_shift != line)
        prefetch_l1(m, core, false, next >> m->line_shift, at, r);
}

void cpu_memory_train_fetch(cpu_memory *m, unsigned core, uint64_t line, uint64_t at, cpu_mem_result *r)
{
    if (same_page(m, line, line + 1))
        prefetch_l1(m, core, true, line + 1, at, r);
}

uint64_t cpu_memory_pending(cpu_memory *m, unsigned core, bool fetch, uint64_t line, uint64_t *word, uint64_t at, bool *first)
{
    cpu_mem_core *c = &m->cores[core];
    const cpu_flying *f = &c->flying[line % CPU_L1_FLYING];
    bool waits = f->line == line && f->complete > at;
    *first = *word & CPU_LINE_PREFETCHED;
    if (*first) {
        cpu_prefetch_counts *counts = fetch ? &c->l1i_prefetch : &c->l1d_prefetch;
        *word &= ~(uint64_t)CPU_LINE_PREFETCHED;
        counts->useful++;
        counts->late += waits;
    }
    if (waits)
        return f->complete;
    *word &= ~(uint64_t)CPU_LINE_PENDING;
    return 0;
}
