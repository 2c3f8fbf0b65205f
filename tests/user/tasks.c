/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks and threads: their lives, states, ports and priorities.
 */
#include "harness.h"

#include <mach/policy.h>
#include <mach/task_info.h>
#include <mach/thread_info.h>

/* What threads count in; volatile, and each on its own. */
static volatile unsigned int tasks_counters[4];

static void tasks_spin(void *counter)
{
    for (;;)
        ++*(volatile unsigned int *)counter;
}

static thread_basic_info_data_t tasks_thread_info(thread_t thread)
{
    thread_basic_info_data_t info = {.run_state = -1};
    mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;

    OK(thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count));
    IS(count, THREAD_BASIC_INFO_COUNT);
    return info;
}

static thread_sched_info_data_t tasks_sched_info(thread_t thread)
{
    thread_sched_info_data_t info = {.policy = -1};
    mach_msg_type_number_t count = THREAD_SCHED_INFO_COUNT;

    OK(thread_info(thread, THREAD_SCHED_INFO, (thread_info_t)&info, &count));
    IS(count, THREAD_SCHED_INFO_COUNT);
    return info;
}

static task_basic_info_data_t tasks_info(task_t task)
{
    task_basic_info_data_t info = {.suspend_count = -1};
    mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;

    OK(task_info(task, TASK_BASIC_INFO, (task_info_t)&info, &count));
    IS(count, TASK_BASIC_INFO_COUNT);
    return info;
}

static struct i386_thread_state tasks_state(thread_t thread)
{
    struct i386_thread_state state = {0};
    mach_msg_type_number_t count = i386_THREAD_STATE_COUNT;

    OK(thread_get_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, &count));
    return state;
}

/* Whether the counter goes up while others may run. */
static boolean_t tasks_counts(volatile unsigned int *counter)
{
    unsigned int before = *counter;

    harness_sleep(100);
    return *counter != before;
}

/* ---- threads ---- */

static void tasks_suspend_and_resume(void)
{
    volatile unsigned int *counter = &tasks_counters[0];
    thread_t thread = harness_start_suspended(tasks_spin, (void *)counter);

    CHECK(!tasks_counts(counter)); /* new threads are suspended */
    IS(tasks_thread_info(thread).suspend_count, 1);
    OK(thread_suspend(thread));
    OK(thread_resume(thread));
    CHECK(!tasks_counts(counter)); /* suspensions are counted */
    OK(thread_resume(thread));
    CHECK(tasks_counts(counter));
    IS(tasks_thread_info(thread).run_state, TH_STATE_RUNNING);
    IS(thread_resume(thread), KERN_FAILURE);
    OK(thread_suspend(thread));
    CHECK(!tasks_counts(counter));
    OK(thread_resume(thread));
    CHECK(tasks_counts(counter));
    harness_end(thread);
    CHECK(!tasks_counts(counter));
}

static void tasks_terminate_a_thread(void)
{
    thread_t thread = harness_start(tasks_spin, (void *)&tasks_counters[0]);
    mach_port_t notify = harness_port(), previous;

    OK(mach_port_mod_refs(harness_self, thread, MACH_PORT_RIGHT_SEND, 1));
    OK(mach_port_request_notification(harness_self, thread, MACH_NOTIFY_DEAD_NAME, 0, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE,
                                      &previous));
    CHECK(tasks_counts(&tasks_counters[0]));
    harness_end(thread);
    CHECK(!tasks_counts(&tasks_counters[0]));
    IS(harness_next_id(notify), MACH_NOTIFY_DEAD_NAME);
    IS(thread_resume(thread), MACH_SEND_INVALID_DEST);
    harness_destroy(thread);
    harness_destroy(notify);
}

/* A thread can end itself; nothing behind the call runs. */
static void tasks_end_itself(void *counter)
{
    *(volatile unsigned int *)counter = 1;
    thread_terminate(mach_thread_self());
    *(volatile unsigned int *)counter = 2;
}

static void tasks_terminate_itself(void)
{
    thread_t thread;

    tasks_counters[0] = 0;
    thread = harness_start(tasks_end_itself, (void *)&tasks_counters[0]);
    for (unsigned int i = 0; i < 100 && harness_type(thread) != MACH_PORT_TYPE_DEAD_NAME; i++)
        harness_sleep(10);
    IS(harness_type(thread), MACH_PORT_TYPE_DEAD_NAME);
    IS(tasks_counters[0], 1);
    harness_end(thread);
}

