/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storm's clients: tasks that do what tasks do with memory, in an order that the seed gives, and check all that they
 * see.
 *
 * Two threads of a task share its mappings. A mapping that is to go, to be cut or to get other rights is taken whole;
 * for the rest users count themselves. Nobody waits for another: who cannot have what he wants does something else.
 *
 * An operation that fails because memory was short has not happened, or leaves open whether it has, which the model allows
 * for. One that fails for another reason may do so only where a manager may fail.
 */
#include <string.h>

#include "mig/mach_host_user.h"
#include "mig/mach_user.h"
#include "scenario_storm.h"

#define STORM_PIECE 6u          /* pages of an operation, at most */
#define STORM_WIRED_PAGES 12u
#define STORM_COPIED_PAGES 16u  /* of a large object */
#define STORM_MAIL_MS 5u

struct storm_message {
    mach_msg_header_t header;
    mach_msg_type_t flight_type;
    uint32_t flight;
    mach_msg_type_long_t data_type;
    uint32_t data;
};

/* ---- results ---- */

/* A message whose memory is waited for is not told from one that has none when the wait is broken off. */
static bool storm_is_aborted(kern_return_t result)
{
    return result == MACH_SEND_INVALID_MEMORY &&
           (sim_run.fail_each || sim_run.aborts != 0 || sim_run.fault_rates[SIM_FAULT_WAIT] != 0);
}

/* Or a wait was broken off. */
static bool storm_is_shortage(kern_return_t result)
{
    return storm_is_aborted(result) || result == KERN_RESOURCE_SHORTAGE || result == KERN_ABORTED ||
           (result & ~MACH_MSG_MASK) == MACH_SEND_NO_BUFFER ||
           (result & ~MACH_MSG_MASK) == MACH_RCV_BODY_ERROR || (result & ~MACH_MSG_MASK) == MACH_RCV_HEADER_ERROR;
}

/* Whether it was done. trust: of what it was done to. */
static bool storm_done(kern_return_t result, unsigned int trust, const char *what)
{
    if (result == KERN_SUCCESS)
        return true;
    if (storm_is_shortage(result))
        return false;
    if ((trust & STORM_FAILS) != 0 && (result == KERN_MEMORY_FAILURE || result == KERN_MEMORY_ERROR ||
                                       result == KERN_INVALID_ADDRESS || result == MACH_SEND_INVALID_MEMORY))
        return false;
    sim_fail("a client: %s: %#x", what, (unsigned int)result);
}

/* ---- mappings ---- */

uint32_t storm_private_pages(void)
{
    uint32_t nr_pages = 0;

    for (unsigned int i = 0; i < STORM_TASKS; i++) {
        for (unsigned int k = 0; k < STORM_MAPPINGS && !storm.tasks[i].over; k++) {
            const struct storm_mapping *mapping = &storm.tasks[i].mappings[k];

            if (mapping->memory != NULL && mapping->object < 0)
                nr_pages += mapping->nr_pages;
        }
    }
    for (unsigned int i = 0; i < storm.nr_flights; i++) {
        if (!storm.flights[i].landed)
            nr_pages += storm.flights[i].nr_pages;
    }
    return nr_pages;
}

/*
 * A free place, or NULL; nr_pages of no manager must find room. None in a task that is being forked: the hub would wait for
 * the manager of what it did not see.
 */
static struct storm_mapping *storm_mapping_free(struct storm_task *task, uint32_t nr_pages)
{
    if (task->forked || storm_private_pages() + nr_pages > storm.private_max)
        return NULL;
    for (unsigned int i = 0; i < STORM_MAPPINGS; i++) {
        if (task->mappings[i].memory == NULL && !task->mappings[i].whole)
            return &task->mappings[i];
    }
    return NULL;
}

static void storm_mapping_add(struct storm_mapping *mapping, uint32_t address, struct storm_memory *memory, uint32_t first,
                              uint32_t nr_pages, int object)
{
    *mapping = (struct storm_mapping){
        .memory = memory, .address = address, .first = first, .nr_pages = nr_pages, .object = object,
        .prot = VM_PROT_READ | VM_PROT_WRITE, .inheritance = VM_INHERIT_COPY,
    };
}

