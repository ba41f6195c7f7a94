/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
#include "run-file.h"
#include "run-report.h"

#include <string.h>

static int report(const char *input, const char *html)
{
    GError *error = NULL;
    if (!run_file_check(html, &error)) {
        g_prefix_error(&error, "--html: ");
        return cli_fail(error);
    }
    g_autofree char *page = run_report_html(input, &error);
    if (!page || !run_file_write(html, page, strlen(page), &error))
        return cli_fail(error);
    return SIM_EXIT_OK;
}

int cli_report(const char *command, int argc, char **argv)
{
    g_autofree char *html = NULL;
    const GOptionEntry entries[] = {
        {"html", 0, 0, G_OPTION_ARG_FILENAME, &html, "write the page to FILE; - is standard output", "FILE"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    if (!cli_options_parse(command, entries, &argc, &argv, &status))
        return status;
    if (argc != 2)
        return argc < 2 ? cli_usage(command, "the result is missing; give a file that 'quanta run --json' or 'quanta compare --json' wrote, or a store")
                        : cli_usage(command, "unexpected argument '%s'", argv[2]);
    if (!html)
        return cli_usage(command, "--html is missing: where the page is to go");
    return report(argv[1], html);
}