static void tasks_many_threads(void)
{
    enum { nr = 16, rounds = 10 };
    thread_t threads[nr];
    thread_array_t list;
    mach_msg_type_number_t count = 0, before = 0;

    OK(task_threads(harness_self, &list, &before));
    for (unsigned int i = 0; i < before; i++)
        OK(mach_port_deallocate(harness_self, list[i]));
    harness_free((vm_address_t)list, before * sizeof(*list));
    for (unsigned int round = 0; round < rounds; round++) {
        unsigned int found = 0;

        for (unsigned int i = 0; i < nr; i++)
            threads[i] = harness_start(tasks_spin, (void *)&tasks_counters[i % 4]);
        OK(task_threads(harness_self, &list, &count));
        IS(count, before + nr);
        for (unsigned int i = 0; i < count; i++) {
            for (unsigned int j = 0; j < nr; j++)
                found += list[i] == threads[j];
            OK(mach_port_deallocate(harness_self, list[i]));
        }
        IS(found, nr);
        harness_free((vm_address_t)list, count * sizeof(*list));
        for (unsigned int i = 0; i < nr; i++)
            harness_end(threads[i]);
    }
    OK(task_threads(harness_self, &list, &count));
    IS(count, before);
    for (unsigned int i = 0; i < count; i++)
        OK(mach_port_deallocate(harness_self, list[i]));
    harness_free((vm_address_t)list, count * sizeof(*list));
}

/* Threads that never give way share the processor. */
static void tasks_take_turns(void)
{
    thread_t threads[4];
    unsigned int least = ~0u, most = 0;

    for (unsigned int i = 0; i < 4; i++) {
        tasks_counters[i] = 0;
        threads[i] = harness_start(tasks_spin, (void *)&tasks_counters[i]);
    }
    harness_sleep(4000);
    for (unsigned int i = 0; i < 4; i++)
        harness_end(threads[i]);
    for (unsigned int i = 0; i < 4; i++) {
        least = tasks_counters[i] < least ? tasks_counters[i] : least;
        most = tasks_counters[i] > most ? tasks_counters[i] : most;
    }
    if (!CHECK(least > most / 4))
        harness_note("%u to %u", least, most);
}

/* ---- thread states ---- */

/* Loads every register with a value of its own, and stays there. */
extern const char tasks_registers[], tasks_registers_at[], tasks_registers_end[];
asm(".globl tasks_registers, tasks_registers_at, tasks_registers_end\n"
    "tasks_registers: movl $0x11111111, %eax\n movl $0x22222222, %ebx\n movl $0x33333333, %ecx\n movl $0x44444444, %edx\n"
    "movl $0x55555555, %esi\n movl $0x66666666, %edi\n movl $0x77777777, %ebp\n stc\n"
    "tasks_registers_at: jmp tasks_registers_at\n"
    "tasks_registers_end: nop\n");

static void tasks_get_registers(void)
{
    thread_t thread = harness_start_suspended(tasks_spin, NULL);
    struct i386_thread_state state = tasks_state(thread);
    unsigned int stack = state.uesp;

    state.eip = (uintptr_t)tasks_registers;
    OK(thread_set_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT));
    OK(thread_resume(thread));
    for (unsigned int i = 0; i < 10; i++) {
        harness_sleep(50);
        OK(thread_suspend(thread));
        state = tasks_state(thread);
        IS(state.eip, tasks_registers_at);
        IS(state.eax, 0x11111111);
        IS(state.ebx, 0x22222222);
        IS(state.ecx, 0x33333333);
        IS(state.edx, 0x44444444);
        IS(state.esi, 0x55555555);
        IS(state.edi, 0x66666666);
        IS(state.ebp, 0x77777777);
        IS(state.uesp, stack);
        IS(state.efl & 1, 1);
        IS(state.cs & 3, 3);
        IS(state.ss & 3, 3);
        OK(thread_resume(thread));
    }
    harness_end(thread);
}

