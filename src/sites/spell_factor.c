/* spell_factor.c: norms as TensorFlow writes them: x m + (bias - mean m), where m = scale / sqrt(variance + epsilon).
 *
 * Mean and variance are those of x, or constants: a batch norm with its running statistics.
 */
#include "sites/spell.h"

#include <string.h>

typedef struct factor {
    eki_value *x, *m, *mean, *bias, *scale, *variance;
} factor;

/* add = Mul(x, m) + Sub(bias, Mul(mean, m)) */
static bool match_sum(eki_finder *f, eki_site *site, eki_node *add, factor *out) {
    for (int k = 0; k < 2; k++) {
        eki_node *product = eki_maker(add->in[k], EKI_OP_Mul), *shift = eki_maker(add->in[1 - k], EKI_OP_Sub);
        if (!eki_is_binary(product, EKI_OP_Mul) || !eki_is_binary(shift, EKI_OP_Sub)) continue;
        eki_node *offset = eki_maker(shift->in[1], EKI_OP_Mul);
        if (!eki_is_binary(offset, EKI_OP_Mul)) continue;
        for (int i = 0; i < 4; i++) { /* the factor they share */
            eki_value *m = product->in[i / 2];
            if (m != offset->in[i % 2]) continue;
            *out = (factor){.x = product->in[1 - i / 2], .m = m, .mean = offset->in[1 - i % 2], .bias = shift->in[0]};
            return eki_site_take(f, site, add) && eki_site_take(f, site, product) && eki_site_take(f, site, shift) &&
                   eki_site_take(f, site, offset);
        }
    }
    return false;
}

/* m = scale / sqrt(sum), or without scale */
static bool match_factor(eki_finder *f, eki_site *site, factor *t) {
    eki_node *mul = eki_maker(t->m, EKI_OP_Mul);
    eki_value *sum;
    for (int k = 0; eki_is_binary(mul, EKI_OP_Mul) && k < 2; k++) {
        eki_site trial = *site;
        eki_shape ignored;
        if (!eki_is_parameter(f, mul->in[1 - k], &ignored) || !eki_site_take(f, &trial, mul)) continue;
        if (!eki_match_root(f, &trial, mul->in[k], true, &sum)) continue;
        if (!eki_match_epsilon(f, &trial, sum, &t->variance)) continue;
        *site = trial;
        t->scale = mul->in[1 - k];
        return true;
    }
    return eki_match_root(f, site, t->m, true, &sum) && eki_match_epsilon(f, site, sum, &t->variance);
}

/* Takes the parameters that the rule of a kind would have found behind the quotient. */
static bool set_parameters(const eki_finder *f, eki_site *site, const factor *t, unsigned along) {
    const eki_shape *x = eki_extents(f, site->x);
    unsigned axes;
    if (!eki_varies(f, t->bias, x, &axes) || (axes & ~along) != 0) return false;
    if (t->scale != NULL && (!eki_varies(f, t->scale, x, &axes) || (axes & ~along) != 0)) return false;
    eki_site_parameter_set(f, site, EKI_SCALE, t->scale, EKI_AS_IS);
    eki_site_parameter_set(f, site, EKI_BIAS, t->bias, EKI_AS_IS);
    return true;
}

static bool match_own_moments(eki_finder *f, eki_site *site, const factor *t) {
    eki_value *deviation, *of, *centred_of;
    eki_axes axes, mean_axes, own_axes;
    if (!eki_match_mean_square(f, site, t->variance, &deviation, &axes)) return false;
    eki_node *sub = eki_maker(deviation, EKI_OP_Sub);
    if (!eki_is_binary(sub, EKI_OP_Sub) || !eki_site_take(f, site, sub)) return false;
    if (!eki_match_mean(f, site, t->mean, &of, &mean_axes) || of != t->x || sub->in[0] != t->x) return false;
    if (!eki_match_mean(f, site, sub->in[1], &centred_of, &own_axes) || centred_of != t->x) return false;
    if (!eki_axes_equal(&axes, &mean_axes) || !eki_axes_equal(&axes, &own_axes) || axes.rank < 0) return false;
    return eki_factor_kind(f, site, t->scale != NULL ? t->scale : t->bias, &axes) &&
           set_parameters(f, site, t, site->channel_axis < 0 ? eki_axes_set(&axes) : 1U << site->channel_axis);
}

static bool match_running(eki_finder *f, eki_site *site, const factor *t) {
    const eki_shape *x = eki_extents(f, site->x);
    unsigned along, other;
    if (eki_constant_source(t->variance).value == NULL) return false; /* the root of something that is computed */
    if (!eki_varies(f, t->mean, x, &along) || !eki_varies(f, t->variance, x, &other) || along != other) return false;
    bool last = x->rank >= 3 && along == 1U << (x->rank - 1);
    if (x->rank < 2 || (along != 1U << 1 && !last) || !set_parameters(f, site, t, along)) return false;
    eki_site_parameter_set(f, site, EKI_MEAN, t->mean, EKI_AS_IS);
    eki_site_parameter_set(f, site, EKI_VARIANCE, t->variance, EKI_AS_IS);
    site->kind = EKI_SITE_BATCH;
    site->rank = x->rank;
    site->channels_last = last;
    site->channel_axis = last ? x->rank - 1 : 1;
    site->groups = 1;
    return eki_shape_count(&site->parameters[EKI_MEAN].shape, &site->channels);
}

bool eki_spell_factor(eki_finder *f, eki_node *node, eki_site *site) {
    factor t;
    eki_shape ignored;
    if (!eki_is_binary(node, EKI_OP_Add) || !match_sum(f, site, node, &t) || !match_factor(f, site, &t)) return false;
    site->spelling = EKI_SPELL_FACTOR;
    site->x = t.x;
    site->y = node->out[0];
    bool running = eki_is_parameter(f, t.mean, &ignored) && eki_is_parameter(f, t.variance, &ignored);
    bool found = running ? match_running(f, site, &t) : match_own_moments(f, site, &t);
    return found && eki_site_closed(f, site);
}
