/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls: results, events, limits. */
#include "support.h"

#include "cpu-machine.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STR_(x) #x
#define STR(x) STR_(x)
#define CALL(nr) "mov $" STR(nr) ", %eax\n syscall\n"

static test_run *run_with(const uint8_t *code, size_t size, const char *text, const char *folder, bool writable)
{
    wl_guest_config config = test_config(test_elf(code, size, text));
    config.folder = folder;
    config.folder_writable = writable;
    return test_live(&config, 8192, 1000000);
}

static const insn_event *event_at(const test_run *run, unsigned i)
{
    ck_assert_uint_lt(i, run->events->len);
    return &g_array_index(run->events, insn_event, i);
}

static const char *new_folder(void)
{
    static char *path;
    g_free(path);
    path = g_build_filename(test_folder(), "files-XXXXXX", NULL);
    ck_assert_ptr_nonnull(g_mkdtemp(path));
    return path;
}

GUEST(hello, "mov $1, %edi\n mov $0x600000, %esi\n mov $5, %edx\n" CALL(1) "mov %eax, %edi\n mov $231, %eax\n syscall\n")

START_TEST(output_is_captured)
{
    g_autoptr(test_run) run = run_with(GUEST_CODE(hello), "hello", NULL, false);
    ck_assert_str_eq(run->out, "hello");
    ck_assert_uint_eq(test_last(run)->arg0, 5);
    ck_assert_int_eq(event_at(run, 0)->kind, INSN_EVENT_SYSCALL);
    ck_assert_uint_eq(event_at(run, 0)->nr, SYS_write);
}
END_TEST

/* Writes 64 KiB until it fails. */
GUEST(flood, "1: mov $1, %edi\n mov $0x600000, %esi\n mov $0x10000, %edx\n" CALL(1) "test %eax, %eax\n jg 1b\n" EXIT_ERRNO)

START_TEST(output_is_limited)
{
    g_autoptr(test_run) run = run_with(GUEST_CODE(flood), NULL, NULL, false);
    ck_assert_uint_eq(test_last(run)->arg0, ENOSPC);
    ck_assert_uint_eq(run->report.out_len, MIB);
}
END_TEST

GUEST(unknown, CALL(9999) CALL(435) CALL(9999) "cmp $-38, %rax\n jne 1f\n" EXIT(7) "1:" EXIT(1))

START_TEST(missing_calls_are_counted)
{
    g_autoptr(test_run) run = run_with(GUEST_CODE(unknown), NULL, NULL, false);
    ck_assert_uint_eq(test_last(run)->arg0, 7);
    ck_assert_uint_eq(run->missing->len, 2);
    ck_assert_uint_eq(g_array_index(run->missing, struct wl_missing, 0).nr, 435);
    ck_assert_uint_eq(g_array_index(run->missing, struct wl_missing, 0).count, 1);
    ck_assert_uint_eq(g_array_index(run->missing, struct wl_missing, 1).nr, 9999);
    ck_assert_uint_eq(g_array_index(run->missing, struct wl_missing, 1).count, 2);
}
END_TEST

/* mmaps 1 MiB at a time until it fails; status: how many. */
GUEST(eat, "xor %ebx, %ebx\n 1: mov $0, %edi\n mov $0x100000, %esi\n mov $3, %edx\n mov $0x22, %r10d\n mov $-1, %r8\n xor %r9d, %r9d\n" CALL(9)
           "cmp $-12, %rax\n je 2f\n inc %ebx\n movb $1, (%rax)\n jmp 1b\n 2: mov %ebx, %edi\n mov $231, %eax\n syscall\n")

START_TEST(memory_is_limited)
{
    g_autoptr(test_run) run = run_with(GUEST_CODE(eat), NULL, NULL, false);
    ck_assert_uint_ge(test_last(run)->arg0, 11); /* 16 MiB less the stack's 4 and the image */
    ck_assert_uint_le(test_last(run)->arg0, 12);
    ck_assert_uint_le(run->report.touched_bytes, 16 * 4096);
    ck_assert_uint_ge(run->report.touched_bytes, 12 * 4096);
}
END_TEST

