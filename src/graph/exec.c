/* exec.c: running plans: which nodes are needed, the parameters and their gradients, a few cached plans, the loops. */
#include "graph/exec.h"

#include "base/half.h"
#include "base/large.h"
#include "base/threads.h"
#include "base/timer.h"
#include "dnnl/adapter.h"
#include "graph/call.h"
#include "graph/plan.h"

#include <stdlib.h>
#include <string.h>

enum { CACHED_PLANS = 6 };

struct eki_exec {
    eki_graph *graph;
    eki_exec_options options;
    bool *needed; /* by node id */
    bool *wanted; /* by value id */
    eki_value **outputs;
    size_t n_outputs, n_inputs;
    eki_value **inputs;        /* to feed */
    eki_parameters parameters; /* none without backward */
    eki_plan *plans[CACHED_PLANS];
    size_t next_plan;
    bool by_number; /* shapes depend on numbers that are fed */
    eki_plan *current;
    const eki_plan *told; /* the last that was current, for eki_exec_memory */
    unsigned char *arena; /* of the current plan; the others' lie in it when it is their turn */
    size_t arena_bytes;
    size_t n_profile;
    ek_profile_row profile[128];
};

static ek_status choose_outputs(eki_exec *exec, ek_error *err) {
    const eki_exec_options *o = &exec->options;
    exec->n_outputs = o->outputs != NULL ? o->n_outputs : exec->graph->n_outputs;
    exec->outputs = eki_calloc(exec->n_outputs + 1, sizeof *exec->outputs);
    if (exec->outputs == NULL) return eki_fail_nomem(err, exec->n_outputs * sizeof *exec->outputs);
    for (size_t i = 0; i < exec->n_outputs; i++) {
        exec->outputs[i] = o->outputs != NULL ? eki_graph_find(exec->graph, o->outputs[i]) : exec->graph->outputs[i];
        if (exec->outputs[i] == NULL) {
            return eki_fail(err, EK_ERR_ARG, "the model has no value named '%s'", o->outputs[i]);
        }
    }
    exec->options.outputs = NULL;
    return EK_OK;
}

/* Marks the nodes that the outputs depend on; nodes are in topological order, so one reverse pass is enough. */
static ek_status mark_needed(eki_exec *exec, ek_error *err) {
    const eki_graph *graph = exec->graph;
    bool *wanted = exec->wanted = eki_calloc(graph->n_values + 1, sizeof *wanted);
    exec->needed = eki_calloc(graph->n_nodes + 1, sizeof *exec->needed);
    if (wanted == NULL || exec->needed == NULL) return eki_fail_nomem(err, graph->n_values);
    for (size_t i = 0; i < exec->n_outputs; i++) wanted[exec->outputs[i]->id] = true;
    for (size_t i = graph->n_nodes; i-- > 0;) {
        const eki_node *node = graph->nodes[i];
        for (int k = 0; k < node->n_out; k++) {
            if (node->out[k] != NULL && wanted[node->out[k]->id]) exec->needed[node->id] = true;
        }
        for (int k = 0; k < node->n_in && exec->needed[node->id]; k++) {
            if (node->in[k] != NULL) wanted[node->in[k]->id] = true;
        }
    }
    return EK_OK;
}

static ek_status collect_inputs(eki_exec *exec, ek_error *err) {
    exec->inputs = eki_calloc(exec->graph->n_inputs + 1, sizeof *exec->inputs);
    if (exec->inputs == NULL) return eki_fail_nomem(err, exec->graph->n_inputs);
    for (size_t i = 0; i < exec->graph->n_inputs; i++) {
        if (exec->graph->inputs[i]->init == NULL) exec->inputs[exec->n_inputs++] = exec->graph->inputs[i];
    }
    return EK_OK;
}

/* What training changes must be writable and must not move afterwards; what is read must be aligned. */
static ek_status own_parameters(eki_exec *exec, ek_error *err) {
    for (size_t i = 0; i < exec->graph->n_values; i++) {
        eki_tensor *init = exec->graph->values[i]->init;
        if (init == NULL || !exec->wanted[i]) continue;
        bool trained = exec->options.backward && init->dtype == EK_F32;
        if (trained || !eki_tensor_aligned(init)) EKI_TRY(eki_tensor_own(init, err));
    }
    return EK_OK;
}

