# A bare Debian 12, made by debootstrap, for t/bare-root and t/deb-root, which
# source this and have `here`, the source tree's root, and a function inside().
#
# main makes a folder and name spaces, and has inside called there, with `dir`,
# a folder for logs; make_root makes `root`. Needs root, debootstrap and a Debian
# mirror, which apt's configuration on this machine names. What debootstrap has
# fetched is kept in BUILD (build/).

# shellcheck shell=bash

build=${BUILD:-build}
case $build in /*) ;; *) build=$here/$build ;; esac
tarball=$build/bare-root.tar
failures=0


# Outside: makes the folder and the name spaces.

main()
{
    if [ "$(id -u)" -ne 0 ]; then
        fail "only root can make a root"
    fi

    for program in debootstrap git unshare; do
        command -v "$program" >/dev/null || fail "$program is not installed"
    done

    dir=$(mktemp -d "${TMPDIR:-/var/tmp}/clarity-root.XXXXXX")
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM

    # In the background, as bash waits with its traps for what is not.
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child \
        --mount-proc "$0" --inside "$dir" &
    inside=$!
    wait "$inside"
}


clean_up()
{
    kill -KILL "${inside:-}" 2>/dev/null || true
    wait
    rm -rf --one-file-system "$dir"
}


# The mirror that apt uses here, and what of it.

make_root()
{
    local site

    sources | grep -q " bookworm " || fail "apt has no source of Debian 12"
    site=$(sources | awk '$2 == "bookworm" { print $1; exit }')

    if [ ! -e "$tarball" ]; then
        step "debootstrap fetches"
        mkdir -p "$build"
        debootstrap --variant=minbase --make-tarball="$tarball.new" \
            bookworm "$dir/fetch" "$site" >"$dir/log" 2>&1 || fail_log
        rm -rf "$dir/fetch"
        mv "$tarball.new" "$tarball"
    fi

    step "debootstrap"
    debootstrap --variant=minbase --unpack-tarball="$tarball" \
        bookworm "$root" "$site" >"$dir/log" 2>&1 || fail_log

    mount -t proc proc "$root/proc"
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    sources | sed 's/^/deb /' >"$root/etc/apt/sources.list"
    apt-config dump Acquire::http::Proxy Acquire::https::Proxy \
        >"$root/etc/apt/apt.conf.d/proxy" 2>/dev/null || true

    in_root / "apt-get update" >"$dir/log" 2>&1 || fail_log
}


sources()
{
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' | grep bookworm | sort -u
}


# Of the root, but for this script's own children, which are not in it.

processes()
{
    local process

    for process in /proc/[0-9]*; do
        if [ "$(readlink "$process/root")" = "$root" ]; then
            tr '\0' ' ' <"$process/cmdline"
        fi
    done
}


in_root()
{
    chroot "$root" /usr/bin/env HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        LC_ALL=C DEBIAN_FRONTEND=noninteractive /bin/bash -ec "cd $1; $2"
}


step()
{
    echo "# $*"
}


check()
{
    local what=$1

    shift

    if "$@"; then
        echo "ok - $what"
    else
        echo "not ok - $what"
        failures=$((failures + 1))
    fi
}


fail_log()
{
    tail -n 30 "$dir/log"
    fail "see above"
}


fail()
{
    echo "t/${0##*/}: $*" >&2
    exit 1
}
