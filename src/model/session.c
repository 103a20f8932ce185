/* session.c: running a model on arrays: the executor behind a public face.
 *
 * A session checks what it is fed against what the model declares (names, types, extents), copies it into the plan's
 * input buffers and shows the plan's output buffers. Plans are made once per set of shapes and kept by the executor.
 */
#include "base/half.h"
#include "base/options.h"
#include "graph/precision.h"
#include "model/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct ek_session {
    ek_model *model;
    eki_exec *exec;
    uint8_t *switches;
    const char **names; /* of the outputs asked for; owned by the graph */
    size_t n_names;
    bool ran, gradients, went_back;
};

ek_session_options ek_session_options_default(void) {
    return (ek_session_options){.struct_size = sizeof(ek_session_options), .mode = EK_MODE_INFERENCE};
}

int ek_precision_supported(ek_dtype precision) {
    bool bf16;
    return eki_precision(precision, &bf16, NULL) == EK_OK;
}

static ek_status find_outputs(ek_session *session, const ek_session_options *options, ek_error *err) {
    session->names = eki_calloc(options->output_count + 1, sizeof *session->names);
    if (session->names == NULL) return eki_fail_nomem(err, (options->output_count + 1) * sizeof *session->names);
    for (size_t i = 0; i < options->output_count; i++) {
        const eki_value *value = eki_graph_find(session->model->graph, options->outputs[i]);
        if (value == NULL) {
            return eki_fail(err, EK_ERR_ARG,
                            "the model has no value '%s' to return; evenkeel models FILE.onnx lists them",
                            options->outputs[i]);
        }
        session->names[i] = value->name;
    }
    session->n_names = options->output_count;
    return EK_OK;
}

static ek_status create_exec(ek_session *session, const ek_session_options *options, ek_error *err) {
    EKI_TRY(find_outputs(session, options, err));
    bool bf16;
    eki_recompute recompute;
    EKI_TRY(eki_precision(options->precision, &bf16, err));
    EKI_TRY(eki_recompute_asked(options->memory, &recompute, err));
    EKI_TRY(eki_model_switches(session->model, &session->switches, err));
    eki_exec_options o = {.mode = (eki_mode)options->mode,
                          .threads = options->threads,
                          .bf16 = bf16,
                          .profile = options->profile != 0,
                          .recompute = recompute,
                          .seed = options->seed,
                          .virtual_batch = options->virtual_batch,
                          .backward = options->gradients != 0,
                          .input_gradient = options->gradients != 0,
                          .norm_switches = session->switches};
    session->gradients = options->gradients != 0;
    if (session->n_names > 0) {
        o.outputs = session->names;
        o.n_outputs = session->n_names;
    }
    return eki_exec_create(session->model->graph, &o, &session->exec, err);
}

ek_status ek_session_create(ek_model *model, const ek_session_options *options, ek_session **out, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(out, err);
    ek_session_options o = ek_session_options_default();
    *out = NULL;
    EKI_TRY(eki_options_take(&o, sizeof o, options, "ek_session_options", err));
    if (o.mode < EK_MODE_FILE || o.mode > EK_MODE_TRAINING) {
        return eki_fail(err, EK_ERR_ARG, "session mode %d is none of FILE (0), INFERENCE (1), TRAINING (2)",
                        (int)o.mode);
    }
    if (o.virtual_batch < 0) {
        return eki_fail(err, EK_ERR_ARG, "session virtual_batch %" PRId64 " must not be negative; 0 is the whole batch",
                        o.virtual_batch);
    }
    ek_session *session = eki_calloc(1, sizeof *session);
    if (session == NULL) return eki_fail_nomem(err, sizeof *session);
    session->model = model;
    ek_status status = create_exec(session, &o, err);
    if (status != EK_OK) {
        ek_session_destroy(session);
        return status;
    }
    *out = session;
    return EK_OK;
}

void ek_session_destroy(ek_session *session) {
    if (session == NULL) return;
    eki_exec_destroy(session->exec);
    free(session->switches);
    free(session->names);
    free(session);
}

static eki_shape array_shape(const ek_array *array) { return eki_shape_of(array->rank, array->dims); }

