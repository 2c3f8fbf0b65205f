/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kinds of managers: honest, and hostile in one way each. What a kind's clients must live with is its trust; where there is
 * none, they see what they would see with an honest one.
 *
 * Objects of managers that keep what they get, or stop answering, are small: what is owed by them must not be most of
 * memory, because nothing takes it from them yet. Nor do they keep as many runs as the kernel has records: whoever has them
 * all waits for ever with the next run, and his clients with him, where a memory object must end before it is mapped again.
 */
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "scenario_storm.h"

#define STORM_FEW_PAGES 12u
#define STORM_HELD_PAGES 24u        /* that a manager keeps */
#define STORM_HELD_RUNS 6u          /* that all keep: the pool has 8 records, and a run has its own until all is freed */

static bool storm_is_mine(const struct storm_pager *pager, unsigned int object)
{
    return object < storm.nr_objects && storm.objects[object].pager == pager;
}

/* One of its objects in conversation, or NULL. */
static struct storm_object *storm_any(const struct storm_pager *pager)
{
    unsigned int number = sim_choose(storm.nr_objects);

    return storm_is_mine(pager, number) && storm.objects[number].control != MACH_PORT_NULL ? &storm.objects[number] : NULL;
}

static void storm_die(struct storm_pager *pager)
{
    pager->over = true;
    prog_exit();
}

/* ---- receiving ---- */

static void storm_before_stops(struct storm_pager *pager)
{
    while (pager->nr_messages >= pager->at)
        prog_sleep(1000);
}

static void storm_before_dies(struct storm_pager *pager)
{
    if (pager->nr_messages >= pager->at)
        storm_die(pager);
}

/* A message that comes now is lost, with all that it carries. */
static void storm_before_small(struct storm_pager *pager)
{
    struct {
        mach_msg_header_t header;
        uint32_t word;
    } message;

    pager->loses = true;
    if (sim_chance(4))
        (void)mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(message), pager->set, 0, MACH_PORT_NULL);
}

static void storm_before_floods(struct storm_pager *pager)
{
    for (unsigned int i = 0; i < storm.nr_objects && sim_chance(4); i++) {
        mach_msg_header_t junk = {
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0), .msgh_size = sizeof(junk),
            .msgh_remote_port = STORM_OBJECT_NAME + i, .msgh_id = STORM_JUNK,
        };

        for (unsigned int k = 0; k < 8 && storm_is_mine(pager, i); k++)
            (void)mach_msg(&junk, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof(junk), 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
    }
}

static void storm_before_narrow(struct storm_pager *pager)
{
    for (unsigned int i = 0; pager->nr_messages == 0 && i < storm.nr_objects; i++) {
        if (storm_is_mine(pager, i))
            prog_call(user_mach_port_set_qlimit(prog_task(), STORM_OBJECT_NAME + i, 1));
    }
}

/* ---- ending ---- */

static void storm_before_destroys_port(struct storm_pager *pager)
{
    for (unsigned int i = 0; pager->nr_messages >= pager->at && i < storm.nr_objects; i++) {
        if (storm_is_mine(pager, i))
            (void)user_mach_port_mod_refs(prog_task(), STORM_OBJECT_NAME + i, MACH_PORT_RIGHT_RECEIVE, -1);
    }
}

static void storm_before_destroys_object(struct storm_pager *pager)
{
    struct storm_object *object = storm_any(pager);

    if (object == NULL || pager->nr_messages < pager->at)
        return;
    pager->at += 1 + sim_choose(30);
    (void)user_memory_object_destroy(object->control, KERN_FAILURE);
}

static void storm_before_drops_control(struct storm_pager *pager)
{
    struct storm_object *object = storm_any(pager);

    if (object == NULL || pager->nr_messages < pager->at)
        return;
    prog_call(user_mach_port_deallocate(prog_task(), object->control));
    object->control = MACH_PORT_NULL;
}

/* ---- asking and touching ---- */

