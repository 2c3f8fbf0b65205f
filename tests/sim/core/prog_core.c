/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs of the exhaustive core. A program is a loop: it offers what it can do, does what the checker chose, and
 * offers again. What it knows is in core_live, as the checker compares it; the rest is on its stack.
 *
 * A manager may answer what it was asked in any order, or never; it may free what it received in any order, or never.
 */
#include <stdio.h>
#include <string.h>

#include <mach/memory_object.h>
#include <mach/notify.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include "core.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "mig/memory_object_server.h"
#include "prog.h"

/* Choices of a manager; PAGE and HELD are the first of several. */
enum core_pager_choice {
    CORE_RECEIVE,
    CORE_ASK_CLEAN,
    CORE_ASK_FLUSH,
    CORE_END,
    CORE_GIVE_UP,
    CORE_RECEIVE_SMALL,
    CORE_SUPPLY_PAGE = 8,
    CORE_FREE_HELD = 16,
    CORE_SUPPLY_HELD = 24,
    CORE_ERROR_PAGE = 32,
    CORE_PUSH_PAGE = 40,
};

/* Of a client; each the first of several. */
enum core_client_choice {
    CORE_WRITE_PAGE = 0,
    CORE_READ_PAGE = 16,
    CORE_UNMAP_OBJECT = 32,
    CORE_MAP_OBJECT = 40,
};

bool core_choice_is_access(uint32_t choice)
{
    return choice < CORE_UNMAP_OBJECT;
}

bool core_choice_queues(bool manager, uint32_t choice, uint32_t *object)
{
    if (!manager)
        *object = choice - CORE_MAP_OBJECT;
    return choice >= (manager ? (uint32_t)CORE_PUSH_PAGE : (uint32_t)CORE_MAP_OBJECT);
}

const char *core_choice_name(bool manager, uint32_t choice, char *name, uint32_t size)
{
    static const char *const single[] = {"receives or goes on", "asks for what is dirty", "asks for all and flushes", "ends",
                                         "destroys its object", "receives with little room"};
    static const char *const managers[] = {NULL, "supplies page", "frees run", "supplies back run",
                                           "answers with an error for page", "supplies unasked page"};
    static const char *const clients[] = {"goes on or writes page", NULL, "reads page", NULL, "unmaps object",
        "maps object"};

    if (manager && choice < 8)
        return single[choice];
    uint32_t kind = choice / 8, client = kind - (kind == 1 || kind == 3);

    (void)snprintf(name, size, "%s %u", manager ? managers[kind] : clients[client],
                   manager || choice >= 32 ? choice % 8 : choice % 16);
    return name;
}

/* ---- the manager ---- */

/* Messages are read where they stand before anything can come between. */
static union core_message {
    mach_msg_header_t header;
    char bytes[PROG_MESSAGE_MAX];
} core_in[CORE_OBJECTS_MAX], core_out;

/* Which manager runs; its own word of its thread. */
static struct core_pager *core_self(void)
{
    return &core_live.pagers[sim_words()[3]];
}

static uint32_t core_self_model(uint32_t page)
{
    return core_live.models[sim_words()[3]].newest[page];
}

/* Every message brings another reference to the control port's name; kept, they would count for ever. */
static void core_drop(mach_port_t control)
{
    prog_call(user_mach_port_deallocate(prog_task(), control));
}

kern_return_t seqnos_memory_object_init(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control, mach_port_t name,
                                        vm_size_t page_size)
{
    struct core_pager *pager = core_self();

    prog_check(object == pager->object && page_size == PAGE_SIZE && pager->control == MACH_PORT_NULL);
    prog_call(user_memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_NONE));
    pager->control = control;
    pager->name = name;
    return KERN_SUCCESS;
}

kern_return_t seqnos_memory_object_terminate(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                             mach_port_t name)
{
    struct core_pager *pager = core_self();
    bool discarded = core_live.models[sim_words()[3]].discarded;

    for (uint32_t i = 0; i < core_options.nr_pages && !discarded; i++) {
        if (pager->stored[i] != core_self_model(i))
            sim_fail("the object has ended, and of page %u the manager has version %u of %u", i, pager->stored[i],
                     core_self_model(i));
    }
    pager->control = MACH_PORT_NULL;
    pager->pending = 0;
    prog_call(user_mach_port_destroy(prog_task(), control));
    prog_call(user_mach_port_destroy(prog_task(), name));
    return KERN_SUCCESS;
}

