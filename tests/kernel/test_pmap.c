/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables, checked by what the processor does: this thread loads a pmap and reads and writes user addresses. What is
 * not mapped there faults into kernel_map, where nothing is, so copyin and copyout say false.
 */
#include "i386/memory.h"
#include "i386/pmap.h"
#include "i386/pmap_pv.h"
#include "kernel/string.h"
#include "tests/kernel/test_vm.h"

#define TEST_PMAP_BASE 0x10000000u
#define TEST_PMAP_FRAMES 128u

#define TEST_PMAP_RW (VM_PROT_READ | VM_PROT_WRITE)

static struct vm_frame *test_pmap_frames[TEST_PMAP_FRAMES];

static struct vm_frame *test_pmap_frame(void)
{
    struct vm_frame *frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_NOSLEEP);

    CHECK(frame != NULL);
    return frame;
}

static void test_pmap_frames_alloc(void)
{
    for (unsigned int i = 0; i < TEST_PMAP_FRAMES; i++)
        test_pmap_frames[i] = test_pmap_frame();
}

static void test_pmap_frames_free(void)
{
    for (unsigned int i = 0; i < TEST_PMAP_FRAMES; i++)
        vm_frame_free(test_pmap_frames[i], 0);
}

static bool test_pmap_reads(struct pmap *pmap, uintptr_t va)
{
    uint32_t word;

    pmap_activate(pmap);
    return copyin((const void *)va, &word, sizeof(word));
}

static bool test_pmap_writes(struct pmap *pmap, uintptr_t va, uint32_t word)
{
    pmap_activate(pmap);
    return copyout(&word, (void *)va, sizeof(word));
}

static uint32_t test_pmap_word_at(struct vm_frame *frame)
{
    uint32_t word;

    pmap_frame_read(frame, 0, &word, sizeof(word));
    return word;
}

static void test_pmap_enter(struct pmap *pmap, uintptr_t va, struct vm_frame *frame, vm_prot_t prot)
{
    CHECK_EQUAL(pmap_enter(pmap, va, frame, prot, 0), KERN_SUCCESS);
}

/* ---- one mapping ---- */

static void test_pmap_what_is_entered_is_seen(void)
{
    static const uintptr_t places[] = {0, PAGE_SIZE, TEST_PMAP_BASE, TEST_PMAP_BASE + PMAP_TABLE_SPAN - PAGE_SIZE,
                                       TEST_PMAP_BASE + PMAP_TABLE_SPAN, MACHINE_USER_END - PAGE_SIZE};
    struct test_vm_stock stock;
    unsigned int i;

    test_vm_stock_take(&stock);
    struct pmap *pmap = pmap_create();
    test_pmap_frames_alloc();
    for (i = 0; i < ARRAY_LENGTH(places); i++) {
        CHECK(pmap_extract(pmap, places[i]) == NULL);
        CHECK(!test_pmap_reads(pmap, places[i]));
        test_pmap_enter(pmap, places[i], test_pmap_frames[i], TEST_PMAP_RW);
        CHECK_EQUAL(pmap_resident_count(pmap), i + 1);
    }
    for (i = 0; i < ARRAY_LENGTH(places); i++) {
        CHECK(pmap_extract(pmap, places[i]) == test_pmap_frames[i]);
        CHECK(test_pmap_writes(pmap, places[i], 0x1000 + i));
        CHECK_EQUAL(test_pmap_word_at(test_pmap_frames[i]), 0x1000 + i);
    }
    pmap_destroy(pmap);
    for (i = 0; i < ARRAY_LENGTH(places); i++)
        CHECK(!pmap_frame_mapped(test_pmap_frames[i]));
    test_pmap_frames_free();
    test_vm_stock_check(&stock);
}

static void test_pmap_protect_takes_and_never_gives(void)
{
    struct pmap *pmap = pmap_create();
    struct vm_frame *frame = test_pmap_frame(), *other = test_pmap_frame();
    const uintptr_t va = TEST_PMAP_BASE + PMAP_TABLE_SPAN - PAGE_SIZE; /* the two pages have tables of their own */

    test_pmap_enter(pmap, va, frame, TEST_PMAP_RW);
    test_pmap_enter(pmap, va + PAGE_SIZE, other, TEST_PMAP_RW);
    CHECK(test_pmap_writes(pmap, va, 1));
    CHECK(test_pmap_writes(pmap, va + PAGE_SIZE, 1));
    pmap_protect(pmap, va - 8 * PAGE_SIZE, va + PAGE_SIZE, VM_PROT_READ);
    CHECK(!test_pmap_writes(pmap, va, 2));
    CHECK(test_pmap_reads(pmap, va));
    CHECK(test_pmap_writes(pmap, va + PAGE_SIZE, 2));
    pmap_protect(pmap, va, va + 2 * PAGE_SIZE, TEST_PMAP_RW);
    CHECK(!test_pmap_writes(pmap, va, 3));
    CHECK_EQUAL(test_pmap_word_at(frame), 1);
    pmap_protect(pmap, 0, MACHINE_USER_END, VM_PROT_READ);
    CHECK(!test_pmap_writes(pmap, va + PAGE_SIZE, 4));
    pmap_protect(pmap, va, va + PAGE_SIZE, VM_PROT_NONE);
    CHECK(!test_pmap_reads(pmap, va));
    CHECK(!pmap_frame_mapped(frame));
    CHECK(test_pmap_reads(pmap, va + PAGE_SIZE));
    pmap_destroy(pmap);
    vm_frame_free(frame, 0);
    vm_frame_free(other, 0);
}

