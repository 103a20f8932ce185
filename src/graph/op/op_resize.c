/* op_resize.c: the arithmetic of Resize and Upsample, by opset: Upsample 7, 9 and Resize 10 scale x = i / scale; Resize
 * 11 has coordinate_transformation_mode, nearest_mode and cubic; 18 has axes and keep_aspect_ratio_policy; 19 has
 * half_pixel_symmetric.
 *
 * Coordinates are f64. With sizes the scale is the exact quotient, so that x = i * in / out falls on a pixel where it
 * should. Nearest in Resize 10 rounds up when it shrinks, as that version's cases do; later it is nearest_mode.
 */
#include "graph/op/op_resize.h"

#include <math.h>
#include <string.h>

/* Of an extent: no real model comes near, and the tables of an axis stay small. */
static const double MOST = 0x1p24;

static ek_status fail(const eki_node *node, ek_error *err, ek_status status, const char *what) {
    char label[192];
    return eki_fail(err, status, "%s: %s", eki_node_label(node, label), what);
}

static bool is(const eki_node *node, const char *name, const char *text, bool fallback) {
    return eki_node_string_is(node, name, text, fallback);
}

ek_status eki_resize_check(const eki_node *node, int64_t opset, ek_error *err) {
    static const char *const coordinates[] = {"half_pixel",         "asymmetric",           "align_corners",
                                              "pytorch_half_pixel", "tf_half_pixel_for_nn", "half_pixel_symmetric"};
    bool known = opset < 11, mode = is(node, "mode", "nearest", true) || is(node, "mode", "linear", false) ||
                                    (opset >= 11 && is(node, "mode", "cubic", false));
    for (size_t i = 0; i < sizeof coordinates / sizeof coordinates[0]; i++) {
        known = known || is(node, "coordinate_transformation_mode", coordinates[i], i == 0);
    }
    if (!mode) return fail(node, err, EK_ERR_UNSUPPORTED, "mode is none of nearest, linear and cubic (from opset 11)");
    if (!known) return fail(node, err, EK_ERR_UNSUPPORTED, "this coordinate_transformation_mode is not supported");
    if (eki_node_int(node, "antialias", 0) != 0) {
        return fail(node, err, EK_ERR_UNSUPPORTED, "antialias is not supported");
    }
    return EK_OK;
}

/* ---- extents ---- */

static const eki_tensor *filled(const eki_node *node, const eki_tensor *const *constants, int input, bool *present) {
    *present = input < node->n_in && node->in[input] != NULL;
    const eki_tensor *t = *present ? constants[input] : NULL;
    if (t != NULL && t->bytes == 0) *present = false;
    return *present ? t : NULL;
}

static float float_at(const eki_tensor *t, size_t i) {
    float v;
    memcpy(&v, (const char *)t->data + i * sizeof v, sizeof v);
    return v;
}

static int64_t int_at(const eki_tensor *t, size_t i) {
    int64_t v;
    memcpy(&v, (const char *)t->data + i * sizeof v, sizeof v);
    return v;
}

/* keep_aspect_ratio_policy: one scale for all axes, the smallest or the largest. */
static void keep_ratio(const eki_node *node, const eki_shape *x, const int *axes, size_t n, eki_resize *r) {
    bool smaller = is(node, "keep_aspect_ratio_policy", "not_larger", false);
    if (!smaller && !is(node, "keep_aspect_ratio_policy", "not_smaller", false)) return;
    double scale = r->scale[axes[0]];
    for (size_t i = 1; i < n; i++) {
        double s = r->scale[axes[i]];
        if (smaller ? s < scale : s > scale) scale = s;
    }
    for (size_t i = 0; i < n; i++) {
        r->scale[axes[i]] = scale;
        r->by_size[axes[i]] = false;
        r->out[axes[i]] = x->dims[axes[i]] < 0 ? -1 : (int64_t)floor(scale * (double)x->dims[axes[i]] + 0.5);
    }
}

