/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pager kit: what kit.h promises of order, syncs, errors, locks and ends, and that nothing is lost under pressure.
 *
 * The pager here keeps the first word of each page, by which the other words are known. Each of its operations can be made
 * to wait, to fail, and to say what it was about.
 */
#include <kit.h>
#include <mach/mig_support.h>
#include <mach/vm_inherit.h>
#include <mach/vm_sync.h>
#include <print.h>
#include <string.h>
#include <uthread.h>

#include "mig/gnumach_user.h"
#include "mig/mach_host_user.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"

#define PAGE KIT_PAGE_SIZE
#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define KIT_TEST_PATIENCE_MS 20000u

/* ---- checks, and waiting ---- */

static unsigned int kit_test_failed;

#define CHECK(condition) kit_test_check(condition, __LINE__, #condition)
static bool kit_test_check(bool holds, int line, const char *text)
{
    if (!holds) {
        printf("# line %d: %s\n", line, text);
        kit_test_failed++;
    }
    return holds;
}

/* Waits until the word has the value; whether it has in the end. */
static bool kit_test_await(const volatile unsigned int *word, unsigned int value)
{
    for (unsigned int i = 0; *word != value && i < KIT_TEST_PATIENCE_MS; i++)
        uthread_sleep(1);
    return *word == value;
}

/* ---- a pager that can be watched ---- */

#define KIT_TEST_PAGES 64u

struct kit_test_pager {
    volatile uint32_t first[KIT_TEST_PAGES]; /* words that were written; 0: never */
    volatile uint64_t read_gate;        /* operations on these pages wait while their bit is set */
    volatile uint64_t write_gate;
    uint64_t fails;                     /* writes of these pages fail */
    vm_prot_t lock, refused;            /* what read locks; what unlock, and read with this access, refuse */
    bool precious;
    struct kit_object *sync;            /* read calls kit_object_sync on it */
    volatile unsigned int nr_reads, nr_writes, nr_unlocks, nr_unmapped, nr_destroyed, nr_waiting;
    volatile uint32_t written[8];       /* the first words of the pages of the last writes, in order */
    volatile unsigned int nr_written, nr_clean;
    volatile kern_return_t sync_result;
};

static void kit_test_wait_at(struct kit_test_pager *pager, const volatile uint64_t *gate, unsigned int page)
{
    __atomic_add_fetch(&pager->nr_waiting, 1, __ATOMIC_SEQ_CST);
    while (*gate >> page & 1)
        uthread_sleep(1);
    __atomic_sub_fetch(&pager->nr_waiting, 1, __ATOMIC_SEQ_CST);
}

static kern_return_t kit_test_read(void *context, struct kit_read *read)
{
    struct kit_test_pager *pager = context;
    unsigned int page = read->offset / PAGE;

    kit_test_wait_at(pager, &pager->read_gate, page);
    __atomic_add_fetch(&pager->nr_reads, 1, __ATOMIC_SEQ_CST);
    read->size = PAGE;
    if (pager->sync != NULL)
        pager->sync_result = kit_object_sync(pager->sync, 0, PAGE, KIT_CLEAN);
    if (page >= KIT_TEST_PAGES || (read->access & pager->refused))
        return KERN_FAILURE;
    read->lock = pager->lock;
    read->precious = pager->precious;
    if (pager->first[page] == 0 && !pager->precious && pager->lock == VM_PROT_NONE)
        return KIT_NO_DATA;
    *(uint32_t *)read->data = pager->first[page];
    return KERN_SUCCESS;
}

static kern_return_t kit_test_write(void *context, const struct kit_write *write)
{
    struct kit_test_pager *pager = context;

    for (unsigned int i = 0; i < write->size / PAGE; i++) {
        unsigned int page = write->offset / PAGE + i;
        uint32_t word = *(const uint32_t *)(write->data + i * PAGE);

        kit_test_wait_at(pager, &pager->write_gate, page);
        pager->nr_clean += !write->dirty;
        pager->written[pager->nr_written++ % ARRAY_LENGTH(pager->written)] = word;
        if (pager->fails >> page & 1)
            return KERN_NO_SPACE;
        pager->first[page] = word;
    }
    __atomic_add_fetch(&pager->nr_writes, 1, __ATOMIC_SEQ_CST);
    return KERN_SUCCESS;
}

