/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzing traps: a script of a number and eleven words each, marks replaced. */
#include "fuzz.h"
#include "prog.h"

#define FUZZ_TRAPS_MAX 24u
#define FUZZ_TRAP_ARGUMENTS 11u

/* Those that answer with a name, with a boolean, or, when they succeed, not at all: the program begins anew. */
#define FUZZ_TRAP_REPLY_PORT 26u
#define FUZZ_TRAP_HOST_SELF 29u
#define FUZZ_TRAP_SWTCH_PRI 59u
#define FUZZ_TRAP_SWTCH 60u
#define FUZZ_TRAP_SET_SELF_STATE 77u
/* No trap: another thread goes on with the script too. */
#define FUZZ_TRAP_START 255u

const char fuzz_target[] = "trap";

/* The program's state is being set. */
static bool fuzz_setting_state;

static bool fuzz_is_success(uint32_t number, uint32_t result)
{
    if (number >= FUZZ_TRAP_REPLY_PORT && number <= FUZZ_TRAP_HOST_SELF)
        return result != MACH_PORT_NULL;
    return number == FUZZ_TRAP_SWTCH_PRI || number == FUZZ_TRAP_SWTCH || result == KERN_SUCCESS;
}

void fuzz_program(uint32_t argument)
{
    uint32_t arguments[FUZZ_TRAP_ARGUMENTS];

    (void)argument;
    if (fuzz_setting_state)
        fuzz_called(FUZZ_TRAP_SET_SELF_STATE, FUZZ_SUCCESS);
    fuzz_setting_state = false;
    fuzz_prepare();
    for (uint32_t i = 0; i < FUZZ_TRAPS_MAX && fuzz_more(); i++) {
        uint32_t number = fuzz_byte(), given = fuzz_byte();

        if (number == FUZZ_TRAP_START) {
            fuzz_start_thread();
            continue;
        }
        for (uint32_t a = 0; a < FUZZ_TRAP_ARGUMENTS; a++)
            arguments[a] = a < given ? fuzz_marked_word() : 0;
        fuzz_setting_state = number == FUZZ_TRAP_SET_SELF_STATE;
        uint32_t result = sim_trap(-(int)number, FUZZ_TRAP_ARGUMENTS, arguments);
        fuzz_setting_state = false;
        fuzz_called(number, fuzz_is_success(number, result) ? FUZZ_SUCCESS : FUZZ_FAILURE);
    }
    fuzz_exit();
}
