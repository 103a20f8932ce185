/* Can any single-operator graph, however wrong, do worse than a named error?
 *
 * For every operator that the engine runs, thousands of seeded graphs: random arity (absent inputs and outputs among
 * them), element types, shapes (0, 1, symbolic and astronomic extents, rank 0 to 6) and attributes (missing, of the
 * wrong type, huge and negative), half of them near what the operator wants, so that its code runs and not its checks
 * alone. Behind every second one stands a convolution, so that data comes in a blocked layout. Each is inferred,
 * planned, run forward and, where that was planned, backward: twice, the second time with everything poisoned that no
 * operator asked to keep (keep_in, keep_out), which must give the same gradients. Sanitizers say whether memory was
 * respected; this program, whether every failure has a status and a text with names, and
 * whether every operator also succeeded. A number as argument is the cases per row.
 */
#include "op_harness.h"

#include "base/random.h"
#include "dnnl/adapter.h"
#include "graph/plan.h"
#include "support/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 400, MAX_IN = 6, SMALL = 1 << 16 };

static int cases_per_row = CASES;

/* ---- a stream of choices ---- */

typedef struct dice {
    eki_random random;
    uint64_t at;
    bool tame; /* numbers are 0 and 1: classes that there are */
} dice;

static uint64_t below(dice *d, uint64_t n) { return eki_random_u32(d->random, d->at++) % n; }
static bool chance(dice *d, int percent) { return below(d, 100) < (uint64_t)percent; }
#define PICK(d, array) (array)[below(d, COUNT(array))]

/* ---- attributes ---- */

static const struct {
    const char *op, *attributes;
} known_attributes[] = {
    {"Conv", "auto_pad dilations group kernel_shape pads strides"},
    {"Gemm", "alpha beta transA transB broadcast"},
    {"MaxPool", "auto_pad ceil_mode dilations kernel_shape pads strides storage_order"},
    {"AveragePool", "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides"},
    {"BatchNormalization", "epsilon momentum is_test spatial training_mode"},
    {"InstanceNormalization", "epsilon"},
    {"GroupNormalization", "epsilon num_groups stash_type"},
    {"LayerNormalization", "axis epsilon stash_type"},
    {"RMSNormalization", "axis epsilon stash_type"},
    {"LRN", "alpha beta bias size"},
    {"Add", "axis broadcast"},
    {"Sub", "axis broadcast"},
    {"Mul", "axis broadcast"},
    {"Div", "axis broadcast"},
    {"Pow", "axis broadcast"},
    {"LeakyRelu", "alpha"},
    {"HardSigmoid", "alpha beta"},
    {"Clip", "min max"},
    {"Dropout", "ratio is_test seed"},
    {"Softmax", "axis"},
    {"LogSoftmax", "axis"},
    {"ReduceMean", "axes keepdims noop_with_empty_axes"},
    {"ReduceSum", "axes keepdims noop_with_empty_axes"},
    {"ReduceMax", "axes keepdims noop_with_empty_axes"},
    {"ReduceMin", "axes keepdims"},
    {"ReduceProd", "axes keepdims"},
    {"ReduceL1", "axes"},
    {"ReduceL2", "axes"},
    {"ReduceSumSquare", "axes"},
    {"ArgMax", "axis keepdims select_last_index"},
    {"ArgMin", "axis keepdims select_last_index"},
    {"ConvTranspose", "kernel_shape strides pads dilations group auto_pad output_padding output_shape"},
    {"LpNormalization", "axis p"},
    {"MeanVarianceNormalization", "axes"},
    {"Mod", "fmod"},
    {"Elu", "alpha"},
    {"Selu", "alpha gamma"},
    {"Celu", "alpha"},
    {"ThresholdedRelu", "alpha"},
    {"Split", "axis num_outputs split"},
    {"Pad", "pads mode value"},
    {"Resize", "mode coordinate_transformation_mode nearest_mode axes exclude_outside cubic_coeff_a"},
    {"Upsample", "mode scales"},
    {"Flatten", "axis"},
    {"Reshape", "shape allowzero"},
    {"Squeeze", "axes"},
    {"Unsqueeze", "axes"},
    {"Transpose", "perm"},
    {"DepthToSpace", "blocksize mode"},
    {"SpaceToDepth", "blocksize"},
    {"Concat", "axis"},
    {"Slice", "starts ends axes steps"},
    {"Gather", "axis"},
    {"Cast", "to"},
    {"Constant", "value value_float value_int value_floats value_ints"},
    {"ConstantOfShape", "value"},
    {"Shape", "start end"},
    {"NegativeLogLikelihoodLoss", "ignore_index reduction"},
    {"SoftmaxCrossEntropyLoss", "ignore_index reduction"},
};

