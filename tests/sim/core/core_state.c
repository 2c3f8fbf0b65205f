/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tells states apart: a hash of 64 bits over the kernel's structures by their meaning, so that where something lies,
 * what was there before, and how much happened do not count.
 *
 * 1. Names. What has an address gets a number, in the order of a walk that begins at what is always there (managers and
 *    objects by number, runs by age, pages by index). Pointers are hashed as these numbers; a pointer to what has none is
 *    hashed as just that.
 * 2. Hashed: conversations with their flags, lock requests and runs; objects with their pages and the bits of these; which
 *    pages share a frame; every mapping of a client and of a run with its rights and its modified bit; accounts; queues of
 *    messages with their words; the reaper's queue; maps; threads with their run states, what they wait for, and all words
 *    of their stacks; what programs know. Versions by their order among those of the same page.
 * 3. Left out: free lists and slabs (nothing is short, so which frame or record comes next decides nothing); time and
 *    counters; the order of the policy's lists and referenced bits (its choices are actions); sequence and make-send
 *    numbers, the names of ports (unused by the kernel to decide, and held against nothing here); the order in which
 *    threads wait for the same event and stand in run queues (all choices are actions; wake-ups of one thread are for
 *    events with one waiter but in mutexes, which the feature points alone makes contended).
 * 4. A stack's words between what is in use can be left over from calls before. They tell states apart that are the same,
 *    so a count is too high rather than too low. Below the stack pointer all is cleared at each decision, and of threads
 *    that carry nothing over a wait only the places count where they are (core_places_suffice).
 */
#include <string.h>

#include "core.h"
#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_port.h"
#include "kernel/ipc_kobject.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/memory_object_lock.h"
#include "vm/vm_account.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"

#define CORE_NAMES 2048u /* a power of two, several times what there is */
#define CORE_CONVERSATIONS_MAX 16u
#define CORE_VERSIONS_MAX 32u

struct core_names {
    uint32_t turn;              /* of this hash: entries of others are free */
    uint32_t nr;
    struct {
        const void *address;
        uint32_t turn, name;
    } table[CORE_NAMES];
};

struct core_hash {
    uint32_t a, b;
    uint32_t nr_conversations;
    struct {
        struct memory_object *pager;
        uint32_t object;        /* whose versions its pages are */
    } conversations[CORE_CONVERSATIONS_MAX];
};

static struct core_names *core_names; /* no part of the state */

/* ---- hashing ---- */

static void core_add(struct core_hash *hash, uint32_t word)
{
    hash->a = (hash->a ^ word) * 0x9e3779b1u;
    hash->a ^= hash->a >> 15;
    hash->b = (hash->b + word) * 0x85ebca6bu;
    hash->b ^= hash->b >> 13;
    hash->b += hash->a;
}

static uint32_t core_slot(const void *address)
{
    return ((uint32_t)(uintptr_t)address * 0x9e3779b1u) >> 21;
}

_Static_assert(CORE_NAMES == 1u << 11, "core_slot");

/* The number of an address; 0: it has none. */
static uint32_t core_name_of(const void *address)
{
    uint32_t i = core_slot(address);

    for (; core_names->table[i].turn == core_names->turn; i = (i + 1) % CORE_NAMES) {
        if (core_names->table[i].address == address)
            return core_names->table[i].name;
    }
    return 0;
}

static void core_name(const void *address)
{
    uint32_t i = core_slot(address);

    if (address == NULL)
        return;
    for (; core_names->table[i].turn == core_names->turn; i = (i + 1) % CORE_NAMES) {
        if (core_names->table[i].address == address)
            return;
    }
    sim_check(core_names->nr < CORE_NAMES / 2);
    core_names->table[i].address = address;
    core_names->table[i].turn = core_names->turn;
    core_names->table[i].name = ++core_names->nr;
}

/* A word that may be a pointer. */
static void core_add_word(struct core_hash *hash, uint32_t word)
{
    if (core_memory_dynamic(word))
        core_add(hash, 0xabcd0000u + core_name_of((const void *)(uintptr_t)word));
    else
        core_add(hash, word);
}

static void core_add_pointer(struct core_hash *hash, const void *pointer)
{
    core_add_word(hash, (uint32_t)(uintptr_t)pointer);
}

/* ---- names ---- */