/*
 * Whether pages of a mapping may be copied. A delayed copy keeps the old data of all that lies between the first and the
 * last page that anybody copied of an object, in memory that no manager takes; so of large objects only the begin is
 * copied.
 */
bool storm_may_copy(const struct storm_mapping *mapping, uint32_t first, uint32_t nr_pages)
{
    const struct storm_object *object = mapping->object >= 0 ? &storm.objects[mapping->object] : NULL;

    return object == NULL || object->nr_pages <= STORM_COPIED_PAGES || object->strategy == MEMORY_OBJECT_COPY_NONE ||
           object->strategy == MEMORY_OBJECT_COPY_CALL || mapping->first + first + nr_pages <= STORM_COPIED_PAGES;
}

/* Any mapping with these rights that nobody has whole, or NULL. */
static struct storm_mapping *storm_pick(struct storm_task *task, vm_prot_t prot)
{
    for (unsigned int tries = 0; tries < STORM_MAPPINGS; tries++) {
        struct storm_mapping *mapping = &task->mappings[sim_choose(STORM_MAPPINGS)];

        if (mapping->memory != NULL && !mapping->whole && (mapping->prot & prot) == prot)
            return mapping;
    }
    return NULL;
}

static struct storm_mapping *storm_pick_whole(struct storm_task *task, vm_prot_t prot)
{
    struct storm_mapping *mapping = storm_pick(task, prot);

    if (mapping == NULL || mapping->users != 0)
        return NULL;
    mapping->whole = true;
    return mapping;
}

/* Some of its pages: *first of the mapping. */
static uint32_t storm_part(const struct storm_mapping *mapping, uint32_t *first)
{
    *first = sim_choose(mapping->nr_pages);
    return 1 + sim_choose(MIN(mapping->nr_pages - *first, STORM_PIECE));
}

static unsigned int storm_trust(const struct storm_mapping *mapping, uint32_t first, uint32_t nr_pages)
{
    return storm_memory_trust(mapping->memory, mapping->first + first, nr_pages);
}

/* ---- looking and writing ---- */

static void storm_read_page(struct storm_mapping *mapping, uint32_t page)
{
    unsigned int word = sim_choose(STORM_WORDS);

    for (unsigned int i = 0; i < STORM_WORDS; i++, word = (word + 1) % STORM_WORDS) {
        uint32_t begin = storm_now(), version = 0;
        kern_return_t result = sim_try_load(mapping->address + page * PAGE_SIZE + storm_word_offset(word), &version);

        if (!storm_done(result, storm_trust(mapping, page, 1), "a load"))
            return;
        storm_look(mapping->memory, mapping->first + page, word, version, begin, "a load");
    }
}

static void storm_write_page(struct storm_mapping *mapping, uint32_t page)
{
    uint32_t index = mapping->first + page, version = storm_version();
    bool done = true;

    if (!storm_lock(mapping->memory, index, 1))
        return;
    for (unsigned int word = 0; word < STORM_WORDS && done; word++) {
        storm_store_begin(mapping->memory, index, word, version);
        done = storm_done(sim_try_store(mapping->address + page * PAGE_SIZE + storm_word_offset(word), version),
                          storm_trust(mapping, page, 1), "a store");
        if (done)
            storm_store_end(mapping->memory, index, word, version);
        else
            storm_store_failed(mapping->memory, index, word, version);
    }
    storm_unlock(mapping->memory, index, 1);
}

static void storm_touch(struct storm_task *task, bool write)
{
    struct storm_mapping *mapping = storm_pick(task, write ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_READ);
    uint32_t first, nr_pages;

    if (mapping == NULL)
        return;
    nr_pages = storm_part(mapping, &first);
    mapping->users++;
    for (uint32_t i = first; i < first + nr_pages; i++) {
        if (write)
            storm_write_page(mapping, i);
        if (!write || sim_choose(2))
            storm_read_page(mapping, i);
    }
    mapping->users--;
}

static void storm_read(struct storm_task *task)
{
    storm_touch(task, false);
}

