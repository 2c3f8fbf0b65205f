/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A manager that dies, and what its clients are left with.
 *
 * Clients write numbered words into the pages of an object, each into its own, and read them back. The manager keeps the
 * number of what it received, asks for pages now and then, and dies after some messages: its task ends, or it destroys its
 * port, with runs queued, received and on their way home. Two threads of it may give the same page at once. Clients map the
 * object several times, and may find it ending.
 *
 * From law 1 it follows what a client may see: its last number, or an error where the manager had received just that number.
 * What the manager never got must be there for good, and no page ever reads as zeroes that was written.
 */
#include <string.h>

#include <mach/memory_object.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "mig/memory_object_server.h"
#include "prog.h"
#include "scenario.h"

#define DEATH_PAGES_MAX 1024u
#define DEATH_CLIENTS_MAX 2u
#define DEATH_OBJECT_NAME 0x1001u
#define DEATH_ROUND 10u
#define DEATH_LOOK_MS 100u
#define DEATH_LOOKS 60u             /* of each client after the death */
/* Ids of <mach/memory_object.defs>. */
#define DEATH_INIT 2200
#define DEATH_TERMINATE 2201
#define DEATH_REQUEST 2203
#define DEATH_RETURN 2208

/* As the kernel lays its messages out: each item has its type before it. */
struct death_message {
    mach_msg_header_t header;
    mach_msg_type_t control_type;
    mach_port_t control;
    mach_msg_type_t offset_type;    /* terminate: of the name's right */
    uint32_t offset;
    union {
        struct {
            mach_msg_type_t type;
            uint32_t length;
        } request;
        struct {
            mach_msg_type_long_t type;
            uint32_t address;
        } back;
    };
    uint32_t rest[16];
};

static struct {
    uint32_t nr_pages, nr_clients;
    uint32_t nr_messages;           /* that the manager still serves */
    uint32_t nr_uses;               /* of pages, by each client before the death */
    uint32_t written[DEATH_PAGES_MAX], received[DEATH_PAGES_MAX]; /* numbers, by page; 0: none */
    mach_port_t object, control;
    bool asks;                      /* the manager asks for pages */
    bool twice;                     /* two threads of the manager give each page */
    uint32_t help;                  /* the page that the second one is to give, and 1; 0: none */
    bool enough;                    /* a client has done what it was to do */
    bool dying;                     /* nothing is served any more */
} death;

/* ---- the manager ---- */

static void death_take(const struct death_message *message)
{
    uint32_t first = message->offset / PAGE_SIZE, size = message->back.type.msgtl_number;

    for (uint32_t i = 0; i < size / PAGE_SIZE; i++) {
        uint32_t number = sim_load(message->back.address + i * PAGE_SIZE);

        sim_trace(SIM_PROGRAM, first + i, number);
        if (number < death.received[first + i] || number > death.written[first + i])
            sim_fail("page %u came back as %u; the manager had %u, the writer %u", first + i, number,
                     death.received[first + i], death.written[first + i]);
        death.received[first + i] = number;
    }
    prog_deallocate(message->back.address, size);
}

static void death_supply(uint32_t index)
{
    uint32_t data = prog_allocate(PAGE_SIZE);
    bool kept = sim_choose(2) != 0; /* then its bytes are copied, which may wait for memory */

    sim_store(data, death.received[index]);
    prog_call(user_memory_object_data_supply(death.control, index * PAGE_SIZE, data, PAGE_SIZE, !kept, VM_PROT_NONE, FALSE,
                                             MACH_PORT_NULL));
    if (kept)
        prog_deallocate(data, PAGE_SIZE);
}

/* The second thread. */
static void death_help(uint32_t argument)
{
    (void)argument;
    for (;;) {
        while (death.help == 0)
            prog_sleep(1);
        death_supply(death.help - 1);
        death.help = 0;
    }
}

/* Nothing is received before both have given the page: one that came late would give what is old by then. */
static void death_answer(const struct death_message *message)
{
    uint32_t index = message->offset / PAGE_SIZE;

    prog_check(message->request.length == PAGE_SIZE && index < death.nr_pages && message->control == death.control);
    if (death.received[index] == 0) {
        prog_call(user_memory_object_data_unavailable(message->control, message->offset, PAGE_SIZE));
        return;
    }
    if (death.twice)
        death.help = index + 1;
    death_supply(index);
    while (death.help != 0)
        prog_yield();
}

static void death_ask(void)
{
    uint32_t first = sim_choose(death.nr_pages), nr = 1 + sim_choose(MIN(death.nr_pages - first, 100u));

    (void)user_memory_object_lock_request(death.control, first * PAGE_SIZE, nr * PAGE_SIZE, MEMORY_OBJECT_RETURN_ALL,
                                          sim_choose(2) != 0, VM_PROT_NO_CHANGE, MACH_PORT_NULL);
}