/* brk up by 8 MiB, use it, and by 80 MiB, which must fail. */
GUEST(heap, "xor %edi, %edi\n" CALL(12) "mov %rax, %rbx\n lea 0x800000(%rbx), %rdi\n" CALL(12) "movb $1, -1(%rax)\n mov %rax, %r12\n"
            "lea 0x5000000(%rbx), %rdi\n" CALL(12) "cmp %rax, %r12\n jne 1f\n" EXIT(0) "1:" EXIT(1))

START_TEST(heap_grows_to_the_limit)
{
    g_autoptr(test_run) run = run_with(GUEST_CODE(heap), NULL, NULL, false);
    ck_assert_int_eq(test_last(run)->kind, INSN_EVENT_END);
    ck_assert_uint_eq(test_last(run)->arg0, 0);
}
END_TEST

GUEST(markers, "mov $0x11510000, %eax\n syscall\n mov $0x11510002, %eax\n mov $3, %edi\n mov $77, %esi\n syscall\n mov $0x11510003, %eax\n syscall\n"
               "mov $0x11510004, %eax\n syscall\n mov $0x11510005, %eax\n syscall\n mov $0x11510006, %eax\n syscall\n mov $0x11510001, %eax\n syscall\n"
               CALL(24) "mov %eax, %edi\n mov $231, %eax\n syscall\n")

START_TEST(markers_become_events)
{
    static const struct { insn_event_kind kind; uint32_t nr; uint64_t arg0; } expected[] = {
        { INSN_EVENT_ROI_BEGIN, 0, 0 }, { INSN_EVENT_TASK_BEGIN, 3, 77 }, { INSN_EVENT_TASK_END, 3, 77 }, { INSN_EVENT_WBINVD, 0, 0 },
        { INSN_EVENT_HYPERCALL, 3, 77 }, { INSN_EVENT_YIELD, 0, 0 }, { INSN_EVENT_ROI_END, 0, 0 }, { INSN_EVENT_YIELD, SYS_sched_yield, 0 },
        { INSN_EVENT_END, 0, 0 },
    };
    g_autoptr(test_run) run = run_with(GUEST_CODE(markers), NULL, NULL, false);
    ck_assert_uint_eq(run->events->len, G_N_ELEMENTS(expected));
    for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++) {
        ck_assert_int_eq(event_at(run, i)->kind, expected[i].kind);
        ck_assert_uint_eq(event_at(run, i)->nr, expected[i].nr);
        ck_assert_uint_eq(event_at(run, i)->arg0, expected[i].arg0);
    }
}
END_TEST

/* nanosleep 1.5 s; clock_nanosleep until 3 s (monotonic) and until 946684804 s (real time); poll for 20 ms. */
GUEST(sleeper, "mov $0x600000, %edi\n movq $1, (%rdi)\n movq $500000000, 8(%rdi)\n xor %esi, %esi\n" CALL(35)
               "movq $3, 0x600000\n movq $7, 0x600008\n mov $1, %edi\n mov $1, %esi\n mov $0x600000, %edx\n xor %r10d, %r10d\n" CALL(230)
               "movq $946684804, 0x600000\n mov $0, %edi\n" CALL(230)
               "xor %edi, %edi\n xor %esi, %esi\n mov $20, %edx\n" CALL(7) "mov %eax, %edi\n mov $231, %eax\n syscall\n")

START_TEST(sleeps_become_events)
{
    g_autoptr(test_run) run = run_with(GUEST_CODE(sleeper), NULL, NULL, false);
    ck_assert_int_eq(event_at(run, 0)->kind, INSN_EVENT_SLEEP);
    ck_assert_uint_eq(event_at(run, 0)->arg0, 1500000000);
    ck_assert_int_eq(event_at(run, 1)->kind, INSN_EVENT_SLEEP_UNTIL);
    ck_assert_uint_eq(event_at(run, 1)->arg0, 3000000007);
    ck_assert_int_eq(event_at(run, 2)->kind, INSN_EVENT_SLEEP_UNTIL);
    ck_assert_uint_eq(event_at(run, 2)->arg0, 4000000007);
    ck_assert_int_eq(event_at(run, 3)->kind, INSN_EVENT_SLEEP);
    ck_assert_uint_eq(event_at(run, 3)->arg0, 20000000);
    ck_assert_uint_eq(test_last(run)->arg0, 0);
}
END_TEST

