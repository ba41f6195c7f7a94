/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tr-import-elf.h"

#include "sim-error.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    uint64_t addr, size;
    const uint8_t *bytes;
} segment;

struct tr_elfs {
    GArray *segments; /* of segment, in the order of the files */
    GPtrArray *files; /* of GMappedFile: what the segments point into */
    segment last;     /* the one found last */
};

static bool fail(GError **error, const char *path, const char *what)
{
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", path, what);
    return false;
}

/* Splits "FILE@BASE". A file whose name has an @ that no number follows is taken as it is. */
static char *split(const char *spec, uint64_t *base, bool *given)
{
    const char *at = strrchr(spec, '@');
    char *end = NULL;
    *given = false;
    if (!at || !at[1])
        return g_strdup(spec);
    errno = 0;
    *base = g_ascii_strtoull(at + 1, &end, 16);
    if (*end || errno || !g_ascii_isxdigit(at[1]))
        return g_strdup(spec);
    *given = true;
    return g_strndup(spec, (gsize)(at - spec));
}

static bool add_segments(tr_elfs *e, const char *path, Elf *elf, GMappedFile *file, uint64_t base, GError **error)
{
    size_t n = 0, size = g_mapped_file_get_length(file), before = e->segments->len;
    const uint8_t *bytes = (const uint8_t *)g_mapped_file_get_contents(file);
    if (elf_getphdrnum(elf, &n) < 0)
        return fail(error, path, elf_errmsg(-1));
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr p;
        if (!gelf_getphdr(elf, (int)i, &p))
            return fail(error, path, elf_errmsg(-1));
        if (p.p_type != PT_LOAD || !(p.p_flags & PF_X) || p.p_filesz == 0)
            continue;
        if (p.p_offset > size || p.p_filesz > size - p.p_offset)
            return fail(error, path, "an executable segment lies beyond the file's end");
        segment s = { .addr = base + p.p_vaddr, .size = p.p_filesz, .bytes = bytes + p.p_offset };
        g_array_append_val(e->segments, s);
    }
    return e->segments->len > before || fail(error, path, "has no executable segment");
}

static bool read_elf(tr_elfs *e, const char *path, Elf *elf, GMappedFile *file, uint64_t base, bool given, GError **error)
{
    GElf_Ehdr h;
    if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &h))
        return fail(error, path, "not an ELF file");
    if (h.e_machine != EM_X86_64 || gelf_getclass(elf) != ELFCLASS64)
        return fail(error, path, "not x86-64 code");
    if (h.e_type == ET_DYN && !given)
        return fail(error, path, "is position-independent: say where it was loaded, as FILE@BASE (hexadecimal, as in /proc/PID/maps)");
    return add_segments(e, path, elf, file, base, error);
}

static bool open_one(tr_elfs *e, const char *spec, GError **error)
{
    uint64_t base = 0;
    bool given;
    GError *io = NULL;
    g_autofree char *path = split(spec, &base, &given);
    GMappedFile *file = g_mapped_file_new(path, FALSE, &io);
    if (!file) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s", io->message);
        g_error_free(io);
        return false;
    }
    g_ptr_array_add(e->files, file);
    Elf *elf = g_mapped_file_get_length(file) ? elf_memory(g_mapped_file_get_contents(file), g_mapped_file_get_length(file)) : NULL;
    bool ok = read_elf(e, path, elf, file, base, given, error);
    if (elf)
        elf_end(elf);
    return ok;
}

tr_elfs *tr_elfs_open(const char *const *files, GError **error)
{
    g_autoptr(tr_elfs) e = g_new0(tr_elfs, 1);
    e->segments = g_array_new(FALSE, FALSE, sizeof(segment));
    e->files = g_ptr_array_new_with_free_func((GDestroyNotify)g_mapped_file_unref);
    elf_version(EV_CURRENT);
    for (; *files; files++)
        if (!open_one(e, *files, error))
            return NULL;
    return g_steal_pointer(&e);
}

void tr_elfs_free(tr_elfs *e)
{
    if (!e)
        return;
    g_array_unref(e->segments);
    g_ptr_array_unref(e->files);
    g_free(e);
}

const uint8_t *tr_elfs_code(tr_elfs *e, uint64_t addr, unsigned size)
{
    if (!e)
        return NULL;
    if (addr - e->last.addr < e->last.size && size <= e->last.size - (addr - e->last.addr))
        return e->last.bytes + (addr - e->last.addr);
    for (guint i = 0; i < e->segments->len; i++) {
        const segment *s = &g_array_index(e->segments, segment, i);
        if (addr - s->addr < s->size && size <= s->size - (addr - s->addr)) {
            e->last = *s;
            return s->bytes + (addr - s->addr);
        }
    }
    return NULL;
}
