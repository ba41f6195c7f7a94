/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-symbol.h"

#include "sim-error.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <unistd.h>

#define MAX_FUNCTION (UINT64_C(1) << 20)

typedef struct {
    Elf *elf;
    const char *path, *name;
    GElf_Sym found;
    bool have;
    GPtrArray *names; /* of functions, for a hint */
} search;

static bool G_GNUC_PRINTF(3, 4) bad(const search *s, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", s->path, text);
    return false;
}

/* Calls for every function symbol; the full table first, then the dynamic one. */
static void each_symbol(search *s, void (*visit)(search *s, const GElf_Sym *sym, const char *name))
{
    static const GElf_Word types[] = {SHT_SYMTAB, SHT_DYNSYM};
    for (unsigned t = 0; t < G_N_ELEMENTS(types); t++)
        for (Elf_Scn *scn = elf_nextscn(s->elf, NULL); scn; scn = elf_nextscn(s->elf, scn)) {
            GElf_Shdr sh;
            Elf_Data *data;
            if (!gelf_getshdr(scn, &sh) || sh.sh_type != types[t] || sh.sh_entsize == 0 || !(data = elf_getdata(scn, NULL)))
                continue;
            int n = (int)MIN(sh.sh_size / sh.sh_entsize, (GElf_Xword)G_MAXINT);
            for (int i = 0; i < n; i++) {
                GElf_Sym sym;
                if (!gelf_getsym(data, i, &sym) || sym.st_shndx == SHN_UNDEF || sym.st_shndx >= SHN_LORESERVE)
                    continue;
                unsigned type = GELF_ST_TYPE(sym.st_info);
                const char *name = type == STT_FUNC || type == STT_NOTYPE || type == STT_GNU_IFUNC ? elf_strptr(s->elf, sh.sh_link, sym.st_name) : NULL;
                if (name && *name)
                    visit(s, &sym, name);
            }
        }
}

static void look(search *s, const GElf_Sym *sym, const char *name)
{
    if (!s->have && strcmp(name, s->name) == 0) {
        s->found = *sym;
        s->have = true;
    }
    if (s->names->len < 4096)
        g_ptr_array_add(s->names, (gpointer)(uintptr_t)name);
}

/* Shortens a symbol without a size to where the next begins. */
static void limit(search *s, const GElf_Sym *sym, const char *name)
{
    (void)name;
    if (sym->st_shndx == s->found.st_shndx && sym->st_value > s->found.st_value)
        s->found.st_size = MIN(s->found.st_size, sym->st_value - s->found.st_value);
}

static bool read_symbol(search *s, uint8_t **bytes, gsize *size, uint64_t *addr, GError **error)
{
    GElf_Ehdr eh;
    if (elf_kind(s->elf) != ELF_K_ELF || !gelf_getehdr(s->elf, &eh))
        return bad(s, error, "is not an ELF file");
    if (eh.e_machine != EM_X86_64)
        return bad(s, error, "is not for x86-64");
    each_symbol(s, look);
    if (!s->have) {
        g_ptr_array_add(s->names, NULL);
        const char *near = sim_nearest(s->name, (const char *const *)s->names->pdata);
        return s->names->len == 1 ? bad(s, error, "has no function symbols") :
            bad(s, error, "there is no function '%s'%s%s%s", s->name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    GElf_Shdr sh;
    Elf_Scn *scn = elf_getscn(s->elf, s->found.st_shndx);
    Elf_Data *data = scn && gelf_getshdr(scn, &sh) ? elf_rawdata(scn, NULL) : NULL;
    uint64_t at = s->found.st_value - (eh.e_type == ET_REL || !data ? 0 : sh.sh_addr);
    if (!data || !data->d_buf || sh.sh_type == SHT_NOBITS || at >= data->d_size)
        return bad(s, error, "'%s' has no bytes in the file", s->name);
    if (s->found.st_size == 0) {
        s->found.st_size = data->d_size - at;
        each_symbol(s, limit);
    }
    *size = MIN(s->found.st_size, data->d_size - at);
    if (*size > MAX_FUNCTION)
        return bad(s, error, "'%s' has %" G_GSIZE_FORMAT " bytes; at most 1 MiB is taken", s->name, *size);
    *bytes = g_memdup2((const char *)data->d_buf + at, *size);
    *addr = s->found.st_value;
    return true;
}

bool wl_symbol_read(const char *path, const char *name, uint8_t **bytes, gsize *size, uint64_t *addr, GError **error)
{
    search s = {.path = path, .name = name};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return bad(&s, error, "cannot open: %s", g_strerror(errno));
    elf_version(EV_CURRENT);
    s.elf = elf_begin(fd, ELF_C_READ, NULL);
    s.names = g_ptr_array_new();
    bool ok = s.elf ? read_symbol(&s, bytes, size, addr, error) : bad(&s, error, "is not an ELF file");
    g_ptr_array_unref(s.names);
    if (s.elf)
        elf_end(s.elf);
    close(fd);
    return ok;
}
