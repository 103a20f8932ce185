/* fuse.c: sites that are written out become the one node that the engine, or a later opset, has for them.
 *
 * All are chosen before anything changes, because the opset must move as a whole: where another operator forbids that,
 * those that need it stay.
 */
#include "sites/match.h"
#include "sites/sites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One site, and what is to stand in its place. */
typedef struct fusion {
    const eki_site *site;
    eki_opcode op;
    int64_t opset;
    eki_shape parameter; /* of scale and bias */
} fusion;

typedef struct fuser {
    eki_graph *graph;
    const eki_sites *sites;
    eki_uses uses;
    size_t n_values; /* that uses counts */
    fusion *items;
    size_t count;
    ek_error *err;
} fuser;

static const struct {
    eki_site_kind kind;
    unsigned flag;
    eki_opcode op;
    int64_t opset;
    int least; /* parameters that the operator must have */
} targets[] = {
    {EKI_SITE_GROUP, EKI_FUSE_GROUP, EKI_OP_GroupNormalization, 21, 2},
    {EKI_SITE_RMS, EKI_FUSE_RMS, EKI_OP_RMSNormalization, 23, 1},
    {EKI_SITE_LAYER, EKI_FUSE_LAYER, EKI_OP_LayerNormalization, 17, 1},
    {EKI_SITE_INSTANCE, EKI_FUSE_INSTANCE, EKI_OP_InstanceNormalization, 1, 2},
    {EKI_SITE_BATCH, EKI_FUSE_BATCH, EKI_OP_BatchNormalization, 9, 4},
};
enum { TARGETS = sizeof targets / sizeof *targets };

static int target_of(eki_opcode op) {
    int i = 0;
    while (targets[i].op != op) i++;
    return i;
}

/* The first of the axes, where they are the last ones of a known rank; else -1. */
static int first_axis(const eki_site *site) {
    if (site->rank < 1 || site->n_axes < 1) return -1;
    for (int i = 0; i < site->n_axes; i++) {
        if (site->axes[i] != site->rank - site->n_axes + i) return -1;
    }
    return site->axes[0];
}

/* The shape that scale has as an operator's input: that of the normalized axes, or one number per channel. */
static bool parameter_shape(const eki_site *site, eki_shape *shape) {
    const eki_shape *scale = &site->parameters[EKI_SCALE].shape, *x = &site->x->shape;
    bool rows = site->kind == EKI_SITE_LAYER || site->kind == EKI_SITE_RMS;
    if (!rows) {
        if (site->channels_last || site->channel_axis != 1 || site->channels < 1) return false;
        *shape = eki_shape_of(1, &site->channels);
        return true;
    }
    if (first_axis(site) < 1) return false;
    if (site->channel_axis >= 0) { /* an RMS norm over all axes with a scale per channel */
        *shape = *scale;
        return site->kind == EKI_SITE_RMS && first_axis(site) == 1 && scale->rank == site->rank - 1;
    }
    if (site->parameters[EKI_SCALE].value != NULL) {
        int extra = scale->rank - site->n_axes;
        if (extra < 0) return false;
        *shape = eki_shape_of(site->n_axes, scale->dims + extra);
    } else {
        if (x->rank != site->rank) return false;
        *shape = eki_shape_of(site->n_axes, x->dims + first_axis(site));
    }
    for (int i = 0; x->rank == site->rank && i < site->n_axes; i++) {
        int64_t extent = x->dims[first_axis(site) + i];
        if (extent >= 0 && extent != shape->dims[i]) return false; /* it broadcasts within the axes */
    }
    return eki_shape_known(shape);
}

/* Whether a copy would part what is one tensor now. */
static bool is_shared(const fuser *f, const eki_value *source) {
    if (source == NULL || source->init == NULL) return false;
    bool own = (size_t)source->id < f->n_values && f->graph->values[source->id] == source;
    return !own || f->uses.count[source->id] > 1 || source->is_output;
}

/* Whether a parameter can become an input of the operator with this shape. */
static bool fits(const fuser *f, const eki_site *site, eki_role role, const eki_shape *shape, bool copies) {
    const eki_site_parameter *p = &site->parameters[role];
    int64_t have, want;
    if (p->value == NULL) return role <= EKI_BIAS;
    if (!p->constant || !eki_shape_count(&p->shape, &have) || !eki_shape_count(shape, &want) || have != want)
        return false;
    if (want > f->sites->constants.most) return false;
    const eki_value *value = p->value;
    bool same = p->form == EKI_AS_IS && eki_shape_equal(&p->shape, shape);
    if (value->init == NULL) return same || (copies && !is_shared(f, p->source.value));
    if (value->init->dtype != EK_F32 || value->input_index >= 0) return false;
    if (p->form != EKI_AS_IS) return copies;
    return same || (f->uses.count[value->id] == 1 && !value->is_output); /* it gets the shape */
}

