/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording is the live stream, for every reader; the guest runs once. */
#include "support.h"

#include "cpu-machine.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

/* 400,000 rounds of a congruential generator that loads, stores, jumps and calls by chance, with a system call now and then. */
GUEST(mixed,
      "mov $400000, %r12d\n mov $1, %ebx\n"
      "1: imul $1103515245, %ebx, %ebx\n add $12345, %ebx\n mov %ebx, %eax\n shr $18, %eax\n mov 0x600000(, %rax, 4), %ecx\n"
      "test $0x100000, %ebx\n jz 2f\n incl 0x600000(, %rax, 4)\n 2: test $0x60000, %ebx\n jnz 3f\n call 5f\n"
      "3: mov %ebx, %eax\n shr $20, %eax\n jnz 4f\n mov $39, %eax\n syscall\n mov $9999, %eax\n syscall\n"
      "4: dec %r12d\n jnz 1b\n mov $1, %edi\n mov $0x600000, %esi\n mov $9, %edx\n mov $1, %eax\n syscall\n" EXIT(3)
      "5: mov $0x600100, %edi\n mov %ebx, %ecx\n shr $28, %ecx\n rep stosb\n movups 0x600ff9, %xmm0\n ret\n")

static test_run *read_all(wl_recording *recording, uint64_t step)
{
    insn_source *reader = wl_recording_open(recording);
    test_run *run = test_consume(reader, 8192, step);
    insn_source_free(reader);
    return run;
}

static void same(const test_run *a, const test_run *b)
{
    ck_assert_uint_eq(a->digest, b->digest);
    ck_assert_uint_eq(a->insns, b->insns);
    ck_assert_uint_eq(a->blocks, b->blocks);
    ck_assert_uint_eq(a->report.out_len, b->report.out_len);
    ck_assert_mem_eq(a->out, b->out, a->report.out_len);
    ck_assert_uint_eq(a->report.touched_bytes, b->report.touched_bytes);
    ck_assert_int_eq(a->report.reads_time, b->report.reads_time);
    ck_assert_uint_eq(a->missing->len, b->missing->len);
    if (a->missing->len)
        ck_assert_mem_eq(a->missing->data, b->missing->data, a->missing->len * sizeof(struct wl_missing));
    const char *ta = g_ptr_array_index(a->texts, a->texts->len - 1), *tb = g_ptr_array_index(b->texts, b->texts->len - 1);
    ck_assert_str_eq(ta ? ta : "", tb ? tb : "");
}

/* With all in memory, and with all but a little in the temporary file. */
START_TEST(recording_is_the_live_stream)
{
    wl_guest_config config = test_config(test_elf(GUEST_CODE(mixed), NULL));
    insn_code *code = cpu_code_new();
    wl_recording *recording = wl_recording_new(&config, code, _i ? 100000 : 64 * MIB, NULL);
    g_autoptr(test_run) live = test_live(&config, 999, 1000), first = read_all(recording, 1000), second = read_all(recording, 77);
    ck_assert_int_eq(test_last(live)->kind, INSN_EVENT_END);
    ck_assert_uint_eq(live->missing->len, 1);
    same(live, first);
    same(live, second);
    ck_assert_uint_eq(wl_recording_executed(recording), live->insns);
    wl_recording_free(recording);
    cpu_code_free(code);
}
END_TEST

static gpointer reader_thread(gpointer recording)
{
    return read_all(recording, 1000);
}

START_TEST(readers_in_threads)
{
    wl_guest_config config = test_config(test_elf(GUEST_CODE(mixed), NULL));
    insn_code *code = cpu_code_new();
    wl_recording *recording = wl_recording_new(&config, code, 100000, NULL);
    GThread *threads[4];
    for (unsigned i = 0; i < 4; i++)
        threads[i] = g_thread_new("reader", reader_thread, recording);
    g_autoptr(test_run) live = test_live(&config, 8192, 1000);
    for (unsigned i = 0; i < 4; i++) {
        g_autoptr(test_run) run = g_thread_join(threads[i]);
        same(live, run);
    }
    ck_assert_uint_eq(wl_recording_executed(recording), live->insns);
    wl_recording_free(recording);
    cpu_code_free(code);
}
END_TEST

START_TEST(report_is_of_the_readers_position)
{
    wl_guest_config config = test_config(test_elf(GUEST_CODE(mixed), NULL));
    insn_code *code = cpu_code_new();
    wl_recording *recording = wl_recording_new(&config, code, MIB, NULL);
    insn_source *late = wl_recording_open(recording);
    insn_batch batch;
    wl_report report;
    insn_source_fill(late, 0, 8192, &batch);
    g_autoptr(test_run) all = read_all(recording, 1000);
    wl_source_report(late, &report);
    uint64_t insns = 0;
    for (uint32_t i = 0; i < batch.n_blocks; i++)
        insns += code->facts(code, batch.blocks[i])->n_insns;
    ck_assert_uint_eq(report.insns, insns);
    ck_assert_uint_eq(report.out_len, 0);
    ck_assert_uint_eq(all->report.out_len, 9);
    insn_source_free(late);
    wl_recording_free(recording);
    cpu_code_free(code);
}
END_TEST

