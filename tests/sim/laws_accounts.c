/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accounts, runs and conversations with managers.
 *
 * What is out is counted from the pages that the runs' objects hold: those on their way, found through queued runs, and
 * those that managers hold, found through received ones. A run that is queued is whole: as many pages as it says, all out.
 * Records of runs are conserved: those of the pool are as many at any time as were made at boot, each account has one
 * of its own, and a record is free or in one account's list.
 *
 * A window is a bound when a run is charged, so that is where it is checked: see __wrap_vm_account_charge.
 */
#include "ipc/ipc_port.h"
#include "ipc/ipc_space.h"
#include "kernel/ipc_kobject.h"
#include "laws_private.h"
#include "vm/memory_object.h"
#include "vm/vm_account.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"

/* Found over all. */
struct laws_laundry {
    uint32_t nr_out, nr_pool;
    unsigned int spare_objects, spare_entries;
};

/* ---- runs ---- */

/* A record that is not in use: nothing of its last run is left. Its place is an account's, or the pool. */
static void laws_run_free(const struct vm_run *run, struct laws_cell *cell)
{
    laws_check(run->pager == NULL && run->account == NULL && run->parts == 0 && run->nr_out == 0, "accounts",
               "a free record of a run has parts %u, %u pages out", run->parts, run->nr_out);
    cell->places += !run->from_account && list_node_linked(&run->account_node);
    laws_check(!list_node_linked(&run->node), "accounts", "a free record of a run is listed by an object");
}

/* What is in the run's object: pages that are out. */
static void laws_run_pages(const struct vm_run *run)
{
    const struct vm_object *memory = run->object;
    uint32_t nr_pages = memory->nr_resident;

    laws_check(memory->run == run && memory->ops == &vm_object_run_ops, "accounts",
               "the memory of the run of page %u is another run's", run->index);
    if (run->state == VM_RUN_QUEUED) {
        laws_check(nr_pages == run->nr_pages && run->nr_out == nr_pages && memory->refs >= 1, "accounts",
                   "the queued run of page %u has %u pages, %u resident, %u out", run->index, run->nr_pages, nr_pages,
                   run->nr_out);
        return;
    }
    /* What its holder gave away and touched again is his, not the run's. */
    laws_check(run->nr_out == nr_pages || (run->nr_out < nr_pages && laws_run_refilled(run)), "accounts",
               "the run of page %u, state %u, holds %u pages of %u, and %u are out", run->index, run->state, nr_pages,
               run->nr_pages, run->nr_out);
}

static void laws_run_used(const struct vm_run *run)
{
    const struct vm_run *other;
    unsigned int listed = 0;

    laws_cell(LAWS_PAGER, run->pager, "a run");
    laws_cell(LAWS_ACCOUNT, run->account, "a run");
    laws_check(run->nr_pages >= 1 && run->nr_pages <= VM_RUN_PAGES, "bounds", "a run of %u pages", run->nr_pages);
    laws_check(run->state != VM_RUN_CHARGED, "accounts", "the run of page %u is charged and not sent", run->index);
    laws_check(run->state != VM_RUN_QUEUED || (run->parts & (VM_RUN_PART_COPY | VM_RUN_PART_MEMORY)) ==
               (VM_RUN_PART_COPY | VM_RUN_PART_MEMORY), "accounts", "the queued run of page %u has parts %u", run->index,
               run->parts);
    list_for_each(&run->pager->runs, other, node)
        listed += other == run;
    laws_check(listed == (run->state == VM_RUN_QUEUED) || run->state == VM_RUN_RETURNING, "order",
               "the run of page %u, state %u, is listed %u times by its object", run->index, run->state, listed);
    if (run->parts & VM_RUN_PART_MEMORY) {
        laws_cell(LAWS_OBJECT, run->object, "a run");
        laws_run_pages(run);
    } else {
        laws_check(run->nr_out == 0, "accounts", "the run of page %u has no memory and %u pages out", run->index,
                   run->nr_out);
    }
}

static void laws_run(struct laws_cell *cell, struct laws_laundry *laundry)
{
    const struct vm_run *run = cell->at;

    laundry->nr_pool += !run->from_account;
    laundry->spare_objects += run->spare_object != NULL;
    laundry->spare_entries += run->spare_entry != NULL;
    if (run->spare_object != NULL)
        laws_check(run->spare_object->refs == 1 && run->spare_object->nr_resident == 0 && run->spare_object->run == NULL,
                   "accounts", "the spare object of a run has %u references, %u pages", run->spare_object->refs,
                   run->spare_object->nr_resident);
    if (run->state == VM_RUN_FREE)
        laws_run_free(run, cell);
    else
        laws_run_used(run);
}

/* ---- accounts ---- */