static ek_status check_input(const eki_graph *graph, const eki_value *value, const ek_array *array, ek_error *err) {
    char given[192], wanted[192];
    if (array->rank < 0 || array->rank > EK_MAX_RANK) {
        return eki_fail(err, EK_ERR_SHAPE, "input '%s': rank %d is not in 0 to %d", value->name, array->rank,
                        EK_MAX_RANK);
    }
    bool same = array->dtype == value->dtype || (eki_is_half(array->dtype) && array->dtype == value->stored);
    if (!same && value->dtype != EK_DTYPE_NONE) {
        return eki_fail(err, EK_ERR_DTYPE, "input '%s' is %s, the model wants %s", value->name,
                        eki_dtype_name(array->dtype), eki_dtype_name(value->dtype));
    }
    eki_shape shape = array_shape(array);
    bool fits = value->shape.rank < 0 || value->shape.rank == array->rank;
    for (int i = 0; i < array->rank; i++) {
        if (array->dims[i] < 0) fits = false;
        if (fits && value->shape.rank >= 0 && value->shape.dims[i] >= 0 && value->shape.dims[i] != array->dims[i]) {
            fits = false;
        }
    }
    if (!fits) {
        return eki_fail(err, EK_ERR_SHAPE, "input '%s' has shape %s, the model wants %s", value->name,
                        eki_shape_text(NULL, &shape, given), eki_shape_text(graph, &value->shape, wanted));
    }
    if (array->data == NULL) return eki_fail(err, EK_ERR_ARG, "input '%s' has no data", value->name);
    return EK_OK;
}

/* Into memory of the array's own type, or float32 where it is in half precision. */
static void copy_array(const ek_array *array, ek_dtype dtype, void *to) {
    eki_shape shape = array_shape(array);
    int64_t count = 0;
    if (!eki_shape_count(&shape, &count) || to == NULL || count == 0) return;
    if (eki_is_half(array->dtype) && dtype == EK_F32) {
        eki_half_widen(array->dtype, array->data, to, (size_t)count);
    } else {
        memcpy(to, array->data, (size_t)count * eki_dtype_bytes(array->dtype));
    }
}

ek_status ek_model_set_default(ek_model *model, const char *name, const ek_array *array, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(name, err);
    EKI_GIVEN(array, err);
    eki_graph *document = model->document;
    eki_value *value = eki_graph_find(document, name), *running = eki_graph_find(model->graph, name);
    if (value == NULL || value->init == NULL || value->input_index < 0) {
        return eki_fail(err, EK_ERR_ARG, "'%s' is not an input with a default value in this model: %s", name,
                        value == NULL             ? "there is no such name"
                        : value->init != NULL     ? "it is an initializer, but no graph input"
                        : value->input_index >= 0 ? "it is an input without one, fed by ek_session_run"
                                                  : "it is the output of a node");
    }
    eki_value like = *value;
    like.dtype = value->init->dtype;
    like.stored = value->init->stored;
    EKI_TRY(check_input(document, &like, array, err));
    eki_tensor *tensor = value->init;
    eki_shape shape = array_shape(array);
    EKI_TRY(eki_tensor_replace(tensor, &shape, err));
    copy_array(array, tensor->dtype, tensor->data);
    eki_tensor_round(tensor);
    if (running == NULL || running->init == NULL) return EK_OK;
    running->init->shape = shape;
    running->init->bytes = tensor->bytes;
    return eki_tensor_own(running->init, err);
}

ek_status ek_session_run(ek_session *session, const ek_array *inputs, size_t input_count, ek_error *err) {
    EKI_GIVEN(session, err);
    size_t wanted = eki_exec_input_count(session->exec);
    eki_shape shapes[EKI_MAX_IO] = {{0}};
    const void *numbers[EKI_MAX_IO] = {NULL};
    while (wanted > input_count && !eki_exec_input_needed(session->exec, wanted - 1)) wanted--;
    if (input_count != wanted || wanted > EKI_MAX_IO) {
        return eki_fail(err, EK_ERR_ARG, "%zu inputs were given, the model wants %zu%s%s%s", input_count, wanted,
                        wanted > 0 ? ", the first being '" : "",
                        wanted > 0 ? eki_exec_input_value(session->exec, 0)->name : "", wanted > 0 ? "'" : "");
    }
    session->ran = session->went_back = false;
    for (size_t i = 0; i < input_count; i++) {
        if (!eki_exec_input_needed(session->exec, i)) continue;
        EKI_TRY(check_input(session->model->graph, eki_exec_input_value(session->exec, i), &inputs[i], err));
        shapes[i] = array_shape(&inputs[i]);
        if (inputs[i].dtype == eki_exec_input_value(session->exec, i)->dtype) numbers[i] = inputs[i].data;
    }
    EKI_TRY(eki_exec_prepare_for(session->exec, shapes, numbers, err));
    for (size_t i = 0; i < input_count; i++) {
        if (!eki_exec_input_needed(session->exec, i)) continue;
        eki_view view = eki_exec_input(session->exec, i);
        copy_array(&inputs[i], view.dtype, view.data);
    }
    EKI_TRY(eki_exec_forward(session->exec, err));
    session->ran = true;
    return EK_OK;
}