/* A running thread is put elsewhere. */
static void tasks_set_registers(void)
{
    volatile unsigned int *counter = &tasks_counters[1];
    thread_t thread = harness_start(tasks_spin, (void *)&tasks_counters[0]);
    struct i386_thread_state state;

    CHECK(tasks_counts(&tasks_counters[0]));
    OK(thread_suspend(thread));
    state = tasks_state(thread);
    state.eip = (uintptr_t)tasks_spin;
    ((uint32_t *)(state.uesp - 64))[1] = (uintptr_t)counter;
    state.uesp -= 64;
    OK(thread_set_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT));
    OK(thread_resume(thread));
    CHECK(tasks_counts(counter));
    CHECK(!tasks_counts(&tasks_counters[0]));
    harness_end(thread);
}

/* What would give a user the machine is refused or left out. */
static void tasks_set_privileges(void)
{
    thread_t thread = harness_start_suspended(tasks_spin, (void *)&tasks_counters[0]);
    const struct i386_thread_state good = tasks_state(thread);
    struct i386_thread_state state = good;

    state.efl |= 0x3000 | 0x4000; /* I/O privilege, nested task */
    state.efl &= ~0x200u;         /* no interrupts */
    OK(thread_set_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT));
    state = tasks_state(thread);
    IS(state.efl & 0x7000, 0);
    IS(state.efl & 0x200, 0x200);
    OK(thread_resume(thread));
    CHECK(tasks_counts(&tasks_counters[0]));
    harness_end(thread);
}

static void tasks_set_selectors(void)
{
    thread_t thread = harness_start_suspended(tasks_spin, (void *)&tasks_counters[0]);
    const struct i386_thread_state good = tasks_state(thread);
    static const unsigned int bad[] = {8, 0x10, 0x18, 0x20, 0};

    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct i386_thread_state state = good;

        state.cs = bad[i];
        CHECK(thread_set_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT) !=
              KERN_SUCCESS);
        state = good;
        state.ss = bad[i];
        CHECK(thread_set_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT) !=
              KERN_SUCCESS);
    }
    IS(tasks_state(thread).cs, good.cs);
    IS(tasks_state(thread).ss, good.ss);
    OK(thread_resume(thread));
    CHECK(tasks_counts(&tasks_counters[0]));
    harness_end(thread);
}

static void tasks_state_arguments(void)
{
    thread_t thread = harness_start_suspended(tasks_spin, NULL);
    struct i386_thread_state state;
    mach_msg_type_number_t count = i386_THREAD_STATE_COUNT - 1;
    natural_t flavors[16];
    unsigned int found = 0;

    IS(thread_get_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, &count), KERN_INVALID_ARGUMENT);
    count = i386_THREAD_STATE_COUNT;
    IS(thread_get_state(thread, 99, (thread_state_t)&state, &count), KERN_INVALID_ARGUMENT);
    IS(thread_get_state(harness_main_thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, &count), KERN_INVALID_ARGUMENT);
    state = tasks_state(thread);
    IS(thread_set_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, 3), KERN_INVALID_ARGUMENT);
    IS(thread_set_state(thread, 99, (thread_state_t)&state, i386_THREAD_STATE_COUNT), KERN_INVALID_ARGUMENT);
    count = ARRAY_LENGTH(flavors);
    OK(thread_get_state(thread, THREAD_STATE_FLAVOR_LIST, flavors, &count));
    for (unsigned int i = 0; i < count; i++)
        found += flavors[i] == i386_THREAD_STATE || flavors[i] == i386_FLOAT_STATE;
    IS(found, 2);
    harness_end(thread);
}

/* ---- the floating point unit ---- */

static volatile int tasks_float_errors;

/* Keeps its own numbers in the unit's registers and checks that they stay. */
static void tasks_compute(void *counter)
{
    unsigned int which = (volatile unsigned int *)counter - tasks_counters, value = which * 1000 + 17, seen;

    asm volatile("fninit\n fildl %0\n fildl %0\n faddp" : : "m"(value));
    for (;;) {
        asm volatile("fistl %0" : "=m"(seen));
        if (seen != 2 * value)
            tasks_float_errors++;
        tasks_counters[which]++;
    }
}

