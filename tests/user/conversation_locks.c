/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conversations about lock requests: every should_return x should_flush x lock_value on a page that is clean, dirty,
 * precious and clean, precious and dirty, or absent; what the calls refuse; and unlock requests.
 *
 * The combinations come from two tables. locks_table: what comes back of the page, and what it is afterwards, by what
 * it was, should_return and should_flush; a test for each of its rows. locks_access: what accesses need afterwards, by lock
 * value; the rows' loop. Each combination is three conversations: one that ends at once, so that what is dirty or precious
 * shows, one with a read, and one with a write.
 */
#include "harness_script.h"

enum locks_state { ABSENT, CLEAN, DIRTY, PRECIOUS_CLEAN, PRECIOUS_DIRTY };
enum locks_return { NOTHING, AS_CLEAN, AS_DIRTY }; /* what comes, and its flag dirty */
enum { KEEP = FALSE, FLUSH = TRUE };

enum { LOCKS_SEED = 100, LOCKS_NEW_SEED = 200, LOCKS_RESUPPLIED = 300 };

struct locks_row {
    enum locks_state before;
    memory_object_return_t should_return;
    boolean_t should_flush;
    enum locks_return returned; /* with kernel_copy, unless it is flushed */
    enum locks_state after;
};

/* What an access asks for of a page that is there: an unlock request with this access, or nothing. */
struct locks_access {
    vm_prot_t lock_value;
    vm_prot_t read_asks, write_asks;
};

static const struct locks_access locks_access[] = {
    {VM_PROT_NO_CHANGE, VM_PROT_NONE, VM_PROT_NONE},
    {VM_PROT_NONE, VM_PROT_NONE, VM_PROT_NONE},
    {VM_PROT_READ, VM_PROT_READ, RW},
    {VM_PROT_WRITE, VM_PROT_NONE, RW},
    {VM_PROT_ALL, VM_PROT_READ, RW},
};

#define NONE MEMORY_OBJECT_RETURN_NONE
#define CHANGED MEMORY_OBJECT_RETURN_DIRTY
#define ALL MEMORY_OBJECT_RETURN_ALL

