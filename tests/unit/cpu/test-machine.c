/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-fixture.h"

#include "sim-error.h"

#include <glib/gstdio.h>
#include <string.h>

#define CACHES "l1i = 32KiB\nl1i-ways = 8\nl1d = 32KiB\nl1d-ways = 8\nl1d-latency = 4\nl2 = 256KiB\nl2-ways = 8\nl2-latency = 12\n"
static const char GOOD[] = "[machine]\ncores = p*2\npackages = 2\n"
                           "[core p]\npipeline = ooo\nfrequency = 2GHz\nthreads = 2\nwidth = 4\nrob = 128\nmispredict = 15\n" CACHES
                           "[l3]\nsize = 8MiB\nways = 16\nlatency = 40\n[memory]\nlatency = 80ns\nbandwidth = 20GB\n";
static const char SMALL[] = "[core s]\npipeline = inorder\nfrequency = 1GHz\nwidth = 2\nmispredict = 8\n" CACHES;
static const char EPIC[] = "[core e]\npipeline = epic\nfrequency = 1GHz\nwidth = 6\nmispredict = 6\n"
                           "bundles = 2\nslots = M:0123 I:45 F:67 B:89a\nbundle-slots = M:2 I:2 F:1 B:3\n"
                           "ports = alu:012345 lea:012345 vec:45 shift:4 shuffle:45 mul:67 fp-add:67 fp-mul:67 div:6 load:01 store:23 branch:89a\n" CACHES;

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
    ck_assert_uint_eq(m->reference_hz, 0);
    g_autoptr(cpu_machine) tsc = load(GOOD, "reference-clock=2.4GHz", NULL);
    ck_assert_uint_eq(tsc->reference_hz, UINT64_C(2400000000));
    g_autoptr(cpu_machine) fast = load(GOOD, "core p.frequency=3.06GHz", NULL);
    ck_assert_uint_eq(fast->kinds[0].hz, 3060000000);
}
END_TEST

START_TEST(mixed_kinds)
{
    g_autofree char *text = g_strconcat("[machine]\ncores = p s*3\n", strstr(GOOD, "[core p]"), SMALL, NULL);
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

/* Ports by class; without, each class has ports of its own as far as they go. */
START_TEST(ports_of_classes)
{
    uint16_t ports[CPU_N_RES];
    g_autoptr(cpu_machine) named = load(GOOD, "core p.ports=alu:015e load:23", NULL);
    cpu_core_ports(&named->kinds[0], ports);
    ck_assert_uint_eq(ports[CPU_RES_ALU], 0x4023);
    ck_assert_uint_eq(ports[CPU_RES_LOAD], 0xc);
    ck_assert_uint_eq(named->kinds[0].units[CPU_RES_ALU], 4);
    g_autoptr(cpu_machine) counted = load(GOOD, "core p.units=alu:3 load:2", NULL);
    cpu_core_ports(&counted->kinds[0], ports);
    unsigned all = 0;
    for (unsigned class = 0; class < CPU_N_RES; class++) {
        ck_assert_uint_eq(__builtin_popcount(ports[class]), counted->kinds[0].units[class]);
        ck_assert_uint_eq(all & ports[class], 0); /* 15 in all: none is shared */
        all |= ports[class];
    }
    g_autoptr(cpu_machine) many = load(GOOD, "core p.units=alu:15 branch:15 load:15 store:15", NULL);
    cpu_core_ports(&many->kinds[0], ports);
    ck_assert_uint_ne(ports[CPU_RES_ALU] & ports[CPU_RES_BRANCH], 0);
    ck_assert_uint_eq(ports[CPU_RES_ALU] & ports[CPU_RES_LOAD], 0);
    ck_assert_uint_lt(ports[CPU_RES_STORE], 1u << CPU_MAX_PORTS);
}
END_TEST

START_TEST(epic_keys)
{
    g_autofree char *text = g_strconcat("[machine]\ncores = e\n", EPIC, strstr(GOOD, "[l3]"), NULL);
    GError *error = NULL;
    g_autoptr(cpu_machine) m = load(text, "core e.fp-load=6", &error);
    ck_assert_msg(m != NULL, "%s", error ? error->message : "");
    ck_assert_int_eq(m->kinds[0].pipeline, CPU_PIPELINE_EPIC);
    ck_assert_uint_eq(m->kinds[0].inorder.bundles, 2);
    ck_assert_uint_eq(m->kinds[0].inorder.kind_ports[CPU_SLOT_B], 0x700);
    ck_assert_uint_eq(m->kinds[0].inorder.bundle_slots[CPU_SLOT_F], 1);
    ck_assert_uint_eq(m->kinds[0].inorder.fp_load, 6);
}
END_TEST

/* A scenario may change the pipeline; what the other pipeline needed does not disturb. */
START_TEST(another_pipeline)
{
    g_autofree char *text = g_strconcat("[machine]\ncores = e\n", EPIC, "rob = 64\nscheduler = 32\n", strstr(GOOD, "[l3]"), NULL);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const changes[] = {"core e.pipeline=ooo", "core e.pipeline=inorder", "core e.pipeline=epic"};
        GError *error = NULL;
        g_autoptr(cpu_machine) m = load(text, changes[i], &error);
        ck_assert_msg(m != NULL, "%s", error ? error->message : "");
        cpu_complex_free(cpu_complex_new(m));
    }
}
END_TEST

