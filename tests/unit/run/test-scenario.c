/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-suites.h"

#include "run-scenario.h"
#include "sim-error.h"

#include <glib/gstdio.h>
#include <string.h>

static char *folder, *path;

static void setup(void)
{
    folder = g_dir_make_tmp("quanta-scenario-XXXXXX", NULL);
    path = g_build_filename(folder, "s.conf", NULL);
    g_autofree char *data = g_build_filename(folder, "data", NULL);
    g_mkdir(data, 0777);
    g_autofree char *program = g_build_filename(folder, "prog", NULL);
    ck_assert(g_file_set_contents(program, "abc", 3, NULL));
}

static void teardown(void)
{
    g_remove(path);
    static const char *const names[] = {"data", "prog"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *name = g_build_filename(folder, names[i], NULL);
        g_remove(name);
    }
    g_rmdir(folder);
    g_free(folder);
    g_free(path);
}

static run_scenario *load(const char *text, const char *const *sets, GError **error)
{
    ck_assert(g_file_set_contents(path, text, -1, NULL));
    const run_overrides overrides = { .sets = sets };
    return run_scenario_load(path, &overrides, error);
}

static run_scenario *good(const char *text)
{
    g_autoptr(GError) error = NULL;
    run_scenario *s = load(text, NULL, &error);
    ck_assert_msg(s != NULL, "%s", error ? error->message : "");
    return s;
}

/* `message` follows the path of the file, and may end with * where the rest may be anything. */
static void bad(const char *text, const char *message)
{
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(load(text, NULL, &error));
    g_autofree char *pattern = g_strconcat(path, message, NULL);
    bool open = g_str_has_suffix(pattern, "*");
    if (open)
        pattern[strlen(pattern) - 1] = '\0';
    ck_assert_msg(open ? g_str_has_prefix(error->message, pattern) : strcmp(error->message, pattern) == 0,
                  "got '%s', not '%s'", error->message,
                  pattern);
}

static const run_vm *vm_at(const run_scenario *s, guint i)
{
    return g_ptr_array_index(s->vms, i);
}

#define VM "[vm a]\nworkload = elf:prog\n"

