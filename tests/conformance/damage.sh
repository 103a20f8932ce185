#!/usr/bin/env bash
# damage.sh PYTHON NESTED_PY NESTED_FILES FOLDER COUNT: that many damaged models with functions and nested graphs, each asked
# everything that a model can be asked. Any answer will do; a crash will not.
set -euo pipefail
python=$1 generator=$2 program=$3 folder=$4 count=$5
"$python" -c 'import onnx, numpy' 2> /dev/null || {
    echo "skipped: python3-onnx is not installed"
    exit 77
}
rm -rf "$folder"
mkdir -p "$folder"
"$python" "$generator" "$folder" > /dev/null
"$python" "$generator" damage "$folder" "$count"
failed=0
while read -r file; do
    "$program" all "$file" > "$folder/said" 2>&1 && continue
    echo "FAIL $file: status $?"
    tail -n 5 "$folder/said"
    failed=$((failed + 1))
done < <(find "$folder" -name 'damaged*.onnx' | sort)
echo "$count damaged models, $failed failed"
[ "$failed" -eq 0 ] || exit 1
rm -rf "$folder"
