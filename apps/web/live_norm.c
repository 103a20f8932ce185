/* live_norm.c: norm and ReLU of a layer: the library's, one plan for each number of images. */
#include "web/live_net.h"

#include <stdlib.h>
#include <string.h>

enum { GROUPS = 4 };

/* The thread that calls is enough. */
static void alone(void *context, size_t tasks, void (*body)(void *argument, size_t index), void *argument) {
    (void)context;
    for (size_t i = 0; i < tasks; i++) body(argument, i);
}

static ek_norm_desc describe(const live *lab, const live_shape *s, int n) {
    static const ek_norm_kind kinds[] = {0, EK_NORM_BATCH, EK_NORM_GROUP, EK_NORM_LAYER};
    ek_norm_desc desc = ek_norm_desc_default(kinds[lab->norm]);
    desc.layout = EK_LAYOUT_NHWC;
    desc.rank = 4;
    desc.dims[0] = n, desc.dims[1] = s->out, desc.dims[2] = s->side, desc.dims[3] = s->side;
    if (lab->norm == LIVE_GROUP) desc.groups = GROUPS;
    if (lab->norm == LIVE_LAYER) desc.axis = 1, desc.affine = EK_AFFINE_CHANNEL;
    desc.activation = EK_ACTIVATION_RELU;
    desc.momentum = lab->keep;
    desc.parallel = (ek_parallel){.run = alone, .threads = 1};
    return desc;
}

/* At least `bytes`, a multiple of 64, at *room. */
static int room_for(void **room, size_t *have, size_t bytes) {
    if (bytes <= *have) return 1;
    bytes = (bytes + 63) / 64 * 64;
    free(*room);
    *room = aligned_alloc(64, bytes);
    *have = *room != NULL ? bytes : 0;
    return *room != NULL;
}

static int prepare(live *lab, live_layer *l, const ek_norm_plan *plan) {
    return plan != NULL && room_for(&l->saved, &l->saved_bytes, ek_norm_saved_bytes(plan)) &&
           room_for(&lab->workspace, &lab->workspace_bytes, ek_norm_workspace_bytes(plan));
}

static ek_norm_plan *plan_for(live *lab, int layer, int n) {
    live_layer *l = &lab->layer[layer];
    ek_norm_desc desc = describe(lab, &live_shapes[layer], n);
    ek_error err;
    if (l->plan[n] == NULL && ek_norm_plan_create(&desc, &l->plan[n], &err) != EK_OK) return NULL;
    return prepare(lab, l, l->plan[n]) ? l->plan[n] : NULL;
}

static ek_norm_plan *cumulative_for(live *lab, int layer) {
    live_layer *l = &lab->layer[layer];
    ek_norm_desc desc = describe(lab, &live_shapes[layer], LIVE_MOST);
    desc.momentum_convention = EK_MOMENTUM_CUMULATIVE;
    ek_error err;
    if (l->cumulative == NULL && ek_norm_plan_create(&desc, &l->cumulative, &err) != EK_OK) return NULL;
    return prepare(lab, l, l->cumulative) ? l->cumulative : NULL;
}

static ek_norm_args arguments(const live *lab, const live_layer *l) {
    return (ek_norm_args){.struct_size = sizeof(ek_norm_args),
                          .x = l->before,
                          .y = l->after,
                          .scale = l->scale,
                          .bias = l->bias,
                          .saved = l->saved,
                          .workspace = lab->workspace};
}

/* A bias and ReLU, where there is no norm. */
static void bias_relu(const live_shape *s, const live_layer *l, int n) {
    size_t count = (size_t)n * live_outputs_of(s), out = (size_t)s->out;
    for (size_t i = 0; i < count; i += out)
        for (size_t j = 0; j < out; j++) {
            float v = l->before[i + j] + l->bias[j];
            l->after[i + j] = v < 0 ? 0 : v;
        }
}

static void bias_relu_back(const live_shape *s, const live_layer *l, int n) {
    size_t count = (size_t)n * live_outputs_of(s), out = (size_t)s->out;
    memset(l->bias_grad, 0, out * sizeof *l->bias_grad);
    for (size_t i = 0; i < count; i += out)
        for (size_t j = 0; j < out; j++) {
            l->before_grad[i + j] = l->after[i + j] > 0 ? l->after_grad[i + j] : 0;
            l->bias_grad[j] += l->before_grad[i + j];
        }
}

int live_norm_forward(live *lab, int layer, int n, live_mode mode) {
    live_layer *l = &lab->layer[layer];
    if (lab->norm == LIVE_NONE) {
        bias_relu(&live_shapes[layer], l, n);
        return 1;
    }
    ek_norm_plan *plan = plan_for(lab, layer, n);
    if (plan == NULL) return 0;
    ek_norm_args a = arguments(lab, l);
    ek_error err;
    int running = lab->norm == LIVE_BATCH && mode == LIVE_EVAL;
    if (running)
        a.running_mean = l->running_mean, a.running_var = l->running_var;
    else if (lab->norm == LIVE_BATCH)
        a.mean = l->mean, a.var = l->var;
    return ek_norm_forward(plan, running ? EK_STATS_RUNNING : EK_STATS_BATCH, &a, &err) == EK_OK;
}

int live_norm_back(live *lab, int layer, int n) {
    live_layer *l = &lab->layer[layer];
    if (lab->norm == LIVE_NONE) {
        bias_relu_back(&live_shapes[layer], l, n);
        return 1;
    }
    ek_norm_plan *plan = plan_for(lab, layer, n);
    if (plan == NULL) return 0;
    ek_norm_args a = arguments(lab, l);
    ek_error err;
    a.dy = l->after_grad, a.dx = l->before_grad, a.dscale = l->scale_grad, a.dbias = l->bias_grad;
    return ek_norm_backward(plan, &a, &err) == EK_OK;
}

int live_norm_commit(live *lab, int layer, int n) {
    live_layer *l = &lab->layer[layer];
    ek_error err;
    if (lab->norm != LIVE_BATCH) return 1;
    ek_norm_plan *plan = plan_for(lab, layer, n);
    return plan != NULL && ek_norm_update_running(plan, l->saved, l->running_mean, l->running_var, NULL, &err) == EK_OK;
}

int live_norm_measure(live *lab, int layer, int64_t *measured) {
    live_layer *l = &lab->layer[layer];
    ek_error err;
    if (lab->norm != LIVE_BATCH) return live_norm_forward(lab, layer, LIVE_MOST, LIVE_TRAIN);
    ek_norm_plan *plan = cumulative_for(lab, layer);
    if (plan == NULL) return 0;
    ek_norm_args a = arguments(lab, l);
    return ek_norm_forward(plan, EK_STATS_BATCH, &a, &err) == EK_OK &&
           ek_norm_update_cumulative(plan, l->saved, l->running_mean, l->running_var, measured, NULL, &err) == EK_OK;
}

void live_norm_forget(live *lab) {
    for (int i = 0; i < LIVE_NORMED; i++) {
        live_layer *l = &lab->layer[i];
        for (int n = 0; n <= LIVE_MOST; n++) ek_norm_plan_destroy(l->plan[n]), l->plan[n] = NULL;
        ek_norm_plan_destroy(l->cumulative), l->cumulative = NULL;
    }
}