kern_return_t seqnos_memory_object_copy(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                        vm_offset_t offset, vm_size_t length, mach_port_t new_object)
{
    sim_fail("a copy object, but nothing is copied");
}

kern_return_t seqnos_memory_object_data_request(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    prog_check(length == PAGE_SIZE && offset / PAGE_SIZE < core_options.nr_pages);
    core_self()->pending |= 1u << offset / PAGE_SIZE;
    core_drop(control);
    return KERN_SUCCESS;
}

kern_return_t seqnos_memory_object_data_unlock(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                               vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    sim_fail("an unlock, but nothing is locked");
}

kern_return_t seqnos_memory_object_lock_completed(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                  vm_offset_t offset, vm_size_t length)
{
    prog_check(core_self()->locking);
    core_self()->locking = false;
    core_drop(control);
    return KERN_SUCCESS;
}

kern_return_t seqnos_memory_object_supply_completed(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                    vm_offset_t offset, vm_size_t length, kern_return_t result,
                                                    vm_offset_t error_offset)
{
    sim_fail("nobody asked for word of a supply");
}

kern_return_t seqnos_memory_object_data_return(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                               vm_offset_t offset, vm_offset_t data, mach_msg_type_number_t size,
                                               boolean_t dirty, boolean_t kernel_copy)
{
    struct core_pager *pager = core_self();
    uint32_t first = offset / PAGE_SIZE, nr_pages = size / PAGE_SIZE;

    prog_check(size != 0 && size % PAGE_SIZE == 0 && first + nr_pages <= core_options.nr_pages);
    for (uint32_t i = 0; i < nr_pages; i++) {
        uint32_t version = sim_load(data + i * PAGE_SIZE), *stored = &pager->stored[first + i];

        /* What came dirty into too little room comes home; a clean run behind it was queued when that was not known. */
        if (version < *stored || version > core_self_model(first + i) ||
            (!dirty && version != *stored && !core_with(CORE_SMALL)))
            sim_fail("page %u came back %s with version %u; the manager had %u of %u", first + i, dirty ? "dirty" : "clean",
                     version, *stored, core_self_model(first + i));
        *stored = version;
    }
    core_drop(control);
    prog_check(pager->nr_held < CORE_HELD_MAX);
    pager->held[pager->nr_held++] = (struct core_held){.address = data, .first = first, .nr_pages = nr_pages};
    return KERN_SUCCESS;
}

kern_return_t seqnos_memory_object_change_completed(mach_port_t object, mach_port_seqno_t seqno, boolean_t may_cache,
                                                    memory_object_copy_strategy_t strategy)
{
    sim_fail("nobody changed the object's attributes");
}

/* Enough for all messages but data_return, which is lost then. */
#define CORE_LITTLE_ROOM 68u

static void core_receive(struct core_pager *pager, mach_msg_size_t room)
{
    union core_message *in = &core_in[sim_words()[3]];
    mach_msg_return_t result = mach_msg(&in->header, MACH_RCV_MSG, 0, room, pager->object, 0, MACH_PORT_NULL);

    if (result == MACH_RCV_TOO_LARGE && room == CORE_LITTLE_ROOM)
        return;
    prog_check(result == MACH_MSG_SUCCESS);
    /* The reply right of a lock request that came when the object had ended. */
    if (in->header.msgh_id == MACH_NOTIFY_SEND_ONCE) {
        pager->locking = false;
        return;
    }
    mig_routine_t routine = seqnos_memory_object_server_routine(&in->header);
    if (routine == NULL)
        sim_fail("the manager got message %d", (int)in->header.msgh_id);
    routine(&in->header, &core_out.header);
}

