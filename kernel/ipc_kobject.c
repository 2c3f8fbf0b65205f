/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serving requests to kernel objects.
 *
 * MIG's stubs write the reply into a buffer that is large enough for any; most replies are short, so the reply is then
 * moved into the request's own memory, and only one that does not fit there is allocated.
 */
#include "kernel/ipc_kobject.h"

#include <mach/mig_errors.h>
#include <mach/mig_support.h>

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_space.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/thread.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"

#include "mig/gnumach_server.h"
#include "mig/mach_host_server.h"
#include "mig/mach4_server.h"
#include "mig/mach_port_server.h"
#include "mig/mach_server.h"
#include "mig/machair_server.h"

boolean_t gnumach_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t mach_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t mach4_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t mach_host_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t mach_port_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t machair_server(mach_msg_header_t *in, mach_msg_header_t *out);

/*
 * A message with room for the reply: what a slab of a single frame has. MIG's types allow the states and infos 1024 words,
 * but no routine gives that many: the longest are machair_host_counters and, some day, an XSAVE image, below three
 * kilobytes. Room for any took slabs of four frames, and a manager that has only its credit could wait for such a block for
 * ever. One reply is longer than a frame by its type, so its request, which no manager needs, gets a longer buffer.
 */
#define IPC_KOBJECT_BUFFER_SIZE (PAGE_SIZE - 256)
#define IPC_KOBJECT_LONG_SIZE (2 * PAGE_SIZE)
#define IPC_KOBJECT_HOST_GET_BOOT_INFO 2642

static struct kmem_cache ipc_kobject_reply_cache;

static void ipc_kobject_buffer_release(struct ipc_kmsg *kmsg)
{
    kmem_cache_free(&ipc_kobject_reply_cache, kmsg);
}

static void ipc_kobject_long_release(struct ipc_kmsg *kmsg)
{
    kmem_free(kmsg, IPC_KOBJECT_LONG_SIZE);
}

/* The two kinds of buffers. What is behind the messages' own fields is theirs to fill. */
struct ipc_kobject_buffers {
    uint32_t size;
    void (*release)(struct ipc_kmsg *kmsg);
};
static const struct ipc_kobject_buffers ipc_kobject_short = {IPC_KOBJECT_BUFFER_SIZE, ipc_kobject_buffer_release};
static const struct ipc_kobject_buffers ipc_kobject_long = {IPC_KOBJECT_LONG_SIZE, ipc_kobject_long_release};

/* A buffer of kind; NULL: there is no memory, and the thread is being ended. */
static struct ipc_kmsg *ipc_kobject_buffer(const struct ipc_kobject_buffers *kind)
{
    if (likely(kind == &ipc_kobject_short))
        return kmem_cache_alloc(&ipc_kobject_reply_cache, ALLOC_THREAD);
    return kmem_alloc(IPC_KOBJECT_LONG_SIZE, ALLOC_THREAD);
}

/* By first message id, ascending. */
static const struct ipc_kobject_subsystem {
    mach_msg_id_t first;
    boolean_t (*server)(mach_msg_header_t *in, mach_msg_header_t *out);
} ipc_kobject_subsystems[] = {
    {2000, mach_server},
    {2600, mach_host_server},
    {3200, mach_port_server},
    {4000, mach4_server},
    {4200, gnumach_server},
    {5200, machair_server},
};

void ipc_kobject_init(void)
{
    kmem_cache_init(&ipc_kobject_reply_cache, "ipc_kobject_reply", IPC_KOBJECT_BUFFER_SIZE, 0);
    assert(ipc_kobject_reply_cache.slab_frames == 1);
}

/* Runs the stub. The reply's header and result are filled in any case; an unknown id gives MIG_BAD_ID. */
static void ipc_kobject_dispatch(mach_msg_header_t *in, mig_reply_header_t *out)
{
    const struct ipc_kobject_subsystem *subsystem = &ipc_kobject_subsystems[ARRAY_LENGTH(ipc_kobject_subsystems) - 1];

    while (subsystem > ipc_kobject_subsystems && in->msgh_id < subsystem->first)
        subsystem--;
    (void)subsystem->server(in, &out->Head);
}

