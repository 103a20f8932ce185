#!/bin/sh
# planted_sizes.sh SOURCE: allocations whose sizes may wrap are put into a source; scripts/check_sizes.sh must refuse each,
# and nothing that multiplies as it should.
set -eu
source=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/src/planted" "$folder/apps/planted"

plant() { # TREE STATEMENT: the check's answer
    printf 'static void planted(size_t n, size_t m) {\n    %s\n}\n' "$2" >"$folder/$1/planted/planted.c"
    "$source/scripts/check_sizes.sh" "$folder/$1/planted/planted.c" >"$folder/out" 2>&1
}
allowed() { plant "$1" "$2" || { cat "$folder/out"; echo "refused: $2" >&2; exit 1; }; }
refused() { # TREE STATEMENT and what the message says
    if plant "$1" "$2"; then
        echo "not seen: $2" >&2
        exit 1
    fi
    grep -q "planted.c:2: $3" "$folder/out" || { cat "$folder/out"; exit 1; }
}

allowed src 'float *x = eki_alloc(eki_size_of(n, sizeof *x));'
allowed src 'size_t index = n * m; float *x = eki_calloc(n + 1, 2 * sizeof(float)); x[index] = 0;'
allowed apps 'float *x = calloc(n, sizeof *x);'
refused src 'float *x = malloc(n);' 'malloc is called'
refused src 'char *x = strdup(y);' 'strdup is called'
refused src 'float *x = eki_alloc(eki_sized(n * sizeof *x));' 'eki_sized(n \* sizeof \*x) multiplies'
refused src 'float *x = eki_alloc(eki_size_of(n * m, sizeof *x));' 'eki_size_of(n \* m, sizeof \*x) multiplies'
refused src 'float *x = eki_calloc((size_t)n * (size_t)m + 1, sizeof *x);' 'eki_calloc(.*) multiplies'
refused src 'float *x = eki_alloc(eki_sized(n << 2));' 'eki_sized(n << 2) multiplies'
refused src 'size_t bytes = (size_t)n * sizeof(float); float *x = eki_alloc(eki_sized(bytes));' 'eki_sized(bytes): bytes is a product'
refused src 'step->scratch_bytes = n * sizeof(float);' 'step->scratch_bytes is what a plan asks for'
refused apps 'float *x = malloc(n * sizeof *x);' 'malloc(n \* sizeof \*x) multiplies'
refused apps 'float *x = calloc(n * m, sizeof *x);' 'calloc(n \* m, sizeof \*x) multiplies'
echo "sizes: planted products are refused"
