/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: speeds, flags and modem lines.
 */
#ifndef DEVICE_TTY_STATUS_H
#define DEVICE_TTY_STATUS_H

#include <device/device_types.h>

/* Flavors. Those without a count are operations. */
#define TTY_STATUS (dev_flavor_t) (('t' << 16) + 1)
#define TTY_MODEM (dev_flavor_t) (('t' << 16) + 2)
#define TTY_FLUSH (dev_flavor_t) (('t' << 16) + 3)
#define TTY_STOP (dev_flavor_t) (('t' << 16) + 4)
#define TTY_START (dev_flavor_t) (('t' << 16) + 5)
#define TTY_SET_BREAK (dev_flavor_t) (('t' << 16) + 6)
#define TTY_CLEAR_BREAK (dev_flavor_t) (('t' << 16) + 7)
#define TTY_SET_TRANSLATION (dev_flavor_t) (('t' << 16) + 8)

struct tty_status {
    int tt_ispeed; /* one of the B */
    int tt_ospeed;
    int tt_breakc; /* a character that wakes the reader */
    int tt_flags; /* a set of TF */
};
#define TTY_STATUS_COUNT (sizeof(struct tty_status) / sizeof(int))
#define TTY_MODEM_COUNT (1) /* a set of TM */
#define TTY_FLUSH_COUNT (1) /* D_READ, D_WRITE */

#define B0 0
#define B50 1
#define B75 2
#define B110 3
#define B134 4
#define B150 5
#define B200 6
#define B300 7
#define B600 8
#define B1200 9
#define B1800 10
#define B2400 11
#define B4800 12
#define B9600 13
#define EXTA 14
#define EXTB 15
#define B19200 EXTA
#define B38400 EXTB
#define B57600 16
#define B115200 17
#define NSPEEDS 18

#define TF_TANDEM 0x00000001 /* stop and start the sender by characters */
#define TF_ODDP 0x00000002 /* parity: */
#define TF_EVENP 0x00000004
#define TF_ANYP (TF_ODDP | TF_EVENP)
#define TF_LITOUT 0x00000008 /* all eight bits out */
#define TF_MDMBUF 0x00000010 /* the modem stops output */
#define TF_NOHANG 0x00000020 /* the line may go down */
#define TF_HUPCLS 0x00000040 /* the last close takes the line down */
#define TF_ECHO 0x00000080
#define TF_CRMOD 0x00000100 /* a return is a new line */
#define TF_XTABS 0x00000200 /* tabs become spaces */

#define TM_LE 0x0001 /* line enable */
#define TM_DTR 0x0002 /* terminal ready */
#define TM_RTS 0x0004 /* request to send */
#define TM_ST 0x0008 /* secondary transmit */
#define TM_SR 0x0010 /* secondary receive */
#define TM_CTS 0x0020 /* clear to send */
#define TM_CAR 0x0040 /* carrier */
#define TM_RNG 0x0080 /* ring */
#define TM_DSR 0x0100 /* data set ready */
#define TM_BRK 0x0200
#define TM_HUP 0x0000 /* all off */

#endif
