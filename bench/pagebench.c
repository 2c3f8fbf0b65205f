/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagebench: one program, two kernels.
 *
 * A user task that is its own external memory manager. It maps a memory object larger than physical memory, dirties it,
 * and so makes the kernel send memory_object_data_return. Every page carries its page number and a generation, so nothing
 * has to be stored and every byte can still be checked: what the kernel returns, and what it supplies back.
 *
 * It is built only on the public Mach interface (Debian's gnumach-dev headers and MIG), so the same binary runs unchanged
 * on any i386 kernel that speaks it.
 *
 * Boot it as a multiboot module with
 *   pagebench ${host-port} ${device-port} [key=value ...] $(task-create) $(task-resume)
 * Keys: size (MiB of the object), passes, full (1 checks every word), order (seq or rand), rpc (round trips to time).
 * It prints lines 'pagebench: key=value ...' with mach_print, the last one 'pagebench: done errors=N', and then reboots.
 * Times are ticks of the time stamp counter: under qemu -icount shift=0 a tick is one guest instruction.
 */
#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <mach/mach_types.h>
#include <mach/mig_errors.h>
#include <mach/thread_status.h>
#include <mach/vm_prot.h>
#include <mach/vm_inherit.h>
#include <mach/memory_object.h>
#include <mach/mig_support.h>

#include "mig/mach_user.h"
#include "mig/mach_port_user.h"
#include "mig/mach_host_user.h"
#include "mig/memory_object_server.h"

#define PAGE 4096u
#define WORDS (PAGE / 4)

typedef unsigned int u32;
typedef unsigned long long u64;

/* ---- the machine ---- */

asm(".globl _start\n_start: pushl %esp\n call c_start\n"
#define TRAP(name, number) \
    ".globl " name "\n" name ": movl $" #number ", %eax\n lcall $7, $0\n ret\n"
    TRAP("mach_msg_trap", -25)
    TRAP("mach_reply_port", -26)
    TRAP("mach_thread_self", -27)
    TRAP("mach_task_self", -28)
    TRAP("mach_host_self", -29)
    TRAP("mach_print", -30)
    TRAP("swtch", -60));

mach_msg_return_t mach_msg_trap(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
                                mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout,
                                mach_port_t notify);
mach_port_t mach_reply_port(void);
void mach_print(const char *text);
boolean_t swtch(void);
void c_start(u32 *sp);

mach_msg_return_t mach_msg(mach_msg_header_t *m, mach_msg_option_t o, mach_msg_size_t s, mach_msg_size_t r,
                           mach_port_t n, mach_msg_timeout_t t, mach_port_t y)
{
    return mach_msg_trap(m, o, s, r, n, t, y);
}

/* One reply port a thread: the server thread uses only simple routines. */
static mach_port_t reply_port;
mach_port_t mig_get_reply_port(void)
{
    if (!reply_port)
        reply_port = mach_reply_port();
    return reply_port;
}
void mig_dealloc_reply_port(mach_port_t p)
{
    reply_port = 0;
}
void mig_put_reply_port(mach_port_t p)
{
}

void *memcpy(void *d, const void *s, unsigned n)
{
    char *a = d;
    const char *b = s;
    while (n--)
        *a++ = *b++;
    return d;
}
void *memset(void *d, int c, unsigned n)
{
    char *a = d;
    while (n--)
        *a++ = c;
    return d;
}
vm_size_t mig_strncpy(char *d, const char *s, vm_size_t n)
{
    vm_size_t i;
    for (i = 0; i < n && (d[i] = s[i]); i++)
        ;
    return i;
}

static u64 now(void)
{
    u32 lo, hi;
    asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (u64)hi << 32 | lo;
}

/* ---- printing ---- */

static char line[256];
static int at;
static void str(const char *s)
{
    while (*s && at < 250)
        line[at++] = *s++;
}
static void num(const char *key, u64 v)
{
    char d[24];
    int i = 24;
    u32 high = v >> 32, low = v;
    d[--i] = 0;
    do { /* 64-bit by 10 without libgcc */
        u32 q1 = high / 10, r1 = high % 10, q0, r0;
        asm("divl %4" : "=a"(q0), "=d"(r0) : "a"(low), "d"(r1), "r"(10));
        d[--i] = '0' + r0;
        high = q1;
        low = q0;
    } while (high | low);
    str(" ");
    str(key);
    str("=");
    str(d + i);
}
static void begin(const char *what)
{
    at = 0;
    str("pagebench: ");
    str(what);
}
static void end(void)
{
    line[at++] = '\n';
    line[at] = 0;
    mach_print(line);
}
static u32 errors;
static void failed(const char *what, u64 v)
{
    errors++;
    if (errors < 20) {
        begin("ERROR ");
        str(what);
        num("value", v);
        end();
    }
}
static void check(const char *what, kern_return_t kr)
{
    if (kr)
        failed(what, (u32)kr);
}

/* ---- what a page holds ---- */

static int full;
static u32 word_of(u32 page, u32 generation, u32 i)
{
    return (page * 2654435761u) ^ (generation * 40503u) ^ (i * 0x9e3779b9u);
}
static void stamp(volatile u32 *at_page, u32 page, u32 generation)
{
    u32 i;
    at_page[0] = page;
    at_page[1] = generation;
    if (full)
        for (i = 2; i < WORDS; i++)
            at_page[i] = word_of(page, generation, i);
    else
        at_page[WORDS - 1] = word_of(page, generation, WORDS - 1);
}
static int intact(volatile u32 *at_page, u32 page, u32 generation)
{
    u32 i;
    if (at_page[0] != page || at_page[1] != generation)
        return 0;
    if (full) {
        for (i = 2; i < WORDS; i++)
            if (at_page[i] != word_of(page, generation, i))
                return 0;
        return 1;
    }
    return at_page[WORDS - 1] == word_of(page, generation, WORDS - 1);
}

/* ---- the memory manager ---- */

static mach_port_t object_port, control_port, host_priv;
static u32 *stored; /* generation that each page was last returned with; 0: never */
static u32 pages_total;
static volatile u32 returns, returned_pages, dirty_returns, copy_returns, requests, supplies;
static volatile u32 requested_pages, unavailable, largest, last_seqno, seqno_gaps, terminated;
static u32 histogram[12]; /* of pages a message, by power of two */

kern_return_t seqnos_memory_object_init(mach_port_t object, mach_port_seqno_t seqno,
                                        mach_port_t control, mach_port_t name, vm_size_t page_size)
{
    control_port = control;
    last_seqno = seqno;
    check("memory_object_ready", memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_NONE));
    return KERN_SUCCESS;
}
kern_return_t seqnos_memory_object_terminate(mach_port_t object, mach_port_seqno_t seqno,
                                             mach_port_t control, mach_port_t name)
{
    terminated = 1;
    return KERN_SUCCESS;
}
kern_return_t seqnos_memory_object_copy(mach_port_t object, mach_port_seqno_t seqno,
                                        mach_port_t control, vm_offset_t offset, vm_size_t length,
                                        mach_port_t new_object)
{
    failed("memory_object_copy not expected", offset);
    return KERN_SUCCESS;
}
static void saw(mach_port_seqno_t seqno)
{
    if ((u32)seqno != last_seqno + 1)
        seqno_gaps++;
    last_seqno = seqno;
}
kern_return_t seqnos_memory_object_data_request(mach_port_t object, mach_port_seqno_t seqno,
                                                mach_port_t control, vm_offset_t offset,
                                                vm_size_t length, vm_prot_t access)
{
    u32 first = offset / PAGE, count = length / PAGE, i, known = 0;
    vm_address_t buffer = 0;
    saw(seqno);
    requests++;
    requested_pages += count;
    if (first + count > pages_total || !count)
        failed("data_request outside the object", offset);
    for (i = 0; i < count; i++)
        known += stored[first + i] != 0;
    if (!known) {
        unavailable++;
        check("data_unavailable", memory_object_data_unavailable(control, offset, length));
        return KERN_SUCCESS;
    }
    /* Pages known and unknown in one request: answer them one run at a time. */
    for (i = 0; i < count;) {
        u32 j = i, k;
        while (j < count && !stored[first + j] == !stored[first + i])
            j++;
        if (!stored[first + i]) {
            check("data_unavailable", memory_object_data_unavailable(
                                          control, offset + i * PAGE, (j - i) * PAGE));
        } else {
            check("vm_allocate",
                  vm_allocate(mach_task_self(), &buffer, (j - i) * PAGE, TRUE));
            for (k = i; k < j; k++)
                stamp((u32 *)(buffer + (k - i) * PAGE), first + k, stored[first + k]);
            supplies++;
            check("data_supply",
                  memory_object_data_supply(control, offset + i * PAGE, buffer, (j - i) * PAGE,
                                            TRUE, VM_PROT_NONE, FALSE, MACH_PORT_NULL));
        }
        i = j;
    }
    return KERN_SUCCESS;
}
kern_return_t seqnos_memory_object_data_unlock(mach_port_t object, mach_port_seqno_t seqno,
                                               mach_port_t control, vm_offset_t offset,
                                               vm_size_t length, vm_prot_t access)
{
    failed("data_unlock not expected", offset);
    return KERN_SUCCESS;
}
kern_return_t seqnos_memory_object_lock_completed(mach_port_t object, mach_port_seqno_t seqno,
                                                  mach_port_t control, vm_offset_t offset,
                                                  vm_size_t length)
{
    return KERN_SUCCESS;
}
kern_return_t seqnos_memory_object_supply_completed(mach_port_t object, mach_port_seqno_t seqno,
                                                    mach_port_t control, vm_offset_t offset,
                                                    vm_size_t length, kern_return_t result,
                                                    vm_offset_t error_offset)
{
    return KERN_SUCCESS;
}
kern_return_t seqnos_memory_object_change_completed(mach_port_t object, mach_port_seqno_t seqno,
                                                    boolean_t may_cache,
                                                    memory_object_copy_strategy_t strategy)
{
    return KERN_SUCCESS;
}
kern_return_t seqnos_memory_object_data_return(mach_port_t object, mach_port_seqno_t seqno,
                                               mach_port_t control, vm_offset_t offset,
                                               pointer_t data, mach_msg_type_number_t length,
                                               boolean_t dirty, boolean_t kernel_copy)
{
    u32 first = offset / PAGE, count = length / PAGE, i, b = 0;
    saw(seqno);
    returns++;
    returned_pages += count;
    dirty_returns += dirty != 0;
    copy_returns += kernel_copy != 0;
    if (count > largest)
        largest = count;
    while ((2u << b) <= count && b < 11)
        b++;
    histogram[b]++;
    if (length % PAGE || offset % PAGE || first + count > pages_total)
        failed("data_return outside the object", offset);
    for (i = 0; i < count && first + i < pages_total; i++) {
        volatile u32 *p = (volatile u32 *)(data + i * PAGE);
        u32 generation = p[1];
        if (!intact(p, first + i, generation) || generation < stored[first + i])
            failed("data_return: page does not hold what was written", first + i);
        stored[first + i] = generation;
    }
    check("vm_deallocate", vm_deallocate(mach_task_self(), data, length));
    return KERN_SUCCESS;
}

