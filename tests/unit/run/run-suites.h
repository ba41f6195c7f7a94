/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
/* After GLib: Check's macros are plain names. */
#include <check.h>

Suite *scenario_suite(void);
Suite *metrics_suite(void);
Suite *output_suite(void);
Suite *emon_suite(void);
Suite *vm_params_suite(void);
Suite *figures_suite(void);
Suite *stats_suite(void);
Suite *sweep_suite(void);
Suite *expression_suite(void);
