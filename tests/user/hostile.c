/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile programs: every call with ports that are not what it wants, addresses of the kernel's, ranges that wrap around and
 * numbers that mean nothing; at random, but the same in every run. A call may fail as it likes, with an error that is known;
 * nobody but the victim, a task made for it, may notice.
 *
 * The attacker is a thread; a call of its that waits (some may, for ports that nobody serves) is broken off by thread_abort,
 * which must work too.
 */
#include "harness.h"

#include "mig/gnumach_user.h"
#include "mig/mach4_user.h"

#define HOSTILE_ROUNDS 40
#define HOSTILE_ARGUMENTS 12

static uint32_t hostile_seed;

static uint32_t hostile_dice(uint32_t sides)
{
    hostile_seed = hostile_seed * 1664525u + 1013904223u;
    return (hostile_seed >> 8) % sides;
}

/* ---- who is there ---- */

static task_t hostile_task;
static thread_t hostile_thread;
static mach_port_t hostile_host, hostile_set, hostile_processor, hostile_control, hostile_own, hostile_dead, hostile_pset;
static vm_address_t hostile_page; /* some memory of ours that calls may read */

static void hostile_renew_victim(void)
{
    kern_return_t kr;

    if (harness_type(hostile_task) == MACH_PORT_TYPE_SEND && harness_type(hostile_thread) == MACH_PORT_TYPE_SEND)
        return;
    if (harness_type(hostile_task) == MACH_PORT_TYPE_SEND)
        task_terminate(hostile_task);
    if (harness_type(hostile_task) != 0)
        harness_destroy(hostile_task);
    if (harness_type(hostile_thread) != 0)
        harness_destroy(hostile_thread);
    kr = task_create(harness_self, TRUE, &hostile_task);
    if (kr == KERN_SUCCESS)
        kr = thread_create(hostile_task, &hostile_thread);
    if (kr != KERN_SUCCESS)
        harness_bail("no victim can be made: %d", kr);
}

static void hostile_begin(uint32_t seed)
{
    processor_array_t processors;
    mach_msg_type_number_t nr;
    struct harness_message message;
    vm_address_t at = 0;

    hostile_seed = seed;
    if (hostile_host == MACH_PORT_NULL) {
        hostile_host = mach_host_self();
        OK(processor_set_default(hostile_host, &hostile_set));
        OK(host_processors(harness_host_priv, &processors, &nr));
        hostile_processor = processors[0];
        hostile_page = harness_allocate(PAGE);
        hostile_own = harness_port_with_send();
        hostile_dead = harness_port_with_send();
        OK(mach_port_mod_refs(harness_self, hostile_dead, MACH_PORT_RIGHT_RECEIVE, -1));
        hostile_pset = harness_set();
        /* A memory object of ours, for its control port. */
        OK(vm_map(harness_self, &at, PAGE, 0, TRUE, hostile_own, 0, FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE));
        OK(harness_receive(hostile_own, &message, 1000));
        hostile_control = message.body[1];
        IS(harness_type(hostile_control), MACH_PORT_TYPE_SEND);
    }
    hostile_renew_victim();
}

/* Nothing has changed for those who did nothing wrong. */
static void hostile_sane(void)
{
    vm_address_t memory = harness_allocate(8 * PAGE);
    mach_port_t port = harness_port_with_send();
    task_t task;

    harness_fill(memory, 8 * PAGE, 1);
    CHECK(harness_filled(memory, 8 * PAGE, 1));
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 1));
    IS(harness_next_id(port), 1);
    OK(task_create(harness_self, TRUE, &task));
    OK(task_terminate(task));
    harness_destroy(task);
    harness_destroy(port);
    harness_free(memory, 8 * PAGE);
}

/* ---- arguments ---- */

static uint32_t hostile_word(void)
{
    static const uint32_t words[] = {0,          1,          2,          3,          5,          17,         0xfff,
                                     PAGE,       PAGE + 1,   0x10000,    0x7fffffff, 0x80000000, 0xbffff000, 0xc0000000,
                                     0xc0100000, 0xffff0000, 0xfffff000, 0xfffff001, 0xfffffffe, 0xffffffff};

    if (hostile_dice(8) == 0)
        return hostile_dice(256) << 24 | hostile_dice(1 << 24);
    return words[hostile_dice(ARRAY_LENGTH(words))];
}

