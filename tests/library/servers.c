/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The servers of a manager's messages: with sequence numbers and without, and a default manager's, with what the library
 * does about messages that a program does not care for.
 *
 * The program defines some functions with sequence numbers and some without. Messages that our kernel does not send by
 * itself are composed here.
 */
#include <mach/mig_support.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <pager.h>
#include <print.h>
#include <program.h>
#include <string.h>
#include <uthread.h>

#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "mig/memory_object_default_server.h"
#include "mig/memory_object_server.h"
#include "mig/seqnos_memory_object_server.h"

#define PAGE PROGRAM_PAGE_SIZE
#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define SERVERS_PATIENCE_MS 10000u

static unsigned int servers_failed;

#define CHECK(condition) servers_check(condition, __LINE__, #condition)
static bool servers_check(bool holds, int line, const char *text)
{
    if (!holds) {
        printf("# line %d: %s\n", line, text);
        servers_failed++;
    }
    return holds;
}

/* ---- what this manager cares for ---- */

static volatile unsigned int servers_nr_plain, servers_nr_seqnos, servers_nr_returns, servers_last_seqno;
static volatile uint32_t servers_returned;
static volatile bool servers_stop;

/* Without a sequence number; but both servers call it. */
kern_return_t memory_object_data_return(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_offset_t data,
                                        mach_msg_type_number_t length, boolean_t dirty, boolean_t kernel_copy)
{
    servers_returned = *(const uint32_t *)data;
    servers_nr_returns++;
    return vm_deallocate(uthread_task(), data, length);
}

kern_return_t memory_object_terminate(mach_port_t object, mach_port_t control, mach_port_t name)
{
    (void)mach_port_destroy(uthread_task(), control);
    (void)mach_port_destroy(uthread_task(), name);
    servers_nr_plain++;
    servers_stop = true;
    return KERN_SUCCESS;
}

/* With it, for one of the servers only. */
kern_return_t seqnos_memory_object_terminate(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                             mach_port_t name)
{
    (void)mach_port_destroy(uthread_task(), control);
    (void)mach_port_destroy(uthread_task(), name);
    servers_nr_seqnos++;
    servers_last_seqno = seqno;
    servers_stop = true;
    return KERN_SUCCESS;
}

/* The default manager's. */
static struct {
    mach_port_t object;
    vm_size_t size;
    vm_offset_t offset;
    uint32_t word;
    unsigned int nr;
} servers_created, servers_initialized;

kern_return_t memory_object_create(mach_port_t manager, mach_port_t object, vm_size_t size, mach_port_t control,
                                   mach_port_t name, vm_size_t page_size)
{
    servers_created.object = object;
    servers_created.size = size;
    servers_created.nr++;
    (void)mach_port_destroy(uthread_task(), object);
    (void)mach_port_destroy(uthread_task(), control);
    return KERN_SUCCESS;
}

kern_return_t memory_object_data_initialize(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_offset_t data,
                                            mach_msg_type_number_t length)
{
    servers_initialized.offset = offset;
    servers_initialized.size = length;
    servers_initialized.word = *(const uint32_t *)data;
    servers_initialized.nr++;
    return vm_deallocate(uthread_task(), data, length);
}

/* ---- a conversation with the kernel ---- */

struct servers_client {
    mach_port_t object;
    volatile bool done;
};

/* Reads what nobody has, modifies it, unmaps. */
static void servers_client(void *argument)
{
    struct servers_client *client = argument;
    vm_address_t address = 0;

    CHECK(vm_map(uthread_task(), &address, 4 * PAGE, 0, TRUE, client->object, 0, FALSE, VM_PROT_READ | VM_PROT_WRITE,
                 VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE) == KERN_SUCCESS);
    volatile uint32_t *words = (volatile uint32_t *)address;
    CHECK(words[0] == 0);
    words[PAGE / sizeof(uint32_t)] = 77;
    CHECK(vm_deallocate(uthread_task(), address, 4 * PAGE) == KERN_SUCCESS);
    client->done = true;
}

