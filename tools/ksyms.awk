# SPDX-License-Identifier: BSD-2-Clause
# Turns `nm -n` of the kernel into the assembly source of the table that kernel/ksyms.c searches: functions by address,
# the first name of each address, as pairs of an address and a pointer to the name.
BEGIN { count = 0 }
$2 ~ /^[tT]$/ && $1 != last && $3 !~ /^\.L/ {
    last = $1
    address[count] = $1
    name[count++] = $3
}
END {
    print ".section .rodata.ksyms, \"a\", @progbits"
    print ".balign 4"
    print ".globl ksyms_count, ksyms_table"
    print "ksyms_count: .long " count
    print "ksyms_table:"
    for (i = 0; i < count; i++)
        print ".long 0x" address[i] ", " ".Lname" i
    for (i = 0; i < count; i++)
        print ".Lname" i ": .asciz \"" name[i] "\""
    print ".section .note.GNU-stack, \"\", @progbits"
}
