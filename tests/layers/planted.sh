#!/bin/sh
# planted.sh CC SOURCE BUILD: an object file with a call is put into a room; the check must refuse what goes up.
set -eu
cc=$1 source=$2 build=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# plant ROOM FUNCTION: the check's answer with a call of FUNCTION in ROOM
plant() {
    printf 'void %s(void);\nvoid planted_call(void);\nvoid planted_call(void) { %s(); }\n' "$2" "$2" >"$folder/planted.c"
    "$cc" -c "$folder/planted.c" -o "$folder/planted.o"
    { cat "$build/rooms.txt"; echo "$1 $folder/planted.o"; } >"$folder/rooms.txt"
    "$source/scripts/check_layers.sh" "$folder" 2>&1
}

allowed() { plant "$1" "$2" >"$folder/out" || { cat "$folder/out"; echo "refused: $2 called in $1" >&2; exit 1; }; }

refused() { # ROOM FUNCTION and what the message says
    if plant "$1" "$2" >"$folder/out"; then
        echo "not seen: $2 called in $1" >&2
        exit 1
    fi
    grep -q "planted.o calls $2: $3" "$folder/out" || { cat "$folder/out"; exit 1; }
}

allowed norm eki_fail
refused base ek_norm_forward "base does not need norm"
refused kernel eki_fail "kernel does not need base"
grep -q '^train ' "$build/rooms.txt" || exit 0 # the norm library alone
allowed feed ek_dataset_close
allowed study ek_trainer_step
refused norm ek_trainer_step "norm does not need train"
refused surgery ek_dataset_close "surgery does not need data"
refused surgery eki_sum_start "surgery does not need dist"
refused train eki_kernels_get "train may call public functions (ek_) of cpu only"
refused study eki_fail "study may call public functions (ek_) of base only"
echo "layers: planted calls are refused"
