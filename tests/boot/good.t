# SPDX-License-Identifier: BSD-2-Clause
# Boot scripts that mean something: what programs get from them.
. "$(dirname "$0")/lib.sh"
echo 1..25
args=$build/tests/boot/args
for name in first second idle; do
    cp "$args" "$work/$name"
done

runs 'one program' '^args: argument 0 of 5: <args>' -a a=first -a b=second \
    -i "$args" 'args ${host-port} ${device-port} ${a}+${b}-${a} end=${host-port} $(task-create) $(task-resume)'
also 'the first port is name 1' '^args: argument 1 of 5: <1>$'
also 'the second port is name 2' '^args: argument 2 of 5: <2>$'
also 'variables of the command line' '^args: argument 3 of 5: <first\+second-first>$'
also 'the same port has the same name' '^args: argument 4 of 5: <end=1>$'
also 'the end of the stack' '^args: its stack is good$'

runs 'words for the programs' '^args: argument 1 of 6: <-s -v>$' -a '-s root=hd0 -v' -a e= \
    -i "$args" 'args ${boot-args} ${root-device} ${kernel-command-line} x${e}y end=${host-port} $(task-create) $(task-resume)'
also 'the root device' '^args: argument 2 of 6: <hd0>$'
also "the kernel's whole command line" '^args: argument 3 of 6: <.*console=com0 exit=debug -s root=hd0 -v e=>$'
also 'an empty variable' '^args: argument 4 of 6: <xy>$'

runs 'no -words' '^args: argument 1 of 3: <>$' -i "$args" 'args ${boot-args} end=${host-port} $(task-create) $(task-resume)'
runs 'the last value counts' '^args: argument 1 of 3: <2>$' -a 'a=1 a=2' \
    -i "$args" 'args ${a} end=${host-port} $(task-create) $(task-resume)'
runs 'commas, and more than one space' '^args: argument 1 of 3: <a,b,,c>$' \
    -i "$args" 'args   a,b,,c  end=${host-port}   $(task-create)  $(task-resume)  '

# The first line uses what the second sets.
runs 'a task for another program' '^args: the task has ended$' \
    -i "$work/first" 'first task=${second} end=${host-port} $(task-create) $(task-resume)' \
    -i "$work/second" 'second ${kernel-task} $(second=task-create) $(task-resume)'
also 'the first program' '^first: argument 1 of 3: <task=1>$'
also 'the second program' '^second: argument 1 of 2: <1>$'
nowhere 'nobody prints an error' 'does not end|exception'

runs 'a task that is not resumed' '^first: argument 0 of 2: <first>$' \
    -i "$work/idle" 'idle $(task-create)' \
    -i "$work/first" 'first end=${host-port} $(task-create) $(task-resume)'
nowhere 'it does not run' '^idle'

runs 'a task that is resumed with a word about it' '^first: starting' \
    -i "$work/first" 'first end=${host-port} $(task-create) $(prompt-task-resume)'

runs 'a position-independent program' '^pie: runs' \
    -i "$build/tests/boot/pie" 'pie $(pie=task-create) $(task-resume)' \
    -i "$args" 'args task=${pie} end=${host-port} $(task-create) $(task-resume)'

many=()
for i in {1..40}; do
    many+=(-i "$args" "idle$i \$(t$i=task-create)")
done
runs 'forty programs' '^first: argument 1 of 3: <123>$' "${many[@]}" \
    -i "$work/first" 'first ${t1}${t2}${t3} end=${host-port} $(task-create) $(task-resume)'

# GRUB passes the same words on.
runs 'from a CD image' '^first: its stack is good$' -D -a 'x=1,2 -s' \
    -i "$work/first" 'first ${x}$ ${boot-args} end=${host-port} $(task-create) $(task-resume)'
also 'a variable' '^first: argument 1 of 4: <1,2\$>$'
also 'the boot arguments' '^first: argument 2 of 4: <-s>$'
