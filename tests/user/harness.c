/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The start of a test program, its threads, and what they print.
 *
 * Every thread has a slot: a stack aligned to its size, with what belongs to the thread (its reply port, for MIG's stubs) at
 * the bottom, so that it is found from the stack pointer. Slot 0 runs the tests. Slot 1 is the watcher: it receives the
 * task's exceptions, turns those of harness_read and harness_write into results, ends the run at any other, and ends it too
 * when a test takes too long. It waits for that with a time-out, and so costs nothing.
 */
#include "harness.h"

#include <stdarg.h>

#define STACK_SIZE 65536
#define NR_SLOTS 24u

struct slot {
    mach_port_t reply_port;
    thread_t thread;
    harness_function *function; /* NULL: free */
    void *argument;
};

static union {
    struct slot slot;
    char stack[STACK_SIZE];
} slots[NR_SLOTS] __attribute__((aligned(STACK_SIZE)));

boolean_t harness_on_gnumach;
mach_port_t harness_self;
thread_t harness_main_thread;
mach_port_t harness_host_priv;
mach_port_t harness_device_master;

static mach_port_t exception_port;
static volatile unsigned int test_number; /* of the test that runs; 0 before the first */
static volatile const char *test_name;
static unsigned int nr_checks, nr_failed;

void harness_main(uint32_t *stack);
void harness_thread_main(void) __attribute__((noreturn));
uint32_t harness_read_byte(vm_address_t address);
uint32_t harness_write_byte(vm_address_t address, uint32_t value);
extern const char harness_read_at[], harness_write_at[], harness_access_done[];

#define TRAP(name, number) ".globl " name "\n" name ": movl $" #number ", %eax\n lcall $7, $0\n ret\n"
asm(".globl _start\n"
    "_start: movl %esp, %eax\n movl $harness_first_stack, %esp\n xorl %ebp, %ebp\n pushl %eax\n call harness_main\n hlt\n" //
    TRAP("mach_msg_trap", -25)                                                                                             //
    TRAP("mach_reply_port", -26)                                                                                           //
    TRAP("mach_thread_self", -27)                                                                                          //
    TRAP("mach_task_self", -28)                                                                                            //
    TRAP("mach_host_self", -29)                                                                                            //
    TRAP("mach_print", -30)                                                                                                //
    TRAP("swtch_pri", -59)                                                                                                 //
    TRAP("swtch", -60)                                                                                                     //
    TRAP("thread_switch", -61)                                                                                             //
    "harness_read_byte: movl 4(%esp), %edx\n xorl %eax, %eax\n"
    "harness_read_at: movb (%edx), %dl\n jmp harness_access_done\n"
    "harness_write_byte: movl 4(%esp), %edx\n movl 8(%esp), %ecx\n xorl %eax, %eax\n"
    "harness_write_at: movb %cl, (%edx)\n"
    "harness_access_done: ret\n");
asm(".globl harness_first_stack\n.set harness_first_stack, slots + 65536 - 16\n");

/* ---- what MIG's stubs and the compiler want of a C library ---- */

static struct slot *slot_self(void)
{
    return (struct slot *)((uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)(STACK_SIZE - 1));
}

void (*harness_before_send)(mach_msg_header_t *message);

mach_msg_return_t mach_msg(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
                           mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout,
                           mach_port_t notify)
{
    if (harness_before_send != NULL && (option & MACH_SEND_MSG))
        harness_before_send(message);
    return mach_msg_trap(message, option, send_size, receive_size, receive_name, timeout, notify);
}

mach_port_t mig_get_reply_port(void)
{
    struct slot *slot = slot_self();

    if (slot->reply_port == MACH_PORT_NULL)
        slot->reply_port = mach_reply_port();
    return slot->reply_port;
}

/* MIG's stubs call this when the reply port's state is unknown. */
void mig_dealloc_reply_port(mach_port_t port)
{
    struct slot *slot = slot_self();

    slot->reply_port = MACH_PORT_NULL;
    if (port != MACH_PORT_NULL)
        mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_RECEIVE, -1);
}

void mig_put_reply_port(mach_port_t port)
{
}

vm_size_t mig_strncpy(char *to, const char *from, vm_size_t size)
{
    vm_size_t i;

    for (i = 0; i < size && (to[i] = from[i]) != 0; i++)
        ;
    return i;
}

void *memcpy(void *to, const void *from, unsigned int size)
{
    char *a = to;
    const char *b = from;

    while (size-- > 0)
        *a++ = *b++;
    return to;
}

void *memset(void *at, int byte, unsigned int size)
{
    char *a = at;

    while (size-- > 0)
        *a++ = (char)byte;
    return at;
}

