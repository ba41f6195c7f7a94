/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-store.h"

#include "run-store-schema.h"
#include "sim-error.h"
#include "vmm-params.h"
#include "vmm-plugin.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

/* So long a writer waits for others. */
enum { BUSY_MS = 120000 };

struct run_store {
    char *path;
    sqlite3 *db;
    GHashTable *statements; /* text (static): sqlite3_stmt */
};

static void finalize(gpointer statement)
{
    sqlite3_finalize(statement);
}

sqlite3 *run_store_database(const run_store *s)
{
    return s->db;
}

bool run_store_fail(const run_store *s, GError **error)
{
    int code = sqlite3_errcode(s->db);
    const char *hint = code == SQLITE_FULL ? " (the disk is full)" : code == SQLITE_READONLY ? " (the file or its folder is read-only)"
        : code == SQLITE_BUSY ? " (another process has held it for two minutes)" : "";
    g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "store '%s': %s%s", s->path, sqlite3_errmsg(s->db), hint);
    return false;
}

bool run_store_do(const run_store *s, const char *sql, GError **error)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || run_store_fail(s, error);
}

sqlite3_stmt *run_store_statement(run_store *s, const char *sql, GError **error)
{
    sqlite3_stmt *statement = g_hash_table_lookup(s->statements, sql);
    if (statement)
        return statement;
    if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
        run_store_fail(s, error);
        return NULL;
    }
    g_hash_table_insert(s->statements, (gpointer)(uintptr_t)sql, statement);
    return statement;
}

bool run_store_insert(run_store *s, const char *sql, GError **error, const char *format, ...)
{
    sqlite3_stmt *statement = run_store_statement(s, sql, error);
    if (!statement)
        return false;
    va_list args;
    va_start(args, format);
    for (int i = 0; format[i]; i++) {
        switch (format[i]) {
        case 'i': sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t)); break;
        case 'd': sqlite3_bind_double(statement, i + 1, va_arg(args, double)); break;
        case 's': sqlite3_bind_text(statement, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT); break;
        default: sqlite3_bind_null(statement, i + 1);
        }
    }
    va_end(args);
    bool good = sqlite3_step(statement) == SQLITE_DONE || run_store_fail(s, error);
    sqlite3_reset(statement);
    return good;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static bool pragma(const run_store *s, const char *sql, int64_t *value, GError **error)
{
    sqlite3_stmt *statement = NULL;
    bool good = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    if (good)
        *value = sqlite3_column_int64(statement, 0);
    else
        run_store_fail(s, error);
    sqlite3_finalize(statement);
    return good;
}

static bool check_version(const run_store *s, bool *empty, GError **error)
{
    int64_t application, version, tables;
    if (!pragma(s, "PRAGMA application_id", &application, error) || !pragma(s, "PRAGMA user_version", &version, error) ||
        !pragma(s, "SELECT count(*) FROM sqlite_master", &tables, error))
        return false;
    *empty = !application && !tables;
    if (*empty || (application == RUN_STORE_APPLICATION && version == RUN_STORE_VERSION))
        return true;
    if (application != RUN_STORE_APPLICATION)
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "store '%s': it is a database of something else; give a new file", s->path);
    else
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT,
                    "store '%s': it has version %" G_GINT64_FORMAT " of the schema, this quanta writes version %d; give a new file",
                    s->path, version, RUN_STORE_VERSION);
    return false;
}

/* Others may do the same at the same time: looks again once it alone may write. */
static bool make_schema(const run_store *s, GError **error)
{
    bool empty;
    g_autofree char *stamp = g_strdup_printf("PRAGMA application_id = %d; PRAGMA user_version = %d", RUN_STORE_APPLICATION, RUN_STORE_VERSION);
    if (!run_store_do(s, "BEGIN IMMEDIATE", error))
        return false;
    bool good = check_version(s, &empty, error) && (!empty || (run_store_do(s, run_store_schema, error) && run_store_do(s, stamp, error)));
    return good ? run_store_do(s, "COMMIT", error) : (sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL), false);
}