static void tasks_floats_are_each_threads_own(void)
{
    thread_t threads[3];

    tasks_float_errors = 0;
    for (unsigned int i = 0; i < 3; i++) {
        tasks_counters[i] = 0;
        threads[i] = harness_start(tasks_compute, (void *)&tasks_counters[i]);
    }
    harness_sleep(1500);
    for (unsigned int i = 0; i < 3; i++) {
        CHECK(tasks_counters[i] > 0);
        harness_end(threads[i]);
    }
    IS(tasks_float_errors, 0);
}

/* ---- abort ---- */

static volatile mach_msg_return_t tasks_result;
static volatile int tasks_done;

static void tasks_wait_for_message(void *port)
{
    struct harness_message message;

    tasks_result = mach_msg(&message.head, MACH_RCV_MSG, 0, sizeof(message), (mach_port_t)(uintptr_t)port, 0,
                            MACH_PORT_NULL);
    tasks_done = 1;
}

/* A thread that is suspended while it waits: what comes meanwhile is there when it runs again. */
static void tasks_suspended_receiver(void)
{
    mach_port_t port = harness_port_with_send();
    thread_t thread;

    tasks_done = 0;
    thread = harness_start(tasks_wait_for_message, (void *)(uintptr_t)port);
    CHECK(harness_wait_until_blocked(thread));
    OK(thread_suspend(thread));
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 1));
    harness_let_others_run();
    IS(tasks_done, 0);
    OK(thread_resume(thread));
    CHECK(harness_wait(&tasks_done));
    IS(tasks_result, MACH_MSG_SUCCESS);
    harness_end(thread);
    harness_destroy(port);
}

/* Suspended and aborted, a thread in a trap has the trap's result in its state. */
static void tasks_abort_a_trap(void)
{
    mach_port_t port = harness_port_with_send();
    struct i386_thread_state state;
    thread_t thread;

    tasks_done = 0;
    thread = harness_start(tasks_wait_for_message, (void *)(uintptr_t)port);
    CHECK(harness_wait_until_blocked(thread));
    OK(thread_suspend(thread));
    OK(thread_abort(thread));
    state = tasks_state(thread);
    IS(state.eax, MACH_RCV_INTERRUPTED);
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 5));
    OK(thread_resume(thread));
    CHECK(harness_wait(&tasks_done));
    IS(tasks_result, MACH_RCV_INTERRUPTED);
    IS(harness_next_id(port), 5);
    harness_end(thread);
    harness_destroy(port);
}

static void tasks_sleep_long(void *unused)
{
    thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1000000);
    tasks_done = 1;
}

static void tasks_abort_a_sleeper(void)
{
    thread_t thread;

    tasks_done = 0;
    thread = harness_start(tasks_sleep_long, NULL);
    harness_let_others_run();
    IS(tasks_done, 0);
    OK(thread_abort(thread));
    CHECK(harness_wait(&tasks_done));
    harness_end(thread);
}

/* ---- priorities ---- */

static void tasks_priorities(void)
{
    thread_t thread = harness_start(tasks_spin, (void *)&tasks_counters[0]);
    thread_sched_info_data_t info = tasks_sched_info(thread);
    integer_t base = info.base_priority, most = info.max_priority;

    IS(info.policy, POLICY_TIMESHARE);
    IS(info.depressed, FALSE);
    CHECK(base >= most); /* lower numbers are better */
    OK(thread_priority(thread, base + 3, FALSE));
    IS(tasks_sched_info(thread).base_priority, base + 3);
    IS(tasks_thread_info(thread).base_priority, base + 3);
    if (most > 0)
        IS(thread_priority(thread, most - 1, FALSE), KERN_FAILURE);
    IS(tasks_sched_info(thread).base_priority, base + 3);
    OK(thread_priority(thread, base + 5, TRUE)); /* the bound goes down with it */
    IS(tasks_sched_info(thread).max_priority, base + 5);
    IS(thread_priority(thread, base + 3, FALSE), KERN_FAILURE);
    IS(thread_priority(thread, -1, FALSE), KERN_INVALID_ARGUMENT);
    IS(thread_priority(thread, 10000, FALSE), KERN_INVALID_ARGUMENT);
    CHECK(tasks_counts(&tasks_counters[0]));
    harness_end(thread);
}

