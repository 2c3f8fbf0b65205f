/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tapes.
 */
#ifndef DEVICE_TAPE_STATUS_H
#define DEVICE_TAPE_STATUS_H

#include <mach/machine/ioccom.h>

#define TAPE_STATUS (('m' << 16) + 1)
struct tape_status {
    unsigned int mt_type; /* one of MT_IS */
    unsigned int speed;
    unsigned int density;
    unsigned int flags; /* a set of TAPE_FLG */
};
#define TAPE_STATUS_COUNT (sizeof(struct tape_status) / sizeof(int))

#define TAPE_FLG_REWIND 0x1 /* rewinds when closed */
#define TAPE_FLG_WP 0x2 /* write protected */

#define MT_ISTS 0x01
#define MT_ISHT 0x02
#define MT_ISTM 0x03
#define MT_ISMT 0x04
#define MT_ISUT 0x05
#define MT_ISCPC 0x06
#define MT_ISAR 0x07
#define MT_ISTMSCP 0x08
#define MT_ISCY 0x09
#define MT_ISSCSI 0x0a

struct tape_params {
    unsigned int mt_operation; /* one of the following */
    unsigned int mt_repeat_count;
};

#define MTWEOF 0 /* write an end of file */
#define MTFSF 1 /* forward by files */
#define MTBSF 2 /* backward by files */
#define MTFSR 3 /* forward by records */
#define MTBSR 4 /* backward by records */
#define MTREW 5 /* rewind */
#define MTOFFL 6 /* rewind and unload */
#define MTNOP 7 /* only ask for the status */
#define MTCACHE 8
#define MTNOCACHE 9

struct mtget {
    short mt_type;
    short mt_dsreg; /* registers of the drive */
    short mt_erreg;
    short mt_resid; /* not done of the last count */
    unsigned long mt_fileno;
    unsigned long mt_blkno;
};

#define MTIOCTOP _IOW('m', 1, struct tape_params)
#define MTIOCGET _IOR('m', 2, struct mtget)
#define MTIOCIEOT _IO('m', 3) /* ignore the end of the tape */
#define MTIOCEEOT _IO('m', 4) /* heed it */

#endif
