# SPDX-License-Identifier: BSD-2-Clause
#
# Compares two sets of headers by what a compiler makes of them.
#
# All headers of a set are compiled in one unit. A macro that is an integer constant, or is one when applied to sample
# arguments, is compared by value, size and sign, as the compiler evaluates it into an object file; any other by its
# expansion. Types are compared by their debug information: sizes, offsets, bits and the names of members and of basic
# types. What is not a value, not the same text, and no type, is compared by the code that samples.c makes of it.
package Headers;
use strict;
use warnings;
use File::Basename qw(basename dirname);
use File::Find ();
use File::Path qw(make_path);

# Assembly, compared in another way.
my %assembly = map { $_ => 1 } qw(mach/syscall_sw.h mach/i386/syscall_sw.h mach/i386/asm.h);

# Arguments for macros of as many parameters: numbers, and where a type belongs.
my @samples = ([5, 3, 2, 7, 1], ['0x2345', '0x12', '0x1000', 1, 0], [0, 0, 0, 0, 0], [16, 18, 0, 2, 9],
               [1, 2, 'struct partition', 0, 0]);

# Headers and .defs below a directory, each once (mach/machine is a link in one set and a folder in the other).
sub files {
    my ($include) = @_;
    my @files;
    for my $directory (qw(mach mach_debug device)) {
        File::Find::find({ no_chdir => 1, wanted => sub {
            push @files, substr $_, length("$include/") if -f && /\.(h|defs)$/ && !m{/mach/machine/};
        } }, "$include/$directory");
    }
    my @sorted = sort @files;
    return @sorted;
}

sub slurp {
    my ($file) = @_;
    local $/;
    open my $in, '<', $file or die "$file: $!\n";
    return <$in>;
}

sub spew {
    my ($file, $text) = @_;
    make_path(dirname($file));
    open my $out, '>', $file or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
    return $file;
}

# What the reference includes and does not install, so that more of it can be compared.
sub shims {
    my ($tools) = @_;
    my $shims = "$tools->{work}/shims";
    spew("$shims/sys/types.h", "#include <stddef.h>\n#include <stdint.h>\n");
    spew("$shims/string.h", "#include <stddef.h>\nvoid *memset(void *, int, size_t);\n");
    spew("$shims/kern/macros.h", "#define __packed __attribute__((packed))\n");
    spew("$shims/mach/machine/exec/elf.h", "#include <stdint.h>\n" .
         "typedef uint32_t Elf32_Addr, Elf32_Off, Elf32_Word;\ntypedef int32_t Elf32_Sword;\ntypedef uint16_t Elf32_Half;\n");
    return $shims;
}

# Runs the compiler for i386 on one set; returns whether it worked, and all that it said.
sub compile {
    my ($tools, $set, @arguments) = @_;
    my @command = (@{ $tools->{cc} }, qw(-m32 -march=i486 -std=gnu11 -ffreestanding -fno-pic -fno-stack-protector
                   -fno-asynchronous-unwind-tables -nostdinc), '-isystem', $tools->{gcc_include}, "-I$set",
                   "-I$tools->{shims}", @arguments);
    return output(@command);
}

sub output {
    my (@command) = @_;
    my $pid = open my $from, '-|';
    die "fork: $!\n" unless defined $pid;
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        $ENV{LC_ALL} = 'C';
        exec @command or die "$command[0]: $!\n";
    }
    my $text = join '', <$from>;
    return (close($from), $text);
}

# A unit that includes all of them.
sub unit {
    my ($headers) = @_;
    return "#include <mach/mach_types.h>\n#include <mach/message.h>\n#include <device/device_types.h>\n" .
           "#include <string.h>\nstruct dkbad { char bytes[100]; };\n#define assert(condition)\n" .
           join '', map { "#include <$_>\n" } @$headers;
}

# The macros that each header defines: { name => { file, parameters } }, without those that mark it as included.
sub macros {
    my ($tools, $set, $headers) = @_;
    my $source = spew("$tools->{work}/macros.c", unit($headers));
    my ($worked, $text) = compile($tools, $set, qw(-E -dD), $source);
    die "the headers of $set do not compile:\n$text" unless $worked;
    my ($file, %macros) = ('');
    for (split /\n/, $text) {
        if (/^# \d+ "([^"]+)"/) {
            $file = index($1, "$set/") == 0 ? substr $1, length "$set/" : '';
            $file =~ s{^mach/machine/}{mach/i386/};
        } elsif ($file && /^#define (\w+)(\(([^)]*)\))? ?(.*)/) {
            $macros{$1} = { file => $file, parameters => defined $2 ? [split /\s*,\s*/, $3] : undef, body => $4 };
        }
    }
    delete @macros{ grep { $macros{$_}{body} =~ /^1?$/ && /_H_{0,2}$|^_MACH_BOOT|_h$/ } keys %macros };
    return \%macros;
}

