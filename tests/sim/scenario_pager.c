/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memory manager and its clients: an object larger than memory, whose every page carries the number of its last write.
 *
 * A write stores its number in the first word of a page and then in the last one; so a page holds a number twice, or that
 * and the one before it while a write is under way. Each page has one writer. The manager keeps the numbers of what it got
 * and nothing else, and sees at once when a page comes back older than it was, or newer than was ever written. At the end
 * every page must have come back with its last number.
 *
 * It holds the flags against what it knows. What came back without kernel_copy does not come back again before it was given
 * again. A precious page is not asked for before it came back. A page that is dirty has changed, unless a write to it was
 * under way, since a write's fault comes before the write.
 */
#include <string.h>

#include <mach/memory_object.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "prog_manager.h"
#include "scenario.h"

#define PAGER_PAGES_MAX 1024u
#define PAGER_LAST_WORD (PAGE_SIZE - 4)
#define PAGER_CLIENTS_MAX 3u
#define PAGER_LOSING_MS 10u
/* What was lost is dropped when the object ends before it has come home. */
#define PAGER_HOME_MS 50u
#define PAGER_HOME_SLEEPS 20u
/* The size of supply_completed; only data_return, with its memory, is longer. */
#define PAGER_ALL_BUT_RETURN (sizeof(mach_msg_header_t) + 5 * 2 * sizeof(uint32_t))
#define PAGER_OBJECT_NAME 0x1001u   /* the clients' name of the object's port */

/* Versions, 0 before the first write; by page. */
struct pager_page {
    uint32_t begun, done;           /* the writer's: the last write that has begun, and that is over */
    uint32_t stored, stored_last;   /* the manager's: the first and the last word */
    bool held;                      /* the kernel may have it: it was given since it came back for good */
    bool precious;                  /* it was given as precious, and must come back */
    uint32_t lost;                  /* how often it had been lost on its way when it was given */
    bool discarded;                 /* a request was to flush it without its return, which may happen at any time */
};
static struct pager_page pager_pages[PAGER_PAGES_MAX];

static struct {
    uint32_t nr_pages, nr_clients;
    uint32_t nr_written, nr_writes; /* pages written in a row first, writes and looks afterwards */
    mach_port_t object, control;    /* the manager's names */
    bool locks;                     /* the manager asks for pages back, and takes rights away */
    bool precious;                  /* it wants clean pages back too */
    bool loses;                     /* it receives into a buffer that is too small for data_return, now and then */
    bool pushes;                    /* it gives data that nobody has asked for */
    bool ended;                     /* the kernel has ended the object */
    uint32_t clients_mapped, clients_finishing, clients_done;
    memory_object_copy_strategy_t strategy;
} pager;

/* ---- the manager ---- */

static void pager_init(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control, mach_port_t name,
                       vm_size_t page_size)
{
    prog_check(seqno == 0 && object == pager.object && page_size == PAGE_SIZE);
    pager.control = control;
    prog_call(user_memory_object_ready(control, FALSE, pager.strategy));
}

/* Both rights come to the manager. Everything must have come back by now. */
static void pager_terminate(mach_port_t object, mach_port_t control, mach_port_t name)
{
    for (uint32_t i = 0; i < pager.nr_pages; i++) {
        const struct pager_page *page = &pager_pages[i];

        if ((page->stored != page->done || page->stored_last != page->done) && !sim_page_dropped(i))
            sim_fail("page %u was written %u times, and the manager has %u and %u", i, page->done, page->stored,
                     page->stored_last);
        if (page->held && page->precious && !sim_page_dropped(i))
            sim_fail("page %u is precious, and did not come back", i);
    }
    pager.ended = true;
    prog_call(user_mach_port_destroy(prog_task(), control));
    prog_call(user_mach_port_destroy(prog_task(), name));
}

