/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions: a thread does what it must not, and the message that comes says what. A thread of ours runs each of the cases;
 * its exceptions come to a port of the test's, which puts it on its feet again.
 */
#include "harness.h"

struct exception_message {
    mach_msg_header_t head;
    mach_msg_type_t thread_type;
    mach_port_t thread;
    mach_msg_type_t task_type;
    mach_port_t task;
    mach_msg_type_t exception_type;
    integer_t exception;
    mach_msg_type_t code_type;
    integer_t code;
    mach_msg_type_t subcode_type;
    integer_t subcode;
    uint32_t room[16];
};

static struct exception_message exceptions_in;

/*
 * Each case is code at a label, ended by a label of its own: the first instruction that faults is at exceptions_NAME_at.
 * All begin with %esp and %ebx as a caller has them; the test sends the thread on at exceptions_resume.
 */
#define CODE(name, before, instruction) \
    ".globl exceptions_" name ", exceptions_" name "_at\n" \
    "exceptions_" name ": " before "\nexceptions_" name "_at: " instruction "\n jmp exceptions_survived\n"
asm(CODE("read_null", "xorl %ecx, %ecx", "movl (%ecx), %eax")                                       //
    CODE("write_null", "xorl %ecx, %ecx", "movl %eax, 8(%ecx)")                                     //
    CODE("read_kernel", "movl $0xc0100000, %ecx", "movl (%ecx), %eax")                              //
    CODE("write_kernel", "movl $0xfffffffc, %ecx", "movl %eax, (%ecx)")                             //
    CODE("write_code", "movl $exceptions_resume, %ecx", "movl %eax, (%ecx)")                        //
    CODE("divide", "xorl %ecx, %ecx\n xorl %edx, %edx\n movl $1, %eax", "divl %ecx")                //
    CODE("quotient", "movl $-1, %ecx\n movl $0x80000000, %eax\n cltd", "idivl %ecx")                //
    CODE("undefined", "", ".byte 0x0f, 0x0b")                                                       //
    CODE("breakpoint", "", "int3")                                                                  //
    CODE("overflow", "movl $0x7fffffff, %eax\n addl $1, %eax", "into")                              //
    CODE("bound", "movl $9, %eax", "bound %eax, exceptions_bounds")                                 //
    CODE("halt", "", "hlt")                                                                         //
    CODE("cli", "", "cli")                                                                          //
    CODE("port_in", "movw $0x60, %dx", "inb %dx, %al")                                              //
    CODE("port_out", "movw $0xf4, %dx", "outb %al, %dx")                                            //
    CODE("control", "", "movl %cr0, %eax")                                                          //
    CODE("control_write", "", "movl %eax, %cr3")                                                    //
    CODE("gdt", "", "lgdt exceptions_bounds")                                                       //
    CODE("flush", "", "invlpg exceptions_bounds")                                                   //
    CODE("interrupt", "", "int $0x20")                                                              //
    CODE("page_fault_gate", "", "int $14")                                                          //
    CODE("selector", "movl $0xfff8, %eax", "movw %ax, %es")                                         //
    CODE("kernel_selector", "movl $8, %eax", "movw %ax, %ds")                                       //
    CODE("far_call", "", "lcall $0x3f8, $0")                                                        //
    CODE("trap_number", "movl $-1000, %eax", "lcall $7, $0")                                        //
    CODE("trap_positive", "movl $12345, %eax", "lcall $7, $0")                                      //
    CODE("jump_null", "xorl %eax, %eax", "jmp *%eax")                                               //
    CODE("jump_kernel", "movl $0xc0100000, %eax", "jmp *%eax")                                      //
    CODE("jump_end", "movl $0xfffffff0, %eax", "jmp *%eax")                                         //
    CODE("push", "movl $16, %esp", "pushl %eax")                                                    //
    CODE("push_kernel", "movl $0xc0000010, %esp", "pushl %eax")                                     //
    CODE("trap_stack", "movl $-25, %eax\n movl $16, %esp", "lcall $7, $0")                          //
    CODE("trap_stack_kernel", "movl $-25, %eax\n movl $0xc0100000, %esp", "lcall $7, $0")           //
    ".globl exceptions_survived, exceptions_resume\n"
    "exceptions_survived: int3\n"
    "exceptions_resume: jmp exceptions_resumed\n"
    ".balign 8\nexceptions_bounds: .long 1, 5\n");