static void core_name_pages(struct vm_object *object)
{
    for (struct vm_page *page = core_page_first(object); page != NULL; page = vm_page_next(page)) {
        core_name(page);
        core_name(page->frame);
    }
}

static void core_name_conversation(struct core_hash *hash, struct memory_object *pager, uint32_t object)
{
    struct memory_object_lock *lock;

    if (pager == NULL || core_name_of(pager) != 0)
        return;
    sim_check(hash->nr_conversations < CORE_CONVERSATIONS_MAX);
    hash->conversations[hash->nr_conversations].pager = pager;
    hash->conversations[hash->nr_conversations++].object = object;
    core_name(pager);
    core_name(&pager->work_node);
    core_name(&pager->reap);
    core_name(&pager->death);
    core_name(&pager->ending_event);
    core_name(pager->object);
    core_name(pager->port);
    core_name(pager->control);
    core_name(pager->name);
    list_for_each(&pager->locks, lock, node)
        core_name(lock);
    core_name_pages(pager->object);
}

static void core_name_all(struct core_hash *hash)
{
    for (uint32_t i = 0; i < core_options.nr_objects; i++) {
        core_name(core_live.managers[i]);
        core_name(core_live.managers[i]->map);
        core_name(core_live.managers[i]->space);
        core_name(core_live.accounts[i]);
        core_name(core_live.ports[i]);
        core_name(&core_live.ports[i]->receivers);
    }
    for (uint32_t i = 0; i < core_options.nr_clients; i++) {
        core_name(core_live.clients[i]);
        core_name(core_live.clients[i]->map);
        core_name(core_live.clients[i]->space);
    }
    for (uint32_t i = 0; i < core_live.nr_threads; i++) {
        core_name(core_live.threads[i]);
        core_name(&core_live.threads[i]->reap);
    }
    for (uint32_t i = 0; i < core_options.nr_objects; i++)
        core_name_conversation(hash, core_conversation(i), i);
    for (uint32_t i = 0; i < core_options.nr_objects; i++) {
        for (struct vm_run *run = core_run_next(i, NULL); run != NULL; run = core_run_next(i, run)) {
            core_name(run);
            core_name(&run->reap);
            core_name(&run->copy);
            core_name(&run->kmsg);
            core_name_conversation(hash, run->pager, i);
            if (run->object != NULL) {
                core_name(run->object);
                core_name_pages(run->object);
            }
        }
    }
}

/* ---- versions ---- */

static uint32_t core_version_in_runs(uint32_t object, uint32_t page, uint32_t *versions, uint32_t nr)
{
    for (struct vm_run *run = core_run_next(object, NULL); run != NULL; run = core_run_next(object, run)) {
        struct vm_page *there = run->object == NULL || page - run->index >= run->nr_pages
                                    ? NULL : core_page(run->object, page - run->index);

        if (there != NULL && there->frame != NULL && (run->state != VM_RUN_RECEIVED || core_with(CORE_BACK))) {
            sim_check(nr < CORE_VERSIONS_MAX);
            versions[nr++] = core_version(there);
        }
    }
    return nr;
}

/* How many versions of this page are older, of those that are anywhere; 0 is of its own kind. */
static uint32_t core_rank(uint32_t object, uint32_t page, uint32_t version)
{
    uint32_t versions[CORE_VERSIONS_MAX], nr = 0, rank = 1;
    struct memory_object *pager = core_conversation(object);
    struct vm_page *there = pager == NULL ? NULL : core_page(pager->object, page);

    if (version == 0)
        return 0;
    versions[nr++] = core_live.models[object].newest[page];
    versions[nr++] = core_live.pagers[object].stored[page];
    if (there != NULL && there->frame != NULL)
        versions[nr++] = core_version(there);
    nr = core_version_in_runs(object, page, versions, nr);
    for (uint32_t i = 0; i < nr; i++) {
        bool counted = versions[i] == 0 || versions[i] >= version;

        for (uint32_t j = 0; j < i; j++)
            counted |= versions[j] == versions[i];
        rank += !counted;
    }
    return rank;
}

/* ---- what is hashed ---- */

/*
 * object: the number of the one whose versions these are; first: the page of it at index 0. versions: that they count; what
 * a manager has received it has stored, and unless it supplies it back nobody looks again.
 */
