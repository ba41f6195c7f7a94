/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ChampSim's traces: one record for each instruction, no code. The size of an instruction is where the next one begins, as far as that
 * is known. */
#include "tr-import-champsim.h"
#include "tr-import-formats.h"
#include "tr-import-map.h"

#include "sim-error.h"

enum { MAX_INSN = 15, GUESSED_SIZE = 4, ACCESS_SIZE = 8, RECOGNISED = 64, MAX_SITES = 4 << 20 };

/* Both layouts in one. */
typedef struct {
    uint64_t ip;
    bool branch, taken;
    unsigned n_dst;        /* places: 2 or 4; sources: always 4 */
    const uint8_t *dst_regs, *src_regs;
    const uint64_t *dst_mem, *src_mem;
    uint64_t memory[8];    /* copies, aligned */
} record;

static void read_record(record *r, const uint8_t *bytes, bool cloudsuite)
{
    r->n_dst = cloudsuite ? 4 : 2;
    memcpy(&r->ip, bytes, sizeof r->ip);
    r->branch = bytes[8];
    r->taken = bytes[9];
    r->dst_regs = bytes + 10;
    r->src_regs = r->dst_regs + r->n_dst;
    memcpy(r->memory, bytes + (cloudsuite ? 24 : 16), (r->n_dst + 4) * sizeof(uint64_t));
    r->dst_mem = r->memory;
    r->src_mem = r->memory + r->n_dst;
}

/* ---- recognition ---------------------------------------------------------------------------------------------------------- */

/* Flags are 0 or 1, and most instructions are followed by the one behind them. */
static bool looks_like(const uint8_t *bytes, size_t n, bool cloudsuite)
{
    size_t size = cloudsuite ? sizeof(tr_cloudsuite_record) : sizeof(tr_champsim_record), records = MIN(n / size, (size_t)RECOGNISED);
    unsigned follows = 0, plain = 0;
    uint64_t before = 0;
    for (size_t i = 0; i < records; i++) {
        record r;
        const uint8_t *at = bytes + i * size;
        read_record(&r, at, cloudsuite);
        if (at[8] > 1 || at[9] > 1 || r.ip == 0)
            return false;
        if (cloudsuite && (at[18] | at[19] | at[20] | at[21] | at[22] | at[23]))
            return false;
        if (i && before) {
            plain++;
            follows += r.ip - before <= MAX_INSN;
        }
        before = r.taken ? 0 : r.ip;
    }
    return records && follows * 2 >= plain;
}

static bool recognise_champsim(const uint8_t *bytes, size_t n)
{
    return looks_like(bytes, n, false);
}

static bool recognise_cloudsuite(const uint8_t *bytes, size_t n)
{
    return looks_like(bytes, n, true);
}

/* ---- conversion ------------------------------------------------------------------------------------------------------------ */

typedef struct {
    tr_map sizes;   /* of instructions, where the one behind was seen */
    tr_import_insn waiting; /* its size is where the next one begins */
    record record;
    uint8_t bytes[sizeof(tr_cloudsuite_record)];
    bool has_waiting, cloudsuite;
} converter;

static unsigned copy_regs(uint8_t *to, unsigned room, const uint8_t *from, unsigned n)
{
    unsigned count = 0;
    for (unsigned i = 0; i < n && count < room; i++) {
        uint8_t reg = from[i] ? tr_champsim_to_reg(from[i]) : INSN_REG_NONE;
        bool known = reg == INSN_REG_NONE;
        for (unsigned k = 0; k < count; k++)
            known |= to[k] == reg;
        if (!known)
            to[count++] = reg;
    }
    return count;
}

static uint8_t plain_op(const record *r, const tr_import_insn *in)
{
    bool memory = false, vector = false, flags = false;
    for (unsigned i = 0; i < r->n_dst + 4; i++)
        memory |= r->memory[i] != 0;
    for (unsigned i = 0; i < 4; i++) {
        vector |= in->dst[i] >= INSN_REG_VEC && in->dst[i] < INSN_REG_FLAGS;
        flags |= in->dst[i] == INSN_REG_FLAGS;
    }
    return flags ? INSN_OP_INT : memory ? INSN_OP_MOVE : vector ? INSN_OP_VEC : INSN_OP_INT;
}

/* ChampSim knows no operations. A branch of no known kind counts as one when it was taken. */
static tr_import_insn describe(const record *r)
{
    tr_import_insn in = tr_import_bare(r->ip, GUESSED_SIZE, INSN_OP_MOVE);
    insn_op branch = tr_champsim_branch(r->dst_regs, r->n_dst, r->src_regs, 4);
    copy_regs(in.src, 4, r->src_regs, 4);
    copy_regs(in.dst, 4, r->dst_regs, r->n_dst);
    for (unsigned i = 0; i < r->n_dst + 4; i++)
        if (r->memory[i])
            memcpy(in.base, in.src, sizeof in.base); /* all sources: which of them make the address is not told */
    in.op = branch == INSN_OP_COUNT ? (r->taken ? INSN_OP_IJUMP : plain_op(r, &in)) : branch == INSN_OP_MOVE ? plain_op(r, &in) : (uint8_t)branch;
    return in;
}

