/* SPDX-License-Identifier: BSD-2-Clause */
/* Which traps the kernel serves. */
#include "fuzz.h"
#include "kernel/syscall_sw.h"

const struct fuzz_hopeless fuzz_hopeless[] = {
    {17, "there are no event counters"},
    {18, "there are no event counters"},
    {0, NULL},
};

bool fuzz_is_served(uint32_t call)
{
    return call < syscall_table_length && syscall_table[call].handler != NULL;
}
