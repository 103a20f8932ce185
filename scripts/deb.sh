#!/usr/bin/env bash
# deb.sh: builds the Debian packages of this tree (packaging/debian) into build/deb:
#   evenkeel, libevenkeel-norm0, libevenkeel0, libevenkeel-dev
# Install them with: apt install build/deb/*.deb
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/setup.sh

need_build_tools
need_packages debhelper dpkg-dev fakeroot libopenmpi-dev libmpich-dev git
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' packaging/debian/changelog)
out=$PWD/build/deb tree=$PWD/build/deb/evenkeel-$version
rm -rf "$out"
mkdir -p "$tree"
say "building Debian packages of version $version (about 5 minutes on 2 cores)"
git ls-files -z | xargs -0 cp --parents -t "$tree"
cp -r packaging/debian "$tree/debian"
(cd "$tree" && dpkg-buildpackage -b -us -uc) >"$out/build.log" 2>&1 || { tail -n 60 "$out/build.log" >&2; exit 1; }
rm -rf "$tree" "$out"/*-dbgsym_*.deb
ls -l "$out"/*.deb