/* Whether the destinations that are sources too come first and in the order of the sources: then they are told as read-modify-writes and
 * come back as they were. */
static unsigned modified(const record *r)
{
    unsigned from = 0, n = 0;
    for (; n < r->n_dst && r->dst_mem[n]; n++) {
        unsigned k = from;
        while (k < 4 && r->src_mem[k] != r->dst_mem[n])
            k++;
        if (k == 4)
            break;
        from = k + 1;
    }
    for (unsigned i = n; i < r->n_dst; i++)
        for (unsigned k = 0; k < 4; k++)
            if (r->dst_mem[i] && r->dst_mem[i] == r->src_mem[k])
                return 0;
    return n;
}

static bool put_accesses(tr_import_run *run, const record *r, GError **error)
{
    unsigned n_modified = modified(r), m = 0;
    for (unsigned i = 0; i < 4; i++) {
        bool both = m < n_modified && r->src_mem[i] == r->dst_mem[m];
        m += both;
        if (r->src_mem[i] && !tr_blocks_access(run->blocks, r->src_mem[i], ACCESS_SIZE, both ? INSN_ACCESS_LOAD | INSN_ACCESS_STORE : INSN_ACCESS_LOAD, error))
            return false;
    }
    for (unsigned i = n_modified; i < r->n_dst; i++)
        if (r->dst_mem[i] && !tr_blocks_access(run->blocks, r->dst_mem[i], ACCESS_SIZE, INSN_ACCESS_STORE, error))
            return false;
    return true;
}

/* The size of the waiting instruction, before `next`; no guess may make a jump look as if it had not been taken. */
static uint8_t size_of(converter *c, uint64_t next)
{
    uint64_t ip = c->waiting.addr, gap = next - ip;
    bool jumped = c->waiting.op >= INSN_OP_COND && (c->waiting.op != INSN_OP_COND || c->record.taken);
    uint32_t known = tr_map_get(&c->sizes, ip);
    if (!jumped && gap >= 1 && gap <= MAX_INSN) {
        if (known != gap && (known || c->sizes.n < MAX_SITES))
            tr_map_put(&c->sizes, ip, (uint32_t)gap);
        return (uint8_t)gap;
    }
    uint8_t size = known ? (uint8_t)known : GUESSED_SIZE;
    return size != gap ? size : size == 2 ? 3 : 2;
}

static bool put_waiting(tr_import_run *run, converter *c, uint64_t next, GError **error)
{
    if (!c->has_waiting)
        return true;
    c->waiting.size = size_of(c, next);
    return tr_blocks_insn(run->blocks, &c->waiting, error) && put_accesses(run, &c->record, error);
}

static bool bad_record(tr_import_run *run, uint64_t number, const char *what, GError **error)
{
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: record %" G_GUINT64_FORMAT ": %s: this is no ChampSim trace, or one of another layout",
                tr_input_name(run->input), number, what);
    return false;
}

static bool convert(tr_import_run *run, converter *c, GError **error)
{
    size_t size = c->cloudsuite ? sizeof(tr_cloudsuite_record) : sizeof(tr_champsim_record);
    uint64_t number = 0;
    const uint8_t *bytes;
    int got;
    while ((got = tr_input_record(run->input, size, "record", &number, &bytes, error)) > 0) {
        if (bytes[8] > 1 || bytes[9] > 1)
            return bad_record(run, number - 1, bytes[8] > 1 ? "is_branch is neither 0 nor 1" : "branch_taken is neither 0 nor 1", error);
        record next;
        read_record(&next, bytes, c->cloudsuite);
        if (!put_waiting(run, c, next.ip, error))
            return false;
        if (c->has_waiting && tr_blocks_full(run->blocks)) {
            c->has_waiting = false;
            return true;
        }
        memcpy(c->bytes, bytes, size);
        read_record(&c->record, c->bytes, c->cloudsuite);
        c->waiting = describe(&c->record);
        c->has_waiting = true;
    }
    return got == 0 && put_waiting(run, c, UINT64_MAX, error);
}

static bool read_any(tr_import_run *run, bool cloudsuite, GError **error)
{
    converter c = { .cloudsuite = cloudsuite };
    tr_map_init(&c.sizes);
    bool ok = convert(run, &c, error);
    tr_map_clear(&c.sizes);
    return ok;
}

static bool read_champsim(tr_import_run *run, GError **error)
{
    return read_any(run, false, error);
}

static bool read_cloudsuite(tr_import_run *run, GError **error)
{
    return read_any(run, true, error);
}

#define NOTES "Every access has 8 bytes; every source register makes the address.\n" \
              "Operations are not told: those that write flags or no memory take one cycle, the rest are moves.\n" \
              "An instruction's size is the distance to the one that was executed behind it, or 4."

const tr_import_format tr_import_champsim = {
    .name = "champsim", .notes = NOTES, .recognise = recognise_champsim, .read = read_champsim,
};

const tr_import_format tr_import_cloudsuite = {
    .name = "champsim-cloudsuite", .notes = NOTES, .recognise = recognise_cloudsuite, .read = read_cloudsuite,
};
