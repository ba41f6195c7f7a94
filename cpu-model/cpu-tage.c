/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-tage.h"

#include <emmintrin.h>
#include <string.h>

enum {
    CTR_MAX = 3, CTR_MIN = -4,     /* three-bit counters */
    USEFUL_MAX = 3,                /* two bits */
    LOOP_SETS = 16, LOOP_WAYS = 4, LOOP_CONFIDENT = 3, LOOP_MAX = 1023, LOOP_VALID = 0x8000,
    SC_MAX = 31, SC_MIN = -32,     /* six-bit counters */
    AGE_LIMIT = 1024,              /* failed allocations, beyond successful ones, after which all usefulness is halved */
};

typedef struct {
    uint16_t tag;
    int8_t ctr;
    uint8_t useful;
} tagged;

/* A branch that goes one way `length` times and then once the other. 52 bits: tag 14, lengths 10 and 10, confidence 3, age 8, direction. */
typedef struct {
    uint16_t length, current;
    uint8_t confidence, age;
    bool way; /* the one that it goes `length` times */
} loop_entry;

struct cpu_tage {
    uint32_t base_mask, log_base, log_sc, log_tagged[CPU_TAGE_TABLES];
    uint8_t *base;                       /* [1 << log_base] two bits */
    tagged *tables[CPU_TAGE_TABLES];     /* [1 << log_tagged[i]] */
    uint32_t tag_bits[CPU_TAGE_TABLES];
    /* Folding, a lane a table: where the oldest bit of each history comes out (a power of two), 65536 over the bit above the folded ones, the folded
     * ones. */
    cpu_tage_v8 index_out, tag_out, tag2_out, index_down, tag_down, tag2_down, index_mask, tag_mask, tag2_mask;
    cpu_tage_v8 path_mask, odd;          /* how much of the path an index takes; what an address is multiplied by */
    int8_t use_alt[16];                  /* whether a newly allocated entry is to be believed, by branch */
    int32_t age;
    uint32_t random;
    loop_entry loops[LOOP_SETS][LOOP_WAYS];
    uint16_t loop_tags[LOOP_SETS][LOOP_WAYS]; /* LOOP_VALID and the tag, or 0 */
    int32_t with_loop;
    int8_t *bias;                        /* [2 << log_sc] by branch and TAGE's prediction and confidence */
    int8_t *sc[CPU_TAGE_SC];             /* [1 << log_sc] */
    int32_t threshold, threshold_ctr;
};

/* Of the tagged tables' histories: a geometric series. */
static const uint16_t lengths[CPU_TAGE_TABLES] = {4, 7, 14, 26, 49, 91, 171, CPU_TAGE_HISTORY};
/* History lengths of the corrector's tables: short ones, whose statistics TAGE does not keep (CBP-5's 8 KB predictor has such). */
static const uint8_t sc_lengths[CPU_TAGE_SC] = {2, 5, 10, 19};

/* Sizes for a budget: the corrector gets a seventh, the base table a sixteenth; the tagged tables the rest, those in the middle twice as many entries, of
 * 5 bits and a tag of 8 to 12. */
static void choose_sizes(cpu_tage *t, uint64_t bits)
{
    t->log_base = 8;
    while (2ull << (t->log_base + 1) <= bits / 16)
        t->log_base++;
    t->log_sc = 5;
    while ((6ull * (CPU_TAGE_SC + 2)) << (t->log_sc + 1) <= bits / 7)
        t->log_sc++;
    for (unsigned i = 0; i < CPU_TAGE_TABLES; i++) {
        t->tag_bits[i] = 8 + i * 4 / (CPU_TAGE_TABLES - 1);
    }
    for (unsigned least = 14; least >= 5; least--) {
        for (unsigned i = 0; i < CPU_TAGE_TABLES; i++)
            t->log_tagged[i] = least + (i >= 1 && i <= 4);
        if (cpu_tage_bits(t) <= bits)
            break;
    }
}

