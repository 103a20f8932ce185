/* site_inner.c: the norm between the two Transposes of a channels-last site, which is what is rewritten. */
#include "sites/sites.h"

/* The Transpose of the site that reads its x, or makes its y; NULL = there is none. */
static eki_node *transpose_at(const eki_site *site, bool end) {
    for (int i = 0; i < site->n_nodes; i++) {
        eki_node *node = site->nodes[i];
        bool there = end ? node->out[0] == site->y : node->in[0] == site->x;
        if (node->op == EKI_OP_Transpose && there) return node;
    }
    return NULL;
}

eki_site eki_site_inner(const eki_site *site) {
    eki_site inner = *site;
    eki_node *in = transpose_at(site, false), *out = transpose_at(site, true);
    if (!site->channels_last || in == NULL || out == NULL) return inner;
    inner.x = in->out[0];
    inner.y = out->in[0];
    inner.channels_last = false;
    inner.channel_axis = 1;
    inner.n_nodes = inner.n_axes = 0;
    for (int i = 0; i < site->n_nodes; i++) {
        if (site->nodes[i] != in && site->nodes[i] != out) inner.nodes[inner.n_nodes++] = site->nodes[i];
    }
    for (int i = 0; i < site->rank; i++) { /* GROUP has all but that of the examples */
        bool over = site->kind == EKI_SITE_GROUP ? i > 0 : i > 1 || (i == 0 && site->kind == EKI_SITE_BATCH);
        if (over) inner.axes[inner.n_axes++] = i;
    }
    return inner;
}