static void test_pmap_remove_reaches_the_processor(void)
{
    struct pmap *pmap = pmap_create();
    unsigned int i, count, seen = 0;

    test_pmap_frames_alloc();
    /* One, as many as are flushed one by one, and more than that. */
    static const unsigned int counts[] = {1, PMAP_BATCH_PAGES, PMAP_BATCH_PAGES + 1, TEST_PMAP_FRAMES};
    for (unsigned int c = 0; c < ARRAY_LENGTH(counts); c++) {
        count = counts[c];
        for (i = 0; i < count; i++) {
            test_pmap_enter(pmap, TEST_PMAP_BASE + i * PAGE_SIZE, test_pmap_frames[i], TEST_PMAP_RW);
            CHECK(test_pmap_writes(pmap, TEST_PMAP_BASE + i * PAGE_SIZE, i));
        }
        pmap_remove(pmap, TEST_PMAP_BASE, TEST_PMAP_BASE + count * PAGE_SIZE);
        for (i = 0; i < count; i++) {
            seen += test_pmap_reads(pmap, TEST_PMAP_BASE + i * PAGE_SIZE);
            seen += pmap_frame_mapped(test_pmap_frames[i]);
        }
        CHECK_EQUAL(seen, 0);
        CHECK_EQUAL(pmap_resident_count(pmap), 0);
    }
    pmap_destroy(pmap);
    test_pmap_frames_free();
}

static void test_pmap_another_frame_replaces_the_first(void)
{
    struct pmap *pmap = pmap_create();
    struct vm_frame *first = test_pmap_frame(), *second = test_pmap_frame();

    pmap_frame_zero(second);
    test_pmap_enter(pmap, TEST_PMAP_BASE, first, TEST_PMAP_RW);
    CHECK(test_pmap_writes(pmap, TEST_PMAP_BASE, 7));
    test_pmap_enter(pmap, TEST_PMAP_BASE, second, VM_PROT_READ);
    CHECK(pmap_extract(pmap, TEST_PMAP_BASE) == second);
    CHECK_EQUAL(pmap_resident_count(pmap), 1);
    CHECK(!pmap_frame_mapped(first));
    CHECK(!test_pmap_writes(pmap, TEST_PMAP_BASE, 8));
    CHECK_EQUAL(test_pmap_word_at(first), 7);
    CHECK_EQUAL(pmap_frame_bits(first), PMAP_REFERENCED | PMAP_MODIFIED);
    CHECK_EQUAL(pmap_frame_bits(second) & PMAP_MODIFIED, 0);
    pmap_destroy(pmap);
    vm_frame_free(first, 0);
    vm_frame_free(second, 0);
}

/* ---- all mappings of a frame ---- */

#define TEST_PMAP_MANY 40u

static void test_pmap_many_pmaps_on_one_frame(void)
{
    struct test_vm_stock stock;
    struct pmap *pmaps[TEST_PMAP_MANY];
    struct pmap_batch batch;
    unsigned int i, seen = 0;

    test_vm_stock_take(&stock);
    struct vm_frame *frame = test_pmap_frame();
    for (i = 0; i < TEST_PMAP_MANY; i++) {
        pmaps[i] = pmap_create();
        test_pmap_enter(pmaps[i], TEST_PMAP_BASE + i * PAGE_SIZE, frame, TEST_PMAP_RW);
        test_pmap_enter(pmaps[i], TEST_PMAP_BASE + PMAP_TABLE_SPAN, frame, TEST_PMAP_RW);
    }
    for (i = 0; i < TEST_PMAP_MANY; i++)
        CHECK(test_pmap_writes(pmaps[i], TEST_PMAP_BASE + i * PAGE_SIZE, i));
    pmap_batch_init(&batch);
    pmap_frame_write_protect(frame, &batch);
    pmap_batch_flush(&batch);
    for (i = 0; i < TEST_PMAP_MANY; i++) {
        seen += test_pmap_writes(pmaps[i], TEST_PMAP_BASE + i * PAGE_SIZE, 100);
        seen += test_pmap_writes(pmaps[i], TEST_PMAP_BASE + PMAP_TABLE_SPAN, 100);
        CHECK(test_pmap_reads(pmaps[i], TEST_PMAP_BASE + i * PAGE_SIZE));
    }
    CHECK_EQUAL(seen, 0);
    CHECK_EQUAL(test_pmap_word_at(frame), TEST_PMAP_MANY - 1);
    /* The first, one in the middle and the last are removed by themselves; unmapping takes the others. */
    pmap_remove(pmaps[0], 0, MACHINE_USER_END);
    pmap_remove(pmaps[17], 0, MACHINE_USER_END);
    pmap_remove(pmaps[TEST_PMAP_MANY - 1], 0, MACHINE_USER_END);
    CHECK_EQUAL(pmap_resident_count(pmaps[17]), 0);
    CHECK_EQUAL(pmap_resident_count(pmaps[18]), 2);
    CHECK(pmap_frame_mapped(frame));
    pmap_frame_unmap(frame, &batch);
    pmap_batch_flush(&batch);
    CHECK(!pmap_frame_mapped(frame));
    for (i = 0; i < TEST_PMAP_MANY; i++) {
        seen += pmap_resident_count(pmaps[i]);
        seen += test_pmap_reads(pmaps[i], TEST_PMAP_BASE + i * PAGE_SIZE);
        pmap_destroy(pmaps[i]);
    }
    CHECK_EQUAL(seen, 0);
    vm_frame_free(frame, 0);
    test_vm_stock_check(&stock);
}

