/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small sorted sets of page numbers, in fixed storage: what the boot loader says is memory, and what of it is free.
 */
#ifndef I386_MEMORY_RANGES_H
#define I386_MEMORY_RANGES_H

#include "kernel/types.h"

/* Firmware for large machines tells of about a hundred ranges; neighbours are merged. More are left out: see add, remove. */
#define MEMORY_RANGES_MAX 128

struct memory_range {
    uint32_t start, end;        /* page numbers; end is the first page behind */
};

/* In order, neither empty nor touching one another. An empty set is all zeroes. */
struct memory_ranges {
    unsigned int nr;
    struct memory_range ranges[MEMORY_RANGES_MAX];
};

/* What add and remove tell. */
enum memory_ranges_news {
    MEMORY_RANGES_OVERLAP = 1,  /* some page was in the set before */
    MEMORY_RANGES_LOST = 2,     /* the set is full: pages were left out, never more taken in than asked for */
};

/* Adds [start, end); nothing if that is empty. */
enum memory_ranges_news memory_ranges_add(struct memory_ranges *set, uint32_t start, uint32_t end);
/* Takes [start, end) out. */
enum memory_ranges_news memory_ranges_remove(struct memory_ranges *set, uint32_t start, uint32_t end);
/* Whether all of [start, end) is in the set; true if that is empty. */
bool memory_ranges_contain(const struct memory_ranges *set, uint32_t start, uint32_t end);
/* The highest nr_pages pages in a row of the set that are all below limit: the first of them, or 0 when there are none. */
uint32_t memory_ranges_highest(const struct memory_ranges *set, uint32_t nr_pages, uint32_t limit);
/* Number of pages in the set. */
uint32_t memory_ranges_count(const struct memory_ranges *set);

#endif
