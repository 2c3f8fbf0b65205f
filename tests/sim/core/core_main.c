/* SPDX-License-Identifier: BSD-2-Clause */
/* The command, the boot, and the scenario: managers and clients, up to where the search begins. */
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../scenario.h"
#include "core.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_space.h"
#include "ipc/mach_msg.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/reaper.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/vm_account.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_pageout.h"
#include "vm/vm_run.h"

/* Nothing is ever short: a few more than are in use at the most. */
#define CORE_FRAMES 160u

struct sim_run sim_run = {.nr_direct = CORE_FRAMES, .ns_per_point = 1};
static struct sim_counts core_counts;
struct sim_counts *sim_counts = &core_counts;
struct core_options core_options = {.nr_objects = 2, .nr_pages = 2, .nr_clients = 1, .nr_held = CORE_HELD_MAX,
                                    .states_max = ~0ull, .transitions_max = ~0ull};

/* ---- failing ---- */

void sim_fail(const char *format, ...)
{
    static bool failing;
    va_list arguments;

    printf("not ok 1 - every state that was reached keeps the laws\n# FAILED: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    if (!failing) {
        failing = true;
        core_path_print();
        sim_threads_show();
        sim_console_write();
    }
    fflush(stdout);
    _exit(1);
}

void sim_done(void)
{
    sim_fail("nothing ends here");
}

static void core_hangs(int number)
{
    (void)number;
    sim_fail("a step does not come to an end");
}

/* ---- the scenario ---- */

static struct thread *core_kernel_thread(const char *name)
{
    struct thread *thread;

    list_for_each(&kernel_task->threads, thread, task_node) {
        if (strcmp(thread->name, name) == 0)
            return thread;
    }
    sim_fail("there is no thread %s", name);
}

static void core_add_thread(struct thread *thread)
{
    thread_ref(thread);
    sched_set_priority(thread, THREAD_PRIORITY_USER);
    core_live.threads[core_live.nr_threads++] = thread;
}

static struct task *core_start(sim_program_function *program, uint32_t index)
{
    struct task *task = sim_task_start(program, index);

    core_add_thread(list_first(&task->threads, struct thread, task_node));
    return task;
}

static void core_start_managers(void)
{
    for (uint32_t i = 0; i < core_options.nr_objects; i++) {
        core_live.managers[i] = core_start(core_pager_program, i);
        while (core_live.pagers[i].object == MACH_PORT_NULL)
            (void)thread_yield();
        sim_check(ipc_space_copyin_send(core_live.managers[i]->space, core_live.pagers[i].object, &core_live.ports[i]) ==
                  KERN_SUCCESS);
    }
}

static void core_start_clients(void)
{
    for (uint32_t i = 0; i < core_options.nr_clients; i++) {
        core_live.clients[i] = core_start(core_client_program, i);
        for (uint32_t object = 0; object < core_options.nr_objects; object++)
            sim_check(ipc_space_insert_send(core_live.clients[i]->space, ipc_port_copy_send(core_live.ports[object]),
                                            &core_live.client_names[i][object]) == KERN_SUCCESS);
    }
    for (uint32_t i = 0; i < core_options.nr_clients; i++) {
        while (!core_live.client_ready[i])
            (void)thread_yield();
    }
    for (uint32_t i = 0; i < core_options.nr_objects; i++) {
        while (core_live.pagers[i].control == MACH_PORT_NULL)
            (void)thread_yield();
        core_live.accounts[i] = vm_account_lookup(core_live.managers[i]->space);
        sim_check(core_live.accounts[i] != NULL);
        vm_account_unref(core_live.accounts[i]);
    }
}

/*
 * Takes the pool's records, so that every manager has its own one only: they are charged to an account that is made to look
 * as if its manager had ended, which ends what comes back to it.
 */
static void core_take_records(void)
{
    struct ipc_space *space = kernel_task->space;
    struct vm_account *account = vm_account_create(space, ALLOC_NOSLEEP);
    struct vm_run *run;
    uint32_t granted;

    sim_check(account != NULL);
    account->space = NULL;
    while ((run = vm_account_charge(account, 1, &granted)) != NULL) {
        vm_account_credit(run, granted);
        run->from_account = true;
        vm_account_put_run(run);
    }
    account->space = space;
    vm_account_space_ended(space);
    vm_account_unref(account);
}

static void core_nothing(struct reaper_item *item)
{
    (void)item;
}

/* The kernel's threads run once more, so that it is known where they rest. */
static void core_rest(void)
{
    static struct reaper_item item = {.function = core_nothing};

    list_node_init(&item.node);
    reaper_queue(&item);
    vm_frame_shortage(); /* the daemon */
    vm_pageout_worker_wakeup();
    for (uint32_t i = 0; i < CORE_PROGRAMS; i++) {
        while (core_live.threads[i]->run_state != THREAD_WAITING || core_live.stopped[i] == NULL)
            (void)thread_yield();
    }
}

