/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls on processors and processor sets. There is one of each and it cannot be changed: calls that would start, stop
 * or move a processor, or make a set, fail; calls that look, or put something where it is, work.
 *
 * The load is sampled once a second and averaged with weights that make a sample's share fall to 1/e in 5, 30 and 60
 * seconds.
 */
#include "kernel/processor.h"

#include <mach/mach_types.h>
#include <mach/policy.h>

#include "ipc/ipc_port.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/task_life.h"
#include "kernel/thread.h"

#include "mig/mach_host_server.h"

#define PROCESSOR_LOADS 3
/* A new sample's weight, thousandths: 1 - exp(-1/5), 1 - exp(-1/30), 1 - exp(-1/60), rounded. */
static const int processor_load_weights[PROCESSOR_LOADS] = {181, 33, 17};
#define PROCESSOR_LOAD_WEIGHTS 1000
/* 10000 threads * LOAD_SCALE * 181 is below 2^31. */
#define PROCESSOR_LOAD_MAX 10000u

struct processor_set processor_set_default_set = {
    .max_priority = THREAD_PRIORITY_USER,
    .policies = POLICY_TIMESHARE,
};
struct processor processor_master = {
    .set = &processor_set_default_set,
};

/* Written by the clock's interrupt, read word by word. */
static int processor_load[PROCESSOR_LOADS];
static int processor_factor[PROCESSOR_LOADS] = {LOAD_SCALE, LOAD_SCALE, LOAD_SCALE};

static int processor_average(int average, int sample, int weight)
{
    return average + (sample - average) * weight / PROCESSOR_LOAD_WEIGHTS;
}

void processor_load_sample(void)
{
    int running = (int)MIN(sched_nr_runnable(), PROCESSOR_LOAD_MAX);
    int load = running * LOAD_SCALE;
    /* What is left for one more: half of the processor beside one thread, and so on. */
    int factor = LOAD_SCALE / (running + 1);

    for (unsigned int i = 0; i < PROCESSOR_LOADS; i++) {
        processor_load[i] = processor_average(processor_load[i], load, processor_load_weights[i]);
        processor_factor[i] = processor_average(processor_factor[i], factor, processor_load_weights[i]);
    }
}

void processor_load_get(struct host_load_info *info)
{
    for (unsigned int i = 0; i < PROCESSOR_LOADS; i++) {
        info->avenrun[i] = processor_load[i];
        info->mach_factor[i] = processor_factor[i];
    }
}

/* ---- arrays that messages move: memory for exactly their number ---- */

/* An array of one port; the right is consumed if there is no memory. */
static kern_return_t processor_array_of_one(struct ipc_port *port, struct ipc_port ***array,
                                            mach_msg_type_number_t *count)
{
    *array = kmem_alloc(sizeof(**array), ALLOC_THREAD);
    if (*array == NULL) {
        ipc_port_release_send(port);
        return KERN_RESOURCE_SHORTAGE;
    }
    **array = port;
    *count = 1;
    return KERN_SUCCESS;
}

/* Objects with a reference each that are collected in an array. */
struct processor_collection {
    /* Up to room of them; returns how many there are. */
    unsigned int (*collect)(const struct processor_collection *from, void **objects, unsigned int room);
    void (*unref)(void *object);
    struct task **tasks;        /* whose threads */
    unsigned int nr_tasks;
};

static void processor_release(const struct processor_collection *from, void **objects, unsigned int nr, unsigned int room)
{
    for (unsigned int i = 0; i < nr; i++)
        from->unref(objects[i]);
    if (room != 0)
        kmem_free(objects, room * sizeof(*objects));
}

/* Collects them all. More may come, and some go, while memory is waited for: then once more. */
static kern_return_t processor_collect(const struct processor_collection *from, void ***objects, unsigned int *nr)
{
    unsigned int room = from->collect(from, NULL, 0), total;

    for (;;) {
        *objects = NULL;
        if (room != 0) {
            *objects = kmem_alloc(room * sizeof(**objects), ALLOC_THREAD);
            if (*objects == NULL)
                return KERN_RESOURCE_SHORTAGE;
        }
        total = from->collect(from, *objects, room);
        if (total == room)
            break;
        processor_release(from, *objects, MIN(total, room), room);
        room = total;
    }
    *nr = total;
    return KERN_SUCCESS;
}

static unsigned int processor_collect_tasks(const struct processor_collection *from, void **objects, unsigned int room)
{
    (void)from;
    return task_collect((struct task **)objects, room);
}

static unsigned int processor_collect_threads(const struct processor_collection *from, void **objects, unsigned int room)
{
    unsigned int total = 0, left;

    for (unsigned int i = 0; i < from->nr_tasks; i++) {
        left = total < room ? room - total : 0;
        total += task_collect_threads(from->tasks[i], left != 0 ? (struct thread **)objects + total : NULL, left);
    }
    return total;
}