extern boolean_t seqnos_memory_object_server(mach_msg_header_t *, mach_msg_header_t *);

static union {
    mach_msg_header_t head;
    char room[2048];
} in, out;

static void serve(void)
{
    for (;;) {
        mach_msg_return_t mr =
            mach_msg(&in.head, MACH_RCV_MSG, 0, sizeof in, object_port, 0, MACH_PORT_NULL);
        if (mr)
            failed("mach_msg receive", (u32)mr);
        else if (!seqnos_memory_object_server(&in.head, &out.head))
            failed("message not understood, id", (u32)in.head.msgh_id);
    }
}

/* A second reply port for echo; ids outside every Mach subsystem. */
static mach_port_t echo_port;
static struct {
    mach_msg_header_t head;
    char pad[64];
} echo_in;
static void echo(void)
{
    mach_msg_header_t *m = &echo_in.head;
    mach_msg(m, MACH_RCV_MSG, 0, sizeof echo_in, echo_port, 0, MACH_PORT_NULL);
    for (;;) {
        m->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
        m->msgh_local_port = MACH_PORT_NULL;
        m->msgh_size = sizeof *m;
        mach_msg(m, MACH_SEND_MSG | MACH_RCV_MSG, sizeof *m, sizeof echo_in, echo_port, 0,
                 MACH_PORT_NULL);
    }
}