static const int64_t modest[] = {0, 1, 1, 1, 2, 2, 3, 4, -1, -2};
static const int64_t absurd[] = {5,         7,         17,        -3,        1000,      INT32_MAX, INT32_MIN,
                                 INT64_MAX, INT64_MIN, 1LL << 24, 1LL << 32, 1LL << 40, -1000,     1LL << 62};

static int64_t number(dice *d) {
    if (d->tame) return (int64_t)below(d, 2);
    return chance(d, 90) ? PICK(d, modest) : PICK(d, absurd);
}

static bool is_list(const char *name) {
    static const char *const lists[] = {"dilations",    "kernel_shape", "pads",   "strides",      "axes",
                                        "shape",        "perm",         "starts", "ends",         "steps",
                                        "value_floats", "value_ints",   "split",  "output_shape", "output_padding"};
    for (size_t i = 0; i < COUNT(lists); i++) {
        if (strcmp(lists[i], name) == 0) return true;
    }
    return false;
}

static bool is_real(const char *name) {
    static const char *const reals[] = {"alpha", "beta",  "bias",        "epsilon", "momentum",     "min",
                                        "max",   "ratio", "value_float", "gamma",   "cubic_coeff_a"};
    for (size_t i = 0; i < COUNT(reals); i++) {
        if (strcmp(reals[i], name) == 0) return true;
    }
    return false;
}

static eki_shape random_shape(dice *d, int most_rank);
static void fill(dice *d, const eki_tensor *tensor);

static void set_tensor(dice *d, eki_graph *graph, eki_node *node, const char *name) {
    static const ek_dtype dtypes[] = {EK_F32, EK_F32, EK_I64, EK_I32, EK_F64, EK_BOOL, EK_U8};
    eki_attr *attr;
    eki_shape shape = chance(d, 60) ? SHAPE(1) : random_shape(d, 4);
    assert_int_equal(eki_node_attr_slot(graph, node, name, &attr, NULL), EK_OK);
    assert_int_equal(eki_tensor_create(graph, PICK(d, dtypes), &shape, &attr->t, NULL), EK_OK);
    attr->type = EKI_ATTR_TENSOR;
    fill(d, attr->t);
}

