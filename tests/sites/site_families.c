/* site_families.c: norms that are written out node by node. */
#include "site_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal(call, EK_OK)

static unsigned axes_from(int first, int end) {
    unsigned set = 0;
    for (int i = first; i < end; i++) set |= 1U << i;
    return set;
}

static void random_shape(maker *m, int rank) {
    int64_t dims[SPEC_RANK];
    for (int i = 0; i < rank; i++) dims[i] = 2 + draw(m, 4);
    dims[1] = 6;
    set_shape(m, rank, dims);
}

/* Another set of axes than this one. */
static unsigned other_axes(const maker *m, unsigned axes) {
    unsigned all = axes_from(0, m->c->spec.rank), other = axes << 1;
    return (other & all) == other ? other : axes >> 1 != 0 && axes >> 1 != axes ? axes >> 1 : 1;
}

static eki_value *relu(maker *m, eki_value *x) { return make_op(m, EKI_OP_Relu, x, NULL); }

static eki_value *centre(maker *m, eki_value *x, unsigned axes) {
    unsigned of = differs(m, TWIN_MEAN_AXIS) ? other_axes(m, axes) : axes;
    eki_value *mean = make_mean(m, differs(m, TWIN_MEAN) ? relu(m, x) : x, of);
    return make_middle(m, EKI_OP_Sub, x, mean);
}

static eki_value *square(maker *m, eki_value *d, eki_value *x) {
    eki_value *base = d;
    if (m->twin == TWIN_SQUARE) {
        m->twinned = true;
        if (x != d && draw(m, 2) == 0) return make_middle(m, EKI_OP_Mul, x, x);
        if (draw(m, 2) == 0) return make_middle(m, EKI_OP_Pow, d, make_scalar(m, 4));
        return make_middle(m, EKI_OP_Mul, d, relu(m, d));
    }
    return draw(m, 2) == 0 ? make_middle(m, EKI_OP_Mul, base, base) : make_middle(m, EKI_OP_Pow, d, make_scalar(m, 2));
}

/* 1 / sqrt(v + epsilon), or with !inverse its denominator. */
static eki_value *root(maker *m, eki_value *v, bool inverse, bool *is_inverse) {
    double epsilon = m->c->spec.epsilon;
    bool outside = differs(m, TWIN_EPSILON);
    eki_value *e = make_scalar(m, epsilon), *sum;
    sum = outside ? v : draw(m, 2) == 0 ? make_middle(m, EKI_OP_Add, v, e) : make_middle(m, EKI_OP_Add, e, v);
    *is_inverse = inverse;
    if (inverse && !outside && draw(m, 3) == 0) {
        return make_middle(m, EKI_OP_Pow, sum, make_scalar(m, differs(m, TWIN_ROOT) ? -0.25 : -0.5));
    }
    eki_value *r;
    if (differs(m, TWIN_ROOT))
        r = draw(m, 2) == 0 ? make_middle(m, EKI_OP_Pow, sum, make_scalar(m, 1.5))
                            : make_middle(m, EKI_OP_Sqrt, make_middle(m, EKI_OP_Sqrt, sum, NULL), NULL);
    else
        r = draw(m, 4) == 0 ? make_middle(m, EKI_OP_Pow, sum, make_scalar(m, 0.5))
                            : make_middle(m, EKI_OP_Sqrt, sum, NULL);
    if (outside) r = make_middle(m, EKI_OP_Add, r, e);
    if (!inverse) return r;
    return draw(m, 2) == 0 ? make_middle(m, EKI_OP_Reciprocal, r, NULL)
                           : make_middle(m, EKI_OP_Div, make_scalar(m, 1), r);
}

static eki_value *divide(maker *m, eki_value *numerator, eki_value *v) {
    bool inverse;
    if (differs(m, TWIN_NUMERATOR)) numerator = relu(m, numerator);
    eki_value *r = root(m, v, draw(m, 2) == 0, &inverse);
    if (!inverse) return make_op(m, EKI_OP_Div, numerator, r);
    return draw(m, 2) == 0 ? make_op(m, EKI_OP_Mul, numerator, r) : make_op(m, EKI_OP_Mul, r, numerator);
}

