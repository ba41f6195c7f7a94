/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking up the tables of cpu-uarch-intel.h. */
#include "cpu-uarch-intel.h"

#include <string.h>

enum { MAX_MNEMONIC = ZYDIS_MNEMONIC_MAX_VALUE };

/* Rows of each mnemonic, in order: places[first[m]] up to places[first[m + 1]]. */
static struct {
    uint32_t first[MAX_MNEMONIC + 2];
    const cpu_intel_row **places;
    unsigned bad_names;
} table;

typedef struct {
    unsigned mnemonic;
    const cpu_intel_row *row;
} entry;

static void enter_name(GHashTable *numbers, GArray *entries, const char *name, const cpu_intel_row *row)
{
    gpointer number;
    if (!g_hash_table_lookup_extended(numbers, name, NULL, &number)) {
        table.bad_names++;
        return;
    }
    entry e = {GPOINTER_TO_UINT(number), row};
    g_array_append_val(entries, e);
}

static void enter_row(GHashTable *numbers, GArray *entries, const cpu_intel_row *row)
{
    g_auto(GStrv) names = g_strsplit(row->names, " ", -1);
    for (char **n = names; *n; n++) {
        bool both = **n == '*';
        enter_name(numbers, entries, *n + both, row);
        if (both) {
            g_autofree char *vex = g_strconcat("v", *n + 1, NULL);
            enter_name(numbers, entries, vex, row);
        }
    }
}

static void build(void)
{
    static const cpu_intel_table *const tables[] = {&cpu_intel_int, &cpu_intel_sse, &cpu_intel_vec, &cpu_intel_x87};
    g_autoptr(GHashTable) numbers = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned m = 1; m <= MAX_MNEMONIC; m++)
        g_hash_table_insert(numbers, (gpointer)(uintptr_t)ZydisMnemonicGetString((ZydisMnemonic)m), GUINT_TO_POINTER(m));
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(entry));
    for (unsigned t = 0; t < G_N_ELEMENTS(tables); t++)
        for (unsigned i = 0; i < tables[t]->n; i++)
            enter_row(numbers, entries, &tables[t]->rows[i]);
    for (unsigned i = 0; i < entries->len; i++)
        table.first[g_array_index(entries, entry, i).mnemonic + 1]++;
    for (unsigned m = 0; m <= MAX_MNEMONIC; m++)
        table.first[m + 1] += table.first[m];
    table.places = g_new(const cpu_intel_row *, MAX(entries->len, 1));
    g_autofree uint32_t *next = g_memdup2(table.first, sizeof table.first);
    for (unsigned i = 0; i < entries->len; i++) {
        const entry *e = &g_array_index(entries, entry, i);
        table.places[next[e->mnemonic]++] = e->row;
    }
}

static void ensure_built(void)
{
    static gsize built;
    if (g_once_init_enter(&built)) {
        build();
        g_once_init_leave(&built, 1);
    }
}

unsigned cpu_intel_bad_names(void)
{
    ensure_built();
    return table.bad_names;
}

/* ---- forms ---------------------------------------------------------------------------------------------------------- */

static ZydisRegisterClass class_of(const cpu_decoded_insn *d, unsigned i)
{
    return i < d->in.operand_count_visible && d->ops[i].type == ZYDIS_OPERAND_TYPE_REGISTER ? ZydisRegisterGetClass(d->ops[i].reg.value)
                                                                                              : ZYDIS_REGCLASS_INVALID;
}

static bool is_gpr(ZydisRegisterClass c)
{
    return c >= ZYDIS_REGCLASS_GPR8 && c <= ZYDIS_REGCLASS_GPR64;
}

static bool is_vector(ZydisRegisterClass c)
{
    return c == ZYDIS_REGCLASS_XMM || c == ZYDIS_REGCLASS_YMM;
}

static bool any_class(const cpu_decoded_insn *d, ZydisRegisterClass c)
{
    for (unsigned i = 0; i < d->in.operand_count_visible; i++)
        if (class_of(d, i) == c)
            return true;
    return false;
}

static bool any_wide(const cpu_decoded_insn *d)
{
    for (unsigned i = 0; i < d->in.operand_count_visible; i++)
        if (d->ops[i].size == 256)
            return true;
    return false;
}

