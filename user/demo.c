/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The demonstration.
 *
 *   demo ${host-port} ${device-port} [size=MIB] [order=seq|rand] [rounds=N] [end=off|halt|reboot]
 *       $(task-create) $(task-resume)
 *
 * A task that is its own memory manager maps an object of so many MiB, larger than memory, writes it, checks and rewrites
 * it, checks it, and unmaps it; every word is checked wherever it turns up. This is a round (demo_round.c), and each is
 * done by a task of its own, made from this one. This one, the supervisor, prints a line a second, waits for the round's
 * task to end, and looks what is left: from the second round on it must be exactly the same after each, or something was
 * lost. After the first the kernel may have kept what it needs for work of this kind.
 *
 * What is left is counted in a moment that is always the same: the round's task is gone, and with it all its memory and
 * ports; the supervisor has released its rights to it. The kernel ends some things after their last user is gone, so that
 * the counts get time to settle.
 *
 * The last line is "demo: done errors=N ...". Then the machine is turned off, with PROGRAM_FAILED when there were errors.
 */
#include <mach/machair.h>
#include <mach/mig_errors.h>
#include <mach/mig_support.h>
#include <mach/notify.h>
#include <mach/vm_inherit.h>
#include <mach/vm_statistics.h>
#include <print.h>
#include <stdarg.h>
#include <string.h>
#include <uthread.h>

#include "demo.h"
#include "mig/mach_host_user.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "mig/machair_user.h"

/* After so many, errors are only counted. */
#define DEMO_ERRORS_SHOWN 20u
/* A round that does not get on for so long is an error: a page that comes from the manager takes milliseconds. */
#define DEMO_STUCK_SECONDS 60u
/* Ends of what nobody uses any more come within milliseconds; where there is nothing to compare with, this long. */
#define DEMO_QUIET_MS 1000u
#define DEMO_SETTLE_MS 5000u
#define DEMO_SETTLE_POLL_MS 20u
/* The first of the rounds that all leave the same. */
#define DEMO_STEADY_ROUND 2u
/* The most that fits into an address space, beside the program: 3 GiB less room for the rest. */
#define DEMO_SIZE_MAX 2560u

struct demo_options demo_options;

/* The kernel's numbers; all are 0 where it has no machair_host_counters, but the frames and pages of vm_statistics. */
struct demo_counters {
    bool known;
    machair_counters_data_t at;
};

static struct demo_counters demo_now, demo_left; /* demo_left: after round DEMO_STEADY_ROUND */
static mach_port_t demo_host;
static mach_port_t demo_notify;                  /* for the end of a round's task */
static uint32_t demo_start;                      /* seconds */
static uint32_t demo_total_returns, demo_total_pages;

/* ---- errors ---- */