static kern_return_t kit_test_unlock(void *context, vm_offset_t offset, vm_size_t size, vm_prot_t access)
{
    struct kit_test_pager *pager = context;

    pager->nr_unlocks++;
    return access & pager->refused ? KERN_PROTECTION_FAILURE : KERN_SUCCESS;
}

static void kit_test_terminated(void *context, enum kit_end end)
{
    struct kit_test_pager *pager = context;

    if (end == KIT_END_DESTROYED)
        pager->nr_destroyed++;
    else
        pager->nr_unmapped++;
}

static const struct kit_operations kit_test_operations = {
    .read = kit_test_read,
    .write = kit_test_write,
    .unlock = kit_test_unlock,
    .terminated = kit_test_terminated,
};

/* ---- objects and clients ---- */

static struct kit *kit_test_kit;
static struct kit_test_pager kit_test_pager;
static struct kit_object *kit_test_object;

static vm_address_t kit_test_map(const struct kit_object *object, unsigned int nr_pages)
{
    vm_address_t address = 0;

    CHECK(vm_map(uthread_task(), &address, nr_pages * PAGE, 0, TRUE, kit_object_port(object), 0, FALSE,
                 VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE) == KERN_SUCCESS);
    return address;
}

static vm_address_t kit_test_begin(void)
{
    memset(&kit_test_pager, 0, sizeof(kit_test_pager));
    kit_test_object = kit_object_create(kit_test_kit, &kit_test_operations, &kit_test_pager, NULL);
    CHECK(kit_test_object != NULL);
    return kit_test_map(kit_test_object, KIT_TEST_PAGES);
}

static void kit_test_unmap(vm_address_t address)
{
    unsigned int before = kit_test_pager.nr_unmapped;

    CHECK(vm_deallocate(uthread_task(), address, KIT_TEST_PAGES * PAGE) == KERN_SUCCESS);
    CHECK(kit_test_await(&kit_test_pager.nr_unmapped, before + 1));
}

static void kit_test_end(vm_address_t address)
{
    kit_test_unmap(address);
    kit_object_destroy(kit_test_object);
    CHECK(kit_test_await(&kit_test_pager.nr_destroyed, 1));
}

static volatile uint32_t *kit_test_word(vm_address_t address, unsigned int page)
{
    return (volatile uint32_t *)(address + page * PAGE);
}

/* Whether the kernel can read the page for us; an access by ourselves would be an exception. */
static bool kit_test_readable(vm_address_t address, unsigned int page)
{
    vm_address_t copy;
    mach_msg_type_number_t count;

    return vm_read(uthread_task(), address + page * PAGE, PAGE, &copy, &count) == KERN_SUCCESS &&
           vm_deallocate(uthread_task(), copy, count) == KERN_SUCCESS;
}

/* What another thread does: one access or one call. */
struct kit_test_other {
    struct uthread *thread;
    vm_address_t address;
    enum kit_sync how;
    uint32_t value;
    kern_return_t result;
    volatile unsigned int done;
};

static void kit_test_reader(void *argument)
{
    struct kit_test_other *other = argument;

    other->value = *(volatile uint32_t *)other->address;
    other->done = 1;
}

static void kit_test_syncer(void *argument)
{
    struct kit_test_other *other = argument;

    other->result = kit_object_sync(kit_test_object, 0, KIT_TEST_PAGES * PAGE, other->how);
    other->done = 1;
}

static void kit_test_start(struct kit_test_other *other, void (*function)(void *argument))
{
    other->done = 0;
    other->thread = uthread_create(function, other);
    CHECK(other->thread != NULL);
}

static void kit_test_finish(struct kit_test_other *other)
{
    CHECK(kit_test_await(&other->done, 1));
    uthread_join(other->thread);
}

