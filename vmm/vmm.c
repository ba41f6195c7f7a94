/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VMM as a whole: making it, adding VMs, power-on, closing the accounts. */
#include "vmm.h"

#include "sim-error.h"
#include "vmm-params.h"
#include "vmm-private.h"
#include "vmm-registry.h"

#include <string.h>

const char *const vmm_exit_names[VMM_N_EXITS] = {
    "hlt", "io", "yield", "hypercall", "wbinvd", "quantum", "external", "fault", "shutdown", "emon", "cpuid", "msr", "rdtsc", "pause"
};

static void vm_free(void *p)
{
    vmm_vm *vm = p;
    g_array_free(vm->stats.wake_latency, TRUE);
    g_array_free(vm->stats.task_time, TRUE);
    g_ptr_array_unref(vm->tasks);
    g_free(vm->stats.fault_text);
    g_free(vm->params);
    g_free(vm->gang);
    g_free(vm->name);
    g_free(vm);
}

static void vcpu_free(void *p)
{
    vmm_vcpu_free(p);
}

static bool quantum_ok(sim_ps quantum, const char *where, GError **error)
{
    if (!quantum || (quantum >= VMM_QUANTUM_MIN && quantum <= VMM_QUANTUM_MAX))
        return true;
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: the quantum is out of bounds: 10us to 1s", where);
    return false;
}

static void find_siblings(vmm *v, vmm_pc *pc)
{
    for (unsigned i = 0; i < v->n_pcs; i++)
        if (i != pc->facts.id && v->pcs[i].facts.core == pc->facts.core)
            pc->siblings[i / 64] |= UINT64_C(1) << i % 64;
}

static void add_pcpus(vmm *v, vmm_pcpu *const *pcpus, unsigned n)
{
    v->n_pcs = n;
    v->pcs = g_new0(vmm_pc, n);
    for (unsigned i = 0; i < n; i++) {
        g_assert(pcpus[i]->id == i);
        vmm_pc_init(&v->pcs[i], v, pcpus[i]);
        v->idle[i / 64] |= UINT64_C(1) << i % 64;
    }
    for (unsigned i = 0; i < n; i++)
        find_siblings(v, &v->pcs[i]);
}

vmm *vmm_new(const vmm_config *config, sim_engine *engine, vmm_pcpu *const *pcpus, unsigned n_pcpus, GError **error)
{
    const char *origin = config->policy_origin ? config->policy_origin : "policy";
    g_assert(n_pcpus >= 1 && n_pcpus <= VMM_MAX_PCPUS);
    if (!vmm_policy_check(config->policy, error) || !quantum_ok(config->quantum, origin, error))
        return NULL;
    vmm_param_value *params = vmm_params_parse(config->policy, config->policy_params, origin, error);
    if (!params)
        return NULL;
    vmm *v = g_new0(vmm, 1);
    v->host.v = v;
    v->engine = engine;
    memcpy(&v->policy, config->policy, MIN(config->policy->struct_size, sizeof v->policy));
    v->params = params;
    g_autofree char *stream = g_strdup_printf("policy.%s", v->policy.name);
    sim_random_init(&v->random, config->seed, stream);
    v->default_quantum = config->quantum ? config->quantum : VMM_DEFAULT_QUANTUM;
    v->strict = config->strict;
    v->keep_schedule = config->keep_schedule;
    v->smu_config = config->smu;
    v->smu_config.rates = g_memdup2(config->smu.rates, config->smu.n_rates * sizeof *config->smu.rates);
    v->tasks = config->tasks;
    v->observe = config->observe;
    v->observe_user = config->observe_user;
    v->copies = config->copies;
    v->max_decisions = config->max_decisions ? config->max_decisions : VMM_DEFAULT_MAX_DECISIONS;
    v->hook_pcpu = VMM_PCPU_NONE;
    v->vms = g_ptr_array_new_with_free_func(vm_free);
    v->vcpus = g_ptr_array_new_with_free_func(vcpu_free);
    v->decisions = g_array_new(FALSE, FALSE, sizeof(vmm_decision));
    v->slices = g_array_new(FALSE, FALSE, sizeof(vmm_slice));
    v->facts = vmm_facts_new();
    v->sum = g_checksum_new(G_CHECKSUM_SHA256);
    add_pcpus(v, pcpus, n_pcpus);
    return v;
}

