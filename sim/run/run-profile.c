/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-profile.h"

#include "run-json.h"
#include "run-profile-fields.h"

#include <string.h>

/* ---- fields ----------------------------------------------------------------------------------------------------------- */

#define SAMPLE(name, field, type) { name, offsetof(vmm_smu_sample, field), type }
const run_profile_field run_profile_sample_fields[] = {
    SAMPLE("at_ps", at, RUN_FIELD_U64),
    SAMPLE("instructions", insns, RUN_FIELD_U64),
    SAMPLE("cycles", cycles, RUN_FIELD_U64),
    SAMPLE("dirty_before", dirty_before, RUN_FIELD_U32),
    SAMPLE("flushes", flushes, RUN_FIELD_U64),
    SAMPLE("fills", fills, RUN_FIELD_U64),
    SAMPLE("writebacks", writebacks, RUN_FIELD_U64),
    SAMPLE("loop_exits", loop_exits, RUN_FIELD_U64),
    { NULL, 0, 0 },
};

#define VIEW(name, field, type) { name, offsetof(vmm_view, field), type }
#define CACHE(c)                                                                                                                    \
    VIEW(#c ".lines", c.lines, RUN_FIELD_U32), VIEW(#c ".valid", c.valid, RUN_FIELD_U32), VIEW(#c ".mine", c.mine, RUN_FIELD_U32),   \
        VIEW(#c ".mine_dirty", c.mine_dirty, RUN_FIELD_U32), VIEW(#c ".fills", c.fills, RUN_FIELD_U64),                              \
        VIEW(#c ".writebacks", c.writebacks, RUN_FIELD_U64), VIEW(#c ".flushes", c.flushes, RUN_FIELD_U64),                          \
        VIEW(#c ".flushed", c.flushed, RUN_FIELD_U64), VIEW(#c ".mine_writebacks", c.mine_writebacks, RUN_FIELD_U64)
#define TLB(t) VIEW(#t ".entries", t.entries, RUN_FIELD_U32), VIEW(#t ".mine", t.mine, RUN_FIELD_U32)
const run_profile_field run_profile_view_fields[] = {
    VIEW("btb_hit_permille", btb_hit_permille, RUN_FIELD_PERMILLE),
    VIEW("in_loop", in_loop, RUN_FIELD_BOOL),
    VIEW("loop_branch", loop_branch, RUN_FIELD_U64),
    VIEW("loop_iterations", loop_iterations, RUN_FIELD_U64),
    VIEW("loop_body_insns", loop_body_insns, RUN_FIELD_U32),
    VIEW("loop_exits", loop_exits, RUN_FIELD_U64),
    VIEW("last_loop_iterations", last_loop_iterations, RUN_FIELD_U64),
    VIEW("loop_ended_iterations", loop_ended_iterations, RUN_FIELD_U64),
    CACHE(l1d), CACHE(l2), CACHE(llc), CACHE(l1i),
    VIEW("flushes", flushes, RUN_FIELD_U64),
    VIEW("rob_permille", rob_permille, RUN_FIELD_PERMILLE),
    VIEW("drain_cycles", drain_cycles, RUN_FIELD_U32),
    TLB(itlb), TLB(dtlb), TLB(stlb),
#define X(id, name, event) VIEW("cpi_stack." name, cpi_stack[SIM_CPI_##id], RUN_FIELD_U64),
    SIM_CPI_STACK(X)
#undef X
    VIEW("instructions", insns, RUN_FIELD_U64),
    VIEW("branch_miss_permille", branch_miss_permille, RUN_FIELD_PERMILLE),
    VIEW("predictor_warmth_permille", predictor_warmth_permille, RUN_FIELD_PERMILLE),
    VIEW("line_miss_permille", line_miss_permille, RUN_FIELD_PERMILLE),
    { NULL, 0, 0 },
};

#define TASK(name, field) { name, offsetof(vmm_task_profile, field), RUN_FIELD_U64 }
const run_profile_field run_profile_task_fields[] = {
    TASK("count", n), TASK("last_ps", last), TASK("total_ps", total), TASK("mean_ps", mean), TASK("instructions", insns),
    { NULL, 0, 0 },
};

/* ---- writing ------------------------------------------------------------------------------------------------------------ */

static void put_u64(JsonObject *o, const char *key, uint64_t value)
{
    json_object_set_int_member(o, key, (gint64)MIN(value, (uint64_t)G_MAXINT64));
}

static void put_fields(JsonObject *o, const run_profile_field *fields, const void *structure)
{
    for (const run_profile_field *f = fields; f->name; f++) {
        const char *at = (const char *)structure + f->offset;
        uint32_t small;
        uint64_t large;
        if (f->type == RUN_FIELD_BOOL) {
            json_object_set_boolean_member(o, f->name, *(const bool *)at);
        } else if (f->type == RUN_FIELD_U64) {
            memcpy(&large, at, sizeof large);
            put_u64(o, f->name, large);
        } else {
            memcpy(&small, at, sizeof small);
            put_u64(o, f->name, small);
        }
    }
}

/* Values by event; what is not known is null. */
static void put_by_event(JsonObject *o, const char *key, const uint64_t *values, const vmm_profile *p)
{
    JsonArray *list = json_array_new();
    for (unsigned i = 0; i < p->n_events; i++)
        if (values[i] == UINT64_MAX)
            json_array_add_null_element(list);
        else
            json_array_add_int_element(list, (gint64)MIN(values[i], (uint64_t)G_MAXINT64));
    json_object_set_array_member(o, key, list);
}

static JsonObject *sample_object(const vmm_smu_sample *s, const vmm_profile *p)
{
    JsonObject *o = json_object_new(), *view = json_object_new();
    uint64_t counts[VMM_SMU_EVENTS];
    for (unsigned i = 0; i < p->n_events; i++)
        counts[i] = s->fresh >> i & 1 ? s->count[i] : UINT64_MAX;
    put_fields(o, run_profile_sample_fields, s);
    put_by_event(o, "counts", counts, p);
    put_by_event(o, "rates", s->rate, p);
    put_fields(view, run_profile_view_fields, &s->view);
    json_object_set_object_member(o, "view", view);
    return o;
}

static JsonObject *smu_object(const vmm_smu_profile *s, const vmm_profile *p)
{
    JsonObject *o = json_object_new(), *mean = json_object_new();
    JsonArray *recent = json_array_new();
    put_u64(o, "samples", s->n);
    put_u64(o, "instructions", s->insns);
    put_u64(o, "cycles", s->cycles);
    put_u64(mean, "ipc_permille", s->mean_ipc_permille);
    put_u64(mean, "btb_hit_permille", s->mean_btb_permille);
    put_by_event(mean, "rates", s->mean_rate, p);
    json_object_set_object_member(o, "mean", mean);
    for (unsigned back = VMM_SMU_RING; back-- > 0;) {
        const vmm_smu_sample *sample = vmm_profile_past(s, back);
        if (sample)
            json_array_add_object_element(recent, sample_object(sample, p));
    }
    json_object_set_array_member(o, "recent", recent);
    return o;
}

static JsonArray *tasks_array(const GPtrArray *tasks)
{
    JsonArray *list = json_array_new();
    for (guint i = 0; i < tasks->len; i++) {
        const vmm_task_kind *t = g_ptr_array_index(tasks, i);
        JsonObject *o = json_object_new();
        put_u64(o, "kind", t->kind);
        put_fields(o, run_profile_task_fields, &t->profile);
        json_array_add_object_element(list, o);
    }
    return list;
}

static JsonObject *vm_object(const run_vm_result *vm, const vmm_vm_profile *v, const vmm_profile *p)
{
    JsonObject *o = json_object_new();
    JsonArray *vcpus = json_array_new();
    json_object_set_string_member(o, "workload", vm->workload);
    if (vm->program_sha256)
        json_object_set_string_member(o, "program_sha256", vm->program_sha256);
    json_array_add_object_element(vcpus, smu_object(&v->smu, p));
    json_object_set_array_member(o, "vcpus", vcpus);
    json_object_set_array_member(o, "tasks", tasks_array(v->tasks));
    return o;
}

static JsonArray *lps_array(const run_result *r)
{
    JsonArray *list = json_array_new();
    for (guint i = 0; i < r->lps->len; i++) {
        const run_lp_result *lp = g_ptr_array_index(r->lps, i);
        JsonObject *o = json_object_new();
        put_u64(o, "core", lp->core);
        put_u64(o, "package", lp->package);
        json_object_set_string_member(o, "kind", lp->kind);
        put_u64(o, "hz", lp->hz);
        put_u64(o, "l1i_lines", lp->l1i_lines);
        put_u64(o, "l1d_lines", lp->l1d_lines);
        put_u64(o, "l2_lines", lp->l2_lines);
        put_u64(o, "llc_lines", lp->llc_lines);
        json_object_set_object_member(o, "profile", smu_object(&r->profile->pcpus[i], r->profile));
        json_array_add_object_element(list, o);
    }
    return list;
}

char *run_profile_text(const run_result *r)
{
    const vmm_profile *p = r->profile;
    JsonObject *o = json_object_new(), *vms = json_object_new();
    JsonArray *events = json_array_new();
    json_object_set_string_member(o, "schema", RUN_PROFILE_SCHEMA);
    json_object_set_string_member(o, "policy", r->policy);
    json_object_set_string_member(o, "run", r->digest);
    json_object_set_string_member(o, "machine", r->machine);
    for (unsigned i = 0; i < p->n_events; i++)
        json_array_add_string_element(events, sim_emon_events[p->events[i]].name);
    json_object_set_array_member(o, "events", events);
    json_object_set_array_member(o, "lps", lps_array(r));
    for (guint i = 0; i < r->vms->len; i++) {
        const run_vm_result *vm = g_ptr_array_index(r->vms, i);
        json_object_set_object_member(vms, vm->name, vm_object(vm, &p->vms[i], p));
    }
    json_object_set_object_member(o, "vms", vms);
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), o);
    json_object_unref(o);
    return run_json_text(node);
}

/* ---- reports -------------------------------------------------------------------------------------------------------------- */

void run_profile_table(GString *text, const run_result *r)
{
    if (!r->profile_digest)
        return;
    g_string_append_printf(text, "\nProfile of an earlier run: %u of %u VMs are in it\n", r->profile_known, r->vms->len);
    for (guint i = 0; i < r->profile_fallbacks->len; i++)
        g_string_append_printf(text, "  %s\n", (const char *)g_ptr_array_index(r->profile_fallbacks, i));
}
