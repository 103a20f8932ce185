/* spell_per_channel.c: scale and bias per channel as Mul, Add, Sub and Div with constants: what folding or freezing
 * leaves of a batch norm, and what Keras writes behind a Dense layer.
 *
 * An Add alone is a bias, and a factor alone is a norm's only right behind a convolution or product.
 */
#include "sites/spell.h"

/* Before opset 7: the second operand has one number for each place along attribute `axis`. */
static bool old_parameter(const eki_finder *f, const eki_node *node, const eki_shape *x, unsigned *along) {
    eki_shape shape;
    int64_t axis = eki_node_int(node, "axis", -1);
    if (eki_node_int(node, "broadcast", 0) != 1 || axis < 0 || axis >= x->rank) return false;
    if (!eki_is_parameter(f, node->in[1], &shape) || shape.rank < 1 || shape.dims[0] < 2) return false;
    for (int i = 1; i < shape.rank; i++) {
        if (shape.dims[i] != 1) return false;
    }
    if (x->dims[axis] >= 0 && x->dims[axis] != shape.dims[0]) return false;
    *along = 1U << axis;
    return true;
}

bool eki_per_channel(const eki_finder *f, const eki_node *node, int *parameter, unsigned *along) {
    bool known = node->op == EKI_OP_Mul || node->op == EKI_OP_Div || node->op == EKI_OP_Add || node->op == EKI_OP_Sub;
    if (!known || node->n_in != 2 || node->n_out != 1 || node->out[0] == NULL) return false;
    if (node->in[0] == NULL || node->in[1] == NULL) return false;
    bool either = node->op == EKI_OP_Mul || node->op == EKI_OP_Add;
    eki_shape ignored;
    for (*parameter = 1; *parameter >= (either ? 0 : 1); (*parameter)--) {
        const eki_shape *x = eki_extents(f, node->in[1 - *parameter]);
        if (eki_is_parameter(f, node->in[1 - *parameter], &ignored) || x->rank < 2) continue;
        if (eki_node_attr(node, "broadcast") != NULL) {
            if (*parameter == 1 && old_parameter(f, node, x, along)) return true;
            continue;
        }
        if (eki_varies(f, node->in[*parameter], x, along) && *along != 0) return true;
    }
    return false;
}

/* What made the data: a convolution, a product of rows, or something else. */
static bool from_product(const eki_value *x, bool *of_rows) {
    const eki_node *maker = x->producer;
    *of_rows = false;
    if (maker == NULL || maker->op_type == NULL) return false;
    eki_contrib contrib = maker->op == EKI_OP_NONE ? eki_contrib_code(maker->op_type, maker->domain) : EKI_CONTRIB_NONE;
    *of_rows = maker->op == EKI_OP_MatMul || contrib == EKI_CONTRIB_FusedMatMul;
    return *of_rows || eki_op_has(maker->op, EKI_PRODUCT) || contrib == EKI_CONTRIB_FusedConv ||
           contrib == EKI_CONTRIB_FusedGemm;
}

typedef struct chain {
    unsigned along;
    int factors, terms;
    bool scale_first;
} chain;

static bool join(eki_finder *f, eki_site *site, chain *c, eki_node *node) {
    int at;
    unsigned along;
    if (!eki_per_channel(f, node, &at, &along) || along != c->along || node->in[1 - at] != site->y) return false;
    if (!eki_site_take(f, site, node)) return false;
    bool factor = node->op == EKI_OP_Mul || node->op == EKI_OP_Div;
    if (c->factors + c->terms == 0) c->scale_first = factor;
    c->factors += factor;
    c->terms += !factor;
    eki_form form = node->op == EKI_OP_Div ? EKI_AS_RECIPROCAL : node->op == EKI_OP_Sub ? EKI_AS_NEGATIVE : EKI_AS_IS;
    eki_site_parameter_set(f, site, factor ? EKI_SCALE : EKI_BIAS, node->in[at], form);
    site->y = node->out[0];
    return true;
}

/* Where more than one Mul and one Add behind it make the map, no value is scale or bias by itself. */
static void settle_parameters(eki_site *site, const chain *c) {
    bool simple = c->factors == 1 && c->terms <= 1 && c->scale_first;
    for (int role = EKI_SCALE; !simple && role <= EKI_BIAS; role++) {
        eki_site_parameter *p = &site->parameters[role];
        *p = (eki_site_parameter){.constant = p->constant, .shape = p->shape};
    }
}

bool eki_spell_per_channel(eki_finder *f, eki_node *node, eki_site *site) {
    int at;
    bool of_rows;
    chain c = {.factors = 0};
    if (f->taken[node->id] || !eki_per_channel(f, node, &at, &c.along)) return false;
    site->x = site->y = node->in[1 - at];
    const eki_shape *x = eki_extents(f, site->x);
    bool product = from_product(site->x, &of_rows), last = c.along == 1U << (x->rank - 1);
    if (c.along != 1U << 1 && !(last && of_rows)) return false;
    if (!join(f, site, &c, node)) return false;
    for (eki_node *next = eki_reader(f, site->y); next != NULL; next = eki_reader(f, site->y)) {
        if (!join(f, site, &c, next)) break;
    }
    if (c.factors == 0 || (c.terms == 0 && !product)) return false;
    site->kind = EKI_SITE_AFFINE;
    site->spelling = EKI_SPELL_PER_CHANNEL;
    site->rank = x->rank;
    site->channel_axis = c.along == 1U << 1 ? 1 : x->rank - 1;
    site->channels_last = site->channel_axis != 1;
    site->groups = 1;
    (void)eki_shape_count(&site->parameters[EKI_SCALE].shape, &site->channels);
    settle_parameters(site, &c);
    return eki_site_closed(f, site);
}