extern const char exceptions_survived[], exceptions_resume[];
extern const char exceptions_halt[];

void exceptions_resumed(void) __attribute__((noreturn));

/* What the runner does, and how far it came. */
static const char *volatile exceptions_code;
static volatile int exceptions_nr_resumed;
static const char *volatile exceptions_next;

static void exceptions_run(void *argument)
{
    const char *code = exceptions_code;

    asm volatile("jmp *%0" : : "r"(code));
}

/* Where the test sends the thread; it ends there. */
void exceptions_resumed(void)
{
    exceptions_nr_resumed++;
    for (;;)
        thread_suspend(mach_thread_self());
}

static void exceptions_reply(kern_return_t code)
{
    mig_reply_header_t reply = {
        .Head = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0),
                 .msgh_size = sizeof(reply),
                 .msgh_remote_port = exceptions_in.head.msgh_remote_port,
                 .msgh_id = 2500},
        .RetCodeType = harness_type_inline(MACH_MSG_TYPE_INTEGER_32, 32, 1),
        .RetCode = code,
    };

    OK(mach_msg(&reply.Head, MACH_SEND_MSG, sizeof(reply), 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
}

static boolean_t exceptions_receive(mach_port_t port)
{
    memset(&exceptions_in, 0, sizeof(exceptions_in));
    return IS(mach_msg(&exceptions_in.head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(exceptions_in), port, 5000,
                       MACH_PORT_NULL),
              MACH_MSG_SUCCESS);
}

static void exceptions_drop_rights(void)
{
    if (MACH_PORT_VALID(exceptions_in.thread))
        OK(mach_port_deallocate(harness_self, exceptions_in.thread));
    if (MACH_PORT_VALID(exceptions_in.task))
        OK(mach_port_deallocate(harness_self, exceptions_in.task));
}

static struct i386_thread_state exceptions_state(thread_t thread)
{
    struct i386_thread_state state = {0};
    mach_msg_type_number_t count = i386_THREAD_STATE_COUNT;

    OK(thread_get_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, &count));
    IS(count, i386_THREAD_STATE_COUNT);
    return state;
}

/* Lets the thread go on at exceptions_resume, with the stack that it had. */
static void exceptions_go_on(thread_t thread, unsigned int stack)
{
    struct i386_thread_state state = exceptions_state(thread);

    state.eip = (uintptr_t)exceptions_resume;
    state.uesp = stack;
    state.efl &= ~0x100u;
    state.es = state.ds = state.ss;
    OK(thread_set_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT));
}

struct exceptions_case {
    const char *name;
    const char *code, *at; /* where it begins, and the instruction that is to blame */
    int exception, eip_code, subcode;
};

#define ANY 0x5a5a5a5a /* whatever the kernel says */

/* Runs one case on a thread whose exceptions come to port, and checks what comes. */
static void exceptions_check(const struct exceptions_case *one, mach_port_t port)
{
    struct i386_thread_state state;
    unsigned int stack;
    thread_t thread;

    exceptions_code = one->code;
    exceptions_nr_resumed = 0;
    thread = harness_start_suspended(exceptions_run, NULL);
    OK(thread_set_special_port(thread, THREAD_EXCEPTION_PORT, port));
    stack = exceptions_state(thread).uesp;
    OK(thread_resume(thread));
    if (exceptions_receive(port)) {
        boolean_t good = IS(exceptions_in.head.msgh_id, 2400);

        good &= IS(exceptions_in.thread, thread);
        good &= IS(exceptions_in.task, harness_self);
        good &= IS(exceptions_in.exception, one->exception);
        if (one->eip_code != ANY)
            good &= IS(exceptions_in.code, one->eip_code);
        if (one->subcode != ANY)
            good &= IS(exceptions_in.subcode, one->subcode);
        state = exceptions_state(thread);
        good &= IS(state.eip, one->at);
        if (!good)
            harness_note("that was \"%s\"; exception %d, code %d, subcode 0x%x, eip 0x%x", one->name,
                         exceptions_in.exception, exceptions_in.code, exceptions_in.subcode, state.eip);
        exceptions_go_on(thread, stack);
        exceptions_reply(KERN_SUCCESS);
        exceptions_drop_rights();
        CHECK(harness_wait(&exceptions_nr_resumed));
    }
    harness_end(thread);
}

