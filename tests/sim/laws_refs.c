/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * References: each count is at least what refers, and exactly that when no thread holds anything in its hands.
 *
 * The other families have counted in the cells what they met; here the rest is added and compared. A thread has its hands
 * empty in user mode; where it waits for a message, but for a reference to what it waits on; and in a fault of its
 * own that waits for a page. The kernel's own threads have them empty where they wait for work.
 */
#include <string.h>

#include "ipc/ipc_port.h"
#include "ipc/ipc_pset.h"
#include "ipc/ipc_space.h"
#include "kernel/ipc_kobject.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "laws_private.h"
#include "vm/memory_object.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"

#define LAWS_DAEMONS_MAX 8u

/* ---- whether anything is in anybody's hands ---- */

/* What each of the kernel's threads waited for when programs began. */
static struct {
    const struct thread *thread;
    const void *event;
} laws_daemons[LAWS_DAEMONS_MAX];
static unsigned int laws_nr_daemons;

static bool laws_delayed(const struct thread *thread)
{
    return thread->run_state == THREAD_WAITING && thread->wait_event == &thread->wait_timer;
}

static bool laws_daemon_idle(const struct thread *thread, enum sim_laws_at at)
{
    unsigned int i = 0;

    /* The scenario's own thread waits for a task, to which it holds a reference, or has ended them all. */
    if (strcmp(thread->name, "scenario") == 0)
        return laws_delayed(thread) || (at == SIM_LAWS_END && thread == current_thread());
    while (i < laws_nr_daemons && laws_daemons[i].thread != thread)
        i++;
    if (i == laws_nr_daemons) {
        if (i == LAWS_DAEMONS_MAX || thread->run_state != THREAD_WAITING || thread->wait_event == &sim_run ||
            laws_delayed(thread))
            return false;
        laws_daemons[laws_nr_daemons].thread = thread;
        laws_daemons[laws_nr_daemons++].event = thread->wait_event;
    }
    return thread->run_state == THREAD_WAITING && thread->wait_event == laws_daemons[i].event;
}

bool laws_hands_empty(const struct thread *thread, enum sim_laws_at at)
{
    if (thread->entry != NULL)
        return laws_daemon_idle(thread, at);
    if (thread->run_state == THREAD_HALTED || thread->terminating)
        return false;
    switch (thread->machine.inside) {
    case SIM_INSIDE_NOTHING:
        return true;
    case SIM_INSIDE_RECEIVE:
        return thread->run_state == THREAD_WAITING && list_node_linked(&thread->ipc_node);
    case SIM_INSIDE_FAULT:
        return thread->run_state == THREAD_WAITING && laws_find(LAWS_PAGE, thread->wait_event) != NULL;
    default:
        return false;
    }
}

bool laws_quiet(enum sim_laws_at at)
{
    bool quiet = true;


    laws_for_each(LAWS_THREAD, cell)
        quiet = laws_hands_empty(cell->at, at) && quiet;
    return quiet;
}

/* ---- what was not counted by the way ---- */

static void laws_refs_objects(void)
{
    laws_for_each(LAWS_ENTRY, cell) {
        const struct vm_map_entry *entry = cell->at;

        /* One that is in no map and no message is in somebody's hands, and what it says may be over. */
        if (cell->places != 0 && entry->object != NULL)
            laws_cell(LAWS_OBJECT, entry->object, "an entry")->refs++;
    }
    laws_for_each(LAWS_OBJECT, cell) {
        const struct vm_object *object = cell->at;

        if (object->shadow != NULL)
            laws_cell(LAWS_OBJECT, object->shadow, "a shadow")->refs++;
    }
    laws_for_each(LAWS_RUN, cell) {
        const struct vm_run *run = cell->at;

        if (run->spare_object != NULL)
            laws_cell(LAWS_OBJECT, run->spare_object, "a record of a run")->refs++;
        if (run->state == VM_RUN_QUEUED && !laws_run_in_map(run))
            laws_cell(LAWS_OBJECT, run->object, "a queued run")->refs++;
        if (run->pager != NULL)
            laws_cell(LAWS_PAGER, run->pager, "a run")->refs++;
    }
}

/*
 * The conversation's reference is found at the manager's port; when that leads here no longer, it goes with the last user.
 */
static void laws_refs_pagers(void)
{
    laws_for_each(LAWS_PAGER, cell) {
        const struct memory_object *pager = cell->at;
        bool at_port = IP_VALID(pager->port) && pager->port->kobject_type == IKOT_PAGER && pager->port->kobject == pager;

        if (!at_port && (pager->object->refs != 0 || pager->ending || pager->cached))
            cell->refs++;
    }
}

