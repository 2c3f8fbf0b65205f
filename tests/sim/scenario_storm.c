/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storm: tasks that come and go, and do with memory all that a task can, over objects of managers of all kinds.
 *
 * The hub makes managers and clients, forks clients in the middle of their work, ends some, stops and ends managers
 * whose kind that is, and sees to it that all ends: clients by themselves, or by the hub where a manager may let them
 * wait for ever; then managers, when their objects have.
 *
 * Anonymous memory cannot leave, and a manager that keeps what it gets keeps it for ever; so both are bounded by what the
 * machine can do without. Only objects of managers that answer are larger than memory.
 */
#include <string.h>

#include "kernel/printf.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "scenario.h"
#include "scenario_storm.h"

#define STORM_PATIENCE 3000u        /* looks of 20 ms until what must end has */
#define STORM_LOOK_MS 20u
#define STORM_POKE_MS 200u

struct storm storm;

/* ---- ports and tasks ---- */

/* The hub's right under the same name of task; a port that is dead is left out. */
static void storm_give(mach_port_t task, mach_port_t name, mach_msg_type_name_t how)
{
    kern_return_t result;

    while ((result = user_mach_port_insert_right(task, name, name, how)) == KERN_RESOURCE_SHORTAGE ||
           (result & ~MACH_MSG_MASK) == MACH_SEND_NO_BUFFER)
        prog_sleep(1);
    prog_check(result == KERN_SUCCESS || how == MACH_MSG_TYPE_COPY_SEND);
}

static void storm_give_all(mach_port_t task)
{
    storm_give(task, STORM_HOST_NAME, MACH_MSG_TYPE_COPY_SEND);
    for (unsigned int i = 0; i < storm.nr_objects; i++)
        storm_give(task, STORM_OBJECT_NAME + i, MACH_MSG_TYPE_COPY_SEND);
    for (unsigned int i = 0; i < STORM_TASKS; i++)
        storm_give(task, STORM_MAIL_NAME + i, MACH_MSG_TYPE_COPY_SEND);
}

static void storm_port(mach_port_t name)
{
    mach_port_t port = prog_port_with_send();

    prog_call(user_mach_port_rename(prog_task(), port, name));
}

static uint32_t storm_task_free(void)
{
    uint32_t number = 0;

    while (number < STORM_TASKS && storm.tasks[number].port != MACH_PORT_NULL)
        number++;
    return number;
}

/* port is a task that knows nothing yet. */
static void storm_task_begin(uint32_t number, mach_port_t port)
{
    struct storm_task *task = &storm.tasks[number];

    task->port = port;
    task->nr_ops = 10 + sim_choose(30);
    task->nr_threads = sim_chance(3) ? 2 : 1;
    storm_give_all(port);
    storm_give(port, STORM_MAIL_NAME + number, MACH_MSG_TYPE_MOVE_RECEIVE);
    for (unsigned int i = task->nr_threads; i > 0; i--)
        (void)prog_start_thread(port, storm_client, number);
}

static void storm_task_new(void)
{
    uint32_t number = storm_task_free();
    mach_port_t port;

    if (number == STORM_TASKS)
        return;
    prog_call(user_task_create(prog_task(), FALSE, &port));
    storm_task_begin(number, port);
}

/* ---- forks ---- */

/*
 * What a child has of a mapping of its parent's. What a manager fails to give for the copy is left out; the rest may be
 * there.
 */
static void storm_inherited(struct storm_mapping *child, const struct storm_mapping *parent, uint32_t begin)
{
    unsigned int trust = storm_memory_trust(parent->memory, parent->first, parent->nr_pages);

    if (parent->inheritance == VM_INHERIT_NONE || (parent->inheritance == VM_INHERIT_COPY && (trust & STORM_FAILS) != 0))
        return;
    *child = *parent;
    child->users = 0;
    child->wired = false;
    if (parent->inheritance == VM_INHERIT_COPY) {
        child->memory = storm_memory_copy(parent->memory, parent->first, parent->nr_pages, begin);
        child->first = 0;
        child->object = -1;
    }
}

/* Pages that a child of task would have for itself; or none can be made now: UINT32_MAX. */
static uint32_t storm_fork_pages(const struct storm_task *task)
{
    uint32_t nr_pages = 0;

    for (unsigned int i = 0; i < STORM_MAPPINGS; i++) {
        const struct storm_mapping *mapping = &task->mappings[i];

        if (mapping->whole)
            return UINT32_MAX;
        if (mapping->memory == NULL)
            continue;
        if ((storm_memory_trust(mapping->memory, mapping->first, mapping->nr_pages) & STORM_HANGS) != 0 ||
            (mapping->inheritance == VM_INHERIT_COPY && !storm_may_copy(mapping, 0, mapping->nr_pages)))
            return UINT32_MAX;
        nr_pages += mapping->inheritance == VM_INHERIT_COPY ? mapping->nr_pages : 0;
    }
    return nr_pages;
}

