/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The macros that are statements, or that work on what is no constant: the code that the compiler makes of them is
 * compared. Optimised, each function is little more than its result.
 */
#define DKTYPENAMES

#include <mach/mach_types.h>
#include <mach/message.h>
#include <device/device_types.h>
#include <device/disk_status.h>
#include <device/net_status.h>
#include <mach/macro_help.h>
#include <string.h>

#include <device/audio_status.h>

#define assert(condition) \
    do { \
        if (!(condition)) \
            failed(__LINE__); \
    } while (0)

struct timespec_like {
    int tv_sec;
    int tv_nsec;
};

extern void failed(int line);
extern int use(void *data);

long long sample_time_value_add(void);
long long sample_time_value_add(void)
{
    time_value_t a = { 1, 999999 }, b = { 2, 3 };

    time_value_add(&a, &b);
    return a.seconds * 10000000LL + a.microseconds;
}

long long sample_time_value_sub(void);
long long sample_time_value_sub(void)
{
    time_value_t a = { 7, 2 }, b = { 2, 3 };

    time_value_sub(&a, &b);
    return a.seconds * 10000000LL + a.microseconds;
}

long long sample_time_value_usec(int step);
long long sample_time_value_usec(int step)
{
    time_value_t a = { 7, 999999 };

    time_value_add_usec(&a, 1);
    time_value_sub_usec(&a, 2);
    return a.seconds * 10000000LL + a.microseconds + step;
}

/* A time that is no normal one is told to the program's assert(). */
void sample_time_value_assert(void);
void sample_time_value_assert(void)
{
    time_value_t bad = { 0, 1000000 }, worse = { 0, -1 }, good = { 0, 999999 };

    time_value_assert(&bad);
    time_value_assert(&worse);
    time_value_assert(&good);
}

long long sample_timespec(void);
long long sample_timespec(void)
{
    time_value_t value = { 7, 999999 }, back;
    struct timespec_like spec;

    TIME_VALUE_TO_TIMESPEC(&value, &spec);
    spec.tv_nsec += 999;
    TIMESPEC_TO_TIME_VALUE(&back, &spec);
    return (long long) spec.tv_nsec * 10000000 + back.seconds * 1000000 + back.microseconds;
}

long long sample_convert(void);
long long sample_convert(void)
{
    time_value_t value = { 7, 999999 };

    value = convert_time_value_from_user(convert_time_value_to_user(value));
    return value.seconds * 10000000LL + value.microseconds;
}

int sample_bpf(int which);
int sample_bpf(int which)
{
    struct bpf_insn code[3], *next = code;
    static struct bpf_insn same[] = {
        BPF_STMT(BPF_LD + BPF_H + BPF_ABS, 12),
        BPF_JUMP(BPF_JMP + BPF_JEQ + BPF_K, 2048, 1, 2),
        BPF_RETMATCH(BPF_RET + BPF_MATCH_IMM, 100, 5),
    };

    BPF_INSN_STMT(next, BPF_LD + BPF_H + BPF_ABS, 12);
    BPF_INSN_JUMP(next, BPF_JMP + BPF_JEQ + BPF_K, 2048, 1, 2);
    BPF_INSN_RETMATCH(next, BPF_RET + BPF_MATCH_IMM, 100, 5);
    use(same);
    if (which == 0)
        return code[0].code + code[0].jt * 1000 + code[0].jf * 3000 + code[0].k * 100000;
    if (which == 1)
        return code[1].code + code[1].jt * 1000 + code[1].jf * 3000 + code[1].k * 100000;
    if (which == 2)
        return code[2].code + code[2].jt * 1000 + code[2].jf * 3000 + code[2].k * 100000;
    return (int) (next - code) + BPF_INSN_EQ(&code[0], &code[0]) * 2 + BPF_INSN_EQ(&code[0], &code[1]) * 4;
}

void sample_audio(struct audio_info *info);
void sample_audio(struct audio_info *info)
{
    AUDIO_INITINFO(info);
}

int sample_macro_help(int condition);
int sample_macro_help(int condition)
{
    if (condition)
        MACRO_BEGIN
        use(0);
        MACRO_RETURN 5;
        MACRO_END;
    else
        return 6;
    return 7;
}

int sample_disk(struct disklabel *label);
int sample_disk(struct disklabel *label)
{
    use(dktypenames[DKMAXTYPES - 1]);
    use(fstypenames[FSMAXTYPES - 1]);
    label->d_smdflags = label->d_mindist + label->d_maxdist + label->d_sdist + label->d_precompcyl + label->d_gap3 +
                        label->d_step;
    use(label->d_packname);
    return label->d_boot0 == label->d_boot1;
}

unsigned int sample_packet(struct net_rcv_msg *packet);
unsigned int sample_packet(struct net_rcv_msg *packet)
{
    return packet->net_rcv_msg_packet_count;
}

/* The C library's names are of the same types. */
mach_msg_return_t sample_names(mach_msg_header_t *message);
mach_msg_return_t sample_names(mach_msg_header_t *message)
{
    return __mach_msg(message, 1, 2, 3, 4, 5, 6) + __mach_msg_trap(message, 1, 2, 3, 4, 5, 6);
}
