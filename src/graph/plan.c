/* plan.c: from a graph and concrete input shapes to a list of steps.
 *
 * Operators are asked in order which layouts they want; where a tensor comes in another, a reorder step is put in front
 * (once per tensor and layout). Then the gradients are laid out in reverse: the first contribution to a tensor's
 * gradient is written in place, further ones go to a temporary and are added.
 */
#include "graph/plan.h"

#include "base/threads.h"
#include "dnnl/adapter.h"
#include "graph/call.h"

#include <stdlib.h>
#include <string.h>

typedef struct builder {
    eki_plan *plan;
    eki_plan_private *p;
    const eki_plan_request *request;
    size_t memory; /* of the machine: no plan can be larger */
    eki_tails tails;
    ek_error *err;
} builder;

static const eki_op reorder_op = {
    .name = "Reorder", .diff_inputs = 1, .forward = eki_op_reorder_forward, .backward = eki_op_reorder_backward};

static const eki_op shuffle_op = {.name = "ChannelShuffle",
                                  .diff_inputs = 1,
                                  .takes_bf16 = 1,
                                  .prepare = eki_op_shuffle_prepare,
                                  .forward = eki_op_shuffle_forward,
                                  .backward = eki_op_shuffle_backward};

static bool has_bit(uint32_t bits, int k) { return (bits >> (k > 31 ? 31 : k) & 1) != 0; }

/* A float32 to the graph, whose tensors may be bf16; a graph's own bf16 is a type that is moved, and no more. */
static bool is_real(const builder *b, const eki_value *value) { return b->p->known[value->id].dtype == EK_F32; }

static ek_status no_memory(builder *b) { return eki_fail(b->err, EK_ERR_NOMEM, "out of memory while planning"); }

int eki_plan_buffer(eki_plan_private *p, size_t bytes) {
    if (!eki_grow((void **)&p->buffers, &p->cap_buffers, p->n_buffers + 1, sizeof *p->buffers)) return -1;
    p->buffers[p->n_buffers] = (eki_buffer){.bytes = bytes, .host = (int)p->n_buffers};
    return (int)p->n_buffers++;
}

static size_t view_bytes(const eki_view *view) { return eki_view_elements(view) * eki_dtype_bytes(view->dtype); }

/* A new tensor for a value; memory is external when `data` is given. */
static ek_status add_tensor(builder *b, const eki_value *value, const eki_view *view, void *data, bool needs_grad,
                            int *index) {
    eki_plan_private *p = b->p;
    if (!eki_grow((void **)&p->tensors, &p->cap_tensors, p->n_tensors + 1, sizeof *p->tensors)) return no_memory(b);
    int buffer = data != NULL ? -1 : eki_plan_buffer(p, view_bytes(view));
    if (data == NULL && buffer < 0) return no_memory(b);
    eki_ptensor *tensor = &p->tensors[p->n_tensors];
    *tensor = (eki_ptensor){.value = value,
                            .view = *view,
                            .buffer = buffer,
                            .grad_buffer = -1,
                            .needs_grad = needs_grad,
                            .next_variant = -1};
    tensor->view.data = data;
    *index = (int)p->n_tensors++;
    return EK_OK;
}

static ek_status concrete_view(builder *b, const eki_value *value, eki_view *view) {
    const eki_known *known = &b->p->known[value->id];
    char text[192];
    int64_t count;
    *view = (eki_view){.dtype = known->dtype, .shape = known->shape, .layout = EK_LAYOUT_NCHW};
    if (!eki_shape_count(&known->shape, &count)) {
        return eki_fail(b->err, EK_ERR_UNSUPPORTED,
                        "the shape %s of '%s' is not known before running; give all input shapes, or fold the shape "
                        "arithmetic that makes it",
                        eki_shape_text(b->request->graph, &known->shape, text), value->name);
    }
    if (eki_dtype_bytes(known->dtype) == 0) {
        return eki_fail(b->err, EK_ERR_DTYPE, "'%s' has element type %s, which cannot be computed with", value->name,
                        eki_dtype_name(known->dtype));
    }
    size_t bytes = eki_size_of((size_t)count, eki_dtype_bytes(known->dtype)).bytes;
    if (bytes > b->memory) {
        return eki_fail(b->err, EK_ERR_LIMIT, "'%s' of shape %s would take %zu MiB; %zu MiB of memory are left",
                        value->name, eki_shape_text(b->request->graph, &known->shape, text), bytes >> 20,
                        b->memory >> 20);
    }
    return EK_OK;
}

