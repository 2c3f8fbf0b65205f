/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: the first serial port, or the VGA text screen; options say which. Before console_init() nothing is
 * printed.
 */
#ifndef I386_CONSOLE_H
#define I386_CONSOLE_H

#include "kernel/types.h"

enum console_kind {
    CONSOLE_NONE,
    CONSOLE_SCREEN,
    CONSOLE_COM0,
};

void console_init(enum console_kind kind);

#endif
