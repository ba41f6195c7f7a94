/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON text with a fixed form: json-glib's trees, written so that equal trees are equal bytes whatever the locale
 * and the version of json-glib, with decimals of six places. */
#pragma once

#include <json-glib/json-glib.h>

/* Members in the order of insertion; containers of scalars on one line where it is short. Decimals have to be
 * finite. Ends with a line feed. Newly allocated. */
char *run_json_text(JsonNode *root);
/* The bytes as valid UTF-8 (what is not becomes U+FFFD), newly allocated. NUL bytes become U+FFFD, too. */
char *run_json_utf8(const char *bytes, gsize length);
