/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Macro-fusion, and what the front end wants to know of an instruction's bytes. Sources: see cpu-uarch-intel.c. */
#include "cpu-uarch-insn.h"

/* ---- macro-fusion --------------------------------------------------------------------------------------------------------------- */

/* Kinds of first instruction, by the conditions that they fuse with [OPT, table "Macro-fusible instructions in Intel microarchitecture code name Sandy
 * Bridge"]. */
typedef enum { FUSES_NOT, FUSES_ALL, FUSES_SIGNED_AND_CARRY, FUSES_SIGNED } fusible;

static fusible fusible_kind(const cpu_decoded_insn *d)
{
    bool access = false, immediate = d->in.raw.imm[0].size != 0;
    for (unsigned i = 0; i < d->in.operand_count_visible; i++)
        if (d->ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY) {
            access = true;
            if (d->ops[i].mem.base == ZYDIS_REGISTER_RIP)
                return FUSES_NOT;
        }
    bool to_memory = access && d->ops[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
    switch (d->in.mnemonic) {
    case ZYDIS_MNEMONIC_TEST:
        return access && immediate ? FUSES_NOT : FUSES_ALL;
    case ZYDIS_MNEMONIC_AND:
        return to_memory ? FUSES_NOT : FUSES_ALL;
    case ZYDIS_MNEMONIC_CMP:
        return access && immediate ? FUSES_NOT : FUSES_SIGNED_AND_CARRY;
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SUB:
        return to_memory ? FUSES_NOT : FUSES_SIGNED_AND_CARRY;
    case ZYDIS_MNEMONIC_INC:
    case ZYDIS_MNEMONIC_DEC:
        return to_memory ? FUSES_NOT : FUSES_SIGNED;
    default:
        return FUSES_NOT;
    }
}

static bool fuses_with(fusible kind, ZydisMnemonic jump)
{
    switch (jump) {
    case ZYDIS_MNEMONIC_JZ:
    case ZYDIS_MNEMONIC_JNZ:
    case ZYDIS_MNEMONIC_JL:
    case ZYDIS_MNEMONIC_JNL:
    case ZYDIS_MNEMONIC_JLE:
    case ZYDIS_MNEMONIC_JNLE:
        return kind != FUSES_NOT;
    case ZYDIS_MNEMONIC_JB:
    case ZYDIS_MNEMONIC_JNB:
    case ZYDIS_MNEMONIC_JBE:
    case ZYDIS_MNEMONIC_JNBE:
        return kind == FUSES_ALL || kind == FUSES_SIGNED_AND_CARRY;
    case ZYDIS_MNEMONIC_JO:
    case ZYDIS_MNEMONIC_JNO:
    case ZYDIS_MNEMONIC_JS:
    case ZYDIS_MNEMONIC_JNS:
    case ZYDIS_MNEMONIC_JP:
    case ZYDIS_MNEMONIC_JNP:
        return kind == FUSES_ALL;
    default:
        return false;
    }
}

bool cpu_intel_fusible(const cpu_decoded_insn *d)
{
    return fusible_kind(d) != FUSES_NOT;
}

bool cpu_intel_fuses(const cpu_decoded_insn *d, const cpu_decoded_insn *jump)
{
    return fuses_with(fusible_kind(d), jump->in.mnemonic);
}

/* ---- front end ------------------------------------------------------------------------------------------------------------------ */

unsigned cpu_intel_opcode_at(const ZydisDecodedInstruction *in)
{
    if (in->raw.modrm.offset)
        return in->raw.modrm.offset - 1u;
    if (in->raw.disp.size)
        return in->raw.disp.offset - 1u;
    if (in->raw.imm[0].size)
        return in->raw.imm[0].offset - 1u;
    return in->length - 1u;
}

bool cpu_intel_length_changing(const ZydisDecodedInstruction *in)
{
    bool operand_size = false;
    for (unsigned i = 0; i < in->raw.prefix_count; i++)
        operand_size |= in->raw.prefixes[i].value == 0x66;
    return operand_size && in->raw.imm[0].size == 16;
}
