/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold in every state.
 *
 * 1. Contents. A page's newest version is in the object, or in a queued run, or with its manager; a resident page has no
 *    other; a clean one is one that the manager has. When the manager is dead what only the kernel had is still there, as
 *    long as the object is mapped.
 * 2. Order. Of the runs of a manager that carry a page, no later one has an older version.
 * 3. Accounts. A run is out with the pages it carries; runs add up to their account, accounts to what is out.
 * 4. Mappings. A client's mapping shows the frame that the object holds; a frame that a run holds, or that is locked against
 *    it, is not writable; a writable page is known as modified, or the hardware's bit will tell.
 * 5. Nobody waits who should not: where no thread can run but programs at their menus, no message is queued, and every
 *    request has been answered, no client is in the kernel. A manager does not wait for a message that is there.
 */
#include "core.h"
#include "ipc/ipc_port.h"
#include "kernel/machine.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/vm_account.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"

/* ---- contents and order ---- */

static const struct vm_page *core_run_page(const struct vm_run *run, uint32_t index)
{
    const struct vm_page *page =
        run->object == NULL || index - run->index >= run->nr_pages ? NULL : core_page(run->object, index - run->index);

    return page != NULL && page->frame != NULL ? page : NULL;
}

/*
 * Where the newest version is in runs, and that runs are in order. One of an object that has ended is dropped when the
 * manager is not there to receive it.
 */
static void core_check_runs(uint32_t object, uint32_t index, bool *queued, bool *received)
{
    uint32_t newest = core_live.models[object].newest[index], before = 0;

    for (struct vm_run *run = core_run_next(object, NULL); run != NULL; run = core_run_next(object, run)) {
        const struct vm_page *page = core_run_page(run, index);
        uint32_t version = page == NULL ? 0 : core_version(page);

        if (page == NULL || (core_live.pagers[object].gone && !run->pager->object->alive))
            continue;
        /* What was received is the manager's to change. */
        if (run->state == VM_RUN_RECEIVED) {
            *received |= version == newest;
            continue;
        }
        if (version < before)
            sim_fail("page %u of object %u: version %u is queued behind version %u", index, object, version, before);
        if (version > newest)
            sim_fail("page %u of object %u: version %u in a run, and %u were written", index, object, version, newest);
        before = version;
        if (run->pager->object->alive)
            *queued |= version == newest;
        else
            *received |= version == newest;
    }
}

static bool core_mapped(uint32_t object)
{
    bool mapped = false;

    for (uint32_t i = 0; i < core_options.nr_clients; i++)
        mapped |= core_live.mapped[i][object];
    return mapped;
}

static void core_check_page(uint32_t object, const struct memory_object *pager, uint32_t index)
{
    struct core_model *model = &core_live.models[object];
    const struct core_pager *manager = &core_live.pagers[object];
    const struct vm_page *page = pager == NULL || pager->over ? NULL : core_page(pager->object, index);
    bool resident = page != NULL && page->frame != NULL && !page->absent, queued = false, received = false;
    bool dead = manager->gone || (pager != NULL && pager->dead);
    uint32_t newest = model->newest[index];

    if (resident && core_version(page) != newest)
        sim_fail("page %u of object %u is resident with version %u, and %u is the newest", index, object, core_version(page),
                 newest);
    core_check_runs(object, index, &queued, &received);
    received |= manager->stored[index] == newest;
    if (dead && pager != NULL && pager->dead)
        received = false;
    if (newest == 0 || model->discarded || (dead && (pager == NULL || !core_mapped(object)))) {
        model->place[index] = CORE_NOWHERE;
        return;
    }
    if (resident && !dead && !core_modified(page) && !queued && !received)
        sim_fail("page %u of object %u is clean, and version %u is nowhere else", index, object, newest);
    if (received)
        model->place[index] = CORE_AT_MANAGER;
    else if (resident || queued)
        model->place[index] = CORE_IN_KERNEL;
    else if (!dead || model->place[index] == CORE_IN_KERNEL)
        sim_fail("page %u of object %u: version %u is lost", index, object, newest);
    else
        model->place[index] = CORE_NOWHERE;
}

/* ---- accounts ---- */

static uint32_t core_check_account(uint32_t manager)
{
    const struct vm_account *account = core_live.accounts[manager];
    uint32_t out = 0, nr_runs = 0;

    for (struct vm_run *run = core_run_next(manager, NULL); run != NULL; run = core_run_next(manager, run)) {
        uint32_t carried = 0;

        for (uint32_t i = 0; run->object != NULL && i < run->nr_pages; i++)
            carried += core_page(run->object, i) != NULL;
        sim_check(run->account == account);
        if (run->state == VM_RUN_QUEUED && (run->nr_out != run->nr_pages || carried != run->nr_pages))
            sim_fail("a queued run of %u pages carries %u, and %u are out", run->nr_pages, carried, run->nr_out);
        if (run->nr_out < carried)
            sim_fail("a run carries %u pages, and %u are out", carried, run->nr_out);
        out += run->nr_out;
        nr_runs++;
    }
    if (account == NULL)
        return 0;
    if (out != account->nr_out || nr_runs != account->nr_runs)
        sim_fail("manager %u: the account says %u pages out in %u runs, the runs %u in %u", manager, account->nr_out,
                 account->nr_runs, out, nr_runs);
    return out;
}

