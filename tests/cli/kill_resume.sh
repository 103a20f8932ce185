#!/usr/bin/env bash
# kill_resume.sh PROGRAM COUNT [SEED [OPTION...]]: COUNT times, kills training with SIGKILL at a random moment, twice in a row, and
# resumes. The final model and state must equal those of a run that was never killed, byte for byte (but for the record
# of which older model file the last save replaced, which tells of the kills).
#
# With --validation, --log=m.csv and --report=m.html among the options, the best file, the page and the log must be the same, too, but for the
# log's last column, the seconds.
#
# A checkpoint is written after every step, so that about every second kill falls into a save.
set -eu
program=$1 count=$2 seed=${3:-$$} RANDOM=${3:-$$}
shift $(($# < 3 ? $# : 3))
echo "to repeat: $0 $program $count $seed $*"
work=$(mktemp -d)
trap '[ "$BASHPID" != $$ ] || rm -rf "$work"' EXIT # not of a child that a signal meets before it is the program
cd "$work"
options=(--data builtin:strokes:300 --limit 160 --model lenet --batch 16 --epochs 3 --seed 5
    --crop 2 --checkpoint-every 1 --quiet "${@:---threads=1}")

now() { date +%s%N; }
began=$(now)
"$program" train "${options[@]}" -o m.onnx >whole.out
for file in m.*; do mv "$file" "whole${file#m}"; done
whole=$((($(now) - began) / 1000000)) # milliseconds

# The state file without its PAIR section (what was replaced) and its END section (the sum over all).
training_state() {
    local pair flag end
    pair=$(grep -abo PAIR "$1" | head -1 | cut -d: -f1)
    flag=$(grep -abo FLAG "$1" | head -1 | cut -d: -f1)
    end=$(grep -abo 'END!' "$1" | tail -1 | cut -d: -f1)
    [ "$pair" -lt "$flag" ] && [ "$flag" -lt "$end" ] || { echo "no sections in $1" >&2; return 1; }
    head -c "$pair" "$1"
    head -c "$end" "$1" | tail -c +$((flag + 1))
}
training_state whole.onnx.state >whole.part

# Starts a run, or resumes one, and kills it after a random part of `whole`.
run_and_kill() {
    local delay=$((RANDOM * whole / 32768)) words=(train "${options[@]}" -o m.onnx)
    [ ! -e m.onnx.state ] || words=(train --resume m.onnx --quiet)
    "$program" "${words[@]}" >out 2>err &
    local process=$!
    sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
    if kill -KILL $process 2>/dev/null; then kills=$((kills + 1)); fi
    wait $process 2>/dev/null && status=0 || status=$?
    [ $status -eq 137 ] || [ $status -eq 0 ] || { echo "status $status:"; cat err; exit 1; }
}

kills=0 resumed=0
for ((i = 1; i <= count; i++)); do
    rm -f m.* out err
    run_and_kill
    run_and_kill
    if [ -e m.onnx.state ]; then
        resumed=$((resumed + 1))
        "$program" train --resume m.onnx --quiet >out 2>err || { echo "round $i: resume failed"; cat err; ls -la; exit 1; }
    else
        "$program" train "${options[@]}" -o m.onnx >out 2>err
    fi
    cmp -s whole.onnx m.onnx || { echo "round $i: m.onnx differs from the run that was never killed"; exit 1; }
    [ ! -e whole.best.onnx ] || cmp -s whole.best.onnx m.best.onnx || { echo "round $i: m.best.onnx differs"; exit 1; }
    [ ! -e whole.html ] || cmp -s whole.html m.html || { echo "round $i: m.html differs"; exit 1; }
    [ ! -e whole.csv ] || [ "$(cut -d, -f1-16 whole.csv)" = "$(cut -d, -f1-16 m.csv)" ] || { echo "round $i: m.csv differs"; exit 1; }
    training_state m.onnx.state >m.part
    cmp -s whole.part m.part || { echo "round $i: the state differs from the run that was never killed"; exit 1; }
done
echo "$count rounds, $kills kills, $resumed resumed from a checkpoint: all equal"
[ $resumed -gt 0 ] || { echo "no round was resumed: the test shows nothing"; exit 1; }