static void exceptions_check_all(const struct exceptions_case *cases, unsigned int nr)
{
    mach_port_t port = harness_port_with_send();

    for (unsigned int i = 0; i < nr; i++)
        exceptions_check(&cases[i], port);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 1);
    harness_destroy(port);
}

#define CASE(label, exception, code, subcode) {#label, exceptions_##label, exceptions_##label##_at, exception, code, subcode}
#define LABELS(label) extern const char exceptions_##label[], exceptions_##label##_at[]
LABELS(read_null);
LABELS(write_null);
LABELS(read_kernel);
LABELS(write_kernel);
LABELS(write_code);
LABELS(divide);
LABELS(quotient);
LABELS(undefined);
LABELS(breakpoint);
LABELS(overflow);
LABELS(bound);
LABELS(cli);
LABELS(port_in);
LABELS(port_out);
LABELS(control);
LABELS(control_write);
LABELS(gdt);
LABELS(flush);
LABELS(interrupt);
LABELS(page_fault_gate);
LABELS(selector);
LABELS(kernel_selector);
LABELS(far_call);
LABELS(trap_number);
LABELS(trap_positive);
LABELS(push);
LABELS(push_kernel);
LABELS(trap_stack);
LABELS(trap_stack_kernel);
extern const char exceptions_halt_at[];
extern const char exceptions_jump_null[], exceptions_jump_kernel[], exceptions_jump_end[];

static void exceptions_bad_access(void)
{
    static const struct exceptions_case cases[] = {
        CASE(read_null, EXC_BAD_ACCESS, KERN_INVALID_ADDRESS, 0),
        CASE(write_null, EXC_BAD_ACCESS, KERN_INVALID_ADDRESS, 8),
        CASE(write_code, EXC_BAD_ACCESS, KERN_PROTECTION_FAILURE, (int)(uintptr_t)exceptions_resume),
        CASE(push, EXC_BAD_ACCESS, KERN_INVALID_ADDRESS, 12),
    };

    exceptions_check_all(cases, ARRAY_LENGTH(cases));
}

static void exceptions_kernel_access(void)
{
    static const struct exceptions_case cases[] = {
        CASE(read_kernel, EXC_BAD_ACCESS, ANY, ANY),
        CASE(write_kernel, EXC_BAD_ACCESS, ANY, ANY),
        CASE(push_kernel, EXC_BAD_ACCESS, ANY, ANY),
    };

    exceptions_check_all(cases, ARRAY_LENGTH(cases));
}

static void exceptions_jumps(void)
{
    static const struct exceptions_case cases[] = {
        {"to 0", exceptions_jump_null, NULL, EXC_BAD_ACCESS, KERN_INVALID_ADDRESS, 0},
    };

    exceptions_check_all(cases, ARRAY_LENGTH(cases));
}

static void exceptions_jumps_to_kernel(void)
{
    static const struct exceptions_case cases[] = {
        {"to the kernel", exceptions_jump_kernel, (const char *)0xc0100000, EXC_BAD_ACCESS, ANY, ANY},
        {"to the end", exceptions_jump_end, (const char *)0xfffffff0, EXC_BAD_ACCESS, ANY, ANY},
    };

    exceptions_check_all(cases, ARRAY_LENGTH(cases));
}