static void storm_write(struct storm_task *task)
{
    storm_touch(task, true);
}

/* All pages in a row, in the size of objects: memory becomes short. */
static void storm_sweep(struct storm_task *task)
{
    struct storm_mapping *mapping = storm_pick(task, VM_PROT_READ | VM_PROT_WRITE);

    if (mapping == NULL)
        return;
    mapping->users++;
    for (uint32_t i = 0; i < mapping->nr_pages; i++) {
        if (sim_chance(4))
            storm_read_page(mapping, i);
        else
            storm_write_page(mapping, i);
    }
    mapping->users--;
}

/* ---- mapping and unmapping ---- */

static void storm_map_object(struct storm_task *task, unsigned int number, uint32_t first, uint32_t nr_pages, bool copy)
{
    struct storm_object *object = &storm.objects[number];
    struct storm_mapping *mapping = storm_mapping_free(task, copy ? nr_pages : 0);
    vm_inherit_t inheritance = (vm_inherit_t)sim_choose(3);
    uint32_t begin = storm_now();
    vm_address_t address = 0;

    if (mapping == NULL || (copy && !storm_may_copy(&(struct storm_mapping){.object = (int)number}, first, nr_pages)))
        return;
    mapping->whole = true;
    kern_return_t result =
        user_vm_map(prog_task(), &address, nr_pages * PAGE_SIZE, 0, TRUE, STORM_OBJECT_NAME + number, first * PAGE_SIZE,
                    copy, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, inheritance);
    mapping->whole = false;
    /* The manager's port may have died, here or in the kernel. */
    if ((object->memory != NULL && (storm_memory_trust(object->memory, 0, 1) & STORM_FAILS) != 0 &&
         (result == KERN_INVALID_ARGUMENT || result == MACH_SEND_INVALID_RIGHT)) ||
        !storm_done(result, storm_memory_trust(object->memory, first, nr_pages), "vm_map"))
        return;
    if (copy)
        storm_mapping_add(mapping, address, storm_memory_copy(object->memory, first, nr_pages, begin), 0, nr_pages, -1);
    else
        storm_mapping_add(mapping, address, object->memory, first, nr_pages, (int)number);
    mapping->inheritance = inheritance;
}

static void storm_map(struct storm_task *task)
{
    unsigned int number = sim_choose(storm.nr_objects);
    uint32_t size = storm.objects[number].nr_pages, first = sim_choose(2) ? 0 : sim_choose(size);
    uint32_t nr_pages = sim_choose(2) ? size - first : 1 + sim_choose(size - first);
    bool copy = sim_chance(4);

    storm_map_object(task, number, first, copy ? MIN(nr_pages, 2 * STORM_PIECE) : nr_pages, copy);
}

static void storm_allocate(struct storm_task *task)
{
    uint32_t nr_pages = 1 + sim_choose(2 * STORM_PIECE);
    struct storm_mapping *mapping = storm_mapping_free(task, nr_pages);
    vm_address_t address = 0;

    if (mapping == NULL)
        return;
    mapping->whole = true;
    kern_return_t result = user_vm_allocate(prog_task(), &address, nr_pages * PAGE_SIZE, TRUE);
    mapping->whole = false;
    if (storm_done(result, STORM_EXACT, "vm_allocate"))
        storm_mapping_add(mapping, address, storm_memory_create(nr_pages, STORM_EXACT), 0, nr_pages, -1);
}

/* Pages [first, first + nr_pages) of a mapping that is taken whole are there no longer; tail: a place for what is behind. */
static void storm_cut(struct storm_mapping *mapping, uint32_t first, uint32_t nr_pages, struct storm_mapping *tail)
{
    uint32_t end = first + nr_pages, behind = mapping->nr_pages - end;

    mapping->whole = false;
    if (behind > 0 && first > 0)
        *tail = *mapping;
    else
        tail = mapping;
    if (behind > 0) {
        tail->address += end * PAGE_SIZE;
        tail->first += end;
        tail->nr_pages = behind;
    }
    if (first > 0)
        mapping->nr_pages = first;
    else if (behind == 0)
        mapping->memory = NULL;
}

