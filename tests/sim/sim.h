/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine: a second implementation of kernel/machine.h, in one process of the host.
 *
 * A *seed* decides everything that happens. A *point* is where the machine may do something: time passes at each, the
 * clock's interrupt may come, and where the kernel may switch, another thread may run. A *scenario* is what is run and
 * checked; its programs are C functions that run "in user mode" and touch memory through the simulated MMU only.
 *
 * sim_fail() ends the run and says how to get it again. Nothing here is called from outside tests/sim but through
 * kernel/machine.h and the linker's --wrap (hooks.c).
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <mach/kern_return.h>

#include "kernel/types.h"

struct pmap;
struct task;
struct thread;
struct vm_frame;

/* ---- the driver: sim.c ---- */

struct sim_scenario {
    const char *name;
    void (*run)(void);          /* on a kernel thread of its own, after boot; returns when all is checked */
    unsigned int nr_frames;     /* directly mapped frames that it needs at least; up to twice as many by seed */
    unsigned int weight;        /* its share of a total of seeds */
};

/* What may fail: see faults.c. */
enum sim_fault {
    SIM_FAULT_ALLOC,
    SIM_FAULT_SEND,
    SIM_FAULT_WAIT,
    SIM_NR_FAULTS,
};

/* What this run is; set before anything else. */
struct sim_run {
    const struct sim_scenario *scenario;
    uint32_t seed;
    bool verbose;               /* the console is written out */
    unsigned int nr_direct;     /* frames in the direct map, frames beyond; chosen by seed */
    unsigned int nr_high;
    uint32_t ns_per_point;      /* mean time that passes at a point */
    uint32_t preempt;           /* one point in so many asks the running thread to give way */
    uint32_t yield;             /* one sleeping allocation or mutex in so many switches */
    uint32_t shuffle;           /* one switch in so many finds the best threads in another order */
    uint32_t late;              /* one thread that was woken in so many runs later than it could */
    uint32_t aborts;            /* at one switch in so many, somebody's wait is broken off */
    bool faults;                /* things may fail now */
    uint32_t fault_rates[SIM_NR_FAULTS]; /* one in so many fails; 0: none */
    bool fail_each;             /* instead of at random, the one numbered fail_nth fails, from 1 on */
    enum sim_fault fail_kind;
    uint32_t fail_nth;
    uint32_t until;             /* the point at which to stop for a debugger; 0: none */
    uint32_t points_most;       /* a run of more points fails; 0: any number */
    bool told;                  /* its choices are not the seed's: it may be as short as it likes */
};
extern struct sim_run sim_run;