/* Writes the seconds, nanoseconds and the time stamp counter's low half to stdout, 20 bytes. */
GUEST(clock, "mov $1, %edi\n mov $0x600000, %esi\n" CALL(228) "nop\n nop\n rdtsc\n mov %eax, 0x600010\n mov $1, %edi\n mov $0x600000, %esi\n mov $20, %edx\n"
             CALL(1) EXIT(0))

START_TEST(time_is_simulated)
{
    wl_guest_config config = test_config(test_elf(GUEST_CODE(clock), NULL));
    g_autoptr(test_run) run = test_live(&config, 8192, UINT64_C(2500000000000)); /* 2.5 s per fill */
    uint64_t words[2];
    uint32_t tsc;
    ck_assert_int_eq(event_at(run, 0)->kind, INSN_EVENT_TIME_READ);
    ck_assert_uint_eq(event_at(run, 0)->nr, SYS_clock_gettime);
    ck_assert_int_eq(event_at(run, 1)->kind, INSN_EVENT_TIME_READ);
    ck_assert(run->report.reads_time);
    ck_assert_uint_eq(run->report.out_len, 20);
    memcpy(words, run->out, 16);
    memcpy(&tsc, run->out + 16, 4);
    ck_assert_uint_eq(words[0], 5); /* the fill after the event is the second */
    ck_assert_uint_eq(words[1], 0);
    ck_assert_uint_eq(tsc, (uint32_t)(UINT64_C(7500000000) * WL_TSC_HZ / 1000000000));
    ck_assert_uint_eq(run->insns, 4 + 2 + 1 + 1 + 5 + 3); /* nothing twice, nothing lost around rdtsc */
}
END_TEST

/* rdtsc at ten places and as the target of jumps. */
GUEST(stamps, "mov $3, %ebx\n 1: rdtsc\n rdtsc\n rdtscp\n mov %eax, 0x600000\n dec %ebx\n jnz 1b\n" EXIT(0))

START_TEST(time_stamps_in_a_row)
{
    g_autoptr(test_run) run = run_with(GUEST_CODE(stamps), NULL, NULL, false);
    ck_assert_int_eq(test_last(run)->kind, INSN_EVENT_END);
    ck_assert_uint_eq(run->events->len, 3 * 3 + 1);
    ck_assert_uint_eq(run->insns, 1 + 3 * 6 + 3);
    ck_assert_uint_eq(run->stores, 3);
}
END_TEST

/* getrandom of 32 bytes to stdout. */
GUEST(chance, "mov $0x600000, %edi\n mov $32, %esi\n xor %edx, %edx\n" CALL(318) "mov $1, %edi\n mov $0x600000, %esi\n mov $32, %edx\n" CALL(1) EXIT(0))

START_TEST(random_comes_from_the_seed)
{
    wl_guest_config config = test_config(test_elf(GUEST_CODE(chance), NULL));
    g_autoptr(test_run) a = test_live(&config, 8192, 1), b = test_live(&config, 8192, 1);
    config.seed = 2;
    g_autoptr(test_run) c = test_live(&config, 8192, 1);
    config.seed = 1;
    config.name = "other";
    g_autoptr(test_run) d = test_live(&config, 8192, 1);
    ck_assert_mem_eq(a->out, b->out, 32);
    ck_assert_mem_ne(a->out, c->out, 32);
    ck_assert_mem_ne(a->out, d->out, 32);
}
END_TEST

GUEST(suicide, CALL(39) "mov %eax, %edi\n mov $6, %esi\n" CALL(62) EXIT(0))

START_TEST(signals_end_the_guest)
{
    g_autoptr(test_run) run = run_with(GUEST_CODE(suicide), NULL, NULL, false);
    ck_assert_int_eq(test_last(run)->kind, INSN_EVENT_END);
    ck_assert_uint_eq(test_last(run)->arg0, 128 + 6);
}
END_TEST

GUEST(forever, "1: jmp 1b\n")

