/* convert_norm.c: one norm replaced by another kind, under the same name and output.
 *
 * Scale and bias are carried over; eki_convert_fit finds better ones on data. A group norm is one node where the opset
 * has it, else the nodes that lower.c writes, which load back as one norm.
 */
#include "base/half.h"
#include "sites/float_types.h"
#include "surgery/convert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ek_status eki_convert_row(const eki_converter *c, const char *name, bool changed, const char *text) {
    char place[512];
    return eki_report_add(c->report, eki_place_name(c->place, name, place), changed, text, c->err);
}

static ek_status row(const eki_converter *c, const char *name, bool changed, const char *text) {
    return eki_convert_row(c, name, changed, text);
}

/* A parameter with a value per channel, or per group at opset 18; NULL = absent. */
static bool read_parameter(const eki_converter *c, const eki_value *value, int64_t channels, double fallback,
                           double *out) {
    const eki_tensor *tensor = eki_fixed(c->graph, value);
    int64_t count = tensor == NULL ? 0 : eki_count(tensor);
    for (int64_t i = 0; i < channels; i++) out[i] = fallback;
    if (value == NULL) return true;
    if (tensor == NULL || tensor->dtype != EK_F32 || count < 1 || channels % count != 0) return false;
    for (int64_t i = 0; i < channels; i++) out[i] = eki_at(tensor, i / (channels / count));
    return true;
}

static int64_t channels_of(const eki_node *node) {
    const eki_shape *x = &node->in[0]->shape;
    return x->rank >= 2 ? x->dims[1] : -1;
}

/* Values of an example and channel; 0 = not fixed, or more than can be. */
static int64_t space_of(const eki_shape *x) {
    int64_t space = 1;
    for (int i = 2; i < x->rank; i++) {
        if (x->dims[i] < 0 || !eki_mul_i64(space, x->dims[i], &space)) return 0;
    }
    return space;
}

static const char *kind_text(const eki_conversion *item, char text[64]) {
    static const char *const names[] = {"", "a batch norm", "", "a layer norm", "an instance norm", "a Mul and an Add"};
    if (item->target == EK_TO_GROUP)
        (void)snprintf(text, 64, "a group norm of %lld groups", (long long)item->groups);
    else
        (void)snprintf(text, 64, "%s", names[item->target]);
    return text;
}

/* The largest divisor of the channels that is at most the number asked for. */
static int64_t groups_for(int64_t channels, int64_t wanted) {
    int64_t groups = wanted < channels ? wanted : channels;
    while (groups > 1 && channels % groups != 0) groups--;
    return groups < 1 ? 1 : groups;
}

static bool is_kind(const eki_conversion *item, const ek_model_norm *info) {
    if (item->target == EK_TO_GROUP) return info->kind == EK_NORM_GROUP && info->groups == item->groups;
    return (item->target == EK_TO_BATCH && info->kind == EK_NORM_BATCH) ||
           (item->target == EK_TO_LAYER && info->kind == EK_NORM_LAYER) ||
           (item->target == EK_TO_INSTANCE && info->kind == EK_NORM_INSTANCE);
}

/* Why a norm cannot become what is wanted, or NULL. */
static const char *why_not(const eki_converter *c, const eki_node *node, const ek_model_norm *info,
                           const eki_conversion *item) {
    bool batch = info->kind == EK_NORM_BATCH, main = eki_place_is_main(c->place), data = c->examples != NULL && main;
    const eki_shape *x = &node->in[0]->shape;
    int64_t share = item->target == EK_TO_GROUP ? item->channels / item->groups : 1;
    bool channelwise = item->target == EK_TO_INSTANCE || (item->target == EK_TO_GROUP && share == 1);
    for (int i = 1; i < node->n_out; i++) {
        if (node->out[i] != NULL) return "its other outputs, which the new norm would not have, may be read";
    }
    if (x->rank < 0) return "the rank of its input is not known";
    if (eki_node_reference(node) != NULL) return "an attribute of it is one of the function, which each call gives";
    if (channelwise && space_of(x) == 1) return "a norm over single values would give its bias whatever it reads";
    if (item->target == EK_TO_FROZEN && eki_graph_opset(c->graph, "") < 7) return "it needs opset 7; raise it first";
    if ((info->kind == EK_NORM_LAYER || info->kind == EK_NORM_RMS) &&
        (eki_node_int(node, "axis", -1) != 1 || x->rank < 3))
        return "it normalizes rows, not channels";
    if (batch && item->target == EK_TO_FROZEN && eki_bn_trains(c->graph, node))
        return "it is in training mode: it takes the statistics of each batch";
    if (!main && !batch && (item->target == EK_TO_BATCH || item->target == EK_TO_FROZEN))
        return "its statistics are those of each example, and nobody can measure here what should stand for them";
    if (!data && !batch && (item->target == EK_TO_BATCH || item->target == EK_TO_FROZEN))
        return "its statistics are those of each example; --data measures what should stand for them";
    return NULL;
}

