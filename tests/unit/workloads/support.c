/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include "cpu-machine.h"

#include <elf.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *folder;
static GPtrArray *paths;

const char *test_folder(void)
{
    if (!folder) {
        g_autoptr(GError) error = NULL;
        folder = g_dir_make_tmp("quanta-test-XXXXXX", &error);
        if (!folder)
            g_error("%s", error->message); /* may be called outside a test */
        paths = g_ptr_array_new_with_free_func(g_free);
    }
    return folder;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

void test_folder_remove(void)
{
    if (!folder)
        return;
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    g_clear_pointer(&folder, g_free);
    g_clear_pointer(&paths, g_ptr_array_unref);
}

const char *test_write(const char *name, const void *data, size_t size)
{
    char *path = g_build_filename(test_folder(), name, NULL);
    FILE *file = fopen(path, "w"); /* g_file_set_contents waits for the disk */
    ck_assert(file && (!size || fwrite(data, 1, size, file) == size) && fclose(file) == 0);
    g_ptr_array_add(paths, path);
    return path;
}

GByteArray *test_elf_image(const uint8_t *code, size_t size, const char *text)
{
    const Elf64_Ehdr header = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_EXEC,
        .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_entry = TEXT_AT, .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2,
    };
    uint64_t start = 0x1000, data = start + size, length = text ? strlen(text) + 1 : 0;
    const Elf64_Phdr segments[2] = {
        { .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = start, .p_vaddr = TEXT_AT, .p_filesz = size, .p_memsz = size },
        { .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = data, .p_vaddr = DATA_AT, .p_filesz = length, .p_memsz = DATA_SIZE },
    };
    GByteArray *image = g_byte_array_new();
    g_byte_array_append(image, (const uint8_t *)&header, sizeof header);
    g_byte_array_append(image, (const uint8_t *)segments, sizeof segments);
    guint head = image->len;
    g_byte_array_set_size(image, (guint)start);
    memset(image->data + head, 0, start - head);
    g_byte_array_append(image, code, (guint)size);
    if (text)
        g_byte_array_append(image, (const uint8_t *)text, (guint)length);
    return image;
}

const char *test_elf(const uint8_t *code, size_t size, const char *text)
{
    static unsigned n;
    g_autofree char *name = g_strdup_printf("guest-%u.elf", n++);
    g_autoptr(GByteArray) image = test_elf_image(code, size, text);
    return test_write(name, image->data, image->len);
}

wl_guest_config test_config(const char *elf)
{
    static const char *const argv[] = { "guest", NULL };
    return (wl_guest_config){
        .name = "test", .elf = elf, .argv = argv, .memory = 16 * MIB, .disk_limit = MIB, .seed = 1,
    };
}

static void mix(uint64_t *digest, uint64_t value)
{
    *digest = (*digest ^ value) * UINT64_C(0x100000001b3);
    *digest ^= *digest >> 29;
}

static void add_batch(test_run *run, insn_code *code, const insn_batch *batch)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < batch->n_blocks; i++) {
        const insn_block_facts *f = code->facts(code, batch->blocks[i]);
        run->blocks++;
        run->insns += f->n_insns;
        run->again += f->n_insns == 0;
        mix(&run->digest, f->addr);
        mix(&run->digest, f->bytes);
        if (at + f->n_slots > batch->n_addrs) /* asserts are too slow for every block */
            ck_abort_msg("block %u has more slots than addresses are left", f->id);
        for (unsigned k = 0; k < f->n_slots; k++, at++) {
            test_access a = { batch->addrs[at], f->slots[k].size, f->slots[k].flags };
            run->loads += (a.flags & INSN_ACCESS_LOAD) != 0;
            run->stores += (a.flags & INSN_ACCESS_STORE) != 0;
            run->rmws += a.flags == (INSN_ACCESS_LOAD | INSN_ACCESS_STORE);
            mix(&run->digest, a.addr);
            mix(&run->digest, a.size | (uint64_t)a.flags << 16);
            if (run->accesses->len < 4096)
                g_array_append_val(run->accesses, a);
        }
    }
    ck_assert_uint_eq(at, batch->n_addrs);
}

static void add_event(test_run *run, const insn_event *event)
{
    mix(&run->digest, event->kind);
    mix(&run->digest, event->nr);
    mix(&run->digest, event->arg0);
    mix(&run->digest, event->arg1);
    mix(&run->digest, event->ip);
    g_array_append_vals(run->events, event, 1);
    g_ptr_array_add(run->texts, g_strdup(event->text));
}

test_run *test_consume(insn_source *source, uint32_t limit, uint64_t step)
{
    test_run *run = g_new0(test_run, 1);
    insn_batch batch;
    uint64_t now = 0;
    run->accesses = g_array_new(FALSE, FALSE, sizeof(test_access));
    run->events = g_array_new(FALSE, FALSE, sizeof(insn_event));
    run->texts = g_ptr_array_new_with_free_func(g_free);
    do {
        insn_source_fill(source, now += step, limit, &batch);
        ck_assert(batch.n_blocks > 0 || batch.event.kind != INSN_EVENT_NONE);
        add_batch(run, source->code, &batch);
        if (batch.event.kind != INSN_EVENT_NONE)
            add_event(run, &batch.event);
    } while (batch.event.kind != INSN_EVENT_END && batch.event.kind != INSN_EVENT_FAULT && batch.event.kind != INSN_EVENT_ERROR);
    insn_event last = batch.event;
    insn_source_fill(source, now, limit, &batch); /* the dead stay dead */
    ck_assert_int_eq(batch.event.kind, last.kind);
    ck_assert_uint_eq(batch.event.arg0, last.arg0);
    ck_assert_uint_eq(batch.n_blocks, 0);
    wl_source_report(source, &run->report);
    run->out = g_malloc0(run->report.out_len + 1);
    memcpy(run->out, run->report.out, run->report.out_len);
    run->missing = g_array_new(FALSE, FALSE, sizeof(struct wl_missing));
    if (run->report.n_missing)
        g_array_append_vals(run->missing, run->report.missing, run->report.n_missing);
    ck_assert_uint_eq(run->insns, run->report.insns);
    return run;
}

void test_run_free(test_run *run)
{
    g_array_free(run->accesses, TRUE);
    g_array_free(run->events, TRUE);
    g_ptr_array_free(run->texts, TRUE);
    g_array_free(run->missing, TRUE);
    g_free(run->out);
    g_free(run);
}

test_run *test_live(const wl_guest_config *config, uint32_t limit, uint64_t step)
{
    g_autoptr(GError) error = NULL;
    insn_code *code = cpu_code_new();
    insn_source *source = wl_guest_new(config, code, &error);
    ck_assert_msg(source != NULL, "%s", error ? error->message : "");
    test_run *run = test_consume(source, limit, step);
    insn_source_free(source);
    cpu_code_free(code);
    return run;
}

const insn_event *test_last(const test_run *run)
{
    return &g_array_index(run->events, insn_event, run->events->len - 1);
}
