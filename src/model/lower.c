/* lower.c: norms that an opset lacks, as the nodes that compute them (src/sites writes these). The last node keeps the
 * norm's name and output, by which src/sites and the freeze metadata find it again. Used on a view (copy.c), never on a
 * model itself.
 */
#include "model/model.h"

#include <inttypes.h>

typedef struct lowering {
    const eki_graph *graph;
    int64_t version;
} lowering;

static bool lacks(const lowering *low, const eki_node *node) {
    return eki_opset_lacks(node->op, eki_node_opset(low->graph, node), low->version);
}

static bool is_wanted(void *context, const eki_site *site) { return site->norm != NULL && lacks(context, site->norm); }

static ek_status tell(void *context, const eki_site *site, const char *why, ek_error *err) {
    const lowering *low = context;
    char label[192];
    if (why == NULL) return EK_OK;
    return eki_fail(err, EK_ERR_UNSUPPORTED,
                    "%s: %s, so it cannot be written at opset %" PRId64 "; save it at the opset that it has",
                    eki_node_label(site->norm, label), why, low->version);
}

ek_status eki_lower_norms(eki_graph *graph, int64_t version, ek_error *err) {
    lowering low = {.graph = graph, .version = version};
    eki_write_out_options options = {.wanted = is_wanted, .tell = tell, .opset = version, .context = &low};
    bool any = false;
    size_t count;
    for (size_t i = 0; i < graph->n_nodes; i++) any |= lacks(&low, graph->nodes[i]);
    if (!any) return EK_OK;
    eki_declared *declared;
    EKI_TRY(eki_declared_keep(graph, &declared, err));
    ek_status status = eki_graph_infer(graph, NULL, err);
    if (status == EK_OK) status = eki_sites_write_out(graph, &options, &count, err);
    eki_declared_restore(graph, declared);
    return status == EK_OK ? eki_graph_sort(graph, err) : status;
}