/* Pages [first, end) all were written. */
static void pager_supply(uint32_t first, uint32_t end, mach_port_t reply)
{
    uint32_t size = (end - first) * PAGE_SIZE, data = prog_allocate(size);

    for (uint32_t i = first; i < end; i++) {
        sim_store(data + (i - first) * PAGE_SIZE, pager_pages[i].stored);
        sim_store(data + (i - first) * PAGE_SIZE + PAGER_LAST_WORD, pager_pages[i].stored_last);
        pager_pages[i].precious = pager.precious && !pager_pages[i].discarded;
        pager_pages[i].lost = sim_page_lost(i);
    }
    prog_call(user_memory_object_data_supply(pager.control, first * PAGE_SIZE, data, size, TRUE, VM_PROT_NONE,
                                             pager.precious, reply));
}

/*
 * Pages [first, end) were not written, as far as the manager knows; it may say the same of those behind, which it was not
 * asked for yet. A page of which the return is queued is not meant by that.
 */
static void pager_say_nothing(uint32_t first, uint32_t end)
{
    uint32_t ahead = sim_choose(4) == 3 ? 16 : 0;

    for (; ahead > 0 && end < pager.nr_pages && pager_pages[end].stored == 0; ahead--)
        pager_pages[end++].held = true; /* if it waits in the kernel, its request not sent yet for want of memory */
    prog_call(user_memory_object_data_unavailable(pager.control, first * PAGE_SIZE, (end - first) * PAGE_SIZE));
}

static void pager_data_request(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length,
                               vm_prot_t access)
{
    uint32_t first = offset / PAGE_SIZE, end = first + length / PAGE_SIZE, next;

    prog_check(length != 0 && end <= pager.nr_pages);
    for (uint32_t i = first; i < end; i++) {
        /* What was lost on its way, by the manager or by a fault, came home perhaps after the request. */
        if (pager_pages[i].held && pager_pages[i].precious && !pager.loses && sim_page_lost(i) == pager_pages[i].lost)
            sim_fail("page %u is precious, and is asked for though it did not come back", i);
        pager_pages[i].held = true;
        pager_pages[i].precious = false;
    }
    for (; first < end; first = next) {
        uint32_t most = 1 + sim_choose(16);

        next = first + 1;
        while (next < end && next - first < most && (pager_pages[next].stored != 0) == (pager_pages[first].stored != 0))
            next++;
        if (pager_pages[first].stored != 0)
            pager_supply(first, next, MACH_PORT_NULL);
        else
            pager_say_nothing(first, next);
    }
}

static void pager_data_unlock(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length,
                              vm_prot_t access)
{
    prog_call(user_memory_object_lock_request(control, offset, length, MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE,
                                              MACH_PORT_NULL));
}

static void pager_lock_completed(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length)
{
}

static void pager_supply_completed(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length,
                                   kern_return_t result, vm_offset_t error_offset)
{
    prog_check(pager.pushes && offset + length <= pager.nr_pages * PAGE_SIZE);
    if (result != KERN_SUCCESS && ((result != KERN_MEMORY_PRESENT && result != KERN_RESOURCE_SHORTAGE) ||
                                   error_offset - offset >= length))
        sim_fail("a supply of pages from %u on: %d at %u", offset / PAGE_SIZE, (int)result, error_offset / PAGE_SIZE);
}

/* What a page says that came back. */
static void pager_take(uint32_t index, uint32_t data, bool dirty, bool kernel_copy)
{
    struct pager_page *page = &pager_pages[index];
    uint32_t version = sim_load(data), last = sim_load(data + PAGER_LAST_WORD);
    bool same = version == page->stored && last == page->stored_last;

    sim_trace(SIM_PROGRAM, index, version);
    if (version > page->begun || version < page->stored || (last != version && last + 1 != version))
        sim_fail("page %u came back as %u and %u; the manager had %u, the writer has begun %u", index, version, last,
                 page->stored, page->begun);
    /* Clean as of a message that was lost: its page is home, and comes back dirty. Until then this says nothing. */
    if (!dirty && !same && pager.loses)
        return;
    if (!dirty && !same)
        sim_fail("page %u came back clean as %u and %u; the manager had %u", index, version, last, page->stored);
    if (dirty && same && page->begun == version && page->done == version)
        sim_fail("page %u came back dirty as %u, which the manager had", index, version);
    if (!dirty && !pager.precious)
        sim_fail("page %u came back clean, and is not precious", index);
    if ((!page->held && !pager.loses) || (kernel_copy && !pager.locks))
        sim_fail("page %u came back %s", index, page->held ? "as a copy" : "though the kernel had given it up");
    page->held = kernel_copy;
    page->stored = version;
    page->stored_last = last;
}