/* before, should_return, should_flush, returned, after; why GNU Mach does otherwise */
#define LOCKS_TABLE(ROW) \
    ROW(ABSENT, NONE, KEEP, NOTHING, ABSENT, NULL) \
    ROW(ABSENT, NONE, FLUSH, NOTHING, ABSENT, NULL) \
    ROW(ABSENT, CHANGED, KEEP, NOTHING, ABSENT, NULL) \
    ROW(ABSENT, CHANGED, FLUSH, NOTHING, ABSENT, NULL) \
    ROW(ABSENT, ALL, KEEP, NOTHING, ABSENT, NULL) \
    ROW(ABSENT, ALL, FLUSH, NOTHING, ABSENT, NULL) \
    ROW(CLEAN, NONE, KEEP, NOTHING, CLEAN, NULL) \
    ROW(CLEAN, NONE, FLUSH, NOTHING, ABSENT, NULL) \
    ROW(CLEAN, CHANGED, KEEP, NOTHING, CLEAN, NULL) \
    ROW(CLEAN, CHANGED, FLUSH, NOTHING, ABSENT, NULL) \
    ROW(CLEAN, ALL, KEEP, NOTHING, CLEAN, NULL) \
    ROW(CLEAN, ALL, FLUSH, NOTHING, ABSENT, NULL) \
    ROW(DIRTY, NONE, KEEP, NOTHING, DIRTY, NULL) \
    ROW(DIRTY, NONE, FLUSH, NOTHING, ABSENT, NULL) \
    ROW(DIRTY, CHANGED, KEEP, AS_DIRTY, CLEAN, NULL) \
    ROW(DIRTY, CHANGED, FLUSH, AS_DIRTY, ABSENT, NULL) \
    ROW(DIRTY, ALL, KEEP, AS_DIRTY, CLEAN, NULL) \
    ROW(DIRTY, ALL, FLUSH, AS_DIRTY, ABSENT, NULL) \
    ROW(PRECIOUS_CLEAN, NONE, KEEP, NOTHING, PRECIOUS_CLEAN, NULL) \
    ROW(PRECIOUS_CLEAN, NONE, FLUSH, NOTHING, ABSENT, NULL) \
    ROW(PRECIOUS_CLEAN, CHANGED, KEEP, NOTHING, PRECIOUS_CLEAN, NULL) \
    ROW(PRECIOUS_CLEAN, CHANGED, FLUSH, AS_CLEAN, ABSENT, "a precious page that is flushed is dropped") \
    ROW(PRECIOUS_CLEAN, ALL, KEEP, AS_CLEAN, PRECIOUS_CLEAN, NULL) \
    ROW(PRECIOUS_CLEAN, ALL, FLUSH, AS_CLEAN, ABSENT, NULL) \
    ROW(PRECIOUS_DIRTY, NONE, KEEP, NOTHING, PRECIOUS_DIRTY, NULL) \
    ROW(PRECIOUS_DIRTY, NONE, FLUSH, NOTHING, ABSENT, NULL) \
    ROW(PRECIOUS_DIRTY, CHANGED, KEEP, AS_DIRTY, PRECIOUS_CLEAN, NULL) \
    ROW(PRECIOUS_DIRTY, CHANGED, FLUSH, AS_DIRTY, ABSENT, NULL) \
    ROW(PRECIOUS_DIRTY, ALL, KEEP, AS_DIRTY, PRECIOUS_CLEAN, NULL) \
    ROW(PRECIOUS_DIRTY, ALL, FLUSH, AS_DIRTY, ABSENT, NULL)

/* ---- one combination ---- */

static boolean_t locks_dirty(enum locks_state state)
{
    return state == DIRTY || state == PRECIOUS_DIRTY;
}

static boolean_t locks_precious(enum locks_state state)
{
    return state == PRECIOUS_CLEAN || state == PRECIOUS_DIRTY;
}

