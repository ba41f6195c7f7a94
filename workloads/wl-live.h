/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the parts of the live guest (wl-unicorn.c, wl-live-fault.c) only. */
#pragma once

#include "wl-linux.h"
#include "wl-source.h"
#include "wl-trace.h"

typedef enum {
    STOP_NONE,
    STOP_LIMIT,     /* the batch is full, or touched memory is due */
    STOP_SYSCALL,
    STOP_SENSITIVE, /* a block with an instruction that must not simply execute is about to be entered */
    STOP_FAULT,     /* memory */
    STOP_INTERRUPT, /* exception or int instruction */
    STOP_RENEW,     /* much has been translated */
    STOP_FULL,      /* the code store is full */
} stop_reason;

typedef struct {
    uint64_t addr;
    uint8_t kind; /* insn_sensitivity */
} sensitive_site;

typedef struct {
    wl_source source;
    wl_trace trace;
    stop_reason stop;
    uc_engine *uc;
    wl_memory *memory;
    wl_linux *lx;
    wl_guest_config *config;
    uint64_t rip;
    uint64_t fs_base, gs_base;
    uint64_t code_changes;
    GArray *sites; /* of sensitive_site; Unicorn leaves execution when it comes to one */
    sensitive_site found; /* at STOP_SENSITIVE */
    /* at STOP_FAULT and STOP_INTERRUPT */
    uc_mem_type fault_type;
    uint64_t fault_addr, fault_ip;
    uint64_t *fault_cur;
    uint32_t interrupt;
    enum { WAIT_NONE, WAIT_CALL, WAIT_TSC } wait; /* what the next fill has to complete */
    sensitive_site tsc;
    uint64_t touched;
    bool renew; /* the engine must forget what it translated */
    bool dead;
    insn_event last_event; /* once dead */
    char *text;
} wl_live;

/* The guest ends with this event; takes `text` (may be NULL). */
void wl_live_die(wl_live *guest, insn_event_kind kind, uint64_t arg0, uint64_t ip, char *text);
/* "WHAT at ip 0x... (code ...)", newly allocated. */
char *wl_live_at_code(const wl_live *guest, const char *what, uint64_t ip);
/* Endings after STOP_FAULT, STOP_INTERRUPT, and an error of the engine itself. */
void wl_live_memory_fault(wl_live *guest);
void wl_live_interrupt_fault(wl_live *guest);
void wl_live_engine_fault(wl_live *guest, uc_err err);