static void exceptions_arithmetic(void)
{
    static const struct exceptions_case cases[] = {
        CASE(divide, EXC_ARITHMETIC, EXC_I386_DIV, 0),
        CASE(quotient, EXC_ARITHMETIC, EXC_I386_DIV, 0),
        CASE(bound, EXC_SOFTWARE, EXC_I386_BOUND, 0),
        {"overflow", exceptions_overflow, exceptions_overflow_at + 1, EXC_ARITHMETIC, EXC_I386_INTO, 0},
    };

    exceptions_check_all(cases, ARRAY_LENGTH(cases));
}

static void exceptions_instructions(void)
{
    static const struct exceptions_case cases[] = {
        CASE(undefined, EXC_BAD_INSTRUCTION, EXC_I386_INVOP, 0),
        CASE(halt, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0),
        CASE(cli, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0),
        CASE(port_in, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0),
        CASE(port_out, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0),
        CASE(control, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0),
        CASE(control_write, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0),
        CASE(gdt, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0),
        CASE(flush, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0),
        CASE(interrupt, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0x20 * 8 + 2),
        CASE(page_fault_gate, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 14 * 8 + 2),
        CASE(selector, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0xfff8),
        CASE(kernel_selector, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 8),
        CASE(far_call, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0x3f8),
    };

    exceptions_check_all(cases, ARRAY_LENGTH(cases));
}

static void exceptions_breakpoints(void)
{
    static const struct exceptions_case cases[] = {
        {"breakpoint", exceptions_breakpoint, exceptions_breakpoint_at + 1, EXC_BREAKPOINT, EXC_I386_BPT, 0},
    };

    exceptions_check_all(cases, ARRAY_LENGTH(cases));
}

/* The instruction that enters the kernel is done, so these are told behind it. */
#define TRAP_CASE(label, exception, code, subcode) \
    {#label, exceptions_##label, exceptions_##label##_at + 7, exception, code, subcode}

static void exceptions_traps(void)
{
    static const struct exceptions_case cases[] = {
        TRAP_CASE(trap_number, EXC_BAD_INSTRUCTION, ANY, ANY),
        TRAP_CASE(trap_positive, EXC_BAD_INSTRUCTION, ANY, ANY),
        TRAP_CASE(trap_stack, EXC_BAD_ACCESS, KERN_INVALID_ADDRESS, ANY),
    };

    exceptions_check_all(cases, ARRAY_LENGTH(cases));
}

static void exceptions_trap_from_kernel_stack(void)
{
    static const struct exceptions_case cases[] = {
        TRAP_CASE(trap_stack_kernel, EXC_BAD_ACCESS, KERN_INVALID_ADDRESS, ANY),
    };

    exceptions_check_all(cases, ARRAY_LENGTH(cases));
}

/* ---- single steps ---- */

static void exceptions_single_step(void)
{
    mach_port_t port = harness_port_with_send();
    struct i386_thread_state state;
    unsigned int stack, eip = (uintptr_t)exceptions_bound; /* a mov of five bytes */
    thread_t thread;

    exceptions_nr_resumed = 0;
    thread = harness_start_suspended(exceptions_run, NULL);
    OK(thread_set_special_port(thread, THREAD_EXCEPTION_PORT, port));
    state = exceptions_state(thread);
    stack = state.uesp;
    state.eip = eip;
    state.efl |= 0x100;
    OK(thread_set_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT));
    OK(thread_resume(thread));
    if (exceptions_receive(port)) {
        IS(exceptions_in.exception, EXC_BREAKPOINT);
        IS(exceptions_in.code, EXC_I386_SGL);
        state = exceptions_state(thread);
        IS(state.eip, eip + 5);
        IS(state.eax, 9);
        exceptions_go_on(thread, stack);
        exceptions_reply(KERN_SUCCESS);
        exceptions_drop_rights();
        CHECK(harness_wait(&exceptions_nr_resumed));
    }
    harness_end(thread);
    harness_destroy(port);
}

/* ---- who is told ---- */

