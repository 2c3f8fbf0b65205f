/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strings and memory. The processor's own instructions move and fill: they are short, and fast enough everywhere.
 */
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *start = to;
    size_t words = size / 4, rest = size % 4;

    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t size)
{
    char *target = to;
    const char *source = from;

    if (target <= source || target >= source + size)
        return memcpy(to, from, size);
    while (size > 0) {
        size--;
        target[size] = source[size];
    }
    return to;
}

void *memset(void *start, int byte, size_t size)
{
    void *at = start;
    size_t words = size / 4, rest = size % 4;

    __asm__ volatile("rep stosl" : "+D"(at), "+c"(words) : "a"((unsigned char)byte * 0x01010101u) : "memory");
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(rest) : "a"(byte) : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *left = a, *right = b;

    for (size_t i = 0; i < size; i++)
        if (left[i] != right[i])
            return left[i] - right[i];
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0')
        length++;
    return length;
}

size_t strnlen(const char *text, size_t most)
{
    size_t length = 0;

    while (length < most && text[length] != '\0')
        length++;
    return length;
}

int strncmp(const char *a, const char *b, size_t most)
{
    for (size_t i = 0; i < most; i++)
        if (a[i] != b[i] || a[i] == '\0')
            return (unsigned char)a[i] - (unsigned char)b[i];
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, (size_t)-1);
}

char *strchr(const char *text, int character)
{
    while (*text != (char)character) {
        if (*text == '\0')
            return NULL;
        text++;
    }
    return (char *)text;
}
