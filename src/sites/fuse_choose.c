/* fuse_choose.c: whether a site that is written out can become one node, and if not, why. */
#include "sites/float_types.h"
#include "sites/fuse.h"
#include "sites/spell.h"

static const struct {
    eki_site_kind kind;
    unsigned flag;
    eki_opcode op;
    int64_t opset;
    int least;
    bool wide; /* it computes in float32 whatever the type is (stash_type) */
} targets[] = {
    {EKI_SITE_GROUP, EKI_FUSE_GROUP, EKI_OP_GroupNormalization, 21, 2, true},
    {EKI_SITE_RMS, EKI_FUSE_RMS, EKI_OP_RMSNormalization, 23, 1, true},
    {EKI_SITE_LAYER, EKI_FUSE_LAYER, EKI_OP_LayerNormalization, 17, 1, true},
    {EKI_SITE_INSTANCE, EKI_FUSE_INSTANCE, EKI_OP_InstanceNormalization, 1, 2, false},
    {EKI_SITE_BATCH, EKI_FUSE_BATCH, EKI_OP_BatchNormalization, 9, 4, false},
};
enum { TARGETS = sizeof targets / sizeof *targets };

bool eki_site_first_axis(const eki_site *site, int *first) {
    int end = site->rank < 0 ? 0 : site->rank; /* without a rank they are counted from the end */
    if (site->n_axes < 1) return false;
    for (int i = 0; i < site->n_axes; i++) {
        if (site->axes[i] != end - site->n_axes + i) return false;
    }
    *first = site->axes[0];
    return site->rank < 0 || *first > 0;
}

/* The shape that scale has as an operator's input: that of the normalized axes, or one number per channel. */
static bool parameter_shape(const eki_site *site, eki_shape *shape) {
    const eki_shape *scale = &site->parameters[EKI_SCALE].shape, *x = &site->x->shape;
    bool rows = site->kind == EKI_SITE_LAYER || site->kind == EKI_SITE_RMS;
    bool known = site->rank > 0 && x->rank == site->rank;
    int first;
    if (!rows) {
        if (site->channels_last || site->channel_axis != 1 || site->channels < 1) return false;
        *shape = eki_shape_of(1, &site->channels);
        return true;
    }
    if (!eki_site_first_axis(site, &first)) return false;
    if (site->channel_axis >= 0) { /* an RMS norm over all axes with a scale per channel */
        *shape = *scale;
        return site->kind == EKI_SITE_RMS && first == 1 && scale->rank == site->rank - 1;
    }
    if (site->parameters[EKI_SCALE].value != NULL) {
        int extra = scale->rank - site->n_axes;
        if (extra < 0) return false;
        *shape = eki_shape_of(site->n_axes, scale->dims + extra);
    } else {
        if (!known) return false;
        *shape = eki_shape_of(site->n_axes, x->dims + first);
    }
    for (int i = 0; known && i < site->n_axes; i++) {
        int64_t extent = x->dims[first + i];
        if (extent >= 0 && extent != shape->dims[i]) return false; /* it broadcasts within the axes */
    }
    return eki_shape_known(shape);
}

/* Whether a copy would part what is one tensor now. */
static bool is_shared(const eki_fuser *f, const eki_value *source) {
    if (source == NULL || source->init == NULL) return false;
    bool own = (size_t)source->id < f->n_values && f->graph->values[source->id] == source;
    return !own || f->uses.count[source->id] > 1 || source->is_output;
}

eki_value *eki_fuse_source(const eki_fuser *f, const eki_fusion *item, eki_role role) {
    const eki_site_parameter *p = &item->site->parameters[role];
    const eki_value *source = p->source.value;
    bool own = source != NULL && (size_t)source->id < f->n_values && f->graph->values[source->id] == source;
    if (!own || source == p->value || p->form != EKI_AS_IS || source->init == NULL || source->init->dtype != EK_F32)
        return NULL;
    bool typed = item->type == EK_DTYPE_NONE || f->types[source->id] == item->type;
    bool same = eki_shape_equal(&source->init->shape, &item->parameter);
    return typed && same && source->input_index < 0 ? f->graph->values[source->id] : NULL;
}

