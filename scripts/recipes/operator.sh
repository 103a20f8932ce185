# An operator: Sin.
title="an operator"
targets="test_op_sin test_op_table"

plant() {
    sed -i 's/^EKI_OP(Sin,/EKI_RUN(Sin,/' src/ops/ops.def
    cat >src/graph/op/sin.c <<'END'
/* sin.c: Sin. ONNX opset 7. */
#include "graph/op/op_common.h"

#include <math.h>

ek_status eki_op_Sin_forward(eki_step *step, ek_error *err);

ek_status eki_op_Sin_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_f32(infer, 0));
    EKI_TRY(eki_infer_same(infer));
    return eki_infer_fold(infer, eki_op_Sin_forward);
}

ek_status eki_op_Sin_prepare(eki_step *step, ek_error *err) {
    step->keep_in[0] = step->want_din[0];
    return eki_prepare_same_layout(step, err);
}

ek_status eki_op_Sin_forward(eki_step *step, ek_error *err) {
    (void)err;
    const float *x = step->in[0].data;
    float *y = step->out[0].data;
    for (size_t i = 0; i < eki_view_elements(&step->out[0]); i++) y[i] = sinf(x[i]);
    return EK_OK;
}

ek_status eki_op_Sin_backward(eki_step *step, ek_error *err) {
    (void)err;
    const float *x = step->in[0].data, *dy = step->dout[0];
    float *dx = step->din[0];
    for (size_t i = 0; dx != NULL && i < eki_view_elements(&step->out[0]); i++) {
        dx[i] = dy == NULL ? 0 : cosf(x[i]) * dy[i];
    }
    return EK_OK;
}

EKI_OPERATOR(Sin, .diff_inputs = 0x1, EKI_ALL_OF(Sin));
END
    cat >tests/ops/test_op_sin.c <<'END'
/* Values of Sin. */
#include "op_harness.h"

static void values(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 14);
    NODE(&t, "Sin", 1, op_input(&t, SHAPE(2, 2), F(0, 1, -1, 2)));
    op_check(&t, F(0, 0.84147098f, -0.84147098f, 0.90929743f), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
END
}

check() {
    quietly $build/test_op_sin
    quietly $build/test_op_table
}
