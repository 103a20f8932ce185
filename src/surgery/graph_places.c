/* graph_places.c: the graphs of a document, one after the other, so that whoever changes one can change all. */
#include "surgery/graph_places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *eki_place_name(const eki_place *place, const char *name, char text[512]) {
    (void)snprintf(text, 512, "%.300s%.200s", place->path, name);
    return text;
}

bool eki_place_is_main(const eki_place *place) { return place->around < 0 && !place->graph->is_function; }

static ek_status joined(eki_places *p, const char *a, const char *b, const char *c, const char **out, ek_error *err) {
    size_t room = strlen(a) + strlen(b) + strlen(c) + 3;
    char *text = eki_arena_alloc(&p->arena, eki_sized(room));
    *out = text;
    if (text == NULL) return eki_fail_nomem(err, room);
    (void)snprintf(text, room, "%s%s%s%s/", a, b, c[0] != '\0' ? "/" : "", c);
    return EK_OK;
}

static ek_status add(eki_places *p, eki_graph *graph, const char *path, int around, ek_error *err) {
    if (!eki_grow((void **)&p->items, &p->room, p->count + 1, sizeof *p->items)) {
        return eki_fail_nomem(err, (p->count + 1) * sizeof *p->items);
    }
    p->items[p->count++] = (eki_place){.graph = graph, .path = path, .around = around};
    return eki_graph_sort(graph, err);
}

/* The graphs that nest in the nodes of a place, and all in them: places behind it in the list. */
static ek_status add_nested(eki_places *p, size_t at, ek_error *err) {
    const eki_graph *graph = p->items[at].graph;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        for (int k = 0; k < node->n_attr; k++) {
            const eki_attr *attr = &node->attrs[k];
            const char *path;
            if (attr->type != EKI_ATTR_GRAPHS) continue;
            EKI_TRY(joined(p, p->items[at].path, eki_node_name(node), attr->name, &path, err));
            for (size_t g = 0; g < attr->count; g++) EKI_TRY(add(p, attr->graphs[g], path, (int)at, err));
        }
    }
    return EK_OK;
}

static ek_status list(eki_places *p, eki_graph *view, ek_error *err) {
    EKI_TRY(add(p, view, "", -1, err));
    for (size_t i = 0; i < view->n_functions; i++) {
        const eki_function *f = &view->functions[i];
        size_t room = strlen(f->domain) + strlen(f->name) + 3;
        char *path = eki_arena_alloc(&p->arena, eki_sized(room));
        if (path == NULL) return eki_fail_nomem(err, room);
        (void)snprintf(path, room, "%s.%s/", f->domain, f->name);
        EKI_TRY(add(p, f->body, path, -1, err));
    }
    for (size_t i = 0; i < p->count; i++) EKI_TRY(add_nested(p, i, err));
    return EK_OK;
}

/* What the graph around knows of the values that this one reads of it; symbols are of one graph each. */
static ek_status take_outer(eki_graph *graph, ek_error *err) {
    for (size_t i = 0; i < graph->n_values; i++) {
        eki_value *value = graph->values[i];
        const eki_value *outer = value->outer;
        if (outer == NULL) continue;
        value->dtype = outer->init != NULL ? outer->init->dtype : outer->dtype;
        value->shape = outer->init != NULL ? outer->init->shape : outer->shape;
        for (int d = 0; d < value->shape.rank; d++) {
            if (value->shape.dims[d] < 0) EKI_TRY(eki_graph_symbol(graph, "", &value->shape.dims[d], err));
        }
    }
    return EK_OK;
}

/* One more call's shape of a value: what the calls do not agree in is not known. */
static ek_status merge(eki_graph *body, eki_value *value, bool first, const eki_value *copy, ek_error *err) {
    eki_shape *shape = &value->shape;
    if (first) *shape = copy->shape;
    if (first) value->dtype = copy->dtype;
    if (value->dtype != copy->dtype) value->dtype = EK_DTYPE_NONE;
    if (shape->rank != copy->shape.rank) shape->rank = -1;
    for (int d = 0; d < shape->rank; d++) {
        bool agrees = shape->dims[d] >= 0 && shape->dims[d] == copy->shape.dims[d];
        if (!agrees) EKI_TRY(eki_graph_symbol(body, "", &shape->dims[d], err));
    }
    return EK_OK;
}

/* The function that a value of the program is a copy from; neighbours mostly are of one. -1 = of none. */
static int function_of(const eki_graph *document, const eki_value *value, int last) {
    for (size_t i = 0; value->body != NULL && i < document->n_functions; i++) {
        size_t at = ((size_t)(last > 0 ? last : 0) + i) % document->n_functions;
        const eki_graph *own = document->functions[at].body;
        if ((size_t)value->body->id < own->n_values && own->values[value->body->id] == value->body) return (int)at;
    }
    return -1;
}

