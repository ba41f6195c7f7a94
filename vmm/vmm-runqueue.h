/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run queue that honours affinity: entries are ordered by (key, order of insertion), and the first one that may run
 * on a given pCPU is found without looking at those that may not.
 *
 * Entries are grouped by their affinity mask, one binary heap for each distinct mask. Insertion and removal cost
 * O(log n); the first for a pCPU costs O(masks that hold this pCPU): 1 where no VM has an affinity, or every VM is
 * bound to one pCPU. */
#pragma once

#include "vmm-policy.h"

typedef struct vmm_runqueue vmm_runqueue;

/* For vCPU numbers below n_vcpus and pCPUs below n_pcpus. */
vmm_runqueue *vmm_runqueue_new(unsigned n_vcpus, unsigned n_pcpus);
void vmm_runqueue_free(vmm_runqueue *q); /* accepts NULL */

/* Tells the affinity of a vCPU, once, before it is inserted. */
void vmm_runqueue_admit(vmm_runqueue *q, uint32_t vcpu, const uint64_t affinity[VMM_MASK_WORDS]);
/* Behind all entries of the same key; in front of them. Smaller keys come first. An entry that is in the queue is
 * moved. */
void vmm_runqueue_insert(vmm_runqueue *q, uint32_t vcpu, int64_t key);
void vmm_runqueue_insert_front(vmm_runqueue *q, uint32_t vcpu, int64_t key);
/* Where it was when it was removed: of candidates that were not chosen. In front it would pass those that may not run where they were candidates. */
void vmm_runqueue_put_back(vmm_runqueue *q, uint32_t vcpu);
/* False when it was not in the queue. */
bool vmm_runqueue_remove(vmm_runqueue *q, uint32_t vcpu);
bool vmm_runqueue_contains(const vmm_runqueue *q, uint32_t vcpu);
/* The first entry that may run on `pcpu`, or VMM_VCPU_NONE. */
uint32_t vmm_runqueue_first(const vmm_runqueue *q, uint32_t pcpu);
/* The first entry of all, or VMM_VCPU_NONE. O(masks). */
uint32_t vmm_runqueue_head(const vmm_runqueue *q);
int64_t vmm_runqueue_key(const vmm_runqueue *q, uint32_t vcpu);
unsigned vmm_runqueue_length(const vmm_runqueue *q);
