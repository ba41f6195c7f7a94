/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Controls of a VM's transitions: 7 bits for VM-entry and 4 for VM-exit (US 7,415,708 [0037]), each of which governs an element of machine state
 * ([0038]), and which instructions exit ([0036]). The patent gives the widths and the elements but not the places of the bits: these are ours.
 *
 * Entry. Set: the element is loaded at every VM-entry (`tlb`: the guest's translations are flushed at every VM-entry). Clear: it is loaded when another
 * vCPU was on the pCPU in between, and stays in the processor until then: the VM works on it directly. Exit. Set: it is saved at every VM-exit. Clear:
 * when another vCPU gets on. What every entry loads has to be saved by every exit, for the guest would find old values. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Elements of machine state, and bits of the entry controls. */
typedef enum {
    VMM_STATE_GENERAL,  /* general registers, instruction pointer, flags */
    VMM_STATE_FP,       /* floating-point and vector registers */
    VMM_STATE_CONTROL,  /* control registers, segments */
    VMM_STATE_MSR,      /* model-specific registers: a list */
    VMM_STATE_INTERNAL, /* debug registers, activity and interruptibility state */
    VMM_STATE_TLB,      /* translations: nothing to load, but to flush */
    VMM_STATE_DEVICES,  /* chipset registers and I/O device state */
    VMM_N_STATES_OF_MACHINE
} vmm_element;
enum { VMM_N_ENTRY_BITS = VMM_N_STATES_OF_MACHINE, VMM_N_EXIT_BITS = 4, VMM_N_INSN_BITS = 7 };

/* Bits of the exit controls. */
enum {
    VMM_SAVE_PROCESSOR, /* general, control, internal */
    VMM_SAVE_FP,
    VMM_SAVE_MSR,
    VMM_SAVE_DEVICES,
};

/* Instructions that can be made to exit: bits of vmm_controls.insns. */
typedef enum {
    VMM_INSN_HLT,    /* clear: the guest halts the pCPU, which stays its own until its quantum ends */
    VMM_INSN_IO,     /* port I/O of its disk. Clear: the device is its own, and the guest halts until it is done */
    VMM_INSN_CPUID,
    VMM_INSN_MSR,    /* RDMSR and WRMSR of its kernel */
    VMM_INSN_RDTSC,
    VMM_INSN_WBINVD,
    VMM_INSN_PAUSE,
} vmm_insn;

typedef struct {
    uint32_t entry, exit, insns;
} vmm_controls;

/* What VMX hardware switches at every transition, the rest when another vCPU gets on; HLT, I/O and WBINVD exit. */
extern const vmm_controls vmm_controls_default;

typedef enum { VMM_CONTROLS_ENTRY, VMM_CONTROLS_EXIT, VMM_CONTROLS_INSNS } vmm_controls_kind;

/* "fp|msr", "none", "all", or a number (decimal or 0x). False and error set (what is valid): an unknown name, a bit that there is not. */
bool vmm_controls_parse(vmm_controls_kind kind, const char *text, uint32_t *bits, GError **error);
/* Names in the order of the bits, joined by |; "none". Owned by the caller. */
char *vmm_controls_format(vmm_controls_kind kind, uint32_t bits);
/* Whether the controls go together, and have no bits that there are not. */
bool vmm_controls_check(const vmm_controls *controls, GError **error);
/* The elements that a VM-exit saves, as bits of the entry controls. */
uint32_t vmm_controls_saved(const vmm_controls *controls);
