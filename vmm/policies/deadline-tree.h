/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queues of vCPUs in the order of their virtual deadlines, in which the first one that is eligible (whose virtual time is not past a limit) is found in
 * O(log n): treaps whose nodes know the least virtual time below them. A vCPU is in one queue at the most, and its node is kept for it; a node's
 * priority is a hash of the vCPU's number. */
#pragma once

#include "vmm-policy.h"

typedef struct deadline_tree deadline_tree;

deadline_tree *deadline_tree_new(uint32_t n_vcpus);
void deadline_tree_free(deadline_tree *t); /* accepts NULL */

/* A queue is its root; VMM_VCPU_NONE: empty. The vCPU must not be in one. */
void deadline_tree_insert(deadline_tree *t, uint32_t *root, uint32_t vcpu, int64_t deadline, int64_t vruntime);
/* The vCPU must be in that one. */
void deadline_tree_remove(deadline_tree *t, uint32_t *root, uint32_t vcpu);
/* The earliest deadline, ties by number, of those with vruntime <= limit; VMM_VCPU_NONE: there is none. */
uint32_t deadline_tree_first(const deadline_tree *t, uint32_t root, int64_t limit);