static void test_pmap_a_batch_of_any_size_is_flushed(void)
{
    static const unsigned int counts[] = {1, PMAP_BATCH_PAGES, PMAP_BATCH_PAGES + 1, TEST_PMAP_FRAMES};
    struct pmap *pmap = pmap_create();
    struct pmap_batch batch;
    unsigned int i, seen = 0;

    test_pmap_frames_alloc();
    for (unsigned int c = 0; c < ARRAY_LENGTH(counts); c++) {
        for (i = 0; i < counts[c]; i++) {
            test_pmap_enter(pmap, TEST_PMAP_BASE + i * PAGE_SIZE, test_pmap_frames[i], TEST_PMAP_RW);
            CHECK(test_pmap_writes(pmap, TEST_PMAP_BASE + i * PAGE_SIZE, i));
        }
        pmap_batch_init(&batch);
        for (i = 0; i < counts[c]; i++)
            pmap_frame_write_protect(test_pmap_frames[i], &batch);
        pmap_batch_flush(&batch);
        for (i = 0; i < counts[c]; i++)
            seen += test_pmap_writes(pmap, TEST_PMAP_BASE + i * PAGE_SIZE, 1000);
        CHECK_EQUAL(seen, 0);
        for (i = 0; i < counts[c]; i++)
            pmap_frame_unmap(test_pmap_frames[i], &batch);
        pmap_batch_flush(&batch);
        for (i = 0; i < counts[c]; i++)
            seen += test_pmap_reads(pmap, TEST_PMAP_BASE + i * PAGE_SIZE);
        CHECK_EQUAL(seen, 0);
        CHECK_EQUAL(pmap_resident_count(pmap), 0);
    }
    pmap_destroy(pmap);
    test_pmap_frames_free();
}

static void test_pmap_bits_are_true_and_outlive_mappings(void)
{
    struct pmap *pmap = pmap_create(), *other = pmap_create();
    struct vm_frame *frame = test_pmap_frame();
    struct pmap_batch batch;

    pmap_batch_init(&batch);
    pmap_frame_clear_bits(frame, PMAP_REFERENCED | PMAP_MODIFIED, &batch);
    test_pmap_enter(pmap, TEST_PMAP_BASE, frame, TEST_PMAP_RW);
    test_pmap_enter(other, TEST_PMAP_BASE, frame, TEST_PMAP_RW);
    CHECK_EQUAL(pmap_frame_bits(frame), 0);
    CHECK(test_pmap_reads(other, TEST_PMAP_BASE));
    CHECK_EQUAL(pmap_frame_bits(frame), PMAP_REFERENCED);
    CHECK(test_pmap_writes(pmap, TEST_PMAP_BASE, 1));
    CHECK_EQUAL(pmap_frame_bits(frame), PMAP_REFERENCED | PMAP_MODIFIED);
    /* Cleared bits are set again by the next access: no translation with them is left in the processor. */
    pmap_frame_clear_bits(frame, PMAP_MODIFIED, &batch);
    pmap_batch_flush(&batch);
    CHECK_EQUAL(pmap_frame_bits(frame), PMAP_REFERENCED);
    CHECK(test_pmap_writes(pmap, TEST_PMAP_BASE, 2));
    CHECK_EQUAL(pmap_frame_bits(frame), PMAP_REFERENCED | PMAP_MODIFIED);
    pmap_frame_clear_bits(frame, PMAP_REFERENCED | PMAP_MODIFIED, &batch);
    pmap_batch_flush(&batch);
    CHECK_EQUAL(pmap_frame_bits(frame), 0);
    CHECK(test_pmap_writes(pmap, TEST_PMAP_BASE, 3));
    /* What one mapping noted stays when it goes, by removing, by unmapping, and by taking the right to write. */
    pmap_remove(pmap, TEST_PMAP_BASE, TEST_PMAP_BASE + PAGE_SIZE);
    CHECK_EQUAL(pmap_frame_bits(frame), PMAP_REFERENCED | PMAP_MODIFIED);
    pmap_frame_clear_bits(frame, PMAP_REFERENCED | PMAP_MODIFIED, &batch);
    CHECK(test_pmap_writes(other, TEST_PMAP_BASE, 4));
    pmap_frame_write_protect(frame, &batch);
    pmap_batch_flush(&batch);
    CHECK_EQUAL(pmap_frame_bits(frame), PMAP_REFERENCED | PMAP_MODIFIED);
    pmap_frame_unmap(frame, &batch);
    pmap_batch_flush(&batch);
    CHECK(!pmap_frame_mapped(frame));
    CHECK_EQUAL(pmap_frame_bits(frame), PMAP_REFERENCED | PMAP_MODIFIED);
    pmap_destroy(pmap);
    pmap_destroy(other);
    vm_frame_free(frame, 0);
}

