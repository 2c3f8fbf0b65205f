/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted output.
 *
 * One routine reads the format and gives characters one by one to a sink: the console, or a buffer that ends. Numbers
 * are made digit by digit from the end into a small array that holds the longest there can be. 64-bit numbers are
 * divided in steps of 16 bits, because the kernel is not linked with a library that divides them.
 *
 * A conversion that is not known is written as it stands, so that a mistake in a message is seen; its argument is not
 * taken, and what follows may be wrong. The compiler checks the formats of all callers.
 */
#include "kernel/printf.h"

#include "kernel/machine.h"
#include "kernel/string.h"

struct printf_sink {
    void (*put)(struct printf_sink *sink, char c);
    char *buffer;
    size_t size;                /* room in buffer, without the terminating zero */
    size_t length;              /* characters so far, also those that found no room */
};

enum printf_flags {
    PRINTF_LEFT = 1,
    PRINTF_ZERO = 2,
    PRINTF_ALTERNATE = 4,
    PRINTF_UPPER = 8,
    PRINTF_PRECISION = 16,      /* one was given */
};

enum printf_length {
    PRINTF_CHAR,
    PRINTF_SHORT,
    PRINTF_INT,
    PRINTF_LONG,
    PRINTF_LONG_LONG,
    PRINTF_SIZE,
};

struct printf_spec {
    unsigned int flags;
    enum printf_length length;
    size_t width;
    size_t precision;
};

/* va_list is an array on some machines, which a pointer to it cannot be made from in a function that was passed it. */
struct printf_arguments {
    va_list list;
};

#define PRINTF_INT_MAX ((int)(~0u >> 1))

/* The longest number: 64 bits in octal, rounded up. */
#define PRINTF_DIGITS 22

static void printf_put_console(struct printf_sink *sink, char c)
{
    sink->length++;
    console_putc(c);
}

static void printf_put_buffer(struct printf_sink *sink, char c)
{
    if (sink->length < sink->size)
        sink->buffer[sink->length] = c;
    sink->length++;
}

static void printf_repeat(struct printf_sink *sink, char c, size_t count)
{
    while (count-- > 0)
        sink->put(sink, c);
}

/* Divides *value by base and returns the remainder. */
static unsigned int printf_divide(uint64_t *value, unsigned int base)
{
    uint32_t high = (uint32_t)(*value >> 32), low = (uint32_t)*value, rest;

    if (high == 0) {
        *value = low / base;
        return low % base;
    }
    uint32_t step = (high % base) << 16 | low >> 16; /* base is at most 16: no bits are lost */
    uint32_t middle = step / base;
    rest = (step % base) << 16 | (low & 0xffff);
    *value = (uint64_t)(high / base) << 32 | (middle << 16) | rest / base;
    return rest % base;
}

/* prefix, zeroes up to the precision or width, digits; in a field. */
static void printf_number(struct printf_sink *sink, const struct printf_spec *spec, uint64_t value, unsigned int base,
                          const char *prefix)
{
    const char *set = spec->flags & PRINTF_UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[PRINTF_DIGITS];
    size_t nr_digits = 0, zeroes = 0, prefix_length = strlen(prefix);

    while (value != 0)
        digits[nr_digits++] = set[printf_divide(&value, base)];
    if (spec->flags & PRINTF_PRECISION) {
        if (spec->precision > nr_digits)
            zeroes = spec->precision - nr_digits;
    } else if (nr_digits == 0) {
        zeroes = 1;
    }
    if (base == 8 && (spec->flags & PRINTF_ALTERNATE) && zeroes == 0)
        zeroes = 1;
    size_t used = prefix_length + zeroes + nr_digits;
    size_t pad = spec->width > used ? spec->width - used : 0;
    if ((spec->flags & (PRINTF_ZERO | PRINTF_LEFT | PRINTF_PRECISION)) == PRINTF_ZERO) {
        zeroes += pad;
        pad = 0;
    }
    if (!(spec->flags & PRINTF_LEFT))
        printf_repeat(sink, ' ', pad);
    while (*prefix != '\0')
        sink->put(sink, *prefix++);
    printf_repeat(sink, '0', zeroes);
    while (nr_digits > 0)
        sink->put(sink, digits[--nr_digits]);
    if (spec->flags & PRINTF_LEFT)
        printf_repeat(sink, ' ', pad);
}

