/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel-suites.h"

#include "sim-config.h"
#include "sim-error.h"

#include <glib/gstdio.h>
#include <string.h>

/* ---- units ------------------------------------------------------------------------------------------------------ */

static sim_ps time_of(const char *text)
{
    sim_ps ps = 12345;
    g_autoptr(GError) error = NULL;
    ck_assert_msg(sim_parse_time(text, &ps, &error), "%s: %s", text, error ? error->message : "");
    return ps;
}

static void bad_time(const char *text, const char *part)
{
    sim_ps ps;
    g_autoptr(GError) error = NULL;
    ck_assert_msg(!sim_parse_time(text, &ps, &error), "'%s' was accepted", text);
    ck_assert_msg(strstr(error->message, part) != NULL, "'%s': %s", text, error->message);
}

START_TEST(times_are_exact)
{
    ck_assert_uint_eq(time_of("1ps"), 1);
    ck_assert_uint_eq(time_of("1.5ms"), UINT64_C(1500000000));
    ck_assert_uint_eq(time_of("0.1ns"), 100);
    ck_assert_uint_eq(time_of("200 ms"), UINT64_C(200000000000));
    ck_assert_uint_eq(time_of("0.000000000001s"), 1);
    ck_assert_uint_eq(time_of("1_000us"), SIM_PS_PER_MS);
    ck_assert_uint_eq(time_of("0s"), 0);
    ck_assert_uint_eq(time_of("9007199.254740993s"), UINT64_C(9007199254740993000)); /* not a double */
}
END_TEST

START_TEST(bad_times_say_what_would_be_good)
{
    bad_time("10", "one of the units ps, ns, us, ms, s");
    bad_time("ms", "units");
    bad_time("", "units");
    bad_time("1.ms", "units");
    bad_time("-1ms", "units");
    bad_time("1e3ms", "units");
    bad_time("1,5ms", "units");
    bad_time("1msec", "units");
    bad_time("1.5.5ms", "units");
    bad_time("0.5ps", "finer than a picosecond");
    bad_time("1.0000000000001s", "finer than a picosecond");
    bad_time("100000000s", "too large");
    bad_time("99999999999999999999999999999s", "99999999999999999999999999999s");
}
END_TEST

START_TEST(sizes_know_both_kinds_of_kilo)
{
    uint64_t size;
    ck_assert(sim_parse_size("32KiB", &size, NULL) && size == 32768);
    ck_assert(sim_parse_size("1.5MiB", &size, NULL) && size == 1572864);
    ck_assert(sim_parse_size("500MB", &size, NULL) && size == 500000000);
    ck_assert(sim_parse_size("2GiB", &size, NULL) && size == UINT64_C(2147483648));
    ck_assert(sim_parse_size("1B", &size, NULL) && size == 1);
    ck_assert(!sim_parse_size("32K", &size, NULL));
    ck_assert(!sim_parse_size("0.3B", &size, NULL));
    ck_assert(!sim_parse_size("99999999999GiB", &size, NULL));
}
END_TEST

/* ---- files ------------------------------------------------------------------------------------------------------ */

static sim_config *config_of(const char *text)
{
    g_autoptr(GError) error = NULL;
    sim_config *c = sim_config_parse(text, "test.conf", &error);
    ck_assert_msg(c != NULL, "%s", error ? error->message : "");
    return c;
}

static void bad_file(const char *text, const char *message)
{
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(sim_config_parse(text, "test.conf", &error));
    ck_assert_str_eq(error->message, message);
    ck_assert(g_error_matches(error, SIM_ERROR, SIM_ERROR_INPUT));
}

