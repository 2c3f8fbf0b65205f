/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls on the host: what it is, its time, its end.
 */
#include <mach/mach_types.h>

#include "kernel/boot_info.h"
#include "kernel/clock.h"
#include "kernel/ipc_kobject.h"
#include "kernel/machine.h"
#include "kernel/options.h"
#include "kernel/printf.h"
#include "kernel/processor.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "vm/vm_frame.h"

#include "mig/mach_host_server.h"

/*
 * host_reboot's options; Mach's. The last is an addition. There is no debugger to enter: who asks for one has met something
 * that must not be, so the machine ends with a failure for a verdict.
 */
#define HOST_REBOOT_HALT 0x8
#define HOST_REBOOT_DEBUGGER 0x1000
#define HOST_REBOOT_POWER_OFF 0x4000

/* ---- what it is ---- */

static void host_version(char version[KERNEL_VERSION_MAX])
{
    memset(version, 0, KERNEL_VERSION_MAX);
    (void)ksnprintf(version, KERNEL_VERSION_MAX, "Machair %s", MACHAIR_VERSION);
}

kern_return_t host_kernel_version(host_t host, kernel_version_t kernel_version)
{
    if (host == NULL)
        return KERN_INVALID_ARGUMENT;
    host_version(kernel_version);
    return KERN_SUCCESS;
}

kern_return_t host_get_kernel_version(host_t host, kernel_version_t kernel_version)
{
    return host_kernel_version(host, kernel_version);
}

kern_return_t host_get_boot_info(host_t host_priv, kernel_boot_info_t info)
{
    if (host_priv == NULL)
        return KERN_INVALID_ARGUMENT;
    memset(info, 0, KERNEL_BOOT_INFO_MAX);
    (void)ksnprintf(info, KERNEL_BOOT_INFO_MAX, "%s", boot_info.command_line);
    return KERN_SUCCESS;
}

/* Bytes of memory that the kernel manages, cut to what a word holds. */
static uint32_t host_memory_size(void)
{
    unsigned int frames = vm_frame_count(VM_FRAME_FREE) + vm_frame_count(VM_FRAME_KERNEL) + vm_frame_count(VM_FRAME_OBJECT);

    return MIN(frames, UINT32_MAX >> PAGE_SHIFT) << PAGE_SHIFT;
}

static void host_basic_info_get(struct host_basic_info *info)
{
    info->max_cpus = 1;
    info->avail_cpus = 1;
    info->memory_size = host_memory_size();
    machine_cpu_kind(&info->cpu_type, &info->cpu_subtype);
}

kern_return_t host_info(host_t host, int flavor, host_info_t info, mach_msg_type_number_t *infoCnt)
{
    static const struct {
        int flavor;
        mach_msg_type_number_t count;
    } flavors[] = {
        {HOST_BASIC_INFO, HOST_BASIC_INFO_COUNT},
        {HOST_PROCESSOR_SLOTS, 1},
        {HOST_SCHED_INFO, HOST_SCHED_INFO_COUNT},
        {HOST_LOAD_INFO, HOST_LOAD_INFO_COUNT},
    };
    struct host_sched_info *sched = (struct host_sched_info *)info;
    unsigned int i = 0;

    if (host == NULL)
        return KERN_INVALID_ARGUMENT;
    while (i < ARRAY_LENGTH(flavors) && flavors[i].flavor != flavor)
        i++;
    if (i == ARRAY_LENGTH(flavors))
        return KERN_INVALID_ARGUMENT;
    if (*infoCnt < flavors[i].count)
        return KERN_FAILURE;
    switch (flavor) {
    case HOST_BASIC_INFO:
        host_basic_info_get((struct host_basic_info *)info);
        break;
    case HOST_PROCESSOR_SLOTS:
        info[0] = 0;
        break;
    case HOST_SCHED_INFO:
        sched->min_timeout = 1000 / MACHINE_HZ;
        sched->min_quantum = SCHED_QUANTUM_MS;
        break;
    default:
        processor_load_get((struct host_load_info *)info);
        break;
    }
    *infoCnt = flavors[i].count;
    return KERN_SUCCESS;
}

