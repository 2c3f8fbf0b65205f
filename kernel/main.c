/* SPDX-License-Identifier: BSD-2-Clause */
/* From a machine that works to a kernel that runs threads. */
#include "ipc/mach_msg.h"
#include "kernel/boot_info.h"
#include "kernel/bootstrap.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/options.h"
#include "kernel/printf.h"
#include "kernel/reaper.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/test_hook.h"
#include "kernel/thread.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_pageout.h"

/* Memory and the objects made of it. Nothing here waits: there are no threads yet. */
static void kernel_main_memory(void)
{
    kmem_init();
    vm_page_init();
    vm_object_init();
    vm_map_init();
}

void kernel_main(void)
{
    kprintf("Machair " MACHAIR_VERSION ", %u KiB free\n", vm_frame_nr_free() * (PAGE_SIZE / 1024));
    if (strlen(boot_info.command_line) == BOOT_STRING_MAX - 1)
        boot_fail("the command line is too long: %u characters are the most", BOOT_STRING_MAX - 2);
    if (options.bad != NULL)
        boot_fail("unknown option: %s", options.bad);
    kernel_main_memory();
    ipc_init();
    ipc_kobject_init();
    sched_init();
    thread_init();
    task_init();
    ipc_host_init();
    reaper_init();
    vm_pageout_init();
    if (options.test == NULL)
        bootstrap_init();
    else if (test_start != NULL)
        test_start(options.test);
    else
        boot_fail("test=%s: this image has no tests, machair-test has", options.test);
    sched_start();
}
