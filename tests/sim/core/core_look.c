/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking at the machine while it stands still, and which actions there are. */
#include <stdio.h>

#include "core.h"
#include "ipc/ipc_port.h"
#include "kernel/ipc_kobject.h"
#include "kernel/machine.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "vm/memory_object.h"
#include "vm/vm_account.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"

#define CORE_PARKED 2u /* of page->history: vm/vm_policy.c */

/* ---- looking ---- */

struct memory_object *core_conversation(uint32_t object)
{
    struct ipc_port *port = core_live.ports[object];
    struct vm_map_entry *entry;

    if (port->kobject_type == IKOT_PAGER && port->kobject != NULL)
        return port->kobject;
    for (uint32_t i = 0; i < core_options.nr_clients; i++) {
        if (core_live.clients[i]->nr_threads == 0)
            continue;
        list_for_each(&core_live.clients[i]->map->entries, entry, link) {
            if (entry->start == CORE_MEMORY(object) && entry->object != NULL)
                return entry->object->pager;
        }
    }
    return NULL;
}

struct vm_page *core_page_first(struct vm_object *object)
{
    struct rbtree_node *node = rbtree_first(&object->pages);

    return node == NULL ? NULL : rbtree_entry(node, struct vm_page, node);
}

struct vm_page *core_page(struct vm_object *object, uint32_t index)
{
    struct vm_page *page = core_page_first(object);

    while (page != NULL && page->index < index)
        page = vm_page_next(page);
    return page != NULL && page->index == index ? page : NULL;
}

uint32_t core_version(const struct vm_page *page)
{
    return *(const uint32_t *)sim_frame_bytes(page->frame);
}

bool core_modified(const struct vm_page *page)
{
    return page->dirty || (pmap_frame_bits(page->frame) & PMAP_MODIFIED) != 0;
}

struct vm_run *core_run_next(uint32_t manager, struct vm_run *run)
{
    struct vm_account *account = core_live.accounts[manager];
    struct list *runs;

    if (account == NULL)
        return NULL;
    runs = &account->runs;
    if (run == NULL)
        return list_first(runs, struct vm_run, account_node);
    return run->account_node.next == &runs->head ? NULL : list_entry(run->account_node.next, struct vm_run, account_node);
}

/* ---- actions ---- */

/* A page that the scan may meet. */
static bool core_may_evict(const struct vm_page *page)
{
    return page->frame != NULL && !page->busy && !page->absent && page->wire_count == 0 &&
           (page->queue == VM_PAGE_ACTIVE || page->queue == VM_PAGE_INACTIVE) && !(page->history & CORE_PARKED);
}

static uint32_t core_evictions(uint32_t *actions, uint32_t nr)
{
    if (core_live.threads[CORE_DAEMON]->run_state != THREAD_WAITING)
        return nr;
    for (uint32_t i = 0; i < core_options.nr_objects; i++) {
        struct memory_object *pager = core_conversation(i);

        for (uint32_t index = 0; pager != NULL && index < core_options.nr_pages; index++) {
            const struct vm_page *page = core_page(pager->object, index);

            if (page == NULL || !core_may_evict(page))
                continue;
            for (uint32_t alone = 0; alone <= core_with(CORE_ALONE); alone++)
                actions[nr++] = CORE_ACTION(CORE_EVICT, alone, i * core_options.nr_pages + index);
        }
    }
    return nr;
}

static bool core_possible(uint32_t index, uint32_t choice)
{
    bool manager = index < CORE_PROGRAMS + core_options.nr_objects;
    uint32_t object = index - CORE_PROGRAMS;

    return !core_choice_queues(manager, choice, &object) || core_live.ports[object]->msgcount < CORE_QUEUE_MAX;
}

uint32_t core_enabled(uint32_t *actions)
{
    uint32_t nr = 0;

    for (uint32_t i = 0; i < core_live.nr_threads; i++) {
        const struct thread *thread = core_live.threads[i];
        uint64_t menu = core_live.menus[i];

        if (sched_queued(thread) && menu == 0)
            actions[nr++] = CORE_ACTION(CORE_RUN, i, 0);
        for (uint32_t choice = 0; sched_queued(thread) && choice < 64; choice++) {
            if ((menu >> choice & 1) && core_possible(i, choice))
                actions[nr++] = CORE_ACTION(CORE_RUN, i, choice);
        }
        if (thread->run_state == THREAD_WAITING && list_node_linked(&thread->wait_timer.node))
            actions[nr++] = CORE_ACTION(CORE_TIME_OUT, i, 0);
    }
    nr = core_evictions(actions, nr);
    sim_check(nr <= CORE_ACTIONS_MAX);
    return nr;
}

void core_action_print(uint32_t action)
{
    static const char *const kernel[] = {"the daemon", "the worker", "the reaper"};
    uint32_t index = CORE_ACTION_THREAD(action), option = CORE_ACTION_OPTION(action);
    char who[32], name[64];

    if (CORE_ACTION_KIND(action) == CORE_EVICT) {
        printf("evict page %u of object %u%s", option % core_options.nr_pages, option / core_options.nr_pages,
               index != 0 ? " alone" : "");
        return;
    }
    if (index < CORE_PROGRAMS)
        (void)snprintf(who, sizeof(who), "%s", kernel[index]);
    else if (index < CORE_PROGRAMS + core_options.nr_objects)
        (void)snprintf(who, sizeof(who), "manager %u", index - CORE_PROGRAMS);
    else
        (void)snprintf(who, sizeof(who), "client %u", index - CORE_PROGRAMS - core_options.nr_objects);
    if (CORE_ACTION_KIND(action) == CORE_TIME_OUT)
        printf("%s: time is over", who);
    else if (index < CORE_PROGRAMS)
        printf("%s goes on", who);
    else
        printf("%s: %s", who,
               core_choice_name(index < CORE_PROGRAMS + core_options.nr_objects, option, name, sizeof(name)));
}