static void tasks_priority_of_a_task(void)
{
    thread_t thread;
    task_t task;
    integer_t base;

    OK(task_create(harness_self, FALSE, &task));
    OK(thread_create(task, &thread));
    base = tasks_info(task).base_priority;
    IS(tasks_sched_info(thread).base_priority, base);
    OK(task_priority(task, base + 2, FALSE));
    IS(tasks_info(task).base_priority, base + 2);
    IS(tasks_sched_info(thread).base_priority, base);
    OK(task_priority(task, base + 4, TRUE));
    IS(tasks_sched_info(thread).base_priority, base + 4);
    IS(task_priority(task, 10000, TRUE), KERN_INVALID_ARGUMENT);
    OK(task_terminate(task));
    harness_destroy(task);
    harness_destroy(thread);
}

/* A thread of the worst priority does not keep the others from running. */
static void tasks_worse_waits(void)
{
    thread_t better, worse;
    unsigned int before;
    integer_t base;

    tasks_counters[0] = tasks_counters[1] = 0;
    better = harness_start_suspended(tasks_spin, (void *)&tasks_counters[0]);
    worse = harness_start_suspended(tasks_spin, (void *)&tasks_counters[1]);
    base = tasks_sched_info(worse).base_priority;
    OK(thread_priority(worse, base + 20, FALSE));
    OK(thread_resume(worse));
    CHECK(tasks_counts(&tasks_counters[1])); /* alone, it runs */
    OK(thread_resume(better));
    before = tasks_counters[1];
    harness_sleep(300);
    CHECK(tasks_counters[0] > 3 * (tasks_counters[1] - before));
    harness_end(better);
    CHECK(tasks_counts(&tasks_counters[1]));
    harness_end(worse);
}

static void tasks_depress(void *unused)
{
    thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1000000);
    tasks_done = 1;
}

/* A depressed thread runs when nobody else wants to; then, or when it is told, its priority is as before. */
static void tasks_depression(void)
{
    thread_t spinner = harness_start(tasks_spin, (void *)&tasks_counters[0]), thread;

    tasks_done = 0;
    thread = harness_start(tasks_depress, NULL);
    harness_sleep(500);
    IS(tasks_done, 0);
    IS(tasks_sched_info(thread).depressed, TRUE);
    OK(thread_depress_abort(thread));
    IS(tasks_sched_info(thread).depressed, FALSE);
    CHECK(harness_wait(&tasks_done));
    harness_end(thread);
    tasks_done = 0;
    thread = harness_start(tasks_depress, NULL);
    harness_sleep(500);
    IS(tasks_done, 0);
    harness_end(spinner);
    CHECK(harness_wait(&tasks_done));
    harness_end(thread);
}

static void tasks_thread_switch(void)
{
    time_value_t before, after;
    thread_t thread = harness_start_suspended(tasks_spin, (void *)&tasks_counters[0]);

    OK(thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0));
    OK(thread_switch(thread, SWITCH_OPTION_NONE, 0)); /* it cannot run: nothing happens */
    OK(thread_switch(BAD_NAME, SWITCH_OPTION_NONE, 0));
    IS(thread_switch(MACH_PORT_NULL, 17, 0), KERN_INVALID_ARGUMENT);
    OK(host_get_time(mach_host_self(), &before));
    OK(thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 300));
    OK(host_get_time(mach_host_self(), &after));
    CHECK((after.seconds - before.seconds) * 1000000 + after.microseconds - before.microseconds >= 270000);
    harness_end(thread);
}

/* ---- tasks ---- */

/* The life of a child: it counts in memory that it shares with its parent. */
static void tasks_child(void *counter)
{
    tasks_spin(counter);
}

static volatile unsigned int *tasks_shared(void)
{
    vm_address_t page = harness_allocate(PAGE);

    OK(vm_inherit(harness_self, page, PAGE, VM_INHERIT_SHARE));
    return (volatile unsigned int *)page;
}

