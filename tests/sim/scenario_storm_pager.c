/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storm's managers: what all kinds have in common.
 *
 * A manager's store is the host's memory: three words for each page that ever came back. What comes back is checked against
 * the model and the store, and what the kernel says of it against what the manager knows.
 *
 * Requests that were queued when an object ends are answered by messages to a port whose receive right is on its way to the
 * manager: nobody takes them. So no answer waits.
 */
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "prog_manager.h"
#include "scenario_storm.h"

#define STORM_REQUEST_PAGES 16u

void storm_say(kern_return_t result, const char *what)
{
    kern_return_t bare = result & ~MACH_MSG_MASK;

    if (result != KERN_SUCCESS && bare != MACH_SEND_TIMED_OUT && bare != MACH_SEND_INVALID_DEST)
        sim_fail("a manager: %s: %#x", what, (unsigned int)result);
}

/* Says what must be said, as soon as there is memory for it. */
#define storm_call(call) \
    do { \
        kern_return_t storm_result; \
        while (storm_is_short(storm_result = (call))) \
            prog_sleep(1); \
        storm_say(storm_result, #call); \
    } while (0)

static bool storm_is_short(kern_return_t result)
{
    return result == KERN_RESOURCE_SHORTAGE || (result & ~MACH_MSG_MASK) == MACH_SEND_NO_BUFFER;
}

uint32_t storm_object_port(const struct storm_object *object)
{
    return STORM_OBJECT_NAME + (uint32_t)(object - storm.objects);
}

static struct storm_object *storm_object_of(mach_port_t port)
{
    prog_check(port - STORM_OBJECT_NAME < storm.nr_objects);
    return &storm.objects[port - STORM_OBJECT_NAME];
}

/* ---- answers ---- */

/* Pages that are in the store. */
void storm_supply(struct storm_object *object, uint32_t first, uint32_t nr_pages)
{
    uint32_t size = nr_pages * PAGE_SIZE, data = prog_allocate(size), now = storm_now();

    for (uint32_t i = 0; i < nr_pages; i++) {
        struct storm_stored *stored = &object->stored[first + i];

        prog_check(stored->has);
        stored->pending = object->precious;
        stored->supplied = now;
        for (unsigned int word = 0; word < STORM_WORDS; word++)
            sim_store(data + i * PAGE_SIZE + storm_word_offset(word), stored->words[word]);
    }
    storm_call(user_memory_object_data_supply(object->control, first * PAGE_SIZE, data, size, TRUE,
                                              object->pager->asks && sim_chance(3) ? VM_PROT_WRITE : VM_PROT_NONE,
                                              object->precious, object->precious ? storm_object_port(object) : 0));
}

void storm_say_unavailable(struct storm_object *object, uint32_t page)
{
    storm_call(user_memory_object_data_unavailable(object->control, page * PAGE_SIZE, PAGE_SIZE));
}

void storm_say_error(struct storm_object *object, uint32_t page)
{
    storm_call(user_memory_object_data_error(object->control, page * PAGE_SIZE, PAGE_SIZE, KERN_FAILURE));
}

void storm_request_honest(struct storm_object *object, uint32_t page)
{
    if (object->stored[page].has)
        storm_supply(object, page, 1);
    else
        storm_say_unavailable(object, page);
}

void storm_keep_honest(struct storm_object *object, uint32_t page, uint32_t data, uint32_t size)
{
    (void)object, (void)page;
    prog_deallocate(data, size);
}

/* Asks for pages back, or takes rights away, or both; of everything, whatever was changed and all of it. */
void storm_ask(struct storm_object *object, bool everything)
{
    uint32_t first = everything ? 0 : sim_choose(object->nr_pages);
    uint32_t nr_pages = everything ? object->nr_pages : 1 + sim_choose(object->nr_pages - first);
    memory_object_return_t which = sim_choose(2) ? MEMORY_OBJECT_RETURN_DIRTY : MEMORY_OBJECT_RETURN_ALL;
    vm_prot_t forbidden = sim_choose(2) ? VM_PROT_NO_CHANGE : sim_choose(2) ? VM_PROT_WRITE : VM_PROT_NONE;
    mach_port_t reply = sim_choose(2) ? storm_object_port(object) : MACH_PORT_NULL;
    kern_return_t result = user_memory_object_lock_request(object->control, first * PAGE_SIZE, nr_pages * PAGE_SIZE, which,
                                                           sim_choose(2) != 0, forbidden, reply);

    if (!storm_is_short(result))
        storm_say(result, "memory_object_lock_request");
}

/* ---- what the kernel says ---- */

/* What came back as the object ended, and was lost, had no place to go home to: the pages may be what the store has. */
static void storm_forget_lost(const struct storm_object *object)
{
    for (uint32_t page = 0; page < object->nr_pages; page++) {
        for (unsigned int word = 0; word < STORM_WORDS; word++)
            storm_maybe(object->memory, page, word, object->stored[page].words[word]);
    }
}

static void storm_init(mach_port_t port, mach_port_seqno_t seqno, mach_port_t control, mach_port_t name, vm_size_t page_size)
{
    struct storm_object *object = storm_object_of(port);

    prog_check(page_size == PAGE_SIZE && (object->pager->loses || object->nr_inits == object->nr_ends));
    if (object->nr_inits++ != 0 && object->pager->loses)
        storm_forget_lost(object);
    object->control = control;
    storm_call(user_memory_object_ready(control, object->may_cache, object->strategy));
}

/* Everything must have come back by now; what this manager lost itself as the object ended had no place to go home to. */
static void storm_object_check(const struct storm_object *object)
{
    if (object->pager->loses || (object->pager->kind->trust & STORM_LIES) != 0 ||
        object->strategy == MEMORY_OBJECT_COPY_TEMPORARY)
        return;
    for (uint32_t page = 0; page < object->nr_pages; page++) {
        const struct storm_stored *stored = &object->stored[page];

        if (stored->given)
            sim_fail("page %u, precious, of object %u has not come back", page, (uint32_t)(object - storm.objects));
        for (unsigned int word = 0; word < STORM_WORDS; word++)
            storm_check_stored(object->memory, page, word, stored->words[word]);
    }
}

static void storm_terminate(mach_port_t port, mach_port_t control, mach_port_t name)
{
    struct storm_object *object = storm_object_of(port);

    object->nr_ends++;
    storm_object_check(object);
    object->control = MACH_PORT_NULL;
    for (uint32_t page = 0; page < object->nr_pages; page++) {
        object->stored[page].pending = object->stored[page].given = false;
        object->stored[page].supplied = 0;
    }
    prog_call(user_mach_port_destroy(prog_task(), control));
    prog_call(user_mach_port_destroy(prog_task(), name));
}

static void storm_data_request(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    struct storm_object *object = storm_object_of(port);
    const struct storm_stored *stored = &object->stored[offset / PAGE_SIZE];

    prog_check(length == PAGE_SIZE && offset / PAGE_SIZE < object->nr_pages && offset % PAGE_SIZE == 0);
    if (stored->given && !object->ever_asked)
        sim_fail("page %u, precious, of object %u is asked for, and has not come back", offset / PAGE_SIZE,
                 (uint32_t)(object - storm.objects));
    (object->pager->kind->request != NULL ? object->pager->kind->request : storm_request_honest)(object, offset / PAGE_SIZE);
}

static void storm_data_unlock(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    struct storm_object *object = storm_object_of(port);

    storm_call(user_memory_object_lock_request(object->control, offset, length, MEMORY_OBJECT_RETURN_NONE, FALSE,
                                               VM_PROT_NONE, MACH_PORT_NULL));
}

static void storm_lock_completed(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_size_t length)
{
}

/* A precious page that is in the kernel's hands is forgotten, unless it has come back in the meantime. */
static void storm_supply_completed(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_size_t length,
                                   kern_return_t result, vm_offset_t error_offset)
{
    struct storm_object *object = storm_object_of(port);
    uint32_t end = result == KERN_SUCCESS ? offset + length : error_offset;

    for (uint32_t at = offset; at < offset + length; at += PAGE_SIZE) {
        struct storm_stored *stored = &object->stored[at / PAGE_SIZE];

        if (at < end && stored->pending)
            stored->given = true;
        stored->pending = false;
    }
}

/* What a page says that came back. */
static void storm_returned(struct storm_object *object, uint32_t page, uint32_t data, bool dirty)
{
    struct storm_stored *stored = &object->stored[page];

    for (unsigned int word = 0; word < STORM_WORDS; word++) {
        uint32_t version = sim_load(data + storm_word_offset(word));

        if (word == 0)
            sim_trace(SIM_PROGRAM, page, version);
        storm_check_return(object->memory, page, word, version, stored->words[word]);
        if (!dirty && version != stored->words[word])
            sim_fail("page %u of object %u comes back as clean with %u in word %u; the manager had %u", page,
                     (uint32_t)(object - storm.objects), version, word, stored->words[word]);
        stored->words[word] = version;
    }
    if (dirty && !object->ever_asked && stored->supplied > storm_written(object->memory, page))
        sim_fail("page %u of object %u comes back as changed, and nobody has since it was supplied", page,
                 (uint32_t)(object - storm.objects));
    stored->has = true;
    stored->pending = stored->given = false;
}

static void storm_data_return(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_offset_t data,
                              mach_msg_type_number_t size, boolean_t dirty, boolean_t kernel_copy)
{
    struct storm_object *object = storm_object_of(port);

    prog_check(size != 0 && size % PAGE_SIZE == 0 && offset + size <= object->nr_pages * PAGE_SIZE);
    for (uint32_t at = 0; at < size; at += PAGE_SIZE)
        storm_returned(object, (offset + at) / PAGE_SIZE, data + at, dirty != FALSE);
    (object->pager->kind->keep != NULL ? object->pager->kind->keep : storm_keep_honest)(object, offset / PAGE_SIZE, data,
                                                                                         size);
}

static const struct prog_manager storm_prog_manager = {
    .init = storm_init, .terminate = storm_terminate, .data_request = storm_data_request,
    .data_unlock = storm_data_unlock, .data_return = storm_data_return, .lock_completed = storm_lock_completed,
    .supply_completed = storm_supply_completed,
};

/* ---- the loop ---- */

/* Whether all its objects have ended. */
static bool storm_manager_idle(const struct storm_pager *pager)
{
    for (unsigned int i = 0; i < storm.nr_objects; i++) {
        if (storm.objects[i].pager == pager && storm.objects[i].nr_inits != storm.objects[i].nr_ends)
            return false;
    }
    return true;
}

/* The hub's word that there will be no more clients. */
static void storm_manager_close(struct storm_pager *pager)
{
    pager->closing = true;
    for (unsigned int i = 0; i < storm.nr_objects; i++) {
        struct storm_object *object = &storm.objects[i];

        if (object->pager == pager && object->control != MACH_PORT_NULL && object->may_cache)
            storm_call(user_memory_object_change_attributes(object->control, FALSE, object->strategy, MACH_PORT_NULL));
    }
}

/* No number is left out, but of messages that this manager lost itself. */
static void storm_manager_count(const mach_msg_header_t *header)
{
    struct storm_object *object = storm_object_of(header->msgh_local_port);

    if (object->pager->loses)
        object->seqno = header->msgh_seqno;
    if (header->msgh_seqno != object->seqno)
        sim_fail("object %u: message %d has number %u, not %u", (uint32_t)(object - storm.objects), header->msgh_id,
                 header->msgh_seqno, object->seqno);
    object->seqno++;
}

static void storm_manager_message(struct storm_pager *pager, mach_msg_header_t *message)
{
    storm_manager_count(message);
    pager->nr_messages++;
    if (message->msgh_id == STORM_POKE)
        storm_manager_close(pager);
    else if (message->msgh_id != STORM_JUNK)
        prog_manager_serve(message);
}

static void storm_manager_begin(struct storm_pager *pager)
{
    prog_manager = &storm_prog_manager;
    prog_send_limit(0);
    prog_call(user_mach_port_allocate(prog_task(), MACH_PORT_RIGHT_PORT_SET, &pager->set));
    for (unsigned int i = 0; i < storm.nr_objects; i++) {
        if (storm.objects[i].pager == pager)
            prog_call(user_mach_port_move_member(prog_task(), STORM_OBJECT_NAME + i, pager->set));
    }
}

static void storm_manager_ask(struct storm_pager *pager)
{
    struct storm_object *object = &storm.objects[sim_choose(storm.nr_objects)];

    if (object->pager == pager && object->control != MACH_PORT_NULL)
        storm_ask(object, false);
}

void storm_manager(uint32_t number)
{
    struct storm_pager *pager = &storm.pagers[number];
    union {
        mach_msg_header_t header;
        char bytes[PROG_MESSAGE_MAX];
    } in;

    storm_manager_begin(pager);
    while (!pager->closing || !storm_manager_idle(pager)) {
        if (pager->kind->before != NULL)
            pager->kind->before(pager);
        if (pager->pause != 0 && sim_choose(2))
            prog_sleep(1 + sim_choose(pager->pause));
        mach_msg_return_t result = mach_msg(&in.header, MACH_RCV_MSG, 0, PROG_MESSAGE_MAX, pager->set, 0, MACH_PORT_NULL);
        if (result != MACH_MSG_SUCCESS)
            sim_fail("a manager: receiving: %#x", (unsigned int)result);
        storm_manager_message(pager, &in.header);
        if (pager->asks && sim_chance(6))
            storm_manager_ask(pager);
    }
    pager->over = true;
    prog_exit();
}