static void pager_data_return(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_offset_t data,
                              mach_msg_type_number_t size, boolean_t dirty, boolean_t kernel_copy)
{
    prog_check(size != 0 && size % PAGE_SIZE == 0 && offset + size <= pager.nr_pages * PAGE_SIZE);
    for (uint32_t at = 0; at < size; at += PAGE_SIZE)
        pager_take((offset + at) / PAGE_SIZE, data + at, dirty, kernel_copy);
    prog_deallocate(data, size);
}

/* Asks for some pages back, or takes the right to write them, or both. */
static void pager_ask(void)
{
    uint32_t first = sim_choose(pager.nr_pages), nr = 1 + sim_choose(MIN(pager.nr_pages - first, 100u));
    memory_object_return_t wanted = sim_choose(2) ? MEMORY_OBJECT_RETURN_ALL : MEMORY_OBJECT_RETURN_DIRTY;
    bool flush = sim_choose(2) != 0;
    vm_prot_t prot = sim_choose(2) ? VM_PROT_WRITE : VM_PROT_NO_CHANGE;
    mach_port_t reply = sim_choose(2) ? pager.object : MACH_PORT_NULL;

    for (uint32_t i = first; i < first + nr; i++) {
        struct pager_page *page = &pager_pages[i];

        page->discarded |= flush && wanted == MEMORY_OBJECT_RETURN_DIRTY;
        page->precious &= !page->discarded;
    }
    /* One choice a statement: the order in which a call's arguments are worked out is the compiler's. */
    (void)user_memory_object_lock_request(pager.control, first * PAGE_SIZE, nr * PAGE_SIZE, wanted, flush, prot, reply);
}

/* Gives what it has of a page, as old as it may be: what the kernel has, or is about to return, is newer. */
static void pager_push(void)
{
    uint32_t index = sim_choose(pager.nr_pages);

    if (pager_pages[index].stored == 0)
        return;
    pager_pages[index].held = true;
    pager_pages[index].discarded = true; /* whether it is precious from now on is not known */
    pager_supply(index, index + 1, pager.object);
}

static void pager_serve(void)
{
    union {
        mach_msg_header_t header;
        char bytes[PROG_MESSAGE_MAX];
    } in;

    while (!pager.ended) {
        bool loses = pager.loses && pager.clients_finishing == 0 && sim_chance(4);
        mach_msg_return_t result =
            loses ? mach_msg(&in.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, PAGER_ALL_BUT_RETURN, pager.object,
                             PAGER_LOSING_MS, MACH_PORT_NULL)
                  : mach_msg(&in.header, MACH_RCV_MSG, 0, PROG_MESSAGE_MAX, pager.object, 0, MACH_PORT_NULL);
        if (loses && (result == MACH_RCV_TOO_LARGE || result == MACH_RCV_TIMED_OUT))
            continue;
        prog_check(result == MACH_MSG_SUCCESS);
        prog_manager_serve(&in.header);
        if (pager.locks && pager.control != MACH_PORT_NULL && !pager.ended && sim_chance(6))
            pager_ask();
        if (pager.pushes && pager.control != MACH_PORT_NULL && !pager.ended && sim_chance(2))
            pager_push();
    }
}

static const struct prog_manager pager_manager = {
    .init = pager_init, .terminate = pager_terminate, .data_request = pager_data_request,
    .data_unlock = pager_data_unlock, .data_return = pager_data_return, .lock_completed = pager_lock_completed,
    .supply_completed = pager_supply_completed,
};

/* ---- the clients ---- */

