/* spell_moments.c: norms written out node by node: (x - mean) / sqrt(variance + epsilon), then scale and bias.
 *
 * The quotient may be a Div by the root or a Mul by its inverse, the root a Sqrt or a Pow, the square a Mul or a Pow;
 * x - mean may be computed twice, and Casts may stand anywhere between. Without a mean it is an RMS norm; with a mean
 * and a variance that are constants it is a batch norm with its running statistics.
 */
#include "sites/spell.h"

enum { SEEN = 8 };

/* What stands for x in several places; the same value, or the same but for casts. */
typedef struct inputs {
    eki_value *seen[SEEN];
    int count;
} inputs;

static bool see(inputs *in, eki_value *value) {
    if (value == NULL || in->count == SEEN) return false;
    if (in->count > 0 && eki_before_casts(in->seen[0]) != eki_before_casts(value)) return false;
    in->seen[in->count++] = value;
    return true;
}

/* x is what all read, or where they read it through different casts, what is before these. */
static bool settle_input(eki_finder *f, eki_site *site, const inputs *in) {
    bool same = true;
    for (int i = 1; i < in->count; i++) same = same && in->seen[i] == in->seen[0];
    site->x = in->seen[0];
    for (int i = 0; !same && i < in->count; i++) {
        site->x = eki_uncast(f, site, in->seen[i]);
        if (site->x == NULL) return false;
    }
    return true;
}

/* value = x - mean(x) */
static bool match_centred(eki_finder *f, eki_site *site, eki_value *value, inputs *in, eki_axes *axes) {
    eki_value *of;
    value = eki_uncast(f, site, value);
    eki_node *sub = eki_maker(value, EKI_OP_Sub);
    if (!eki_is_binary(sub, EKI_OP_Sub) || !eki_site_take(f, site, sub)) return false;
    if (!eki_match_mean(f, site, sub->in[1], &of, axes)) return false;
    return see(in, sub->in[0]) && see(in, of);
}

/* Whether a value is centred by some mean, be it another than that of this norm, or one over axes that are not known.
 */
static bool is_centred(eki_finder *f, eki_value *value) {
    eki_site scratch = {0};
    eki_axes axes;
    eki_value *of;
    eki_node *sub = eki_maker(eki_before_casts(value), EKI_OP_Sub);
    if (!eki_is_binary(sub, EKI_OP_Sub)) return false;
    if (eki_maker(eki_before_casts(sub->in[1]), EKI_OP_ReduceMean) != NULL) return true;
    return eki_match_mean(f, &scratch, sub->in[1], &of, &axes);
}

static bool match_layer(eki_finder *f, eki_site *site, eki_value *numerator, eki_value *deviation, inputs *in,
                        const eki_axes *axes) {
    eki_axes mean_axes;
    eki_value *a = eki_uncast(f, site, numerator), *b = eki_uncast(f, site, deviation);
    if (!match_centred(f, site, b, in, &mean_axes) || !eki_axes_equal(axes, &mean_axes)) return false;
    if (a == b) return true;
    return match_centred(f, site, a, in, &mean_axes) && eki_axes_equal(axes, &mean_axes);
}

/* The variance as mean(x^2) - mean(x)^2. */
static bool match_raw(eki_finder *f, eki_site *site, eki_value *numerator, eki_value *variance, inputs *in,
                      eki_axes *axes) {
    eki_value *mean, *x, *of;
    eki_axes square_axes, mean_axes;
    variance = eki_uncast(f, site, variance);
    eki_node *sub = eki_maker(variance, EKI_OP_Sub);
    if (!eki_is_binary(sub, EKI_OP_Sub) || !eki_site_take(f, site, sub)) return false;
    if (!eki_match_mean_square(f, site, sub->in[0], &x, &square_axes)) return false;
    if (!eki_match_square(f, site, sub->in[1], &mean)) return false;
    if (!eki_match_mean(f, site, mean, &of, &mean_axes) || !see(in, x) || !see(in, of)) return false;
    if (!match_centred(f, site, eki_uncast(f, site, numerator), in, axes)) return false;
    return eki_axes_equal(axes, &square_axes) && eki_axes_equal(axes, &mean_axes);
}

