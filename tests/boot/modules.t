# SPDX-License-Identifier: BSD-2-Clause
# Modules that are missing, no programs, cut short, or laid over one another.
. "$(dirname "$0")/lib.sh"
echo 1..22

elf()
{
    perl "$here/make-elf" "$work/$@"
}

stops 'no module' 'no module'
printf 'This is a text, not a program.\n' >"$work/text"
module_stops 'a text file' 'ELF' "$work/text"
printf '\177ELF' >"$work/four-bytes"
module_stops 'only the first four bytes' 'ELF|short' "$work/four-bytes"
elf class64 class=2 0x8048000:16:16
module_stops 'a 64-bit ELF file' 'ELF|i386' "$work/class64"
elf big-endian data=2 0x8048000:16:16
module_stops 'a big-endian ELF file' 'ELF|i386' "$work/big-endian"
elf machine machine=62 0x8048000:16:16
module_stops 'another machine' 'ELF|i386' "$work/machine"
elf object type=1 0x8048000:16:16
module_stops 'an object file' 'ELF|executable' "$work/object"
elf phentsize phentsize=8 0x8048000:16:16
module_stops 'program headers of a wrong size' 'header' "$work/phentsize"
elf phoff phoff=0x7fffff00 0x8048000:16:16
module_stops 'program headers beyond the end' 'short|header' "$work/phoff"
elf wrap phoff=0xfffffff0 0x8048000:16:16
module_stops 'program headers that wrap' 'short|header' "$work/wrap"
elf cut cut=0x1008 0x8048000:64:64
module_stops 'a file cut short within a segment' 'short|beyond' "$work/cut"
elf offset 0x8048000:16:16:0xfffff000
module_stops 'a segment whose place in the file wraps' 'short|beyond' "$work/offset"
elf filesz 0x8048000:64:16
module_stops 'a segment with more in the file than in memory' 'segment' "$work/filesz"
elf kernel entry=0xc0100000 0xc0100000:16:16
module_stops 'a segment over the kernel' 'segment|kernel' "$work/kernel"
elf border 0xbfffff00:16:0x10000
module_stops 'a segment that runs into the kernel' 'segment|kernel' "$work/border"
elf space entry=0xffffff00 0xfffff000:16:0x2000
module_stops 'a segment that wraps' 'segment|kernel' "$work/space"
elf zero entry=0 0x0:16:16
module_stops 'a segment at page zero' 'segment|zero' "$work/zero"
elf overlap 0x8048000:64:0x3000 0x8049000:64:64
module_stops 'segments over one another' 'overlap' "$work/overlap"
# Larger than memory is no error: memory is given as it is touched. But the stack needs addresses too.
elf huge 0x8048000:16:0xb7f00000
module_stops 'a segment that leaves no room for the stack' 'room.*stack' "$work/huge"
elf entry entry=0x20000000 0x8048000:16:16
module_stops 'an entry point outside all segments' 'entry' "$work/entry"
elf none
module_stops 'no segment' 'segment|entry' "$work/none"
printf '' >"$work/empty"
module_stops 'an empty file' 'ELF' "$work/empty"
