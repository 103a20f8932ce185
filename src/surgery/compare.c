/* compare.c: two models on the same random inputs; the worst relative difference of their outputs.
 *
 * A final Softmax hides differences, so what goes into it is compared. Extents that a file leaves open are tried in
 * turn, because a model may accept only some.
 */
#include "base/options.h"
#include "base/random.h"
#include "base/timer.h"
#include "surgery/surgery.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUTS = 16 };

typedef struct pair {
    ek_model *models[2];
    ek_session *sessions[2];
    const char **outputs;
    size_t n_outputs, n_inputs;
    ek_array inputs[MAX_INPUTS];
    ek_compare_options options;
    int64_t size; /* that was found to work */
    ek_comparison *result;
    ek_error *err;
} pair;

ek_compare_options ek_compare_options_default(void) {
    return (ek_compare_options){.struct_size = sizeof(ek_compare_options), .seed = 1, .runs = 3, .batch = 2};
}

static ek_status list_outputs(pair *p) {
    const eki_graph *graph = p->models[0]->graph;
    p->outputs = calloc(graph->n_outputs + 1, sizeof *p->outputs);
    if (p->outputs == NULL) return eki_fail_nomem(p->err, graph->n_outputs * sizeof *p->outputs);
    for (size_t i = 0; i < graph->n_outputs; i++) {
        const eki_value *value = graph->outputs[i];
        const eki_node *last = value->producer;
        bool softmax = last != NULL && eki_is_op(last, EKI_OP_Softmax) && last->n_in > 0 && last->in[0] != NULL;
        bool both = softmax && eki_graph_find(p->models[1]->graph, last->in[0]->name) != NULL &&
                    eki_graph_find(p->models[1]->graph, last->in[0]->name)->producer != NULL;
        p->outputs[p->n_outputs++] = both ? last->in[0]->name : value->name;
    }
    return EK_OK;
}

static ek_status open_sessions(pair *p) {
    ek_session_options o = ek_session_options_default();
    o.mode = EK_MODE_FILE;
    o.threads = p->options.threads;
    o.outputs = p->outputs;
    o.output_count = p->n_outputs;
    EKI_TRY(ek_session_create(p->models[0], &o, &p->sessions[0], p->err));
    return ek_session_create(p->models[1], &o, &p->sessions[1], p->err);
}

static void fill(ek_array *array, int64_t count, eki_random random) {
    for (int64_t i = 0; i < count; i++) {
        uint64_t counter = (uint64_t)i;
        switch (array->dtype) {
        case EK_F32: ((float *)array->data)[i] = (float)eki_random_normal(random, counter); break;
        case EK_F64: ((double *)array->data)[i] = eki_random_normal(random, counter); break;
        case EK_I64: ((int64_t *)array->data)[i] = (int64_t)eki_random_below(random, counter, 2); break;
        case EK_I32: ((int32_t *)array->data)[i] = (int32_t)eki_random_below(random, counter, 2); break;
        default: ((unsigned char *)array->data)[i] = (unsigned char)eki_random_below(random, counter, 2);
        }
    }
}

static void free_inputs(pair *p) {
    for (size_t i = 0; i < MAX_INPUTS; i++) eki_free(p->inputs[i].data);
    memset(p->inputs, 0, sizeof p->inputs);
}

static ek_status make_inputs(pair *p, int run, int64_t size) {
    p->n_inputs = ek_model_input_count(p->models[0]);
    if (p->n_inputs > MAX_INPUTS || p->n_inputs != ek_model_input_count(p->models[1])) {
        return eki_fail(p->err, EK_ERR_SHAPE, "the models have %zu and %zu inputs; they must have the same, at most %d",
                        p->n_inputs, ek_model_input_count(p->models[1]), MAX_INPUTS);
    }
    for (size_t i = 0; i < p->n_inputs; i++) {
        ek_tensor_info info = ek_model_input(p->models[0], i);
        ek_array *array = &p->inputs[i];
        array->dtype = info.dtype;
        array->rank = info.rank < 0 ? 1 : info.rank;
        for (int d = 0; d < array->rank; d++) {
            int64_t open = d == 0 ? p->options.batch : size;
            array->dims[d] = info.rank < 0 || info.dims[d] < 0 ? open : info.dims[d];
        }
        eki_shape shape = eki_shape_of(array->rank, array->dims);
        size_t bytes, unit = eki_dtype_bytes(array->dtype);
        if (unit == 0)
            return eki_fail(p->err, EK_ERR_UNSUPPORTED, "input '%s' has no type to make numbers of", info.name);
        EKI_TRY(eki_input_bytes(p->models[0]->graph, info.name, array->dtype, &shape, &bytes, p->err));
        array->data = eki_alloc_zero(bytes);
        if (array->data == NULL) return eki_fail_nomem(p->err, bytes);
        if (unit > 1 || array->dtype == EK_BOOL || array->dtype == EK_U8) {
            fill(array, (int64_t)(bytes / unit), eki_random_stream(p->options.seed, "compare", (uint64_t)run, i));
        }
    }
    return EK_OK;
}

