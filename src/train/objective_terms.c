/* objective_terms.c: the built-in losses, as nodes of ONNX: a loss for each element.
 *
 *     cross-entropy  SoftmaxCrossEntropyLoss(x, t, w); smoothed by e: (1 - e) l - e mean over classes of w log p
 *     bce            w t softplus(-x) + (1 - t) softplus(x), which loses no digits at either end
 *     mse            (x - t)^2
 *     mae            |x - t|
 *     huber          m (|x - t| - m / 2) where m = min(|x - t|, delta)
 *
 * Derivatives come out as they should at the kinks: 0 at x = t, and bce has none.
 */
#include "train/objective.h"

#include <string.h>

enum { OPSET = 17 };

typedef struct site {
    eki_graph *graph;
    const char *stem;
    ek_error *err;
    ek_status status; /* the first that was not EK_OK; nothing is done after it */
    eki_node *node;   /* the last */
} site;

static eki_value *fresh(site *s, const char *suffix) {
    eki_value *value = NULL;
    if (s->status == EK_OK) s->status = eki_graph_fresh(s->graph, s->stem, suffix, &value, s->err);
    return value;
}

/* A node with as many outputs as `out` has places. */
static void add(site *s, eki_opcode op, eki_value *const *in, int n_in, eki_value **out, int n_out) {
    for (int i = 0; i < n_out; i++) out[i] = fresh(s, "loss");
    if (s->status != EK_OK) return;
    s->status = eki_graph_add_op(s->graph, op, "", in, n_in, out, n_out, &s->node, s->err);
    if (s->status == EK_OK) s->node->opset = OPSET;
}

static eki_value *unary(site *s, eki_opcode op, eki_value *x) {
    eki_value *y = NULL;
    add(s, op, &x, 1, &y, 1);
    return y;
}

static eki_value *binary(site *s, eki_opcode op, eki_value *a, eki_value *b) {
    eki_value *y = NULL, *in[2] = {a, b};
    add(s, op, in, 2, &y, 1);
    return y;
}

static void set_int(site *s, const char *name, int64_t value) {
    if (s->status == EK_OK) s->status = eki_node_set_int(s->graph, s->node, name, value, s->err);
}

static void set_ints(site *s, const char *name, const int64_t *values, size_t count) {
    if (s->status == EK_OK) s->status = eki_node_set_ints(s->graph, s->node, name, values, count, s->err);
}

static void set_string(site *s, const char *name, const char *text) {
    if (s->status == EK_OK) s->status = eki_node_set_string(s->graph, s->node, name, text, s->err);
}

static eki_value *constant(site *s, ek_dtype dtype, const eki_shape *shape, const void *data) {
    eki_value *y = NULL;
    eki_attr *attr = NULL;
    add(s, EKI_OP_Constant, NULL, 0, &y, 1);
    if (s->status == EK_OK) s->status = eki_node_attr_slot(s->graph, s->node, "value", &attr, s->err);
    if (s->status != EK_OK) return NULL;
    attr->type = EKI_ATTR_TENSOR;
    s->status = eki_tensor_create(s->graph, dtype, shape, &attr->t, s->err);
    if (s->status == EK_OK) memcpy(attr->t->data, data, attr->t->bytes);
    return y;
}

static eki_value *number(site *s, double value) {
    const float narrow = (float)value;
    return constant(s, EK_F32, &(eki_shape){.rank = 0}, &narrow);
}

/* The class weights along axis 1 of what has the scores' rank; as a list, with `list`. */
static eki_value *class_weights(site *s, const eki_term *term, bool list) {
    eki_shape shape = {.rank = 1, .dims = {(int64_t)term->loss.class_count}};
    int rank = term->scores->shape.rank;
    if (!list && rank < 2 && s->status == EK_OK) {
        s->status =
            eki_fail(s->err, EK_ERR_UNSUPPORTED,
                     "output '%s': its number of dimensions is not fixed, which class weights need", term->name);
    }
    if (s->status != EK_OK) return NULL;
    for (int i = 1; i < rank - 1 && !list; i++) shape.dims[shape.rank++] = 1;
    return constant(s, EK_F32, &shape, term->loss.class_weights);
}

/* (1 - e) l - e mean over classes of w log p, 0 where the class is ignored. */
static eki_value *smoothed(site *s, const eki_term *term, eki_value *loss, eki_value *log_p, eki_value *target) {
    const int64_t classes = 1, ignored = EKI_IGNORED_CLASS;
    double e = term->loss.label_smoothing;
    if (term->loss.class_weights != NULL) log_p = binary(s, EKI_OP_Mul, log_p, class_weights(s, term, false));
    eki_value *mean = unary(s, EKI_OP_ReduceMean, log_p);
    set_ints(s, "axes", &classes, 1);
    set_int(s, "keepdims", 0);
    eki_value *gone = binary(s, EKI_OP_Equal, target, constant(s, EK_I64, &(eki_shape){.rank = 0}, &ignored));
    eki_value *counts = unary(s, EKI_OP_Cast, unary(s, EKI_OP_Not, gone));
    set_int(s, "to", 1); /* TensorProto.FLOAT */
    eki_value *spread = binary(s, EKI_OP_Mul, binary(s, EKI_OP_Mul, mean, counts), number(s, e));
    return binary(s, EKI_OP_Sub, binary(s, EKI_OP_Mul, loss, number(s, 1.0 - e)), spread);
}

