/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The members of profile files that stand for fields of structures: shared by the writer and the reader. */
#pragma once

#include <glib.h>
#include <stddef.h>

#define RUN_PROFILE_SCHEMA "quanta-profile/1"

typedef enum { RUN_FIELD_U32, RUN_FIELD_U64, RUN_FIELD_BOOL, RUN_FIELD_PERMILLE /* uint32_t, at most 1000 */ } run_field_type;

typedef struct {
    const char *name;
    size_t offset;
    run_field_type type;
} run_profile_field;

/* Of vmm_smu_sample, but for events; of its view; of vmm_task_profile. Ended by a NULL name. */
extern const run_profile_field run_profile_sample_fields[], run_profile_view_fields[], run_profile_task_fields[];
