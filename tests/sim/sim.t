#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# sim.t BUILD: runs the seeds of ./check on the simulated machine, makes every fault of some seeds, and holds gcc's traces
# against clang's.
#
# MACHAIR_SIM_SEEDS: how many seeds of all scenarios together.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${1?}
jobs=$(nproc)
compared=60 # seeds of each scenario, by their hashes
written=2   # of them, byte by byte
failed=120  # of what can fail in a run, about so many do, one by one
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# A machine that must emulate 32-bit programs has ten times less time.
"$build/tests/sim/gcc/sim" --probe >/dev/null 2>&1 </dev/null
if [ $? -lt 126 ]; then
    seeds=${MACHAIR_SIM_SEEDS:-20000}
else
    seeds=${MACHAIR_SIM_SEEDS:-5000}
fi

number=0
status=0
# say WORDS STATUS: a line of TAP
say()
{
    number=$((number + 1))
    [ "$2" -eq 0 ] || status=1
    [ "$2" -eq 0 ] || printf 'not '
    echo "ok $number - $1"
}

sim()
{
    local compiler=$1
    shift
    "$here/run" "$build/tests/sim/$compiler/sim" "$@"
}

# What one command of the driver says, its lines of TAP with our numbers.
part()
{
    local line
    sim gcc "$@" --jobs "$jobs" >"$work/part"
    local result=$?
    while IFS= read -r line; do
        case $line in
        1..*) ;;
        "ok "*) say "${line#*- }" 0 ;;
        "not ok "*) say "${line#*- }" 1 ;;
        *) echo "$line" ;;
        esac
    done <"$work/part"
    [ "$result" -eq 0 ] || status=1
}

scenarios=$(sim gcc --help | sed -n 's/^scenarios://p')
read -ra names <<<"$scenarios"
echo "1..$((4 * ${#names[@]} + 3))"

part --total "$seeds"
# All of the first scenario's, whose runs are short.
for kind in alloc send wait; do
    part --scenario "${names[0]}" --seeds 1-1 --fail-each $kind
    for name in "${names[@]:1}"; do
        part --scenario "$name" --seeds 1-3 --fail-each $kind --fail-most $failed
    done
done

for compiler in gcc clang; do
    sim "$compiler" --seeds "1-$compared" --jobs "$jobs" --hashes | grep '^# [a-z]* [0-9]* [0-9a-f]*$' | sort >"$work/$compiler"
done
cmp "$work/gcc" "$work/clang" >&2 && [ "$(wc -l <"$work/gcc")" -eq $((compared * ${#names[@]})) ]
say "gcc's and clang's builds do the same for seeds 1 to $compared" $?

result=0
for name in "${names[@]}"; do
    for ((seed = 1; seed <= written; seed++)); do
        for compiler in gcc clang; do
            sim "$compiler" --scenario "$name" --seed $seed --trace "$work/$compiler" >/dev/null || result=1
        done
        [ -s "$work/gcc" ] && cmp "$work/gcc" "$work/clang" >&2 || result=1
    done
done
say "gcc's and clang's builds write the same traces, byte for byte" $result

sim gcc --scenario "${names[0]}" --seed 1 --record "$work/choices" --trace "$work/gcc" >/dev/null &&
    sim gcc --scenario "${names[0]}" --seed 1 --replay "$work/choices" --trace "$work/clang" >/dev/null &&
    cmp "$work/gcc" "$work/clang" >&2
say "a run that is told its choices does the same" $?
exit $status
