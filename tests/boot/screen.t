# SPDX-License-Identifier: BSD-2-Clause
# The console on the screen: the same lines, read from the screen's memory.
. "$(dirname "$0")/lib.sh"
echo 1..5

# shows NAME REGEX [QEMU's arguments]: within a minute a line on the screen matches.
shows()
{
    local name=$1 line=$2 said= qemu i
    shift 2
    rm -f "$work/monitor"
    mkfifo "$work/monitor"
    qemu-system-i386 -m 64 -display none -serial none -net none -no-reboot -monitor stdio "$@" \
        <"$work/monitor" >"$work/monitor.log" 2>&1 &
    qemu=$!
    exec 4>"$work/monitor"
    for ((i = 0; i < 120; i++)); do
        sleep 0.5
        echo "pmemsave 0xb8000 4000 \"$work/screen\"" >&4
        sleep 0.1
        # Characters and colours take turns; 80 to a line.
        said=$(perl -0777 -ne 's/(.)./$1/gs; tr/\0/ /; print map { s/ +$//r . "\n" } /.{80}/gs' "$work/screen" 2>/dev/null)
        ! grep -qaE -- "$line" <<<"$said" || break
    done
    kill "$qemu"
    wait "$qemu" 2>/dev/null
    exec 4>&-
    judge "$name" 0 "$line" 0
}

shows 'a stopped boot' '^machair: boot: no module' -kernel "$build/machair"
also 'the lines before it' '^machair: memory: '
shows 'a program' '^args: its stack is good$' -kernel "$build/machair" \
    -initrd "$build/tests/boot/args \$(task-create) \$(task-resume)"
also 'another line of it' '^args: argument 0 of 1: <args>$'
shows 'a loader that is none' '^machair: boot: not started by a Multiboot loader' -kernel "$build/tests/boot/shim" \
    -append 'map=magic' -initrd "$build/machair"
