#!/usr/bin/env bash
# page.sh BUILD SOURCE PAGE FOLDER: does a page do what it says? Its blocks, as they stand and in order, in FOLDER:
#
#   console  each `$ command` is run and what it prints compared with what the page shows below it; a line of ... stands
#            for any lines, ... in a line for any text
#   sh       each line is run; its exit status is 0, or N where its comment says `exit status N`
#   c        is compiled with warnings as errors against the built library ($CC, $EK_SNIPPET_FLAGS) and run; it must
#            print the `text` block that follows
#   js       becomes serve.mjs
#
# `node` lines are left out, and said to be, where $EK_NODE_MODULES has no onnxruntime-node. Any other language, and a
# page on which nothing is found, is an error. Command N and what it prints are kept in FOLDER.log/NNN*.
set -eu
build=$1 source=$2 page=$3 folder=$4
here=$(cd "$(dirname "$0")" && pwd)
log=$folder.log
mkdir -p "$folder" "$log" "$folder.blocks"
awk -v folder="$folder.blocks" -f "$here/blocks.awk" "$page"
export PATH="$build:$PATH" NO_COLOR=1 LC_ALL=C
cd "$folder"
ran=0 printed=''

die() {
    echo "page: $page: $*" >&2
    exit 1
}

# What the page shows as a glob: ... is *, everything else stands for itself.
pattern_of() { sed -e 's/[][*?\\]/\\&/g' -e 's/\.\.\./*/g' "$1"; }
compare() { # WHAT EXPECTED-FILE ACTUAL-FILE
    local actual pattern
    actual=$(<"$3")
    pattern=$(pattern_of "$2")
    # shellcheck disable=SC2053
    [[ $actual == $pattern ]] || die "the page does not show what is printed by: $1
--- page
$(cat "$2")
--- printed
$actual"
}

# run STATUS COMMAND: leaves what it prints in $printed.
run() {
    local status=0
    ran=$((ran + 1))
    printed=$log/$(printf '%03d' "$ran")
    printf '%s\n' "$2" >"$printed.command"
    bash -c "$2" >"$printed" 2>"$printed.messages" </dev/null || status=$?
    [ "$status" -eq "$1" ] || die "exit status $status, not $1: $2
$(tail -n 20 "$printed" "$printed.messages")"
}

console() { # FILE
    local command='' line expected=$log/expected
    while IFS= read -r line || [ -n "$line" ]; do
        if [[ $line == '$ '* ]]; then
            [ -z "$command" ] || shown "$command" "$expected"
            command=${line#\$ }
            : >"$expected"
        else
            printf '%s\n' "$line" >>"$expected"
        fi
    done <"$1"
    [ -z "$command" ] || shown "$command" "$expected"
}
shown() { # COMMAND EXPECTED-FILE
    if [[ $1 == node* ]] && [ ! -e node_modules ]; then return 0; fi
    run 0 "$1"
    compare "$1" "$2" "$printed"
}

lines() { # FILE
    local line status
    while IFS= read -r line || [ -n "$line" ]; do
        [[ -n $line && $line != '#'* ]] || continue
        [ "${line%% *}" != scripts/test.sh ] || continue # the gate, which runs this
        status=0
        [[ ! $line =~ \ \ \#.*exit\ status\ ([0-9]+) ]] || status=${BASH_REMATCH[1]}
        run "$status" "$line"
    done <"$1"
}

program() { # FILE
    cp "$1" snippet.c
    # shellcheck disable=SC2086
    run 0 "${CC:-cc} -std=c11 -Wall -Wextra -Werror -I'$source/include' snippet.c -o snippet ${EK_SNIPPET_FLAGS:-} \
        '$build/libevenkeel_norm.a' -lm ${EK_SNIPPET_LIBS:-}"
    run 0 ./snippet
}

if [ -d "${EK_NODE_MODULES:-/nonexistent}/onnxruntime-node" ] && command -v node >/dev/null; then
    ln -sfn "$EK_NODE_MODULES" node_modules
elif grep -q '^\$ node' "$page"; then
    echo "skipped: the lines of $(basename "$page") that need onnxruntime-node (EK_NODE_MODULES)"
fi
for block in "$folder.blocks"/*; do
    case $block in
    *.console) console "$block" ;;
    *.sh) lines "$block" ;;
    *.c) program "$block" ;;
    *.text) compare "the program before it" "$block" "$printed" ;;
    *.js) cp "$block" serve.mjs ;;
    *) die "no way to run a block of ${block##*.}" ;;
    esac
done
[ "$ran" -gt 0 ] || die "nothing to run was found"
echo "page: $(basename "$page"): $ran commands"