static void test_pmap_entering_again_keeps_the_bits(void)
{
    struct pmap *pmap = pmap_create();
    struct vm_frame *frame = test_pmap_frame();

    test_pmap_enter(pmap, TEST_PMAP_BASE, frame, TEST_PMAP_RW);
    CHECK(test_pmap_writes(pmap, TEST_PMAP_BASE, 1));
    test_pmap_enter(pmap, TEST_PMAP_BASE, frame, VM_PROT_READ);
    CHECK(!test_pmap_writes(pmap, TEST_PMAP_BASE, 2));
    CHECK_EQUAL(pmap_frame_bits(frame), PMAP_REFERENCED | PMAP_MODIFIED);
    test_pmap_enter(pmap, TEST_PMAP_BASE, frame, TEST_PMAP_RW);
    CHECK(test_pmap_writes(pmap, TEST_PMAP_BASE, 3));
    CHECK_EQUAL(pmap_resident_count(pmap), 1);
    pmap_destroy(pmap);
    vm_frame_free(frame, 0);
}

static void test_pmap_wired_mappings_stay(void)
{
    struct pmap *pmap = pmap_create(), *other = pmap_create();
    struct vm_frame *frame = test_pmap_frame();
    struct pmap_batch batch;

    pmap_batch_init(&batch);
    test_pmap_enter(other, TEST_PMAP_BASE, frame, TEST_PMAP_RW);
    CHECK_EQUAL(pmap_enter(pmap, TEST_PMAP_BASE, frame, TEST_PMAP_RW, PMAP_WIRED), KERN_SUCCESS);
    CHECK_EQUAL(pmap_enter(pmap, TEST_PMAP_BASE + PAGE_SIZE, frame, TEST_PMAP_RW, PMAP_WIRED), KERN_SUCCESS);
    test_pmap_enter(pmap, TEST_PMAP_BASE + 2 * PAGE_SIZE, frame, TEST_PMAP_RW);
    CHECK_EQUAL(frame->wired_maps, 2);
    pmap_frame_unmap(frame, &batch);
    pmap_batch_flush(&batch);
    CHECK(pmap_frame_mapped(frame));
    CHECK(!test_pmap_reads(other, TEST_PMAP_BASE));
    CHECK(test_pmap_writes(pmap, TEST_PMAP_BASE, 1));
    CHECK(test_pmap_writes(pmap, TEST_PMAP_BASE + PAGE_SIZE, 1));
    CHECK(!test_pmap_reads(pmap, TEST_PMAP_BASE + 2 * PAGE_SIZE));
    pmap_frame_write_protect(frame, &batch);
    pmap_batch_flush(&batch);
    CHECK(!test_pmap_writes(pmap, TEST_PMAP_BASE, 2));
    CHECK(test_pmap_reads(pmap, TEST_PMAP_BASE));
    /* Entered again without the flag it is wired no more; a range is removed, wired or not. */
    test_pmap_enter(pmap, TEST_PMAP_BASE, frame, VM_PROT_READ);
    CHECK_EQUAL(frame->wired_maps, 1);
    pmap_frame_unmap(frame, &batch);
    pmap_batch_flush(&batch);
    CHECK(!test_pmap_reads(pmap, TEST_PMAP_BASE));
    CHECK(test_pmap_reads(pmap, TEST_PMAP_BASE + PAGE_SIZE));
    pmap_remove(pmap, TEST_PMAP_BASE, TEST_PMAP_BASE + 4 * PAGE_SIZE);
    CHECK(!pmap_frame_mapped(frame));
    CHECK_EQUAL(frame->wired_maps, 0);
    pmap_destroy(pmap);
    pmap_destroy(other);
    vm_frame_free(frame, 0);
}

/* ---- page tables ---- */

static void test_pmap_tables_are_given_back(void)
{
    struct pmap *pmap = pmap_create();
    struct vm_frame *frame = test_pmap_frame();
    struct pmap_batch batch;
    unsigned int before, i;

    /* The records of the reverse map are wanted too: made ahead, so that only tables are counted. */
    for (i = 0; i < 4; i++)
        test_pmap_enter(pmap, TEST_PMAP_BASE + i * PAGE_SIZE, frame, TEST_PMAP_RW);
    before = vm_frame_count(VM_FRAME_FREE);
    for (i = 1; i < 4; i++)
        test_pmap_enter(pmap, TEST_PMAP_BASE + i * PMAP_TABLE_SPAN, frame, TEST_PMAP_RW);
    CHECK_EQUAL(before - vm_frame_count(VM_FRAME_FREE), 3);
    pmap_remove(pmap, TEST_PMAP_BASE + PMAP_TABLE_SPAN, TEST_PMAP_BASE + 2 * PMAP_TABLE_SPAN);
    CHECK_EQUAL(before - vm_frame_count(VM_FRAME_FREE), 2);
    pmap_batch_init(&batch);
    pmap_frame_unmap(frame, &batch);
    pmap_batch_flush(&batch);
    CHECK_EQUAL(pmap->nr_tables, 0);
    CHECK_EQUAL(vm_frame_count(VM_FRAME_FREE) - before, 1); /* the first one's too */
    for (i = 0; i < 4; i++)
        CHECK(!test_pmap_reads(pmap, TEST_PMAP_BASE + i * PMAP_TABLE_SPAN));
    /* A table that got an entry again before the flush stays. */
    test_pmap_enter(pmap, TEST_PMAP_BASE, frame, TEST_PMAP_RW);
    pmap_frame_unmap(frame, &batch);
    test_pmap_enter(pmap, TEST_PMAP_BASE, frame, TEST_PMAP_RW);
    pmap_batch_flush(&batch);
    CHECK_EQUAL(pmap->nr_tables, 1);
    CHECK(test_pmap_writes(pmap, TEST_PMAP_BASE, 5));
    pmap_destroy(pmap);
    vm_frame_free(frame, 0);
}