static ek_status learn(const eki_graph *document, eki_graph *view, const eki_graph *program, bool *const *seen,
                       ek_error *err) {
    int last = 0;
    for (size_t i = 0; i < program->n_values; i++) {
        const eki_value *copy = program->values[i];
        int at = function_of(document, copy, last);
        if (at < 0) continue;
        eki_graph *body = view->functions[at].body;
        int id = copy->body->id;
        last = at;
        EKI_TRY(merge(body, body->values[id], !seen[at][id], copy, err));
        seen[at][id] = true;
    }
    return EK_OK;
}

static ek_status learn_all(const eki_graph *document, eki_graph *view, const eki_graph *program, ek_error *err) {
    size_t n = document->n_functions;
    bool **seen = eki_calloc(n + 1, sizeof *seen);
    ek_status status = seen == NULL ? eki_fail_nomem(err, n * sizeof *seen) : EK_OK;
    for (size_t i = 0; status == EK_OK && i < n; i++) {
        seen[i] = eki_calloc(document->functions[i].body->n_values + 1, sizeof **seen);
        if (seen[i] == NULL) status = eki_fail_nomem(err, document->functions[i].body->n_values);
    }
    if (status == EK_OK) status = learn(document, view, program, seen, err);
    for (size_t i = 0; seen != NULL && i < n; i++) free(seen[i]);
    free(seen);
    return status;
}

/* What cannot be inferred is left open; that memory ended is said. */
static ek_status infer_what_can_be(eki_graph *graph, ek_error *err) {
    ek_error own = {.text = ""};
    ek_status status = eki_graph_infer(graph, NULL, &own);
    return status == EK_ERR_NOMEM ? eki_fail(err, status, "%s", own.text) : EK_OK;
}

ek_status eki_learn_shapes(const ek_model *model, eki_graph *view, ek_error *err) {
    eki_graph *program;
    if (model->document->n_functions == 0) return EK_OK;
    EKI_TRY(eki_graph_view_outer(model->graph, &program, err));
    ek_status status = infer_what_can_be(program, err);
    if (status == EK_OK) status = learn_all(model->document, view, program, err);
    eki_graph_destroy(program);
    return status;
}

static ek_status infer(const eki_place *place, bool strict, ek_error *err) {
    bool must = strict && eki_place_is_main(place);
    EKI_TRY(take_outer(place->graph, err));
    return must ? eki_graph_infer(place->graph, NULL, err) : infer_what_can_be(place->graph, err);
}

/* The type that new constants are stored in, where the graph has no initializers that tell it. */
static ek_dtype half_of(const eki_place *place, const eki_places *p) {
    const eki_graph *graph = place->graph;
    if (graph->half != EK_DTYPE_NONE) return graph->half;
    for (size_t i = 0; i < graph->n_values; i++) {
        const eki_tensor *tensor = eki_constant(graph->values[i]);
        if (tensor != NULL && tensor->dtype == EK_F32 && tensor->shape.rank > 0) return tensor->stored;
    }
    return place->around >= 0 ? p->items[place->around].graph->half : EK_DTYPE_NONE;
}

static ek_status keep(eki_place *place, ek_error *err) {
    place->values = place->graph->n_values;
    EKI_TRY(eki_declared_keep(place->graph, &place->declared, err));
    return eki_uses_create(place->graph, &place->before, err);
}

ek_status eki_places_list(eki_graph *view, eki_places *places, ek_error *err) {
    *places = (eki_places){0};
    ek_status status = list(places, view, err);
    for (size_t i = 1; i < places->count; i++) places->items[i].graph->half = half_of(&places->items[i], places);
    if (status != EK_OK) eki_places_free(places);
    return status;
}

ek_status eki_places_open(const ek_model *model, eki_graph *view, bool strict, eki_places *places, ek_error *err) {
    EKI_TRY(eki_places_list(view, places, err));
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < places->count; i++) status = keep(&places->items[i], err);
    if (status == EK_OK) status = eki_learn_shapes(model, view, err);
    for (size_t i = 0; status == EK_OK && i < places->count; i++) status = infer(&places->items[i], strict, err);
    if (status != EK_OK) eki_places_free(places);
    return status;
}

/* A graph that was changed may read less of those around it. */
static void mark_around(const eki_places *p) {
    for (size_t i = p->count; i-- > 0;) {
        if (p->items[i].changed && p->items[i].around >= 0) p->items[p->items[i].around].changed = true;
    }
}

ek_status eki_places_close(eki_places *p, ek_error *err) {
    mark_around(p);
    for (size_t i = p->count; i-- > 0;) {
        eki_place *place = &p->items[i];
        if (!place->changed) continue;
        EKI_TRY(eki_graph_resolve(p->items[0].graph, err));
        EKI_TRY(eki_edit_finish(place->graph, &place->before, place->values, err));
    }
    return eki_graph_resolve(p->items[0].graph, err);
}

void eki_places_free(eki_places *p) {
    for (size_t i = 0; i < p->count; i++) {
        if (p->items[i].declared != NULL) eki_declared_restore(p->items[i].graph, p->items[i].declared);
        eki_uses_free(&p->items[i].before);
    }
    free(p->items);
    eki_arena_free(&p->arena);
    *p = (eki_places){0};
}
