# SPDX-License-Identifier: BSD-2-Clause
# Too little memory.
. "$(dirname "$0")/lib.sh"
echo 1..2

stops 'a machine of 2 MiB' 'memory' -m 2 -i "$work/nothing" "nothing${good_script#good}"
stops 'a machine of 3 MiB' 'memory' -m 3 -i "$work/nothing" "nothing${good_script#good}"
