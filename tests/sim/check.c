/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scenarios on the kernel's side: starting a task, waiting for its end, and what must be back afterwards.
 *
 * What is in use is counted by cache and by frame. Slabs are left out, because which of them stay for what is left in them
 * depends on the order of freeing; the objects in them are what counts.
 */
#include <string.h>

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_space.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/printf.h"
#include "kernel/task.h"
#include "kernel/task_life.h"
#include "kernel/thread.h"
#include "kernel/thread_life.h"
#include "laws.h"
#include "scenario.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_run.h"

#define SIM_LOOK_MS 500u
/* A task's end waits for nothing but other threads' turns. */
#define SIM_END_MS 60000u

/* ---- tasks ---- */

struct task *sim_task_start(sim_program_function *program, uint32_t argument)
{
    struct vm_map_request stack = {
        .address = SIM_TASK_STACK - PAGE_SIZE, .size = PAGE_SIZE, .protection = VM_PROT_READ | VM_PROT_WRITE,
        .max_protection = VM_PROT_ALL, .inheritance = VM_INHERIT_COPY,
    };
    struct thread *thread;
    struct task *task;
    mach_port_name_t host;

    sim_check(task_create_in(kernel_task, false, &task) == KERN_SUCCESS);
    sim_check(vm_map_enter(task->map, &stack) == KERN_SUCCESS);
    sim_check(ipc_space_insert_send(task->space, host_priv_port(), &host) == KERN_SUCCESS);
    sim_check(thread_create_in(task, &thread) == KERN_SUCCESS);
    machine_user_state_init(thread, sim_program(program), SIM_TASK_STACK);
    thread->machine.registers[0] = argument;
    thread->machine.registers[1] = host;
    sim_check(thread_release(thread, THREAD_HOLD_USER) == KERN_SUCCESS);
    thread_unref(thread);
    return task;
}

void sim_task_wait(struct task *task)
{
    while (task->active || task->nr_threads != 0)
        thread_delay(SIM_LOOK_MS);
    task_unref(task);
}

/* ---- what is in use ---- */

static unsigned int sim_slab_frames;

static void sim_stock_visit(const struct kmem_cache *cache, void *context)
{
    struct sim_stock *stock = context;

    uint32_t nr_objects = cache->nr_objects;

    sim_check(stock->nr_caches < ARRAY_LENGTH(stock->caches));
    /* Free records of runs keep an object and an entry each, from their first use on. */
    if (strcmp(cache->name, "vm_object") == 0)
        nr_objects -= vm_run_spares.objects;
    else if (strcmp(cache->name, "vm_map_entry") == 0)
        nr_objects -= vm_run_spares.entries;
    stock->caches[stock->nr_caches].name = cache->name;
    stock->caches[stock->nr_caches++].nr_objects = nr_objects;
    sim_slab_frames += cache->nr_slabs * cache->slab_frames;
}

/* One message is kept for the next; so that it always is, one is freed. */
static void sim_stock_spare(void)
{
    struct ipc_kmsg *kmsg = ipc_kmsg_alloc(sizeof(mach_msg_header_t), ALLOC_PRIVILEGED);

    if (kmsg != NULL)
        ipc_kmsg_free(kmsg);
}

void sim_stock_take(struct sim_stock *stock)
{
    sim_stock_spare();
    memset(stock, 0, sizeof(*stock));
    sim_slab_frames = 0;
    kmem_for_each_cache(sim_stock_visit, stock);
    stock->nr_frames = vm_frame_count(VM_FRAME_KERNEL) + vm_frame_count(VM_FRAME_OBJECT) - sim_slab_frames;
}

/* A cache that was made since begins with nothing in use. */
static uint32_t sim_stock_before(const struct sim_stock *before, const char *name)
{
    for (unsigned int i = 0; i < before->nr_caches; i++) {
        if (strcmp(before->caches[i].name, name) == 0)
            return before->caches[i].nr_objects;
    }
    return 0;
}

static bool sim_stock_same(const struct sim_stock *before, const struct sim_stock *now)
{
    for (unsigned int i = 0; i < now->nr_caches; i++) {
        if (now->caches[i].nr_objects != sim_stock_before(before, now->caches[i].name))
            return false;
    }
    return now->nr_frames == before->nr_frames;
}

void sim_stock_check(const struct sim_stock *before)
{
    struct sim_stock now;
    uint32_t waited;

    for (waited = 0; waited < SIM_END_MS; waited += SIM_LOOK_MS) {
        sim_stock_take(&now);
        if (sim_stock_same(before, &now))
            return;
        thread_delay(SIM_LOOK_MS);
    }
    for (unsigned int i = 0; i < now.nr_caches; i++) {
        uint32_t was = sim_stock_before(before, now.caches[i].name);

        if (now.caches[i].nr_objects != was)
            kprintf("%s: %u objects, %u before\n", now.caches[i].name, now.caches[i].nr_objects, was);
    }
    kprintf("frames: %u in use, %u before\n", now.nr_frames, before->nr_frames);
    sim_fail("not all came back: see the console");
}

void sim_check_all(void)
{
    sim_laws_check(SIM_LAWS_END);
}
