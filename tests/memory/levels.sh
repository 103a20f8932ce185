#!/bin/bash
# levels.sh PROGRAM LEVELS [LAUNCHER]: eleven commands with less and less memory (ulimit -v), with one thread and with two,
# or under an MPI launcher, two ranks of one thread. LEVELS limits lie between what the program needs to start (under the
# launcher: to start MPI) and what the command needs. Each run succeeds or ends with status 5 and says what it could not
# have: it never crashes, and no other status.
set -u
program=$(realpath "$1") levels=$2 launcher=${3:-}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
ulimit -c 0
export NO_COLOR=1 OMP_WAIT_POLICY=passive OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none

"$program" train --data builtin:strokes:96 --model cnn6 --steps 1 --batch 16 --threads 1 --quiet -o m.onnx >/dev/null || exit 1
"$program" unfold m.onnx -o u.onnx --quiet >/dev/null 2>&1 || cp m.onnx u.onnx
head -c 3136 /dev/zero | { printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 28, 28), }"; cat; } >x.npy
strokes="--data builtin:strokes:96"
commands=(
    "inspect m.onnx"
    "inspect m.onnx $strokes --report page.html"
    "eval m.onnx $strokes --json"
    "run m.onnx --input x.npy"
    "fold m.onnx -o o.onnx"
    "unfold m.onnx -o o.onnx"
    "recalibrate m.onnx $strokes -o o.onnx"
    "convert m.onnx --opset 21 -o o.onnx"
    "diff m.onnx u.onnx --semantic"
    "train $strokes --model cnn6 --batch 16 --steps 2 -o o.onnx --overwrite --quiet"
    "train --data builtin:strokes:960 --model cnn6 --batch 480 --steps 2 -o o.onnx --overwrite --quiet"
)

# limited KIB COMMAND...: the command with so much address space.
limited() {
    local kib=$1
    shift
    if [ -n "$launcher" ]; then
        timeout 120 "$launcher" -n 2 sh -c "ulimit -v $kib; exec \"\$@\"" sh "$@" >out 2>message
    else
        (ulimit -v "$kib"; exec timeout 120 "$@") >out 2>message
    fi
}

# least COMMAND...: the least KiB that it succeeds with, to within 1 MiB.
least() {
    local low=0 high=$((4 << 20)) middle
    while [ $((high - low)) -gt 1024 ]; do
        middle=$(((low + high) / 2))
        if limited "$middle" "$@"; then high=$middle; else low=$middle; fi
    done
    echo "$high"
}

# steady COMMAND...: the KiB from which on it succeeds without a word, three times at each level. It may with less: MPI
# leaves out components for which there is no memory, and fails in those that it could still load.
steady() {
    local kib last=40960
    for ((kib = last; kib < 409600; kib += 10240)); do
        for _ in 1 2 3; do
            limited "$kib" "$@" && [ ! -s message ] || last=$kib
        done
    done
    echo $((last + 10240))
}

bare=$(least "$program" version)
if [ -n "$launcher" ]; then
    printf '#include <mpi.h>\nint main(void) { MPI_Init(0, 0); return MPI_Finalize(); }\n' >init.c
    "mpicc.${launcher##*.}" init.c -o init 2>message || { echo "skipped: no mpicc.${launcher##*.}"; exit 77; }
    bare=$((bare + $(steady ./init)))
fi
runs=0 short=0 failures=0
for threads in 1 2; do
    [ -z "$launcher" ] || [ $threads -eq 1 ] || continue
    for command in "${commands[@]}"; do
        [[ -z $launcher || $command == train* ]] || continue
        words=($command)
        [ "${words[0]}" = diff ] || words+=(--threads "$threads")
        grep -q -- --threads <("$program" "${words[0]}" --help) || words=($command)
        top=$(least "$program" "${words[@]}")
        for ((level = 0; level < levels; level++)); do
            kib=$((bare + (top - bare) * level / levels))
            limited "$kib" "$program" "${words[@]}"
            status=$?
            runs=$((runs + 1))
            [ $status -eq 0 ] && continue
            short=$((short + 1))
            if [ $status -ne 5 ] || [ ! -s message ]; then
                failures=$((failures + 1))
                echo "status $status with $kib KiB (of $bare to $top): ${words[*]}: $(tail -n 2 message | tr '\n' ' ')"
            fi
        done
    done
done
echo "$runs runs, $short of them out of memory, $failures otherwise; ${launcher:+$(basename "$launcher"), }from $bare KiB"
[ $failures -eq 0 ] && [ $short -gt 0 ]
