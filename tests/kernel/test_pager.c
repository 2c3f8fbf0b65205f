/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/test_pager.h"

#include "i386/pmap.h"
#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_right.h"
#include "ipc/ipc_space.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/memory_object_call.h"
#include "vm/vm_fault.h"
#include "vm/vm_frame.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"
#include "vm/vm_user.h"

#define TEST_PAGERS_MAX 64u

/* All pagers that exist, for their accounts. */
static struct test_pager *test_pagers[TEST_PAGERS_MAX];

/* What the messages look like to who receives them. */
struct test_pager_item {
    mach_msg_type_t type;
    uint32_t value;
};

struct test_pager_return {
    mach_msg_header_t header;
    struct test_pager_item control, offset;
    mach_msg_type_long_t type;
    uint32_t address;
    struct test_pager_item dirty, kernel_copy;
};

struct test_pager_words {
    mach_msg_header_t header;
    struct test_pager_item item[6];
};

/* ---- the kernel's calls, as a manager makes them ---- */

/* The object that the control port stands for, with a reference, or NULL. */
static struct vm_object *test_pager_of_control(struct test_pager *pager)
{
    return pager->control != NULL ? memory_object_of_control(pager->control) : NULL;
}

kern_return_t test_pager_lock(struct test_pager *pager, uint32_t index, uint32_t nr_pages,
                              memory_object_return_t should_return, bool flush, vm_prot_t lock_value, bool reply)
{
    struct vm_object *object = test_pager_of_control(pager);
    struct ipc_port *to = reply ? ipc_port_make_sonce(pager->port) : IP_NULL;
    kern_return_t kr = memory_object_lock_request(object, index * PAGE_SIZE, nr_pages * PAGE_SIZE, should_return, flush,
                                                  lock_value, to, MACH_MSG_TYPE_PORT_SEND_ONCE);

    if (kr != KERN_SUCCESS && to != IP_NULL)
        ipc_port_release_sonce(to);
    if (object != NULL)
        vm_object_unref(object);
    return kr;
}

/* copy is consumed. */
static kern_return_t test_pager_supply_copy(struct test_pager *pager, uint32_t index, uint32_t size,
                                            struct vm_map_copy *copy, vm_prot_t lock_value, bool precious, bool reply)
{
    struct vm_object *object = test_pager_of_control(pager);
    struct ipc_port *to = reply ? ipc_port_make_sonce(pager->port) : IP_NULL;
    kern_return_t kr = memory_object_data_supply(object, index * PAGE_SIZE, (vm_offset_t)(uintptr_t)copy, size, lock_value,
                                                 precious, to, MACH_MSG_TYPE_PORT_SEND_ONCE);

    if (kr != KERN_SUCCESS) {
        vm_map_copy_destroy(copy);
        if (to != IP_NULL)
            ipc_port_release_sonce(to);
    }
    if (object != NULL)
        vm_object_unref(object);
    return kr;
}

kern_return_t test_pager_supply(struct test_pager *pager, uint32_t index, uint32_t nr_pages, const uint32_t *words,
                                vm_prot_t lock_value, bool precious, bool reply)
{
    struct vm_map *map = pager->task->map;
    struct vm_map_request request = {.size = nr_pages * PAGE_SIZE, .anywhere = true, .protection = VM_PROT_DEFAULT,
                                     .max_protection = VM_PROT_ALL, .inheritance = VM_INHERIT_DEFAULT};
    struct vm_map_copy *copy = NULL;
    kern_return_t kr = vm_map_enter(map, &request);

    for (uint32_t i = 0; i < nr_pages && kr == KERN_SUCCESS; i++) {
        uintptr_t at = request.address + i * PAGE_SIZE;
        kr = vm_map_write(map, at, &words[i], 4);
        if (kr == KERN_SUCCESS)
            kr = vm_map_write(map, at + PAGE_SIZE - 4, &words[i], 4);
    }
    if (kr == KERN_SUCCESS)
        kr = vm_map_copyin(map, request.address, request.size, true, &copy);
    if (kr != KERN_SUCCESS) {
        (void)vm_map_remove(map, request.address, request.address + request.size);
        return kr;
    }
    return test_pager_supply_copy(pager, index, request.size, copy, lock_value, precious, reply);
}