static void pager_write(uint32_t memory, uint32_t index)
{
    struct pager_page *page = &pager_pages[index];
    uint32_t at = memory + index * PAGE_SIZE;

    page->begun++;
    sim_store(at, page->begun);
    sim_store(at + PAGER_LAST_WORD, page->begun);
    page->done = page->begun;
}

/* A page that somebody else may be writing: not before what was over when the look began. */
static void pager_look(uint32_t memory, uint32_t index)
{
    struct pager_page *page = &pager_pages[index];
    uint32_t least = page->done, at = memory + index * PAGE_SIZE;
    uint32_t last = sim_load(at + PAGER_LAST_WORD), version = sim_load(at);

    if (version < last || last < least || version > page->begun)
        sim_fail("page %u reads %u and %u; %u are over, %u have begun", index, version, last, least, page->begun);
}

/* One client: writes its pages in a row, then writes and reads here and there. Pages are its own by their number. */
static void pager_client(uint32_t argument)
{
    vm_address_t memory = 0;

    prog_call(user_vm_map(prog_task(), &memory, pager.nr_pages * PAGE_SIZE, 0, TRUE, PAGER_OBJECT_NAME, 0, FALSE,
                          VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, VM_INHERIT_NONE));
    pager.clients_mapped++;
    for (uint32_t i = argument; i < pager.nr_written; i += pager.nr_clients)
        pager_write(memory, i);
    for (uint32_t i = 0; i < pager.nr_writes; i++) {
        uint32_t index = sim_choose(pager.nr_pages);

        if (sim_choose(2))
            index = index - index % pager.nr_clients + argument;
        if (index >= pager.nr_pages)
            index = argument;
        if (index % pager.nr_clients == argument)
            pager_write(memory, index);
        pager_look(memory, index);
    }
    pager.clients_finishing++;
    /* A sleep can be broken off. */
    for (uint32_t i = 0; pager.loses && i < PAGER_HOME_SLEEPS; i++)
        prog_sleep(PAGER_HOME_MS);
    pager.clients_done++;
    /* The object ends with its last mapping, and the manager with the object. */
    while (pager.clients_mapped < pager.nr_clients)
        prog_sleep(1);
    if (sim_choose(2))
        prog_call(user_vm_deallocate(prog_task(), memory, pager.nr_pages * PAGE_SIZE));
    prog_exit();
}

static void pager_begin(uint32_t argument)
{
    mach_port_t child;

    memset(pager_pages, 0, sizeof(pager_pages));
    prog_manager = &pager_manager;
    pager.object = prog_port();
    for (uint32_t i = 0; i < pager.nr_clients; i++) {
        prog_call(user_task_create(prog_task(), FALSE, &child));
        prog_call(user_mach_port_insert_right(child, PAGER_OBJECT_NAME, pager.object, MACH_MSG_TYPE_MAKE_SEND));
        (void)prog_start_thread(child, pager_client, i);
    }
    pager_serve();
    prog_check(pager.clients_done == pager.nr_clients);
    prog_exit();
}

static void pager_run(void)
{
    struct sim_stock before;
    struct task *task;

    pager.nr_pages = (sim_run.nr_direct + sim_run.nr_high) * (2 + sim_choose(4)) / 4;
    pager.nr_clients = 1 + sim_choose(PAGER_CLIENTS_MAX);
    pager.nr_written = sim_choose(2) ? pager.nr_pages : 0;
    pager.nr_writes = 20 + sim_choose(200);
    pager.locks = sim_choose(2) != 0;
    pager.precious = sim_chance(2);
    pager.loses = sim_chance(2);
    pager.pushes = sim_chance(3);
    pager.strategy = sim_choose(2) ? MEMORY_OBJECT_COPY_NONE : MEMORY_OBJECT_COPY_DELAY;
    sim_stock_take(&before);
    task = sim_task_start(pager_begin, 0);
    sim_faults_begin();
    sim_task_wait(task);
    sim_faults_end();
    sim_stock_check(&before);
    sim_check_all();
}

const struct sim_scenario sim_scenario_pager = {.name = "pager", .run = pager_run, .nr_frames = 160, .weight = 4};
