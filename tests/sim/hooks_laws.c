/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the laws must know of calls that are under way, by the linker's --wrap as in hooks.c.
 */
#include "laws_private.h"
#include "mig/gnumach_server.h"
#include "vm/vm_account.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"

#define LAWS_REFILLED_MAX 512u

kern_return_t __real_vm_allocate_contiguous(host_t host, vm_map_t map, vm_address_t *address, rpc_phys_addr_t *physical,
                                            vm_size_t size, rpc_phys_addr_t pmin, rpc_phys_addr_t pmax,
                                            rpc_phys_addr_t palign);
kern_return_t __wrap_vm_allocate_contiguous(host_t host, vm_map_t map, vm_address_t *address, rpc_phys_addr_t *physical,
                                            vm_size_t size, rpc_phys_addr_t pmin, rpc_phys_addr_t pmax,
                                            rpc_phys_addr_t palign);
struct vm_run *__real_vm_account_charge(struct vm_account *account, uint32_t nr_pages, uint32_t *granted);
struct vm_run *__wrap_vm_account_charge(struct vm_account *account, uint32_t nr_pages, uint32_t *granted);
void __real_vm_page_insert(struct vm_page *page, struct vm_object *object, uint32_t index);
void __wrap_vm_page_insert(struct vm_page *page, struct vm_object *object, uint32_t index);
void __real_vm_run_begin(struct vm_run *run, struct memory_object *pager, uint32_t index, enum vm_run_cause cause,
                         bool dirty, bool kernel_copy);
void __wrap_vm_run_begin(struct vm_run *run, struct memory_object *pager, uint32_t index, enum vm_run_cause cause,
                         bool dirty, bool kernel_copy);

/* It has frames of objects in its hands, which it puts into pages one by one. */
kern_return_t __wrap_vm_allocate_contiguous(host_t host, vm_map_t map, vm_address_t *address, rpc_phys_addr_t *physical,
                                            vm_size_t size, rpc_phys_addr_t pmin, rpc_phys_addr_t pmax,
                                            rpc_phys_addr_t palign)
{
    kern_return_t kr;

    laws_nr_contiguous++;
    kr = __real_vm_allocate_contiguous(host, map, address, physical, size, pmin, pmax, palign);
    laws_nr_contiguous--;
    return kr;
}

/* Law 3, where it is in force: what is charged is within the window as it is then, and what the caller asked for. */
struct vm_run *__wrap_vm_account_charge(struct vm_account *account, uint32_t nr_pages, uint32_t *granted)
{
    uint32_t before = account->nr_out, window = account->window;
    struct vm_run *run = __real_vm_account_charge(account, nr_pages, granted);

    if (run == NULL) {
        laws_check(account->nr_out == before, "bounds", "a charge that was refused left %u pages out, before %u",
                   account->nr_out, before);
        return NULL;
    }
    laws_check(*granted >= 1 && *granted <= nr_pages && before + *granted <= window && account->nr_out == before + *granted,
               "bounds", "%u of %u pages are charged to a window of %u with %u out", *granted, nr_pages, window, before);
    return run;
}

/* ---- runs whose holder gave pages away and touched them again: what is resident is more than what is out ---- */

static const struct vm_run *laws_refilled[LAWS_REFILLED_MAX];

/* Its place in the list, or a free one. */
static const struct vm_run **laws_refilled_find(const struct vm_run *run)
{
    const struct vm_run **vacant = NULL;

    for (unsigned int i = 0; i < LAWS_REFILLED_MAX; i++) {
        if (laws_refilled[i] == run)
            return &laws_refilled[i];
        if (laws_refilled[i] == NULL && vacant == NULL)
            vacant = &laws_refilled[i];
    }
    sim_check(vacant != NULL);
    return vacant;
}

bool laws_run_refilled(const struct vm_run *run)
{
    return *laws_refilled_find(run) == run;
}

void __wrap_vm_page_insert(struct vm_page *page, struct vm_object *object, uint32_t index)
{
    if (object->run != NULL && object->run->state == VM_RUN_RECEIVED)
        *laws_refilled_find(object->run) = object->run;
    __real_vm_page_insert(page, object, index);
}

void __wrap_vm_run_begin(struct vm_run *run, struct memory_object *pager, uint32_t index, enum vm_run_cause cause,
                         bool dirty, bool kernel_copy)
{
    *laws_refilled_find(run) = NULL;
    __real_vm_run_begin(run, pager, index, cause, dirty, kernel_copy);
}