static void set_attribute(dice *d, eki_graph *graph, eki_node *node, const char *name, int rank) {
    static const char *const texts[] = {"SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "", "nonsense"};
    static const char *const modes[] = {"nearest", "linear", "cubic",      "reflect",       "edge",
                                        "wrap",    "floor",  "asymmetric", "align_corners", "nonsense"};
    static const char *const reductions[] = {"none", "sum", "mean", "nonsense"};
    bool mode = strcmp(name, "mode") == 0 || strstr(name, "transformation") != NULL || strstr(name, "nearest") != NULL;
    static const float reals[] = {0.5f, 1.0f, 0.0f, 1e-5f, -1.0f, 3e38f, 0.9f};
    int64_t values[10];
    bool wrong = chance(d, 5);
    int spatial = rank > 2 ? rank - 2 : 1;
    bool per_axis = strcmp(name, "dilations") == 0 || strcmp(name, "kernel_shape") == 0 || strcmp(name, "strides") == 0;
    size_t count = per_axis ? (size_t)spatial : strcmp(name, "pads") == 0 ? 2 * (size_t)spatial : below(d, 4);
    if (strcmp(name, "perm") == 0) count = (size_t)rank;
    if (wrong || chance(d, 5)) count = below(d, 10);
    for (size_t i = 0; i < count; i++) values[i] = number(d);
    for (size_t i = 0; i < count && per_axis && !wrong; i++) values[i] = 1 + (int64_t)below(d, 3);
    for (size_t i = 0; i < count && name[0] == 'p' && name[1] == 'a' && !wrong; i++) values[i] = (int64_t)below(d, 3);
    for (size_t i = 0; i < count && name[0] == 'p' && name[1] == 'e' && !wrong; i++)
        values[i] = (int64_t)(count - 1 - i);
    if (wrong && chance(d, 50)) {
        eki_node_set_string(graph, node, name, PICK(d, texts), NULL);
    } else if (strcmp(name, "auto_pad") == 0) {
        eki_node_set_string(graph, node, name, PICK(d, texts), NULL);
    } else if (mode) {
        eki_node_set_string(graph, node, name, PICK(d, modes), NULL);
    } else if (strcmp(name, "reduction") == 0) {
        eki_node_set_string(graph, node, name, PICK(d, reductions), NULL);
    } else if (strcmp(name, "scales") == 0) {
        static const float scales[] = {1, 1, 2, 1.5f, 1, 1, 0.5f, 1};
        eki_attr *attr;
        assert_int_equal(eki_node_attr_slot(graph, node, name, &attr, NULL), EK_OK);
        *attr = (eki_attr){.name = attr->name, .type = EKI_ATTR_FLOATS, .count = (size_t)rank, .floats = scales};
    } else if (strcmp(name, "value") == 0 && !wrong) {
        set_tensor(d, graph, node, name);
    } else if (is_list(name) && strcmp(name, "value_floats") != 0) {
        eki_node_set_ints(graph, node, name, values, count, NULL);
    } else if (is_real(name)) {
        eki_node_set_float(graph, node, name, PICK(d, reals), NULL);
    } else {
        eki_node_set_int(graph, node, name, strcmp(name, "to") == 0 ? (int64_t)below(d, 18) : number(d), NULL);
    }
}

static void set_attributes(dice *d, eki_graph *graph, eki_node *node, int rank) {
    const char *list = "";
    char name[32];
    for (size_t i = 0; i < COUNT(known_attributes); i++) {
        if (strcmp(known_attributes[i].op, node->op_type) == 0) list = known_attributes[i].attributes;
    }
    bool needed = strstr(list, "kernel_shape") != NULL && strncmp(node->op_type, "Conv", 4) != 0;
    for (int used = 0; sscanf(list, "%31s%n", name, &used) == 1; list += used) {
        bool must = (needed && strcmp(name, "kernel_shape") == 0) || strcmp(name, "num_groups") == 0 ||
                    strcmp(name, "size") == 0 || strcmp(name, "to") == 0 || strcmp(name, "scales") == 0 ||
                    strcmp(name, "blocksize") == 0;
        if (chance(d, must ? 95 : 35)) set_attribute(d, graph, node, name, rank);
    }
}

/* ---- shapes and values ---- */

static eki_shape random_shape(dice *d, int most_rank) {
    static const int64_t dims[] = {1, 1, 2, 2, 3, 3, 4, 4, 5, 8, 16, 17, 0};
    eki_shape shape = {.rank = (int)below(d, (uint64_t)most_rank + 1)};
    for (int i = 0; i < shape.rank; i++) shape.dims[i] = PICK(d, dims);
    return shape;
}

/* A shape that stands in some relation to the first input's. */
static eki_shape related_shape(dice *d, const eki_shape *x) {
    eki_shape shape = *x;
    int64_t channels = x->rank > 1 ? x->dims[1] : 1;
    switch (below(d, 9)) {
    case 0:
    case 1: return SHAPE(channels);
    case 2: return *x;
    case 3:
        for (int i = 0; i < shape.rank; i++) {
            if (chance(d, 40)) shape.dims[i] = 1;
        }
        return shape;
    case 4: /* a convolution's weight */
        shape.dims[0] = 1 + (int64_t)below(d, 6);
        for (int i = 2; i < shape.rank; i++) shape.dims[i] = 1 + (int64_t)below(d, 3);
        return shape;
    case 5: /* a product's second factor */
        for (int i = 0; i < shape.rank; i++) shape.dims[i] = x->dims[shape.rank - 1 - i];
        return shape;
    case 6: return SCALAR;
    case 7: return SHAPE(1 + (int64_t)below(d, 4));
    default: return random_shape(d, 6);
    }
}

static bool is(const eki_op *op, const char *names) { return strstr(names, op->name) != NULL; }
static bool is_loss(const char *op) { return strstr("NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss", op) != NULL; }

/* What the operator wants as input `input`, `before` being the input before. */
static eki_shape wanted_shape(dice *d, const eki_op *op, int input, const eki_shape *x, const eki_shape *before) {
    eki_shape shape = *x;
    if (input == 0) return *x;
    if (is(op, "Conv") && input == 1) {
        shape.dims[0] = 1 + (int64_t)below(d, 20);
        for (int i = 2; i < shape.rank; i++) shape.dims[i] = 1 + (int64_t)below(d, 3);
        return shape;
    }
    if (is(op, "Conv")) return SHAPE(before->dims[0]);
    if (is(op, "ConvTranspose") && input == 1) {
        shape.dims[0] = x->dims[1];
        for (int i = 1; i < shape.rank; i++) shape.dims[i] = 1 + (int64_t)below(d, 3);
        return shape;
    }
    if (is(op, "ConvTranspose")) return SHAPE(before->rank > 1 ? before->dims[1] : 1);
    if (is(op, "Range") || (is(op, "Pad") && input == 2)) return SCALAR;
    if (is(op, "Pad")) return SHAPE(input == 1 ? 2 * x->rank : 1);
    if (is(op, "Expand Tile Resize Upsample")) return SHAPE(is(op, "Resize") && input == 1 ? 0 : x->rank);
    if (is(op, "Gemm MatMul") && input == 1 && x->rank > 1) {
        shape.dims[x->rank - 2] = x->dims[x->rank - 1];
        shape.dims[x->rank - 1] = 1 + (int64_t)below(d, 20);
        return shape;
    }
    if (is(op, "Gemm")) return SHAPE(before->rank > 1 ? before->dims[1] : 1);
    if (strstr(op->name, "Normalization") != NULL) {
        bool last = is(op, "LayerNormalization RMSNormalization") && x->rank > 0;
        return SHAPE(last ? x->dims[x->rank - 1] : x->rank > 1 ? x->dims[1] : 1);
    }
    if (is(op, "Clip Dropout")) return SCALAR;
    if (is_loss(op->name) && x->rank > 1) {
        if (input == 2) return SHAPE(x->dims[1]);
        for (int i = 2; i < x->rank; i++) shape.dims[i - 1] = x->dims[i];
        shape.rank--;
        return shape;
    }
    if (is(op,
           "Sum Concat Add Sub Mul Div Pow Min Max Mod PRelu Where Equal Less Greater LessOrEqual GreaterOrEqual") ||
        is(op, "And Or Xor"))
        return chance(d, 70) ? *x : related_shape(d, x);
    if (is(op, "Slice") && input > 1) return *before;
    return is(op, "Gather") ? random_shape(d, 2) : SHAPE((int64_t)below(d, 4));
}

/* What it wants as input 0. */
static eki_shape wanted_first(dice *d, const eki_op *op) {
    eki_shape shape = random_shape(d, 6);
    if (is(op, "Range")) return SCALAR;
    if (is(op, "ConstantOfShape")) return SHAPE((int64_t)below(d, 4));
    if (is(op, "Gemm")) shape.rank = 2;
    if (is(op, "DepthToSpace SpaceToDepth") && chance(d, 80)) return SHAPE(2, 4 * (1 + (int64_t)below(d, 3)), 4, 12);
    bool image = is(op, "Conv ConvTranspose MaxPool AveragePool GlobalAveragePool GlobalMaxPool") || chance(d, 40);
    if (image && (shape.rank < 3 || shape.rank > 5) && !is(op, "Gemm")) shape.rank = 3 + (int)below(d, 3);
    for (int i = 0; i < shape.rank; i++) {
        if (shape.dims[i] == 0 && chance(d, 80)) shape.dims[i] = 3;
        if (i > 1 && image && shape.dims[i] < 5) shape.dims[i] += 3;
    }
    return shape;
}

static void fill(dice *d, const eki_tensor *tensor) {
    size_t unit = eki_dtype_bytes(tensor->dtype);
    for (size_t i = 0; unit > 0 && i < tensor->bytes / unit; i++) {
        char *to = (char *)tensor->data + i * unit;
        int64_t whole = number(d);
        float real = (float)whole * 0.25f;
        double wide = (double)real;
        unsigned char byte = (unsigned char)(whole & 1);
        if (tensor->dtype == EK_F32) {
            memcpy(to, &real, sizeof real);
        } else if (tensor->dtype == EK_F64) {
            memcpy(to, &wide, sizeof wide);
        } else if (tensor->dtype == EK_BOOL) {
            memcpy(to, &byte, 1);
        } else {
            memcpy(to, &whole, unit < 8 ? unit : 8);
        }
    }
}

static ek_dtype random_dtype(dice *d, const char *op, int input) {
    static const ek_dtype any[] = {EK_F32, EK_I64, EK_I32, EK_F64,  EK_BOOL, EK_U8,        EK_I8,
                                   EK_U16, EK_F16, EK_U64, EK_BF16, EK_I16,  EK_DTYPE_NONE};
    static const char *const lists[] = {
        "ReduceMean", "ReduceSum",       "Reshape",   "Squeeze",   "Unsqueeze", "Slice",
        "Gather",     "ConstantOfShape", "ReduceMax", "ReduceMin", "ReduceL1",  "ReduceSumSquare",
        "ReduceL2",   "ReduceProd",      "Expand",    "Tile",      "Split"};
    if (chance(d, 6)) return PICK(d, any);
    for (size_t i = 0; i < COUNT(lists); i++) {
        if (strcmp(op, lists[i]) == 0 && (input > 0 || i == 7)) return chance(d, 80) ? EK_I64 : EK_I32;
    }
    if (is_loss(op) && input == 1) return chance(d, 80) ? EK_I64 : EK_I32;
    if (strcmp(op, "Dropout") == 0 && input == 2) return EK_BOOL;
    if ((strcmp(op, "Pad") == 0 && input != 2 && input > 0) || (strcmp(op, "Resize") == 0 && input == 3)) return EK_I64;
    if (strcmp(op, "Range") == 0) return EK_I64;
    if (strstr("And Or Xor Not", op) != NULL || (strcmp(op, "Where") == 0 && input == 0)) return EK_BOOL;
    return EK_F32;
}

/* ---- graphs ---- */

typedef struct hostile {
    dice d;
    eki_graph *graph;
    eki_shape shapes[MAX_IN + 2]; /* what is fed */
    int inputs, names;
    ek_error err;
} hostile;

static void ok(hostile *h, ek_status status) {
    if (status != EK_OK) fail_msg("%s: %s", ek_status_name(status), h->err.text);
}

static eki_value *new_value(hostile *h, const char *prefix) {
    char name[32];
    eki_value *value;
    (void)snprintf(name, sizeof name, "%s%d", prefix, h->names++);
    ok(h, eki_graph_value(h->graph, name, &value, &h->err));
    return value;
}

static eki_value *add_input(hostile *h, ek_dtype dtype, const eki_shape *shape) {
    eki_value *value = new_value(h, "x");
    eki_shape *fed = &h->shapes[h->inputs++];
    value->dtype = dtype;
    value->shape = *fed = *shape;
    for (int i = 0; i < shape->rank; i++) {
        if (chance(&h->d, 15))
            ok(h, eki_graph_symbol(h->graph, chance(&h->d, 50) ? "N" : "", &value->shape.dims[i], &h->err));
        if (chance(&h->d, 1)) fed->dims[i] = value->shape.dims[i] = PICK(&h->d, absurd) & INT64_MAX;
    }
    if (chance(&h->d, 3)) value->shape.rank = -1;
    ok(h, eki_graph_add_input(h->graph, value, &h->err));
    return value;
}

static eki_value *add_data(hostile *h, ek_dtype dtype, const eki_shape *shape) {
    eki_value *value;
    eki_tensor *tensor;
    int64_t count = 0;
    if (eki_dtype_bytes(dtype) == 0 || !eki_shape_count(shape, &count) || count > SMALL)
        return add_input(h, dtype, shape);
    if (chance(&h->d, 50)) {
        char name[32];
        (void)snprintf(name, sizeof name, "p%d", h->names++);
        ok(h, eki_graph_add_tensor(h->graph, name, dtype, shape, &value, &h->err));
        fill(&h->d, value->init);
        return value;
    }
    eki_node *node;
    eki_attr *attr;
    value = new_value(h, "c");
    ok(h, eki_graph_add_node(h->graph, "Constant", "", "", NULL, 0, &value, 1, &node, &h->err));
    ok(h, eki_node_attr_slot(h->graph, node, "value", &attr, &h->err));
    ok(h, eki_tensor_create(h->graph, dtype, shape, &tensor, &h->err));
    attr->type = EKI_ATTR_TENSOR;
    attr->t = tensor;
    fill(&h->d, tensor);
    return value;
}

/* A convolution in front of the operator: its result comes in a blocked layout. */
static eki_value *add_conv(hostile *h, const eki_shape *shape) {
    eki_shape in = *shape, weight = {.rank = shape->rank};
    eki_value *pair[2], *out;
    eki_node *node;
    in.dims[1] = 4;
    weight.dims[0] = shape->dims[1];
    weight.dims[1] = 4;
    for (int i = 2; i < shape->rank; i++) weight.dims[i] = 1;
    pair[0] = add_input(h, EK_F32, &in);
    pair[1] = add_data(h, EK_F32, &weight);
    out = new_value(h, "b");
    ok(h, eki_graph_add_node(h->graph, "Conv", "", "", pair, 2, &out, 1, &node, &h->err));
    return out;
}

static int usual_inputs(const eki_op *op) {
    static const struct {
        const char *op;
        int inputs;
    } rows[] = {{"Conv", 3},
                {"Gemm", 3},
                {"MatMul", 2},
                {"BatchNormalization", 5},
                {"Clip", 3},
                {"Dropout", 3},
                {"Slice", 4},
                {"InstanceNormalization", 3},
                {"Sum", 3},
                {"GroupNormalization", 3},
                {"Concat", 3},
                {"LayerNormalization", 3},
                {"Add", 2},
                {"Sub", 2},
                {"Mul", 2},
                {"Div", 2},
                {"Pow", 2},
                {"Reshape", 2},
                {"Gather", 2},
                {"RMSNormalization", 2},
                {"Constant", 0},
                {"ConvTranspose", 3},
                {"Min", 3},
                {"Max", 3},
                {"Mod", 2},
                {"PRelu", 2},
                {"Where", 3},
                {"Equal", 2},
                {"Less", 2},
                {"Greater", 2},
                {"LessOrEqual", 2},
                {"GreaterOrEqual", 2},
                {"And", 2},
                {"Or", 2},
                {"Xor", 2},
                {"Range", 3},
                {"Split", 2},
                {"Expand", 2},
                {"Tile", 2},
                {"Pad", 3},
                {"Resize", 3},
                {"Upsample", 2},
                {"SoftmaxCrossEntropyLoss", 3},
                {"NegativeLogLikelihoodLoss", 3}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (strcmp(rows[i].op, op->name) == 0) return rows[i].inputs;
    }
    return strstr("ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare Squeeze "
                  "Unsqueeze",
                  op->name) != NULL
               ? 2
               : 1;
}

static eki_value *operand(hostile *h, const eki_op *op, int input, const eki_shape *shape) {
    ek_dtype dtype = random_dtype(&h->d, op->name, input);
    int64_t count = 0;
    bool conv = input == 0 && dtype == EK_F32 && shape->rank >= 3 && shape->rank <= 5 && shape->dims[1] > 0;
    if (chance(&h->d, 4)) return NULL;
    if (conv && chance(&h->d, 50)) return add_conv(h, shape);
    bool data = eki_shape_count(shape, &count) && chance(&h->d, input == 0 ? 20 : 75);
    if (data) return add_data(h, dtype, shape);
    eki_value *value = add_input(h, dtype, shape), *copy;
    if (chance(&h->d, 50)) return value;
    eki_node *node;
    copy = new_value(h, "i"); /* memory that the plan may use again */
    ok(h, eki_graph_add_node(h->graph, "Identity", "", "", &value, 1, &copy, 1, &node, &h->err));
    return copy;
}

static void build(hostile *h, const eki_op *op) {
    eki_value *in[MAX_IN], *out[8];
    eki_node *node;
    bool fitting = chance(&h->d, 75);
    h->d.tame = is_loss(op->name) && chance(&h->d, 80);
    eki_shape x = fitting ? wanted_first(&h->d, op) : random_shape(&h->d, 6), shape = x;
    int usual = usual_inputs(op), n_in = fitting || chance(&h->d, 50) ? usual : (int)below(&h->d, MAX_IN + 1);
    if (chance(&h->d, 25) && n_in > 0) n_in--;
    for (int i = 0; i < n_in; i++) {
        if (i > 0) shape = fitting ? wanted_shape(&h->d, op, i, &x, &shape) : related_shape(&h->d, &x);
        in[i] = i > 0 && chance(&h->d, 5) ? in[0] : operand(h, op, i, &shape);
    }
    int n_out = chance(&h->d, 80) ? 1 : (int)below(&h->d, 7);
    for (int i = 0; i < n_out; i++) out[i] = chance(&h->d, 8) ? NULL : new_value(h, "y");
    ok(h, eki_graph_add_node(h->graph, op->name, "", "", in, n_in, out, n_out, &node, &h->err));
    set_attributes(&h->d, h->graph, node, x.rank);
    for (int i = 0; i < n_out; i++) {
        eki_value *tail = out[i];
        if (tail == NULL) continue;
        if (chance(&h->d, 30)) {
            tail = new_value(h, "z");
            ok(h, eki_graph_add_node(h->graph, chance(&h->d, 50) ? "Relu" : "Identity", "", "", &out[i], 1, &tail, 1,
                                     &node, &h->err));
        }
        if (chance(&h->d, 90)) ok(h, eki_graph_add_output(h->graph, tail, &h->err));
        if (chance(&h->d, 5)) ok(h, eki_graph_add_output(h->graph, out[i], &h->err));
    }
    if (n_in > 0 && in[0] != NULL && chance(&h->d, 5)) ok(h, eki_graph_add_output(h->graph, in[0], &h->err));
}

/* ---- runs ---- */

static ek_status named(hostile *h, const eki_op *op, ek_status status) {
    if (status == EK_OK) return status;
    if (strcmp(ek_status_name(status), "EK_ERR_UNKNOWN") == 0 || h->err.text[0] == '\0' || h->err.status != status) {
        fail_msg("%s: status %d (%s), text '%s'", op->name, (int)status, ek_status_name(status), h->err.text);
    }
    bool whole = strstr(h->err.text, "the model") != NULL;
    if (strncmp(h->err.text, "hostile.onnx: ", 14) != 0 || (!whole && strpbrk(h->err.text, "'(") == NULL)) {
        fail_msg("%s: an error without a name: '%s'", op->name, h->err.text);
    }
    return status;
}

static void feed(hostile *h, eki_exec *exec) {
    for (size_t i = 0; i < eki_exec_input_count(exec); i++) {
        eki_view view = eki_exec_input(exec, i);
        eki_tensor tensor = {.dtype = view.dtype, .shape = view.shape, .data = view.data};
        tensor.bytes = eki_view_elements(&view) * eki_dtype_bytes(view.dtype);
        fill(&h->d, &tensor);
    }
}

static ek_status backward(hostile *h, eki_exec *exec) {
    for (size_t i = 0; i < eki_exec_output_count(exec); i++) {
        float *gradient = eki_exec_output_gradient(exec, i);
        eki_view view = eki_exec_output(exec, i);
        for (size_t k = 0; gradient != NULL && k < eki_view_elements(&view); k++) gradient[k] = 1.0f;
    }
    return eki_exec_backward(exec, &h->err);
}

/* Fills with NaN what a plan may use for something else between forward and backward, and what backward must write. */
static void poison(eki_exec *exec) {
    const eki_plan_private *p = eki_exec_plan(exec)->private_data;
    int middle = (int)p->n_steps;
    unsigned char *alive = calloc(p->arena_bytes + 1, 1);
    assert_non_null(alive);
    for (size_t i = 0; i < p->n_buffers; i++) {
        const eki_buffer *b = &p->buffers[i];
        for (int k = 0; k < b->n_lives && b->host == (int)i; k++) {
            if (b->lives[k].first < middle && b->lives[k].last >= middle) memset(alive + b->offset, 1, b->bytes);
        }
    }
    for (size_t i = 0; i < p->arena_bytes; i++) {
        if (!alive[i]) p->arena[i] = 0xff;
    }
    free(alive);
    for (size_t i = 0; i < eki_exec_parameter_count(exec); i++) {
        const eki_parameter *parameter = eki_exec_parameter(exec, i);
        for (size_t s = 0; s < p->n_tensors; s++) {
            bool written = p->tensors[s].grad_external == parameter->gradient && p->tensors[s].grad_defined;
            if (written) memset(parameter->gradient, 0xff, parameter->count * sizeof(float));
        }
    }
}

enum { GRADIENTS = 16 };

/* Copies of all gradients (malloc'ed), those of inputs before those of parameters. */
static size_t gradients(eki_exec *exec, float *copies[GRADIENTS], size_t counts[GRADIENTS]) {
    size_t n = 0, inputs = eki_exec_input_count(exec), all = inputs + eki_exec_parameter_count(exec);
    for (size_t i = 0; i < all && n < GRADIENTS; i++) {
        const float *from = i < inputs ? eki_exec_input_gradient(exec, i) : NULL;
        eki_view view = i < inputs ? eki_exec_input(exec, i) : (eki_view){0};
        counts[n] = i < inputs ? eki_view_elements(&view) : eki_exec_parameter(exec, i - inputs)->count;
        if (i >= inputs) from = eki_exec_parameter(exec, i - inputs)->gradient;
        if (from == NULL) continue;
        copies[n] = malloc((counts[n] + 1) * sizeof(float));
        assert_non_null(copies[n]);
        memcpy(copies[n], from, counts[n] * sizeof(float));
        n++;
    }
    return n;
}

/* Backward reads only what the operators asked to keep, and writes all of every gradient: the same with poison. */
static ek_status check_kept(hostile *h, const eki_op *op, eki_exec *exec) {
    float *before[GRADIENTS], *after[GRADIENTS];
    size_t counts[GRADIENTS], n = gradients(exec, before, counts);
    ek_status status = eki_exec_forward(exec, &h->err);
    if (status == EK_OK) poison(exec);
    if (status == EK_OK) status = backward(h, exec);
    size_t again = gradients(exec, after, counts);
    assert_int_equal(n, again);
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; status == EK_OK && k < counts[i]; k++) {
            same = same && (before[i][k] == after[i][k] || before[i][k] != before[i][k]);
        }
        free(before[i]);
        free(after[i]);
    }
    if (!same) fail_msg("%s: backward reads memory that it did not ask to keep, or leaves some unwritten", op->name);
    return status;
}