static void processor_unref_task(void *object)
{
    task_unref(object);
}

static void processor_unref_thread(void *object)
{
    thread_unref(object);
}

static const struct processor_collection processor_all_tasks = {
    .collect = processor_collect_tasks,
    .unref = processor_unref_task,
};

static kern_return_t processor_collect_all_threads(void ***threads, unsigned int *nr)
{
    struct processor_collection from = {.collect = processor_collect_threads, .unref = processor_unref_thread};
    void **tasks;
    kern_return_t result = processor_collect(&processor_all_tasks, &tasks, &from.nr_tasks);

    if (result != KERN_SUCCESS)
        return result;
    from.tasks = (struct task **)tasks;
    result = processor_collect(&from, threads, nr);
    processor_release(&processor_all_tasks, tasks, from.nr_tasks, from.nr_tasks);
    return result;
}

kern_return_t processor_set_tasks(processor_set_t set, task_array_t *task_list, mach_msg_type_number_t *task_listCnt)
{
    void **tasks;
    kern_return_t result;

    if (set == NULL)
        return KERN_INVALID_ARGUMENT;
    result = processor_collect(&processor_all_tasks, &tasks, task_listCnt);
    if (result != KERN_SUCCESS)
        return result;
    *task_list = (task_array_t)tasks;
    for (unsigned int i = 0; i < *task_listCnt; i++)
        (*task_list)[i] = convert_task_to_port(tasks[i]);
    return KERN_SUCCESS;
}

kern_return_t processor_set_threads(processor_set_t set, thread_array_t *thread_list,
                                    mach_msg_type_number_t *thread_listCnt)
{
    void **threads;
    kern_return_t result;

    if (set == NULL)
        return KERN_INVALID_ARGUMENT;
    result = processor_collect_all_threads(&threads, thread_listCnt);
    if (result != KERN_SUCCESS)
        return result;
    *thread_list = (thread_array_t)threads;
    for (unsigned int i = 0; i < *thread_listCnt; i++)
        (*thread_list)[i] = convert_thread_to_port(threads[i]);
    return KERN_SUCCESS;
}

/* ---- processors ---- */

kern_return_t host_processors(host_t host_priv, processor_array_t *processor_list,
                              mach_msg_type_number_t *processor_listCnt)
{
    if (host_priv == NULL)
        return KERN_INVALID_ARGUMENT;
    return processor_array_of_one(convert_processor_to_port(&processor_master), processor_list, processor_listCnt);
}

/* The only processor runs. */
kern_return_t processor_start(processor_t processor)
{
    return processor != NULL ? KERN_FAILURE : KERN_INVALID_ARGUMENT;
}

kern_return_t processor_exit(processor_t processor)
{
    return processor != NULL ? KERN_FAILURE : KERN_INVALID_ARGUMENT;
}

/* No command is known for this kind of processor. */
kern_return_t processor_control(processor_t processor, const processor_info_t processor_cmd,
                                mach_msg_type_number_t processor_cmdCnt)
{
    (void)processor_cmd;
    (void)processor_cmdCnt;
    return processor != NULL ? KERN_FAILURE : KERN_INVALID_ARGUMENT;
}

kern_return_t processor_assign(processor_t processor, processor_set_t new_set, boolean_t wait)
{
    (void)wait;
    return processor != NULL && new_set != NULL ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
}

kern_return_t processor_get_assignment(processor_t processor, processor_set_t *assigned_set)
{
    if (processor == NULL)
        return KERN_INVALID_ARGUMENT;
    *assigned_set = processor->set;
    return KERN_SUCCESS;
}

kern_return_t processor_info(processor_t processor, int flavor, host_t *host, processor_info_t info,
                             mach_msg_type_number_t *infoCnt)
{
    struct processor_basic_info *basic = (struct processor_basic_info *)info;

    if (processor == NULL || flavor != PROCESSOR_BASIC_INFO || *infoCnt < PROCESSOR_BASIC_INFO_COUNT)
        return KERN_INVALID_ARGUMENT;
    machine_cpu_kind(&basic->cpu_type, &basic->cpu_subtype);
    basic->running = TRUE;
    basic->slot_num = 0;
    basic->is_master = TRUE;
    *infoCnt = PROCESSOR_BASIC_INFO_COUNT;
    *host = host_self;
    return KERN_SUCCESS;
}

/* ---- sets ---- */

kern_return_t processor_set_default(host_t host, processor_set_t *default_set)
{
    if (host == NULL)
        return KERN_INVALID_ARGUMENT;
    *default_set = &processor_set_default_set;
    return KERN_SUCCESS;
}

kern_return_t processor_set_create(host_t host, processor_set_t *new_set, processor_set_t *new_name)
{
    (void)new_set;
    (void)new_name;
    return host != NULL ? KERN_FAILURE : KERN_INVALID_ARGUMENT;
}

