# A kind of norm: filter response normalization (Singh and Krishnan 2019): instance norm without centring.
title="a norm"
targets="test_norm_values test_norm_gradient test_norm_bits test_norm_order test_norm_masks test_norm_golden test_norm_numerics
    test_norm_f64 test_norm_errors evenkeel_tool"

plant() {
    after include/evenkeel/norm.h 'RMS        as LAYER ' \
        ' *     FILTER     as INSTANCE, and mean = 0 as for RMS                   [C]'
    sed -i 's/EK_NORM_RMS = 5$/EK_NORM_RMS = 5,\n    EK_NORM_FILTER = 6/' include/evenkeel/norm.h
    quietly bash scripts/reference.sh
    echo 'EKI_NORM_KIND(FILTER, "filter", "filter response norm", EACH, UNCENTRED, 1e-5, 1e-6, 1e-3, 1e-6, 1e-5, 1e-3)' >>src/norm/kinds.def
    after tests/support/norm_ref.c '{EKI_REF_AXES, 0}' '    {EKI_REF_EACH, 0},   /* filter response */'
}

check() {
    for question in values gradient bits order masks numerics f64 errors; do quietly $build/test_norm_$question; done
    # A kind whose bits are not on record fails; then they are.
    if "$build/test_norm_golden" >"$work/log" 2>&1; then
        echo "recipes: test_norm_golden passes without hashes of the kind" >&2
        exit 1
    fi
    grep -q 'filter .* has no hashes' "$work/log"
    "$build/test_norm_golden" --print | tail -n +"$(wc -l <tests/norm/golden.inc)" >>tests/norm/golden.inc
    rebuild test_norm_golden
    quietly $build/test_norm_golden
    quietly evenkeel bench norm --shape 'filter 4x8x6x6' --rounds 1
    grep -q '^filter 4x8x6x6' "$work/log"
    quietly bash scripts/reference.sh --check
}
