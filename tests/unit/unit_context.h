/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands in for i386/context.h, whose layout is that of 32-bit code, in unit tests that include kernel/thread.h: given to
 * the compiler with -includeunit_context.h in the "unit:" line.
 */
#ifndef I386_CONTEXT_H
#define I386_CONTEXT_H

struct machine_context {
    void *unused;
};

#endif