static void core_add_pages(struct core_hash *hash, struct vm_object *pages, uint32_t object, uint32_t first, bool versions)
{
    for (struct vm_page *page = core_page_first(pages); page != NULL; page = vm_page_next(page)) {
        core_add(hash, 1000 + page->index);
        core_add(hash, (uint32_t)page->busy | (uint32_t)page->wanted << 1 | (uint32_t)page->absent << 2 |
                           (uint32_t)page->error << 3 | (uint32_t)page->dirty << 4 | (uint32_t)page->precious << 5 |
                           (uint32_t)page->restart << 6 | (uint32_t)page->overwriting << 7 |
                           (uint32_t)list_node_linked(&page->queue_node) << 8 | (uint32_t)page->wire_count << 16);
        core_add(hash, (uint32_t)page->lock_prot | (uint32_t)page->unlock_asked << 8 |
                           (uint32_t)(page->queue == VM_PAGE_ACTIVE || page->queue == VM_PAGE_INACTIVE) << 16 |
                           (uint32_t)page->queue << 17 * (page->queue == VM_PAGE_UNEVICTABLE));
        core_add_pointer(hash, page->frame);
        if (page->frame == NULL)
            continue;
        core_add(hash, page->frame->nr_holders | (uint32_t)(page->frame->pmap_bits & PMAP_MODIFIED) << 16);
        if (versions && first + page->index < core_options.nr_pages)
            core_add(hash, core_rank(object, first + page->index, core_version(page)));
    }
}

static void core_add_runs(struct core_hash *hash, uint32_t manager)
{
    const struct vm_account *account = core_live.accounts[manager];

    core_add(hash, account != NULL);
    if (account == NULL)
        return;
    core_add(hash, account->refs);
    core_add(hash, account->nr_out | account->nr_runs << 16);
    /* No charge ever meets the window's end, so what was drained since changes nothing. */
    sim_check(!account->limited);
    core_add(hash, account->window);
    core_add(hash, (uint32_t)list_empty(&account->waiting) << 1 |
                       (uint32_t)list_empty(&account->parked) << 2 | (uint32_t)(account->reserved != NULL) << 3 |
                       (uint32_t)(account->space != NULL) << 4);
    for (struct vm_run *run = core_run_next(manager, NULL); run != NULL; run = core_run_next(manager, run)) {
        core_add_pointer(hash, run);
        core_add_pointer(hash, run->pager);
        core_add(hash, run->index | run->nr_pages << 8 | run->nr_out << 16);
        core_add(hash, (uint32_t)run->state | (uint32_t)run->cause << 8 | (uint32_t)run->parts << 16 |
                           (uint32_t)run->dirty << 24 | (uint32_t)run->kernel_copy << 25 |
                           (uint32_t)list_node_linked(&run->reap.node) << 26 | (uint32_t)list_node_linked(&run->node) << 27);
        if (run->object != NULL) {
            core_add(hash, run->object->refs | (uint32_t)run->object->alive << 16 |
                               (uint32_t)(run->object->run != NULL) << 17);
            core_add_pages(hash, run->object, manager, run->index, run->state != VM_RUN_RECEIVED || core_with(CORE_BACK));
        }
    }
}

static void core_add_conversation(struct core_hash *hash, struct memory_object *pager, uint32_t object)
{
    struct memory_object_lock *lock;
    struct vm_run *run;

    core_add(hash, object);
    core_add(hash, pager->refs | (uint32_t)pager->working << 16 | (uint32_t)pager->work_again << 17 |
                       (uint32_t)pager->ready << 18 | (uint32_t)pager->dead << 19 | (uint32_t)pager->ending << 20 |
                       (uint32_t)pager->over << 21 | (uint32_t)pager->may_cache << 22 | (uint32_t)pager->cached << 23 |
                       (uint32_t)list_node_linked(&pager->work_node) << 24 | (uint32_t)list_empty(&pager->unasked) << 25);
    core_add(hash, pager->ending ? pager->end_cursor : 0);
    core_add_pointer(hash, pager->port);
    core_add_pointer(hash, pager->control);
    list_for_each(&pager->locks, lock, node)
        core_add(hash, lock->index | lock->end << 8 | (uint32_t)lock->should_return << 16 |
                           (uint32_t)lock->should_flush << 20);
    list_for_each(&pager->runs, run, node)
        core_add_pointer(hash, run);
    core_add(hash, pager->object->refs | pager->object->splits << 16);
    core_add(hash, (uint32_t)pager->object->alive | (uint32_t)pager->object->temporary << 1 |
                       (uint32_t)pager->object->true_share << 2);
    core_add_pages(hash, pager->object, object, 0, true);
}

