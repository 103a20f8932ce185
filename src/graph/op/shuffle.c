/* shuffle.c: the step that Reshape, Transpose and Reshape become where together they shuffle channels: those of
 * `groups` groups, one behind the other, come out in turns. Channels last they move within each pixel, else as planes.
 *
 * y[b groups + a] = x[a C/groups + b]; the way back is the shuffle of C/groups groups.
 */
#include "graph/op/op_bound.h"
#include "graph/op/op_common.h"
#include "graph/plan.h"

#include <string.h>

enum { PIXELS = 64 }; /* of one task */

typedef struct job {
    const char *from;
    char *to;
    size_t groups, each, space, unit; /* each: channels of a group; unit: bytes of an element */
    size_t pixels;                    /* of all examples */
} job;

ek_status eki_op_shuffle_prepare(eki_step *step, ek_error *err) {
    (void)err;
    bool last = step->in[0].layout == EK_LAYOUT_NHWC;
    step->in_layout[0] = step->out[0].layout = last ? EK_LAYOUT_NHWC : EK_LAYOUT_NCHW;
    step->out[0].dtype = step->in_type[0];
    return EK_OK;
}

/* With a constant number of groups the inner loop is one of vectors. */
static inline void deal(const uint32_t *restrict from, uint32_t *restrict to, size_t groups, size_t each) {
    for (size_t b = 0; b < each; b++) {
        for (size_t a = 0; a < groups; a++) to[b * groups + a] = from[a * each + b];
    }
}

static inline void deal_half(const uint16_t *restrict from, uint16_t *restrict to, size_t groups, size_t each) {
    for (size_t b = 0; b < each; b++) {
        for (size_t a = 0; a < groups; a++) to[b * groups + a] = from[a * each + b];
    }
}

static void deal_pixel(const job *j, const void *from, void *to) {
    if (j->unit != sizeof(uint32_t)) {
        deal_half(from, to, j->groups, j->each);
        return;
    }
    switch (j->groups) {
    case 2: deal(from, to, 2, j->each); break;
    case 3: deal(from, to, 3, j->each); break;
    case 4: deal(from, to, 4, j->each); break;
    case 8: deal(from, to, 8, j->each); break;
    default: deal(from, to, j->groups, j->each); break;
    }
}

static void run_pixels(void *argument, size_t index) {
    const job *j = argument;
    size_t row = j->groups * j->each * j->unit, end = (index + 1) * PIXELS;
    for (size_t i = index * PIXELS; i < end && i < j->pixels; i++) deal_pixel(j, j->from + i * row, j->to + i * row);
}

static void run_plane(void *argument, size_t index) {
    const job *j = argument;
    size_t channels = j->groups * j->each, plane = j->space * j->unit;
    size_t first = index / channels * channels, channel = index % channels;
    size_t from = first + channel % j->groups * j->each + channel / j->groups;
    memcpy(j->to + index * plane, j->from + from * plane, plane);
}

static void run(const eki_step *step, const eki_view *view, job *j) {
    const int64_t *dims = view->shape.dims;
    size_t examples = (size_t)dims[0];
    j->each = (size_t)dims[1] / j->groups;
    j->unit = eki_dtype_bytes(view->dtype);
    j->space = 1;
    for (int i = 2; i < view->shape.rank; i++) j->space *= (size_t)dims[i];
    j->pixels = examples * j->space;
    if (view->layout == EK_LAYOUT_NHWC) {
        eki_for_tasks(step, (j->pixels + PIXELS - 1) / PIXELS, run_pixels, j);
    } else {
        eki_for_tasks(step, examples * (size_t)dims[1], run_plane, j);
    }
}

ek_status eki_op_shuffle_forward(eki_step *step, ek_error *err) {
    (void)err;
    job j = {.from = step->in[0].data, .to = step->out[0].data, .groups = (size_t)step->tail.shuffle};
    (void)eki_bound_same(step);
    run(step, &step->out[0], &j);
    return EK_OK;
}

ek_status eki_op_shuffle_backward(eki_step *step, ek_error *err) {
    (void)err;
    size_t channels = (size_t)step->out[0].shape.dims[1];
    job j = {.from = step->dout[0], .to = step->din[0], .groups = channels / (size_t)step->tail.shuffle};
    if (j.to == NULL) return EK_OK;
    if (j.from == NULL) {
        eki_zero_gradient(step, 0);
    } else {
        run(step, &step->out[0], &j);
    }
    return EK_OK;
}
