/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-elf.h"

#include "sim-error.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (UINT64_C(1) << 30)
#define MAX_SEGMENTS 64
#define LOWEST UINT64_C(0x1000) /* the null page stays free */

static bool G_GNUC_PRINTF(3, 4) bad(const wl_elf *elf, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", elf->path, text);
    return false;
}

void wl_elf_free(wl_elf *elf)
{
    if (!elf)
        return;
    g_free(elf->path);
    g_free(elf->data);
    g_free(elf->segments);
    g_free(elf);
}

static bool read_whole(wl_elf *elf, int fd, GError **error)
{
    elf->data = g_malloc(elf->size ? elf->size : 1);
    for (uint64_t at = 0; at < elf->size;) {
        ssize_t n = read(fd, elf->data + at, elf->size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bad(elf, error, "cannot read the guest program: %s", g_strerror(errno));
        if (n == 0)
            return bad(elf, error, "cannot read the guest program: it became shorter meanwhile");
        at += (uint64_t)n;
    }
    return true;
}

static bool read_file(wl_elf *elf, GError **error)
{
    struct stat st;
    int fd = open(elf->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return bad(elf, error, "cannot open the guest program: %s", g_strerror(errno));
    bool ok;
    if (fstat(fd, &st) < 0)
        ok = bad(elf, error, "cannot read the guest program: %s", g_strerror(errno));
    else if (!S_ISREG(st.st_mode))
        ok = bad(elf, error, "is not a regular file; a guest program is a static x86-64 ELF file");
    else if ((uint64_t)st.st_size > MAX_FILE)
        ok = bad(elf, error, "is larger than 1 GiB, too large for a guest program");
    else {
        elf->size = (uint64_t)st.st_size;
        ok = read_whole(elf, fd, error);
    }
    close(fd);
    return ok;
}

static const char *machine_name(unsigned machine)
{
    static const struct { unsigned id; const char *name; } names[] = {
        { EM_386, "32-bit x86" }, { EM_ARM, "32-bit ARM" }, { EM_AARCH64, "AArch64" }, { EM_RISCV, "RISC-V" },
        { EM_PPC64, "PowerPC 64" }, { EM_PPC, "PowerPC" }, { EM_S390, "s390" }, { EM_MIPS, "MIPS" },
        { EM_SPARCV9, "SPARC V9" }, { EM_IA_64, "Itanium" },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i].id == machine)
            return names[i].name;
    return "another instruction set";
}

static bool check_header(const wl_elf *elf, Elf *e, GElf_Ehdr *eh, GError **error)
{
    size_t ident_size = 0;
    const char *ident = elf->size >= 4 && !memcmp(elf->data, ELFMAG, SELFMAG) ? elf_getident(e, &ident_size) : NULL;
    if (elf->size < 4 || memcmp(elf->data, ELFMAG, SELFMAG))
        return bad(elf, error, "is not an ELF file; a guest program is a static x86-64 ELF file");
    if (elf->size < sizeof(Elf32_Ehdr) || !ident || ident_size < EI_NIDENT)
        return bad(elf, error, "is truncated: it ends within the ELF header");
    if (ident[EI_CLASS] == ELFCLASS32)
        return bad(elf, error, "is a 32-bit program; a guest program is a static 64-bit (x86-64) ELF file");
    if (ident[EI_CLASS] != ELFCLASS64 || (ident[EI_DATA] != ELFDATA2LSB && ident[EI_DATA] != ELFDATA2MSB))
        return bad(elf, error, "has a damaged ELF header (class %d, data encoding %d)", ident[EI_CLASS], ident[EI_DATA]);
    if (elf->size < sizeof(Elf64_Ehdr) || !gelf_getehdr(e, eh))
        return bad(elf, error, "is truncated: it ends within the ELF header");
    if (eh->e_machine != EM_X86_64 || ident[EI_DATA] != ELFDATA2LSB)
        return bad(elf, error, "is for %s (ELF machine %u); a guest program is for x86-64", machine_name(eh->e_machine),
                   eh->e_machine);
    if (eh->e_type == ET_REL || eh->e_type == ET_CORE)
        return bad(elf, error, "is %s, not an executable", eh->e_type == ET_REL ? "an object file" : "a core dump");
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
        return bad(elf, error, "has ELF type %u; an executable has 2 or 3", eh->e_type);
    if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0 || eh->e_phnum == PN_XNUM)
        return bad(elf, error, "has no valid program headers (%u of %u bytes each)", eh->e_phnum, eh->e_phentsize);
    if (eh->e_phoff > elf->size || elf->size - eh->e_phoff < (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr))
        return bad(elf, error, "is truncated: its program headers lie beyond its end");
    return true;
}

