/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quanta throughput: the core model alone, on a basic block or a function. */
#include "cli-throughput.h"
#include "run-file.h"
#include "run-json.h"
#include "wl-symbol.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    char *machine, *core, *file, *elf, *function, *batch, *json, *repeat;
    char **set;
} options;

/* ---- input ----------------------------------------------------------------------------------------------------------- */

uint8_t *cli_throughput_hex(const char *text, gsize *size, GError **error)
{
    GByteArray *bytes = g_byte_array_new();
    for (const char *s = text; *s;) {
        if (g_ascii_isspace(*s)) {
            s++;
            continue;
        }
        int high = g_ascii_xdigit_value(s[0]), low = high < 0 ? -1 : g_ascii_xdigit_value(s[1]);
        if (low < 0) {
            const char *wrong = high < 0 ? s : s + 1;
            if (*wrong && !g_ascii_isspace(*wrong))
                g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "character %u: '%c' is not a hexadecimal digit", (unsigned)(wrong - text) + 1,
                            g_ascii_isprint(*wrong) ? *wrong : '?');
            else
                g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "character %u: a byte with one hexadecimal digit; each has two", (unsigned)(s - text) + 1);
            g_byte_array_unref(bytes);
            return NULL;
        }
        uint8_t byte = (uint8_t)(high << 4 | low);
        g_byte_array_append(bytes, &byte, 1);
        s += 2;
    }
    *size = bytes->len;
    g_byte_array_append(bytes, (const uint8_t *)"", 1);
    return g_byte_array_free(bytes, FALSE);
}

GArray *cli_throughput_list(const uint8_t *bytes, gsize size, uint64_t addr, GError **error)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(cli_insn));
    for (gsize at = 0; at < size;) {
        cpu_block block = {0};
        insn_instruction in;
        cpu_decode_block(&block, addr + at, bytes + at, (uint16_t)MIN(size - at, 15u), 0, NULL, 0);
        bool good = cpu_describe(&block, 0, &in) && strcmp(in.text, "(bad)") != 0 && in.size > 0;
        cpu_block_clear(&block);
        if (!good) {
            g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "offset %" G_GSIZE_FORMAT ": byte 0x%02x begins no x86-64 instruction%s", at, bytes[at],
                        size - at < 15 ? " that is whole" : "");
            g_array_unref(list);
            return NULL;
        }
        cli_insn insn = {.addr = addr + at, .target = in.target, .at = (uint32_t)at, .size = in.size, .op = in.op};
        g_strlcpy(insn.text, in.text, sizeof insn.text);
        g_array_append_val(list, insn);
        at += in.size;
    }
    return list;
}

/* ---- measuring ------------------------------------------------------------------------------------------------------- */

bool cli_throughput_measure(const cpu_core_desc *core, const uint8_t *bytes, gsize size, uint64_t addr, cpu_repeat repeat, bool detail, cli_measured *out,
                            GError **error)
{
    *out = (cli_measured){.core = core};
    if (size == 0) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "the block is empty");
        return false;
    }
    if (size > CLI_BLOCK_BYTES) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "the block has %" G_GSIZE_FORMAT " bytes; at most %d are taken", size, CLI_BLOCK_BYTES);
        return false;
    }
    cpu_block block = {0};
    cpu_decode_block(&block, addr, bytes, (uint16_t)size, 0, NULL, 0);
    /* Only a block with something unknown in it may have undecodable bytes. */
    g_autoptr(GArray) list = block.unknown ? cli_throughput_list(bytes, size, addr, error) : NULL;
    bool good = !block.unknown || list;
    if (good) {
        out->block = cpu_uarch_expand(core, &block);
        out->uops = detail ? g_new0(cpu_throughput_uop, MAX(out->block->n_uops, 1)) : NULL;
        cpu_throughput_measure(core, out->block, repeat, &out->result, out->uops);
    }
    cpu_block_clear(&block);
    return good;
}

void cli_measured_clear(cli_measured *m)
{
    if (m->block)
        cpu_xblock_free(m->block);
    g_free(m->uops);
    *m = (cli_measured){0};
}

/* ---- one block, or a function's ------------------------------------------------------------------------------------- */

typedef struct {
    const char *machine;
    const cpu_core_desc *core;
    cpu_repeat repeat;
    bool print;
    JsonArray *json; /* or NULL */
} output;