/* The request's header right goes; its reply right has gone into the reply. */
static void ipc_kobject_release_dest(struct ipc_kmsg *request)
{
    mach_msg_header_t *header = ipc_kmsg_header(request);

    ipc_port_release_right((struct ipc_port *)(uintptr_t)header->msgh_remote_port,
                           MACH_MSGH_BITS_REMOTE(header->msgh_bits));
}

/*
 * The reply as a message: in the request's memory where it fits, otherwise in the buffer itself, which the message then
 * keeps. The request's memory is consumed, and *out if it is NULL afterwards.
 */
static struct ipc_kmsg *ipc_kobject_pack(struct ipc_kmsg *request, struct ipc_kmsg **out,
                                         const struct ipc_kobject_buffers *kind)
{
    struct ipc_kmsg *kmsg = *out;
    const mach_msg_header_t *reply = ipc_kmsg_header(kmsg);

    if (reply->msgh_size <= request->capacity) {
        memcpy(ipc_kmsg_header(request), reply, reply->msgh_size);
        return request;
    }
    ipc_kmsg_init_reserved(kmsg, kind->size - sizeof(*kmsg), kind->release);
    ipc_kmsg_free(request);
    *out = NULL;
    return kmsg;
}

struct ipc_kmsg *ipc_kobject_server(struct ipc_kmsg *request)
{
    bool is_long = ipc_kmsg_header(request)->msgh_id == IPC_KOBJECT_HOST_GET_BOOT_INFO;
    const struct ipc_kobject_buffers *kind = unlikely(is_long) ? &ipc_kobject_long : &ipc_kobject_short;
    struct ipc_kmsg *buffer = ipc_kobject_buffer(kind);
    struct ipc_kmsg *reply = NULL;

    if (buffer == NULL) { /* the thread is being ended */
        ipc_kmsg_destroy(request);
        return NULL;
    }
    mig_reply_header_t *out = (mig_reply_header_t *)ipc_kmsg_header(buffer);
    ipc_kobject_dispatch(ipc_kmsg_header(request), out);
    if (unlikely(out->Head.msgh_size > kind->size - sizeof(*buffer)))
        panic("the reply to message %d is too long: %u bytes", ipc_kmsg_header(request)->msgh_id, out->Head.msgh_size);
    kern_return_t result = out->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX ? KERN_SUCCESS : out->RetCode;
    /* A routine that fails has taken nothing of the request. */
    if (result != KERN_SUCCESS && result != MIG_NO_REPLY)
        ipc_kmsg_destroy_body(request);
    ipc_kobject_release_dest(request);
    if (result == MIG_NO_REPLY) /* the routine has kept the reply right */
        ipc_kmsg_free(request);
    else
        reply = ipc_kobject_pack(request, &buffer, kind);
    if (reply != NULL && !IP_VALID((struct ipc_port *)(uintptr_t)reply->header.msgh_remote_port)) {
        ipc_kmsg_destroy(reply); /* nobody wants it: what it carries is released */
        reply = NULL;
    }
    if (buffer != NULL)
        kind->release(buffer);
    return reply;
}

/* ---- what stubs call ---- */

void vm_map_deallocate(struct vm_map *map)
{
    if (map != NULL)
        vm_map_unref(map);
}

void space_deallocate(struct ipc_space *space)
{
    if (space != NULL)
        ipc_space_unref(space);
}

void vm_object_deallocate(struct vm_object *object)
{
    if (object != NULL)
        vm_object_unref(object);
}

/* Bounded copy of a string, always ended; the length copied, its zero included. */
vm_size_t mig_strncpy(char *dest, const char *src, vm_size_t len)
{
    vm_size_t i;

    if (len == 0)
        return 0;
    for (i = 0; i + 1 < len && src[i] != '\0'; i++)
        dest[i] = src[i];
    dest[i] = '\0';
    return i + 1;
}
