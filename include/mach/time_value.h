/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times: seconds and a fraction, in microseconds or, wide enough to last, in nanoseconds.
 */
#ifndef MACH_TIME_VALUE_H
#define MACH_TIME_VALUE_H

#include <mach/machine/vm_types.h>

struct time_value {
    long_integer_t seconds;
    integer_t microseconds; /* 0 to TIME_MICROS_MAX - 1 */
};
typedef struct time_value time_value_t;

/* As it travels */
struct rpc_time_value {
    rpc_long_integer_t seconds;
    integer_t microseconds;
};
typedef struct rpc_time_value rpc_time_value_t;

struct time_value64 {
    int64_t seconds;
    int64_t nanoseconds; /* 0 to TIME_NANOS_MAX - 1 */
};
typedef struct time_value64 time_value64_t;

/* What a task that maps the device "time" reads: it has a time when both counts of seconds agree. */
typedef struct mapped_time_value {
    integer_t seconds; /* written last */
    integer_t microseconds;
    integer_t check_seconds; /* written first */
} mapped_time_value_t;

#define TIME_MICROS_MAX (1000000)
#define TIME_NANOS_MAX (1000000000)

static __inline__ rpc_time_value_t convert_time_value_to_user(time_value_t tv)
{
    rpc_time_value_t user;

    user.seconds = tv.seconds;
    user.microseconds = tv.microseconds;
    return user;
}

static __inline__ time_value_t convert_time_value_from_user(rpc_time_value_t user)
{
    time_value_t tv;

    tv.seconds = user.seconds;
    tv.microseconds = user.microseconds;
    return tv;
}

/* Arithmetic on pointers to times. Both operands must be normalised; their user has assert(). */
#define time_value_assert(val) assert((val)->microseconds >= 0 && (val)->microseconds < TIME_MICROS_MAX);

#define time_value_add_usec(val, micros) \
    { \
        time_value_assert(val); \
        (val)->microseconds += (micros); \
        if ((val)->microseconds >= TIME_MICROS_MAX) { \
            (val)->seconds++; \
            (val)->microseconds -= TIME_MICROS_MAX; \
        } \
        time_value_assert(val); \
    }

#define time_value_sub_usec(val, micros) \
    { \
        time_value_assert(val); \
        (val)->microseconds -= (micros); \
        if ((val)->microseconds < 0) { \
            (val)->seconds--; \
            (val)->microseconds += TIME_MICROS_MAX; \
        } \
        time_value_assert(val); \
    }

#define time_value_add(result, addend) \
    { \
        time_value_assert(addend); \
        (result)->seconds += (addend)->seconds; \
        time_value_add_usec(result, (addend)->microseconds); \
    }

#define time_value_sub(result, subtrahend) \
    { \
        time_value_assert(subtrahend); \
        (result)->seconds -= (subtrahend)->seconds; \
        time_value_sub_usec(result, (subtrahend)->microseconds); \
    }

/* To and from POSIX's struct timespec */
#define TIME_VALUE_TO_TIMESPEC(tv, ts) \
    do { \
        (ts)->tv_sec = (tv)->seconds; \
        (ts)->tv_nsec = (tv)->microseconds * 1000; \
    } while (0)

#define TIMESPEC_TO_TIME_VALUE(tv, ts) \
    do { \
        (tv)->seconds = (ts)->tv_sec; \
        (tv)->microseconds = (ts)->tv_nsec / 1000; \
    } while (0)

#endif
