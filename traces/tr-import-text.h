/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers in lines of text. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

static inline const char *tr_text_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

/* Reads a hexadecimal number of at most 64 bits, 0x allowed, at *p and moves *p behind it. */
static inline bool tr_text_hex(const char **p, uint64_t *out)
{
    const char *at = *p;
    uint64_t v = 0;
    unsigned digits = 0;
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && g_ascii_isxdigit(at[2]))
        at += 2;
    for (int d; (d = g_ascii_xdigit_value(*at)) >= 0; at++) {
        if (v >> 60)
            return false;
        v = v << 4 | (unsigned)d;
        digits++;
    }
    *p = at;
    *out = v;
    return digits > 0;
}

/* The same in decimal, at most 9 digits. */
static inline bool tr_text_decimal(const char **p, uint32_t *out)
{
    uint32_t v = 0;
    unsigned digits = 0;
    for (; g_ascii_isdigit(**p); ++*p) {
        if (++digits > 9)
            return false;
        v = v * 10 + (uint32_t)(**p - '0');
    }
    *out = v;
    return digits > 0;
}