/* ---- its time ---- */

kern_return_t host_get_time(host_t host, time_value_t *current_time)
{
    if (host == NULL)
        return KERN_INVALID_ARGUMENT;
    *current_time = clock_get_time();
    return KERN_SUCCESS;
}

kern_return_t host_get_time64(host_t host, time_value64_t *current_time)
{
    if (host == NULL)
        return KERN_INVALID_ARGUMENT;
    *current_time = clock_time64_of_ns(clock_time_ns());
    return KERN_SUCCESS;
}

kern_return_t host_get_uptime64(host_t host, time_value64_t *uptime)
{
    if (host == NULL)
        return KERN_INVALID_ARGUMENT;
    *uptime = clock_time64_of_ns((int64_t)machine_time_ns());
    return KERN_SUCCESS;
}

kern_return_t host_set_time(host_t host_priv, time_value_t new_time)
{
    int64_t ns;

    if (host_priv == NULL)
        return KERN_INVALID_HOST;
    return clock_ns_of_time(new_time, &ns) ? clock_set_time_ns(ns) : KERN_INVALID_VALUE;
}

kern_return_t host_set_time64(host_t host_priv, time_value64_t new_time)
{
    int64_t ns;

    if (host_priv == NULL)
        return KERN_INVALID_HOST;
    return clock_ns_of_time64(new_time, &ns) ? clock_set_time_ns(ns) : KERN_INVALID_VALUE;
}

/* Either part may be negative. The microseconds may be any number: both parts are added. */
kern_return_t host_adjust_time(host_t host_priv, time_value_t new_adjustment, time_value_t *old_adjustment)
{
    int64_t old, ns;

    if (host_priv == NULL)
        return KERN_INVALID_HOST;
    ns = (int64_t)new_adjustment.seconds * CLOCK_NS_PER_SECOND + (int64_t)new_adjustment.microseconds * CLOCK_NS_PER_US;
    clock_adjust(&ns, &old);
    *old_adjustment = clock_time_of_ns(old);
    return KERN_SUCCESS;
}

/* A part that no adjustment could have is left out; with both left out, the call only asks. */
kern_return_t host_adjust_time64(host_t host_priv, time_value64_t new_adjustment, time_value64_t *old_adjustment)
{
    int64_t old, ns = 0;
    bool has_seconds, has_ns;

    if (host_priv == NULL)
        return KERN_INVALID_HOST;
    has_seconds = new_adjustment.seconds >= -(int64_t)UINT32_MAX && new_adjustment.seconds <= (int64_t)UINT32_MAX;
    has_ns = new_adjustment.nanoseconds > -TIME_NANOS_MAX && new_adjustment.nanoseconds < TIME_NANOS_MAX;
    if (has_seconds)
        ns = new_adjustment.seconds * CLOCK_NS_PER_SECOND;
    if (has_ns)
        ns += new_adjustment.nanoseconds;
    clock_adjust(has_seconds || has_ns ? &ns : NULL, &old);
    *old_adjustment = clock_time64_of_ns(old);
    return KERN_SUCCESS;
}

/* ---- its end ---- */

kern_return_t host_reboot(host_t host_priv, int options_wanted)
{
    if (host_priv == NULL)
        return KERN_INVALID_HOST;
    bool success = (options_wanted & HOST_REBOOT_DEBUGGER) == 0;

    if ((options_wanted & HOST_REBOOT_POWER_OFF) != 0)
        machine_end(MACHINE_POWER_OFF, success);
    machine_end((options_wanted & HOST_REBOOT_HALT) != 0 ? MACHINE_HALT : MACHINE_REBOOT, success);
}