/* mean(x^2) - mean(x)^2; of a twin the two are over different axes. */
static eki_value *raw_variance(maker *m, eki_value *x, unsigned axes) {
    unsigned of = differs(m, TWIN_MEAN_AXIS) ? other_axes(m, axes) : axes;
    eki_value *squares = make_mean(m, make_middle(m, EKI_OP_Mul, x, x), axes), *mean = make_mean(m, x, of);
    return make_middle(m, EKI_OP_Sub, squares, make_middle(m, EKI_OP_Mul, mean, mean));
}

/* The mean of squares, as a mean of products or as a sum of squares by one operator. */
static eki_value *mean_square(maker *m, eki_value *d, eki_value *x, unsigned axes) {
    int64_t elements = 1;
    for (int i = 0; i < m->c->spec.rank; i++) elements *= axes >> i & 1 ? m->c->spec.dims[i] : 1;
    bool open = (axes & 1) != 0 && m->x->shape.dims[0] < 0;
    bool known = m->c->spelling == EKI_SPELL_MOMENTS && !open && m->twin != TWIN_SQUARE && !m->c->half;
    if (!known || draw(m, 5) != 0) return make_mean(m, square(m, d, x), axes);
    return make_sum_square(m, d, axes, differs(m, TWIN_CONSTANT) ? elements + 1 : elements);
}

/* Moments over these axes, then the quotient. */
static eki_value *normalize(maker *m, eki_value *x, bool centred, unsigned axes) {
    int64_t elements = 1; /* of few, float32 leaves too little of the difference */
    for (int i = 0; i < m->c->spec.rank; i++) elements *= axes >> i & 1 && i < SPEC_RANK ? m->c->spec.dims[i] : 1;
    bool raw = centred && elements >= 5 && !m->c->bare_weight && m->twin != TWIN_MEAN && m->twin != TWIN_SQUARE &&
               draw(m, 5) == 0;
    if (raw) {
        eki_value *variance = raw_variance(m, x, axes);
        return divide(m, make_middle(m, EKI_OP_Sub, x, make_mean(m, x, axes)), variance);
    }
    eki_value *d = centred ? centre(m, x, axes) : x, *numerator = d;
    eki_value *v = mean_square(m, d, x, axes);
    if (centred && m->twin != TWIN_MEAN_AXIS && m->twin != TWIN_MEAN && draw(m, 3) == 0) numerator = centre(m, x, axes);
    return divide(m, numerator, v);
}

static eki_value *apply(maker *m, eki_opcode op, eki_value *y, eki_value *p) {
    return draw(m, 2) == 0 ? make_op(m, op, y, p) : make_op(m, op, p, y);
}

/* Scale and bias, each perhaps missing or inverted, of this shape. */
static eki_value *affine(maker *m, eki_value *y, int rank, const int64_t *dims, int axis, bool bias, bool needed) {
    double numbers[SPEC_ELEMENTS];
    eki_shape shape = eki_shape_of(rank, dims);
    int64_t count;
    assert_true(eki_shape_count(&shape, &count));
    if (axis >= 0) shape = eki_shape_of(1, &count);
    int form = draw(m, 6);
    if (needed || form != 0) {
        eki_value *p = make_parameter(m, rank, dims, 0.5, 1.5, numbers);
        bool divided = draw(m, 6) == 0;
        for (int64_t i = 0; divided && i < count; i++) numbers[i] = 1 / numbers[i];
        spec_parameter(&m->c->spec, EKI_SCALE, numbers, &shape, axis);
        y = divided ? make_op(m, EKI_OP_Div, y, p) : apply(m, EKI_OP_Mul, y, p);
    }
    if (bias && (form <= 3 || needed)) {
        eki_value *p = make_parameter(m, rank, dims, -1, 1, numbers);
        bool subtracted = draw(m, 6) == 0;
        for (int64_t i = 0; subtracted && i < count; i++) numbers[i] = -numbers[i];
        spec_parameter(&m->c->spec, EKI_BIAS, numbers, &shape, axis);
        y = subtracted ? make_op(m, EKI_OP_Sub, y, p) : apply(m, EKI_OP_Add, y, p);
    }
    return y;
}

