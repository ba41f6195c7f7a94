#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tools/fresh-root.sh [--mirror URL] [--dir DIR] [--keep] [bookworm|trixie]
#
# Makes a minimal Debian with nothing but git and a clone of the current commit, runs ./quickstart, ./run-tests and
# ./quickstart once more in it, and says how each ended. Wants root, debootstrap and git. Uncommitted changes are not
# in the clone.
#
#   --mirror URL   a Debian mirror; default: the one that this machine's apt uses
#   --dir DIR      where to make it: a new or empty folder, on a file system that allows devices and programs
#   --keep         leave the folder there afterwards
set -eu
repository=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
suite=bookworm mirror='' root='' keep=
while [ $# -gt 0 ]; do
    case $1 in
    --mirror) mirror=${2:?--mirror wants a URL}; shift 2 ;;
    --dir) root=${2:?--dir wants a folder}; shift 2 ;;
    --keep) keep=yes; shift ;;
    -h | --help) sed -n '4,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    bookworm | trixie) suite=$1; shift ;;
    *) echo "fresh-root: unknown argument '$1'; see tools/fresh-root.sh --help" >&2; exit 2 ;;
    esac
done
for tool in debootstrap git; do
    command -v $tool >/dev/null || { echo "fresh-root: $tool is missing; apt-get install $tool" >&2; exit 2; }
done
[ "$(id -u)" -eq 0 ] || { echo "fresh-root: wants root, for chroot" >&2; exit 2; }

if [ -z "$mirror" ]; then
    # shellcheck disable=SC1091
    release=$(. /etc/os-release && printf %s "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016 # apt's variables
    mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' |
        awk -v release="$release" '$1 == release && $2 == "main" { print $3; exit }')
    if [ -z "$mirror" ]; then
        echo "fresh-root: apt's sources name no mirror of $release main; name one with --mirror" >&2
        exit 2
    fi
fi

if [ -n "$root" ]; then
    mkdir -p "$root"
    if [ -n "$(ls -A "$root")" ]; then
        echo "fresh-root: $root is not empty" >&2
        exit 2
    fi
    root=$(CDPATH='' cd -- "$root" && pwd)
else
    root=$(mktemp -d)
fi
chmod 755 "$root"
mounted=
clean_up() {
    status=$?
    trap - EXIT
    if [ -n "$mounted" ] && ! umount "$root/proc"; then
        echo "fresh-root: $root/proc is still mounted; $root stays" >&2
    elif [ -n "$keep" ]; then
        echo "fresh-root: kept in $root" >&2
    else
        rm -rf --one-file-system "$root"
    fi
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n== %s\n' "$*"; }
inside() {
    env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
        ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
        chroot "$root" "$@" </dev/null
}

say "a minimal $suite in $root"
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log" >&2; echo "fresh-root: debootstrap failed; its log is $root.log" >&2; exit 2; }
rm -f "$root.log"
mount -t proc proc "$root/proc"
mounted=yes
for file in /etc/resolv.conf /etc/hosts; do
    [ ! -f $file ] || cat $file >"$root$file"
done
# How this machine reaches its mirror: proxies and the checks of dates.
apt-config dump | grep -E '^Acquire::(https?::|Retries|Check-)' >"$root/etc/apt/apt.conf.d/90host" || true
inside apt-get update -qq
inside env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends git >/dev/null
rm -rf "$root/var/lib/apt/lists"
mkdir -p "$root/var/lib/apt/lists/partial"

commit=$(git -C "$repository" rev-parse HEAD)
git clone --quiet --no-local --no-checkout "$repository" "$root/srv/quanta"
git -C "$root/srv/quanta" checkout --quiet --detach "$commit"

report='' worst=0
run() {
    say "$1"
    began=$(date +%s)
    status=0
    inside sh -c "cd /srv/quanta && $1" || status=$?
    report="$report$1: exit status $status, $(($(date +%s) - began)) s
"
    [ "$status" -eq 0 ] || worst=1
}
run ./quickstart
run ./run-tests
run ./quickstart
say "$suite, commit $commit"
printf %s "$report"
exit $worst