static bool one_block(const output *o, const uint8_t *bytes, gsize size, uint64_t addr, const char *name, GError **error)
{
    cli_measured m;
    g_autoptr(GArray) list = size && size <= CLI_BLOCK_BYTES ? cli_throughput_list(bytes, size, addr, error) : NULL;
    if ((size && size <= CLI_BLOCK_BYTES && !list) || !cli_throughput_measure(o->core, bytes, size, addr, o->repeat, true, &m, error))
        return false;
    if (o->print && name)
        printf("%s\n", name);
    if (o->print)
        cli_throughput_print(o->machine, &m, list);
    if (o->json) {
        JsonObject *block = cli_throughput_json(&m, list, bytes);
        if (name)
            json_object_set_string_member(block, "name", name);
        json_array_add_object_element(o->json, block);
    }
    cli_measured_clear(&m);
    return true;
}

static bool is_branch(const cli_insn *in)
{
    return in->op >= INSN_OP_COND && in->op <= INSN_OP_ICALL;
}

/* Offsets at which basic blocks begin, in order: a set bit per byte would do, but functions are small. */
static GArray *block_starts(const GArray *list, uint64_t addr, gsize size)
{
    g_autofree uint8_t *starts = g_new0(uint8_t, size + 1);
    GArray *out = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    starts[0] = 1;
    for (unsigned i = 0; i < list->len; i++) {
        const cli_insn *in = &g_array_index(list, cli_insn, i);
        if (!is_branch(in))
            continue;
        starts[in->at + in->size] = 1;
        if (in->target >= addr && in->target - addr < size)
            starts[in->target - addr] = 1;
    }
    uint32_t last = 0;
    for (unsigned i = 0; i < list->len; i++) {
        uint32_t at = g_array_index(list, cli_insn, i).at, end = at + g_array_index(list, cli_insn, i).size;
        if (starts[at] || end - last > CLI_BLOCK_BYTES) {
            g_array_append_val(out, at);
            last = at;
        }
    }
    return out;
}

static bool function_blocks(const output *o, const uint8_t *bytes, gsize size, uint64_t addr, const char *function, GError **error)
{
    g_autoptr(GArray) list = cli_throughput_list(bytes, size, addr, error);
    if (!list)
        return false;
    g_autoptr(GArray) starts = block_starts(list, addr, size);
    for (unsigned i = 0; i < starts->len; i++) {
        uint32_t at = g_array_index(starts, uint32_t, i), end = i + 1 < starts->len ? g_array_index(starts, uint32_t, i + 1) : (uint32_t)size;
        g_autofree char *name = g_strdup_printf("%s%s+0x%x:", i && o->print ? "\n" : "", function, at);
        if (!one_block(o, bytes + at, end - at, addr + at, name, error))
            return false;
    }
    return true;
}

/* ---- the command ----------------------------------------------------------------------------------------------------- */

static const cpu_core_desc *choose_core(const cpu_machine *m, const char *name, GError **error)
{
    const char *names[CPU_MAX_KINDS + 1] = {NULL};
    if (!name)
        return &m->kinds[m->core_kind[0]];
    for (unsigned i = 0; i < m->n_kinds; i++) {
        if (strcmp(m->kinds[i].name, name) == 0)
            return &m->kinds[i];
        names[i] = m->kinds[i].name;
    }
    g_autofree char *hint = sim_suggest(name, names);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "--core: machine '%s' has no kind of core '%s'%s", m->name, name, hint);
    return NULL;
}

static bool run_blocks(const options *opt, const output *o, const char *hex, GError **error)
{
    g_autofree uint8_t *bytes = NULL;
    gsize size = 0;
    uint64_t addr = 0;
    if (opt->elf) {
        if (!wl_symbol_read(opt->elf, opt->function, &bytes, &size, &addr, error))
            return false;
        if (size == 0) {
            g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: '%s' has no bytes", opt->elf, opt->function);
            return false;
        }
        if (function_blocks(o, bytes, size, addr, opt->function, error))
            return true;
        g_prefix_error(error, "%s: %s: ", opt->elf, opt->function);
        return false;
    }
    if (opt->file) {
        char *text;
        if (!g_file_get_contents(opt->file, &text, &size, error)) {
            (*error)->domain = SIM_ERROR;
            (*error)->code = SIM_ERROR_INPUT;
            return false;
        }
        bytes = (uint8_t *)text;
    } else {
        bytes = cli_throughput_hex(hex, &size, error);
    }
    if (bytes && one_block(o, bytes, size, 0, NULL, error))
        return true;
    g_prefix_error(error, "%s: ", opt->file ? opt->file : "the block");
    return false;
}

