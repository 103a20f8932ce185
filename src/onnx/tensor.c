/* tensor.c: element types, shapes and tensor data. */
#include "base/half.h"
#include "onnx/graph.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct dtype_row {
    ek_dtype dtype;
    const char *name;
    size_t bytes;
} dtype_row;

static const dtype_row dtypes[] = {
    {EK_F32, "float32", 4}, {EK_U8, "uint8", 1},      {EK_I8, "int8", 1},     {EK_U16, "uint16", 2},
    {EK_I16, "int16", 2},   {EK_I32, "int32", 4},     {EK_I64, "int64", 8},   {EK_STRING, "string", 0},
    {EK_BOOL, "bool", 1},   {EK_F16, "float16", 2},   {EK_F64, "float64", 8}, {EK_U32, "uint32", 4},
    {EK_U64, "uint64", 8},  {EK_BF16, "bfloat16", 2},
};

static const dtype_row *find_dtype(ek_dtype dtype) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (dtypes[i].dtype == dtype) return &dtypes[i];
    }
    return NULL;
}

size_t eki_dtype_bytes(ek_dtype dtype) {
    const dtype_row *row = find_dtype(dtype);
    return row == NULL ? 0 : row->bytes;
}

const char *eki_dtype_name(ek_dtype dtype) {
    const dtype_row *row = find_dtype(dtype);
    return row == NULL ? "unknown type" : row->name;
}

bool eki_shape_known(const eki_shape *shape) {
    if (shape->rank < 0) return false;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0) return false;
    }
    return true;
}

bool eki_shape_count(const eki_shape *shape, int64_t *count) {
    int64_t reach;
    bool empty = false;
    if (!eki_shape_known(shape) || !eki_shape_reach(shape, &reach)) return false;
    for (int i = 0; i < shape->rank; i++) empty = empty || shape->dims[i] == 0;
    *count = empty ? 0 : reach;
    return true;
}

bool eki_shape_reach(const eki_shape *shape, int64_t *reach) {
    *reach = 1;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] > 1 && !eki_mul_i64(*reach, shape->dims[i], reach)) return false;
    }
    return true;
}

bool eki_shape_equal(const eki_shape *a, const eki_shape *b) {
    if (a->rank != b->rank || a->rank < 0) return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->dims[i] != b->dims[i]) return false;
    }
    return true;
}

eki_shape eki_shape_of(int rank, const int64_t *dims) {
    eki_shape shape = {.rank = rank};
    for (int i = 0; i < rank; i++) shape.dims[i] = dims[i];
    return shape;
}

const char *eki_shape_text(const eki_graph *graph, const eki_shape *shape, char text[192]) {
    if (shape->rank < 0) return strcpy(text, "[unknown rank]");
    size_t used = (size_t)snprintf(text, 192, "[");
    for (int i = 0; i < shape->rank && used < 150; i++) {
        const char *comma = i > 0 ? "," : "";
        int64_t dim = shape->dims[i];
        size_t symbol = (size_t)(-1 - dim);
        if (dim >= 0) {
            used += (size_t)snprintf(text + used, 192 - used, "%s%" PRId64, comma, dim);
        } else if (graph != NULL && symbol < graph->n_symbols && graph->symbols[symbol][0] != '\0') {
            used += (size_t)snprintf(text + used, 192 - used, "%s%.20s", comma, graph->symbols[symbol]);
        } else {
            used += (size_t)snprintf(text + used, 192 - used, "%s?", comma);
        }
    }
    (void)snprintf(text + used, 192 - used, "]");
    return text;
}

static ek_status tensor_bytes(ek_dtype dtype, const eki_shape *shape, size_t *bytes, ek_error *err) {
    int64_t count;
    if (!eki_shape_count(shape, &count) || !eki_mul_size((size_t)count, eki_dtype_bytes(dtype), bytes)) {
        return eki_fail(err, EK_ERR_LIMIT, "a tensor's shape is unknown or its size overflows");
    }
    return EK_OK;
}