static void storm_fork(struct storm_task *task)
{
    uint32_t number = storm_task_free(), begin = storm_now(), nr_pages = storm_fork_pages(task);
    struct storm_mapping there[STORM_MAPPINGS];
    mach_port_t port;

    if (number == STORM_TASKS || nr_pages == UINT32_MAX || storm_private_pages() + nr_pages > storm.private_max)
        return;
    memcpy(there, task->mappings, sizeof(there));
    for (unsigned int i = 0; i < STORM_MAPPINGS; i++)
        task->mappings[i].users += there[i].memory != NULL;
    task->forked = true;
    kern_return_t result = user_task_create(task->port, TRUE, &port);
    task->forked = false;
    for (unsigned int i = 0; i < STORM_MAPPINGS; i++)
        task->mappings[i].users -= there[i].memory != NULL;
    if (result != KERN_SUCCESS) {
        prog_check(result == KERN_RESOURCE_SHORTAGE || (result & ~MACH_MSG_MASK) == MACH_SEND_NO_BUFFER || task->over);
        return;
    }
    /* Of a task that has ended meanwhile there is nothing to inherit, or a part. */
    if (task->over) {
        prog_call(user_task_terminate(port));
        return;
    }
    for (unsigned int i = 0; i < STORM_MAPPINGS; i++) {
        if (there[i].memory != NULL)
            storm_inherited(&storm.tasks[number].mappings[i], &there[i], begin);
    }
    storm_task_begin(number, port);
}

/* ---- the middle ---- */

static struct storm_task *storm_task_running(void)
{
    struct storm_task *task = &storm.tasks[sim_choose(STORM_TASKS)];

    return task->port != MACH_PORT_NULL && !task->over && !task->guest ? task : NULL;
}

static void storm_task_end(struct storm_task *task)
{
    (void)user_task_terminate(task->port);
    task->over = true;
}

/* What the hub does to managers whose kind it is. */
static void storm_round_pager(struct storm_pager *pager)
{
    if (pager->kind->ended && sim_chance(storm.rounds)) {
        (void)user_task_terminate(pager->port);
        pager->over = true;
    }
    if (pager->kind->suspended && user_task_suspend(pager->port) == KERN_SUCCESS) {
        prog_sleep(1 + sim_choose(200));
        prog_call(user_task_resume(pager->port));
    }
}

static void storm_round(void)
{
    struct storm_task *task = storm_task_running();

    storm_round_pager(&storm.pagers[sim_choose(storm.nr_pagers)]);
    switch (sim_choose(6)) {
    case 0:
        storm_task_new();
        break;
    case 1:
    case 2:
        if (task != NULL)
            storm_fork(task);
        break;
    case 3:
        if (task != NULL)
            storm_task_end(task);
        break;
    default:
        break;
    }
    prog_sleep(1 + sim_choose(10));
}

/* ---- the beginning ---- */

/* A client in a manager's task: a thread of its own, or a table for what the manager maps itself. */
static void storm_guest(struct storm_pager *pager)
{
    uint32_t number = storm_task_free();
    struct storm_task *task = &storm.tasks[number];

    task->port = pager->port;
    task->guest = true;
    task->over = pager->kind->backed;
    task->nr_ops = 10 + sim_choose(30);
    task->nr_threads = 1;
    pager->guest = task;
    if (pager->kind->guest)
        (void)prog_start_thread(pager->port, storm_client, number);
}

static void storm_pager_begin(uint32_t number)
{
    struct storm_pager *pager = &storm.pagers[number];

    prog_call(user_task_create(prog_task(), FALSE, &pager->port));
    for (unsigned int i = 0; i < storm.nr_objects; i++) {
        if (storm.objects[i].pager == pager)
            storm_give(pager->port, STORM_OBJECT_NAME + i, MACH_MSG_TYPE_MOVE_RECEIVE);
    }
    storm_give_all(pager->port);
    if (pager->kind->guest || pager->kind->backed)
        storm_guest(pager);
    (void)prog_start_thread(pager->port, storm_manager, number);
}