static ek_status compare_output(pair *p, size_t index, int run) {
    ek_array a = ek_session_output(p->sessions[0], index), b = ek_session_output(p->sessions[1], index);
    eki_shape sa = eki_shape_of(a.rank, a.dims), sb = eki_shape_of(b.rank, b.dims);
    int64_t count = 0;
    double worst = 0, scale = 0;
    if (!eki_shape_equal(&sa, &sb) || a.dtype != b.dtype || !eki_shape_count(&sa, &count)) {
        return eki_fail(p->err, EK_ERR_SHAPE, "output '%s' has another shape or type in the second model",
                        p->outputs[index]);
    }
    if (a.dtype != EK_F32) {
        bool same = memcmp(a.data, b.data, (size_t)count * eki_dtype_bytes(a.dtype)) == 0;
        worst = same ? 0 : 1;
        scale = 1;
        count = 0;
    }
    for (int64_t i = 0; i < count; i++) {
        double x = (double)((const float *)a.data)[i], y = (double)((const float *)b.data)[i];
        if (!isfinite(x) || !isfinite(y)) {
            return eki_fail(p->err, EK_ERR_NONFINITE, "output '%s' of the %s model is not finite on random input %d",
                            p->outputs[index], isfinite(x) ? "second" : "first", run);
        }
        worst = fmax(worst, fabs(x - y));
        scale = fmax(scale, fabs(x));
    }
    double relative = worst == 0 ? 0 : scale > 0 ? worst / scale : HUGE_VAL;
    if (relative > p->result->worst || p->result->output == NULL) {
        p->result->worst = relative;
        p->result->output = p->outputs[index];
    }
    return EK_OK;
}

static ek_status run_once(pair *p, int run, int64_t size) {
    EKI_TRY(make_inputs(p, run, size));
    for (int m = 0; m < 2; m++) EKI_TRY(ek_session_run(p->sessions[m], p->inputs, p->n_inputs, p->err));
    for (size_t i = 0; i < p->n_outputs; i++) EKI_TRY(compare_output(p, i, run));
    p->result->runs++;
    return EK_OK;
}

/* The first run finds an extent that works for dimensions that are not fixed. */
static ek_status run_all(pair *p) {
    const int64_t tries[] = {p->options.size > 0 ? p->options.size : 64, 224, 32};
    int n_tries = p->options.size > 0 ? 1 : 3, chosen = 0;
    EKI_TRY(list_outputs(p));
    EKI_TRY(open_sessions(p));
    for (int run = 0; run < p->options.runs; run++) {
        ek_status status = run_once(p, run, tries[chosen]);
        while (run == 0 && status == EK_ERR_SHAPE && chosen + 1 < n_tries) {
            free_inputs(p);
            status = run_once(p, run, tries[++chosen]);
        }
        free_inputs(p);
        EKI_TRY(status);
    }
    p->size = tries[chosen];
    return EK_OK;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static ek_status run_model(pair *p, int model) {
    return ek_session_run(p->sessions[model], p->inputs, p->n_inputs, p->err);
}

/* In turns, each round beginning with the other one, for two seconds at most; the first run of each plans and is not
 * counted. */
static ek_status time_both(pair *p, double *seconds[2]) {
    int round = 0;
    for (int m = 0; m < 2; m++) EKI_TRY(run_model(p, m));
    for (double end = eki_now() + 2; round < p->options.timed && (round == 0 || eki_now() < end); round++) {
        for (int k = 0; k < 2; k++) {
            int m = (round + k) % 2;
            double began = eki_now();
            EKI_TRY(run_model(p, m));
            seconds[m][round] = eki_now() - began;
        }
    }
    p->result->timed = round;
    return EK_OK;
}

static ek_status time_all(pair *p) {
    size_t n = (size_t)p->options.timed;
    double *memory = calloc(2 * n, sizeof *memory), *seconds[2] = {memory, memory + n};
    if (memory == NULL) return eki_fail_nomem(p->err, 2 * n * sizeof *memory);
    p->options.batch = 1;
    ek_status status = make_inputs(p, 0, p->size);
    if (status == EK_OK) status = time_both(p, seconds);
    if (status == EK_OK) {
        int count = p->result->timed;
        for (int m = 0; m < 2; m++) qsort(seconds[m], (size_t)count, sizeof **seconds, by_value);
        p->result->seconds_a = seconds[0][count / 2];
        p->result->seconds_b = seconds[1][count / 2];
    }
    free(memory);
    return status;
}

ek_status ek_compare(ek_model *a, ek_model *b, const ek_compare_options *options, ek_comparison *result,
                     ek_error *err) {
    EKI_GIVEN(a, err);
    EKI_GIVEN(b, err);
    EKI_GIVEN(result, err);
    pair p = {.models = {a, b}, .options = ek_compare_options_default(), .result = result, .err = err};
    EKI_TRY(eki_options_take(&p.options, sizeof p.options, options, "ek_compare_options", err));
    *result = (ek_comparison){0};
    if (p.options.runs < 1 || p.options.batch < 1 || p.options.timed < 0 || p.options.timed > 100000) {
        return eki_fail(err, EK_ERR_ARG, "runs = %d and batch = %lld must be at least 1, timed = %d from 0 to 100000",
                        p.options.runs, (long long)p.options.batch, p.options.timed);
    }
    ek_status status = run_all(&p);
    if (status == EK_OK && p.options.timed > 0) status = time_all(&p);
    free_inputs(&p);
    ek_session_destroy(p.sessions[0]);
    ek_session_destroy(p.sessions[1]);
    free(p.outputs);
    return status;
}