ek_status eki_input_bytes(const eki_graph *graph, const char *name, ek_dtype dtype, const eki_shape *shape,
                          size_t *bytes, ek_error *err) {
    int64_t count;
    char text[192];
    size_t most = eki_memory_left();
    if (eki_shape_count(shape, &count) && eki_mul_size((size_t)count, eki_dtype_bytes(dtype), bytes) && *bytes <= most)
        return EK_OK;
    return eki_fail(err, EK_ERR_LIMIT,
                    "input '%s' of shape %s does not fit the %zu MiB of memory that are left; declare smaller extents, "
                    "or leave them open",
                    name, eki_shape_text(graph, shape, text), most >> 20);
}

ek_status eki_tensor_create(eki_graph *graph, ek_dtype dtype, const eki_shape *shape, eki_tensor **out, ek_error *err) {
    size_t bytes;
    EKI_TRY(tensor_bytes(dtype, shape, &bytes, err));
    eki_tensor *tensor = eki_arena_alloc(&graph->arena, eki_sized(sizeof *tensor));
    void *data = eki_arena_alloc(&graph->arena, eki_sized(bytes));
    if (tensor == NULL || data == NULL) return eki_fail_nomem(err, bytes);
    *tensor = (eki_tensor){.dtype = dtype, .shape = *shape, .data = data, .bytes = bytes};
    *out = tensor;
    return EK_OK;
}

ek_status eki_graph_add_tensor(eki_graph *graph, const char *name, ek_dtype dtype, const eki_shape *shape,
                               eki_value **out, ek_error *err) {
    eki_value *value;
    size_t bytes;
    EKI_TRY(tensor_bytes(dtype, shape, &bytes, err));
    EKI_TRY(eki_graph_value(graph, name, &value, err));
    if (value->init != NULL || value->producer != NULL) {
        return eki_fail(err, EK_ERR_FORMAT, "initializer '%s' has the name of another tensor; names must be unique",
                        name);
    }
    eki_tensor *tensor = eki_arena_alloc(&graph->arena, eki_sized(sizeof *tensor));
    void *data = tensor == NULL ? NULL : eki_alloc_zero(eki_sized(bytes));
    if (data == NULL) return eki_fail_nomem(err, bytes);
    *tensor = (eki_tensor){.dtype = dtype, .shape = *shape, .data = data, .bytes = bytes, .owned = true};
    if (dtype == EK_F32) tensor->stored = value->stored = graph->half;
    value->init = tensor;
    value->dtype = dtype;
    value->shape = *shape;
    if (out != NULL) *out = value;
    return EK_OK;
}

ek_status eki_graph_add_constant(eki_graph *graph, const char *name, ek_dtype dtype, const eki_shape *shape,
                                 eki_value **out, eki_tensor **tensor, ek_error *err) {
    eki_node *node;
    eki_attr *attr;
    if (!graph->is_function) {
        EKI_TRY(eki_graph_add_tensor(graph, name, dtype, shape, out, err));
        *tensor = (*out)->init;
        return EK_OK;
    }
    EKI_TRY(eki_graph_value(graph, name, out, err));
    EKI_TRY(eki_graph_add_op(graph, EKI_OP_Constant, "", NULL, 0, out, 1, &node, err));
    EKI_TRY(eki_node_attr_slot(graph, node, "value", &attr, err));
    attr->type = EKI_ATTR_TENSOR;
    EKI_TRY(eki_tensor_create(graph, dtype, shape, &attr->t, err));
    *tensor = attr->t;
    (*out)->dtype = dtype;
    (*out)->shape = *shape;
    return EK_OK;
}

bool eki_tensor_aligned(const eki_tensor *tensor) {
    size_t unit = eki_dtype_bytes(tensor->dtype);
    if (eki_tensor_sleeps(tensor)) return false;
    return unit == 0 || (uintptr_t)tensor->data % unit == 0;
}