static mach_port_t hostile_port(void)
{
    const mach_port_t ports[] = {MACH_PORT_NULL, MACH_PORT_DEAD, BAD_NAME,     hostile_own, hostile_dead,   hostile_pset,
                                 hostile_task,   hostile_thread, hostile_host, hostile_set, hostile_control};

    return ports[hostile_dice(ARRAY_LENGTH(ports))];
}

/* Room for what calls put out; the largest is a thread state of 1024 words. */
static uint32_t hostile_room[HOSTILE_ARGUMENTS][2048];

/*
 * An argument by its letter. t task, h thread, H host, P the privileged host port, x processor set, g processor, m memory
 * control: mostly the right one, at times any port. p any port. i a word. w a word in and out. o room. c room for a count of
 * words that may be put out. a an array in line of ours. d memory out of line.
 */
static uint32_t hostile_argument(char letter, unsigned int index)
{
    const boolean_t wrong = hostile_dice(6) == 0;

    switch (letter) {
    case 't': return wrong ? hostile_port() : hostile_task;
    case 'h': return wrong ? hostile_port() : hostile_thread;
    case 'H': return wrong ? hostile_port() : hostile_host;
    case 'P': return wrong ? hostile_port() : harness_host_priv;
    case 'x': return wrong ? hostile_port() : hostile_set;
    case 'g': return wrong ? hostile_port() : hostile_processor;
    case 'm': return wrong ? hostile_port() : hostile_control;
    case 'p': return hostile_port();
    case 'a': return hostile_page;
    case 'd': return wrong ? hostile_word() : hostile_page;
    case 'w': hostile_room[index][0] = hostile_word(); return (uintptr_t)hostile_room[index];
    case 'c': hostile_room[index][0] = hostile_dice(1100); return (uintptr_t)hostile_room[index];
    case 'o': return (uintptr_t)hostile_room[index];
    default: return hostile_word();
    }
}

/* ---- the calls ---- */

typedef kern_return_t hostile_function(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t,
                                       uint32_t, uint32_t, uint32_t, uint32_t);

struct hostile_call {
    const char *name;
    void *function; /* a stub of MIG's: all arguments are words */
    const char *letters;
    int one_way;    /* it succeeds when it is sent: there is no reply */
};

#define CALL(name, letters) {#name, (void *)name, letters, 0}
#define SEND(name, letters) {#name, (void *)name, letters, 1}

static const struct hostile_call hostile_mach[] = {
    CALL(task_create, "tio"),
    CALL(task_get_emulation_vector, "tooo"),
    CALL(task_set_emulation_vector, "tidi"),
    CALL(task_threads, "too"),
    CALL(task_info, "tioc"),
    CALL(thread_get_state, "hioc"),
    CALL(thread_set_state, "hiai"),
    CALL(thread_info, "hioc"),
    CALL(vm_allocate, "twii"),
    CALL(vm_deallocate, "tii"),
    CALL(vm_protect, "tiiii"),
    CALL(vm_inherit, "tiii"),
    CALL(vm_read, "tiioo"),
    CALL(vm_write, "tidi"),
    CALL(vm_copy, "tiii"),
    CALL(vm_region, "twooooooo"),
    CALL(vm_statistics, "to"),
    CALL(mach_ports_register, "tdi"),
    CALL(mach_ports_lookup, "too"),
    CALL(task_suspend, "t"),
    CALL(task_resume, "t"),
    CALL(task_get_special_port, "tio"),
    CALL(task_set_special_port, "tip"),
    CALL(thread_create, "to"),
    CALL(thread_suspend, "h"),
    CALL(thread_resume, "h"),
    CALL(thread_abort, "h"),
    CALL(thread_get_special_port, "hio"),
    CALL(thread_set_special_port, "hip"),
    CALL(task_set_emulation, "tii"),
    CALL(task_ras_control, "tiii"),
    CALL(vm_map, "twiiipiiiii"),
    CALL(vm_machine_attribute, "tiiiw"),
    CALL(thread_terminate, "h"),
    CALL(task_terminate, "t"),
};

static const struct hostile_call hostile_memory_object[] = {
    SEND(memory_object_data_unavailable, "mii"),
    CALL(memory_object_get_attributes, "mooo"),
    SEND(memory_object_lock_request, "miiiiip"),
    SEND(memory_object_data_error, "miii"),
    SEND(memory_object_data_supply, "midiiiip"),
    SEND(memory_object_ready, "mii"),
    SEND(memory_object_change_attributes, "miip"),
    CALL(vm_set_default_memory_manager, "Hw"),
    SEND(memory_object_destroy, "mi"),
};