/* ---- writing the new norm ---- */

static void drop_attributes(eki_node *node) {
    static const char *const names[] = {"momentum", "spatial",    "is_test",    "consumed_inputs", "training_mode",
                                        "axis",     "stash_type", "num_groups", "broadcast"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) eki_node_remove_attr(node, names[i]);
}

static void become(eki_node *node, eki_opcode op, int inputs) {
    eki_node_become(node, op);
    if (node->n_in > inputs) node->n_in = inputs;
    node->n_out = 1;
    drop_attributes(node);
}

/* The type of a node's input 0 in the file; EK_DTYPE_NONE = not known. */
static ek_status type_of_input(const eki_converter *c, const eki_node *node, ek_dtype *type) {
    ek_dtype *types;
    EKI_TRY(eki_float_types(c->graph, &types, c->err));
    *type = types[node->in[0]->id];
    free(types);
    return EK_OK;
}

/* But for BatchNormalization (15), scale and bias have the type of x. */
static ek_status part(eki_converter *c, eki_node *node, int i, const char *role, const eki_shape *shape,
                      const double *values, ek_dtype type) {
    const eki_tensor *old = i < node->n_in ? eki_fixed(c->graph, node->in[i]) : NULL;
    bool other = node->op != EKI_OP_BatchNormalization && old != NULL && type != EK_DTYPE_NONE &&
                 eki_file_type(old) != type && (type == EK_F32 || eki_is_half(type));
    if (other) node->in[i] = NULL;
    EKI_TRY(eki_edit_constant(c->graph, node, i, role, shape, values, c->err));
    if (other) eki_edit_store(node->in[i], type == EK_F32 ? EK_DTYPE_NONE : type, values);
    return EK_OK;
}

static ek_status set_parts(eki_converter *c, eki_conversion *item, eki_node *node, const eki_shape *shape) {
    static const char *const roles[] = {"", "scale", "bias", "mean", "variance"};
    int last = item->target == EK_TO_BATCH ? 4 : 2;
    double *values = eki_arena_alloc(&c->arena, eki_size_of((size_t)item->channels + 1, sizeof *values));
    ek_dtype type;
    if (values == NULL) return eki_fail_nomem(c->err, (size_t)item->channels * sizeof *values);
    EKI_TRY(type_of_input(c, node, &type));
    for (int i = 1; i <= last; i++) {
        const double *from = i == 1 ? item->scale : i == 2 ? item->bias : values;
        for (int64_t k = 0; k < item->channels; k++) values[k] = i == 3 ? 0 : 1 - (double)(float)item->epsilon;
        EKI_TRY(part(c, node, i, roles[i], shape, from, type));
        item->part[i] = node->in[i];
    }
    return EK_OK;
}

/* [C,1,1] for images, [C] for rows. */
static eki_shape spread_shape(const eki_conversion *item, int rank) {
    eki_shape shape = {.rank = rank - 1, .dims = {item->channels}};
    for (int i = 1; i < shape.rank; i++) shape.dims[i] = 1;
    return shape;
}

static ek_status write_batch(eki_converter *c, eki_conversion *item, eki_node *node) {
    eki_shape shape = eki_shape_of(1, &item->channels);
    become(node, EKI_OP_BatchNormalization, 3);
    EKI_TRY(set_parts(c, item, node, &shape));
    EKI_TRY(eki_node_set_float(c->graph, node, "momentum", (float)item->momentum, c->err));
    EKI_TRY(eki_edit_inference(c->graph, node, c->err));
    return eki_node_set_float(c->graph, node, "epsilon", (float)item->epsilon, c->err);
}