kern_return_t test_pager_destroy_object(struct test_pager *pager)
{
    struct vm_object *object = test_pager_of_control(pager);
    kern_return_t kr = memory_object_destroy(object, KERN_FAILURE);

    if (object != NULL)
        vm_object_unref(object);
    return kr;
}

static void test_pager_free(struct test_pager *pager, uintptr_t address, uint32_t nr_pages)
{
    (void)vm_map_remove(pager->task->map, address, address + nr_pages * PAGE_SIZE);
}

void test_pager_free_held(struct test_pager *pager)
{
    while (pager->nr_held > 0) {
        pager->nr_held--;
        test_pager_free(pager, pager->held[pager->nr_held].address, pager->held[pager->nr_held].nr_pages);
    }
}

/* ---- what it hears; the pager's own thread, in its task ---- */

static struct test_pager_message *test_pager_note(struct test_pager *pager, const mach_msg_header_t *header)
{
    static struct test_pager_message beyond;
    struct test_pager_message *message = pager->nr_log < TEST_PAGER_LOG ? &pager->log[pager->nr_log] : &beyond;

    *message = (struct test_pager_message){.id = header->msgh_id, .seqno = header->msgh_seqno};
    return message;
}

static void test_pager_noted(struct test_pager *pager)
{
    pager->nr_log += pager->nr_log < TEST_PAGER_LOG;
}

static void test_pager_hear_init(struct test_pager *pager, const struct test_pager_words *said)
{
    (void)ipc_right_copyin_any(pager->task->space, said->item[0].value, MACH_MSG_TYPE_COPY_SEND, &pager->control);
    if (pager->ready) {
        struct vm_object *object = test_pager_of_control(pager);
        (void)memory_object_ready(object, pager->may_cache, pager->strategy);
        if (object != NULL)
            vm_object_unref(object);
    }
    pager->nr_init++;
}

static void test_pager_answer(struct test_pager *pager, uint32_t index, uint32_t nr_pages)
{
    struct vm_object *object = NULL;

    for (uint32_t i = index; i < index + nr_pages && i < pager->nr_pages; i++)
        pager->asked[i] = pager->answer == TEST_PAGER_NOTHING;
    switch (pager->answer) {
    case TEST_PAGER_SUPPLY:
        /* Without memory the request is still there: tried again until the kernel has taken it. */
        while (test_pager_supply(pager, index, nr_pages, &pager->disk[index], VM_PROT_NONE, pager->precious, false) ==
                   KERN_RESOURCE_SHORTAGE && !pager->stop)
            thread_delay(1);
        return;
    case TEST_PAGER_UNAVAILABLE:
        object = test_pager_of_control(pager);
        (void)memory_object_data_unavailable(object, index * PAGE_SIZE, nr_pages * PAGE_SIZE);
        break;
    case TEST_PAGER_ERROR:
        object = test_pager_of_control(pager);
        (void)memory_object_data_error(object, index * PAGE_SIZE, nr_pages * PAGE_SIZE, KERN_FAILURE);
        break;
    case TEST_PAGER_NOTHING:
        break;
    }
    if (object != NULL)
        vm_object_unref(object);
}

