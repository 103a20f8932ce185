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
