/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first user programs: the boot loader's modules, started as their boot scripts say.
 */
#ifndef KERNEL_BOOTSTRAP_H
#define KERNEL_BOOTSTRAP_H

/* Starts a thread that loads all modules and sets them going; what is wrong with one stops the boot. */
void bootstrap_init(void);

#endif
