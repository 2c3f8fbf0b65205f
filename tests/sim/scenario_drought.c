/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A manager and its clients in droughts: see drought.c.
 *
 * The clients write all pages of an object that is larger than memory, then here and there, each write with a number. The
 * manager keeps the last number of each page. In a drought it takes what comes back, and puts off all else until that is
 * over.
 */
#include <string.h>

#include <mach/memory_object.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "prog.h"
#include "scenario.h"

#define DROUGHT_PAGES_MAX 1024u
#define DROUGHT_CLIENTS_MAX 3u
#define DROUGHT_OBJECT_NAME 0x1001u
#define DROUGHT_LATER_MAX 64u
#define DROUGHT_LOOK_MS 20u
/* Ids of <mach/memory_object.defs>. */
#define DROUGHT_INIT 2200
#define DROUGHT_TERMINATE 2201
#define DROUGHT_REQUEST 2203
#define DROUGHT_RETURN 2208

/* As the kernel lays its messages out: each item has its type before it. */
struct drought_message {
    mach_msg_header_t header;
    mach_msg_type_t control_type;
    mach_port_t control;
    mach_msg_type_t offset_type;    /* init: of the name's right */
    uint32_t offset;
    union {
        struct {
            mach_msg_type_t type;
            uint32_t length;
        } request;
        struct {
            mach_msg_type_long_t type;
            uint32_t address;
            mach_msg_type_t dirty_type;
            uint32_t dirty;
        } back;
    };
    uint32_t rest[16];
};

static struct {
    uint32_t nr_pages, nr_clients, nr_writes;
    uint32_t written[DROUGHT_PAGES_MAX], stored[DROUGHT_PAGES_MAX]; /* numbers, by page */
    struct drought_message later[DROUGHT_LATER_MAX];
    uint32_t nr_later, nr_mapped;
    mach_port_t object;
    bool busy;                      /* the manager does what may need memory */
    bool over;
} drought;

/* ---- the manager ---- */

static void drought_take(const struct drought_message *message)
{
    uint32_t first = message->offset / PAGE_SIZE, size = message->back.type.msgtl_number;

    for (uint32_t i = 0; i < size / PAGE_SIZE; i++) {
        uint32_t number = sim_load(message->back.address + i * PAGE_SIZE);

        sim_trace(SIM_PROGRAM, first + i, number);
        if (number < drought.stored[first + i] || number > drought.written[first + i] || !message->back.dirty)
            sim_fail("page %u came back as %u; the manager had %u, the writer %u", first + i, number,
                     drought.stored[first + i], drought.written[first + i]);
        drought.stored[first + i] = number;
    }
    prog_deallocate(message->back.address, size);
}

static void drought_answer(const struct drought_message *message)
{
    uint32_t index = message->offset / PAGE_SIZE, data;

    prog_check(message->request.length == PAGE_SIZE && index < drought.nr_pages);
    if (drought.stored[index] == 0) {
        prog_call(user_memory_object_data_unavailable(message->control, message->offset, PAGE_SIZE));
        return;
    }
    data = prog_allocate(PAGE_SIZE);
    sim_store(data, drought.stored[index]);
    prog_call(user_memory_object_data_supply(message->control, message->offset, data, PAGE_SIZE, TRUE, VM_PROT_NONE,
                                             FALSE, MACH_PORT_NULL));
}

static void drought_terminate(const struct drought_message *message)
{
    for (uint32_t i = 0; i < drought.nr_pages; i++) {
        if (drought.stored[i] != drought.written[i] && !sim_page_dropped(i))
            sim_fail("page %u was written %u times, and the manager has %u", i, drought.written[i], drought.stored[i]);
    }
    prog_call(user_mach_port_destroy(prog_task(), message->control));
    prog_call(user_mach_port_destroy(prog_task(), message->offset));
    drought.over = true;
}

static void drought_do(const struct drought_message *message)
{
    switch (message->header.msgh_id) {
    case DROUGHT_INIT:
        prog_call(user_memory_object_ready(message->control, FALSE, MEMORY_OBJECT_COPY_NONE));
        break;
    case DROUGHT_TERMINATE:
        drought_terminate(message);
        break;
    case DROUGHT_REQUEST:
        drought_answer(message);
        break;
    default:
        sim_fail("the manager got message %d", (int)message->header.msgh_id);
    }
}