static void tasks_run_a_child(void)
{
    volatile unsigned int *counter = tasks_shared();
    unsigned int slot = harness_prepare(tasks_child, (void *)counter);
    task_basic_info_data_t info;
    thread_t thread;
    task_t task;

    OK(task_create(harness_self, TRUE, &task));
    thread = harness_create(task, slot);
    OK(thread_resume(thread));
    CHECK(tasks_counts(counter));
    info = tasks_info(task);
    IS(info.suspend_count, 0);
    CHECK(info.virtual_size > 0 && info.resident_size > 0);
    OK(task_suspend(task));
    OK(task_suspend(task));
    CHECK(!tasks_counts(counter));
    IS(tasks_info(task).suspend_count, 2);
    OK(task_resume(task));
    CHECK(!tasks_counts(counter));
    OK(task_resume(task));
    CHECK(tasks_counts(counter));
    IS(task_resume(task), KERN_FAILURE);
    /* The task's suspension and the thread's add up. */
    OK(task_suspend(task));
    OK(thread_suspend(thread));
    OK(task_resume(task));
    CHECK(!tasks_counts(counter));
    OK(thread_resume(thread));
    CHECK(tasks_counts(counter));
    OK(task_terminate(task));
    CHECK(!tasks_counts(counter));
    IS(task_resume(task), MACH_SEND_INVALID_DEST);
    harness_release(slot);
    harness_destroy(task);
    harness_destroy(thread);
    harness_free((vm_address_t)counter, PAGE);
}

/* Tasks come and go; nothing stays. */
static void tasks_come_and_go(void)
{
    unsigned int nr_names = harness_nr_names(), good = 0;

    for (unsigned int i = 0; i < 100; i++) {
        thread_t thread;
        task_t task;

        good += task_create(harness_self, i % 2, &task) == KERN_SUCCESS && thread_create(task, &thread) == KERN_SUCCESS &&
                task_terminate(task) == KERN_SUCCESS && mach_port_deallocate(harness_self, task) == KERN_SUCCESS &&
                mach_port_deallocate(harness_self, thread) == KERN_SUCCESS;
    }
    IS(good, 100);
    IS(harness_nr_names(), nr_names);
}

static void tasks_begin_empty(void)
{
    thread_array_t list = NULL;
    mach_msg_type_number_t count = 99;
    mach_port_array_t names;
    mach_port_type_array_t types;
    mach_msg_type_number_t nr_names = 99, nr_types;
    task_basic_info_data_t info;
    task_t task;

    OK(task_create(harness_self, FALSE, &task));
    OK(task_threads(task, &list, &count));
    IS(count, 0);
    OK(mach_port_names(task, &names, &nr_names, &types, &nr_types));
    IS(nr_names, 0);
    info = tasks_info(task);
    IS(info.suspend_count, 0);
    IS(info.virtual_size, 0);
    IS(info.user_time.seconds, 0);
    OK(task_terminate(task));
    harness_destroy(task);
}

/* A task can end itself. */
static void tasks_child_ends(void *counter)
{
    *(volatile unsigned int *)counter = 1;
    task_terminate(mach_task_self());
    *(volatile unsigned int *)counter = 2;
}

static void tasks_end_themselves(void)
{
    volatile unsigned int *counter = tasks_shared();
    unsigned int slot = harness_prepare(tasks_child_ends, (void *)counter);
    thread_t thread;
    task_t task;

    OK(task_create(harness_self, TRUE, &task));
    thread = harness_create(task, slot);
    OK(thread_resume(thread));
    for (unsigned int i = 0; i < 100 && harness_type(task) != MACH_PORT_TYPE_DEAD_NAME; i++)
        harness_sleep(10);
    IS(harness_type(task), MACH_PORT_TYPE_DEAD_NAME);
    harness_sleep(50);
    IS(*counter, 1);
    harness_release(slot);
    harness_destroy(task);
    harness_destroy(thread);
    harness_free((vm_address_t)counter, PAGE);
}

/* ---- their ports ---- */