static bool affine_frozen(const builder *b, const eki_node *node, int input) {
    return eki_affine_frozen(b->request->options->norm_switches, node, input);
}

/* The tensor a node reads for input k, made when it is the first to ask for an initializer or a folded constant. */
static ek_status input_tensor(builder *b, const eki_node *node, const eki_op *op, int k, int *index) {
    const eki_value *value = node->in[k];
    const eki_known *known = &b->p->known[value->id];
    *index = b->p->tensor_of_value[value->id];
    if (*index < 0) {
        eki_view view;
        EKI_TRY(concrete_view(b, value, &view));
        if (known->constant == NULL) {
            return eki_fail(b->err, EK_ERR_FORMAT, "value '%s' is read before anything writes it", value->name);
        }
        EKI_TRY(add_tensor(b, value, &view, known->constant->data, false, index));
        b->p->tensor_of_value[value->id] = *index;
    }
    bool differentiable = has_bit(op->diff_inputs, k);
    eki_ptensor *tensor = &b->p->tensors[*index];
    if (differentiable && tensor->grad_external == NULL && !affine_frozen(b, node, k)) {
        tensor->grad_external = eki_parameters_gradient(b->request->parameters, value);
        tensor->needs_grad = tensor->needs_grad || tensor->grad_external != NULL;
    }
    return EK_OK;
}

static ek_status new_step(builder *b, const eki_op *op, const eki_node *node, eki_pstep **out) {
    eki_pstep *pstep = eki_calloc(1, sizeof *pstep);
    if (pstep == NULL) return no_memory(b);
    pstep->step.op = op;
    pstep->step.node = node;
    pstep->step.plan = b->plan;
    pstep->forward_scratch = pstep->backward_scratch = pstep->saved = -1;
    pstep->residual = pstep->residual_din_buffer = -1;
    for (int i = 0; i < EKI_MAX_IO; i++) pstep->in[i] = pstep->out[i] = pstep->din_buffer[i] = -1;
    *out = pstep;
    return EK_OK;
}

static ek_status push_step(builder *b, eki_pstep *pstep) {
    eki_plan_private *p = b->p;
    if (!eki_grow((void **)&p->steps, &p->cap_steps, p->n_steps + 1, sizeof *p->steps)) {
        eki_call_release(&pstep->step);
        free(pstep);
        return no_memory(b);
    }
    p->steps[p->n_steps++] = pstep;
    return EK_OK;
}

/* The variant of tensor `index` in a layout and type, adding a reorder step when there is none yet. */
static ek_status variant(builder *b, int index, ek_layout layout, ek_dtype dtype, int *out) {
    eki_plan_private *p = b->p;
    int first = p->tensor_of_value[p->tensors[index].value->id];
    for (int i = first; i >= 0; i = p->tensors[i].next_variant) {
        if (p->tensors[i].view.layout == layout && p->tensors[i].view.dtype == dtype) {
            *out = i;
            return EK_OK;
        }
    }
    eki_view view = p->tensors[index].view;
    if (!is_real(b, p->tensors[index].value)) {
        return eki_fail(b->err, EK_ERR_UNSUPPORTED, "'%s' is %s; only float32 changes its layout",
                        p->tensors[index].value->name, eki_dtype_name(view.dtype));
    }
    view.layout = layout;
    view.dtype = dtype;
    EKI_TRY(add_tensor(b, p->tensors[index].value, &view, NULL, p->tensors[index].needs_grad, out));
    p->tensors[*out].next_variant = p->tensors[first].next_variant;
    p->tensors[first].next_variant = *out;
    eki_pstep *pstep = NULL;
    EKI_TRY(new_step(b, &reorder_op, NULL, &pstep));
    pstep->step.n_in = pstep->step.n_out = 1;
    pstep->step.has_in[0] = pstep->step.has_out[0] = true;
    pstep->step.want_din[0] = p->tensors[index].needs_grad;
    pstep->step.in[0] = p->tensors[index].view;
    pstep->step.in_layout[0] = pstep->step.in[0].layout;
    pstep->step.in_type[0] = pstep->step.in[0].dtype;
    pstep->step.out[0] = view;
    pstep->in[0] = index;
    pstep->out[0] = *out;
    return push_step(b, pstep);
}