static ek_status run(hostile *h, const eki_op *op, eki_exec *exec, bool gradient) {
    EKI_TRY(eki_exec_prepare(exec, h->shapes, &h->err));
    feed(h, exec);
    EKI_TRY(eki_exec_forward(exec, &h->err));
    if (gradient) EKI_TRY(backward(h, exec));
    if (gradient) EKI_TRY(check_kept(h, op, exec));
    return eki_exec_commit(exec, &h->err);
}

static ek_status attempt(hostile *h, const eki_op *op) {
    bool gradient = chance(&h->d, 60);
    eki_exec *exec = NULL;
    eki_exec_options options = {.mode = (eki_mode)below(&h->d, 3),
                                .threads = 1 + (int)below(&h->d, 2),
                                .backward = gradient,
                                .input_gradient = chance(&h->d, 50),
                                .reproducible = chance(&h->d, 30),
                                .plain = chance(&h->d, 20)};
    bool half = chance(&h->d, 40);
    options.bf16 = half && eki_dnnl_has_bf16();
    options.recompute = chance(&h->d, 40) ? EKI_RECOMPUTE_ALL : EKI_RECOMPUTE_TO_FIT;
    (void)named(h, op, eki_graph_infer(h->graph, NULL, &h->err));
    ek_status status = named(h, op, eki_exec_create(h->graph, &options, &exec, &h->err));
    if (status == EK_OK) status = named(h, op, run(h, op, exec, gradient));
    bool again = status == EK_OK && h->inputs > 0 && h->shapes[0].rank > 0 && chance(&h->d, 20);
    if (again) { /* a batch of another size: the graph may refuse it */
        for (int i = 0; i < h->inputs; i++) h->shapes[i].dims[0] += h->shapes[i].rank > 0;
        (void)named(h, op, run(h, op, exec, gradient));
    }
    eki_exec_destroy(exec);
    return status;
}

