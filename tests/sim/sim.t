#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# sim.t BUILD: runs the seeds of ./check on the simulated machine, and holds gcc's traces against clang's.
#
# MACHAIR_SIM_SEEDS: how many seeds of each scenario.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${1?}
seeds=${MACHAIR_SIM_SEEDS:-1000}
compared=100
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

"$here/run" "$build/tests/sim/gcc/sim" --seeds "1-$seeds" --jobs "$(nproc)" >"$work/sim"
status=$?
plan=$(sed -n 's/^1\.\.//p' "$work/sim")
echo "1..$((plan + 1))"
grep -v '^1\.\.' "$work/sim"
for compiler in gcc clang; do
    "$here/run" "$build/tests/sim/$compiler/sim" --seeds "1-$compared" --jobs "$(nproc)" --hashes |
        grep '^# [a-z]* [0-9]* [0-9a-f]*$' | sort >"$work/$compiler"
done
not=
if [ ! -s "$work/gcc" ] || ! cmp -s "$work/gcc" "$work/clang"; then
    not="not "
    diff "$work/gcc" "$work/clang" | sed 's/^/# /' | head -20
fi
echo "${not}ok $((plan + 1)) - gcc's and clang's builds do the same for seeds 1 to $compared"
[ "$status" -eq 0 ] && [ -z "$not" ]
