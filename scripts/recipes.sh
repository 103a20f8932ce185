#!/bin/bash
# recipes.sh [NAME...]: runs the recipes of CONTRIBUTING.md as they are written: each file of scripts/recipes plants a dummy in one
# scratch copy of the tree, in the places that its recipe names and no others; then the copy is built, and the tests that
# the recipe names must pass. Without NAMEs all of them. Takes minutes (one build). A recipe that needs a place it does
# not name fails here, and so does one that takes more than five.
#
# A file of scripts/recipes sets `title` and `targets` (what to build) and has two functions, which run at the root of the copy:
# `plant` writes the dummy, `check` runs its tests, in $build. What either changes is a place.
set -euo pipefail
cd "$(dirname "$0")/.."
source=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
scratch=$work/tree
export CCACHE_BASEDIR=$scratch CCACHE_NOHASHDIR=1
build=$scratch/build/release
mkdir "$scratch"
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$scratch"
cd "$scratch"
[ $# -gt 0 ] || set -- $(cd "$source/scripts/recipes" && ls *.sh | sed 's/\.sh$//')

commit() { git add -A && git -c user.name=recipes -c user.email=recipes@localhost commit -qm "$1" --allow-empty; }
# note NAME: what has changed is among its places.
note() {
    git add -A
    git diff --cached --name-only >>"$work/$1.places"
    commit "$1"
}
# after FILE PATTERN LINE: puts a line behind the first that matches.
after() {
    grep -q -- "$2" "$1" || { echo "recipes: $1 has no line with $2" >&2; exit 1; }
    local d=$'\001'
    sed -i "0,/$2/s$d.*$2.*$d&\n$3$d" "$1"
}
# quietly COMMAND...: shows what it says only where it fails.
quietly() { "$@" >"$work/log" 2>&1 || { grep -E 'error|undefined|FAILED' "$work/log" | head -20; tail -20 "$work/log"; exit 1; }; }
rebuild() { quietly cmake --build --preset release -j"${JOBS:-2}" --target "$@"; }
load() { # its title, targets and functions
    . "$source/scripts/recipes/$1.sh"
}

git init -q && commit copy
wanted=()
for recipe; do
    load "$recipe"
    plant
    note "$recipe"
    wanted+=($targets)
done
options=()
[ -z "${CMAKE_C_COMPILER_LAUNCHER:-}" ] || options=(-DCMAKE_C_COMPILER_LAUNCHER="$CMAKE_C_COMPILER_LAUNCHER")
quietly cmake --preset release -DEK_TESTS=ON -DEK_WERROR=ON "${options[@]}"
rebuild "${wanted[@]}"
PATH=$build:$PATH
for recipe; do
    load "$recipe"
    check
    note "$recipe"
    places=$(sort -u "$work/$recipe.places" | wc -l)
    printf 'recipe: %-28s %s places\n' "$title" "$places"
    [ "$places" -le 5 ] || { sort -u "$work/$recipe.places"; echo "recipes: '$title' takes more than five places" >&2; exit 1; }
done
echo "recipes: all passed"
