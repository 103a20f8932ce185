/* copy.c: a view of a graph: new values and nodes over the same tensor data, attributes and names.
 *
 * Writing a model at another opset needs a changed graph, but the model itself must stay as it is. The view borrows
 * everything that is not changed, so that it costs no tensor copies; it must not outlive the original. A view of a
 * document has nested graphs and functions of its own, which can be changed too; a program shares the document's.
 */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

typedef struct copier {
    eki_graph *view;
    bool shared;                 /* what is written to the view's tensors is written to the original's */
    bool deep;                   /* nested graphs and functions are copied too */
    const struct copier *around; /* of the graph that this one nests in */
    const eki_graph *from;
} copier;

static ek_status borrow_tensor(const copier *c, eki_tensor *tensor, eki_tensor **out, ek_error *err) {
    eki_tensor *copy = eki_arena_memdup(&c->view->arena, tensor, eki_sized(sizeof *tensor));
    if (copy == NULL) return eki_fail_nomem(err, sizeof *tensor);
    copy->owned = false;
    copy->source = c->shared ? tensor : NULL;
    *out = copy;
    return EK_OK;
}

static ek_status copy_value(const copier *c, const eki_value *from, eki_value **out, ek_error *err) {
    eki_value *to;
    EKI_TRY(eki_graph_value(c->view, from->name, &to, err));
    to->dtype = from->dtype;
    to->stored = from->stored;
    to->shape = from->shape;
    to->declared = from->declared;
    to->opaque = from->opaque;
    to->in_file = from->in_file;
    to->origin = from->origin;
    to->captured = from->captured;
    to->body = from->body;
    *out = to;
    return from->init != NULL ? borrow_tensor(c, from->init, &to->init, err) : EK_OK;
}

/* The copy of a value of a graph around. */
static eki_value *copy_of_outer(const copier *c, const eki_value *outer) {
    for (c = c->around; outer != NULL && c != NULL; c = c->around) {
        bool own = (size_t)outer->id < c->from->n_values && c->from->values[outer->id] == outer;
        if (own) return c->view->values[outer->id];
    }
    return NULL;
}

/* `map` has the copies by the ids of the original values. */
static void map_values(eki_value *const *map, eki_value *const *from, int count, eki_value **to) {
    for (int i = 0; i < count; i++) to[i] = from[i] == NULL ? NULL : map[from[i]->id];
}

static ek_status fill_graph(const copier *c, const eki_graph *graph, ek_error *err);

static ek_status copy_graphs(const copier *c, eki_node *node, eki_attr *attr, ek_error *err) {
    eki_graph **graphs = eki_arena_memdup(&c->view->arena, attr->graphs, eki_size_of(attr->count, sizeof(eki_graph *)));
    if (graphs == NULL) return eki_fail_nomem(err, attr->count * sizeof(eki_graph *));
    for (size_t i = 0; i < attr->count; i++) {
        copier inner = {.shared = c->shared, .deep = true, .around = c, .from = attr->graphs[i]};
        EKI_TRY(eki_graph_add_child(c->view, &inner.view, err));
        inner.view->owner = node;
        EKI_TRY(fill_graph(&inner, attr->graphs[i], err));
        graphs[i] = inner.view;
    }
    attr->graphs = graphs;
    return EK_OK;
}

/* Those that count hold tensors of the copy, so that it can be destroyed at any time. */
static ek_status copy_attributes(const copier *c, const eki_node *from, eki_node *to, ek_error *err) {
    to->attrs = eki_arena_memdup(&c->view->arena, from->attrs, eki_size_of((size_t)from->n_attr, sizeof *from->attrs));
    if (to->attrs == NULL) return eki_fail_nomem(err, (size_t)from->n_attr * sizeof *from->attrs);
    for (int i = 0; i < from->n_attr; i++) {
        eki_attr *attr = &to->attrs[i];
        if (attr->t != NULL) EKI_TRY(borrow_tensor(c, attr->t, &attr->t, err));
        to->n_attr = i + 1;
        if (c->deep && attr->type == EKI_ATTR_GRAPHS) EKI_TRY(copy_graphs(c, to, attr, err));
    }
    return EK_OK;
}