static bool has_cast(const eki_site *site) {
    for (int i = 0; i < site->n_nodes; i++) {
        if (site->nodes[i]->op == EKI_OP_Cast) return true;
    }
    return false;
}

static bool choose(const fuser *f, const eki_site *site, const eki_fuse_options *options, fusion *out) {
    if (site->graph != f->graph || site->norm != NULL || site->training || has_cast(site)) return false;
    if (site->spelling != EKI_SPELL_RESHAPED && site->spelling != EKI_SPELL_MOMENTS &&
        site->spelling != EKI_SPELL_FACTOR && site->spelling != EKI_SPELL_GROUPED_MOMENTS) {
        return false;
    }
    if (!(site->epsilon > 0) || (site->x->dtype != EK_DTYPE_NONE && site->x->dtype != EK_F32)) return false;
    for (int i = 0; i < TARGETS; i++) {
        if (targets[i].kind != site->kind || (options->kinds & targets[i].flag) == 0) continue;
        *out = (fusion){.site = site, .op = targets[i].op, .opset = targets[i].opset};
        if (!parameter_shape(site, &out->parameter)) return false;
        if (site->kind == EKI_SITE_RMS && site->parameters[EKI_BIAS].value != NULL) return false;
        for (int role = 0; role <= (site->kind == EKI_SITE_BATCH ? EKI_VARIANCE : EKI_BIAS); role++) {
            bool missing = site->parameters[role].value == NULL && role < targets[i].least;
            if ((missing && !options->new_parameters) ||
                !fits(f, site, (eki_role)role, &out->parameter, options->new_parameters))
                return false;
        }
        return true;
    }
    return false;
}

static ek_status collect(fuser *f, const eki_fuse_options *options) {
    f->items = calloc(f->sites->count + 1, sizeof *f->items);
    if (f->items == NULL) return eki_fail_nomem(f->err, f->sites->count * sizeof *f->items);
    for (size_t i = 0; i < f->sites->count; i++) {
        const eki_site *site = &f->sites->items[i];
        if (options->wanted != NULL && !options->wanted(options->context, site)) continue;
        if (choose(f, site, options, &f->items[f->count])) f->count++;
    }
    return EK_OK;
}

/* Leaves out what needs a higher opset than the graph may have. */
static ek_status settle_opset(fuser *f, const eki_fuse_options *options, int64_t *needed) {
    int64_t own = eki_graph_opset(f->graph, "");
    uint8_t *ignore = calloc(f->graph->n_nodes + 1, 1);
    if (ignore == NULL) return eki_fail_nomem(f->err, f->graph->n_nodes);
    *needed = own;
    for (size_t i = 0; i < f->count; i++) {
        const eki_site *site = f->items[i].site;
        if (f->items[i].opset > *needed) *needed = f->items[i].opset;
        for (int k = 0; k < site->n_nodes; k++) ignore[site->nodes[k]->id] = 1;
    }
    bool may = *needed == own || (options->may_need != NULL && options->may_need(options->context, *needed, ignore));
    free(ignore);
    if (may) return EK_OK;
    size_t kept = 0;
    *needed = own;
    for (size_t i = 0; i < f->count; i++) {
        if (f->items[i].opset <= own) f->items[kept++] = f->items[i];
    }
    f->count = kept;
    return EK_OK;
}

/* A new initializer "OUTPUT/role". */
static ek_status new_parameter(fuser *f, const fusion *item, eki_role role, eki_value **out) {
    char name[512];
    eki_numbers numbers = {0};
    const eki_site *site = item->site;
    for (int n = 0;; n++) {
        if (n == 0)
            (void)snprintf(name, sizeof name, "%.400s/%s", site->y->name, eki_role_name(role));
        else
            (void)snprintf(name, sizeof name, "%.400s/%s_%d", site->y->name, eki_role_name(role), n);
        if (eki_graph_find(f->graph, name) == NULL) break;
    }
    if (site->parameters[role].value != NULL) EKI_TRY(eki_site_numbers(f->sites, site, role, &numbers, f->err));
    ek_status status = eki_graph_add_tensor(f->graph, name, EK_F32, &item->parameter, out, f->err);
    int64_t count = 0;
    (void)eki_shape_count(&item->parameter, &count);
    for (int64_t i = 0; status == EK_OK && i < count; i++) {
        float usual = role == EKI_SCALE || role == EKI_VARIANCE ? 1.0F : 0.0F;
        ((float *)(*out)->init->data)[i] = numbers.at != NULL ? (float)numbers.at[i] : usual;
    }
    if (status == EK_OK) eki_tensor_round((*out)->init);
    eki_numbers_free(&numbers);
    return status;
}

