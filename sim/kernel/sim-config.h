/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files: GLib key files with `include=` (in the group [scenario] or [machine]; relative to the
 * including file; keys of the including file win), `--set group.key=value` overrides, typed getters with
 * units, and an error that names file, group, key and the nearest valid name. A key that no getter asked for
 * is unknown: sim_config_finish reports it. Values are taken as they stand, without leading and trailing blanks:
 * backslashes and quotes mean nothing here. A comment is a line of its own. */
#pragma once

#include "sim-types.h"

#include <glib.h>
#include <stdbool.h>

typedef struct sim_config sim_config;

/* Reads a file. NULL and error set when it cannot be read or parsed. */
sim_config *sim_config_load(const char *path, GError **error);
/* The same from text; `origin` stands for the path in messages. */
sim_config *sim_config_parse(const char *text, const char *origin, GError **error);
void sim_config_free(sim_config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sim_config, sim_config_free)

const char *sim_config_path(const sim_config *config);
/* `relative` resolved against the folder of the file (newly allocated). An absolute path is returned as it is. */
char *sim_config_resolve(const sim_config *config, const char *relative);
/* The same for the value of a key: an included file's values are relative to that file. */
char *sim_config_resolve_for(const sim_config *config, const char *group, const char *key, const char *relative);
/* "group.key=value"; the group is what stands before the last dot of the part left of '=' that follows the name of an existing group, else before
 * the last dot. An existing group may be abbreviated: `sorter.weight=1` reaches [vm sorter] when no group is called [sorter]. */
bool sim_config_set(sim_config *config, const char *assignment, GError **error);

/* Group names in file order (NULL-terminated, newly allocated). */
char **sim_config_groups(const sim_config *config);
/* Key names of a group in file order (NULL-terminated, newly allocated; empty without the group). */
char **sim_config_keys(const sim_config *config, const char *group);
bool sim_config_has_group(const sim_config *config, const char *group);
bool sim_config_has(const sim_config *config, const char *group, const char *key);

/* What holds, included files and overrides in: each group with its keys and their values, a line each, in order. Newly allocated. */
char *sim_config_text(const sim_config *config);

/* Typed getters. A missing key gives `fallback` (a NULL string fallback: NULL result) and no error; a key that
 * is there but malformed sets the error: test with `error` after the call (they return the fallback then).
 * A chain of calls may share one GError: a getter does nothing when *error is already set. Every call marks
 * the key as known. */
char *sim_config_string(sim_config *c, const char *group, const char *key, const char *fallback, GError **error);
bool sim_config_bool(sim_config *c, const char *group, const char *key, bool fallback, GError **error);
/* Whole number in [min, max]; "1_000" and "0x10" are accepted. */
uint64_t sim_config_uint(sim_config *c, const char *group, const char *key, uint64_t fallback, uint64_t min, uint64_t max, GError **error);
/* A number with a mandatory unit ps, ns, us, ms, s: "1.5ms". Exact decimal arithmetic. */
sim_ps sim_config_time(sim_config *c, const char *group, const char *key, sim_ps fallback, GError **error);
/* Bytes with a mandatory unit B, KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000). */
uint64_t sim_config_size(sim_config *c, const char *group, const char *key, uint64_t fallback, GError **error);
/* Hertz with a mandatory unit Hz, kHz, MHz, GHz: "3.06GHz". */
uint64_t sim_config_hz(sim_config *c, const char *group, const char *key, uint64_t fallback, GError **error);
/* A finite decimal. For policy thresholds and ratios only; never on the path of time. */
double sim_config_double(sim_config *c, const char *group, const char *key, double fallback, double min, double max, GError **error);
/* One of the NULL-terminated names; returns its index. */
int sim_config_choice(sim_config *c, const char *group, const char *key, int fallback, const char *const *names, GError **error);

/* The same parsers on a bare string, for the command line and policy parameters. */
bool sim_parse_time(const char *text, sim_ps *out, GError **error);
bool sim_parse_size(const char *text, uint64_t *out, GError **error);
/* A count: "1000", "1_000", "10k", "2.5M", "1G" (powers of 1000). */
bool sim_parse_count(const char *text, uint64_t *out, GError **error);

/* Marks every key of a group as known (for a group whose keys another part reads and checks). */
void sim_config_accept_group(sim_config *c, const char *group);
/* Sets an input error on `group.key` with the file's name in front. Returns false, for `return`. */
bool sim_config_fail(const sim_config *c, GError **error, const char *group, const char *key, const char *format, ...) G_GNUC_PRINTF(5, 6);
/* Checks that every group and key was asked for by a getter; the first that was not is the error, with the
 * nearest name of those that were asked for. */
bool sim_config_finish(sim_config *c, GError **error);