static ek_status copy_node(const copier *c, const eki_node *from, eki_value *const *map, ek_error *err) {
    eki_graph *view = c->view;
    size_t room = (size_t)(from->n_in + from->n_out + 1);
    eki_value **values = eki_arena_alloc(&view->arena, eki_size_of(room, sizeof *values));
    if (values == NULL) return eki_fail_nomem(err, room * sizeof *values);
    map_values(map, from->in, from->n_in, values);
    map_values(map, from->out, from->n_out, values + from->n_in);
    eki_node *to;
    EKI_TRY(eki_graph_add_node(view, from->op_type, from->domain, from->name, values, from->n_in, values + from->n_in,
                               from->n_out, &to, err));
    EKI_TRY(copy_attributes(c, from, to, err));
    to->overload = from->overload;
    to->why = from->why;
    to->opset = from->opset;
    to->norm_of = from->norm_of;
    to->origin = from->origin;
    to->n_captures = from->n_captures;
    to->captures =
        eki_arena_memdup(&view->arena, from->captures, eki_size_of((size_t)from->n_captures, sizeof *from->captures));
    if (to->captures == NULL) return eki_fail_nomem(err, (size_t)from->n_captures * sizeof *from->captures);
    map_values(map, from->captures, from->n_captures, to->captures);
    return EK_OK;
}

/* A removed node, which is known for what it made. */
static ek_status copy_gone(eki_graph *view, const eki_node *from, eki_node **out, ek_error *err) {
    eki_node *to = eki_arena_memdup(&view->arena, from, eki_sized(sizeof *from));
    if (to == NULL) return eki_fail_nomem(err, sizeof *from);
    to->out = eki_arena_alloc(&view->arena, eki_size_of((size_t)from->n_out + 1, sizeof(eki_value *)));
    if (to->out == NULL) return eki_fail_nomem(err, (size_t)from->n_out * sizeof(eki_value *));
    map_values(view->values, from->out, from->n_out, to->out);
    *out = to;
    return EK_OK;
}

/* The list of the file's nodes, where removed ones stay; all but those have an id in the graph. */
static ek_status copy_file_nodes(eki_graph *view, const eki_graph *graph, ek_error *err) {
    view->n_file_nodes = graph->n_file_nodes;
    view->file_nodes = eki_arena_alloc(&view->arena, eki_size_of(graph->n_file_nodes, sizeof *view->file_nodes));
    if (view->file_nodes == NULL) return eki_fail_nomem(err, graph->n_file_nodes * sizeof *view->file_nodes);
    for (size_t i = 0; i < graph->n_file_nodes; i++) {
        eki_node *node = graph->file_nodes[i];
        if (node->op_type != NULL) view->file_nodes[i] = view->nodes[node->id];
        if (node->op_type == NULL) EKI_TRY(copy_gone(view, node, &view->file_nodes[i], err));
    }
    return EK_OK;
}

static ek_status copy_opsets(eki_graph *view, const eki_graph *graph, ek_error *err) {
    for (size_t i = 0; i < graph->n_opsets; i++) {
        EKI_TRY(eki_graph_add_opset(view, graph->opsets[i].domain, graph->opsets[i].version, err));
        view->opsets[view->n_opsets - 1].origin = graph->opsets[i].origin;
    }
    return EK_OK;
}

static ek_status copy_interface(eki_graph *view, const eki_graph *graph, ek_error *err) {
    for (size_t i = 0; i < graph->n_inputs; i++) {
        EKI_TRY(eki_graph_add_input(view, view->values[graph->inputs[i]->id], err));
    }
    for (size_t i = 0; i < graph->n_outputs; i++) {
        EKI_TRY(eki_graph_add_output(view, view->values[graph->outputs[i]->id], err));
    }
    return EK_OK;
}

