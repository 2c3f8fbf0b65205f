/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: all that kernel/, ipc/ and vm/ know of the machine. i386/ implements it on the real one,
 * tests/sim/ on a simulated one. No other header of i386/ is included outside i386/.
 *
 * User addresses are [PAGE_SIZE or 0, MACHINE_USER_END); the kernel's are above and in every pmap.
 */
#ifndef KERNEL_MACHINE_H
#define KERNEL_MACHINE_H

#include <mach/kern_return.h>
#include <mach/vm_prot.h>

#include "kernel/types.h"

struct pmap;
struct vm_frame;
struct thread;

#define MACHINE_USER_END 0xC0000000u

/* ---- interrupts ---- */

/* Turns interrupts off and returns the state before, for machine_interrupts_restore. */
unsigned long machine_interrupts_disable(void) __must_check;
void machine_interrupts_restore(unsigned long flags);
bool machine_interrupts_enabled(void);
void machine_interrupts_enable(void);
/* Waits with interrupts on until one has come, and leaves them on; called with them off by the idle thread. */
void machine_idle(void);

/* ---- time: one counter of nanoseconds since boot, from the timer, never from the raw time stamp counter ---- */

#define MACHINE_HZ 100
uint64_t machine_time_ns(void);
/* The wall clock at boot, seconds since 1970. */
uint32_t machine_boot_seconds(void);
/* Called by the machine MACHINE_HZ times a second with interrupts off; user says whether user mode was interrupted. */
void clock_interrupt(bool user);

/* ---- threads ---- */

#define MACHINE_STACK_SIZE 8192u

struct machine_context; /* the saved kernel stack pointer and the like; in struct thread, see i386/context.h */

/*
 * Sets thread up so that its first switch calls entry(argument) on its kernel stack (thread->kernel_stack, already
 * allocated), interrupts on. entry never returns.
 */
void machine_thread_init(struct thread *thread, void (*entry)(void *argument), void *argument);
/* Ends what the machine keeps for a thread (FPU state); its kernel stack stays. Does not sleep. */
void machine_thread_destroy(struct thread *thread);
/*
 * Switches from the running thread to next: saves, loads, changes the address space when the pmaps differ. Called with
 * interrupts off by the scheduler alone; returns when `from` runs again. Returns the thread that ran just before.
 */
struct thread *machine_switch(struct thread *from, struct thread *next);
/* Leaves to user mode with the running thread's user state; for a thread's first departure. Does not return. */
void machine_return_to_user(void) __attribute__((noreturn));
/* A fresh user state: flags, segments; entry point and stack pointer. */
void machine_user_state_init(struct thread *thread, uintptr_t pc, uintptr_t sp);
/* thread_get_state and thread_set_state; thread is stopped or is the running one. count is in natural_t, in and out. */
kern_return_t machine_get_state(struct thread *thread, int flavor, uint32_t *state, uint32_t *count);
kern_return_t machine_set_state(struct thread *thread, int flavor, const uint32_t *state, uint32_t count);
/* Copies the user state of parent to child, for thread creation by kernels' own use; FPU state fresh. */
void machine_user_state_copy(struct thread *child, struct thread *parent);
/* Sets the result of the trap that the (stopped) thread is in. */
void machine_set_trap_result(struct thread *thread, uint32_t result);

/* ---- copying between the kernel and the running task; both may fault, sleep, and fail ---- */

/* Return false when some of the user range cannot be read or written; then part of it may have been copied. */
bool copyin(const void *user, void *kernel, size_t size) __must_check;
bool copyout(const void *kernel, void *user, size_t size) __must_check;
/* Messages: the same, tuned for small aligned sizes. */
bool copyin_words(uintptr_t user, uint32_t *kernel, size_t nr_words) __must_check;
bool copyout_words(const uint32_t *kernel, uintptr_t user, size_t nr_words) __must_check;

/* ---- pmap: a machine address space; a cache of what maps say, except for wired mappings ---- */

extern struct pmap *const kernel_pmap;

/* Returns a pmap with the kernel's part in it, or NULL. May sleep for memory: no spinlock is held. */
struct pmap *pmap_create(void);
/* Ends a pmap that no thread runs in; takes all mappings away. */
void pmap_destroy(struct pmap *pmap);

enum pmap_flags {
    PMAP_WIRED = 1,             /* the mapping stays until removed: its page table is never given up */
    PMAP_NOSLEEP_DAEMON = 2,    /* page table memory may come from the pageout path's own reserve */
    PMAP_PRIVILEGED = 4,
    PMAP_USED = 8,              /* an access follows at once: the mapping begins as a referenced one */
};