static void storm_before_cleans(struct storm_pager *pager)
{
    struct storm_object *object = storm_any(pager);

    if (object == NULL || !sim_chance(4))
        return;
    storm_ask(object, true);
    storm_ask(object, true);
}

/* Who shall give it the page? */
static void storm_before_touches(struct storm_pager *pager)
{
    struct storm_object *object = storm_any(pager);
    vm_address_t address = 0;
    uint32_t word;

    if (object == NULL || pager->nr_messages < pager->at)
        return;
    pager->at = UINT32_MAX;
    if (user_vm_map(prog_task(), &address, object->nr_pages * PAGE_SIZE, 0, TRUE, storm_object_port(object), 0, FALSE,
                    VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE) == KERN_SUCCESS)
        (void)sim_try_load(address + sim_choose(object->nr_pages) * PAGE_SIZE, &word);
}

/* It uses an object of another manager for its own work. */
static void storm_before_backed(struct storm_pager *pager)
{
    if (pager->guest->mappings[0].memory == NULL && pager->nr_messages == 0)
        storm_guest_map(pager->guest, 0);
    storm_guest_step(pager->guest);
}

/* ---- answering ---- */

static void storm_request_twice(struct storm_object *object, uint32_t page)
{
    object->ever_asked = true;
    storm_request_honest(object, page);
    storm_request_honest(object, page);
}

static void storm_request_much(struct storm_object *object, uint32_t page)
{
    uint32_t end = page;

    object->ever_asked = true;
    while (end < object->nr_pages && end - page < 8 && object->stored[end].has)
        end++;
    if (end == page)
        storm_request_honest(object, page);
    else
        storm_supply(object, page, end - page);
}

/* Bytes of a page's data, at an offset that may be no page's. */
static void storm_supply_wrongly(struct storm_object *object, uint32_t page, uint32_t offset, uint32_t size)
{
    uint32_t data = prog_allocate(PAGE_SIZE);

    for (unsigned int word = 0; word < STORM_WORDS; word++)
        sim_store(data + storm_word_offset(word), object->stored[page].words[word]);
    kern_return_t result = user_memory_object_data_supply(object->control, offset, data, size, TRUE, VM_PROT_NONE, FALSE,
                                                          MACH_PORT_NULL);
    if (result != KERN_RESOURCE_SHORTAGE && (result & ~MACH_MSG_MASK) != MACH_SEND_NO_BUFFER)
        storm_say(result, "memory_object_data_supply");
    else
        prog_deallocate(data, PAGE_SIZE);
}

static void storm_request_little(struct storm_object *object, uint32_t page)
{
    object->ever_asked = true;
    storm_supply_wrongly(object, page, page * PAGE_SIZE, PAGE_SIZE / 2);
}

static void storm_request_elsewhere(struct storm_object *object, uint32_t page)
{
    uint32_t other = (page + 1) % object->nr_pages;

    object->ever_asked = true;
    for (unsigned int word = 0; word < STORM_WORDS; word++)
        storm_maybe(object->memory, other, word, object->stored[page].words[word]);
    storm_supply_wrongly(object, page, other * PAGE_SIZE, PAGE_SIZE);
    if (sim_choose(2))
        storm_request_honest(object, page);
}

static void storm_request_misaligned(struct storm_object *object, uint32_t page)
{
    object->ever_asked = true;
    storm_supply_wrongly(object, page, page * PAGE_SIZE + PAGE_SIZE / 8, PAGE_SIZE);
    storm_request_honest(object, page);
}

static void storm_request_error(struct storm_object *object, uint32_t page)
{
    if (sim_choose(2))
        storm_say_error(object, page);
    else
        storm_request_honest(object, page);
}

static void storm_request_unavailable(struct storm_object *object, uint32_t page)
{
    if (sim_choose(2))
        storm_say_unavailable(object, page);
    else
        storm_request_honest(object, page);
}

static void storm_request_nothing(struct storm_object *object, uint32_t page)
{
    if (sim_choose(2))
        storm_request_honest(object, page);
}

