#!/usr/bin/env bash
# readme.sh BUILD SOURCE [PAGE]: README's commands and program, in an empty folder. scripts/demo.sh finds everything
# built there: build/release is BUILD, and cmake has nothing to do.
set -eu
build=$1 source=$2 page=${3:-$2/README.md}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/folder/build" "$work/bin"
ln -s "$source/scripts" "$work/folder/scripts"
ln -s "$build" "$work/folder/build/release"
printf '#!/bin/sh\necho "cmake: built already"\n' >"$work/bin/cmake"
chmod +x "$work/bin/cmake"
PATH=$work/bin:$PATH "$(dirname "$0")/page.sh" "$build" "$source" "$page" "$work/folder"