/* What an operator is told of the type that its input k comes in. */
static ek_dtype type_given(const builder *b, const eki_op *op, int k, const eki_ptensor *tensor) {
    return is_real(b, tensor->value) && !has_bit(op->takes_bf16, k) ? EK_F32 : tensor->view.dtype;
}

static ek_status connect_inputs(builder *b, eki_pstep *pstep, bool *any_grad) {
    eki_step *step = &pstep->step;
    const eki_node *node = step->node;
    *any_grad = false;
    for (int k = 0; k < node->n_in; k++) {
        if (node->in[k] == NULL) continue;
        EKI_TRY(input_tensor(b, node, step->op, k, &pstep->in[k]));
        const eki_ptensor *tensor = &b->p->tensors[pstep->in[k]];
        bool differentiable = has_bit(step->op->diff_inputs, k);
        step->has_in[k] = true;
        step->in[k] = tensor->view;
        step->in_layout[k] = tensor->view.layout;
        step->in[k].dtype = step->in_type[k] = type_given(b, step->op, k, tensor);
        step->constant[k] = b->p->known[node->in[k]->id].constant;
        step->is_parameter[k] = node->in[k]->init != NULL;
        step->want_din[k] = tensor->needs_grad && differentiable && !affine_frozen(b, node, k);
        *any_grad = *any_grad || step->want_din[k];
    }
    return EK_OK;
}

static ek_status connect_tail(builder *b, eki_pstep *pstep, bool *any_grad) {
    eki_step *step = &pstep->step;
    const eki_tail_plan *tail = &b->tails.of[step->node->id];
    step->tail.activation = tail->activation;
    step->tail.shuffle = tail->shuffle;
    if (tail->residual == NULL) return EK_OK;
    int index = b->p->tensor_of_value[tail->residual->id];
    if (index < 0) {
        return eki_fail(b->err, EK_ERR_FORMAT, "value '%s' is read before anything writes it", tail->residual->name);
    }
    const eki_ptensor *tensor = &b->p->tensors[index];
    step->tail.residual = true;
    step->tail.in = tensor->view;
    step->tail.in_layout = tensor->view.layout;
    step->tail.in_type = tensor->view.dtype;
    step->tail.want_din = tensor->needs_grad;
    pstep->residual = index;
    *any_grad = *any_grad || tensor->needs_grad;
    return EK_OK;
}

/* The value that output k of a step is: with a tail, what comes out of that. */
static const eki_value *output_value(const builder *b, const eki_step *step, int k) {
    const eki_node *last = b->tails.of[step->node->id].last;
    return k == 0 && last != NULL ? last->out[0] : step->node->out[k];
}

static ek_status check_gradient(builder *b, const eki_pstep *pstep, bool any_grad) {
    const eki_node *node = pstep->step.node;
    for (int k = 0; k < node->n_in && pstep->step.op->backward == NULL; k++) {
        char label[192];
        if (pstep->in[k] < 0 || !b->p->tensors[pstep->in[k]].needs_grad) continue;
        if (!any_grad && pstep->step.op->diff_inputs != 0) continue;
        return eki_fail(
            b->err, EK_ERR_UNSUPPORTED,
            "%s has no gradient, but lies between a trainable parameter and the loss; freeze what is below it",
            eki_node_label(node, label));
    }
    return EK_OK;
}