START_TEST(typed_values)
{
    static const char *const names[] = {"inorder", "ooo", NULL};
    g_autoptr(sim_config) c = config_of("# remark\n[a]\nn = 1_000\nhex=0x10\non = yes\nword = two words \\ \"as is\"  \nf = 3.06GHz\nd = -0.25\nkind = ooo\n");
    GError *error = NULL;
    ck_assert_uint_eq(sim_config_uint(c, "a", "n", 1, 0, 1000, &error), 1000);
    ck_assert_uint_eq(sim_config_uint(c, "a", "hex", 1, 0, 1000, &error), 16);
    ck_assert_uint_eq(sim_config_uint(c, "a", "absent", 77, 0, 1000, &error), 77);
    ck_assert(sim_config_bool(c, "a", "on", false, &error));
    g_autofree char *word = sim_config_string(c, "a", "word", NULL, &error);
    ck_assert_str_eq(word, "two words \\ \"as is\"");
    ck_assert_ptr_null(sim_config_string(c, "a", "absent", NULL, &error));
    ck_assert_uint_eq(sim_config_hz(c, "a", "f", 0, &error), UINT64_C(3060000000));
    ck_assert_double_eq(sim_config_double(c, "a", "d", 0, -1, 1, &error), -0.25);
    ck_assert_int_eq(sim_config_choice(c, "a", "kind", 0, names, &error), 1);
    ck_assert_ptr_null(error);
    ck_assert(sim_config_finish(c, &error));
}
END_TEST

static void bad_value(const char *line, const char *message)
{
    static const char *const names[] = {"inorder", "ooo", NULL};
    g_autofree char *text = g_strconcat("[a]\n", line, "\n", NULL);
    g_autoptr(sim_config) c = config_of(text);
    g_autoptr(GError) error = NULL;
    ck_assert_uint_eq(sim_config_uint(c, "a", "n", 5, 1, 9, &error), 5);
    ck_assert_uint_eq(sim_config_time(c, "a", "t", 5, &error), 5);
    ck_assert_uint_eq(sim_config_size(c, "a", "s", 5, &error), 5);
    sim_config_bool(c, "a", "b", false, &error);
    sim_config_double(c, "a", "d", 0, 0, 1, &error);
    sim_config_choice(c, "a", "k", 0, names, &error);
    ck_assert_msg(error != NULL, "'%s' was accepted", line);
    ck_assert_str_eq(error->message, message);
}

START_TEST(a_bad_value_names_file_group_key_and_what_is_valid)
{
    bad_value("n = 10", "test.conf: [a] n: '10' is not a whole number from 1 to 9");
    bad_value("n = -1", "test.conf: [a] n: '-1' is not a whole number from 1 to 9");
    bad_value("n = 99999999999999999999999",
              "test.conf: [a] n: '99999999999999999999999' is not a whole number from 1 to 9");
    bad_value("n =", "test.conf: [a] n: '' is not a whole number from 1 to 9");
    bad_value("t = 5", "test.conf: [a] t: '5' is not a time: a number and one of the units ps, ns, us, ms, s, for example 1.5ms");
    bad_value("t = 5ms # remark", "test.conf: [a] t: '5ms # remark' is not a time: a number and one of the units ps, ns, us, ms, s, for example "
                                  "1.5ms (a comment has to stand on a line of its own)");
    bad_value("s = 5M", "test.conf: [a] s: '5M' is not a size: a number and one of the units B, KiB, MiB, GiB, kB, MB, GB, for example 32KiB");
    bad_value("b = maybe", "test.conf: [a] b: 'maybe' is neither true nor false");
    bad_value("d = nan", "test.conf: [a] d: 'nan' is not a number from 0 to 1");
    bad_value("k = oo", "test.conf: [a] k: unknown value 'oo'; did you mean 'ooo'?");
}
END_TEST