static void every_operator_survives(void **state) {
    (void)state;
    for (int r = 0; r < EKI_OPS; r++) {
        const eki_op *op = eki_op_run((eki_opcode)r);
        int good = 0;
        if (op == NULL) continue;
        room_leave(256 << 20); /* refused quickly, run quickly */
        int64_t since = op->since > 0 ? op->since : eki_op_since((eki_opcode)r);
        for (int i = 0; i < cases_per_row; i++) {
            hostile h = {.d.random = eki_random_stream(11, "hostile", (uint64_t)r, (uint64_t)i)};
            int64_t opset = chance(&h.d, 40) ? 13 : 1 + (int64_t)below(&h.d, 23);
            if (opset < since) opset = since + (int64_t)below(&h.d, 5);
            if (op->until > 0 && opset > op->until) opset = op->until - (int64_t)below(&h.d, 3);
            if (getenv("EK_HOSTILE") != NULL) fprintf(stderr, "%s %d opset %d\n", op->name, i, (int)opset);
            ok(&h, eki_graph_create(opset, &h.graph, &h.err));
            h.graph->path = "hostile.onnx";
            build(&h, op);
            if (h.graph->n_outputs > 0) good += attempt(&h, op) == EK_OK;
            eki_graph_destroy(h.graph);
        }
        print_message("%-24s ran %d of %d\n", op->name, good, cases_per_row);
        if (good * 50 < cases_per_row) fail_msg("%s ran %d times of %d only", op->name, good, cases_per_row);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_operator_survives)};
    if (argc > 1) cases_per_row = atoi(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
