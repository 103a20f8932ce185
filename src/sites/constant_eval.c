/* constant_eval.c: constants computed by nodes: extents first, which cost nothing, then numbers within a budget. */
#include "sites/constant_eval.h"

#include "sites/moved_shape.h"

#include <math.h>
#include <stdlib.h>

/* Elements that may be gone through for one constant, as a multiple of what it may have. */
enum { EKI_CONSTANT_COPIES = 8 };

typedef struct evaluation {
    const eki_constants *constants;
    int steps, depth;
    int64_t elements; /* read so far */
    ek_error *err;
} evaluation;

typedef struct known {
    eki_shape shape;
    ek_dtype dtype;
} known;

static bool find_shape(evaluation *e, const eki_value *value, known *out);
static ek_status find_numbers(evaluation *e, const eki_value *value, eki_numbers *out);

/* The outermost value that this one stands for. */
static const eki_value *outermost(const eki_value *value) {
    while (value != NULL && value->outer != NULL) value = value->outer;
    return value;
}

static bool is_fixed(const evaluation *e, const eki_value *value) {
    if (value->init == NULL) return false;
    return (value->input_index < 0 || e->constants->lists_weights) && eki_tensor_readable(value->init);
}

static bool enter(evaluation *e) {
    if (e->depth >= EKI_CONSTANT_HOPS || e->steps >= EKI_CONSTANT_STEPS) return false;
    e->depth++;
    e->steps++;
    return true;
}

static bool is_arithmetic(eki_opcode op, int *inputs) {
    switch (op) {
    case EKI_OP_Add:
    case EKI_OP_Sub:
    case EKI_OP_Mul:
    case EKI_OP_Div:
    case EKI_OP_Pow: *inputs = 2; return true;
    case EKI_OP_Sqrt:
    case EKI_OP_Reciprocal:
    case EKI_OP_Neg: *inputs = 1; return true;
    default: return false;
    }
}

/* Before opset 7 a second operand was broadcast by other rules, which attributes told. */
static bool is_plain(const eki_node *node, int inputs) {
    if (node->n_in != inputs || eki_node_attr(node, "broadcast") != NULL) return false;
    for (int i = 0; i < inputs; i++) {
        if (node->in[i] == NULL) return false;
    }
    return true;
}

/* A list that a node reads must be a constant itself. */
static bool read_list(void *context, const eki_value *value, int64_t *list, int *count) {
    evaluation *e = context;
    known k;
    int64_t elements;
    eki_numbers numbers;
    if (!find_shape(e, value, &k) || !eki_shape_count(&k.shape, &elements)) return false;
    if (elements > EKI_CONSTANT_LIST || (k.dtype != EK_I64 && k.dtype != EK_I32)) return false;
    if (find_numbers(e, value, &numbers) != EK_OK) {
        eki_numbers_free(&numbers);
        return false;
    }
    bool whole = true;
    for (int i = 0; i < elements; i++) {
        whole = whole && fabs(numbers.at[i]) < 9e15;
        list[i] = whole ? (int64_t)numbers.at[i] : 0;
    }
    *count = (int)elements;
    eki_numbers_free(&numbers);
    return whole;
}

static ek_dtype cast_to(const eki_node *node, ek_dtype *stored) {
    ek_dtype to = (ek_dtype)eki_node_int(node, "to", 0);
    *stored = to == EK_F16 || to == EK_BF16 ? to : EK_DTYPE_NONE;
    return *stored != EK_DTYPE_NONE ? EK_F32 : to;
}

static bool is_castable(ek_dtype to) { return to == EK_F32 || to == EK_F64 || to == EK_I64 || to == EK_I32; }

/* The one element that ConstantOfShape repeats; NULL = 0.0f. */
static const eki_tensor *repeated(const eki_node *node) {
    const eki_attr *attr = eki_node_attr(node, "value");
    return attr != NULL && attr->type == EKI_ATTR_TENSOR ? attr->t : NULL;
}

