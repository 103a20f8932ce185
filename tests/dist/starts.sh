#!/bin/bash
# starts.sh BUILD FLAVOUR: a rank that never comes to the start of MPI ends a run: in time, with status 7, an error that
# names it and what it does, and without a process left behind.
set -u
BUILD=$(cd "$1" && pwd)
EK_MPI_TEST=$2
. "$(dirname "$0")/lib.sh"
need_mpi
folder=$(mktemp -d)
trap '[ "$BASHPID" != $$ ] || rm -rf "$folder"' EXIT # not of a child that a signal meets before it is the program
flavour=$2 timeout=2
export PROGRAM=$BUILD/evenkeel LATE=$BUILD/fault_rank

complain() {
    echo "FAILED: $flavour, $kind: $1"
    sed 's/^/    /' "$log"
    touch "$folder/failed"
}

# All that a run started has its FILE in its environment.
left_behind() {
    for process in /proc/[0-9]*; do
        ! grep -qsza "^FILE=$file\$" "$process/environ" || echo "${process#/proc/}"
    done
}

# kind, what rank 1 does instead, what the others must say of it
run() {
    kind=$1 log=$folder/$1.log file=$folder/$1.onnx begin=$(date +%s%N)
    FILE=$file timeout -k 2 60 "$(launcher "$flavour")" -n 3 /bin/sh -c "[ \${OMPI_COMM_WORLD_RANK:-\$PMI_RANK} != 1 ] || { $2; }
        exec \"\$PROGRAM\" train --data builtin:strokes:240 --model lenet --steps 2 --batch 24 --timeout $timeout \
            --threads 1 -o \"\$FILE\"" >"$log" 2>&1 </dev/null
    code=$?
    tenths=$((($(date +%s%N) - begin) / 100000000))
    echo "$flavour $kind: status $code after $((tenths / 10)).$((tenths % 10)) s: $(grep -m1 'error:' "$log" | cut -c1-160)"
    [ $code -eq 7 ] || complain "status $code, expected 7"
    [ $tenths -lt 150 ] || complain "took longer than 15 s"
    grep -qE "^evenkeel train \[rank [02]\]: error: .*rank 1 never came: .*$3" "$log" || complain "nobody says '$3' of rank 1"
    ! grep -qE "rank [02] never came" "$log" || complain "others than rank 1 are said to be missing"
    for _ in 1 2 3 4 5 6 7 8 9 10; do [ -z "$(left_behind)" ] && break || sleep 0.3; done
    [ -z "$(left_behind)" ] || complain "processes left behind: $(left_behind | tr '\n' ' ')"
    [ ! -e "$file" ] || complain "something was written"
}

# They wait more than they compute.
run exits 'exit 0' 'its process has ended' &
run other 'exec sleep 600' '\(sleep\) runs, but does not start MPI' &
run sleeps 'while sleep 600; do :; done' '\(sh\) runs, but does not start MPI' &
run stopped 'kill -STOP $$' '\(sh\) is stopped' &
run late 'exec "$LATE" stop-start 1 $FILE 600' '\(fault_rank\) is stopped' &
wait
[ ! -e "$folder/failed" ] || exit 1
echo "$flavour: whoever never comes is named"