static void core_add_port(struct core_hash *hash, struct ipc_port *port)
{
    struct ipc_kmsg *kmsg;

    core_add(hash, (uint32_t)port->active | (uint32_t)port->kobject_type << 8 |
             (uint32_t)list_empty(&port->receivers) << 16 |
                       (uint32_t)list_node_linked(&port->reap.node) << 17 |
                           (uint32_t)list_node_linked(&port->owe.node) << 18);
    core_add(hash, port->srights | port->sorights << 16);
    core_add_pointer(hash, port->kobject);
    list_for_each(&port->messages, kmsg, port_node) {
        const mach_msg_header_t *header = ipc_kmsg_header(kmsg);
        const uint32_t *words = (const uint32_t *)(const void *)(header + 1);

        core_add(hash, (uint32_t)header->msgh_id);
        for (uint32_t i = 0; i < (header->msgh_size - sizeof(*header)) / 4; i++)
            core_add_word(hash, words[i]);
    }
}

static void core_add_mapping(struct core_hash *hash, const struct task *task, uintptr_t address)
{
    const uint32_t *entry = sim_mmu_entry(task->map->pmap, address);

    if (entry == NULL || !(*entry & SIM_PTE_VALID))
        core_add(hash, 0);
    else {
        core_add(hash, *entry & (SIM_PTE_VALID | SIM_PTE_WRITE | SIM_PTE_MODIFIED | SIM_PTE_WIRED));
        core_add_pointer(hash, &vm_frames[*entry >> PAGE_SHIFT]);
    }
}

/* Where in a map an object lies decides nothing: the entries are a set. */
static void core_add_map(struct core_hash *hash, const struct task *task)
{
    struct vm_map_entry *entry;
    uint32_t a = 0, b = 0;

    list_for_each(&task->map->entries, entry, link) {
        struct core_hash one = {.a = 3, .b = 4};

        core_add(&one, (uint32_t)(entry->end - entry->start));
        core_add_pointer(&one, entry->object);
        core_add(&one, entry->index | (uint32_t)entry->protection << 24 | (uint32_t)entry->needs_copy << 28 |
                           (uint32_t)entry->is_shared << 29 | (uint32_t)entry->in_transition << 30);
        for (uintptr_t at = entry->start; at < entry->end && core_name_of(entry->object) != 0; at += PAGE_SIZE)
            core_add_mapping(&one, task, at);
        a += one.a;
        b += one.b;
    }
    core_add(hash, a);
    core_add(hash, b);
    core_add_pointer(hash, task->map->lock.owner);
}

static void core_add_task(struct core_hash *hash, const struct task *task)
{
    core_add(hash, (uint32_t)task->active | task->nr_threads << 8 | (uint32_t)task->finished << 16 |
                       (uint32_t)list_node_linked(&task->reap.node) << 17 | task->nr_end_waiters << 18 |
                       (uint32_t)(task->self_port != NULL) << 24);
    if (task->nr_threads != 0 || task->active)
        core_add_map(hash, task);
}

/* ---- threads ---- */

/* What kernel threads waited for at the root. Constant afterwards. */
static const void *core_homes[CORE_PROGRAMS];

/*
 * Whether the places where it is tell all of a thread, with what it was asked for. The daemon and the reaper carry nothing
 * from one turn to the next (what is left of a look is in the watermarks), and a fault begins anew whenever it has waited.
 */
static bool core_places_suffice(uint32_t index)
{
    bool client = index >= CORE_PROGRAMS + core_options.nr_objects;

    return index == CORE_DAEMON || index == CORE_REAPER || (client && core_choice_is_access(core_live.choices[index]));
}

static void core_add_places(struct core_hash *hash, uint32_t index)
{
    const uint32_t *stopped = core_live.stopped[index], *frame = (const uint32_t *)(uintptr_t)stopped[3];

    core_add(hash, stopped[4]);
    for (; frame > stopped && frame < (const uint32_t *)core_live.base[index]; frame = (const uint32_t *)(uintptr_t)frame[0])
        core_add(hash, frame[1]);
    core_add(hash, core_live.choices[index]);
}