static bool check_interp(const wl_elf *elf, const GElf_Phdr *ph, GError **error)
{
    char name[256] = "?";
    if (ph->p_offset < elf->size && ph->p_filesz) {
        uint64_t n = MIN(MIN(ph->p_filesz, elf->size - ph->p_offset), sizeof name - 1);
        memcpy(name, elf->data + ph->p_offset, n);
        name[n] = 0;
    }
    g_autofree char *shown = g_strescape(name, NULL);
    return bad(elf, error, "is dynamically linked (interpreter %s); link the guest with -static or -static-pie", shown);
}

static bool check_dynamic(const wl_elf *elf, const GElf_Phdr *ph, GError **error)
{
    if (ph->p_offset > elf->size || ph->p_filesz > elf->size - ph->p_offset)
        return bad(elf, error, "is truncated: its dynamic section lies beyond its end");
    for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= ph->p_filesz; at += sizeof(Elf64_Dyn)) {
        Elf64_Dyn dyn;
        memcpy(&dyn, elf->data + ph->p_offset + at, sizeof dyn);
        if (dyn.d_tag == DT_NULL)
            break;
        if (dyn.d_tag == DT_NEEDED)
            return bad(elf, error, "needs shared libraries; link the guest with -static or -static-pie");
    }
    return true;
}

static bool add_segment(wl_elf *elf, const GElf_Phdr *ph, uint64_t bias, unsigned index, GError **error)
{
    if (ph->p_offset > elf->size || ph->p_filesz > elf->size - ph->p_offset)
        return bad(elf, error, "is truncated: segment %u ends at byte %" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT
                   " of a file of %" G_GUINT64_FORMAT, index, (uint64_t)ph->p_offset, (uint64_t)ph->p_filesz, elf->size);
    if (ph->p_filesz > ph->p_memsz)
        return bad(elf, error, "is damaged: segment %u is larger in the file than in memory", index);
    if (ph->p_memsz == 0)
        return true;
    uint64_t limit = WL_MMAP_TOP / 2 + bias; /* leaves room for the heap below the mmap area */
    if (ph->p_vaddr > limit - bias || ph->p_memsz > limit - bias - ph->p_vaddr || ph->p_vaddr + bias < LOWEST)
        return bad(elf, error, "is damaged: segment %u at 0x%" G_GINT64_MODIFIER "x with 0x%" G_GINT64_MODIFIER
                   "x bytes lies outside user space", index, (uint64_t)ph->p_vaddr, (uint64_t)ph->p_memsz);
    if (elf->n_segments == MAX_SEGMENTS)
        return bad(elf, error, "has more than %d segments to load", MAX_SEGMENTS);
    wl_segment s = {
        .vaddr = ph->p_vaddr + bias, .memsz = ph->p_memsz, .offset = ph->p_offset, .filesz = ph->p_filesz,
        .prot = (ph->p_flags & PF_R ? WL_READ : 0) | (ph->p_flags & PF_W ? WL_WRITE : 0) | (ph->p_flags & PF_X ? WL_EXEC : 0),
    };
    if (elf->n_segments) {
        const wl_segment *last = &elf->segments[elf->n_segments - 1];
        if (s.vaddr < last->vaddr + last->memsz)
            return bad(elf, error, "is damaged: segment %u overlaps the one before it or is out of order", index);
    }
    elf->segments[elf->n_segments++] = s;
    return true;
}

