/* contrib.c: operators of onnxruntime as ONNX's own, in a program: norms with what is added before them and the swish
 * behind, convolutions and products with an addend and an activation.
 *
 * Each new node is of an opset that has it, whatever that of the file is. What cannot be written so stays, and is
 * named when it should run.
 */
#include "model/model.h"

#include "sites/match.h"

#include <stdio.h>
#include <string.h>

typedef struct owner {
    eki_graph *graph;
    const char *stem; /* new values are named after the result */
    ek_error *err;
} owner;

/* A node that makes a new value STEM/suffix. */
static ek_status add(const owner *o, eki_opcode op, int64_t opset, const char *suffix, eki_value *const *in, int n_in,
                     eki_value **out, eki_node **made) {
    eki_node *node;
    eki_value *result; /* `out` may be where the input stands */
    EKI_TRY(eki_graph_fresh(o->graph, o->stem, suffix, &result, o->err));
    EKI_TRY(eki_graph_add_op(o->graph, op, result->name, in, n_in, &result, 1, &node, o->err));
    *out = result;
    node->opset = opset;
    if (made != NULL) *made = node;
    return EK_OK;
}

static ek_status add_pair(const owner *o, eki_opcode op, const char *suffix, eki_value *a, eki_value *b,
                          eki_value **out) {
    eki_value *in[2] = {a, b};
    return add(o, op, 14, suffix, in, 2, out, NULL);
}

/* The maker of `value` makes `result` in its place. */
static void make_as(eki_value *value, eki_value *result) {
    eki_node *node = value->producer;
    node->out[0] = result;
    result->producer = node;
    result->producer_output = 0;
    value->producer = NULL;
}

static bool is_read(const eki_uses *uses, const eki_node *node, int output) {
    const eki_value *out = output < node->n_out ? node->out[output] : NULL;
    return out != NULL && (out->is_output || uses->count[out->id] > 0);
}

/* ---- norms ---- */

/* The output that is the sum of x and what is added to it; 0 = none. */
static int sum_output(const eki_site *site) {
    if (site->skip[0] == NULL) return 0;
    return site->kind == EKI_SITE_GROUP ? 1 : 3;
}

/* Outputs beyond y and the sum: ONNX's layer norm has mean and inverse deviation too, the others have none. */
static bool can_own(const eki_uses *uses, const eki_site *site) {
    for (int i = 1; i < site->norm->n_out; i++) {
        bool kept = i == sum_output(site) || (site->kind == EKI_SITE_LAYER && i < 3);
        if (!kept && is_read(uses, site->norm, i)) return false;
    }
    bool scaled = site->parameters[EKI_SCALE].value != NULL;
    return scaled && (site->kind != EKI_SITE_GROUP || site->parameters[EKI_BIAS].value != NULL);
}

static ek_status add_skips(const owner *o, const eki_site *site, eki_value **x) {
    int at = sum_output(site);
    eki_value *sum = at > 0 && at < site->norm->n_out ? site->norm->out[at] : NULL;
    for (int i = 0; i < 2; i++) {
        if (site->skip[i] != NULL) EKI_TRY(add_pair(o, EKI_OP_Add, "sum", *x, site->skip[i], x));
    }
    if (sum == NULL) return EK_OK;
    make_as(*x, sum);
    *x = sum;
    return EK_OK;
}

/* Layer or RMS norm over the last axes, with the other outputs of the old node. */
static ek_status own_rows(const owner *o, const eki_site *site, eki_node *old, eki_value *x, eki_value **y) {
    bool layer = site->kind == EKI_SITE_LAYER;
    eki_value *in[3] = {x, site->parameters[EKI_SCALE].value, site->parameters[EKI_BIAS].value};
    eki_value *out[3] = {old->out[0]};
    eki_node *norm;
    int n_out = 1;
    for (int i = 1; layer && i < old->n_out && i < 3; i++) out[n_out++] = old->out[i];
    EKI_TRY(eki_graph_add_op(o->graph, layer ? EKI_OP_LayerNormalization : EKI_OP_RMSNormalization, old->name, in,
                             layer && in[2] != NULL ? 3 : 2, out, n_out, &norm, o->err));
    norm->opset = layer ? 17 : EKI_OPSET_RMS;
    *y = out[0];
    EKI_TRY(eki_node_set_int(o->graph, norm, "axis", eki_node_int(old, "axis", -1), o->err));
    return eki_node_set_float(o->graph, norm, "epsilon", (float)site->epsilon, o->err);
}

