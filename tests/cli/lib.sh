# lib.sh: what the cases share. Sourced with `bash -eu`.
evenkeel() { "$EVENKEEL" "$@"; }

# A training run of a second: lenet on 256 drawn digits.
tiny=(--data builtin:strokes:400 --limit 256 --model lenet --batch 32 --epochs 1 --quiet --threads 2)
tiny_data=(--data builtin:strokes:400 --limit 256)
train_tiny() { evenkeel train "${tiny[@]}" "$@"; } # then the options to add, -o among them

die() {
    echo "case: $*" >&2
    exit 99
}

# expect STATUS COMMAND...: the command must end with that status.
expect() {
    local want=$1 got=0
    shift
    "$@" || got=$?
    [ "$got" -eq "$want" ] || die "exit status $got, expected $want: $*"
}

# contains FILE TEXT / lacks FILE TEXT, fixed strings.
contains() { grep -aqF -- "$2" "$1" || die "$1 does not contain: $2 ($(head -c 600 "$1"))"; }
lacks() { ! grep -aqF -- "$2" "$1" || die "$1 contains: $2"; }

same() { cmp -s "$1" "$2" || die "$1 and $2 differ"; }
exists() { [ -s "$1" ] || die "$1 is missing or empty"; }
missing() { [ ! -e "$1" ] || die "$1 exists"; }

# only NAME...: the folder holds these files and nothing else (no temporary files).
only() {
    local found expected
    found=$(ls -A | sort | tr '\n' ' ')
    expected=$(printf '%s\n' "$@" | sort | tr '\n' ' ')
    [ "$found" = "$expected" ] || die "the folder holds: $found; expected: $expected"
}

# bytes 00 01 ff ... as binary.
bytes() { local b; for b in "$@"; do printf "\\x$b"; done; }

# npy FILE DTYPE SHAPE: the header; data follows on standard input.
npy() {
    local header="{'descr': '$2', 'fortran_order': False, 'shape': ($3), }" size
    size=$((((${#header} + 11 + 63) / 64) * 64 - 10))
    {
        bytes 93
        printf 'NUMPY'
        bytes 01 00
        bytes "$(printf '%02x' $((size % 256)))" "$(printf '%02x' $((size / 256)))"
        printf '%-*s\n' $((size - 1)) "$header"
        cat
    } >"$1"
}
zeros() { head -c "$1" /dev/zero; }

# An untrained lenet for 1x28x28 and 10 classes, from one step with a rate of next to nothing.
model() { train_tiny --epochs 1 --limit 32 --lr 1e-12 -o "$1" >/dev/null; }

# case_files: $files is the folder of small models that each show one kind of fault. Where it is not beside the sources,
# the case ends here, and says so. The program must answer either way.
case_files() {
    files=$CLI_TESTS/../../../shared/cases
    expect 0 evenkeel --version >version
    contains version evenkeel
    rm version
    [ -d "$files" ] && return 0
    echo "skipped: $files is absent"
    exit 0
}

# ir FILE: its IR version, as the first field of the file says it.
ir() { head -c 2 "$1" | od -An -tu1; }

# differs FILE OTHER PATTERN...: diff lists something, and each line of it is of one of these kinds (extended regular
# expressions, whole lines).
differs() {
    local one=$1 two=$2
    shift 2
    expect 1 evenkeel diff "$one" "$two" >listed
    printf '%s\n' "$@" >kinds
    ! grep -vxEf kinds listed || die "diff of $one and $two lists more than was asked for"
    rm listed kinds
}

# ---- Small ONNX files, field by field, in hexadecimal ----
pb_text() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; }
pb_number() { # a varint
    local n=$1
    while [ "$n" -ge 128 ]; do
        printf '%02x' $((n % 128 + 128))
        n=$((n / 128))
    done
    printf '%02x' "$n"
}
pb_int() { pb_number $(($1 * 8)) && pb_number "$2"; }           # FIELD N
pb() { pb_number $(($1 * 8 + 2)) && pb_number $((${#2} / 2)) && printf '%s' "$2"; } # FIELD HEX
pb_value() { # NAME EXTENT...: f32; n = any
    local d dims=''
    for d in "${@:2}"; do
        if [ "$d" = n ]; then dims+=$(pb 1 "$(pb 2 6e)"); else dims+=$(pb 1 "$(pb_int 1 "$d")"); fi
    done
    pb 1 "$(pb_text "$1")" && pb 2 "$(pb 1 "$(pb_int 1 1)$(pb 2 "$dims")")"
}
pb_weights() { # NAME EXTENT...: small numbers, none like the next
    local d i count=1 dims='' data=''
    for d in "${@:2}"; do
        dims+=$(pb_int 1 "$d")
        count=$((count * d))
    done
    for ((i = 0; i < count; i++)); do data+=$(printf '0000%02x3d' $(((i * 37) % 128))); done
    printf '%s' "$dims$(pb_int 2 1)$(pb 8 "$(pb_text "$1")")$(pb 9 "$data")"
}
# one_node FILE OP ATTRIBUTE 'EXTENTS OF X' 'OF W' 'OF B' 'OF Y': y = OP(x, w, b), a string attribute NAME=VALUE or ''.
one_node() {
    local attribute='' node graph
    [ -z "$3" ] || attribute=$(pb 5 "$(pb 1 "$(pb_text "${3%=*}")")$(pb 4 "$(pb_text "${3#*=}")")a00103")
    node=$(pb 1 78)$(pb 1 77)$(pb 1 62)$(pb 2 79)$(pb 4 "$(pb_text "$2")")$attribute
    # shellcheck disable=SC2086
    graph=$(pb 1 "$node")$(pb 2 67)$(pb 5 "$(pb_weights w $5)")$(pb 5 "$(pb_weights b $6)")$(pb 11 "$(pb_value x $4)")$(pb 12 "$(pb_value y $7)")
    printf '%b' "$(printf '%s' "$(pb_int 1 8)$(pb 8 "$(pb_int 2 17)")$(pb 7 "$graph")" | sed 's/../\\x&/g')" >"$1"
}
dense() { one_node "$1" Gemm '' "n $2" "$2 $3" "$3" "n $3"; } # FILE INPUTS OUTPUTS: y = x w + b