cpu_tage *cpu_tage_new(uint32_t kib)
{
    cpu_tage *t = g_new0(cpu_tage, 1);
    choose_sizes(t, (uint64_t)kib * 8192);
    t->base = g_malloc(1u << t->log_base);
    memset(t->base, 2, 1u << t->log_base);
    t->base_mask = (1u << t->log_base) - 1;
    t->bias = g_malloc0(2u << t->log_sc);
    for (unsigned i = 0; i < CPU_TAGE_SC; i++)
        t->sc[i] = g_malloc0(1u << t->log_sc);
    for (unsigned i = 0; i < CPU_TAGE_TABLES; i++) {
        t->tables[i] = g_new0(tagged, 1u << t->log_tagged[i]);
        uint32_t index_bits = t->log_tagged[i], tag_bits = t->tag_bits[i];
        t->index_out[i] = (uint16_t)(1u << lengths[i] % index_bits);
        t->tag_out[i] = (uint16_t)(1u << lengths[i] % tag_bits);
        t->tag2_out[i] = (uint16_t)(1u << lengths[i] % (tag_bits - 1));
        t->index_down[i] = (uint16_t)(65536u >> index_bits);
        t->tag_down[i] = (uint16_t)(65536u >> tag_bits);
        t->tag2_down[i] = (uint16_t)(65536u >> (tag_bits - 1));
        t->index_mask[i] = (uint16_t)((1u << index_bits) - 1);
        t->tag_mask[i] = (uint16_t)((1u << tag_bits) - 1);
        t->tag2_mask[i] = (uint16_t)((1u << (tag_bits - 1)) - 1);
        t->path_mask[i] = (uint16_t)((1u << MIN(lengths[i], 12u)) - 1);
        t->odd[i] = (uint16_t)(0x9e37u + 0x1cceu * i) | 1;
    }
    t->with_loop = -1;
    t->threshold = 6 * (CPU_TAGE_SC + 2);
    t->random = 1;
    return t;
}

void cpu_tage_free(cpu_tage *t)
{
    if (!t)
        return;
    g_free(t->base);
    g_free(t->bias);
    for (unsigned i = 0; i < CPU_TAGE_TABLES; i++)
        g_free(t->tables[i]);
    for (unsigned i = 0; i < CPU_TAGE_SC; i++)
        g_free(t->sc[i]);
    g_free(t);
}

uint64_t cpu_tage_bits(const cpu_tage *t)
{
    uint64_t bits = (2ull << t->log_base) + ((6ull * (CPU_TAGE_SC + 2)) << t->log_sc) + 52ull * LOOP_SETS * LOOP_WAYS;
    for (unsigned i = 0; i < CPU_TAGE_TABLES; i++)
        bits += (uint64_t)(5 + t->tag_bits[i]) << t->log_tagged[i];
    return bits;
}

/* ---- histories ------------------------------------------------------------------------------------------------------ */

static inline cpu_tage_v8 splat(uint32_t value)
{
    return (cpu_tage_v8)_mm_set1_epi16((short)value);
}

/* Eight numbers in one register, without the way through memory on which the host would wait. */
#define GATHER(x) (cpu_tage_v8)_mm_set_epi16((short)x(7), (short)x(6), (short)x(5), (short)x(4), (short)x(3), (short)x(2), (short)x(1), (short)x(0))

/* Shifts a bit into each folded history, takes the oldest one out (a lane of `oldest` is 0 or all bits), and brings what came out at the top around to the
 * bottom: `down` shifts that far. */
static inline cpu_tage_v8 fold(cpu_tage_v8 folded, cpu_tage_v8 in, cpu_tage_v8 oldest, cpu_tage_v8 out, cpu_tage_v8 down, cpu_tage_v8 mask)
{
    cpu_tage_v8 next = (folded << 1) ^ in ^ (oldest & out);
    return (next ^ (cpu_tage_v8)_mm_mulhi_epu16((__m128i)next, (__m128i)down)) & mask;
}

static G_GNUC_NO_INLINE void move_outcomes(cpu_tage_history *h)
{
    memmove(h->outcomes + CPU_TAGE_SPAN - CPU_TAGE_HISTORY, h->outcomes, CPU_TAGE_HISTORY * sizeof *h->outcomes);
    h->at = CPU_TAGE_SPAN - CPU_TAGE_HISTORY;
}

