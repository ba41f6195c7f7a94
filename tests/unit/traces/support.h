/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of traces/ share. */
#pragma once

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

/* A folder for the test's files, removed with all in it by the end of the run. */
const char *test_folder(void);
void test_folder_remove(void);
/* Path of a file in it (newly allocated). */
char *test_path(const char *name);

TCase *codec_tests(void);
TCase *reader_tests(void);
TCase *import_tests(void);
TCase *export_tests(void);
