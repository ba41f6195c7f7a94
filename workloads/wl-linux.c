/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-linux-internal.h"

#include "sim-error.h"
#include "wl-cpuid.h"

#include <elf.h>

#define STACK_MAX (UINT64_C(8) << 20)
#define MAX_ARG_BYTES (UINT64_C(128) << 10)

/* ---- the first stack: System V ABI, AMD64 supplement, section 3.4.1 --------------------------------------- */

typedef struct {
    GByteArray *strings; /* placed at the top of the stack */
    GArray *words;       /* argc, argv, envp, auxv; string pointers as offsets first */
    GArray *pointers;    /* indexes of words that are offsets into strings */
} stack_image;

static void push_word(stack_image *s, uint64_t word)
{
    g_array_append_val(s->words, word);
}

static void push_bytes(stack_image *s, const void *data, size_t size)
{
    unsigned index = s->words->len;
    g_array_append_val(s->pointers, index);
    push_word(s, s->strings->len);
    g_byte_array_append(s->strings, data, (guint)size);
}

static void push_strings(stack_image *s, const char *const *strings)
{
    for (unsigned i = 0; strings[i]; i++)
        push_bytes(s, strings[i], strlen(strings[i]) + 1);
    push_word(s, 0);
}

static void push_auxv(stack_image *s, wl_linux *lx, const wl_elf *elf)
{
    uint8_t random[16];
    sim_random stream;
    g_autofree char *name = g_strconcat(lx->config->name, ".at_random", NULL);
    sim_random_init(&stream, lx->config->seed, name);
    for (unsigned i = 0; i < 16; i += 8) {
        uint64_t r = sim_random_next(&stream);
        memcpy(random + i, &r, 8);
    }
    const uint64_t pairs[][2] = {
        { AT_PHDR, elf->phdr }, { AT_PHENT, sizeof(Elf64_Phdr) }, { AT_PHNUM, elf->phnum }, { AT_PAGESZ, WL_PAGE },
        { AT_BASE, 0 }, { AT_FLAGS, 0 }, { AT_ENTRY, elf->entry }, { AT_UID, 0 }, { AT_EUID, 0 }, { AT_GID, 0 },
        { AT_EGID, 0 }, { AT_SECURE, 0 }, { AT_CLKTCK, 100 },
        { AT_HWCAP, WL_CPUID_1_EDX },
        { AT_HWCAP2, 0 },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++) {
        push_word(s, pairs[i][0]);
        push_word(s, pairs[i][1]);
    }
    push_word(s, AT_RANDOM);
    push_bytes(s, random, sizeof random);
    push_word(s, AT_EXECFN);
    push_bytes(s, lx->exe, strlen(lx->exe) + 1);
    push_word(s, AT_PLATFORM);
    push_bytes(s, "x86_64", 7);
    push_word(s, AT_NULL);
    push_word(s, 0);
}

static bool build_stack(wl_linux *lx, const wl_elf *elf, uint64_t top)
{
    static const char *const no_strings[] = { NULL };
    static const char *const plain_env[] = { "PATH=/", "HOME=/", "LC_ALL=C", NULL };
    const char *const *argv = lx->config->argv ? lx->config->argv : no_strings;
    stack_image s = {
        g_byte_array_new(), g_array_new(FALSE, FALSE, sizeof(uint64_t)), g_array_new(FALSE, FALSE, sizeof(unsigned)),
    };
    push_word(&s, g_strv_length((char **)argv));
    push_strings(&s, argv);
    push_strings(&s, lx->config->envp ? lx->config->envp : plain_env);
    push_auxv(&s, lx, elf);
    uint64_t bytes = s.strings->len + UINT64_C(8) * s.words->len;
    bool ok = bytes <= MAX_ARG_BYTES;
    if (ok) {
        uint64_t strings = (top - 16 - s.strings->len) & ~UINT64_C(15);
        for (unsigned i = 0; i < s.pointers->len; i++)
            g_array_index(s.words, uint64_t, g_array_index(s.pointers, unsigned, i)) += strings;
        lx->stack = (strings - UINT64_C(8) * s.words->len) & ~UINT64_C(15);
        ok = wl_memory_put(lx->memory, strings, s.strings->data, s.strings->len) == 0
             && wl_memory_put(lx->memory, lx->stack, s.words->data, UINT64_C(8) * s.words->len) == 0;
    }
    g_byte_array_free(s.strings, TRUE);
    g_array_free(s.words, TRUE);
    g_array_free(s.pointers, TRUE);
    return ok;
}

