# SPDX-License-Identifier: BSD-2-Clause
# Boot loaders that lie: odd memory maps, and modules that lie elsewhere than they say, by way of shim.c.
. "$(dirname "$0")/lib.sh"
echo 1..31
args=$build/tests/boot/args
script='args end=${host-port} $(task-create) $(task-resume)'

# shim runs|stops NAME REGEX MAP [MODULES]: the boot from the map, with the lie about the modules.
shim()
{
    local how=$1 name=$2 line=$3 map=$4 lie=${5-}
    local kernel=$build/machair build=$work
    "$how" "$name" "$line" -a "map=$map${lie:+ modules=$lie}" -i "$kernel" "machair console=com0 exit=debug" \
        -i "$args" "$script" -i "$args" 'idle $(task-create)'
}
cp "$build/tests/boot/shim" "$work/machair"

shim runs 'a plain map' '^args: its stack is good' plain
plain=$(sed -n 's/^machair: memory: \([0-9]*\) KiB,.*/\1/p' <<<"$heard")
shim stops 'two ranges of memory share some' 'overlap.*memory map.*0x1000000' overlap
shim stops 'a range twice' 'overlap.*memory map.*0x100000,' twice
shim stops 'a reserved range within memory' 'overlap.*memory map.*1024 KiB at 0x2800000' hole
shim runs 'ranges in another order' '^args: its stack is good' unsorted
also 'all of it is found' "^machair: memory: $plain KiB"
shim runs 'a range without length' '^args: its stack is good' empty
also 'the rest is found' "^machair: memory: $plain KiB"
shim runs 'a range that goes over the end of all addresses' '^args: its stack is good' wraps
also 'what is below is found' "^machair: memory: $plain KiB"
shim runs 'memory above 4 GiB' '^args: its stack is good' above
also 'a line about it' '^machair: memory: 1024 MiB above 4 GiB are ignored'
also 'what is below is found' "^machair: memory: $plain KiB"
shim runs 'ranges that begin and end within pages' '^args: its stack is good' odd
also 'whole pages are found' "^machair: memory: $((plain - 8)) KiB"
shim runs 'the kernel in no range' '^args: its stack is good' unkernel
also 'a line about it' '^machair: memory: the kernel lies outside'
shim stops 'no memory' 'no memory' nowhere
shim stops 'an entry that says its own size is 0' 'no memory' endless
also 'a line about it' '^machair: memory: .* entry that is too small'
shim stops 'a map that is cut' 'too little memory' cut
also 'a line about it' '^machair: memory: .* cut short'
shim runs 'no map, two sizes' '^args: its stack is good' sizes
shim stops 'neither' 'no memory' nothing

shim stops 'a module over the kernel' 'module 0 \(.*args.*over the kernel' plain kernel
shim stops 'a module outside memory' 'module 0 \(.*args.*outside memory' plain outside
shim stops 'a module that ends before it starts' 'module 0 \(.*args.*ends before' plain backwards
shim stops 'a module over another' 'module 1 \(.*over module 0' plain same
shim stops 'a boot script that is too long' 'module 0 .*command line' plain string
shim stops 'a module without a boot script' 'module .*no boot script' plain no-string
shim stops 'a thousand modules' '1000 modules, at most' plain many
