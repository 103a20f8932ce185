#!/bin/sh
# same_bits.sh BUILD [long]: the sha256 of a trained model, weights and statistics, is the same for any number of ranks
# and threads. Augmentation and dropout are on, no rank count but 1 divides the batch of 13, and of the last batch of an
# epoch some ranks get no example. `long`: 200 steps, 1 to 8 ranks of one and of two threads, on MNIST if EK_MNIST names
# its folder.
set -eu
BUILD=$(cd "$1" && pwd)
. "$(dirname "$0")/lib.sh"
need_mpi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
data=builtin:strokes:94 steps=10 counts="2 3" turns=1 limit=94
if [ "${2:-}" = long ]; then
    data=${EK_MNIST:-builtin:strokes:2603} steps=200 counts="2 3 4 5 8" turns="1 2" limit=1303
fi
extra=
train() { # file, threads, command before evenkeel...
    file=$1 threads=$2
    shift 2
    "$@" "$BUILD/evenkeel" train --data "$data" --limit $limit --model cnn6 --norm batch --batch 13 --steps $steps \
        $extra --reproducible --sync-norm --dropout 0.2 --crop 2 --flip --threads "$threads" --timeout 120 --quiet \
        -o "$folder/$file.onnx" >/dev/null
}
sum() { sha256sum "$folder/$1.onnx" | cut -c1-64; }

train alone 1 env
expected=$(sum alone)
echo "$expected  1 rank, 1 thread"
failed=0
compare() { # file, what
    found=$(sum "$1")
    echo "$found  $2"
    [ "$found" = "$expected" ] || failed=1
}
train threads 2 env
compare threads "1 rank, 2 threads"
for flavour in $(flavours); do
    threads=1
    for count in $counts; do
        for _ in $turns; do
            train "$flavour$count" $threads ranks "$flavour" "$count"
            compare "$flavour$count" "$count ranks of $threads threads, $flavour"
            threads=$((3 - threads))
        done
    done
done
# So are they where a loss weighs the examples, so that no rank knows by itself what the batch weighs, and where images are
# mixed with those of other ranks.
extra="--label-smoothing 0.1 --class-weights auto --mixup 0.4 --rotate 15 --jitter 0.3 --erase 0.5"
train weighed 1 env
[ "$(sum weighed)" != "$expected" ] || failed=1
expected=$(sum weighed)
for flavour in $(flavours); do
    train "weighed$flavour" 1 ranks "$flavour" 3
    compare "weighed$flavour" "class weights, 3 ranks, $flavour"
done
# Arrays, the average of the weights and the statistics that are measured for it.
{
    printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (40, 1, 28, 28), }"
    head -c 31360 "$BUILD/evenkeel"
} >"$folder/x.npy"
{
    printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (40, 10), }"
    head -c 400 "$BUILD/evenkeel"
} >"$folder/y.npy"
arrays() { # file, command before evenkeel...
    file=$1
    shift
    "$@" "$BUILD/evenkeel" train "$folder/alone.onnx" --input "$folder/x.npy" --target "$folder/y.npy" --loss mse --batch 13 \
        --lr 1e-6 --epochs 2 --average swa:0.3 --reproducible --sync-norm --threads 1 --timeout 120 --quiet \
        -o "$folder/$file.onnx" >/dev/null
}
arrays average env
expected=$(sum average)
for flavour in $(flavours); do
    arrays "average$flavour" ranks "$flavour" 2
    compare "average$flavour" "arrays and an average, 2 ranks, $flavour"
done
# A checkpoint may go on with another number of ranks: in silence when reproducible, with a warning when fast.
resume() { # expected warnings, options...
    warnings=$1
    shift
    "$BUILD/evenkeel" train --data "$data" --limit $limit --model cnn6 --batch 13 --steps 2 --sync-norm --threads 1 --quiet \
        -o "$folder/resumed.onnx" "$@" >/dev/null
    ranks "${flavour:?}" 2 "$BUILD/evenkeel" train --resume "$folder/resumed.onnx" >"$folder/log" 2>&1
    found=$(grep -c 'ranks was 1 at the checkpoint and is 2 now' "$folder/log") || true
    [ "$found" -eq "$warnings" ] || { cat "$folder/log"; failed=1; }
}
resume 1
resume 0 --reproducible
# The comparison can fail: another seed is another model.
"$BUILD/evenkeel" train --data "$data" --limit $limit --model cnn6 --batch 13 --steps 3 --seed 2 --quiet \
    -o "$folder/other.onnx" >/dev/null
[ "$(sum other)" != "$expected" ] || failed=1
[ $failed -eq 0 ] || { echo "the bits differ" >&2; exit 1; }
echo "all equal"