static void core_scenario_main(void *argument)
{
    (void)argument;
    core_add_thread(core_kernel_thread("pageout"));
    core_add_thread(core_kernel_thread("pageout worker"));
    core_add_thread(core_kernel_thread("reaper"));
    core_start_managers();
    core_start_clients();
    if (core_with(CORE_FEW_RECORDS))
        core_take_records();
    core_rest();
    vm_frame_marks.low = vm_frame_marks.high = 0;
    core_live.exploring = true;
    thread_assert_wait(&core_live, WAIT_UNINTERRUPTIBLE);
    (void)thread_block();
    sim_fail("the scenario's thread ran again");
}

static void core_boot(void)
{
    core_idle = current_thread();
    sim_memory_init();
    kmem_init();
    vm_page_init();
    vm_object_init();
    vm_map_init();
    ipc_init();
    ipc_kobject_init();
    sched_init();
    thread_init();
    task_init();
    ipc_host_init();
    reaper_init();
    vm_pageout_init();
    (void)kernel_thread_create("scenario", core_scenario_main, NULL, THREAD_PRIORITY_USER);
    sched_start();
}

/* ---- the command ---- */

static const struct {
    const char *name;
    uint32_t feature;
} core_features[] = {
    {"reads", CORE_READS}, {"alone", CORE_ALONE}, {"clean", CORE_CLEAN}, {"flush", CORE_FLUSH}, {"die", CORE_DIE},
    {"destroy", CORE_DESTROY}, {"unmap", CORE_UNMAP}, {"back", CORE_BACK}, {"push", CORE_PUSH}, {"error", CORE_ERROR},
    {"precious", CORE_PRECIOUS}, {"points", CORE_POINTS}, {"few-records", CORE_FEW_RECORDS},
    {"small", CORE_SMALL},
};

static void core_usage(void) __attribute__((noreturn));
static void core_usage(void)
{
    printf("Usage: core [--objects 1-2] [--pages 1-4] [--clients 1-2] [--held 1-4] [--with FEATURE,...] [--states N]\n"
           "            [--transitions N] [--seconds N] [--path P] [--verbose]\n"
           "  --pages       of each object\n"
           "  --held        runs that a manager keeps before it receives no more\n"
           "  --path        replays what a failure printed\n"
           "features:");
    for (unsigned int i = 0; i < ARRAY_LENGTH(core_features); i++)
        printf(" %s", core_features[i].name);
    printf("\n");
    exit(2);
}

static void core_parse_features(const char *at)
{
    while (*at != '\0') {
        size_t length = strcspn(at, ",");
        unsigned int i = 0;

        while (i < ARRAY_LENGTH(core_features) &&
               (strlen(core_features[i].name) != length || strncmp(core_features[i].name, at, length) != 0))
            i++;
        if (i == ARRAY_LENGTH(core_features))
            core_usage();
        core_options.features |= core_features[i].feature;
        at += length + (at[length] == ',');
    }
}

static uint32_t core_number(const char *value, uint32_t least, uint32_t most)
{
    unsigned long number = strtoul(value, NULL, 10);

    if (number < least || number > most)
        core_usage();
    return (uint32_t)number;
}

static void core_parse(int argc, char **argv)
{
    static char arguments[256];

    core_options.program = argv[0];
    core_options.arguments = arguments;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

        /* tests/sim/run asks whether this machine can run us. */
        if (strcmp(name, "--probe") == 0)
            exit(0);
        if (strcmp(name, "--verbose") == 0) {
            core_options.verbose = true;
            continue;
        }
        if (value == NULL)
            core_usage();
        i++;
        if (strcmp(name, "--path") == 0)
            core_options.path = value;
        else if (strcmp(name, "--states") == 0)
            core_options.states_max = core_number(value, 1, ~0u);
        else if (strcmp(name, "--transitions") == 0)
            core_options.transitions_max = core_number(value, 1, ~0u);
        else if (strcmp(name, "--seconds") == 0)
            core_options.seconds_max = core_number(value, 1, ~0u);
        else if (strcmp(name, "--objects") == 0)
            core_options.nr_objects = core_number(value, 1, CORE_OBJECTS_MAX);
        else if (strcmp(name, "--pages") == 0)
            core_options.nr_pages = core_number(value, 1, CORE_PAGES_MAX);
        else if (strcmp(name, "--clients") == 0)
            core_options.nr_clients = core_number(value, 1, CORE_CLIENTS_MAX);
        else if (strcmp(name, "--held") == 0)
            core_options.nr_held = core_number(value, 1, CORE_HELD_MAX);
        else if (strcmp(name, "--with") == 0)
            core_parse_features(value);
        else
            core_usage();
        if (core_options.path == NULL && strlen(arguments) + strlen(name) + strlen(value) + 3 < sizeof(arguments)) {
            strcat(strcat(arguments, name), " ");
            strcat(strcat(arguments, value), " ");
        }
    }
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = core_hangs};

    core_parse(argc, argv);
    sim_run.verbose = core_options.verbose;
    (void)sigaction(SIGALRM, &action, NULL);
    core_memory_init();
    core_search_init();
    core_boot();
}

/* No leak check: what is alive at the end is the kernel's. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=0:allocator_may_return_null=1";
}
