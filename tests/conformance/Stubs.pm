# SPDX-License-Identifier: BSD-2-Clause
#
# Compares two sets of .defs by what MIG makes of them.
#
# For programs the stub's whole text must be the same, but for white space: the layout of request and reply, every type
# descriptor, checks, sizes, the C prototype. Inside a kernel the text differs as kernels do, so there the layouts, the
# descriptors and the ids are compared, with names of types that differ in name only made one.
package Stubs;
use strict;
use warnings;

my @defs = qw(
    device/device device/device_reply device/device_request
    mach/default_pager mach/default_pager_helper mach/exc mach/gnumach mach/mach mach/mach4 mach/mach_host
    mach/mach_port mach/machine/mach_i386 mach/memory_object mach/memory_object_default mach/notify mach/task_notify
    mach_debug/mach_debug
);

# Everything that a program may define; a type, a function and its argument in most.
my @hooks = (
    '-DMACH_PAYLOAD_TO_PORT=port_of_payload', '-DUSERPREFIX=user_', '-DSERVERPREFIX=server_',
    map({ "-D${_}_IMPORTS=import \"hooked.h\";" }
        qw(MACH MACH_HOST MACH_I386 MEMORY_OBJECT NOTIFY GNUMACH TASK_NOTIFY DEVICE)),
    map({ my $hook = $_;
          ("-D${hook}_INTRAN=hooked_t hooked_begin (mach_port_t)",
           "-D${hook}_INTRAN_PAYLOAD=hooked_t hooked_payload",
           "-D${hook}_OUTTRAN=mach_port_t hooked_port (hooked_t)",
           "-D${hook}_DESTRUCTOR=hooked_end (hooked_t)") } qw(MEMORY_OBJECT NOTIFY TASK_NOTIFY DEVICE)),
);

# How each .defs is used: which of MIG's outputs, with which definitions, compared how, and for which files.
my @modes = (
    { name => 'program', output => 'user', define => [], kernel => 0 },
    { name => 'program with hooks', output => 'user', define => \@hooks, kernel => 0 },
    { name => 'server', output => 'server', define => [], kernel => 0 },
    { name => 'server with sequence numbers', output => 'server', define => ['-DSEQNOS=1'], kernel => 0,
      if => 'SEQNOS' },
    { name => 'server with hooks', output => 'server', define => \@hooks, kernel => 0 },
    { name => 'kernel server', output => 'server', define => ['-DKERNEL_SERVER=1'], kernel => 1,
      if => 'KERNEL_SERVER' },
    { name => 'kernel user', output => 'user', define => ['-DKERNEL_USER=1'], kernel => 1, if => 'KERNEL_USER' },
);

# MIG's compiler is a program of i386; where the machine does not run those, it is run by qemu-i386.
sub prepare {
    my ($tools) = @_;
    return if $ENV{MIGCOM};
    my $migcom = '/usr/lib/mig/i686-gnu-migcom';
    return if !-x $migcom || system("$migcom </dev/null >/dev/null 2>&1") >> 8 != 126;
    open my $out, '>', "$tools->{work}/migcom" or die "$tools->{work}/migcom: $!\n";
    print $out "#!/bin/sh\nexec qemu-i386 $migcom \"\$@\"\n";
    close $out;
    chmod 0755, "$tools->{work}/migcom";
    @ENV{qw(MIGDIR MIGCOM)} = ($tools->{work}, 'migcom');
}

# The file of a .defs: one of the set's, or the one that every set must understand.
sub path {
    my ($tools, $include, $defs) = @_;
    return $defs eq 'probe' ? "$tools->{here}/probe.defs" : "$include/$defs.defs";
}

# The text that MIG makes, or undef and why not.
sub generate {
    my ($tools, $include, $defs, $mode) = @_;
    my %file = map { $_ => "$tools->{work}/mig.$_" } qw(user server header sheader);
    unlink values %file;
    local $ENV{CC} = join ' ', @{ $tools->{cc} }, '-m32 -nostdinc', "-I$include";
    my @command = ($tools->{mig}, '-n', '-DMACH_PCSAMPLE=1', @{ $mode->{define} },
                   map({ ("-$_", $file{$_}) } sort keys %file), path($tools, $include, $defs));
    my $pid = open my $messages, '-|';
    die "fork: $!\n" unless defined $pid;
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec @command or die "$command[0]: $!\n";
    }
    my $text = join '', <$messages>;
    return (undef, $text || "$tools->{mig} failed\n") if !close $messages || !-s $file{ $mode->{output} };
    local $/;
    open my $in, '<', $file{ $mode->{output} } or return (undef, "no output\n");
    return (scalar <$in>, '');
}

