/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The result store: runs in an SQLite database, for questions over many of them. docs/store.md documents the schema.
 *
 * A run is in it whole or not at all, and once: its key is a digest of all that its result depends on (scenario as it holds, policy with its parameters, seed,
 * programs, version of quanta). Several processes may write one store; each waits for the others. */
#pragma once

#include "run-result.h"
#include "run-scenario.h"

#include <glib.h>

/* PRAGMA user_version of the schema; PRAGMA application_id says that a database is a store: "qnta". */
enum { RUN_STORE_VERSION = 1, RUN_STORE_APPLICATION = 0x716e7461 };

typedef struct run_store run_store;

/* Opens a store; `create`: makes it where there is none. NULL and error set: cannot be opened, is no store, is one of another version. */
run_store *run_store_open(const char *path, bool create, GError **error);
void run_store_close(run_store *store); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_store, run_store_close)
/* Whether a file is an SQLite database at all. */
bool run_store_is_one(const char *path);

/* The key of a run of the scenario under a policy; `alone`: with runs alone to compare with. Newly allocated; NULL and error set: there is no such policy. */
char *run_store_key(const run_scenario *scenario, const char *policy, bool alone, GError **error);
bool run_store_has(run_store *store, const char *key, bool *has, GError **error);

/* Puts runs of one scenario (run_result) in, all or none. Runs that are there already with the same digest stay; with another one they are replaced. `axes`:
 * name, value, ..., NULL: what tells them apart in a sweep; or NULL. */
bool run_store_put(run_store *store, const run_scenario *scenario, GPtrArray *runs, bool alone, const char *const *axes, GError **error);
/* Takes over all runs of another store that are not here yet, all or none. */
bool run_store_merge(run_store *store, const char *path, GError **error);

/* ---- for the files of the store (run-store-*.c) ---- */

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;

sqlite3 *run_store_database(const run_store *store);
/* The error of the last call on the database, about its file. Returns false. */
bool run_store_fail(const run_store *store, GError **error);
bool run_store_do(const run_store *store, const char *sql, GError **error);
/* A statement that lives as long as the store: prepared once for each text. NULL and error set. */
sqlite3_stmt *run_store_statement(run_store *store, const char *sql, GError **error);
/* Binds values by a format of one letter each: i (int64_t), d (double), s (const char *, or NULL), n (NULL); runs the statement, and resets it. */
bool run_store_insert(run_store *store, const char *sql, GError **error, const char *format, ...);
