/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One round of the demonstration: a task that is its own memory manager.
 *
 * One thread maps an object larger than memory, writes every page, checks and rewrites every page, and checks every page.
 * The other is the object's manager. It could not store what the kernel sends it, and need not: what stands in a page
 * follows from the page's number and how many of its words have been written, so this count is all that is stored.
 *
 * The writer writes the words of a page in ascending order, and pass by pass. So a page is always in a *state*, the number
 * of words ever written in it: word i was last written in pass 1 + (state - 1 - i) / DEMO_WORDS if state is above i,
 * and is zero otherwise. A page may be taken out at any moment, also in the middle of being written: what the manager
 * receives must be some state exactly, never an older one than it has, and is supplied again as that state. When the object
 * is unmapped the manager must have the last state of every page.
 */
#include <mach/mig_support.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <pager.h>
#include <string.h>
#include <uthread.h>

#include "demo.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "mig/seqnos_memory_object_server.h"

/* How long the object's end may take: the last pages are few, and the manager does nothing else. */
#define DEMO_END_MS 60000u
#define DEMO_END_POLL_MS 10u

/* The sequence of random page numbers: a full cycle through the power of two that is above all page numbers. */
#define DEMO_RANDOM_FACTOR 1664525u
#define DEMO_RANDOM_ADDEND 1013904223u
_Static_assert(DEMO_RANDOM_FACTOR % 4 == 1 && DEMO_RANDOM_ADDEND % 2 == 1, "a full period for every power of two");

/* Words of one page and pass are an arithmetic sequence, so that a word costs an addition. */
#define DEMO_STEP 0x9e3779b9u

static uint32_t demo_nr_pages;
static uint16_t *demo_states;           /* of each page, as the manager has it */
static mach_port_t demo_object;
static mach_port_seqno_t demo_seqno;    /* that the manager's next message must have */
static volatile bool demo_terminated;   /* the manager has had the object's last message */

_Static_assert(DEMO_PASSES * DEMO_WORDS <= UINT16_MAX, "a state is a number of 16 bits");

/* ---- what a page holds ---- */

/* The first word of a page as pass writes it; never 0 there for the pages and passes there are. */
static uint32_t demo_first_word(uint32_t page, uint32_t pass)
{
    return (page + 1) * 2654435761u + pass * 0x01000193u;
}

/* Writes words [from, to) as pass writes them; they may be in a page that is taken away meanwhile. */
static void demo_write_words(volatile uint32_t *words, uint32_t page, uint32_t pass, uint32_t from, uint32_t to)
{
    uint32_t value = demo_first_word(page, pass) + from * DEMO_STEP, step = DEMO_STEP;

    if (pass == 0)
        value = step = 0;
    for (uint32_t i = from; i < to; i++, value += step)
        words[i] = value;
}

/* How many words from `from` on are as pass writes them. */
static uint32_t demo_match_words(const volatile uint32_t *words, uint32_t page, uint32_t pass, uint32_t from)
{
    uint32_t value = demo_first_word(page, pass) + from * DEMO_STEP, step = DEMO_STEP, i = from;

    if (pass == 0)
        value = step = 0;
    while (i < DEMO_WORDS && words[i] == value) {
        i++;
        value += step;
    }
    return i - from;
}

/* The state of a page's contents, or 0 when they are of none that has a word written. */
static uint32_t demo_state_of(const uint32_t *words, uint32_t page)
{
    for (uint32_t pass = DEMO_PASSES; pass > 0; pass--) {
        uint32_t written = demo_match_words(words, page, pass, 0);

        if (written == 0)
            continue;
        if (demo_match_words(words, page, pass - 1, written) != DEMO_WORDS - written)
            return 0;
        return (pass - 1) * DEMO_WORDS + written;
    }
    return 0;
}

static void demo_fill(uint32_t *words, uint32_t page, uint32_t state)
{
    uint32_t pass = 1 + (state - 1) / DEMO_WORDS, written = state - (pass - 1) * DEMO_WORDS;

    demo_write_words(words, page, pass, 0, written);
    demo_write_words(words, page, pass - 1, written, DEMO_WORDS);
}

/* ---- the manager ---- */

/* One thread receives, so the numbers follow each other without a gap. */
static void demo_count_message(const char *message, mach_port_seqno_t seqno)
{
    if (seqno != demo_seqno)
        demo_error("%s has sequence number %u, not %u", message, seqno, demo_seqno);
    demo_seqno = seqno + 1;
}

kern_return_t seqnos_memory_object_init(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                        mach_port_t name, vm_size_t page_size)
{
    demo_count_message("memory_object_init", seqno);
    if (page_size != PROGRAM_PAGE_SIZE)
        demo_error("the kernel's pages are of %u bytes", page_size);
    demo_check("memory_object_ready", memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_NONE));
    return KERN_SUCCESS;
}