static bool filled_shape(evaluation *e, const eki_node *node, known *out) {
    int64_t list[EKI_CONSTANT_LIST], count;
    int rank;
    const eki_tensor *one = repeated(node);
    if (node->n_in != 1 || node->in[0] == NULL || !read_list(e, node->in[0], list, &rank)) return false;
    if (rank > EKI_MAX_RANK || (node->n_attr > 0 && one == NULL)) return false;
    if (one != NULL && (!eki_tensor_readable(one) || !eki_shape_count(&one->shape, &count) || count != 1)) return false;
    *out = (known){.shape = eki_shape_of(rank, list), .dtype = one == NULL ? EK_F32 : one->dtype};
    return true;
}

static ek_status filled(evaluation *e, const eki_node *node, const eki_shape *shape, eki_numbers *out) {
    eki_numbers zero = {.dtype = EK_F32}, one = zero;
    double nothing = 0;
    zero.at = &nothing;
    zero.count = 1;
    const eki_tensor *tensor = repeated(node);
    if (tensor == NULL) return eki_numbers_expand(&zero, shape, out, e->err);
    ek_status status = eki_numbers_of_tensor(tensor, &one, e->err);
    one.shape.rank = 0;
    if (status == EK_OK) status = eki_numbers_expand(&one, shape, out, e->err);
    eki_numbers_free(&one);
    return status;
}

static bool node_shape(evaluation *e, const eki_node *node, known *out) {
    known in[2];
    int inputs, perm[EKI_MAX_RANK];
    ek_dtype stored;
    if (node->op == EKI_OP_Constant) return eki_constant_node_shape(node, &out->shape, &out->dtype);
    if (node->op == EKI_OP_ConstantOfShape) return filled_shape(e, node, out);
    if (is_arithmetic(node->op, &inputs)) {
        if (!is_plain(node, inputs)) return false;
        for (int i = 0; i < inputs; i++) {
            if (!find_shape(e, node->in[i], &in[i])) return false;
        }
        *out = in[0];
        return inputs == 1 || eki_broadcast_shape(&in[0].shape, &in[1].shape, &out->shape);
    }
    if (node->n_in < 1 || node->in[0] == NULL || !eki_op_has(node->op, EKI_SAME | EKI_RESHAPE | EKI_MOVES)) {
        if (node->op != EKI_OP_Cast || node->n_in != 1 || node->in[0] == NULL) return false;
    }
    if (!find_shape(e, node->in[0], &in[0])) return false;
    if (!eki_moved_shape(node, &in[0].shape, read_list, e, &out->shape, perm)) return false;
    out->dtype = node->op == EKI_OP_Cast ? cast_to(node, &stored) : in[0].dtype;
    return is_castable(out->dtype) || node->op != EKI_OP_Cast;
}

static bool find_shape(evaluation *e, const eki_value *value, known *out) {
    value = outermost(value);
    if (value == NULL) return false;
    if (is_fixed(e, value)) {
        *out = (known){value->init->shape, value->init->dtype};
        return true;
    }
    if (value->init != NULL || value->producer == NULL || value->producer_output != 0 || !enter(e)) return false;
    bool found = node_shape(e, value->producer, out) && eki_shape_known(&out->shape);
    e->depth--;
    return found;
}

static ek_status arithmetic(evaluation *e, const eki_node *node, int inputs, eki_numbers *out) {
    eki_numbers in[2] = {{.count = 0}, {.count = 0}};
    ek_status status = find_numbers(e, node->in[0], &in[0]);
    if (status == EK_OK && inputs == 2) status = find_numbers(e, node->in[1], &in[1]);
    if (status == EK_OK && inputs == 2) {
        status = eki_numbers_binary(node->op, &in[0], &in[1], out, e->err);
    } else if (status == EK_OK) {
        *out = in[0];
        in[0] = (eki_numbers){0};
        for (int64_t i = 0; i < out->count; i++) out->at[i] = eki_constant_arithmetic(node->op, out->at[i], 0);
        eki_numbers_round(out);
    }
    eki_numbers_free(&in[0]);
    eki_numbers_free(&in[1]);
    return status;
}