/* Folds the newest outcome in and the oldest out of each table's history. */
static inline void push(const cpu_tage *t, cpu_tage_history *h, unsigned outcome)
{
    if (G_UNLIKELY(h->at == 0))
        move_outcomes(h);
    uint16_t *newest = &h->outcomes[--h->at];
#define OLD(i) newest[lengths[i]]
    cpu_tage_v8 oldest = GATHER(OLD), now = splat(outcome);
#undef OLD
    *newest = (uint16_t)-outcome;
    h->recent = h->recent << 1 | outcome;
    h->index = fold(h->index, now, oldest, t->index_out, t->index_down, t->index_mask);
    h->tag = fold(h->tag, now, oldest, t->tag_out, t->tag_down, t->tag_mask);
    h->tag2 = fold(h->tag2, now, oldest, t->tag2_out, t->tag2_down, t->tag2_mask);
}

void cpu_tage_note(const cpu_tage *t, cpu_tage_history *h, uint64_t pc, uint64_t target)
{
    push(t, h, (unsigned)((target >> 2) ^ (target >> 5)) & 1);
    h->path = h->path << 1 | ((unsigned)(pc >> 2) & 1);
}

/* ---- loops ------------------------------------------------------------------------------------------------------------ */

static inline uint32_t loop_set(uint64_t pc)
{
    return (uint32_t)(pc ^ pc >> 12) >> 1 & (LOOP_SETS - 1);
}

static inline uint16_t loop_tag(uint64_t pc)
{
    uint32_t name = (uint32_t)(pc ^ pc >> 12);
    return (uint16_t)(LOOP_VALID | ((name >> 4 ^ name >> 14) & 0x3fff));
}

static inline loop_entry *find_loop(cpu_tage *t, uint64_t pc)
{
    uint32_t set = loop_set(pc);
    uint64_t tags, ones = UINT64_C(0x0001000100010001);
    memcpy(&tags, t->loop_tags[set], sizeof tags);
    tags ^= loop_tag(pc) * ones;
    uint64_t equal = (tags - ones) & ~tags & ones << 15; /* the lowest bit: a lane of 0 */
    return G_UNLIKELY(equal != 0) ? &t->loops[set][__builtin_ctzll(equal) / 16] : NULL;
}

static void forget_loop(cpu_tage *t, const loop_entry *e)
{
    t->loop_tags[(e - t->loops[0]) / LOOP_WAYS][(e - t->loops[0]) % LOOP_WAYS] = 0;
}

static bool loop_predicts(const loop_entry *e)
{
    return e->current + 1u == e->length ? !e->way : e->way;
}

/* A loop's entry learns the outcome: the count, and whether it is the same each time. */
static void train_loop(cpu_tage *t, loop_entry *e, bool taken)
{
    if (taken == e->way) {
        if (++e->current > LOOP_MAX || (e->length && e->current >= e->length)) { /* longer than before: no such loop */
            e->confidence = 0;
            e->length = 0;
            if (e->current > LOOP_MAX)
                forget_loop(t, e);
        }
        return;
    }
    if (e->current + 1u == e->length) {
        e->confidence = (uint8_t)MIN(e->confidence + 1, LOOP_CONFIDENT);
    } else {
        e->confidence = 0;
        e->length = (uint16_t)(e->current + 1);
        if (e->length < 4) /* TAGE knows it as well */
            forget_loop(t, e);
    }
    e->current = 0;
}

static G_GNUC_NO_INLINE void new_loop(cpu_tage *t, uint64_t pc, bool taken)
{
    uint32_t set = loop_set(pc);
    for (unsigned w = 0; w < LOOP_WAYS; w++)
        if (!t->loop_tags[set][w] || t->loops[set][w].age == 0) {
            t->loops[set][w] = (loop_entry){.way = !taken, .age = 31};
            t->loop_tags[set][w] = loop_tag(pc);
            return;
        }
    for (unsigned w = 0; w < LOOP_WAYS; w++)
        t->loops[set][w].age--;
}

/* ---- the tagged tables ---------------------------------------------------------------------------------------------------- */

typedef struct {
    uint16_t index[CPU_TAGE_TABLES], tag[CPU_TAGE_TABLES];
    int hit, alt;               /* the longest that knows the branch, and the next; -1: none */
    bool longest, other, final; /* what they say; TAGE as a whole */
    unsigned confidence;        /* of the longest: 0 to 3 */
    bool sure;                  /* the counter that decides is as far as it goes: the corrector is not asked */
    bool useful;                /* the longest is known to be as useful as can be */
} lookup;