static ek_status write_frozen(eki_converter *c, eki_conversion *item, eki_node *node) {
    char name[300];
    eki_shape shape = spread_shape(item, node->in[0]->shape.rank);
    eki_value *in[2] = {node->in[0], NULL}, *inner;
    eki_node *mul;
    become(node, EKI_OP_Add, 3);
    eki_node_remove_attr(node, "epsilon");
    EKI_TRY(set_parts(c, item, node, &shape));
    in[1] = node->in[1];
    EKI_TRY(eki_edit_fresh(c->graph, item->output, "scaled", &inner, c->err));
    inner->dtype = in[0]->dtype;
    inner->shape = in[0]->shape;
    (void)snprintf(name, sizeof name, "%.280s%s", node->name, node->name[0] != '\0' ? ".mul" : "");
    EKI_TRY(eki_graph_add_op(c->graph, EKI_OP_Mul, name, in, 2, &inner, 1, &mul, c->err));
    node->in[0] = inner;
    node->in[1] = node->in[2];
    node->n_in = 2;
    return EK_OK;
}

static ek_status write_group(eki_converter *c, eki_conversion *item, eki_node *node) {
    bool layer = item->target == EK_TO_LAYER, instance = item->target == EK_TO_INSTANCE;
    bool one_node = layer ? eki_graph_opset(c->graph, "") >= EKI_OPSET_MIN : instance || c->native;
    eki_shape per_channel = eki_shape_of(1, &item->channels);
    eki_shape shape = layer && one_node ? spread_shape(item, node->in[0]->shape.rank) : per_channel;
    eki_opcode op = instance            ? EKI_OP_InstanceNormalization
                    : layer && one_node ? EKI_OP_LayerNormalization
                                        : EKI_OP_GroupNormalization;
    become(node, op, 3);
    EKI_TRY(set_parts(c, item, node, &shape));
    EKI_TRY(eki_node_set_float(c->graph, node, "epsilon", (float)item->epsilon, c->err));
    if (layer && one_node) return eki_node_set_int(c->graph, node, "axis", 1, c->err);
    if (instance) return EK_OK;
    EKI_TRY(eki_node_set_int(c->graph, node, "num_groups", layer ? 1 : item->groups, c->err));
    if (!one_node) node->opset = EKI_OPSET_GROUP; /* it is written out when all are done */
    return EK_OK;
}

static ek_status write_norm(eki_converter *c, eki_conversion *item, eki_node *node) {
    if (item->target == EK_TO_BATCH) return write_batch(c, item, node);
    return item->target == EK_TO_FROZEN ? write_frozen(c, item, node) : write_group(c, item, node);
}

/* ---- choosing ---- */

static ek_status new_item(eki_converter *c, int64_t channels, eki_conversion *item) {
    size_t n = (size_t)channels;
    item->channels = channels;
    item->target = c->options->norm;
    item->groups = groups_for(channels, c->options->groups);
    item->scale = eki_arena_alloc(&c->arena, eki_size_of(n + 1, 2 * sizeof *item->scale));
    item->moments = eki_arena_alloc(&c->arena, eki_size_of(n + 1, sizeof *item->moments));
    if (item->scale == NULL || item->moments == NULL) return eki_fail_nomem(c->err, n * sizeof *item->moments);
    item->bias = item->scale + n;
    if (!eki_grow((void **)&c->items, &c->room, c->count + 1, sizeof *c->items)) {
        return eki_fail_nomem(c->err, sizeof *c->items);
    }
    return EK_OK;
}

/* The map of a batch norm with its running statistics, exactly. */
static bool freeze_map(const eki_converter *c, eki_node *node, eki_conversion *item, char why[EKI_CHAIN_TEXT]) {
    int64_t channels;
    eki_chain chain = {.nodes = {node}, .length = 1, .channels = item->channels};
    eki_affine map;
    if (!eki_is_affine(c->graph, node, &channels, why)) return false;
    if (channels != item->channels || eki_affine_chain(c->graph, &chain, &map, c->err) != EK_OK) return false;
    memcpy(item->scale, map.a, (size_t)channels * sizeof *map.a);
    memcpy(item->bias, map.b, (size_t)channels * sizeof *map.b);
    eki_affine_free(&map);
    return true;
}