/* Whether a parameter can become an input of the operator with this shape and type. */
static bool fits(const eki_fuser *f, const eki_fusion *item, eki_role role) {
    const eki_site_parameter *p = &item->site->parameters[role];
    const eki_shape *shape = &item->parameter;
    bool copies = f->options->new_parameters;
    int64_t have, want;
    if (p->value == NULL) return role <= EKI_BIAS;
    if (!p->constant || !eki_shape_count(&p->shape, &have) || !eki_shape_count(shape, &want) || have != want)
        return false;
    if (want > f->sites->constants.most) return false;
    if (eki_fuse_source(f, item, role) != NULL) return true;
    const eki_value *value = p->value;
    bool typed = item->type == EK_DTYPE_NONE || f->types[value->id] == item->type;
    bool same = p->form == EKI_AS_IS && typed && eki_shape_equal(&p->shape, shape);
    if (value->init == NULL) return same || (copies && !is_shared(f, p->source.value));
    if (value->init->dtype != EK_F32) return false;
    if (same) return true;
    if (value->input_index >= 0) return false;
    if (p->form != EKI_AS_IS || !typed) return copies;
    return f->uses.count[value->id] == 1 && !value->is_output; /* it gets the shape */
}

static bool has_cast(const eki_site *site) {
    for (int i = 0; i < site->n_nodes; i++) {
        if (site->nodes[i]->op == EKI_OP_Cast) return true;
    }
    return false;
}

/* The type that the node works in: that of x and y where it is one and the operator takes its moments in float32, or
 * the nodes did not; else float32, with Casts around it. */
static const char *settle_types(const eki_fuser *f, eki_fusion *item, bool wide) {
    const eki_site *site = item->site;
    bool cast = has_cast(site);
    if (!f->options->casts) {
        bool single = site->x->dtype == EK_DTYPE_NONE || site->x->dtype == EK_F32;
        return cast || !single ? "it casts" : NULL;
    }
    ek_dtype in = f->types[site->x->id], out = f->types[site->y->id];
    if (in == EK_DTYPE_NONE && !cast) in = out;
    if (in == EK_F64 || out == EK_F64) return "it computes in float64";
    if (in == EK_DTYPE_NONE && !cast) return NULL;
    if (in == EK_DTYPE_NONE) return "it casts, and the type of its input is not known";
    if (in == EK_F32 && in != out && eki_is_float_cast(site->x->producer) &&
        f->types[site->x->producer->in[0]->id] == out) { /* it was widened for this norm */
        item->x = site->x->producer->in[0];
        in = out;
    }
    item->before = in;
    item->after = out;
    item->type = in == out && (wide || (!cast && in != EK_BF16)) ? in : EK_F32;
    return NULL;
}

static const char *choose_parameters(const eki_fuser *f, const eki_fusion *item) {
    const eki_site *site = item->site;
    if (site->kind == EKI_SITE_RMS && site->parameters[EKI_BIAS].value != NULL) return "the operator has no bias";
    for (int role = 0; role <= (site->kind == EKI_SITE_BATCH ? EKI_VARIANCE : EKI_BIAS); role++) {
        bool missing = site->parameters[role].value == NULL && role < item->least;
        if (missing && !f->options->new_parameters) return "the operator must have a scale";
        if (!fits(f, item, (eki_role)role))
            return "its scale or bias is no constant of the operator's shape, or others read it in its own";
    }
    return NULL;
}

static bool is_written(const eki_site *site) {
    return site->norm == NULL ? site->spelling != EKI_SPELL_PER_CHANNEL : site->spelling == EKI_SPELL_RESHAPED;
}

const char *eki_fuse_choose(const eki_fuser *f, const eki_site *site, eki_fusion *out) {
    int i = 0;
    while (i < TARGETS && targets[i].kind != site->kind) i++;
    if (i == TARGETS || !is_written(site) || (f->options->kinds & targets[i].flag) == 0) return "";
    *out = (eki_fusion){
        .site = site, .x = site->x, .op = targets[i].op, .opset = targets[i].opset, .least = targets[i].least};
    if (site->training) return "it takes the statistics of each batch";
    if (!(site->epsilon > 0)) return "its epsilon is 0 in the file";
    if (!parameter_shape(site, &out->parameter))
        return "the operator normalizes the last axes, or has channels on axis 1, and their extents must be known";
    const char *why = settle_types(f, out, targets[i].wide);
    return why != NULL ? why : choose_parameters(f, out);
}