/* ---- order ---- */

static void kit_test_read_after_write(void)
{
    vm_address_t address = kit_test_begin();
    struct kit_test_other flush = {.how = KIT_FLUSH}, read = {.address = address};

    *kit_test_word(address, 0) = 17;
    kit_test_pager.write_gate = 1;
    kit_test_pager.nr_reads = 0;
    kit_test_start(&flush, kit_test_syncer);
    CHECK(kit_test_await(&kit_test_pager.nr_waiting, 1));
    kit_test_start(&read, kit_test_reader);
    uthread_sleep(30);
    CHECK(kit_test_pager.nr_reads == 0 && kit_test_pager.nr_waiting == 1);
    CHECK(!flush.done && !read.done);
    kit_test_pager.write_gate = 0;
    kit_test_finish(&flush);
    kit_test_finish(&read);
    CHECK(flush.result == KERN_SUCCESS);
    CHECK(read.value == 17);
    kit_test_end(address);
}

static void kit_test_at_once(void)
{
    vm_address_t address = kit_test_begin();
    struct kit_test_other slow = {.address = address}, also = {.address = address + PAGE};

    kit_test_pager.first[2] = 9;
    kit_test_pager.read_gate = 3;
    kit_test_start(&slow, kit_test_reader);
    kit_test_start(&also, kit_test_reader);
    CHECK(kit_test_await(&kit_test_pager.nr_waiting, 2));
    CHECK(*kit_test_word(address, 2) == 9);
    CHECK(!slow.done && !also.done);
    kit_test_pager.read_gate = 0;
    kit_test_finish(&slow);
    kit_test_finish(&also);
    kit_test_end(address);
}

/* Three reads take all the workers that read; the flush goes on. */
static void kit_test_a_worker_writes(void)
{
    vm_address_t address = kit_test_begin();
    struct kit_test_other slow[4];

    *kit_test_word(address, 9) = 5;
    kit_test_pager.read_gate = 0xf;
    for (unsigned int i = 0; i < ARRAY_LENGTH(slow); i++) {
        slow[i].address = address + i * PAGE;
        kit_test_start(&slow[i], kit_test_reader);
    }
    CHECK(kit_test_await(&kit_test_pager.nr_waiting, 3));
    CHECK(kit_object_sync(kit_test_object, 9 * PAGE, PAGE, KIT_FLUSH) == KERN_SUCCESS);
    CHECK(kit_test_pager.first[9] == 5);
    CHECK(kit_test_pager.nr_waiting == 3);
    kit_test_pager.read_gate = 0;
    for (unsigned int i = 0; i < ARRAY_LENGTH(slow); i++)
        kit_test_finish(&slow[i]);
    kit_test_end(address);
}

/* The first write waits, and the page is modified and returned again, by the unmapping. */
static void kit_test_writes_in_order(void)
{
    vm_address_t address = kit_test_begin();
    struct kit_test_other clean = {.how = KIT_CLEAN};

    *kit_test_word(address, 3) = 1;
    kit_test_pager.write_gate = 1 << 3;
    kit_test_start(&clean, kit_test_syncer);
    CHECK(kit_test_await(&kit_test_pager.nr_waiting, 1));
    *kit_test_word(address, 3) = 2;
    CHECK(vm_deallocate(uthread_task(), address, KIT_TEST_PAGES * PAGE) == KERN_SUCCESS);
    uthread_sleep(30);
    CHECK(kit_test_pager.nr_waiting == 1 && kit_test_pager.nr_unmapped == 0);
    kit_test_pager.write_gate = 0;
    CHECK(kit_test_await(&kit_test_pager.nr_unmapped, 1));
    kit_test_finish(&clean);
    CHECK(clean.result == KERN_SUCCESS);
    CHECK(kit_test_pager.nr_written == 2 && kit_test_pager.written[0] == 1 && kit_test_pager.written[1] == 2);
    CHECK(kit_test_pager.first[3] == 2);
    address = kit_test_map(kit_test_object, KIT_TEST_PAGES);
    CHECK(*kit_test_word(address, 3) == 2);
    kit_test_end(address);
}

