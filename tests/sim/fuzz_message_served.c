/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which message ids the kernel serves, from MIG's tables, and which succeed: each subsystem's server is called through here,
 * by the linker's --wrap. What a routine answers is not always seen by the sender: there are requests without a reply.
 */
#include <mach/mig_errors.h>

#include "fuzz.h"
#include "kernel/ipc_kobject.h"
#include "mig/gnumach_server.h"
#include "mig/mach_host_server.h"
#include "mig/mach_port_server.h"
#include "mig/mach_server.h"
#include "mig/machair_server.h"

typedef boolean_t fuzz_server(mach_msg_header_t *in, mach_msg_header_t *out);

/* One line a function: what the linker calls it, and what is behind it. */
boolean_t __real_gnumach_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t __wrap_gnumach_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t __real_mach_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t __wrap_mach_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t __real_mach_host_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t __wrap_mach_host_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t __real_mach_port_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t __wrap_mach_port_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t __real_machair_server(mach_msg_header_t *in, mach_msg_header_t *out);
boolean_t __wrap_machair_server(mach_msg_header_t *in, mach_msg_header_t *out);

const struct fuzz_hopeless fuzz_hopeless[] = {
    {2009, "task_get_emulation_vector: nothing is emulated"},
    {2010, "task_set_emulation_vector: nothing is emulated"},
    {2070, "task_set_emulation: nothing is emulated"},
    {2071, "task_ras_control: no sequence is restarted"},
    {2099, "vm_machine_attribute: no range has one"},
    {2603, "processor_start: there is one processor, and it runs"},
    {2604, "processor_exit: there is one processor"},
    {2608, "processor_set_create: there is one set"},
    {2609, "processor_set_destroy: there is one set"},
    {2635, "host_reboot: the machine ends; it is not sent"},
    {2641, "processor_control: nothing can be controlled"},
    {0, NULL},
};

bool fuzz_is_served(uint32_t call)
{
    mach_msg_header_t header = {.msgh_id = (mach_msg_id_t)call};

    return gnumach_server_routine(&header) != NULL || mach_server_routine(&header) != NULL ||
           mach_host_server_routine(&header) != NULL || mach_port_server_routine(&header) != NULL ||
           machair_server_routine(&header) != NULL;
}

/* A routine that answers MIG_NO_REPLY has kept the reply right: it succeeded. */
static boolean_t fuzz_serve_request(fuzz_server *server, mach_msg_header_t *in, mach_msg_header_t *out)
{
    uint32_t call = (uint32_t)in->msgh_id;
    boolean_t served = server(in, out);
    const mig_reply_header_t *reply = (const mig_reply_header_t *)out;
    kern_return_t result = out->msgh_bits & MACH_MSGH_BITS_COMPLEX ? KERN_SUCCESS : reply->RetCode;

    if (result == KERN_SUCCESS || result == MIG_NO_REPLY)
        fuzz_called(call, FUZZ_SUCCESS);
    else if (result == MIG_BAD_ID)
        fuzz_called(call, FUZZ_UNKNOWN);
    return served;
}

boolean_t __wrap_gnumach_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    return fuzz_serve_request(__real_gnumach_server, in, out);
}

boolean_t __wrap_mach_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    return fuzz_serve_request(__real_mach_server, in, out);
}

boolean_t __wrap_mach_host_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    return fuzz_serve_request(__real_mach_host_server, in, out);
}

boolean_t __wrap_mach_port_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    return fuzz_serve_request(__real_mach_port_server, in, out);
}

boolean_t __wrap_machair_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    return fuzz_serve_request(__real_machair_server, in, out);
}
