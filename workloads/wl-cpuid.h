/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processor that guests find with CPUID: plain x86-64 (SSE2, SSE3, CMPXCHG16B), whatever the version of Unicorn,
 * so that a program's choices by CPUID, and with them all results, are the same everywhere. Nothing random (RDRAND,
 * RDSEED) and no AVX is offered. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <unicorn/unicorn.h>

#define WL_CPUID_1_EDX UINT32_C(0x078bfbfd) /* FPU to SSE2; also what AT_HWCAP is on x86 */

/* eax, ebx, ecx, edx of a leaf. */
void wl_cpuid(uint32_t leaf, uint32_t regs[4]);
/* Makes the engine answer so. False when it has no such hook. */
bool wl_cpuid_install(uc_engine *uc);
