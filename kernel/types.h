/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words every file uses: fixed-width integers, page arithmetic, small macros.
 */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096u
#define PAGE_MASK 4095u

#define page_trunc(x) ((x) & ~(typeof(x))PAGE_MASK)
#define page_round(x) page_trunc((x) + PAGE_MASK) /* wraps to 0 above the last page: callers check */
#define page_aligned(x) (((x) & PAGE_MASK) == 0)

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ({ typeof(a) min_a_ = (a); typeof(b) min_b_ = (b); min_a_ < min_b_ ? min_a_ : min_b_; })
#define MAX(a, b) ({ typeof(a) max_a_ = (a); typeof(b) max_b_ = (b); max_a_ > max_b_ ? max_a_ : max_b_; })

#define container_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __must_check __attribute__((warn_unused_result))
#define __printf_like(string, first) __attribute__((format(printf, string, first)))

typedef uint32_t phys_t; /* a physical address; no PAE: below 4 GiB */

#endif