/* Reads the returned words as a program would, and puts them on the disk. */
static void test_pager_take(struct test_pager *pager, const struct test_pager_return *said, uint32_t nr_pages)
{
    uint32_t index = said->offset.value / PAGE_SIZE, first, last;

    for (uint32_t i = 0; i < nr_pages && index + i < pager->nr_pages; i++) {
        uintptr_t at = said->address + i * PAGE_SIZE;
        pager->nr_unmapped += pmap_extract(pager->task->map->pmap, at) == NULL;
        if (!copyin((const void *)at, &first, 4) || !copyin((const void *)(at + PAGE_SIZE - 4), &last, 4)) {
            pager->nr_torn++;
            continue;
        }
        pager->nr_torn += first != last;
        pager->nr_late += pager->asked[index + i];
        pager->nr_stale += first < pager->disk[index + i];
        pager->nr_bad_clean += !said->dirty.value && first != pager->disk[index + i];
        pager->disk[index + i] = first;
    }
}

static void test_pager_dispose(struct test_pager *pager, const struct test_pager_return *said, uint32_t nr_pages)
{
    if (pager->supplies_back) {
        struct vm_map_copy *copy = NULL;
        if (vm_map_copyin(pager->task->map, said->address, nr_pages * PAGE_SIZE, true, &copy) == KERN_SUCCESS)
            (void)test_pager_supply_copy(pager, said->offset.value / PAGE_SIZE, nr_pages * PAGE_SIZE, copy, VM_PROT_NONE,
                                         false, true);
        return;
    }
    if (pager->frees) {
        if (pager->free_delay != 0)
            thread_delay(pager->free_delay);
        test_pager_free(pager, said->address, nr_pages);
        return;
    }
    if (pager->nr_held < TEST_PAGER_HELD) {
        pager->held[pager->nr_held].address = said->address;
        pager->held[pager->nr_held++].nr_pages = nr_pages;
    }
}

static void test_pager_hear_return(struct test_pager *pager, const struct test_pager_return *said,
                                   struct test_pager_message *message)
{
    uint32_t nr_pages = said->type.msgtl_number / PAGE_SIZE;

    message->index = said->offset.value / PAGE_SIZE;
    message->nr_pages = nr_pages;
    message->dirty = said->dirty.value != 0;
    message->kernel_copy = said->kernel_copy.value != 0;
    if (nr_pages == 0 || said->address == 0) {
        pager->nr_lost++;
    } else {
        test_pager_take(pager, said, nr_pages);
        message->word = pager->disk[message->index];
        pager->nr_returned_pages += nr_pages;
        pager->nr_dirty += message->dirty;
        pager->nr_clean += !message->dirty;
        pager->nr_kernel_copy += message->kernel_copy;
    }
    test_pager_noted(pager);
    pager->nr_returns++;
    if (nr_pages != 0 && said->address != 0)
        test_pager_dispose(pager, said, nr_pages);
}

static void test_pager_hear_words(struct test_pager *pager, const struct test_pager_words *said,
                                  struct test_pager_message *message)
{
    message->index = said->item[1].value / PAGE_SIZE;
    message->nr_pages = said->item[2].value / PAGE_SIZE;
    switch (said->header.msgh_id) {
    case MEMORY_OBJECT_MSG_DATA_REQUEST:
        test_pager_noted(pager);
        pager->nr_requests++;
        test_pager_answer(pager, message->index, message->nr_pages);
        return;
    case MEMORY_OBJECT_MSG_DATA_UNLOCK:
        pager->nr_unlocks++;
        break;
    case MEMORY_OBJECT_MSG_SYNCHRONIZE:
        pager->sync_flags = said->item[3].value;
        pager->nr_syncs++;
        break;
    case MEMORY_OBJECT_MSG_LOCK_COMPLETED:
        pager->nr_locked++;
        break;
    case MEMORY_OBJECT_MSG_SUPPLY_COMPLETED:
        message->result = (kern_return_t)said->item[3].value;
        message->error_index = said->item[4].value / PAGE_SIZE;
        pager->nr_supplied++;
        break;
    }
    test_pager_noted(pager);
}

