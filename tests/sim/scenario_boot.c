/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first scenario: a parent and a child, each with two threads, that call each other by message, use memory, and end.
 *
 * The parent's memory reaches the child by inheritance, some pages shared and some copied; messages carry memory out of
 * line and rights. Everything is written with words that say who wrote them, and read back.
 */
#include <string.h>

#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include "mig/mach_host_user.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "prog.h"
#include "scenario.h"

#define BOOT_PAGES 24u
#define BOOT_ROUNDS 12u
#define BOOT_SHARED 4u          /* pages at the start that the child shares */
#define BOOT_LOOK_MS 20u
#define BOOT_CALL 500
#define BOOT_OOL_PAGES 3u
#define BOOT_WORD(who, page) ((uint32_t)(who) << 16 | (uint32_t)(page))

/* As messages carry it: a number, a reply right in the header, and memory. */
struct boot_message {
    mach_msg_header_t header;
    mach_msg_type_t number_type;
    uint32_t number;
    mach_msg_type_long_t data_type;
    uint32_t data;
};

/* What the two tasks agree on; written before the child begins. */
static mach_port_t boot_server;     /* the parent's name of the port that it serves */
static mach_port_t boot_client;     /* the child's name of the same */
static uint32_t boot_memory;        /* at the same address in both */

static void boot_fill(struct boot_message *message, mach_port_t to, mach_port_t reply, uint32_t number, uint32_t data)
{
    *message = (struct boot_message){
        .header = {
            .msgh_bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(reply == MACH_PORT_NULL ? MACH_MSG_TYPE_MOVE_SEND_ONCE
                                                                                         : MACH_MSG_TYPE_COPY_SEND,
                                                                 reply == MACH_PORT_NULL ? 0 : MACH_MSG_TYPE_MAKE_SEND_ONCE),
            .msgh_size = sizeof(*message), .msgh_remote_port = to, .msgh_local_port = reply, .msgh_id = BOOT_CALL,
        },
        .number_type = {.msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_number = 1, .msgt_inline = TRUE},
        .number = number,
        .data_type = {
            .msgtl_header = {.msgt_longform = TRUE, .msgt_deallocate = TRUE},
            .msgtl_name = MACH_MSG_TYPE_BYTE, .msgtl_size = 8,
            .msgtl_number = data != 0 ? BOOT_OOL_PAGES * PAGE_SIZE : 0,
        },
        .data = data,
    };
}

/* Fresh memory with a word in each page. */
static uint32_t boot_data(uint32_t who)
{
    uint32_t data = prog_allocate(BOOT_OOL_PAGES * PAGE_SIZE);

    for (uint32_t i = 0; i < BOOT_OOL_PAGES; i++)
        sim_store(data + i * PAGE_SIZE, BOOT_WORD(who, i));
    return data;
}

static void boot_take_data(const struct boot_message *message, uint32_t who)
{
    if (message->data_type.msgtl_number == 0)
        return;
    for (uint32_t i = 0; i < BOOT_OOL_PAGES; i++) {
        prog_check(sim_load(message->data + i * PAGE_SIZE) == BOOT_WORD(who, i));
        sim_store(message->data + i * PAGE_SIZE, ~0u);
    }
    prog_deallocate(message->data, BOOT_OOL_PAGES * PAGE_SIZE);
}