/* A thread without a port of its own, and one whose own handler refuses: the task's is told. */
static void exceptions_go_to_the_task(void)
{
    mach_port_t port = harness_port_with_send(), task_port = harness_port_with_send(), old = MACH_PORT_NULL;
    unsigned int stack;
    thread_t thread;

    OK(task_get_special_port(harness_self, TASK_EXCEPTION_PORT, &old));
    OK(task_set_special_port(harness_self, TASK_EXCEPTION_PORT, task_port));
    for (unsigned int has_own = 0; has_own < 2; has_own++) {
        exceptions_code = exceptions_undefined;
        exceptions_nr_resumed = 0;
        thread = harness_start_suspended(exceptions_run, NULL);
        stack = exceptions_state(thread).uesp;
        if (has_own)
            OK(thread_set_special_port(thread, THREAD_EXCEPTION_PORT, port));
        OK(thread_resume(thread));
        if (has_own && exceptions_receive(port)) {
            exceptions_reply(KERN_FAILURE); /* not for us: ask the task */
            exceptions_drop_rights();
        }
        if (exceptions_receive(task_port)) {
            IS(exceptions_in.exception, EXC_BAD_INSTRUCTION);
            IS(exceptions_in.thread, thread);
            exceptions_go_on(thread, stack);
            exceptions_reply(KERN_SUCCESS);
            exceptions_drop_rights();
            CHECK(harness_wait(&exceptions_nr_resumed));
        }
        harness_end(thread);
    }
    OK(task_set_special_port(harness_self, TASK_EXCEPTION_PORT, old));
    OK(mach_port_deallocate(harness_self, old));
    harness_destroy(port);
    harness_destroy(task_port);
}

/* A reply without a repair: the thread does the same again, and so it is told again. */
static void exceptions_repeat(void)
{
    mach_port_t port = harness_port_with_send();
    vm_address_t memory = harness_allocate(PAGE);
    unsigned int stack;
    thread_t thread;

    exceptions_code = exceptions_read_null;
    exceptions_nr_resumed = 0;
    thread = harness_start_suspended(exceptions_run, NULL);
    stack = exceptions_state(thread).uesp;
    OK(thread_set_special_port(thread, THREAD_EXCEPTION_PORT, port));
    OK(thread_resume(thread));
    for (unsigned int i = 0; i < 5 && exceptions_receive(port); i++) {
        IS(exceptions_in.subcode, 0);
        IS(exceptions_state(thread).eip, exceptions_read_null_at);
        if (i == 4)
            exceptions_go_on(thread, stack);
        exceptions_reply(KERN_SUCCESS);
        exceptions_drop_rights();
    }
    CHECK(harness_wait(&exceptions_nr_resumed));
    harness_end(thread);
    harness_free(memory, PAGE);
    harness_destroy(port);
}

/* Makes a child that fails, with port as its task's exception port; its death is told to notify. */
static task_t exceptions_failing_child(mach_port_t port, mach_port_t notify, thread_t *thread)
{
    unsigned int slot;
    mach_port_t previous;
    task_t task;

    exceptions_code = exceptions_halt;
    slot = harness_prepare(exceptions_run, NULL);
    OK(task_create(harness_self, TRUE, &task));
    OK(mach_port_request_notification(harness_self, task, MACH_NOTIFY_DEAD_NAME, 0, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE,
                                      &previous));
    *thread = harness_create(task, slot);
    harness_release(slot);
    OK(task_set_special_port(task, TASK_EXCEPTION_PORT, port));
    OK(thread_resume(*thread));
    return task;
}

static void exceptions_child_ends(task_t task, thread_t thread, mach_port_t notify)
{
    struct harness_message message;

    OK(harness_receive(notify, &message, 5000));
    IS(message.head.msgh_id, MACH_NOTIFY_DEAD_NAME);
    IS(harness_type(task), MACH_PORT_TYPE_DEAD_NAME);
    for (unsigned int i = 0; i < 100 && harness_type(thread) != MACH_PORT_TYPE_DEAD_NAME; i++)
        harness_sleep(10);
    IS(harness_type(thread), MACH_PORT_TYPE_DEAD_NAME);
    harness_destroy(task);
    harness_destroy(thread);
}