/* Registers of all kinds live on when executable memory appears, which makes the emulator start anew. */
GUEST(keep, "mov $0x600000, %esi\n movq $0x40590000, 4(%rsi)\n mov $158, %eax\n mov $0x1002, %edi\n syscall\n mov $0x600000, %esi\n"
            "mov $158, %eax\n mov $0x1002, %edi\n syscall\n" /* arch_prctl(ARCH_SET_FS, DATA_AT) */
            "mov $0x40590000, %eax\n shl $32, %rax\n movq %rax, %xmm13\n fld1\n fldpi\n mov $77, %r15d\n mov $0x0c7f, %eax\n push %rax\n fldcw (%rsp)\n"
            "mov $9, %eax\n xor %edi, %edi\n mov $4096, %esi\n mov $7, %edx\n mov $0x22, %r10d\n mov $-1, %r8\n xor %r9d, %r9d\n syscall\n"
            "cmp $77, %r15d\n jne 1f\n movq %xmm13, %rax\n cmp %fs:0, %rax\n jne 1f\n fnstcw (%rsp)\n cmpw $0x0c7f, (%rsp)\n jne 1f\n"
            "fldpi\n fcompp\n fnstsw %ax\n test $0x4000, %eax\n jz 1f\n fld1\n fcompp\n fnstsw %ax\n test $0x4000, %eax\n jz 1f\n" EXIT(0) "1:" EXIT(1))

START_TEST(registers_survive_a_new_engine)
{
    g_autoptr(test_run) run = run_with(GUEST_CODE(keep), NULL, NULL, false);
    ck_assert_int_eq(test_last(run)->kind, INSN_EVENT_END);
    ck_assert_uint_eq(test_last(run)->arg0, 0);
}
END_TEST

/* cpuid 1 and 7: eax to edx of both to stdout. */
GUEST(cpuid, "mov $1, %eax\n xor %ecx, %ecx\n cpuid\n mov %eax, 0x600000\n mov %ebx, 0x600004\n mov %ecx, 0x600008\n mov %edx, 0x60000c\n"
             "mov $7, %eax\n xor %ecx, %ecx\n cpuid\n mov %eax, 0x600010\n mov %ebx, 0x600014\n mov %ecx, 0x600018\n mov %edx, 0x60001c\n"
             "mov $1, %edi\n mov $0x600000, %esi\n mov $32, %edx\n" CALL(1) EXIT(0))

START_TEST(the_processor_is_plain_x86_64)
{
    static const uint32_t expected[8] = { 0x663, 0x800, 0x2001, 0x078bfbfd };
    g_autoptr(test_run) run = run_with(GUEST_CODE(cpuid), NULL, NULL, false);
    ck_assert_uint_eq(run->report.out_len, 32);
    ck_assert_mem_eq(run->out, expected, 32);
}
END_TEST

START_TEST(endless_loops_still_return)
{
    g_autoptr(GError) error = NULL;
    wl_guest_config config = test_config(test_elf(GUEST_CODE(forever), NULL));
    insn_code *code = cpu_code_new();
    insn_source *source = wl_guest_new(&config, code, &error);
    insn_batch batch;
    ck_assert_ptr_nonnull(source);
    for (unsigned i = 0; i < 10; i++) {
        insn_source_fill(source, 0, 100, &batch);
        ck_assert_int_eq(batch.event.kind, INSN_EVENT_NONE);
        ck_assert_uint_eq(batch.n_blocks, 100);
    }
    insn_source_free(source);
    cpu_code_free(code);
}
END_TEST

/* ---- files -------------------------------------------------------------------------------------------------------- */

/* open(DATA, O_RDONLY): status is the errno, or 0. */
GUEST(opener, "mov $0x600000, %edi\n xor %esi, %esi\n" CALL(2) "test %eax, %eax\n js 1f\n" EXIT(0) "1:" EXIT_ERRNO)

