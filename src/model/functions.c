/* functions.c: what the functions of a model cost, and why some cannot be replaced by their bodies.
 *
 * A function of two calls of a function of two calls and so on makes a program of any size out of a small file, and one
 * that calls itself never ends. Both are found before anything is written: each function is weighed once, its callees
 * first, with a stack of our own.
 */
#include "model/functions.h"

#include "base/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const char *domain, const char *name, const char *overload) {
    return eki_hash_text(domain) * 31 + eki_hash_text(name) * 17 + eki_hash_text(overload);
}

static const char *normal(const char *domain) { return strcmp(domain, "ai.onnx") == 0 ? "" : domain; }

static size_t slot_of(const eki_callees *c, const char *domain, const char *name, const char *overload) {
    size_t slot = (size_t)hash_of(domain, name, overload) & (c->n_slots - 1);
    for (; c->slots[slot] != 0; slot = (slot + 1) & (c->n_slots - 1)) {
        const eki_function *f = c->items[c->slots[slot] - 1].function;
        if (strcmp(f->name, name) == 0 && strcmp(normal(f->domain), domain) == 0 && strcmp(f->overload, overload) == 0)
            break;
    }
    return slot;
}

eki_callee *eki_callee_of(const eki_callees *c, const eki_node *node) {
    if (node->op_type == NULL || eki_op_find(node->op, eki_graph_opset(c->program, node->domain)) != NULL) return NULL;
    size_t index = c->slots[slot_of(c, node->domain, node->op_type, node->overload)];
    return index == 0 ? NULL : &c->items[index - 1];
}

static ek_status refuse(const eki_callees *c, eki_callee *callee, const char *text, ek_error *err) {
    callee->why = eki_arena_strdup(c->arena, text);
    return callee->why == NULL ? eki_fail_nomem(err, strlen(text)) : EK_OK;
}

/* A program has one opset for each domain, that of the model. */
static ek_status check_opset(const eki_callees *c, eki_callee *callee, const eki_node *node, ek_error *err) {
    int64_t own = eki_graph_opset(callee->function->body, ""), model = eki_graph_opset(c->program, "");
    int64_t low = own < model ? own : model, high = own < model ? model : own;
    char text[320], what[96];
    if (node->op == EKI_OP_NONE || own == 0 || own == model || callee->why != NULL) return EK_OK;
    int64_t change = eki_op_next_change(node->op, low);
    if (change == 0 || change > high) return EK_OK;
    (void)snprintf(text, sizeof text,
                   "it is of opset %" PRId64 ", the model of %" PRId64 ", and %s changed at %" PRId64 ": %s", own,
                   model, node->op_type, change, eki_op_change(node->op, change, what));
    return refuse(c, callee, text, err);
}

/* Takes in what a function needs that this one calls. */
static ek_status add_call(const eki_callees *c, eki_callee *callee, const eki_callee *called, ek_error *err) {
    if (called->height + 1 > callee->height) callee->height = called->height + 1;
    callee->nodes += called->nodes - 1; /* the call itself is none any more */
    if (callee->why != NULL) return EK_OK;
    callee->why = called->why;
    if (callee->height > EKI_FUNCTION_DEPTH)
        return refuse(c, callee, "it calls functions that call functions, more than 64 deep", err);
    if (callee->nodes <= EKI_FUNCTION_NODES) return EK_OK;
    callee->nodes = EKI_FUNCTION_NODES + 1; /* sums of these cannot overflow */
    return refuse(c, callee, "with the functions that it calls it would be more than 131072 nodes", err);
}

typedef struct frame {
    eki_callee *callee;
    size_t node; /* which is next */
} frame;

/* One step: the next node of the function on top. */
static ek_status step(const eki_callees *c, frame *stack, size_t *depth, ek_error *err) {
    frame *top = &stack[*depth - 1];
    const eki_graph *body = top->callee->function->body;
    if (top->node == body->n_nodes) {
        top->callee->state = EKI_CALLEE_DONE;
        --*depth;
        return EK_OK;
    }
    const eki_node *node = body->nodes[top->node];
    eki_callee *called = eki_callee_of(c, node);
    if (called != NULL && called->state == EKI_CALLEE_NEW) {
        called->state = EKI_CALLEE_OPEN;
        stack[(*depth)++] = (frame){.callee = called};
        return EK_OK;
    }
    top->node++;
    if (called == NULL) return check_opset(c, top->callee, node, err);
    if (called->state == EKI_CALLEE_OPEN) return refuse(c, top->callee, "it calls itself", err);
    return add_call(c, top->callee, called, err);
}

static ek_status weigh(const eki_callees *c, ek_error *err) {
    frame *stack = eki_alloc(eki_size_of(c->count + 1, sizeof *stack));
    ek_status status = stack == NULL ? eki_fail_nomem(err, c->count * sizeof *stack) : EK_OK;
    for (size_t i = 0; status == EK_OK && i < c->count; i++) {
        size_t depth = 1;
        if (c->items[i].state != EKI_CALLEE_NEW) continue;
        c->items[i].state = EKI_CALLEE_OPEN;
        stack[0] = (frame){.callee = &c->items[i]};
        while (status == EK_OK && depth > 0) status = step(c, stack, &depth, err);
    }
    free(stack);
    return status;
}

static ek_status list(eki_callees *c, ek_error *err) {
    const eki_graph *program = c->program;
    c->items = eki_calloc(program->n_functions + 1, sizeof *c->items);
    for (c->n_slots = 16; c->n_slots < 2 * program->n_functions;) c->n_slots *= 2;
    c->slots = eki_calloc(c->n_slots, sizeof *c->slots);
    if (c->items == NULL || c->slots == NULL) return eki_fail_nomem(err, c->n_slots * sizeof *c->slots);
    for (size_t i = 0; i < program->n_functions; i++) {
        const eki_function *f = &program->functions[i];
        c->items[i] = (eki_callee){.function = f, .nodes = (int64_t)f->body->n_nodes};
        c->items[i].shared = eki_calloc(f->body->n_values + 1, sizeof *c->items[i].shared);
        c->count = i + 1;
        if (c->items[i].shared == NULL) return eki_fail_nomem(err, f->body->n_values * sizeof(void *));
        c->slots[slot_of(c, normal(f->domain), f->name, f->overload)] = i + 1; /* of two, the last counts */
    }
    return EK_OK;
}

/* A model of nothing but calls may import ONNX's operators in its functions alone. */
static ek_status import_opset(eki_graph *program, ek_error *err) {
    for (size_t i = 0; i < program->n_functions && eki_graph_opset(program, "") == 0; i++) {
        int64_t own = eki_graph_opset(program->functions[i].body, "");
        if (own != 0) EKI_TRY(eki_graph_add_opset(program, "", own, err));
    }
    return EK_OK;
}

ek_status eki_callees_create(eki_graph *program, eki_callees *callees, ek_error *err) {
    *callees = (eki_callees){.program = program, .arena = &program->arena};
    ek_status status = import_opset(program, err);
    if (status == EK_OK) status = list(callees, err);
    if (status == EK_OK) status = weigh(callees, err);
    if (status != EK_OK) eki_callees_free(callees);
    return status;
}

void eki_callees_free(eki_callees *callees) {
    for (size_t i = 0; i < callees->count; i++) free(callees->items[i].shared);
    free(callees->items);
    free(callees->slots);
    *callees = (eki_callees){0};
}
