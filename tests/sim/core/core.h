/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exhaustive core: a model checker whose transitions run the kernel.
 *
 * Some objects of some pages, a manager for each, and clients that map all of them, on the simulated machine. A *decision*
 * is a place where the kernel may switch (a block, a preempt_point, a yield, a handoff, a program in user mode; with the
 * feature points every mutex and every allocation that may sleep too). There the checker takes over: it enumerates every
 * *action* that is possible, any runnable thread and, of a program at its menu, any thing that it can do, the eviction of
 * any page, any time-out, runs each of them from a restored copy of the machine to the next decision, and keeps the states
 * that it has not seen. Priorities and time do not count: whatever some timing could choose is an action.
 *
 * The machine's state, *core_live included, is the program's data, the simulated memory and the threads' stacks
 * (core_memory.c). What tells states apart is in core_state.c, what must hold in each in core_laws.c, the search in
 * core_search.c, where the kernel stops in core_hooks.c, what programs do in prog_core.c.
 */
#ifndef SIM_CORE_CORE_H
#define SIM_CORE_CORE_H

#include "sim.h"

struct ipc_port;
struct memory_object;
struct task;
struct thread;
struct vm_account;
struct vm_object;
struct vm_page;
struct vm_run;

#define CORE_OBJECTS_MAX 2u
#define CORE_PAGES_MAX 4u       /* of an object */
#define CORE_CLIENTS_MAX 2u
#define CORE_QUEUE_MAX 3u       /* messages, with which nothing is done that could make them ever more */
#define CORE_HELD_MAX 4u        /* runs that a manager keeps at a time; it receives no more then */
#define CORE_THREADS_MAX (3u + CORE_OBJECTS_MAX + CORE_CLIENTS_MAX)

/* What is in the set of actions. Faults for writing, eviction, receiving, answering and freeing always are. */
enum core_feature {
    CORE_READS = 1,             /* faults for reading */
    CORE_ALONE = 2,             /* evictions that take no neighbours along */
    CORE_CLEAN = 4,             /* memory_object_lock_request that returns what is dirty and keeps it */
    CORE_FLUSH = 8,             /* that returns everything and flushes */
    CORE_DIE = 16,              /* a manager's task ends */
    CORE_DESTROY = 32,          /* memory_object_destroy */
    CORE_UNMAP = 64,            /* clients unmap objects, and map them again */
    CORE_BACK = 128,            /* a manager supplies what it received straight back */
    CORE_PUSH = 256,            /* it supplies what nobody asked for */
    CORE_ERROR = 512,           /* it answers with an error */
    CORE_PRECIOUS = 1024,       /* it wants clean pages back too (no action: of every supply) */
    CORE_POINTS = 2048,         /* mutexes and allocations that may sleep are decisions too */
    CORE_FEW_RECORDS = 4096,    /* no run records but the managers' own: a window of one run */
    CORE_SMALL = 8192,          /* a manager receives with too little room for a run, which comes home */
};

/* Constant once it runs. */
struct core_options {
    uint32_t nr_objects, nr_pages, nr_clients, nr_held;
    uint32_t features;
    uint64_t states_max, transitions_max;
    uint32_t seconds_max;       /* 0: no limit */
    const char *path;           /* replay; NULL: search */
    const char *program, *arguments; /* for the line that replays */
    bool verbose;
};
extern struct core_options core_options;

static inline bool core_with(enum core_feature feature)
{
    return (core_options.features & feature) != 0;
}

/* ---- the state ---- */

enum core_thread {
    CORE_DAEMON,
    CORE_WORKER,
    CORE_REAPER,
    CORE_PROGRAMS,              /* managers, then clients */
};

/* What a program of a manager knows. */
struct core_pager {
    uint32_t object, control, name; /* ports; control 0: no conversation */
    bool locking;               /* a lock request was not completed yet */
    bool gone;                  /* its task is ending */
    uint32_t pending;           /* pages that were asked for, and not answered: a mask */
    uint32_t stored[CORE_PAGES_MAX];
    uint32_t nr_held;
    struct core_held {
        uint32_t address, first, nr_pages;
    } held[CORE_HELD_MAX];
};

enum core_place {
    CORE_NOWHERE,               /* never written, or at liberty to vanish */
    CORE_IN_KERNEL,             /* the object's or a queued message's alone */
    CORE_AT_MANAGER,
};

/* Versions count up from 0, which is a page that was never written; only their order tells states apart. */
struct core_model {
    uint32_t newest[CORE_PAGES_MAX];    /* what every observer must see */
    uint8_t place[CORE_PAGES_MAX];      /* enum core_place, in the state before */
    bool discarded;             /* by memory_object_destroy: anything may be gone */
};