void vmm_free(vmm *v)
{
    if (!v)
        return;
    if (v->started)
        v->policy.exit(v->self);
    for (unsigned i = 0; i < v->n_pcs; i++) {
        sim_engine_cancel(v->engine, &v->pcs[i].quantum_event);
        sim_engine_cancel(v->engine, &v->pcs[i].tick_event);
        sim_engine_cancel(v->engine, &v->pcs[i].resched_event);
        sim_engine_cancel(v->engine, &v->pcs[i].timer_event);
    }
    sim_engine_cancel(v->engine, &v->watchdog);
    vmm_smu_free(v);
    vmm_below_free(v);
    vmm_profile_free(v->earlier);
    g_ptr_array_free(v->vcpus, TRUE);
    g_ptr_array_free(v->vms, TRUE);
    vmm_runqueue_free(v->ready);
    g_array_free(v->decisions, TRUE);
    g_array_free(v->slices, TRUE);
    vmm_facts_free(v->facts);
    g_checksum_free(v->sum);
    g_free(v->first_bad);
    g_free(v->why);
    g_free(v->first_starved);
    g_free((gpointer)v->smu_config.rates);
    g_free(v->params);
    g_free(v->pcs);
    g_free(v);
}

static vmm_param_value *vm_params(const vmm *v, const vmm_vm_config *config, GError **error)
{
    return vmm_params_parse_vm(&v->policy, v->params, config->policy_params, config->policy_origin, error);
}

bool vmm_check_vm(const vmm *v, const vmm_vm_config *config, GError **error)
{
    g_autofree vmm_param_value *params = vm_params(v, config, error);
    if (!params)
        return false;
    g_autofree char *where = g_strdup_printf("VM '%s'", config->name);
    if (!quantum_ok(config->quantum, where, error))
        return false;
    if (config->weight > 65535) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: the weight is out of bounds: 1 to 65535", where);
        return false;
    }
    g_autoptr(GError) wrong = NULL;
    if (config->controls && !vmm_controls_check(config->controls, &wrong)) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", where, wrong->message);
        return false;
    }
    if (config->stop && config->stop <= config->start) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: it would be stopped before it starts", where);
        return false;
    }
    bool any = !config->affinity;
    for (unsigned i = 0; config->affinity && i < v->n_pcs; i++)
        any |= vmm_mask_has(config->affinity, i);
    if (!any)
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: its affinity holds no processor of this machine; valid: 0 to %u",
                    where, v->n_pcs - 1);
    return any;
}

/* The number of the first VM that is of the gang. */
static uint32_t gang_of(const vmm *v, const char *gang)
{
    for (guint i = 0; gang && i < v->vms->len; i++)
        if (g_strcmp0(((const vmm_vm *)g_ptr_array_index(v->vms, i))->gang, gang) == 0)
            return i;
    return v->vms->len;
}

unsigned vmm_add_vm(vmm *v, const vmm_vm_config *config)
{
    g_assert(!v->started && v->vms->len < UINT16_MAX - 1);
    vmm_vm *vm = g_new0(vmm_vm, 1);
    vm->name = g_strdup(config->name);
    vm->owner = (vmm_owner)(v->vms->len + 1);
    vm->first_vcpu = v->vcpus->len;
    vm->n_vcpus = 1;
    vm->gang = g_strdup(config->gang);
    vm->start = config->start;
    vm->stop = config->stop;
    vm->controls = config->controls ? *config->controls : vmm_controls_default;
    vm->io_latency = config->io_latency;
    vm->io_bytes_per_s = config->io_bytes_per_s;
    vm->params = vm_params(v, config, NULL);
    g_assert(vm->params);
    vm->stats.name = vm->name;
    vm->stats.state = VMM_OFFLINE;
    vm->stats.wake_latency = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    vm->stats.task_time = g_array_new(FALSE, FALSE, sizeof(vmm_task_time));
    vm->tasks = vmm_profile_tasks_new();
    g_ptr_array_add(v->vcpus, vmm_vcpu_new(v, vm, config));
    vmm_vcpu_at(v, vm->first_vcpu)->facts.gang = gang_of(v, config->gang);
    g_ptr_array_add(v->vms, vm);
    return v->vms->len - 1;
}