kern_return_t seqnos_memory_object_terminate(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                             mach_port_t name)
{
    demo_count_message("memory_object_terminate", seqno);
    demo_check("mach_port_destroy", mach_port_destroy(uthread_task(), control));
    demo_check("mach_port_destroy", mach_port_destroy(uthread_task(), name));
    demo_terminated = true;
    return KERN_SUCCESS;
}

static void demo_supply(mach_port_t control, uint32_t first, uint32_t count)
{
    vm_address_t buffer = 0;

    if (!demo_check("vm_allocate", vm_allocate(uthread_task(), &buffer, count * PROGRAM_PAGE_SIZE, TRUE))) {
        (void)memory_object_data_error(control, first * PROGRAM_PAGE_SIZE, count * PROGRAM_PAGE_SIZE,
                                       KERN_RESOURCE_SHORTAGE);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        demo_fill((uint32_t *)(buffer + i * PROGRAM_PAGE_SIZE), first + i, demo_states[first + i]);
    demo_options.progress->supplied_pages += count;
    demo_check("memory_object_data_supply",
               memory_object_data_supply(control, first * PROGRAM_PAGE_SIZE, buffer, count * PROGRAM_PAGE_SIZE, TRUE,
                                         VM_PROT_NONE, FALSE, MACH_PORT_NULL));
}

kern_return_t seqnos_memory_object_data_request(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    uint32_t page = offset / PROGRAM_PAGE_SIZE, end = page + length / PROGRAM_PAGE_SIZE;

    demo_count_message("memory_object_data_request", seqno);
    demo_options.progress->requests++;
    if (page >= end || end > demo_nr_pages) {
        demo_error("%u bytes at offset 0x%x are requested, which is outside the object", length, offset);
        (void)memory_object_data_error(control, offset, length, KERN_INVALID_ARGUMENT);
        return KERN_SUCCESS;
    }
    while (page < end) {
        uint32_t first = page;
        bool known = demo_states[page] != 0;

        while (page < end && (demo_states[page] != 0) == known)
            page++;
        if (known) {
            demo_supply(control, first, page - first);
            continue;
        }
        demo_options.progress->unavailable_pages += page - first;
        demo_check("memory_object_data_unavailable",
                   memory_object_data_unavailable(control, first * PROGRAM_PAGE_SIZE, (page - first) * PROGRAM_PAGE_SIZE));
    }
    return KERN_SUCCESS;
}

static void demo_take(const uint32_t *words, uint32_t page)
{
    uint32_t state = demo_state_of(words, page);

    if (state == 0)
        demo_error("page %u comes back with words that were never written: %x %x ... %x", page, words[0], words[1],
                   words[DEMO_WORDS - 1]);
    else if (state < demo_states[page])
        demo_error("page %u comes back in state %u after state %u", page, state, demo_states[page]);
    else
        demo_states[page] = (uint16_t)state;
}

kern_return_t seqnos_memory_object_data_return(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                               vm_offset_t offset, vm_offset_t data, mach_msg_type_number_t length,
                                               boolean_t dirty, boolean_t kernel_copy)
{
    struct demo_progress *progress = demo_options.progress;
    uint32_t first = offset / PROGRAM_PAGE_SIZE, count = length / PROGRAM_PAGE_SIZE;

    demo_count_message("memory_object_data_return", seqno);
    progress->returns++;
    progress->returned_pages += count;
    if (count > progress->largest)
        progress->largest = count;
    if (offset % PROGRAM_PAGE_SIZE != 0 || length % PROGRAM_PAGE_SIZE != 0 || count == 0 || first >= demo_nr_pages ||
        count > demo_nr_pages - first)
        demo_error("%u bytes at offset 0x%x come back, which is outside the object", length, offset);
    else
        for (uint32_t i = 0; i < count; i++)
            demo_take((const uint32_t *)(data + i * PROGRAM_PAGE_SIZE), first + i);
    /* Nothing is precious here, and nobody asks for cleaning. */
    if (!dirty)
        demo_error("page %u and %u more come back and are not dirty", first, count - 1);
    demo_check("vm_deallocate", vm_deallocate(uthread_task(), data, length));
    return KERN_SUCCESS;
}

static void demo_manager(void *argument)
{
    demo_check("mach_msg", pager_serve(demo_object, seqnos_memory_object_server, &demo_terminated));
}

/* ---- the work ---- */

/* Checks that all of a page is as pass left it. */
static void demo_check_page(const volatile uint32_t *words, uint32_t page, uint32_t pass, uint32_t from)
{
    uint32_t good = demo_match_words(words, page, pass, from);

    if (good != DEMO_WORDS - from)
        demo_error("page %u, word %u: %x is not what pass %u wrote", page, from + good, words[from + good], pass);
}

/* Pass 1 finds zeroes. Its first word is written before the others are looked at: so a page faults once. */
static void demo_write_page(volatile uint32_t *words, uint32_t page, uint32_t pass)
{
    if (pass == 1) {
        demo_write_words(words, page, pass, 0, 1);
        demo_check_page(words, page, 0, 1);
        demo_write_words(words, page, pass, 1, DEMO_WORDS);
        return;
    }
    demo_check_page(words, page, pass - 1, 0);
    demo_write_words(words, page, pass, 0, DEMO_WORDS);
}

static void demo_write_all(vm_address_t base, uint32_t pass)
{
    struct demo_progress *progress = demo_options.progress;
    uint32_t mask = 1, place = 0;

    while (mask < demo_nr_pages)
        mask *= 2;
    mask--;
    progress->pages_done = 0;
    for (uint32_t step = 0; step <= mask; step++) {
        uint32_t page = demo_options.random ? place : step;

        place = (place * DEMO_RANDOM_FACTOR + DEMO_RANDOM_ADDEND) & mask;
        if (page >= demo_nr_pages)
            continue;
        demo_write_page((volatile uint32_t *)(base + page * PROGRAM_PAGE_SIZE), page, pass);
        progress->pages_done++;
    }
}

static void demo_read_all(vm_address_t base)
{
    struct demo_progress *progress = demo_options.progress;

    progress->pages_done = 0;
    for (uint32_t page = 0; page < demo_nr_pages; page++) {
        demo_check_page((const volatile uint32_t *)(base + page * PROGRAM_PAGE_SIZE), page, DEMO_PASSES, 0);
        progress->pages_done++;
    }
}

/* Unmaps the object, waits for its end, and looks at what the manager has then. */
static void demo_finish(vm_address_t base, struct uthread *manager)
{
    uint32_t waited = 0, lost = 0;

    demo_options.progress->phase = DEMO_ENDING;
    demo_check("vm_deallocate", vm_deallocate(uthread_task(), base, demo_nr_pages * PROGRAM_PAGE_SIZE));
    for (; !demo_terminated && waited < DEMO_END_MS; waited += DEMO_END_POLL_MS)
        uthread_sleep(DEMO_END_POLL_MS);
    if (!demo_terminated) {
        demo_error("the object has not ended %u s after it was unmapped", DEMO_END_MS / 1000);
        return;
    }
    uthread_join(manager);
    for (uint32_t page = 0; page < demo_nr_pages; page++)
        lost += demo_states[page] != DEMO_PASSES * DEMO_WORDS;
    if (lost != 0)
        demo_error("the last words of %u pages never reached the manager", lost);
}

static void demo_work(struct uthread *manager)
{
    struct demo_progress *progress = demo_options.progress;
    vm_address_t base = 0;

    if (!demo_check("vm_map", vm_map(uthread_task(), &base, demo_nr_pages * PROGRAM_PAGE_SIZE, 0, TRUE, demo_object, 0,
                                     FALSE, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE)))
        return;
    progress->phase = DEMO_WRITING;
    demo_write_all(base, 1);
    progress->phase = DEMO_REWRITING;
    for (uint32_t pass = 2; pass <= DEMO_PASSES; pass++)
        demo_write_all(base, pass);
    progress->phase = DEMO_READING;
    demo_read_all(base);
    demo_finish(base, manager);
}

void demo_round(void *argument)
{
    mach_port_t host_priv = demo_options.host_priv;
    vm_size_t table;
    vm_address_t states = 0;
    struct uthread *manager;

    demo_nr_pages = demo_options.size * DEMO_PAGES_A_MIB;
    table = demo_nr_pages * sizeof(*demo_states);
    demo_object = pager_port();
    manager = uthread_prepare(demo_manager, NULL);
    if (demo_object == MACH_PORT_NULL || manager == NULL) {
        demo_error("a round finds no memory");
    } else if (demo_check("vm_allocate", vm_allocate(uthread_task(), &states, table, TRUE)) &&
               demo_check("vm_wire", pager_wire(host_priv, states, table)) &&
               demo_check("vm_wire", pager_wire_program(host_priv)) &&
               demo_check("vm_wire", uthread_wire(host_priv, manager)) &&
               demo_check("thread_create", uthread_start(uthread_task(), manager))) {
        demo_states = (uint16_t *)states;
        demo_work(manager);
    }
    demo_options.progress->phase = DEMO_FINISHED;
    program_end();
}