/* Supplies the page from memory of its own. What was never written is not there. */
static void core_supply(struct core_pager *pager, uint32_t page)
{
    uint32_t data;

    pager->pending &= ~(1u << page);
    if (pager->stored[page] == 0) {
        prog_call(user_memory_object_data_unavailable(pager->control, page * PAGE_SIZE, PAGE_SIZE));
        return;
    }
    data = prog_allocate(PAGE_SIZE);
    sim_store(data, pager->stored[page]);
    prog_call(user_memory_object_data_supply(pager->control, page * PAGE_SIZE, data, PAGE_SIZE, TRUE, VM_PROT_NONE,
                                             core_with(CORE_PRECIOUS), MACH_PORT_NULL));
}

/* Takes the run out of those held. */
static struct core_held core_let_go(struct core_pager *pager, uint32_t index)
{
    struct core_held held = pager->held[index];

    pager->nr_held--;
    memmove(&pager->held[index], &pager->held[index + 1], (pager->nr_held - index) * sizeof(held));
    memset(&pager->held[pager->nr_held], 0, sizeof(held));
    return held;
}

static void core_supply_back(struct core_pager *pager, uint32_t index)
{
    struct core_held held = core_let_go(pager, index);

    pager->pending &= ~(((1u << held.nr_pages) - 1) << held.first);
    prog_call(user_memory_object_data_supply(pager->control, held.first * PAGE_SIZE, held.address, held.nr_pages * PAGE_SIZE,
                                             TRUE, VM_PROT_NONE, core_with(CORE_PRECIOUS), MACH_PORT_NULL));
}

static void core_ask(struct core_pager *pager, bool flush)
{
    pager->locking = true;
    prog_call(user_memory_object_lock_request(pager->control, 0, core_options.nr_pages * PAGE_SIZE,
                                              flush ? MEMORY_OBJECT_RETURN_ALL : MEMORY_OBJECT_RETURN_DIRTY, flush,
                                              VM_PROT_NO_CHANGE, pager->object));
}

static void core_give_up(struct core_pager *pager)
{
    core_live.models[sim_words()[3]].discarded = true;
    prog_call(user_memory_object_destroy(pager->control, KERN_FAILURE));
}

/* Whether the run is what the manager stored last, and all of it is waited for. */
static bool core_may_supply_back(const struct core_pager *pager, const struct core_held *held)
{
    uint32_t pages = ((1u << held->nr_pages) - 1) << held->first;

    if ((pager->pending & pages) != pages)
        return false;
    for (uint32_t i = 0; i < held->nr_pages; i++) {
        if (sim_load(held->address + i * PAGE_SIZE) != pager->stored[held->first + i])
            return false;
    }
    return true;
}

static uint64_t core_pager_choices(const struct core_pager *pager)
{
    uint64_t choices = pager->nr_held < core_options.nr_held ? 1u << CORE_RECEIVE : 0;
    bool talks = pager->control != MACH_PORT_NULL && !core_live.models[sim_words()[3]].discarded;

    if (core_with(CORE_SMALL))
        choices |= 1u << CORE_RECEIVE_SMALL;
    if (core_with(CORE_DIE))
        choices |= 1u << CORE_END;
    if (talks && core_with(CORE_DESTROY))
        choices |= 1u << CORE_GIVE_UP;
    if (talks && core_with(CORE_CLEAN) && !pager->locking)
        choices |= 1u << CORE_ASK_CLEAN;
    if (talks && core_with(CORE_FLUSH) && !pager->locking)
        choices |= 1u << CORE_ASK_FLUSH;
    for (uint32_t page = 0; talks && page < core_options.nr_pages; page++) {
        if (pager->pending & 1u << page)
            choices |= 1ull << (CORE_SUPPLY_PAGE + page) | (uint64_t)core_with(CORE_ERROR) << (CORE_ERROR_PAGE + page);
        else if (core_with(CORE_PUSH) && pager->stored[page] != 0)
            choices |= 1ull << (CORE_PUSH_PAGE + page);
    }
    for (uint32_t i = 0; i < pager->nr_held; i++) {
        choices |= 1ull << (CORE_FREE_HELD + i);
        if (talks && core_with(CORE_BACK) && core_may_supply_back(pager, &pager->held[i]))
            choices |= 1ull << (CORE_SUPPLY_HELD + i);
    }
    return choices;
}