static const struct hostile_call hostile_mach_port[] = {
    CALL(mach_port_names, "toooo"),
    CALL(mach_port_type, "tio"),
    CALL(mach_port_rename, "tii"),
    CALL(mach_port_allocate_name, "tii"),
    CALL(mach_port_allocate, "tio"),
    CALL(mach_port_destroy, "ti"),
    CALL(mach_port_deallocate, "ti"),
    CALL(mach_port_get_refs, "tiio"),
    CALL(mach_port_mod_refs, "tiii"),
    CALL(mach_port_set_qlimit, "tii"),
    CALL(mach_port_set_mscount, "tii"),
    CALL(mach_port_get_set_status, "tioo"),
    CALL(mach_port_move_member, "tii"),
    CALL(mach_port_request_notification, "tiiipio"),
    CALL(mach_port_insert_right, "tipi"),
    CALL(mach_port_extract_right, "tiioo"),
    CALL(mach_port_get_receive_status, "tio"),
    CALL(mach_port_set_seqno, "tii"),
    CALL(mach_port_set_protected_payload, "tii"),
    CALL(mach_port_clear_protected_payload, "ti"),
};

/* What ends the machine, or sets its clock, is tried with the unprivileged port only. */
static const struct hostile_call hostile_mach_host[] = {
    CALL(host_processors, "Poo"),
    CALL(processor_start, "g"),
    CALL(processor_exit, "g"),
    CALL(processor_set_default, "Ho"),
    CALL(processor_set_create, "Hoo"),
    CALL(processor_set_destroy, "x"),
    CALL(processor_assign, "gxi"),
    CALL(processor_get_assignment, "go"),
    CALL(thread_assign, "hx"),
    CALL(thread_assign_default, "h"),
    CALL(thread_get_assignment, "ho"),
    CALL(task_assign, "txi"),
    CALL(task_assign_default, "ti"),
    CALL(task_get_assignment, "to"),
    CALL(host_kernel_version, "Ho"),
    CALL(thread_priority, "hii"),
    CALL(thread_max_priority, "hxi"),
    CALL(task_priority, "tii"),
    CALL(processor_set_max_priority, "xii"),
    CALL(thread_policy, "hii"),
    CALL(processor_set_policy_enable, "xi"),
    CALL(processor_set_policy_disable, "xii"),
    CALL(processor_set_tasks, "xoo"),
    CALL(processor_set_threads, "xoo"),
    CALL(host_processor_sets, "Hoo"),
    CALL(host_processor_set_priv, "Pxo"),
    CALL(thread_depress_abort, "h"),
    CALL(host_set_time, "Hii"),
    CALL(host_adjust_time, "Hiio"),
    CALL(host_get_time, "Ho"),
    CALL(host_reboot, "Hi"),
    CALL(vm_wire, "Ptiii"),
    CALL(thread_wire, "Phi"),
    CALL(host_info, "Hioc"),
    CALL(processor_info, "giooc"),
    CALL(processor_set_info, "xiooc"),
    CALL(processor_control, "Hai"),
    CALL(host_get_boot_info, "Po"),
};

static const struct hostile_call hostile_gnumach[] = {
    CALL(vm_cache_statistics, "to"),
    CALL(task_set_name, "ta"),
    CALL(register_new_task_notification, "Hpi"),
    CALL(gsync_wait, "tiiiii"),
    CALL(gsync_wake, "tiii"),
    CALL(gsync_requeue, "tiiii"),
    CALL(vm_wire_all, "Pti"),
    CALL(vm_object_sync, "piiiii"),
    CALL(vm_msync, "tiii"),
    CALL(vm_allocate_contiguous, "Htooiiii"),
    CALL(task_set_essential, "ti"),
    CALL(thread_terminate_release, "htiiii"),
    CALL(task_enable_pc_sampling, "toi"),
    CALL(task_disable_pc_sampling, "to"),
    CALL(task_get_sampled_pcs, "twoc"),
    CALL(thread_enable_pc_sampling, "hoi"),
    CALL(thread_disable_pc_sampling, "ho"),
    CALL(thread_get_sampled_pcs, "hwoc"),
    CALL(vm_region_create_proxy, "tiiio"),
};

