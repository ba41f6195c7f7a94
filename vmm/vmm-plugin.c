/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm-plugin.h"

#include "sim-error.h"
#include "vmm-registry.h"

#include <errno.h>
#include <gmodule.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *path; /* without symbolic links */
    char *sha256;
    struct vmm_policy_ops ops;
} plugin;

/* Plug-ins are few, and are looked for at set-up alone. */
static GPtrArray *plugins;
static GMutex lock;

bool vmm_plugin_is_path(const char *name)
{
    return strchr(name, '/') || g_str_has_suffix(name, ".so");
}

static bool fail(GError **error, const char *path, const char *format, ...) G_GNUC_PRINTF(3, 4);
static bool fail(GError **error, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, SIM_ERROR, SIM_ERROR_POLICY, "policy plug-in '%s': %s", path, what);
    return false;
}

static const char elf_magic[] = { 0x7f, 'E', 'L', 'F' };

/* A dynamic linker's message about a file that is no shared object is hard to read: says it beforehand. */
static char *file_digest(const char *path, GError **error)
{
    g_autofree char *contents = NULL;
    g_autoptr(GError) local = NULL;
    gsize length;
    if (!g_file_get_contents(path, &contents, &length, &local)) {
        fail(error, path, "%s", local->message);
        return NULL;
    }
    if (length < sizeof elf_magic || memcmp(contents, elf_magic, sizeof elf_magic)) {
        fail(error, path, "is no shared object (ELF file); build one with cc -shared -fPIC");
        return NULL;
    }
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)contents, length);
}

/* The policy's structure as this program has it. */
static bool copy_ops(const char *path, const struct vmm_policy_ops *there, struct vmm_policy_ops *ops, GError **error)
{
    uint32_t head[2]; /* of a structure that may be shorter than a word more */
    memcpy(head, there, sizeof head);
    if (head[0] != VMM_POLICY_ABI)
        return fail(error, path, "has policy ABI version %u; this program's is %u: compile it against the header of this version", head[0], VMM_POLICY_ABI);
    if (head[1] < offsetof(struct vmm_policy_ops, dump) || head[1] > 65536)
        return fail(error, path, "struct_size is %u; ABI version %u has %u at least: set it to sizeof(struct vmm_policy_ops)", head[1], VMM_POLICY_ABI,
                    (unsigned)offsetof(struct vmm_policy_ops, dump));
    *ops = (struct vmm_policy_ops){ 0 };
    memcpy(ops, there, MIN(head[1], sizeof *ops));
    ops->struct_size = sizeof *ops;
    g_autoptr(GError) local = NULL;
    if (!vmm_policy_check(ops, &local))
        return fail(error, path, "%s", local->message);
    if (vmm_policy_find(ops->name, NULL))
        return fail(error, path, "names itself '%s', as a built-in policy does; choose another name", ops->name);
    return true;
}

static plugin *load(const char *path, GError **error)
{
    g_autofree char *sha256 = file_digest(path, error);
    if (!sha256)
        return NULL;
    GModule *module = g_module_open(path, G_MODULE_BIND_LOCAL);
    gpointer symbol;
    if (!module) {
        fail(error, path, "%s", g_module_error());
        return NULL;
    }
    plugin *p = g_new0(plugin, 1);
    if (!g_module_symbol(module, VMM_POLICY_SYMBOL, &symbol) || !symbol)
        fail(error, path, "exports no symbol '%s': a plug-in has 'const struct vmm_policy_ops %s'", VMM_POLICY_SYMBOL, VMM_POLICY_SYMBOL);
    else if (copy_ops(path, symbol, &p->ops, error)) {
        g_module_make_resident(module);
        p->path = g_strdup(path);
        p->sha256 = g_steal_pointer(&sha256);
        return p;
    }
    g_module_close(module);
    g_free(p);
    return NULL;
}

static const struct vmm_policy_ops *find_or_load(const char *path, GError **error)
{
    for (guint i = 0; i < plugins->len; i++) {
        plugin *p = g_ptr_array_index(plugins, i);
        if (strcmp(p->path, path) == 0)
            return &p->ops;
    }
    plugin *p = load(path, error);
    for (guint i = 0; p && i < plugins->len; i++) {
        const plugin *other = g_ptr_array_index(plugins, i);
        if (strcmp(other->ops.name, p->ops.name) == 0) {
            fail(error, path, "names itself '%s', as '%s' does", p->ops.name, other->path);
            g_free(p->path);
            g_free(p->sha256);
            g_free(p);
            return NULL;
        }
    }
    if (p)
        g_ptr_array_add(plugins, p);
    return p ? &p->ops : NULL;
}

const struct vmm_policy_ops *vmm_plugin_load(const char *path, GError **error)
{
    char *real = realpath(path, NULL);
    if (!real) {
        int reason = errno;
        fail(error, path, "%s", g_strerror(reason));
        return NULL;
    }
    g_mutex_lock(&lock);
    if (!plugins)
        plugins = g_ptr_array_new();
    const struct vmm_policy_ops *ops = find_or_load(real, error);
    g_mutex_unlock(&lock);
    free(real);
    return ops;
}

const char *vmm_plugin_sha256(const struct vmm_policy_ops *policy)
{
    const char *sha256 = NULL;
    g_mutex_lock(&lock);
    for (guint i = 0; plugins && i < plugins->len; i++) {
        const plugin *p = g_ptr_array_index(plugins, i);
        if (&p->ops == policy)
            sha256 = p->sha256;
    }
    g_mutex_unlock(&lock);
    return sha256;
}