static void servers_converse(pager_server_t *server)
{
    struct servers_client client = {.object = pager_port()};
    struct uthread *thread = uthread_create(servers_client, &client);

    servers_stop = false;
    servers_nr_plain = servers_nr_seqnos = servers_nr_returns = servers_returned = servers_last_seqno = 0;
    CHECK(thread != NULL && pager_serve(client.object, server, &servers_stop) == MACH_MSG_SUCCESS);
    uthread_join(thread);
    CHECK(client.done && servers_nr_returns == 1 && servers_returned == 77);
    (void)mach_port_destroy(uthread_task(), client.object);
}

static void servers_plain(void)
{
    servers_converse(memory_object_server);
    CHECK(servers_nr_plain == 1 && servers_nr_seqnos == 0);
}

/* init, two requests, the return, terminate: 0 to 4. */
static void servers_seqnos(void)
{
    servers_converse(seqnos_memory_object_server);
    CHECK(servers_nr_plain == 0 && servers_nr_seqnos == 1 && servers_last_seqno == 4);
}

/* ---- messages made here ---- */

struct servers_message {
    mach_msg_header_t head;
    uint32_t body[32];
};

static void servers_compose(struct servers_message *message, mach_msg_id_t id)
{
    memset(message, 0, sizeof(*message));
    message->head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
    message->head.msgh_size = sizeof(message->head);
    message->head.msgh_id = id;
}

static void servers_item(struct servers_message *message, mach_msg_type_name_t kind, uint32_t value)
{
    uint32_t *at = (uint32_t *)((char *)message + message->head.msgh_size);
    mach_msg_type_t type = {.msgt_name = kind, .msgt_size = 32, .msgt_number = 1, .msgt_inline = TRUE};

    memcpy(&at[0], &type, sizeof(type));
    at[1] = value;
    message->head.msgh_size += 2 * sizeof(uint32_t);
}

/* A page out of line, which goes with the message. */
static void servers_page(struct servers_message *message, uint32_t first_word)
{
    mach_msg_type_long_t *type = (mach_msg_type_long_t *)((char *)message + message->head.msgh_size);
    vm_address_t page = 0;

    CHECK(vm_allocate(uthread_task(), &page, PAGE, TRUE) == KERN_SUCCESS);
    *(uint32_t *)page = first_word;
    *type = (mach_msg_type_long_t){
        .msgtl_header = {.msgt_longform = TRUE, .msgt_deallocate = TRUE},
        .msgtl_name = MACH_MSG_TYPE_BYTE,
        .msgtl_size = 8,
        .msgtl_number = PAGE,
    };
    *(vm_address_t *)(type + 1) = page;
    message->head.msgh_size += sizeof(*type) + sizeof(page);
}

/* To a port of this task and through it; whether the server knew the message. */
static bool servers_pass(struct servers_message *message, pager_server_t *server)
{
    mach_port_t port = pager_port();
    union {
        mach_msg_header_t head;
        char room[PAGER_MESSAGE_MAX];
    } in, out;

    message->head.msgh_remote_port = port;
    bool known = CHECK(mach_msg(&message->head, MACH_SEND_MSG, message->head.msgh_size, 0, MACH_PORT_NULL, 0,
                                MACH_PORT_NULL) == MACH_MSG_SUCCESS) &&
                 CHECK(mach_msg(&in.head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(in), port, SERVERS_PATIENCE_MS,
                                MACH_PORT_NULL) == MACH_MSG_SUCCESS) &&
                 server(&in.head, &out.head);
    (void)mach_port_destroy(uthread_task(), port);
    return known;
}

static boolean_t servers_both(mach_msg_header_t *in, mach_msg_header_t *out)
{
    return memory_object_server(in, out) || memory_object_default_server(in, out);
}

static boolean_t servers_both_seqnos(mach_msg_header_t *in, mach_msg_header_t *out)
{
    return seqnos_memory_object_server(in, out) || seqnos_memory_object_default_server(in, out);
}