/* An argument of a node is none of the caller's: the model is at fault. */
static ek_status of_the_model(ek_status status, ek_error *err) {
    if (status != EK_ERR_ARG) return status;
    if (err != NULL) err->status = EK_ERR_FORMAT;
    return EK_ERR_FORMAT;
}

static ek_status find_parameters(eki_exec *exec, ek_error *err) {
    if (!exec->options.backward) return EK_OK;
    eki_part part = {exec->needed, exec->wanted};
    return of_the_model(eki_parameters_find(exec->graph, &part, exec->options.norm_switches, &exec->parameters, err),
                        err);
}

ek_status eki_exec_create(eki_graph *graph, const eki_exec_options *options, eki_exec **out, ek_error *err) {
    *out = NULL;
    eki_exec *exec = eki_calloc(1, sizeof *exec);
    if (exec == NULL) return eki_fail_nomem(err, sizeof *exec);
    exec->graph = graph;
    exec->options = *options;
    ek_status status = choose_outputs(exec, err);
    if (status == EK_OK) status = mark_needed(exec, err);
    if (status == EK_OK) status = collect_inputs(exec, err);
    if (status == EK_OK) status = eki_check_operators(graph, exec->needed, err);
    if (status == EK_OK) status = own_parameters(exec, err);
    if (status == EK_OK) status = find_parameters(exec, err);
    if (status != EK_OK) {
        eki_exec_destroy(exec);
        return eki_name_file(graph, status, err);
    }
    *out = exec;
    return EK_OK;
}

static void drop_plans(eki_exec *exec) {
    for (size_t i = 0; i < CACHED_PLANS; i++) {
        eki_plan_destroy(exec->plans[i]);
        exec->plans[i] = NULL;
    }
    exec->told = exec->current = NULL;
}

void eki_exec_destroy(eki_exec *exec) {
    if (exec == NULL) return;
    drop_plans(exec);
    eki_free(exec->arena);
    eki_parameters_free(&exec->parameters);
    free(exec->needed);
    free(exec->wanted);
    free(exec->outputs);
    free(exec->inputs);
    free(exec);
}

size_t eki_exec_input_count(const eki_exec *exec) { return exec->n_inputs; }
const eki_value *eki_exec_input_value(const eki_exec *exec, size_t index) { return exec->inputs[index]; }

static bool same_shapes(const eki_exec *exec, const eki_plan *plan, const eki_shape *shapes) {
    for (size_t i = 0; i < exec->n_inputs; i++) {
        if (!exec->wanted[exec->inputs[i]->id]) continue;
        if (!eki_shape_equal(&plan->private_data->input_shapes[i], &shapes[i])) return false;
    }
    return true;
}

static bool same_numbers(const eki_exec *exec, const eki_plan *plan, const void *const *numbers) {
    for (size_t i = 0; i < exec->n_inputs; i++) {
        const eki_tensor *kept = &plan->private_data->numbers[i];
        if (kept->data == NULL) continue;
        if (numbers == NULL || numbers[i] == NULL || memcmp(kept->data, numbers[i], kept->bytes) != 0) return false;
    }
    return true;
}

static eki_plan *find_plan(const eki_exec *exec, const eki_shape *shapes, const void *const *numbers) {
    for (size_t i = 0; i < CACHED_PLANS; i++) {
        eki_plan *plan = exec->plans[i];
        if (plan == NULL || !same_shapes(exec, plan, shapes) || !same_numbers(exec, plan, numbers)) continue;
        return plan;
    }
    return NULL;
}

/* Whether numbers are at hand that shapes may depend on. */
static bool has_lists(const eki_exec *exec, const eki_shape *shapes, const void *const *numbers) {
    for (size_t i = 0; i < exec->n_inputs && numbers != NULL; i++) {
        bool wanted = exec->wanted[exec->inputs[i]->id] && numbers[i] != NULL;
        if (wanted && eki_says_shapes(exec->inputs[i], &shapes[i])) return true;
    }
    return false;
}

