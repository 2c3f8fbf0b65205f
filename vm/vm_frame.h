/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames: physical pages, one small record each, handed out by a buddy allocator over zones.
 *
 * A *frame* is memory; a *page* (vm_page.h) is one offset of one object. A frame has a count of holders, because it can
 * be in an object and in a run at once. Zones: DMA below 16 MiB, DIRECT up to the end of the direct map, HIGH above. An
 * allocation names the highest zone it can use and falls back downwards, never upwards.
 *
 * Levels of reserve (see vm_frame_seal for how they follow from memory size): each level has a number of free frames
 * below which it is not served. Who may sleep waits for its own level, first come first served; every free wakes.
 */
#ifndef VM_VM_FRAME_H
#define VM_VM_FRAME_H

#include "kernel/kmem.h"
#include "kernel/list.h"
#include "kernel/types.h"

struct pmap;
struct pmap_pv;

enum vm_zone {
    VM_ZONE_DMA,
    VM_ZONE_DIRECT,
    VM_ZONE_HIGH,
    VM_NR_ZONES,
};

/* What a frame is used for; the counts by state add up to all frames. */
enum vm_frame_state {
    VM_FRAME_FREE,
    VM_FRAME_KERNEL,            /* kernel memory, page tables, stacks, the kernel itself, records */
    VM_FRAME_OBJECT,            /* held by pages of objects (and perhaps by a run too) */
    VM_FRAME_RESERVED,          /* not RAM, or kept by the boot loader's modules */
    VM_FRAME_NR_STATES,
};

/*
 * Locking: F the frames' lock; P the pmap layer's pv lock; O the lock of the object that holds the frame (both, where
 * two hold it); I immutable.
 */
struct vm_frame {
    struct list_node node;      /* [F] in a free list */
    uint8_t state;              /* [F] enum vm_frame_state */
    uint8_t zone;               /* [I] */
    uint8_t order;              /* [F] of the free block that starts here */
    uint8_t pmap_bits;          /* [P] enum pmap_bits of mappings that are gone, and the pmap layer's own flags */
    uint16_t nr_holders;        /* [O] pages that hold it */
    uint16_t wired_maps;        /* [P] wired mappings */
    struct pmap *pv_pmap;       /* [P] the first mapping, NULL when none */
    uintptr_t pv_va;            /* [P] */
    struct pmap_pv *pv_more;    /* [P] the others */
};

extern struct vm_frame *vm_frames;   /* one for every frame number below vm_nr_frames */
extern unsigned int vm_nr_frames;

static inline unsigned int vm_frame_number(const struct vm_frame *frame)
{
    return (unsigned int)(frame - vm_frames);
}

static inline phys_t vm_frame_phys(const struct vm_frame *frame)
{
    return (phys_t)vm_frame_number(frame) << PAGE_SHIFT;
}

static inline struct vm_frame *vm_frame_of_phys(phys_t address)
{
    return &vm_frames[address >> PAGE_SHIFT];
}

/*
 * Set-up: the machine calls vm_frame_init with a zeroed array of records; all frames become RESERVED. Then
 * vm_frame_add for each range of free RAM (page-aligned, none twice), then vm_frame_seal, which derives the watermarks from
 * what was added. Ranges may be added later too (modules that are not needed any more).
 * RESERVED frames may be added later too (modules that have served); the watermarks stay.
 */
void vm_frame_init(struct vm_frame *records, unsigned int nr_frames, phys_t direct_end);
void vm_frame_add(phys_t start, phys_t end);
void vm_frame_seal(void);

#define VM_FRAME_ORDER_MAX 10 /* 4 MiB */

/*
 * Takes 2^order frames, contiguous and aligned; the first is returned. state becomes KERNEL or OBJECT; contents are
 * not cleared (ALLOC_ZEROED clears). Sleeps unless ALLOC_NOSLEEP; then NULL when its level is not served. An order
 * above 0 never sleeps, and neither does a request for VM_ZONE_DMA, where frames may never come free. A request that
 * may sleep returns NULL only to a thread that is being ended (or before there are threads): it may take what level
 * PRIVILEGED may, and waits for nothing. No spinlock is held by a caller that may sleep.
 */
struct vm_frame *vm_frame_alloc(unsigned int order, enum vm_zone highest, enum vm_frame_state state, enum alloc how);
/* Frees what vm_frame_alloc returned (same order). Its mappings are gone. Never sleeps; wakes waiters. */
void vm_frame_free(struct vm_frame *frame, unsigned int order);
/* Frees a batch of single frames with one wake-up; list links them by node, and is empty afterwards. */
void vm_frame_free_list(struct list *list, unsigned int count);

/* One frame of kernel memory, directly mapped; NULL as vm_frame_alloc. */
void *vm_frame_alloc_kernel(unsigned int order, enum alloc how);
void vm_frame_free_kernel(void *memory, unsigned int order);

/*
 * Sleeps until an allocation at this level would be served, or the thread is being ended (then returns false at once:
 * a dying thread waits for nothing). For callers that could not sleep where the shortage was met. ALLOC_THREAD waits at the
 * thread's level, even if that rises meanwhile.
 */
bool vm_frame_wait(enum alloc level);
/* Whether it would return at once. */
bool vm_frame_plenty(enum alloc level);
/*
 * thread_alloc_level_of() may have risen for some: those of them that wait with ALLOC_THREAD are served at their new level.
 */
void vm_frame_levels_rose(void);

/* Watermarks, frames: the daemon starts below low and works until high; each level is served down to its min. */
struct vm_frame_marks {
    unsigned int high;
    unsigned int low;
    unsigned int min;           /* ORDINARY stops here */
    unsigned int privileged_min;
    unsigned int daemon_min;    /* 0: the pageout path takes the last frame */
};
extern struct vm_frame_marks vm_frame_marks;

/*
 * How many frames are free for pages of objects, which is what the watermarks are about: all free ones, less those that
 * are kept for the kernel where there is a HIGH zone; or the directly mapped ones, when those are below the high mark.
 */
unsigned int vm_frame_nr_free(void);
unsigned int vm_frame_count(enum vm_frame_state state);
unsigned int vm_frame_nr_waiting(void);         /* threads asleep for frames */
/*
 * Called by the allocator when free frames are below low, once until vm_frame_shortage_rearm(); with the frames' lock
 * held, so it may wake threads and no more.
 */
extern void (*vm_frame_shortage)(void);
/* From the daemon, before it looks at the free frames: shortages after this are told again. */
void vm_frame_shortage_rearm(void);

/* Debug builds: every count and list agrees; panics otherwise. */
void vm_frame_check(void);

#endif