static ek_status connect_outputs(builder *b, eki_pstep *pstep) {
    eki_step *step = &pstep->step;
    for (int k = 0; k < step->node->n_out; k++) {
        const eki_value *value = output_value(b, step, k);
        if (value == NULL) continue;
        step->has_out[k] = true;
        EKI_TRY(concrete_view(b, value, &step->out[k]));
    }
    return EK_OK;
}

static ek_status request_memory(builder *b, eki_pstep *pstep) {
    const eki_step *step = &pstep->step;
    bool training = b->request->options->backward;
    if (step->scratch_bytes > 0) {
        if ((pstep->forward_scratch = eki_plan_buffer(b->p, step->scratch_bytes)) < 0) return no_memory(b);
        if (training && (pstep->backward_scratch = eki_plan_buffer(b->p, step->scratch_bytes)) < 0) return no_memory(b);
    }
    if (step->saved_bytes > 0 && (pstep->saved = eki_plan_buffer(b->p, step->saved_bytes)) < 0) return no_memory(b);
    return EK_OK;
}

/* Puts the variant of a tensor in a layout and type in its place. */
static ek_status adopt_layout(builder *b, ek_layout layout, ek_dtype dtype, int *tensor, eki_view *view) {
    if (*tensor < 0) return EK_OK;
    const eki_view *have = &b->p->tensors[*tensor].view;
    if (have->layout != layout || have->dtype != dtype) EKI_TRY(variant(b, *tensor, layout, dtype, tensor));
    *view = b->p->tensors[*tensor].view;
    return EK_OK;
}

static ek_status adopt_layouts(builder *b, eki_pstep *pstep) {
    eki_step *step = &pstep->step;
    for (int k = 0; k < step->n_in; k++) {
        EKI_TRY(adopt_layout(b, step->in_layout[k], step->in_type[k], &pstep->in[k], &step->in[k]));
    }
    return adopt_layout(b, step->tail.in_layout, step->tail.in_type, &pstep->residual, &step->tail.in);
}

static ek_status finish_step(builder *b, eki_pstep *pstep, bool any_grad) {
    eki_step *step = &pstep->step;
    EKI_TRY(adopt_layouts(b, pstep));
    for (int k = 0; k < step->n_out; k++) {
        if (!step->has_out[k]) continue;
        const eki_value *value = output_value(b, step, k);
        bool flows = has_bit(step->diff_outputs, k);
        bool needs_grad = any_grad && flows && is_real(b, value);
        EKI_TRY(add_tensor(b, value, &step->out[k], NULL, needs_grad, &pstep->out[k]));
        b->p->tensor_of_value[value->id] = pstep->out[k];
    }
    return request_memory(b, pstep);
}

static ek_status add_node(builder *b, const eki_node *node) {
    eki_pstep *pstep = NULL;
    bool any_grad;
    int64_t opset = eki_node_opset(b->request->graph, node);
    bool shuffles = b->tails.of[node->id].shuffle > 0;
    EKI_TRY(new_step(b, shuffles ? &shuffle_op : eki_op_find(node->op, opset), node, &pstep));
    eki_step *step = &pstep->step;
    step->opset = opset;
    step->n_in = node->n_in;
    step->n_out = node->n_out;
    step->diff_outputs = 1;
    ek_status status = connect_inputs(b, pstep, &any_grad);
    if (status == EK_OK) status = connect_tail(b, pstep, &any_grad);
    if (status == EK_OK) status = check_gradient(b, pstep, any_grad);
    if (status == EK_OK) status = connect_outputs(b, pstep);
    if (status == EK_OK) status = eki_call_prepare(step, b->err);
    if (status == EK_OK) status = finish_step(b, pstep, any_grad);
    if (status == EK_OK) return push_step(b, pstep);
    eki_call_release(step);
    free(pstep);
    return eki_name_node(b->request->graph, node, status, b->err);
}

