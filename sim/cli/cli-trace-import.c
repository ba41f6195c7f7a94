/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
int cli_trace_import(const char *c, int n, char **v) { (void)n, (void)v; return cli_usage(c, "not yet"); }
int cli_trace_export(const char *c, int n, char **v) { (void)n, (void)v; return cli_usage(c, "not yet"); }
