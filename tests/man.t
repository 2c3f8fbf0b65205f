#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Holds the manual against the interface.
#
#     tests/man.t [SOURCE_DIR]
#
# - Every page passes mandoc's lint without a warning, and `make install' is told of it.
# - Every prototype in a SYNOPSIS is, to types and names, the one that MIG makes of our .defs, or that a header of the
#   library has; and the header that stands before it is that one.
# - Every call of the external memory management interface and every function of the library has a page.
# - Every .Xr leads to a page or a name of one.
# - Every argument is spoken of in the DESCRIPTION; so are the library's constants, the kernel's counters, and the
#   members of the kit's structs.
# - Every example compiles, after the headers of its page's SYNOPSIS.
#
# Output is TAP; the exit status is 0 when every point holds.
#
# Environment: CC (gcc), MIG (i686-gnu-mig), MIGDIR and MIGCOM as i686-gnu-mig has them.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Temp qw(tempdir);
use lib dirname(abs_path($0)) . '/conformance';
use Stubs;

my $top = abs_path($ARGV[0] // dirname(abs_path($0)) . '/..');
my $work = tempdir('man.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my @cc = split ' ', $ENV{CC} || 'gcc';
my $mig = $ENV{MIG} || 'i686-gnu-mig';

# What the pages must be about: all of these .defs, and of the others those that a pattern matches.
my %interface = (
    memory_object => qr/./, memory_object_default => qr/./, machair => qr/./,
    mach => qr/^memory_object_|^vm_(?:map|deallocate|set_default_memory_manager)$/,
    mach4 => qr/_create_proxy$/, gnumach => qr/^vm_(?:object_sync|msync)$/,
);
my @servers = map { ("$_", "seqnos_$_") } qw(memory_object memory_object_default);
my @library = qw(kit pager print program string uthread mach/mach_traps mach/mig_support);
# Names that a C library's manual has: they are in a page of ours and have no link.
my %no_link = map { $_ => 1 } qw(printf vprintf snprintf vsnprintf main),
    qw(memcpy memmove memset memcmp strlen strnlen strcmp strncmp strchr);

my ($points, $failed) = (0, 0);
sub point {
    my ($name, @problems) = @_;
    $points++;
    $failed++ if @problems;
    print @problems ? 'not ok' : 'ok', " $points - $name\n";
    print "#   $_\n" for map { split /\n/ } @problems;
}

sub contents {
    my ($file) = @_;
    open my $in, '<', $file or die "man.t: $file: $!\n";
    local $/;
    return scalar <$in>;
}

# What a command printed, on either output, and whether it succeeded.
sub output {
    my @command = @_;
    my $pid = open my $from, '-|';
    die "man.t: fork: $!\n" unless defined $pid;
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec @command or die "man.t: $command[0]: $!\n";
    }
    my $text = join '', <$from>;
    return ($text, close $from);
}

# ---- prototypes ----

# One form for all: single spaces, none around brackets and stars.
sub normal {
    my ($prototype) = @_;
    $prototype =~ s/__attribute__\s*\(\(.*\)\)//s;
    $prototype =~ s/\bextern\b//g;
    $prototype =~ s/\s+/ /g;
    $prototype =~ s/ ?([(),*;]) ?/$1/g;
    return $prototype =~ s/^ | ?;? ?$//gr;
}

my %prototype; # name => { text, header }

# All functions that a header declares. Names of types of functions are resolved.
sub declare {
    my ($header, $text) = @_;
    my %type;
    $text =~ s{/\*.*?\*/}{ }gs;
    $text =~ s/^#.*\n//mg;
    1 while $text =~ s/\{[^{}]*\}//g;
    for my $declaration (map { normal($_) } split /;/, $text) {
        if ($declaration =~ /^typedef (\w[\w ]*?) (\w+)\((.*)\)$/) {
            $type{$2} = [$1, $3];
        } elsif ($declaration =~ /^(\w+) (\w+)$/ && $type{$1}) {
            $prototype{$2} = { text => "$type{$1}[0] $2($type{$1}[1])", header => $header };
        } elsif ($declaration =~ /^[^(]*?(\w+)\(.*\)$/) {
            $prototype{$1} = { text => $declaration, header => $header };
        }
    }
}

# The constants of a header of the library, and the members of structs that a program fills in or is given.
sub constants {
    my ($text) = @_;
    my @found = $text =~ /^#define (\w+)[ (]+\S/mg;
    $text =~ s{/\*.*?\*/}{ }gs;
    push @found, map { /\b([A-Z]\w*)/g } $text =~ /^enum \w+ \{(.*?)\}/msg;
    for my $body ($text =~ /^struct kit_\w+ \{(.*?)^\}/msg) {
        push @found, map { /\(\*(\w+)\)/ ? $1 : /(\w+)\s*$/ ? $1 : () } split /;/, $body;
    }
    return @found;
}

# Runs MIG over a .defs; the header lies below the work folder's mig/, as it is installed. MIG guards a server's header by
# the subsystem's name, which two of ours share.
sub run_mig {
    my ($stub, @options) = @_;
    my ($kind) = $stub =~ /_(user|server)$/;
    (my $defs = $stub) =~ s/^seqnos_|_(?:user|server)$//g;
    my $header = "$work/mig/$stub.h";
    local $ENV{CC} = "@cc -m32 -nostdinc";
    my ($said) = output($mig, "-I$top/include", '-DMACH_PCSAMPLE=1', '-DMEMORY_OBJECT_SYNCHRONIZE=1', @options,
                        map({ ("-$_", '/dev/null') } qw(user server)), ($kind eq 'user' ? '-header' : '-sheader'), $header,
                        ($kind eq 'user' ? () : ('-header', '/dev/null')), "$top/include/mach/$defs.defs");
    return $said || "$mig failed\n" unless -s $header;
    my $text = contents($header);
    $text =~ s/_${defs}_server_\b/_${stub}_/g;
    open my $out, '>', $header or die "man.t: $header: $!\n";
    print $out $text;
    close $out;
    $text =~ s/.*?(?=^\/\* (?:Simple)?Routine)//ms;
    $text =~ s/^(?:mig_external)$//mg;
    $text =~ s/^extern mig_routine_t .*//ms;
    declare("mig/$stub.h", $text);
    return;
}

# ---- pages ----

# A line of mdoc as words, as its macros take them.
sub words {
    my ($line) = @_;
    my @words;
    push @words, defined $1 ? $1 : $2 while $line =~ /\G\s*(?:"((?:[^"]|"")*)"|(\S+))/gc;
    return @words;
}

