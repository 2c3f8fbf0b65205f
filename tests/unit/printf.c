/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted output, against the C library's.
 * unit: kernel/printf.c
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "kernel/machine.h"
#include "kernel/printf.h"
#include "kernel/types.h"

#include "tap.h"

#define ROOM 200

static char console[ROOM];
static size_t console_length;
static bool console_whole = true;
static bool interrupts = true;

void console_putc(char c)
{
    console_whole = console_whole && !interrupts;
    if (console_length < ROOM)
        console[console_length++] = c;
}

unsigned long machine_interrupts_disable(void)
{
    bool before = interrupts;

    interrupts = false;
    return before;
}

void machine_interrupts_restore(unsigned long flags)
{
    interrupts = flags;
}

/* Formats both ways into buffers of the size; true when all agrees and nothing behind was touched. */
#define same(size, ...) \
    ({ \
        char ours_[ROOM + 1], theirs_[ROOM + 1]; \
        memset(ours_, '~', sizeof ours_); \
        memset(theirs_, '~', sizeof theirs_); \
        int ours_length_ = ksnprintf(ours_, size, __VA_ARGS__); \
        int theirs_length_ = snprintf(theirs_, size, __VA_ARGS__); \
        bool same_ = ours_length_ == theirs_length_ && memcmp(ours_, theirs_, sizeof ours_) == 0; \
        if (!same_) \
            printf("# ours: %d '%.*s', theirs: %d '%.*s'\n", ours_length_, ROOM, ours_, theirs_length_, ROOM, theirs_); \
        same_; \
    })

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-zero-length"

static bool printf_test_number(const char *flags, const char *width, const char *precision)
{
    static const unsigned long long values[] = {0, 1, 7, 8, 9, 10, 255, 65535, 65536, 99999, 0x7fffffff, 0x80000000,
        0xffffffff, 0x100000000, 4294967295999, 0x123456789abcdef0, 0x7fffffffffffffff, 0x8000000000000000,
        0xffffffffffffffff};
    static const char letters[] = "diuxXo";
    bool good = true;

    for (const char *letter = letters; *letter != '\0'; letter++) {
        char plain[40], hh[40], h[40], l[40], ll[40], z[40];

        /* # goes with x, X and o only; the others leave it undefined. */
        if (strchr(flags, '#') != NULL && strchr("xXo", *letter) == NULL)
            continue;
        snprintf(plain, sizeof plain, "<%%%s%s%s%c>", flags, width, precision, *letter);
        snprintf(hh, sizeof hh, "<%%%s%s%shh%c>", flags, width, precision, *letter);
        snprintf(h, sizeof h, "<%%%s%s%sh%c>", flags, width, precision, *letter);
        snprintf(l, sizeof l, "<%%%s%s%sl%c>", flags, width, precision, *letter);
        snprintf(ll, sizeof ll, "<%%%s%s%sll%c>", flags, width, precision, *letter);
        snprintf(z, sizeof z, "<%%%s%s%sz%c>", flags, width, precision, *letter);
        for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
            good = same(ROOM, plain, (unsigned int)values[i]) && good;
            good = same(ROOM, hh, (int)values[i]) && good;
            good = same(ROOM, h, (int)values[i]) && good;
            good = same(ROOM, l, (unsigned long)values[i]) && good;
            good = same(ROOM, ll, values[i]) && good;
            good = same(ROOM, z, (size_t)values[i]) && good;
        }
    }
    return good;
}

static void printf_test_numbers(void)
{
    static const char *const flags[] = {"", "-", "0", "#", "-#", "0#"};
    static const char *const widths[] = {"", "1", "5", "12", "30"};
    static const char *const precisions[] = {"", ".", ".0", ".1", ".6", ".25"};
    bool good = true, random = true;

    for (size_t f = 0; f < ARRAY_LENGTH(flags); f++) {
        for (size_t w = 0; w < ARRAY_LENGTH(widths); w++) {
            for (size_t p = 0; p < ARRAY_LENGTH(precisions); p++)
                good = printf_test_number(flags[f], widths[w], precisions[p]) && good;
        }
    }
    tap_ok(good, "numbers with every flag, width, precision and length");
    for (unsigned int i = 0; i < 100000 && random; i++) {
        uint64_t value = ((uint64_t)tap_random(1ull << 32) << 32 | tap_random(1ull << 32)) >> tap_random(64);

        random = same(ROOM, "%llu %lld %llo", (unsigned long long)value, (long long)-value, (unsigned long long)value);
    }
    tap_ok(random, "random numbers");
}

static void printf_test_text(void)
{
    char open[3] = {'x', 'y', 'z'};
    const char *volatile none = NULL;
    char buffer[8] = "";

    tap_ok(same(ROOM, "plain") && same(ROOM, "") && same(ROOM, "100%% %c%5c%-5c|", 'a', 'b', 'c'), "text and characters");
    tap_ok(same(ROOM, "%s|%8s|%-8s|%.2s|%8.2s|%.0s|%-1s", "abc", "abc", "abc", "abc", "abc", "abc", "abc"), "strings");
    tap_ok(same(ROOM, "%.3s", open), "strings that do not end");
    tap_ok(same(ROOM, "%*d|%-*d|%*d|%.*d|%.*d|%.*s", 6, 1, 6, 2, -6, 3, 4, 4, -1, 5, 2, "abc"), "* as width and precision");
    tap_ok(ksnprintf(buffer, sizeof buffer, "%s", none) == 6 && strcmp(buffer, "(null)") == 0, "no string");
    ksnprintf(buffer, sizeof buffer, "%c|", 0);
    tap_ok(buffer[0] == '\0' && buffer[1] == '|' && buffer[2] == '\0', "the character zero");
}

static void printf_test_sizes(void)
{
    bool good = true;

    for (size_t size = 0; size < 20; size++)
        good = same(size, "%s %d", "truncated", 12345) && good;
    tap_ok(good, "buffers that are too small");
    tap_ok(ksnprintf(NULL, 0, "%d", 12345) == 5, "no buffer");
}

static void printf_test_rest(void)
{
    char buffer[ROOM];
    const char *unknown = "%k %5.2lq %";

    ksnprintf(buffer, ROOM, "%p", (void *)(uintptr_t)0x1234abcd);
    tap_ok(strcmp(buffer, sizeof(void *) == 8 ? "0x000000001234abcd" : "0x1234abcd") == 0, "addresses");
    ksnprintf(buffer, ROOM, unknown);
    tap_ok(strcmp(buffer, unknown) == 0, "what is no conversion stays");
    kprintf("%s %u\n", "number", 42u);
    tap_ok(console_length == 10 && memcmp(console, "number 42\n", 10) == 0, "the console");
    tap_ok(console_whole && interrupts, "interrupts are off while it prints, and on again");
}

int main(void)
{
    printf_test_numbers();
    printf_test_text();
    printf_test_sizes();
    printf_test_rest();
    return tap_done();
}