kern_return_t processor_set_destroy(processor_set_t set)
{
    return set != NULL ? KERN_FAILURE : KERN_INVALID_ARGUMENT;
}

kern_return_t host_processor_sets(host_t host, processor_set_name_array_t *processor_sets,
                                  mach_msg_type_number_t *processor_setsCnt)
{
    if (host == NULL)
        return KERN_INVALID_ARGUMENT;
    return processor_array_of_one(convert_pset_name_to_port(&processor_set_default_set), processor_sets, processor_setsCnt);
}

kern_return_t host_processor_set_priv(host_t host_priv, processor_set_t set_name, processor_set_t *set)
{
    if (host_priv == NULL || set_name == NULL)
        return KERN_INVALID_ARGUMENT;
    *set = set_name;
    return KERN_SUCCESS;
}

/* The names of its processors are the processors' ports: there is nothing that they hide. */
kern_return_t processor_set_processors(processor_set_t set, processor_name_array_t *processor_list,
                                       mach_msg_type_number_t *processor_listCnt)
{
    if (set == NULL)
        return KERN_INVALID_ARGUMENT;
    return processor_array_of_one(convert_processor_to_port(&processor_master), processor_list, processor_listCnt);
}

kern_return_t processor_set_info(processor_set_t set, int flavor, host_t *host, processor_set_info_t info,
                                 mach_msg_type_number_t *infoCnt)
{
    struct processor_set_basic_info *basic = (struct processor_set_basic_info *)info;
    struct processor_set_sched_info *sched = (struct processor_set_sched_info *)info;

    if (set == NULL)
        return KERN_INVALID_ARGUMENT;
    if (flavor == PROCESSOR_SET_BASIC_INFO && *infoCnt >= PROCESSOR_SET_BASIC_INFO_COUNT) {
        basic->processor_count = 1;
        basic->task_count = (integer_t)task_count();
        basic->thread_count = (integer_t)thread_count();
        basic->load_average = processor_load[0];
        basic->mach_factor = processor_factor[0];
        *infoCnt = PROCESSOR_SET_BASIC_INFO_COUNT;
    } else if (flavor == PROCESSOR_SET_SCHED_INFO && *infoCnt >= PROCESSOR_SET_SCHED_INFO_COUNT) {
        sched->policies = set->policies;
        sched->max_priority = set->max_priority;
        *infoCnt = PROCESSOR_SET_SCHED_INFO_COUNT;
    } else {
        return KERN_INVALID_ARGUMENT;
    }
    *host = host_self;
    return KERN_SUCCESS;
}

/* Calls change for each thread there is. */
static kern_return_t processor_change_threads(void (*change)(struct thread *thread, int value), int value)
{
    void **threads;
    unsigned int nr;
    kern_return_t result = processor_collect_all_threads(&threads, &nr);

    if (result != KERN_SUCCESS)
        return result;
    for (unsigned int i = 0; i < nr; i++) {
        change(threads[i], value);
        thread_unref(threads[i]);
        preempt_point();
    }
    if (nr != 0)
        kmem_free(threads, nr * sizeof(*threads));
    return KERN_SUCCESS;
}

static void processor_change_max_priority(struct thread *thread, int max_priority)
{
    /* The kernel's own threads stay what they are. */
    if (thread->entry == NULL)
        sched_set_max_priority(thread, (uint8_t)max_priority);
}

static void processor_change_policy(struct thread *thread, int policy)
{
    if (thread->policy == policy)
        sched_set_policy(thread, POLICY_TIMESHARE, 0);
}

kern_return_t processor_set_max_priority(processor_set_t set, int max_priority, boolean_t change_threads)
{
    if (set == NULL || max_priority < 0 || max_priority >= THREAD_NR_PRIORITIES)
        return KERN_INVALID_ARGUMENT;
    set->max_priority = (uint8_t)max_priority;
    return change_threads ? processor_change_threads(processor_change_max_priority, max_priority) : KERN_SUCCESS;
}

kern_return_t processor_set_policy_enable(processor_set_t set, int policy)
{
    if (set == NULL || invalid_policy(policy))
        return KERN_INVALID_ARGUMENT;
    set->policies |= (uint8_t)policy;
    return KERN_SUCCESS;
}

kern_return_t processor_set_policy_disable(processor_set_t set, int policy, boolean_t change_threads)
{
    /* Timesharing is what threads go back to: it stays. */
    if (set == NULL || invalid_policy(policy) || policy == POLICY_TIMESHARE)
        return KERN_INVALID_ARGUMENT;
    set->policies &= (uint8_t)~policy;
    return change_threads ? processor_change_threads(processor_change_policy, policy) : KERN_SUCCESS;
}