static void core_pager_act(struct core_pager *pager, uint32_t choice)
{
    uint32_t of = choice % 8;

    switch (choice - (choice < 8 ? 0 : of)) {
    case CORE_RECEIVE:
    case CORE_RECEIVE_SMALL:
        core_receive(pager, choice == CORE_RECEIVE ? PROG_MESSAGE_MAX : CORE_LITTLE_ROOM);
        break;
    case CORE_ASK_CLEAN:
    case CORE_ASK_FLUSH:
        core_ask(pager, choice == CORE_ASK_FLUSH);
        break;
    case CORE_END:
        pager->gone = true;
        prog_exit();
    case CORE_GIVE_UP:
        core_give_up(pager);
        break;
    case CORE_SUPPLY_PAGE:
    case CORE_PUSH_PAGE:
        core_supply(pager, of);
        break;
    case CORE_FREE_HELD: {
        struct core_held held = core_let_go(pager, of);
        prog_deallocate(held.address, held.nr_pages * PAGE_SIZE);
        break;
    }
    case CORE_SUPPLY_HELD:
        core_supply_back(pager, of);
        break;
    case CORE_ERROR_PAGE:
        pager->pending &= ~(1u << of);
        prog_call(user_memory_object_data_error(pager->control, of * PAGE_SIZE, PAGE_SIZE, KERN_MEMORY_ERROR));
        break;
    }
}

void core_pager_program(uint32_t index)
{
    struct core_pager *pager = &core_live.pagers[index];

    core_program_begin(index);
    sim_words()[3] = index;
    pager->object = prog_port_with_send();
    /* Until the first conversation has begun there is no choice. */
    while (pager->control == MACH_PORT_NULL)
        core_receive(pager, PROG_MESSAGE_MAX);
    for (;;)
        core_pager_act(pager, core_menu(core_pager_choices(pager)));
}

/* ---- the client ---- */

/* An object whose manager has died, or gave it up, cannot be mapped again. */
static void core_map(uint32_t client, uint32_t object)
{
    vm_address_t memory = CORE_MEMORY(object);
    kern_return_t result = user_vm_map(prog_task(), &memory, core_options.nr_pages * PAGE_SIZE, 0, FALSE,
                                       core_live.client_names[client][object], 0, FALSE, VM_PROT_READ | VM_PROT_WRITE,
                                       VM_PROT_ALL, VM_INHERIT_NONE);

    core_live.mapped[client][object] = result == KERN_SUCCESS;
    if (result != KERN_SUCCESS && !core_live.pagers[object].gone && !core_live.models[object].discarded)
        sim_fail("object %u cannot be mapped: %#x", object, (unsigned int)result);
}

static uint64_t core_client_choices(uint32_t client)
{
    uint64_t choices = 0;

    for (uint32_t object = 0; object < core_options.nr_objects; object++) {
        for (uint32_t page = 0; core_live.mapped[client][object] && page < core_options.nr_pages; page++) {
            uint32_t of = object * core_options.nr_pages + page;

            choices |= 1ull << (CORE_WRITE_PAGE + of) | (uint64_t)core_with(CORE_READS) << (CORE_READ_PAGE + of);
        }
        if (core_with(CORE_UNMAP))
            choices |= 1ull << ((core_live.mapped[client][object] ? CORE_UNMAP_OBJECT : CORE_MAP_OBJECT) + object);
    }
    return choices;
}

static void core_client_act(uint32_t client, uint32_t choice)
{
    if (choice >= CORE_MAP_OBJECT) {
        core_map(client, choice - CORE_MAP_OBJECT);
    } else if (choice >= CORE_UNMAP_OBJECT) {
        core_live.mapped[client][choice - CORE_UNMAP_OBJECT] = false;
        prog_deallocate(CORE_MEMORY(choice - CORE_UNMAP_OBJECT), core_options.nr_pages * PAGE_SIZE);
    } else {
        uint32_t of = choice % 16;

        core_access(of / core_options.nr_pages, of % core_options.nr_pages, choice < CORE_READ_PAGE);
    }
}

void core_client_program(uint32_t client)
{
    core_program_begin(core_options.nr_objects + client);
    for (uint32_t object = 0; object < core_options.nr_objects; object++)
        core_map(client, object);
    core_live.client_ready[client] = true;
    for (;;)
        core_client_act(client, core_menu(core_client_choices(client)));
}
