/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schema of the result store, in SQL. docs/store.md documents it. */
#pragma once

extern const char run_store_schema[];