/* [C,1,1]: one for each place along `axis`. */
static int along(const maker *m, int axis, int64_t dims[SPEC_RANK]) {
    int rank = m->c->spec.rank - axis;
    for (int i = 0; i < rank; i++) dims[i] = i == 0 ? m->c->spec.dims[axis] : 1;
    return rank;
}

static void start(maker *m, eki_site_kind kind, eki_spelling spelling, unsigned axes) {
    static const double epsilons[] = {1e-5, 1e-6, 1e-3, 1e-12, 0.01};
    m->c->spec.kind = kind;
    m->c->spec.axes = axes;
    m->c->spelling = spelling;
    m->c->spec.epsilon = (double)(float)epsilons[draw(m, 5)];
    make_input(m);
}

void site_layer(maker *m) {
    int rank = 2 + draw(m, 3), first = 1 + draw(m, rank - 1);
    if (rank == 4 && first == 2) first = 3; /* over space it is an instance norm */
    random_shape(m, rank);
    start(m, EKI_SITE_LAYER, EKI_SPELL_MOMENTS, axes_from(first, rank));
    eki_value *y = normalize(m, m->x, true, m->c->spec.axes);
    finish(m, affine(m, y, rank - first, m->c->spec.dims + first, -1, true, false));
}

void site_layer_channels_first(maker *m) {
    int64_t dims[SPEC_RANK];
    random_shape(m, 4);
    start(m, EKI_SITE_LAYER, EKI_SPELL_MOMENTS, 1U << 1);
    m->c->spec.channel_axis = 1;
    eki_value *y = normalize(m, m->x, true, 1U << 1);
    int rank = along(m, 1, dims);
    finish(m, affine(m, y, rank, dims, 1, true, true));
}

void site_rms(maker *m) {
    int rank = 2 + draw(m, 3), first = rank - 1;
    random_shape(m, rank);
    start(m, EKI_SITE_RMS, EKI_SPELL_MOMENTS, axes_from(first, rank));
    eki_value *y = normalize(m, m->x, false, m->c->spec.axes);
    finish(m, affine(m, y, 1, m->c->spec.dims + first, -1, false, false));
}

void site_rms_all(maker *m) {
    int64_t dims[SPEC_RANK];
    random_shape(m, 4);
    start(m, EKI_SITE_RMS, EKI_SPELL_MOMENTS, axes_from(1, 4));
    m->c->spec.channel_axis = 1;
    eki_value *y = normalize(m, m->x, false, m->c->spec.axes);
    int rank = along(m, 1, dims);
    finish(m, affine(m, y, rank, dims, 1, false, true));
}

void site_instance(maker *m) {
    int64_t dims[SPEC_RANK];
    int rank = 3 + draw(m, 3);
    random_shape(m, rank);
    start(m, EKI_SITE_INSTANCE, EKI_SPELL_MOMENTS, axes_from(2, rank));
    m->c->spec.channel_axis = 1;
    eki_value *y = normalize(m, m->x, true, m->c->spec.axes);
    int r = along(m, 1, dims);
    finish(m, affine(m, y, r, dims, 1, true, rank == 3));
}

void site_instance_last(maker *m) {
    random_shape(m, 4);
    start(m, EKI_SITE_INSTANCE, EKI_SPELL_MOMENTS, axes_from(1, 3));
    m->c->spec.channel_axis = 3;
    m->c->channels_last = true;
    eki_value *y = normalize(m, m->x, true, m->c->spec.axes);
    finish(m, affine(m, y, 1, m->c->spec.dims + 3, 3, true, true));
}

void site_batch_moments(maker *m) {
    int64_t dims[SPEC_RANK];
    int rank = 2 + draw(m, 3);
    random_shape(m, rank);
    start(m, EKI_SITE_BATCH, EKI_SPELL_MOMENTS, axes_from(0, rank) & ~2U);
    m->c->spec.channel_axis = 1;
    m->c->training = true;
    eki_value *y = normalize(m, m->x, true, m->c->spec.axes);
    int r = along(m, 1, dims);
    finish(m, affine(m, y, r, dims, 1, true, false));
}

static eki_value *statistic(maker *m, eki_role role, double low, double high) {
    double numbers[SPEC_ELEMENTS];
    int64_t dims[SPEC_RANK], channels = m->c->spec.dims[1];
    eki_shape shape = eki_shape_of(1, &channels);
    int rank = along(m, 1, dims);
    eki_value *p = make_parameter(m, rank, dims, low, high, numbers);
    spec_parameter(&m->c->spec, role, numbers, &shape, 1);
    return p;
}

