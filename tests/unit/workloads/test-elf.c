/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include "sim-error.h"
#include "wl-elf.h"
#include "wl-linux.h"

#include <elf.h>
#include <string.h>

GUEST(plain, EXIT(0))

static GByteArray *plain_image(void)
{
    return test_elf_image(GUEST_CODE(plain), NULL);
}

static Elf64_Ehdr *header_of(GByteArray *image)
{
    return (Elf64_Ehdr *)(void *)image->data;
}

static Elf64_Phdr *segment_of(GByteArray *image, unsigned index)
{
    return (Elf64_Phdr *)(void *)(image->data + sizeof(Elf64_Ehdr)) + index;
}

/* Opening the image must fail with an input error that names the file and contains `words`. */
static void must_fail(GByteArray *image, const char *words)
{
    g_autoptr(GError) error = NULL;
    const char *path = test_write("bad.elf", image->data, image->len);
    wl_elf *elf = wl_elf_open(path, &error);
    ck_assert_msg(elf == NULL, "accepted; expected: %s", words);
    ck_assert(g_error_matches(error, SIM_ERROR, SIM_ERROR_INPUT));
    ck_assert_msg(g_str_has_prefix(error->message, path) && strstr(error->message, words), "'%s' lacks '%s'", error->message, words);
}

START_TEST(accepts_a_static_program)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(wl_elf) elf = wl_elf_open(test_elf(GUEST_CODE(plain), "x"), &error);
    ck_assert_msg(elf != NULL, "%s", error ? error->message : "");
    ck_assert_uint_eq(elf->entry, TEXT_AT);
    ck_assert_uint_eq(elf->n_segments, 2);
    ck_assert_uint_eq(elf->high, DATA_AT + DATA_SIZE);
}
END_TEST

START_TEST(names_what_is_wrong)
{
    g_autoptr(GByteArray) image = plain_image();
    const GByteArray *good = image;
    struct { const char *words; GByteArray *image; } bad[9];
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        bad[i].image = g_byte_array_new();
        g_byte_array_append(bad[i].image, good->data, good->len);
    }
    bad[0].words = "not an ELF file", bad[0].image->data[1] = 'X';
    bad[1].words = "32-bit", bad[1].image->data[EI_CLASS] = ELFCLASS32;
    bad[2].words = "AArch64", header_of(bad[2].image)->e_machine = EM_AARCH64;
    bad[3].words = "object file", header_of(bad[3].image)->e_type = ET_REL;
    bad[4].words = "entry point", header_of(bad[4].image)->e_entry = DATA_AT;
    bad[5].words = "outside user space", segment_of(bad[5].image, 1)->p_memsz = UINT64_MAX - 0x1000;
    bad[6].words = "truncated", segment_of(bad[6].image, 1)->p_offset = UINT64_MAX - 1, segment_of(bad[6].image, 1)->p_filesz = 4;
    bad[7].words = "overlaps", segment_of(bad[7].image, 1)->p_vaddr = TEXT_AT;
    bad[8].words = "larger in the file", segment_of(bad[8].image, 0)->p_memsz = 1;
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        must_fail(bad[i].image, bad[i].words);
        g_byte_array_unref(bad[i].image);
    }
}
END_TEST

START_TEST(names_the_interpreter)
{
    g_autoptr(GByteArray) image = plain_image();
    Elf64_Phdr *s = segment_of(image, 1);
    memcpy(image->data + 0x800, "/lib64/ld.so", 13);
    *s = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = 0x800, .p_filesz = 13, .p_memsz = 13 };
    must_fail(image, "/lib64/ld.so");
}
END_TEST

START_TEST(no_truncation_is_accepted)
{
    g_autoptr(GByteArray) image = plain_image();
    for (guint n = 0; n < image->len; n += n < 256 ? 1 : 37) {
        g_autoptr(GByteArray) cut = g_byte_array_new();
        g_byte_array_append(cut, image->data, n);
        must_fail(cut, n < 4 ? "not an ELF file" : "truncated");
    }
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(wl_elf_open("/nonexistent/guest", &error));
    ck_assert_ptr_nonnull(strstr(error->message, "/nonexistent/guest"));
    g_clear_error(&error);
    ck_assert_ptr_null(wl_elf_open(test_folder(), &error));
    ck_assert_ptr_nonnull(strstr(error->message, "not a regular file"));
}
END_TEST

/* Headers with random bytes changed are refused or loaded, and nothing worse. */
START_TEST(survives_damaged_headers)
{
    g_autoptr(GByteArray) image = test_elf_image(GUEST_CODE(plain), "text");
    uint64_t random = 1;
    for (unsigned round = 0; round < 3000; round++) {
        g_autoptr(GByteArray) bad = g_byte_array_new();
        g_byte_array_append(bad, image->data, image->len);
        for (unsigned k = 0; k < 1 + round % 4; k++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            bad->data[(random >> 33) % (sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr))] = (uint8_t)(random >> 25);
        }
        g_autoptr(GError) error = NULL;
        const char *path = test_write("fuzz.elf", bad->data, bad->len);
        g_autoptr(wl_elf) elf = wl_elf_open(path, &error);
        ck_assert((elf != NULL) != (error != NULL));
        if (!elf)
            continue;
        wl_guest_config config = test_config(path);
        wl_memory *memory = wl_memory_new(config.memory, NULL);
        wl_linux *lx = wl_linux_new(&config, elf, memory, &error);
        ck_assert((lx != NULL) != (error != NULL));
        wl_linux_free(lx);
        wl_memory_free(memory);
    }
}
END_TEST

START_TEST(too_little_memory)
{
    g_autoptr(GError) error = NULL;
    wl_guest_config config = test_config(test_elf(GUEST_CODE(plain), NULL));
    config.memory = 128 << 10;
    ck_assert_ptr_null(wl_guest_new(&config, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "128 KiB of memory"));
}
END_TEST

TCase *elf_tests(void)
{
    TCase *t = tcase_create("elf");
    tcase_add_test(t, accepts_a_static_program);
    tcase_add_test(t, names_what_is_wrong);
    tcase_add_test(t, names_the_interpreter);
    tcase_add_test(t, no_truncation_is_accepted);
    tcase_add_test(t, survives_damaged_headers);
    tcase_add_test(t, too_little_memory);
    tcase_set_timeout(t, 60);
    return t;
}