/* The one arena holds what the largest plan needs. */
static ek_status enter_plan(eki_exec *exec, eki_plan *plan, ek_error *err) {
    const eki_plan_private *p = plan->private_data;
    exec->current = NULL;
    if (p->arena_bytes > exec->arena_bytes || exec->arena == NULL) {
        eki_free(exec->arena);
        exec->arena = eki_alloc_large(eki_sized(p->arena_bytes));
        exec->arena_bytes = exec->arena != NULL ? p->arena_bytes : 0;
        if (exec->arena == NULL) return eki_name_file(exec->graph, eki_fail_nomem(err, p->arena_bytes), err);
        memset(exec->arena, 0, p->arena_bytes);
    }
    if (p->arena != exec->arena) eki_plan_bind(plan, exec->arena);
    exec->told = exec->current = plan;
    return EK_OK;
}

void eki_exec_rest(eki_exec *exec) {
    if (exec->arena_bytes <= eki_memory_left()) return;
    eki_free(exec->arena);
    exec->arena = NULL;
    exec->arena_bytes = 0;
    exec->current = NULL;
}

static ek_status make_plan(eki_exec *exec, const eki_shape *input_shapes, const void *const *numbers, ek_error *err) {
    eki_plan_request request = {.graph = exec->graph,
                                .options = &exec->options,
                                .input_shapes = input_shapes,
                                .numbers = numbers,
                                .part = {exec->needed, exec->wanted},
                                .outputs = exec->outputs,
                                .n_outputs = exec->n_outputs,
                                .parameters = &exec->parameters,
                                .room = exec->arena_bytes};
    eki_plan *plan;
    exec->current = NULL;
    EKI_TRY(eki_parameters_check(&exec->parameters, err));
    EKI_TRY(of_the_model(eki_plan_create(&request, &plan, err), err));
    size_t slot = exec->next_plan++ % CACHED_PLANS;
    if (exec->told == exec->plans[slot]) exec->told = NULL;
    eki_plan_destroy(exec->plans[slot]);
    exec->plans[slot] = plan;
    return enter_plan(exec, plan, err);
}

ek_status eki_exec_prepare_for(eki_exec *exec, const eki_shape *input_shapes, const void *const *numbers,
                               ek_error *err) {
    eki_plan *plan = find_plan(exec, input_shapes, numbers);
    if (plan != NULL) return plan == exec->current ? EK_OK : enter_plan(exec, plan, err);
    if (exec->by_number) return make_plan(exec, input_shapes, numbers, err);
    ek_status status = make_plan(exec, input_shapes, NULL, err);
    if (status == EK_OK || status == EK_ERR_NOMEM || !has_lists(exec, input_shapes, numbers)) return status;
    status = make_plan(exec, input_shapes, numbers, err);
    exec->by_number = status == EK_OK;
    return status;
}

ek_status eki_exec_prepare(eki_exec *exec, const eki_shape *input_shapes, ek_error *err) {
    return eki_exec_prepare_for(exec, input_shapes, NULL, err);
}

bool eki_exec_input_needed(const eki_exec *exec, size_t index) { return exec->wanted[exec->inputs[index]->id]; }

eki_view eki_exec_input(eki_exec *exec, size_t index) {
    const eki_plan_private *p = exec->current->private_data;
    if (p->inputs[index] < 0) return (eki_view){.dtype = EK_DTYPE_NONE};
    return p->tensors[p->inputs[index]].view;
}

size_t eki_exec_output_count(const eki_exec *exec) { return exec->n_outputs; }

eki_view eki_exec_output(eki_exec *exec, size_t index) {
    const eki_plan_private *p = exec->current->private_data;
    return p->tensors[p->outputs[index]].view;
}

static float *gradient_at(const eki_exec *exec, int tensor) {
    const eki_plan_private *p = exec->current->private_data;
    int buffer = p->tensors[tensor].grad_buffer;
    return eki_plan_address(p, buffer);
}

float *eki_exec_output_gradient(eki_exec *exec, size_t index) {
    return gradient_at(exec, exec->current->private_data->outputs[index]);
}

float *eki_exec_input_gradient(eki_exec *exec, size_t index) {
    int tensor = exec->current->private_data->inputs[index];
    return tensor < 0 ? NULL : gradient_at(exec, tensor);
}

static const char *kind_of(const eki_step *step) {
    eki_opcode op = step->node != NULL ? step->node->op : EKI_OP_NONE;
    return eki_op_has(op, EKI_CONVOLUTION) ? "convolution" : eki_op_has(op, EKI_NORM) ? "normalization" : "rest";
}