static uint32_t next_random(cpu_tage *t)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 17;
    return t->random ^= t->random << 5;
}

static inline void look_up(const cpu_tage *t, const cpu_tage_history *h, uint64_t pc, lookup *l)
{
    uint32_t name = (uint32_t)(pc ^ pc >> 16);
    cpu_tage_v8 path = splat(h->path) & t->path_mask;
    cpu_tage_v8 index = (splat(name ^ name >> 5) ^ splat(name >> 9 ^ name) * t->odd ^ h->index ^ path) & t->index_mask;
    cpu_tage_v8 tag = (splat(name ^ name >> 7) ^ h->tag ^ h->tag2 << 1) & t->tag_mask;
    memcpy(l->index, &index, sizeof index);
    memcpy(l->tag, &tag, sizeof tag);
#define FOUND(i) t->tables[i][_mm_extract_epi16((__m128i)index, i)].tag
    cpu_tage_v8 found = GATHER(FOUND);
#undef FOUND
    unsigned hits = (unsigned)_mm_movemask_epi8(_mm_packs_epi16((__m128i)(found == tag), _mm_setzero_si128()));
    l->hit = hits ? 31 - __builtin_clz(hits) : -1;
    hits &= hits ? ~(1u << l->hit) : 0;
    l->alt = hits ? 31 - __builtin_clz(hits) : -1;
    uint8_t two_bits = t->base[name & t->base_mask];
    bool base = two_bits >= 2;
    l->other = l->alt >= 0 ? t->tables[l->alt][l->index[l->alt]].ctr >= 0 : base;
    l->longest = l->final = l->other;
    l->confidence = 0;
    l->sure = two_bits == 0 || two_bits == 3;
    l->useful = false;
    if (l->hit < 0)
        return;
    const tagged *e = &t->tables[l->hit][l->index[l->hit]];
    l->longest = e->ctr >= 0;
    l->confidence = (unsigned)(e->ctr >= 0 ? e->ctr : -1 - e->ctr);
    l->sure = l->confidence == 3;
    l->useful = e->useful == USEFUL_MAX;
    bool fresh = l->confidence == 0 && e->useful == 0;
    l->final = fresh && t->use_alt[name & 15] >= 0 ? l->other : l->longest;
}

static void nudge(int8_t *ctr, bool up, int least, int most)
{
    *ctr = (int8_t)(up ? MIN(*ctr + 1, most) : MAX(*ctr - 1, least));
}

/* After a misprediction a longer history gets a chance: up to two entries that are of no use to others. */
static void allocate(cpu_tage *t, const lookup *l, bool taken)
{
    int first = l->hit + 1 + ((next_random(t) & 1) != 0 && l->hit + 2 < CPU_TAGE_TABLES);
    unsigned given = 0;
    for (int i = first; i < CPU_TAGE_TABLES && given < 2; i++) {
        tagged *e = &t->tables[i][l->index[i]];
        if (e->useful == 0) {
            *e = (tagged){.tag = l->tag[i], .ctr = taken ? 0 : -1};
            t->age = MAX(t->age - 1, 0);
            given++;
            i++; /* not the very next */
        } else {
            t->age++;
        }
    }
    if (t->age < AGE_LIMIT)
        return;
    t->age = 0;
    for (unsigned i = 0; i < CPU_TAGE_TABLES; i++)
        for (uint32_t k = 0; k < 1u << t->log_tagged[i]; k++)
            t->tables[i][k].useful >>= 1;
}

static G_GNUC_NO_INLINE void train(cpu_tage *t, const lookup *l, uint64_t pc, bool taken)
{
    uint32_t name = (uint32_t)(pc ^ pc >> 16);
    if (l->hit >= 0) {
        tagged *e = &t->tables[l->hit][l->index[l->hit]];
        bool fresh = l->confidence == 0 && e->useful == 0;
        if (fresh && l->longest != l->other)
            nudge(&t->use_alt[name & 15], l->other == taken, -8, 7);
        if (l->longest != l->other)
            e->useful = (uint8_t)(l->longest == taken ? MIN(e->useful + 1, USEFUL_MAX) : e->useful - (e->useful > 0));
        if (fresh && l->alt >= 0) /* the alternate learns until the new one has proved itself */
            nudge(&t->tables[l->alt][l->index[l->alt]].ctr, taken, CTR_MIN, CTR_MAX);
        nudge(&e->ctr, taken, CTR_MIN, CTR_MAX);
    }
    if (l->hit < 0 || (l->alt < 0 && l->confidence == 0)) {
        uint8_t *c = &t->base[name & t->base_mask];
        *c = (uint8_t)(taken ? *c + (*c < 3) : *c - (*c > 0));
    }
    if (l->final != taken && l->hit + 1 < CPU_TAGE_TABLES)
        allocate(t, l, taken);
}