static ek_status set_axis(const eki_node *node, eki_resize *r, const eki_shape *x, int axis, bool by_size, double value,
                          ek_error *err) {
    int64_t in = x->dims[axis];
    if (!(value > 0.0) || value > MOST) return fail(node, err, EK_ERR_ARG, "a scale or size is out of range");
    r->by_size[axis] = by_size;
    r->scale[axis] = by_size ? (in > 0 ? value / (double)in : 1.0) : value;
    double out = by_size ? value : floor((double)in * value);
    if (in >= 0 && out > MOST) return fail(node, err, EK_ERR_LIMIT, "an extent is above 2^24");
    r->out[axis] = by_size ? (int64_t)value : in < 0 ? (value == 1.0 ? in : -1) : (int64_t)out;
    return EK_OK;
}

static ek_status read_axes(const eki_node *node, int64_t opset, int rank, int axes[EKI_MAX_RANK], size_t *n,
                           ek_error *err) {
    const int64_t *given;
    bool some = opset >= 18 && eki_node_ints(node, "axes", &given, n);
    if (!some) *n = (size_t)rank;
    if (*n > (size_t)rank) return fail(node, err, EK_ERR_SHAPE, "there are more axes than dimensions");
    for (size_t i = 0; i < *n; i++) {
        int64_t axis = some ? given[i] : (int64_t)i;
        if (axis < -rank || axis >= rank) return fail(node, err, EK_ERR_SHAPE, "an axis is outside the rank");
        axes[i] = (int)(axis < 0 ? axis + rank : axis);
    }
    return EK_OK;
}

ek_status eki_resize_read(const eki_node *node, int64_t opset, const eki_shape *x, const eki_tensor *const *constants,
                          eki_resize *r, bool *known, ek_error *err) {
    int axes[EKI_MAX_RANK];
    size_t n, count;
    bool by_scale = true, by_size = false;
    const eki_attr *attribute = eki_node_attr(node, "scales");
    const eki_tensor *scales = opset < 9 ? NULL : filled(node, constants, opset < 11 ? 1 : 2, &by_scale);
    const eki_tensor *sizes = opset < 11 ? NULL : filled(node, constants, 3, &by_size);
    EKI_TRY(read_axes(node, opset, x->rank, axes, &n, err));
    *r = (eki_resize){.rank = x->rank};
    for (int i = 0; i < x->rank; i++) {
        r->out[i] = x->dims[i];
        r->scale[i] = 1.0;
    }
    *known = opset < 9 || scales != NULL || sizes != NULL;
    if (!*known) return by_scale || by_size ? EK_OK : fail(node, err, EK_ERR_FORMAT, "has neither scales nor sizes");
    if (opset < 9 && (attribute == NULL || attribute->type != EKI_ATTR_FLOATS)) {
        return fail(node, err, EK_ERR_FORMAT, "scales are missing");
    }
    if ((scales != NULL && scales->dtype != EK_F32) || (sizes != NULL && sizes->dtype != EK_I64)) {
        return fail(node, err, EK_ERR_DTYPE, "scales must be float32, sizes int64");
    }
    if (scales != NULL && sizes != NULL) return fail(node, err, EK_ERR_FORMAT, "has both scales and sizes");
    count = opset < 9        ? attribute->count
            : scales != NULL ? scales->bytes / sizeof(float)
                             : sizes->bytes / sizeof(int64_t);
    if (count != n) return fail(node, err, EK_ERR_SHAPE, "scales or sizes do not match the axes in number");
    for (size_t i = 0; i < n; i++) {
        double value = sizes != NULL    ? (double)int_at(sizes, i)
                       : scales != NULL ? (double)float_at(scales, i)
                                        : (double)attribute->floats[i];
        EKI_TRY(set_axis(node, r, x, axes[i], sizes != NULL, value, err));
    }
    if (sizes != NULL && opset >= 18 && n > 0) keep_ratio(node, x, axes, n, r);
    return EK_OK;
}

/* ---- coordinates ---- */