/* An object whose page is in this state; its bytes are filled by the seed that is returned. */
static uint32_t locks_prepare(struct talk *talk, enum locks_state state)
{
    script_open(talk, PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    if (state != ABSENT)
        script_page_in(talk, 0, LOCKS_SEED, VM_PROT_NONE, locks_precious(state));
    if (!locks_dirty(state))
        return LOCKS_SEED;
    harness_fill(talk->at, PAGE, LOCKS_NEW_SEED);
    return LOCKS_NEW_SEED;
}

static boolean_t locks_request(struct talk *talk, const struct locks_row *row, vm_prot_t lock_value, uint32_t seed)
{
    boolean_t good = SAYS(KERN_SUCCESS, memory_object_lock_request, talk->control, 0, PAGE, row->should_return,
                          row->should_flush, lock_value, talk->in.port);

    if (row->returned != NOTHING)
        good &= HEAR(memory_object_data_return, talk, 0, 1, seed, row->returned == AS_DIRTY, !row->should_flush);
    return good & HEAR(memory_object_lock_completed, talk, 0, PAGE) & SILENCE(talk);
}

/* The access asks for what the table says, gets it, and goes on. */
static boolean_t locks_touch(struct talk *talk, boolean_t absent, vm_prot_t asks, boolean_t write)
{
    vm_prot_t access = write ? RW : VM_PROT_READ;
    struct script_touch touch;
    boolean_t good = TRUE;

    script_touch(&touch, talk->at, write);
    if (absent) {
        good = HEAR(memory_object_data_request, talk, 0, PAGE, access) & SILENCE(talk) & script_waits(&touch);
        good &= IS(script_supply(talk, 0, 1, LOCKS_RESUPPLIED, VM_PROT_NONE, FALSE, MACH_PORT_NULL), KERN_SUCCESS);
    } else if (asks != VM_PROT_NONE) {
        good = HEAR(memory_object_data_unlock, talk, 0, PAGE, asks) & SILENCE(talk) & script_waits(&touch);
        good &= SAYS(KERN_SUCCESS, memory_object_lock_request, talk->control, 0, PAGE, NONE, FALSE, VM_PROT_NONE,
                     MACH_PORT_NULL);
    }
    return script_touched(&touch, 0) & good & SILENCE(talk);
}

/* The object ends; what comes back says in which state the page was. */
static boolean_t locks_end(struct talk *talk, enum locks_state state, uint32_t seed)
{
    boolean_t good = TRUE;

    harness_free(talk->at, PAGE);
    if (locks_dirty(state) || locks_precious(state))
        good = HEAR(memory_object_data_return, talk, 0, 1, seed, locks_dirty(state), FALSE);
    good &= HEAR(memory_object_terminate, talk);
    script_forget(talk);
    return good;
}

/* script_touch has changed the first byte of a page that was filled by seed, and nothing else. */
static boolean_t locks_was_written(vm_address_t at, uint32_t seed)
{
    vm_address_t want = script_data(1, seed);
    boolean_t good = TRUE;

    *(uint8_t *)want = 0x5a;
    for (unsigned int i = 0; i < PAGE / 4; i++)
        good &= ((uint32_t *)at)[i] == ((uint32_t *)want)[i];
    harness_free(want, PAGE);
    return CHECK(good);
}

enum locks_then { THEN_END, THEN_READ, THEN_WRITE };

static boolean_t locks_converse(const struct locks_row *row, const struct locks_access *access, enum locks_then then)
{
    struct talk talk;
    uint32_t seed = locks_prepare(&talk, row->before);
    enum locks_state state = row->after;
    boolean_t good = locks_request(&talk, row, access->lock_value, seed);

    if (then == THEN_END)
        return locks_end(&talk, state, seed) & good;
    good &= locks_touch(&talk, state == ABSENT, then == THEN_READ ? access->read_asks : access->write_asks,
                        then == THEN_WRITE);
    if (state == ABSENT) {
        seed = LOCKS_RESUPPLIED;
        state = CLEAN;
    }
    if (then == THEN_READ) {
        good &= CHECK(harness_filled(talk.at, PAGE, seed));
    } else {
        good &= locks_was_written(talk.at, seed);
        seed = LOCKS_NEW_SEED + 1;
        harness_fill(talk.at, PAGE, seed);
        state = locks_precious(state) ? PRECIOUS_DIRTY : DIRTY;
    }
    return locks_end(&talk, state, seed) & good;
}

static void locks_run(const struct locks_row *row)
{
    static const char *const names[] = {"ends", "is read", "is written"};

    for (unsigned int i = 0; i < ARRAY_LENGTH(locks_access); i++)
        for (enum locks_then then = THEN_END; then <= THEN_WRITE; then++)
            if (!locks_converse(row, &locks_access[i], then)) {
                harness_note("lock value %d, then the page %s", locks_access[i].lock_value, names[then]);
                return; /* what came too much or too late belongs to no other conversation */
            }
}

#define LOCKS_TEST(before, what, flush, returned, after, reason) \
    static void locks_##before##_##what##_##flush(void) \
    { \
        locks_run(&(const struct locks_row){before, what, flush, returned, after}); \
    }
LOCKS_TABLE(LOCKS_TEST)

const struct harness_test harness_tests[] = {
#define LOCKS_ENTRY(before, what, flush, returned, after, reason) \
    {"lock request for a page that is " #before ": return " #what ", " #flush ", gives " #returned ", leaves " #after, \
     locks_##before##_##what##_##flush, reason},
    LOCKS_TABLE(LOCKS_ENTRY)
    {NULL, NULL, NULL},
};