static void servers_create(struct servers_message *message)
{
    mach_port_t object;

    CHECK(mach_port_allocate(uthread_task(), MACH_PORT_RIGHT_RECEIVE, &object) == KERN_SUCCESS);
    mach_port_t control = pager_port();
    servers_compose(message, 2250);
    servers_item(message, MACH_MSG_TYPE_MOVE_RECEIVE, object);
    servers_item(message, MACH_MSG_TYPE_INTEGER_32, 123 * PAGE);
    servers_item(message, MACH_MSG_TYPE_COPY_SEND, control);
    servers_item(message, MACH_MSG_TYPE_COPY_SEND, control);
    servers_item(message, MACH_MSG_TYPE_INTEGER_32, PAGE);
}

static void servers_initialize(struct servers_message *message, vm_offset_t offset, uint32_t word)
{
    servers_compose(message, 2251);
    servers_item(message, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL);
    servers_item(message, MACH_MSG_TYPE_INTEGER_32, offset);
    servers_page(message, word);
}

static void servers_default(void)
{
    struct servers_message message;

    servers_create(&message);
    CHECK(servers_pass(&message, servers_both));
    CHECK(servers_created.nr == 1 && MACH_PORT_VALID(servers_created.object) && servers_created.size == 123 * PAGE);
    servers_initialize(&message, 5 * PAGE, 99);
    CHECK(servers_pass(&message, servers_both));
    CHECK(servers_initialized.nr == 1 && servers_initialized.offset == 5 * PAGE && servers_initialized.size == PAGE);
    CHECK(servers_initialized.word == 99);
    servers_create(&message);
    CHECK(servers_pass(&message, servers_both_seqnos) && servers_created.nr == 2);
    servers_initialize(&message, 6 * PAGE, 98);
    CHECK(servers_pass(&message, servers_both_seqnos) && servers_initialized.word == 98);
    servers_compose(&message, 2252);
    CHECK(!servers_pass(&message, servers_both) && !servers_pass(&message, servers_both_seqnos));
}

/* The library's own answer goes to the control port, which is one of ours here. */
static void servers_synchronize(void)
{
    static pager_server_t *const servers[] = {memory_object_server, seqnos_memory_object_server};

    for (unsigned int i = 0; i < ARRAY_LENGTH(servers); i++) {
        mach_port_t control = pager_port();
        struct servers_message message;

        servers_compose(&message, 2210);
        servers_item(&message, MACH_MSG_TYPE_COPY_SEND, control);
        servers_item(&message, MACH_MSG_TYPE_INTEGER_32, 3 * PAGE);
        servers_item(&message, MACH_MSG_TYPE_INTEGER_32, 2 * PAGE);
        servers_item(&message, MACH_MSG_TYPE_INTEGER_32, 2);
        CHECK(servers_pass(&message, servers[i]));
        CHECK(mach_msg(&message.head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(message), control, SERVERS_PATIENCE_MS,
                       MACH_PORT_NULL) == MACH_MSG_SUCCESS);
        CHECK(message.head.msgh_id == 2032 && message.body[1] == 3 * PAGE && message.body[3] == 2 * PAGE);
        (void)mach_port_destroy(uthread_task(), control);
    }
}

/* ---- the run ---- */

static const struct servers_test {
    const char *name;
    void (*run)(void);
} servers_tests[] = {
    {"memory_object_server calls the manager's functions, and the library's", servers_plain},
    {"seqnos_memory_object_server gives sequence numbers, and calls functions without them where there are no others",
     servers_seqnos},
    {"the default manager's servers know their two messages", servers_default},
    {"the library answers memory_object_synchronize", servers_synchronize},
};

int main(int argc, char **argv)
{
    mach_port_t host_priv = program_port(argc, argv, 1);
    unsigned int bad = 0;

    printf("1..%u\n", (unsigned int)ARRAY_LENGTH(servers_tests));
    for (unsigned int i = 0; i < ARRAY_LENGTH(servers_tests); i++) {
        servers_failed = 0;
        servers_tests[i].run();
        bad += servers_failed != 0;
        printf("%s %u - %s\n", servers_failed != 0 ? "not ok" : "ok", i + 1, servers_tests[i].name);
    }
    program_shut_down(host_priv, PROGRAM_POWER_OFF | (bad != 0 ? PROGRAM_FAILED : 0));
}
