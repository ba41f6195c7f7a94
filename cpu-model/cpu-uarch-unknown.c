/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which instructions of a program a kind of core has no breakdown of, by weight. */
#include "cpu-decode.h"
#include "cpu-uarch.h"

#include <string.h>

void cpu_weights_add(cpu_weights *w, const insn_batch *batch)
{
    for (uint32_t i = 0; i < batch->n_blocks; i++) {
        uint32_t id = batch->blocks[i];
        if (id >= w->n) {
            uint32_t n = MAX(id + 1, w->n + w->n / 2);
            w->executions = g_renew(uint64_t, w->executions, n);
            memset(w->executions + w->n, 0, (n - w->n) * sizeof *w->executions);
            w->n = n;
        }
        w->executions[id]++;
    }
}

void cpu_weights_clear(cpu_weights *w)
{
    g_free(w->executions);
    *w = (cpu_weights){0};
}

static void append_operand(GString *text, const ZydisDecodedOperand *op)
{
    static const struct {
        ZydisRegisterClass class;
        const char *name;
    } classes[] = {{ZYDIS_REGCLASS_GPR8, "r8"}, {ZYDIS_REGCLASS_GPR16, "r16"}, {ZYDIS_REGCLASS_GPR32, "r32"}, {ZYDIS_REGCLASS_GPR64, "r64"},
                   {ZYDIS_REGCLASS_X87, "st"}, {ZYDIS_REGCLASS_MMX, "mm"}, {ZYDIS_REGCLASS_XMM, "xmm"}, {ZYDIS_REGCLASS_YMM, "ymm"},
                   {ZYDIS_REGCLASS_ZMM, "zmm"}, {ZYDIS_REGCLASS_MASK, "k"}};
    switch (op->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
        for (unsigned i = 0; i < G_N_ELEMENTS(classes); i++)
            if (ZydisRegisterGetClass(op->reg.value) == classes[i].class) {
                g_string_append(text, classes[i].name);
                return;
            }
        g_string_append(text, ZydisRegisterGetString(op->reg.value));
        return;
    case ZYDIS_OPERAND_TYPE_MEMORY:
        g_string_append_printf(text, "m%u", (unsigned)op->size);
        return;
    default:
        g_string_append_c(text, 'i');
        return;
    }
}

static char *form_of(const cpu_decoded_insn *d)
{
    GString *text = g_string_new(d->in.attributes & ZYDIS_ATTRIB_HAS_LOCK ? "lock " : "");
    g_string_append(text, ZydisMnemonicGetString(d->in.mnemonic));
    for (unsigned i = 0; i < d->in.operand_count_visible; i++) {
        g_string_append(text, i ? ", " : " ");
        append_operand(text, &d->ops[i]);
    }
    return g_string_free(text, FALSE);
}

/* Takes `form`. */
static void add_form(GHashTable *places, GArray *all, char *form, uint64_t executions, bool first_in_block)
{
    gpointer place;
    if (!g_hash_table_lookup_extended(places, form, NULL, &place)) {
        place = GUINT_TO_POINTER(all->len);
        cpu_unknown u = {.form = form};
        g_array_append_val(all, u);
        g_hash_table_insert(places, form, place);
    } else {
        g_free(form);
    }
    cpu_unknown *u = &g_array_index(all, cpu_unknown, GPOINTER_TO_UINT(place));
    u->executions += executions;
    u->blocks += first_in_block;
}

static void add_block(const cpu_core_desc *core, const cpu_block *block, uint64_t executions, GHashTable *places, GArray *all)
{
    ZydisDecoder decoder;
    cpu_decoded_insn d;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    cpu_xblock *x = cpu_uarch_expand(core, block);
    g_autoptr(GHashTable) here = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    unsigned at = 0;
    for (unsigned i = 0; i < x->n_insns; at += x->insns[i++].length) {
        if (!(x->insns[i].flags & CPU_XI_UNKNOWN) || at >= block->facts.code_bytes)
            continue;
        bool good = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, block->bytes + at, block->facts.code_bytes - at, &d.in, d.ops));
        char *form = good ? form_of(&d) : g_strdup("(bad)");
        bool first = g_hash_table_add(here, g_strdup(form));
        add_form(places, all, form, executions, first);
    }
    cpu_xblock_free(x);
}

static int by_weight(gconstpointer a, gconstpointer b)
{
    const cpu_unknown *x = a, *y = b;
    if (x->executions != y->executions)
        return x->executions < y->executions ? 1 : -1;
    if (x->blocks != y->blocks)
        return x->blocks < y->blocks ? 1 : -1;
    return strcmp(x->form, y->form);
}

static void clear_unknown(gpointer data)
{
    g_free(((cpu_unknown *)data)->form);
}

GArray *cpu_uarch_unknown(const cpu_core_desc *core, const insn_code *code, const cpu_weights *weights)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(cpu_unknown));
    g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal); /* the keys are the forms of `all` */
    uint32_t n = cpu_code_count(code);
    for (uint32_t id = 0; id < n; id++)
        add_block(core, cpu_code_block(code, id), weights && id < weights->n ? weights->executions[id] : 0, places, all);
    g_array_sort(all, by_weight);
    g_array_set_clear_func(all, clear_unknown);
    return all;
}