static bool prepare(const run_store *s, bool create, GError **error)
{
    bool empty;
    sqlite3_busy_timeout(s->db, BUSY_MS);
    if (!check_version(s, &empty, error))
        return false;
    if (empty && !create) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "store '%s': it is empty", s->path);
        return false;
    }
    if (!create)
        return run_store_do(s, "PRAGMA foreign_keys = ON", error);
    return run_store_do(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON", error) && (!empty || make_schema(s, error));
}

run_store *run_store_open(const char *path, bool create, GError **error)
{
    g_autoptr(run_store) s = g_new0(run_store, 1);
    s->path = g_strdup(path);
    s->statements = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, finalize);
    int flags = create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;
    int opened = sqlite3_open_v2(path, &s->db, flags, NULL);
    /* Readers of a folder that may not be written to: what the log holds of others is not seen. */
    if (opened == SQLITE_CANTOPEN && !create && g_file_test(path, G_FILE_TEST_EXISTS)) {
        sqlite3_close(s->db);
        opened = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READONLY, NULL);
    }
    if (opened == SQLITE_OK && prepare(s, create, error))
        return g_steal_pointer(&s);
    if (opened != SQLITE_OK)
        run_store_fail(s, error);
    return NULL;
}

void run_store_close(run_store *s)
{
    if (!s)
        return;
    g_hash_table_unref(s->statements);
    sqlite3_close(s->db);
    g_free(s->path);
    g_free(s);
}

bool run_store_is_one(const char *path)
{
    static const char magic[16] = "SQLite format 3";
    char head[sizeof magic] = {0};
    FILE *f = g_fopen(path, "rb");
    bool is = f && fread(head, 1, sizeof head, f) == sizeof head && memcmp(head, magic, sizeof magic) == 0;
    if (f)
        fclose(f);
    return is;
}

/* ---- keys ---------------------------------------------------------------------------------------------------------- */

static void add(GChecksum *sum, const char *name, const char *value)
{
    g_checksum_update(sum, (const guchar *)name, -1);
    g_checksum_update(sum, (const guchar *)"\0=", 2);
    g_checksum_update(sum, (const guchar *)(value ? value : ""), -1);
    g_checksum_update(sum, (const guchar *)"\n", 2);
}

char *run_store_key(const run_scenario *s, const char *policy, bool alone, GError **error)
{
    const run_policy *p = run_scenario_policy(s, policy, error);
    if (!p)
        return NULL;
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *seed = g_strdup_printf("%" G_GUINT64_FORMAT, s->seed);
    add(sum, "quanta", QUANTA_VERSION);
    add(sum, "scenario", s->text);
    add(sum, "machine", s->machine_sha256);
    add(sum, "seed", seed);
    add(sum, "policy", p->label);
    add(sum, "uses", p->ops->name);
    add(sum, "plugin", vmm_plugin_sha256(p->ops));
    for (char **t = p->params; t && *t; t++)
        add(sum, "parameter", *t);
    add(sum, "alone", alone ? "true" : "false");
    add(sum, "traces", s->traces);
    for (guint i = 0; i < s->vms->len; i++)
        add(sum, "program", ((const run_vm *)g_ptr_array_index(s->vms, i))->sha256);
    return g_strdup(g_checksum_get_string(sum));
}

bool run_store_has(run_store *s, const char *key, bool *has, GError **error)
{
    sqlite3_stmt *statement = run_store_statement(s, "SELECT 1 FROM runs WHERE key = ?", error);
    if (!statement)
        return false;
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_TRANSIENT);
    int code = sqlite3_step(statement);
    *has = code == SQLITE_ROW;
    bool good = code == SQLITE_ROW || code == SQLITE_DONE || run_store_fail(s, error);
    sqlite3_reset(statement);
    return good;
}