/* What was put off, in its order. A drought may begin only between two of them. */
static void drought_catch_up(void)
{
    for (uint32_t i = 0; i < drought.nr_later; i++) {
        while (sim_drought_on)
            prog_sleep(1);
        drought.busy = true;
        drought_do(&drought.later[i]);
        drought.busy = false;
    }
    drought.nr_later = 0;
}

/* Whatever may need memory is put off, so that a drought never finds the manager in the middle but when it is busy. */
static void drought_serve(void)
{
    struct drought_message message;

    while (!drought.over) {
        bool later = drought.nr_later != 0;
        mach_msg_return_t result = mach_msg(&message.header, MACH_RCV_MSG | (later ? MACH_RCV_TIMEOUT : 0), 0,
                                            sizeof(message), drought.object, 0, MACH_PORT_NULL);

        if (result == MACH_RCV_TIMED_OUT) {
            if (sim_drought_on)
                prog_sleep(1);
            else
                drought_catch_up();
            continue;
        }
        prog_check(result == MACH_MSG_SUCCESS);
        if (message.header.msgh_id == DROUGHT_RETURN) {
            drought_take(&message);
            continue;
        }
        prog_check(drought.nr_later < DROUGHT_LATER_MAX);
        drought.later[drought.nr_later++] = message;
    }
}

/* ---- the clients ---- */

static void drought_write(uint32_t memory, uint32_t index)
{
    uint32_t at = memory + index * PAGE_SIZE;

    if (sim_load(at) != drought.written[index])
        sim_fail("page %u reads %u after %u writes", index, sim_load(at), drought.written[index]);
    drought.written[index]++;
    sim_store(at, drought.written[index]);
}

static void drought_client(uint32_t argument)
{
    vm_address_t memory = 0;

    prog_call(user_vm_map(prog_task(), &memory, drought.nr_pages * PAGE_SIZE, 0, TRUE, DROUGHT_OBJECT_NAME, 0, FALSE,
                          VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, VM_INHERIT_NONE));
    drought.nr_mapped++;
    for (uint32_t i = argument; i < drought.nr_pages; i += drought.nr_clients)
        drought_write(memory, i);
    for (uint32_t i = 0; i < drought.nr_writes; i++) {
        uint32_t index = sim_choose(drought.nr_pages);

        index = index - index % drought.nr_clients + argument;
        if (index < drought.nr_pages)
            drought_write(memory, index);
    }
    /* The object ends with its last mapping, and the manager with the object. */
    while (drought.nr_mapped < drought.nr_clients)
        prog_sleep(DROUGHT_LOOK_MS);
    prog_exit();
}

static void drought_begin(uint32_t argument)
{
    mach_port_t child;

    (void)argument;
    drought.object = prog_port();
    for (uint32_t i = 0; i < drought.nr_clients; i++) {
        prog_call(user_task_create(prog_task(), FALSE, &child));
        prog_call(user_mach_port_insert_right(child, DROUGHT_OBJECT_NAME, drought.object, MACH_MSG_TYPE_MAKE_SEND));
        (void)prog_start_thread(child, drought_client, i);
    }
    drought_serve();
    prog_exit();
}

static void drought_run(void)
{
    struct sim_stock before;
    struct task *task;

    /* So that a tick, at which droughts begin and frames are taken, is no large part of the run. */
    sim_run.ns_per_point = 30000 + sim_choose(100000);
    drought.nr_pages = (sim_run.nr_direct + sim_run.nr_high) * (5 + sim_choose(3)) / 4;
    drought.nr_clients = 1 + sim_choose(DROUGHT_CLIENTS_MAX);
    drought.nr_writes = 20 + sim_choose(100);
    prog_check(drought.nr_pages <= DROUGHT_PAGES_MAX);
    sim_stock_take(&before);
    task = sim_task_start(drought_begin, 0);
    sim_faults_begin();
    if (sim_droughts(1 + sim_choose(4), &drought.busy, &drought.over) == 0)
        sim_fail("no drought, though there was more than memory holds");
    sim_task_wait(task);
    sim_faults_end();
    sim_stock_check(&before);
    sim_check_all();
}

const struct sim_scenario sim_scenario_drought = {.name = "drought", .run = drought_run, .nr_frames = 160, .weight = 1};