/* A part that storm_cut() can take away: the whole, an end, or, with a place for what is behind, any. */
static uint32_t storm_part_to_cut(struct storm_task *task, const struct storm_mapping *mapping, uint32_t *first,
                                  struct storm_mapping **tail)
{
    uint32_t nr_pages = storm_part(mapping, first);

    *tail = storm_mapping_free(task, 0);
    if (sim_choose(2)) {
        *first = 0;
        return mapping->nr_pages;
    }
    if (*tail == NULL)
        *first = 0;
    return MIN(nr_pages, mapping->nr_pages - *first);
}

static void storm_deallocate(struct storm_task *task)
{
    struct storm_mapping *mapping = storm_pick_whole(task, VM_PROT_NONE), *tail;
    uint32_t first, nr_pages;

    if (mapping == NULL)
        return;
    nr_pages = storm_part_to_cut(task, mapping, &first, &tail);
    if (tail != NULL)
        tail->whole = true;
    prog_call(user_vm_deallocate(prog_task(), mapping->address + first * PAGE_SIZE, nr_pages * PAGE_SIZE));
    if (tail != NULL)
        tail->whole = false;
    storm_cut(mapping, first, nr_pages, tail);
}

/* ---- attributes ---- */

/* What is not allowed must fail. */
static void storm_try(struct storm_mapping *mapping)
{
    uint32_t page = sim_choose(mapping->nr_pages), address = mapping->address + page * PAGE_SIZE, word;
    unsigned int trust = storm_trust(mapping, page, 1);
    kern_return_t result = KERN_PROTECTION_FAILURE;

    if ((mapping->prot & VM_PROT_READ) == 0)
        result = sim_try_load(address, &word);
    else if ((mapping->prot & VM_PROT_WRITE) == 0)
        result = sim_try_store(address, 0xbad);
    if (result != KERN_PROTECTION_FAILURE && ((trust & STORM_FAILS) == 0 || result == KERN_SUCCESS))
        sim_fail("an access that is not allowed: %#x", (unsigned int)result);
}

static void storm_protect(struct storm_task *task)
{
    static const vm_prot_t prots[] = {VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ,
                                      VM_PROT_NONE};
    struct storm_mapping *mapping = storm_pick_whole(task, VM_PROT_NONE);

    if (mapping == NULL)
        return;
    if (!mapping->wired) {
        vm_prot_t prot = prots[sim_choose(4)];
        kern_return_t result;

        /* What was set aside for it may have been for a part. */
        do
            result = user_vm_protect(prog_task(), mapping->address, mapping->nr_pages * PAGE_SIZE, FALSE, prot);
        while (result != KERN_SUCCESS && !storm_done(result, storm_trust(mapping, 0, mapping->nr_pages), "vm_protect") &&
               storm_is_shortage(result));
        if (result == KERN_SUCCESS)
            mapping->prot = prot;
        storm_try(mapping);
    }
    mapping->whole = false;
}

static void storm_inherit(struct storm_task *task)
{
    struct storm_mapping *mapping = storm_pick_whole(task, VM_PROT_NONE);

    if (mapping == NULL)
        return;
    vm_inherit_t inheritance = (vm_inherit_t)sim_choose(3);
    kern_return_t result;

    do
        result = user_vm_inherit(prog_task(), mapping->address, mapping->nr_pages * PAGE_SIZE, inheritance);
    while (result != KERN_SUCCESS && !storm_done(result, storm_trust(mapping, 0, mapping->nr_pages), "vm_inherit") &&
           storm_is_shortage(result));
    if (result == KERN_SUCCESS)
        mapping->inheritance = inheritance;
    mapping->whole = false;
}

static uint32_t storm_wired_pages(void)
{
    uint32_t nr_pages = 0;

    for (unsigned int i = 0; i < STORM_TASKS; i++) {
        for (unsigned int k = 0; k < STORM_MAPPINGS && !storm.tasks[i].over; k++) {
            if (storm.tasks[i].mappings[k].memory != NULL && storm.tasks[i].mappings[k].wired)
                nr_pages += storm.tasks[i].mappings[k].nr_pages;
        }
    }
    return nr_pages;
}

