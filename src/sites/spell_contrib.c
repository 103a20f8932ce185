/* spell_contrib.c: norms of onnxruntime: layer and RMS norm with their sums in front, group norm of images whose
 * channels come last.
 */
#include "sites/spell.h"

static eki_value *input(const eki_node *node, int index) { return index < node->n_in ? node->in[index] : NULL; }

static void last_axis(eki_site *site, int64_t axis) {
    if (axis >= 0 && site->rank < 0) return;
    if (axis < 0 && site->rank >= 0) axis += site->rank;
    for (int i = (int)axis; i < (site->rank < 0 ? 0 : site->rank) && site->n_axes < EKI_MAX_RANK; i++) {
        site->axes[site->n_axes++] = i;
    }
}

static void rows(const eki_finder *f, const eki_node *node, eki_site *site, bool centred, int scale) {
    site->kind = centred ? EKI_SITE_LAYER : EKI_SITE_RMS;
    eki_site_parameter_set(f, site, EKI_SCALE, input(node, scale), EKI_AS_IS);
    if (centred) eki_site_parameter_set(f, site, EKI_BIAS, input(node, scale + 1), EKI_AS_IS);
    last_axis(site, scale == 1 ? eki_node_int(node, "axis", -1) : -1);
}

static void group(const eki_finder *f, const eki_node *node, eki_site *site) {
    site->kind = EKI_SITE_GROUP;
    site->groups = eki_node_int(node, "groups", 1);
    site->swish = eki_node_int(node, "activation", 0) != 0;
    site->channels_last = eki_node_int(node, "channels_last", 1) != 0;
    eki_site_parameter_set(f, site, EKI_SCALE, input(node, 1), EKI_AS_IS);
    eki_site_parameter_set(f, site, EKI_BIAS, input(node, 2), EKI_AS_IS);
    site->channel_axis = !site->channels_last ? 1 : site->rank >= 0 ? site->rank - 1 : 3; /* images */
    const eki_shape *scale = &site->parameters[EKI_SCALE].shape;
    if (scale->rank == 1 && scale->dims[0] > 0) site->channels = scale->dims[0];
    for (int i = 1; i < site->rank; i++) site->axes[site->n_axes++] = i;
}

bool eki_spell_contrib(eki_finder *f, eki_node *node, eki_site *site) {
    if (node->op != EKI_OP_NONE || node->op_type == NULL || node->n_in < 1 || node->in[0] == NULL) return false;
    eki_contrib code = eki_contrib_code(node->op_type, node->domain);
    if (code == EKI_CONTRIB_NONE || node->n_out < 1 || node->out[0] == NULL) return false;
    site->spelling = EKI_SPELL_CONTRIB;
    site->norm = node;
    site->x = node->in[0];
    site->y = node->out[0];
    site->rank = eki_extents(f, site->x)->rank;
    site->channel_axis = -1;
    site->groups = 1;
    eki_epsilon_attribute(node, code == EKI_CONTRIB_SkipLayerNormalization ? 1e-12F : 1e-5F, site);
    switch (code) {
    case EKI_CONTRIB_LayerNormalization: rows(f, node, site, true, 1); break;
    case EKI_CONTRIB_SimplifiedLayerNormalization: rows(f, node, site, false, 1); break;
    case EKI_CONTRIB_SkipLayerNormalization:
        rows(f, node, site, true, 2);
        site->skip[0] = input(node, 1);
        site->skip[1] = input(node, 4);
        break;
    case EKI_CONTRIB_SkipSimplifiedLayerNormalization:
        rows(f, node, site, false, 2);
        site->skip[0] = input(node, 1);
        site->skip[1] = input(node, 3);
        break;
    case EKI_CONTRIB_GroupNorm: group(f, node, site); break;
    case EKI_CONTRIB_SkipGroupNorm:
        group(f, node, site);
        site->skip[0] = input(node, 3);
        site->skip[1] = input(node, 4);
        break;
    default: return false; /* a convolution or product, fused with what follows */
    }
    return eki_site_take(f, site, node);
}