static ek_status parameter(fuser *f, const fusion *item, eki_role role, eki_value **out) {
    const eki_site_parameter *p = &item->site->parameters[role];
    eki_value *value = p->value;
    *out = value;
    if (value == NULL || p->form != EKI_AS_IS) return new_parameter(f, item, role, out);
    if (eki_shape_equal(&p->shape, &item->parameter)) return EK_OK;
    if (value->init == NULL) return new_parameter(f, item, role, out);
    value->init->shape = item->parameter;
    value->shape = item->parameter;
    return EK_OK;
}

static void drop_node(fuser *f, eki_node *node);

static bool is_read(const fuser *f, const eki_node *node) {
    for (int i = 0; i < node->n_out; i++) {
        const eki_value *out = node->out[i];
        if (out != NULL && (out->is_output || f->uses.count[out->id] > 0)) return true;
    }
    return false;
}

/* One reader less; what nothing reads any more goes, with the data or the node that made it. */
static void drop_reader(fuser *f, eki_value *value) {
    if (--f->uses.count[value->id] > 0 || value->is_output || value->input_index >= 0) return;
    if (value->producer != NULL) {
        if (!is_read(f, value->producer)) drop_node(f, value->producer);
        return;
    }
    if (value->init != NULL && value->init->owned) eki_free(value->init->data);
    value->init = NULL;
    value->declared = false;
    value->origin = (eki_bytes){0};
}

static void drop_node(fuser *f, eki_node *node) {
    eki_node_drop(node);
    for (int i = 0; i < node->n_out; i++) {
        eki_value *out = node->out[i];
        if (out == NULL || out->producer != node) continue;
        out->producer = NULL;
        out->declared = false;
        out->origin = (eki_bytes){0};
    }
    for (int i = 0; i < node->n_in; i++) {
        if (node->in[i] != NULL) drop_reader(f, node->in[i]);
    }
}

/* From the last to the first, so that each goes when nothing reads it. */
static void drop_site(fuser *f, const eki_site *site) {
    for (int i = site->n_nodes - 1; i >= 0; i--) {
        if (site->nodes[i]->op_type != NULL) drop_node(f, site->nodes[i]);
    }
}

static ek_status rewrite(fuser *f, const fusion *item) {
    const eki_site *site = item->site;
    eki_value *in[5] = {site->x}, *out = site->y;
    const char *name = out->producer->name;
    eki_node *node;
    int n_in = 1, least = targets[target_of(item->op)].least;
    bool batch = site->kind == EKI_SITE_BATCH;
    for (int role = 0; role < (batch ? EKI_ROLES : site->kind == EKI_SITE_RMS ? 1 : 2); role++) {
        if (site->parameters[role].value == NULL && role >= least) break;
        EKI_TRY(parameter(f, item, (eki_role)role, &in[n_in++]));
    }
    /* What the new node reads stays. */
    for (int i = 0; i < n_in; i++) {
        if ((size_t)in[i]->id < f->n_values) f->uses.count[in[i]->id]++;
    }
    out->producer = NULL;
    drop_site(f, site);
    EKI_TRY(eki_graph_add_op(f->graph, item->op, name, in, n_in, &out, 1, &node, f->err));
    if (site->kind == EKI_SITE_GROUP) EKI_TRY(eki_node_set_int(f->graph, node, "num_groups", site->groups, f->err));
    bool rows = site->kind == EKI_SITE_LAYER || site->kind == EKI_SITE_RMS;
    if (rows) EKI_TRY(eki_node_set_int(f->graph, node, "axis", first_axis(site), f->err));
    return eki_node_set_float(f->graph, node, "epsilon", (float)site->epsilon, f->err);
}

static ek_status fuse_found(fuser *f, const eki_fuse_options *options, int64_t *needed) {
    EKI_TRY(eki_uses_create(f->graph, &f->uses, f->err));
    EKI_TRY(collect(f, options));
    if (f->count == 0) return EK_OK;
    int64_t opset = 0;
    EKI_TRY(settle_opset(f, options, &opset));
    for (size_t i = 0; i < f->count; i++) EKI_TRY(rewrite(f, &f->items[i]));
    if (f->count > 0) *needed = opset;
    eki_graph_sweep(f->graph);
    return EK_OK;
}

ek_status eki_sites_fuse(eki_graph *graph, const eki_fuse_options *options, int64_t *needed, ek_error *err) {
    eki_sites sites;
    *needed = 0;
    EKI_TRY(eki_sites_find(graph, &sites, err));
    fuser f = {.graph = graph, .sites = &sites, .n_values = graph->n_values, .err = err};
    ek_status status = fuse_found(&f, options, needed);
    eki_uses_free(&f.uses);
    free(f.items);
    eki_sites_free(&sites);
    return status;
}
