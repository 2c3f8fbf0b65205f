/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words are separated by white space. A word that begins with - goes to the boot arguments, one with = is a variable, and
 * any other is bad: the boot stops over it, as soon as it can say so. Words are copied into one buffer of this module,
 * because names and values need an end of their own; a line that is too long for it is bad as well.
 */
#include "kernel/options.h"

#include "kernel/string.h"

/* As long as any line the machine hands on (BOOT_STRING_MAX), and the ends of its words. */
#define OPTIONS_TEXT_MAX 8192

struct options options;
static char options_text[OPTIONS_TEXT_MAX];
static size_t options_used;             /* bytes of the text */
static size_t options_args_used;        /* bytes of boot_args, without the end */

static bool options_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *options_skip_space(const char *at)
{
    while (options_is_space(*at))
        at++;
    return at;
}

static const char *options_skip_word(const char *at)
{
    while (*at != '\0' && !options_is_space(*at))
        at++;
    return at;
}

/* A copy of a part of the line with an end; NULL when there is no room. */
static char *options_copy(const char *at, size_t length)
{
    char *copy = options_text + options_used;

    if (length >= sizeof(options_text) - options_used)
        return NULL;
    memcpy(copy, at, length);
    copy[length] = '\0';
    options_used += length + 1;
    return copy;
}

static bool options_add_argument(const char *at, size_t length)
{
    size_t space = options_args_used > 0 ? 1 : 0;

    if (length + space >= sizeof(options.boot_args) - options_args_used)
        return false;
    if (space)
        options.boot_args[options_args_used++] = ' ';
    memcpy(options.boot_args + options_args_used, at, length);
    options_args_used += length;
    options.boot_args[options_args_used] = '\0';
    return true;
}

static bool options_add_variable(char *name, char *equals)
{
    if (options.nr_variables == OPTIONS_MAX_VARIABLES)
        return false;
    *equals = '\0';
    options.variables[options.nr_variables].name = name;
    options.variables[options.nr_variables].value = equals + 1;
    options.nr_variables++;
    return true;
}

/* False for a word that means nothing, or for which there is no room. */
static bool options_word(const char *at, size_t length)
{
    char *word, *equals;

    if (*at == '-')
        return options_add_argument(at, length);
    word = options_copy(at, length);
    if (word == NULL)
        return false;
    equals = strchr(word, '=');
    if (equals == NULL || equals == word)
        return false;
    return options_add_variable(word, equals);
}

/* The word as the line has it, if there is room for that; a bad word is named in full or by its beginning. */
static void options_set_bad(const char *at, size_t length)
{
    static char bad[64];
    size_t shown = MIN(length, sizeof(bad) - 1);

    if (options.bad != NULL)
        return;
    memcpy(bad, at, shown);
    bad[shown] = '\0';
    options.bad = bad;
}

const char *options_get(const char *name)
{
    /* The last word for a name counts, as on other command lines. */
    for (unsigned int i = options.nr_variables; i > 0; i--)
        if (strcmp(options.variables[i - 1].name, name) == 0)
            return options.variables[i - 1].value;
    return NULL;
}

static bool options_is(const char *name, const char *value)
{
    const char *given = options_get(name);

    return given != NULL && strcmp(given, value) == 0;
}

void options_parse(const char *line, bool skip_first)
{
    const char *at = options_skip_space(line);

    memset(&options, 0, sizeof(options));
    options_used = options_args_used = 0;
    options.line = line;
    if (skip_first)
        at = options_skip_space(options_skip_word(at));
    while (*at != '\0') {
        const char *end = options_skip_word(at);

        if (!options_word(at, (size_t)(end - at)))
            options_set_bad(at, (size_t)(end - at));
        at = options_skip_space(end);
    }
    options.console_com0 = options_is("console", "com0");
    options.exit_debug = options_is("exit", "debug");
    options.test = options_get("test");
}