static void test_pmap_reserved_tables_stay(void)
{
    struct test_vm_stock stock;
    struct vm_frame *frame = test_pmap_frame();
    struct pmap *pmap = pmap_create();
    struct pmap_batch batch;
    const uintptr_t end = TEST_PMAP_BASE + 2 * PMAP_TABLE_SPAN;

    test_vm_stock_take(&stock);
    CHECK_EQUAL(pmap_reserve(pmap, end - PMAP_TABLE_SPAN - PAGE_SIZE, end - PMAP_TABLE_SPAN + PAGE_SIZE, 0), KERN_SUCCESS);
    CHECK_EQUAL(pmap->nr_tables, 2);
    test_pmap_enter(pmap, end - PMAP_TABLE_SPAN, frame, TEST_PMAP_RW);
    pmap_batch_init(&batch);
    pmap_frame_unmap(frame, &batch);
    pmap_batch_flush(&batch);
    CHECK_EQUAL(pmap->nr_tables, 2);
    alloc_inject_after(1); /* needs no memory */
    test_pmap_enter(pmap, end - PMAP_TABLE_SPAN, frame, TEST_PMAP_RW);
    alloc_inject_after(0);
    pmap_remove(pmap, TEST_PMAP_BASE, end);
    CHECK_EQUAL(pmap->nr_tables, 0);
    /* Reserved between its last entry's end and the flush that would give it back. */
    test_pmap_enter(pmap, TEST_PMAP_BASE, frame, TEST_PMAP_RW);
    pmap_frame_unmap(frame, &batch);
    CHECK_EQUAL(pmap_reserve(pmap, TEST_PMAP_BASE, TEST_PMAP_BASE + PAGE_SIZE, 0), KERN_SUCCESS);
    pmap_batch_flush(&batch);
    CHECK_EQUAL(pmap->nr_tables, 1);
    pmap_remove(pmap, TEST_PMAP_BASE, end);
    test_vm_stock_check(&stock);
    pmap_destroy(pmap);
    vm_frame_free(frame, 0);
}

static void test_pmap_no_memory_for_a_table(void)
{
    struct test_vm_stock stock;
    struct vm_frame *frame = test_pmap_frame();
    struct pmap *pmap = pmap_create();
    struct list taken;
    unsigned int count;

    test_vm_stock_take(&stock);
    count = test_vm_take_all(&taken, ALLOC_ORDINARY);
    CHECK_EQUAL(pmap_enter(pmap, TEST_PMAP_BASE, frame, TEST_PMAP_RW, 0), KERN_RESOURCE_SHORTAGE);
    CHECK_EQUAL(pmap_reserve(pmap, TEST_PMAP_BASE, TEST_PMAP_BASE + PAGE_SIZE, 0), KERN_RESOURCE_SHORTAGE);
    CHECK_EQUAL(pmap_resident_count(pmap), 0);
    CHECK(!pmap_frame_mapped(frame));
    CHECK_EQUAL(pmap_enter(pmap, TEST_PMAP_BASE, frame, TEST_PMAP_RW, PMAP_PRIVILEGED), KERN_SUCCESS);
    CHECK(test_pmap_writes(pmap, TEST_PMAP_BASE, 1));
    pmap_remove(pmap, TEST_PMAP_BASE, TEST_PMAP_BASE + PAGE_SIZE);
    test_vm_give_back(&taken, count);
    count = test_vm_take_all(&taken, ALLOC_PRIVILEGED);
    CHECK_EQUAL(pmap_enter(pmap, TEST_PMAP_BASE, frame, TEST_PMAP_RW, PMAP_PRIVILEGED), KERN_RESOURCE_SHORTAGE);
    CHECK_EQUAL(pmap_enter(pmap, TEST_PMAP_BASE, frame, TEST_PMAP_RW, PMAP_NOSLEEP_DAEMON), KERN_SUCCESS);
    pmap_remove(pmap, TEST_PMAP_BASE, TEST_PMAP_BASE + PAGE_SIZE);
    test_vm_give_back(&taken, count);
    test_vm_stock_check(&stock);
    pmap_destroy(pmap);
    vm_frame_free(frame, 0);
}

static void test_pmap_attempt_to_enter(void *context)
{
    struct vm_frame **frames = context;
    struct pmap *pmap = pmap_create();
    kern_return_t result = KERN_FAILURE;
    unsigned int i;

    test_vm_fail_begin();
    /* Wants a table, and records of the reverse map: the frames are mapped elsewhere; the last replaces another. */
    for (i = 0; i < 3; i++) {
        result = pmap_enter(pmap, TEST_PMAP_BASE + (i % 2) * PAGE_SIZE, frames[i], TEST_PMAP_RW, 0);
        if (result != KERN_SUCCESS)
            break;
    }
    CHECK_EQUAL(result, test_vm_fail_end() ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS);
    CHECK_EQUAL(pmap_resident_count(pmap), MIN(i, 2u));
    CHECK(pmap_extract(pmap, TEST_PMAP_BASE) == (i == 3 ? frames[2] : i > 0 ? frames[0] : NULL));
    CHECK(pmap_extract(pmap, TEST_PMAP_BASE + PAGE_SIZE) == (i > 1 ? frames[1] : NULL));
    if (i == 0) /* a table that was made in vain waits for a flush */
        pmap_remove(pmap, 0, MACHINE_USER_END);
    CHECK_EQUAL(pmap->nr_tables, i > 0);
    pmap_destroy(pmap);
}