static void test_pager_hear(struct test_pager *pager, mach_msg_header_t *header)
{
    struct test_pager_message *message = test_pager_note(pager, header);

    switch (header->msgh_id) {
    case MEMORY_OBJECT_MSG_INIT:
        test_pager_noted(pager);
        test_pager_hear_init(pager, (const struct test_pager_words *)header);
        break;
    case MEMORY_OBJECT_MSG_TERMINATE:
        test_pager_noted(pager);
        ipc_port_release_send(pager->control);
        pager->control = NULL;
        pager->nr_terminate++;
        break;
    case MEMORY_OBJECT_MSG_DATA_RETURN:
        test_pager_hear_return(pager, (const struct test_pager_return *)header, message);
        break;
    default:
        test_pager_hear_words(pager, (const struct test_pager_words *)header, message);
        break;
    }
}

/* Receives one message, if one comes soon. */
static void test_pager_turn(struct test_pager *pager)
{
    struct ipc_mqueue_receive receive = {.mqueue = {.port = pager->port},
                                         .option = MACH_RCV_TIMEOUT,
                                         .most = pager->room != 0 ? pager->room : 4096,
                                         .timeout = 20};
    mach_msg_return_t mr = ipc_mqueue_receive(&receive, pager->task->space);

    if (receive.kmsg == NULL) {
        if (mr == MACH_RCV_PORT_DIED)
            thread_delay(10);
        return;
    }
    ipc_kmsg_header(receive.kmsg)->msgh_seqno = receive.seqno;
    if (mr == MACH_RCV_TOO_LARGE) {
        ipc_kmsg_copyout_dest(receive.kmsg, pager->task->space);
        pager->nr_lost++;
    } else {
        (void)ipc_kmsg_copyout(receive.kmsg, pager->task->space, pager->task->map, MACH_PORT_NULL);
        test_pager_hear(pager, ipc_kmsg_header(receive.kmsg));
    }
    ipc_kmsg_free(receive.kmsg);
}

static void test_pager_main(void *argument)
{
    struct test_pager *pager = argument;

    /* It acts for its task: that task's map is loaded, and its account decides how its allocations are served. */
    current_thread()->task = pager->task;
    pmap_activate(pager->task->map->pmap);
    while (!pager->stop) {
        pager->paused = !pager->receives;
        if (pager->receives)
            test_pager_turn(pager);
        else
            thread_delay(10);
    }
    current_thread()->task = kernel_task;
    pmap_activate(kernel_map->pmap);
    pager->stopped = true;
    thread_exit();
}

/* ---- life ---- */

struct test_pager *test_pager_create(const char *name, uint32_t nr_pages)
{
    struct test_pager *pager = kmem_alloc(sizeof(*pager), ALLOC_SLEEP | ALLOC_ZEROED);
    struct ipc_port *port = ipc_port_create(ALLOC_SLEEP);

    pager->name = name;
    pager->nr_pages = nr_pages;
    pager->disk = kmem_alloc(nr_pages * sizeof(uint32_t), ALLOC_SLEEP);
    for (uint32_t i = 0; i < nr_pages; i++)
        pager->disk[i] = test_vm_word(1, i);
    pager->asked = kmem_alloc(nr_pages * sizeof(bool), ALLOC_SLEEP | ALLOC_ZEROED);
    pager->receives = pager->frees = pager->ready = true;
    pager->strategy = MEMORY_OBJECT_COPY_NONE;
    CHECK_EQUAL(task_create_in(NULL, false, &pager->task), KERN_SUCCESS);
    pager->port = ipc_port_make_send(port);
    CHECK_EQUAL(ipc_right_copyout_any(pager->task->space, port, MACH_MSG_TYPE_PORT_RECEIVE, &pager->port_name),
                KERN_SUCCESS);
    for (unsigned int i = 0; i < TEST_PAGERS_MAX; i++) {
        if (test_pagers[i] == NULL) {
            test_pagers[i] = pager;
            break;
        }
    }
    pager->thread = kernel_thread_create(name, test_pager_main, pager, THREAD_PRIORITY_USER);
    return pager;
}

static bool test_pager_is_paused(void *context)
{
    return ((struct test_pager *)context)->paused;
}

