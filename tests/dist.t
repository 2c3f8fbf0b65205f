#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dist.t BUILD: make dist in BUILD gives a tarball that configures with --host=, builds without a warning and installs.
set -u
build=${1?}
echo 1..5
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

# What git has is in it, and nothing but that and what autoreconf makes. Without git there is nothing to compare with.
compare_tarball()
{
    local source
    source=$(sed -n 's/^abs_top_srcdir = //p' "$build/Makefile")
    git -C "$source" ls-files >"$work/tree" || return 0
    grep -vx '.gitignore' "$work/tree" | sort >"$work/tracked"
    (cd "$work/machair-dist" && find . -type f -o -type l | sed 's|^\./||' |
        grep -vxE 'configure|Makefile\.in|aclocal\.m4|build-aux/.*' | sort) >"$work/packed"
    diff "$work/tracked" "$work/packed"
}
make_tarball()
{
    make -C "$build" dist-gzip distdir=machair-dist &&
        tar -xzf "$build/machair-dist.tar.gz" -C "$work" && rm "$build/machair-dist.tar.gz"
}
# A bare cross compiler, as far as it matters here: the names i686-elf-*, i386 and nothing else, and no C library to link
# a program with.
configure_cross()
{
    mkdir "$work/bin" "$work/build" && cd "$work/build" || return 1
    cat >"$work/bin/i686-elf-gcc" <<'END'
#!/bin/sh
case " $* " in
*" -c "* | *" -E "* | *" -S "* | *" -print-"* | *" -v "* | *" -V "* | *version*) exec gcc -m32 "$@" ;;
esac
echo "i686-elf-ld: cannot find crt0.o" >&2
exit 1
END
    printf '#!/bin/sh\nexec ld -m elf_i386 "$@"\n' >"$work/bin/i686-elf-ld"
    for tool in ar ranlib nm objcopy strip; do
        printf '#!/bin/sh\nexec %s "$@"\n' $tool >"$work/bin/i686-elf-$tool"
    done
    chmod +x "$work"/bin/*
    PATH=$work/bin:$PATH ../machair-dist/configure --host=i686-elf --prefix="$work/root"
}
build_cross()
{
    cd "$work/build" && PATH=$work/bin:$PATH make -j"$(nproc)" >"$work/make.log" 2>&1 || { cat "$work/make.log"; return 1; }
    ! grep -i 'warning' "$work/make.log" && [ -s machair ] && [ -s machair.iso ]
}
# All that include/ holds for programs is there, and nothing else; mig_support.h is the kernel's. What the library has lies in
# machair/: its headers, and those of the stubs.
install_cross()
{
    cd "$work/build" && PATH=$work/bin:$PATH make install || return 1
    (cd ../machair-dist/include && find device mach mach_debug -name '*.h' -o -name '*.defs' |
        grep -vx mach/mig_support.h | sort) >"$work/ours"
    (cd "$work/root/include" && find . -type f | sed 's|^\./||' | grep -v '^machair/' | sort) >"$work/installed"
    diff "$work/ours" "$work/installed" || return 1
    (cd ../machair-dist/user/include && find . -name '*.h' | sed 's|^\./||' | sort) >"$work/ours"
    (cd "$work/root/include/machair" && find . -type f | sed 's|^\./||' | grep -v '^mig/' | sort) >"$work/installed"
    diff "$work/ours" "$work/installed" && [ -s "$work/root/include/machair/mig/mach_user.h" ] &&
        [ -s "$work/root/lib/libmachair.a" ] && [ -s "$work/root/lib/pkgconfig/machair.pc" ]
}
try 'make dist' make_tarball
try 'the tarball has what the tree has' compare_tarball
try 'configure --host=i686-elf' configure_cross
try 'make, without a warning' build_cross
try 'make install' install_cross