START_TEST(unknown_groups_and_keys_are_found)
{
    g_autoptr(sim_config) c = config_of("[scenario]\nduratoin = 1ms\n[vm a]\nx=1\n");
    g_autoptr(GError) error = NULL;
    sim_config_time(c, "scenario", "duration", 0, &error);
    sim_config_time(c, "scenario", "seed", 0, &error);
    ck_assert_ptr_null(error);
    ck_assert(!sim_config_finish(c, &error));
    ck_assert_str_eq(error->message, "test.conf: [scenario] duratoin: unknown key; did you mean 'duration'?");
    g_autoptr(sim_config) d = config_of("[scenari]\nseed = 1\n[other]\nx=1\n");
    g_autoptr(GError) group_error = NULL;
    sim_config_uint(d, "scenario", "seed", 0, 0, 9, NULL);
    ck_assert(!sim_config_finish(d, &group_error));
    ck_assert_str_eq(group_error->message, "test.conf: [scenari]: unknown group; did you mean 'scenario'?");
    sim_config_accept_group(d, "scenari");
    sim_config_accept_group(d, "other");
    ck_assert(sim_config_finish(d, NULL));
}
END_TEST

START_TEST(what_key_files_swallow_is_reported_with_its_line)
{
    bad_file("[a]\nx = 1\n[b]\n[a]\ny = 2\n", "test.conf:4: '[a]': this group stands earlier in the file already");
    bad_file("[a]\nx = 1\n x=2\n", "test.conf:3: 'x=2': this key stands earlier in its group already");
    bad_file("x = 1\n", "test.conf:1: 'x = 1': a key before the first [group]");
    bad_file("[a]\n\n= 1\n", "test.conf:3: '= 1': neither a [group], nor key = value, nor a # comment");
    bad_file("[a]\nword\n", "test.conf:2: 'word': neither a [group], nor key = value, nor a # comment");
    bad_file("[a\nx=1\n", "test.conf:1: '[a': a group is written [name]");
    bad_file("[a]\n\xff\n", "'test.conf' is not a text file (UTF-8)");
}
END_TEST

START_TEST(set_overrides_and_abbreviates)
{
    g_autoptr(sim_config) c = config_of("[scenario]\nseed = 1\n[vm sorter]\nweight = 1\n[vm a.b]\nweight=1\n");
    GError *error = NULL;
    ck_assert(sim_config_set(c, "scenario.seed=0x20", &error));
    ck_assert(sim_config_set(c, "sorter.weight=7", &error));
    ck_assert(sim_config_set(c, "vm a.b.weight=8=9", &error));
    ck_assert(sim_config_set(c, "sorter.credit.cap=50", &error)); /* keys have dots, too */
    ck_assert(sim_config_set(c, "a.b.credit.cap=60", &error));
    ck_assert_uint_eq(sim_config_uint(c, "vm sorter", "credit.cap", 0, 0, 99, &error), 50);
    ck_assert_uint_eq(sim_config_uint(c, "vm a.b", "credit.cap", 0, 0, 99, &error), 60);
    ck_assert_uint_eq(sim_config_uint(c, "scenario", "seed", 0, 0, 99, &error), 32);
    ck_assert_uint_eq(sim_config_uint(c, "vm sorter", "weight", 0, 0, 99, &error), 7);
    g_autofree char *odd = sim_config_string(c, "vm a.b", "weight", NULL, &error);
    ck_assert_str_eq(odd, "8=9");
    ck_assert_ptr_null(error);
    ck_assert(sim_config_set(c, "scenario.seed=100", NULL));
    sim_config_uint(c, "scenario", "seed", 0, 0, 99, &error);
    ck_assert_str_eq(error->message, "--set: [scenario] seed: '100' is not a whole number from 0 to 99");
    g_clear_error(&error);
    static const char *const bad[] = {"", "seed=1", "scenario.seed", ".seed=1", "scenario.=1", "a]b.c=1",
                                      "a.b=\n[c]", "a.\xff=1"};
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        ck_assert_msg(!sim_config_set(c, bad[i], &error), "'%s' was accepted", bad[i]);
        ck_assert(g_error_matches(error, SIM_ERROR, SIM_ERROR_USAGE));
        g_clear_error(&error);
    }
}
END_TEST

START_TEST(a_chain_of_getters_keeps_the_first_error)
{
    g_autoptr(sim_config) c = config_of("[a]\nx = 1\ny = bad\nz = bad\n");
    g_autoptr(GError) error = NULL;
    sim_config_uint(c, "a", "x", 0, 0, 9, &error);
    sim_config_uint(c, "a", "y", 0, 0, 9, &error);
    sim_config_uint(c, "a", "z", 0, 0, 9, &error);
    ck_assert_ptr_nonnull(strstr(error->message, "[a] y:"));
}
END_TEST