static void storm_wire(struct storm_task *task)
{
    struct storm_mapping *mapping = storm_pick_whole(task, VM_PROT_READ);

    if (mapping == NULL)
        return;
    vm_prot_t prot = mapping->wired ? VM_PROT_NONE : mapping->prot;
    unsigned int trust = storm_trust(mapping, 0, mapping->nr_pages);

    if (mapping->wired ||
        (mapping->nr_pages <= STORM_PIECE && storm_wired_pages() + mapping->nr_pages <= STORM_WIRED_PAGES)) {
        mapping->wired = true;
        kern_return_t result =
            user_vm_wire(STORM_HOST_NAME, prog_task(), mapping->address, mapping->nr_pages * PAGE_SIZE, prot);
        mapping->wired = storm_done(result, trust, "vm_wire") ? prot != VM_PROT_NONE : prot == VM_PROT_NONE;
        if (prot & VM_PROT_WRITE)
            storm_mark(mapping->memory, mapping->first, mapping->nr_pages);
    }
    mapping->whole = false;
}

/* ---- copies ---- */

static void storm_copy_to(struct storm_mapping *from, uint32_t from_first, struct storm_mapping *to, uint32_t to_first,
                          uint32_t nr_pages)
{
    unsigned int trust = storm_trust(from, from_first, nr_pages), there = storm_trust(to, to_first, nr_pages);
    struct storm_memory *source = from->memory, *target = to->memory;
    uint32_t source_first = from->first + from_first, target_first = to->first + to_first;
    uint32_t from_address = from->address + from_first * PAGE_SIZE, to_address = to->address + to_first * PAGE_SIZE;
    kern_return_t result;

    /* What a manager that is not trusted gives stays away from the others' objects. */
    if ((to->object >= 0 && (trust & ~there) != 0) || !storm_may_copy(from, from_first, nr_pages) ||
        !storm_lock(source, source_first, nr_pages))
        return;
    if (storm_lock(target, target_first, nr_pages)) {
        uint32_t begin = storm_overwrite_begin(target, target_first, source, source_first, nr_pages);

        if (sim_choose(2))
            result = user_vm_copy(prog_task(), from_address, nr_pages * PAGE_SIZE, to_address);
        else
            result = user_vm_write(prog_task(), to_address, from_address, nr_pages * PAGE_SIZE);
        if (storm_done(result, trust | there, "vm_copy or vm_write"))
            storm_overwrite_end(target, target_first, nr_pages, begin);
        else
            storm_mark(target, target_first, nr_pages);
        storm_unlock(target, target_first, nr_pages);
    }
    storm_unlock(source, source_first, nr_pages);
}

static void storm_copy(struct storm_task *task)
{
    struct storm_mapping *from = storm_pick(task, VM_PROT_READ), *to = storm_pick(task, VM_PROT_READ | VM_PROT_WRITE);
    uint32_t from_first, to_first, nr_pages;

    if (from == NULL || to == NULL)
        return;
    nr_pages = storm_part(from, &from_first);
    nr_pages = MIN(nr_pages, storm_part(to, &to_first));
    from->users++;
    to->users++;
    storm_copy_to(from, from_first, to, to_first, nr_pages);
    from->users--;
    to->users--;
}

static void storm_vm_read(struct storm_task *task)
{
    struct storm_mapping *from = storm_pick(task, VM_PROT_READ), *to;
    uint32_t first, nr_pages, begin = storm_now();
    mach_msg_type_number_t size;
    vm_offset_t data;

    if (from == NULL)
        return;
    nr_pages = storm_part(from, &first);
    to = storm_mapping_free(task, nr_pages);
    if (to == NULL || !storm_may_copy(from, first, nr_pages))
        return;
    to->whole = true;
    from->users++;
    kern_return_t result =
        user_vm_read(prog_task(), from->address + first * PAGE_SIZE, nr_pages * PAGE_SIZE, &data, &size);
    from->users--;
    to->whole = false;
    if (!storm_done(result, storm_trust(from, first, nr_pages), "vm_read"))
        return;
    prog_check(size == nr_pages * PAGE_SIZE);
    storm_mapping_add(to, data, storm_memory_copy(from->memory, from->first + first, nr_pages, begin), 0, nr_pages, -1);
}