static void kit_test_syncs_in_line(void)
{
    vm_address_t address = kit_test_begin();
    struct kit_test_other other[5];

    for (unsigned int round = 0; round < 10; round++) {
        for (unsigned int i = 0; i < KIT_TEST_PAGES; i++)
            *kit_test_word(address, i) = round * 100 + i + 1;
        for (unsigned int i = 0; i < ARRAY_LENGTH(other); i++) {
            other[i].how = i % 2 == 0 ? KIT_CLEAN : KIT_FLUSH;
            kit_test_start(&other[i], kit_test_syncer);
        }
        for (unsigned int i = 0; i < ARRAY_LENGTH(other); i++) {
            kit_test_finish(&other[i]);
            CHECK(other[i].result == KERN_SUCCESS);
        }
        for (unsigned int i = 0; i < KIT_TEST_PAGES; i++)
            CHECK(kit_test_pager.first[i] == round * 100 + i + 1);
    }
    kit_test_end(address);
}

/* What a client's vm_msync() returns is written when it ends. */
static void kit_test_msyncer(void *argument)
{
    struct kit_test_other *other = argument;

    other->result = vm_msync(uthread_task(), other->address, KIT_TEST_PAGES * PAGE, VM_SYNC_SYNCHRONOUS);
    other->done = 1;
}

static void kit_test_msync(void)
{
    const struct kit_attributes attributes = {.synchronize = true};
    struct kit_test_other msync;

    memset(&kit_test_pager, 0, sizeof(kit_test_pager));
    kit_test_object = kit_object_create(kit_test_kit, &kit_test_operations, &kit_test_pager, &attributes);
    vm_address_t address = msync.address = kit_test_map(kit_test_object, KIT_TEST_PAGES);
    *kit_test_word(address, 0) = 6;
    kit_test_pager.write_gate = 1;
    kit_test_start(&msync, kit_test_msyncer);
    CHECK(kit_test_await(&kit_test_pager.nr_waiting, 1));
    uthread_sleep(30);
    CHECK(!msync.done);
    kit_test_pager.write_gate = 0;
    kit_test_finish(&msync);
    CHECK(msync.result == KERN_SUCCESS && kit_test_pager.first[0] == 6);
    kit_test_end(address);
}

/* ---- errors ---- */

static void kit_test_failed_write(void)
{
    vm_address_t address = kit_test_begin();

    for (unsigned int i = 4; i < 8; i++)
        *kit_test_word(address, i) = i;
    kit_test_pager.fails = 1 << 5;
    CHECK(kit_object_sync(kit_test_object, 0, KIT_TEST_PAGES * PAGE, KIT_CLEAN) == KERN_NO_SPACE);
    CHECK(kit_object_sync(kit_test_object, 0, 4 * PAGE, KIT_CLEAN) == KERN_SUCCESS);
    kit_test_pager.fails = 0;
    *kit_test_word(address, 4) = 44;
    *kit_test_word(address, 5) = 55;
    CHECK(kit_object_sync(kit_test_object, 4 * PAGE, 2 * PAGE, KIT_FLUSH) == KERN_SUCCESS);
    CHECK(*kit_test_word(address, 4) == 44 && *kit_test_word(address, 5) == 55);
    /* The rest of the run that failed: the kernel had kept it, clean, and drops it now. */
    CHECK(kit_object_sync(kit_test_object, 6 * PAGE, 2 * PAGE, KIT_FLUSH) == KERN_NO_SPACE);
    CHECK(!kit_test_readable(address, 6) && !kit_test_readable(address, 7));
    CHECK(kit_test_readable(address, 8));
    /* Without waiting for the end: GNU Mach keeps an object for ever after a copy from it has failed. */
    CHECK(vm_deallocate(uthread_task(), address, KIT_TEST_PAGES * PAGE) == KERN_SUCCESS);
    kit_object_destroy(kit_test_object);
    CHECK(kit_test_await(&kit_test_pager.nr_destroyed, 1));
}