/* ---- printing ---- */

#define LINE_SIZE 240u

struct line {
    char text[LINE_SIZE];
    unsigned int length;
};

static void line_char(struct line *line, char c)
{
    if (line->length < LINE_SIZE - 2)
        line->text[line->length++] = c;
}

static void line_string(struct line *line, const char *text)
{
    while (*text != 0)
        line_char(line, *text++);
}

static void line_number(struct line *line, uint32_t value, uint32_t base)
{
    char digits[12];
    unsigned int i = sizeof(digits);

    digits[--i] = 0;
    do
        digits[--i] = "0123456789abcdef"[value % base];
    while ((value /= base) != 0);
    line_string(line, digits + i);
}

static void line_format(struct line *line, const char *format, va_list arguments)
{
    for (; *format != 0; format++) {
        if (*format != '%') {
            line_char(line, *format);
            continue;
        }
        switch (*++format) {
        case 's': line_string(line, va_arg(arguments, const char *)); break;
        case 'c': line_char(line, (char)va_arg(arguments, int)); break;
        case 'u': line_number(line, va_arg(arguments, uint32_t), 10); break;
        case 'x':
        case 'p': line_number(line, va_arg(arguments, uint32_t), 16); break;
        case 'd': {
            int32_t value = va_arg(arguments, int32_t);

            if (value < 0)
                line_char(line, '-');
            line_number(line, value < 0 ? 0u - (uint32_t)value : (uint32_t)value, 10);
            break;
        }
        default: line_char(line, *format); break;
        }
    }
}

static void line_print(struct line *line)
{
    line->text[line->length++] = '\n';
    line->text[line->length] = 0;
    mach_print(line->text);
}

static void print(const char *prefix, const char *format, va_list arguments)
{
    struct line line = {.length = 0};

    line_string(&line, prefix);
    line_format(&line, format, arguments);
    line_print(&line);
}

void harness_note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print("# ", format, arguments);
    va_end(arguments);
}

static void __attribute__((format(printf, 1, 2))) tell(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print("", format, arguments);
    va_end(arguments);
}

/* host_reboot's option by which Machair learns that the run has failed; for the emulator's exit status. */
#define REBOOT_FAILED 0x1000

static void __attribute__((noreturn)) end_of_run(boolean_t good)
{
    host_reboot(harness_host_priv, good || harness_on_gnumach ? 0 : REBOOT_FAILED);
    for (;;)
        swtch();
}

void harness_bail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print("Bail out! ", format, arguments);
    va_end(arguments);
    end_of_run(FALSE);
}

/* ---- checks ---- */

static const char *base_name(const char *file)
{
    const char *base = file;

    for (; *file != 0; file++)
        if (*file == '/')
            base = file + 1;
    return base;
}

boolean_t harness_check(boolean_t holds, const char *file, int line, const char *text)
{
    nr_checks++;
    if (!holds) {
        nr_failed++;
        harness_note("%s:%d: not so: %s", base_name(file), line, text);
    }
    return holds;
}

boolean_t harness_is(uint32_t actual, uint32_t expected, const char *file, int line, const char *text,
                     const char *expected_text)
{
    nr_checks++;
    if (actual == expected)
        return TRUE;
    nr_failed++;
    harness_note("%s:%d: %s: 0x%x (%d), not %s", base_name(file), line, text, actual, actual, expected_text);
    return FALSE;
}

/* ---- threads ---- */

/* What a thread of ours runs first; it is on its own stack. */
void harness_thread_main(void)
{
    struct slot *slot = slot_self();

    slot->function(slot->argument);
    for (;;)
        thread_suspend(mach_thread_self());
}

unsigned int harness_prepare(harness_function *function, void *argument)
{
    unsigned int i = 1;

    while (i < NR_SLOTS && slots[i].slot.function != NULL)
        i++;
    if (i == NR_SLOTS)
        harness_bail("no slot for a thread is left");
    slots[i].slot = (struct slot){.function = function, .argument = argument};
    return i;
}

void harness_release(unsigned int slot)
{
    slots[slot].slot.function = NULL;
}

thread_t harness_create(task_t task, unsigned int slot)
{
    struct i386_thread_state state;
    mach_msg_type_number_t count = i386_THREAD_STATE_COUNT;
    kern_return_t kr;
    thread_t thread;

    kr = thread_create(task, &thread);
    if (kr == KERN_SUCCESS)
        kr = thread_get_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, &count);
    state.eip = (uintptr_t)harness_thread_main;
    state.uesp = (uintptr_t)(slots[slot].stack + STACK_SIZE - 16);
    state.ebp = 0;
    if (kr == KERN_SUCCESS)
        kr = thread_set_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT);
    if (kr != KERN_SUCCESS)
        harness_bail("a thread cannot be made: %d", kr);
    return thread;
}