/* The channels of images from last to second, or back. */
static ek_status move_channels(const owner *o, bool back, eki_value **value) {
    static const int64_t orders[2][4] = {{0, 3, 1, 2}, {0, 2, 3, 1}};
    eki_node *node;
    EKI_TRY(add(o, EKI_OP_Transpose, 13, back ? "channels_last" : "channels_first", value, 1, value, &node));
    return eki_node_set_ints(o->graph, node, "perm", orders[back], 4, o->err);
}

static ek_status own_group(const owner *o, const eki_site *site, eki_node *old, eki_value *x, eki_value **y) {
    eki_value *in[3] = {x, site->parameters[EKI_SCALE].value, site->parameters[EKI_BIAS].value};
    eki_node *norm;
    if (site->channels_last) EKI_TRY(move_channels(o, false, &in[0]));
    EKI_TRY(add(o, EKI_OP_GroupNormalization, EKI_OPSET_GROUP, "normalized", in, 3, y, &norm));
    norm->name = old->name;
    norm->norm_of = old->out[0]->name;
    EKI_TRY(eki_node_set_int(o->graph, norm, "num_groups", site->groups, o->err));
    EKI_TRY(eki_node_set_float(o->graph, norm, "epsilon", (float)site->epsilon, o->err));
    if (site->channels_last) EKI_TRY(move_channels(o, true, y));
    if (site->swish) {
        eki_value *gate;
        EKI_TRY(add(o, EKI_OP_Sigmoid, 13, "gate", y, 1, &gate, NULL));
        EKI_TRY(add_pair(o, EKI_OP_Mul, "swish", *y, gate, y));
    }
    make_as(*y, old->out[0]);
    return EK_OK;
}

static ek_status own_norm(const owner *o, const eki_site *site) {
    eki_node *old = site->norm;
    eki_value *x = site->x, *y = NULL;
    for (int i = 0; i < old->n_out; i++) {
        if (old->out[i] != NULL) old->out[i]->producer = NULL;
    }
    eki_node_drop(old);
    EKI_TRY(add_skips(o, site, &x));
    return site->kind == EKI_SITE_GROUP ? own_group(o, site, old, x, &y) : own_rows(o, site, old, x, &y);
}

static bool is_norm(const eki_site *site) {
    return site->spelling == EKI_SPELL_CONTRIB && site->norm != NULL &&
           (site->kind == EKI_SITE_LAYER || site->kind == EKI_SITE_RMS || site->kind == EKI_SITE_GROUP);
}

static ek_status own_norms(eki_graph *graph, ek_error *err) {
    eki_sites sites;
    eki_uses uses = {0};
    EKI_TRY(eki_sites_find(graph, &sites, err));
    ek_status status = eki_uses_create(graph, &uses, err);
    for (size_t i = 0; status == EK_OK && i < sites.count; i++) {
        const eki_site *site = &sites.items[i];
        owner o = {.graph = graph, .stem = site->y->name, .err = err};
        if (site->graph == graph && is_norm(site) && can_own(&uses, site)) status = own_norm(&o, site);
    }
    eki_uses_free(&uses);
    eki_sites_free(&sites);
    return status;
}

/* ---- products with an activation ---- */

typedef struct activation {
    eki_opcode op; /* by whose name it is called */
    int64_t opset;
    const char *parameters[2]; /* attributes, in the order of activation_params */
} activation;

static const activation activations[] = {
    {EKI_OP_Relu, 14, {NULL}},        {EKI_OP_Tanh, 13, {NULL}},        {EKI_OP_Sigmoid, 13, {NULL}},
    {EKI_OP_LeakyRelu, 6, {"alpha"}}, {EKI_OP_Clip, 6, {"min", "max"}}, {EKI_OP_HardSigmoid, 6, {"alpha", "beta"}},
};
enum { ACTIVATIONS = sizeof activations / sizeof *activations };

/* The activation of a node, *index -1 where it has none; false = one that is not known here. */
static bool find_activation(const eki_node *node, int *index) {
    *index = -1;
    if (eki_node_string_is(node, "activation", "", true)) return true;
    for (int i = 0; i < ACTIVATIONS; i++) {
        if (eki_node_string_is(node, "activation", eki_op_name(activations[i].op), false)) *index = i;
    }
    return *index >= 0;
}

