/* spell_weight.c: weight standardization by way of a norm: the weight as one example whose channels are the outputs,
 * InstanceNormalization or BatchNormalization in training mode with ones and zeros, and back.
 */
#include "sites/spell.h"

/* A Reshape of a weight to [1, outputs, rest]. */
static bool match_rows(const eki_finder *f, const eki_node *reshape, eki_shape *weight) {
    int64_t target[EKI_CONSTANT_LIST], elements;
    int count;
    if (reshape == NULL || reshape->n_in != 2 || !eki_is_parameter(f, reshape->in[0], weight)) return false;
    if (weight->rank < 2 || weight->dims[0] < 1 || !eki_shape_count(weight, &elements)) return false;
    if (!eki_constant_list(f->constants, reshape->in[1], target, &count) || count != 3 || target[0] != 1) return false;
    return target[1] == weight->dims[0] && (target[2] == -1 || target[2] == elements / weight->dims[0]);
}

bool eki_spell_weight(eki_finder *f, eki_node *node, eki_site *site) {
    bool batch = node->op == EKI_OP_BatchNormalization && eki_bn_trains(f->graph, node);
    eki_shape weight;
    if (!batch && node->op != EKI_OP_InstanceNormalization) return false;
    if (node->n_in < 3 || node->n_out < 1 || node->out[0] == NULL) return false;
    eki_node *in = eki_maker(node->in[0], EKI_OP_Reshape), *back = eki_reader(f, node->out[0]);
    if (!match_rows(f, in, &weight) || !eki_match_ungroup(f, back, in->in[0])) return false;
    if (!eki_all_are(f, node->in[1], weight.dims[0], 1) || !eki_all_are(f, node->in[2], weight.dims[0], 0))
        return false;
    if (!eki_site_take(f, site, node) || !eki_site_take(f, site, back)) return false;
    site->x = in->in[0];
    site->y = back->out[0];
    eki_epsilon_attribute(node, 1e-5F, site);
    eki_tail_rule rule = {.x = &weight, .allowed = {1U << 0}, .n_allowed = 1};
    eki_site_tail(f, site, &rule);
    site->kind = EKI_SITE_WEIGHT;
    site->spelling = EKI_SPELL_RESHAPED;
    site->rank = weight.rank;
    site->channel_axis = 0;
    site->channels = weight.dims[0];
    site->groups = 1;
    for (int i = 1; i < weight.rank; i++) site->axes[site->n_axes++] = i;
    return eki_site_closed(f, site);
}