thread_t harness_start_suspended(harness_function *function, void *argument)
{
    unsigned int slot = harness_prepare(function, argument);

    slots[slot].slot.thread = harness_create(harness_self, slot);
    return slots[slot].slot.thread;
}

thread_t harness_start(harness_function *function, void *argument)
{
    thread_t thread = harness_start_suspended(function, argument);
    kern_return_t kr = thread_resume(thread);

    if (kr != KERN_SUCCESS)
        harness_bail("thread_resume: %d", kr);
    return thread;
}

void harness_end(thread_t thread)
{
    unsigned int i = 1;

    while (i < NR_SLOTS && slots[i].slot.thread != thread)
        i++;
    if (i == NR_SLOTS)
        harness_bail("harness_end: no thread of ours");
    thread_terminate(thread);
    mach_port_deallocate(harness_self, thread);
    if (slots[i].slot.reply_port != MACH_PORT_NULL)
        mach_port_mod_refs(harness_self, slots[i].slot.reply_port, MACH_PORT_RIGHT_RECEIVE, -1);
    memset(&slots[i].slot, 0, sizeof(slots[i].slot));
}

void harness_sleep(unsigned int milliseconds)
{
    thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, milliseconds);
}

boolean_t harness_wait(volatile int *flag)
{
    for (unsigned int i = 0; i < 1000 && !*flag; i++)
        harness_sleep(10);
    return *flag != 0;
}

/* Others have the processor while this thread sleeps; 30 ms are several of both kernels' time slices. */
void harness_let_others_run(void)
{
    harness_sleep(30);
}

boolean_t harness_wait_until_blocked(thread_t thread)
{
    for (unsigned int i = 0; i < 1000; i++) {
        thread_basic_info_data_t info;
        mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;

        if (thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count) != KERN_SUCCESS)
            return FALSE;
        if (info.run_state == TH_STATE_WAITING || info.run_state == TH_STATE_UNINTERRUPTIBLE)
            return TRUE;
        harness_sleep(10);
    }
    return FALSE;
}

/* ---- memory ---- */

uint32_t harness_read(vm_address_t address)
{
    return harness_read_byte(address);
}

uint32_t harness_write(vm_address_t address, uint8_t value)
{
    return harness_write_byte(address, value);
}

static uint8_t fill_byte(uint32_t seed, uint32_t i)
{
    uint32_t x = (i + seed * 0x9e3779b9u) * 2654435761u;

    return (uint8_t)(x >> 13) | 1; /* never 0, what fresh memory has */
}

void harness_fill(vm_address_t start, vm_size_t size, uint32_t seed)
{
    for (vm_size_t i = 0; i < size; i++)
        ((volatile uint8_t *)start)[i] = fill_byte(seed, i);
}

boolean_t harness_filled(vm_address_t start, vm_size_t size, uint32_t seed)
{
    for (vm_size_t i = 0; i < size; i++)
        if (((volatile uint8_t *)start)[i] != fill_byte(seed, i)) {
            harness_note("byte %u of %u is 0x%x, not 0x%x", (uint32_t)i, (uint32_t)size, ((volatile uint8_t *)start)[i],
                         fill_byte(seed, i));
            return FALSE;
        }
    return TRUE;
}

boolean_t harness_zero(vm_address_t start, vm_size_t size)
{
    for (vm_size_t i = 0; i < size; i++)
        if (((volatile uint8_t *)start)[i] != 0)
            return FALSE;
    return TRUE;
}

vm_address_t harness_allocate(vm_size_t size)
{
    vm_address_t start = 0;
    kern_return_t kr = vm_allocate(harness_self, &start, size, TRUE);

    if (kr != KERN_SUCCESS)
        harness_bail("vm_allocate of %u bytes: %d", (uint32_t)size, kr);
    return start;
}

void harness_free(vm_address_t start, vm_size_t size)
{
    kern_return_t kr = vm_deallocate(harness_self, start, size);

    if (kr != KERN_SUCCESS)
        harness_bail("vm_deallocate of 0x%x, %u bytes: %d", (uint32_t)start, (uint32_t)size, kr);
}

/* ---- the watcher ---- */

/* exception_raise of <mach/exc.defs>, and its reply. */
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
};