static void kit_test_wrong_calls(void)
{
    vm_address_t address = kit_test_begin();

    CHECK(kit_object_sync(kit_test_object, 1, PAGE, KIT_CLEAN) == KERN_INVALID_ARGUMENT);
    CHECK(kit_object_sync(kit_test_object, 0, PAGE + 1, KIT_CLEAN) == KERN_INVALID_ARGUMENT);
    CHECK(kit_object_sync(kit_test_object, -PAGE, PAGE, KIT_CLEAN) == KERN_INVALID_ARGUMENT);
    CHECK(kit_object_sync(kit_test_object, 0, 0, KIT_CLEAN) == KERN_SUCCESS);
    kit_test_pager.sync = kit_test_object;
    kit_test_pager.sync_result = KERN_SUCCESS;
    CHECK(*kit_test_word(address, 0) == 0);
    CHECK(kit_test_pager.sync_result == KERN_FAILURE);
    struct kit_attributes wrong = {.request_size = PAGE + 1};
    CHECK(kit_object_create(kit_test_kit, &kit_test_operations, NULL, &wrong) == NULL);
    wrong = (struct kit_attributes){.copy_strategy = MEMORY_OBJECT_COPY_CALL};
    CHECK(kit_object_create(kit_test_kit, &kit_test_operations, NULL, &wrong) == NULL);
    kit_test_end(address);
}

/* Who maps an object can send it anything. */
static void kit_test_forged(void)
{
    vm_address_t address = kit_test_begin();
    mach_msg_header_t message;

    *kit_test_word(address, 0) = 3;
    unsigned int reads = kit_test_pager.nr_reads;
    for (mach_msg_id_t id = 2190; id < 2260; id++) {
        message = (mach_msg_header_t){
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
            .msgh_size = sizeof(message),
            .msgh_remote_port = kit_object_port(kit_test_object),
            .msgh_id = id,
        };
        CHECK(mach_msg(&message, MACH_SEND_MSG, sizeof(message), 0, MACH_PORT_NULL, 0, MACH_PORT_NULL) ==
              MACH_MSG_SUCCESS);
    }
    CHECK(kit_object_sync(kit_test_object, 0, PAGE, KIT_FLUSH) == KERN_SUCCESS);
    CHECK(kit_test_pager.nr_reads == reads && kit_test_pager.nr_unmapped == 0 && kit_test_pager.nr_writes == 1);
    CHECK(*kit_test_word(address, 0) == 3);
    kit_test_end(address);
}

/* ---- locks, precious pages, ends ---- */

static void kit_test_unlocked(void)
{
    vm_address_t address = kit_test_begin();

    kit_test_pager.lock = VM_PROT_WRITE;
    CHECK(*kit_test_word(address, 1) == 0);
    CHECK(kit_test_pager.nr_unlocks == 0);
    *kit_test_word(address, 1) = 6;
    CHECK(kit_test_pager.nr_unlocks == 1 && *kit_test_word(address, 1) == 6);
    CHECK(kit_object_lock(kit_test_object, 0, 2 * PAGE, VM_PROT_WRITE) == KERN_SUCCESS);
    *kit_test_word(address, 1) = 7;
    CHECK(kit_test_pager.nr_unlocks == 2);
    kit_test_end(address);
    CHECK(kit_test_pager.first[1] == 7);
}

static void kit_test_refused(void)
{
    vm_address_t address = kit_test_begin();
    vm_address_t zeroes = 0;

    CHECK(vm_allocate(uthread_task(), &zeroes, PAGE, TRUE) == KERN_SUCCESS);
    kit_test_pager.lock = kit_test_pager.refused = VM_PROT_WRITE;
    CHECK(*kit_test_word(address, 1) == 0);
    CHECK(vm_write(uthread_task(), address + PAGE, zeroes, PAGE) != KERN_SUCCESS);
    CHECK(kit_test_pager.nr_unlocks >= 1); /* GNU Mach asks more than once */
    CHECK(*kit_test_word(address, 1) == 0);
    kit_test_end(address);
    CHECK(kit_test_pager.nr_writes == 0);
}

