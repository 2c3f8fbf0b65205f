/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzing traps: a script of a number and eleven words each, marks replaced. */
#include "fuzz.h"
#include "prog.h"

#define FUZZ_TRAPS_MAX 24u
#define FUZZ_TRAP_ARGUMENTS 11u

const char fuzz_target[] = "trap";

static void fuzz_trap_program(uint32_t argument)
{
    uint32_t arguments[FUZZ_TRAP_ARGUMENTS];

    (void)argument;
    fuzz_prepare();
    for (uint32_t i = 0; i < FUZZ_TRAPS_MAX && fuzz_more(); i++) {
        int number = -(int)fuzz_byte();
        uint32_t given = fuzz_byte();

        for (uint32_t a = 0; a < FUZZ_TRAP_ARGUMENTS; a++)
            arguments[a] = a < given ? fuzz_marked_word() : 0;
        (void)sim_trap(number, FUZZ_TRAP_ARGUMENTS, arguments);
    }
    prog_exit();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_run(fuzz_trap_program, data, size);
    return 0;
}