static void printf_text(struct printf_sink *sink, const struct printf_spec *spec, const char *text, size_t length)
{
    size_t pad = spec->width > length ? spec->width - length : 0;

    if (!(spec->flags & PRINTF_LEFT))
        printf_repeat(sink, ' ', pad);
    while (length-- > 0)
        sink->put(sink, *text++);
    if (spec->flags & PRINTF_LEFT)
        printf_repeat(sink, ' ', pad);
}

static uint64_t printf_unsigned(const struct printf_spec *spec, struct printf_arguments *arguments)
{
    switch (spec->length) {
    case PRINTF_CHAR:
        return (unsigned char)va_arg(arguments->list, unsigned int);
    case PRINTF_SHORT:
        return (unsigned short)va_arg(arguments->list, unsigned int);
    case PRINTF_LONG:
        return va_arg(arguments->list, unsigned long);
    case PRINTF_LONG_LONG:
        return va_arg(arguments->list, unsigned long long);
    case PRINTF_SIZE:
        return va_arg(arguments->list, size_t);
    case PRINTF_INT:
        break;
    }
    return va_arg(arguments->list, unsigned int);
}

static int64_t printf_signed(const struct printf_spec *spec, struct printf_arguments *arguments)
{
    switch (spec->length) {
    case PRINTF_CHAR:
        return (signed char)va_arg(arguments->list, int);
    case PRINTF_SHORT:
        return (short)va_arg(arguments->list, int);
    case PRINTF_LONG:
        return va_arg(arguments->list, long);
    case PRINTF_LONG_LONG:
        return va_arg(arguments->list, long long);
    case PRINTF_SIZE:
        return (ptrdiff_t)va_arg(arguments->list, size_t);
    case PRINTF_INT:
        break;
    }
    return va_arg(arguments->list, int);
}

/* A number in the format, or * from the arguments. A number too long for an int is the largest int. */
static int printf_count(const char **format, struct printf_arguments *arguments)
{
    int count = 0;

    if (**format == '*') {
        (*format)++;
        return va_arg(arguments->list, int);
    }
    for (; **format >= '0' && **format <= '9'; (*format)++) {
        int digit = **format - '0';

        count = count > (PRINTF_INT_MAX - digit) / 10 ? PRINTF_INT_MAX : count * 10 + digit;
    }
    return count;
}

/* Flags, width, precision and length, up to the letter of the conversion. */
static void printf_parse(const char **format, struct printf_arguments *arguments, struct printf_spec *spec)
{
    spec->flags = 0;
    spec->precision = 0;
    for (;; (*format)++) {
        if (**format == '-')
            spec->flags |= PRINTF_LEFT;
        else if (**format == '0')
            spec->flags |= PRINTF_ZERO;
        else if (**format == '#')
            spec->flags |= PRINTF_ALTERNATE;
        else
            break;
    }
    int width = printf_count(format, arguments);
    if (width < 0)
        spec->flags |= PRINTF_LEFT;
    spec->width = width < 0 ? 0u - (unsigned int)width : (unsigned int)width;
    if (**format == '.') {
        (*format)++;
        int precision = printf_count(format, arguments);
        if (precision >= 0) {
            spec->flags |= PRINTF_PRECISION;
            spec->precision = (unsigned int)precision;
        }
    }
    spec->length = PRINTF_INT;
    if (**format == 'z') {
        spec->length = PRINTF_SIZE;
        (*format)++;
    }
    for (; **format == 'h' && spec->length > PRINTF_CHAR && spec->length <= PRINTF_INT; (*format)++)
        spec->length--;
    for (; **format == 'l' && spec->length >= PRINTF_INT && spec->length < PRINTF_LONG_LONG; (*format)++)
        spec->length++;
}

