/* inline.c: calls of the model's own functions replaced by their bodies, in a program.
 *
 * Values and nodes of a body are named after the call ("block1/bn1"), what a call leaves out is absent within, and its
 * attributes stand where the body refers to them. A constant of a body is one value for all calls: whoever trains it or
 * measures it, moves all of them. A call that cannot be replaced stays, and says why.
 */
#include "model/functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct inliner {
    eki_graph *program;
    eki_callees callees;
    int64_t nodes;  /* made so far */
    size_t repeats; /* names that were taken */
    ek_error *err;
} inliner;

/* One call at work. */
typedef struct call {
    const eki_node *node; /* its inputs, outputs and attributes are the program's */
    eki_callee *callee;
    const char *prefix;
    eki_value **map; /* by value id of the body */
} call;

static ek_status fresh_value(inliner *in, const char *prefix, const char *name, eki_value **out) {
    char text[512];
    (void)snprintf(text, sizeof text, "%.240s/%.240s", prefix, name);
    while (eki_graph_find(in->program, text) != NULL) {
        (void)snprintf(text, sizeof text, "%.240s/%.220s_%zu", prefix, name, ++in->repeats);
    }
    return eki_graph_value(in->program, text, out, in->err);
}

static const eki_attr *caller_attr(const call *c, const char *name) {
    const eki_function *f = c->callee->function;
    const eki_attr *attr = eki_node_attr(c->node, name);
    for (int i = 0; attr == NULL && i < f->n_defaults; i++) {
        if (strcmp(f->defaults[i].name, name) == 0) attr = &f->defaults[i];
    }
    return attr;
}

/* The attributes of a node of the body; one that the caller leaves out is not there. */
static ek_status take_attributes(inliner *in, const call *c, const eki_node *from, eki_node *to) {
    eki_arena *arena = &in->program->arena;
    to->n_attr = 0;
    to->attrs = eki_arena_alloc(arena, eki_size_of((size_t)from->n_attr + 1, sizeof *to->attrs));
    if (to->attrs == NULL) return eki_fail_nomem(in->err, (size_t)from->n_attr * sizeof *to->attrs);
    for (int i = 0; i < from->n_attr; i++) {
        const eki_attr *own = &from->attrs[i], *attr = own->ref != NULL ? caller_attr(c, own->ref) : own;
        if (attr == NULL) continue;
        eki_attr *copy = &to->attrs[to->n_attr++];
        *copy = *attr;
        copy->name = own->name;
        if (attr->t == NULL) continue;
        copy->t = eki_arena_memdup(arena, attr->t, eki_sized(sizeof *attr->t));
        if (copy->t == NULL) return eki_fail_nomem(in->err, sizeof *attr->t);
        copy->t->owned = false;
        copy->t->source = attr->t;
    }
    return EK_OK;
}

/* Whether its result is one value for all calls. */
static bool is_shared(const eki_node *node) {
    return node->op == EKI_OP_Constant && node->n_out == 1 && node->out[0] != NULL && !node->out[0]->is_output &&
           eki_node_reference(node) == NULL;
}

static ek_status map_value(inliner *in, const call *c, const eki_value *value, eki_value **out) {
    eki_value **at = value == NULL ? NULL : &c->map[value->id];
    *out = NULL;
    if (at == NULL) return EK_OK;
    bool formal = value->input_index >= 0; /* NULL there: the call leaves it out */
    if (*at == NULL && !formal) {
        const eki_node *maker = value->producer;
        bool shared = maker != NULL && is_shared(maker);
        EKI_TRY(fresh_value(in, shared ? c->callee->function->name : c->prefix, value->name, at));
        (*at)->body = value;
        if (shared) c->callee->shared[value->id] = *at;
    }
    *out = *at;
    return EK_OK;
}

static ek_status map_values(inliner *in, const call *c, eki_value *const *from, int count, eki_value ***out) {
    *out = eki_arena_alloc(&in->program->arena, eki_size_of((size_t)count + 1, sizeof **out));
    if (*out == NULL) return eki_fail_nomem(in->err, (size_t)count * sizeof **out);
    for (int i = 0; i < count; i++) EKI_TRY(map_value(in, c, from[i], &(*out)[i]));
    return EK_OK;
}

static ek_status add_node(inliner *in, const call *c, const eki_node *from, const eki_node *made) {
    char name[512] = "";
    eki_node *node;
    if (from->name[0] != '\0') (void)snprintf(name, sizeof name, "%.240s/%.240s", c->prefix, from->name);
    EKI_TRY(eki_graph_add_node(in->program, from->op_type, from->domain, name, made->in, made->n_in, made->out,
                               made->n_out, &node, in->err));
    node->overload = from->overload;
    node->why = made->why;
    node->attrs = made->attrs;
    node->n_attr = made->n_attr;
    node->n_captures = from->n_captures;
    EKI_TRY(map_values(in, c, from->captures, from->n_captures, &node->captures));
    for (int i = 0; i < node->n_captures; i++) {
        if (node->captures[i] != NULL) node->captures[i]->captured++;
    }
    in->nodes++;
    return EK_OK;
}

