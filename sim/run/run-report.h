/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results as one page of HTML that needs nothing else: docs/formats.md, "Reports". */
#pragma once

#include <glib.h>

/* The page of a result file (of `run`, `compare`, `compare --seeds`) or of a store. NULL and error set: cannot be read, or is none. */
char *run_report_html(const char *path, GError **error);