# What of a stub is the message, and not how the kernel handles it.
sub layout {
    my ($text) = @_;
    my @parts;
    while ($text =~ /typedef struct \{((?:[^{}]|\{[^{}]*\})*)\} (Request|Reply);/g) { push @parts, "$2 {$1}" }
    while ($text =~ /const (mach_msg_type_(?:long_)?t) (\w+) = \{(.*?)\};/g) { push @parts, "$1 $2 {$3}" }
    while ($text =~ /(InP->Head\.msgh_id = \d+)/g) { push @parts, $1 }
    while ($text =~ /\b(?:In0P->Head\.msgh_size|msgh_size) (?:!=|<) ([0-9]+)/g) { push @parts, "size $1" }
    my $layout = join "\n", @parts;
    $layout =~ s/\brpc_(?=(?:vm|long)_|recnum_t|time_value_t)//g;
    return $layout;
}

# Each routine's id and stub: { name => { id, text } }. Names are without the mode's prefix.
sub routines {
    my ($text, $mode) = @_;
    my (%routines, %id);
    if ($text =~ /(\w+)_routines\[\] = \{(.*?)\};.*?msgh_id - (\d+)/s) {
        my ($id, $table) = ($3, $2);
        for (split /,/, $table) {
            $id{$1} = $id if /_X(\w+)/;
            $id++;
        }
    }
    $text =~ s/\nmig_routine_t \w+_routines\[\].*//s;
    my (undef, @parts) = split m{^/\* (Simple)?Routine (\w+) \*/$}m, $text;
    while (my ($simple, $name, $body) = splice @parts, 0, 3) {
        my $id = $mode->{output} eq 'server' ? $id{$name} : ($body =~ /msgh_id = (\d+)/)[0];
        my $stub = ($simple // '') . "Routine\n$body";
        $stub =~ s/[ \t]+/ /g;
        $stub =~ s/^ | $//mg;
        if ($mode->{kernel}) {
            $stub =~ s{/\*.*?\*/|\n}{ }gs;
            $stub =~ s/ +/ /g;
            $stub = ($simple // '') . "Routine\n" . layout($stub);
        }
        $routines{$name} = { id => $id // 'none', text => $stub };
    }
    return \%routines;
}

# The first line in which two stubs differ.
sub difference {
    my ($ours, $theirs) = @_;
    my @ours = split /\n/, $ours;
    my @theirs = split /\n/, $theirs;
    for my $line (0 .. (@ours > @theirs ? $#ours : $#theirs)) {
        my ($our, $their) = ($ours[$line] // '(end)', $theirs[$line] // '(end)');
        return "ours:   $our\ntheirs: $their" if $our ne $their;
    }
    return;
}

sub compare {
    my ($tools, $ours, $theirs, $lists, $point) = @_;
    prepare($tools);
    for my $defs (@defs, 'probe') {
        my $file = "$defs.defs";
        my (%problems, %ids, %modes, @broken, %new);
        my $reference = do { local (@ARGV, $/) = path($tools, $theirs, $defs); <> };
        for my $mode (@modes) {
            next if $mode->{if} && $reference !~ /\b$mode->{if}\b/;
            my ($their_text, $their_error) = generate($tools, $theirs, $defs, $mode);
            my ($our_text, $our_error) = generate($tools, $ours, $defs, $mode);
            if (!defined $their_text || !defined $our_text) {
                push @broken, "$mode->{name}: MIG fails: ours: $our_error; theirs: $their_error";
                next;
            }
            my ($their, $our) = (routines($their_text, $mode), routines($our_text, $mode));
            for my $name (keys %$their) {
                my ($a, $b) = ($our->{$name}, $their->{$name});
                push @{ $modes{$name} }, $mode->{name};
                $ids{$name} = $b->{id};
                if (!$a) {
                    push @{ $problems{$name} }, "$mode->{name}: missing";
                } elsif ($a->{id} ne $b->{id}) {
                    push @{ $problems{$name} }, "$mode->{name}: the id is $a->{id}";
                } elsif (my $difference = difference($a->{text}, $b->{text})) {
                    push @{ $problems{$name} }, "$mode->{name}:\n$difference";
                }
            }
            $new{$_}{ $our->{$_}{id} } = 1 for grep { !$their->{$_} } keys %$our;
        }
        $point->("$file: MIG understands it", @broken);
        $point->("$file: $_ $ids{$_} (" . join(', ', @{ $modes{$_} }) . ')', @{ $problems{$_} // [] })
            for sort { $ids{$a} <=> $ids{$b} } keys %ids;
        for my $name (sort keys %new) {
            my $addition = $lists->{additions}{routine}{$name};
            my $found = join ' and ', sort keys %{ $new{$name} };
            $addition->{used} = 1 if $addition;
            $point->("$file: addition $name",
                     !$addition ? 'is not listed' : $addition->{value} ne "$file $found" ? "is $file $found" : ());
        }
    }
}

1;
