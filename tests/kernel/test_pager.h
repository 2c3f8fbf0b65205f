/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory managers for tests: kernel threads that act for tasks of their own.
 *
 * A pager is a task (its port name space receives, its map gets what is returned) and a thread that receives and answers as
 * a user program would, except that it makes its calls on the kernel as functions. It keeps what it is given on a *disk*, a
 * word a page: every page of its object begins and ends with that word. Its behaviour can be changed while it runs.
 *
 * All that it hears is counted and written down, and judged at once: a return's words, whether its memory was mapped, and
 * whether an older word came after a newer one (tests write words that grow).
 */
#ifndef TESTS_KERNEL_TEST_PAGER_H
#define TESTS_KERNEL_TEST_PAGER_H

#include <mach/memory_object.h>
#include <mach/message.h>

#include "kernel/types.h"
#include "tests/kernel/test_vm.h"
#include "vm/memory_object.h"
#include "vm/memory_object_message.h"
#include "vm/vm_account.h"

struct ipc_port;
struct task;
struct thread;
struct vm_object;

enum test_pager_answer {
    TEST_PAGER_SUPPLY,          /* what is on the disk */
    TEST_PAGER_UNAVAILABLE,
    TEST_PAGER_ERROR,
    TEST_PAGER_NOTHING,
};

/* One message as it was received; what does not apply is 0. */
struct test_pager_message {
    mach_msg_id_t id;
    uint32_t index, nr_pages;
    bool dirty, kernel_copy;
    uint32_t word;              /* of a return's first page */
    mach_port_seqno_t seqno;
    kern_return_t result;       /* supply_completed's, and where it ended */
    uint32_t error_index;
};

#define TEST_PAGER_LOG 1024u
#define TEST_PAGER_HELD 512u

struct test_pager {
    const char *name;
    struct task *task;
    struct ipc_port *port;      /* a send right of the test's */
    mach_port_name_t port_name; /* of the receive right, in the task */
    struct ipc_port *control;   /* a send right, from init to terminate */
    uint32_t nr_pages;
    uint32_t *disk;
    bool *asked;                /* pages that the kernel wants and was not answered about */

    /* Behaviour. */
    bool receives;              /* otherwise messages stay queued; see test_pager_pause */
    bool frees;                 /* returned memory, at once; otherwise it is kept until test_pager_free_held */
    bool ready;                 /* answers init; otherwise the object is never ready */
    bool may_cache;
    bool precious;              /* supplies so */
    bool supplies_back;         /* what was returned goes back as it came, as a supply */
    enum test_pager_answer answer;
    uint32_t free_delay;        /* ms */
    memory_object_copy_strategy_t strategy;
    mach_msg_size_t room;       /* largest message that it has room for; 0: any */

    /* What came. */
    unsigned int nr_init, nr_requests, nr_returns, nr_unlocks, nr_locked, nr_supplied, nr_syncs, nr_terminate;
    uint32_t sync_flags;        /* of the last memory_object_synchronize */
    unsigned int nr_returned_pages, nr_dirty, nr_clean, nr_kernel_copy; /* pages; runs of each kind */
    unsigned int nr_lost;       /* returns without memory: it could not be mapped */
    unsigned int nr_unmapped;   /* pages of returns that were not mapped */
    unsigned int nr_torn;       /* pages whose first and last word differ */
    unsigned int nr_stale;      /* pages with an older word than the disk's */
    unsigned int nr_bad_clean;  /* pages that were said to be clean, with another word than the disk's */
    unsigned int nr_late;       /* returns of a page that was asked for and not answered yet */
    struct test_pager_message log[TEST_PAGER_LOG]; /* in order; the first TEST_PAGER_LOG */
    unsigned int nr_log;

    struct {
        uintptr_t address;
        uint32_t nr_pages;
    } held[TEST_PAGER_HELD];
    unsigned int nr_held;

    struct thread *thread;
    bool paused, stop, stopped;
};

/* A pager with an object of nr_pages, whose disk is filled with test_vm_word(1, page); its thread runs. */
struct test_pager *test_pager_create(const char *name, uint32_t nr_pages);
/* Ends task and thread and gives everything back. */
void test_pager_destroy(struct test_pager *pager);
/* Ends the task alone: as when a manager dies. */
void test_pager_kill(struct test_pager *pager);
/* Destroys the receive right of the object port alone. */
void test_pager_destroy_port(struct test_pager *pager);

/* It receives nothing any more when this returns, until receives is set. */
void test_pager_pause(struct test_pager *pager);

/* Maps the first nr_pages of the object (0: all), readable and writable; 0 if it fails, which is CHECKed. */
uintptr_t test_pager_map(struct test_pager *pager, struct vm_map *map, uint32_t nr_pages);
/* The object, while it is mapped: no reference. */
struct vm_object *test_pager_object(struct test_pager *pager);
/* The pager's account, or NULL: no reference. */
struct vm_account *test_pager_account(struct test_pager *pager);
uint32_t test_pager_out(struct test_pager *pager);

/* Calls of the manager, made by whoever calls this; return what the kernel said. */
kern_return_t test_pager_lock(struct test_pager *pager, uint32_t index, uint32_t nr_pages,
                              memory_object_return_t should_return, bool flush, vm_prot_t lock_value, bool reply);
/* Supplies pages that hold the words given; a completion comes to the pager if reply. */
kern_return_t test_pager_supply(struct test_pager *pager, uint32_t index, uint32_t nr_pages, const uint32_t *words,
                                vm_prot_t lock_value, bool precious, bool reply);
kern_return_t test_pager_destroy_object(struct test_pager *pager);
/* Frees all returned memory that is held. */
void test_pager_free_held(struct test_pager *pager);

/* Writes whole pages, each in one step: nobody sees half of one. As test_vm_fill otherwise. */
void test_pager_write(struct vm_map *map, uintptr_t address, unsigned int nr_pages, uint32_t seed);
/* How many of the disk's pages do not hold what test_vm_word(seed, page) is; page 0 is the first. */
unsigned int test_pager_disk_wrong(struct test_pager *pager, uint32_t index, unsigned int nr_pages, uint32_t seed);

/* Waits until *counter >= value; CHECKs that. */
bool test_pager_wait(const unsigned int *counter, unsigned int value);
/* The nth message (0: first) with this id, or NULL. */
const struct test_pager_message *test_pager_find(struct test_pager *pager, mach_msg_id_t id, unsigned int nth);
/* CHECKs that nothing that was returned was torn, stale, late, falsely clean or unmapped. */
void test_pager_check(struct test_pager *pager);

/* ---- the world around ---- */

/*
 * Takes memory from everybody until at most `most` pages of the pager's object are resident, or milliseconds are over;
 * whether it came to that. With level, at which memory is taken (ALLOC_ORDINARY ...). It is given back.
 */
bool test_pager_squeeze(struct test_pager *pager, uint32_t most, uint32_t milliseconds, unsigned int level);
/* CHECKs that accounts agree with their runs, and that those of all pagers add up to what is in the laundry. */
void test_pager_check_accounts(void);

/* An access by a thread of its own: to see what waits. */
struct test_access {
    struct vm_map *map;
    uintptr_t address;
    bool write;
    uint32_t word;
    kern_return_t result;
    bool done;
    struct thread *thread;
};
void test_access_start(struct test_access *access, struct vm_map *map, uintptr_t address, bool write, uint32_t word);
/* Waits at most so long for its end; whether it came. */
bool test_access_wait(struct test_access *access, uint32_t milliseconds);

#endif
