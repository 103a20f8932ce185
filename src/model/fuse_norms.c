/* fuse_norms.c: norms that a file writes as several nodes, as one node each of the program. */
#include "model/model.h"

#include "sites/sites.h"

/* Cheap look before inference and matching: most models have nothing to fuse. */
static bool worth_looking(const eki_graph *graph) {
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        bool root = node->op == EKI_OP_Sqrt || node->op == EKI_OP_Pow;
        if (root || node->op == EKI_OP_InstanceNormalization) return true;
    }
    return false;
}

ek_status eki_fuse_norms(eki_graph *graph, ek_error *err) {
    eki_fuse_options options = {.kinds = EKI_FUSE_GROUP | EKI_FUSE_RMS | EKI_FUSE_LAYER | EKI_FUSE_INSTANCE,
                                .own_opsets = true};
    ek_error ignored;
    int64_t needed;
    if (!worth_looking(graph)) return EK_OK;
    /* Where the model cannot run here, what the file declares of shapes must do. */
    (void)!eki_graph_infer(graph, NULL, &ignored);
    EKI_TRY(eki_sites_fuse(graph, &options, &needed, err));
    return needed == 0 ? EK_OK : eki_graph_sort(graph, err);
}
