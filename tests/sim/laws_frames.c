/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conservation of frames: each is in exactly one state, and what its state says.
 *
 * A free frame is in exactly one free block, the block in exactly one ring, one ring a zone and order; one of the kernel is
 * reached by at most one user; one of an object is held by as many pages as it counts, and if by several, by one that is not
 * a run's at most. The rings' heads are the allocator's own: what is known of them is that they are no frames.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/machine.h"
#include "laws_private.h"
#include "vm/vm_frame.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"

#define LAWS_INSIDE 0xff /* the order of a frame that begins no free block */

/* By frame number. */
struct laws_frame {
    const char *user;           /* of kernel memory */
    uint16_t holders, not_runs; /* pages that hold it; of them, in objects that are no runs */
};
static struct laws_frame *laws_frame_of;
unsigned int laws_nr_contiguous;

/* ---- kernel memory ---- */

void laws_claim_none(void)
{
    if (laws_frame_of == NULL)
        laws_frame_of = calloc(vm_nr_frames, sizeof(*laws_frame_of));
    sim_check(laws_frame_of != NULL);
    memset(laws_frame_of, 0, vm_nr_frames * sizeof(*laws_frame_of));
}

void laws_claim(uint32_t frame, const char *what)
{
    laws_check(frame < vm_nr_frames && vm_frames[frame].state == VM_FRAME_KERNEL, "frames",
               "frame %u of %s is no frame of the kernel's", frame, what);
    laws_check(laws_frame_of[frame].user == NULL, "frames", "frame %u is one of %s and of %s", frame,
               laws_frame_of[frame].user, what);
    laws_frame_of[frame].user = what;
}

/* ---- free frames ---- */

struct laws_ring {
    unsigned int nr_blocks;
    const struct vm_frame *any;
};

/* A free block begins at number. Returns its size. */
static uint32_t laws_frames_block(uint32_t number, struct laws_ring rings[][VM_FRAME_ORDER_MAX + 1])
{
    const struct vm_frame *frame = &vm_frames[number];
    struct laws_ring *ring;
    uint32_t size;

    laws_check(frame->order <= VM_FRAME_ORDER_MAX, "frames", "frame %u is free and in no block", number);
    size = 1u << frame->order;
    laws_check(number % size == 0 && number + size <= vm_nr_frames, "frames", "block %u of order %u", number,
               frame->order);
    for (uint32_t i = 1; i < size; i++) {
        laws_check(frame[i].state == VM_FRAME_FREE && frame[i].order == LAWS_INSIDE && frame[i].zone == frame->zone,
                   "frames", "frame %u, in the free block %u of order %u, has state %u, order %u", number + i, number,
                   frame->order, frame[i].state, frame[i].order);
    }
    ring = &rings[frame->zone][frame->order];
    ring->nr_blocks++;
    ring->any = frame;
    return size;
}

/* As many blocks are in the ring as there are, and one node that is none: its head. */
static void laws_frames_ring(const struct laws_ring *ring, unsigned int zone, unsigned int order)
{
    const struct list_node *node;
    unsigned int nr_blocks = 0, nr_heads = 0;

    if (ring->any == NULL)
        return;
    node = &ring->any->node;
    do {
        const struct vm_frame *frame = container_of(node, struct vm_frame, node);

        laws_check(node->next->prev == node, "frames", "the list of zone %u, order %u is broken", zone, order);
        if (frame < vm_frames || frame >= vm_frames + vm_nr_frames) {
            nr_heads++;
        } else {
            laws_check(frame->state == VM_FRAME_FREE && frame->zone == zone && frame->order == order, "frames",
                       "frame %u (state %u, order %u) is in the list of zone %u, order %u", vm_frame_number(frame),
                       frame->state, frame->order, zone, order);
            nr_blocks++;
        }
        node = node->next;
    } while (node != &ring->any->node && nr_blocks <= ring->nr_blocks);
    laws_check(nr_heads == 1 && nr_blocks == ring->nr_blocks, "frames",
               "zone %u has %u free blocks of order %u, and %u in the list", zone, ring->nr_blocks, order, nr_blocks);
}

/* ---- frames in use ---- */

static void laws_frames_hold(void)
{
    laws_for_each(LAWS_PAGE, cell) {
        const struct vm_page *page = cell->at;
        uint32_t number;

        if (page->frame == NULL)
            continue;
        number = vm_frame_number(page->frame);
        laws_check(page->frame >= vm_frames && number < vm_nr_frames && page->frame->state == VM_FRAME_OBJECT, "frames",
                   "page %u holds frame %u, which is no object's", page->index, number);
        laws_frame_of[number].holders++;
        laws_frame_of[number].not_runs += page->object == NULL || page->object->run == NULL;
    }
}

static void laws_frames_used(uint32_t number)
{
    const struct vm_frame *frame = &vm_frames[number];
    const struct laws_frame *found = &laws_frame_of[number];

    laws_check(frame->order == LAWS_INSIDE && !list_node_linked(&frame->node), "frames",
               "frame %u, of state %u, is in a free list", number, frame->state);
    if (frame->state != VM_FRAME_OBJECT) {
        laws_check(frame->pv_pmap == NULL && frame->pv_more == NULL, "frames", "frame %u, of state %u, is mapped", number,
                   frame->state);
        return;
    }
    laws_check(found->holders == frame->nr_holders || (found->holders == 0 && laws_nr_contiguous != 0), "frames",
               "frame %u is held by %u pages and counts %u", number, found->holders, frame->nr_holders);
    laws_check(found->holders != 0 || laws_nr_contiguous != 0, "frames", "frame %u is an object's, and no page holds it",
               number);
    laws_check(found->not_runs <= 1, "frames", "frame %u is held by %u pages that are no run's", number, found->not_runs);
}

void laws_frames(void)
{
    struct laws_ring rings[VM_NR_ZONES][VM_FRAME_ORDER_MAX + 1] = {0};
    unsigned int counts[VM_FRAME_NR_STATES] = {0};
    uint32_t size;

    laws_frames_hold();
    for (uint32_t number = 0; number < vm_nr_frames; number += size) {
        const struct vm_frame *frame = &vm_frames[number];

        laws_check(frame->state < VM_FRAME_NR_STATES && frame->zone < VM_NR_ZONES, "frames",
                   "frame %u has state %u, zone %u", number, frame->state, frame->zone);
        size = 1;
        if (frame->state == VM_FRAME_FREE)
            size = laws_frames_block(number, rings);
        else
            laws_frames_used(number);
        counts[frame->state] += size;
    }
    for (unsigned int state = 0; state < VM_FRAME_NR_STATES; state++)
        laws_check(counts[state] == vm_frame_count((enum vm_frame_state)state), "frames",
                   "%u frames of state %u, %u counted", counts[state], state, vm_frame_count((enum vm_frame_state)state));
    for (unsigned int zone = 0; zone < VM_NR_ZONES; zone++) {
        for (unsigned int order = 0; order <= VM_FRAME_ORDER_MAX; order++)
            laws_frames_ring(&rings[zone][order], zone, order);
    }
}