/* ---- mappings ---- */

static void core_check_mapping(uint32_t client, uint32_t object, const struct memory_object *pager, uint32_t index)
{
    const struct task *task = core_live.clients[client];
    const uint32_t *entry = task->nr_threads == 0 ? NULL
                                                  : sim_mmu_entry(task->map->pmap, CORE_MEMORY(object) + index * PAGE_SIZE);
    const struct vm_page *page;

    if (entry == NULL || !(*entry & SIM_PTE_VALID))
        return;
    page = pager == NULL ? NULL : core_page(pager->object, index);
    if (page == NULL || page->frame != &vm_frames[*entry >> PAGE_SHIFT])
        sim_fail("client %u maps page %u of object %u to a frame that the object does not hold", client, index, object);
    if (page->absent || page->error)
        sim_fail("client %u maps page %u of object %u, which has no data", client, index, object);
    if (!(*entry & SIM_PTE_WRITE))
        return;
    if (page->frame->nr_holders != 1)
        sim_fail("client %u can write page %u of object %u, which a run holds too", client, index, object);
    if (page->lock_prot & VM_PROT_WRITE)
        sim_fail("client %u can write page %u of object %u, which its manager forbids", client, index, object);
}

/* ---- waiting ---- */

static bool core_at_rest(void)
{
    for (uint32_t i = 0; i < core_live.nr_threads; i++) {
        const struct thread *thread = core_live.threads[i];

        if (sched_queued(thread) && core_live.menus[i] == 0)
            return false;
        if (list_node_linked(&thread->wait_timer.node))
            return false;
    }
    for (uint32_t i = 0; i < core_options.nr_objects; i++) {
        if (!list_empty(&core_live.ports[i]->messages) || core_live.pagers[i].pending != 0)
            return false;
    }
    return true;
}

static void core_check_waits(void)
{
    uint32_t clients = CORE_PROGRAMS + core_options.nr_objects;

    for (uint32_t i = 0; i < core_options.nr_objects; i++) {
        const struct thread *thread = core_live.threads[CORE_PROGRAMS + i];

        if (thread->run_state == THREAD_WAITING && list_node_linked(&thread->ipc_node) &&
            !list_empty(&core_live.ports[i]->messages))
            sim_fail("manager %u waits for a message that is there", i);
    }
    if (!core_at_rest())
        return;
    for (uint32_t i = clients; i < core_live.nr_threads; i++) {
        if (core_live.threads[i]->run_state == THREAD_WAITING)
            sim_fail("client %u waits, and nobody is going to wake it", i - clients);
    }
}

void core_laws_check(void)
{
    uint32_t out = 0;

    sim_tlb_check();
    for (uint32_t i = 0; i < core_options.nr_objects; i++) {
        struct memory_object *pager = core_conversation(i);

        out += core_check_account(i);
        for (uint32_t index = 0; index < core_options.nr_pages; index++) {
            core_check_page(i, pager, index);
            for (uint32_t client = 0; client < core_options.nr_clients; client++)
                core_check_mapping(client, i, pager, index);
        }
        if (pager != NULL) {
            vm_object_lock(pager->object);
            vm_object_check(pager->object);
            vm_object_unlock(pager->object);
        }
    }
    if (out != vm_account_total_out())
        sim_fail("%u pages are out, and the accounts have %u", vm_account_total_out(), out);
    core_check_waits();
}

/* ---- what clients see ---- */

/* Whether the page may be missed: its manager is dead or has thrown it away, or answered with an error. */
static void core_check_error(uint32_t object, uint32_t index, kern_return_t result)
{
    const struct core_model *model = &core_live.models[object];
    const struct memory_object *pager = core_conversation(object);

    if (model->discarded || (core_with(CORE_ERROR) && result == KERN_MEMORY_ERROR))
        return;
    if (pager == NULL || !pager->dead)
        sim_fail("page %u of object %u cannot be had (%#x), and its manager lives", index, object, (unsigned int)result);
    if (model->place[index] == CORE_IN_KERNEL)
        sim_fail("page %u of object %u cannot be had (%#x), and the kernel had it", index, object, (unsigned int)result);
}

void core_seen(uint32_t object, uint32_t index, kern_return_t result, uint32_t *word, bool write)
{
    struct core_model *model = &core_live.models[object];

    if (result != KERN_SUCCESS) {
        core_check_error(object, index, result);
        return;
    }
    if (*word != model->newest[index] && !model->discarded)
        sim_fail("page %u of object %u reads as version %u, and %u is the newest", index, object, *word,
                 model->newest[index]);
    if (write)
        *word = ++model->newest[index];
}