static bool fail(const wl_linux *lx, GError **error, const char *what)
{
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "guest %s (%s): %s", lx->config->name, lx->config->elf, what);
    return false;
}

/* Image, heap room above it, mmap area, stack. */
static bool lay_out(wl_linux *lx, wl_elf *elf, GError **error)
{
    wl_memory *m = lx->memory;
    uint64_t limit = wl_memory_limit(m) & ~(WL_PAGE - 1), image = wl_elf_pages(elf);
    uint64_t stack = MIN(STACK_MAX, (limit / 4) & ~(WL_PAGE - 1));
    uint64_t least = 2 * MAX_ARG_BYTES;
    stack = MAX(stack, least);
    if (image > limit || stack > limit - image) {
        g_autofree char *text = g_strdup_printf("needs %" G_GUINT64_FORMAT " KiB for its image and stack, and its VM has %"
                                                G_GUINT64_FORMAT " KiB of memory", (image + least) / 1024, limit / 1024);
        return fail(lx, error, text);
    }
    uint64_t heap = MIN(limit, UINT64_C(64) << 30);
    uint64_t area = CLAMP(4 * MIN(limit, UINT64_C(1) << 40), UINT64_C(1) << 30, UINT64_C(256) << 30);
    if (wl_memory_reserve(m, elf->low, elf->high + heap) < 0 || wl_memory_reserve(m, WL_MMAP_TOP - area, WL_MMAP_TOP) < 0
        || wl_memory_reserve(m, WL_STACK_TOP - stack, WL_STACK_TOP) < 0)
        return fail(lx, error, "the host does not grant the address space for its memory");
    if (wl_elf_load(elf, m) < 0 || wl_memory_map(m, WL_STACK_TOP - stack, stack, WL_READ | WL_WRITE) < 0)
        return fail(lx, error, "its image and stack cannot be mapped");
    if (!build_stack(lx, elf, WL_STACK_TOP))
        return fail(lx, error, "its arguments and environment take more than 128 KiB");
    lx->entry = elf->entry;
    lx->stack_low = WL_STACK_TOP - stack;
    lx->brk_start = lx->brk = elf->high;
    lx->brk_max = elf->high + heap;
    return true;
}

wl_linux *wl_linux_new(const wl_guest_config *config, wl_elf *elf, wl_memory *memory, GError **error)
{
    wl_linux *lx = g_new0(wl_linux, 1);
    lx->config = config;
    lx->memory = memory;
    lx->cwd = g_strdup("/");
    g_autofree char *base = g_path_get_basename(config->elf);
    lx->exe = g_strconcat("/", base, NULL);
    lx->out = g_string_new(NULL);
    lx->err = g_string_new(NULL);
    lx->disk_left = config->disk_limit;
    lx->missing = g_array_new(FALSE, FALSE, sizeof(struct wl_missing));
    g_autofree char *stream = g_strconcat(config->name, ".getrandom", NULL);
    sim_random_init(&lx->random, config->seed, stream);
    wl_linux_open_standard(lx);
    if ((config->folder && !(lx->folder = wl_folder_open(config->folder, config->folder_writable, error)))
        || !lay_out(lx, elf, error)) {
        wl_linux_free(lx);
        return NULL;
    }
    return lx;
}

void wl_linux_free(wl_linux *lx)
{
    if (!lx)
        return;
    wl_linux_close_all(lx);
    wl_folder_free(lx->folder);
    g_string_free(lx->out, TRUE);
    g_string_free(lx->err, TRUE);
    g_array_free(lx->missing, TRUE);
    g_free(lx->cwd);
    g_free(lx->exe);
    g_free(lx);
}

uint64_t wl_linux_entry(const wl_linux *lx) { return lx->entry; }
uint64_t wl_linux_stack(const wl_linux *lx) { return lx->stack; }
uint64_t wl_linux_stack_low(const wl_linux *lx) { return lx->stack_low; }
uint64_t wl_linux_fs_base(const wl_linux *lx) { return lx->fs_base; }
uint64_t wl_linux_gs_base(const wl_linux *lx) { return lx->gs_base; }

/* ---- calls --------------------------------------------------------------------------------------------------- */