/* Errors that a call may give. */
static boolean_t hostile_known(kern_return_t kr)
{
    kern_return_t send = kr & ~MACH_MSG_MASK; /* without what else was the matter */

    return (kr >= 0 && kr <= 40) || (kr <= -300 && kr >= -309 && kr != MIG_BAD_ID) ||
           (send >= MACH_SEND_INVALID_DATA && send <= MACH_SEND_INVALID_HEADER) ||
           (kr >= MACH_RCV_INVALID_NAME && kr <= MACH_RCV_BODY_ERROR) || (kr >= 2500 && kr <= 2520);
}

/* What Machair does not serve yet, and says so. */
static int hostile_unserved(const char *name)
{
    static const char *const names[] = {
        "gsync_wait", "gsync_wake", "gsync_requeue", "vm_set_default_memory_manager",
        "task_enable_pc_sampling", "task_disable_pc_sampling", "task_get_sampled_pcs",
        "thread_enable_pc_sampling", "thread_disable_pc_sampling", "thread_get_sampled_pcs",
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(names); i++) {
        const char *a = names[i], *b = name;

        while (*a != 0 && *a == *b)
            a++, b++;
        if (*a == *b)
            return 1;
    }
    return 0;
}

/* ---- the attack ---- */

static struct {
    const struct hostile_call *calls;
    unsigned int nr_calls;
    const struct hostile_call *volatile now;
    volatile unsigned int progress;
    unsigned int nr_good, nr_unknown;
    volatile int done;
} hostile;

static void hostile_make_call(const struct hostile_call *call)
{
    uint32_t arguments[HOSTILE_ARGUMENTS] = {0};
    kern_return_t kr;

    for (unsigned int i = 0; call->letters[i] != 0; i++)
        arguments[i] = hostile_argument(call->letters[i], i);
    kr = ((hostile_function *)call->function)(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                                              arguments[5], arguments[6], arguments[7], arguments[8], arguments[9],
                                              arguments[10], arguments[11]);
    if (kr == KERN_SUCCESS)
        hostile.nr_good += !call->one_way;
    else if (!hostile_known(kr) && !(kr == MIG_BAD_ID && hostile_unserved(call->name)) && hostile.nr_unknown++ < 5)
        harness_note("%s: %d (0x%x)", call->name, kr, kr);
}

static void hostile_attacker(void *unused)
{
    for (unsigned int i = 0; i < hostile.nr_calls; i++) {
        hostile.now = &hostile.calls[i];
        for (unsigned int round = 0; round < HOSTILE_ROUNDS; round++) {
            hostile_renew_victim();
            hostile_make_call(hostile.now);
            hostile.progress++;
        }
    }
    hostile.done = 1;
}

/* Runs function on a thread until it says done; breaks off what waits. */
static void hostile_run(harness_function *function)
{
    unsigned int before = ~0u, waits = 0;
    thread_t thread;

    hostile.done = 0;
    hostile.progress = 0;
    thread = harness_start(function, NULL);
    while (!hostile.done && waits < 50) {
        harness_sleep(20);
        waits = hostile.progress == before ? waits + 1 : 0;
        if (waits > 5)
            thread_abort(thread);
        before = hostile.progress;
    }
    if (!CHECK(hostile.done))
        harness_note("%s does not come back", hostile.now != NULL ? hostile.now->name : "it");
    harness_end(thread);
    while (harness_next_id(hostile_own) != -1)
        ;
}

static void hostile_attack(const struct hostile_call *calls, unsigned int nr_calls, uint32_t seed)
{
    hostile_begin(seed);
    hostile.calls = calls;
    hostile.nr_calls = nr_calls;
    hostile.nr_good = hostile.nr_unknown = 0;
    hostile_run(hostile_attacker);
    IS(hostile.nr_unknown, 0);
    CHECK(hostile.nr_good < nr_calls * HOSTILE_ROUNDS / 2 + nr_calls);
    hostile_sane();
}

static void hostile_to_tasks(void)
{
    hostile_attack(hostile_mach, ARRAY_LENGTH(hostile_mach), 1);
}

static void hostile_to_names(void)
{
    hostile_attack(hostile_mach_port, ARRAY_LENGTH(hostile_mach_port), 2);
}

static void hostile_to_objects(void)
{
    hostile_attack(hostile_memory_object, ARRAY_LENGTH(hostile_memory_object), 3);
}

static void hostile_to_host(void)
{
    hostile_attack(hostile_mach_host, ARRAY_LENGTH(hostile_mach_host), 4);
}