static double coordinate(const eki_node *node, int64_t opset, const eki_resize *r, int axis, int64_t in, int64_t i) {
    const char *name = "coordinate_transformation_mode";
    double out = (double)r->out[axis], x = (double)i, n = (double)in;
    double step = r->by_size[axis] ? n / out : 1.0 / r->scale[axis];
    bool exact = r->by_size[axis];
    if (opset < 11 || is(node, name, "asymmetric", false)) return exact ? x * n / out : x / r->scale[axis];
    if (is(node, name, "align_corners", false)) return out > 1.0 ? x * (n - 1.0) / (out - 1.0) : 0.0;
    if (is(node, name, "pytorch_half_pixel", false) && out <= 1.0) return 0.0;
    double centre = exact ? (x + 0.5) * n / out : (x + 0.5) / r->scale[axis];
    if (is(node, name, "tf_half_pixel_for_nn", false)) return centre;
    if (is(node, name, "half_pixel_symmetric", false)) {
        double adjust = out / (n / step);
        return n / 2.0 * (1.0 - adjust) + centre - 0.5;
    }
    return centre - 0.5;
}

static int64_t clamp(double v, int64_t in) { return v < 0.0 ? 0 : v > (double)(in - 1) ? in - 1 : (int64_t)v; }

static int64_t nearest(const eki_node *node, int64_t opset, double x, double scale, int64_t in) {
    if (opset < 11) return clamp(opset == 10 && scale < 1.0 ? ceil(x) : floor(x), in);
    if (is(node, "nearest_mode", "floor", false)) return clamp(floor(x), in);
    if (is(node, "nearest_mode", "ceil", false)) return clamp(ceil(x), in);
    if (is(node, "nearest_mode", "round_prefer_ceil", false)) return clamp(floor(x + 0.5), in);
    return clamp(ceil(x - 0.5), in);
}

/* Keys' cubic with coefficient a, at t in [0, 1) between the second and the third of four pixels. */
static int cubic(const eki_node *node, double x, int64_t in, int64_t *index, float *weight) {
    double a = (double)eki_node_float(node, "cubic_coeff_a", -0.75f), t = x - floor(x), u = 1.0 - t, sum = 0.0;
    double w[4] = {((a * (t + 1.0) - 5.0 * a) * (t + 1.0) + 8.0 * a) * (t + 1.0) - 4.0 * a,
                   ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0, ((a + 2.0) * u - (a + 3.0)) * u * u + 1.0,
                   ((a * (u + 1.0) - 5.0 * a) * (u + 1.0) + 8.0 * a) * (u + 1.0) - 4.0 * a};
    bool exclude = eki_node_int(node, "exclude_outside", 0) != 0;
    for (int k = 0; k < 4; k++) {
        double at = floor(x) - 1.0 + (double)k;
        if (exclude && (at < 0.0 || at > (double)(in - 1))) w[k] = 0.0;
        index[k] = clamp(at, in);
        sum += w[k];
    }
    for (int k = 0; k < 4; k++) weight[k] = (float)(exclude ? w[k] / sum : w[k]);
    return 4;
}

int eki_resize_taps(const eki_node *node, int64_t opset, const eki_resize *r, int axis, int64_t in, int64_t i,
                    int64_t index[EKI_RESIZE_TAPS], float weight[EKI_RESIZE_TAPS]) {
    double x = coordinate(node, opset, r, axis, in, i);
    if (is(node, "mode", "cubic", false)) return cubic(node, x, in, index, weight);
    if (!is(node, "mode", "linear", false)) {
        index[0] = nearest(node, opset, x, r->scale[axis], in);
        weight[0] = 1.0f;
        return 1;
    }
    x = x < 0.0 ? 0.0 : x > (double)(in - 1) ? (double)(in - 1) : x;
    index[0] = (int64_t)x;
    index[1] = index[0] + 1 < in ? index[0] + 1 : index[0];
    weight[1] = (float)(x - (double)index[0]);
    weight[0] = 1.0f - weight[1];
    return 2;
}
