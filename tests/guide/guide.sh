#!/usr/bin/env bash
# guide.sh BUILD SOURCE [MODEL]: docs/guide/adapt.md in an empty folder, and what it claims beside its outputs: adapting
# helps, and both runtimes agree. With the model that the page speaks of, that is cls.onnx, in place of the one it makes.
set -eu
build=$1 source=$2 model=${3:-}
page=$source/docs/guide/adapt.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() {
    echo "guide: $*" >&2
    exit 1
}

if [ -n "$model" ]; then
    [ -e "$model" ] || { echo "skipped: no $(basename "$model") in $(dirname "$model")"; exit 77; }
    sed "s|^\\$ evenkeel train .* -o cls.onnx$|\$ cp '$model' cls.onnx|" "$page" >"$work/adapt.md"
    grep -qF "cp '$model' cls.onnx" "$work/adapt.md" || die "the page makes no cls.onnx"
    page=$work/adapt.md
fi
"$(dirname "$0")/page.sh" "$build" "$source" "$page" "$work/folder"

printed_by() { grep -l "^$1" "$work"/folder.log/*.command | sed 's/.command$//'; } # COMMAND, in order
mapfile -t evaluations < <(printed_by "evenkeel eval")
accuracy() { grep -oE '[0-9.]+ %' "$1" | cut -d' ' -f1; }
before=$(accuracy "${evaluations[0]}") after=$(accuracy "${evaluations[1]}")
awk -v a="$before" -v b="$after" 'BEGIN { exit !(b >= a + 5) }' || die "accuracy $before % before, $after % after"
served=$(printed_by node || true)
if [ -n "$served" ]; then
    cd "$work/folder"
    sed 's/.*scores //' "$served" | tr ' ' '\n' >theirs
    tail -c $((4 * $(wc -l <theirs))) scores.npy | od -An -v -tf4 -w4 >ours
    paste theirs ours | awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > 0.0002 * (1 + ($1 < 0 ? -$1 : $1))) exit 1 }' ||
        die "the runtimes disagree: $(paste theirs ours)"
fi
echo "guide: accuracy $before % -> $after %"
