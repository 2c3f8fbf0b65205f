/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For coverage of the tests inside the kernel: writes the counters of vm/ and ipc/ to QEMU's debug port as the machine ends.
 *
 * For each source: the name of its file of counters, then pieces of that file, each behind its length in four bytes; a
 * length of zero ends it. tests/coverage/unpack makes files of it. The layout of the counters is libgcov's matter, which
 * is compiled to take arguments from the stack.
 */
#include "i386/cpu.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/string.h"

#define COVERAGE_PORT 0xe9
#define __stack_args __attribute__((regparm(0)))

struct gcov_info;
/* A section of pointers, one for each source, of which the linker knows the borders. */
extern const struct gcov_info *const __start_machair_coverage[], *const __stop_machair_coverage[];

void __gcov_info_to_gcda(const struct gcov_info *info, __stack_args void (*name)(const char *, void *),
                         __stack_args void (*write)(const void *, unsigned int, void *),
                         __stack_args void *(*allocate)(unsigned int, void *), void *context) __stack_args;

void __real_machine_end(enum machine_end how, bool success) __attribute__((noreturn));
void __wrap_machine_end(enum machine_end how, bool success) __attribute__((noreturn));

static __stack_args void coverage_write(const void *data, unsigned int size, void *context)
{
    const uint8_t *bytes = data;

    (void)context;
    for (unsigned int i = 0; i < 4; i++)
        cpu_outb(COVERAGE_PORT, (uint8_t)(size >> 8 * i));
    for (unsigned int i = 0; i < size; i++)
        cpu_outb(COVERAGE_PORT, bytes[i]);
}

static __stack_args void coverage_name(const char *name, void *context)
{
    coverage_write(name, strlen(name), context);
}

/* Only for kinds of counters that are not in use, as abort() and mmap64(). */
static __stack_args void *coverage_allocate(unsigned int size, void *context)
{
    (void)context;
    panic("coverage: %u bytes wanted", size);
}

void abort(void) __attribute__((noreturn));
void abort(void)
{
    panic("coverage: abort");
}

void mmap64(void) __attribute__((noreturn));
void mmap64(void)
{
    panic("coverage: mmap64");
}

void __gcov_read_counter(void) __attribute__((noreturn));
void __gcov_read_counter(void)
{
    panic("coverage: reading");
}

void __wrap_machine_end(enum machine_end how, bool success)
{
    for (const struct gcov_info *const *info = __start_machair_coverage; info < __stop_machair_coverage; info++) {
        __gcov_info_to_gcda(*info, coverage_name, coverage_write, coverage_allocate, NULL);
        coverage_write(NULL, 0, NULL);
    }
    __real_machine_end(how, success);
}