START_TEST(everything_but_a_vm_has_defaults)
{
    g_autoptr(run_scenario) s = good(VM);
    ck_assert_str_eq(s->name, "s");
    ck_assert_str_eq(s->machine->name, "skylake");
    ck_assert_uint_eq(s->duration, SIM_PS_PER_S);
    ck_assert_uint_eq(s->seed, 1);
    ck_assert_uint_eq(s->quantum, SIM_PS_PER_MS);
    ck_assert_str_eq(s->policy_name, "round-robin");
    ck_assert(!s->strict);
    const run_vm *vm = vm_at(s, 0);
    ck_assert_str_eq(vm->argv[0], "prog");
    ck_assert_ptr_null(vm->argv[1]);
    ck_assert_ptr_null(vm->envp);
    ck_assert_ptr_null(vm->folder);
    ck_assert_uint_eq(vm->memory, 256 << 20);
    ck_assert_uint_eq(vm->weight, 256);
    ck_assert(!vm->has_affinity);
    ck_assert_str_eq(vm->sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

START_TEST(a_whole_scenario)
{
    g_autoptr(run_scenario) s = good("[scenario]\nmachine = skylake\nduration = 200ms\nseed = 7\nname = mine\n"
                                     "[machine]\ncores = core*2\n[l3]\nsize = 4MiB\n"
                                     "[policy]\nname = emon-quantum\nquantum = 2ms\nstrict = true\nmin-gain = 50us\n"
                                     "[policy priority]\n"
                                     "[vm a]\nworkload = elf:prog\nargs = one 'two three' \"\"\nenv = A=1 'B=x y'\nfolder = data\nfolder-writable = yes\n"
                                     "memory = 32MiB\nweight = 512\npriority = 3\nstart = 5ms\nquantum = 3ms\naffinity = 0-1,3\nio-latency = 1ms\n"
                                     "io-bandwidth = 10MB\ndisk-limit = 1MiB\nstdout = out.txt\n"
                                     "[vm many]\nworkload = elf:prog\ncount = 3\n");
    ck_assert_str_eq(s->name, "mine");
    ck_assert_uint_eq(s->machine->n_lps, 4);
    ck_assert_uint_eq(s->machine->l3.size, 4 << 20);
    ck_assert(s->strict);
    ck_assert_uint_eq(s->vms->len, 4);
    const run_vm *vm = vm_at(s, 0);
    ck_assert_str_eq(vm->argv[2], "two three");
    ck_assert_str_eq(vm->argv[3], "");
    ck_assert_ptr_null(vm->argv[4]);
    ck_assert_str_eq(vm->envp[1], "B=x y");
    ck_assert(vm->folder_writable && g_path_is_absolute(vm->folder));
    ck_assert_uint_eq(vm->affinity[0], 0xb);
    ck_assert_uint_eq(vm->io_bytes_per_s, 10000000);
    ck_assert(g_str_has_suffix(vm->stdout_file, "/out.txt"));
    ck_assert_str_eq(vm_at(s, 3)->name, "many.3");
    const run_policy *p = run_scenario_policy(s, "emon-quantum", NULL);
    ck_assert_str_eq(p->params[0], "min-gain");
    ck_assert_str_eq(p->params[1], "50us");
}
END_TEST

static const char *param(const run_policy *p, const char *name)
{
    const char *value = NULL;
    for (char **text = p->params; *text; text += 2)
        if (strcmp(text[0], name) == 0)
            value = text[1];
    return value;
}

START_TEST(variants_of_policies)
{
    g_autoptr(run_scenario) s = good("[policy]\nname = hw\nsmu-period = 50us\nsmu = hybrid\nmax-debt = 2ms\n"
                                     "[policy emon-quantum]\nmin = 400\nmax = 1600\n"
                                     "[policy hw]\nuse = emon-quantum\nsmu = hardware\nsmu-period = 5us\nmax = 1200\n"
                                     "[policy rr2]\nuse = round-robin\n"
                                     "[policy rated]\nuse = emon-quantum\nsmu-rates = L1-dcache-load-misses=2.5 instructions=0\n"
                                     "[policy round-robin]\nuse = round-robin\nsmu = software\n" VM);
    const run_policy *p = run_scenario_policy(s, "hw", NULL), *base = run_scenario_policy(s, "emon-quantum", NULL);
    ck_assert_str_eq(s->policy_name, "hw");
    ck_assert_ptr_eq(p->ops, base->ops);
    ck_assert_int_eq(p->smu.kind, VMM_SMU_HARDWARE);
    ck_assert_uint_eq(p->smu.period, 5 * SIM_PS_PER_US);
    ck_assert_str_eq(param(p, "min"), "400"); /* the policy's */
    ck_assert_str_eq(param(p, "max"), "1200");
    ck_assert_str_eq(param(p, "max-debt"), "2ms"); /* [policy] names it */
    ck_assert_str_eq(param(base, "max"), "1600");
    ck_assert_ptr_null(param(base, "max-debt"));
    ck_assert_int_eq(base->smu.kind, VMM_SMU_HYBRID);
    ck_assert_uint_eq(base->smu.period, 50 * SIM_PS_PER_US);
    const run_policy *rated = run_scenario_policy(s, "rated", NULL);
    ck_assert_uint_eq(rated->smu.n_rates, 2);
    ck_assert_int_eq((int)rated->smu.rates[0].event, SIM_EV_L1D_LOAD_MISSES);
    ck_assert_uint_eq(rated->smu.rates[0].per_million, 2500);
    ck_assert_uint_eq(rated->smu.rates[1].per_million, 0);
    ck_assert_str_eq(run_scenario_policy(s, "rr2", NULL)->ops->name, "round-robin");
    ck_assert_int_eq(run_scenario_policy(s, "round-robin", NULL)->smu.kind, VMM_SMU_SOFTWARE);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(run_scenario_policy(s, "ratd", &error));
    ck_assert_str_eq(error->message, "unknown policy 'ratd'; did you mean 'rated'?");
}
END_TEST

START_TEST(bad_variants_are_told)
{
    bad("[policy x]\nuse = emon-quantm\n" VM, ": [policy x] use: unknown policy 'emon-quantm'; did you mean 'emon-quantum'?");
    bad("[policy x]\nsmu = hardware\n" VM, ": [policy x]: unknown policy 'x'*");
    bad("[policy priority]\nuse = emon-quantum\n" VM, ": [policy priority] use: 'priority' is a policy: a variant of 'emon-quantum' needs a name of its own");
    bad("[policy a,b]\nuse = emon-quantum\n" VM, ": [policy a,b]: a variant's name consists of 1 to 64 letters, digits, '-', '_' and '.'");
    bad("[policy x]\nuse = round-robin\nmin = 3\n" VM, ": [policy x] min: policy 'round-robin' has no parameters");
    bad("[policy x]\nuse = emon-quantum\nmni = 3\n" VM, ": [policy x] mni: unknown key; did you mean 'min'?");
    bad("[policy]\nname = x\n" VM, ": [policy] name: unknown policy 'x'*");
    bad("[policy]\nuse = priority\n" VM, ": [policy] use: unknown key*");
    bad("[policy]\nsmu = sofware\n" VM, ": [policy] smu: *");
    bad("[policy]\nsmu-period = 1us\n" VM, ": [policy] smu-period: is outside 10us to 1s");
    bad("[policy]\nsmu = hardware\nsmu-period = 900ns\n" VM, ": [policy] smu-period: is outside 1us to 1s");
    bad("[policy]\nsmu-period = 2s\n" VM, ": [policy] smu-period: is outside 10us to 1s");
    bad("[policy]\nsmu-rates = cycles\n" VM, ": [policy] smu-rates: 'cycles' is not EVENT=RATE, for example L1-dcache-load-misses=20");
    bad("[policy]\nsmu-rates = cycles=x\n" VM, ": [policy] smu-rates: 'cycles=x' is not EVENT=RATE*");
    bad("[policy]\nsmu-rates = cycles=-1\n" VM, ": [policy] smu-rates: 'cycles=-1': a rate per 1,000 instructions is 0, or from 0.001 to 1000000");
    bad("[policy]\nsmu-rates = cycles=1 cycles=2\n" VM, ": [policy] smu-rates: 'cycles' stands twice");
    bad("[policy]\nsmu-rates = cycels=1\n" VM, ": [policy] smu-rates: there is no event 'cycels'; did you mean 'cycles'?");
}
END_TEST

START_TEST(parameters_belong_to_their_policy)
{
    g_autoptr(run_scenario) s = good("[policy emon-quantum]\nmin-gain = 70us\n" VM);
    ck_assert_str_eq(run_scenario_policy(s, "emon-quantum", NULL)->params[1], "70us");
    ck_assert_ptr_null(run_scenario_policy(s, "round-robin", NULL)->params[0]);
    bad("[policy]\nname = round-robin\nmin-gain = 70us\n" VM, ": [policy] min-gain: unknown key*");
    bad("[policy emon-quantm]\nmin-gain = 70us\n" VM,
        ": [policy emon-quantm]: unknown policy 'emon-quantm'; did you mean 'emon-quantum'? (a variant of a policy says which: use = NAME)");
    bad("[policy round-robin]\nmin-gain = 70us\n" VM,
        ": [policy round-robin] min-gain: policy 'round-robin' has no parameters");
    bad("[policy]\nname = emon-quantum\nmin-gian = 1ms\n" VM, ": [policy] min-gian: unknown key; did you mean 'min-gain'?");
}
END_TEST

START_TEST(errors_of_the_general_groups)
{
    bad("[scenario]\nseed = 1\n", ": the scenario has no VM; add a group [vm NAME]*");
    bad("[scenario]\nduratoin = 1ms\n" VM, ": [scenario] duratoin: unknown key; did you mean 'duration'?");
    bad("[scenario]\nduration = 5\n" VM, ": [scenario] duration: '5' is not a time*");
    bad("[scenario]\nduration = 0s\n" VM, ": [scenario] duration: is zero*");
    bad("[scenario]\nseed = 9223372036854775808\n" VM,
        ": [scenario] seed: '9223372036854775808' is not a whole number*");
    bad("[scenario]\nmachine = skylak\n" VM,
        ": [scenario] machine: unknown machine 'skylak'; did you mean 'skylake'?");
    bad("[scenario]\nmachine = none.conf\n" VM, ": [scenario] machine: cannot read*");
    bad("[machine]\ncors = 1\n" VM, ": [machine] cors: unknown key; did you mean 'cores'?");
    bad("[l3]\nsize = 1000B\n" VM, ": [l3] size: *");
    bad("[core core]\nl1d-ways = 7\n" VM, ": [core core] l1d-ways: *");
    bad("[polcy]\nname = x\n" VM, ": [polcy]: unknown group; did you mean 'policy'?");
    bad("[policy]\nname = prioritty\n" VM, ": [policy] name: unknown policy 'prioritty'; did you mean 'priority'?");
    bad("[policy]\nquantum = 1us\n" VM, ": [policy] quantum: is outside 10us to 1s");
}
END_TEST

START_TEST(errors_of_a_vm)
{
    bad("[vm a]\nworklaod = elf:prog\n", ": [vm a] workload: is missing (is it meant by 'worklaod'?)*");
    bad("[vm a]\nworkload = prog\n", ": [vm a] workload: 'prog' is of no known kind; valid: elf:PATH*");
    bad("[vm a]\nworkload = trace:x\n", ": [vm a] workload: there is no file '*");
    bad("[vm a]\nworkload = trace:data\n", ": [vm a] workload: *");
    bad("[vm a]\nworkload = trace:samples/srot\n", ": [vm a] workload: there is no sample trace 'srot'*");
    bad("[vm a]\nworkload = synthetic:lop\n", ": [vm a] workload: synthetic: there is no phase 'lop'; did you mean 'loop'?");
    bad("[vm a]\nworkload = synthetic:loop\nrepeat = often\n", ": [vm a] repeat: 'often' is neither*");
    bad("[vm a]\nworkload = elf:\n", ": [vm a] workload: 'elf:' is of no known kind*");
    bad("[vm a]\nworkload = elf:absent\n", ": [vm a] workload: there is no file '*");
    bad("[vm a]\nworkload = elf:data\n", ": [vm a] workload: '*");
    bad("[vm a]\nworkload = elf:guests/srot\n",
        ": [vm a] workload: there is no guest program 'srot'; did you mean 'sort'?");
    bad(VM "args = 'open\n", ": [vm a] args: *");
    bad(VM "env = NAME\n", ": [vm a] env: 'NAME' is not NAME=VALUE");
    bad(VM "affinity = 0,8\n", ": [vm a] affinity: there is no logical processor 8; the machine has 0 to 7");
    bad(VM "affinity = 3-1\n", ": [vm a] affinity: '3-1' is a range that ends before it begins");
    bad(VM "affinity = x\n", ": [vm a] affinity: 'x' is not a list of logical processors, for example 0-3,5, or core:1, package:0, kind:NAME");
    bad(VM "affinity =\n", ": [vm a] affinity: is empty*");
    bad(VM "folder = absent\n", ": [vm a] folder: there is no folder '*");
    bad(VM "folder-writable = true\n", ": [vm a] folder-writable: there is no folder to write to*");
    bad(VM "memory = 1KiB\n", ": [vm a] memory: is outside 1MiB to 1024GiB");
    bad(VM "weight = 0\n", ": [vm a] weight: '0' is not a whole number from 1 to 65535");
    bad(VM "wieght = 1\n", ": [vm a] wieght: unknown key; did you mean 'weight'?");
    bad(VM "count = 2\nstdout = x\n", ": [vm a] stdout: 2 VMs cannot share one file");
    bad(VM "count = 2000\n", ": [vm a] count: '2000' is not a whole number from 1 to 1024");
    bad("[vm a/b]\nworkload = elf:prog\n",
        ": [vm a/b]: a VM's name consists of 1 to 64 letters, digits, '-' and '_'");
    bad("[vm ]\nworkload = elf:prog\n", "*");
}
END_TEST

START_TEST(set_wins_over_the_file)
{
    static const char *const sets[] = {"scenario.seed=9", "a.weight=2", "machine.cores=core*1", NULL};
    g_autoptr(run_scenario) s = load("[scenario]\nseed = 3\n" VM, sets, NULL);
    ck_assert_uint_eq(s->seed, 9);
    ck_assert_uint_eq(vm_at(s, 0)->weight, 2);
    ck_assert_uint_eq(s->machine->n_lps, 2);
    static const char *const unknown[] = {"b.weight=2", NULL};
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(load(VM, unknown, &error));
    ck_assert_msg(g_str_has_prefix(error->message, "--set: [b]: unknown group"), "%s", error->message);
}
END_TEST

Suite *scenario_suite(void)
{
    Suite *s = suite_create("scenario");
    TCase *t = tcase_create("scenario");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, everything_but_a_vm_has_defaults);
    tcase_add_test(t, a_whole_scenario);
    tcase_add_test(t, parameters_belong_to_their_policy);
    tcase_add_test(t, variants_of_policies);
    tcase_add_test(t, bad_variants_are_told);
    tcase_add_test(t, errors_of_the_general_groups);
    tcase_add_test(t, errors_of_a_vm);
    tcase_add_test(t, set_wins_over_the_file);
    suite_add_tcase(s, t);
    return s;
}