static void note_time(eki_exec *exec, const eki_pstep *pstep, double forward, double backward) {
    const char *name = pstep->step.op->name;
    size_t row = 0;
    while (row < exec->n_profile && exec->profile[row].op_type != name) row++;
    if (row == sizeof exec->profile / sizeof *exec->profile) return;
    if (row == exec->n_profile)
        exec->profile[exec->n_profile++] = (ek_profile_row){.op_type = name, .kind = kind_of(&pstep->step)};
    exec->profile[row].forward += forward;
    exec->profile[row].backward += backward;
    exec->profile[row].calls += backward == 0.0;
}

static void zero_output_gradients(eki_exec *exec) {
    const eki_plan_private *p = exec->current->private_data;
    for (size_t i = 0; i < exec->n_outputs; i++) {
        float *gradient = gradient_at(exec, p->outputs[i]);
        if (gradient != NULL) memset(gradient, 0, eki_view_elements(&p->tensors[p->outputs[i]].view) * sizeof(float));
    }
}

static ek_status run_forward(eki_exec *exec, ek_error *err) {
    const eki_plan_private *p = exec->current->private_data;
    for (size_t s = 0; s < p->n_steps; s++) {
        eki_step *step = &p->steps[s]->step;
        double start = exec->options.profile ? eki_now() : 0.0;
        EKI_TRY(eki_call_forward(step, err));
        if (exec->options.profile) note_time(exec, p->steps[s], eki_now() - start, 0.0);
    }
    return EK_OK;
}

typedef struct addition {
    char *sum;
    const char *term;
    size_t count;
    ek_dtype dtype;
} addition;

enum { ADD_GRAIN = 1 << 15 };

static void add_floats(float *sum, const float *term, size_t count) {
    for (size_t i = 0; i < count; i++) sum[i] += term[i];
}

/* In f32, rounded once. */
static void add_halves(char *sum, const char *term, size_t count) {
    enum { ROOM = 512 };
    float a[ROOM], b[ROOM];
    for (size_t at = 0; at < count; at += ROOM, sum += sizeof(uint16_t) * ROOM, term += sizeof(uint16_t) * ROOM) {
        size_t n = count - at < ROOM ? count - at : ROOM;
        eki_half_widen(EK_BF16, sum, a, n);
        eki_half_widen(EK_BF16, term, b, n);
        add_floats(a, b, n);
        eki_half_narrow(EK_BF16, a, sum, n);
    }
}

static void add_grain(void *argument, size_t index) {
    const addition *a = argument;
    size_t begin = index * ADD_GRAIN, end = begin + ADD_GRAIN < a->count ? begin + ADD_GRAIN : a->count;
    char *sum = a->sum + begin * eki_dtype_bytes(a->dtype);
    const char *term = a->term + begin * eki_dtype_bytes(a->dtype);
    if (a->dtype == EK_BF16) {
        add_halves(sum, term, end - begin);
    } else {
        add_floats((float *)(void *)sum, (const float *)(const void *)term, end - begin);
    }
}

static void add_contribution(const eki_plan_private *p, const eki_ptensor *tensor, const void *term) {
    void *sum = tensor->grad_external;
    if (sum == NULL) sum = eki_plan_address(p, tensor->grad_buffer);
    addition a = {.sum = sum, .term = term, .count = eki_view_elements(&tensor->view), .dtype = tensor->view.dtype};
    eki_parallel_for(NULL, (a.count + ADD_GRAIN - 1) / ADD_GRAIN, add_grain, &a);
}

static void add_contributions(const eki_plan_private *p, const eki_pstep *pstep) {
    const eki_step *step = &pstep->step;
    for (int k = 0; k < step->n_in; k++) {
        if (pstep->din_buffer[k] >= 0) add_contribution(p, &p->tensors[pstep->in[k]], step->din[k]);
    }
    if (pstep->residual_din_buffer >= 0) add_contribution(p, &p->tensors[pstep->residual], step->tail.din);
}

