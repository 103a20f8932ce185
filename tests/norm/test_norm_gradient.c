/* test_norm_gradient.c: backward against central differences of the f64 reference forward, with a dy that is not
 * constant (a constant dy has no gradient through the mean and would hide errors), and proof that the check can fail.
 */
#include "norm/fixture.h"

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double TOLERANCE = 1e-5;

enum { MOST_SHAPES = 64 };
static shape small_shapes[MOST_SHAPES] = {
    {EK_NORM_BATCH, EK_LAYOUT_NCHW, 4, {3, 4, 3, 2}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_BATCH, EK_LAYOUT_BLOCKED16, 4, {3, 4, 3, 2}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_BATCH, EK_LAYOUT_NHWC, 2, {9, 5}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_INSTANCE, EK_LAYOUT_NCHW, 4, {2, 3, 3, 4}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_GROUP, EK_LAYOUT_NCHW, 4, {2, 6, 3, 2}, 0, 2, EK_AFFINE_ELEMENT},
    {EK_NORM_GROUP, EK_LAYOUT_BLOCKED8, 4, {2, 6, 3, 2}, 0, 3, EK_AFFINE_ELEMENT},
    {EK_NORM_LAYER, EK_LAYOUT_NCHW, 3, {2, 3, 11}, -1, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_LAYER, EK_LAYOUT_NCHW, 4, {2, 4, 3, 2}, 1, 0, EK_AFFINE_CHANNEL},
    {EK_NORM_RMS, EK_LAYOUT_NCHW, 2, {4, 13}, -1, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_RMS, EK_LAYOUT_NHWC, 3, {2, 4, 5}, 1, 0, EK_AFFINE_CHANNEL},
};
static size_t shapes;

/* L = sum dy * y, whose gradient backward computes. */
static double loss(fixture *f, ek_norm_stats stats) {
    fixture_reference(f, stats, 1);
    double sum = 0;
    for (size_t i = 0; i < f->elements; i++) sum += f->rdy[i] * f->ry[i];
    return sum;
}

static double difference(fixture *f, ek_norm_stats stats, double *value) {
    const double h = 1e-5, before = *value;
    *value = before + h;
    double up = loss(f, stats);
    *value = before - h;
    double down = loss(f, stats);
    *value = before;
    return (up - down) / (2 * h);
}

/* Numeric gradients of x, scale and bias. */
typedef struct {
    double *x, *scale, *bias;
} gradients;

static gradients numeric(fixture *f, ek_norm_stats stats) {
    gradients g = {calloc(f->elements, sizeof(double)), calloc(f->parameters, sizeof(double)),
                   calloc(f->parameters, sizeof(double))};
    for (size_t i = 0; i < f->elements; i++) g.x[i] = difference(f, stats, &f->rx[i]);
    for (size_t p = 0; p < f->parameters; p++) {
        g.scale[p] = difference(f, stats, &f->rscale[p]);
        g.bias[p] = difference(f, stats, &f->rbias[p]);
    }
    return g;
}

static void release(gradients *g) {
    free(g->x);
    free(g->scale);
    free(g->bias);
}

static double worst;

static void check_desc(const shape *s, const ek_norm_desc *desc, ek_norm_stats stats) {
    fixture *f = fixture_make(desc, 21, 0.4, 1.3);
    fixture_forward(f, stats);
    fixture_backward(f);
    gradients g = numeric(f, stats);
    double errors[] = {fixture_error(f, f->dx, g.x), array_error(f->dscale, g.scale, f->parameters),
                       array_error(f->dbias, g.bias, f->parameters)};
    for (int i = 0; i < 3; i++) {
        if (!(errors[i] <= worst)) worst = errors[i];
        if (!(errors[i] <= TOLERANCE)) fail_msg("%s: gradient %d is off by %g", shape_text(s), i, errors[i]);
    }
    release(&g);
    fixture_free(f);
}

static void check_shape(const shape *s, ek_norm_stats stats) {
    ek_norm_desc desc = shape_desc(s);
    check_desc(s, &desc, stats);
}

/* The same through residual and smooth activation. */
static void fused_differences(void **state) {
    (void)state;
    const ek_activation smooth[] = {EK_ACTIVATION_SIGMOID, EK_ACTIVATION_TANH, EK_ACTIVATION_SILU, EK_ACTIVATION_GELU};
    for (size_t i = 0; i < shapes; i++) {
        for (int a = 0; a < 4; a++) {
            ek_norm_desc desc = shape_desc(&small_shapes[i]);
            desc.activation = smooth[a];
            desc.residual = 1;
            check_desc(&small_shapes[i], &desc, EK_STATS_BATCH);
        }
    }
}

static void central_differences(void **state) {
    (void)state;
    for (size_t i = 0; i < shapes; i++) check_shape(&small_shapes[i], EK_STATS_BATCH);
    for (int i = 0; i < 3; i++) check_shape(&small_shapes[i], EK_STATS_RUNNING);
    printf("worst difference %.2g (bound %.2g)\n", worst, TOLERANCE);
}

/* A backward whose variance term has the wrong sign must fail the same comparison, by far. */
static void wrong_sign_is_noticed(void **state) {
    (void)state;
    for (size_t i = 0; i < shapes; i++) {
        ek_norm_desc desc = shape_desc(&small_shapes[i]);
        fixture *f = fixture_make(&desc, 21, 0.4, 1.3);
        gradients g = numeric(f, EK_STATS_BATCH);
        fixture_reference(f, EK_STATS_BATCH, -1);
        for (size_t e = 0; e < f->elements; e++) f->dx[fixture_offset(f, e)] = (float)f->rdx[e];
        double error = fixture_error(f, f->dx, g.x);
        if (!(error > 100 * TOLERANCE)) fail_msg("%s: a wrong sign passes: %g", shape_text(&small_shapes[i]), error);
        release(&g);
        fixture_free(f);
    }
}

int main(void) {
    shapes = shapes_complete(small_shapes, MOST_SHAPES);
    const struct CMUnitTest tests[] = {cmocka_unit_test(central_differences), cmocka_unit_test(fused_differences),
                                       cmocka_unit_test(wrong_sign_is_noticed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