static void cast(const eki_node *node, eki_numbers *numbers) {
    numbers->dtype = cast_to(node, &numbers->stored);
    eki_numbers_round(numbers);
    if (numbers->dtype == EK_F32 || numbers->dtype == EK_F64) return;
    for (int64_t i = 0; i < numbers->count; i++) numbers->at[i] = trunc(numbers->at[i]);
}

static ek_status moved(evaluation *e, const eki_node *node, eki_numbers *out) {
    eki_numbers in = {0};
    eki_shape shape;
    int perm[EKI_MAX_RANK];
    ek_status status = find_numbers(e, node->in[0], &in);
    if (status == EK_OK && !eki_moved_shape(node, &in.shape, read_list, e, &shape, perm)) {
        char label[192];
        status = eki_fail(e->err, EK_ERR_FORMAT, "%s: its constants do not fit", eki_node_label(node, label));
    }
    if (status == EK_OK && node->op == EKI_OP_Transpose) {
        status = eki_numbers_transpose(&in, perm, out, e->err);
    } else if (status == EK_OK && (node->op == EKI_OP_Expand || node->op == EKI_OP_Tile)) {
        status = eki_numbers_expand(&in, &shape, out, e->err);
    } else if (status == EK_OK) {
        int64_t count;
        *out = in;
        in = (eki_numbers){0};
        if (!eki_shape_count(&shape, &count) || count != out->count) {
            status = eki_fail(e->err, EK_ERR_FORMAT, "a constant of %lld elements is given another number of them",
                              (long long)out->count);
        }
        out->shape = shape;
        if (node->op == EKI_OP_Cast) cast(node, out);
    }
    eki_numbers_free(&in);
    return status;
}

static ek_status evaluate(evaluation *e, const eki_value *value, eki_numbers *out) {
    known k;
    int64_t count;
    int inputs;
    *out = (eki_numbers){0};
    value = outermost(value);
    if (!find_shape(e, value, &k)) return eki_fail(e->err, EK_ERR_UNSUPPORTED, "the value is no constant");
    bool counted = eki_shape_count(&k.shape, &count) && count <= e->constants->most;
    if (counted) e->elements += count;
    if (!counted || e->elements > EKI_CONSTANT_COPIES * e->constants->most) {
        return eki_fail(e->err, EK_ERR_LIMIT, "constant '%s' has more than %lld elements", value->name,
                        (long long)e->constants->most);
    }
    if (is_fixed(e, value)) return eki_numbers_of_tensor(value->init, out, e->err);
    const eki_node *node = value->producer;
    if (node->op == EKI_OP_Constant) return eki_numbers_of_node(node, out, e->err);
    if (!enter(e)) return eki_fail(e->err, EK_ERR_UNSUPPORTED, "the value is behind too many nodes");
    ek_status status = node->op == EKI_OP_ConstantOfShape ? filled(e, node, &k.shape, out)
                       : is_arithmetic(node->op, &inputs) ? arithmetic(e, node, inputs, out)
                                                          : moved(e, node, out);
    e->depth--;
    return status;
}

/* The caller frees `out` whatever the result. */
static ek_status find_numbers(evaluation *e, const eki_value *value, eki_numbers *out) {
    ek_status status = evaluate(e, value, out);
    if (status == EK_ERR_NOMEM && e->constants->ended != NULL) *e->constants->ended = true;
    return status;
}

bool eki_is_constant(const eki_constants *constants, const eki_value *value, eki_shape *shape) {
    evaluation e = {.constants = constants};
    known k;
    if (!find_shape(&e, value, &k)) return false;
    if (shape != NULL) *shape = k.shape;
    return true;
}

ek_status eki_constant_numbers(const eki_constants *constants, const eki_value *value, eki_numbers *numbers,
                               ek_error *err) {
    evaluation e = {.constants = constants, .err = err};
    ek_status status = find_numbers(&e, value, numbers);
    if (status != EK_OK) eki_numbers_free(numbers);
    return status;
}

void eki_numbers_free(eki_numbers *numbers) {
    free(numbers->at);
    *numbers = (eki_numbers){0};
}