void test_pager_pause(struct test_pager *pager)
{
    pager->receives = false;
    CHECK(test_wait(test_pager_is_paused, pager, 2000));
}

void test_pager_kill(struct test_pager *pager)
{
    (void)task_end(pager->task);
}

void test_pager_destroy_port(struct test_pager *pager)
{
    struct ipc_space *space = pager->task->space;

    ipc_space_lock(space);
    struct ipc_entry *entry = ipc_right_lookup(space, pager->port_name);
    if (entry != NULL)
        ipc_right_destroy(space, entry); /* unlocks */
    else
        ipc_space_unlock(space);
}

static bool test_pager_is_stopped(void *context)
{
    return ((struct test_pager *)context)->stopped;
}

void test_pager_destroy(struct test_pager *pager)
{
    pager->stop = true;
    if (!CHECK(test_wait(test_pager_is_stopped, pager, 10000)))
        return; /* it is stuck in the kernel: its memory is still used */
    test_pager_kill(pager);
    ipc_port_release_send(pager->port);
    if (pager->control != NULL)
        ipc_port_release_send(pager->control);
    task_unref(pager->task);
    for (unsigned int i = 0; i < TEST_PAGERS_MAX; i++)
        if (test_pagers[i] == pager)
            test_pagers[i] = NULL;
    kmem_free(pager->disk, pager->nr_pages * sizeof(uint32_t));
    kmem_free(pager->asked, pager->nr_pages * sizeof(bool));
    kmem_free(pager, sizeof(*pager));
}

/* ---- looking ---- */

uintptr_t test_pager_map(struct test_pager *pager, struct vm_map *map, uint32_t nr_pages)
{
    vm_address_t address = 0;
    struct ipc_port *right = ipc_port_copy_send(pager->port);
    kern_return_t kr = vm_map(map, &address, (nr_pages != 0 ? nr_pages : pager->nr_pages) * PAGE_SIZE, 0, TRUE, right, 0,
                              FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT);

    if (CHECK_EQUAL(kr, KERN_SUCCESS))
        return address;
    ipc_port_release_send(right);
    return 0;
}

struct vm_object *test_pager_object(struct test_pager *pager)
{
    struct vm_object *object = NULL;

    ipc_port_lock(pager->port);
    if (pager->port->active && pager->port->kobject_type == IKOT_PAGER)
        object = ((struct memory_object *)pager->port->kobject)->object;
    ipc_port_unlock(pager->port);
    return object;
}

struct vm_account *test_pager_account(struct test_pager *pager)
{
    return pager->task->space->pager_account;
}

uint32_t test_pager_out(struct test_pager *pager)
{
    struct vm_account *account = test_pager_account(pager);

    return account != NULL ? account->nr_out : 0;
}

void test_pager_write(struct vm_map *map, uintptr_t address, unsigned int nr_pages, uint32_t seed)
{
    uint32_t *words = kmem_alloc(PAGE_SIZE, ALLOC_SLEEP);
    unsigned int failed = 0;

    for (unsigned int i = 0; i < nr_pages; i++) {
        for (unsigned int j = 0; j < PAGE_SIZE / 4; j++)
            words[j] = test_vm_word(seed, i);
        failed += vm_map_write(map, address + i * PAGE_SIZE, words, PAGE_SIZE) != KERN_SUCCESS;
    }
    CHECK_EQUAL(failed, 0);
    kmem_free(words, PAGE_SIZE);
}

unsigned int test_pager_disk_wrong(struct test_pager *pager, uint32_t index, unsigned int nr_pages, uint32_t seed)
{
    unsigned int wrong = 0;

    for (unsigned int i = 0; i < nr_pages; i++)
        wrong += pager->disk[index + i] != test_vm_word(seed, index + i);
    return wrong;
}

struct test_pager_counter {
    const unsigned int *counter;
    unsigned int value;
};

static bool test_pager_counted(void *context)
{
    const struct test_pager_counter *counter = context;

    return *(const volatile unsigned int *)counter->counter >= counter->value;
}