/* What a temporary object holds is gone with its last mapping. The hub has one, so that clients can know what they see. */
static void storm_keep_temporary(uint32_t number)
{
    bool fails = (storm.objects[number].pager->kind->trust & STORM_FAILS) != 0;
    vm_address_t address = 0;
    kern_return_t result;

    if (storm.objects[number].strategy != MEMORY_OBJECT_COPY_TEMPORARY)
        return;
    /* Its manager may have died already. */
    do
        result = user_vm_map(prog_task(), &address, PAGE_SIZE, 0, TRUE, STORM_OBJECT_NAME + number, 0, FALSE, VM_PROT_READ,
                             VM_PROT_READ, VM_INHERIT_NONE);
    while (!(fails && (result == KERN_INVALID_ARGUMENT || result == MACH_SEND_INVALID_RIGHT)) &&
           prog_again(result, "vm_map", __LINE__));
    storm.objects[number].kept = result == KERN_SUCCESS ? address : 0;
}

static void storm_begin(void)
{
    prog_call(user_mach_port_rename(prog_task(), sim_register(1), STORM_HOST_NAME));
    for (unsigned int i = 0; i < storm.nr_objects; i++)
        storm_port(STORM_OBJECT_NAME + i);
    for (unsigned int i = 0; i < STORM_TASKS; i++)
        storm_port(STORM_MAIL_NAME + i);
    for (unsigned int i = 0; i < storm.nr_pagers; i++)
        storm_pager_begin(i);
    for (unsigned int i = 0; i < storm.nr_objects; i++)
        storm_keep_temporary(i);
    for (unsigned int i = 1 + sim_choose(3); i > 0; i--)
        storm_task_new();
}

/* ---- the end ---- */

static bool storm_all_over(void)
{
    for (unsigned int i = 0; i < STORM_TASKS; i++) {
        if (storm.tasks[i].port != MACH_PORT_NULL && !storm.tasks[i].over)
            return false;
    }
    return true;
}

/*
 * Ends clients that wait for ever. Those in managers' tasks end with the managers: so they are the last, and none of them
 * runs any more when the first manager goes, or it would see objects die that it may trust.
 */
static void storm_end_waiting(void)
{
    kern_return_t result;

    for (unsigned int i = 0; i < STORM_TASKS; i++) {
        if (storm.tasks[i].port != MACH_PORT_NULL && !storm.tasks[i].over && !storm.tasks[i].guest)
            storm_task_end(&storm.tasks[i]);
    }
    for (unsigned int i = 0; i < STORM_TASKS; i++) {
        if (storm.tasks[i].port == MACH_PORT_NULL || storm.tasks[i].over)
            continue;
        while ((result = user_task_suspend(storm.tasks[i].port)) != KERN_SUCCESS) {
            prog_check(result == KERN_RESOURCE_SHORTAGE || (result & ~MACH_MSG_MASK) == MACH_SEND_NO_BUFFER);
            prog_sleep(1);
        }
    }
    for (unsigned int i = 0; i < STORM_TASKS; i++) {
        if (storm.tasks[i].port != MACH_PORT_NULL && !storm.tasks[i].over)
            storm_task_end(&storm.tasks[i]);
    }
}

static void storm_end_clients(void)
{
    uint32_t patience = storm.trust & STORM_HANGS ? 10 : STORM_PATIENCE;

    for (uint32_t i = 0; i < patience && !storm_all_over(); i++)
        prog_sleep(STORM_LOOK_MS);
    for (unsigned int i = 0; i < STORM_TASKS && (storm.trust & STORM_HANGS) == 0; i++) {
        if (storm.tasks[i].port != MACH_PORT_NULL && !storm.tasks[i].over)
            sim_fail("client %u does not come to its end", i);
    }
    storm_end_waiting();
    for (unsigned int i = 0; i < storm.nr_objects; i++) {
        if (storm.objects[i].kept != 0)
            prog_call(user_vm_deallocate(prog_task(), storm.objects[i].kept, PAGE_SIZE));
    }
    /* Mail that was never received, and mail to tasks that never were. */
    for (unsigned int i = 0; i < STORM_TASKS; i++)
        (void)user_mach_port_destroy(prog_task(), STORM_MAIL_NAME + i);
}

static void storm_poke(uint32_t number)
{
    for (unsigned int i = 0; i < storm.nr_objects; i++) {
        mach_msg_header_t poke = {
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0), .msgh_size = sizeof(poke),
            .msgh_remote_port = STORM_OBJECT_NAME + i, .msgh_id = STORM_POKE,
        };

        if (storm.objects[i].pager == &storm.pagers[number])
            (void)mach_msg(&poke, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof(poke), 0, MACH_PORT_NULL, STORM_POKE_MS,
                           MACH_PORT_NULL);
    }
}

