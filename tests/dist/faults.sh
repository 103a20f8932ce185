#!/bin/bash
# faults.sh BUILD: a rank that goes wrong ends a run on all ranks: with an error that names rank, layer and step, with a
# status other than 0, without a process left behind, and with the last checkpoint whole.
set -u
BUILD=$(cd "$1" && pwd)
. "$(dirname "$0")/lib.sh"
need_mpi
folder=$(mktemp -d)
trap '[ "$BASHPID" != $$ ] || rm -rf "$folder"' EXIT # not of a child that a signal meets before it is the program
timeout=1
failures=0

complain() {
    echo "FAILED: $flavour, $kind: $1"
    sed 's/^/    /' "$log"
    failures=$((failures + 1))
}

command -v pgrep >/dev/null || { echo "ranks: pgrep is missing (Debian: procps), so that nobody would see what is left behind"; exit 1; }
left_behind() { pgrep -f "fault_rank .* $output " || true; }

# kind, ranks, the rank that goes wrong, ranks that must say why ("all" = all but that one), what they must say
run() {
    kind=$1 count=$2 odd=$3 who=$4 what=$5
    output=$folder/$flavour-$kind.onnx log=$folder/$flavour-$kind.log
    begin=$(date +%s%N)
    timeout -k 2 40 "$(launcher "$flavour")" -n "$count" "$BUILD/fault_rank" "$kind" "$odd" "$output" $timeout \
        >"$log" 2>&1
    code=$?
    seconds=$(((($(date +%s%N) - begin)) / 100000000))
    echo "$flavour $kind: status $code after $((seconds / 10)).$((seconds % 10)) s: $(grep -m1 'ends:' "$log" | cut -c1-150)"
    if [ "$kind" = none ]; then
        [ $code -eq 0 ] || complain "status $code, expected 0"
        return
    fi
    [ $code -ne 0 ] || complain "status 0"
    [ $code -ne 124 ] || complain "it hung"
    [ $seconds -lt 120 ] || complain "took longer than 12 s"
    for _ in 1 2 3 4 5 6 7 8 9 10; do [ -z "$(left_behind)" ] && break || sleep 0.5; done
    [ -z "$(left_behind)" ] || complain "processes left behind: $(left_behind | tr '\n' ' ')"
    for ((r = 0; r < count; r++)); do
        [ "$who" = all ] && [ $r -eq "$odd" ] && continue
        [ "$who" = none ] && continue
        grep -qE "^rank $r ends: EK_ERR_DIST: .*($what)" "$log" || complain "rank $r does not say '$what'"
    done
    if [ "$kind" != model ] && [ "$kind" != channels ]; then
        "$BUILD/fault_rank" check 0 "$output" 0 >>"$log" 2>&1 || complain "the checkpoint does not load"
    fi
}

# A process of `evenkeel train` killed from outside, in whatever it does at that moment.
kill_from_outside() {
    kind=program output=$folder/$flavour-program.onnx log=$folder/$flavour-program.log
    timeout -k 2 60 "$(launcher "$flavour")" -n 3 "$BUILD/evenkeel" train --data builtin:strokes:480 --model cnn6 \
        --sync-norm --steps 100000 --batch 24 --threads 1 -o "$output" >"$log" 2>&1 &
    run=$!
    for ((i = 0; i < 200; i++)); do grep -q '^epoch 1/' "$log" 2>/dev/null && break || sleep 0.1; done
    # Those that have no child of their own are the ranks; the launchers' command lines begin otherwise.
    victim=
    for process in $(pgrep -f "^$BUILD/evenkeel train .* $output"); do
        [ -n "$(pgrep -P "$process")" ] || victim=$process
    done
    kill -KILL "$victim"
    wait $run
    code=$?
    said=$(grep -cE '^evenkeel train \[rank [0-2]\]: error: .*rank [0-2] has died.* in step [0-9]+' "$log")
    echo "$flavour $kind: status $code: $(grep -m1 'has died' "$log" | cut -c1-150)"
    [ $code -ne 0 ] && [ $code -ne 124 ] || complain "status $code"
    [ "$said" -eq 2 ] || complain "$said survivors say that a rank has died, expected 2"
    for _ in 1 2 3 4 5 6 7 8 9 10; do pgrep -f "evenkeel train .* $output" >/dev/null && sleep 0.5; done
    pgrep -f "evenkeel train .* $output" >/dev/null && complain "processes left behind"
    "$BUILD/fault_rank" check 0 "$output" 0 >>"$log" 2>&1 || complain "the checkpoint does not load"
}

for flavour in $(flavours); do
    kill_from_outside
    run none 3 1 none ""
    run fewer 3 1 all "rank 1.*step 5"
    run model 3 1 everyone "rank 1 has another model"
    run channels 3 1 all "rank 1"
    run slow 3 1 all "rank 1.*(bn|norm).*step 5"
    run stop 3 1 all "rank 1.*(bn|norm).*step 5"
    run kill-forward 3 1 all "rank 1.*step 5"
    run kill-backward 3 1 all "rank 1.*step 5"
    run kill-save 3 0 all "rank 0.*step"
done
[ $failures -eq 0 ] || exit 1
echo "every fault ends with a name on every rank"