START_TEST(a_guest_stays_in_its_folder)
{
    static const struct { const char *path; int error; } cases[] = {
        { "data", 0 }, { "/data", 0 }, { "../../data", 0 }, { "/etc/passwd", ENOENT }, { "../../../../../../etc/passwd", ENOENT },
        { "out", ENOENT }, { "fifo", EACCES }, { "/proc/self/exe", ENOENT }, { "/dev/null", ENOENT },
    };
    const char *folder = new_folder();
    g_autofree char *data = g_build_filename(folder, "data", NULL), *out = g_build_filename(folder, "out", NULL),
                    *fifo = g_build_filename(folder, "fifo", NULL);
    ck_assert(g_file_set_contents(data, "x", 1, NULL));
    ck_assert_int_eq(symlink("/etc/passwd", out), 0);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(test_run) run = run_with(GUEST_CODE(opener), cases[i].path, folder, false);
        ck_assert_msg(test_last(run)->arg0 == (uint64_t)cases[i].error, "%s gives %d", cases[i].path, (int)test_last(run)->arg0);
        g_autoptr(test_run) none = run_with(GUEST_CODE(opener), cases[i].path, NULL, false);
        ck_assert_uint_eq(test_last(none)->arg0, ENOENT);
    }
}
END_TEST

GUEST(open_many, "xor %ebx, %ebx\n 1: mov $0x600000, %edi\n xor %esi, %esi\n" CALL(2) "test %eax, %eax\n js 1f\n inc %ebx\n jmp 1b\n 1: cmp $-24, %eax\n"
                 "jne 2f\n mov %ebx, %edi\n mov $231, %eax\n syscall\n 2:" EXIT(255))

START_TEST(open_files_are_limited)
{
    const char *folder = new_folder();
    g_autofree char *data = g_build_filename(folder, "data", NULL);
    ck_assert(g_file_set_contents(data, "x", 1, NULL));
    g_autoptr(test_run) run = run_with(GUEST_CODE(open_many), "data", folder, false);
    ck_assert_uint_eq(test_last(run)->arg0, 61);
}
END_TEST

/* Reads "data" (10,000 bytes) in pieces of 4,000, seeks to 0 and reads again. */
GUEST(reader, "mov $0x600000, %edi\n xor %esi, %esi\n" CALL(2) "mov %eax, %ebx\n 1: mov %ebx, %edi\n mov $0x601000, %esi\n mov $4000, %edx\n" CALL(0)
              "test %eax, %eax\n jg 1b\n mov %ebx, %edi\n xor %esi, %esi\n xor %edx, %edx\n" CALL(8)
              "mov %ebx, %edi\n mov $0x601000, %esi\n mov $4000, %edx\n" CALL(0) "mov %ebx, %edi\n" CALL(3) EXIT(0))

START_TEST(first_reads_are_disk_io)
{
    const char *folder = new_folder();
    g_autofree char *data = g_build_filename(folder, "data", NULL), *bytes = g_malloc0(10000);
    ck_assert(g_file_set_contents(data, bytes, 10000, NULL));
    g_autoptr(test_run) run = run_with(GUEST_CODE(reader), "data", folder, false);
    static const struct { insn_event_kind kind; uint64_t bytes; } expected[] = {
        { INSN_EVENT_SYSCALL, 0 },  /* open */
        { INSN_EVENT_IO, 4096 },    /* bytes 0 to 3999: page 0 */
        { INSN_EVENT_IO, 4096 },    /* 4000 to 7999: page 1 */
        { INSN_EVENT_IO, 4096 },    /* 8000 to 9999: page 2 */
        { INSN_EVENT_SYSCALL, 0 },  /* end of file */
        { INSN_EVENT_SYSCALL, 0 },  /* lseek */
        { INSN_EVENT_SYSCALL, 0 },  /* cached */
        { INSN_EVENT_SYSCALL, 0 },  /* close */
        { INSN_EVENT_END, 0 },
    };
    ck_assert_uint_eq(run->events->len, G_N_ELEMENTS(expected));
    for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++) {
        ck_assert_int_eq(event_at(run, i)->kind, expected[i].kind);
        ck_assert_uint_eq(event_at(run, i)->arg0, expected[i].bytes);
        ck_assert_uint_eq(event_at(run, i)->arg1, 0);
    }
}
END_TEST