/* Part of the machine's state, like the kernel's data. */
struct core_live {
    bool exploring;             /* set-up is over */
    uint32_t action;            /* that the checker chose */
    void *sp;                   /* of the thread that stopped at this decision */
    struct thread *stopping;    /* it */
    uint32_t nr_threads;
    struct thread *threads[CORE_THREADS_MAX];   /* a reference each */
    void *stopped[CORE_THREADS_MAX];    /* the innermost words that count, of a thread that stopped at a decision */
    void *base[CORE_THREADS_MAX];       /* of what counts on its stack */
    uint64_t menus[CORE_THREADS_MAX];   /* what a program can choose now; 0: it is not at its menu */
    uint32_t choices[CORE_THREADS_MAX];
    struct vm_page *victim;     /* for the daemon's next look */
    bool alone;                 /* that takes no neighbours */
    struct task *managers[CORE_OBJECTS_MAX], *clients[CORE_CLIENTS_MAX]; /* a reference each */
    struct ipc_port *ports[CORE_OBJECTS_MAX];   /* a send right each */
    struct vm_account *accounts[CORE_OBJECTS_MAX]; /* NULL when it is gone */
    struct core_pager pagers[CORE_OBJECTS_MAX];
    struct core_model models[CORE_OBJECTS_MAX];
    uint32_t client_names[CORE_CLIENTS_MAX][CORE_OBJECTS_MAX];
    bool mapped[CORE_CLIENTS_MAX][CORE_OBJECTS_MAX];
    bool client_ready[CORE_CLIENTS_MAX];
};
extern struct core_live core_live;
extern struct thread *core_idle;    /* constant */

/* ---- actions ---- */

enum core_kind {
    CORE_RUN,                   /* thread goes on; of a program at its menu, with the choice option */
    CORE_EVICT,                 /* the daemon looks at a page: option is it, by number; thread 1: alone */
    CORE_TIME_OUT,              /* the timed wait of thread is over */
};
#define CORE_ACTION(kind, thread, option) ((uint32_t)(kind) << 16 | (uint32_t)(thread) << 8 | (uint32_t)(option))
#define CORE_ACTION_KIND(action) ((action) >> 16)
#define CORE_ACTION_THREAD(action) ((action) >> 8 & 0xffu)
#define CORE_ACTION_OPTION(action) ((action)&0xffu)
#define CORE_ACTIONS_MAX 256u

/* All actions of the present state, in an order that depends on it alone; returns how many. */
uint32_t core_enabled(uint32_t *actions);
/* On the thread that stopped: carries the chosen action out, as far as who runs. Returns who. */
struct thread *core_carry_out(uint32_t action);
/* What an action is, for people. */
void core_action_print(uint32_t action);
/* What a program's choice is called: prog_core.c. */
bool core_choice_is_access(uint32_t choice); /* of a client: a fault at most */
/* Whether ever more messages could be queued for object without being received: it is mapped again, or supplied unasked. */
bool core_choice_queues(bool manager, uint32_t choice, uint32_t *object);
const char *core_choice_name(bool manager, uint32_t choice, char *name, uint32_t size);

/* ---- programs and the kernel ---- */

/* Offers choices to the checker; returns the one it took. */
uint32_t core_menu(uint64_t choices);
/* What is above here on the running program's stack is none of its state. */
void core_program_begin(uint32_t index);
void core_pager_program(uint32_t index);
void core_client_program(uint32_t index);
/* Where object is in every client. */
#define CORE_MEMORY(object) (0x100000u + (object)*0x10000u)
/* The running client reads or writes a page; what it sees, an error too, is held against the model. */
void core_access(uint32_t object, uint32_t page, bool write);
void core_seen(uint32_t object, uint32_t index, kern_return_t result, uint32_t *word, bool write);

/* ---- checking ---- */

/* The conversation of object, or NULL when its port leads nowhere and no client maps it. */
struct memory_object *core_conversation(uint32_t object);
/* The page of object at index, or NULL; the first one. Nothing is locked: the machine stands still. */
struct vm_page *core_page(struct vm_object *object, uint32_t index);
struct vm_page *core_page_first(struct vm_object *object);
uint32_t core_version(const struct vm_page *page);
/* Modified since the manager had it. */
bool core_modified(const struct vm_page *page);
/* The runs of an account, oldest first; NULL: the first, or no more. */
struct vm_run *core_run_next(uint32_t manager, struct vm_run *run);
/* Ends the run when a law is broken in the present state. */
void core_laws_check(void);
/* What tells the present state from others; core_state_root() once before, with the kernel's threads where they rest. */
void core_state_root(void);
uint64_t core_state_hash(void);

/* ---- memory ---- */

void core_memory_init(void);
/* Memory that is no part of the state. */
void *core_memory_own(size_t size);
/* Remembers the present state as the one that all others are told by. */
void core_memory_root(void);
/* Looks where the present state differs from the root; after every step, before the next two. */
void core_memory_look(void);
/*
 * Puts the present state's difference to the root into the queue. Returns its size, bytes, at most CORE_DIFFERENCE_MAX; 0:
 * the host is out of memory.
 */
uint32_t core_memory_save(void);
#define CORE_DIFFERENCE_MAX (1u << 20)
void core_memory_restore(const void *difference);
/* Clears what is below sp on its stack: nothing that is over tells states apart. */
void core_memory_clean_stack(void *sp);
/* The end of the stack that sp is on. */
void *core_memory_stack_top(void *sp);
bool core_memory_dynamic(uint32_t word);

/* ---- the queue of differences: core_queue.c ---- */

void core_queue_init(void);
bool core_queue_put(const void *from, uint32_t size);
/* The oldest one, whose size the caller knows. */
void core_queue_get(void *to, uint32_t size);

/* ---- the search ---- */

void core_search_init(void);
/* On the scenario's thread: sets everything up, and lets the search begin. */
void core_scenario(void);
/* Called at every decision, by asm: stopped is where the innermost words that count are. Returns when it goes on. */
void core_decide_stopped(void *stopped);
/* How the present state was reached, by numbers and in words. */
void core_path_print(void);

#endif
