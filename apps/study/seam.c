/* seam.c: the right use of a norm, and the wrong ones of the cards that measure a norm by itself.
 *
 * Each wrong use is a mistake that people really make, written with the same public calls as the right one: leaving
 * out the mean, batch statistics in evaluation, momentum in the other convention, statistics over the wrong axes,
 * layer norm over the batch, groups across the batch. Nothing else in the study knows about sabotage; an experiment
 * whose verdict survives its own sabotage would prove nothing.
 */
#include "study/seam.h"

#include <stdlib.h>
#include <string.h>

/* The arrays here are small: waking threads would cost more than it brings, and changes no bit. */
static void serial(void *context, size_t tasks, void (*body)(void *argument, size_t index), void *argument) {
    (void)context;
    for (size_t i = 0; i < tasks; i++) body(argument, i);
}

eks_norm eks_norm_call(ek_norm_kind kind, int rank, const int64_t *dims, const float *x, float *y) {
    eks_norm call;
    memset(&call, 0, sizeof call);
    call.desc = ek_norm_desc_default(kind);
    call.desc.rank = rank;
    for (int i = 0; i < rank; i++) call.desc.dims[i] = dims[i];
    call.desc.parallel.run = serial;
    call.desc.parallel.threads = 1;
    call.stats = EK_STATS_BATCH;
    call.x = x;
    call.y = y;
    return call;
}

static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64 + 64; }

ek_status eks_normalize(eks_norm *call, ek_error *err) {
    ek_norm_plan *plan = NULL;
    void *saved = NULL, *workspace = NULL;
    ek_status status = ek_norm_plan_create(&call->desc, &plan, err);
    if (status != EK_OK) return status;
    call->sets = ek_norm_sets(plan);
    saved = aligned_alloc(64, rounded(ek_norm_saved_bytes(plan)));
    workspace = aligned_alloc(64, rounded(ek_norm_workspace_bytes(plan)));
    if (!saved || !workspace) {
        status = eks_fail(err, EK_ERR_NOMEM, "out of memory for the buffers of a norm");
        goto done;
    }
    ek_norm_args args;
    memset(&args, 0, sizeof args);
    args.struct_size = sizeof args;
    args.x = call->x;
    args.y = call->y;
    args.scale = call->scale;
    args.bias = call->bias;
    args.mean = call->mean;
    args.var = call->var;
    args.saved = saved;
    args.workspace = workspace;
    if (call->stats == EK_STATS_RUNNING) {
        args.running_mean = call->running_mean;
        args.running_var = call->running_var;
    }
    EKS_TRY_DONE(ek_norm_forward(plan, call->stats, &args, err));
    args.dy = call->dy;
    args.dx = call->dx;
    args.dscale = call->dscale;
    args.dbias = call->dbias;
    if (call->dy) EKS_TRY_DONE(ek_norm_backward(plan, &args, err));
    if (call->update)
        EKS_TRY_DONE(ek_norm_update_running(plan, saved, call->running_mean, call->running_var, NULL, err));
done:
    free(workspace);
    free(saved);
    ek_norm_plan_destroy(plan);
    return status;
}

/* Card 1: the deviation is right, the mean is not subtracted. */
static ek_status skip_mean(eks_norm *call, ek_error *err) {
    size_t channels = (size_t)call->desc.dims[1];
    float *zero = eks_floats(channels, err), *var = eks_floats(channels, err);
    ek_status status = zero && var ? EK_OK : EK_ERR_NOMEM;
    if (status == EK_OK) {
        eks_norm measure = *call;
        measure.var = var;
        status = eks_normalize(&measure, err);
    }
    if (status == EK_OK) {
        eks_norm wrong = *call;
        wrong.stats = EK_STATS_RUNNING;
        wrong.running_mean = zero;
        wrong.running_var = var;
        status = eks_normalize(&wrong, err);
        call->sets = wrong.sets;
    }
    free(var);
    free(zero);
    return status;
}

/* Card 7: m in one convention read as m in the other. */
static ek_status swap_momentum(eks_norm *call, ek_error *err) {
    eks_norm wrong = *call;
    wrong.desc.momentum = 1 - call->desc.momentum;
    ek_status status = eks_normalize(&wrong, err);
    call->sets = wrong.sets;
    return status;
}

/* Card 8: statistics over N alone, one mean per channel and place, as for a layer without space. */
static ek_status over_batch_only(eks_norm *call, ek_error *err) {
    if (call->desc.kind != EK_NORM_BATCH) return eks_normalize(call, err);
    eks_norm wrong = *call;
    wrong.desc.rank = 2;
    for (int i = 2; i < call->desc.rank; i++) wrong.desc.dims[1] *= call->desc.dims[i];
    ek_status status = eks_normalize(&wrong, err);
    call->sets = wrong.sets;
    return status;
}

/* Card 9: the batch is normalized along with the features. */
static ek_status layer_over_batch(eks_norm *call, ek_error *err) {
    if (call->desc.kind != EK_NORM_LAYER) return eks_normalize(call, err);
    eks_norm wrong = *call;
    wrong.desc.axis = 0;
    ek_status status = eks_normalize(&wrong, err);
    call->sets = wrong.sets;
    return status;
}

/* Card 10: a group's statistics are shared by all examples of the batch. */
static ek_status groups_over_batch(eks_norm *call, ek_error *err) {
    if (call->desc.kind != EK_NORM_GROUP) return eks_normalize(call, err);
    const int64_t *dims = call->desc.dims;
    int64_t space = 1;
    for (int i = 2; i < call->desc.rank; i++) space *= dims[i];
    eks_norm wrong = *call;
    wrong.desc.kind = EK_NORM_BATCH;
    wrong.desc.rank = 3;
    wrong.desc.dims[1] = call->desc.groups;
    wrong.desc.dims[2] = dims[1] / call->desc.groups * space;
    wrong.desc.groups = 1;
    wrong.scale = wrong.bias = NULL;
    EKS_TRY(eks_normalize(&wrong, err));
    call->sets = wrong.sets;
    for (int64_t i = 0; i < dims[0] * dims[1] * space; i++) {
        int64_t c = i / space % dims[1];
        if (call->scale) call->y[i] *= call->scale[c];
        if (call->bias) call->y[i] += call->bias[c];
    }
    return EK_OK;
}

int eks_sabotages(const eks_design *design, const char *sabotage) {
    if (!sabotage) return 0;
    return strcmp(sabotage, design->sabotage) == 0 || (sabotage[0] && strtol(sabotage, NULL, 10) == design->number);
}

int eks_blinds(const eks_design *design, const char *sabotage) {
    return sabotage && design->blinding && strcmp(sabotage, design->blinding) == 0;
}

eks_uses eks_uses_for(const eks_design *design, const char *sabotage) {
    eks_uses uses = {eks_normalize, EK_MODE_INFERENCE};
    if (!eks_sabotages(design, sabotage)) return uses;
    switch (design->number) {
    case 1: uses.normalize = skip_mean; break;
    case 7: uses.normalize = swap_momentum; break;
    case 8: uses.normalize = over_batch_only; break;
    case 9: uses.normalize = layer_over_batch; break;
    case 10: uses.normalize = groups_over_batch; break;
    case 3:
    case 12: uses.evaluation = EK_MODE_TRAINING; break;
    default: break; /* the others look at study->sabotaged */
    }
    return uses;
}