/* The scenario is over and all was well. */
void sim_done(void) __attribute__((noreturn));
void sim_fail(const char *format, ...) __printf_like(1, 2) __attribute__((noreturn));
#define sim_check(e) \
    do { \
        if (!(e)) \
            sim_fail("%s, %s:%d", #e, __FILE__, __LINE__); \
    } while (0)

/* What happened in this run; in memory that the driver sees too. */
struct sim_counts {
    uint32_t points, places;    /* places: points where the processor could have gone to another thread */
    uint32_t switches, faults, messages, interrupts;
    uint32_t asked[SIM_NR_FAULTS], faults_made[SIM_NR_FAULTS];
    uint32_t events;            /* lines of the trace */
    uint64_t hash;              /* of the trace */
};
extern struct sim_counts *sim_counts;

/* ---- the one source of randomness: choose.c ---- */

/* What a choice is about. */
enum sim_stream {
    SIM_OF_PROGRAM,             /* what the run is, and what programs do */
    SIM_OF_TIME,                /* how much passes at a point */
    SIM_OF_TURNS,               /* who runs next */
    SIM_OF_FAULTS,              /* what fails */
    SIM_NR_STREAMS,
};
void sim_choose_init(uint32_t seed);
/* A number below bound, which is not 0. 0 is to be the least eventful one. */
uint32_t sim_choose_of(enum sim_stream which, uint32_t bound);
/* True once in so many times; never for 0. */
bool sim_chance_of(enum sim_stream which, uint32_t one_in);
/* The same for programs and scenarios. */
uint32_t sim_choose(uint32_t bound);
bool sim_chance(uint32_t one_in);

/* ---- what fails: faults.c ---- */

/* Between these two, things fail; how many is the seed's choice. Called by scenarios. */
void sim_faults_begin(void);
void sim_faults_end(void);
/*
 * Whether a run with this page of some object was lost by a fault, and the object had ended before it came home: then the
 * page is gone, as law 1 says, and no manager is owed it.
 */
bool sim_page_dropped(uint32_t index);
/*
 * Whether a run with this page is on its way, to the manager or home, while its object has ended: if the manager has
 * died, the page goes with it, as law 1 says. Asked in user mode.
 */
bool sim_page_outlived(uint32_t index);
/*
 * How many runs with this page of some object were lost by a fault so far: such a page comes home, and its manager may be
 * asked for it before it has.
 */
uint32_t sim_page_lost(uint32_t index);
/* Frames were freed: a drought may take them. */
void sim_drought_freed(void);
/* Frames that managers have given back so far, of runs that they received. */
uint32_t sim_nr_credited(void);
/* Whether this one is to fail; called where one may. */
bool sim_fault(enum sim_fault kind);

/* ---- what happened: trace.c ---- */

enum sim_event {
    SIM_SWITCH,                 /* from thread, to thread */
    SIM_INTERRUPT,              /* tick, user mode */
    SIM_PREEMPT,                /* thread */
    SIM_YIELD,                  /* thread */
    SIM_FAULT,                  /* thread, page, write, result */
    SIM_TRAP,                   /* thread, number */
    SIM_TRAP_DONE,              /* thread, number, result */
    SIM_SEND,                   /* thread, message id, result */
    SIM_RECEIVE,                /* thread, message id, result */
    SIM_FAIL,                   /* thread, enum sim_fault, number */
    SIM_ABORT,                  /* thread, whose wait */
    SIM_LATE,                   /* thread */
    SIM_PROGRAM,                /* program's own words: two numbers */
    SIM_NR_EVENTS,
};
/* Notes an event of the running thread: the point, its name and two numbers, none of them an address of the host. */
void sim_trace(enum sim_event event, uint32_t a, uint32_t b);
/* Writes every line to a file too; false: it cannot be opened. */
bool sim_trace_open(const char *name);
uint64_t sim_trace_hash(void);
/* The last lines, for a failure. */
void sim_trace_tail(void);

/* ---- time, interrupts, console: machine.c ---- */

enum sim_mode {
    SIM_KERNEL,
    SIM_USER,
};
/* A point: see above. */
void sim_point(enum sim_mode mode);
/* A point where the kernel may switch: switches, perhaps. No locks are held. */
void sim_switch_point(void);
/* What happens just before the kernel looks for who runs next. No locks are held. */
void sim_before_switch(void);
/* What happens to a thread that was woken. No locks are held. */
void sim_after_wait(void);
/* Makes the kernel's memory and tells vm_frame of it. */
void sim_memory_init(void);
void sim_console_write(void);

/* ---- physical memory and MMU: memory.c, mmu.c, tlb.c ---- */

void sim_mmu_init(void);
/* The host's address of a frame's bytes. */
void *sim_frame_bytes(const struct vm_frame *frame);
/* The number of the frame that an address of the direct map is in; ~0 for any other address. */
uint32_t sim_frame_of(const void *address);
/* pmap's page table entry for va, or NULL when there is no table. */
const uint32_t *sim_mmu_entry(const struct pmap *pmap, uintptr_t va);
unsigned int sim_mmu_id(const struct pmap *pmap);
/* As the processor does: sets referenced and modified. 0: the access faults; otherwise the entry. */
uint32_t sim_mmu_walk(struct pmap *pmap, uintptr_t va, bool write);

/* Bits of entries. */
enum sim_pte {
    SIM_PTE_VALID = 1,
    SIM_PTE_WRITE = 2,
    SIM_PTE_REFERENCED = 4,
    SIM_PTE_MODIFIED = 8,
    SIM_PTE_WIRED = 16,
};

/* Where the byte at va is, for an access by the running processor in pmap, or NULL when it faults. */
void *sim_tlb_access(struct pmap *pmap, uintptr_t va, bool write);
void sim_tlb_flush(uintptr_t va); /* of all pmaps */
void sim_tlb_flush_pmap(const struct pmap *pmap);
void sim_tlb_flush_all(void);
/* No translation is held that the page tables do not back: nothing sleeps, or returns to user mode, inside a batch. */
void sim_tlb_check(void);

/* ---- threads and user mode: threads.c, user.c ---- */

uint32_t sim_thread_id(const struct thread *thread);
uint32_t sim_self(void);
/* Prints what each thread is doing. */
void sim_threads_show(void);
/* Breaks off the wait of a user thread that waits interruptibly, as thread_abort() does; by seed which, if there is one. */
void sim_abort_some(void);

typedef void sim_program_function(uint32_t argument);
/* The pc at which program begins. */
uint32_t sim_program(sim_program_function *program);

/* What a program does; each may fault, be interrupted, and never return when its task is ended. */
uint32_t sim_load(uint32_t address);
void sim_store(uint32_t address, uint32_t word);
void sim_read(uint32_t address, void *to, uint32_t size);
void sim_write(uint32_t address, const void *from, uint32_t size);
/* As a program that takes its own exceptions: what a fault says that cannot be served. */
kern_return_t sim_try_load(uint32_t address, uint32_t *word);
kern_return_t sim_try_store(uint32_t address, uint32_t word);
/* The running thread's state: what it was given in registers, and the end of its memory for messages and arguments. */
uint32_t sim_register(unsigned int index);
uint32_t sim_stack(void);
/* Four words of the running thread for its program's library; 0 at first. */
uint32_t *sim_words(void);
/* number is negative, as in <mach/syscall_sw.h>. */
uint32_t sim_trap(int number, unsigned int nr_arguments, const uint32_t *arguments);

#endif
