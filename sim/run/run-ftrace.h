/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run as the text of Linux's ftrace (what /sys/kernel/tracing/trace shows with the tracer nop): sched_switch, sched_waking, sched_wakeup and
 * sched_migrate_task of the vCPUs, for tools that read such text. A vCPU is a task of its VM's name, with the number 1000 + VM; an idle processor runs
 * swapper.
 *
 * Source of the form: Linux 6.1, kernel/trace/trace.c (print_func_help_header_irq, print_lat_help_header), kernel/trace/trace_output.c
 * (trace_print_context), include/trace/events/sched.h (TP_printk of the four events). Times have nine decimals, as `trace-cmd report -t` prints them, where
 * the kernel prints six. */
#pragma once

#include "run-recorder.h"

#include <stdbool.h>

typedef struct run_ftrace run_ftrace;

/* NULL and error set: the file cannot be made. */
run_ftrace *run_ftrace_new(const char *path, GError **error);
/* Who writes the run; lives as long as the trace. */
run_writer run_ftrace_writer(run_ftrace *trace);
/* The file is whole. False and error set: it could not be written. Frees the trace. */
bool run_ftrace_close(run_ftrace *trace, GError **error);
void run_ftrace_free(run_ftrace *trace); /* accepts NULL */
