/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pin's registers, in the order of its REG enumeration (source/include/pin/gen/reg_ia32.PH of Pin 2.13; Pin 3 has 32 vector registers
 * of each width from the same number on). */
#include "tr-import-champsim.h"

enum { PIN_RDI = 3, PIN_R8 = 11, PIN_AL = 27, PIN_EDI = 45, PIN_R8B = 59, PIN_MM0 = 83, PIN_X87 = 99, PIN_XMM0 = 100, PIN_VEC_END = 196 };

/* x86's numbers of rdi, rsi, rbp, rsp, rbx, rdx, rcx, rax. */
static const uint8_t general[8] = { 7, 6, 5, 4, 3, 2, 1, 0 };

uint8_t tr_champsim_from_reg(unsigned reg)
{
    if (reg < 8)
        return (uint8_t)(PIN_RDI + 7 - reg);
    if (reg < 16)
        return (uint8_t)(PIN_R8 + reg - 8);
    if (reg < INSN_REG_FLAGS)
        return (uint8_t)(PIN_XMM0 + reg - INSN_REG_VEC);
    return reg == INSN_REG_FLAGS ? TR_CHAMPSIM_FLAGS : PIN_X87;
}

uint8_t tr_champsim_to_reg(uint8_t pin)
{
    /* al ah ax cl ch cx dl dh dx bl bh bx bp si di sp flags ip */
    static const uint8_t narrow[18] = { 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 5, 6, 7, 4, INSN_REG_FLAGS, INSN_REG_NONE };
    /* edi dil esi sil ebp bpl esp spl ebx edx ecx eax eflags eip */
    static const uint8_t wide[14] = { 7, 7, 6, 6, 5, 5, 4, 4, 3, 2, 1, 0, INSN_REG_FLAGS, INSN_REG_NONE };
    if (pin >= PIN_RDI && pin < PIN_R8)
        return general[pin - PIN_RDI];
    if (pin >= PIN_R8 && pin < PIN_R8 + 8)
        return (uint8_t)(8 + pin - PIN_R8);
    if (pin == TR_CHAMPSIM_FLAGS)
        return INSN_REG_FLAGS;
    if (pin >= PIN_AL && pin < PIN_EDI)
        return narrow[pin - PIN_AL];
    if (pin >= PIN_EDI && pin < PIN_R8B)
        return wide[pin - PIN_EDI];
    if (pin >= PIN_R8B && pin < PIN_MM0)
        return (uint8_t)(8 + (pin - PIN_R8B) / 3);
    if (pin >= PIN_MM0 && pin <= PIN_X87)
        return INSN_REG_X87;
    if (pin >= PIN_XMM0 && pin < PIN_VEC_END)
        return (uint8_t)(INSN_REG_VEC + ((pin - PIN_XMM0) & 15));
    return INSN_REG_NONE;
}

insn_op tr_champsim_branch(const uint8_t *dst, unsigned n_dst, const uint8_t *src, unsigned n_src)
{
    bool writes_ip = false, writes_sp = false, reads_sp = false, reads_flags = false, reads_ip = false, reads_other = false;
    for (unsigned i = 0; i < n_dst; i++) {
        writes_ip |= dst[i] == TR_CHAMPSIM_IP;
        writes_sp |= dst[i] == TR_CHAMPSIM_SP;
    }
    for (unsigned i = 0; i < n_src; i++) {
        reads_sp |= src[i] == TR_CHAMPSIM_SP;
        reads_flags |= src[i] == TR_CHAMPSIM_FLAGS;
        reads_ip |= src[i] == TR_CHAMPSIM_IP;
        reads_other |= src[i] && src[i] != TR_CHAMPSIM_SP && src[i] != TR_CHAMPSIM_FLAGS && src[i] != TR_CHAMPSIM_IP;
    }
    if (!writes_ip)
        return INSN_OP_MOVE;
    if (!reads_sp && !reads_flags && !reads_other)
        return INSN_OP_JUMP;
    if (!reads_sp && !reads_ip && !reads_flags)
        return INSN_OP_IJUMP;
    if (!reads_sp && reads_ip && !writes_sp)
        return INSN_OP_COND;
    if (reads_sp && reads_ip && writes_sp && !reads_flags)
        return reads_other ? INSN_OP_ICALL : INSN_OP_CALL;
    if (reads_sp && !reads_ip && writes_sp)
        return INSN_OP_RET;
    return INSN_OP_COUNT;
}
