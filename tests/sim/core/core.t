#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# core.t BUILD [full]: the exhaustive core in about a minute: small configurations until no new state appears, and two objects
# with four pages for 15 s. full: these until there are 1,500,000 states, which takes some ten minutes and 10 GB.
set -u
here=$(cd "$(dirname "$0")" && pwd)
core=${1?}/tests/sim/gcc/core
seconds=15
small="--objects 1 --pages 2 --held 1"
large="--objects 1 --pages 2 --held 2"
number=0
failed=0

# one closed|any NAME ARGUMENT...: a search that must keep the laws, and must end where nothing is left.
one() {
    local must=$1 name=$2 not=
    shift 2
    number=$((number + 1))
    # shellcheck disable=SC2068
    "$here/../run" "$core" $@ >"$work"
    if ! grep -q '^ok 1' "$work" || { [ "$must" = closed ] && ! grep -q 'closed: no other' "$work"; }; then
        not="not "
        failed=1
    fi
    grep '^#' "$work"
    echo "${not}ok $number - $name: $*"
}

work=$(mktemp)
trap 'rm -f "$work"' EXIT
trap 'exit 130' INT TERM
if [ "${2:-}" = full ]; then
    seconds=7200
fi
echo 1..8
one closed "faults, eviction, receiving, freeing" "$large" --with reads,alone,few-records
one closed "the manager dies" "$large" --with die
one closed "the manager asks for pages back" "$small" --with clean,flush
one closed "memory_object_destroy and errors" "$small" --with destroy,error,precious
one closed "what was received is supplied back" "$small" --with back,precious
one closed "runs are lost and come home" --objects 1 --pages 1 --held 1 --with small,die
one closed "two clients" --objects 1 --pages 1 --clients 2 --held 1 --with reads,die
one any "two objects, two managers, four pages" --objects 2 --pages 2 --held 1 --with reads,die --states 1500000 \
    --seconds "$seconds"
[ "$failed" -eq 0 ]