static void printf_decimal(struct printf_sink *sink, const struct printf_spec *spec, int64_t value)
{
    if (value < 0)
        printf_number(sink, spec, 0 - (uint64_t)value, 10, "-");
    else
        printf_number(sink, spec, (uint64_t)value, 10, "");
}

static void printf_hexadecimal(struct printf_sink *sink, struct printf_spec *spec, uint64_t value, char letter)
{
    const char *prefix = letter == 'X' ? "0X" : "0x";

    if (letter == 'X')
        spec->flags |= PRINTF_UPPER;
    printf_number(sink, spec, value, 16, (spec->flags & PRINTF_ALTERNATE) && value != 0 ? prefix : "");
}

static void printf_string(struct printf_sink *sink, const struct printf_spec *spec, const char *text)
{
    if (text == NULL)
        text = "(null)";
    printf_text(sink, spec, text, spec->flags & PRINTF_PRECISION ? strnlen(text, spec->precision) : strlen(text));
}

/* One conversion; false when its letter is not known. */
static bool printf_convert(struct printf_sink *sink, struct printf_spec *spec, char letter,
                           struct printf_arguments *arguments)
{
    char c;

    switch (letter) {
    case 'd':
    case 'i':
        printf_decimal(sink, spec, printf_signed(spec, arguments));
        return true;
    case 'u':
        printf_number(sink, spec, printf_unsigned(spec, arguments), 10, "");
        return true;
    case 'x':
    case 'X':
        printf_hexadecimal(sink, spec, printf_unsigned(spec, arguments), letter);
        return true;
    case 'o':
        printf_number(sink, spec, printf_unsigned(spec, arguments), 8, "");
        return true;
    case 'c':
        c = (char)va_arg(arguments->list, int);
        printf_text(sink, spec, &c, 1);
        return true;
    case 's':
        printf_string(sink, spec, va_arg(arguments->list, const char *));
        return true;
    case 'p': /* all digits, so that addresses in columns and in a row can be compared */
        spec->flags |= PRINTF_PRECISION;
        spec->precision = 2 * sizeof(void *);
        printf_number(sink, spec, (uintptr_t)va_arg(arguments->list, void *), 16, "0x");
        return true;
    case '%':
        sink->put(sink, '%');
        return true;
    }
    return false;
}

static void printf_format(struct printf_sink *sink, const char *format, struct printf_arguments *arguments)
{
    struct printf_spec spec;

    while (*format != '\0') {
        const char *start = format;

        if (*format++ != '%') {
            sink->put(sink, *start);
            continue;
        }
        printf_parse(&format, arguments, &spec);
        if (printf_convert(sink, &spec, *format, arguments)) {
            format++;
            continue;
        }
        /* The letter itself is written by the next turn, if there is one. */
        while (start < format)
            sink->put(sink, *start++);
    }
}

void kvprintf(const char *format, va_list arguments)
{
    struct printf_sink sink = {.put = printf_put_console};
    struct printf_arguments copy;
    unsigned long flags = machine_interrupts_disable();

    /* With interrupts off nothing else runs: lines come whole. */
    va_copy(copy.list, arguments);
    printf_format(&sink, format, &copy);
    va_end(copy.list);
    machine_interrupts_restore(flags);
}

void kprintf(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    kvprintf(format, arguments);
    va_end(arguments);
}

int kvsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct printf_sink sink = {.put = printf_put_buffer, .buffer = buffer, .size = size > 0 ? size - 1 : 0};
    struct printf_arguments copy;

    va_copy(copy.list, arguments);
    printf_format(&sink, format, &copy);
    va_end(copy.list);
    if (size > 0)
        buffer[MIN(sink.length, sink.size)] = '\0';
    return sink.length > PRINTF_INT_MAX ? PRINTF_INT_MAX : (int)sink.length;
}

int ksnprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = kvsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
