/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "import-fixture.h"

#include "cpu-machine.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <glib/gstdio.h>
#include <string.h>

static char *trace;

char *fixture_write(const char *name, const void *bytes, size_t n)
{
    char *path = test_path(name);
    ck_assert(g_file_set_contents(path, bytes, (gssize)n, NULL));
    return path;
}

char *fixture_text(const char *name, const char *text)
{
    return fixture_write(name, text, strlen(text));
}

static void put_entry(struct archive *a, const char *name, const uint8_t *bytes, size_t n)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_size(e, (la_int64_t)n);
    ck_assert_int_eq(archive_write_header(a, e), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_data(a, bytes, n), (la_ssize_t)n);
    archive_entry_free(e);
}

char *fixture_packed(const char *name, const char *packing, const void *bytes, size_t n)
{
    char *path = test_path(name);
    bool zip = strcmp(packing, "zip") == 0;
    struct archive *a = archive_write_new();
    ck_assert_int_eq(zip ? archive_write_set_format_zip(a) : archive_write_set_format_raw(a), ARCHIVE_OK);
    if (!zip)
        ck_assert_int_eq(archive_write_add_filter_by_name(a, packing), ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(a, 1);
    ck_assert_int_eq(archive_write_open_filename(a, path), ARCHIVE_OK);
    put_entry(a, "chunk.0000", bytes, zip ? n / 2 : n);
    if (zip)
        put_entry(a, "chunk.0001", (const uint8_t *)bytes + n / 2, n - n / 2);
    ck_assert_int_eq(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    return path;
}

char *fixture_elf(const char *name, uint64_t addr, bool pie, const uint8_t *code, size_t n)
{
    g_autoptr(GByteArray) file = g_byte_array_new();
    Elf64_Ehdr h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = pie ? ET_DYN : ET_EXEC,
                     .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_entry = addr, .e_phoff = sizeof h, .e_ehsize = sizeof h,
                     .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1, .e_shentsize = sizeof(Elf64_Shdr) };
    Elf64_Phdr p = { .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = sizeof h + sizeof p, .p_vaddr = addr, .p_paddr = addr,
                     .p_filesz = n, .p_memsz = n, .p_align = 1 };
    g_byte_array_append(file, (const guint8 *)&h, sizeof h);
    g_byte_array_append(file, (const guint8 *)&p, sizeof p);
    g_byte_array_append(file, code, (guint)n);
    return fixture_write(name, file->data, file->len);
}

static void tell_block(GString *text, const insn_block_facts *f, const uint64_t *addrs)
{
    g_string_append_printf(text, "%" G_GINT64_MODIFIER "x%s%s%u", f->addr, f->flags & INSN_BLOCK_ABSTRACT ? "a" : "r",
                           f->flags & INSN_BLOCK_REP_AGAIN ? "+" : "", f->n_insns);
    for (unsigned i = 0; i < f->n_slots; i++)
        g_string_append_printf(text, " %c%" G_GINT64_MODIFIER "x,%u", " LSM"[f->slots[i].flags], addrs[i], f->slots[i].size);
    g_string_append_c(text, '\n');
}

char *fixture_tell(const char *path)
{
    GError *error = NULL;
    g_autoptr(tr_reader) r = tr_reader_open(path, &error);
    ck_assert_msg(r != NULL, "%s", error ? error->message : "");
    insn_code *code = cpu_code_new();
    GString *text = g_string_new(NULL);
    insn_batch batch;
    tr_progress now = { 0 };
    uint64_t insns = 0;
    int got;
    tr_reader_start(r, code, false);
    while ((got = tr_reader_next(r, &batch, &now, &error)) > 0) {
        const uint64_t *addrs = batch.addrs;
        for (uint32_t i = 0; i < batch.n_blocks; i++) {
            const insn_block_facts *f = code->facts(code, batch.blocks[i]);
            tell_block(text, f, addrs);
            addrs += f->n_slots;
            insns += f->n_insns;
        }
    }
    ck_assert_msg(got == 0, "%s", error ? error->message : "");
    ck_assert_uint_eq(now.insns, insns);
    cpu_code_free(code);
    return g_string_free(text, FALSE);
}

char *fixture_import(const char *path, const tr_import_options *options, tr_import_report *report)
{
    const tr_import_options none = { 0 };
    tr_import_report own;
    GError *error = NULL;
    insn_code *code = cpu_code_new();
    g_free(trace);
    trace = g_strconcat(path, ".qtr", NULL);
    bool ok = tr_import(path, trace, code, options ? options : &none, report ? report : &own, &error);
    ck_assert_msg(ok, "%s", error ? error->message : "no error set");
    ck_assert_ptr_null(error);
    cpu_code_free(code);
    return fixture_tell(trace);
}

char *fixture_import_error(const char *path, const tr_import_options *options)
{
    const tr_import_options none = { 0 };
    tr_import_report report;
    GError *error = NULL;
    insn_code *code = cpu_code_new();
    g_autofree char *to = g_strconcat(path, ".qtr", NULL);
    g_autofree char *part = g_strconcat(to, ".part", NULL);
    g_unlink(to);
    ck_assert(!tr_import(path, to, code, options ? options : &none, &report, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert(!g_file_test(to, G_FILE_TEST_EXISTS));
    ck_assert(!g_file_test(part, G_FILE_TEST_EXISTS));
    cpu_code_free(code);
    char *message = g_strdup(error->message);
    g_error_free(error);
    return message;
}

const char *fixture_trace(void)
{
    return trace;
}
