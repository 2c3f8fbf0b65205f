/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatting, and printing in whole lines.
 *
 * Whatever is formatted goes byte by byte to a sink, which is a bounded string or the running thread's line. 64-bit numbers
 * are divided in two steps by the processor's own instruction, so no compiler's library is needed.
 */
#include <mach/mach_traps.h>
#include <print.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <uthread.h>

struct print_sink {
    void (*put)(struct print_sink *sink, char c);
    char *to;
    size_t size;
    size_t length;              /* of all that was put */
};

/* One conversion: what stood between % and its letter. */
struct print_spec {
    bool left, zero, is_signed, upper;
    unsigned int width;
    int precision;              /* -1: none */
    int size;                   /* 0, 1 for long, 2 for long long; -1 for short */
};

static void print_put(struct print_sink *sink, char c)
{
    sink->put(sink, c);
    sink->length++;
}

static void print_pad(struct print_sink *sink, char c, unsigned int from, unsigned int to)
{
    for (; from < to; from++)
        print_put(sink, c);
}

static void print_text(struct print_sink *sink, const struct print_spec *spec, const char *text)
{
    if (text == NULL)
        text = "(null)";
    size_t length = spec->precision < 0 ? strlen(text) : strnlen(text, (size_t)spec->precision);

    if (!spec->left)
        print_pad(sink, ' ', length, spec->width);
    for (size_t i = 0; i < length; i++)
        print_put(sink, text[i]);
    if (spec->left)
        print_pad(sink, ' ', length, spec->width);
}

/* *value becomes the quotient; returns the remainder. */
static unsigned int print_divide(uint64_t *value, unsigned int base)
{
    uint32_t high = (uint32_t)(*value >> 32), low = (uint32_t)*value, rest = high % base;

    high /= base;
    __asm__("divl %2" : "+a"(low), "+d"(rest) : "rm"(base));
    *value = (uint64_t)high << 32 | low;
    return rest;
}

static void print_number(struct print_sink *sink, const struct print_spec *spec, uint64_t value, unsigned int base)
{
    const char *letters = spec->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[24];
    unsigned int length = 0;
    bool negative = spec->is_signed && (int64_t)value < 0;

    if (negative)
        value = -value;
    do {
        digits[length++] = letters[print_divide(&value, base)];
    } while (value != 0);
    unsigned int shown = length + negative;
    if (!spec->left && !spec->zero)
        print_pad(sink, ' ', shown, spec->width);
    if (negative)
        print_put(sink, '-');
    if (!spec->left && spec->zero)
        print_pad(sink, '0', shown, spec->width);
    while (length > 0)
        print_put(sink, digits[--length]);
    if (spec->left)
        print_pad(sink, ' ', shown, spec->width);
}

/* Reads flags, width, precision and size; returns where the letter stands. */
static const char *print_parse(const char *format, struct print_spec *spec)
{
    *spec = (struct print_spec){.precision = -1};
    for (;; format++) {
        if (*format == '-')
            spec->left = true;
        else if (*format == '0')
            spec->zero = true;
        else
            break;
    }
    for (; *format >= '0' && *format <= '9'; format++)
        spec->width = spec->width * 10 + (unsigned int)(*format - '0');
    if (*format == '.')
        for (format++, spec->precision = 0; *format >= '0' && *format <= '9'; format++)
            spec->precision = spec->precision * 10 + (*format - '0');
    for (;; format++) {
        if (*format == 'l')
            spec->size++;
        else if (*format == 'h')
            spec->size = -1;
        else if (*format != 'z')
            return format;
    }
}

static uint64_t print_argument(const struct print_spec *spec, va_list *arguments)
{
    if (spec->size >= 2)
        return va_arg(*arguments, uint64_t);
    uint32_t word = va_arg(*arguments, uint32_t);
    if (spec->size < 0)
        word = spec->is_signed ? (uint32_t)(int16_t)word : (uint16_t)word;
    return spec->is_signed ? (uint64_t)(int64_t)(int32_t)word : word;
}

static void print_format(struct print_sink *sink, const char *format, va_list *arguments)
{
    struct print_spec spec;
    char text[2] = {0, 0};

    for (; *format != '\0'; format++) {
        if (*format != '%') {
            print_put(sink, *format);
            continue;
        }
        format = print_parse(format + 1, &spec);
        switch (*format) {
        case 'd':
        case 'i':
            spec.is_signed = true;
            print_number(sink, &spec, print_argument(&spec, arguments), 10);
            break;
        case 'u':
            print_number(sink, &spec, print_argument(&spec, arguments), 10);
            break;
        case 'X':
        case 'x':
            spec.upper = *format == 'X';
            print_number(sink, &spec, print_argument(&spec, arguments), 16);
            break;
        case 'p':
            print_put(sink, '0');
            print_put(sink, 'x');
            print_number(sink, &spec, va_arg(*arguments, uintptr_t), 16);
            break;
        case 'c':
            text[0] = (char)va_arg(*arguments, int);
            print_text(sink, &spec, text);
            break;
        case 's':
            print_text(sink, &spec, va_arg(*arguments, const char *));
            break;
        case '\0':
            return;
        default:
            print_put(sink, *format);
            break;
        }
    }
}

static void print_put_string(struct print_sink *sink, char c)
{
    if (sink->length + 1 < sink->size)
        sink->to[sink->length] = c;
}

int vsnprintf(char *to, size_t size, const char *format, va_list arguments)
{
    struct print_sink sink = {print_put_string, to, size, 0};
    va_list copy;

    va_copy(copy, arguments);
    print_format(&sink, format, &copy);
    va_end(copy);
    if (size > 0)
        to[sink.length < size ? sink.length : size - 1] = '\0';
    return (int)sink.length;
}

int snprintf(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return length;
}

static void print_put_line(struct print_sink *sink, char c)
{
    struct uthread *self = uthread_self();

    (void)sink;
    self->line[self->line_length++] = c;
    if (c == '\n' || self->line_length == PRINT_LINE_MAX) {
        self->line[self->line_length] = '\0';
        mach_print(self->line);
        self->line_length = 0;
    }
}

int vprintf(const char *format, va_list arguments)
{
    struct print_sink sink = {print_put_line, NULL, 0, 0};
    va_list copy;

    va_copy(copy, arguments);
    print_format(&sink, format, &copy);
    va_end(copy);
    return (int)sink.length;
}

int printf(const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vprintf(format, arguments);
    va_end(arguments);
    return length;
}
