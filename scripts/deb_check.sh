#!/usr/bin/env bash
# deb_check.sh [ROOT]: installs the packages of scripts/deb.sh in a bare Debian 12, uses them, and removes them again:
# trains and inspects a model, links programs by pkg-config, and finds no file left. ROOT is made by debootstrap
# (default build/deb/root); needs root rights and the machine's package sources.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/setup.sh

root=${1:-$PWD/build/deb/root}
packages=$(ls build/deb/*.deb) || { echo "no packages; run scripts/deb.sh first" >&2; exit 2; }
if [ ! -d "$root/usr" ]; then
    need_packages debootstrap
    say "a bare Debian 12 in $root"
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
        grep -E '^(deb|URIs:) ' | grep -oE '[a-z]+://[^ ]+/debian/?( |$)' | head -n 1) || true
    [ -n "$mirror" ] || { echo "no Debian mirror in /etc/apt" >&2; exit 2; }
    as_root debootstrap --variant=minbase bookworm "$root" "$mirror" >/dev/null
    as_root rm -f "$root/etc/apt/sources.list"
    as_root cp -r /etc/apt/. "$root/etc/apt/"
fi
inside() { as_root chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }
files() { inside find / -xdev \( -path /proc -o -path /sys -o -path /tmp -o -path /var -o -path /dev \) -prune -o -print | sort; }

say "before"
inside apt-get update -qq
inside apt-get install -y -qq --no-install-recommends gcc libc6-dev pkg-config >/dev/null
before=$(files)
as_root mkdir -p "$root/tmp/debs"
# shellcheck disable=SC2086
as_root cp $packages examples/normalize.c "$root/tmp/debs/"

say "install"
inside sh -c 'apt-get install -y -qq --no-install-recommends /tmp/debs/*.deb' >/dev/null
inside sh -ec '
    cd /tmp
    evenkeel train --data builtin:strokes:600 --model lenet --epochs 1 --quiet -o m.onnx
    evenkeel inspect m.onnx
    gcc -Wall -Werror debs/normalize.c -o normalize $(pkg-config --cflags --libs evenkeel-norm) -lm
    ./normalize
    printf "#include <evenkeel/model.h>\nint main(void) { return ek_architecture_count() == 0; }\n" >model.c
    gcc -Wall -Werror model.c -o model $(pkg-config --cflags --libs evenkeel)
    ./model
    test -s /usr/share/man/man1/evenkeel-train.1.gz
    test -s /usr/share/bash-completion/completions/evenkeel'

say "remove"
inside apt-get purge -y -qq --autoremove evenkeel libevenkeel-norm0 libevenkeel0 libevenkeel-dev >/dev/null
left=$(comm -13 <(printf '%s\n' "$before") <(files) | grep -i evenkeel || true)
[ -z "$left" ] || { printf 'left behind:\n%s\n' "$left"; exit 1; }
echo "installed, used, removed; nothing of it is left"