static void storm_end_pager(uint32_t number)
{
    struct storm_pager *pager = &storm.pagers[number];
    bool ends = (pager->kind->trust & (STORM_HANGS | STORM_FAILS)) == 0 && !pager->kind->guest;
    uint32_t patience = ends ? STORM_PATIENCE : 10;

    for (uint32_t i = 0; i < patience && !pager->over; i++) {
        if (!pager->closing)
            storm_poke(number);
        prog_sleep(STORM_LOOK_MS);
    }
    if (!pager->over && patience == STORM_PATIENCE)
        sim_fail("the objects of manager %u, %s, do not come to their end", number, pager->kind->name);
    (void)user_task_terminate(pager->port);
}

static void storm_hub(uint32_t argument)
{
    (void)argument;
    storm_begin();
    for (uint32_t i = 0; i < storm.rounds; i++)
        storm_round();
    storm_end_clients();
    /* A client in a manager's task leaves there what it got by a call that failed when it was done; so these end first. */
    for (unsigned int i = 0; i < storm.nr_pagers; i++) {
        if (storm.pagers[i].kind->guest)
            storm_end_pager(i);
    }
    for (unsigned int i = storm.nr_pagers; i-- > 0;) {
        if (!storm.pagers[i].kind->guest)
            storm_end_pager(i);
    }
    prog_exit();
}

/* ---- what a run is ---- */

static void storm_choose_object(struct storm_object *object, struct storm_pager *pager)
{
    static const memory_object_copy_strategy_t strategies[] = {
        MEMORY_OBJECT_COPY_NONE, MEMORY_OBJECT_COPY_DELAY, MEMORY_OBJECT_COPY_DELAY, MEMORY_OBJECT_COPY_CALL,
        MEMORY_OBJECT_COPY_TEMPORARY,
    };

    object->pager = pager;
    object->nr_pages = 2 + sim_choose(pager->kind->pages_max - 1);
    object->strategy = strategies[sim_choose(5)];
    object->precious = sim_chance(4);
    object->may_cache = sim_chance(4);
    object->memory = storm_memory_create(object->nr_pages, pager->kind->trust);
    storm.trust |= pager->kind->trust;
    for (uint32_t page = 0; page < object->nr_pages && sim_choose(2); page++) {
        uint32_t version = storm_version();

        object->stored[page] = (struct storm_stored){.has = true, .words = {version, version, version}};
        storm_begin_with(object->memory, page, object->stored[page].words);
    }
}

static void storm_choose(void)
{
    storm.nr_pagers = 1 + sim_choose(STORM_PAGERS);
    storm.nr_objects = MAX(storm.nr_pagers, 1 + sim_choose(STORM_OBJECTS));
    storm.private_max = (sim_run.nr_direct + sim_run.nr_high) / 6;
    storm.rounds = 4 + sim_choose(10);
    for (unsigned int i = 0; i < storm.nr_pagers; i++) {
        struct storm_pager *pager = &storm.pagers[i];

        /* One honest, in most runs. */
        pager->kind = i == 0 && !sim_chance(8) ? &storm_kinds[0] : &storm_kinds[sim_choose(storm_nr_kinds)];
        if (pager->kind->backed && storm.pagers[0].kind != &storm_kinds[0])
            pager->kind = &storm_kinds[0];
        pager->asks = sim_choose(2) != 0;
        pager->pause = sim_chance(3) ? 1 + sim_choose(20) : 0;
        pager->at = 1 + sim_choose(30);
    }
    for (unsigned int i = 0; i < storm.nr_objects; i++)
        storm_choose_object(&storm.objects[i], &storm.pagers[i % storm.nr_pagers]);
}

/* For who reads a failure: the seed's choices, on the console. */
static void storm_tell(void)
{
    for (unsigned int i = 0; i < storm.nr_pagers; i++)
        kprintf("manager %u: %s%s, pause %u, at %u\n", i, storm.pagers[i].kind->name, storm.pagers[i].asks ? ", asks" : "",
                 storm.pagers[i].pause, storm.pagers[i].at);
    for (unsigned int i = 0; i < storm.nr_objects; i++)
        kprintf("object %u: %u pages, strategy %d%s%s\n", i, storm.objects[i].nr_pages, storm.objects[i].strategy,
                 storm.objects[i].precious ? ", precious" : "", storm.objects[i].may_cache ? ", cached" : "");
}

static void storm_run(void)
{
    struct sim_stock before;
    struct task *task;

    storm_choose();
    storm_tell();
    sim_stock_take(&before);
    task = sim_task_start(storm_hub, 0);
    sim_faults_begin();
    sim_task_wait(task);
    sim_faults_end();
    sim_stock_check(&before);
    sim_check_all();
}

const struct sim_scenario sim_scenario_storm = {.name = "storm", .run = storm_run, .nr_frames = 180, .weight = 4};
