#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# install.t BUILD: what `make install' in BUILD installs is enough for a program: the examples are built out of the tree by
# pkg-config's flags alone, and run on the kernel.
set -u
build=$(cd "${1?}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
examples=$(make -s -C "$build" print-list LIST=user_examples)
# shellcheck disable=SC2086
set -- $examples
echo 1..$((4 + 2 * $#))
number=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# try NAME COMMAND...: one test; what the command says is a comment when it fails.
try()
{
    local name=$1
    shift
    number=$((number + 1))
    if "$@" >"$work/log" 2>&1; then
        echo "ok $number - $name"
    else
        tail -n 30 "$work/log" | sed 's/^/# /'
        echo "not ok $number - $name"
    fi
}
# As packagers install: below a folder that is not the prefix.
install_all()
{
    make -C "$build" install DESTDIR="$work/root" &&
        prefix=$(make -s -C "$build" print-list LIST=libdir) &&
        [ -f "$work/root$prefix/pkgconfig/machair.pc" ]
}
flags()
{
    PKG_CONFIG_LIBDIR=$work/root$prefix/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/root PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 \
        PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config "$@" machair
}
compile()
{
    # shellcheck disable=SC2046
    (cd "$work" && gcc -O2 -Wall -Werror $(flags --cflags) -o "$2" "$1" $(flags --libs))
}
# Headers must not lean on what was included before them.
headers_alone()
{
    local header
    for header in $(cd "$work/root$(make -s -C "$build" print-list LIST=machairincludedir)" && find . -name '*.h'); do
        printf '#include <%s>\n' "${header#./}" >"$work/alone.c"
        # shellcheck disable=SC2046
        gcc -Wall -Werror $(flags --cflags) -fsyntax-only "$work/alone.c" || return 1
    done
}
# Pages, and names that lead to them.
manual()
{
    local man
    man=$work/root$(make -s -C "$build" print-list LIST=mandir)
    [ -f "$man/man4/machair.4" ] && [ -f "$man/man3/memory_object_data_return.3" ] &&
        [ -L "$man/man3/seqnos_memory_object_data_return.3" ] && [ -z "$(find -L "$man" -type l)" ]
}
# No two of its parts define the same, and nothing is missing: a program may use all of them.
link_all()
{
    echo 'int main(void) { return 0; }' >"$work/all.c"
    # shellcheck disable=SC2046
    (cd "$work" && gcc $(flags --cflags) -o all all.c -Wl,--whole-archive $(flags --libs))
}
boots()
{
    "$here/run-example" "$build/machair" "$1" >"$work/boot" && cat "$work/boot" && grep -q '^ok 1 ' "$work/boot"
}
try 'make install, and machair.pc' install_all
try 'the manual is there' manual
try 'each header can be included by itself' headers_alone
try 'all of the library links into one program' link_all
for example; do
    name=${example##*/}
    # Away from the tree, so that nothing of it is found by chance.
    cp "$here/../user/examples/$name".[cS] "$work/"
    [ "$name" != file ] || { cp "$here/../user/examples/disk.S" "$work/" && compile disk.S disk; }
    try "$name is built with pkg-config's flags" compile "$name.c" "$name"
    try "$name runs" boots "$work/$name"
done
