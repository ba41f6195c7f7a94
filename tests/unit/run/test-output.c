/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-suites.h"

#include "run-file.h"
#include "run-json.h"
#include "run-syscalls.h"
#include "sim-error.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>

/* ---- JSON --------------------------------------------------------------------------------------------------------- */

START_TEST(json_has_one_form)
{
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed, decimals have commas */
    JsonObject *root = json_object_new(), *child = json_object_new();
    JsonArray *list = json_array_new();
    json_object_set_string_member(root, "z first", "a \"quote\"\n");
    json_object_set_double_member(root, "tenth", 0.1);
    json_object_set_double_member(root, "whole", 2);
    json_object_set_int_member(root, "large", G_MAXINT64);
    json_object_set_boolean_member(root, "yes", TRUE);
    json_object_set_object_member(root, "empty", json_object_new());
    for (int i = 0; i < 40; i++)
        json_array_add_int_element(list, 1000 + i);
    json_object_set_object_member(root, "short", child);
    json_object_set_int_member(child, "a", 1);
    json_object_set_int_member(child, "b", 2);
    json_object_set_array_member(root, "long", list);
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), root);
    json_object_unref(root);
    g_autofree char *text = run_json_text(node);
    ck_assert_ptr_nonnull(strstr(text, "{\n  \"z first\": \"a \\\"quote\\\"\\n\",\n  \"tenth\": 0.100000,\n  \"whole\": 2.000000,\n"
                                       "  \"large\": 9223372036854775807,\n  \"yes\": true,\n  \"empty\": {},\n"
                                       "  \"short\": {\"a\": 1, \"b\": 2},\n  \"long\": [\n    1000,\n    1001,\n"));
    ck_assert(g_str_has_suffix(text, "    1039\n  ]\n}\n"));
    g_autoptr(JsonParser) parser = json_parser_new();
    ck_assert(json_parser_load_from_data(parser, text, -1, NULL));
}
END_TEST

START_TEST(bytes_become_text)
{
    g_autofree char *plain = run_json_utf8("gr\xc3\xbc\xc3\x9f", 6);
    ck_assert_str_eq(plain, "gr\xc3\xbc\xc3\x9f");
    g_autofree char *broken = run_json_utf8("a\xff" "b\0c", 5);
    ck_assert_str_eq(broken, "a\xef\xbf\xbd" "b\xef\xbf\xbd" "c");
    g_autofree char *cut = run_json_utf8("a\xc3", 2);
    ck_assert_str_eq(cut, "a\xef\xbf\xbd");
    g_autofree char *none = run_json_utf8(NULL, 0);
    ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(system_calls_have_their_names)
{
    ck_assert_str_eq(run_syscall_name(0), "read");
    ck_assert_str_eq(run_syscall_name(231), "exit_group");
    ck_assert_str_eq(run_syscall_name(334), "rseq");
    ck_assert_str_eq(run_syscall_name(435), "clone3");
    ck_assert_str_eq(run_syscall_name(462), "mseal");
    ck_assert_ptr_null(run_syscall_name(335));
    ck_assert_ptr_null(run_syscall_name(423));
    ck_assert_ptr_null(run_syscall_name(463));
    ck_assert_ptr_null(run_syscall_name(UINT32_MAX));
}
END_TEST

/* ---- files -------------------------------------------------------------------------------------------------------- */

static char *folder;

static void setup(void)
{
    folder = g_dir_make_tmp("quanta-output-XXXXXX", NULL);
}

static guint count_files(void)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint n = 0;
    while (g_dir_read_name(dir))
        n++;
    return n;
}

static void teardown(void)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_remove(path);
    }
    g_rmdir(folder);
    g_free(folder);
}

START_TEST(a_file_is_replaced_whole)
{
    g_autofree char *path = g_build_filename(folder, "result.json", NULL);
    g_autofree char *text = NULL;
    ck_assert(run_file_write(path, "old and longer", 14, NULL));
    ck_assert(run_file_write(path, "new", 3, NULL));
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_str_eq(text, "new");
    ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(a_failure_leaves_nothing)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *absent = g_build_filename(folder, "absent", "result.json", NULL);
    ck_assert(!run_file_check(absent, &error));
    ck_assert(g_error_matches(error, SIM_ERROR, SIM_ERROR_IO));
    g_clear_error(&error);
    ck_assert(!run_file_write(absent, "x", 1, &error));
    ck_assert_ptr_nonnull(strstr(error->message, absent));
    g_clear_error(&error);
    ck_assert(!run_file_check(folder, &error)); /* a folder is in its place */
    g_clear_error(&error);
    ck_assert(!run_file_write(folder, "x", 1, &error));
    ck_assert_uint_eq(count_files(), 0);
    g_clear_error(&error);
    ck_assert(!run_file_write("/dev/full", "x", 1, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "No space left"));
    ck_assert(run_file_check("-", NULL));
}
END_TEST

Suite *output_suite(void)
{
    Suite *s = suite_create("output");
    TCase *t = tcase_create("json");
    tcase_add_test(t, json_has_one_form);
    tcase_add_test(t, bytes_become_text);
    tcase_add_test(t, system_calls_have_their_names);
    suite_add_tcase(s, t);
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, setup, teardown);
    tcase_add_test(files, a_file_is_replaced_whole);
    tcase_add_test(files, a_failure_leaves_nothing);
    suite_add_tcase(s, files);
    return s;
}
