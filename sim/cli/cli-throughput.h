/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of `quanta throughput` share. */
#pragma once

#include "cli.h"
#include "cpu-throughput.h"

#include <json-glib/json-glib.h>

/* Bytes of a block at most: what one decoded block holds. */
enum { CLI_BLOCK_BYTES = 4096 };

/* One instruction, as it is listed. */
typedef struct {
    uint64_t addr, target; /* target: of a direct branch; or 0 */
    uint32_t at;           /* offset in the block */
    uint8_t size, op;      /* insn_op */
    char text[96];
} cli_insn;

/* Lists the instructions of `bytes`, which lie at `addr`: an array of cli_insn, or NULL with the error that names the first undecodable offset. */
GArray *cli_throughput_list(const uint8_t *bytes, gsize size, uint64_t addr, GError **error);

/* A block on a core. */
typedef struct {
    const cpu_core_desc *core;
    cpu_xblock *block;
    cpu_throughput result;
    cpu_throughput_uop *uops; /* [block->n_uops] or NULL */
} cli_measured;

/* Measures a block; false with the error when it is empty, too long or not decodable. `detail`: uops, too. */
bool cli_throughput_measure(const cpu_core_desc *core, const uint8_t *bytes, gsize size, uint64_t addr, cpu_repeat repeat, bool detail, cli_measured *out,
                            GError **error);
void cli_measured_clear(cli_measured *m);

/* Bytes from hexadecimal digits, white space between bytes aside: newly allocated, or NULL with the error that names the offending place. */
uint8_t *cli_throughput_hex(const char *text, gsize *size, GError **error);

/* ---- output: cli-throughput-print.c ---- */

void cli_throughput_print(const char *machine, const cli_measured *m, const GArray *list);
JsonObject *cli_throughput_json(const cli_measured *m, const GArray *list, const uint8_t *bytes);

/* ---- --batch: cli-throughput-batch.c ---- */

/* Measures the blocks of a CSV file's column `hex` and prints CSV. Returns the exit status. */
int cli_throughput_batch(const char *path, const cpu_core_desc *core, cpu_repeat repeat);