/* Reads the clock; the number of microseconds is how often it then loops. */
GUEST(timed, "mov $1000, %ecx\n 1: incl 0x600020(, %rcx, 8)\n dec %ecx\n jnz 1b\n mov $1, %edi\n mov $0x600000, %esi\n mov $228, %eax\n syscall\n"
             "mov 0x600008, %rax\n xor %edx, %edx\n mov $1000, %ecx\n div %rcx\n mov %rax, %rcx\n 2: movb $1, 0x600100(%rcx)\n dec %rcx\n jg 2b\n rdtsc\n"
             "mov $1, %edi\n mov $0x600000, %esi\n mov $16, %edx\n mov $1, %eax\n syscall\n" EXIT(0))

START_TEST(time_readers_go_their_own_way)
{
    wl_guest_config config = test_config(test_elf(GUEST_CODE(timed), NULL));
    insn_code *code = cpu_code_new();
    wl_recording *recording = wl_recording_new(&config, code, MIB, NULL);
    static const uint64_t steps[] = { 1000000, 50000000, 1000000 };
    uint64_t insns = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(test_run) live = test_live(&config, 8192, steps[i]), read = read_all(recording, steps[i]);
        ck_assert_int_eq(test_last(read)->kind, INSN_EVENT_END);
        ck_assert(read->report.reads_time);
        same(live, read);
        insns += live->insns;
    }
    ck_assert_uint_eq(wl_recording_executed(recording), insns);
    wl_recording_free(recording);
    cpu_code_free(code);
}
END_TEST

START_TEST(time_and_a_writable_folder)
{
    wl_guest_config config = test_config(test_elf(GUEST_CODE(timed), NULL));
    config.folder = test_folder();
    config.folder_writable = true;
    insn_code *code = cpu_code_new();
    wl_recording *recording = wl_recording_new(&config, code, MIB, NULL);
    g_autoptr(test_run) run = read_all(recording, 1000);
    ck_assert_int_eq(test_last(run)->kind, INSN_EVENT_ERROR);
    ck_assert_ptr_nonnull(strstr(g_ptr_array_index(run->texts, run->texts->len - 1), "writable folder"));
    wl_recording_free(recording);
    cpu_code_free(code);
}
END_TEST

GUEST(crash, "mov $1, %edi\n mov $0x600000, %esi\n mov $4, %edx\n mov $1, %eax\n syscall\n movb $1, 0\n")

START_TEST(faults_are_recorded)
{
    wl_guest_config config = test_config(test_elf(GUEST_CODE(crash), NULL));
    insn_code *code = cpu_code_new();
    wl_recording *recording = wl_recording_new(&config, code, MIB, NULL);
    g_autoptr(test_run) live = test_live(&config, 8192, 1), read = read_all(recording, 1);
    ck_assert_int_eq(test_last(read)->kind, INSN_EVENT_FAULT);
    same(live, read);
    wl_recording_free(recording);
    cpu_code_free(code);
}
END_TEST

/* A temporary file that cannot grow is an error of the source, not of the program. */
START_TEST(full_disk_is_an_error)
{
    const struct rlimit tiny = { 4096, 4096 };
    wl_guest_config config = test_config(test_elf(GUEST_CODE(mixed), NULL));
    insn_code *code = cpu_code_new();
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    wl_recording *recording = wl_recording_new(&config, code, 0, NULL);
    g_autoptr(test_run) run = read_all(recording, 1);
    ck_assert_int_eq(test_last(run)->kind, INSN_EVENT_ERROR);
    ck_assert_ptr_nonnull(strstr(g_ptr_array_index(run->texts, run->texts->len - 1), "temporary file"));
    wl_recording_free(recording);
    cpu_code_free(code);
}
END_TEST

TCase *record_tests(void)
{
    TCase *t = tcase_create("recordings");
    tcase_add_loop_test(t, recording_is_the_live_stream, 0, 2);
    tcase_add_test(t, readers_in_threads);
    tcase_add_test(t, report_is_of_the_readers_position);
    tcase_add_test(t, time_readers_go_their_own_way);
    tcase_add_test(t, time_and_a_writable_folder);
    tcase_add_test(t, faults_are_recorded);
    tcase_add_test(t, full_disk_is_an_error);
    tcase_set_timeout(t, 60);
    return t;
}
