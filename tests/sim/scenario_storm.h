/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storm: what its hub, its clients and its managers share. All of it is the host's memory; programs change it only
 * between two accesses or traps, so nothing of it needs a lock.
 *
 * The *hub* is the first task: it makes the others, ends some of them in the middle of what they do, and sees to the end.
 * *Clients* use memory. A *manager* answers for one or two objects in the way of its *kind*.
 */
#ifndef SIM_SCENARIO_STORM_H
#define SIM_SCENARIO_STORM_H

#include <mach/memory_object.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include "prog.h"
#include "scenario_storm_model.h"

#define STORM_TASKS 8u          /* client tasks that there ever are */
#define STORM_MAPPINGS 8u       /* of a task */
#define STORM_PAGERS 3u
#define STORM_OBJECTS 4u
#define STORM_OBJECT_PAGES 192u
#define STORM_FLIGHTS 64u
#define STORM_HELD 8u

/* The same names in every task. */
#define STORM_HOST_NAME 0x1001u
#define STORM_OBJECT_NAME 0x1100u   /* and the object's number */
#define STORM_MAIL_NAME 0x1200u     /* and the task's number */

#define STORM_MAIL 600              /* message ids */
#define STORM_POKE 601
#define STORM_JUNK 602

/* Memory that a task has mapped. */
struct storm_mapping {
    struct storm_memory *memory;    /* NULL: none */
    uint32_t address, nr_pages;
    uint32_t first;                 /* page of memory at address */
    int object;                     /* number, or -1: no manager's */
    vm_prot_t prot;
    vm_inherit_t inheritance;
    bool wired;
    bool whole;                     /* somebody has it for himself alone */
    unsigned int users;
};

struct storm_task {
    mach_port_t port;               /* the hub's name; MACH_PORT_NULL: not begun */
    bool over;                      /* no thread of it runs any more */
    bool guest;                     /* its threads are those of a manager's task */
    bool sparse;                    /* it has mappings that it does not know of */
    bool forked;                    /* at this moment: it must not get more mappings than were looked at */
    unsigned int nr_threads, nr_ops;
    struct storm_mapping mappings[STORM_MAPPINGS];
};

/* Memory in a message. */
struct storm_flight {
    struct storm_memory *source, *contents; /* contents: NULL until it is known to have left */
    uint32_t first, nr_pages, begin;
    bool landed;
};

struct storm_pager;
struct storm_object {
    struct storm_pager *pager;
    struct storm_memory *memory;
    uint32_t nr_pages;
    mach_port_t control;            /* the manager's name; MACH_PORT_NULL: no conversation */
    memory_object_copy_strategy_t strategy;
    bool precious;                  /* it forgets what it supplies, and gets it back */
    bool may_cache;
    uint32_t kept;                  /* where the hub has mapped it; 0: it has not */
    bool ever_asked;                /* it has given more, or other, than what it was asked for */
    uint32_t nr_inits, nr_ends, seqno;
    struct storm_stored {
        bool has, pending, given;   /* a supply that it waits for word of; what was supplied is with the kernel */
        uint32_t supplied;          /* when; 0: not */
        uint32_t words[STORM_WORDS];
    } stored[STORM_OBJECT_PAGES];
};

/* Memory that a manager has received and keeps. */
struct storm_held {
    uint32_t address, size;
};

struct storm_pager {
    const struct storm_kind *kind;
    mach_port_t port;               /* the hub's name of the task */
    mach_port_t set;                /* its name of the port set */
    bool over;                      /* it has ended, or will not say anything any more */
    bool closing;                   /* it ends with its last object */
    bool loses;                     /* it loses messages */
    bool asks;                      /* it asks for pages back */
    uint32_t pause;                 /* ms before a message, at most */
    uint32_t at;                    /* messages until its kind does something */
    uint32_t nr_messages;
    struct storm_task *guest;       /* a client in its task, or NULL */
    struct storm_held held[STORM_HELD];
    unsigned int nr_held;
};

struct storm {
    unsigned int nr_pagers, nr_objects;
    uint32_t private_max;           /* pages of memory that no manager takes */
    bool ending;                    /* no more clients */
    uint32_t rounds;
    unsigned int trust;             /* of all objects */
    struct storm_task tasks[STORM_TASKS];
    struct storm_object objects[STORM_OBJECTS];
    struct storm_pager pagers[STORM_PAGERS];
    struct storm_flight flights[STORM_FLIGHTS];
    unsigned int nr_flights;
};
extern struct storm storm;

/* ---- clients: scenario_storm_client.c ---- */

/* A thread of the client task with this number. */
void storm_client(uint32_t number);
/* A message to the task with this number: memory in flight, at address, which is given away. Whether it was sent. */
bool storm_mail(uint32_t number, uint32_t flight, uint32_t address, bool give);
/* A flight of pages of source; its number, or STORM_FLIGHTS: there are enough. */
uint32_t storm_flight(struct storm_memory *source, uint32_t first, uint32_t nr_pages);
/* Pages that are or may come to be in memory and cannot leave. */
uint32_t storm_private_pages(void);
bool storm_may_copy(const struct storm_mapping *mapping, uint32_t first, uint32_t nr_pages);
/* Maps a whole object, or does some looking and writing: for managers that are clients too. */
void storm_guest_map(struct storm_task *task, unsigned int object);
void storm_guest_step(struct storm_task *task);

/* ---- managers: scenario_storm_pager.c, scenario_storm_kinds.c ---- */

struct storm_kind {
    const char *name;
    unsigned int trust;             /* what its clients must live with */
    uint32_t pages_max;             /* of an object */
    bool guest;                     /* a client runs in its task */
    bool backed;                    /* it uses an object of the first manager, if that is honest */
    bool ended, suspended;          /* by the hub */
    void (*before)(struct storm_pager *pager);                  /* before it receives */
    void (*request)(struct storm_object *object, uint32_t page);
    void (*keep)(struct storm_object *object, uint32_t page, uint32_t data, uint32_t size); /* what to do with a run */
};
extern const struct storm_kind storm_kinds[];
extern const unsigned int storm_nr_kinds;

/* The first thread of the manager with this number. */
void storm_manager(uint32_t number);
/* Goes on after message calls whose port may be gone, or not be received from any more. */
void storm_say(kern_return_t result, const char *what);
void storm_supply(struct storm_object *object, uint32_t first, uint32_t nr_pages);
void storm_say_unavailable(struct storm_object *object, uint32_t page);
void storm_say_error(struct storm_object *object, uint32_t page);
void storm_request_honest(struct storm_object *object, uint32_t page);
void storm_keep_honest(struct storm_object *object, uint32_t page, uint32_t data, uint32_t size);
uint32_t storm_object_port(const struct storm_object *object);
void storm_ask(struct storm_object *object, bool everything);

#endif
