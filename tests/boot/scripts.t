# SPDX-License-Identifier: BSD-2-Clause
# Boot scripts and kernel options that mean nothing.
. "$(dirname "$0")/lib.sh"
echo 1..19

script_stops 'an unknown function' 'nothing.*task-destroy' 'nothing ${host-port} $(task-destroy)'
script_stops 'an unknown variable' 'nothing.*no-such-port' 'nothing ${no-such-port} $(task-create) $(task-resume)'
script_stops 'a variable that does not end' 'nothing' 'nothing ${host-port $(task-create)'
script_stops 'a function that does not end' 'nothing' 'nothing $(task-create'
script_stops 'a variable without a name' 'nothing' 'nothing ${} $(task-create) $(task-resume)'
script_stops 'a function without a name' 'nothing' 'nothing $() $(task-resume)'
script_stops 'task-resume without a task' 'nothing.*task' 'nothing $(task-resume)'
script_stops 'a program without a task' 'nothing.*task' 'nothing ${host-port}'
script_stops 'two tasks in one line' 'nothing.*task' 'nothing $(a=task-create) $(b=task-create) $(task-resume)'
script_stops 'a port of another kind as a task' 'nothing' 'nothing $(x=task-resume) $(task-create)'

# From a CD image: QEMU puts the file's path before the script.
stops 'the place is told' 'nothing: boot script, character 24: .*no-such-port' \
    -D -i "$work/nothing" 'nothing ${host-port} a=${no-such-port} $(task-create)'
script_stops 'a function within a word' 'nothing.*function within' 'nothing a$(task-create)'
script_stops 'text behind a function' 'nothing.*behind' 'nothing $(task-create)a'
script_stops 'a result without a name' 'nothing.*name' 'nothing $(=task-create)'
words=$(printf 'a%.0s ' {1..200})
script_stops 'too many arguments' 'nothing.*too many' "nothing $words \$(task-create)"
long=$(printf 'a%.0s' {1..4000})
stops 'arguments that become too long' 'nothing.*too long' -a "x=$long" -i "$work/nothing" 'nothing ${x}${x}${x} $(task-create)'
stops 'a command line that is too long' 'command line' -a "x=$long" -a "y=$long" -i "$work/nothing" "nothing${good_script#good}"

stops 'an unknown option' 'frobnicate' -a frobnicate -i "$work/nothing" "nothing${good_script#good}"
stops 'an unknown test' 'no-such-test' -a test=no-such-test
