/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-dram.h"

void cpu_dram_init(cpu_dram *d, const cpu_machine *machine)
{
    uint32_t line = machine->kinds[0].l1d.line;
    *d = (cpu_dram){.desc = &machine->dram, .n_channels = MAX(machine->mem_channels, 1)};
    d->channels = g_new0(cpu_channel, d->n_channels);
    for (unsigned i = 0; i < d->n_channels; i++)
        d->channels[i].slot = MAX((sim_ps)((unsigned __int128)line * d->n_channels * SIM_PS_PER_S / machine->mem_bandwidth), 1);
    if (machine->dram.banks) {
        d->banks = g_new0(cpu_bank, (size_t)d->n_channels * machine->dram.banks);
        d->row_shift = (unsigned)__builtin_ctz(machine->dram.row / line);
    }
}

void cpu_dram_clear(cpu_dram *d)
{
    g_free(d->channels);
    g_free(d->banks);
    *d = (cpu_dram){0};
}

sim_ps cpu_channel_use(cpu_channel *ch, sim_ps at)
{
    uint64_t first = at / ch->slot;
    for (uint64_t word = first / 64;; word++) {
        unsigned place = word % CPU_CHANNEL_WORDS;
        if (ch->number[place] < word) {
            ch->number[place] = word;
            ch->taken[place] = 0;
        }
        uint64_t free_slots = ~ch->taken[place];
        if (word == first / 64)
            free_slots &= UINT64_MAX << first % 64;
        if (ch->number[place] > word) { /* long past: to the oldest that is known */
            word = ch->number[place] - CPU_CHANNEL_WORDS;
            continue;
        }
        bool last = word - first / 64 >= CPU_CHANNEL_WORDS - 1;
        if (!free_slots && !last)
            continue;
        uint64_t slot = word * 64 + (free_slots ? (unsigned)__builtin_ctzll(free_slots) : 63);
        ch->taken[place] |= UINT64_C(1) << slot % 64;
        return (slot - first) * ch->slot;
    }
}

/* Lines go to channels in turn, and rows to banks in turn, XORed with the bits above so that strides of whole rows spread (permutation-based
 * interleaving: Zhang, Zhu and Zhang, MICRO 2000). */
static int64_t bank_access(cpu_dram *d, unsigned channel, uint64_t row_line, sim_ps at)
{
    const cpu_dram_desc *t = d->desc;
    uint64_t row = row_line >> d->row_shift;
    unsigned index = (unsigned)((row ^ row / t->banks) & (t->banks - 1));
    cpu_bank *bank = &d->banks[(size_t)channel * t->banks + index];
    int64_t extra = 0;
    if (bank->row == row + 1) {
        extra = -(int64_t)t->rcd;
        d->row_hits++;
    } else if (bank->row) {
        extra = (int64_t)t->rp;
        d->row_conflicts++;
    } else {
        d->row_misses++;
    }
    /* A bank that opens a row is busy until its data begin; requests come a little out of order, so no more than eight turns are waited for. */
    sim_ps busy = extra < 0 ? d->channels[channel].slot : t->rcd + t->cas + (extra > 0 ? t->rp : 0);
    sim_ps wait = bank->free > at ? MIN(bank->free - at, 8 * (t->rp + t->rcd + t->cas)) : 0;
    bank->row = row + 1;
    bank->free = at + wait + busy;
    return extra + (int64_t)wait;
}

int64_t cpu_dram_access(cpu_dram *d, uint64_t line, sim_ps at)
{
    unsigned channel = d->n_channels > 1 ? (unsigned)(line % d->n_channels) : 0;
    int64_t extra = d->banks ? bank_access(d, channel, line / d->n_channels, at) : 0;
    sim_ps ready = extra > 0 ? at + (sim_ps)extra : at;
    return extra + (int64_t)cpu_channel_use(&d->channels[channel], ready);
}