/* Whether a node computes with a parameter, or with what is computed from one: its result then changes as training goes
 * on, also where it could be folded now that shapes are known (a class token expanded to the batch). */
static bool follows_training(const builder *b, const eki_node *node) {
    const eki_op *op = eki_op_find(node->op, eki_node_opset(b->request->graph, node));
    for (int k = 0; k < node->n_in; k++) {
        const eki_value *value = node->in[k];
        bool differentiable = has_bit(op->diff_inputs, k);
        if (value == NULL || !differentiable || affine_frozen(b, node, k)) continue;
        int tensor = b->p->tensor_of_value[value->id];
        if (eki_parameters_gradient(b->request->parameters, value) != NULL) return true;
        if (tensor >= 0 && b->p->tensors[tensor].buffer >= 0 && b->p->tensors[tensor].needs_grad) return true;
    }
    return false;
}

/* A node whose results are known before running needs no step. */
static bool is_folded(const builder *b, const eki_node *node) {
    for (int k = 0; k < node->n_out; k++) {
        if (node->out[k] != NULL && b->p->known[node->out[k]->id].constant == NULL) return false;
    }
    return !follows_training(b, node);
}

static ek_status add_inputs(builder *b) {
    const eki_graph *graph = b->request->graph;
    eki_plan_private *p = b->p;
    p->inputs = eki_calloc(graph->n_inputs + 1, sizeof *p->inputs);
    p->input_shapes = eki_calloc(graph->n_inputs + 1, sizeof *p->input_shapes);
    if (p->inputs == NULL || p->input_shapes == NULL) return no_memory(b);
    for (size_t i = 0; i < graph->n_inputs; i++) {
        const eki_value *value = graph->inputs[i];
        eki_view view;
        if (value->init != NULL) continue;
        if (!b->request->part.values[value->id]) {
            p->inputs[p->n_inputs++] = -1;
            continue;
        }
        EKI_TRY(concrete_view(b, value, &view));
        bool wanted = b->request->options->backward && b->request->options->input_gradient && view.dtype == EK_F32;
        p->input_shapes[p->n_inputs] = view.shape;
        EKI_TRY(add_tensor(b, value, &view, NULL, wanted, &p->inputs[p->n_inputs]));
        p->tensor_of_value[value->id] = p->inputs[p->n_inputs++];
    }
    return EK_OK;
}

/* Outputs are handed out in plain layout. */
static ek_status add_outputs(builder *b) {
    eki_plan_private *p = b->p;
    p->outputs = eki_calloc(b->request->n_outputs + 1, sizeof *p->outputs);
    if (p->outputs == NULL) return no_memory(b);
    for (size_t i = 0; i < b->request->n_outputs; i++) {
        const eki_value *value = b->request->outputs[i];
        int tensor = p->tensor_of_value[value->id];
        if (tensor < 0) {
            eki_view view;
            EKI_TRY(concrete_view(b, value, &view));
            if (p->known[value->id].constant == NULL) {
                return eki_fail(b->err, EK_ERR_FORMAT, "nothing computes the output '%s'", value->name);
            }
            EKI_TRY(add_tensor(b, value, &view, p->known[value->id].constant->data, false, &tensor));
            p->tensor_of_value[value->id] = tensor;
        }
        EKI_TRY(variant(b, tensor, EK_LAYOUT_NCHW, p->known[value->id].dtype, &p->outputs[p->n_outputs]));
        p->n_outputs++;
    }
    return EK_OK;
}

/* Step s gives a gradient to tensor `index`: the first straight into the tensor's buffer, made here; a further one into
 * *din_buffer, from which it is added. */