static char stacks[2][16384] __attribute__((aligned(16)));
static void thread(int which, void (*entry)(void))
{
    thread_t t;
    struct i386_thread_state state;
    mach_msg_type_number_t n = i386_THREAD_STATE_COUNT;
    check("thread_create", thread_create(mach_task_self(), &t));
    check("thread_get_state", thread_get_state(t, i386_REGS_SEGS_STATE, (thread_state_t)&state, &n));
    state.eip = (u32)entry;
    state.uesp = (u32)(stacks[which] + sizeof stacks[which] - 64);
    check("thread_set_state",
          thread_set_state(t, i386_REGS_SEGS_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT));
    check("thread_resume", thread_resume(t));
}

/*
 * Newer kernels bound a task's address space by physical memory until told otherwise
 * (gnumach.defs routine 4215, vm_set_size_limit); older ones answer MIG_BAD_ID. Either way, go on.
 */
static void lift_size_limit(void)
{
    static struct {
        mach_msg_header_t head;
        mach_msg_type_t map_type;
        mach_port_t map;
        mach_msg_type_t now_type;
        u32 now;
        mach_msg_type_t most_type;
        u32 most;
        char room[64];
    } m;
    const mach_msg_type_t port = {MACH_MSG_TYPE_COPY_SEND, 32, 1, TRUE, FALSE, FALSE, 0};
    const mach_msg_type_t word = {MACH_MSG_TYPE_INTEGER_32, 32, 1, TRUE, FALSE, FALSE, 0};
    m.head.msgh_bits =
        MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    m.head.msgh_size = 48;
    m.head.msgh_remote_port = host_priv;
    m.head.msgh_local_port = mig_get_reply_port();
    m.head.msgh_id = 4215;
    m.map_type = port;
    m.map = mach_task_self();
    m.now_type = m.most_type = word;
    m.now = m.most = ~0u;
    mach_msg(&m.head, MACH_SEND_MSG | MACH_RCV_MSG, 48, sizeof m, m.head.msgh_local_port, 0,
             MACH_PORT_NULL);
}

