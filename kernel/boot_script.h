/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot scripts: the command lines of modules, in which a program's arguments are written with ${variables} and
 * $(functions). doc/boot.md is the user's description.
 *
 * All lines are parsed first (and task-create runs), then each line's words are expanded, when all variables are known.
 * A script that cannot be understood stops the boot with the program's name, the position and the reason (boot_fail).
 */
#ifndef KERNEL_BOOT_SCRIPT_H
#define KERNEL_BOOT_SCRIPT_H

#include "kernel/boot_info.h"
#include "kernel/types.h"

struct ipc_port;
struct task;

#define BOOT_SCRIPT_WORDS 128       /* arguments of a program, its name included */
#define BOOT_SCRIPT_TEXT 8192       /* bytes of all its arguments, their ends included */

struct boot_script_line {
    const struct boot_module *module;
    struct task *task;              /* a reference, from task-create */
    enum { BOOT_SCRIPT_LEAVE, BOOT_SCRIPT_RESUME, BOOT_SCRIPT_PROMPT_RESUME } resume;
    unsigned int nr_words;          /* after expansion */
    char *words[BOOT_SCRIPT_WORDS]; /* in text */
    char *text;                     /* kmem_alloc(BOOT_SCRIPT_TEXT) */
    size_t used;                    /* bytes of text */
    char name[32];                  /* the program's name, for lines about it */
};

/* Variables that all scripts see. The port is a send right that the table owns. */
void boot_script_set_string(const char *name, const char *value);
void boot_script_set_port(const char *name, struct ipc_port *port);

/* Parses a module's script into line; runs task-create. */
void boot_script_parse(struct boot_script_line *line, const struct boot_module *module);
/* Fills in the words; ports become names in the line's task. */
void boot_script_expand(struct boot_script_line *line);
/* Gives up what variables and the line's words hold. */
void boot_script_line_done(struct boot_script_line *line);
void boot_script_done(void);

#endif
