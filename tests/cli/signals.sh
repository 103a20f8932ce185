#!/usr/bin/env bash
# signals.sh PROGRAM COUNT [SEED]: COUNT times, ends a command that writes a file by a signal at a random moment. Nothing of a
# file may be left beside it, and the file must be the old one or a whole one. After SIGKILL the next run removes what was left.
set -eu
program=$1 count=$2 RANDOM=${3:-$$}
echo "to repeat: $0 $program $count ${3:-$$}"
work=$(mktemp -d)
trap '[ "$BASHPID" != $$ ] || rm -rf "$work"' EXIT # not of a child that a signal meets before it is the program
cd "$work"
data=(--data builtin:strokes:200)
"$program" train "${data[@]}" --model resnet20 --steps 2 --quiet -o m.onnx >log
{
    printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 28, 28), }"
    head -c 3136 /dev/zero
} >zeros.npy
"$program" fold m.onnx -o folded.onnx --quiet >log
"$program" train "${data[@]}" --model lenet --steps 2 --quiet -o l.onnx >log

commands=(
    "train ${data[*]} --model lenet --steps 200 --checkpoint-every 1 --overwrite --quiet -o out.onnx"
    "fold m.onnx --quiet -o out.onnx"
    "freeze m.onnx --stats --quiet -o out.onnx"
    "unfold folded.onnx --quiet -o out.onnx"
    "convert m.onnx --norm frozen --quiet -o out.onnx"
    "recalibrate m.onnx ${data[*]} --quiet -o out.onnx"
    "run l.onnx -i zeros.npy -o out.npy"
    "inspect m.onnx ${data[*]} --quiet --report out.html"
    "study --quick --card 1 --quiet -o out.html"
)
signals=(HUP INT QUIT TERM USR1 USR2 ALRM XCPU KILL)
grep -aq __asan_init "$program" || signals+=(ABRT SEGV BUS FPE) # a sanitizer has its own handlers of these

whole() {
    case $1 in
    *.onnx) "$program" inspect --quiet "$1" >/dev/null ;;
    *) [ -s "$1" ] ;;
    esac
}
longest=()
for i in "${!commands[@]}"; do
    began=$(date +%s%N)
    # shellcheck disable=SC2086
    "$program" ${commands[i]} >out 2>err || { cat out err; exit 1; }
    longest[i]=$((($(date +%s%N) - began) / 1000000))
done

killed=0
for ((n = 0; n < count; n++)); do
    i=$((RANDOM % ${#commands[@]})) signal=${signals[RANDOM % ${#signals[@]}]}
    delay=$((RANDOM * longest[i] / 32768))
    # shellcheck disable=SC2086
    "$program" ${commands[i]} >out 2>err &
    process=$!
    sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
    kill -s "$signal" "$process" 2>/dev/null || true
    status=0
    wait "$process" 2>/dev/null || status=$?
    [ "$status" -eq 0 ] || killed=$((killed + 1))
    # shellcheck disable=SC2086
    [ "$signal" != KILL ] || "$program" ${commands[i]} >out 2>err || { cat out err; exit 1; }
    if compgen -G '*.tmp-*' >left; then
        echo "signals: $signal after $delay ms of '${commands[i]}' leaves $(cat left)" >&2
        exit 1
    fi
    for file in out.*; do
        whole "$file" || { echo "signals: $signal after $delay ms of '${commands[i]}' leaves half of $file" >&2; exit 1; }
    done
done
echo "signals: $killed of $count runs ended by a signal, nothing left"
[ "$killed" -ge $((count / 3)) ] || { echo "signals: too few of them hit" >&2; exit 1; }
