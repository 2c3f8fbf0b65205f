/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzing messages: a script of steps. Most are requests to the kernel, whose header is right but for what the script says,
 * and whose body is the script's words, marks replaced. Others send a header of the script's own, touch memory, receive.
 *
 * host_reboot is the one routine that is not sent: it ends the machine, as it should.
 */
#include <mach/message.h>
#include <string.h>

#include "fuzz.h"
#include "prog.h"

#define FUZZ_STEPS_MAX 24u
#define FUZZ_BODY_WORDS 200u
#define FUZZ_TRAP_MSG (-25)
#define FUZZ_HOST_REBOOT 2635
#define FUZZ_WAIT_MS 20u

const char fuzz_target[] = "message";

enum fuzz_step {
    FUZZ_REQUEST,               /* id, target, flags, words, body */
    FUZZ_RAW,                   /* options, six words of header, words, body */
    FUZZ_TOUCH,                 /* address */
    FUZZ_RECEIVE,               /* port */
    FUZZ_START,                 /* nothing: another thread goes on with the script too */
    FUZZ_NR_STEPS,
};

/* Of a request. */
enum fuzz_flag {
    FUZZ_COMPLEX = 1,
    FUZZ_NO_REPLY = 2,
    FUZZ_ODD_SIZE = 4,          /* a byte more than its words */
    FUZZ_MOVE = 8,              /* the target's right is moved */
};

struct fuzz_message {
    mach_msg_header_t header;
    uint32_t body[FUZZ_BODY_WORDS];
};

static void fuzz_send(const struct fuzz_message *message, uint32_t option, uint32_t size, mach_port_t receive)
{
    uint32_t page = sim_stack() - PAGE_SIZE, reply[10];
    uint32_t arguments[] = {page, option, size, 2048, receive, FUZZ_WAIT_MS, MACH_PORT_NULL};

    if (message->header.msgh_id == FUZZ_HOST_REBOOT)
        return;
    sim_write(page, message, size);
    uint32_t result = sim_trap(FUZZ_TRAP_MSG, 7, arguments);
    if (!(option & MACH_RCV_MSG) || result != MACH_MSG_SUCCESS)
        return;
    sim_read(page, reply, sizeof(reply));
    if (reply[0] & MACH_MSGH_BITS_COMPLEX) /* the first argument behind the result */
        fuzz_learn(reply[9]);
}

static uint32_t fuzz_body(struct fuzz_message *message)
{
    uint32_t words = MIN(fuzz_byte(), FUZZ_BODY_WORDS);

    for (uint32_t i = 0; i < words; i++)
        message->body[i] = fuzz_marked_word();
    return (uint32_t)sizeof(message->header) + 4 * words;
}

static void fuzz_request(void)
{
    static const int32_t firsts[] = {2000, 2600, 3200, 4200, 5200, 4000, 2100, 0};
    struct fuzz_message message;
    uint32_t subsystem = fuzz_byte(), routine = fuzz_byte(), target = fuzz_byte(), flags = fuzz_byte();
    mach_port_t reply = flags & FUZZ_NO_REPLY ? MACH_PORT_NULL : fuzz_name(15);

    memset(&message, 0, sizeof(message));
    uint32_t size = fuzz_body(&message) + (flags & FUZZ_ODD_SIZE ? 1 : 0);
    message.header = (mach_msg_header_t){
        .msgh_bits = MACH_MSGH_BITS(flags & FUZZ_MOVE ? MACH_MSG_TYPE_MOVE_SEND : MACH_MSG_TYPE_COPY_SEND,
                                    reply != MACH_PORT_NULL ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0) |
                     (flags & FUZZ_COMPLEX ? MACH_MSGH_BITS_COMPLEX : 0),
        .msgh_size = size, .msgh_remote_port = fuzz_name(target), .msgh_local_port = reply,
        .msgh_id = firsts[subsystem % 8] + (int32_t)routine,
    };
    fuzz_send(&message, MACH_SEND_MSG | MACH_SEND_TIMEOUT | (reply != MACH_PORT_NULL ? MACH_RCV_MSG | MACH_RCV_TIMEOUT : 0),
              MIN(size, (uint32_t)sizeof(message)), reply);
}

/* Waits for nothing for ever but where the script asks for it, which the end of the task breaks off. */
static void fuzz_raw(void)
{
    struct fuzz_message message;
    uint32_t header[sizeof(message.header) / sizeof(uint32_t)], option = fuzz_word(), receive = fuzz_name(fuzz_byte());

    memset(&message, 0, sizeof(message));
    for (uint32_t i = 0; i < ARRAY_LENGTH(header); i++)
        header[i] = fuzz_marked_word();
    uint32_t size = fuzz_body(&message);
    memcpy(&message.header, header, sizeof(header));
    fuzz_send(&message, option, size, receive);
}

void fuzz_program(uint32_t argument)
{
    uint32_t address;

    (void)argument;
    fuzz_prepare();
    for (uint32_t i = 0; i < FUZZ_STEPS_MAX && fuzz_more(); i++) {
        switch (fuzz_byte() % FUZZ_NR_STEPS) {
        case FUZZ_REQUEST:
            fuzz_request();
            break;
        case FUZZ_RAW:
            fuzz_raw();
            break;
        case FUZZ_TOUCH:
            address = fuzz_address(fuzz_word()) & ~3u;
            sim_store(address, sim_load(address) + 1);
            break;
        case FUZZ_START:
            fuzz_start_thread();
            break;
        default:
            (void)sim_trap(FUZZ_TRAP_MSG, 7, (uint32_t[]){sim_stack() - PAGE_SIZE, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, 2048,
                                                          fuzz_name(fuzz_byte()), FUZZ_WAIT_MS, 0});
            break;
        }
    }
    fuzz_exit();
}
