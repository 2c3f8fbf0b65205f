/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that grow with the pattern of faults.
 *
 * unit: vm/vm_cluster.c
 */
#include "vm/vm_cluster.h"

#include "tap.h"

static struct vm_cluster cluster;
static unsigned int nr_requests;

/* A fault on index: what is asked for, of pages [0, limit), of which at most most. */
static struct vm_cluster_range ask(uint32_t index, unsigned int most, uint32_t limit)
{
    struct vm_cluster_range range = vm_cluster_choose(&cluster, index, most);

    if (range.first > index || range.end <= index || range.end - range.first > most)
        tap_ok(false, "a range has the page, and at most as many as may be asked for");
    range.end = MIN(range.end, limit);
    vm_cluster_asked(&cluster, index, range);
    nr_requests++;
    return range;
}

static bool is(struct vm_cluster_range range, uint32_t first, uint32_t end)
{
    return range.first == first && range.end == end;
}

static void test_one_page_as_ever(void)
{
    bool one = true;

    vm_cluster_init(&cluster);
    for (uint32_t i = 0; i < 100; i++)
        one = one && is(ask(i, VM_CLUSTER_MOST, 100), i, i + 1);
    tap_ok(one, "unless the manager asks for it a request is of one page");
}

static void test_patterns(void)
{
    vm_cluster_set(&cluster, 16, VM_BEHAVIOR_DEFAULT);
    tap_ok(is(ask(100, 64, 1000), 100, 101), "the first is of one page");
    tap_ok(is(ask(101, 64, 1000), 101, 103) && is(ask(103, 64, 1000), 103, 107), "forward they grow");
    tap_ok(is(ask(107, 64, 1000), 107, 115) && is(ask(115, 64, 1000), 115, 131) && is(ask(131, 64, 1000), 131, 147),
           "up to what the manager said");
    tap_ok(is(ask(150, 64, 1000), 150, 166), "resident pages are stepped over");
    tap_ok(is(ask(900, 64, 1000), 900, 901) && is(ask(166, 64, 1000), 166, 182), "another stream is apart from it");
    tap_ok(is(ask(899, 64, 1000), 898, 900) && is(ask(897, 64, 1000), 894, 898), "backward they grow too");
    tap_ok(is(ask(182, 5, 1000), 182, 187) && is(ask(187, 1, 1000), 187, 188), "never more than there is memory for");
    tap_ok(is(ask(188, 64, 1000), 188, 190), "and from there on again");
}

static void test_ends(void)
{
    vm_cluster_set(&cluster, 64, VM_BEHAVIOR_DEFAULT);
    (void)ask(3, 64, 1000);
    (void)ask(2, 64, 1000);
    tap_ok(is(ask(0, 64, 1000), 0, 1), "backward ends at the first page");
    vm_cluster_set(&cluster, 64, VM_BEHAVIOR_RSEQNTL);
    tap_ok(is(ask(5, 64, 1000), 0, 6) && is(ask(200, 64, 1000), 137, 201), "reverse: full length from the first on");
    vm_cluster_set(&cluster, 64, VM_BEHAVIOR_SEQUENTIAL);
    tap_ok(is(ask(990, 64, 1000), 990, 1000) && is(ask(0, 64, 1000), 0, 64), "sequential: the same, forward");
    vm_cluster_set(&cluster, 64, VM_BEHAVIOR_RANDOM);
    tap_ok(is(ask(0, 64, 1000), 0, 1) && is(ask(1, 64, 1000), 1, 2) && is(ask(2, 64, 1000), 2, 3), "random: never");
    vm_cluster_set(&cluster, 64, VM_BEHAVIOR_SEQUENTIAL);
    tap_ok(is(vm_cluster_choose(&cluster, 0xfffff, 64), 0xfffff, 0xfffff + 64), "the last page of an object of 4 GiB");
}

/* A whole reading by each of several at once, page by page: about as many requests as one alone makes for each. */
static void test_streams(unsigned int nr_streams, const char *what)
{
    uint32_t at[VM_CLUSTER_STREAMS + 1], asked[VM_CLUSTER_STREAMS + 1];

    vm_cluster_set(&cluster, 64, VM_BEHAVIOR_DEFAULT);
    for (unsigned int i = 0; i < nr_streams; i++)
        at[i] = asked[i] = 10000 * i;
    nr_requests = 0;
    for (unsigned int turn = 0; turn < nr_streams * 1000; turn++) {
        unsigned int i = tap_random(nr_streams);
        if (at[i] == asked[i])
            asked[i] = ask(at[i], 64, UINT32_MAX).end;
        at[i]++;
    }
    tap_ok(nr_requests < nr_streams * 30, what);
}

int main(void)
{
    test_one_page_as_ever();
    test_patterns();
    test_ends();
    test_streams(1, "a thousand pages in a row");
    test_streams(2, "two readers");
    test_streams(VM_CLUSTER_STREAMS, "as many readers as are told apart");
    return tap_done();
}
