/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time: counter 0 of the 8254 interrupts MACHINE_HZ times a second, and counts down in between.
 *
 * The time is the sum of whole periods, kept by the interrupt, and what the counter has run since. A period that has
 * ended while interrupts are off shows as a pending request of the timer's line together with a young counter. When two
 * have ended one is lost, which takes interrupts off for 10 ms. Divisions by the odd frequency are multiplications with
 * fixed-point reciprocals.
 */
#include "i386/pit.h"

#include "i386/cpu.h"
#include "i386/interrupt.h"
#include "i386/pic.h"
#include "kernel/machine.h"
#include "kernel/panic.h"

enum pit_port {
    PIT_COUNTER_0 = 0x40,
    PIT_COMMAND = 0x43,
    PIT_RTC_INDEX = 0x70,
    PIT_RTC_DATA = 0x71,
};

enum pit_rtc_register {
    PIT_RTC_SECOND = 0,
    PIT_RTC_MINUTE = 2,
    PIT_RTC_HOUR = 4,
    PIT_RTC_DAY = 7,
    PIT_RTC_MONTH = 8,
    PIT_RTC_YEAR = 9,
    PIT_RTC_STATUS_A = 10,
    PIT_RTC_STATUS_B = 11,
};

#define PIT_LINE 0
#define PIT_FREQUENCY 1193182u
#define PIT_PERIOD ((PIT_FREQUENCY + MACHINE_HZ / 2) / MACHINE_HZ)
#define PIT_RATE_GENERATOR 0x34     /* counter 0, low and high byte, mode 2 */
#define PIT_LATCH 0x00
/* Nanoseconds a count, times 2^20: below 2^32, so that the product with a few periods of counts fits 64 bits. */
#define PIT_COUNT_SHIFT 20
#define PIT_COUNT_NS ((uint32_t)((1000000000ull << PIT_COUNT_SHIFT) / PIT_FREQUENCY))
/* A period, in nanoseconds times 2^20. */
#define PIT_PERIOD_SCALED ((uint64_t)PIT_PERIOD * PIT_COUNT_NS)
_Static_assert((1000000000ull << PIT_COUNT_SHIFT) / PIT_FREQUENCY < 1ull << 32, "PIT_COUNT_NS");
_Static_assert(PIT_PERIOD < 1u << 16, "the counter has 16 bits");

#define PIT_RTC_UPDATING 0x80       /* status A */
#define PIT_RTC_BINARY 0x04         /* status B */
#define PIT_RTC_24_HOURS 0x02
#define PIT_RTC_PM 0x80             /* of the hour */
/* The clock is busy for 2 ms at most, and a read of a port takes more than half a microsecond. */
#define PIT_RTC_PATIENCE 10000
#define PIT_RTC_TRIES 5

/* All changed with interrupts off. */
static uint64_t pit_time_ns;            /* of the whole periods */
static uint64_t pit_time_fraction;      /* what is left of them, in nanoseconds / 2^20 */
static uint64_t pit_last_ns;            /* the latest time told */
static uint32_t pit_boot_seconds;
static bool pit_started;

static void pit_interrupt(void *argument, bool user)
{
    (void)argument;
    pit_time_fraction += PIT_PERIOD_SCALED;
    pit_time_ns += pit_time_fraction >> PIT_COUNT_SHIFT;
    pit_time_fraction &= (1u << PIT_COUNT_SHIFT) - 1;
    clock_interrupt(user);
}

/* Counts since the last period that the interrupt has added. */
static uint32_t pit_elapsed(void)
{
    uint32_t count, elapsed;

    cpu_outb(PIT_COMMAND, PIT_LATCH);
    count = cpu_inb(PIT_COUNTER_0);
    count |= (uint32_t)cpu_inb(PIT_COUNTER_0) << 8;
    elapsed = count < PIT_PERIOD ? PIT_PERIOD - count : 0;
    /* The request is looked at after the counter: an old counter with a request has not run out when it was read. */
    if (elapsed < PIT_PERIOD / 2 && pic_requested(PIT_LINE))
        elapsed += PIT_PERIOD;
    return elapsed;
}