static void exceptions_end_a_task(void)
{
    mach_port_t notify = harness_port();
    thread_t thread;
    task_t task = exceptions_failing_child(MACH_PORT_NULL, notify, &thread);

    exceptions_child_ends(task, thread, notify);
    harness_destroy(notify);
}

static void exceptions_refused_by_all(void)
{
    mach_port_t notify = harness_port(), port = harness_port_with_send();
    thread_t thread;
    task_t task = exceptions_failing_child(port, notify, &thread);

    if (exceptions_receive(port)) {
        IS(exceptions_in.task, task);
        IS(exceptions_in.thread, thread);
        exceptions_reply(KERN_FAILURE);
        exceptions_drop_rights();
    }
    exceptions_child_ends(task, thread, notify);
    harness_destroy(notify);
    harness_destroy(port);
}

/* The handler dies before it has received, and after. */
static void exceptions_without_handler(void)
{
    for (unsigned int received = 0; received < 2; received++) {
        mach_port_t notify = harness_port(), port = harness_port_with_send();
        thread_t thread;
        task_t task = exceptions_failing_child(port, notify, &thread);

        if (received && exceptions_receive(port)) {
            OK(mach_port_deallocate(harness_self, exceptions_in.head.msgh_remote_port)); /* no reply will ever come */
            exceptions_drop_rights();
        } else if (!received) {
            CHECK(harness_wait_until_blocked(thread));
        }
        harness_destroy(port);
        exceptions_child_ends(task, thread, notify);
        harness_destroy(notify);
    }
}

/* A thread that waits for its handler can be terminated. */
static void exceptions_terminated_meanwhile(void)
{
    mach_port_t port = harness_port_with_send();
    thread_t thread;

    exceptions_code = exceptions_cli;
    thread = harness_start_suspended(exceptions_run, NULL);
    OK(thread_set_special_port(thread, THREAD_EXCEPTION_PORT, port));
    OK(thread_resume(thread));
    if (exceptions_receive(port)) {
        OK(mach_port_deallocate(harness_self, exceptions_in.thread));
        harness_end(thread);
        exceptions_in.thread = MACH_PORT_NULL;
        exceptions_drop_rights();
        harness_destroy(exceptions_in.head.msgh_remote_port);
    }
    harness_destroy(port);
}

const struct harness_test harness_tests[] = {
    {"an access where nothing is, or where it is not allowed, is told with its address", exceptions_bad_access, NULL},
    {"an access to the kernel's memory is refused", exceptions_kernel_access, NULL},
    {"a jump to 0 is told as an access", exceptions_jumps, NULL},
    {"a jump into the kernel is refused", exceptions_jumps_to_kernel, NULL},
    {"arithmetic that fails is told", exceptions_arithmetic, NULL},
    {"instructions that are not the user's are told", exceptions_instructions, NULL},
    {"a breakpoint is told, behind its instruction", exceptions_breakpoints, NULL},
    {"traps with bad numbers, or bad stacks, are told behind their instruction", exceptions_traps, NULL},
    {"a trap with its arguments in the kernel's memory is told", exceptions_trap_from_kernel_stack,
     "it takes its arguments there"},
    {"a single step is told", exceptions_single_step, NULL},
    {"a task is told of what its thread has no port for, or what was refused there", exceptions_go_to_the_task, NULL},
    {"a failure that was not repaired is told again", exceptions_repeat, NULL},
    {"a task without a handler ends alone", exceptions_end_a_task, NULL},
    {"a task whose handler refuses ends", exceptions_refused_by_all, NULL},
    {"a task whose handler dies ends", exceptions_without_handler, NULL},
    {"a thread that waits for its handler can be terminated", exceptions_terminated_meanwhile, NULL},
    {NULL, NULL, NULL},
};