/* Parameters are a list (FusedConv), or one attribute each (FusedGemm). */
static bool read_parameter(const eki_node *node, int index, const char *name, float *value) {
    char key[40];
    const eki_attr *list = eki_node_attr(node, "activation_params");
    (void)snprintf(key, sizeof key, "activation_%s", name);
    const eki_attr *own = eki_node_attr(node, key);
    if (own != NULL && own->type == EKI_ATTR_FLOAT) *value = eki_node_float(node, key, 0);
    if (own != NULL) return own->type == EKI_ATTR_FLOAT;
    if (list == NULL || list->type != EKI_ATTR_FLOATS || list->count <= (size_t)index) return false;
    memcpy(value, (const char *)list->floats + (size_t)index * sizeof *value, sizeof *value); /* may be unaligned */
    return true;
}

static bool has_parameters(const eki_node *node, const activation *a) {
    float ignored;
    for (int i = 0; i < 2 && a->parameters[i] != NULL; i++) {
        if (!read_parameter(node, i, a->parameters[i], &ignored)) return false;
    }
    return true;
}

static ek_status add_activation(const owner *o, const eki_node *from, const activation *a, eki_value **value) {
    eki_node *node;
    EKI_TRY(add(o, a->op, a->opset, "activated", value, 1, value, &node));
    for (int i = 0; i < 2 && a->parameters[i] != NULL; i++) {
        float number = 0;
        (void)read_parameter(from, i, a->parameters[i], &number);
        EKI_TRY(eki_node_set_float(o->graph, node, a->parameters[i], number, o->err));
    }
    return EK_OK;
}

/* The product alone, under its own name; then what is added, then the activation. */
static ek_status own_product(eki_graph *graph, eki_node *node, bool conv, ek_error *err) {
    int index;
    eki_value *y = node->n_out > 0 ? node->out[0] : NULL, *result = y, *addend;
    if (y == NULL || !find_activation(node, &index)) return EK_OK;
    if (index >= 0 && !has_parameters(node, &activations[index])) return EK_OK;
    owner o = {.graph = graph, .stem = y->name, .err = err};
    eki_node *product;
    y->producer = NULL;
    eki_node_drop(node);
    EKI_TRY(add(&o, conv ? EKI_OP_Conv : EKI_OP_Gemm, conv ? 11 : 13, "product", node->in,
                node->n_in < 3 ? node->n_in : 3, &result, &product));
    product->name = node->name;
    product->attrs = node->attrs; /* those of the activation among them, which it does not look for */
    product->n_attr = node->n_attr;
    addend = conv && node->n_in > 3 ? node->in[3] : NULL;
    if (addend != NULL) EKI_TRY(add_pair(&o, EKI_OP_Add, "sum", result, addend, &result));
    if (index >= 0) EKI_TRY(add_activation(&o, node, &activations[index], &result));
    make_as(result, y);
    return EK_OK;
}

static ek_status own_products(eki_graph *graph, ek_error *err) {
    size_t n_nodes = graph->n_nodes;
    for (size_t i = 0; i < n_nodes; i++) {
        eki_node *node = graph->nodes[i];
        if (node->op != EKI_OP_NONE || node->op_type == NULL) continue;
        eki_contrib code = eki_contrib_code(node->op_type, node->domain);
        bool conv = code == EKI_CONTRIB_FusedConv;
        if (conv || code == EKI_CONTRIB_FusedGemm) EKI_TRY(own_product(graph, node, conv, err));
    }
    return EK_OK;
}

/* Most files have none, and finding sites is not free. */
static bool worth_looking(const eki_graph *graph) {
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        bool early = node->op == EKI_OP_LayerNormalization && eki_graph_opset(graph, "") < 17;
        bool foreign = node->op == EKI_OP_NONE && node->op_type != NULL;
        if (early || (foreign && eki_contrib_code(node->op_type, node->domain) != EKI_CONTRIB_NONE)) return true;
    }
    return false;
}

ek_status eki_own_operators(eki_graph *program, ek_error *err) {
    if (!worth_looking(program)) return EK_OK;
    EKI_TRY(own_norms(program, err));
    EKI_TRY(own_products(program, err));
    eki_graph_sweep(program);
    return eki_graph_sort(program, err);
}