void vmm_start(vmm *v)
{
    g_assert(!v->started);
    v->started = true;
    v->ready = vmm_runqueue_new(v->vcpus->len, v->n_pcs);
    vmm_watchdog_init(v);
    for (unsigned i = 0; i < v->vcpus->len; i++) {
        vmm_vcpu *c = vmm_vcpu_at(v, i);
        vmm_runqueue_admit(v->ready, i, c->facts.affinity);
        sim_engine_schedule(v->engine, &c->power_on, MAX(c->vm->start, sim_engine_now(v->engine)));
        if (c->vm->stop)
            sim_engine_schedule(v->engine, &c->removal, MAX(c->vm->stop, sim_engine_now(v->engine)));
    }
    vmm_below_start(v);
    v->initialising = true;
    v->self = v->policy.init(&v->host, &vmm_host_services, v->params);
    v->initialising = false;
}

static void copy_tasks(GPtrArray *to, const GPtrArray *from)
{
    for (guint i = 0; i < from->len; i++) {
        const vmm_task_kind *t = g_ptr_array_index(from, i);
        vmm_task_profile *p = vmm_profile_task(to, t->kind, true);
        if (p)
            *p = t->profile;
    }
}

void vmm_load_profile(vmm *v, const vmm_profile *p)
{
    g_assert(!v->started && !v->earlier && p->n_pcpus == v->n_pcs && p->n_vms == v->vms->len);
    v->earlier = vmm_profile_new(p->n_pcpus, p->n_vms);
    v->earlier->n_events = p->n_events;
    memcpy(v->earlier->events, p->events, sizeof p->events);
    memcpy(v->earlier->pcpus, p->pcpus, p->n_pcpus * sizeof *p->pcpus);
    for (unsigned i = 0; i < p->n_vms; i++) {
        if (!p->vms[i].known)
            continue;
        v->earlier->vms[i].known = true;
        v->earlier->vms[i].smu = p->vms[i].smu;
        copy_tasks(((vmm_vm *)g_ptr_array_index(v->vms, i))->tasks, p->vms[i].tasks);
    }
}

vmm_profile *vmm_take_profile(const vmm *v)
{
    vmm_profile *p = vmm_profile_new(v->n_pcs, v->vms->len);
    for (unsigned i = 0; i < v->vms->len; i++) {
        p->vms[i].known = true;
        copy_tasks(p->vms[i].tasks, ((const vmm_vm *)g_ptr_array_index(v->vms, i))->tasks);
    }
    vmm_smu_profiles(v, p);
    return p;
}

bool vmm_all_ended(const vmm *v)
{
    return v->n_ended == v->vcpus->len;
}

void vmm_finish(vmm *v, sim_ps end)
{
    if (v->finished)
        return;
    v->finished = true;
    if (v->started && v->policy.finish)
        v->policy.finish(v->self);
    for (unsigned i = 0; i < v->n_pcs; i++)
        vmm_pc_close(&v->pcs[i], end);
    vmm_below_close(v, end);
    for (unsigned i = 0; i < v->vcpus->len; i++)
        vmm_vcpu_close(vmm_vcpu_at(v, i), end);
}

unsigned vmm_n_vms(const vmm *v)
{
    return v->vms->len;
}

bool vmm_failed(const vmm *v, GError **error)
{
    if (!v->strict || !v->n_bad)
        return false;
    g_set_error(error, SIM_ERROR, SIM_ERROR_POLICY, "%s", v->first_bad);
    return true;
}

void vmm_dump_policy(const vmm *v, void (*line)(void *user, const char *text), void *user)
{
    if (v->policy.dump)
        v->policy.dump(v->self, line, user);
}
