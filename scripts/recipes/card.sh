# A card of the study: an extra on RMS norm, with its sabotage.
title="a card of the study"
targets="test_study page_fixture evenkeel_tool"

plant() {
    cat >apps/study/extra22.c <<'END2'
/* extra22.c: RMS norm makes the mean square m / (m + epsilon), where m is the one before. */
#include "study/seam.h"

#include <math.h>

enum { ROWS = 4, WIDTH = 256 };
enum { ERROR, ENDPOINTS };

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    const int64_t dims[] = {ROWS, WIDTH};
    float x[ROWS * WIDTH], y[ROWS * WIDTH];
    eks_fill_normal(x, ROWS * WIDTH, study->options->seed, 2200, 0.001, 0.01);
    eks_norm call = eks_norm_call(EK_NORM_RMS, 2, dims, x, y);
    call.desc.epsilon = study->sabotaged ? 1e-3 : 1e-5;
    EKS_TRY(eks_normalize(&call, err));
    for (int r = 0; r < ROWS; r++) {
        double mean, in, out;
        eks_moments(x + r * WIDTH, WIDTH, 1, &mean, &in);
        in += mean * mean;
        eks_moments(y + r * WIDTH, WIDTH, 1, &mean, &out);
        out += mean * mean;
        evidence->values[ERROR] = fmax(evidence->values[ERROR], fabs(out - in / (in + 1e-5)));
    }
    return EK_OK;
}

const eks_design eks_extra22 = {
    .number = 22,
    .taught = "RMS norm makes the mean square of a row 1, but for epsilon.",
    .prediction = "The mean square that comes out is m/(m + epsilon).",
    .refuter = "A distance over 0.00001.",
    .method = "Four rows of 256 values.",
    .sabotage = "rms-epsilon",
    .sabotage_what = "epsilon = 0.001, where 0.00001 is claimed",
    .endpoint_count = ENDPOINTS,
    .endpoints = {[ERROR] = {"largest distance from m/(m + epsilon)", EKS_AT_MOST, 1e-5}},
    .run = run,
};
END2
    echo 'EKS_EXTRA(eks_extra22)' >>apps/study/designs.def
    sed -i '$d' apps/study/extras.c
    cat >>apps/study/extras.c <<'END2'
    {.number = 22,
     .level = EKS_EASY,
     .question = "What does RMS norm leave of the mean square?",
     .answer = "One, but for epsilon.",
     .formula = MATH(FRAC(I("m"), I("m") O("+") I("ε"))),
     .formula_text = "m/(m + ε)",
     .related = {19},
     .sources = {{"Zhang and Sennrich 2019", "https://arxiv.org/abs/1910.07467"}}},
};
END2
    after docs/study.md '| 21 | `half-batches`' '| 22 | `rms-epsilon` | epsilon 0.001 where 0.00001 is claimed |'
}

check() {
    quietly $build/test_study
    quietly $build/page_fixture "$work/page.html" "$work/page.json"
    grep -q 'id="card-22"' "$work/page.html"
    quietly evenkeel study --quick --card 22 -o "$work/card.html"
    if evenkeel study --quick --card 22 --sabotage rms-epsilon -o "$work/card.html" >"$work/log" 2>&1; then
        echo "recipes: the sabotage of card 22 turns no verdict" >&2
        exit 1
    fi
}
