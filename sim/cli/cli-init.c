/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
#include "run-file.h"

#include <stdio.h>
#include <string.h>

/* A scenario that runs as it stands: from sample traces, so that no guest has to be built, with each choice explained. */
static const char scenario[] =
    "# A scenario of quanta: which machine, which policy, which virtual machines.\n"
    "#   quanta compare %s                       this policy against round-robin\n"
    "#   quanta compare %s -p credit,eevdf       others (quanta list policies)\n"
    "# Every key: man 5 quanta-scenario, or docs/formats.md. Any of them may be overridden: --set policy.quantum=500us\n"
    "\n"
    "[scenario]\n"
    "# quanta list machines; or the path of a machine file of your own\n"
    "machine = skylake\n"
    "# Simulated time; the run ends here, or when every guest has ended\n"
    "duration = 10ms\n"
    "seed = 1\n"
    "\n"
    "# One core of the machine. Two hyperthreads share it, as the machine file says\n"
    "[machine]\n"
    "cores = core\n"
    "\n"
    "[policy]\n"
    "name = emon-quantum\n"
    "# How long a VM runs before it is another's turn: 10us to 1s\n"
    "quantum = 1ms\n"
    "\n"
    "# A guest that was recorded before (quanta list traces). Your own program, a static x86-64 ELF file, is\n"
    "#   workload = elf:./program\n"
    "#   args = its arguments\n"
    "#   folder = the one host folder that it may read\n"
    "[vm sorter]\n"
    "workload = trace:samples/sort\n"
    "repeat = forever\n"
    "\n"
    "# Twice the share, under policies that know weights\n"
    "[vm walker]\n"
    "workload = trace:samples/list\n"
    "repeat = forever\n"
    "weight = 512\n"
    "\n"
    "# A generated one (docs/synthetic.md): computes, sleeps, and wants to be let in when it wakes\n"
    "[vm server]\n"
    "workload = synthetic:loop insns=200k; sleep 500us; repeat forever\n";

static int write_scenario(const char *path)
{
    GError *error = NULL;
    g_autofree char *text = g_strdup_printf(scenario, path, path);
    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        fprintf(stderr, "quanta: '%s' is there already; give another name\n", path);
        return SIM_EXIT_BAD_INPUT;
    }
    if (!run_file_write(path, text, strlen(text), &error))
        return cli_fail(error);
    printf("%s: three VMs on one hyperthreaded core. Next: quanta compare %s\n", path, path);
    return SIM_EXIT_OK;
}

int cli_init(const char *command, int argc, char **argv)
{
    const GOptionEntry entries[] = {{NULL, 0, 0, 0, NULL, NULL, NULL}};
    int status = SIM_EXIT_OK;
    if (!cli_options_parse(command, entries, &argc, &argv, &status))
        return status;
    if (argc > 2)
        return cli_usage(command, "unexpected argument '%s'", argv[2]);
    return write_scenario(argc == 2 ? argv[1] : "scenario.conf");
}
