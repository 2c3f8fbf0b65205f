/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ports of the host, the processor and the processor set. What they stand for exists once and for ever, so nothing here
 * counts references: the conversions give plain pointers, and giving them up does nothing.
 */
#include "kernel/ipc_kobject.h"

#include "ipc/ipc_port.h"
#include "kernel/panic.h"
#include "kernel/processor.h"

/* A host has no more than its ports. */
struct host {
    struct ipc_port *port;          /* the name port: what mach_host_self gives */
    struct ipc_port *priv_port;     /* the privileged one */
};

static struct host ipc_host_this;
struct host *const host_self = &ipc_host_this;

static struct ipc_port *ipc_host_processor_port;
static struct ipc_port *ipc_host_pset_port;
static struct ipc_port *ipc_host_pset_name_port;

/* What port stands for, if its type is one of the two. */
static void *ipc_host_kobject(struct ipc_port *port, unsigned int type, unsigned int other)
{
    void *object = NULL;

    if (!IP_VALID(port))
        return NULL;
    ipc_port_lock(port);
    if (ipc_port_active(port) && (port->kobject_type == type || port->kobject_type == other))
        object = port->kobject;
    ipc_port_unlock(port);
    return object;
}

struct host *convert_port_to_host(struct ipc_port *port)
{
    return ipc_host_kobject(port, IKOT_HOST, IKOT_HOST_PRIV);
}

struct host *convert_port_to_host_priv(struct ipc_port *port)
{
    return ipc_host_kobject(port, IKOT_HOST_PRIV, IKOT_HOST_PRIV);
}

struct processor *convert_port_to_processor(struct ipc_port *port)
{
    return ipc_host_kobject(port, IKOT_PROCESSOR, IKOT_PROCESSOR);
}

struct processor_set *convert_port_to_pset(struct ipc_port *port)
{
    return ipc_host_kobject(port, IKOT_PSET, IKOT_PSET);
}

struct processor_set *convert_port_to_pset_name(struct ipc_port *port)
{
    return ipc_host_kobject(port, IKOT_PSET_NAME, IKOT_PSET);
}

/* A send right to port if there is what it stands for. */
static struct ipc_port *ipc_host_make_send(const void *object, struct ipc_port *port)
{
    return object != NULL ? ipc_port_make_send(port) : IP_NULL;
}

struct ipc_port *convert_host_to_port(struct host *host)
{
    return ipc_host_make_send(host, ipc_host_this.port);
}

struct ipc_port *convert_processor_to_port(struct processor *processor)
{
    return ipc_host_make_send(processor, ipc_host_processor_port);
}

struct ipc_port *convert_pset_to_port(struct processor_set *pset)
{
    return ipc_host_make_send(pset, ipc_host_pset_port);
}

struct ipc_port *convert_pset_name_to_port(struct processor_set *pset)
{
    return ipc_host_make_send(pset, ipc_host_pset_name_port);
}

void pset_deallocate(struct processor_set *pset)
{
    (void)pset;
}

struct ipc_port *host_port(void)
{
    return ipc_port_make_send(ipc_host_this.port);
}

struct ipc_port *host_priv_port(void)
{
    return ipc_port_make_send(ipc_host_this.priv_port);
}

static struct ipc_port *ipc_host_create_port(void *object, unsigned int type)
{
    struct ipc_port *port = ipc_port_alloc_kernel();

    if (port == NULL)
        panic("no memory for the host's ports");
    ipc_kobject_set(port, object, type);
    return port;
}

void ipc_host_init(void)
{
    ipc_host_this.port = ipc_host_create_port(&ipc_host_this, IKOT_HOST);
    ipc_host_this.priv_port = ipc_host_create_port(&ipc_host_this, IKOT_HOST_PRIV);
    ipc_host_processor_port = ipc_host_create_port(&processor_master, IKOT_PROCESSOR);
    ipc_host_pset_port = ipc_host_create_port(&processor_set_default_set, IKOT_PSET);
    ipc_host_pset_name_port = ipc_host_create_port(&processor_set_default_set, IKOT_PSET_NAME);
}