/* ---- the work ---- */

static u32 seed = 12345;
static u32 dice(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static u32 option(int argc, char **argv, const char *key, u32 otherwise)
{
    int i;
    for (i = 1; i < argc; i++) {
        const char *a = argv[i], *k = key;
        while (*k && *a == *k)
            a++, k++;
        if (!*k && *a == '=') {
            u32 v = 0;
            if (a[1] == 'r')
                return 1; /* order=rand */
            for (a++; *a >= '0' && *a <= '9'; a++)
                v = v * 10 + (*a - '0');
            return v;
        }
    }
    return otherwise;
}
static mach_port_t port_argument(const char *s)
{
    u32 v = 0;
    while (*s >= '0' && *s <= '9')
        v = v * 10 + (*s++ - '0');
    return v;
}

static void phase(const char *what, u64 ticks, u32 touched, u32 r0, u32 p0, u32 q0)
{
    u32 messages = returns - r0, out_pages = returned_pages - p0;
    begin(what);
    num("pages", touched);
    num("ticks", ticks);
    num("returns", messages);
    num("returned_pages", out_pages);
    num("requests", requests - q0);
    end();
}

extern char __executable_start, _end;

/* The memory manager must never wait for itself: all that it touches is wired. */
static void wire(vm_address_t start, vm_size_t size, vm_prot_t access)
{
    vm_address_t first = start & ~(PAGE - 1), last = (start + size + PAGE - 1) & ~(PAGE - 1);

    check("vm_wire", vm_wire(host_priv, mach_task_self(), first, last - first, access));
}

static mach_port_t new_port(void)
{
    mach_port_t port = MACH_PORT_NULL;

    check("mach_port_allocate", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port));
    check("mach_port_insert_right", mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND));
    return port;
}

