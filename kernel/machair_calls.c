/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that Machair adds: subsystem machair.
 *
 * The counters lie where they are counted; here they are only put in the order of the interface, in the reply, which has
 * room for all; the caller gets as many as he has room for. No lock is held over all of them: nothing switches threads
 * between two, so that on one processor they are of one moment as user programs see it; on several, each is true by itself.
 */
#include <mach/machair.h>

#include "ipc/ipc_port.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/vm_account.h"
#include "vm/vm_fault.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_pageout.h"
#include "vm/vm_policy.h"
#include "vm/vm_run.h"

#include "mig/machair_server.h"

_Static_assert(MACHAIR_NR_COUNTERS <= MACHAIR_COUNTERS_MAX, "the message has room for every counter");
_Static_assert(MACHAIR_RUNS_OF_64 - MACHAIR_RUNS_OF_1 + 1 == ARRAY_LENGTH(vm_pageout_counters.histogram),
               "a counter for every kind of run");
_Static_assert(MACHAIR_RUNS_TERMINATION - MACHAIR_RUNS_EVICTION + 1 == VM_RUN_NR_CAUSES &&
                   MACHAIR_RUN_PAGES_TERMINATION - MACHAIR_RUN_PAGES_EVICTION + 1 == VM_RUN_NR_CAUSES,
               "a counter for every cause");

static void machair_count_memory(machair_counters_t counters)
{
    counters[MACHAIR_FRAMES_FREE] = vm_frame_count(VM_FRAME_FREE);
    counters[MACHAIR_FRAMES_KERNEL] = vm_frame_count(VM_FRAME_KERNEL);
    counters[MACHAIR_FRAMES_OBJECT] = vm_frame_count(VM_FRAME_OBJECT);
    counters[MACHAIR_FRAMES_RESERVED] = vm_frame_count(VM_FRAME_RESERVED);
    counters[MACHAIR_FRAMES_LAUNDRY] = vm_account_total_out();
    counters[MACHAIR_PAGES_ACTIVE] = vm_policy_counts.active;
    counters[MACHAIR_PAGES_INACTIVE] = vm_policy_counts.inactive;
    counters[MACHAIR_PAGES_UNEVICTABLE] = vm_policy_counts.unevictable;
    counters[MACHAIR_THREADS_WAITING] = vm_frame_nr_waiting();
}

static void machair_count_things(machair_counters_t counters)
{
    counters[MACHAIR_OBJECTS] = vm_object_count;
    counters[MACHAIR_PORTS] = ipc_port_count;
    counters[MACHAIR_MAP_ENTRIES] = vm_map_entry_count;
    counters[MACHAIR_TASKS] = task_count();
    counters[MACHAIR_THREADS] = thread_count();
    counters[MACHAIR_MEMORY_OBJECTS] = memory_object_count;
    counters[MACHAIR_OBJECTS_SPARE] = vm_run_spares.objects;
    counters[MACHAIR_MAP_ENTRIES_SPARE] = vm_run_spares.entries;
}

static void machair_count_pageout(machair_counters_t counters)
{
    const struct vm_pageout_counters *pageout = &vm_pageout_counters;

    for (unsigned int i = 0; i < VM_RUN_NR_CAUSES; i++) {
        counters[MACHAIR_RUNS_EVICTION + i] = pageout->runs[i];
        counters[MACHAIR_RUN_PAGES_EVICTION + i] = pageout->pages[i];
    }
    for (unsigned int i = 0; i < ARRAY_LENGTH(pageout->histogram); i++)
        counters[MACHAIR_RUNS_OF_1 + i] = pageout->histogram[i];
    counters[MACHAIR_RUNS_PRECIOUS] = pageout->precious_runs;
    counters[MACHAIR_RUNS_HOME] = pageout->runs_home;
    counters[MACHAIR_CLEAN_EVICTIONS] = pageout->clean_evictions;
    counters[MACHAIR_PAGEOUT_SCANS] = pageout->scans;
    counters[MACHAIR_PAGEOUT_WAKEUPS] = pageout->wakeups;
    counters[MACHAIR_PAGEOUT_WINDOW_FULL] = pageout->window_full;
}

static void machair_count_policy(machair_counters_t counters)
{
    counters[MACHAIR_POLICY_EVICTED] = vm_policy_counts.evicted;
    counters[MACHAIR_POLICY_REFAULTS] = vm_policy_counts.refaults;
    counters[MACHAIR_POLICY_REFAULTS_ACTIVE] = vm_policy_counts.refaults_active;
    counters[MACHAIR_POLICY_SCANNED] = vm_policy_counts.scanned;
    counters[MACHAIR_POLICY_ACTIVATED] = vm_policy_counts.activated;
    counters[MACHAIR_POLICY_RECLAIMED] = vm_policy_counts.reclaimed;
}

static void machair_count_faults(machair_counters_t counters)
{
    counters[MACHAIR_FAULTS] = vm_fault_counters.faults;
    counters[MACHAIR_ZERO_FILLS] = vm_fault_counters.zero_fills;
    counters[MACHAIR_PAGEINS] = vm_fault_counters.pageins;
    counters[MACHAIR_COW_FAULTS] = vm_fault_counters.cow_faults;
    counters[MACHAIR_REACTIVATIONS] = vm_fault_counters.reactivations;
    counters[MACHAIR_OBJECT_LOOKUPS] = vm_fault_counters.lookups;
    counters[MACHAIR_OBJECT_HITS] = vm_fault_counters.hits;
}

static void machair_count_cache(const struct kmem_cache *cache, void *context)
{
    uint64_t *counters = context;

    counters[MACHAIR_SMALL_OBJECTS] += cache->nr_objects;
    counters[MACHAIR_FRAMES_CACHES] += (uint64_t)cache->nr_slabs * cache->slab_frames;
}

static void machair_count_caches(machair_counters_t counters)
{
    counters[MACHAIR_SMALL_OBJECTS] = 0;
    counters[MACHAIR_FRAMES_CACHES] = 0;
    kmem_for_each_cache(machair_count_cache, counters);
}

/* counters lies in the reply, which has room for MACHAIR_COUNTERS_MAX; *countersCnt is the caller's room, at most that. */
kern_return_t machair_host_counters(host_t host, machair_counters_t counters, mach_msg_type_number_t *countersCnt)
{
    if (host == NULL)
        return KERN_INVALID_ARGUMENT;
    counters[MACHAIR_COUNTERS_VERSION] = MACHAIR_COUNTERS_VERSION_1;
    machair_count_memory(counters);
    machair_count_things(counters);
    machair_count_pageout(counters);
    machair_count_policy(counters);
    machair_count_faults(counters);
    machair_count_caches(counters);
    *countersCnt = MIN(*countersCnt, (mach_msg_type_number_t)MACHAIR_NR_COUNTERS);
    return KERN_SUCCESS;
}