/* ---- includes ------------------------------------------------------------------------------------------------------ */

static char *folder;

static void setup(void)
{
    folder = g_dir_make_tmp("quanta-config-XXXXXX", NULL);
}

static void teardown(void)
{
    static const char *const names[] = {"main.conf", "sub/base.conf", "self.conf", "sub"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        g_remove(path);
    }
    g_rmdir(folder);
    g_free(folder);
}

static char *write_file(const char *name, const char *text)
{
    char *path = g_build_filename(folder, name, NULL);
    g_autofree char *dir = g_path_get_dirname(path);
    g_mkdir_with_parents(dir, 0777);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
    return path;
}

START_TEST(an_included_file_gives_what_the_file_does_not_say)
{
    g_autofree char *base = write_file("sub/base.conf",
                                       "[scenario]\nseed = 5\nduration = 9ms\n[vm a]\nfolder = data\n");
    g_autofree char *path = write_file("main.conf", "[scenario]\ninclude = sub/base.conf\nseed = 6\n");
    g_autoptr(GError) error = NULL;
    g_autoptr(sim_config) c = sim_config_load(path, &error);
    ck_assert_msg(c != NULL, "%s", error ? error->message : "");
    ck_assert_uint_eq(sim_config_uint(c, "scenario", "seed", 0, 0, 99, &error), 6);
    ck_assert_uint_eq(sim_config_time(c, "scenario", "duration", 0, &error), 9 * SIM_PS_PER_MS);
    g_autofree char *value = sim_config_string(c, "vm a", "folder", NULL, &error);
    g_autofree char *data = sim_config_resolve_for(c, "vm a", "folder", value);
    g_autofree char *expected = g_build_filename(folder, "sub", "data", NULL);
    ck_assert_str_eq(data, expected);
    ck_assert(sim_config_finish(c, &error));
    /* An error in it names it. */
    sim_config_uint(c, "scenario", "duration", 0, 0, 99, &error);
    ck_assert(g_str_has_prefix(error->message, base));
}
END_TEST

START_TEST(a_file_that_includes_itself_or_nothing_is_refused)
{
    g_autofree char *path = write_file("self.conf", "[scenario]\ninclude = self.conf\n");
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(sim_config_load(path, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "do they include themselves?"));
    g_autofree char *main_path = write_file("main.conf", "[scenario]\ninclude = absent.conf\n");
    g_autoptr(GError) missing = NULL;
    ck_assert_ptr_null(sim_config_load(main_path, &missing));
    ck_assert_ptr_nonnull(strstr(missing->message, "main.conf: [scenario] include: cannot read"));
    ck_assert_ptr_nonnull(strstr(missing->message, "absent.conf': no such file"));
}
END_TEST

Suite *config_suite(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("config");
    tcase_add_test(t, times_are_exact);
    tcase_add_test(t, bad_times_say_what_would_be_good);
    tcase_add_test(t, sizes_know_both_kinds_of_kilo);
    tcase_add_test(t, typed_values);
    tcase_add_test(t, a_bad_value_names_file_group_key_and_what_is_valid);
    tcase_add_test(t, unknown_groups_and_keys_are_found);
    tcase_add_test(t, what_key_files_swallow_is_reported_with_its_line);
    tcase_add_test(t, set_overrides_and_abbreviates);
    tcase_add_test(t, a_chain_of_getters_keeps_the_first_error);
    suite_add_tcase(s, t);
    TCase *files = tcase_create("includes");
    tcase_add_checked_fixture(files, setup, teardown);
    tcase_add_test(files, an_included_file_gives_what_the_file_does_not_say);
    tcase_add_test(files, a_file_that_includes_itself_or_nothing_is_refused);
    suite_add_tcase(s, files);
    return s;
}