/*
 * Maps frame at va with protection prot (READ, or READ|WRITE, EXECUTE is READ), replacing what was there. The mapping is
 * entered in the frame's reverse map. Never sleeps. Returns KERN_SUCCESS, or KERN_RESOURCE_SHORTAGE when there is no
 * memory for a page table or a reverse entry: nothing has changed then, and the caller waits for memory and retries.
 */
kern_return_t pmap_enter(struct pmap *pmap, uintptr_t va, struct vm_frame *frame, vm_prot_t prot, enum pmap_flags flags);
/* Removes all mappings in [start, end), wired ones too; TLBs are flushed when it returns. */
void pmap_remove(struct pmap *pmap, uintptr_t start, uintptr_t end);
/* Takes rights away in [start, end): what prot lacks. Never adds any. VM_PROT_NONE removes. */
void pmap_protect(struct pmap *pmap, uintptr_t start, uintptr_t end, vm_prot_t prot);
/* The frame mapped at va, or NULL. */
struct vm_frame *pmap_extract(struct pmap *pmap, uintptr_t va);
/*
 * Preallocates the page tables for [start, end), so that entering there cannot fail for lack of them, until a pmap_remove
 * leaves one of them empty.
 */
kern_return_t pmap_reserve(struct pmap *pmap, uintptr_t start, uintptr_t end, enum pmap_flags flags);
/* Number of mappings. */
unsigned int pmap_resident_count(const struct pmap *pmap);

/*
 * Operations on all mappings of frames, collected in a batch: the processor may use the old translations until
 * pmap_batch_flush(), which flushes each TLB once. A batch lives on the stack; nothing sleeps inside one.
 */
#define PMAP_BATCH_PAGES 32
struct pmap_batch {
    unsigned int nr_pages;
    bool all;
    uintptr_t pages[PMAP_BATCH_PAGES];
};

enum pmap_bits {
    PMAP_REFERENCED = 1,
    PMAP_MODIFIED = 2,
};

void pmap_batch_init(struct pmap_batch *batch);
/* Removes every mapping of frame but wired ones; the bits they had are kept for pmap_frame_bits. */
void pmap_frame_unmap(struct vm_frame *frame, struct pmap_batch *batch);
/* Takes the right to write from every mapping of frame, wired ones too. */
void pmap_frame_write_protect(struct vm_frame *frame, struct pmap_batch *batch);
/* Whether any mapping is there. */
bool pmap_frame_mapped(const struct vm_frame *frame);
/* The bits of all mappings, past ones included, since they were cleared. */
enum pmap_bits pmap_frame_bits(const struct vm_frame *frame);
void pmap_frame_clear_bits(struct vm_frame *frame, enum pmap_bits bits, struct pmap_batch *batch);
void pmap_batch_flush(struct pmap_batch *batch);

/* ---- contents of frames, wherever they are (below or above the direct map) ---- */

void pmap_frame_zero(struct vm_frame *frame);
void pmap_frame_copy(struct vm_frame *from, struct vm_frame *to);
/* Part of a frame from or to kernel memory; offset + size is at most PAGE_SIZE. */
void pmap_frame_read(struct vm_frame *frame, unsigned int offset, void *to, size_t size);
void pmap_frame_write(struct vm_frame *frame, unsigned int offset, const void *from, size_t size);

/* ---- kernel virtual memory: pages mapped one by one (stacks with a guard page below, large tables) ---- */

/* Returns size bytes (whole pages) of mapped memory with an unmapped page on each side, or NULL. */
void *kva_alloc(size_t size, unsigned int how);
void kva_free(void *memory, size_t size);
/* Maps a physical range that is not RAM (devices, uncached). For ever. */
void *kva_map_device(phys_t start, size_t size);
/* The kernel's address of a directly mapped physical address, and back. */
void *machine_phys_to_virt(phys_t address);
phys_t machine_virt_to_phys(const void *address);
/* Whether [start, start + size) is directly mapped. */
bool machine_phys_direct(phys_t start, size_t size);

/* The processor, as CPU_TYPE_... and CPU_SUBTYPE_... of <mach/machine.h>. */
void machine_cpu_kind(int *type, int *subtype);

/* ---- console and the end ---- */

void console_putc(char c);
/* flags: RB_HALT and others as in host_reboot; status goes to QEMU's debug exit port when the command line allows it. */
enum machine_end {
    MACHINE_REBOOT,
    MACHINE_HALT,
    MACHINE_POWER_OFF,
};
void machine_end(enum machine_end how, bool success) __attribute__((noreturn));

#endif
