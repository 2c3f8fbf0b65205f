/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Division of 64-bit numbers, for which the compiler would call a library that the kernel does not link. Not for hot paths.
 */
#ifndef KERNEL_DIVIDE_H
#define KERNEL_DIVIDE_H

#include "kernel/types.h"

/* number / by, and the remainder where it is wanted. by is not 0. */
static inline uint64_t divide_u64(uint64_t number, uint32_t by, uint32_t *remainder)
{
    uint32_t high = (uint32_t)(number >> 32), low = (uint32_t)number, quotient = 0;
    uint64_t rest = high % by;

    /* The low half bit by bit; rest stays below 2 * by, and by may have 32 bits. */
    for (unsigned int bit = 32; bit-- > 0;) {
        rest = (rest << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if (rest >= by) {
            rest -= by;
            quotient |= 1;
        }
    }
    if (remainder != NULL)
        *remainder = (uint32_t)rest;
    return ((uint64_t)(high / by) << 32) | quotient;
}

#endif
