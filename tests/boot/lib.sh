# SPDX-License-Identifier: BSD-2-Clause
# For the tests of what the boot does with its input, bad and good; sourced by bash. MACHAIR_BUILD is the build folder.
# A boot that is stopped says why in a line "machair: boot: ..." and ends the machine with failure: never by a reset, never by
# hanging.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${MACHAIR_BUILD:-$here/../../build}
boot=$here/../../tools/boot
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# A program as good as any for a boot that does not come to running it.
perl "$here/make-elf" "$work/nothing" 0x8048000:16:16 || exit 1
number=0 heard=
good_script='good ${host-port} ${device-port} $(task-create) $(task-resume)'

# judge NAME STATUS REGEX WANTED-STATUS: one test about $said.
judge()
{
    local name=$1 status=$2 line=$3 wanted=$4
    number=$((number + 1))
    heard=$said
    if [ "$status" -eq "$wanted" ] && printf '%s\n' "$said" | grep -qaE -- "$line"; then
        echo "ok $number - $name"
    else
        echo "# status $status instead of $wanted, or no line like: $line"
        printf '%s\n' "$said" | sed 's/^/# /'
        echo "not ok $number - $name"
    fi
}

# stops NAME REGEX [boot's arguments]: the boot is stopped, with a line that the extended REGEX matches behind "boot: ".
stops()
{
    local name=$1 line=$2 said
    shift 2
    said=$("$boot" -t 60 -a exit=debug "$@" "$build/machair" 2>&1)
    judge "$name" $? "^machair: boot: .*$line" 1
}

# runs NAME REGEX [boot's arguments]: the boot goes on, a line says what the extended REGEX matches, and the end is success.
runs()
{
    local name=$1 line=$2 said
    shift 2
    said=$("$boot" -t 60 -a exit=debug "$@" "$build/machair" 2>&1)
    judge "$name" $? "$line" 0
}

# also NAME REGEX: one more test about what the boot before said. nowhere NAME REGEX: no line of it matches.
also()
{
    number=$((number + 1))
    if grep -qaE -- "$2" <<<"$heard"; then
        echo "ok $number - $1"
    else
        printf '%s\n' "# no line like: $2" "not ok $number - $1"
    fi
}
nowhere()
{
    number=$((number + 1))
    if grep -aE -- "$2" <<<"$heard"; then
        echo "not ok $number - $1"
    else
        echo "ok $number - $1"
    fi
}

# module_stops NAME REGEX FILE: the boot is stopped by the module FILE, whose name stands in the line.
module_stops()
{
    local name=$1 line=$2 file=$3
    stops "$name" "${file##*/}.*$line" -i "$file" "${file##*/}${good_script#good}"
}

# script_stops NAME REGEX SCRIPT: the boot is stopped by the boot script of a good program.
script_stops()
{
    stops "$1" "$2" -i "$work/nothing" "$3"
}
