/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host: what it tells of itself, its processor and its time.
 */
#include "harness.h"

#include <mach/host_info.h>
#include <mach/processor_info.h>
#include <mach/task_info.h>
#include <mach/thread_info.h>

static void host_flavors(void)
{
    natural_t room[64];
    mach_msg_type_number_t count = ARRAY_LENGTH(room);

    IS(task_info(harness_self, 99, (task_info_t)room, &count), KERN_INVALID_ARGUMENT);
    count = 1;
    IS(task_info(harness_self, TASK_BASIC_INFO, (task_info_t)room, &count), KERN_INVALID_ARGUMENT);
    count = ARRAY_LENGTH(room);
    IS(thread_info(mach_thread_self(), 99, (thread_info_t)room, &count), KERN_INVALID_ARGUMENT);
    count = 1;
    IS(thread_info(mach_thread_self(), THREAD_BASIC_INFO, (thread_info_t)room, &count), KERN_INVALID_ARGUMENT);
    count = ARRAY_LENGTH(room);
    IS(host_info(mach_host_self(), 99, (host_info_t)room, &count), KERN_INVALID_ARGUMENT);
}

static void host_itself(void)
{
    host_basic_info_data_t basic;
    host_sched_info_data_t sched;
    mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;
    mach_port_t host = mach_host_self();

    OK(host_info(host, HOST_BASIC_INFO, (host_info_t)&basic, &count));
    IS(count, HOST_BASIC_INFO_COUNT);
    IS(basic.avail_cpus, 1);
    CHECK(basic.memory_size > 0x1000000);
    count = HOST_SCHED_INFO_COUNT;
    OK(host_info(host, HOST_SCHED_INFO, (host_info_t)&sched, &count));
    CHECK(sched.min_timeout > 0 && sched.min_quantum > 0);
    OK(mach_port_deallocate(harness_self, host));
}

static void host_processor(void)
{
    processor_array_t processors;
    processor_basic_info_data_t info;
    mach_msg_type_number_t nr = 0, count = PROCESSOR_BASIC_INFO_COUNT;
    mach_port_t host = MACH_PORT_NULL;

    OK(host_processors(harness_host_priv, &processors, &nr));
    IS(nr, 1);
    OK(processor_info(processors[0], PROCESSOR_BASIC_INFO, &host, (processor_info_t)&info, &count));
    IS(info.running, TRUE);
    IS(info.is_master, TRUE);
    IS(info.slot_num, 0);
    OK(mach_port_deallocate(harness_self, processors[0]));
    OK(mach_port_deallocate(harness_self, host));
    harness_free((vm_address_t)processors, nr * sizeof(*processors));
}

static void host_processor_set(void)
{
    processor_set_name_t name = MACH_PORT_NULL;
    processor_set_t set = MACH_PORT_NULL;
    task_array_t tasks;
    mach_msg_type_number_t nr = 0;
    unsigned int found = 0;
    mach_port_t host = mach_host_self();

    OK(processor_set_default(host, &name));
    OK(host_processor_set_priv(harness_host_priv, name, &set));
    OK(processor_set_tasks(set, &tasks, &nr));
    for (unsigned int i = 0; i < nr; i++) {
        found += tasks[i] == harness_self;
        if (MACH_PORT_VALID(tasks[i]))
            OK(mach_port_deallocate(harness_self, tasks[i]));
    }
    IS(found, 1);
    harness_free((vm_address_t)tasks, nr * sizeof(*tasks));
    CHECK(host_processor_set_priv(host, name, &set) != KERN_SUCCESS); /* not with the unprivileged host */
    OK(mach_port_deallocate(harness_self, host));
}

static void host_clock(void)
{
    time_value_t first, second;
    mach_port_t host = mach_host_self();

    OK(host_get_time(host, &first));
    harness_sleep(50);
    OK(host_get_time(host, &second));
    CHECK(second.seconds > first.seconds || (second.seconds == first.seconds && second.microseconds > first.microseconds));
    CHECK(first.microseconds >= 0 && first.microseconds < 1000000);
    CHECK(first.seconds > 1600000000); /* the machine has a clock */
    CHECK(host_set_time(host, first) != KERN_SUCCESS);
    OK(mach_port_deallocate(harness_self, host));
}

/* The longest reply that there is. */
static void host_boot_line(void)
{
    static kernel_boot_info_t line;
    mach_port_t host = mach_host_self();
    unsigned int length = 0;

    line[KERNEL_BOOT_INFO_MAX - 1] = 1;
    OK(host_get_boot_info(harness_host_priv, line));
    while (length < KERNEL_BOOT_INFO_MAX && line[length] != 0)
        length++;
    CHECK(length < KERNEL_BOOT_INFO_MAX);
    CHECK(host_get_boot_info(host, line) != KERN_SUCCESS);
    OK(mach_port_deallocate(harness_self, host));
}

const struct harness_test harness_tests[] = {
    {"what has no such flavor, or no room, is refused", host_flavors, NULL},
    {"the host tells of itself", host_itself, NULL},
    {"there is a processor, and it runs", host_processor, NULL},
    {"the processor set has this task", host_processor_set, NULL},
    {"the boot loader's line can be had", host_boot_line, NULL},
    {"the time goes on", host_clock, NULL},
    {NULL, NULL, NULL},
};