static void hostile_to_more(void)
{
    hostile_attack(hostile_gnumach, ARRAY_LENGTH(hostile_gnumach), 5);
}

/* ---- traps ---- */

struct hostile_trap {
    const char *name;
    int number;
    const char *letters;
};

static const struct hostile_trap hostile_traps[] = {
    {"mach_msg_trap", -25, "iiiipip"},    {"mach_print", -30, "i"},
    {"swtch_pri", -59, "i"},              {"thread_switch", -61, "pii"},
    {"vm_map", -64, "tiiiipiiiii"},       {"vm_allocate", -65, "tiii"},
    {"vm_deallocate", -66, "tii"},        {"task_create", -68, "tii"},
    {"task_suspend", -70, "t"},           {"task_set_special_port", -71, "tip"},
    {"mach_port_allocate", -72, "tii"},   {"mach_port_deallocate", -73, "ti"},
    {"mach_port_insert_right", -74, "tipi"}, {"mach_port_allocate_name", -75, "tii"},
    {"thread_depress_abort", -76, "h"},   {"task_terminate", -69, "t"},
};

kern_return_t hostile_enter(int number, const uint32_t *arguments);
asm(".globl hostile_enter\n"
    "hostile_enter: pushl %ebp\n movl %esp, %ebp\n pushl %esi\n movl 12(%ebp), %esi\n"
    "pushl 40(%esi)\n pushl 36(%esi)\n pushl 32(%esi)\n pushl 28(%esi)\n pushl 24(%esi)\n pushl 20(%esi)\n"
    "pushl 16(%esi)\n pushl 12(%esi)\n pushl 8(%esi)\n pushl 4(%esi)\n pushl (%esi)\n"
    "movl 8(%ebp), %eax\n pushl $0\n lcall $7, $0\n movl -4(%ebp), %esi\n leave\n ret\n");

static void hostile_trapper(void *unused)
{
    for (unsigned int i = 0; i < ARRAY_LENGTH(hostile_traps); i++)
        for (unsigned int round = 0; round < 3 * HOSTILE_ROUNDS; round++) {
            uint32_t arguments[HOSTILE_ARGUMENTS] = {0};

            hostile_renew_victim();
            for (unsigned int j = 0; hostile_traps[i].letters[j] != 0; j++)
                arguments[j] = hostile_argument(hostile_traps[i].letters[j], j);
            hostile_enter(hostile_traps[i].number, arguments);
            hostile.progress++;
        }
    hostile.done = 1;
}

static void hostile_to_traps(void)
{
    hostile_begin(6);
    hostile.now = NULL;
    hostile_run(hostile_trapper);
    hostile_sane();
}

/* ---- messages that no stub sends ---- */

static struct harness_message hostile_message;

static uint32_t hostile_type(void)
{
    static const unsigned int kinds[] = {0, 2, 2, 2, 8, 9, 11, 15, 16, 17, 18, 19, 19, 20, 21, 22, 255};
    mach_msg_type_t type = {
        .msgt_name = kinds[hostile_dice(ARRAY_LENGTH(kinds))],
        .msgt_size = hostile_dice(10) == 0 ? hostile_dice(256) : 32,
        .msgt_number = hostile_dice(4) == 0 ? hostile_dice(4096) : 1,
        .msgt_inline = hostile_dice(4) != 0,
        .msgt_longform = hostile_dice(12) == 0,
        .msgt_deallocate = hostile_dice(12) == 0,
    };

    if (type.msgt_name >= MACH_MSG_TYPE_MOVE_RECEIVE && type.msgt_name <= MACH_MSG_TYPE_MOVE_SEND_ONCE)
        type.msgt_inline = TRUE; /* names in memory that is ours, by chance, are ours */
    return harness_type_word(type);
}

/* A word that is no name of this task's: moving the harness's own rights away would prove nothing. */
static uint32_t hostile_body_word(void)
{
    uint32_t word = hostile_dice(2) == 0 ? hostile_type() : hostile_word();

    return word < 0x10000 && harness_type(word) != 0 ? word | BAD_NAME << 8 : word;
}

/* A right that can be moved away. */
static mach_port_t hostile_gift(void)
{
    static mach_port_t gift;

    if (harness_type(gift) == 0)
        gift = harness_port_with_send();
    return gift;
}