static ek_status contribute(builder *b, int index, size_t s, int *din_buffer) {
    eki_ptensor *tensor = &b->p->tensors[index];
    tensor->gradient_step = (int)s;
    b->p->steps[s]->backward = true;
    size_t bytes = view_bytes(&tensor->view);
    if (tensor->grad_external == NULL && tensor->grad_buffer < 0) {
        if ((tensor->grad_buffer = eki_plan_buffer(b->p, bytes)) < 0) return no_memory(b);
    }
    if (!tensor->grad_defined) {
        tensor->grad_defined = true;
        return EK_OK;
    }
    *din_buffer = eki_plan_buffer(b->p, bytes);
    return *din_buffer < 0 ? no_memory(b) : EK_OK;
}

static bool has_gradient_in(const builder *b, const eki_pstep *pstep) {
    for (int k = 0; k < pstep->step.n_out; k++) {
        if (pstep->out[k] >= 0 && b->p->tensors[pstep->out[k]].grad_defined) return true;
    }
    return false;
}

static ek_status plan_gradients(builder *b) {
    eki_plan_private *p = b->p;
    for (size_t i = 0; i < p->n_outputs; i++) {
        eki_ptensor *tensor = &p->tensors[p->outputs[i]];
        if (tensor->view.dtype != EK_F32 || tensor->buffer < 0) continue;
        if (tensor->grad_buffer < 0) tensor->grad_buffer = eki_plan_buffer(p, view_bytes(&tensor->view));
        p->tensors[p->outputs[i]].grad_defined = true;
        if (p->tensors[p->outputs[i]].grad_buffer < 0) return no_memory(b);
    }
    for (size_t s = p->n_steps; s-- > 0;) {
        eki_pstep *pstep = p->steps[s];
        if (pstep->step.op->backward == NULL || !has_gradient_in(b, pstep)) continue;
        for (int k = 0; k < pstep->step.n_in; k++) {
            if (pstep->step.want_din[k]) EKI_TRY(contribute(b, pstep->in[k], s, &pstep->din_buffer[k]));
        }
        if (pstep->step.tail.want_din) EKI_TRY(contribute(b, pstep->residual, s, &pstep->residual_din_buffer));
    }
    return EK_OK;
}

enum { LIST = 64 };

bool eki_says_shapes(const eki_value *value, const eki_shape *shape) {
    int64_t count;
    return shape->rank <= 1 && eki_shape_count(shape, &count) && count <= LIST && eki_dtype_bytes(value->dtype) > 0;
}

/* The plan's own copies of the numbers that shapes may depend on. */
static ek_status keep_numbers(builder *b) {
    const eki_plan_request *r = b->request;
    size_t fed = 0;
    b->p->numbers = eki_calloc(r->graph->n_inputs + 1, sizeof *b->p->numbers);
    if (b->p->numbers == NULL) return no_memory(b);
    for (size_t i = 0; i < r->graph->n_inputs && r->numbers != NULL; i++) {
        const eki_value *value = r->graph->inputs[i];
        if (value->init != NULL) continue;
        size_t k = fed++;
        int64_t count = 0;
        if (r->numbers[k] == NULL || !eki_says_shapes(value, &r->input_shapes[k])) continue;
        eki_tensor *own = &b->p->numbers[k];
        (void)eki_shape_count(&r->input_shapes[k], &count);
        eki_size size = eki_size_of((size_t)count, eki_dtype_bytes(value->dtype));
        *own = (eki_tensor){.dtype = value->dtype, .shape = r->input_shapes[k], .bytes = size.bytes, .owned = true};
        own->data = eki_alloc(size);
        if (own->data == NULL) return no_memory(b);
        memcpy(own->data, r->numbers[k], own->bytes);
    }
    return EK_OK;
}

