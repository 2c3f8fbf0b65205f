/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers of the profiler.
 */
#ifndef MACH_PROFILPARAM_H
#define MACH_PROFILPARAM_H

#define NB_PROF_BUFFER 2
#define SIZE_PROF_BUFFER 100

#endif
