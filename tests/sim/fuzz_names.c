/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a fuzzed program owns: a right of every kind, so that requests pass the decoder and reach routines; and memory of
 * several kinds. Made by its first thread; what cannot be made, because allocations are refused, is left out.
 */
#include <string.h>

#include <mach/i386/thread_status.h>
#include <mach/notify.h>

#include "fuzz.h"
#include "mig/mach_host_user.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "prog.h"

#define FUZZ_NAMES 32u
#define FUZZ_THREADS_MAX 3u
#define FUZZ_PAGES 8u
#define FUZZ_PAGER_PAGES 4u
#define FUZZ_TRAP_TASK_SELF (-28)
#define FUZZ_TRAP_HOST_SELF (-29)
#define FUZZ_TRAP_TASK_TERMINATE (-69)
#define FUZZ_EXIT_MS 100u
#define FUZZ_TRAP_MSG (-25)

static uint32_t fuzz_names[FUZZ_NAMES];
static uint32_t fuzz_memory, fuzz_managed;
static uint32_t fuzz_learned, fuzz_first_learned; /* places in fuzz_names */
static uint32_t fuzz_nr_started;
static bool fuzz_prepared;

/*
 * Pages of fuzz_memory that begin with a message to the port, with names, for arrays of ports, and with a state in which
 * the program begins anew.
 */
#define FUZZ_PAGE_OF_MESSAGE 5u
#define FUZZ_PAGE_OF_NAMES 6u
#define FUZZ_PAGE_OF_STATE 7u

/* memory_object_init, as the kernel sends it: the control port is its first argument, the name port its second. */
#define FUZZ_INIT_CONTROL_OFFSET (sizeof(mach_msg_header_t) + sizeof(mach_msg_type_t))
#define FUZZ_INIT_NAME_OFFSET (FUZZ_INIT_CONTROL_OFFSET + sizeof(mach_port_t) + sizeof(mach_msg_type_t))

/* An object of our own memory manager, and what the kernel calls it by. */
static uint32_t fuzz_manage(mach_port_t pager, uint32_t *name)
{
    uint32_t page = sim_stack() - PAGE_SIZE, control;
    uint32_t arguments[] = {page, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, 1024, pager, 100, MACH_PORT_NULL};
    vm_address_t address = 0;

    if (user_vm_map(prog_task(), &address, FUZZ_PAGER_PAGES * PAGE_SIZE, 0, true, pager, 0, false, 3, 7, 1) != KERN_SUCCESS)
        return MACH_PORT_NULL;
    fuzz_managed = address;
    if (sim_trap(FUZZ_TRAP_MSG, 7, arguments) != MACH_MSG_SUCCESS)
        return MACH_PORT_NULL;
    sim_read(page + FUZZ_INIT_CONTROL_OFFSET, &control, sizeof(control));
    sim_read(page + FUZZ_INIT_NAME_OFFSET, name, sizeof(*name));
    (void)user_memory_object_ready(control, true, 0);
    return control;
}

static mach_port_t fuzz_port(mach_port_right_t right)
{
    mach_port_t name = MACH_PORT_NULL;

    (void)user_mach_port_allocate(prog_task(), right, &name);
    if (right == MACH_PORT_RIGHT_RECEIVE)
        (void)user_mach_port_insert_right(prog_task(), name, name, MACH_MSG_TYPE_MAKE_SEND);
    return name;
}

static mach_port_t fuzz_send_once(mach_port_t of)
{
    mach_msg_type_name_t type;
    mach_port_t name = MACH_PORT_NULL;

    (void)user_mach_port_extract_right(prog_task(), of, MACH_MSG_TYPE_MAKE_SEND_ONCE, &name, &type);
    return name;
}

static mach_port_t fuzz_processor(mach_port_t host)
{
    mach_port_t *processors = NULL, processor = MACH_PORT_NULL;
    mach_msg_type_number_t count;

    /* The array is in the program's memory, where only sim_load() goes. */
    if (user_host_processors(host, &processors, &count) == KERN_SUCCESS)
        processor = sim_load((uint32_t)(uintptr_t)processors);
    return processor;
}

static void fuzz_fill_memory(void)
{
    const struct i386_thread_state state = {.eip = sim_program(fuzz_program), .uesp = sim_stack()};

    const mach_msg_header_t message = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0), .msgh_size = sizeof(message),
        .msgh_remote_port = fuzz_names[4],
    };

    sim_write(fuzz_memory + FUZZ_PAGE_OF_MESSAGE * PAGE_SIZE, &message, sizeof(message));
    sim_write(fuzz_memory + FUZZ_PAGE_OF_NAMES * PAGE_SIZE, fuzz_names, sizeof(fuzz_names));
    sim_write(fuzz_memory + FUZZ_PAGE_OF_STATE * PAGE_SIZE, &state, sizeof(state));
}