static void timed(const char *what, const char *unit, u32 count, u64 ticks)
{
    begin(what);
    num(unit, count);
    num("ticks", ticks);
    end();
}

/* Each of the small measures runs twice; the first time is the warm-up. */

static void round_trips(u32 count)
{
    static struct {
        mach_msg_header_t head;
        char pad[64];
    } m;
    u32 i, pass;
    u64 t = 0;

    echo_port = new_port();
    thread(0, echo);
    mig_get_reply_port();
    for (pass = 0; pass < 2; pass++) {
        t = now();
        for (i = 0; i < count; i++) {
            m.head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
            m.head.msgh_size = sizeof m.head;
            m.head.msgh_remote_port = echo_port;
            m.head.msgh_local_port = reply_port;
            m.head.msgh_seqno = 0;
            m.head.msgh_id = 77777;
            if (mach_msg(&m.head, MACH_SEND_MSG | MACH_RCV_MSG, sizeof m.head, sizeof m, reply_port, 0, MACH_PORT_NULL))
                failed("echo", i);
        }
        t = now() - t;
    }
    timed("round_trip", "count", count, t);
}

static void kernel_rpcs(u32 count)
{
    mach_port_type_t type;
    u32 i, pass;
    u64 t = 0;

    for (pass = 0; pass < 2; pass++) {
        t = now();
        for (i = 0; i < count; i++)
            if (mach_port_type(mach_task_self(), echo_port, &type))
                failed("mach_port_type", i);
        t = now() - t;
    }
    timed("kernel_rpc", "count", count, t);
}

/* Allocates, touches and frees 4 MiB, with memory to spare. */
static void zero_fill(void)
{
    vm_address_t base = 0;
    u32 i, pass;
    u64 t = 0;

    for (pass = 0; pass < 2; pass++) {
        t = now();
        check("vm_allocate", vm_allocate(mach_task_self(), &base, 1024 * PAGE, TRUE));
        for (i = 0; i < 1024; i++)
            *(volatile u32 *)(base + i * PAGE) = i;
        check("vm_deallocate", vm_deallocate(mach_task_self(), base, 1024 * PAGE));
        t = now() - t;
    }
    timed("zero_fill", "pages", 1024, t);
}

static u32 *generation; /* that each page was last written with; 0: never */

static void write_pages(vm_address_t base, const char *what, u32 random)
{
    u32 r0 = returns, p0 = returned_pages, q0 = requests, i;
    u64 t = now();

    for (i = 0; i < pages_total; i++) {
        u32 page = random ? dice() % pages_total : i;
        volatile u32 *p = (volatile u32 *)(base + page * PAGE);

        if (generation[page] && !intact(p, page, generation[page]))
            failed("mapped page does not hold what was written", page);
        stamp(p, page, ++generation[page]);
    }
    phase(what, now() - t, pages_total, r0, p0, q0);
}

