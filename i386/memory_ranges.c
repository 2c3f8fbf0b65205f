/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sorted arrays: the sets are small and live for the length of the boot, before there is anything to allocate from.
 */
#include "i386/memory_ranges.h"

/* Makes room for one range at index i; false when the set is full. */
static bool memory_ranges_open(struct memory_ranges *set, unsigned int i)
{
    if (set->nr == MEMORY_RANGES_MAX)
        return false;
    for (unsigned int k = set->nr++; k > i; k--)
        set->ranges[k] = set->ranges[k - 1];
    return true;
}

/* Takes nr ranges out from index i on. */
static void memory_ranges_close(struct memory_ranges *set, unsigned int i, unsigned int nr)
{
    set->nr -= nr;
    for (; i < set->nr; i++)
        set->ranges[i] = set->ranges[i + nr];
}

enum memory_ranges_news memory_ranges_add(struct memory_ranges *set, uint32_t start, uint32_t end)
{
    enum memory_ranges_news news = 0;
    unsigned int first = 0, behind;

    if (start >= end)
        return 0;
    /* The ranges from first to before behind touch or overlap the new one, and become one with it. */
    while (first < set->nr && set->ranges[first].end < start)
        first++;
    for (behind = first; behind < set->nr && set->ranges[behind].start <= end; behind++) {
        const struct memory_range *old = &set->ranges[behind];

        if (old->start < end && start < old->end)
            news |= MEMORY_RANGES_OVERLAP;
    }
    if (behind == first) {
        if (!memory_ranges_open(set, first))
            return MEMORY_RANGES_LOST;
        set->ranges[first] = (struct memory_range){start, end};
        return 0;
    }
    set->ranges[first].start = MIN(set->ranges[first].start, start);
    set->ranges[first].end = MAX(set->ranges[behind - 1].end, end);
    memory_ranges_close(set, first + 1, behind - first - 1);
    return news;
}

enum memory_ranges_news memory_ranges_remove(struct memory_ranges *set, uint32_t start, uint32_t end)
{
    enum memory_ranges_news news = 0;
    unsigned int i = 0;

    if (start >= end)
        return 0;
    while (i < set->nr && set->ranges[i].start < end) {
        struct memory_range *range = &set->ranges[i];
        struct memory_range above = {end, range->end};

        if (range->end <= start) {
            i++;
            continue;
        }
        news |= MEMORY_RANGES_OVERLAP;
        if (range->start >= start) {
            if (range->end <= end) {
                memory_ranges_close(set, i, 1);
            } else {
                range->start = end;
                break;
            }
        } else {
            range->end = MIN(range->end, start);
            i++;
            if (above.start < above.end) {
                if (memory_ranges_open(set, i))
                    set->ranges[i] = above;
                else
                    news |= MEMORY_RANGES_LOST;
                break;
            }
        }
    }
    return news;
}

bool memory_ranges_contain(const struct memory_ranges *set, uint32_t start, uint32_t end)
{
    if (start >= end)
        return true;
    for (unsigned int i = 0; i < set->nr; i++)
        if (set->ranges[i].start <= start && end <= set->ranges[i].end)
            return true;
    return false;
}

uint32_t memory_ranges_highest(const struct memory_ranges *set, uint32_t nr_pages, uint32_t limit)
{
    for (unsigned int i = set->nr; i-- != 0;) {
        uint32_t end = MIN(set->ranges[i].end, limit);

        if (end > set->ranges[i].start && end - set->ranges[i].start >= nr_pages)
            return end - nr_pages;
    }
    return 0;
}

uint32_t memory_ranges_count(const struct memory_ranges *set)
{
    uint32_t count = 0;

    for (unsigned int i = 0; i < set->nr; i++)
        count += set->ranges[i].end - set->ranges[i].start;
    return count;
}