static bool core_is_thread(uint32_t word)
{
    uint32_t i = 0;

    while (i < core_live.nr_threads && (uint32_t)(uintptr_t)core_live.threads[i] != word)
        i++;
    return i < core_live.nr_threads || word == (uint32_t)(uintptr_t)core_idle;
}

static void core_add_thread(struct core_hash *hash, uint32_t index)
{
    const struct thread *thread = core_live.threads[index];
    const uint32_t *word = core_live.stopped[index];

    core_add(hash, (uint32_t)thread->run_state | (uint32_t)thread->abort_pending << 4 | (uint32_t)thread->terminating << 5 |
                       (uint32_t)thread->active << 6 | (uint32_t)list_node_linked(&thread->wait_timer.node) << 7 |
                       (uint32_t)list_node_linked(&thread->reap.node) << 8 |
                           (uint32_t)list_node_linked(&thread->task_node) << 9 |
                       thread->suspend_count << 16 | thread->hold_count << 24);
    if (thread->run_state == THREAD_HALTED) {
        core_add(hash, core_live.stopping == thread); /* then nobody has noticed yet */
        return;
    }
    core_add_pointer(hash, thread->wait_event);
    if (thread->run_state == THREAD_RUNNABLE)
        core_add(hash, thread->wait_result);
    core_add(hash, (uint32_t)core_live.menus[index]);
    core_add(hash, (uint32_t)(core_live.menus[index] >> 32));
    if (core_live.menus[index] != 0)
        return;
    if (core_places_suffice(index)) {
        core_add_places(hash, index);
        return;
    }
    /* Threads on a stack are itself, and who ran next when it stopped. */
    for (; word < (const uint32_t *)core_live.base[index]; word++)
        core_add_word(hash, core_is_thread(*word) ? 0x7eadu : *word);
}

/* The worker and the reaper wait for what tells them of work. */
static void core_add_homes(struct core_hash *hash)
{
    const struct list *items = core_homes[CORE_REAPER];
    struct reaper_item *item;

    core_add(hash, *(const bool *)core_homes[CORE_WORKER]);
    list_for_each(items, item, node) {
        core_add_pointer(hash, item);
        core_add(hash, (uint32_t)(uintptr_t)item->function);
    }
}

void core_state_root(void)
{
    core_names = core_memory_own(sizeof(*core_names));
    for (uint32_t i = 0; i < CORE_PROGRAMS; i++) {
        core_homes[i] = core_live.threads[i]->wait_event;
        sim_check(core_homes[i] != NULL);
    }
}

/* ---- programs ---- */

static void core_add_manager(struct core_hash *hash, uint32_t index)
{
    const struct core_pager *pager = &core_live.pagers[index];
    const struct core_model *model = &core_live.models[index];

    core_add(hash, pager->pending | (uint32_t)pager->locking << 8 | (uint32_t)pager->gone << 9 |
                       (uint32_t)(pager->control != 0) << 10 | (uint32_t)model->discarded << 11 | pager->nr_held << 16);
    for (uint32_t i = 0; i < pager->nr_held; i++) {
        core_add(hash, pager->held[i].first | pager->held[i].nr_pages << 8);
    }
    for (uint32_t page = 0; page < core_options.nr_pages; page++) {
        core_add(hash, core_rank(index, page, pager->stored[page]));
        core_add(hash, core_rank(index, page, model->newest[page]) << 8 | model->place[page]);
    }
}

uint64_t core_state_hash(void)
{
    struct core_hash hash = {.a = 1, .b = 2};

    core_names->turn++;
    core_names->nr = 0;
    core_name_all(&hash);
    for (uint32_t i = 0; i < hash.nr_conversations; i++)
        core_add_conversation(&hash, hash.conversations[i].pager, hash.conversations[i].object);
    for (uint32_t i = 0; i < core_options.nr_objects; i++) {
        core_add_runs(&hash, i);
        core_add_port(&hash, core_live.ports[i]);
        core_add_task(&hash, core_live.managers[i]);
        core_add_manager(&hash, i);
    }
    for (uint32_t i = 0; i < core_options.nr_clients; i++) {
        core_add_task(&hash, core_live.clients[i]);
        for (uint32_t object = 0; object < core_options.nr_objects; object++)
            core_add(&hash, core_live.mapped[i][object]);
    }
    for (uint32_t i = 0; i < core_live.nr_threads; i++)
        core_add_thread(&hash, i);
    core_add_homes(&hash);
    return (uint64_t)hash.a << 32 | hash.b;
}