void demo_error(const char *format, ...)
{
    va_list arguments;

    if (__atomic_fetch_add(&demo_options.progress->errors, 1, __ATOMIC_RELAXED) >= DEMO_ERRORS_SHOWN)
        return;
    printf("demo: ERROR: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

bool demo_check(const char *call, kern_return_t result)
{
    if (result != KERN_SUCCESS)
        demo_error("%s returns %d", call, result);
    return result == KERN_SUCCESS;
}

/* ---- what the kernel counts ---- */

static void demo_count(struct demo_counters *counters)
{
    mach_msg_type_number_t count = MACHAIR_COUNTERS_MAX;
    vm_statistics_data_t statistics;

    memset(counters, 0, sizeof(*counters));
    counters->known = machair_host_counters(demo_host, counters->at, &count) == KERN_SUCCESS;
    if (counters->known || !demo_check("vm_statistics", vm_statistics(uthread_task(), &statistics)))
        return;
    counters->at[MACHAIR_FRAMES_FREE] = (uint32_t)statistics.free_count;
    counters->at[MACHAIR_PAGES_ACTIVE] = (uint32_t)statistics.active_count;
    counters->at[MACHAIR_PAGES_INACTIVE] = (uint32_t)statistics.inactive_count;
}

static uint32_t demo_at(enum machair_counter counter)
{
    return (uint32_t)demo_now.at[counter];
}

/* What must be the same after every round: the sum of some counters, less others. */
enum demo_kept {
    DEMO_KEPT_FREE,
    DEMO_KEPT_KERNEL,
    DEMO_KEPT_OBJECT_FRAMES,
    DEMO_KEPT_LAUNDRY,
    DEMO_KEPT_OBJECTS,
    DEMO_KEPT_PORTS,
    DEMO_KEPT_ENTRIES,
    DEMO_KEPT_TASKS,
    DEMO_KEPT_THREADS,
    DEMO_KEPT_MEMORY_OBJECTS,
    DEMO_KEPT_SMALL,
    DEMO_NR_KEPT
};

static const char *const demo_kept_names[DEMO_NR_KEPT] = {
    "free", "kernel", "object_frames", "laundry", "objects", "ports", "entries", "tasks", "threads", "memory_objects",
    "small",
};

/*
 * The kernel packs its small objects into frames in the order in which they come and go, which is another in every round: so
 * they are counted themselves, and the frames of their caches as if free. What it sets aside for runs depends on how many
 * were under way at once: it is left out.
 */
static uint32_t demo_kept(const struct demo_counters *counters, enum demo_kept kept)
{
    const uint64_t *at = counters->at;

    switch (kept) {
    case DEMO_KEPT_FREE:
        return (uint32_t)(at[MACHAIR_FRAMES_FREE] + at[MACHAIR_FRAMES_CACHES]);
    case DEMO_KEPT_KERNEL:
        return (uint32_t)(at[MACHAIR_FRAMES_KERNEL] - at[MACHAIR_FRAMES_CACHES]);
    case DEMO_KEPT_OBJECT_FRAMES:
        return (uint32_t)at[MACHAIR_FRAMES_OBJECT];
    case DEMO_KEPT_LAUNDRY:
        return (uint32_t)at[MACHAIR_FRAMES_LAUNDRY];
    case DEMO_KEPT_OBJECTS:
        return (uint32_t)(at[MACHAIR_OBJECTS] - at[MACHAIR_OBJECTS_SPARE]);
    case DEMO_KEPT_PORTS:
        return (uint32_t)at[MACHAIR_PORTS];
    case DEMO_KEPT_ENTRIES:
        return (uint32_t)(at[MACHAIR_MAP_ENTRIES] - at[MACHAIR_MAP_ENTRIES_SPARE]);
    case DEMO_KEPT_TASKS:
        return (uint32_t)at[MACHAIR_TASKS];
    case DEMO_KEPT_THREADS:
        return (uint32_t)at[MACHAIR_THREADS];
    case DEMO_KEPT_MEMORY_OBJECTS:
        return (uint32_t)at[MACHAIR_MEMORY_OBJECTS];
    default:
        return (uint32_t)(at[MACHAIR_SMALL_OBJECTS] - at[MACHAIR_OBJECTS_SPARE] - at[MACHAIR_MAP_ENTRIES_SPARE]);
    }
}

static bool demo_same(void)
{
    for (enum demo_kept kept = 0; kept < DEMO_NR_KEPT; kept++)
        if (demo_kept(&demo_now, kept) != demo_kept(&demo_left, kept))
            return false;
    return true;
}

/* ---- lines ---- */

static uint32_t demo_seconds(void)
{
    time_value_t now = {0, 0};

    (void)host_get_time(demo_host, &now);
    return (uint32_t)now.seconds - demo_start;
}

/* Pages a message, with one decimal. */
static void demo_print_average(const char *before, uint32_t pages, uint32_t messages)
{
    uint32_t tenths = messages == 0 ? 0 : (uint32_t)((pages / messages) * 10 + (pages % messages) * 10 / messages);

    printf("%s%u.%u", before, tenths / 10, tenths % 10);
}

static void demo_print_progress(uint32_t round)
{
    static const char *const phases[] = {"start", "write", "rewrite", "read", "end", "end"};
    const struct demo_progress *progress = demo_options.progress;
    uint32_t phase = progress->phase, tenth = demo_options.size * DEMO_PAGES_A_MIB / 100;

    demo_count(&demo_now);
    printf("demo: %4u s, round %u: %-7s %3u%%; ", demo_seconds(), round, phases[phase],
           phase < DEMO_ENDING && tenth != 0 ? progress->pages_done / tenth : 100);
    if (demo_now.known)
        printf("frames: free %5u kernel %5u objects %6u laundry %4u; ", demo_at(MACHAIR_FRAMES_FREE),
               demo_at(MACHAIR_FRAMES_KERNEL), demo_at(MACHAIR_FRAMES_OBJECT), demo_at(MACHAIR_FRAMES_LAUNDRY));
    else
        printf("pages: free %5u active %6u inactive %6u; ", demo_at(MACHAIR_FRAMES_FREE), demo_at(MACHAIR_PAGES_ACTIVE),
               demo_at(MACHAIR_PAGES_INACTIVE));
    printf("sent %u runs of %u pages", progress->returns, progress->returned_pages);
    demo_print_average(", ", progress->returned_pages, progress->returns);
    printf(" a message; read %u\n", progress->supplied_pages);
}

static void demo_print_round(uint32_t round)
{
    printf("demo: round %u left:", round);
    for (enum demo_kept kept = 0; kept < (demo_now.known ? DEMO_NR_KEPT : 1); kept++)
        printf(" %s=%u", demo_kept_names[kept], demo_kept(&demo_now, kept));
    printf("\n");
}

/* ---- a round, seen from outside ---- */

struct demo_notification {
    mach_dead_name_notification_t notification;
    char trailer[64];
};

/* Waits at most a second; whether the task has ended. */
static bool demo_wait_second(task_t task)
{
    struct demo_notification message;
    mach_msg_return_t result = mach_msg(&message.notification.not_header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
                                        sizeof(message), demo_notify, 1000, MACH_PORT_NULL);

    if (result == MACH_RCV_TIMED_OUT)
        return false;
    if (!demo_check("mach_msg", result))
        return true;
    if (message.notification.not_header.msgh_id != MACH_NOTIFY_DEAD_NAME || message.notification.not_port != task)
        demo_error("message %d instead of the notification", message.notification.not_header.msgh_id);
    return true;
}

/* Prints a line a second until the task has ended; ends it when it does not get on. */
static void demo_watch(uint32_t round, task_t task)
{
    const struct demo_progress *progress = demo_options.progress;
    uint32_t idle = 0, before = 0;

    while (!demo_wait_second(task)) {
        uint32_t work = progress->phase + progress->pages_done + progress->returned_pages;

        demo_print_progress(round);
        idle = work == before ? idle + 1 : 0;
        before = work;
        if (idle == DEMO_STUCK_SECONDS) {
            demo_error("round %u has not done anything for %u s", round, idle);
            demo_check("task_terminate", task_terminate(task));
            return;
        }
    }
    if (progress->phase != DEMO_FINISHED)
        demo_error("the task of round %u has ended before its work was done", round);
}

/* Starts the round's task on the block; *task is our right to it, to be released in any case but MACH_PORT_NULL. */
static bool demo_begin(struct uthread *first, task_t *task)
{
    mach_port_t host_priv = demo_options.host_priv, previous = MACH_PORT_NULL;

    *task = MACH_PORT_NULL;
    if (!demo_check("task_create", task_create(uthread_task(), TRUE, task)))
        return false;
    if (demo_check("mach_port_insert_right",
                   mach_port_insert_right(*task, host_priv, host_priv, MACH_MSG_TYPE_COPY_SEND)) &&
        demo_check("mach_port_request_notification",
                   mach_port_request_notification(uthread_task(), *task, MACH_NOTIFY_DEAD_NAME, 0, demo_notify,
                                                  MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous)) &&
        demo_check("thread_create", uthread_start(*task, first)))
        return true;
    demo_check("task_terminate", task_terminate(*task));
    return false;
}

static void demo_compare(uint32_t round)
{
    for (enum demo_kept kept = 0; kept < DEMO_NR_KEPT; kept++) {
        uint32_t now = demo_kept(&demo_now, kept), left = demo_kept(&demo_left, kept);

        if (now != left)
            demo_error("%s=%u after round %u, but %u after round %u", demo_kept_names[kept], now, round, left,
                       DEMO_STEADY_ROUND);
    }
}

static void demo_settle(uint32_t round)
{
    if (round <= DEMO_STEADY_ROUND) {
        uthread_sleep(DEMO_QUIET_MS);
        demo_count(&demo_now);
        demo_print_round(round);
        demo_left = demo_now;
        return;
    }
    demo_count(&demo_now);
    for (uint32_t waited = 0; demo_now.known && !demo_same() && waited < DEMO_SETTLE_MS; waited += DEMO_SETTLE_POLL_MS) {
        uthread_sleep(DEMO_SETTLE_POLL_MS);
        demo_count(&demo_now);
    }
    demo_print_round(round);
    if (demo_now.known)
        demo_compare(round);
}

static void demo_supervise(uint32_t round)
{
    struct demo_progress *progress = demo_options.progress;
    uint32_t errors = progress->errors, began = demo_seconds();
    struct uthread *first = uthread_prepare(demo_round, NULL);
    task_t task;

    memset(progress, 0, sizeof(*progress));
    progress->errors = errors;
    if (first == NULL) {
        demo_error("round %u: no memory for a stack", round);
        return;
    }
    if (demo_begin(first, &task))
        demo_watch(round, task);
    uthread_free(first);
    /* By now it is a dead name, with a reference of the notification's beside ours. */
    if (task != MACH_PORT_NULL)
        demo_check("mach_port_destroy", mach_port_destroy(uthread_task(), task));
    demo_total_returns += progress->returns;
    demo_total_pages += progress->returned_pages;
    printf("demo: round %u: %u s, %u runs of %u pages sent, the longest %u", round, demo_seconds() - began,
           progress->returns, progress->returned_pages, progress->largest);
    demo_print_average(", on average ", progress->returned_pages, progress->returns);
    printf("; %u pages read again\n", progress->supplied_pages);
    demo_settle(round);
}

/* ---- the whole ---- */

static bool demo_parse(int argc, char **argv)
{
    const char *order = program_option(argc, argv, "order"), *end = program_option(argc, argv, "end");

    demo_options.host_priv = program_port(argc, argv, 1);
    demo_options.random = order != NULL && strcmp(order, "rand") == 0;
    if (order != NULL && !demo_options.random && strcmp(order, "seq") != 0)
        return false;
    if (end == NULL || strcmp(end, "off") == 0)
        demo_options.end = PROGRAM_POWER_OFF | PROGRAM_HALT;
    else if (strcmp(end, "halt") == 0)
        demo_options.end = PROGRAM_HALT;
    else if (strcmp(end, "reboot") == 0)
        demo_options.end = PROGRAM_REBOOT;
    else
        return false;
    return program_number(argc, argv, "size", 0, &demo_options.size) && demo_options.size <= DEMO_SIZE_MAX &&
           program_number(argc, argv, "rounds", 1, &demo_options.rounds) && demo_options.rounds > 0;
}

/* MiB of memory that the kernel has. */
static uint32_t demo_memory(void)
{
    struct host_basic_info info;
    mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;

    if (!demo_check("host_info", host_info(demo_host, HOST_BASIC_INFO, (host_info_t)&info, &count)))
        return 1;
    return ((uint32_t)info.memory_size + (1 << 19)) >> 20;
}

/* What the supervisor needs; without it there is no place to count errors in. */
static bool demo_prepare(void)
{
    vm_address_t shared = 0;

    if (vm_allocate(uthread_task(), &shared, PROGRAM_PAGE_SIZE, TRUE) != KERN_SUCCESS ||
        vm_inherit(uthread_task(), shared, PROGRAM_PAGE_SIZE, VM_INHERIT_SHARE) != KERN_SUCCESS)
        return false;
    demo_options.progress = (struct demo_progress *)shared;
    demo_host = mach_host_self();
    demo_start = demo_seconds();
    return mach_port_allocate(uthread_task(), MACH_PORT_RIGHT_RECEIVE, &demo_notify) == KERN_SUCCESS;
}

int main(int argc, char **argv)
{
    uint32_t memory, round;

    if (!demo_prepare() || !demo_parse(argc, argv)) {
        printf("demo: usage: demo HOST-PORT DEVICE-PORT [size=MIB] [order=seq|rand] [rounds=N] [end=off|halt|reboot]\n");
        printf("demo: done errors=1\n");
        program_shut_down(demo_options.host_priv, PROGRAM_HALT | PROGRAM_FAILED);
    }
    memory = demo_memory();
    if (demo_options.size == 0)
        demo_options.size = memory < DEMO_SIZE_MAX / 4 ? memory * 4 : DEMO_SIZE_MAX;
    printf("demo: an object of %u MiB in %u MiB of memory, written in %s order; rounds=%u\n", demo_options.size, memory,
           demo_options.random ? "random" : "ascending", demo_options.rounds);
    for (round = 1; round <= demo_options.rounds && demo_options.progress->errors == 0; round++)
        demo_supervise(round);
    printf("demo: done errors=%u rounds=%u seconds=%u messages=%u pages=%u", demo_options.progress->errors, round - 1,
           demo_seconds(), demo_total_returns, demo_total_pages);
    demo_print_average(" pages_a_message=", demo_total_pages, demo_total_returns);
    printf("\n");
    program_shut_down(demo_options.host_priv,
                      demo_options.end | (demo_options.progress->errors != 0 ? PROGRAM_FAILED : 0));
}
