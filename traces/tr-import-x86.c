/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opcodes: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, appendix A. */
#include "tr-import-x86.h"

static bool is_prefix(uint8_t byte)
{
    switch (byte) {
    case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: /* segments, hints */
    case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3:
        return true;
    default:
        return (byte & 0xf0) == 0x40; /* REX */
    }
}

static tr_x86_flow two_bytes(uint8_t op)
{
    switch (op) {
    case 0x05: case 0x07: case 0x34: case 0x35: case 0x0b: /* syscall, sysret, sysenter, sysexit, ud2 */
        return TR_X86_ENDS;
    default:
        return (op & 0xf0) == 0x80 ? TR_X86_ENDS : TR_X86_PLAIN; /* jcc rel32 */
    }
}

tr_x86_flow tr_x86_flow_of(const uint8_t *code, unsigned size)
{
    unsigned at = 0;
    bool rep = false;
    while (at < size && is_prefix(code[at])) {
        rep |= code[at] == 0xf2 || code[at] == 0xf3;
        at++;
    }
    if (at == size)
        return TR_X86_PLAIN;
    uint8_t op = code[at], next = at + 1 < size ? code[at + 1] : 0;
    switch (op) {
    case 0x0f:
        return two_bytes(next);
    case 0x6c: case 0x6d: case 0x6e: case 0x6f: /* ins, outs */
    case 0xa4: case 0xa5: case 0xa6: case 0xa7: /* movs, cmps */
    case 0xaa: case 0xab: case 0xac: case 0xad: case 0xae: case 0xaf: /* stos, lods, scas */
        return rep ? TR_X86_REP : TR_X86_PLAIN;
    case 0xc2: case 0xc3: case 0xca: case 0xcb: case 0xcf: /* ret, iret */
    case 0xcc: case 0xcd: case 0xf1: case 0xf4:            /* int, hlt */
    case 0xe0: case 0xe1: case 0xe2: case 0xe3:            /* loop, jrcxz */
    case 0xe8: case 0xe9: case 0xeb:                       /* call, jmp */
        return TR_X86_ENDS;
    case 0xff: /* groups: call 2, 3; jmp 4, 5 */
        return (next >> 3 & 7) >= 2 && (next >> 3 & 7) <= 5 ? TR_X86_ENDS : TR_X86_PLAIN;
    default:
        return op >= 0x70 && op <= 0x7f ? TR_X86_ENDS : TR_X86_PLAIN; /* jcc rel8 */
    }
}