static ek_status copy_values(const copier *c, const eki_graph *graph, ek_error *err) {
    eki_graph *view = c->view;
    for (size_t i = 0; i < graph->n_values; i++) {
        eki_value *copy; /* gets the id of the original */
        EKI_TRY(copy_value(c, graph->values[i], &copy, err));
        copy->outer = copy_of_outer(c, graph->values[i]->outer);
    }
    for (size_t i = 0; i < graph->n_values; i++) {
        const eki_value *replaces = graph->values[i]->replaces;
        if (replaces != NULL) view->values[i]->replaces = view->values[replaces->id];
    }
    return EK_OK;
}

/* One graph, with those in it where they are copied. */
static ek_status fill_graph(const copier *c, const eki_graph *graph, ek_error *err) {
    eki_graph *view = c->view;
    view->path = graph->path;
    view->original = graph;
    view->name = graph->name;
    view->ir_version = graph->ir_version;
    view->origin = graph->origin;
    view->half = graph->half;
    view->is_function = graph->is_function;
    for (size_t i = 0; i < graph->n_symbols; i++) {
        int64_t dim;
        EKI_TRY(eki_graph_symbol(view, graph->symbols[i], &dim, err));
    }
    EKI_TRY(copy_values(c, graph, err));
    for (size_t i = 0; i < graph->n_nodes; i++) EKI_TRY(copy_node(c, graph->nodes[i], view->values, err));
    EKI_TRY(copy_file_nodes(view, graph, err));
    EKI_TRY(copy_interface(view, graph, err));
    return copy_opsets(view, graph, err);
}

static ek_status copy_functions(const copier *c, const eki_graph *graph, ek_error *err) {
    eki_graph *view = c->view;
    view->functions = graph->functions;
    view->n_functions = graph->n_functions;
    if (!c->deep) return EK_OK;
    eki_size size = eki_size_of(graph->n_functions, sizeof *graph->functions);
    view->functions = eki_arena_memdup(&view->arena, graph->functions, size);
    if (view->functions == NULL) return eki_fail_nomem(err, size.bytes);
    for (size_t i = 0; i < graph->n_functions; i++) {
        copier inner = {.shared = c->shared, .deep = true, .from = graph->functions[i].body};
        EKI_TRY(eki_graph_add_child(view, &inner.view, err));
        inner.view->parent = NULL;
        EKI_TRY(fill_graph(&inner, inner.from, err));
        view->functions[i].body = inner.view;
        inner.view->name = view->functions[i].name;
    }
    return EK_OK;
}

static ek_status fill_view(const copier *c, const eki_graph *graph, ek_error *err) {
    eki_graph *view = c->view;
    view->model_origin = graph->model_origin;
    EKI_TRY(fill_graph(c, graph, err));
    for (size_t i = 0; i < graph->n_meta; i++) {
        if (graph->meta[i].value == NULL) continue;
        EKI_TRY(eki_graph_set_meta(view, graph->meta[i].key, graph->meta[i].value, err));
        view->meta[view->n_meta - 1].origin = graph->meta[i].origin;
    }
    return copy_functions(c, graph, err);
}

static ek_status make_view(const eki_graph *graph, bool shared, bool deep, eki_graph **out, ek_error *err) {
    copier c = {.shared = shared, .deep = deep, .from = graph};
    *out = NULL;
    EKI_TRY(eki_graph_create(0, &c.view, err));
    ek_status status = fill_view(&c, graph, err);
    if (status != EK_OK) {
        eki_graph_destroy(c.view);
        return status;
    }
    *out = c.view;
    return EK_OK;
}

static ek_status copy_touched(const copier *c, eki_value *const *values, int count, eki_value **map, ek_error *err) {
    for (int k = 0; k < count; k++) {
        if (values[k] == NULL || map[values[k]->id] != NULL) continue;
        EKI_TRY(copy_value(c, values[k], &map[values[k]->id], err));
    }
    return EK_OK;
}