static ek_status replace(inliner *in, const eki_node *node, eki_callee *callee, const char *prefix);

/* Why this call cannot be replaced; NULL = it can. */
static const char *why_not(const inliner *in, const eki_node *node, const eki_callee *callee) {
    const eki_graph *body = callee->function->body;
    if (callee->why != NULL) return callee->why;
    if ((size_t)node->n_in > body->n_inputs) return "it is called with more inputs than the function has";
    if ((size_t)node->n_out > body->n_outputs) return "it is called for more outputs than the function has";
    for (int k = 0; k < node->n_out; k++) {
        int input = body->outputs[k]->input_index;
        bool absent = input >= node->n_in || (input >= 0 && node->in[input] == NULL);
        if (node->out[k] != NULL && absent) return "it gives back an input that the call leaves out";
    }
    bool fits = callee->nodes <= EKI_FUNCTION_NODES - in->nodes;
    return fits ? NULL : "the functions of the model would be more than 131072 nodes";
}

static ek_status write_node(inliner *in, const call *c, const eki_node *from) {
    char prefix[512];
    eki_node made = *from;
    bool shared = is_shared(from);
    if (shared && c->callee->shared[from->out[0]->id] != NULL) { /* another call has made it */
        c->map[from->out[0]->id] = c->callee->shared[from->out[0]->id];
        return EK_OK;
    }
    EKI_TRY(take_attributes(in, c, from, &made));
    EKI_TRY(map_values(in, c, from->in, from->n_in, &made.in));
    EKI_TRY(map_values(in, c, from->out, from->n_out, &made.out));
    eki_callee *called = eki_callee_of(&in->callees, from);
    made.why = called != NULL ? why_not(in, &made, called) : NULL;
    if (called == NULL || made.why != NULL) return add_node(in, c, from, &made);
    (void)snprintf(prefix, sizeof prefix, "%.240s/%.240s", c->prefix, eki_node_name(from));
    return replace(in, &made, called, prefix);
}

/* What the call makes is what the body's outputs are; one that is an input, or twice an output, comes of an Identity.
 */
static ek_status bind(inliner *in, const call *c, bool *through) {
    const eki_graph *body = c->callee->function->body;
    for (int i = 0; i < c->node->n_in; i++) c->map[body->inputs[i]->id] = c->node->in[i];
    for (int k = 0; k < c->node->n_out; k++) {
        eki_value *out = c->node->out[k], **at = &c->map[body->outputs[k]->id];
        through[k] = out != NULL && *at != NULL;
        if (out == NULL || through[k]) continue;
        *at = out;
        out->body = body->outputs[k];
    }
    for (int k = 0; k < c->node->n_out; k++) {
        if (!through[k]) continue;
        eki_value *from = c->map[body->outputs[k]->id], *out = c->node->out[k];
        EKI_TRY(eki_graph_add_op(in->program, EKI_OP_Identity, "", &from, 1, &out, 1, NULL, in->err));
    }
    return EK_OK;
}

static ek_status replace(inliner *in, const eki_node *node, eki_callee *callee, const char *prefix) {
    const eki_graph *body = callee->function->body;
    call c = {.node = node, .callee = callee, .prefix = prefix};
    c.map = eki_calloc(body->n_values + 1, sizeof *c.map);
    bool *through = eki_calloc((size_t)node->n_out + 1, sizeof *through);
    ek_status status = c.map == NULL || through == NULL ? eki_fail_nomem(in->err, body->n_values) : EK_OK;
    if (status == EK_OK) status = bind(in, &c, through);
    for (size_t i = 0; status == EK_OK && i < body->n_nodes; i++) status = write_node(in, &c, body->nodes[i]);
    free(c.map);
    free(through);
    return status;
}

static ek_status replace_all(inliner *in) {
    size_t nodes = in->program->n_nodes;
    for (size_t i = 0; i < nodes; i++) {
        eki_node *node = in->program->nodes[i];
        eki_callee *callee = eki_callee_of(&in->callees, node);
        if (callee == NULL) continue;
        node->why = why_not(in, node, callee);
        if (node->why != NULL) continue;
        const char *prefix = eki_node_name(node);
        for (int k = 0; k < node->n_out; k++) {
            if (node->out[k] != NULL) node->out[k]->producer = NULL;
        }
        eki_node_drop(node);
        EKI_TRY(replace(in, node, callee, prefix));
    }
    eki_graph_sweep(in->program);
    return EK_OK;
}

ek_status eki_inline_functions(eki_graph *program, ek_error *err) {
    inliner in = {.program = program, .err = err};
    if (program->n_functions == 0) return EK_OK;
    EKI_TRY(eki_callees_create(program, &in.callees, err));
    ek_status status = replace_all(&in);
    eki_callees_free(&in.callees);
    return status;
}
