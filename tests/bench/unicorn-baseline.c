/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the instruction sources cost against Unicorn itself, all in one run of one program:
 *   baseline  Unicorn with empty block and memory hooks, under the same loader and system calls
 *   live      the live source, its batches thrown away
 *   record    the first reader of a recording, which makes the guest run
 *   replay    a second reader: decoding alone
 * Usage: unicorn-baseline ELF [ARGUMENT...]; the folder of the guest is the present one, read-only. */
#include "cpu-machine.h"
#include "wl-cpuid.h"
#include "wl-guest.h"
#include "wl-linux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEMORY (UINT64_C(1) << 30)
#define DISK (UINT64_C(64) << 20)
#define IN_MEMORY (UINT64_C(1) << 30)
#define ROUNDS 5 /* best of, unless -r says otherwise */

typedef struct {
    wl_linux *lx;
    bool ended;
} baseline;

/* Processor time, so that what else the machine does disturbs less. */
static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void empty_block(uc_engine *uc, uint64_t addr, uint32_t size, void *user)
{
    (void)uc, (void)addr, (void)size, (void)user;
}

static void empty_access(uc_engine *uc, uc_mem_type type, uint64_t addr, int size, int64_t value, void *user)
{
    (void)uc, (void)type, (void)addr, (void)size, (void)value, (void)user;
}

static void on_syscall(uc_engine *uc, void *user)
{
    static const int regs[] = {
        UC_X86_REG_RAX, UC_X86_REG_RDI, UC_X86_REG_RSI, UC_X86_REG_RDX, UC_X86_REG_R10, UC_X86_REG_R8, UC_X86_REG_R9,
    };
    baseline *b = user;
    uint64_t v[7] = { 0 };
    insn_event event;
    int status;
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++)
        uc_reg_read(uc, regs[i], &v[i]);
    wl_call call = { v[0], { v[1], v[2], v[3], v[4], v[5], v[6] } };
    uint64_t result = (uint64_t)wl_linux_call(b->lx, &call, &event);
    if (event.kind == INSN_EVENT_TIME_READ)
        result = (uint64_t)wl_linux_finish(b->lx, 0);
    uint64_t fs = wl_linux_fs_base(b->lx);
    uc_reg_write(uc, UC_X86_REG_RAX, &result);
    uc_reg_write(uc, UC_X86_REG_FS_BASE, &fs);
    if (wl_linux_ended(b->lx, &status)) {
        b->ended = true;
        uc_emu_stop(uc);
    }
}

static void set_register(uc_engine *uc, int reg, uint64_t value)
{
    uc_reg_write(uc, reg, &value);
}

static double run_baseline(const wl_guest_config *config)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(wl_elf) elf = wl_elf_open(config->elf, &error);
    uc_engine *uc = NULL;
    uc_hook hooks[3];
    baseline b = { NULL, false };
    if (!elf || uc_open(UC_ARCH_X86, UC_MODE_64, &uc) != UC_ERR_OK)
        g_error("%s", error ? error->message : "Unicorn cannot be started");
    wl_memory *memory = wl_memory_new(config->memory, uc);
    b.lx = wl_linux_new(config, elf, memory, &error);
    if (!b.lx)
        g_error("%s", error->message);
    uc_hook_add(uc, &hooks[0], UC_HOOK_BLOCK, (void *)empty_block, NULL, 1, 0);
    uc_hook_add(uc, &hooks[1], UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, (void *)empty_access, NULL, 1, 0);
    uc_hook_add(uc, &hooks[2], UC_HOOK_INSN, (void *)on_syscall, &b, 1, 0, UC_X86_INS_SYSCALL);
    wl_cpuid_install(uc);
    set_register(uc, UC_X86_REG_FPCW, 0x37f);
    set_register(uc, UC_X86_REG_MXCSR, 0x1f80);
    set_register(uc, UC_X86_REG_RSP, wl_linux_stack(b.lx));
    double start = seconds();
    uc_emu_start(uc, wl_linux_entry(b.lx), 0, 0, 0);
    double took = seconds() - start;
    if (!b.ended)
        g_error("%s did not run to its end", config->elf);
    uc_close(uc);
    wl_linux_free(b.lx);
    wl_memory_free(memory);
    return took;
}

