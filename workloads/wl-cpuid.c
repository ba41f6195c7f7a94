/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-cpuid.h"

#include <string.h>

void wl_cpuid(uint32_t leaf, uint32_t regs[4])
{
    /* AMD64 Architecture Programmer's Manual vol. 3, appendix E: the layout of the leaves. */
    static const struct { uint32_t leaf, regs[4]; } leaves[] = {
        { 0x00000000, { 1, 0x68747541, 0x444d4163, 0x69746e65 } },            /* "AuthenticAMD", one more leaf */
        { 0x00000001, { 0x00000663, 0x00000800, 0x00002001, WL_CPUID_1_EDX } }, /* line flush 64 bytes; SSE3, CMPXCHG16B */
        { 0x80000000, { 0x80000008, 0x68747541, 0x444d4163, 0x69746e65 } },
        { 0x80000001, { 0x00000663, 0, 0x00000001, 0x2193fbfd } },            /* LAHF; SYSCALL, NX, long mode */
        { 0x80000005, { 0, 0, 0x20080140, 0x20080140 } },                     /* L1: 32 KiB, 8 ways, lines of 64 bytes */
        { 0x80000006, { 0, 0, 0x02006140, 0 } },                              /* L2: 512 KiB, 8 ways; no L3 */
        { 0x80000007, { 0, 0, 0, 0x00000100 } },                              /* invariant time stamp counter */
        { 0x80000008, { 0x00003028, 0, 0, 0 } },                              /* 40 physical, 48 virtual address bits */
    };
    memset(regs, 0, 4 * sizeof *regs);
    for (unsigned i = 0; i < sizeof leaves / sizeof *leaves; i++)
        if (leaves[i].leaf == leaf)
            memcpy(regs, leaves[i].regs, sizeof leaves[i].regs);
}

static int on_cpuid(uc_engine *uc, void *user)
{
    static const int names[] = { UC_X86_REG_RAX, UC_X86_REG_RBX, UC_X86_REG_RCX, UC_X86_REG_RDX };
    uint32_t regs[4];
    uint64_t leaf = 0;
    (void)user;
    uc_reg_read(uc, UC_X86_REG_RAX, &leaf);
    wl_cpuid((uint32_t)leaf, regs);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t value = regs[i];
        uc_reg_write(uc, names[i], &value);
    }
    return 1; /* done; the engine shall not */
}

bool wl_cpuid_install(uc_engine *uc)
{
    uc_hook hook;
    return uc_hook_add(uc, &hook, UC_HOOK_INSN, (void *)on_cpuid, NULL, 1, 0, UC_X86_INS_CPUID) == UC_ERR_OK;
}
