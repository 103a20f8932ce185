#!/usr/bin/env bash
# channels_last.sh PROGRAM MODEL: every command that feeds images takes a file whose input is [N,28,28,1], and says so.
# MODEL is the case file; without it the test is skipped.
set -eu
program=$1 model=$2
[ -f "$model" ] || { echo "skipped: no $model"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
data=(--data builtin:strokes:120)
takes() { # the command must succeed and say in which order the images go in
    "$program" "$@" >out 2>message || { echo "evenkeel $*: exit $?"; cat message; exit 1; }
    grep -q "takes images channels last, as \[N,H,W,C\]" message || { echo "evenkeel $* does not say it"; cat message; exit 1; }
}
takes eval "$model" "${data[@]}" --logits before.npy
grep -q 'accuracy' out
takes recalibrate "$model" "${data[@]}" -o r.onnx
grep -q 'b1: mean moved' out
takes inspect "$model" "${data[@]}" --json
grep -q '"accuracy_running"' out
takes train "$model" "${data[@]}" --steps 2 --batch 60 -o t.onnx
takes convert "$model" "${data[@]}" --norm group:3 -o c.onnx
# Logits are one row an image.
"$program" eval "$model" "${data[@]}" --limit 7 --logits seven.npy >out 2>&1
[ "$(wc -c <seven.npy)" -eq $((128 + 7 * 10 * 4)) ] || { echo "seven.npy is not 7 x 10 floats"; exit 1; }
# Another size is refused with both orders named.
if "$program" eval "$model" "${data[@]}" --size 20x20 >out 2>message; then echo "20x20 is taken"; exit 1; fi
grep -q 'takes ?x28x28x1 (x, channels last), but the images of builtin:strokes:120 are each 1x20x20 (channels, height, width); --size 28x28' message ||
    { cat message; exit 1; }
