/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and string functions: every small size at every alignment, against one byte at a time; nothing outside is read
 * (the memory ends where the sanitizer sees it) or written.
 */
#include <stdlib.h>
#include <string.h>

/* The kernel's have the C library's names; here they get their own. */
#define memcpy string_memcpy
#define memmove string_memmove
#define memset string_memset
#define memcmp string_memcmp
#define strlen string_strlen
#define strnlen string_strnlen
#define strcmp string_strcmp
#define strncmp string_strncmp
#define strchr string_strchr
#include "kernel/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr

#include "tap.h"

#define ALIGNMENTS 9
#define SIZES 150
#define ROOM 400

static unsigned char before[ROOM], after[ROOM], expected[ROOM];

static void string_test_fill(unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)tap_random(256);
}

/* memmove and memcpy between two places of one buffer. */
static bool string_test_copy(void *(*copy)(void *, const void *, size_t), size_t to, size_t from, size_t size)
{
    string_test_fill(before, ROOM);
    for (size_t i = 0; i < ROOM; i++)
        after[i] = expected[i] = before[i];
    for (size_t i = 0; i < size; i++)
        expected[to + i] = before[from + i];
    return copy(after + to, after + from, size) == after + to && memcmp(after, expected, ROOM) == 0;
}

static void string_test_copies(void)
{
    bool good = true, down = true, up = true;

    for (size_t size = 0; size < SIZES; size++) {
        for (size_t to = 0; to < ALIGNMENTS; to++) {
            for (size_t from = 0; from < ALIGNMENTS; from++) {
                good = good && string_test_copy(string_memcpy, 200 + to, from, size);
                good = good && string_test_copy(string_memmove, to, 200 + from, size);
            }
        }
    }
    tap_ok(good, "memcpy and memmove of separate ranges");
    for (size_t size = 0; size < SIZES; size++) {
        for (size_t distance = 0; distance < 20; distance++) {
            for (size_t at = 0; at < ALIGNMENTS; at++) {
                down = down && string_test_copy(string_memmove, at, at + distance, size);
                up = up && string_test_copy(string_memmove, at + distance, at, size);
            }
        }
    }
    tap_ok(down, "memmove downwards, overlapping");
    tap_ok(up, "memmove upwards, overlapping");
}

static void string_test_set(void)
{
    bool good = true;

    for (size_t size = 0; size < SIZES; size++) {
        for (size_t at = 0; at < ALIGNMENTS; at++) {
            int byte = (int)tap_random(1000) - 500;

            string_test_fill(after, ROOM);
            for (size_t i = 0; i < ROOM; i++)
                expected[i] = i >= at && i < at + size ? (unsigned char)byte : after[i];
            good = good && string_memset(after + at, byte, size) == after + at && memcmp(after, expected, ROOM) == 0;
        }
    }
    tap_ok(good, "memset");
}

static int string_test_sign(int value)
{
    return (value > 0) - (value < 0);
}

static void string_test_compare(void)
{
    bool good = true;

    for (size_t size = 0; size < 40; size++) {
        for (size_t at = 0; at < ALIGNMENTS; at++) {
            for (size_t different = 0; different <= size; different++) {
                /* Memory of just this size, so that a read behind it is caught. */
                unsigned char *a = malloc(size + at), *b = malloc(size + at);

                string_test_fill(a, size + at);
                memcpy(b, a, size + at);
                if (different < size)
                    b[at + different] = (unsigned char)tap_random(256);
                good = good && string_test_sign(string_memcmp(a + at, b + at, size)) ==
                                   string_test_sign(memcmp(a + at, b + at, size));
                free(a);
                free(b);
            }
        }
    }
    tap_ok(good, "memcmp");
}

static void string_test_strings(void)
{
    static const char *const strings[] = {"", "a", "ab", "abc", "abd", "b", "\xff", "a\xff", "longer than a word or two"};
    bool length = true, compare = true, find = true;

    for (size_t i = 0; i < ARRAY_LENGTH(strings); i++) {
        const char *a = strings[i];

        length = length && string_strlen(a) == strlen(a);
        for (size_t most = 0; most < 30; most++)
            length = length && string_strnlen(a, most) == strnlen(a, most);
        for (size_t j = 0; j < ARRAY_LENGTH(strings); j++) {
            const char *b = strings[j];

            compare = compare && string_test_sign(string_strcmp(a, b)) == string_test_sign(strcmp(a, b));
            for (size_t most = 0; most < 6; most++)
                compare = compare && string_test_sign(string_strncmp(a, b, most)) ==
                                         string_test_sign(strncmp(a, b, most));
        }
        for (int c = 0; c < 256; c++)
            find = find && string_strchr(a, c) == strchr(a, c);
    }
    char open[3] = {'x', 'y', 'z'};
    length = length && string_strnlen(open, 3) == 3;
    tap_ok(length, "strlen and strnlen");
    tap_ok(compare, "strcmp and strncmp");
    tap_ok(find, "strchr, of the terminating zero too");
    tap_ok(string_strncmp(open, open, 3) == 0, "strncmp of what does not end");
}

int main(void)
{
    string_test_copies();
    string_test_set();
    string_test_compare();
    string_test_strings();
    return tap_done();
}