static void count_missing(wl_linux *lx, uint64_t nr)
{
    uint32_t n = nr > UINT32_MAX ? UINT32_MAX : (uint32_t)nr;
    lx->n_missing_calls++;
    lx->last_missing = n;
    unsigned i = 0;
    while (i < lx->missing->len && g_array_index(lx->missing, struct wl_missing, i).nr < n)
        i++;
    if (i < lx->missing->len && g_array_index(lx->missing, struct wl_missing, i).nr == n) {
        g_array_index(lx->missing, struct wl_missing, i).count++;
    } else if (lx->missing->len < 1024) { /* a guest that tries all numbers must not fill memory */
        struct wl_missing entry = { n, 1 };
        g_array_insert_val(lx->missing, i, entry);
    }
}

static int64_t marker(const wl_call *call, insn_event *event)
{
    static const insn_event_kind kinds[] = {
        INSN_EVENT_ROI_BEGIN, INSN_EVENT_ROI_END, INSN_EVENT_TASK_BEGIN, INSN_EVENT_TASK_END,
        INSN_EVENT_WBINVD, INSN_EVENT_HYPERCALL, INSN_EVENT_YIELD,
    };
    event->kind = kinds[call->nr - WL_MARK_ROI_BEGIN];
    event->nr = 0;
    if (event->kind == INSN_EVENT_TASK_BEGIN || event->kind == INSN_EVENT_TASK_END || event->kind == INSN_EVENT_HYPERCALL) {
        event->nr = (uint32_t)call->args[0];
        event->arg0 = call->args[1];
    }
    return 0;
}

static wl_sys find(uint64_t nr)
{
    wl_sys (*const parts[])(uint64_t) = {
        wl_linux_file_call, wl_linux_memory_call, wl_linux_time_call, wl_linux_process_call, wl_linux_path_call,
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) {
        wl_sys fn = parts[i](nr);
        if (fn)
            return fn;
    }
    return NULL;
}

int64_t wl_linux_call(wl_linux *lx, const wl_call *call, insn_event *event)
{
    *event = (insn_event){ .kind = INSN_EVENT_SYSCALL, .nr = (uint32_t)call->nr };
    if (call->nr >= WL_MARK_ROI_BEGIN && call->nr < WL_MARK_END)
        return marker(call, event);
    wl_sys fn = find(call->nr);
    if (!fn) {
        count_missing(lx, call->nr);
        return -ENOSYS;
    }
    lx->event = event;
    int64_t result = fn(lx, call->args);
    if (event->kind == INSN_EVENT_TIME_READ)
        lx->pending = *call;
    lx->event = NULL;
    return result;
}

int64_t wl_linux_finish(wl_linux *lx, uint64_t now_ps)
{
    return wl_linux_time_finish(lx, &lx->pending, now_ps / 1000);
}

int64_t wl_linux_time_read(wl_linux *lx)
{
    lx->event->kind = INSN_EVENT_TIME_READ;
    lx->reads_time = true;
    return 0;
}

void wl_linux_sleep(wl_linux *lx, uint64_t ns)
{
    lx->event->kind = INSN_EVENT_SLEEP;
    lx->event->arg0 = MIN(ns, WL_MAX_SLEEP_NS);
}

void wl_linux_io(wl_linux *lx, uint64_t bytes, bool write)
{
    if (!bytes || (lx->event->kind == INSN_EVENT_IO && lx->event->arg1 != write))
        return;
    lx->event->kind = INSN_EVENT_IO;
    lx->event->arg0 += bytes;
    lx->event->arg1 = write;
}

void wl_linux_end(wl_linux *lx, int status)
{
    lx->ended = true;
    lx->status = status;
    for (unsigned i = 0; i < WL_MAX_FDS; i++)
        if (lx->fds[i] && lx->fds[i]->inode)
            wl_linux_cache_flush(lx, lx->fds[i]->inode);
}

bool wl_linux_ended(const wl_linux *lx, int *status)
{
    *status = lx->status;
    return lx->ended;
}

void wl_linux_note_time(wl_linux *lx)
{
    lx->reads_time = true;
}

void wl_linux_report(const wl_linux *lx, wl_report *report)
{
    report->out = lx->out->str;
    report->out_len = lx->out->len;
    report->err = lx->err->str;
    report->err_len = lx->err->len;
    report->reads_time = lx->reads_time;
    report->missing = (const struct wl_missing *)(const void *)lx->missing->data;
    report->n_missing = lx->missing->len;
}

uint64_t wl_linux_missing(const wl_linux *lx, uint32_t *last)
{
    *last = lx->last_missing;
    return lx->n_missing_calls;
}
