/* raise_steps.c: attributes that became inputs, and the few operators whose meaning moved. */
#include "surgery/raise_opset.h"

#include <inttypes.h>

#include <float.h>
#include <stdlib.h>
#include <string.h>

static ek_status constant(const eki_raise *r, const eki_node *node, const char *role, ek_dtype dtype, int rank,
                          const void *data, size_t count, eki_value **out) {
    eki_shape shape = {.rank = rank, .dims = {(int64_t)count}};
    EKI_TRY(eki_edit_fresh(r->graph, eki_node_output(node), role, out, r->err));
    EKI_TRY(eki_add_constant(r->graph, (*out)->name, dtype, &shape, out, NULL, r->err));
    if ((*out)->init->bytes > 0) memcpy((*out)->init->data, data, (*out)->init->bytes);
    return EK_OK;
}

/* The node's inputs become these; trailing NULLs are left out. */
static ek_status set_inputs(const eki_raise *r, eki_node *node, eki_value *const *in, int count) {
    while (count > 0 && in[count - 1] == NULL) count--;
    node->in = eki_arena_memdup(&r->graph->arena, in, eki_size_of((size_t)count + 1, sizeof *in));
    node->n_in = count;
    return node->in == NULL ? eki_fail_nomem(r->err, (size_t)count * sizeof *in) : EK_OK;
}

/* An attribute of integers as a new constant; NULL where the node has none. */
static ek_status ints_of(const eki_raise *r, eki_node *node, const char *name, eki_value **out) {
    const int64_t *values;
    size_t count;
    *out = NULL;
    if (!eki_node_ints(node, name, &values, &count)) return EK_OK;
    EKI_TRY(constant(r, node, name, EK_I64, 1, values, count, out));
    eki_node_remove_attr(node, name);
    return EK_OK;
}

ek_status eki_raise_axes(const eki_raise *r, eki_node *node) {
    eki_value *in[3] = {node->n_in > 0 ? node->in[0] : NULL};
    if (node->n_in > 1) return EK_OK; /* the new form already */
    EKI_TRY(ints_of(r, node, "axes", &in[1]));
    return set_inputs(r, node, in, 2);
}

ek_status eki_raise_split(const eki_raise *r, eki_node *node) {
    eki_value *in[3] = {node->n_in > 0 ? node->in[0] : NULL};
    if (node->n_in > 1) return EK_OK;
    EKI_TRY(ints_of(r, node, "split", &in[1]));
    return set_inputs(r, node, in, 2);
}

ek_status eki_raise_split_count(const eki_raise *r, eki_node *node) {
    if (node->n_in > 1 && node->in[1] != NULL) return EK_OK;
    return eki_node_set_int(r->graph, node, "num_outputs", node->n_out, r->err);
}

ek_status eki_raise_slice(const eki_raise *r, eki_node *node) {
    eki_value *in[5] = {node->n_in > 0 ? node->in[0] : NULL};
    if (node->n_in > 1) return EK_OK;
    EKI_TRY(ints_of(r, node, "starts", &in[1]));
    EKI_TRY(ints_of(r, node, "ends", &in[2]));
    EKI_TRY(ints_of(r, node, "axes", &in[3]));
    if (in[1] == NULL || in[2] == NULL) return eki_raise_refuse(r, node, "starts or ends are missing");
    return set_inputs(r, node, in, 4);
}

ek_status eki_raise_pad(const eki_raise *r, eki_node *node) {
    eki_value *in[4] = {node->n_in > 0 ? node->in[0] : NULL};
    float value = eki_node_float(node, "value", 0);
    if (node->n_in > 1) return EK_OK;
    EKI_TRY(ints_of(r, node, eki_node_attr(node, "paddings") != NULL ? "paddings" : "pads", &in[1]));
    if (in[1] == NULL) return eki_raise_refuse(r, node, "pads are missing");
    if (value != 0) EKI_TRY(constant(r, node, "value", EK_F32, 0, &value, 1, &in[2]));
    eki_node_remove_attr(node, "value");
    return set_inputs(r, node, in, 3);
}

ek_status eki_raise_clip(const eki_raise *r, eki_node *node) {
    static const char *const names[] = {"", "min", "max"};
    eki_value *in[4] = {node->n_in > 0 ? node->in[0] : NULL};
    if (node->n_in > 1) return EK_OK;
    for (int i = 1; i < 3; i++) {
        float value = eki_node_float(node, names[i], i == 1 ? -FLT_MAX : FLT_MAX);
        if (eki_node_attr(node, names[i]) == NULL) continue;
        EKI_TRY(constant(r, node, names[i], EK_F32, 0, &value, 1, &in[i]));
        eki_node_remove_attr(node, names[i]);
    }
    return set_inputs(r, node, in, 3);
}