static void test_pmap_every_failure_changes_nothing(void)
{
    struct pmap *other = pmap_create();
    unsigned int i;

    test_pmap_frames_alloc();
    for (i = 0; i < 3; i++)
        test_pmap_enter(other, TEST_PMAP_BASE + i * PAGE_SIZE, test_pmap_frames[i], TEST_PMAP_RW);
    CHECK(test_vm_fail_each(test_pmap_attempt_to_enter, test_pmap_frames) >= 4);
    for (i = 0; i < 3; i++)
        CHECK(pmap_extract(other, TEST_PMAP_BASE + i * PAGE_SIZE) == test_pmap_frames[i]);
    pmap_destroy(other);
    test_pmap_frames_free();
}

/* ---- against a model ---- */

#define TEST_PMAP_MODEL_PMAPS 3u
#define TEST_PMAP_MODEL_PAGES 16u
#define TEST_PMAP_MODEL_FRAMES 8u

static struct pmap *test_pmap_model_pmaps[TEST_PMAP_MODEL_PMAPS];
static uint8_t test_pmap_model[TEST_PMAP_MODEL_PMAPS][TEST_PMAP_MODEL_PAGES]; /* frame number + 1, and flags */
enum { TEST_PMAP_MODEL_FRAME = 0x0f, TEST_PMAP_MODEL_WIRED = 0x10, TEST_PMAP_MODEL_WRITE = 0x20 };

/* The pages lie around the border of two tables. */
static uintptr_t test_pmap_model_va(unsigned int page)
{
    return TEST_PMAP_BASE + PMAP_TABLE_SPAN + page * PAGE_SIZE - TEST_PMAP_MODEL_PAGES / 2 * PAGE_SIZE;
}

static void test_pmap_model_unmap(unsigned int frame)
{
    for (unsigned int p = 0; p < TEST_PMAP_MODEL_PMAPS; p++)
        for (unsigned int i = 0; i < TEST_PMAP_MODEL_PAGES; i++)
            if ((test_pmap_model[p][i] & TEST_PMAP_MODEL_FRAME) == frame + 1 &&
                !(test_pmap_model[p][i] & TEST_PMAP_MODEL_WIRED))
                test_pmap_model[p][i] = 0;
}

static void test_pmap_model_write_protect(unsigned int frame)
{
    for (unsigned int p = 0; p < TEST_PMAP_MODEL_PMAPS; p++)
        for (unsigned int i = 0; i < TEST_PMAP_MODEL_PAGES; i++)
            if ((test_pmap_model[p][i] & TEST_PMAP_MODEL_FRAME) == frame + 1)
                test_pmap_model[p][i] &= (uint8_t)~TEST_PMAP_MODEL_WRITE;
}

static void test_pmap_model_step(uint32_t random)
{
    unsigned int p = random % TEST_PMAP_MODEL_PMAPS, page = (random >> 4) % TEST_PMAP_MODEL_PAGES;
    unsigned int frame = (random >> 8) % TEST_PMAP_MODEL_FRAMES, length = (random >> 12) % 8, i;
    unsigned int end = MIN(page + length, TEST_PMAP_MODEL_PAGES);
    bool wired = (random >> 16) % 8 == 0, write = (random >> 20) & 1;
    struct pmap *pmap = test_pmap_model_pmaps[p];
    struct pmap_batch batch;

    pmap_batch_init(&batch);
    switch ((random >> 24) % 10) {
    case 0:
        pmap_remove(pmap, test_pmap_model_va(page), test_pmap_model_va(end));
        for (i = page; i < end; i++)
            test_pmap_model[p][i] = 0;
        break;
    case 1:
        pmap_frame_unmap(test_pmap_frames[frame], &batch);
        test_pmap_model_unmap(frame);
        break;
    case 2:
        pmap_frame_write_protect(test_pmap_frames[frame], &batch);
        test_pmap_model_write_protect(frame);
        break;
    case 3:
        pmap_protect(pmap, test_pmap_model_va(page), test_pmap_model_va(end), VM_PROT_READ);
        for (i = page; i < end; i++)
            test_pmap_model[p][i] &= (uint8_t)~TEST_PMAP_MODEL_WRITE;
        break;
    default:
        CHECK_EQUAL(pmap_enter(pmap, test_pmap_model_va(page), test_pmap_frames[frame],
                               write ? TEST_PMAP_RW : VM_PROT_READ, wired ? PMAP_WIRED : 0), KERN_SUCCESS);
        test_pmap_model[p][page] = (uint8_t)((frame + 1) | (wired ? TEST_PMAP_MODEL_WIRED : 0) |
                                             (write ? TEST_PMAP_MODEL_WRITE : 0));
        break;
    }
    pmap_batch_flush(&batch);
}

