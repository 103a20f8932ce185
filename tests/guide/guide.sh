#!/usr/bin/env bash
# guide.sh PROGRAM MAKE_PHOTOS PAGE MODELS: runs the commands of a page's ```console blocks in an empty folder and
# compares what they print with what the page shows; a line of ... stands for any lines, ... in a line for any text.
# ```js blocks become serve.mjs. Where the downloaded model is not there, a model of our own stands in for it; where
# onnxruntime-node is not, what needs node is left out. Both are said.
set -eu
program=$1 make_photos=$2 page=$3 models=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/folder"
ln -s "$program" "$work/bin/evenkeel"
export PATH="$work/bin:$PATH" NO_COLOR=1 LC_ALL=C
cd "$work/folder"

die() {
    echo "guide: $*" >&2
    exit 1
}
if [ -e "$models/ch_ppocr_mobile_v2.0_cls_infer.onnx" ]; then
    "$make_photos" photos 3
    cp "$models/ch_ppocr_mobile_v2.0_cls_infer.onnx" cls.onnx
else
    echo "guide: no ../shared/models; a model of our own stands in for the downloaded one"
    "$make_photos" photos 1
    evenkeel train --data photos --model lenet --mean 0.5 --std 0.5 --steps 4 --batch 16 -q -o cls.onnx >/dev/null
fi
serves=1
if ! command -v node >/dev/null || [ ! -d "${EK_NODE_MODULES:-node_modules}/onnxruntime-node" ]; then
    echo "guide: skipped: no onnxruntime-node (EK_NODE_MODULES)"
    serves=0
else
    ln -s "$EK_NODE_MODULES" node_modules
fi
awk '/^```js$/ { on = 1; next } /^```$/ { on = 0 } on' "$page" >serve.mjs

# The page's expectation as a glob: ... is *, everything else stands for itself.
pattern_of() { sed -e 's/[][*?\\]/\\&/g' -e 's/\.\.\./*/g' "$1"; }

check() { # COMMAND EXPECTED-FILE
    [[ $1 == node* && $serves -eq 0 ]] && return 0
    bash -c "$1" >out 2>messages </dev/null || die "failed: $1
$(cat out messages)"
    local actual pattern
    actual=$(<out)
    pattern=$(pattern_of "$2")
    # shellcheck disable=SC2053
    [[ $actual == $pattern ]] || die "the page does not show what is printed by: $1
--- page
$(cat "$2")
--- printed
$actual"
    if [[ $1 == "evenkeel eval"* ]]; then grep -oE '[0-9.]+ %' out | cut -d' ' -f1 >>accuracies; fi
    if [[ $1 == node* ]]; then cp out served; fi
    ran=$((ran + 1))
}

ran=0 command='' on=0
: >expected
: >accuracies
finish() {
    [ -z "$command" ] || check "$command" expected
    command=''
    : >expected
}
while IFS= read -r line; do
    if [ "$line" = '```console' ]; then
        on=1
    elif [ "$line" = '```' ]; then
        [ $on -eq 0 ] || finish
        on=0
    elif [ $on -eq 1 ] && [[ $line == '$ '* ]]; then
        finish
        command=${line#\$ }
    elif [ $on -eq 1 ]; then
        printf '%s\n' "$line" >>expected
    fi
done <"$page"
[ $ran -ge 8 ] || die "only $ran commands were found on the page"

# What the page claims beside its outputs: adapting helps, and both runtimes agree.
{ read -r before && read -r after; } <accuracies
awk -v a="$before" -v b="$after" 'BEGIN { exit !(b >= a + 5) }' || die "accuracy $before % before, $after % after"
if [ $serves -eq 1 ]; then
    sed 's/.*scores //' served | tr ' ' '\n' >theirs
    tail -c $((4 * $(wc -l <theirs))) scores.npy | od -An -v -tf4 -w4 >ours
    paste theirs ours | awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > 0.0002 * (1 + ($1 < 0 ? -$1 : $1))) exit 1 }' ||
        die "the runtimes disagree: $(paste theirs ours)"
fi
echo "guide: $ran commands, accuracy $before % -> $after %"
