/* constant_data.c: what initializers and Constant nodes hold, as f64. */
#include "base/half.h"
#include "sites/constant_eval.h"

#include <string.h>

#include <stdlib.h>

bool eki_tensor_readable(const eki_tensor *tensor) {
    if (tensor == NULL) return false;
    switch (tensor->dtype) {
    case EK_F32:
    case EK_F64:
    case EK_I64:
    case EK_I32:
    case EK_U8:
    case EK_I8:
    case EK_BOOL: return true;
    default: return false;
    }
}

ek_status eki_numbers_create(ek_dtype dtype, const eki_shape *shape, eki_numbers *out, ek_error *err) {
    size_t bytes;
    *out = (eki_numbers){.dtype = dtype, .shape = *shape};
    if (!eki_shape_count(shape, &out->count) || !eki_mul_size((size_t)out->count + 1, sizeof *out->at, &bytes)) {
        return eki_fail(err, EK_ERR_LIMIT, "the size of a constant overflows");
    }
    out->at = eki_alloc(eki_sized(bytes));
    return out->at == NULL ? eki_fail_nomem(err, bytes) : EK_OK;
}

static double read_element(const eki_tensor *tensor, int64_t index) {
    const unsigned char *at = (const unsigned char *)tensor->data + (size_t)index * eki_dtype_bytes(tensor->dtype);
    double f64;
    int64_t i64;
    int32_t i32;
    int8_t i8;
    switch (tensor->dtype) { /* copied, as mapped data may be unaligned */
    case EK_F32: return (double)eki_tensor_f32(tensor, index);
    case EK_F64: memcpy(&f64, at, sizeof f64); return f64;
    case EK_I64: memcpy(&i64, at, sizeof i64); return (double)i64;
    case EK_I32: memcpy(&i32, at, sizeof i32); return (double)i32;
    case EK_I8: memcpy(&i8, at, sizeof i8); return (double)i8;
    default: return (double)*at;
    }
}

ek_status eki_numbers_of_tensor(const eki_tensor *tensor, eki_numbers *out, ek_error *err) {
    EKI_TRY(eki_numbers_create(tensor->dtype, &tensor->shape, out, err));
    out->stored = tensor->stored;
    for (int64_t i = 0; i < out->count; i++) out->at[i] = read_element(tensor, i);
    return EK_OK;
}

/* The attribute that holds the value; NULL = none that is read. */
static const eki_attr *value_of(const eki_node *node) {
    static const struct {
        const char *name;
        eki_attr_type type;
    } forms[] = {{"value", EKI_ATTR_TENSOR},
                 {"value_float", EKI_ATTR_FLOAT},
                 {"value_floats", EKI_ATTR_FLOATS},
                 {"value_int", EKI_ATTR_INT},
                 {"value_ints", EKI_ATTR_INTS}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const eki_attr *attr = eki_node_attr(node, forms[i].name);
        if (attr == NULL || attr->type != forms[i].type) continue;
        return attr->type == EKI_ATTR_TENSOR && !eki_tensor_readable(attr->t) ? NULL : attr;
    }
    return NULL;
}

bool eki_constant_node_shape(const eki_node *node, eki_shape *shape, ek_dtype *dtype) {
    const eki_attr *attr = value_of(node);
    if (attr == NULL) return false;
    bool list = attr->type == EKI_ATTR_FLOATS || attr->type == EKI_ATTR_INTS;
    *shape = (eki_shape){.rank = list ? 1 : 0};
    shape->dims[0] = list ? (int64_t)attr->count : 0;
    *dtype = attr->type == EKI_ATTR_INT || attr->type == EKI_ATTR_INTS ? EK_I64 : EK_F32;
    if (attr->type != EKI_ATTR_TENSOR) return true;
    *shape = attr->t->shape;
    *dtype = attr->t->dtype;
    return true;
}

ek_status eki_numbers_of_node(const eki_node *node, eki_numbers *out, ek_error *err) {
    const eki_attr *attr = value_of(node);
    eki_shape shape;
    ek_dtype dtype;
    if (attr == NULL || !eki_constant_node_shape(node, &shape, &dtype)) {
        char label[192];
        return eki_fail(err, EK_ERR_UNSUPPORTED, "%s holds a value of a kind that is not read (sparse, or text)",
                        eki_node_label(node, label));
    }
    if (attr->type == EKI_ATTR_TENSOR) return eki_numbers_of_tensor(attr->t, out, err);
    EKI_TRY(eki_numbers_create(dtype, &shape, out, err));
    for (int64_t i = 0; i < out->count; i++) {
        switch (attr->type) {
        case EKI_ATTR_FLOAT: out->at[i] = (double)attr->f; break;
        case EKI_ATTR_INT: out->at[i] = (double)attr->i; break;
        case EKI_ATTR_FLOATS: out->at[i] = (double)attr->floats[i]; break;
        default: out->at[i] = (double)attr->ints[i]; break;
        }
    }
    return EK_OK;
}

void eki_numbers_round(eki_numbers *numbers) {
    if (numbers->dtype != EK_F32) return;
    for (int64_t i = 0; i < numbers->count; i++) {
        float narrow = (float)numbers->at[i];
        if (eki_is_half(numbers->stored)) eki_half_round(numbers->stored, &narrow, 1);
        numbers->at[i] = (double)narrow;
    }
}
