/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's command line: good words, bad words, too many of them.
 * unit: kernel/options.c
 */
#include <stdio.h>
#include <string.h>

#include "kernel/options.h"

static int number;

static void result(bool good, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++number, what);
}

static bool is(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

static void test_many(void)
{
    static char line[20000];

    line[0] = '\0';
    for (int i = 0; i < OPTIONS_MAX_VARIABLES; i++)
        sprintf(line + strlen(line), "v%d=%d ", i, i);
    options_parse(line, false);
    result(options.bad == NULL && options.nr_variables == OPTIONS_MAX_VARIABLES && is(options_get("v63"), "63"),
        "as many variables as there is room for");
    strcat(line, "more=1");
    options_parse(line, false);
    result(is(options.bad, "more=1") && is(options_get("v0"), "0"), "one variable too many");

    memset(line, 'x', sizeof(line) - 1);
    line[0] = 'a';
    line[1] = '=';
    options_parse(line, false);
    result(options.bad != NULL && strlen(options.bad) < 100 && strncmp(options.bad, "a=xxx", 5) == 0, "a word too long");

    strcpy(line, "-");
    while (strlen(line) < sizeof(options.boot_args) - 2)
        strcat(line, "s");
    options_parse(line, false);
    result(options.bad == NULL && is(options.boot_args, line), "boot arguments that fill their room but for one byte");
    strcat(line, "s -t");
    options_parse(line, false);
    result(is(options.bad, "-t") && strlen(options.boot_args) == sizeof(options.boot_args) - 1,
        "one boot argument too many");
}

int main(void)
{
    printf("1..15\n");
    options_parse("", false);
    result(options.bad == NULL && options.nr_variables == 0 && options.boot_args[0] == '\0' && options.test == NULL &&
        !options.console_com0 && !options.exit_debug && options_get("x") == NULL, "an empty line");
    options_parse("  kernel  console=com0\texit=debug test=a,b -s root=hd0s1 -v -x=1 ", true);
    result(options.bad == NULL && options.console_com0 && options.exit_debug && is(options.test, "a,b"),
        "the kernel's own words");
    result(is(options.boot_args, "-s -v -x=1"), "boot arguments, in order");
    result(options.nr_variables == 4 && is(options_get("root"), "hd0s1") && is(options_get("console"), "com0"),
        "variables");
    result(options_get("roo") == NULL && options_get("root=hd0s1") == NULL, "other names are none");
    options_parse("kernel", true);
    result(options.bad == NULL && options.nr_variables == 0, "the file name alone");
    options_parse("kernel console=com0", false);
    result(is(options.bad, "kernel") && options.console_com0, "a bad word leaves the others good");
    options_parse("=x", false);
    result(is(options.bad, "=x"), "a value without a name");
    options_parse("x= y==", false);
    result(options.bad == NULL && is(options_get("x"), "") && is(options_get("y"), "="), "an empty value, and one with =");
    options_parse("console=com0 console=vga exit=now", false);
    result(!options.console_com0 && !options.exit_debug, "the last one of a name counts");
    test_many();
    return 0;
}
