/* proof_shapes.c: what values at a boundary are like: from the caller, the file, inference, or who reads them. */
#include "surgery/proof.h"

#include <stdlib.h>

enum { BEHIND_UNKNOWN = 8 }; /* height and width where nothing tells them */

static ek_status asked_shape(const ek_check_shape *asked, eki_shape *shape, ek_error *err) {
    if (asked->rank < 0 || asked->rank > EKI_MAX_RANK)
        return eki_fail(err, EK_ERR_ARG, "the shape asked for '%s' has rank %d; 0 to %d are possible", asked->name,
                        asked->rank, EKI_MAX_RANK);
    *shape = eki_shape_of(asked->rank, asked->dims);
    return EK_OK;
}

/* Shapes of the graph's inputs: asked for, else declared with open extents filled in. */
static ek_status input_shapes(const eki_proving *p, int64_t size, eki_shape *shapes) {
    const eki_graph *graph = p->sides[0].graph;
    const ek_compare_options *o = &p->options.compare;
    size_t n = 0;
    for (size_t i = 0; i < graph->n_inputs; i++) {
        const eki_value *value = graph->inputs[i];
        if (value->init != NULL) continue;
        const ek_check_shape *asked = eki_check_shape_of(o, value->name);
        const ek_check_input *given = eki_check_input_of(o, value->name);
        eki_shape *shape = &shapes[n++];
        *shape = value->shape;
        if (given != NULL) *shape = eki_shape_of(given->array.rank, given->array.dims);
        if (given == NULL && asked != NULL) EKI_TRY(asked_shape(asked, shape, p->err));
        if (shape->rank < 0 && p->path[0] == '\0') *shape = eki_shape_of(1, &o->batch);
        for (int d = 0; d < shape->rank; d++) {
            if (shape->dims[d] < 0) shape->dims[d] = d == 0 ? o->batch : size;
        }
    }
    return EK_OK;
}

ek_status eki_proof_infer(eki_proving *p) {
    eki_graph *graph = p->sides[0].graph;
    const int64_t sizes[] = {p->options.compare.size > 0 ? p->options.compare.size : 64, 224, 32};
    int n_sizes = p->options.compare.size > 0 ? 1 : 3;
    eki_shape *shapes = eki_calloc(graph->n_inputs + 1, sizeof *shapes);
    if (shapes == NULL) return eki_fail_nomem(p->err, graph->n_inputs * sizeof *shapes);
    ek_status status = EK_ERR_SHAPE;
    for (int i = 0; i < n_sizes && status == EK_ERR_SHAPE; i++) {
        status = input_shapes(p, sizes[i], shapes);
        if (status == EK_OK) status = eki_infer_values(graph, shapes, NULL, &p->known, p->err);
    }
    free(shapes);
    /* Where none will do, what the file declares is what is known. */
    return status == EK_ERR_SHAPE ? eki_infer_values(graph, NULL, NULL, &p->known, p->err) : status;
}

/* The least that a reader takes: a weight has the channels of what it multiplies. */
static bool guess_from_reader(const eki_node *node, const eki_value *value, int64_t batch, eki_shape *shape) {
    const eki_tensor *weight = node->n_in > 1 ? eki_constant_source(node->in[1]).tensor : NULL;
    eki_weight w;
    if (weight == NULL || node->in[0] != value) return false;
    if (node->op == EKI_OP_BatchNormalization && weight->shape.rank == 1) {
        *shape = (eki_shape){.rank = 4, .dims = {batch, weight->shape.dims[0], BEHIND_UNKNOWN, BEHIND_UNKNOWN}};
        return true;
    }
    if (!eki_is_product(node) || !eki_weight_of(node, weight, &w)) return false;
    *shape = (eki_shape){.rank = weight->shape.rank, .dims = {batch, w.inputs * w.groups}};
    for (int d = 2; d < shape->rank; d++) {
        shape->dims[d] = weight->shape.dims[d] + BEHIND_UNKNOWN;
    }
    return true;
}

static bool guess(const eki_proving *p, const char *name, eki_shape *shape) {
    const eki_graph *graph = p->sides[0].graph;
    const eki_value *value = eki_graph_find(graph, name);
    for (size_t i = 0; value != NULL && i < graph->n_nodes; i++) {
        if (p->sides[0].region[i] < 0) continue;
        if (guess_from_reader(graph->nodes[i], value, p->options.compare.batch, shape)) return true;
    }
    return false;
}

ek_status eki_proof_boundary(const eki_proving *p, const char *name, ek_dtype *dtype, eki_shape *shape, ek_error *err) {
    const ek_compare_options *o = &p->options.compare;
    const eki_value *value = eki_graph_find(p->sides[0].graph, name);
    const ek_check_shape *asked = eki_check_shape_of(o, name);
    const ek_check_input *given = eki_check_input_of(o, name);
    *shape = (eki_shape){.rank = -1};
    *dtype = value != NULL ? p->known[value->id].dtype : EK_DTYPE_NONE;
    if (*dtype == EK_DTYPE_NONE) *dtype = EK_F32;
    if (value != NULL) *shape = p->known[value->id].shape;
    if (asked != NULL) EKI_TRY(asked_shape(asked, shape, err));
    if (given != NULL) *shape = eki_shape_of(given->array.rank, given->array.dims);
    if (shape->rank < 0 && !guess(p, name, shape)) {
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "the shape of '%s' is not known; give it with --input-shape %s=... (in C: shapes)", name, name);
    }
    for (int d = 0; d < shape->rank; d++) {
        if (shape->dims[d] < 0) shape->dims[d] = d == 0 ? o->batch : BEHIND_UNKNOWN;
    }
    return EK_OK;
}
