# ratios.sh: sourced by what times two things in turns; a command that fails ends it.
shopt -s inherit_errexit

# The median of a column of numbers, with the interval in which it lies (95 %, order statistics).
median() {
    sort -g | awk '{ v[NR] = $1 } END { h = int(0.98 * sqrt(NR)); m = int((NR + 1) / 2)
        low = m - h < 1 ? 1 : m - h
        high = m + h
        if (high > NR) high = NR
        printf "%.3f  [%.3f, %.3f]", v[m], v[low], v[high] }'
}

# ratios ROUNDS COMMAND: the median of `COMMAND one` over `COMMAND other`, each of which prints seconds; in turns, the
# order changing from round to round.
ratios() {
    local turn a b
    for turn in $(seq "$1"); do
        if [ $((turn % 2)) -eq 0 ]; then
            b=$("$2" other)
            a=$("$2" one)
        else
            a=$("$2" one)
            b=$("$2" other)
        fi
        awk -v a="$a" -v b="$b" 'BEGIN { print a / b }'
    done | median
}

npy() { # FILE TYPE SHAPE, the data from standard input
    local header="{'descr': '$2', 'fortran_order': False, 'shape': ($3), }"
    printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "$header" >"$1"
    cat >>"$1"
}
