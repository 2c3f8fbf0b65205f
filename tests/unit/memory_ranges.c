/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of pages: beside a plain array of flags, for random changes; and what happens when a set is full.
 * unit: i386/memory_ranges.c
 */
#include <stdio.h>
#include <stdlib.h>

#include "i386/memory_ranges.h"

#define PAGES 200
#define ROUNDS 2000
#define CHANGES 60

static int number;

static void result(bool good, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++number, what);
}

/* Whether set is in order, with gaps, and has the pages that are flagged. */
static bool agrees(const struct memory_ranges *set, const bool *pages)
{
    uint32_t count = 0;

    for (unsigned int i = 0; i < set->nr; i++)
        if (set->ranges[i].start >= set->ranges[i].end || (i > 0 && set->ranges[i].start <= set->ranges[i - 1].end))
            return false;
    for (uint32_t page = 0; page < PAGES; page++) {
        if (memory_ranges_contain(set, page, page + 1) != pages[page])
            return false;
        count += pages[page];
    }
    return count == memory_ranges_count(set);
}

/* The slow way to what memory_ranges_highest finds. */
static uint32_t highest(const bool *pages, uint32_t nr_pages, uint32_t limit)
{
    uint32_t run = 0;

    for (uint32_t page = limit; page-- > 0;) {
        run = pages[page] ? run + 1 : 0;
        if (run == nr_pages)
            return page;
    }
    return 0;
}

static bool random_changes(void)
{
    struct memory_ranges set = {0};
    bool pages[PAGES] = {0};

    for (int i = 0; i < CHANGES; i++) {
        uint32_t start = (uint32_t)rand() % PAGES, end = (uint32_t)rand() % (PAGES + 1), nr = 1 + (uint32_t)rand() % 9;
        bool adds = rand() % 2 == 0, before = false;
        enum memory_ranges_news news;

        if (rand() % 4 != 0)
            end = MIN(start + end % 10, (uint32_t)PAGES);
        for (uint32_t page = start; page < end; page++) {
            before = before || pages[page];
            pages[page] = adds;
        }
        news = adds ? memory_ranges_add(&set, start, end) : memory_ranges_remove(&set, start, end);
        if (news != (before ? MEMORY_RANGES_OVERLAP : 0) || !agrees(&set, pages) ||
            memory_ranges_highest(&set, nr, end) != highest(pages, nr, end))
            return false;
    }
    return true;
}

int main(void)
{
    static struct memory_ranges set;
    bool good = true;

    printf("1..6\n");
    srand(1);
    for (int i = 0; i < ROUNDS; i++)
        good = good && random_changes();
    result(good, "random changes");
    good = true;
    for (uint32_t i = 0; i < MEMORY_RANGES_MAX; i++)
        good = good && memory_ranges_add(&set, 10 + i * 10, 15 + i * 10) == 0;
    result(good, "ranges until the set is full");
    result(memory_ranges_add(&set, 5000, 5001) == MEMORY_RANGES_LOST && !memory_ranges_contain(&set, 5000, 5001),
           "one more is left out");
    result(memory_ranges_add(&set, 15, 20) == 0 && set.nr == MEMORY_RANGES_MAX - 1 && memory_ranges_contain(&set, 10, 25),
           "a full set still merges");
    memory_ranges_add(&set, 5000, 5001);
    result(memory_ranges_remove(&set, 12, 13) == (MEMORY_RANGES_OVERLAP | MEMORY_RANGES_LOST) &&
           memory_ranges_contain(&set, 10, 12) && !memory_ranges_contain(&set, 13, 14),
           "cutting one in two loses the upper part");
    result(memory_ranges_remove(&set, 0, UINT32_MAX) == MEMORY_RANGES_OVERLAP && set.nr == 0, "all taken out");
    return 0;
}