/* Tells the user of the gradients which parameters this was the last step for. */
static ek_status tell_ready(const eki_exec *exec, const eki_plan_private *p, size_t s, ek_error *err) {
    const eki_pstep *pstep = p->steps[s];
    if (exec->options.gradient_ready == NULL) return EK_OK;
    for (int k = 0; k < pstep->step.n_in; k++) {
        if (!pstep->step.want_din[k]) continue;
        eki_ptensor *tensor = &p->tensors[pstep->in[k]];
        int index = exec->parameters.of_value[tensor->value->id];
        bool twice = false; /* one node may take a parameter as two inputs */
        for (int j = 0; j < k; j++) twice = twice || (pstep->step.want_din[j] && pstep->in[j] == pstep->in[k]);
        if (tensor->grad_external == NULL || tensor->gradient_step != (int)s || index < 0 || twice) continue;
        EKI_TRY(exec->options.gradient_ready(exec->options.gradient_context, (size_t)index, err));
    }
    return EK_OK;
}

static ek_status run_pass(const eki_exec *exec, const eki_plan_private *p, const eki_tick *tick, ek_error *err) {
    eki_pstep *pstep = p->steps[tick->step];
    if (tick->pass == EKI_PASS_AGAIN) return eki_call_again(&pstep->step, err);
    void *scratch = pstep->step.scratch;
    if (pstep->backward_scratch >= 0) pstep->step.scratch = eki_plan_address(p, pstep->backward_scratch);
    ek_status status = eki_call_backward(&pstep->step, err);
    pstep->step.scratch = scratch;
    EKI_TRY(status);
    add_contributions(p, pstep);
    return tell_ready(exec, p, (size_t)tick->step, err);
}

static ek_status run_backward(eki_exec *exec, ek_error *err) {
    const eki_plan_private *p = exec->current->private_data;
    for (size_t t = p->n_steps; t < p->n_ticks; t++) {
        double start = exec->options.profile ? eki_now() : 0.0;
        EKI_TRY(run_pass(exec, p, &p->ticks[t], err));
        if (exec->options.profile) note_time(exec, p->steps[p->ticks[t].step], 0.0, eki_now() - start);
    }
    return EK_OK;
}

static ek_status run_commit(eki_exec *exec, ek_error *err) {
    const eki_plan_private *p = exec->current->private_data;
    for (size_t s = 0; s < p->n_steps; s++) {
        EKI_TRY(eki_call_commit(&p->steps[s]->step, err));
    }
    return EK_OK;
}

/* Runs a loop at the plan's thread count and puts the caller's back. */
static ek_status at_plan_threads(eki_exec *exec, ek_status (*loop)(eki_exec *, ek_error *), ek_error *err) {
    if (exec->current == NULL) {
        return eki_fail(err, EK_ERR_STATE, "nothing is planned; call eki_exec_prepare with the input shapes first");
    }
    EKI_TRY(eki_name_file(exec->graph, eki_headroom(EKI_DNNL_RUNS, err), err));
    int before = eki_threads_get();
    EKI_TRY(eki_name_file(exec->graph, eki_threads_ready(exec->current->threads, err), err));
    eki_threads_set(exec->current->threads);
    ek_status status = loop(exec, err);
    eki_threads_set(before);
    return status;
}

ek_status eki_exec_forward(eki_exec *exec, ek_error *err) {
    if (exec->current != NULL) zero_output_gradients(exec);
    return of_the_model(at_plan_threads(exec, run_forward, err), err);
}

ek_status eki_exec_backward(eki_exec *exec, ek_error *err) { return at_plan_threads(exec, run_backward, err); }

ek_status eki_exec_commit(eki_exec *exec, ek_error *err) { return at_plan_threads(exec, run_commit, err); }

eki_plan *eki_exec_plan(eki_exec *exec) { return exec->current; }

size_t eki_exec_parameter_count(const eki_exec *exec) { return exec->parameters.count; }
const eki_parameter *eki_exec_parameter(const eki_exec *exec, size_t index) { return &exec->parameters.items[index]; }

void eki_exec_weights_changed(eki_exec *exec) { drop_plans(exec); }

void eki_exec_memory(const eki_exec *exec, ek_memory_report *report) {
    *report = (ek_memory_report){.bytes = 0};
    if (exec->told != NULL) eki_plan_memory(exec->told->private_data, report);
}

size_t eki_exec_profile(const eki_exec *exec, ek_profile_row *rows, size_t room) {
    for (size_t i = 0; i < exec->n_profile && i < room; i++) rows[i] = exec->profile[i];
    return exec->n_profile;
}