static void kit_test_precious(void)
{
    vm_address_t address = kit_test_begin();

    kit_test_pager.precious = true;
    kit_test_pager.first[2] = 8;
    CHECK(*kit_test_word(address, 2) == 8);
    CHECK(kit_object_sync(kit_test_object, 0, KIT_TEST_PAGES * PAGE, KIT_FLUSH) == KERN_SUCCESS);
    CHECK(kit_test_pager.nr_clean == 1 && kit_test_pager.written[0] == 8);
    kit_test_end(address);
}

/* What is modified when the object is destroyed is lost with it, but not what came before. */
static void kit_test_destroyed(void)
{
    vm_address_t address = kit_test_begin();
    struct kit_test_other flush = {.how = KIT_FLUSH};

    *kit_test_word(address, 0) = 1;
    kit_test_pager.write_gate = 1;
    kit_test_start(&flush, kit_test_syncer);
    CHECK(kit_test_await(&kit_test_pager.nr_waiting, 1));
    uthread_sleep(30); /* for the kernel's answer: then the sync needs nothing of the object but the write's end */
    kit_test_pager.write_gate = 0;
    kit_test_finish(&flush);
    kit_object_destroy(kit_test_object);
    CHECK(kit_test_await(&kit_test_pager.nr_destroyed, 1));
    CHECK(kit_test_pager.first[0] == 1);
    CHECK(!kit_test_readable(address, 1));
    CHECK(kit_test_pager.nr_unmapped == 0);
    CHECK(vm_deallocate(uthread_task(), address, KIT_TEST_PAGES * PAGE) == KERN_SUCCESS);
}

static void kit_test_many_objects(void)
{
    static struct kit_object *object[300];
    static vm_address_t address[ARRAY_LENGTH(object)];

    memset(&kit_test_pager, 0, sizeof(kit_test_pager));
    for (unsigned int i = 0; i < ARRAY_LENGTH(object); i++) {
        object[i] = kit_object_create(kit_test_kit, &kit_test_operations, &kit_test_pager, NULL);
        if (!CHECK(object[i] != NULL))
            return;
        address[i] = kit_test_map(object[i], 1);
        *kit_test_word(address[i], 0) = i + 1;
    }
    for (unsigned int i = 0; i < ARRAY_LENGTH(object); i++) {
        CHECK(*kit_test_word(address[i], 0) == i + 1);
        CHECK(kit_object_sync(object[i], 0, PAGE, KIT_FLUSH) == KERN_SUCCESS);
        CHECK(kit_test_pager.first[0] == i + 1 && *kit_test_word(address[i], 0) == i + 1);
        CHECK(vm_deallocate(uthread_task(), address[i], PAGE) == KERN_SUCCESS);
        CHECK(kit_test_await(&kit_test_pager.nr_unmapped, i + 1));
        kit_object_destroy(object[i]);
    }
    CHECK(kit_test_await(&kit_test_pager.nr_destroyed, ARRAY_LENGTH(object)));
}

/* ---- pressure ---- */

/*
 * An object larger than memory. The client changes the first word of a page only, at any moment; the others are always
 * known, so that the pager can keep one word of each page.
 */
struct kit_test_large {
    uint32_t *first;            /* a page's first word, as it was written last */
    unsigned int nr_pages;
    volatile unsigned int nr_wrong, nr_unmapped, nr_destroyed;
};

static uint32_t kit_test_large_word(unsigned int page, unsigned int i)
{
    return page * 13 + i;
}

static kern_return_t kit_test_large_read(void *context, struct kit_read *read)
{
    const struct kit_test_large *large = context;

    for (unsigned int nr = 0; nr < read->size / PAGE; nr++) {
        unsigned int page = read->offset / PAGE + nr;
        uint32_t *words = (uint32_t *)(read->data + nr * PAGE);

        words[0] = large->first[page];
        for (unsigned int i = 1; i < PAGE / sizeof(uint32_t); i++)
            words[i] = kit_test_large_word(page, i);
    }
    return KERN_SUCCESS;
}