/* ---- messages ---- */

uint32_t storm_flight(struct storm_memory *source, uint32_t first, uint32_t nr_pages)
{
    if (storm.nr_flights == STORM_FLIGHTS || storm_private_pages() + nr_pages > storm.private_max)
        return STORM_FLIGHTS;
    storm.flights[storm.nr_flights] =
        (struct storm_flight){.source = source, .first = first, .nr_pages = nr_pages, .begin = storm_now()};
    return storm.nr_flights++;
}

/* It has left by now. */
static struct storm_flight *storm_flight_left(uint32_t number)
{
    struct storm_flight *flight = &storm.flights[number];

    if (flight->contents == NULL)
        flight->contents = storm_memory_copy(flight->source, flight->first, flight->nr_pages, flight->begin);
    return flight;
}

static void storm_land(struct storm_task *task, uint32_t number, uint32_t address)
{
    struct storm_flight *flight = storm_flight_left(number);
    struct storm_mapping *mapping;

    prog_check(!flight->landed);
    flight->landed = true;
    mapping = task != NULL ? storm_mapping_free(task, flight->nr_pages) : NULL;
    if (mapping != NULL)
        storm_mapping_add(mapping, address, flight->contents, 0, flight->nr_pages, -1);
    else
        prog_call(user_vm_deallocate(prog_task(), address, flight->nr_pages * PAGE_SIZE));
}

static mach_msg_return_t storm_mail_send(uint32_t number, uint32_t flight, uint32_t *address, bool give)
{
    struct storm_message message = {
        .header = {
            .msgh_bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
            .msgh_size = sizeof(message), .msgh_remote_port = STORM_MAIL_NAME + number, .msgh_id = STORM_MAIL,
        },
        .flight_type = {.msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_number = 1, .msgt_inline = TRUE},
        .flight = flight,
        .data_type = {
            .msgtl_header = {.msgt_longform = TRUE, .msgt_deallocate = give},
            .msgtl_name = MACH_MSG_TYPE_BYTE, .msgtl_size = 8,
            .msgtl_number = storm.flights[flight].nr_pages * PAGE_SIZE,
        },
        .data = *address,
    };
    mach_msg_return_t result = mach_msg(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof(message), 0,
                                        MACH_PORT_NULL, sim_choose(2) * STORM_MAIL_MS, MACH_PORT_NULL);

    *address = message.data;
    return result;
}

/* What could not be sent has come back, as memory of its own; or nothing has, when memory for it was short. */
static bool storm_mail_sent(struct storm_task *task, uint32_t flight, uint32_t address, mach_msg_return_t result)
{
    if (result == MACH_MSG_SUCCESS) {
        (void)storm_flight_left(flight);
        return true;
    }
    if (result == MACH_SEND_TIMED_OUT) {
        storm_land(task, flight, address);
        return true;
    }
    storm.flights[flight].landed = true;
    if ((result & ~MACH_MSG_MASK) == MACH_SEND_TIMED_OUT)
        return true;
    if (result == MACH_SEND_INVALID_DEST)
        return false;
    return storm_done(result, storm_memory_trust(storm.flights[flight].source, storm.flights[flight].first,
                                                 storm.flights[flight].nr_pages), "a message");
}

bool storm_mail(uint32_t number, uint32_t flight, uint32_t address, bool give)
{
    mach_msg_return_t result = storm_mail_send(number, flight, &address, give);

    return storm_mail_sent(NULL, flight, address, result);
}