static eki_value *cross_entropy_of(site *s, const eki_term *term, eki_value *scores, eki_value *target) {
    eki_value *in[3] = {scores, target, NULL}, *out[2] = {NULL, NULL};
    bool smooth = term->loss.label_smoothing > 0;
    int n_in = 2;
    if (term->loss.class_weights != NULL) in[n_in++] = class_weights(s, term, true);
    add(s, EKI_OP_SoftmaxCrossEntropyLoss, in, n_in, out, smooth ? 2 : 1);
    set_string(s, "reduction", "none");
    set_int(s, "ignore_index", EKI_IGNORED_CLASS);
    return smooth ? smoothed(s, term, out[0], out[1], target) : out[0];
}

/* The same of the second labels, and both by their shares. */
static eki_value *mixture(site *s, const eki_term *term, eki_value *scores, eki_value *loss) {
    eki_value *other = cross_entropy_of(s, term, scores, term->other);
    eki_value *rest = binary(s, EKI_OP_Sub, number(s, 1), term->share);
    return binary(s, EKI_OP_Add, binary(s, EKI_OP_Mul, loss, term->share), binary(s, EKI_OP_Mul, other, rest));
}

static eki_value *cross_entropy(site *s, eki_term *term) {
    eki_value *scores = term->scores;
    if (term->array == NULL) scores = unary(s, EKI_OP_Flatten, scores);
    term->judged = unary(s, EKI_OP_ArgMax, scores);
    set_int(s, "axis", 1);
    set_int(s, "keepdims", 0);
    eki_value *loss = cross_entropy_of(s, term, scores, term->target);
    return term->share != NULL ? mixture(s, term, scores, loss) : loss;
}

static eki_value *bce(site *s, const eki_term *term, eki_value *x, eki_value *t) {
    double e = term->loss.label_smoothing;
    eki_value *one = number(s, 1);
    if (e > 0) t = binary(s, EKI_OP_Add, binary(s, EKI_OP_Mul, t, number(s, 1 - e)), number(s, e / 2));
    eki_value *yes = binary(s, EKI_OP_Mul, t, unary(s, EKI_OP_Softplus, unary(s, EKI_OP_Neg, x)));
    eki_value *no = binary(s, EKI_OP_Mul, binary(s, EKI_OP_Sub, one, t), unary(s, EKI_OP_Softplus, x));
    if (term->loss.class_weights != NULL) yes = binary(s, EKI_OP_Mul, yes, class_weights(s, term, false));
    return binary(s, EKI_OP_Add, yes, no);
}

static eki_value *distance(site *s, const eki_term *term, eki_value *x, eki_value *t) {
    eki_value *d = binary(s, EKI_OP_Sub, x, t);
    if (term->loss.kind == EK_LOSS_MSE) return binary(s, EKI_OP_Mul, d, d);
    d = unary(s, EKI_OP_Abs, d);
    if (term->loss.kind == EK_LOSS_MAE) return d;
    eki_value *near = binary(s, EKI_OP_Min, d, number(s, term->loss.delta));
    eki_value *half = binary(s, EKI_OP_Mul, near, number(s, 0.5));
    return binary(s, EKI_OP_Mul, near, binary(s, EKI_OP_Sub, d, half));
}

/* Something to be fed, of any shape. */
static eki_value *fed(site *s, const char *suffix, ek_dtype dtype) {
    eki_value *value = fresh(s, suffix);
    if (s->status != EK_OK) return NULL;
    value->dtype = dtype;
    value->shape.rank = -1;
    s->status = eki_graph_add_input(s->graph, value, s->err);
    return value;
}

ek_status eki_term_build(eki_graph *graph, eki_term *term, bool mixed, ek_error *err) {
    site s = {.graph = graph, .stem = term->name, .err = err};
    bool classes = term->loss.kind == EK_LOSS_CROSS_ENTROPY;
    term->target = fed(&s, "target", classes ? EK_I64 : EK_F32);
    if (mixed) term->other = fed(&s, "other", EK_I64);
    if (mixed) term->share = fed(&s, "share", EK_F32);
    if (s.status != EK_OK) return s.status;
    if (classes) {
        term->value = cross_entropy(&s, term);
        return s.status;
    }
    term->judged = unary(&s, EKI_OP_Shape, term->scores);
    term->value = term->loss.kind == EK_LOSS_BCE ? bce(&s, term, term->scores, term->target)
                                                 : distance(&s, term, term->scores, term->target);
    return s.status;
}