/* Sends the thread past the access that faulted, or ends the run. */
static void watcher_repair(const struct exception_message *message)
{
    struct i386_thread_state state;
    mach_msg_type_number_t count = i386_THREAD_STATE_COUNT;
    kern_return_t kr = thread_get_state(message->thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, &count);

    if (kr != KERN_SUCCESS)
        harness_bail("exception %d, code %d, subcode 0x%x; thread_get_state: %d", message->exception, message->code,
                     message->subcode, kr);
    if (state.eip != (uintptr_t)harness_read_at && state.eip != (uintptr_t)harness_write_at)
        harness_bail("exception %d, code %d, subcode 0x%x at 0x%x in \"%s\"", message->exception, message->code,
                     message->subcode, state.eip, test_name);
    state.eip = (uintptr_t)harness_access_done;
    state.eax = FAULT(message->exception, message->code);
    kr = thread_set_state(message->thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT);
    if (kr != KERN_SUCCESS)
        harness_bail("thread_set_state of a thread with an exception: %d", kr);
    mach_port_deallocate(harness_self, message->thread);
    mach_port_deallocate(harness_self, message->task);
}

static void watcher(void *unused)
{
    static struct {
        struct exception_message request;
        char room[64];
    } in;
    unsigned int last_number = ~0u;

    for (;;) {
        mach_msg_return_t mr = mach_msg(&in.request.head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(in), exception_port,
                                        HARNESS_PATIENCE_MS, MACH_PORT_NULL);

        if (mr == MACH_RCV_TIMED_OUT) {
            if (test_number == last_number)
                harness_bail("\"%s\" does not end", test_name);
            last_number = test_number;
        } else if (mr != MACH_MSG_SUCCESS || in.request.head.msgh_id != 2400) {
            harness_bail("the exception port received %d, id %d", mr, in.request.head.msgh_id);
        } else {
            mig_reply_header_t reply = {.RetCodeType = {.msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32,
                                                        .msgt_number = 1, .msgt_inline = TRUE}};

            watcher_repair(&in.request);
            reply.Head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
            reply.Head.msgh_size = sizeof(reply);
            reply.Head.msgh_remote_port = in.request.head.msgh_remote_port;
            reply.Head.msgh_id = 2500;
            mr = mach_msg(&reply.Head, MACH_SEND_MSG, sizeof(reply), 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
            if (mr != MACH_MSG_SUCCESS)
                harness_bail("the reply to an exception cannot be sent: 0x%x", mr);
        }
    }
}

/* ---- the run ---- */

static mach_port_t port_argument(const char *text)
{
    mach_port_t name = 0;

    while (*text >= '0' && *text <= '9')
        name = name * 10 + (mach_port_t)(*text++ - '0');
    return name;
}

static void look_at_kernel(void)
{
    static kernel_version_t version;
    const char *want = "GNU Mach", *have = version;
    kern_return_t kr = host_kernel_version(mach_host_self(), version);

    if (kr != KERN_SUCCESS)
        harness_bail("host_kernel_version: %d", kr);
    harness_note("on %s", version);
    while (*want != 0 && *want == *have)
        want++, have++;
    harness_on_gnumach = *want == 0;
}

static boolean_t run_test(const struct harness_test *test)
{
    boolean_t good;

    test_name = test->name;
    test_number++;
    if (harness_on_gnumach && test->gnumach_bug != NULL) {
        tell("ok %u - %s # SKIP GNU Mach: %s", test_number, test->name, test->gnumach_bug);
        return TRUE;
    }
    nr_checks = nr_failed = 0;
    test->run();
    good = nr_checks > 0 && nr_failed == 0;
    tell("%s %u - %s", good ? "ok" : "not ok", test_number, test->name);
    return good;
}

void harness_main(uint32_t *stack)
{
    const char **argv = (const char **)(stack + 1);
    unsigned int nr_tests = 0, nr_bad = 0;
    kern_return_t kr;

    harness_self = mach_task_self();
    harness_main_thread = mach_thread_self();
    if (stack[0] < 3)
        harness_bail("the arguments have no ports");
    harness_host_priv = port_argument(argv[1]);
    harness_device_master = port_argument(argv[2]);
    look_at_kernel();
    exception_port = harness_port_with_send();
    kr = task_set_special_port(harness_self, TASK_EXCEPTION_PORT, exception_port);
    if (kr != KERN_SUCCESS)
        harness_bail("task_set_special_port: %d", kr);
    harness_start(watcher, NULL);

    while (harness_tests[nr_tests].name != NULL)
        nr_tests++;
    tell("1..%u", nr_tests);
    for (const struct harness_test *test = harness_tests; test->name != NULL; test++)
        nr_bad += !run_test(test);
    end_of_run(nr_bad == 0);
}
