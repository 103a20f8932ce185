/* image_layout.c: where a model wants the channels of its images, which no file says.
 *
 * What reads the input tells: a convolution, a pooling or a batch norm has channels second; a Transpose in front of
 * them that brings the last axis there has them last, as Keras models do. Where nothing tells, the extents do: an image
 * of one, three or four values a pixel.
 */
#include "model/model.h"

#include <stdlib.h>

static bool is_channels(int64_t extent) { return extent == 1 || extent == 3 || extent == 4; }

/* Numbers stay at their places. */
static bool passes_on(const eki_node *node) {
    return eki_op_has(node->op, EKI_POINTWISE | EKI_ACTIVATION | EKI_SAME) || node->op == EKI_OP_Cast ||
           node->op == EKI_OP_Pad;
}

static eki_image_layout told_by(const eki_node *node) {
    const int64_t *perm;
    size_t count;
    if (eki_op_has(node->op, EKI_CONVOLUTION | EKI_POOLING) || node->op == EKI_OP_BatchNormalization ||
        node->op == EKI_OP_InstanceNormalization || node->op == EKI_OP_GroupNormalization) {
        return EKI_CHANNELS_FIRST;
    }
    if (node->op != EKI_OP_Transpose || !eki_node_ints(node, "perm", &perm, &count) || count != 4) {
        return EKI_CHANNELS_UNTOLD;
    }
    if (perm[0] == 0 && perm[1] == 3) return EKI_CHANNELS_LAST;
    return perm[0] == 0 && perm[3] == 1 ? EKI_CHANNELS_FIRST : EKI_CHANNELS_UNTOLD;
}

/* The first node that tells, among those that the input reaches with its numbers at their places. Nodes are sorted. */
static eki_image_layout told_by_graph(const eki_graph *graph, const eki_value *input) {
    bool *image = eki_calloc(graph->n_values + 1, sizeof *image); /* by value id */
    eki_image_layout told = EKI_CHANNELS_UNTOLD;
    if (image == NULL) return told;
    image[input->id] = true;
    for (size_t i = 0; i < graph->n_nodes && told == EKI_CHANNELS_UNTOLD; i++) {
        const eki_node *node = graph->nodes[i];
        bool reads = false;
        for (int k = 0; k < node->n_in; k++) reads = reads || (node->in[k] != NULL && image[node->in[k]->id]);
        if (!reads) continue;
        told = told_by(node);
        if (passes_on(node) && node->n_out > 0 && node->out[0] != NULL) image[node->out[0]->id] = true;
    }
    free(image);
    return told;
}

eki_image_layout eki_model_image_layout(const ek_model *model, bool *guessed) {
    const eki_value *input = eki_model_image_input(model);
    *guessed = false;
    if (input == NULL || input->shape.rank != 4) return EKI_CHANNELS_FIRST;
    eki_image_layout told = told_by_graph(model->graph, input);
    if (told != EKI_CHANNELS_UNTOLD) return told;
    *guessed = true;
    const int64_t *dims = input->shape.dims;
    return is_channels(dims[3]) && !is_channels(dims[1]) ? EKI_CHANNELS_LAST : EKI_CHANNELS_FIRST;
}

const eki_value *eki_model_image_input(const ek_model *model) {
    for (size_t i = 0; i < model->graph->n_inputs; i++) {
        if (model->graph->inputs[i]->init == NULL) return model->graph->inputs[i];
    }
    return NULL;
}
