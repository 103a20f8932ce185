#!/bin/sh
# check_layers.sh: refuses an include that goes up. The table below is the architecture: each folder of src/ and the
# folders it may include from. Public headers (<evenkeel/...>) are open to all; apps and the tool see nothing else.
set -eu
cd "$(dirname "$0")/.."

allowed() {
    case $1 in
    base) echo "base" ;;
    kernel) echo "kernel" ;;
    cpu) echo "cpu base kernel" ;;
    norm) echo "norm base cpu kernel" ;;
    dnnl) echo "dnnl base" ;;
    bench) echo "bench" ;;
    ops) echo "ops base" ;;
    graph) echo "graph base ops dnnl" ;;
    onnx) echo "onnx base graph" ;;
    data) echo "data base" ;;
    dist) echo "dist base" ;;
    model) echo "model base graph onnx" ;;
    zoo) echo "zoo base graph model" ;;
    surgery) echo "surgery base graph onnx model" ;;
    train) echo "train base graph onnx model data dist dnnl" ;;
    report) echo "report" ;;
    study) echo "study report" ;;
    tool) echo "evenkeel study bench report" ;;
    *) echo "" ;;
    esac
}

status=0
fail() {
    echo "layers: $1" >&2
    status=1
}

check_folder() { # layer folder
    ok=" $(allowed "$1") "
    [ "$ok" != "  " ] || fail "$2 is not in the table of scripts/check_layers.sh"
    includes=$(find "$2" -name '*.[ch]' -exec grep -HE '^ *# *include *"' {} + | sed -E 's/: *# *include *"([^"]*)".*/ \1/')
    while read -r file header; do
        [ -n "$file" ] || continue
        case $header in */*) ;; *) continue ;; esac
        layer=${header%%/*}
        case $ok in *" $layer "*) ;; *) fail "$file includes \"$header\": $1 may include from:$ok" ;; esac
    done <<LIST
$includes
LIST
}

only_in() { # pattern, folder, what
    found=$(grep -rlE "$1" src apps tools --include='*.[ch]' | grep -vE "^$2/" || true)
    [ -z "$found" ] || fail "$3 may be included only in $2, not in: $found"
}

for folder in src/*/ apps/*/; do check_folder "$(basename "$folder")" "$folder"; done
check_folder tool tools/evenkeel
only_in '# *include *[<"](oneapi/dnnl/)?dnnl[_a-z]*[.]h' '(src/dnnl|apps/bench)' "oneDNN"
only_in '# *include *[<"](protobuf-c|onnx/onnx.pb-c)' src/onnx "protobuf-c"
only_in '# *include *[<"]mpi\.h' src/dist "MPI"
only_in '# *include *<([a-z]*intrin|arm_neon)\.h>' src/kernel/simd "intrinsics"

twice=$(find src apps -name '*.c' -exec basename {} \; | sort | uniq -d)
[ -z "$twice" ] || fail "file names used twice: $twice; a name in a message or a comment should mean one file"
[ "$status" -eq 0 ] && echo "layers: every include goes down, every file name is used once"
exit $status