static void storm_before_unasked(struct storm_pager *pager)
{
    struct storm_object *object = storm_any(pager);

    /* Its answer is a message too: with one for each, and what it asks for, it would go on nearly for ever. */
    if (object == NULL || sim_choose(2))
        return;
    uint32_t page = sim_choose(object->nr_pages);
    object->ever_asked = true;
    if (object->stored[page].has && !object->stored[page].given)
        storm_supply(object, page, 1);
}

/* ---- keeping ---- */

static unsigned int storm_held_runs(void)
{
    unsigned int nr_runs = 0;

    for (unsigned int i = 0; i < storm.nr_pagers; i++)
        nr_runs += storm.pagers[i].nr_held;
    return nr_runs;
}

static void storm_hold(struct storm_pager *pager, uint32_t data, uint32_t size)
{
    uint32_t held = size;

    for (unsigned int i = 0; i < pager->nr_held; i++)
        held += pager->held[i].size;
    if (storm_held_runs() == STORM_HELD_RUNS || held > STORM_HELD_PAGES * PAGE_SIZE)
        prog_deallocate(data, size);
    else
        pager->held[pager->nr_held++] = (struct storm_held){.address = data, .size = size};
}

static void storm_keep_all(struct storm_object *object, uint32_t page, uint32_t data, uint32_t size)
{
    (void)page;
    storm_hold(object->pager, data, size);
}

static void storm_keep_late(struct storm_object *object, uint32_t page, uint32_t data, uint32_t size)
{
    struct storm_pager *pager = object->pager;

    (void)page;
    if (pager->nr_held == 3) {
        prog_deallocate(pager->held[0].address, pager->held[0].size);
        pager->held[0] = pager->held[1];
        pager->held[1] = pager->held[2];
        pager->nr_held = 2;
    }
    storm_hold(pager, data, size);
}

static void storm_keep_half(struct storm_object *object, uint32_t page, uint32_t data, uint32_t size)
{
    uint32_t half = size / 2 / PAGE_SIZE * PAGE_SIZE;

    (void)page;
    if (half != 0)
        prog_deallocate(data, half);
    storm_hold(object->pager, data + half, size - half);
}

static void storm_keep_dies(struct storm_object *object, uint32_t page, uint32_t data, uint32_t size)
{
    if (object->pager->nr_messages >= object->pager->at)
        storm_die(object->pager);
    storm_keep_honest(object, page, data, size);
}

/* To a client, who finds in it what was returned. */
static void storm_keep_passes(struct storm_object *object, uint32_t page, uint32_t data, uint32_t size)
{
    uint32_t nr_pages = size / PAGE_SIZE, flight = STORM_FLIGHTS;
    struct storm_memory *contents = storm_memory_create(nr_pages, STORM_EXACT);

    for (uint32_t i = 0; i < nr_pages; i++)
        storm_begin_with(contents, i, object->stored[page + i].words);
    if (nr_pages <= STORM_FEW_PAGES)
        flight = storm_flight(contents, 0, nr_pages);
    if (flight == STORM_FLIGHTS || !storm_mail(sim_choose(STORM_TASKS), flight, data, true))
        prog_deallocate(data, size);
}

static void storm_keep_supplies(struct storm_object *object, uint32_t page, uint32_t data, uint32_t size)
{
    kern_return_t result;

    object->ever_asked = true;
    result = user_memory_object_data_supply(object->control, page * PAGE_SIZE, data, size, TRUE, VM_PROT_NONE, FALSE,
                                            MACH_PORT_NULL);
    if (result == KERN_RESOURCE_SHORTAGE || (result & ~MACH_MSG_MASK) == MACH_SEND_NO_BUFFER)
        prog_deallocate(data, size);
    else
        storm_say(result, "memory_object_data_supply");
}

/* ---- the table ---- */