void fuzz_prepare(void)
{
    mach_port_t child = MACH_PORT_NULL, thread = MACH_PORT_NULL, set = MACH_PORT_NULL, privileged = MACH_PORT_NULL;
    mach_port_t host = sim_register(1), port, pager, control, object = MACH_PORT_NULL;

    if (fuzz_prepared)
        return;
    fuzz_prepared = true;
    memset(fuzz_names, 0, sizeof(fuzz_names));
    fuzz_memory = prog_allocate(FUZZ_PAGES * PAGE_SIZE);
    port = fuzz_port(MACH_PORT_RIGHT_RECEIVE);
    pager = fuzz_port(MACH_PORT_RIGHT_RECEIVE);
    (void)user_task_create(prog_task(), true, &child);
    (void)user_thread_create(child, &thread);
    (void)user_processor_set_default(host, &set);
    (void)user_host_processor_set_priv(host, set, &privileged);
    control = fuzz_manage(pager, &object);
    uint32_t names[] = {
        prog_task(), prog_thread(), host, sim_trap(FUZZ_TRAP_HOST_SELF, 0, NULL), port, pager, control,
        child, thread, set, privileged, fuzz_port(MACH_PORT_RIGHT_PORT_SET), fuzz_port(MACH_PORT_RIGHT_DEAD_NAME),
        fuzz_send_once(port), fuzz_port(MACH_PORT_RIGHT_RECEIVE), mig_get_reply_port(), MACH_PORT_NULL, MACH_PORT_DEAD,
        fuzz_processor(host), object,
    };
    _Static_assert(sizeof(names) < sizeof(fuzz_names), "some are left for what is learned");
    memcpy(fuzz_names, names, sizeof(names));
    fuzz_first_learned = fuzz_learned = sizeof(names) / sizeof(names[0]);
    fuzz_fill_memory();
}

/* As prog_start_thread(), but what fails is let be. */
void fuzz_start_thread(void)
{
    struct i386_thread_state state = {.eip = sim_program(fuzz_program)};
    mach_port_t thread = MACH_PORT_NULL;
    vm_address_t page = 0;

    if (fuzz_nr_started == FUZZ_THREADS_MAX)
        return;
    fuzz_nr_started++;
    if (user_vm_allocate(fuzz_names[0], &page, PAGE_SIZE, true) != KERN_SUCCESS)
        return;
    state.uesp = page + PAGE_SIZE;
    if (user_thread_create(fuzz_names[0], &thread) == KERN_SUCCESS &&
        user_thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT) == KERN_SUCCESS)
        (void)user_thread_resume(thread);
}

/* By traps alone: the library's stubs trust in names that the script may have changed. */
void fuzz_exit(void)
{
    for (;;) {
        uint32_t task = sim_trap(FUZZ_TRAP_TASK_SELF, 0, NULL);

        (void)sim_trap(FUZZ_TRAP_TASK_TERMINATE, 1, &task);
        prog_sleep(FUZZ_EXIT_MS);
    }
}

uint32_t fuzz_name(uint32_t number)
{
    return fuzz_names[number % FUZZ_NAMES];
}

void fuzz_learn(uint32_t name)
{
    fuzz_names[fuzz_learned] = name;
    fuzz_learned = fuzz_learned + 1 < FUZZ_NAMES ? fuzz_learned + 1 : fuzz_first_learned;
}

/* The low three bits: which memory; the others: a page, and whether at its start. */
uint32_t fuzz_address(uint32_t number)
{
    uint32_t page = (number >> 3) % FUZZ_PAGES * PAGE_SIZE, offset = number & 0x40 ? (number >> 7) & PAGE_MASK & ~3u : 0;

    switch (number & 7) {
    case 0: return fuzz_managed + (page & (FUZZ_PAGER_PAGES * PAGE_SIZE - 1)) + offset;
    case 1: return sim_stack() - PAGE_SIZE + offset;
    case 2: return 0xbffff000u + offset;
    default: return fuzz_memory + page + offset;
    }
}

uint32_t fuzz_marked_word(void)
{
    uint32_t word = fuzz_word();

    if ((word & 0xffffff00u) == 0xf00d0000u)
        return fuzz_name(word & 0xff);
    return (word & 0xffff0000u) == 0xf00a0000u ? fuzz_address(word & 0xffff) : word;
}
