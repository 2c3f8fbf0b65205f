/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What pmaps are made of: for mmu.c, and for the laws, which walk over it.
 */
#ifndef SIM_MMU_H
#define SIM_MMU_H

#include "kernel/machine.h"
#include "kernel/types.h"

#define SIM_ENTRIES 1024u
#define SIM_TABLE_SHIFT 22
#define SIM_NR_TABLES (MACHINE_USER_END >> SIM_TABLE_SHIFT)

/* Locking: V mmu.c's lock; I immutable. */
struct pmap {
    uint32_t **directory;       /* [V] SIM_NR_TABLES tables or NULL; NULL for the kernel's */
    unsigned int id;            /* [I] counts from 1 */
    unsigned int nr_resident;   /* [V] */
    unsigned int nr_tables;     /* [V] */
};

/* A mapping of a frame beyond the first, in a list behind the frame's record. */
struct pmap_pv {
    struct pmap *pmap;
    uintptr_t va;
    struct pmap_pv *next;
};

#endif