uint64_t machine_time_ns(void)
{
    unsigned long flags;
    uint64_t now;

    if (!pit_started)
        return 0;
    flags = machine_interrupts_disable();
    now = pit_time_ns + (((uint64_t)pit_elapsed() * PIT_COUNT_NS + pit_time_fraction) >> PIT_COUNT_SHIFT);
    /* The counter of some machines is not exact at its turn: time never goes back. */
    if (now < pit_last_ns)
        now = pit_last_ns;
    pit_last_ns = now;
    machine_interrupts_restore(flags);
    return now;
}

uint32_t machine_boot_seconds(void)
{
    return pit_boot_seconds;
}

/* ---- the real-time clock ---- */

struct pit_rtc {
    uint8_t second, minute, hour, day, month, year;
};

static uint8_t pit_rtc_read(enum pit_rtc_register number)
{
    cpu_outb(PIT_RTC_INDEX, number);
    return cpu_inb(PIT_RTC_DATA);
}

static void pit_rtc_wait(void)
{
    for (unsigned int i = 0; i < PIT_RTC_PATIENCE; i++)
        if (!(pit_rtc_read(PIT_RTC_STATUS_A) & PIT_RTC_UPDATING))
            return;
}

static struct pit_rtc pit_rtc_get(void)
{
    struct pit_rtc rtc;

    pit_rtc_wait();
    rtc.second = pit_rtc_read(PIT_RTC_SECOND);
    rtc.minute = pit_rtc_read(PIT_RTC_MINUTE);
    rtc.hour = pit_rtc_read(PIT_RTC_HOUR);
    rtc.day = pit_rtc_read(PIT_RTC_DAY);
    rtc.month = pit_rtc_read(PIT_RTC_MONTH);
    rtc.year = pit_rtc_read(PIT_RTC_YEAR);
    return rtc;
}

static unsigned int pit_rtc_decode(uint8_t value, uint8_t status)
{
    return status & PIT_RTC_BINARY ? value : (value >> 4) * 10u + (value & 15);
}

static unsigned int pit_rtc_hour(uint8_t value, uint8_t status)
{
    unsigned int hour;

    if (status & PIT_RTC_24_HOURS)
        return pit_rtc_decode(value, status);
    hour = pit_rtc_decode((uint8_t)(value & ~PIT_RTC_PM), status) % 12;
    return value & PIT_RTC_PM ? hour + 12 : hour;
}

/* Seconds since 1970. Two digits of the year are those of 1970 to 2069. */
static uint32_t pit_rtc_seconds(struct pit_rtc rtc, uint8_t status)
{
    static const uint16_t days_before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    unsigned int year = pit_rtc_decode(rtc.year, status) % 100, month = pit_rtc_decode(rtc.month, status);
    uint32_t days;

    year += year < 70 ? 2000 : 1900;
    if (month < 1 || month > 12)
        month = 1;
    /* Every fourth year is a leap year from 1970 to 2069. */
    days = (year - 1970) * 365 + (year - 1969) / 4 + days_before[month - 1] + pit_rtc_decode(rtc.day, status) - 1;
    if (year % 4 == 0 && month > 2)
        days++;
    return ((days * 24 + pit_rtc_hour(rtc.hour, status)) * 60 + pit_rtc_decode(rtc.minute, status)) * 60 +
        pit_rtc_decode(rtc.second, status);
}

static uint32_t pit_rtc_now(void)
{
    struct pit_rtc rtc = pit_rtc_get();

    /* Two readings that agree were not cut by an update. */
    for (unsigned int i = 0; i < PIT_RTC_TRIES; i++) {
        struct pit_rtc again = pit_rtc_get();

        if (again.second == rtc.second && again.minute == rtc.minute && again.hour == rtc.hour)
            break;
        rtc = again;
    }
    return pit_rtc_seconds(rtc, pit_rtc_read(PIT_RTC_STATUS_B));
}

void pit_init(void)
{
    pit_boot_seconds = pit_rtc_now();
    cpu_outb(PIT_COMMAND, PIT_RATE_GENERATOR);
    cpu_outb(PIT_COUNTER_0, PIT_PERIOD & 0xff);
    cpu_outb(PIT_COUNTER_0, PIT_PERIOD >> 8);
    pit_started = true;
    if (!interrupt_establish(PIT_LINE, pit_interrupt, NULL))
        panic("the timer's interrupt is taken");
}
