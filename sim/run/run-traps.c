/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-traps.h"

enum { WITHIN_BLOCKS = 1u << VMM_INSN_CPUID | 1u << VMM_INSN_RDTSC | 1u << VMM_INSN_PAUSE };
/* Linux, arch/x86/entry/syscalls/syscall_64.tbl. */
enum { SYS_ARCH_PRCTL = 158 };

void run_traps_init(run_traps *t, uint32_t insns)
{
    *t = (run_traps){.mask = insns & WITHIN_BLOCKS};
    if (t->mask)
        t->known = g_byte_array_new();
}

void run_traps_clear(run_traps *t)
{
    g_clear_pointer(&t->known, g_byte_array_unref);
}

unsigned run_traps_count(insn_code *code, uint32_t block, vmm_insn insn)
{
    const insn_block_facts *f = code->facts(code, block);
    return insn == VMM_INSN_CPUID ? f->n_cpuid : insn == VMM_INSN_RDTSC ? f->n_rdtsc : insn == VMM_INSN_PAUSE ? f->n_pause : 0;
}

static bool traps(run_traps *t, insn_code *code, uint32_t block)
{
    static const uint8_t zeros[1024];
    while (block >= t->known->len)
        g_byte_array_append(t->known, zeros, sizeof zeros);
    uint8_t *known = &t->known->data[block];
    if (!*known) {
        *known = 1;
        for (unsigned i = 0; i < VMM_N_INSN_BITS; i++)
            if (t->mask >> i & 1 && run_traps_count(code, block, (vmm_insn)i))
                *known = 2;
    }
    return *known == 2;
}

insn_batch run_traps_part(run_traps *t, insn_code *code, const insn_batch *batch, uint32_t from)
{
    insn_batch part = *batch;
    for (uint32_t i = from; t->mask && !t->at && i < batch->n_blocks; i++)
        if (traps(t, code, batch->blocks[i]))
            t->at = i + 1;
    if (t->at)
        part.n_blocks = t->at;
    return part;
}

unsigned run_traps_of_event(const insn_event *e, vmm_insn insn)
{
    switch (e->kind) {
    case INSN_EVENT_SLEEP:
    case INSN_EVENT_SLEEP_UNTIL:
        return insn == VMM_INSN_MSR;
    case INSN_EVENT_SYSCALL:
        return insn == VMM_INSN_MSR && e->nr == SYS_ARCH_PRCTL;
    case INSN_EVENT_TIME_READ: /* the guest's own RDTSC stands in a block */
        return insn == VMM_INSN_RDTSC && e->nr != 0;
    default:
        return 0;
    }
}
