/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reaper: a thread that does what could not be done where it was noticed, because locks were held there that the
 * work needs, or because it may take long: memory of messages that were destroyed, ports that died, runs that come home.
 *
 * The item is embedded in what is to be ended, so queueing allocates nothing and cannot fail.
 */
#ifndef KERNEL_REAPER_H
#define KERNEL_REAPER_H

#include "kernel/list.h"
#include "kernel/types.h"

struct reaper_item {
    struct list_node node;
    void (*function)(struct reaper_item *item); /* called once, with no locks held; may sleep; item is not touched after */
};

/*
 * Queues item, whose function is set and which is not queued. Callable under any locks ranked below LOCK_RANK_REAPER,
 * from threads only. Items run in the order in which they were queued.
 */
void reaper_queue(struct reaper_item *item);

/* Starts the thread; what was queued before is done then. */
void reaper_init(void);

#endif