static void laws_refs_threads(void)
{
    laws_for_each(LAWS_THREAD, cell) {
        const struct thread *thread = cell->at;

        if (thread->refs == 0) /* it is being made, or has ended */
            continue;
        if (thread->task != kernel_task)
            laws_cell(LAWS_TASK, thread->task, "a thread")->refs++;
        cell->refs += list_node_linked(&thread->task_node);
    }
    laws_for_each(LAWS_TASK, cell) {
        const struct task *task = cell->at;
        const struct thread *thread;
        uint32_t nr_threads = 0;

        if (task->refs == 0)
            continue;
        cell->refs += list_node_linked(&task->node);
        list_for_each(&task->threads, thread, task_node) {
            laws_check(laws_cell(LAWS_THREAD, thread, "a task") != NULL && thread->task == task, "tasks",
                       "a thread is in another task");
            nr_threads++;
        }
        laws_check(nr_threads == task->nr_threads, "tasks", "a task has %u threads and counts %u", nr_threads,
                   task->nr_threads);
    }
}

static void laws_refs_receivers(void)
{
    const struct thread *thread;

    laws_for_each(LAWS_PORT, cell) {
        const struct ipc_port *port = cell->at;

        /* Who waits for the kernel's own reply has no reference but the port itself. */
        if (port->receiver != ipc_space_reply)
            list_for_each(&port->receivers, thread, ipc_node)
                cell->refs++;
    }
    laws_for_each(LAWS_PSET, cell) {
        const struct ipc_pset *pset = cell->at;

        list_for_each(&pset->receivers, thread, ipc_node)
            cell->refs++;
    }
}

/* ---- comparing ---- */

static void laws_refs_compare(bool exact, const char *what, uint32_t counted, uint32_t found)
{
    laws_check(counted >= found, "references", "%s has %u references and counts %u", what, found, counted);
    laws_check(!exact || counted == found, "references",
               "%s counts %u references, nobody has any in his hands, and %u are found", what, counted, found);
}

/* Ports of the host and its kind are the kernel's for ever; who has them is not looked for. */
static void laws_refs_port(const struct laws_cell *cell, bool exact)
{
    const struct ipc_port *port = cell->at;
    unsigned int type = port->kobject_type;

    exact = exact && (type < IKOT_HOST || type > IKOT_PSET_NAME);
    laws_refs_compare(exact, "a port", port->refs, cell->refs);
    laws_check(port->srights >= cell->sends && port->sorights >= cell->sonces, "rights",
               "a port has %u senders, %u of them once, and counts %u, %u", cell->sends, cell->sonces, port->srights,
               port->sorights);
    if (!exact)
        return;
    laws_check(port->srights == cell->sends && port->sorights == cell->sonces, "rights",
               "a port counts %u senders, %u once; nobody has a right in his hands, and %u, %u are found", port->srights,
               port->sorights, cell->sends, cell->sonces);
    laws_check(cell->places == port->active, "rights", "a port, active %d, is received from in %u places", port->active,
               cell->places);
}

/* Law 1: what is on its way is in a queue, when no thread is sending or receiving it. */
static void laws_refs_runs(void)
{
    laws_for_each(LAWS_RUN, cell) {
        const struct vm_run *run = cell->at;

        laws_check(run->state != VM_RUN_QUEUED || cell->refs == 1, "nothing is lost",
                   "the run of page %u is queued, and its message is in no queue", run->index);
    }
}

void laws_refs(bool quiet)
{
    if (quiet)
        laws_refs_runs();
    laws_refs_objects();
    laws_refs_pagers();
    laws_refs_threads();
    laws_refs_receivers();
    laws_for_each(LAWS_OBJECT, cell)
        laws_refs_compare(quiet, "an object", ((const struct vm_object *)cell->at)->refs, cell->refs);
    laws_for_each(LAWS_PORT, cell)
        laws_refs_port(cell, quiet);
    laws_for_each(LAWS_PSET, cell)
        laws_refs_compare(quiet, "a port set", ((const struct ipc_pset *)cell->at)->refs, cell->refs);
    laws_for_each(LAWS_SPACE, cell)
        laws_refs_compare(quiet, "a space", ((const struct ipc_space *)cell->at)->refs, cell->refs);
    laws_for_each(LAWS_MAP, cell)
        laws_refs_compare(quiet, "a map", ((const struct vm_map *)cell->at)->refs, cell->refs);
    /* Who gave another the processor keeps a reference to it until it runs again. */
    laws_for_each(LAWS_THREAD, cell)
        laws_refs_compare(false, "a thread", ((const struct thread *)cell->at)->refs, cell->refs);
    laws_for_each(LAWS_PAGER, cell)
        laws_refs_compare(quiet, "a memory object", ((const struct memory_object *)cell->at)->refs, cell->refs);
    /* Scenarios hold references to tasks. */
    laws_for_each(LAWS_TASK, cell)
        laws_refs_compare(false, "a task", ((const struct task *)cell->at)->refs, cell->refs);
}
