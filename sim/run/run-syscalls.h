/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the system calls of x86-64 Linux, for reports. */
#pragma once

#include <stdint.h>

/* NULL: no such call. */
const char *run_syscall_name(uint32_t nr);