void site_batch_running(maker *m) {
    int64_t dims[SPEC_RANK];
    int rank = 2 + draw(m, 3);
    random_shape(m, rank);
    start(m, EKI_SITE_BATCH, EKI_SPELL_MOMENTS, 0);
    m->c->spec.channel_axis = 1;
    eki_value *mean = statistic(m, EKI_MEAN, -1, 1), *variance = statistic(m, EKI_VARIANCE, 0.5, 2);
    if (m->twin == TWIN_SHAPE && rank == 4) { /* the mean is per row */
        m->twinned = true;
        mean = make_tensor(m, 2, (int64_t[]){m->c->spec.dims[2], 1}, -1, 1, NULL);
    }
    eki_value *centred = make_middle(m, EKI_OP_Sub, m->x, mean);
    if (differs(m, TWIN_MEAN)) centred = make_op(m, EKI_OP_Sub, m->x, relu(m, m->x));
    if (m->twin == TWIN_OUTPUT || m->twin == TWIN_READ) m->n_middle = 1;
    int kept = m->n_middle;
    eki_value *y = divide(m, centred, variance);
    m->n_middle = kept;
    int r = along(m, 1, dims);
    finish(m, affine(m, y, r, dims, 1, true, false));
}

/* x m + (bias - mean m) */
static eki_value *by_factor(maker *m, eki_value *mean, eki_value *variance, int rank, const int64_t *dims, int axis,
                            bool middle) {
    double scale[SPEC_ELEMENTS], bias[SPEC_ELEMENTS];
    bool inverse;
    eki_shape shape = eki_shape_of(rank, dims);
    int64_t count;
    assert_true(eki_shape_count(&shape, &count));
    if (axis >= 0) shape = eki_shape_of(1, &count);
    int kept = m->n_middle;
    eki_value *factor = root(m, variance, true, &inverse);
    if (draw(m, 4) != 0) {
        eki_value *p = make_parameter(m, rank, dims, 0.5, 1.5, scale);
        spec_parameter(&m->c->spec, EKI_SCALE, scale, &shape, axis);
        factor = make_middle(m, EKI_OP_Mul, factor, p);
    }
    if (!middle) m->n_middle = kept;
    eki_value *b = make_parameter(m, rank, dims, -1, 1, bias);
    spec_parameter(&m->c->spec, EKI_BIAS, bias, &shape, axis);
    eki_value *shift = make_op(m, EKI_OP_Mul, mean, factor);
    shift = make_op(m, EKI_OP_Sub, b, shift);
    if (middle) m->middle[m->n_middle++] = shift;
    eki_value *x = middle && differs(m, TWIN_NUMERATOR) ? relu(m, m->x) : m->x;
    return make_op(m, EKI_OP_Add, make_middle(m, EKI_OP_Mul, x, factor), shift);
}

void site_factor_layer(maker *m) {
    int rank = 2 + draw(m, 3), first = rank - 1;
    random_shape(m, rank);
    start(m, EKI_SITE_LAYER, EKI_SPELL_FACTOR, axes_from(first, rank));
    unsigned axes = m->c->spec.axes;
    eki_value *mean = make_mean(m, m->x, axes);
    eki_value *d = draw(m, 2) == 0 && m->twin != TWIN_MEAN_AXIS && m->twin != TWIN_MEAN
                       ? make_middle(m, EKI_OP_Sub, m->x, mean)
                       : centre(m, m->x, axes);
    eki_value *variance = make_mean(m, square(m, d, m->x), axes);
    finish(m, by_factor(m, mean, variance, 1, m->c->spec.dims + first, -1, true));
}

void site_factor_batch(maker *m) {
    int64_t dims[SPEC_RANK];
    int rank = 2 + draw(m, 3);
    random_shape(m, rank);
    start(m, EKI_SITE_BATCH, EKI_SPELL_FACTOR, 0);
    m->c->spec.channel_axis = 1;
    eki_value *mean = statistic(m, EKI_MEAN, -1, 1), *variance = statistic(m, EKI_VARIANCE, 0.5, 2);
    int r = along(m, 1, dims);
    finish(m, by_factor(m, mean, variance, r, dims, 1, false));
}