static void laws_account(const struct vm_account *account, struct laws_laundry *laundry)
{
    uint32_t nr_out = 0, nr_runs = 0, nr_own = account->reserved != NULL;
    const struct vm_run *run;

    list_for_each(&account->runs, run, account_node) {
        struct laws_cell *cell = laws_cell(LAWS_RUN, run, "an account");

        laws_check(run->account == account && cell->places++ == 0, "accounts", "the run of page %u is in another's account",
                   run->index);
        nr_out += run->nr_out;
        nr_own += run->from_account;
        nr_runs++;
    }
    laws_check(nr_own == 1 || (nr_own == 0 && account->space == NULL), "bounds",
               "%u records of runs are set aside for a manager", nr_own);
    laws_check(nr_out == account->nr_out && nr_runs == account->nr_runs, "accounts",
               "an account has %u runs, %u pages out, and counts %u, %u", nr_runs, nr_out, account->nr_runs,
               account->nr_out);
    laws_check(account->window >= VM_ACCOUNT_WINDOW_MIN, "bounds", "a window of %u pages", account->window);
    if (account->space != NULL) {
        laws_cell(LAWS_SPACE, account->space, "an account");
        laws_check(account->space->pager_account == account, "accounts", "an account's space has another");
    }
    laws_check(account->refs == nr_runs + (account->space != NULL), "references",
               "an account has %u references, of %u runs%s", account->refs, nr_runs,
               account->space != NULL ? " and a space" : "");
    if (account->reserved != NULL) {
        laws_check(account->reserved->from_account && account->reserved->state == VM_RUN_FREE, "accounts",
                   "an account's own record is %s", account->reserved->from_account ? "in use" : "the pool's");
        laws_cell(LAWS_RUN, account->reserved, "an account")->places++;
    }
    laundry->nr_out += nr_out;
}

/* ---- conversations ---- */

static void laws_pager_port(const struct memory_object *pager, const struct ipc_port *port, unsigned int type)
{
    if (port == NULL)
        return;
    laws_cell(LAWS_PORT, port, "a memory object");
    laws_check(pager->over || port->kobject != pager || port->kobject_type == type, "conversations",
               "a port of type %u stands for an object's port of type %u", port->kobject_type, type);
    laws_check(!pager->over || port->kobject != pager, "conversations",
               "a conversation is over, and port type %u stands for it", port->kobject_type);
}

static void laws_pager(struct laws_cell *cell)
{
    const struct memory_object *pager = cell->at;
    const struct vm_object *object = pager->object;
    const struct vm_page *page;
    const struct vm_run *run;

    laws_cell(LAWS_OBJECT, object, "a memory object");
    laws_check(object->pager == pager, "conversations", "an object is another manager's");
    list_for_each(&pager->runs, run, node) {
        laws_cell(LAWS_RUN, run, "a memory object");
        laws_check(run->pager == pager, "order", "the run of page %u is listed by another object", run->index);
    }
    list_for_each(&pager->unasked, page, queue_node) {
        laws_cell(LAWS_PAGE, page, "a list of requests that wait");
        laws_check(page->object == object && page->absent && page->busy && page->frame == NULL, "order",
                   "page %u waits to be asked for: absent %d, busy %d", page->index, page->absent, page->busy);
    }
    if (pager->refs == 0) { /* it waits for the reaper: its ports may be gone */
        laws_check(list_empty(&pager->runs) && list_empty(&pager->unasked) && object->refs == 0, "references",
                   "a memory object without references is in use");
        return;
    }
    if (IP_VALID(pager->port))
        laws_pager_port(pager, pager->port, IKOT_PAGER);
    laws_pager_port(pager, pager->control, IKOT_PAGING_REQUEST);
    laws_pager_port(pager, pager->name, IKOT_PAGING_NAME);
    /* A call of the manager's is a user while it lasts. */
    laws_check(!pager->cached || object->refs <= laws_count(LAWS_THREAD), "conversations", "a cached object has %u users",
               object->refs);
    laws_check(!pager->ending || !object->alive, "conversations", "an object that ends is alive");
    cell->refs += pager->working;
}

void laws_accounts(void)
{
    static uint32_t nr_made;
    struct laws_laundry laundry = {0};

    laws_for_each(LAWS_RUN, cell)
        laws_run(cell, &laundry);
    laws_for_each(LAWS_ACCOUNT, cell)
        laws_account(cell->at, &laundry);
    laws_for_each(LAWS_PAGER, cell)
        laws_pager(cell);
    laws_for_each(LAWS_RUN, cell) {
        const struct vm_run *run = cell->at;

        laws_check(cell->places == 1, "accounts", "the record of a run, state %u, is in %u places", run->state,
                   cell->places);
    }
    if (nr_made == 0)
        nr_made = laundry.nr_pool;
    laws_check(laundry.nr_pool == nr_made, "accounts", "the pool has %u records of runs, and had %u", laundry.nr_pool,
               nr_made);
    laws_check(laundry.nr_out == vm_account_total_out(), "accounts", "%u pages are out, %u counted", laundry.nr_out,
               vm_account_total_out());
    laws_check(laundry.spare_objects == vm_run_spares.objects && laundry.spare_entries == vm_run_spares.entries, "accounts",
               "runs keep %u objects, %u entries; counted are %u, %u", laundry.spare_objects, laundry.spare_entries,
               vm_run_spares.objects, vm_run_spares.entries);
    laws_check(laws_count(LAWS_PAGER) == memory_object_count, "memory", "%u memory objects, %u counted",
               laws_count(LAWS_PAGER), memory_object_count);
}

bool sim_page_outlived(uint32_t index)
{
    bool found = false;

    sim_laws_checking = true;
    laws_census();
    laws_for_each(LAWS_RUN, cell) {
        const struct vm_run *run = cell->at;

        if ((run->state == VM_RUN_QUEUED || run->state == VM_RUN_RETURNING) && index - run->index < run->nr_pages &&
            !run->pager->object->alive)
            found = true;
    }
    sim_laws_checking = false;
    return found;
}
