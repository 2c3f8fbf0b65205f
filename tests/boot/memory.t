# SPDX-License-Identifier: BSD-2-Clause
# Too little memory: for the kernel, and for programs.
. "$(dirname "$0")/lib.sh"
echo 1..4

stops 'a machine of 2 MiB' 'memory' -m 2 -i "$work/nothing" "nothing${good_script#good}"
stops 'a machine of 3 MiB' 'memory' -m 3 -i "$work/nothing" "nothing${good_script#good}"

# The file and what is loaded from it do not fit together.
perl "$here/make-elf" "$work/fat" 0x8048000:1900000:1900000
stops 'a program that does not fit' 'fat does not fit into memory' -m 4 -i "$work/fat" "fat${good_script#good}"
# Each takes a page and a page table in ten places.
perl "$here/make-elf" "$work/wide" 0x8048000:16:16:0 0x{1..9}0000000:16:16:0
many=()
for i in {1..60}; do
    many+=(-i "$work/wide" "wide$i \$(task-create)")
done
stops 'programs that do not fit together' 'wide does not fit into memory' -m 4 "${many[@]}"
