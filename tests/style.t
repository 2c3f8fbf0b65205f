#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# style.t: what of the style can be checked by a machine, over the files that git has: lengths, licenses, tabs, scripts.
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! git ls-files >"$work/all" 2>/dev/null; then
    echo "1..0 # SKIP not a clone"
    exit 0
fi
echo 1..5
number=0
# try NAME COMMAND...: one test: good when the command has nothing to say.
try()
{
    number=$((number + 1))
    "${@:2}" >"$work/bad" 2>&1
    if [ -s "$work/bad" ]; then
        head -n 30 "$work/bad" | cut -c1-140 | sed 's/^/# /'
        echo "not ok $number - $1"
    else
        echo "ok $number - $1"
    fi
}

# Inputs of the fuzzers are not text.
grep -v '^tests/sim/corpus/[a-z]*/' "$work/all" >"$work/texts"
grep -E '\.(c|h|S|ld)$' "$work/texts" >"$work/sources"
grep -E '\.[ch]$' "$work/texts" >"$work/c"

long_lines()
{
    xargs awk 'length > 125 { print FILENAME ":" FNR ": " length " columns" }' <"$work/sources"
}
long_files()
{
    xargs wc -l <"$work/c" | awk '$2 != "total" && $1 > 960 { print $2 ": " $1 " lines" }'
}
licenses()
{
    grep -vxE 'LICENSE|.*\.gitignore' "$work/texts" | xargs grep -L 'SPDX-License-Identifier: BSD-2-Clause'
}
blanks()
{
    xargs grep -nP '\t|[ \t]+$' <"$work/sources"
}
# Not: spaces after =, commas in arrays (options of qemu), variables that tools/setup.sh sets, traps that expand at once.
scripts()
{
    xargs grep -lE '^#!/bin/(ba)?sh' <"$work/texts" |
        xargs shellcheck -s bash -S warning -e SC1007,SC1010,SC2054,SC2064,SC2154 -f gcc
}
try "lines of at most 125 columns" long_lines
try "sources of a size that can be read" long_files
try "a license in each file" licenses
try "no tabs, and nothing at the ends of lines" blanks
try "scripts that shellcheck passes" scripts