void eki_tensor_round(eki_tensor *tensor) {
    if (tensor->stored != EK_DTYPE_NONE) eki_half_round(tensor->stored, tensor->data, tensor->bytes / sizeof(float));
}

ek_status eki_tensor_replace(eki_tensor *tensor, const eki_shape *shape, ek_error *err) {
    size_t bytes;
    EKI_TRY(tensor_bytes(tensor->dtype, shape, &bytes, err));
    void *data = eki_alloc_zero(eki_sized(bytes));
    if (data == NULL) return eki_fail_nomem(err, bytes);
    if (tensor->owned) eki_free(tensor->data);
    tensor->shape = *shape;
    tensor->bytes = bytes;
    tensor->data = data;
    tensor->owned = true;
    return EK_OK;
}

ek_status eki_tensor_own(eki_tensor *tensor, ek_error *err) {
    if (tensor->source != NULL) {
        EKI_TRY(eki_tensor_own(tensor->source, err));
        tensor->data = tensor->source->data;
        return EK_OK;
    }
    if (tensor->owned) return EK_OK;
    void *copy = eki_alloc(eki_sized(tensor->bytes));
    if (copy == NULL) return eki_fail_nomem(err, tensor->bytes);
    if (eki_tensor_sleeps(tensor))
        eki_half_widen(tensor->stored, tensor->narrow, copy, tensor->bytes / sizeof(float));
    else if (tensor->bytes > 0)
        memcpy(copy, tensor->data, tensor->bytes);
    tensor->data = copy;
    tensor->owned = true;
    return EK_OK;
}

bool eki_tensor_sleeps(const eki_tensor *tensor) { return tensor->data == NULL && tensor->narrow != NULL; }

float eki_tensor_f32(const eki_tensor *tensor, int64_t index) {
    float value;
    if (eki_tensor_sleeps(tensor))
        eki_half_widen(tensor->stored, (const char *)tensor->narrow + 2 * index, &value, 1);
    else /* mapped data may be unaligned */
        memcpy(&value, (const char *)tensor->data + (size_t)index * sizeof value, sizeof value);
    return value;
}

static ek_status wake(void *context, eki_graph *graph, ek_error *err) {
    (void)context;
    for (size_t i = 0; i < graph->n_values; i++) {
        eki_tensor *init = graph->values[i]->init;
        if (init != NULL && eki_tensor_sleeps(init)) EKI_TRY(eki_tensor_own(init, err));
    }
    return EK_OK;
}

ek_status eki_graph_wake(eki_graph *graph, ek_error *err) { return eki_graph_each(graph, wake, NULL, err); }

static int64_t read_int(const eki_tensor *tensor, size_t index) {
    if (tensor->dtype == EK_I64) {
        int64_t value;
        memcpy(&value, (const char *)tensor->data + 8 * index, 8);
        return value;
    }
    int32_t value;
    memcpy(&value, (const char *)tensor->data + 4 * index, 4);
    return value;
}

ek_status eki_tensor_ints(eki_graph *graph, const eki_tensor *tensor, const int64_t **values, size_t *count,
                          ek_error *err) {
    if (tensor->dtype != EK_I64 && tensor->dtype != EK_I32) {
        return eki_fail(err, EK_ERR_DTYPE, "expected a tensor of int64 or int32, found %s",
                        eki_dtype_name(tensor->dtype));
    }
    size_t n = tensor->bytes / eki_dtype_bytes(tensor->dtype);
    int64_t *copy = eki_arena_alloc(&graph->arena, eki_size_of(n, sizeof *copy));
    if (copy == NULL) return eki_fail_nomem(err, n * sizeof *copy);
    for (size_t i = 0; i < n; i++) copy[i] = read_int(tensor, i);
    *values = copy;
    *count = n;
    return EK_OK;
}
