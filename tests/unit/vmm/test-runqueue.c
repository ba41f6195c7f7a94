/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-vmm.h"

#include "vmm-runqueue.h"

#include <glib.h>

static void admit(vmm_runqueue *q, uint32_t vcpu, uint64_t mask)
{
    uint64_t words[VMM_MASK_WORDS] = { mask };
    vmm_runqueue_admit(q, vcpu, words);
}

START_TEST(order)
{
    vmm_runqueue *q = vmm_runqueue_new(5, 2);
    for (uint32_t i = 0; i < 5; i++)
        admit(q, i, 3);
    vmm_runqueue_insert(q, 3, 0);
    vmm_runqueue_insert(q, 1, 0);
    vmm_runqueue_insert(q, 4, -1);
    vmm_runqueue_insert_front(q, 2, 0);
    vmm_runqueue_insert(q, 3, 0); /* moved to the end */
    static const uint32_t wanted[] = { 4, 2, 1, 3 };
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(vmm_runqueue_first(q, 1), wanted[i]);
        ck_assert_uint_eq(vmm_runqueue_head(q), wanted[i]);
        ck_assert(vmm_runqueue_remove(q, wanted[i]));
    }
    ck_assert_uint_eq(vmm_runqueue_first(q, 0), VMM_VCPU_NONE);
    ck_assert(!vmm_runqueue_remove(q, 3));
    ck_assert_uint_eq(vmm_runqueue_length(q), 0);
    vmm_runqueue_free(q);
}
END_TEST

/* Against a list that is searched from its beginning. */
START_TEST(random_against_list)
{
    enum { N = 40, CPUS = 3 };
    static const uint64_t masks[] = { 7, 1, 6, 4 };
    vmm_runqueue *q = vmm_runqueue_new(N, CPUS);
    struct { bool in; int64_t key, seq; } list[N] = { 0 };
    uint32_t x = 12345;
    int64_t seq = 0;
    for (uint32_t i = 0; i < N; i++)
        admit(q, i, masks[i % 4]);
    for (unsigned round = 0; round < 20000; round++) {
        x = x * 1664525 + 1013904223;
        uint32_t id = x >> 16 & 0xff;
        id %= N;
        if (x >> 30) {
            list[id].in = true;
            list[id].key = x >> 8 & 3;
            list[id].seq = ++seq;
            vmm_runqueue_insert(q, id, list[id].key);
        } else {
            ck_assert(vmm_runqueue_remove(q, id) == list[id].in);
            list[id].in = false;
        }
        for (uint32_t p = 0; p < CPUS; p++) {
            uint32_t best = VMM_VCPU_NONE;
            for (uint32_t i = 0; i < N; i++)
                if (list[i].in && masks[i % 4] >> p & 1 &&
                    (best == VMM_VCPU_NONE || list[i].key < list[best].key ||
                     (list[i].key == list[best].key && list[i].seq < list[best].seq)))
                    best = i;
            ck_assert_uint_eq(vmm_runqueue_first(q, p), best);
        }
    }
    vmm_runqueue_free(q);
}
END_TEST

/* A candidate that was not chosen does not pass one that may not run where it was a candidate. */
START_TEST(put_back)
{
    vmm_runqueue *q = vmm_runqueue_new(3, 2);
    static const uint64_t first[VMM_MASK_WORDS] = { 1 }, both[VMM_MASK_WORDS] = { 3 };
    vmm_runqueue_admit(q, 0, first);
    vmm_runqueue_admit(q, 1, both);
    vmm_runqueue_admit(q, 2, both);
    for (uint32_t i = 0; i < 3; i++)
        vmm_runqueue_insert(q, i, 0);
    ck_assert_uint_eq(vmm_runqueue_first(q, 1), 1);
    vmm_runqueue_remove(q, 1);
    ck_assert_uint_eq(vmm_runqueue_first(q, 1), 2);
    vmm_runqueue_put_back(q, 1);
    ck_assert_uint_eq(vmm_runqueue_first(q, 0), 0);
    ck_assert_uint_eq(vmm_runqueue_first(q, 1), 1);
    ck_assert_uint_eq(vmm_runqueue_length(q), 3);
    vmm_runqueue_free(q);
}
END_TEST

TCase *vmm_tests_runqueue(void)
{
    TCase *t = tcase_create("runqueue");
    tcase_add_test(t, order);
    tcase_add_test(t, random_against_list);
    tcase_add_test(t, put_back);
    return t;
}
