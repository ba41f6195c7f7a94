/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
/* After GLib: Check's macros are plain names. */
#include <check.h>

Suite *engine_suite(void);
Suite *random_suite(void);
Suite *config_suite(void);
Suite *words_suite(void);
