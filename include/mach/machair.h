/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Machair counts: machair_host_counters() of machair.defs gives these numbers, all true at one moment.
 *
 * They come as an array of 64-bit numbers, each at its index below. Indices are for ever: later versions only add behind
 * the last. A kernel fills in as many as it knows and as there is room for and says how many that are; a number that it
 * does not know is not there. Events are counted since boot.
 */
#ifndef MACH_MACHAIR_H
#define MACH_MACHAIR_H

#include <stdint.h>

/* At least as many as any version has: so a buffer of this many always suffices. */
#define MACHAIR_COUNTERS_MAX 128

/* The value at MACHAIR_COUNTERS_VERSION: the meanings below are of this version and all later ones. */
#define MACHAIR_COUNTERS_VERSION_1 1

typedef uint64_t *machair_counters_t;
typedef uint64_t machair_counters_data_t[MACHAIR_COUNTERS_MAX];

enum machair_counter {
    MACHAIR_COUNTERS_VERSION,

    /* Frames by state; they add up to all frame numbers that there are. */
    MACHAIR_FRAMES_FREE,
    MACHAIR_FRAMES_KERNEL, /* kernel memory, page tables, stacks, records */
    MACHAIR_FRAMES_OBJECT, /* hold pages of objects, of runs too */
    MACHAIR_FRAMES_RESERVED, /* not memory, or never given to the kernel */
    MACHAIR_FRAMES_LAUNDRY, /* of those of objects: on their way to managers, or held by them */

    /* Pages of objects, as the replacement policy has them */
    MACHAIR_PAGES_ACTIVE,
    MACHAIR_PAGES_INACTIVE,
    MACHAIR_PAGES_UNEVICTABLE,

    /* What exists now */
    MACHAIR_OBJECTS,
    MACHAIR_PORTS,
    MACHAIR_MAP_ENTRIES,
    MACHAIR_TASKS,
    MACHAIR_THREADS,
    MACHAIR_MEMORY_OBJECTS, /* objects that have a manager */

    /* Runs sent in memory_object_data_return messages, and their pages, by cause */
    MACHAIR_RUNS_EVICTION,
    MACHAIR_RUNS_CLEANING, /* memory_object_lock_request */
    MACHAIR_RUNS_TERMINATION,
    MACHAIR_RUN_PAGES_EVICTION,
    MACHAIR_RUN_PAGES_CLEANING,
    MACHAIR_RUN_PAGES_TERMINATION,
    MACHAIR_RUNS_PRECIOUS, /* of all: clean ones that the manager wants back */
    MACHAIR_RUNS_HOME, /* never received: their pages went back to the object */

    /* Runs of 1, of 2 and 3, of 4 to 7, of 8 to 15, of 16 to 31, of 32 to 63, and of 64 pages */
    MACHAIR_RUNS_OF_1,
    MACHAIR_RUNS_OF_2,
    MACHAIR_RUNS_OF_4,
    MACHAIR_RUNS_OF_8,
    MACHAIR_RUNS_OF_16,
    MACHAIR_RUNS_OF_32,
    MACHAIR_RUNS_OF_64,

    /* The pageout daemon */
    MACHAIR_CLEAN_EVICTIONS, /* pages dropped without a message */
    MACHAIR_PAGEOUT_SCANS, /* pages looked at */
    MACHAIR_PAGEOUT_WAKEUPS,
    MACHAIR_PAGEOUT_WINDOW_FULL, /* times that a manager was passed over, because it had enough */

    /* The replacement policy */
    MACHAIR_POLICY_EVICTED,
    MACHAIR_POLICY_REFAULTS, /* evicted pages that came back while they were remembered */
    MACHAIR_POLICY_REFAULTS_ACTIVE, /* of them: soon enough to be protected at once */
    MACHAIR_POLICY_SCANNED, /* pages looked at */
    MACHAIR_POLICY_ACTIVATED, /* of them: found used the second time, and protected */
    MACHAIR_POLICY_RECLAIMED, /* found used the first time, and given another turn */

    /* Faults by kind */
    MACHAIR_FAULTS,
    MACHAIR_ZERO_FILLS,
    MACHAIR_PAGEINS,
    MACHAIR_COW_FAULTS,
    MACHAIR_REACTIVATIONS,
    MACHAIR_OBJECT_LOOKUPS, /* memory objects that were mapped */
    MACHAIR_OBJECT_HITS, /* of them: in use or cached already */

    MACHAIR_THREADS_WAITING, /* asleep until frames are free */

    /* Small objects of the kernel: how many there are, and the frames that their caches hold, of those of the kernel */
    MACHAIR_SMALL_OBJECTS,
    MACHAIR_FRAMES_CACHES,

    /* Of the objects and map entries: set aside for runs to be sent */
    MACHAIR_OBJECTS_SPARE,
    MACHAIR_MAP_ENTRIES_SPARE,

    MACHAIR_NR_COUNTERS
};

#endif