/* Mean and variance are constants. */
static bool match_running(eki_finder *f, eki_site *site, eki_value *numerator, eki_value *variance) {
    eki_node *sub = eki_maker(numerator, EKI_OP_Sub);
    unsigned along, other;
    if (!eki_is_binary(sub, EKI_OP_Sub) || !eki_site_take(f, site, sub)) return false;
    if (eki_constant_source(variance).value == NULL) return false; /* the root of something that is computed */
    site->x = sub->in[0];
    const eki_shape *x = eki_extents(f, site->x);
    if (!eki_varies(f, sub->in[1], x, &along) || !eki_varies(f, variance, x, &other) || along != other) return false;
    bool last = x->rank >= 4 && along == 1U << (x->rank - 1);
    if (x->rank < 2 || (along != 1U << 1 && !last)) return false;
    eki_tail_rule rule = {.x = x, .allowed = {along}, .n_allowed = 1};
    eki_site_tail(f, site, &rule);
    eki_site_parameter_set(f, site, EKI_MEAN, sub->in[1], EKI_AS_IS);
    eki_site_parameter_set(f, site, EKI_VARIANCE, variance, EKI_AS_IS);
    site->kind = EKI_SITE_BATCH;
    site->rank = x->rank;
    site->channels_last = last;
    site->channel_axis = last ? x->rank - 1 : 1;
    site->groups = 1;
    return eki_shape_count(&site->parameters[EKI_MEAN].shape, &site->channels);
}

/* The moments of groups, where x comes from a Reshape into them. */
static bool match_grouped(eki_finder *f, eki_site *site, const eki_axes *axes) {
    eki_node *in = eki_maker(site->x, EKI_OP_Reshape), *back = eki_reader(f, site->y);
    int first;
    int64_t groups;
    if (in == NULL || !eki_is_op(back, EKI_OP_Reshape) || !eki_match_groups(f, in, &groups)) return false;
    if (axes->rank < 3 || !eki_axes_last(axes, &first) || first != 2 || !eki_match_ungroup(f, back, in->in[0])) {
        return false;
    }
    if (!eki_site_take(f, site, in) || !eki_site_take(f, site, back)) return false;
    site->x = in->in[0];
    site->y = back->out[0];
    return eki_groups_kind(f, site, groups, EKI_SPELL_GROUPED_MOMENTS) && eki_site_closed(f, site);
}

/* The variance as the mean of squares: of what is centred, or (RMS) of x itself. */
static bool match_deviation(eki_finder *f, eki_site *site, eki_value *numerator, eki_value *variance, inputs *in,
                            eki_axes *axes, bool *centred) {
    eki_value *deviation;
    if (!eki_match_mean_square(f, site, variance, &deviation, axes)) return false;
    eki_site before = *site;
    *centred = match_layer(f, site, numerator, deviation, in, axes);
    if (*centred) return true;
    *site = before;
    in->count = 0;
    return !is_centred(f, deviation) && !is_centred(f, numerator) && see(in, deviation) && see(in, numerator);
}

static bool match_quotient(eki_finder *f, eki_node *node, eki_value *numerator, eki_value *other, eki_site *site) {
    eki_value *sum, *variance;
    eki_axes axes;
    inputs in = {.count = 0};
    site->y = node->out[0];
    site->spelling = EKI_SPELL_MOMENTS;
    if (!eki_site_take(f, site, node) || !eki_match_root(f, site, other, node->op == EKI_OP_Mul, &sum)) return false;
    if (!eki_match_epsilon(f, site, sum, &variance)) return false;
    eki_shape ignored;
    if (eki_is_parameter(f, variance, &ignored)) {
        return match_running(f, site, numerator, variance) && eki_site_closed(f, site);
    }
    eki_site before = *site;
    bool centred = match_raw(f, site, numerator, variance, &in, &axes);
    if (!centred) {
        *site = before;
        in.count = 0;
        if (!match_deviation(f, site, numerator, variance, &in, &axes, &centred)) return false;
    }
    if (!settle_input(f, site, &in)) return false;
    eki_site grouped = *site;
    if (centred && match_grouped(f, &grouped, &axes)) {
        *site = grouped;
        return true;
    }
    return eki_moments_kind(f, site, centred, &axes) && eki_site_closed(f, site);
}

bool eki_spell_moments(eki_finder *f, eki_node *node, eki_site *site) {
    bool divided = eki_is_binary(node, EKI_OP_Div);
    if (!divided && !eki_is_binary(node, EKI_OP_Mul)) return false;
    for (int k = 0; k < (divided ? 1 : 2); k++) {
        eki_site trial = *site;
        if (!match_quotient(f, node, node->in[k], node->in[1 - k], &trial)) continue;
        *site = trial;
        return true;
    }
    return false;
}