START_TEST(a_core_like_another)
{
    g_autofree char *text = g_strconcat(GOOD, "[core plain]\nlike = p\nthreads = 1\n", NULL);
    GError *error = NULL;
    g_autoptr(cpu_machine) m = load(text, "machine.cores=p plain", &error);
    ck_assert_msg(m != NULL, "%s", error ? error->message : "");
    ck_assert_uint_eq(m->n_lps, 6);
    ck_assert_uint_eq(m->kinds[1].threads, 1);
    ck_assert_uint_eq(m->kinds[1].hz, 2000000000);
    ck_assert_str_eq(m->kinds[1].name, "plain");
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
    {"reference-clock=fast", {"[machine] reference-clock", "GHz"}},
    {"core p.pipeline=oo", {"pipeline", "did you mean 'ooo'"}},
    {"core p.pipeline=epic", {"[core p] slots", "missing", "M:0123"}},
    {"core p.thread=2", {"unknown key", "did you mean 'threads'"}},
    {"core q.width=3", {"[core q]", "no such core", "did you mean 'core p'"}},
    {"core p.units=alu:0", {"units", "alu"}},
    {"core p.units=aluu:2", {"did you mean 'alu'"}},
    {"core p.gshare-history=20", {"gshare-history", "exceed"}},
    {"core p.predictor=tagg", {"predictor", "did you mean 'tage'"}},
    {"core p.tage-kib=1", {"tage-kib", "from 2"}},
    {"core p.btb=0", {"btb", "at least 1"}},
    {"core p.btb2=100", {"btb2", "power of two"}},
    {"core p.btb2-latency=0", {"btb2-latency", "from 1"}},
    {"core p.indirect-predictor=100", {"indirect-predictor", "power of two"}},
    {"core p.line-predictor=3", {"line-predictor", "power of two"}},
    {"core p.line-miss=0", {"line-miss", "from 1"}},
    {"core p.replay=101", {"replay", "100"}},
    {"core p.port-binding-window=perhaps", {"port-binding-window", "neither"}},
    {"machine.line=48B", {"line", "power of two"}},
    {"l3.ways=13", {"13 ways"}},
    {"l3.replacement=lfu", {"[l3] replacement", "did you mean 'lru'"}},
    {"core p.l1d-replacement=plr", {"l1d-replacement", "did you mean 'plru'"}},
    {"core p.l2-inclusion=both", {"l2-inclusion"}},
    {"core p.l1d-write=trough", {"l1d-write", "did you mean 'through'"}},
    {"core p.l2-shared=0", {"l2-shared", "from 1"}},
    {"core p.l2-mshrs=65", {"l2-mshrs", "64"}},
    {"core p.l2-prefetch=ip-stride", {"l2-prefetch", "'ip-stride'", "none, stream, pair"}},
    {"core p.streams=33", {"streams", "power of two"}},
    {"core p.stream-degree=0", {"stream-degree", "from 1"}},
    {"core p.page-walk=fast", {"page-walk", "'fast'", "'walk'"}},
    {"core p.nested-paging=true", {"nested-paging", "page-walk = walk"}},
    {"machine.page-size=4MiB", {"page-size", "4MiB"}},
    {"memory.banks=12", {"banks", "power of two"}},
    {"memory.row=100B", {"row", "power of two"}},
    {"memory.t-rp=2us", {"t-rcd, t-rp and t-cas", "1us"}},
    {"memory.bus-bandwidth=1B", {"bus-bandwidth", "below"}},
    {"core p.predecode-bytes=12", {"[core p] predecode-bytes", "12", "16"}},
    {"core p.instruction-queue=3", {"instruction-queue", "predecode-width"}},
    {"core p.uop-queue=4", {"uop-queue", "uop-cache-width"}},
    {"core p.uop-cache=20000", {"uop-cache", "16384"}},
    {"core p.scheduler=300", {"scheduler", "240"}},
    {"core p.scheduler=1", {"scheduler", "twice width"}},
    {"core p.rob=2000", {"rob", "1024"}},
    {"core p.port-binding=lest", {"port-binding", "did you mean 'least'"}},
    {"core p.move-elimination=9", {"move-elimination", "to 8"}},
};

