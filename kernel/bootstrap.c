/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/bootstrap.h"

#include "ipc/ipc_port.h"
#include "kernel/boot_info.h"
#include "kernel/boot_script.h"
#include "kernel/elf.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/options.h"
#include "kernel/printf.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/task_life.h"
#include "kernel/thread.h"
#include "kernel/thread_life.h"
#include "vm/vm_map.h"

/* Below the end of user addresses; zero-filled as it is used, so generous. */
#define BOOTSTRAP_STACK_SIZE (1u << 20)

static struct ipc_port *bootstrap_device_port;

/* The device master port: the device layer's requests arrive there. */
static struct ipc_port *bootstrap_master_device(void)
{
    if (bootstrap_device_port == NULL) {
        bootstrap_device_port = ipc_port_alloc_kernel();
        if (bootstrap_device_port == NULL)
            boot_fail("no memory for the device port");
        ipc_kobject_set(bootstrap_device_port, NULL, IKOT_MASTER_DEVICE);
    }
    return ipc_port_make_send(bootstrap_device_port);
}

static void bootstrap_variables(void)
{
    unsigned int i;

    for (i = 0; i < options.nr_variables; i++)
        boot_script_set_string(options.variables[i].name, options.variables[i].value);
    boot_script_set_string("kernel-command-line", options.line);
    boot_script_set_string("boot-args", options.boot_args);
    if (options_get("root") != NULL)
        boot_script_set_string("root-device", options_get("root"));
    boot_script_set_port("host-port", host_priv_port());
    boot_script_set_port("device-port", bootstrap_master_device());
    task_ref(kernel_task);
    boot_script_set_port("kernel-task", convert_task_to_port(kernel_task));
}

/* ---- the stack of a new program: argc, argv[], NULL, envp[] (empty), NULL, then the strings ---- */

static uintptr_t bootstrap_arguments(const struct boot_script_line *line)
{
    struct vm_map *map = line->task->map;
    uintptr_t strings = (MACHINE_USER_END - line->used) & ~15u;
    uint32_t words[BOOT_SCRIPT_WORDS + 4], count = 0;
    unsigned int i;

    words[count++] = line->nr_words;
    for (i = 0; i < line->nr_words; i++)
        words[count++] = strings + (uint32_t)(line->words[i] - line->text);
    words[count++] = 0;
    words[count++] = 0;
    uintptr_t sp = (strings - count * sizeof(uint32_t)) & ~15u;
    if (vm_map_write(map, strings, line->text, (uint32_t)line->used) != KERN_SUCCESS ||
        vm_map_write(map, sp, words, count * (uint32_t)sizeof(uint32_t)) != KERN_SUCCESS)
        boot_fail("%s: no memory for its arguments", line->name);
    return sp;
}

static void bootstrap_load(struct boot_script_line *line)
{
    struct vm_map *map = line->task->map;
    struct vm_map_request stack = {
        .address = MACHINE_USER_END - BOOTSTRAP_STACK_SIZE,
        .size = BOOTSTRAP_STACK_SIZE,
        .protection = VM_PROT_READ | VM_PROT_WRITE,
        .max_protection = VM_PROT_ALL,
        .inheritance = VM_INHERIT_COPY,
    };
    struct thread *thread;
    uintptr_t entry;

    boot_script_expand(line);
    const char *error = elf_load(line->module, map, &entry);
    if (error == NULL && !elf_has_memory())
        error = "does not fit into memory";
    if (error != NULL)
        boot_fail("%s %s", line->name, error);
    if (vm_map_enter(map, &stack) != KERN_SUCCESS)
        boot_fail("%s: no room for its stack", line->name);
    uintptr_t sp = bootstrap_arguments(line);
    if (thread_create_in(line->task, &thread) != KERN_SUCCESS)
        boot_fail("%s: no memory for its thread", line->name);
    machine_user_state_init(thread, entry, sp);
    /* The task itself is held until its line resumes it. */
    if (task_hold(line->task) != KERN_SUCCESS || thread_release(thread, THREAD_HOLD_USER) != KERN_SUCCESS)
        boot_fail("%s: its thread cannot be started", line->name);
    thread_unref(thread);
}

static void bootstrap_resume(const struct boot_script_line *line)
{
    if (line->resume == BOOT_SCRIPT_LEAVE)
        return;
    if (line->resume == BOOT_SCRIPT_PROMPT_RESUME)
        kprintf("%s: starting\n", line->name);
    (void)task_release(line->task);
}

static void bootstrap_main(void *argument)
{
    unsigned int nr = boot_info.nr_modules, i;
    struct boot_script_line *lines = kmem_alloc(nr * sizeof(*lines), ALLOC_SLEEP);

    (void)argument;
    if (lines == NULL)
        boot_fail("no memory for %u modules", nr);
    bootstrap_variables();
    for (i = 0; i < nr; i++)
        boot_script_parse(&lines[i], &boot_info.modules[i]);
    for (i = 0; i < nr; i++) {
        bootstrap_load(&lines[i]);
        boot_module_release(&boot_info.modules[i]);
    }
    boot_script_done();
    for (i = 0; i < nr; i++) {
        bootstrap_resume(&lines[i]);
        boot_script_line_done(&lines[i]);
    }
    kmem_free(lines, nr * sizeof(*lines));
    thread_exit();
}

void bootstrap_init(void)
{
    if (boot_info.nr_modules == 0)
        boot_fail("no module: there is no program to run");
    (void)kernel_thread_create("bootstrap", bootstrap_main, NULL, THREAD_PRIORITY_SYSTEM);
}