/* A thread of the parent: answers with the number and memory of its own until the port is gone. */
static void boot_serve(uint32_t argument)
{
    struct boot_message message;

    for (;;) {
        mach_msg_return_t result =
            mach_msg(&message.header, MACH_RCV_MSG, 0, sizeof(message), boot_server, 0, MACH_PORT_NULL);
        if (result != MACH_MSG_SUCCESS)
            break;
        prog_check(message.header.msgh_id == BOOT_CALL);
        boot_take_data(&message, message.number);
        mach_port_t reply = message.header.msgh_remote_port;
        uint32_t number = message.number;
        boot_fill(&message, reply, MACH_PORT_NULL, ~number, sim_choose(2) ? boot_data(number + argument) : 0);
        result = mach_msg(&message.header, MACH_SEND_MSG, sizeof(message), 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
        prog_check(result == MACH_MSG_SUCCESS);
    }
    prog_thread_exit();
}

/* One of the child's: calls, and writes its pages of what was inherited in between. */
static void boot_call(uint32_t argument)
{
    mach_port_t reply = prog_port();
    struct boot_message message;

    for (uint32_t round = 0; round < BOOT_ROUNDS; round++) {
        uint32_t page = BOOT_SHARED + sim_choose(BOOT_PAGES - BOOT_SHARED), number = argument << 8 | round;
        uint32_t address = boot_memory + page * PAGE_SIZE + 4 * argument;

        sim_store(address, number);
        boot_fill(&message, boot_client, reply, number, sim_choose(2) ? boot_data(number) : 0);
        prog_check(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof(message), sizeof(message), reply, 0,
                            MACH_PORT_NULL) == MACH_MSG_SUCCESS);
        prog_check(message.number == ~number);
        if (message.data_type.msgtl_number != 0)
            prog_deallocate(message.data, BOOT_OOL_PAGES * PAGE_SIZE);
        prog_check(sim_load(address) == number);
        prog_check(sim_load(boot_memory + page * PAGE_SIZE) == BOOT_WORD(1, page));
    }
    sim_store(boot_memory + 4 * argument, argument);
    if (sim_choose(2))
        prog_thread_exit();
    for (;;)
        prog_sleep(BOOT_LOOK_MS);
}

/* The child's first thread waits for both to have said in shared memory that they are done. */
static void boot_child(uint32_t argument)
{
    (void)prog_start_thread(prog_task(), boot_call, 2);
    (void)prog_start_thread(prog_task(), boot_call, 3);
    while (sim_load(boot_memory + 4 * 2) == 0 || sim_load(boot_memory + 4 * 3) == 0)
        prog_sleep(BOOT_LOOK_MS);
    sim_store(boot_memory + 4, argument);
    prog_exit();
}

static void boot_inherit(void)
{
    boot_memory = prog_allocate(BOOT_PAGES * PAGE_SIZE);
    for (uint32_t page = BOOT_SHARED; page < BOOT_PAGES; page++)
        sim_store(boot_memory + page * PAGE_SIZE, BOOT_WORD(1, page));
    prog_call(user_vm_inherit(prog_task(), boot_memory, BOOT_SHARED * PAGE_SIZE, VM_INHERIT_SHARE));
}

/* Keeps some of the pages resident, or no longer: shared ones, those written since, and those still to be copied. */
static void boot_wire(mach_port_t host)
{
    uint32_t first = sim_choose(BOOT_PAGES), nr_pages = 1 + sim_choose(BOOT_PAGES - first);

    prog_call(user_vm_wire(host, prog_task(), boot_memory + first * PAGE_SIZE, nr_pages * PAGE_SIZE,
                           sim_choose(2) ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_NONE));
}

static void boot_parent(uint32_t argument)
{
    mach_port_t host = sim_register(1);
    mach_port_t child;

    boot_server = prog_port();
    boot_inherit();
    prog_call(user_task_create(prog_task(), true, &child));
    boot_client = 0x1001;
    prog_call(user_mach_port_insert_right(child, boot_client, boot_server, MACH_MSG_TYPE_MAKE_SEND));
    (void)prog_start_thread(prog_task(), boot_serve, 0);
    (void)prog_start_thread(prog_task(), boot_serve, 0);
    (void)prog_start_thread(child, boot_child, argument);
    while (sim_load(boot_memory + 4) != argument) {
        uint32_t page = BOOT_SHARED + sim_choose(BOOT_PAGES - BOOT_SHARED);

        prog_check(sim_load(boot_memory + page * PAGE_SIZE) == BOOT_WORD(1, page));
        prog_check(sim_load(boot_memory + page * PAGE_SIZE + 8) == 0);
        if (sim_choose(3) == 2)
            boot_wire(host);
        prog_sleep(BOOT_LOOK_MS);
    }
    if (sim_choose(2))
        prog_call(user_vm_deallocate(prog_task(), boot_memory, BOOT_PAGES * PAGE_SIZE));
    prog_exit();
}

static void boot_run(void)
{
    struct sim_stock before;
    struct task *task;

    sim_stock_take(&before);
    task = sim_task_start(boot_parent, 17);
    sim_faults_begin();
    sim_task_wait(task);
    sim_faults_end();
    sim_stock_check(&before);
    sim_check_all();
}

const struct sim_scenario sim_scenario_boot = {.name = "boot", .run = boot_run, .nr_frames = 320, .weight = 1};
