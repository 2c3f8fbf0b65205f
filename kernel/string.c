/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and string functions.
 *
 * Memory is moved by words: bytes until the destination is aligned, then four words a turn, then single words, then
 * bytes. Sources are read where they are, aligned or not, which every processor this kernel runs on does in hardware; the
 * type string_word says so to the compiler, and that it may alias anything. Reads never go outside the given ranges.
 * Rejected: the string instructions, because this file is also part of programs for other machines (unit tests), and
 * because their start-up costs more than the loop for the few words that most calls move.
 * The file is compiled so that the compiler does not turn these loops into calls of the functions that they are.
 */
#include "kernel/string.h"

typedef unsigned long string_word __attribute__((may_alias, aligned(1)));

#define STRING_WORD sizeof(unsigned long)
/* Below this many bytes aligning costs more than it saves: at most a word of bytes, then not one whole turn. */
#define STRING_WORDS_FROM (4 * STRING_WORD)

void *memcpy(void *to, const void *from, size_t size)
{
    unsigned char *d = to;
    const unsigned char *s = from;

    if (size >= STRING_WORDS_FROM) {
        while ((uintptr_t)d % STRING_WORD != 0) {
            *d++ = *s++;
            size--;
        }
        for (; size >= 4 * STRING_WORD; size -= 4 * STRING_WORD) {
            string_word *dw = (string_word *)d;
            const string_word *sw = (const string_word *)s;
            unsigned long a = sw[0], b = sw[1], c = sw[2], e = sw[3];

            dw[0] = a;
            dw[1] = b;
            dw[2] = c;
            dw[3] = e;
            d += 4 * STRING_WORD;
            s += 4 * STRING_WORD;
        }
    }
    for (; size >= STRING_WORD; size -= STRING_WORD) {
        *(string_word *)d = *(const string_word *)s;
        d += STRING_WORD;
        s += STRING_WORD;
    }
    while (size-- > 0)
        *d++ = *s++;
    return to;
}

/* From the end down, for a destination that begins inside the source. */
static void string_move_down(unsigned char *to, const unsigned char *from, size_t size)
{
    unsigned char *d = to + size;
    const unsigned char *s = from + size;

    if (size >= STRING_WORDS_FROM) {
        while ((uintptr_t)d % STRING_WORD != 0) {
            *--d = *--s;
            size--;
        }
        for (; size >= STRING_WORD; size -= STRING_WORD) {
            d -= STRING_WORD;
            s -= STRING_WORD;
            *(string_word *)d = *(const string_word *)s;
        }
    }
    while (size-- > 0)
        *--d = *--s;
}

void *memmove(void *to, const void *from, size_t size)
{
    /*
     * memcpy writes a turn only after it has read it whole, in increasing order: a destination below the source never
     * overwrites what is still to be read, however near they are.
     */
    if ((uintptr_t)to - (uintptr_t)from >= size)
        return memcpy(to, from, size);
    string_move_down(to, from, size);
    return to;
}

void *memset(void *at, int byte, size_t size)
{
    unsigned char *d = at;

    if (size >= STRING_WORDS_FROM) {
        unsigned long word = (unsigned char)byte * (~0ul / 255); /* the byte in every place */

        while ((uintptr_t)d % STRING_WORD != 0) {
            *d++ = (unsigned char)byte;
            size--;
        }
        for (; size >= 4 * STRING_WORD; size -= 4 * STRING_WORD) {
            string_word *dw = (string_word *)d;

            dw[0] = word;
            dw[1] = word;
            dw[2] = word;
            dw[3] = word;
            d += 4 * STRING_WORD;
        }
        for (; size >= STRING_WORD; size -= STRING_WORD) {
            *(string_word *)d = word;
            d += STRING_WORD;
        }
    }
    while (size-- > 0)
        *d++ = (unsigned char)byte;
    return at;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *x = a, *y = b;

    while (size >= STRING_WORD && *(const string_word *)x == *(const string_word *)y) {
        x += STRING_WORD;
        y += STRING_WORD;
        size -= STRING_WORD;
    }
    for (; size > 0; x++, y++, size--) {
        if (*x != *y)
            return *x < *y ? -1 : 1;
    }
    return 0;
}

size_t strlen(const char *s)
{
    const char *end = s;

    while (*end != '\0')
        end++;
    return (size_t)(end - s);
}

size_t strnlen(const char *s, size_t most)
{
    size_t length = 0;

    while (length < most && s[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (int)(unsigned char)*a - (int)(unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t most)
{
    for (; most > 0; a++, b++, most--) {
        if (*a != *b)
            return (int)(unsigned char)*a - (int)(unsigned char)*b;
        if (*a == '\0')
            break;
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)(uintptr_t)s;
        if (*s == '\0')
            return NULL;
    }
}