/* Differences between what is and what should be. */
static unsigned int test_pmap_model_compare(uint32_t stamp)
{
    unsigned int wrong = 0, mapped[TEST_PMAP_MODEL_FRAMES] = {0}, wired[TEST_PMAP_MODEL_FRAMES] = {0};

    for (unsigned int p = 0; p < TEST_PMAP_MODEL_PMAPS; p++) {
        unsigned int count = 0;
        for (unsigned int i = 0; i < TEST_PMAP_MODEL_PAGES; i++) {
            uint8_t is = test_pmap_model[p][i];
            unsigned int frame = (is & TEST_PMAP_MODEL_FRAME) - 1u;
            struct vm_frame *expected = is != 0 ? test_pmap_frames[frame] : NULL;

            wrong += pmap_extract(test_pmap_model_pmaps[p], test_pmap_model_va(i)) != expected;
            wrong += test_pmap_reads(test_pmap_model_pmaps[p], test_pmap_model_va(i)) != (is != 0);
            wrong += test_pmap_writes(test_pmap_model_pmaps[p], test_pmap_model_va(i), stamp) !=
                     ((is & TEST_PMAP_MODEL_WRITE) != 0);
            if (is != 0) {
                mapped[frame]++;
                wired[frame] += (is & TEST_PMAP_MODEL_WIRED) != 0;
                count++;
            }
        }
        wrong += pmap_resident_count(test_pmap_model_pmaps[p]) != count;
    }
    for (unsigned int f = 0; f < TEST_PMAP_MODEL_FRAMES; f++) {
        wrong += pmap_frame_mapped(test_pmap_frames[f]) != (mapped[f] != 0);
        wrong += test_pmap_frames[f]->wired_maps != wired[f];
    }
    return wrong;
}

static void test_pmap_ten_thousand_random_steps(void)
{
    struct test_vm_stock stock;
    uint32_t random = 12345;
    unsigned int step, p;

    test_vm_stock_take(&stock);
    test_pmap_frames_alloc();
    memset(test_pmap_model, 0, sizeof(test_pmap_model));
    for (p = 0; p < TEST_PMAP_MODEL_PMAPS; p++)
        test_pmap_model_pmaps[p] = pmap_create();
    for (step = 0; step < 10000; step++) {
        random = random * 1664525u + 1013904223u;
        test_pmap_model_step(random ^ random >> 15);
        if (step % 16 == 0 && !CHECK_EQUAL(test_pmap_model_compare(step), 0)) {
            test_note("after step %u", step);
            break;
        }
    }
    for (p = 0; p < TEST_PMAP_MODEL_PMAPS; p++)
        pmap_destroy(test_pmap_model_pmaps[p]);
    test_pmap_frames_free();
    test_vm_stock_check(&stock);
}

/* ---- the kernel's part ---- */

static bool test_pmap_kernel_page_is_mapped(uintptr_t va)
{
    return (kernel_pmap->directory[pmap_index(va)] & PMAP_PTE_VALID) != 0 &&
           (*pmap_pte(kernel_pmap, va) & PMAP_PTE_VALID) != 0;
}

static void test_pmap_kva_has_guard_pages(void)
{
    struct test_vm_stock stock;
    char *memory[8];
    unsigned int i;

    test_vm_stock_take(&stock);
    for (i = 0; i < ARRAY_LENGTH(memory); i++) {
        size_t size = (i + 1) * PAGE_SIZE;
        memory[i] = kva_alloc(size, ALLOC_NOSLEEP);
        REQUIRE(memory[i] != NULL);
        memset(memory[i], (int)i + 1, size);
        CHECK(!test_pmap_kernel_page_is_mapped((uintptr_t)memory[i] - PAGE_SIZE));
        CHECK(!test_pmap_kernel_page_is_mapped((uintptr_t)memory[i] + size));
        CHECK(test_pmap_kernel_page_is_mapped((uintptr_t)memory[i] + size - PAGE_SIZE));
    }
    for (i = 0; i < ARRAY_LENGTH(memory); i++) {
        size_t size = (i + 1) * PAGE_SIZE, at, wrong = 0;
        for (at = 0; at < size; at++)
            wrong += memory[i][at] != (char)(i + 1);
        CHECK_EQUAL(wrong, 0);
    }
    /* One in the middle goes, and its place is used again; its neighbours' guards are there all the time. */
    kva_free(memory[3], 4 * PAGE_SIZE);
    CHECK(!test_pmap_kernel_page_is_mapped((uintptr_t)memory[3]));
    CHECK(!test_pmap_kernel_page_is_mapped((uintptr_t)memory[3] - PAGE_SIZE));
    char *again = kva_alloc(4 * PAGE_SIZE, ALLOC_NOSLEEP);
    CHECK(again == memory[3]);
    memory[3] = again;
    for (i = 0; i < ARRAY_LENGTH(memory); i++)
        kva_free(memory[i], (i + 1) * PAGE_SIZE);
    test_vm_stock_check(&stock);
    CHECK(kva_alloc(MEMORY_KVA_END - MEMORY_KVA_START, ALLOC_NOSLEEP) == NULL);
    test_vm_stock_check(&stock);
}

static void test_pmap_attempt_kva(void *context)
{
    (void)context;
    test_vm_fail_begin();
    void *memory = kva_alloc(5 * PAGE_SIZE, ALLOC_NOSLEEP | ALLOC_ZEROED);
    CHECK_EQUAL(memory == NULL, test_vm_fail_end());
    if (memory != NULL)
        kva_free(memory, 5 * PAGE_SIZE);
}

