/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

/* The data of a report of a store of runs: their figures over axes and seeds. NULL and error set: cannot be read, or is none. */
JsonObject *run_report_store(const char *path, GError **error);
