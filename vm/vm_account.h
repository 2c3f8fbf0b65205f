/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Laundry accounts: what each memory manager owes.
 *
 * An account belongs to one manager: the IPC space that receives for its objects. A frame of a run is *out* from the
 * moment the run is charged until the manager lets go of it. The account bounds how much can be out by its *window*, so
 * that no manager, slow or hostile, is ever given more. The accounts add up to the frames in the laundry at every moment.
 *
 * The window follows how fast the manager frees: it grows by a run each time a whole window came back while the window was
 * the limit, and is halved when its oldest run is older than VM_ACCOUNT_STUCK_MS, within [VM_ACCOUNT_WINDOW_MIN,
 * vm_account_window_max].
 */
#ifndef VM_VM_ACCOUNT_H
#define VM_VM_ACCOUNT_H

#include "kernel/kmem.h"
#include "kernel/list.h"
#include "kernel/types.h"

struct ipc_space;
struct memory_object;
struct vm_run;

/* The longest run, pages. A message of 256 KiB: what it costs to send is then below a tenth of what its pages cost. */
#define VM_RUN_PAGES 64u
/* Two runs: one that the manager works on and one that waits for it, so that it never idles between two. */
#define VM_ACCOUNT_WINDOW_MIN (2 * VM_RUN_PAGES)
#define VM_ACCOUNT_STUCK_MS 100u
/*
 * So long the daemon counts on frames that are out without one coming back, from whatever manager: half of the time for
 * which all stuck managers together may delay the others; the other half is for going on with other pages.
 */
#define VM_ACCOUNT_TRUST_MS (VM_ACCOUNT_STUCK_MS / 2)

/* Locking: A the accounts' lock (one for all: every section is a few instructions); Q the page queues' lock. */
struct vm_account {
    struct list_node node;      /* [A] in the list of all accounts */
    struct ipc_space *space;    /* [A] the manager; NULL after its end (runs may still be out) */
    uint32_t refs;              /* [A] the space's, memory objects' that enter, runs' */
    uint32_t nr_out;            /* [A] frames out; never charged above window */
    uint32_t nr_runs;           /* [A] runs out */
    uint32_t window;            /* [A] pages */
    uint32_t drained;           /* [A] pages freed since the window last grew */
    bool limited;               /* [A] a charge was refused or cut since then */
    struct list runs;           /* [A] vm_run.account_node, oldest first */
    struct list waiting;        /* [A] memory_object.work_node: work that waits for the window */
    struct list parked;         /* [Q] vm_page.queue_node: pages that the scan met while the window was full */
    struct vm_run *reserved;    /* [A] the record set aside for this manager, when it is not out */
    uint64_t pages_sent, runs_sent, runs_returned; /* [A] totals */
};

/*
 * The account of a space, made if there is none, with a reference; NULL when out of memory. Setting one up sets a run
 * aside for it. No locks held.
 */
struct vm_account *vm_account_create(struct ipc_space *space, enum alloc how);
/* The space's account, or NULL; a reference. The caller holds the space or a port it receives on locked. */
struct vm_account *vm_account_lookup(struct ipc_space *space);
void vm_account_unref(struct vm_account *account);
/* The space has ended; called by IPC with no locks that rank above LOCK_RANK_ACCOUNT. */
void vm_account_space_ended(struct ipc_space *space);

/*
 * Takes room for up to nr_pages and a run record to send them in. Returns the record, charged with *granted pages (at
 * least 1, at most nr_pages), or NULL when the window is full or no record is free; nothing has changed then. Never
 * sleeps. The record holds a reference to the account.
 */
struct vm_run *vm_account_charge(struct vm_account *account, uint32_t nr_pages, uint32_t *granted);
/* nr_pages of run left the laundry: counts them off, opens the window, and wakes who waits for it. */
void vm_account_credit(struct vm_run *run, uint32_t nr_pages);
/* A run's record is free again (nothing of it is out). */
void vm_account_put_run(struct vm_run *run);

/*
 * Leaves pager's work (its work_node, a reference handed over) until the window opens; false when it is open already.
 */
bool vm_account_wait(struct vm_account *account, struct memory_object *pager);

/* Whether a charge would get nothing now: the window is full, or no record is free. */
bool vm_account_full(const struct vm_account *account);
/* Pages parked on accounts that are not full come back to the scan, a piece of each. Whether there were any. */
bool vm_account_unpark_open(void);

/* Whether this manager has runs out, and so a credit of frames below the ordinary minimum (law 5). */
bool vm_account_has_credit(const struct vm_account *account);

/*
 * Looks at the oldest runs: shrinks the windows of managers that are stuck. Returns how many frames out may be counted on:
 * those at the managers that are not, unless nothing has come back from anybody for VM_ACCOUNT_TRUST_MS.
 */
uint32_t vm_account_review(void);
/* The shortage is over: in the next one frames out are counted on anew. */
void vm_account_trust_again(void);

/* Frames in the laundry, at all managers. */
uint32_t vm_account_total_out(void);

void vm_account_init(void); /* sets the pool of run records up */

#endif
