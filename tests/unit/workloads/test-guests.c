/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest programs, glibc and musl and position-independent: what they print is what they print natively; and what
 * Valgrind counts for them, where it is installed. */
#include "support.h"

#include "cpu-machine.h"

#include <stdlib.h>
#include <string.h>

static const char *const programs[][5] = {
    { "btree", "2000", "3000" }, { "fft", "8", "2" }, { "hashjoin", "2000", "5000" }, { "interp", "1", "500" },
    { "list", "64", "20000" }, { "lz", "16", "1" }, { "matmul", "24", "1" }, { "phases", "2", "50", "64" },
    { "server", "5", "50", "64" }, { "sha256", "4", "2" }, { "sort", "2000", "1" }, { "stream", "64", "2" },
};
static const char *const builds[] = { "", "-musl", "-pie" };

static char *guest_path(const char *name, const char *build)
{
    const char *folder = g_getenv("QUANTA_GUESTS");
    g_autofree char *file = g_strconcat(name, build, NULL);
    char *path = folder ? g_build_filename(folder, file, NULL) : NULL;
    if (path && !g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
        g_clear_pointer(&path, g_free);
    return path;
}

static void fill_argv(const char **argv, const char *path, const char *const *program)
{
    argv[0] = path;
    memcpy(argv + 1, program + 1, 4 * sizeof *argv);
    argv[5] = NULL;
}

START_TEST(prints_what_it_prints_natively)
{
    const char *const *program = programs[_i / (int)G_N_ELEMENTS(builds)];
    g_autofree char *path = guest_path(program[0], builds[_i % (int)G_N_ELEMENTS(builds)]), *expected = NULL;
    const char *argv[6];
    int status;
    if (!path)
        return; /* not every program comes in every build */
    fill_argv(argv, path, program);
    ck_assert(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &expected, NULL, &status, NULL));
    wl_guest_config config = test_config(path);
    config.argv = argv;
    config.memory = 64 * MIB;
    g_autoptr(test_run) run = test_live(&config, 8192, 1000000);
    ck_assert_int_eq(test_last(run)->kind, INSN_EVENT_END);
    ck_assert_uint_eq(test_last(run)->arg0, (uint64_t)WEXITSTATUS(status));
    ck_assert_str_eq(run->out, expected);
    ck_assert_uint_gt(strlen(expected), 5);
    ck_assert(!run->report.reads_time);
}
END_TEST

/* The number before `word` on the last line that has it. */
static uint64_t number_before(const char *text, const char *word)
{
    const char *at = g_strrstr(text, word);
    if (!at)
        return 0;
    while (at > text && at[-1] != '\n')
        at--;
    const char *colon = strchr(at, ':');
    uint64_t n = 0;
    for (const char *c = colon ? colon : at; *c && *c != '\n' && *c != '('; c++)
        if (g_ascii_isdigit(*c))
            n = n * 10 + (uint64_t)(*c - '0');
    return n;
}

static void near(const char *what, uint64_t got, uint64_t expected)
{
    double off = expected ? (double)got / (double)expected - 1 : 1;
    ck_assert_msg(off < 0.001 && off > -0.001, "%s: %" G_GUINT64_FORMAT ", Valgrind counts %" G_GUINT64_FORMAT, what, got, expected);
}

static uint64_t in_brackets(const char *text, const char *word)
{
    const char *line = g_strrstr(text, "D   refs:");
    if (!line)
        line = g_strrstr(text, "D refs:"); /* since Valgrind 3.21 */
    const char *open = line ? strchr(line, '(') : NULL;
    const char *at = open && !strcmp(word, "wr") ? strchr(open, '+') : open;
    uint64_t n = 0;
    for (; at && *at && *at != 'r' && *at != 'w'; at++)
        if (g_ascii_isdigit(*at))
            n = n * 10 + (uint64_t)(*at - '0');
    return n;
}

/* A run with more work less one with less, so that start-up, which differs by the processor found, drops out. These
 * programs do not clear memory with rep, whose iterations Valgrind counts as instructions. Read-modify-writes are loads
 * to it. */
START_TEST(counts_what_valgrind_counts)
{
    static const char *const works[][2][5] = {
        { { "sort", "2000", "1" }, { "sort", "2000", "3" } }, { { "fft", "8", "2" }, { "fft", "8", "8" } },
        { { "sha256", "4", "2" }, { "sha256", "4", "8" } }, { { "interp", "1", "500" }, { "interp", "3", "500" } },
    };
    const char *const(*work)[5] = works[_i];
    g_autofree char *path = guest_path(work[0][0], ""), *valgrind = g_find_program_in_path("valgrind");
    uint64_t ours[2][3], theirs[2][3];
    if (!path || !valgrind)
        return;
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *text = NULL, *log = g_build_filename(test_folder(), "valgrind.log", NULL);
        g_autofree char *option = g_strconcat("--log-file=", log, NULL);
        const char *argv[6];
        char *command[] = {
            valgrind, (char *)"--tool=cachegrind", (char *)"--cache-sim=yes", (char *)"--cachegrind-out-file=/dev/null", option, path,
            (char *)work[i][1], (char *)work[i][2], NULL,
        };
        int status = 1;
        if (!g_spawn_sync(NULL, command, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status, NULL) || status
            || !g_file_get_contents(log, &text, NULL, NULL))
            return; /* not every Valgrind knows every processor */
        theirs[i][0] = number_before(text, "I   refs:");
        if (!theirs[i][0])
            theirs[i][0] = number_before(text, "I refs:");
        theirs[i][1] = in_brackets(text, "rd");
        theirs[i][2] = in_brackets(text, "wr");
        fill_argv(argv, path, work[i]);
        wl_guest_config config = test_config(path);
        config.argv = argv;
        g_autoptr(test_run) run = test_live(&config, 8192, 1000000);
        ours[i][0] = run->insns, ours[i][1] = run->loads, ours[i][2] = run->stores - run->rmws;
    }
    near("instructions", ours[1][0] - ours[0][0], theirs[1][0] - theirs[0][0]);
    near("loads", ours[1][1] - ours[0][1], theirs[1][1] - theirs[0][1]);
    near("stores", ours[1][2] - ours[0][2], theirs[1][2] - theirs[0][2]);
}
END_TEST

TCase *guest_tests(void)
{
    TCase *t = tcase_create("guests");
    tcase_add_loop_test(t, prints_what_it_prints_natively, 0, (int)(G_N_ELEMENTS(programs) * G_N_ELEMENTS(builds)));
    tcase_add_loop_test(t, counts_what_valgrind_counts, 0, 4);
    tcase_set_timeout(t, 60);
    return t;
}
