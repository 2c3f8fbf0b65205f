/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The beginning and the end of a program.
 */
#include <mach/mach_traps.h>
#include <print.h>
#include <program.h>
#include <string.h>
#include <uthread.h>

#include "mig/mach_host_user.h"
#include "mig/mach_user.h"

void program_start(uintptr_t *stack) __attribute__((noreturn));
void program_start(uintptr_t *stack)
{
    (void)main((int)stack[0], (char **)(stack + 1));
    program_end();
}

void program_end(void)
{
    for (;;)
        (void)task_terminate(uthread_task());
}

/* All of text must be digits, one at least. */
static bool program_parse(const char *text, uint32_t *value)
{
    uint32_t number = 0;

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        uint32_t digit = (uint32_t)(*text - '0');

        if (digit > 9 || number > (UINT32_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *value = number;
    return true;
}

mach_port_t program_port(int argc, char **argv, int index)
{
    uint32_t name;

    return index < argc && program_parse(argv[index], &name) ? (mach_port_t)name : MACH_PORT_NULL;
}

const char *program_option(int argc, char **argv, const char *key)
{
    size_t length = strlen(key);
    const char *found = NULL;

    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], key, length) == 0 && argv[i][length] == '=')
            found = argv[i] + length + 1;
    return found;
}

bool program_number(int argc, char **argv, const char *key, uint32_t otherwise, uint32_t *value)
{
    const char *text = program_option(argc, argv, key);

    *value = otherwise;
    return text == NULL || program_parse(text, value);
}

void program_shut_down(mach_port_t host_priv, enum program_shutdown how)
{
    kern_return_t result = host_reboot(host_priv, (int)how);

    /* GNU Mach takes PROGRAM_FAILED for "enter the debugger" and returns when it has none. */
    if (result == KERN_SUCCESS)
        result = host_reboot(host_priv, (int)(how & ~PROGRAM_FAILED));
    printf("program: the machine cannot be shut down: error %d\n", result);
    program_end();
}