static void storm_send(struct storm_task *task)
{
    bool give = sim_choose(2) != 0;
    struct storm_mapping *mapping = give ? storm_pick_whole(task, VM_PROT_READ) : storm_pick(task, VM_PROT_READ), *tail;
    uint32_t first, nr_pages, flight, address, number = sim_choose(STORM_TASKS);

    if (mapping == NULL)
        return;
    nr_pages = give ? storm_part_to_cut(task, mapping, &first, &tail) : storm_part(mapping, &first);
    flight = storm_flight(mapping->memory, mapping->first + first, nr_pages);
    if (flight == STORM_FLIGHTS || (give && nr_pages > 2 * STORM_PIECE) || !storm_may_copy(mapping, first, nr_pages)) {
        mapping->whole = false;
        if (flight != STORM_FLIGHTS)
            storm.flights[flight].landed = true;
        return;
    }
    address = mapping->address + first * PAGE_SIZE;
    if (give && tail != NULL)
        tail->whole = true;
    mapping->users += !give;
    mach_msg_return_t result = storm_mail_send(number, flight, &address, give);
    mapping->users -= !give;
    if (give && tail != NULL)
        tail->whole = false;
    /* After an error it is not said how much of it is gone; it is not looked at again. */
    if (give)
        storm_cut(mapping, first, nr_pages, tail);
    if (!storm_mail_sent(task, flight, address, result) && give)
        task->sparse = true;
}

static void storm_receive(struct storm_task *task)
{
    uint32_t number = (uint32_t)(task - storm.tasks);
    struct storm_message message;
    mach_msg_return_t result;

    if (task->guest)
        return;
    result = mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(message), STORM_MAIL_NAME + number,
                      sim_choose(2) * STORM_MAIL_MS, MACH_PORT_NULL);
    if (result == MACH_RCV_TIMED_OUT)
        return;
    if (result == MACH_MSG_SUCCESS) {
        prog_check(message.header.msgh_id == STORM_MAIL &&
                   message.data_type.msgtl_number == storm.flights[message.flight].nr_pages * PAGE_SIZE);
        storm_land(task, message.flight, message.data);
    } else if (!storm_is_shortage(result)) {
        sim_fail("a client: receiving: %#x", (unsigned int)result);
    }
}

/* ---- a thread ---- */

static void storm_rest(struct storm_task *task)
{
    (void)task;
    if (sim_choose(2))
        prog_yield();
    else
        prog_sleep(1 + sim_choose(3));
}

static const struct {
    void (*function)(struct storm_task *task);
    uint32_t weight;
} storm_operations[] = {
    {storm_map, 3}, {storm_allocate, 2}, {storm_read, 6}, {storm_write, 10}, {storm_sweep, 2}, {storm_protect, 1},
    {storm_inherit, 1}, {storm_deallocate, 2}, {storm_wire, 1}, {storm_copy, 2}, {storm_vm_read, 1}, {storm_send, 2},
    {storm_receive, 2},
    {storm_rest, 2},
};

static void storm_step(struct storm_task *task)
{
    uint32_t sum = 0, at, i;

    for (i = 0; i < sizeof(storm_operations) / sizeof(storm_operations[0]); i++)
        sum += storm_operations[i].weight;
    at = sim_choose(sum);
    for (i = 0; at >= storm_operations[i].weight; i++)
        at -= storm_operations[i].weight;
    sim_trace(SIM_PROGRAM, (uint32_t)(task - storm.tasks), i);
    storm_operations[i].function(task);
}

void storm_guest_map(struct storm_task *task, unsigned int object)
{
    storm_map_object(task, object, 0, storm.objects[object].nr_pages, false);
}

void storm_guest_step(struct storm_task *task)
{
    storm_touch(task, sim_choose(2) != 0);
}

void storm_client(uint32_t number)
{
    struct storm_task *task = &storm.tasks[number];

    while (task->nr_ops > 0) {
        task->nr_ops--;
        storm_step(task);
    }
    if (--task->nr_threads != 0)
        prog_thread_exit();
    /* Memory goes before its task does, or with it. One that is being forked may go in the middle. */
    for (unsigned int i = 0; i < STORM_MAPPINGS && (task->guest || sim_choose(2)); i++) {
        struct storm_mapping *mapping = &task->mappings[i];

        if (mapping->memory == NULL || mapping->users != 0)
            continue;
        mapping->whole = true;
        prog_call(user_vm_deallocate(prog_task(), mapping->address, mapping->nr_pages * PAGE_SIZE));
        mapping->memory = NULL;
    }
    task->over = true;
    if (task->guest)
        prog_thread_exit();
    prog_exit();
}