static kern_return_t kit_test_large_write(void *context, const struct kit_write *write)
{
    struct kit_test_large *large = context;

    for (unsigned int nr = 0; nr < write->size / PAGE; nr++) {
        unsigned int page = write->offset / PAGE + nr;
        const uint32_t *words = (const uint32_t *)(write->data + nr * PAGE);

        large->first[page] = words[0];
        for (unsigned int i = 1; i < PAGE / sizeof(uint32_t); i++)
            large->nr_wrong += words[i] != kit_test_large_word(page, i);
    }
    return KERN_SUCCESS;
}

static void kit_test_large_terminated(void *context, enum kit_end end)
{
    struct kit_test_large *large = context;

    large->nr_unmapped += end == KIT_END_UNMAPPED;
    large->nr_destroyed += end == KIT_END_DESTROYED;
}

static const struct kit_operations kit_test_large_operations = {
    .read = kit_test_large_read,
    .write = kit_test_large_write,
    .terminated = kit_test_large_terminated,
};

struct kit_test_writer {
    struct uthread *thread;
    struct kit_test_large *large;
    vm_address_t address;
    unsigned int first;         /* of its pages, which are every second one */
    unsigned int nr_wrong;
};

static void kit_test_write_pages(void *argument)
{
    struct kit_test_writer *writer = argument;

    for (uint32_t pass = 1; pass <= 3; pass++) {
        for (unsigned int page = writer->first; page < writer->large->nr_pages; page += 2) {
            volatile uint32_t *words = kit_test_word(writer->address, page);

            writer->nr_wrong += words[0] != (pass == 1 ? 0 : page * 7 + pass - 1);
            writer->nr_wrong += words[1 + page % 1000] != kit_test_large_word(page, 1 + page % 1000);
            words[0] = page * 7 + pass;
        }
    }
}

/* All that the clients wrote last has come. */
static void kit_test_large_check(const struct kit_test_large *large)
{
    unsigned int nr_old = 0;

    for (unsigned int page = 0; page < large->nr_pages; page++)
        nr_old += large->first[page] != page * 7 + 3;
    CHECK(nr_old == 0 && large->nr_wrong == 0);
}

struct kit_test_mapped {
    struct kit_object *object;
    vm_address_t address;
};

/* Two clients write an object a quarter larger than free memory, and check it; it is left mapped, and large in use. */
static struct kit_test_mapped kit_test_large(struct kit_test_large *large)
{
    struct kit_test_writer writer[2];
    struct kit_test_mapped mapped;
    vm_statistics_data_t statistics;
    const struct kit_attributes attributes = {.request_size = 8 * PAGE};
    vm_address_t words = 0;

    CHECK(vm_statistics(uthread_task(), &statistics) == KERN_SUCCESS);
    large->nr_pages = statistics.free_count + statistics.free_count / 4;
    CHECK(vm_allocate(uthread_task(), &words, large->nr_pages * sizeof(uint32_t), TRUE) == KERN_SUCCESS);
    large->first = (uint32_t *)words;
    memset(large->first, 0, large->nr_pages * sizeof(uint32_t)); /* a write must not need memory */
    mapped.object = kit_object_create(kit_test_kit, &kit_test_large_operations, large, &attributes);
    mapped.address = kit_test_map(mapped.object, large->nr_pages);
    for (unsigned int i = 0; i < ARRAY_LENGTH(writer); i++) {
        writer[i] = (struct kit_test_writer){.large = large, .address = mapped.address, .first = i};
        writer[i].thread = uthread_create(kit_test_write_pages, &writer[i]);
    }
    for (unsigned int i = 0; i < ARRAY_LENGTH(writer); i++) {
        uthread_join(writer[i].thread);
        CHECK(writer[i].nr_wrong == 0);
    }
    CHECK(large->nr_wrong == 0);
    return mapped;
}

