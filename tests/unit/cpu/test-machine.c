/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-fixture.h"

#include "sim-error.h"

#include <glib/gstdio.h>
#include <string.h>

static const char GOOD[] = "[machine]\ncores = p*2\npackages = 2\n[core p]\nfrequency = 2GHz\nthreads = 2\nl1i = 32KiB\nl1d = 32KiB\nl2 = 256KiB\n"
                           "[l3]\nsize = 8MiB\n[memory]\nlatency = 80ns\nbandwidth = 20GB\n";

static cpu_machine *load(const char *text, const char *override, GError **error)
{
    g_autofree char *path = NULL;
    gint fd = g_file_open_tmp("machine-XXXXXX.conf", &path, NULL);
    ck_assert_int_ge(fd, 0);
    g_close(fd, NULL);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
    const char *overrides[] = {override, NULL};
    cpu_machine *m = cpu_machine_load(path, overrides, error);
    g_unlink(path);
    return m;
}

START_TEST(counts)
{
    GError *error = NULL;
    g_autoptr(cpu_machine) m = load(GOOD, NULL, &error);
    ck_assert_msg(m != NULL, "%s", error ? error->message : "");
    ck_assert_uint_eq(m->n_cores, 4);
    ck_assert_uint_eq(m->n_lps, 8);
    ck_assert_uint_eq(m->core_package[1], 0);
    ck_assert_uint_eq(m->core_package[2], 1);
    ck_assert_uint_eq(m->kinds[0].hz, 2000000000);
    ck_assert_uint_eq(m->l3.size, 8 << 20);
}
END_TEST

START_TEST(overrides)
{
    g_autoptr(cpu_machine) m = load(GOOD, "packages=1", NULL);
    ck_assert_uint_eq(m->n_lps, 4);
    g_autoptr(cpu_machine) fast = load(GOOD, "core p.frequency=3.06GHz", NULL);
    ck_assert_uint_eq(fast->kinds[0].hz, 3060000000);
}
END_TEST

START_TEST(mixed_kinds)
{
    g_autofree char *text = g_strconcat("[machine]\ncores = p s*3\n", strstr(GOOD, "[core p]"),
                                        "[core s]\npipeline = inorder\nfrequency = 1GHz\nl1i = 16KiB\nl1d = 16KiB\nl2 = 128KiB\n", NULL);
    GError *error = NULL;
    g_autoptr(cpu_machine) m = load(text, NULL, &error);
    ck_assert_msg(m != NULL, "%s", error ? error->message : "");
    ck_assert_uint_eq(m->n_lps, 5);
    ck_assert_uint_eq(m->core_kind[3], 1);
    cpu_complex *x = cpu_complex_new(m);
    ck_assert_uint_eq(cpu_lp_kind(cpu_complex_lp(x, 4))->hz, 1000000000);
    cpu_complex_free(x);
}
END_TEST

START_TEST(the_largest)
{
    g_autoptr(cpu_machine) m = load(GOOD, "machine.cores=p*64", NULL);
    ck_assert_uint_eq(m->n_lps, 256);
    cpu_complex_free(cpu_complex_new(m));
}
END_TEST

/* Each wrong line, and words that the message has to have. */
static const struct { const char *override, *words[3]; } wrong[] = {
    {"packages=0", {"packages", "from 1"}},
    {"cores=q*2", {"cores", "[core q]", "did you mean 'p'"}},
    {"cores=p*129", {"more than 256"}},
    {"core p.l1d=32", {"[core p] l1d", "unit"}},
    {"core p.l1d=33000B", {"[core p] l1d", "whole number of 64-byte lines"}},
    {"core p.l1d-ways=7", {"l1d-ways", "7 ways"}},
    {"core p.dtlb=60", {"dtlb", "power of two"}},
    {"core p.frequency=2Gz", {"frequency", "GHz"}},
    {"core p.pipeline=oo", {"pipeline", "did you mean 'ooo'"}},
    {"core p.thread=2", {"unknown key", "did you mean 'threads'"}},
    {"core p.units=alu:0", {"units", "alu"}},
    {"core p.units=aluu:2", {"did you mean 'alu'"}},
    {"core p.gshare-history=20", {"gshare-history", "exceed"}},
    {"machine.line=48B", {"line", "power of two"}},
    {"l3.ways=13", {"13 ways"}},
};

START_TEST(wrong_lines)
{
    GError *error = NULL;
    cpu_machine *m = load(GOOD, wrong[_i].override, &error);
    ck_assert_msg(!m && error, "%s was accepted", wrong[_i].override);
    ck_assert(error->domain == SIM_ERROR && error->code == SIM_ERROR_INPUT);
    for (unsigned k = 0; k < 3 && wrong[_i].words[k]; k++)
        ck_assert_msg(strstr(error->message, wrong[_i].words[k]) != NULL, "'%s' does not say '%s'", error->message, wrong[_i].words[k]);
    g_error_free(error);
}
END_TEST

START_TEST(unknown_name)
{
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(cpu_machine_load("skylaek", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "did you mean 'skylake'"));
}
END_TEST

START_TEST(shipped_machines_load)
{
    g_auto(GStrv) names = cpu_machine_names();
    ck_assert_uint_ge(g_strv_length(names), 3);
    for (char **n = names; *n; n++) {
        GError *error = NULL;
        g_autoptr(cpu_machine) m = cpu_machine_load(*n, NULL, &error);
        ck_assert_msg(m != NULL, "%s", error ? error->message : "");
        ck_assert_str_ne(m->description, "");
        cpu_complex_free(cpu_complex_new(m));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-machine");
    TCase *t = tcase_create("machine");
    tcase_add_test(t, counts);
    tcase_add_test(t, overrides);
    tcase_add_test(t, mixed_kinds);
    tcase_add_test(t, the_largest);
    tcase_add_loop_test(t, wrong_lines, 0, (int)G_N_ELEMENTS(wrong));
    tcase_add_test(t, unknown_name);
    tcase_add_test(t, shipped_machines_load);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