static void hostile_messenger(void *unused)
{
    static const mach_msg_id_t bases[] = {2000, 2200, 2400, 2600, 2800, 3000, 3200, 3800, 4000, 4200, 5200, 64, 0};

    for (unsigned int round = 0; round < 6000; round++) {
        const mach_port_t targets[] = {hostile_task, hostile_thread, hostile_host, hostile_set, hostile_control};
        unsigned int nr_words = hostile_dice(24);
        mach_port_t reply = mig_get_reply_port();
        mach_msg_return_t mr;

        hostile_renew_victim();
        harness_compose(&hostile_message, targets[hostile_dice(ARRAY_LENGTH(targets))], MACH_MSG_TYPE_COPY_SEND, reply,
                        MACH_MSG_TYPE_MAKE_SEND_ONCE, nr_words);
        hostile_message.head.msgh_id = bases[hostile_dice(ARRAY_LENGTH(bases))] + hostile_dice(110);
        if (hostile_dice(3) != 0)
            hostile_message.head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
        for (unsigned int i = 0; i < nr_words; i++)
            hostile_message.body[i] = hostile_dice(6) == 0 ? hostile_gift() : hostile_body_word();
        mr = mach_msg(&hostile_message.head, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT | MACH_SEND_TIMEOUT,
                      hostile_message.head.msgh_size, sizeof(hostile_message), reply, 0, MACH_PORT_NULL);
        if (mr == MACH_MSG_SUCCESS)
            hostile.nr_good++;
        hostile.progress++;
    }
    hostile.done = 1;
}

static void hostile_by_messages(void)
{
    hostile_begin(7);
    hostile.now = NULL;
    hostile.nr_good = 0;
    hostile_run(hostile_messenger);
    CHECK(hostile.nr_good > 500); /* replies, most of them with errors: the kernel looked */
    hostile_sane();
}

/* ---- what a program can use up ---- */

/* Names until there are no more, or 20000. */
static void hostile_many_names(void)
{
    vm_address_t room = harness_allocate(20000 * sizeof(mach_port_t));
    mach_port_t *names = (mach_port_t *)room;
    unsigned int nr = 0, good = 0;

    hostile_begin(8);
    while (nr < 20000 && mach_port_allocate(hostile_task, MACH_PORT_RIGHT_RECEIVE, &names[nr]) == KERN_SUCCESS)
        nr++;
    CHECK(nr > 1000);
    OK(task_terminate(hostile_task));
    hostile_renew_victim();
    for (unsigned int i = 0; i < 100; i++)
        good += mach_port_allocate(hostile_task, MACH_PORT_RIGHT_RECEIVE, &names[i]) == KERN_SUCCESS;
    IS(good, 100);
    harness_free(room, 20000 * sizeof(mach_port_t));
    hostile_sane();
}

/* Threads until there are no more, or 500, in a task that then ends. */
static void hostile_many_threads(void)
{
    unsigned int nr = 0;
    thread_t thread;

    hostile_begin(9);
    while (nr < 500 && thread_create(hostile_task, &thread) == KERN_SUCCESS) {
        mach_port_deallocate(harness_self, thread);
        nr++;
    }
    CHECK(nr > 50);
    OK(task_terminate(hostile_task));
    hostile_sane();
}

/* Regions of one page each. */
static void hostile_many_regions(void)
{
    unsigned int nr = 0;

    hostile_begin(10);
    for (vm_address_t at = 0x20000000; nr < 5000; at += 2 * PAGE, nr++) {
        vm_address_t start = at;

        if (vm_allocate(hostile_task, &start, PAGE, FALSE) != KERN_SUCCESS)
            break;
    }
    CHECK(nr > 1000);
    OK(task_terminate(hostile_task));
    hostile_sane();
}

const struct harness_test harness_tests[] = {
    {"nonsense to tasks, threads and address spaces gets errors", hostile_to_tasks, "it panics"},
    {"nonsense about names gets errors", hostile_to_names, NULL},
    {"nonsense about memory objects gets errors", hostile_to_objects, "it hangs"},
    {"nonsense to the host and its processors gets errors", hostile_to_host, NULL},
    {"nonsense to the newer calls gets errors", hostile_to_more, "it panics"},
    {"nonsense to traps gets errors", hostile_to_traps, "it panics"},
    {"six thousand messages at random do no harm", hostile_by_messages, NULL},
    {"twenty thousand names end with their task", hostile_many_names, NULL},
    {"hundreds of threads end with their task", hostile_many_threads, NULL},
    {"thousands of regions end with their task", hostile_many_regions, NULL},
    {NULL, NULL, NULL},
};