static void read_pages(vm_address_t base)
{
    u32 r0 = returns, p0 = returned_pages, q0 = requests, i;
    u64 t = now();

    for (i = 0; i < pages_total; i++) {
        volatile u32 *p = (volatile u32 *)(base + i * PAGE);

        if (generation[i] && !intact(p, i, generation[i]))
            failed("mapped page does not hold what was written", i);
    }
    phase("read", now() - t, pages_total, r0, p0, q0);
}

/* What the pageout daemon sent, before anybody asks for cleaning. */
static void report(void)
{
    u32 i;

    begin("returns");
    num("messages", returns);
    num("pages", returned_pages);
    num("dirty", dirty_returns);
    num("kernel_copy", copy_returns);
    num("largest", largest);
    num("seqno_gaps", seqno_gaps);
    end();
    begin("batches");
    for (i = 0; i < 12; i++) {
        static char key[] = "2^00";

        key[2] = '0' + i / 10;
        key[3] = '0' + i % 10;
        num(key, histogram[i]);
    }
    end();
    begin("requests");
    num("messages", requests);
    num("pages", requested_pages);
    num("unavailable", unavailable);
    num("supplies", supplies);
    end();
}

/* Cleans everything, keeping the pages: kernel_copy must be set, then the manager must have every last generation. */
static void clean(vm_address_t base)
{
    u32 r0 = returns, p0 = returned_pages, q0 = requests, c0 = copy_returns, lost = 0, i;
    u64 t;

    for (i = 0; i < pages_total && i < 512; i++)
        stamp((volatile u32 *)(base + i * PAGE), i, ++generation[i]);
    t = now();
    check("lock_request", memory_object_lock_request(control_port, 0, pages_total * PAGE, MEMORY_OBJECT_RETURN_DIRTY,
                                                     FALSE, VM_PROT_NO_CHANGE, MACH_PORT_NULL));
    for (i = 0; i < 20000; i++)
        swtch();
    phase("clean", now() - t, 512, r0, p0, q0);
    if (copy_returns == c0)
        failed("clean: no return said kernel_copy", copy_returns);
    for (i = 0; i < pages_total; i++)
        lost += generation[i] != 0 && stored[i] != generation[i];
    if (lost)
        failed("pages whose last generation never reached the manager", lost);
}

void c_start(u32 *sp)
{
    int argc = sp[0];
    char **argv = (char **)(sp + 1);
    u32 size = option(argc, argv, "size", 64), passes = option(argc, argv, "passes", 2);
    u32 rpc = option(argc, argv, "rpc", 2000), random = option(argc, argv, "order", 0), pass;
    vm_address_t base = 0, table = 0;

    full = option(argc, argv, "full", 0);
    host_priv = argc > 1 ? port_argument(argv[1]) : 0;
    pages_total = size * 256;
    begin("start");
    num("size_mib", size);
    num("passes", passes);
    num("random", random);
    num("full", full);
    end();

    check("vm_allocate", vm_allocate(mach_task_self(), &table, pages_total * 8, TRUE));
    stored = (u32 *)table;
    generation = stored + pages_total;
    wire(table, pages_total * 8, VM_PROT_READ | VM_PROT_WRITE);
    wire((vm_address_t)&__executable_start, (vm_size_t)(&_end - &__executable_start), VM_PROT_READ);

    round_trips(rpc);
    kernel_rpcs(rpc);
    zero_fill();

    object_port = new_port();
    thread(1, serve);
    lift_size_limit();
    check("vm_map", vm_map(mach_task_self(), &base, pages_total * PAGE, 0, TRUE, object_port, 0, FALSE,
                           VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE));
    for (pass = 0; pass < passes; pass++)
        write_pages(base, pass ? "rewrite" : "write", random);
    read_pages(base);
    report();
    clean(base);
    check("vm_deallocate", vm_deallocate(mach_task_self(), base, pages_total * PAGE));

    begin("done");
    num("errors", errors);
    end();
    host_reboot(host_priv, 0); /* qemu -no-reboot ends here */
    for (;;)
        swtch();
}