static ek_status forget_statistics(const eki_converter *c, const eki_conversion *item, const ek_model_norm *info) {
    char key[600];
    if (!eki_place_is_main(c->place)) return EK_OK;
    EKI_TRY(eki_updates_write(c->graph, item->output, 0, c->err));
    if (item->target == EK_TO_BATCH || !info->stats_frozen) return EK_OK;
    (void)snprintf(key, sizeof key, "evenkeel.freeze.%.500s", item->output);
    bool affine = info->affine_frozen && item->target != EK_TO_FROZEN;
    return eki_graph_set_meta(c->graph, key, affine ? "affine" : NULL, c->err);
}

static ek_status commit(eki_converter *c, eki_conversion *item, eki_node *node, const ek_model_norm *info) {
    char kind[64];
    item->fits = c->examples != NULL && eki_place_is_main(c->place);
    if (info->kind == EK_NORM_BATCH && item->target == EK_TO_FROZEN) item->fits = false;
    item->input = node->in[0]->name;
    EKI_TRY(forget_statistics(c, item, info));
    EKI_TRY(write_norm(c, item, node));
    EKI_TRY(row(c, item->name, true, kind_text(item, kind)));
    c->items[c->count++] = *item;
    return EK_OK;
}

ek_status eki_convert_norm(eki_converter *c, eki_node *node, const ek_model_norm *info) {
    char why[EKI_CHAIN_TEXT] = "";
    const char *name = info->node[0] != '\0' ? info->node : info->output;
    eki_conversion item = {.name = name, .output = info->output, .epsilon = info->epsilon, .momentum = 0.9};
    if (node->n_in < 1 || node->in[0] == NULL || node->n_out < 1 || node->out[0] == NULL)
        return row(c, name, false, "it has no input or no output");
    int64_t channels = channels_of(node);
    if (channels < 1 && !eki_place_is_main(c->place)) channels = info->channels;
    if (channels < 1) return row(c, name, false, "the channels of its input are not fixed");
    EKI_TRY(new_item(c, channels, &item));
    if (is_kind(&item, info)) {
        EKI_TRY(row(c, name, false, "it is one already"));
        eki_report_already(c->report);
        return EK_OK;
    }
    const char *reason = why_not(c, node, info, &item);
    if (reason != NULL) return row(c, name, false, reason);
    bool read = read_parameter(c, node->n_in > 1 ? node->in[1] : NULL, channels, 1, item.scale) &&
                read_parameter(c, node->n_in > 2 ? node->in[2] : NULL, channels, 0, item.bias);
    if (!read) return row(c, name, false, "its scale or bias is no constant with a value per channel");
    if (info->kind == EK_NORM_BATCH && item.target == EK_TO_FROZEN && !freeze_map(c, node, &item, why))
        return row(c, name, false, why);
    ek_dtype stored = c->graph->half;
    if (!eki_stays_finite(item.scale, channels, stored) || !eki_stays_finite(item.bias, channels, stored)) {
        (void)snprintf(why, sizeof why, "its scale or bias would not be finite%s", eki_stored_text(stored));
        return row(c, name, false, why);
    }
    return commit(c, &item, node, info);
}

ek_status eki_convert_frozen(eki_converter *c, const eki_uses *uses, eki_node *mul) {
    char why[EKI_CHAIN_TEXT];
    int64_t channels, second;
    if (!eki_is_op(mul, EKI_OP_Mul) || !eki_is_affine(c->graph, mul, &channels, why) || channels < 1) return EK_OK;
    eki_node *add = eki_next(uses, mul, EKI_OP_Add);
    if (add == NULL || !eki_is_affine(c->graph, add, &second, why) || second != channels) return EK_OK;
    eki_value *x = eki_affine_input(c->graph, mul);
    if (x->shape.rank < 3) return EK_OK;
    eki_conversion item = {.epsilon = 1e-5, .momentum = 0.9, .output = add->out[0]->name};
    item.name = add->name[0] != '\0' ? add->name : item.output;
    EKI_TRY(new_item(c, channels, &item));
    bool read = read_parameter(c, eki_other(mul, x), channels, 1, item.scale) &&
                read_parameter(c, eki_other(add, mul->out[0]), channels, 0, item.bias);
    if (!read) return EK_OK;
    mul->out[0]->producer = NULL;
    mul->out[0]->declared = false;
    eki_node_drop(mul);
    add->in[0] = x;
    add->n_in = 1;
    return commit(c, &item, add, &(ek_model_norm){.kind = EK_NORM_BATCH});
}