my %page; # name => { file, text, section, names, synopsis }
for my $file (sort glob "$top/man/man[0-9]/*.[0-9]") {
    my ($name, $section) = basename($file) =~ /(.*)\.(\d)$/;
    my $text = contents($file);
    my %sections = $text =~ /^\.Sh ([^\n]*)\n(.*?)(?=^\.Sh |\z)/msg;
    my @names = ($sections{NAME} // '') =~ /^\.Nm (\w+)/mg;
    $page{$name} = { file => $file, text => $text, section => $section, names => \@names,
                     sections => \%sections };
}

# The prototypes of a SYNOPSIS in their order: [name, text, header].
sub synopsis {
    my ($text) = @_;
    my ($header, $type, @open, @found) = ('', '');
    for (split /\n/, $text) {
        my ($macro, @words) = words($_);
        if ($macro eq '.In') { $header = $words[0] }
        elsif ($macro eq '.Ft') { $type = join ' ', @words }
        elsif ($macro eq '.Fo') { @open = ($words[0]) }
        elsif ($macro eq '.Fa') { push @open, @words }
        elsif ($macro eq '.Fn') { @open = @words }
        if ($macro eq '.Fc' || $macro eq '.Fn') {
            my ($name, @arguments) = @open;
            push @found, [$name, normal("$type $name(" . join(', ', @arguments) . ')'), $header];
        }
    }
    return @found;
}

# The names of all arguments in a SYNOPSIS.
sub arguments {
    my ($text) = @_;
    my %names;
    for (map { $_->[1] } synopsis($text)) {
        my ($list) = /\((.*)\)$/;
        1 while $list =~ s/\((\*\w+)\)\([^()]*\)/$1/;
        /(\w+)$/ && $_ ne 'void' && ($names{$1} = 1) for split /,/, $list;
    }
    return sort keys %names;
}

# The examples of a page as C.
sub examples {
    my ($text) = @_;
    my @examples = $text =~ /^\.Bd -literal[^\n]*\n(.*?)^\.Ed/msg;
    for (@examples) {
        s/\\&//g;
        s/\\e/\\/g;
        s/\\-/-/g;
    }
    return @examples;
}

sub compile {
    my ($page) = @_;
    my $gcc_include = (output(@cc, '-print-file-name=include'))[0] =~ s/\s+$//r;
    my @problems;
    for my $example (examples($page->{sections}{EXAMPLES} // '')) {
        my @headers = $page->{sections}{SYNOPSIS} =~ /^\.In (\S+)/mg;
        open my $out, '>', "$work/example.c" or die "man.t: $work/example.c: $!\n";
        print $out map({ "#include <$_>\n" } @headers), qq(#line 1 "example"\n), $example;
        close $out;
        my ($said, $good) = output(@cc, qw(-m32 -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -ffreestanding -fno-pic
                                          -fno-stack-protector -nostdinc -isystem), $gcc_include, "-I$top/user/include",
                                   "-I$work", '-isystem', "$top/include", qw(-O2 -c -o), "$work/example.o",
                                   "$work/example.c");
        push @problems, $said || 'the compiler failed' unless $good;
    }
    return @problems;
}

$| = 1;
print "TAP version 13\n";
mkdir "$work/mig" or die "man.t: $work/mig: $!\n";
Stubs::prepare({ work => $work });

# Clients first: a server's function of the same name is another one, which only a manager defines.
my @broken;
push @broken, map { run_mig("${_}_user") } qw(mach mach4 mach_port gnumach machair);
push @broken, map { run_mig("${_}_server", /^seqnos_/ ? '-DSEQNOS=1' : ()) } @servers;
point('MIG makes the prototypes', @broken);
declare("$_.h", contents("$top/user/include/$_.h")) for @library;

my %stub_of = map { ("mig/${_}_server.h" => ($_ =~ s/^seqnos_//r), "mig/${_}_user.h" => $_) }
    @servers, qw(mach mach4 gnumach machair);
my @wanted = grep {
    my $header = $prototype{$_}{header};
    my $defs = $stub_of{$header};
    defined $defs ? s/^seqnos_//r =~ $interface{$defs} : $header !~ m{^mig/};
} sort keys %prototype;
point('the interface is found', @wanted > 100 ? () : "only @wanted");

my (%name_of, %described);
for my $name (sort keys %page) {
    push @{ $name_of{$_} }, $name for @{ $page{$name}{names} };
    $described{ $_->[0] } //= $name for synopsis($page{$name}{sections}{SYNOPSIS} // '');
}
point("$_ has a page", $described{$_} ? () : 'it is in no SYNOPSIS') for @wanted;

my $counters = $page{machair_host_counters}{sections}{DESCRIPTION} // '';
point('machair_host_counters(3): every counter is spoken of', grep { $counters !~ /\b$_\b/ && !/_NR_/ }
      constants(contents("$top/include/mach/machair.h")));
for my $header (grep { $page{$_} } @library) {
    my $said = $page{$header}{sections}{DESCRIPTION} // '';
    point("$header.h: constants and members are spoken of",
          grep { $said !~ /\b$_\b/ } constants(contents("$top/user/include/$header.h")));
}

my $makefile = contents("$top/man/Makefrag.am") =~ s/\\\n/ /gr;
my %installed = map { $_ => 1 } split ' ', ($makefile =~ /^dist_man_MANS = *(.*)$/m)[0] // '';
my %links = map { split /:/ } split ' ', ($makefile =~ /^man_links = *(.*)$/m)[0] // '';
point('pages are installed', map { my $file = $page{$_}{file} =~ s{^\Q$top\E/}{}r; delete $installed{$file} ? () : $file }
      sort keys %page);
point('what is installed is a page', sort keys %installed);
point('every name of a page leads to it', map {
    my $page = $_;
    map { ($links{$_} // '') eq $page ? () : "$_ of $page" }
        grep { $_ ne $page && !$no_link{$_} } @{ $page{$page}{names} };
} sort keys %page);
point('every link leads to a page with that name', map {
    my $link = $_;
    $page{$link} || !$page{ $links{$link} } || !grep({ $_ eq $link } @{ $page{ $links{$link} }{names} }) ? $link : ();
} sort keys %links);

for my $name (sort keys %page) {
    my $page = $page{$name};
    my ($said) = output('mandoc', '-T', 'lint', '-W', 'warning', $page->{file});
    point("$name($page->{section}): mandoc has nothing to say", $said ne '' ? $said : ());

    my @lost;
    while ($page->{text} =~ /^\.(?:It )?Xr (\S+) (\d)/mg) {
        my ($to, $section) = ($1, $2);
        push @lost, "$to($section)" unless grep { $page{$_}{section} == $section } @{ $name_of{$to} // [] };
    }
    point("$name($page->{section}): what it refers to is there", @lost);

    my @wrong = map { "$name has no section $_" } grep { !defined $page->{sections}{$_} } qw(NAME DESCRIPTION);
    push @wrong, "its first name is $page->{names}[0]" if ($page->{names}[0] // '') ne $name;
    push @wrong, map { "$name has no section $_" } grep { !defined $page->{sections}{$_} }
        qw(LIBRARY SYNOPSIS EXAMPLES), 'SEE ALSO' if $page->{section} == 3;
    point("$name($page->{section}): it has its parts", @wrong);
    next if $page->{section} != 3;

    my @differ;
    for (synopsis($page->{sections}{SYNOPSIS} // '')) {
        my ($function, $text, $header) = @$_;
        my $true = $prototype{$function};
        if (!$true) {
            push @differ, "nobody declares $function";
        } elsif ($true->{text} ne $text || $true->{header} ne $header) {
            push @differ, "page:   $text of $header", "header: $true->{text} of $true->{header}";
        }
    }
    point("$name(3): the prototypes are those of the headers", @differ);
    my $described = $page->{sections}{DESCRIPTION} // '';
    point("$name(3): every argument is spoken of", grep { $described !~ /^\.(?:It )?Fa (?:.* )?\Q$_\E\b/m }
          arguments($page->{sections}{SYNOPSIS} // ''));
    point("$name(3): the examples compile", compile($page));
}

print "1..$points\n";
print "# $failed of $points failed\n" if $failed;
exit($failed ? 1 : 0);