static bool read_segments(wl_elf *elf, Elf *e, const GElf_Ehdr *eh, GError **error)
{
    uint64_t bias = eh->e_type == ET_DYN ? WL_PIE_BASE : 0;
    elf->segments = g_new0(wl_segment, MAX_SEGMENTS);
    elf->phnum = eh->e_phnum;
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        GElf_Phdr ph;
        if (!gelf_getphdr(e, (int)i, &ph))
            return bad(elf, error, "is damaged: program header %u cannot be read (%s)", i, elf_errmsg(-1));
        if (ph.p_type == PT_INTERP)
            return check_interp(elf, &ph, error);
        if (ph.p_type == PT_DYNAMIC && !check_dynamic(elf, &ph, error))
            return false;
        if (ph.p_type == PT_LOAD && !add_segment(elf, &ph, bias, i, error))
            return false;
    }
    if (!elf->n_segments)
        return bad(elf, error, "has no segment to load");
    elf->entry = eh->e_entry + bias;
    bool runnable = false;
    for (unsigned i = 0; i < elf->n_segments; i++) {
        const wl_segment *s = &elf->segments[i];
        runnable |= (s->prot & WL_EXEC) && elf->entry >= s->vaddr && elf->entry - s->vaddr < s->memsz;
        if (eh->e_phoff >= s->offset && eh->e_phoff - s->offset < s->filesz
            && s->filesz - (eh->e_phoff - s->offset) >= (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr))
            elf->phdr = s->vaddr + (eh->e_phoff - s->offset);
    }
    if (!runnable)
        return bad(elf, error, "is damaged: its entry point 0x%" G_GINT64_MODIFIER "x lies in no executable segment",
                   elf->entry);
    const wl_segment *last = &elf->segments[elf->n_segments - 1];
    elf->low = elf->segments[0].vaddr & ~(WL_PAGE - 1);
    elf->high = (last->vaddr + last->memsz + WL_PAGE - 1) & ~(WL_PAGE - 1);
    return true;
}

wl_elf *wl_elf_open(const char *path, GError **error)
{
    g_autoptr(wl_elf) elf = g_new0(wl_elf, 1);
    elf->path = g_strdup(path);
    if (!read_file(elf, error))
        return NULL;
    elf_version(EV_CURRENT);
    Elf *e = elf_memory(elf->data, elf->size);
    GElf_Ehdr header;
    bool ok = check_header(elf, e, &header, error) && read_segments(elf, e, &header, error);
    elf_end(e);
    return ok ? g_steal_pointer(&elf) : NULL;
}

/* Page borders of segment i; a page shared with the segment before it belongs to that one. */
static void page_range(const wl_elf *elf, unsigned i, uint64_t *start, uint64_t *end)
{
    const wl_segment *s = &elf->segments[i];
    *start = s->vaddr & ~(WL_PAGE - 1);
    *end = (s->vaddr + s->memsz + WL_PAGE - 1) & ~(WL_PAGE - 1);
    if (i) {
        const wl_segment *before = &elf->segments[i - 1];
        uint64_t taken = (before->vaddr + before->memsz + WL_PAGE - 1) & ~(WL_PAGE - 1);
        *start = MAX(*start, taken);
        *end = MAX(*end, *start);
    }
}

uint64_t wl_elf_pages(const wl_elf *elf)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < elf->n_segments; i++) {
        uint64_t start, end;
        page_range(elf, i, &start, &end);
        sum += end - start;
    }
    return sum;
}

int wl_elf_load(wl_elf *elf, wl_memory *memory)
{
    for (unsigned i = 0; i < elf->n_segments; i++) {
        const wl_segment *s = &elf->segments[i];
        uint64_t start, end, first = s->vaddr & ~(WL_PAGE - 1);
        page_range(elf, i, &start, &end);
        int r = end > start ? wl_memory_map(memory, start, end - start, s->prot) : 0;
        if (r == 0 && start > first) /* the shared page gets the rights of both */
            r = wl_memory_protect(memory, first, WL_PAGE, s->prot | (unsigned)wl_memory_prot(memory, first));
        if (r == 0 && s->filesz)
            r = wl_memory_load(memory, s->vaddr, elf->data + s->offset, s->filesz);
        if (r < 0)
            return r;
    }
    g_clear_pointer(&elf->data, g_free);
    return 0;
}
