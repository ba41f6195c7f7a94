/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ChampSim's trace records (its inc/trace_instruction.h), and what its tracer (tracer/pin) writes into them: Pin's register numbers. */
#pragma once

#include "insn-source.h"

#include <stdint.h>

/* struct input_instr. Unused places are 0. */
typedef struct {
    uint64_t ip;
    uint8_t is_branch, branch_taken;
    uint8_t dst_regs[2], src_regs[4];
    uint64_t dst_mem[2], src_mem[4];
} tr_champsim_record;
G_STATIC_ASSERT(sizeof(tr_champsim_record) == 64);

/* struct cloudsuite_instr. */
typedef struct {
    uint64_t ip;
    uint8_t is_branch, branch_taken;
    uint8_t dst_regs[4], src_regs[4];
    uint8_t pad[6];
    uint64_t dst_mem[4], src_mem[4];
    uint8_t asid[2];
    uint8_t pad2[6];
} tr_cloudsuite_record;
G_STATIC_ASSERT(sizeof(tr_cloudsuite_record) == 96);

/* By these three ChampSim tells branches apart (inc/instruction.h). */
enum { TR_CHAMPSIM_SP = 6, TR_CHAMPSIM_FLAGS = 25, TR_CHAMPSIM_IP = 26 };
/* "Some other register" where one is needed and none is known: Pin's REG_NONE, which nothing writes. */
enum { TR_CHAMPSIM_OTHER = 1 };

/* A register here as Pin numbers it, and back (INSN_REG_NONE: it has no counterpart). Partial registers stand for the whole. */
uint8_t tr_champsim_from_reg(unsigned reg);
uint8_t tr_champsim_to_reg(uint8_t pin);

/* The kind of branch that ChampSim takes a record for; INSN_OP_MOVE when it is none, INSN_OP_COUNT when it is one of no known kind. */
insn_op tr_champsim_branch(const uint8_t *dst, unsigned n_dst, const uint8_t *src, unsigned n_src);