# Ways to write each macro: { key => { name, text } }, one for a plain macro, one a sample for one with parameters.
sub uses {
    my ($macros) = @_;
    my %uses;
    for my $name (keys %$macros) {
        my $parameters = $macros->{$name}{parameters};
        if (!$parameters) {
            $uses{$name} = { name => $name, text => $name };
            next;
        }
        for my $sample (0 .. $#samples) {
            my $arguments = join ', ', @{ $samples[$sample] }[0 .. $#$parameters];
            $uses{"$name $sample"} = { name => $name, text => "$name($arguments)" };
        }
    }
    return \%uses;
}

# The expansion of each use, with the white space that matters.
sub expansions {
    my ($tools, $set, $headers, $uses) = @_;
    my @keys = sort keys %$uses;
    my $source = spew("$tools->{work}/expand.c", unit($headers) .
                      join '', map { "\@\@$_\@\@ $uses->{$keys[$_]}{text}\n" } 0 .. $#keys);
    my ($worked, $text) = compile($tools, $set, qw(-E -P), $source);
    die "the macros of $set do not expand:\n$text" unless $worked;
    my %expansions;
    $text =~ s/\n(?!\@\@)/ /g;
    while ($text =~ /^\@\@(\d+)\@\@ ?(.*)$/mg) {
        my ($key, $expansion) = ($keys[$1], $2);
        $expansion =~ s/\s+/ /g;
        1 while $expansion =~ s/(?<=\W) | (?=\W)//g;
        $expansions{$key} = $expansion;
    }
    return \%expansions;
}

# The values of those uses that have one: { key => "value size sign" }.
sub values_of {
    my ($tools, $set, $headers, $uses, $expansions) = @_;
    my @keys = grep { length($expansions->{$_} // '') && $expansions->{$_} !~ /[{};"]/ } sort keys %$uses;
    my $unit = unit($headers);
    my $lines = () = $unit =~ /\n/g;
    # Every round drops the lines that the compiler refuses; new ones can appear behind errors of syntax.
    for my $round (1 .. 20) {
        my $source = spew("$tools->{work}/values.c", $unit . join '', map {
            my $text = $uses->{$_}{text};
            "__attribute__((section(\".facts\"), used)) static const long long fact_" . s/\W/_/gr .
            "[3] = { (long long) ($text), sizeof($text), ((__typeof__(($text) + 0)) -1 < 0) };\n"
        } @keys);
        my $object = "$tools->{work}/values.o";
        unlink $object;
        my ($worked, $text) = compile($tools, $set, qw(-w -fno-toplevel-reorder -ftrack-macro-expansion=0 -c -o),
                                      $object, $source);
        if ($worked) {
            my $facts = "$tools->{work}/values.bin";
            output($tools->{objcopy}, '-O', 'binary', '-j', '.facts', $object, $facts);
            my @facts = unpack 'q<*', slurp($facts);
            die "facts and uses differ in number\n" if @facts != 3 * @keys;
            return { map {
                my ($value, $size, $signed) = splice @facts, 0, 3;
                ($_ => "$value, $size bytes" . ($signed ? '' : ' unsigned'))
            } @keys };
        }
        my %bad = map { ($_ - $lines - 1 => 1) } $text =~ /^\Q$source\E:(\d+):\d+: error/mg;
        die "values of $set: $text" if !%bad;
        @keys = @keys[grep { !$bad{$_} } 0 .. $#keys];
    }
    die "values of $set: no end of errors\n";
}

sub compare_macros {
    my ($tools, $ours, $theirs, $headers, $lists, $point) = @_;
    my %sets = (ours => $ours, theirs => $theirs);
    my (%macros, %uses, %expansions, %values);
    for my $set (qw(theirs ours)) {
        my $list = $headers->{$set};
        $macros{$set} = macros($tools, $sets{$set}, $list);
        $uses{$set} = uses($macros{$set});
        $expansions{$set} = expansions($tools, $sets{$set}, $list, $uses{$set});
        $values{$set} = values_of($tools, $sets{$set}, $list, $uses{$set}, $expansions{$set});
    }
    my (%problems, %count, $valued);
    for my $name (sort keys %{ $macros{theirs} }) {
        my ($their, $our) = map { $macros{$_}{$name} } qw(theirs ours);
        my $file = $their->{file};
        $count{$file}++;
        my $problem;
        if (!$our) {
            $problem = 'missing';
        } elsif (!defined $our->{parameters} != !defined $their->{parameters} ||
                 $our->{parameters} && @{ $our->{parameters} } != @{ $their->{parameters} }) {
            $problem = 'has other parameters';
        } else {
            for my $key (grep { $uses{theirs}{$_}{name} eq $name } keys %{ $uses{theirs} }) {
                my ($their_value, $our_value) = map { $values{$_}{$key} } qw(theirs ours);
                $valued++ if defined $their_value;
                if (defined $their_value && ($our_value // 'no value') ne $their_value) {
                    $problem = "is " . ($our_value // 'no value') . ", theirs $their_value";
                } elsif (!defined $their_value) {
                    my ($their_text, $our_text) = map { $expansions{$_}{$key} // '' } qw(theirs ours);
                    $problem //= "is $our_text\ntheirs $their_text" if $our_text ne $their_text;
                }
            }
        }
        next unless $problem;
        if (my $exception = $lists->{exceptions}{macro}{$name}) {
            $exception->{used} = 1;
        } else {
            push @{ $problems{$file} }, "$name: $problem";
        }
    }
    for my $name (sort keys %{ $macros{ours} }) {
        next if $macros{theirs}{$name};
        my $addition = $lists->{additions}{macro}{$name};
        my $file = $macros{ours}{$name}{file};
        if ($addition) {
            $addition->{used} = 1;
            my $value = ($values{ours}{$name} // $expansions{ours}{$name} // '') =~ s/,.*//r;
            push @{ $problems{$file} }, "$name: is $value, listed as $addition->{value}"
                if $addition->{value} ne '' && $addition->{value} ne $value;
        } else {
            push @{ $problems{$file} }, "$name: not in theirs, and not listed";
        }
        $count{$file} //= 0;
    }
    $point->("$_: $count{$_} macros", @{ $problems{$_} // [] }) for sort keys %count;
    print "# $valued values compared\n";
}

# Debug information as a table: { offset => { tag, level, attributes..., children } }.
sub debug_information {
    my ($tools, $object) = @_;
    my (undef, $text) = output($tools->{readelf}, '--debug-dump=info', '-W', $object);
    my (%entries, @stack, $entry);
    for (split /\n/, $text) {
        if (/^ <([0-9a-f]+)><([0-9a-f]+)>: Abbrev Number: \d+ \(DW_TAG_(\w+)\)/) {
            my $level = hex $1;
            $entry = { tag => $3, offset => $2, children => [] };
            $entries{$2} = $entry;
            $stack[$level] = $entry;
            push @{ $stack[$level - 1]{children} }, $entry if $level > 0;
        } elsif ($entry && /^ +<[0-9a-f]+> +DW_AT_(\w+) *: (.*?)\s*$/) {
            # readelf says "(form) value<tab>(meaning)" or "(form) <0xreference>, names"; older ones leave the form out.
            my ($attribute, $value) = ($1, $2);
            $value =~ s/^\((?:addr|data\d+|[su]data|implicit_const|flag\w*|ref\w+|string|\w*strp\w*|exprloc|block\d*)\) //;
            $value =~ s/^\((?:indirect|offset).*?\): //;
            $value =~ s/^<0x([0-9a-f]+)>.*/$1/;
            $value =~ s/\t.*//;
            $entry->{$attribute} = $value;
        }
    }
    return \%entries;
}

# A type in words. Structs inside are spelled out; those behind a pointer are named, so that it ends.
sub describe {
    my ($entries, $offset, $behind) = @_;
    return 'void' unless defined $offset;
    my $entry = $entries->{$offset} // die "debug information refers to $offset, which is not there\n";
    my $tag = $entry->{tag};
    if ($tag eq 'base_type') {
        return $entry->{name};
    } elsif ($tag eq 'typedef') {
        return describe($entries, $entry->{type}, $behind);
    } elsif ($tag =~ /^(const|volatile)_type$/) {
        return "$1 " . describe($entries, $entry->{type}, $behind);
    } elsif ($tag eq 'pointer_type') {
        return 'pointer to ' . describe($entries, $entry->{type}, 1);
    } elsif ($tag eq 'array_type') {
        my @bounds = map { '[' . (defined $_->{upper_bound} ? $_->{upper_bound} + 1 : $_->{count} // '') . ']' }
                     @{ $entry->{children} };
        return describe($entries, $entry->{type}, $behind) . join '', @bounds;
    } elsif ($tag eq 'subroutine_type') {
        return describe($entries, $entry->{type}, 1) . ' function(' .
               join(', ', map { $_->{tag} eq 'unspecified_parameters' ? '...' : describe($entries, $_->{type}, 1) }
                    @{ $entry->{children} }) . ')';
    } elsif ($tag eq 'enumeration_type') {
        return 'enum { ' . join(', ', map { "$_->{name} = $_->{const_value}" } @{ $entry->{children} }) . ' }';
    }
    my $kind = $tag =~ s/_type$//r =~ s/^structure$/struct/r;
    return "$kind $entry->{name}" if $behind && $entry->{name};
    my @members = map {
        my $member = $_;
        my $bits = join '', map { defined $member->{$_} ? " $_ $member->{$_}" : '' }
                   qw(bit_size bit_offset data_bit_offset);
        '  at ' . ($member->{data_member_location} // 0) . "$bits: " . ($member->{name} // '(unnamed)') . ' ' .
        describe($entries, $member->{type}, $behind)
    } grep { $_->{tag} eq 'member' } @{ $entry->{children} };
    my ($size, $alignment) = ($entry->{byte_size} // 'unknown', $entry->{alignment} // 'natural');
    return "$kind, $size bytes, alignment $alignment {\n" . join("\n", @members) . "\n}";
}

# { "struct x" or "type y" or "function z" => description }
sub types {
    my ($tools, $set, $headers) = @_;
    my ($source, $object, $prototypes) = map { "$tools->{work}/types.$_" } qw(c o X);
    spew($source, unit($headers));
    my ($worked, $text) = compile($tools, $set, qw(-w -fsyntax-only -aux-info), $prototypes, $source);
    die "the headers of $set do not compile:\n$text" unless $worked;
    # A function that is only declared has no debug information; a type made from it has.
    my @functions = slurp($prototypes) =~ m{^/\* \Q$set\E/.*? \*/ [^(]*?\b(\w+) \(}mg;
    spew($source, unit($headers) . join '', map { "typedef __typeof__($_) function_$_;\n" } @functions);
    ($worked, $text) = compile($tools, $set, qw(-gdwarf-5 -fno-eliminate-unused-debug-types -w -c -o), $object,
                               $source);
    die "the headers of $set do not compile:\n$text" unless $worked;
    my $entries = debug_information($tools, $object);
    my %types;
    for my $entry (values %$entries) {
        my $name = $entry->{name};
        next if $entry->{declaration} || !defined $name;
        if ($entry->{tag} =~ /^(structure|union|enumeration)_type$/) {
            my $kind = $1 =~ s/structure/struct/r =~ s/enumeration/enum/r;
            $types{"$kind $name"} = describe($entries, $entry->{offset}, 0);
        } elsif ($entry->{tag} eq 'typedef') {
            my $kind = $name =~ s/^function_// ? 'function' : 'type';
            $types{"$kind $name"} = describe($entries, $entry->{type}, 0);
        }
    }
    return \%types;
}

sub compare_types {
    my ($tools, $ours, $theirs, $headers, $lists, $point) = @_;
    my ($our, $their) = (types($tools, $ours, $headers->{ours}), types($tools, $theirs, $headers->{theirs}));
    for my $type (sort keys %$their) {
        my @problems;
        if (!exists $our->{$type}) {
            push @problems, 'missing';
        } elsif ($our->{$type} ne $their->{$type}) {
            push @problems, "ours: $our->{$type}", "theirs: $their->{$type}";
        }
        my $exception = $lists->{exceptions}{ $type =~ s/ .*//r }{ $type =~ s/.* //r };
        if (@problems && $exception) {
            $exception->{used} = 1;
            next;
        }
        $point->($type, @problems);
    }
    my @unlisted;
    for my $type (sort grep { !exists $their->{$_} } keys %$our) {
        my ($kind, $name) = split / /, $type;
        my $addition = $lists->{additions}{$kind}{$name};
        $addition ? $addition->{used} = 1 : push @unlisted, $type;
    }
    $point->('types: those that only we have are listed', @unlisted);
}

# Machine code of a source under both sets, as text.
sub code {
    my ($tools, $set, @arguments) = @_;
    my $object = "$tools->{work}/code.o";
    unlink $object;
    my ($worked, $text) = compile($tools, $set, '-c', '-o', $object, @arguments);
    return "does not compile:\n$text" unless $worked;
    (undef, $text) = output($tools->{objdump}, '-drts', $object);
    $text =~ s/^.*file format.*\n|^.*\*ABS\*.*\n|^Contents of section \.comment:.*?(?=^\S|\z)//msg;
    return $text;
}

sub compare_code {
    my ($tools, $ours, $theirs, $lists, $point) = @_;
    for my $case (['samples.c: statements', '-O2', '-w', "$tools->{here}/samples.c"],
                  ['mach/i386/asm.h: code', "$tools->{here}/samples.S"],
                  ['mach/i386/asm.h: code for profiling', '-DGPROF', "$tools->{here}/samples.S"]) {
        my ($name, @arguments) = @$case;
        my ($our, $their) = (code($tools, $ours, @arguments), code($tools, $theirs, @arguments));
        $point->($name, $their =~ /^does not compile/ ? "theirs $their" :
                        $our ne $their ? Stubs::difference($our, $their) : ());
    }
}

# The traps: the code of each function has the number, the text its number of arguments.
sub traps {
    my ($tools, $set) = @_;
    my $source = spew("$tools->{work}/traps.S", "#include <mach/syscall_sw.h>\n");
    my $object = "$tools->{work}/traps.o";
    my ($worked, $text) = compile($tools, $set, '-c', '-o', $object, $source);
    die "the traps of $set do not assemble:\n$text" unless $worked;
    (undef, $text) = output($tools->{objdump}, '-d', '--no-show-raw-insn', $object);
    my %traps;
    while ($text =~ /^[0-9a-f]+ <(\w+)>:\n((?:.+\n)+)/mg) {
        my ($name, $code) = ($1, $2);
        my @instructions = grep { !/\bnop\b|xchg|lea / } split /\n/, $code; # without what pads
        $traps{$name} = join '; ', map { s/^\s*[0-9a-f]+:\s*//r =~ s/\s+/ /gr } @instructions;
    }
    my $header = slurp("$set/mach/syscall_sw.h");
    while ($header =~ /^kernel_trap\s*\(\s*(\w+)\s*,\s*-?\d+\s*,\s*(\d+)\s*\)/mg) {
        $traps{$1} .= "; $2 arguments" if exists $traps{$1};
    }
    return \%traps;
}

sub compare_traps {
    my ($tools, $ours, $theirs, $lists, $point) = @_;
    my ($our, $their) = (traps($tools, $ours), traps($tools, $theirs));
    for my $name (sort keys %$their) {
        my $found = $our->{$name} // 'missing';
        $point->("trap $name", $found eq $their->{$name} ? () : ("ours: $found", "theirs: $their->{$name}"));
    }
    for my $name (sort grep { !exists $their->{$_} } keys %$our) {
        my $addition = $lists->{additions}{trap}{$name};
        $addition->{used} = 1 if $addition;
        my $number = $our->{$name} =~ /\$0x([0-9a-f]+),%eax/ ? unpack 'l', pack 'L', hex $1 : 'none';
        $point->("trap $name (addition)",
                 !$addition ? 'is not listed' : $addition->{value} ne $number ? "is $number" : ());
    }
}

# Each of ours can be included first and alone, and again, in the C of 1989 and with all warnings.
sub compare_alone {
    my ($tools, $ours, $headers, $point) = @_;
    my @problems;
    for my $header (@$headers) {
        my $source = spew("$tools->{work}/alone.c", "#include <$header>\n#include <$header>\nextern int not_empty;\n");
        my ($worked, $text) = compile($tools, $ours, qw(-std=gnu89 -Wall -Wextra -Wstrict-prototypes -Werror
                                                             -fsyntax-only), $source);
        push @problems, "$header: $text" unless $worked;
    }
    $point->('headers: each compiles alone', @problems);
}

sub compare {
    my ($tools, $ours, $theirs, $lists, $point) = @_;
    my (undef, $gcc_include) = output(@{ $tools->{cc} }, '-print-file-name=include');
    chomp($tools->{gcc_include} = $gcc_include);
    $tools->{shims} = shims($tools);
    my %headers;
    for (['ours', $ours], ['theirs', $theirs]) {
        my ($set, $include) = @$_;
        for (grep { /\.h$/ && !$assembly{$_} } files($include)) {
            my $exception = $lists->{exceptions}{file}{$_};
            $exception ? $exception->{used} = 1 : push @{ $headers{$set} }, $_;
        }
    }
    compare_alone($tools, $ours, $headers{ours}, $point);
    compare_macros($tools, $ours, $theirs, \%headers, $lists, $point);
    compare_types($tools, $ours, $theirs, \%headers, $lists, $point);
    compare_code($tools, $ours, $theirs, $lists, $point);
    compare_traps($tools, $ours, $theirs, $lists, $point);
}

1;