static void tasks_special_ports(void)
{
    mach_port_t port = harness_port_with_send(), other = harness_port_with_send(), name = MACH_PORT_NULL;
    task_t task, child;

    OK(task_create(harness_self, FALSE, &task));
    for (int which = TASK_EXCEPTION_PORT; which <= TASK_BOOTSTRAP_PORT; which++) {
        OK(task_set_special_port(task, which, which == TASK_EXCEPTION_PORT ? port : other));
        OK(task_get_special_port(task, which, &name));
        IS(name, which == TASK_EXCEPTION_PORT ? port : other);
        OK(mach_port_deallocate(harness_self, name));
    }
    /* Children inherit them. */
    OK(task_create(task, FALSE, &child));
    OK(task_get_special_port(child, TASK_BOOTSTRAP_PORT, &name));
    IS(name, other);
    OK(mach_port_deallocate(harness_self, name));
    OK(task_get_special_port(child, TASK_EXCEPTION_PORT, &name));
    IS(name, port);
    OK(mach_port_deallocate(harness_self, name));
    OK(task_get_special_port(child, TASK_KERNEL_PORT, &name));
    IS(name, child);
    OK(mach_port_deallocate(harness_self, name));

    OK(task_set_special_port(task, TASK_BOOTSTRAP_PORT, MACH_PORT_NULL));
    OK(task_get_special_port(task, TASK_BOOTSTRAP_PORT, &name));
    IS(name, MACH_PORT_NULL);
    IS(task_get_special_port(task, 2, &name), KERN_INVALID_ARGUMENT);
    IS(task_get_special_port(task, 99, &name), KERN_INVALID_ARGUMENT);
    IS(task_set_special_port(task, 99, port), KERN_INVALID_ARGUMENT);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 1);
    OK(task_terminate(child));
    OK(task_terminate(task));
    harness_destroy(child);
    harness_destroy(task);
    harness_destroy(port);
    harness_destroy(other);
}

static void tasks_thread_ports(void)
{
    mach_port_t port = harness_port_with_send(), name = 1;
    thread_t thread = harness_start_suspended(tasks_spin, NULL);

    OK(thread_get_special_port(thread, THREAD_EXCEPTION_PORT, &name));
    IS(name, MACH_PORT_NULL);
    OK(thread_set_special_port(thread, THREAD_EXCEPTION_PORT, port));
    OK(thread_get_special_port(thread, THREAD_EXCEPTION_PORT, &name));
    IS(name, port);
    OK(mach_port_deallocate(harness_self, name));
    OK(thread_get_special_port(thread, THREAD_KERNEL_PORT, &name));
    IS(name, thread);
    OK(mach_port_deallocate(harness_self, name));
    IS(thread_get_special_port(thread, 77, &name), KERN_INVALID_ARGUMENT);
    IS(thread_set_special_port(thread, 77, port), KERN_INVALID_ARGUMENT);
    harness_end(thread);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 1);
    harness_destroy(port);
}

/* What a task's own port is can be replaced: an interposer receives what was meant for the kernel. */
static void tasks_interpose(void)
{
    mach_port_t port = harness_port_with_send(), name = MACH_PORT_NULL;
    task_t task;

    OK(task_create(harness_self, FALSE, &task));
    OK(task_set_special_port(task, TASK_KERNEL_PORT, port));
    OK(task_get_special_port(task, TASK_KERNEL_PORT, &name));
    IS(name, port);
    OK(mach_port_deallocate(harness_self, name));
    OK(task_terminate(task)); /* the real port still is the task's */
    harness_destroy(task);
    harness_destroy(port);
}

static void tasks_registered_ports(void)
{
    enum { most = 4 };
    mach_port_t ports[most + 1], *found = NULL;
    mach_msg_type_number_t nr = 0;
    task_t task, child;

    for (unsigned int i = 0; i <= most; i++)
        ports[i] = harness_port_with_send();
    OK(task_create(harness_self, FALSE, &task));
    OK(mach_ports_register(task, ports, 2));
    OK(mach_ports_lookup(task, &found, &nr));
    IS(nr, most);
    IS(found[0], ports[0]);
    IS(found[1], ports[1]);
    IS(found[2], MACH_PORT_NULL);
    harness_free((vm_address_t)found, nr * sizeof(*found));
    OK(mach_ports_register(task, ports + 1, most));
    OK(task_create(task, FALSE, &child));
    OK(mach_ports_lookup(child, &found, &nr)); /* inherited */
    IS(nr, most);
    for (unsigned int i = 0; i < nr; i++)
        IS(found[i], ports[i + 1]);
    harness_free((vm_address_t)found, nr * sizeof(*found));
    IS(mach_ports_register(task, ports, most + 1), KERN_INVALID_ARGUMENT);
    OK(mach_ports_register(task, ports, 0));
    OK(task_terminate(child));
    OK(task_terminate(task));
    harness_destroy(child);
    harness_destroy(task);
    for (unsigned int i = 0; i <= most; i++) {
        OK(mach_port_destroy(harness_self, ports[i]));
    }
}