static int write_json(const output *o, const char *path, const char *function)
{
    JsonObject *root = json_object_new();
    json_object_set_string_member(root, "schema", "quanta-throughput/1");
    json_object_set_string_member(root, "machine", o->machine);
    json_object_set_string_member(root, "core", o->core->name);
    if (function)
        json_object_set_string_member(root, "function", function);
    json_object_set_array_member(root, "blocks", json_array_ref(o->json));
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), root);
    json_object_unref(root);
    g_autofree char *text = run_json_text(node);
    GError *error = NULL;
    return run_file_write(path, text, strlen(text), &error) ? SIM_EXIT_OK : cli_fail(error);
}

static int execute(const char *command, const options *opt, int argc, char **argv)
{
    static const char *const repeats[] = {"auto", "unroll", "loop", NULL};
    unsigned repeat = 0, sources = (unsigned)(argc > 1) + (opt->file != NULL) + (opt->elf != NULL) + (opt->batch != NULL);
    GError *error = NULL;
    if (argc > 2)
        return cli_usage(command, "unexpected argument '%s'; the digits of a block are one argument", argv[2]);
    if (sources != 1)
        return sources ? cli_usage(command, "one of HEX, --file, --elf and --batch, not several")
                       : cli_usage(command, "which block? valid: HEX, --file, --elf with --function, --batch");
    if ((opt->elf != NULL) != (opt->function != NULL))
        return cli_usage(command, "--elf and --function need each other");
    if (opt->batch && opt->json)
        return cli_usage(command, "--batch prints CSV; --json does not go with it");
    while (opt->repeat && repeats[repeat] && strcmp(repeats[repeat], opt->repeat) != 0)
        repeat++;
    if (!repeats[repeat]) {
        g_autofree char *hint = sim_suggest(opt->repeat, repeats);
        return cli_usage(command, "--repeat: there is no way '%s'%s", opt->repeat, hint);
    }
    if (opt->json && !run_file_check(opt->json, &error))
        return cli_fail(error);
    g_autoptr(cpu_machine) machine = cpu_machine_load(opt->machine ? opt->machine : "skylake", (const char *const *)opt->set, &error);
    const cpu_core_desc *core = machine ? choose_core(machine, opt->core, &error) : NULL;
    if (!core)
        return cli_fail(error);
    if (opt->batch)
        return cli_throughput_batch(opt->batch, core, (cpu_repeat)repeat);
    g_autoptr(JsonArray) json = opt->json ? json_array_new() : NULL;
    output o = {machine->name, core, (cpu_repeat)repeat, !opt->json || strcmp(opt->json, "-") != 0, json};
    if (!run_blocks(opt, &o, argc > 1 ? argv[1] : NULL, &error))
        return cli_fail(error);
    return opt->json ? write_json(&o, opt->json, opt->function) : SIM_EXIT_OK;
}

int cli_throughput(const char *command, int argc, char **argv)
{
    options opt = {0};
    const GOptionEntry entries[] = {
        {"machine", 0, 0, G_OPTION_ARG_STRING, &opt.machine, "the machine (quanta list machines; default: skylake), or the path of a machine file", "NAME"},
        {"core", 0, 0, G_OPTION_ARG_STRING, &opt.core, "the kind of core, where the machine has several (default: that of its first core)", "KIND"},
        {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &opt.set, "override a key of the machine file; may be repeated", "GROUP.KEY=VALUE"},
        {"file", 0, 0, G_OPTION_ARG_FILENAME, &opt.file, "the block's machine code as it is in memory", "FILE"},
        {"elf", 0, 0, G_OPTION_ARG_FILENAME, &opt.elf, "the basic blocks of a function in an ELF file", "FILE"},
        {"function", 0, 0, G_OPTION_ARG_STRING, &opt.function, "the function's symbol", "NAME"},
        {"batch", 0, 0, G_OPTION_ARG_FILENAME, &opt.batch, "all blocks of a CSV file's column 'hex'; - is standard input; prints CSV", "FILE.csv"},
        {"repeat", 0, 0, G_OPTION_ARG_STRING, &opt.repeat, "auto, unroll (copies in a row) or loop; auto: loop when the block ends in a branch", "WAY"},
        {"json", 0, 0, G_OPTION_ARG_FILENAME, &opt.json, "write the result as JSON; - is standard output", "FILE"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    if (cli_options_parse(command, entries, &argc, &argv, &status))
        status = execute(command, &opt, argc, argv);
    char *owned[] = {opt.machine, opt.core, opt.file, opt.elf, opt.function, opt.batch, opt.json, opt.repeat};
    for (unsigned i = 0; i < G_N_ELEMENTS(owned); i++)
        g_free(owned[i]);
    g_strfreev(opt.set);
    return status;
}