/* ---- the statistical corrector --------------------------------------------------------------------------------------------- */

typedef struct {
    int8_t *bias, *ctr[CPU_TAGE_SC];
    int sum;
} corrector;

static G_GNUC_NO_INLINE void correct(cpu_tage *t, const cpu_tage_history *h, uint64_t pc, const lookup *l, corrector *c)
{
    uint32_t name = (uint32_t)(pc ^ pc >> 16), mask = (1u << t->log_sc) - 1;
    c->bias = &t->bias[(name << 1 & (2 * mask + 1)) | l->final];
    int sum = 2 * *c->bias + 1;
#pragma GCC unroll 4
    for (unsigned i = 0; i < CPU_TAGE_SC; i++) {
        uint64_t past = h->recent & ((UINT64_C(1) << sc_lengths[i]) - 1);
        uint32_t hash = (uint32_t)(past * UINT64_C(0x9e3779b97f4a7c15) >> 40);
        c->ctr[i] = &t->sc[i][(name ^ hash ^ (uint32_t)l->final << (t->log_sc - 1)) & mask];
        sum += 2 * *c->ctr[i] + 1;
    }
    c->sum = sum + (l->final ? 1 : -1) * (int)(4 + 8 * l->confidence);
}

static G_GNUC_NO_INLINE void train_corrector(cpu_tage *t, const corrector *c, bool tage, bool taken)
{
    bool says = c->sum >= 0;
    int size = abs(c->sum);
    if (says != tage && size < t->threshold * 2) { /* where it was to decide: was it right? */
        t->threshold_ctr += says == taken ? -1 : 1;
        if (abs(t->threshold_ctr) >= 32) {
            t->threshold = CLAMP(t->threshold + (t->threshold_ctr > 0 ? 1 : -1), 4, 120);
            t->threshold_ctr = 0;
        }
    }
    if (says == taken && size >= t->threshold)
        return;
    nudge(c->bias, taken, SC_MIN, SC_MAX);
    for (unsigned i = 0; i < CPU_TAGE_SC; i++)
        nudge(c->ctr[i], taken, SC_MIN, SC_MAX);
}

/* ---- all of it --------------------------------------------------------------------------------------------------------------- */

bool cpu_tage_predict(cpu_tage *t, cpu_tage_history *h, uint64_t pc, bool taken)
{
    lookup l;
    corrector c;
    look_up(t, h, pc, &l);
    bool predicted = l.final;
    if (!l.sure) {
        correct(t, h, pc, &l, &c);
        predicted = abs(c.sum) >= t->threshold / 2 ? c.sum >= 0 : predicted;
        train_corrector(t, &c, l.final, taken);
    }
    loop_entry *loop = find_loop(t, pc);
    if (loop && loop->length && loop->confidence == LOOP_CONFIDENT) {
        bool says = loop_predicts(loop);
        if (says != predicted) {
            t->with_loop = CLAMP(t->with_loop + (says == taken ? 1 : -1), -64, 63);
            if (t->with_loop >= 0)
                predicted = says;
        }
        loop->age = says == taken ? (uint8_t)MIN(loop->age + 1, 31) : 0;
    }
    if (loop)
        train_loop(t, loop, taken);
    else if (predicted != taken && (next_random(t) & 3) == 0)
        new_loop(t, pc, taken);
    if (!(l.sure & (l.longest == taken) & ((l.other == taken) | l.useful))) /* else all is as far as it goes already */
        train(t, &l, pc, taken);
    push(t, h, taken);
    h->path = h->path << 1 | ((unsigned)(pc >> 2) & 1);
    return predicted == taken;
}