static bool any_access(const cpu_decoded_insn *d)
{
    for (unsigned i = 0; i < d->in.operand_count; i++)
        if (cpu_decode_is_access(d, &d->ops[i]))
            return true;
    return false;
}

static bool last_two_same(const cpu_decoded_insn *d)
{
    unsigned n = d->in.operand_count_visible;
    return n >= 2 && d->ops[n - 1].type == ZYDIS_OPERAND_TYPE_REGISTER && d->ops[n - 2].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           d->ops[n - 1].reg.value == d->ops[n - 2].reg.value;
}

static bool is_locked(const cpu_decoded_insn *d)
{
    return d->in.attributes & ZYDIS_ATTRIB_HAS_LOCK;
}

/* A byte register apart from those whose number would mean AH, CH, DH or BH without a REX prefix, and these themselves. */
static bool low_byte(const cpu_decoded_insn *d, unsigned i)
{
    if (class_of(d, i) != ZYDIS_REGCLASS_GPR8 || (d->ops[i].reg.value >= ZYDIS_REGISTER_AH && d->ops[i].reg.value <= ZYDIS_REGISTER_BH))
        return false;
    return !(__builtin_ctzll(cpu_decode_reg(d->ops[i].reg.value)) & 4);
}

static bool holds(const cpu_decoded_insn *d, char letter)
{
    unsigned n = d->in.operand_count_visible;
    const ZydisDecodedOperand *last = n ? &d->ops[n - 1] : NULL;
    switch (letter) {
    case 'm': return any_access(d);
    case 'M': return n && cpu_decode_is_access(d, &d->ops[0]);
    case 'g': return is_gpr(class_of(d, 0));
    case 'G': return is_gpr(class_of(d, 1));
    case 'Q': return n && class_of(d, n - 1) == ZYDIS_REGCLASS_GPR64;
    case 'v': return is_vector(class_of(d, 0));
    case 'V': return is_vector(class_of(d, 1));
    case 'n': return any_class(d, ZYDIS_REGCLASS_MMX);
    case 'y': return any_wide(d);
    case 'q': return n && d->ops[0].size == 64;
    case 'd': return n && d->ops[0].size == 32;
    case 'w': return n && d->ops[0].size == 16;
    case 'b': return n && d->ops[0].size == 8;
    case '1':
    case '2':
    case '3':
    case '4': return n == (unsigned)(letter - '0');
    case 'i': return last && last->type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    case '0': return last && last->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && last->imm.value.u == 0;
    case 'c': return last && last->type == ZYDIS_OPERAND_TYPE_REGISTER && last->reg.value == ZYDIS_REGISTER_CL;
    case 's': return d->in.opcode == 0xd0 || d->in.opcode == 0xd1;
    case '=': return last_two_same(d);
    case 'L': return is_locked(d);
    case 'R': return d->in.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
    case 'X': return d->in.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
    case 'h': return low_byte(d, 1);
    case 'l':
        return n == 2 && d->ops[1].type == ZYDIS_OPERAND_TYPE_MEMORY && d->ops[1].mem.base != ZYDIS_REGISTER_NONE &&
               d->ops[1].mem.index != ZYDIS_REGISTER_NONE && d->in.raw.disp.size != 0;
    default: g_assert_not_reached();
    }
}

static bool fits(const cpu_decoded_insn *d, const char *when)
{
    for (const char *s = when; *s; s++) {
        bool want = true;
        if (*s == '!') {
            want = false;
            s++;
        }
        if (*s != ' ' && holds(d, *s) != want)
            return false;
    }
    return true;
}

const char *cpu_intel_recipe(const cpu_decoded_insn *d, unsigned generation)
{
    ensure_built();
    unsigned m = d->in.mnemonic;
    if (m > MAX_MNEMONIC)
        return NULL;
    for (uint32_t i = table.first[m]; i < table.first[m + 1]; i++)
        if (fits(d, table.places[i]->when)) {
            unsigned g = generation;
            while (g && !table.places[i]->uops[g])
                g--;
            return table.places[i]->uops[g];
        }
    return NULL;
}
