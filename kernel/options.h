/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's command line, split into what it means. Parsing allocates nothing, so that the console is known before
 * anything can go wrong.
 */
#ifndef KERNEL_OPTIONS_H
#define KERNEL_OPTIONS_H

#include "kernel/types.h"

#define OPTIONS_MAX_VARIABLES 64

struct options {
    bool console_com0;          /* console=com0: the first serial port instead of the screen */
    bool exit_debug;            /* exit=debug: the end is told to QEMU's isa-debug-exit at port 0xf4 */
    const char *test;           /* test=NAME: run the kernel's own tests; NULL: none */
    char boot_args[512];        /* words that begin with -, joined by spaces */
    unsigned int nr_variables;
    struct {
        const char *name, *value;
    } variables[OPTIONS_MAX_VARIABLES]; /* every word name=value, console= and the like too */
    const char *bad;            /* the first word that is neither, or NULL: it stops the boot once there is a console */
    const char *line;           /* the whole line, as the boot loader gave it */
};
extern struct options options;

/* line is kept. skip_first: its first word is the kernel's file name. */
void options_parse(const char *line, bool skip_first);
/* The value of a name=value word, or NULL. */
const char *options_get(const char *name);

#endif
