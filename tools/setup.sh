# SPDX-License-Identifier: BSD-2-Clause
# What ./run and ./check share; sourced by bash with $top set to the source tree. Installs what is missing, configures and
# builds out of tree.

build_packages="gcc gcc-multilib binutils-i686-gnu make autoconf automake pkg-config mig-i686-gnu:i386 gnumach-dev:i386
    qemu-system-x86 grub-pc-bin grub-common xorriso mtools"
test_packages="g++-multilib clang libclang-rt-14-dev python3 gnumach-image-1.8-486:i386 perl gdb bochs bochsbios vgabios bochs-term
    bsdutils gcovr mandoc shellcheck"

# Runs a command as root: directly, or by sudo.
setup_as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "setup: this needs root, and there is no sudo: $*" >&2
        return 1
    fi
}

# Prints those of the packages $@ that are not installed.
setup_missing()
{
    local package
    for package; do
        case $(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null) in
        installed*) ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

setup_updated=
# Installs what is missing of the packages $@, and says what that is first.
setup_install()
{
    local missing
    missing=$(setup_missing "$@")
    [ -n "$missing" ] || return 0
    echo "Installing packages: $missing"
    if ! dpkg --print-foreign-architectures | grep -qx i386; then
        setup_as_root dpkg --add-architecture i386 || return 1
    fi
    if [ -z "$setup_updated" ]; then
        # It can fail for a source that has nothing to do with us; what matters is whether the packages install.
        setup_as_root apt-get -qq update || true
        setup_updated=1
    fi
    # shellcheck disable=SC2086
    setup_as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing >/dev/null
}

# setup_packages [more packages]: those that building needs, and more.
setup_packages()
{
    local migcom=/usr/lib/mig/i686-gnu-migcom
    if ! command -v dpkg-query >/dev/null; then
        echo "setup: no dpkg here; trusting that the tools are there (README.md names them)"
        return 0
    fi
    # shellcheck disable=SC2086
    setup_install $build_packages "$@" || return 1
    # Some machines cannot run i386 programs, and Debian's migcom is one: then QEMU runs it.
    $migcom </dev/null >/dev/null 2>&1
    if [ $? -ge 126 ]; then
        setup_install qemu-user
    fi
}

# setup_build DIR [configure's arguments]: configures the folder DIR where that was not done, and builds in it. Prints
# nothing when all goes well but one line; the whole output is in DIR/build.log.
setup_build()
{
    local dir=$1
    shift
    mkdir -p "$dir" || return 1
    if (
        set -e
        exec >"$dir/build.log" 2>&1
        [ -f "$top/configure" ] || (cd "$top" && autoreconf -i)
        cd "$dir"
        [ -f Makefile ] || "$top/configure" "$@"
        make -j"$(nproc)"
    ); then
        echo "Built in $dir"
    else
        tail -n 40 "$dir/build.log" >&2
        echo "setup: building in $dir failed; $dir/build.log has all of it" >&2
        return 1
    fi
}
