/* op_walk.c: loops over tensors: fixed grains in parallel, broadcast and strided index spaces, copies.
 *
 * An index space is collapsed first: dimensions of extent 1 go, and neighbours over which every operand advances
 * evenly become one. What is left is run row by row, so that the operator's inner loop is a plain one.
 */
#include "base/threads.h"
#include "dnnl/adapter.h"
#include "graph/op/op_common.h"

#include <string.h>

enum { GRAIN = 16384 };

typedef struct grains {
    eki_grain_fn body;
    void *argument;
    size_t count;
} grains;

static void run_grain(void *argument, size_t index) {
    const grains *p = argument;
    size_t begin = index * GRAIN, end = begin + GRAIN < p->count ? begin + GRAIN : p->count;
    p->body(p->argument, begin, end);
}

void eki_for_tasks(const eki_step *step, size_t tasks, void (*body)(void *argument, size_t index), void *argument) {
    ek_parallel parallel = {.threads = step->plan != NULL ? step->plan->threads : 1};
    eki_parallel_for(&parallel, tasks, body, argument);
}

void eki_for_grains(const eki_step *step, size_t count, eki_grain_fn body, void *argument) {
    grains p = {body, argument, count};
    eki_for_tasks(step, (count + GRAIN - 1) / GRAIN, run_grain, &p);
}

void eki_clean_padding(const eki_step *step, float *data) {
    const eki_view *view = &step->out[0];
    int64_t space = 1;
    if (view->layout < EK_LAYOUT_BLOCKED8) return;
    for (int i = 2; i < view->shape.rank; i++) space *= view->shape.dims[i];
    const eki_dnnl_form form = {EK_F32, view->layout};
    eki_zero_padding(data, form, view->shape.dims[0], view->shape.dims[1], space, step->plan->threads);
}

void eki_row_strides(const eki_shape *shape, int64_t strides[EKI_MAX_RANK]) {
    int64_t stride = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= shape->dims[i];
    }
}

eki_shape eki_stored_shape(const eki_view *view, int order[EKI_MAX_RANK]) {
    eki_shape stored = {.rank = view->shape.rank};
    bool last = view->layout == EK_LAYOUT_NHWC;
    for (int i = 0; i < stored.rank; i++) {
        order[i] = !last || i == 0 ? i : i == stored.rank - 1 ? 1 : i + 1;
        stored.dims[i] = view->shape.dims[order[i]];
    }
    return stored;
}

void eki_walk_init(eki_walk *walk, const eki_shape *shape) {
    *walk = (eki_walk){.rank = shape->rank, .count = 1};
    for (int i = 0; i < shape->rank; i++) {
        walk->dims[i] = shape->dims[i];
        walk->count *= (size_t)shape->dims[i];
    }
}

void eki_walk_flat(eki_walk *walk, size_t count) {
    *walk = (eki_walk){.rank = 1, .operands = EKI_WALK_OPERANDS, .count = count, .dims = {(int64_t)count}};
    for (int i = 0; i < EKI_WALK_OPERANDS; i++) walk->stride[i][0] = 1;
}

void eki_walk_add(eki_walk *walk, const int64_t *strides) {
    memcpy(walk->stride[walk->operands++], strides, (size_t)walk->rank * sizeof *strides);
}

void eki_walk_add_broadcast(eki_walk *walk, const eki_shape *operand) {
    int64_t own[EKI_MAX_RANK], strides[EKI_MAX_RANK] = {0};
    eki_row_strides(operand, own);
    for (int i = 0; i < walk->rank; i++) {
        int j = i - (walk->rank - operand->rank);
        if (j >= 0 && operand->dims[j] != 1) strides[i] = own[j];
    }
    eki_walk_add(walk, strides);
}

static bool joins(const eki_walk *walk, int outer, int inner) {
    for (int o = 0; o < walk->operands; o++) {
        if (walk->stride[o][outer] != walk->stride[o][inner] * walk->dims[inner]) return false;
    }
    return true;
}

static void set_dim(eki_walk *walk, int to, int from, int64_t extent) {
    walk->dims[to] = extent;
    for (int o = 0; o < walk->operands; o++) walk->stride[o][to] = walk->stride[o][from];
}

static void collapse(eki_walk *walk) {
    int rank = 0;
    for (int i = 0; i < walk->rank; i++) {
        if (walk->dims[i] == 1) continue;
        if (rank > 0 && joins(walk, rank - 1, i)) {
            set_dim(walk, rank - 1, i, walk->dims[rank - 1] * walk->dims[i]);
        } else {
            set_dim(walk, rank++, i, walk->dims[i]);
        }
    }
    if (rank == 0) {
        walk->dims[rank++] = 1;
        for (int o = 0; o < walk->operands; o++) walk->stride[o][0] = 1;
    }
    walk->rank = rank;
}

