/* repair.c: norms that a file describes by the rules of another framework or time: modes, momentum, variances, opset.
 */
#include "surgery/convert.h"
#include "surgery/raise_opset.h"

#include <stdio.h>
#include <stdlib.h>

/* Values that a channel's statistics come from in a training batch; 0 = not known. */
static int64_t values_of(const eki_converter *c, const eki_node *node) {
    const eki_shape *x = &node->in[0]->shape;
    int64_t count = c->options->torch_batch;
    for (int i = 2; i < x->rank; i++) {
        if (x->dims[i] < 0 || !eki_mul_i64(count, x->dims[i], &count)) return 0;
    }
    return x->rank < 2 ? 0 : count;
}

/* PyTorch's running variance is the mean of batch variances over n - 1. */
static ek_status population_variance(eki_converter *c, eki_node *node, char text[EKI_CHAIN_TEXT], size_t used) {
    int64_t n = values_of(c, node);
    const eki_tensor *old = node->n_in > 4 ? eki_fixed(c->graph, node->in[4]) : NULL;
    if (n < 2 || old == NULL || old->dtype != EK_F32) {
        (void)snprintf(text + used, EKI_CHAIN_TEXT - used, ", variance as it was: %s",
                       old == NULL || old->dtype != EK_F32 ? "it is no float32 constant"
                                                           : "the values of a batch are not known, or fewer than two");
        return EK_OK;
    }
    int64_t channels = eki_count(old);
    eki_shape shape = old->shape;
    double factor = (double)(n - 1) / (double)n, *values = eki_alloc(eki_size_of((size_t)channels + 1, sizeof *values));
    if (values == NULL) return eki_fail_nomem(c->err, (size_t)channels * sizeof *values);
    for (int64_t i = 0; i < channels; i++) values[i] = factor * eki_at(old, i);
    ek_status status = eki_edit_constant(c->graph, node, 4, "variance", &shape, values, c->err);
    free(values);
    (void)snprintf(text + used, EKI_CHAIN_TEXT - used, ", variance x %.9g (%lld values)", factor, (long long)n);
    return status;
}

static ek_status from_torch(eki_converter *c, eki_node *node, const ek_model_norm *info) {
    char text[EKI_CHAIN_TEXT];
    double kept = 1 - info->momentum;
    int used = snprintf(text, sizeof text, "momentum %.6g -> %.6g", info->momentum, kept);
    EKI_TRY(eki_node_set_float(c->graph, node, "momentum", (float)kept, c->err));
    if (eki_place_is_main(c->place)) /* they were counted under another momentum */
        EKI_TRY(eki_updates_write(c->graph, info->output, 0, c->err));
    if (c->options->torch_batch > 0) EKI_TRY(population_variance(c, node, text, (size_t)used));
    return eki_convert_row(c, info->node[0] != '\0' ? info->node : info->output, true, text);
}

static ek_status to_inference(eki_converter *c, eki_node *node, const ek_model_norm *info) {
    if (!eki_bn_trains(c->graph, node)) return EK_OK;
    EKI_TRY(eki_batch_norm_infers(c->graph, node, c->err));
    return eki_convert_row(c, info->node[0] != '\0' ? info->node : info->output, true,
                           "inference with its running statistics");
}

ek_status eki_repair_norm(eki_converter *c, eki_node *node, const ek_model_norm *info) {
    if (info->kind != EK_NORM_BATCH) return EK_OK;
    if (c->options->inference) EKI_TRY(to_inference(c, node, info));
    return c->options->from_torch ? from_torch(c, node, info) : EK_OK;
}