static double consume(insn_source *source, uint64_t *insns, uint64_t *checksum)
{
    insn_batch batch;
    double start = seconds();
    uint64_t now = 0;
    *checksum = 0;
    do {
        insn_source_fill(source, now += 1000000, 8192, &batch);
        *checksum += batch.n_blocks + ((uint64_t)batch.n_addrs << 32);
    } while (batch.event.kind != INSN_EVENT_END && batch.event.kind != INSN_EVENT_FAULT && batch.event.kind != INSN_EVENT_ERROR);
    double took = seconds() - start;
    wl_report report;
    wl_source_report(source, &report);
    *insns = report.insns;
    if (batch.event.kind != INSN_EVENT_END)
        g_error("the guest failed: %s", batch.event.text);
    return took;
}

static double run_live(const wl_guest_config *config, uint64_t *insns)
{
    g_autoptr(GError) error = NULL;
    insn_code *code = cpu_code_new();
    insn_source *source = wl_guest_new(config, code, &error);
    uint64_t checksum;
    if (!source)
        g_error("%s", error->message);
    double took = consume(source, insns, &checksum);
    insn_source_free(source);
    cpu_code_free(code);
    return took;
}

static void run_recording(const wl_guest_config *config, double *record, double *replay)
{
    g_autoptr(GError) error = NULL;
    insn_code *code = cpu_code_new();
    wl_recording *recording = wl_recording_new(config, code, IN_MEMORY, &error);
    uint64_t insns, sums[2];
    double took[2];
    if (!recording)
        g_error("%s", error->message);
    for (unsigned i = 0; i < 2; i++) {
        insn_source *reader = wl_recording_open(recording);
        took[i] = consume(reader, &insns, &sums[i]);
        insn_source_free(reader);
    }
    if (sums[0] != sums[1])
        g_error("replay differs from the recording");
    wl_recording_free(recording);
    cpu_code_free(code);
    *record = MIN(*record, took[0]);
    *replay = MIN(*replay, took[1]);
}

int main(int argc, char **argv)
{
    unsigned rounds = ROUNDS;
    if (argc > 2 && strcmp(argv[1], "-r") == 0) {
        rounds = (unsigned)CLAMP(atoi(argv[2]), 1, 100);
        argc -= 2;
        argv += 2;
    }
    if (argc < 2) {
        fprintf(stderr, "usage: unicorn-baseline [-r ROUNDS] ELF [ARGUMENT...]\n");
        return 2;
    }
    const wl_guest_config config = {
        .name = "bench", .elf = argv[1], .argv = (const char *const *)argv + 1, .folder = ".", .memory = MEMORY,
        .disk_limit = DISK, .seed = 1,
    };
    double base = 1e9, live = 1e9, record = 1e9, replay = 1e9;
    uint64_t insns = 0;
    for (unsigned i = 0; i < rounds; i++) {
        double a = run_baseline(&config), b = run_live(&config, &insns);
        base = MIN(base, a);
        live = MIN(live, b);
        run_recording(&config, &record, &replay);
    }
    printf("%-10s %12s %10s %8s\n", "source", "M instr/s", "seconds", "ratio");
    const struct { const char *name; double took; } rows[] = {
        { "baseline", base }, { "live", live }, { "record", record }, { "replay", replay },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
        printf("%-10s %12.1f %10.3f %8.2f\n", rows[i].name, (double)insns / rows[i].took / 1e6, rows[i].took, base / rows[i].took);
    printf("%" G_GUINT64_FORMAT " instructions, Unicorn %u.%u, best of %d\n", insns, uc_version(NULL, NULL) >> 24 & 0xff,
           uc_version(NULL, NULL) >> 16 & 0xff, rounds);
    return 0;
}