bool test_pager_wait(const unsigned int *counter, unsigned int value)
{
    struct test_pager_counter context = {counter, value};

    return CHECK(test_wait(test_pager_counted, &context, 5000)) || !CHECK_EQUAL(*counter, value);
}

const struct test_pager_message *test_pager_find(struct test_pager *pager, mach_msg_id_t id, unsigned int nth)
{
    for (unsigned int i = 0; i < pager->nr_log; i++)
        if (pager->log[i].id == id && nth-- == 0)
            return &pager->log[i];
    return NULL;
}

void test_pager_check(struct test_pager *pager)
{
    CHECK_EQUAL(pager->nr_torn, 0);
    CHECK_EQUAL(pager->nr_stale, 0);
    CHECK_EQUAL(pager->nr_bad_clean, 0);
    CHECK_EQUAL(pager->nr_late, 0);
    CHECK_EQUAL(pager->nr_unmapped, 0);
    test_pager_check_accounts();
}

void test_pager_check_accounts(void)
{
    uint32_t total = 0;

    for (unsigned int i = 0; i < TEST_PAGERS_MAX; i++) {
        struct vm_account *account = test_pagers[i] != NULL ? test_pager_account(test_pagers[i]) : NULL;
        uint32_t out = 0, runs = 0;
        struct vm_run *run;

        if (account == NULL)
            continue;
        list_for_each(&account->runs, run, account_node) {
            runs++;
            out += run->nr_out;
            CHECK(run->account == account);
            if (run->state == VM_RUN_QUEUED && run->object != NULL)
                CHECK_EQUAL(run->object->nr_resident, run->nr_out);
        }
        CHECK_EQUAL(out, account->nr_out);
        CHECK_EQUAL(runs, account->nr_runs);
        total += out;
    }
    CHECK_EQUAL(total, vm_account_total_out());
}

/* ---- the world around ---- */

static unsigned int test_pager_resident(struct test_pager *pager)
{
    struct vm_object *object = test_pager_object(pager);

    return object != NULL ? object->nr_resident : 0;
}

bool test_pager_squeeze(struct test_pager *pager, uint32_t most, uint32_t milliseconds, unsigned int level)
{
    static const enum vm_zone zones[] = {VM_ZONE_HIGH, VM_ZONE_DIRECT};
    uint64_t end = timer_ticks() + timer_ticks_of_ms(milliseconds);
    struct list taken = LIST_INIT(taken);
    struct vm_frame *frame;
    unsigned int count = 0;

    while (test_pager_resident(pager) > most && timer_ticks() < end) {
        for (unsigned int i = 0; i < ARRAY_LENGTH(zones); i++) {
            while ((frame = vm_frame_alloc(0, zones[i], VM_FRAME_KERNEL, level | ALLOC_NOSLEEP)) != NULL) {
                list_insert_head(&taken, &frame->node);
                count++;
            }
        }
        test_pager_check_accounts();
        thread_delay(10);
    }
    bool done = test_pager_resident(pager) <= most;
    vm_frame_free_list(&taken, count);
    return done;
}

static void test_access_main(void *argument)
{
    struct test_access *access = argument;

    if (access->write)
        access->result = vm_map_write(access->map, access->address, &access->word, sizeof(access->word));
    else
        access->result = vm_map_read(access->map, access->address, &access->word, sizeof(access->word));
    access->done = true;
    thread_exit();
}

void test_access_start(struct test_access *access, struct vm_map *map, uintptr_t address, bool write, uint32_t word)
{
    *access = (struct test_access){.map = map, .address = address, .write = write, .word = word};
    access->thread = kernel_thread_create("access", test_access_main, access, THREAD_PRIORITY_USER);
}

static bool test_access_is_done(void *context)
{
    return ((struct test_access *)context)->done;
}

bool test_access_wait(struct test_access *access, uint32_t milliseconds)
{
    return test_wait(test_access_is_done, access, milliseconds);
}
