/* spell_transposed.c: a norm of channels-last data between two Transposes is a channels-last norm. */
#include "sites/spell.h"

#include <string.h>

/* Whether the node moves the channels from last to second, or with `back` the other way. */
static bool moves_channels(const eki_node *node, int rank, bool back) {
    const int64_t *perm;
    size_t count;
    if (!eki_is_op(node, EKI_OP_Transpose) || node->n_in != 1 || node->in[0] == NULL || rank < 3) return false;
    if (!eki_node_ints(node, "perm", &perm, &count) || count != (size_t)rank || perm[0] != 0) return false;
    for (int i = 1; i < rank; i++) {
        int64_t wanted = back ? (i == rank - 1 ? 1 : i + 1) : (i == 1 ? rank - 1 : i - 1);
        if (perm[i] != wanted) return false;
    }
    return true;
}

void eki_spell_transposed(eki_finder *f, eki_site *site) {
    bool per_channel = site->kind == EKI_SITE_BATCH || site->kind == EKI_SITE_INSTANCE || site->kind == EKI_SITE_GROUP;
    if (!per_channel || site->channels_last || site->x->producer == NULL) return;
    eki_node *in = site->x->producer, *out = eki_reader(f, site->y);
    const int64_t *perm;
    size_t count = 0;
    int rank = site->rank;
    if (rank < 0 && eki_is_op(in, EKI_OP_Transpose) && eki_node_ints(in, "perm", &perm, &count)) rank = (int)count;
    if (rank > EKI_MAX_RANK || !moves_channels(in, rank, false) || !moves_channels(out, rank, true)) return;
    eki_site trial = *site;
    if (!eki_site_take(f, &trial, in) || !eki_site_take(f, &trial, out)) return;
    trial.x = in->in[0];
    trial.y = out->out[0];
    trial.channels_last = true;
    trial.channel_axis = rank - 1;
    trial.rank = rank;
    trial.n_axes = 0;
    for (int i = 0; i < rank - 1; i++) {
        if (i > 0 || site->kind == EKI_SITE_BATCH) trial.axes[trial.n_axes++] = i;
    }
    if (site->kind == EKI_SITE_GROUP) trial.axes[trial.n_axes++] = rank - 1;
    bool first_only = site->y->is_output; /* then the file asks for it in the other layout too */
    if (!first_only && eki_site_closed(f, &trial)) *site = trial;
}