/* Creates "new", writes 64 KiB until it fails, closes; status: errno of the write. */
GUEST(filler, "mov $0x600000, %edi\n mov $0x41, %esi\n mov $0644, %edx\n" CALL(2) "mov %eax, %ebx\n test %eax, %eax\n js 2f\n"
              "1: mov %ebx, %edi\n mov $0x600000, %esi\n mov $0x10000, %edx\n" CALL(1) "test %eax, %eax\n jg 1b\n mov %eax, %r12d\n mov %ebx, %edi\n"
              CALL(3) "mov %r12d, %eax\n 2:" EXIT_ERRNO)

START_TEST(writes_are_limited)
{
    const char *folder = new_folder();
    g_autofree char *path = g_build_filename(folder, "new", NULL);
    g_autoptr(test_run) refused = run_with(GUEST_CODE(filler), "new", folder, false);
    ck_assert_uint_eq(test_last(refused)->arg0, EROFS);
    ck_assert(!g_file_test(path, G_FILE_TEST_EXISTS));
    g_autoptr(test_run) run = run_with(GUEST_CODE(filler), "new", folder, true);
    ck_assert_uint_eq(test_last(run)->arg0, ENOSPC);
    GStatBuf st;
    ck_assert_int_eq(g_stat(path, &st), 0);
    ck_assert_int_le(st.st_size, (off_t)MIB);
    ck_assert_int_ge(st.st_size, (off_t)(MIB - 2 * 0x10000));
    uint64_t written = 0;
    for (unsigned i = 0; i < run->events->len; i++)
        written += event_at(run, i)->kind == INSN_EVENT_IO && event_at(run, i)->arg1 ? event_at(run, i)->arg0 : 0;
    ck_assert_uint_eq(written, (uint64_t)st.st_size);
}
END_TEST

/* getdents64 of "/" to stdout. */
GUEST(lister, "mov $0x600000, %edi\n mov $0x10000, %esi\n" CALL(2) "mov %eax, %edi\n mov $0x601000, %esi\n mov $4096, %edx\n" CALL(217)
              "mov %eax, %edx\n mov $1, %edi\n mov $0x601000, %esi\n" CALL(1) EXIT(0))

START_TEST(directories_are_sorted)
{
    const char *folder = new_folder();
    static const char *const names[] = { "zeta", "alpha", "mid" };
    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        ck_assert(g_file_set_contents(path, "", 0, NULL));
    }
    g_autoptr(test_run) run = run_with(GUEST_CODE(lister), "/", folder, false);
    static const char *const expected[] = { ".", "..", "alpha", "mid", "zeta" };
    static const uint64_t inodes[] = { 1, 1, 2, 3, 4 }; /* ".." of the top is the top */
    size_t at = 0;
    for (unsigned i = 0; i < 5; i++) {
        uint64_t ino;
        uint16_t length;
        ck_assert_uint_lt(at, run->report.out_len);
        memcpy(&ino, run->out + at, 8);
        memcpy(&length, run->out + at + 16, 2);
        ck_assert_str_eq(run->out + at + 19, expected[i]);
        ck_assert_uint_eq(ino, inodes[i]);
        at += length;
    }
    ck_assert_uint_eq(at, run->report.out_len);
}
END_TEST

TCase *linux_tests(void)
{
    TCase *t = tcase_create("linux");
    tcase_add_test(t, output_is_captured);
    tcase_add_test(t, output_is_limited);
    tcase_add_test(t, missing_calls_are_counted);
    tcase_add_test(t, memory_is_limited);
    tcase_add_test(t, heap_grows_to_the_limit);
    tcase_add_test(t, markers_become_events);
    tcase_add_test(t, sleeps_become_events);
    tcase_add_test(t, time_is_simulated);
    tcase_add_test(t, time_stamps_in_a_row);
    tcase_add_test(t, random_comes_from_the_seed);
    tcase_add_test(t, signals_end_the_guest);
    tcase_add_test(t, registers_survive_a_new_engine);
    tcase_add_test(t, the_processor_is_plain_x86_64);
    tcase_add_test(t, endless_loops_still_return);
    tcase_add_test(t, a_guest_stays_in_its_folder);
    tcase_add_test(t, open_files_are_limited);
    tcase_add_test(t, first_reads_are_disk_io);
    tcase_add_test(t, writes_are_limited);
    tcase_add_test(t, directories_are_sorted);
    return t;
}