int ek_session_needs_input(const ek_session *session, size_t index) {
    if (session == NULL || index >= eki_exec_input_count(session->exec)) return 0;
    return eki_exec_input_needed(session->exec, index);
}

size_t ek_session_output_count(const ek_session *session) {
    return session == NULL ? 0 : eki_exec_output_count(session->exec);
}

ek_array ek_session_output(const ek_session *session, size_t index) {
    if (session == NULL) return (ek_array){0};
    ek_array array = {.dtype = EK_DTYPE_NONE};
    if (!session->ran || index >= eki_exec_output_count(session->exec)) return array;
    eki_view view = eki_exec_output(session->exec, index);
    array.dtype = view.dtype;
    array.rank = view.shape.rank;
    for (int i = 0; i < view.shape.rank; i++) array.dims[i] = view.shape.dims[i];
    array.data = view.data;
    return array;
}

ek_status ek_session_backward(ek_session *session, size_t index, const float *gradient, ek_error *err) {
    EKI_GIVEN(session, err);
    EKI_GIVEN(gradient, err);
    if (!session->gradients || !session->ran || session->went_back) {
        return eki_fail(err, EK_ERR_STATE, "gradients need a session with options.gradients = 1 and one run each: %s",
                        !session->gradients ? "this session was made without"
                        : !session->ran     ? "nothing was run"
                                            : "this run's were taken already");
    }
    if (index >= eki_exec_output_count(session->exec)) {
        return eki_fail(err, EK_ERR_ARG, "there is no output %zu: the session has %zu", index,
                        eki_exec_output_count(session->exec));
    }
    eki_view view = eki_exec_output(session->exec, index);
    float *to = eki_exec_output_gradient(session->exec, index);
    int64_t count = 0;
    (void)eki_shape_count(&view.shape, &count);
    if (to == NULL) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "output '%s' has no gradient: nothing it depends on is trained",
                        ek_session_output_name(session, index));
    }
    memcpy(to, gradient, (size_t)count * sizeof(float));
    session->went_back = true;
    return eki_exec_backward(session->exec, err);
}

static ek_array gradient_array(const eki_shape *shape, float *data) {
    ek_array array = {.dtype = EK_F32, .rank = shape->rank, .data = data};
    for (int i = 0; i < shape->rank; i++) array.dims[i] = shape->dims[i];
    return array;
}

ek_array ek_session_input_gradient(const ek_session *session, size_t index) {
    if (session == NULL) return (ek_array){0};
    if (!session->went_back || index >= eki_exec_input_count(session->exec)) return (ek_array){.dtype = EK_DTYPE_NONE};
    eki_view view = eki_exec_input(session->exec, index);
    if (view.dtype == EK_DTYPE_NONE) return (ek_array){.dtype = EK_DTYPE_NONE};
    return gradient_array(&view.shape, eki_exec_input_gradient(session->exec, index));
}

ek_array ek_session_parameter_gradient(const ek_session *session, const char *name) {
    if (session == NULL || name == NULL) return (ek_array){0};
    for (size_t i = 0; session->went_back && i < eki_exec_parameter_count(session->exec); i++) {
        const eki_parameter *parameter = eki_exec_parameter(session->exec, i);
        if (strcmp(parameter->value->name, name) == 0)
            return gradient_array(&parameter->value->init->shape, parameter->gradient);
    }
    return (ek_array){.dtype = EK_DTYPE_NONE};
}

const char *ek_session_output_name(const ek_session *session, size_t index) {
    if (session == NULL) return "";
    if (session->n_names > 0) return index < session->n_names ? session->names[index] : "";
    const eki_graph *graph = session->model->graph;
    return index < graph->n_outputs ? graph->outputs[index]->name : "";
}

ek_memory_report ek_session_memory(const ek_session *session) {
    ek_memory_report report = {.bytes = 0};
    if (session != NULL) eki_exec_memory(session->exec, &report);
    return report;
}

size_t ek_session_profile(const ek_session *session, ek_profile_row *rows, size_t room) {
    return session == NULL ? 0 : eki_exec_profile(session->exec, rows, room);
}