typedef struct walk_run {
    const eki_walk *walk;
    eki_walk_fn body;
    void *argument;
} walk_run;

static void walk_grain(void *argument, size_t begin, size_t end) {
    const walk_run *run = argument;
    const eki_walk *walk = run->walk;
    int last = walk->rank - 1;
    size_t width = (size_t)walk->dims[last];
    int64_t offset[EKI_WALK_OPERANDS], step[EKI_WALK_OPERANDS];
    for (int o = 0; o < walk->operands; o++) step[o] = walk->stride[o][last];
    while (begin < end) {
        size_t rest = begin / width, column = begin % width;
        size_t n = width - column < end - begin ? width - column : end - begin;
        for (int o = 0; o < walk->operands; o++) offset[o] = (int64_t)column * step[o];
        for (int d = last - 1; d >= 0; d--) {
            int64_t index = (int64_t)(rest % (size_t)walk->dims[d]);
            rest /= (size_t)walk->dims[d];
            for (int o = 0; o < walk->operands; o++) offset[o] += index * walk->stride[o][d];
        }
        run->body(run->argument, begin, offset, step, n);
        begin += n;
    }
}

void eki_walk_run(const eki_step *step, eki_walk *walk, eki_walk_fn body, void *argument) {
    walk_run run = {walk, body, argument};
    collapse(walk);
    eki_for_grains(step, walk->count, walk_grain, &run);
}

typedef struct strided {
    const char *from;
    char *to;
    size_t bytes;
} strided;

static void strided_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const strided *j = argument;
    char *to = j->to + out * j->bytes;
    const char *from = j->from + (size_t)offset[0] * j->bytes;
    if (step[0] == 1) {
        memcpy(to, from, n * j->bytes);
    } else if (j->bytes == 4) {
        for (size_t i = 0; i < n; i++) memcpy(to + 4 * i, from + 4 * (int64_t)i * step[0], 4);
    } else {
        for (size_t i = 0; i < n; i++)
            memcpy(to + j->bytes * i, from + (int64_t)j->bytes * (int64_t)i * step[0], j->bytes);
    }
}

void eki_walk_copy(const eki_step *step, eki_walk *walk, const void *from, void *to, size_t bytes) {
    strided j = {from, to, bytes};
    eki_walk_run(step, walk, strided_row, &j);
}

size_t eki_view_bytes(const eki_view *view) { return eki_view_elements(view) * eki_dtype_bytes(view->dtype); }

bool eki_same_shape(const eki_view *a, const eki_view *b) { return eki_shape_equal(&a->shape, &b->shape); }

ek_status eki_step_list(const eki_step *step, int input, int64_t *values, int room, int *count, ek_error *err) {
    const eki_view *view = &step->in[input];
    const void *data = step->constant[input] != NULL ? step->constant[input]->data : view->data;
    int64_t n = 0;
    if (!eki_shape_count(&view->shape, &n) || n > room || (data == NULL && n > 0)) {
        return eki_step_fail(step, err, EK_ERR_SHAPE, "input %d is not a list of at most %d integers", input, room);
    }
    if (view->dtype != EK_I64 && view->dtype != EK_I32) {
        return eki_step_fail(step, err, EK_ERR_DTYPE, "input %d is %s, expected i64 or i32", input,
                             eki_dtype_name(view->dtype));
    }
    for (int64_t i = 0; i < n; i++) {
        values[i] = view->dtype == EK_I64 ? ((const int64_t *)data)[i] : ((const int32_t *)data)[i];
    }
    *count = (int)n;
    return EK_OK;
}

typedef struct copy_job {
    const char *from;
    char *to;
} copy_job;

static void copy_grain(void *argument, size_t begin, size_t end) {
    const copy_job *job = argument;
    memcpy(job->to + begin, job->from + begin, end - begin);
}

ek_status eki_copy_forward(eki_step *step, ek_error *err) {
    (void)err;
    if (step->out[0].data == NULL || step->out[0].data == step->in[0].data) return EK_OK;
    copy_job job = {step->in[0].data, step->out[0].data};
    eki_for_grains(step, eki_view_bytes(&step->out[0]), copy_grain, &job);
    return EK_OK;
}

ek_status eki_copy_backward(eki_step *step, ek_error *err) {
    (void)err;
    size_t bytes = eki_view_bytes(&step->out[0]);
    if (step->din[0] == NULL || step->din[0] == step->dout[0]) return EK_OK;
    if (step->dout[0] == NULL) {
        memset(step->din[0], 0, bytes);
    } else {
        copy_job job = {step->dout[0], step->din[0]};
        eki_for_grains(step, bytes, copy_grain, &job);
    }
    return EK_OK;
}
