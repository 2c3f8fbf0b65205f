/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Says how it was started: its arguments, one a line, and whether the rest of its stack is as it must be.
 *
 * Arguments mean something too: task=NAME wait for the end of the task of that port, end=NAME shut the machine down by
 * the host port of that name, and both in this order.
 */
#include <mach/mach_traps.h>
#include <print.h>
#include <program.h>
#include <uthread.h>

#include "mig/mach_port_user.h"
#include "mig/mach_user.h"

#define ARGS_PATIENCE_MS 10000u
#define ARGS_POLL_MS 10u

static void args_wait(mach_port_t task)
{
    mach_port_type_t type = 0;
    char info[1024];
    mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;

    if (task_info(task, TASK_BASIC_INFO, (task_info_t)info, &count) == KERN_SUCCESS)
        printf("args: the task runs\n");
    for (unsigned int waited = 0; waited < ARGS_PATIENCE_MS; waited += ARGS_POLL_MS) {
        if (mach_port_type(uthread_task(), task, &type) != KERN_SUCCESS)
            break;
        if (type & MACH_PORT_TYPE_DEAD_NAME) {
            printf("args: the task has ended\n");
            return;
        }
        uthread_sleep(ARGS_POLL_MS);
    }
    printf("args: the task does not end; its port is of type 0x%x\n", type);
}

/* QEMU gives the whole path of the file as the program's name. */
static const char *args_name(const char *path)
{
    const char *name = path;

    for (; *path != '\0'; path++)
        if (*path == '/')
            name = path + 1;
    return name;
}

int main(int argc, char **argv)
{
    const char *name = args_name(argv[0]);
    uint32_t task, host;
    bool good = program_number(argc, argv, "task", 0, &task) && program_number(argc, argv, "end", 0, &host);

    for (int i = 0; i < argc; i++)
        printf("%s: argument %d of %d: <%s>\n", name, i, argc, i == 0 ? name : argv[i]);
    /* argv's end, then envp's. */
    printf("%s: its stack is %s\n", name,
           argv[argc] == NULL && argv[argc + 1] == NULL && ((uintptr_t)argv & 3) == 0 ? "good" : "bad");
    if (task != 0)
        args_wait((mach_port_t)task);
    if (host != 0)
        program_shut_down((mach_port_t)host, PROGRAM_POWER_OFF | PROGRAM_HALT | (good ? 0 : PROGRAM_FAILED));
    return 0;
}