/* ---- what is told ---- */

static void tasks_times(void)
{
    thread_t thread;
    thread_basic_info_data_t info;
    task_thread_times_info_data_t times;
    mach_msg_type_number_t count = TASK_THREAD_TIMES_INFO_COUNT;

    thread = harness_start(tasks_spin, (void *)&tasks_counters[0]);
    harness_sleep(1000);
    OK(thread_suspend(thread));
    info = tasks_thread_info(thread);
    CHECK(info.user_time.seconds * 1000000 + info.user_time.microseconds > 500000);
    IS(info.suspend_count, 1);
    IS(info.flags & TH_FLAGS_IDLE, 0);
    OK(task_info(harness_self, TASK_THREAD_TIMES_INFO, (task_info_t)&times, &count));
    CHECK(times.user_time.seconds * 1000000 + times.user_time.microseconds > 500000);
    harness_end(thread);
}

static void tasks_events(void)
{
    task_events_info_data_t before, after;
    mach_msg_type_number_t count = TASK_EVENTS_INFO_COUNT;
    vm_address_t memory;
    mach_port_t port = harness_port_with_send();

    OK(task_info(harness_self, TASK_EVENTS_INFO, (task_info_t)&before, &count));
    memory = harness_allocate(10 * PAGE);
    for (unsigned int i = 0; i < 10; i++)
        *(volatile char *)(memory + i * PAGE) = 1;
    for (unsigned int i = 0; i < 5; i++) {
        OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 1));
        IS(harness_next_id(port), 1);
    }
    OK(task_info(harness_self, TASK_EVENTS_INFO, (task_info_t)&after, &count));
    CHECK(after.faults >= before.faults + 10);
    CHECK(after.zero_fills >= before.zero_fills + 10);
    CHECK(after.messages_sent >= before.messages_sent + 5);
    CHECK(after.messages_received >= before.messages_received + 5);
    harness_free(memory, 10 * PAGE);
    harness_destroy(port);
}

const struct harness_test harness_tests[] = {
    {"a thread can be suspended and resumed, so often", tasks_suspend_and_resume, NULL},
    {"a thread can be terminated, and its port dies", tasks_terminate_a_thread, NULL},
    {"a thread can terminate itself", tasks_terminate_itself, NULL},
    {"task_threads lists all threads", tasks_many_threads, NULL},
    {"threads that never wait share the processor", tasks_take_turns, NULL},
    {"a thread's registers are its own, and can be read", tasks_get_registers, NULL},
    {"a thread's registers can be set", tasks_set_registers, NULL},
    {"privileges in the flags are not set", tasks_set_privileges, NULL},
    {"kernel selectors cannot be set", tasks_set_selectors, NULL},
    {"thread states have flavors and sizes", tasks_state_arguments, NULL},
    {"a thread's floating point registers are its own", tasks_floats_are_each_threads_own, NULL},
    {"a receiver that is suspended loses no message", tasks_suspended_receiver, NULL},
    {"an aborted trap's result is in the thread's state", tasks_abort_a_trap, NULL},
    {"a sleeper can be aborted", tasks_abort_a_sleeper, NULL},
    {"a thread has a priority and a bound for it", tasks_priorities, NULL},
    {"a task has a priority, for its new threads or all", tasks_priority_of_a_task, NULL},
    {"a worse thread runs when nothing better can", tasks_worse_waits, NULL},
    {"a thread can depress its priority", tasks_depression, NULL},
    {"thread_switch switches, or waits", tasks_thread_switch, NULL},
    {"a child runs, is suspended, goes on and is terminated", tasks_run_a_child, NULL},
    {"a hundred tasks come and go", tasks_come_and_go, NULL},
    {"a task begins with nothing", tasks_begin_empty, NULL},
    {"a task can terminate itself", tasks_end_themselves, NULL},
    {"a task's special ports can be set, and are inherited", tasks_special_ports, NULL},
    {"a thread's special ports can be set", tasks_thread_ports, NULL},
    {"a task's kernel port can be replaced", tasks_interpose, NULL},
    {"four ports can be registered with a task, and are inherited", tasks_registered_ports, NULL},
    {"time that is used is counted", tasks_times, NULL},
    {"faults and messages are counted", tasks_events, NULL},
    {NULL, NULL, NULL},
};
