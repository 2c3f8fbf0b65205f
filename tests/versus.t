#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# versus.t BUILD: no instructions line of bench/versus is worse than GNU Mach's in 32 MiB, at two sizes of the object.
set -u
here=$(cd "$(dirname "$0")" && pwd)
echo 1..2
number=0
for size in 48 64; do
    number=$((number + 1))
    if said=$("$here/../bench/versus" -s -b "${1?}" 32 size=$size passes=2 2>&1); then
        ok=ok
    else
        ok="not ok"
    fi
    printf '%s\n' "$said" | sed 's/^/# /'
    echo "$ok $number - 32 MiB, size=$size passes=2: nothing is worse than GNU Mach's"
done