static void death_serve(void)
{
    struct death_message message;
    mach_msg_return_t result = mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(message), death.object,
                                        DEATH_LOOK_MS, MACH_PORT_NULL);

    if (result == MACH_RCV_TIMED_OUT)
        return;
    prog_check(result == MACH_MSG_SUCCESS);
    death.nr_messages--;
    switch (message.header.msgh_id) {
    case DEATH_INIT:
        death.control = message.control;
        prog_call(user_memory_object_ready(message.control, FALSE, MEMORY_OBJECT_COPY_NONE));
        break;
    case DEATH_TERMINATE:
        prog_call(user_mach_port_destroy(prog_task(), message.control));
        prog_call(user_mach_port_destroy(prog_task(), message.offset));
        death.control = MACH_PORT_NULL;
        break;
    case DEATH_REQUEST:
        death_answer(&message);
        break;
    case DEATH_RETURN:
        death_take(&message);
        break;
    default:
        sim_fail("the manager got message %d", (int)message.header.msgh_id);
    }
    if (death.asks && death.control != MACH_PORT_NULL && sim_chance(6))
        death_ask();
}

/* ---- the clients ---- */

static void death_failed(uint32_t index, kern_return_t result, const char *what)
{
    if (!death.dying || result != KERN_MEMORY_FAILURE)
        prog_check(death.dying && result == KERN_MEMORY_ERROR); /* it was being waited for */
    /* The object may have ended and begun again, its last runs still in the dead port's queue. */
    if (death.written[index] != death.received[index] && !sim_page_dropped(index) && !sim_page_outlived(index))
        sim_fail("page %u cannot be %s: %d; it was written as %u, and the manager had %u", index, what, (int)result,
                 death.written[index], death.received[index]);
}

static void death_use(uint32_t memory, uint32_t index)
{
    uint32_t at = memory + index * PAGE_SIZE, number;
    kern_return_t result;

    if (sim_choose(2)) {
        result = sim_try_store(at, death.written[index] + 1);
        if (result == KERN_SUCCESS)
            death.written[index]++;
        else
            death_failed(index, result, "written");
        return;
    }
    result = sim_try_load(at, &number);
    if (result != KERN_SUCCESS)
        death_failed(index, result, "read");
    else if (number != death.written[index] && !sim_page_dropped(index))
        sim_fail("page %u reads %u, and was written as %u", index, number, death.written[index]);
}

static uint32_t death_map(void)
{
    vm_address_t memory = 0;
    kern_return_t result;

    while ((result = user_vm_map(prog_task(), &memory, death.nr_pages * PAGE_SIZE, 0, TRUE, DEATH_OBJECT_NAME, 0, FALSE,
                                 VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, VM_INHERIT_NONE)) != KERN_SUCCESS) {
        if (death.dying)
            prog_exit();
        prog_check(result == KERN_RESOURCE_SHORTAGE || result == KERN_ABORTED);
        prog_sleep(1);
    }
    return memory;
}

static void death_client(uint32_t argument)
{
    uint32_t nr_own = (death.nr_pages - argument + death.nr_clients - 1) / death.nr_clients, memory = death_map();

    for (uint32_t rounds = sim_choose(4); rounds > 0; rounds--) {
        for (uint32_t i = 0; i < DEATH_ROUND; i++)
            death_use(memory, argument + sim_choose(nr_own) * death.nr_clients);
        prog_deallocate(memory, death.nr_pages * PAGE_SIZE);
        memory = death_map();
    }
    for (uint32_t i = 0; i < death.nr_uses && !death.dying; i++)
        death_use(memory, argument + sim_choose(nr_own) * death.nr_clients);
    death.enough = true;
    while (!death.dying)
        prog_sleep(DEATH_LOOK_MS);
    for (uint32_t i = 0; i < DEATH_LOOKS; i++)
        death_use(memory, argument + sim_choose(nr_own) * death.nr_clients);
    for (uint32_t i = argument; i < death.nr_pages; i += death.nr_clients)
        death_use(memory, i);
    prog_exit();
}

/* ---- the whole ---- */

static void death_begin(uint32_t argument)
{
    mach_port_t child;

    memset(death.written, 0, sizeof(death.written));
    memset(death.received, 0, sizeof(death.received));
    death.object = prog_port();
    for (uint32_t i = 0; i < death.nr_clients; i++) {
        prog_call(user_task_create(prog_task(), FALSE, &child));
        prog_call(user_mach_port_insert_right(child, DEATH_OBJECT_NAME, death.object, MACH_MSG_TYPE_MAKE_SEND));
        (void)prog_start_thread(child, death_client, i);
    }
    if (death.twice)
        (void)prog_start_thread(prog_task(), death_help, 0);
    while (death.nr_messages > 0 && !death.enough)
        death_serve();
    death.dying = true;
    if (argument)
        prog_call(user_mach_port_destroy(prog_task(), death.object));
    prog_exit();
}

static void death_run(void)
{
    struct sim_stock before;
    struct task *task;

    death.nr_clients = 1 + sim_choose(DEATH_CLIENTS_MAX);
    /* Half of them have nothing returned but what the manager asks for. */
    death.nr_pages = (sim_run.nr_direct + sim_run.nr_high) * (sim_choose(2) ? 2 + sim_choose(4) : 1) / 4;
    death.nr_messages = 20 + sim_choose(200);
    death.nr_uses = 20 + sim_choose(200);
    death.asks = sim_choose(2) != 0;
    death.twice = sim_choose(2) != 0;
    sim_stock_take(&before);
    task = sim_task_start(death_begin, sim_choose(2));
    sim_faults_begin();
    sim_task_wait(task);
    sim_stock_check(&before);
    sim_faults_end();
    sim_check_all();
}

const struct sim_scenario sim_scenario_death = {.name = "death", .run = death_run, .nr_frames = 160, .weight = 2};