void site_weight(maker *m) {
    double gain[SPEC_ELEMENTS];
    int64_t w[4] = {4 + draw(m, 3), 3, 3, 3}, gains[4] = {w[0], 1, 1, 1}, image[4] = {1, 3, 5, 5};
    set_shape(m, 4, image);
    m->c->bare_weight = true;
    make_input(m);
    set_shape(m, 4, w);
    m->c->spec.kind = EKI_SITE_WEIGHT;
    m->c->spelling = EKI_SPELL_MOMENTS;
    m->c->spec.axes = axes_from(1, 4);
    m->c->spec.epsilon = 1e-5F;
    m->c->spec.channel_axis = 0;
    eki_value *value = make_tensor(m, 4, w, -1, 1, m->c->x);
    eki_value *y = normalize(m, value, true, m->c->spec.axes), *in[2], *out = NULL;
    if (draw(m, 2) == 0) {
        eki_shape shape = eki_shape_of(1, w);
        y = apply(m, EKI_OP_Mul, y, make_parameter(m, 4, gains, 0.5, 1.5, gain));
        spec_parameter(&m->c->spec, EKI_SCALE, gain, &shape, 0);
    }
    in[0] = m->x;
    in[1] = y;
    (void)make_node(m, EKI_OP_Conv, in, 2, &out);
    y->dtype = EK_F32;
    finish(m, y);
    out->dtype = EK_F32;
    out->declared = true;
    out->shape = eki_shape_of(4, (int64_t[]){1, w[0], 3, 3});
    OK(eki_graph_add_output(m->graph, out, NULL));
}

/* A float32 norm in a float16 file: everything between is cast, and perhaps x more than once. */
static eki_value *cast(maker *m, eki_value *x, ek_dtype to) {
    eki_value *out = NULL;
    eki_node *node = make_node(m, EKI_OP_Cast, &x, 1, &out);
    OK(eki_node_set_int(m->graph, node, "to", to, NULL));
    return out;
}

static eki_value *half_parameter(maker *m, const int64_t *dims, eki_role role, double low, double high) {
    double numbers[SPEC_ELEMENTS];
    eki_shape shape = eki_shape_of(1, dims);
    eki_value *p = make_tensor(m, 1, dims, low, high, numbers);
    p->init->stored = p->stored = EK_F16;
    spec_parameter(&m->c->spec, role, numbers, &shape, -1);
    return p;
}

void site_half(maker *m) {
    bool centred = draw(m, 2) == 0, again = draw(m, 2) == 0;
    m->c->half = true;
    random_shape(m, 3);
    start(m, centred ? EKI_SITE_LAYER : EKI_SITE_RMS, EKI_SPELL_MOMENTS, 1U << 2);
    m->c->spec.epsilon = (double)1e-3F;
    eki_value *x = cast(m, m->x, EK_F16), *wide = cast(m, x, EK_F32), *twice = again ? cast(m, x, EK_F32) : wide;
    eki_value *d = centred ? centre(m, wide, 1U << 2) : wide;
    eki_value *v = make_mean(m, square(m, d, wide), 1U << 2);
    eki_value *y = divide(m, centred ? d : twice, v);
    y = cast(m, y, EK_F16);
    y = apply(m, EKI_OP_Mul, y, half_parameter(m, m->c->spec.dims + 2, EKI_SCALE, 0.5, 1.5));
    if (centred) y = apply(m, EKI_OP_Add, y, half_parameter(m, m->c->spec.dims + 2, EKI_BIAS, -1, 1));
    finish(m, cast(m, y, EK_F32));
}

eki_value *site_normalize(maker *m, eki_value *x, unsigned axes) { return normalize(m, x, true, axes); }
eki_value *site_affine(maker *m, eki_value *y, int rank, const int64_t *dims, int axis, bool needed) {
    return affine(m, y, rank, dims, axis, true, needed);
}

const site_family site_families[] = {
#define FAMILY(make, name) make,
#include "site_families.def"
};
const char *const site_family_names[] = {
#define FAMILY(make, name) name,
#include "site_families.def"
};
const int n_site_families = sizeof site_families / sizeof *site_families;