static ek_status fill_cut(const copier *c, const eki_graph *graph, const bool *nodes, eki_value **map, ek_error *err) {
    c->view->path = graph->path;
    c->view->half = graph->half;
    const eki_graph *root = graph;
    while (root->parent != NULL) root = root->parent;
    EKI_TRY(copy_opsets(c->view, root, err));
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (!nodes[node->id]) continue;
        EKI_TRY(copy_touched(c, node->in, node->n_in, map, err));
        EKI_TRY(copy_touched(c, node->out, node->n_out, map, err));
        EKI_TRY(copy_touched(c, node->captures, node->n_captures, map, err));
        EKI_TRY(copy_node(c, node, map, err));
    }
    return EK_OK;
}

ek_status eki_graph_cut(const eki_graph *graph, const bool *nodes, eki_graph **out, ek_error *err) {
    eki_value **map = eki_calloc(graph->n_values + 1, sizeof *map);
    copier c = {.shared = false};
    *out = NULL;
    ek_status status = map == NULL ? eki_fail_nomem(err, graph->n_values) : eki_graph_create(0, &c.view, err);
    if (status == EK_OK) status = fill_cut(&c, graph, nodes, map, err);
    free(map);
    if (status != EK_OK) {
        eki_graph_destroy(c.view);
        return status;
    }
    *out = c.view;
    return EK_OK;
}

ek_status eki_graph_view(const eki_graph *graph, eki_graph **view, ek_error *err) {
    return make_view(graph, false, true, view, err);
}

ek_status eki_graph_again(const eki_graph *program, eki_graph **copy, ek_error *err) {
    return make_view(program, true, false, copy, err);
}

/* The number that a graph holds, as the result of a Constant node: nothing trains it. */
static ek_status append_constant(const copier *c, const eki_value *from, eki_value *to, ek_error *err) {
    eki_node *node;
    eki_attr *attr;
    EKI_TRY(eki_graph_add_op(c->view, EKI_OP_Constant, "", NULL, 0, &to, 1, &node, err));
    EKI_TRY(eki_node_attr_slot(c->view, node, "value", &attr, err));
    attr->type = EKI_ATTR_TENSOR;
    return borrow_tensor(c, from->init, &attr->t, err);
}

ek_status eki_graph_append(eki_graph *graph, const eki_graph *from, const char *stem, eki_value **map, ek_error *err) {
    const copier c = {.view = graph, .from = from};
    for (size_t i = 0; i < from->n_values; i++) {
        const eki_value *value = from->values[i];
        if (map[i] != NULL) continue;
        EKI_TRY(eki_graph_fresh(graph, stem, value->name, &map[i], err));
        map[i]->dtype = value->dtype;
        map[i]->shape.rank = -1;
        if (value->init != NULL) EKI_TRY(append_constant(&c, value, map[i], err));
    }
    for (size_t i = 0; i < from->n_nodes; i++) {
        EKI_TRY(copy_node(&c, from->nodes[i], map, err));
        graph->nodes[graph->n_nodes - 1]->opset = eki_node_opset(from, from->nodes[i]);
    }
    return EK_OK;
}

ek_status eki_graph_view_outer(const eki_graph *graph, eki_graph **view, ek_error *err) {
    return make_view(graph, false, false, view, err);
}

ek_status eki_graph_program(eki_graph *document, eki_graph **program, ek_error *err) {
    EKI_TRY(make_view(document, true, false, program, err));
    ek_status status = eki_graph_preprocessed(document) ? eki_strip_preprocess(*program, err) : EK_OK;
    /* A mark that does not fit the graph any more is no reason not to run it as it is. */
    if (status == EK_ERR_FORMAT) {
        eki_graph_destroy(*program);
        EKI_TRY(make_view(document, true, false, program, err));
        status = EK_OK;
    }
    if (status == EK_OK) status = eki_inline_functions(*program, err);
    if (status == EK_OK) status = eki_graph_sort(*program, err);
    if (status == EK_OK) status = eki_own_operators(*program, err);
    if (status == EK_OK) status = eki_lift_parameters(*program, err);
    if (status == EK_OK) status = eki_fuse_norms(*program, err);
    if (status == EK_OK) return EK_OK;
    eki_graph_destroy(*program);
    *program = NULL;
    return status;
}