/* Inference leaves it out in every opset; the ratio is kept for training. Before 7 a file could say otherwise. */
ek_status eki_raise_dropout(const eki_raise *r, eki_node *node) {
    eki_value *in[4] = {node->n_in > 0 ? node->in[0] : NULL};
    float ratio = eki_node_float(node, "ratio", 0.5F);
    if (r->from < 7 && eki_node_int(node, "is_test", 0) == 0)
        return eki_raise_refuse(r, node, "it drops values in inference too (is_test = 0)");
    if (node->n_out > 1 && node->out[1] != NULL && eki_edit_uses(r->graph, node->out[1]) > 0)
        return eki_raise_refuse(r, node, "its mask, which changed its type, is read");
    node->n_out = 1;
    eki_node_remove_attr(node, "is_test");
    if (eki_node_attr(node, "ratio") != NULL) EKI_TRY(constant(r, node, "ratio", EK_F32, 0, &ratio, 1, &in[1]));
    eki_node_remove_attr(node, "ratio");
    return set_inputs(r, node, in, 2);
}

/* Before 13 all from `axis` on was one row; now the axis alone is. The same where nothing stands behind it. */
ek_status eki_raise_softmax(const eki_raise *r, eki_node *node) {
    const eki_shape *x = &node->in[0]->shape;
    int64_t axis = eki_node_int(node, "axis", 1);
    if (axis < 0 && x->rank > 0) axis += x->rank;
    bool alone = x->rank > 0 && axis >= 0 && axis < x->rank;
    for (int64_t i = axis + 1; alone && i < x->rank; i++) alone = x->dims[i] == 1;
    if (!alone) return eki_raise_refuse(r, node, "it goes over several axes, or its rank is not known");
    return eki_node_set_int(r->graph, node, "axis", axis, r->err);
}

/* Resize with the sampling that Upsample had; its region of interest stays empty. */
ek_status eki_raise_upsample(const eki_raise *r, eki_node *node) {
    eki_value *in[4] = {node->in[0], NULL, node->n_in > 1 ? node->in[1] : NULL};
    const eki_attr *scales = eki_node_attr(node, "scales");
    if (r->to < 11) return eki_raise_refuse(r, node, "its successor is found from opset 11 on");
    if (in[2] == NULL && (scales == NULL || scales->type != EKI_ATTR_FLOATS))
        return eki_raise_refuse(r, node, "its scales are missing");
    if (in[2] == NULL) EKI_TRY(constant(r, node, "scales", EK_F32, 1, scales->floats, scales->count, &in[2]));
    if (r->to < 13) EKI_TRY(constant(r, node, "roi", EK_F32, 1, NULL, 0, &in[1]));
    eki_node_remove_attr(node, "scales");
    eki_node_become(node, EKI_OP_Resize);
    EKI_TRY(eki_node_set_string(r->graph, node, "coordinate_transformation_mode", "asymmetric", r->err));
    EKI_TRY(eki_node_set_string(r->graph, node, "nearest_mode", "floor", r->err));
    return set_inputs(r, node, in, 3);
}

ek_status eki_raise_deconv(const eki_raise *r, eki_node *node) {
    bool automatic =
        !eki_node_string_is(node, "auto_pad", "NOTSET", true) && !eki_node_string_is(node, "auto_pad", "VALID", true);
    return automatic ? eki_raise_refuse(r, node, "auto_pad means something else there") : EK_OK;
}

ek_status eki_raise_broadcast(const eki_raise *r, eki_node *node) {
    const eki_attr *axis = eki_node_attr(node, "axis");
    if (eki_node_int(node, "broadcast", 0) != 0 && axis != NULL)
        return eki_raise_refuse(r, node, "it broadcasts along an axis of its own");
    eki_node_remove_attr(node, "broadcast");
    eki_node_remove_attr(node, "axis");
    return EK_OK;
}

ek_status eki_raise_refuse(const eki_raise *raise, const eki_node *node, const char *why) {
    char label[192];
    return eki_fail(raise->err, EK_ERR_UNSUPPORTED, "%s: %s cannot move from opset %" PRId64 " to %" PRId64 ": %s",
                    raise->graph->path, eki_node_label(node, label), raise->from, raise->to, why);
}