static void test_pmap_kva_fails_without_a_trace(void)
{
    CHECK_EQUAL(test_vm_fail_each(test_pmap_attempt_kva, NULL), 5);
}

static void test_pmap_new_kernel_tables_are_in_every_pmap(void)
{
    enum { PIECES = 12, PIECE = 1 << 20 };
    struct pmap *pmap = pmap_create();
    void *memory[PIECES];
    unsigned int i, before = 0, now = 0, wrong = 0;

    for (i = PMAP_KERNEL_INDEX; i < PMAP_ENTRIES; i++)
        before += kernel_pmap->directory[i] & PMAP_PTE_VALID;
    for (i = 0; i < PIECES; i++)
        CHECK((memory[i] = kva_alloc(PIECE, ALLOC_NOSLEEP)) != NULL);
    for (i = PMAP_KERNEL_INDEX; i < PMAP_ENTRIES; i++) {
        now += kernel_pmap->directory[i] & PMAP_PTE_VALID;
        wrong += ((kernel_pmap->directory[i] ^ pmap->directory[i]) & (PMAP_PTE_FRAME | PMAP_PTE_VALID)) != 0;
    }
    CHECK(now > before);
    CHECK_EQUAL(wrong, 0);
    pmap_activate(pmap);
    for (i = 0; i < PIECES; i++) {
        if (memory[i] == NULL)
            continue;
        memset(memory[i], (int)i, PIECE);
        kva_free(memory[i], PIECE);
    }
    pmap_destroy(pmap);
}

/* ---- frames beyond the direct map ---- */

static void test_pmap_windows_show_the_frame_asked_for(void)
{
    struct pmap *pmap = pmap_create();
    unsigned int i, high = 0, wrong = 0;
    uint32_t word;

    test_pmap_frames_alloc();
    for (i = 0; i < TEST_PMAP_FRAMES; i++) {
        high += test_pmap_frames[i]->zone == VM_ZONE_HIGH;
        pmap_frame_zero(test_pmap_frames[i]);
        word = test_vm_word(1, i);
        pmap_frame_write(test_pmap_frames[i], 4 * i, &word, sizeof(word));
        test_pmap_enter(pmap, TEST_PMAP_BASE + i * PAGE_SIZE, test_pmap_frames[i], VM_PROT_READ);
    }
    if (high == 0)
        test_note("no frames beyond the direct map: needs more than 768 MiB");
    /* Each to the next but one: both ends of a copy change all the time. */
    for (i = 0; i + 2 < TEST_PMAP_FRAMES; i += 4)
        pmap_frame_copy(test_pmap_frames[i], test_pmap_frames[i + 2]);
    pmap_activate(pmap);
    for (i = 0; i < TEST_PMAP_FRAMES; i++) {
        unsigned int source = i % 4 == 2 ? i - 2 : i;
        pmap_frame_read(test_pmap_frames[i], 4 * source, &word, sizeof(word));
        wrong += word != test_vm_word(1, source);
        pmap_frame_read(test_pmap_frames[i], PAGE_SIZE - 4, &word, sizeof(word));
        wrong += word != 0;
        wrong += !copyin((const void *)(uintptr_t)(TEST_PMAP_BASE + i * PAGE_SIZE + 4 * source), &word, sizeof(word));
        wrong += word != test_vm_word(1, source);
    }
    CHECK_EQUAL(wrong, 0);
    pmap_destroy(pmap);
    test_pmap_frames_free();
}

static const struct test_case test_pmap_cases[] = {
    {"what is entered is extracted, counted, and used by the processor", test_pmap_what_is_entered_is_seen},
    {"protect takes rights and never gives any", test_pmap_protect_takes_and_never_gives},
    {"what was removed is not in the TLB either", test_pmap_remove_reaches_the_processor},
    {"another frame replaces the first, whose bits are kept", test_pmap_another_frame_replaces_the_first},
    {"a frame in eighty places is protected and unmapped everywhere", test_pmap_many_pmaps_on_one_frame},
    {"a batch of any size is flushed", test_pmap_a_batch_of_any_size_is_flushed},
    {"referenced and modified are true, and outlive the mappings", test_pmap_bits_are_true_and_outlive_mappings},
    {"entering the same frame again changes rights and keeps the bits", test_pmap_entering_again_keeps_the_bits},
    {"wired mappings stay until their range is removed", test_pmap_wired_mappings_stay},
    {"empty page tables are given back by the flush", test_pmap_tables_are_given_back},
    {"reserved page tables stay until a remove", test_pmap_reserved_tables_stay},
    {"no memory for a page table is an error, by level", test_pmap_no_memory_for_a_table},
    {"each failing allocation of enter changes nothing", test_pmap_every_failure_changes_nothing},
    {"ten thousand random steps agree with a model", test_pmap_ten_thousand_random_steps},
    {"kernel virtual memory has guard pages on both sides", test_pmap_kva_has_guard_pages},
    {"kernel virtual memory that cannot be had leaves no trace", test_pmap_kva_fails_without_a_trace},
    {"new tables of the kernel's are in every pmap at once", test_pmap_new_kernel_tables_are_in_every_pmap},
    {"windows show the frame that was asked for", test_pmap_windows_show_the_frame_asked_for},
    {NULL, NULL},
};

const struct test_suite test_pmap_suite = {"pmap", test_pmap_cases};