static void kit_test_pressure_ends(void)
{
    static struct kit_test_large large;
    struct kit_test_mapped mapped = kit_test_large(&large);

    CHECK(kit_object_sync(mapped.object, 0, large.nr_pages * PAGE, KIT_CLEAN) == KERN_SUCCESS);
    kit_test_large_check(&large);
    for (unsigned int page = 0; page < large.nr_pages; page++)
        *kit_test_word(mapped.address, page) = page * 7 + 4;
    for (unsigned int page = 0; page < large.nr_pages; page++)
        *kit_test_word(mapped.address, page) -= 1;
    CHECK(vm_deallocate(uthread_task(), mapped.address, large.nr_pages * PAGE) == KERN_SUCCESS);
    CHECK(kit_test_await(&large.nr_unmapped, 1));
    kit_test_large_check(&large);
    kit_object_destroy(mapped.object);
    CHECK(kit_test_await(&large.nr_destroyed, 1));
    CHECK(vm_deallocate(uthread_task(), (vm_address_t)large.first, large.nr_pages * sizeof(uint32_t)) == KERN_SUCCESS);
}

static void kit_test_pressure(void)
{
    static struct kit_test_large large;

    (void)kit_test_large(&large);
}

/* ---- the run ---- */

static const struct kit_test {
    const char *name;
    void (*run)(void);
    const char *gnumach_bug;    /* why it cannot pass on GNU Mach; NULL when it does */
} kit_tests[] = {
    {"a read waits for the write of its page, and a flush for the write's end", kit_test_read_after_write, NULL},
    {"operations on different pages run at once", kit_test_at_once, NULL},
    {"one worker never reads", kit_test_a_worker_writes, NULL},
    {"writes of a page stay in order, and termination behind them", kit_test_writes_in_order, NULL},
    {"syncs are served in line", kit_test_syncs_in_line, NULL},
    {"vm_msync waits for the writes, where the object is to be told of it", kit_test_msync,
     "GNU Mach tells no manager of vm_msync"},
    {"what could not be written is not read back older", kit_test_failed_write, NULL},
    {"wrong calls are refused, also of an operation that would wait for itself", kit_test_wrong_calls, NULL},
    {"messages that anybody sends change nothing", kit_test_forged, NULL},
    {"unlock is asked for what is locked", kit_test_unlocked, NULL},
    {"an unlock that is refused is an error of the access", kit_test_refused, NULL},
    {"precious pages come back, and are not dirty", kit_test_precious, NULL},
    {"an object can be destroyed while it is mapped", kit_test_destroyed, NULL},
    {"a kit has many objects", kit_test_many_objects, NULL},
    {"an object larger than memory can be cleaned, and unmapped", kit_test_pressure_ends,
     "GNU Mach hangs when it is to clean or to unmap under pressure"},
    {"what was written of an object larger than memory is read back", kit_test_pressure,
     "GNU Mach hangs when two threads write more than there is memory for"},
};

int main(int argc, char **argv)
{
    mach_port_t host_priv = program_port(argc, argv, 1);
    kernel_version_t version = "";
    unsigned int bad = 0;

    (void)host_kernel_version(mach_host_self(), version);
    bool on_gnumach = strncmp(version, "GNU Mach", 8) == 0;
    printf("1..%u\n", (unsigned int)ARRAY_LENGTH(kit_tests));
    kit_test_kit = kit_create(4, host_priv);
    for (unsigned int i = 0; i < ARRAY_LENGTH(kit_tests); i++) {
        const struct kit_test *test = &kit_tests[i];

        if (on_gnumach && test->gnumach_bug != NULL) {
            printf("ok %u - %s # SKIP %s\n", i + 1, test->name, test->gnumach_bug);
            continue;
        }
        kit_test_failed = kit_test_kit == NULL;
        if (kit_test_kit != NULL)
            test->run();
        bad += kit_test_failed != 0;
        printf("%s %u - %s\n", kit_test_failed != 0 ? "not ok" : "ok", i + 1, test->name);
    }
    program_shut_down(host_priv, PROGRAM_POWER_OFF | (bad != 0 ? PROGRAM_FAILED : 0));
}