static ek_status build(builder *b) {
    eki_graph *graph = b->request->graph;
    eki_plan_private *p = b->p;
    EKI_TRY(keep_numbers(b));
    const eki_given given = {b->request->input_shapes, p->numbers};
    EKI_TRY(eki_infer_aside(graph, &given, &b->request->part, &p->known, &p->constants, b->err));
    p->tensor_of_value = eki_alloc(eki_size_of(graph->n_values + 1, sizeof *p->tensor_of_value));
    if (p->tensor_of_value == NULL) return no_memory(b);
    for (size_t i = 0; i < graph->n_values; i++) p->tensor_of_value[i] = -1;
    EKI_TRY(eki_tails_find(b->request, p->known, &b->tails, b->err));
    b->plan->shuffles = b->tails.shuffles;
    EKI_TRY(add_inputs(b));
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        bool step = b->request->part.nodes[node->id] && !b->tails.absorbed[node->id] && !is_folded(b, node);
        if (step) EKI_TRY(add_node(b, node));
    }
    EKI_TRY(add_outputs(b));
    if (b->request->options->backward) EKI_TRY(plan_gradients(b));
    EKI_TRY(eki_plan_schedule(b->plan, b->request, b->err));
    return eki_plan_keep(p, b->err);
}

static bool has_no_groups(const eki_plan_request *request) {
    for (size_t i = 0; i < request->graph->n_nodes; i++) {
        const eki_node *node = request->graph->nodes[i];
        if (request->part.nodes[node->id] && eki_node_int(node, "group", 1) != 1) return false;
    }
    return true;
}

ek_status eki_plan_create(const eki_plan_request *request, eki_plan **out, ek_error *err) {
    *out = NULL;
    int threads = request->options->threads > 0 ? request->options->threads : eki_threads_get();
    EKI_TRY(eki_name_file(request->graph, eki_headroom(EKI_DNNL_MAKES, err), err));
    EKI_TRY(eki_name_file(request->graph, eki_threads_ready(threads, err), err));
    eki_plan *plan = eki_calloc(1, sizeof *plan);
    eki_plan_private *p = eki_calloc(1, sizeof *p);
    if (plan == NULL || p == NULL) {
        free(plan);
        free(p);
        return eki_name_file(request->graph, eki_fail_nomem(err, sizeof *p), err);
    }
    const eki_exec_options *options = request->options;
    plan->private_data = p;
    plan->graph = request->graph;
    plan->mode = options->mode;
    plan->threads = threads;
    plan->reproducible = options->reproducible;
    plan->chunk = options->chunk > 0 ? options->chunk : 1;
    plan->virtual_batch = options->virtual_batch;
    plan->bf16 = options->bf16;
    plan->blocked = !options->plain;
    plan->block = eki_dnnl_block();
    plan->ungrouped = has_no_groups(request);
    plan->seed = options->seed;
    plan->norm_switches = options->norm_switches;
    plan->norm_updates = options->norm_updates;
    plan->ranks = options->ranks;
    p->needed = request->part.nodes;
    builder b = {.plan = plan, .p = p, .request = request, .memory = eki_memory_left(), .err = err};
    ek_status status = build(&b);
    eki_tails_free(&b.tails);
    if (status != EK_OK) {
        eki_plan_destroy(plan);
        return eki_name_file(request->graph, status, err);
    }
    *out = plan;
    return EK_OK;
}

void eki_plan_destroy(eki_plan *plan) {
    if (plan == NULL) return;
    eki_plan_private *p = plan->private_data;
    for (size_t i = 0; i < p->n_steps; i++) {
        eki_call_release(&p->steps[i]->step);
        free(p->steps[i]);
    }
    free(p->steps);
    free(p->tensors);
    free(p->buffers);
    free(p->known);
    free(p->tensor_of_value);
    free(p->inputs);
    free(p->outputs);
    for (size_t i = 0; p->numbers != NULL && i < plan->graph->n_inputs; i++) eki_free(p->numbers[i].data);
    free(p->numbers);
    free(p->input_shapes);
    free(p->again);
    free(p->ticks);
    eki_free(p->kept);
    eki_arena_free(&p->constants);
    free(p);
    free(plan);
}