static void assert_wrong(const char *text, const char *override, const char *const words[3])
{
    GError *error = NULL;
    cpu_machine *m = load(text, override, &error);
    ck_assert_msg(!m && error, "%s was accepted", override ? override : text);
    ck_assert(error->domain == SIM_ERROR && error->code == SIM_ERROR_INPUT);
    for (unsigned k = 0; k < 3 && words[k]; k++)
        ck_assert_msg(strstr(error->message, words[k]) != NULL, "'%s' does not say '%s'", error->message, words[k]);
    g_error_free(error);
}

START_TEST(wrong_lines)
{
    assert_wrong(GOOD, wrong[_i].override, wrong[_i].words);
}
END_TEST

/* A machine without one of its lines: the key that the message has to name, in which group, and an example. */
static const struct { const char *line, *words[3]; } missing[] = {
    {"pipeline = ooo\n", {"[core p] pipeline", "missing", "pipeline = "}},
    {"frequency = 2GHz\n", {"[core p] frequency", "missing", "GHz"}},
    {"width = 4\n", {"[core p] width", "missing"}},
    {"rob = 128\n", {"[core p] rob", "missing", "reorder buffer"}},
    {"mispredict = 15\n", {"[core p] mispredict", "missing"}},
    {"l1i = 32KiB\n", {"[core p] l1i", "missing", "KiB"}},
    {"l1d = 32KiB\n", {"[core p] l1d", "missing", "KiB"}},
    {"l1d-ways = 8\n", {"[core p] l1d-ways", "missing"}},
    {"l2 = 256KiB\n", {"[core p] l2", "missing", "KiB"}},
    {"size = 8MiB\n", {"[l3] size", "missing", "MiB"}},
    {"latency = 80ns\n", {"[memory] latency", "missing", "ns"}},
    {"bandwidth = 20GB\n", {"[memory] bandwidth", "missing"}},
};

START_TEST(missing_lines)
{
    const char *at = strstr(GOOD, missing[_i].line);
    g_autofree char *before = g_strndup(GOOD, (gsize)(at - GOOD));
    g_autofree char *text = g_strconcat(before, at + strlen(missing[_i].line), NULL);
    assert_wrong(text, NULL, missing[_i].words);
}
END_TEST

/* Wrong lines of an EPIC core. */
static const struct { const char *override, *words[3]; } wrong_epic[] = {
    {"core e.slots=M:0123 I:45 F:67", {"[core e] slots", "M, I, F and B"}},
    {"core e.slots=M:0123 I:45 F:67 X:8", {"[core e] slots", "'X:8'"}},
    {"core e.slots=M:0123 I:34 F:67 B:89a", {"[core e] slots", "two kinds"}},
    {"core e.slots=M:0123 I:45 F:7 B:89a", {"[core e] ports", "mul", "slots"}},
    {"core e.bundle-slots=M:2 I:2 F:1 B:4", {"[core e] bundle-slots", "'B:4'"}},
    {"core e.width=7", {"[core e] width", "2 bundles"}},
    {"core e.width=13", {"[core e] width", "12"}},
    {"core e.bundles=0", {"[core e] bundles", "from 1"}},
    {"core e.ports=alu:0g", {"[core e] ports", "'0g' of alu"}},
    {"core e.ports=alu:00", {"[core e] ports", "'00' of alu"}},
    {"core e.store-buffer=100", {"[core e] store-buffer", "64"}},
    {"core e.like=x", {"[core e] like", "[core x]"}},
};

START_TEST(wrong_epic_lines)
{
    g_autofree char *text = g_strconcat("[machine]\ncores = e\n", EPIC, strstr(GOOD, "[l3]"), NULL);
    assert_wrong(text, wrong_epic[_i].override, wrong_epic[_i].words);
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
    ck_assert_uint_ge(g_strv_length(names), 8);
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
    tcase_add_test(t, ports_of_classes);
    tcase_add_test(t, epic_keys);
    tcase_add_test(t, another_pipeline);
    tcase_add_test(t, a_core_like_another);
    tcase_add_test(t, the_largest);
    tcase_add_loop_test(t, wrong_lines, 0, (int)G_N_ELEMENTS(wrong));
    tcase_add_loop_test(t, missing_lines, 0, (int)G_N_ELEMENTS(missing));
    tcase_add_loop_test(t, wrong_epic_lines, 0, (int)G_N_ELEMENTS(wrong_epic));
    tcase_add_test(t, unknown_name);
    tcase_add_test(t, shipped_machines_load);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