/* What is NULL is done honestly. */
const struct storm_kind storm_kinds[] = {
    {.name = "honest", .pages_max = STORM_OBJECT_PAGES},
    {.name = "stops receiving", .trust = STORM_HANGS, .pages_max = STORM_FEW_PAGES, .before = storm_before_stops},
    {.name = "receives and never frees", .pages_max = STORM_FEW_PAGES, .keep = storm_keep_all},
    {.name = "frees late", .pages_max = STORM_OBJECT_PAGES, .keep = storm_keep_late},
    {.name = "frees half", .pages_max = STORM_FEW_PAGES, .keep = storm_keep_half},
    {.name = "dies before it receives", .trust = STORM_FAILS, .pages_max = STORM_FEW_PAGES, .before = storm_before_dies},
    {.name = "dies when it has received", .trust = STORM_FAILS, .pages_max = STORM_FEW_PAGES, .keep = storm_keep_dies},
    {.name = "is ended", .trust = STORM_FAILS, .pages_max = STORM_FEW_PAGES, .ended = true},
    {.name = "is suspended", .pages_max = STORM_FEW_PAGES, .suspended = true},
    {.name = "destroys its ports", .trust = STORM_FAILS, .pages_max = STORM_FEW_PAGES, .before = storm_before_destroys_port},
    {.name = "destroys its objects", .trust = STORM_FAILS | STORM_LIES, .pages_max = STORM_FEW_PAGES,
     .before = storm_before_destroys_object},
    {.name = "drops its control right", .trust = STORM_HANGS, .pages_max = STORM_FEW_PAGES,
     .before = storm_before_drops_control},
    {.name = "receives into too small a buffer", .trust = STORM_HANGS, .pages_max = STORM_FEW_PAGES,
     .before = storm_before_small},
    {.name = "answers twice", .pages_max = STORM_OBJECT_PAGES, .request = storm_request_twice},
    {.name = "answers with too much", .pages_max = STORM_OBJECT_PAGES, .request = storm_request_much},
    {.name = "answers with too little", .trust = STORM_LIES | STORM_HANGS, .pages_max = STORM_FEW_PAGES,
     .request = storm_request_little},
    {.name = "answers for another page", .trust = STORM_LIES | STORM_HANGS, .pages_max = STORM_FEW_PAGES,
     .request = storm_request_elsewhere},
    {.name = "answers not page-aligned", .pages_max = STORM_OBJECT_PAGES, .request = storm_request_misaligned},
    {.name = "answers with error", .trust = STORM_FAILS, .pages_max = STORM_FEW_PAGES, .request = storm_request_error},
    {.name = "answers with unavailable", .trust = STORM_LIES, .pages_max = STORM_FEW_PAGES,
     .request = storm_request_unavailable},
    {.name = "answers with nothing", .trust = STORM_HANGS, .pages_max = STORM_FEW_PAGES, .request = storm_request_nothing},
    {.name = "supplies what is there", .pages_max = STORM_OBJECT_PAGES, .before = storm_before_unasked},
    {.name = "has everything cleaned", .pages_max = STORM_OBJECT_PAGES, .before = storm_before_cleans},
    {.name = "faults on its own object", .trust = STORM_HANGS, .pages_max = STORM_FEW_PAGES, .before = storm_before_touches},
    {.name = "has a client in its task", .pages_max = STORM_OBJECT_PAGES, .guest = true},
    {.name = "is backed by another", .pages_max = STORM_FEW_PAGES, .backed = true, .before = storm_before_backed},
    {.name = "floods its ports", .pages_max = STORM_OBJECT_PAGES, .before = storm_before_floods},
    {.name = "has short queues", .pages_max = STORM_OBJECT_PAGES, .before = storm_before_narrow},
    {.name = "passes on what it receives", .pages_max = STORM_FEW_PAGES, .keep = storm_keep_passes},
    {.name = "supplies back what it receives", .pages_max = STORM_OBJECT_PAGES, .keep = storm_keep_supplies},
};
const unsigned int storm_nr_kinds = sizeof(storm_kinds) / sizeof(storm_kinds[0]);
