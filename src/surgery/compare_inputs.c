/* compare_inputs.c: what two models are fed: the caller's arrays, else random numbers. */
#include "base/memory.h"
#include "base/random.h"
#include "surgery/compare.h"

#include <math.h>
#include <string.h>

/* A check is no reason to fill a machine: more than this, or a quarter of the memory, is refused by name. */
enum { MOST_MIB = 2048 };

const ek_check_shape *eki_check_shape_of(const ek_compare_options *options, const char *name) {
    for (size_t i = 0; i < options->shape_count; i++) {
        if (strcmp(options->shapes[i].name, name) == 0) return &options->shapes[i];
    }
    return NULL;
}

const ek_check_input *eki_check_input_of(const ek_compare_options *options, const char *name) {
    for (size_t i = 0; i < options->input_count; i++) {
        if (strcmp(options->inputs[i].name, name) == 0) return &options->inputs[i];
    }
    return NULL;
}

static double number(eki_random random, uint64_t counter, eki_range range) {
    if (range == EKI_RANGE_UNIT) return 0.02 + 0.96 * eki_random_uniform(random, counter);
    double x = eki_random_normal(random, counter);
    return range == EKI_RANGE_POSITIVE ? 0.5 + fabs(x) : x;
}

static void fill(ek_array *array, int64_t count, eki_random random, eki_range range) {
    for (int64_t i = 0; i < count; i++) {
        uint64_t counter = (uint64_t)i;
        switch (array->dtype) {
        case EK_F32: ((float *)array->data)[i] = (float)number(random, counter, range); break;
        case EK_F64: ((double *)array->data)[i] = number(random, counter, range); break;
        case EK_I64: ((int64_t *)array->data)[i] = (int64_t)eki_random_below(random, counter, 2); break;
        case EK_I32: ((int32_t *)array->data)[i] = (int32_t)eki_random_below(random, counter, 2); break;
        default: ((unsigned char *)array->data)[i] = (unsigned char)eki_random_below(random, counter, 2);
        }
    }
}

void eki_pair_free_inputs(eki_pair *p) {
    for (size_t i = 0; i < EKI_PAIR_INPUTS; i++) eki_free(p->memory[i]);
    memset(p->inputs, 0, sizeof p->inputs);
    memset(p->memory, 0, sizeof p->memory);
}

/* A variance that a caller feeds is not negative. */
static bool is_variance(const eki_graph *graph, const char *name) {
    const eki_value *value = eki_graph_find(graph, name);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (node->op == EKI_OP_BatchNormalization && node->n_in > 4 && node->in[4] == value) return true;
    }
    return false;
}

static ek_status shape_of(const eki_pair *p, const ek_tensor_info *info, ek_array *array) {
    const ek_check_shape *asked = eki_check_shape_of(&p->options, info->name);
    array->dtype = info->dtype;
    array->rank = asked != NULL ? asked->rank : info->rank < 0 ? 1 : info->rank;
    if (array->rank < 0 || array->rank > EK_MAX_RANK) {
        return eki_fail(p->err, EK_ERR_ARG, "the shape asked for '%s' has rank %d; 0 to %d are possible", info->name,
                        array->rank, EK_MAX_RANK);
    }
    for (int d = 0; d < array->rank; d++) {
        int64_t open = d == 0 ? p->options.batch : p->size;
        array->dims[d] = asked != NULL ? asked->dims[d] : info->rank < 0 || info->dims[d] < 0 ? open : info->dims[d];
    }
    return EK_OK;
}

static ek_status within_budget(const eki_pair *p, const char *name, const eki_shape *shape, size_t bytes,
                               size_t *total) {
    size_t most = eki_memory_left() / 4;
    char text[192];
    if (most > (size_t)MOST_MIB << 20) most = (size_t)MOST_MIB << 20;
    if (bytes <= most - *total) {
        *total += bytes;
        return EK_OK;
    }
    return eki_fail(p->err, EK_ERR_LIMIT,
                    "input '%s' of shape %s would take %zu MiB of random numbers; a check takes %zu MiB at most; "
                    "declare smaller extents, or leave them open",
                    name, eki_shape_text(p->models[0]->graph, shape, text), bytes >> 20, most >> 20);
}

static ek_status make_input(eki_pair *p, size_t i, int run, size_t *total) {
    ek_tensor_info info = ek_model_input(p->models[0], i);
    ek_array *array = &p->inputs[i];
    const ek_check_input *given = eki_check_input_of(&p->options, info.name);
    if (given != NULL) {
        *array = given->array;
        return EK_OK;
    }
    if (!ek_session_needs_input(p->sessions[0], i) && !ek_session_needs_input(p->sessions[1], i)) return EK_OK;
    EKI_TRY(shape_of(p, &info, array));
    eki_shape shape = eki_shape_of(array->rank, array->dims);
    size_t bytes, unit = eki_dtype_bytes(array->dtype);
    if (unit == 0) return eki_fail(p->err, EK_ERR_UNSUPPORTED, "input '%s' has no type to make numbers of", info.name);
    EKI_TRY(eki_input_bytes(p->models[0]->graph, info.name, array->dtype, &shape, &bytes, p->err));
    EKI_TRY(within_budget(p, info.name, &shape, bytes, total));
    array->data = p->memory[i] = eki_alloc_zero(eki_sized(bytes));
    if (array->data == NULL) return eki_fail_nomem(p->err, bytes);
    if (unit > 1 || array->dtype == EK_BOOL || array->dtype == EK_U8) {
        eki_range range = is_variance(p->models[0]->graph, info.name) ? EKI_RANGE_POSITIVE : p->range;
        p->random = true;
        fill(array, (int64_t)(bytes / unit), eki_random_stream(p->options.seed, "compare", (uint64_t)run, i), range);
    }
    return EK_OK;
}

ek_status eki_pair_inputs(eki_pair *p, int run) {
    size_t total = 0;
    p->n_inputs = ek_model_input_count(p->models[0]);
    if (p->n_inputs > EKI_PAIR_INPUTS || p->n_inputs != ek_model_input_count(p->models[1])) {
        return eki_fail(p->err, EK_ERR_SHAPE, "the models have %zu and %zu inputs; they must have the same, at most %d",
                        p->n_inputs, ek_model_input_count(p->models[1]), EKI_PAIR_INPUTS);
    }
    for (size_t i = 0; i < p->n_inputs; i++) EKI_TRY(make_input(p, i, run, &total));
    return EK_OK;
}
