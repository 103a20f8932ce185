/* structure.c: the changes, one function each. Memory is an arena's; where it ends a change is left out. */
#include "structure.h"

#include "base/memory.h"
#include "base/random.h"
#include "onnx/scan.h"

#include <onnx/onnx.pb-c.h>
#include <string.h>

typedef Onnx__ModelProto model_message;
typedef Onnx__GraphProto graph_message;
typedef Onnx__NodeProto node_message;
typedef Onnx__AttributeProto attribute_message;
typedef Onnx__ValueInfoProto value_message;
typedef Onnx__TensorProto tensor_message;

typedef struct change {
    model_message *model;
    graph_message *graph; /* the model's, or one within */
    eki_arena arena;
    eki_random random;
    uint64_t turn;
} change;

static uint64_t below(change *c, uint64_t bound) {
    return bound == 0 ? 0 : eki_random_below(c->random, c->turn++, bound);
}

static int64_t odd_number(change *c) {
    static const int64_t numbers[] = {0,         1,         2,        3,        8,        -1,       -2,
                                      INT64_MIN, INT64_MAX, 1 << 16,  1 << 22,  31,       64,       255,
                                      1L << 31,  1L << 40,  1L << 58, 1L << 60, 1L << 61, 1L << 62, INT32_MAX};
    return numbers[below(c, sizeof numbers / sizeof *numbers)];
}

static void *arena_alloc(void *arena, size_t bytes) { return eki_arena_alloc(arena, eki_sized(bytes)); }
static void arena_release(void *arena, void *pointer) {
    (void)arena;
    (void)pointer;
}

static char *text(change *c, const char *words) {
    static char none[1];
    char *copy = eki_arena_strdup(&c->arena, words);
    return copy != NULL ? copy : none;
}

/* One more item in an array of pointers. */
static void append(change *c, void *array, size_t *count, void *item) {
    void **old = *(void ***)array;
    void **grown = eki_arena_alloc(&c->arena, eki_size_of(*count + 1, sizeof *grown));
    if (grown == NULL || item == NULL) return;
    if (*count > 0) memcpy(grown, old, *count * sizeof *grown);
    grown[(*count)++] = item;
    *(void ***)array = grown;
}

static node_message *any_node(change *c) {
    return c->graph->n_node == 0 ? NULL : c->graph->node[below(c, c->graph->n_node)];
}

static attribute_message *any_attribute(change *c) {
    node_message *node = any_node(c);
    return node == NULL || node->n_attribute == 0 ? NULL : node->attribute[below(c, node->n_attribute)];
}

static tensor_message *any_tensor(change *c) {
    return c->graph->n_initializer == 0 ? NULL : c->graph->initializer[below(c, c->graph->n_initializer)];
}

static value_message *any_value(change *c) {
    graph_message *g = c->graph;
    uint64_t which = below(c, g->n_input + g->n_output + g->n_value_info);
    if (which < g->n_input) return g->input[which];
    if ((which -= g->n_input) < g->n_output) return g->output[which];
    return (which -= g->n_output) < g->n_value_info ? g->value_info[which] : NULL;
}

static attribute_message *new_attribute(change *c, const char *name, Onnx__AttributeProto__AttributeType type) {
    attribute_message *made = eki_arena_alloc(&c->arena, eki_size_of(1, sizeof *made));
    if (made == NULL) return NULL;
    onnx__attribute_proto__init(made);
    made->name = text(c, name);
    made->has_type = 1;
    made->type = type;
    return made;
}

static node_message *new_node(change *c) {
    node_message *made = eki_arena_alloc(&c->arena, eki_size_of(1, sizeof *made));
    if (made == NULL) return NULL;
    onnx__node_proto__init(made);
    return made;
}

static value_message *new_value(change *c, const char *name) {
    value_message *made = eki_arena_alloc(&c->arena, eki_size_of(1, sizeof *made));
    if (made == NULL) return NULL;
    onnx__value_info_proto__init(made);
    made->name = text(c, name);
    return made;
}

/* ---- extents ---- */

static void declared_extent(change *c) {
    value_message *value = any_value(c);
    if (value == NULL || value->type == NULL || value->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) return;
    Onnx__TensorShapeProto *shape = value->type->tensor_type->shape;
    if (shape == NULL || shape->n_dim == 0) return;
    Onnx__TensorShapeProto__Dimension *dim = shape->dim[below(c, 2) == 0 ? 0 : below(c, shape->n_dim)];
    dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    dim->dim_value = odd_number(c);
}

static void declared_rank(change *c) {
    value_message *value = any_value(c);
    if (value == NULL || value->type == NULL || value->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) return;
    Onnx__TensorShapeProto *shape = value->type->tensor_type->shape;
    if (shape == NULL) return;
    if (below(c, 2) == 0 && shape->n_dim > 0) {
        shape->n_dim--;
    } else if (shape->n_dim > 0) {
        append(c, &shape->dim, &shape->n_dim, shape->dim[0]);
    } else {
        value->type->tensor_type->shape = NULL;
    }
}

static void declared_type(change *c) {
    value_message *value = any_value(c);
    if (value == NULL || value->type == NULL || value->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) return;
    value->type->tensor_type->elem_type = (int32_t)below(c, 24);
}

static void tensor_extent(change *c) {
    tensor_message *tensor = any_tensor(c);
    if (tensor == NULL || tensor->n_dims == 0) return;
    uint64_t i = below(c, tensor->n_dims), j = below(c, tensor->n_dims);
    if (below(c, 2) == 0) {
        int64_t kept = tensor->dims[i];
        tensor->dims[i] = tensor->dims[j];
        tensor->dims[j] = kept;
    } else {
        tensor->dims[i] = odd_number(c);
    }
}

/* Numbers of an integer tensor are shapes, axes, repeats, pads. */
static void tensor_number(change *c) {
    static const float values[] = {0.0f, -1.0f, 1e30f, -1e38f, 1e-40f, __builtin_nanf(""), __builtin_inff()};
    tensor_message *tensor = any_tensor(c);
    if (tensor == NULL) return;
    int64_t number = odd_number(c);
    if (tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64 && tensor->n_int64_data > 0) {
        tensor->int64_data[below(c, tensor->n_int64_data)] = number;
    } else if (tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64 && tensor->raw_data.len >= 8) {
        memcpy(tensor->raw_data.data + 8 * below(c, tensor->raw_data.len / 8), &number, 8);
    } else if (tensor->raw_data.len >= 4) {
        memcpy(tensor->raw_data.data + 4 * below(c, tensor->raw_data.len / 4), &values[below(c, 7)], 4);
    }
}

static void tensor_type(change *c) {
    tensor_message *tensor = any_tensor(c);
    if (tensor != NULL) tensor->data_type = (int32_t)below(c, 24);
}

/* ---- attributes ---- */

static void attribute_type(change *c) {
    attribute_message *attribute = any_attribute(c);
    if (attribute == NULL) return;
    attribute->has_type = below(c, 4) != 0;
    attribute->type = (Onnx__AttributeProto__AttributeType)below(c, 15);
    if (below(c, 2) != 0) return;
    attribute->has_i = below(c, 2) != 0;
    attribute->has_f = below(c, 2) != 0;
    attribute->i = odd_number(c);
    attribute->f = (float)odd_number(c);
}

static void attribute_number(change *c) {
    attribute_message *attribute = any_attribute(c);
    if (attribute == NULL) return;
    if (attribute->n_ints > 0) {
        attribute->ints[below(c, attribute->n_ints)] = odd_number(c);
    } else if (attribute->has_f) {
        attribute->f = (float)odd_number(c);
    } else {
        attribute->i = odd_number(c);
    }
}

static void fewer_numbers(change *c) {
    attribute_message *attribute = any_attribute(c);
    if (attribute != NULL && attribute->n_ints > 0) attribute->n_ints--;
}

static void attribute_gone_or_twice(change *c) {
    node_message *node = any_node(c);
    if (node == NULL || node->n_attribute == 0) return;
    if (below(c, 2) == 0) {
        node->n_attribute--;
    } else {
        append(c, &node->attribute, &node->n_attribute, node->attribute[below(c, node->n_attribute)]);
    }
}

static void attribute_reference(change *c) {
    attribute_message *attribute = any_attribute(c);
    if (attribute != NULL) attribute->ref_attr_name = attribute->name;
}

/* ---- nodes and names ---- */

static void twice(change *c) {
    node_message *node = any_node(c), *made = new_node(c);
    if (node == NULL || made == NULL) return;
    *made = *node;
    if (below(c, 2) == 0 && made->n_output > 0) { /* else the names are taken twice */
        static const char *const other[] = {"fuzz_a", "fuzz_b", "fuzz_c", ""};
        made->output = NULL;
        made->n_output = 0;
        append(c, &made->output, &made->n_output, text(c, other[below(c, 4)]));
    }
    append(c, &c->graph->node, &c->graph->n_node, made);
}

static void swapped(change *c) {
    graph_message *g = c->graph;
    if (g->n_node < 2) return;
    uint64_t i = below(c, g->n_node), j = below(c, g->n_node);
    node_message *kept = g->node[i];
    g->node[i] = g->node[j];
    g->node[j] = kept;
}

static void without_name(change *c) {
    node_message *node = any_node(c);
    value_message *value = any_value(c);
    tensor_message *tensor = any_tensor(c);
    switch (below(c, 5)) {
    case 0:
        if (node != NULL) node->name = NULL;
        break;
    case 1:
        if (node != NULL && node->n_output > 0) node->output[below(c, node->n_output)] = text(c, "");
        break;
    case 2:
        if (node != NULL && node->n_input > 0) node->input[below(c, node->n_input)] = text(c, "");
        break;
    case 3:
        if (value != NULL) value->name = text(c, "");
        break;
    default:
        if (tensor != NULL) tensor->name = NULL;
    }
}

static void fewer_names(change *c) {
    node_message *node = any_node(c);
    if (node == NULL) return;
    if (below(c, 2) == 0 && node->n_input > 0)
        node->n_input--;
    else if (node->n_output > 0)
        node->n_output--;
}

static void other_source(change *c) {
    node_message *node = any_node(c), *from = any_node(c);
    if (node == NULL || from == NULL || node->n_input == 0 || from->n_output == 0) return;
    node->input[below(c, node->n_input)] = from->output[below(c, from->n_output)];
}

static void other_operator(change *c) {
    static const char *const names[] = {"Reshape", "Expand",     "Tile",    "Pad",     "Slice",     "ConstantOfShape",
                                        "Concat",  "Gather",     "Resize",  "Loop",    "Scan",      "If",
                                        "Where",   "ReduceMean", "Split",   "Squeeze", "Unsqueeze", "Range",
                                        "Flatten", "Transpose",  "Identity"};
    node_message *node = any_node(c);
    if (node != NULL) node->op_type = text(c, names[below(c, sizeof names / sizeof *names)]);
}

static void output_more(change *c) {
    node_message *node = any_node(c);
    value_message *made = node == NULL || node->n_output == 0 ? NULL : new_value(c, node->output[0]);
    if (made == NULL) return;
    if (c->graph->n_output > 0) made->type = c->graph->output[0]->type;
    append(c, &c->graph->output, &c->graph->n_output, made);
}

/* ---- nested graphs and functions ---- */

/* A graph of the node and all of its outputs, after `first` where there is one. */
static graph_message *graph_of(change *c, node_message *node, const char *first) {
    graph_message *made = eki_arena_alloc(&c->arena, eki_size_of(1, sizeof *made));
    if (made == NULL) return NULL;
    onnx__graph_proto__init(made);
    made->name = text(c, "within");
    append(c, &made->node, &made->n_node, node);
    if (first != NULL) append(c, &made->output, &made->n_output, new_value(c, first));
    for (size_t i = 0; i < node->n_output; i++) {
        append(c, &made->output, &made->n_output, new_value(c, node->output[i]));
    }
    return made;
}

static void add_scalar(change *c, const char *name, int32_t type, int64_t value) {
    tensor_message *made = eki_arena_alloc(&c->arena, eki_size_of(1, sizeof *made));
    uint8_t *data = eki_arena_alloc(&c->arena, eki_sized(sizeof value));
    if (made == NULL || data == NULL) return;
    onnx__tensor_proto__init(made);
    memcpy(data, &value, sizeof value);
    made->name = text(c, name);
    made->has_data_type = made->has_raw_data = 1;
    made->data_type = type;
    made->raw_data =
        (ProtobufCBinaryData){.len = type == ONNX__TENSOR_PROTO__DATA_TYPE__BOOL ? 1 : sizeof value, .data = data};
    append(c, &c->graph->initializer, &c->graph->n_initializer, made);
}

/* The node becomes one of another operator, without inputs and attributes; what it was comes back. */
static node_message *move_within(change *c, node_message *node, const char *operator) {
    node_message *inner = new_node(c);
    if (node == NULL || inner == NULL) return NULL;
    *inner = *node;
    node->op_type = text(c, operator);
    node->domain = NULL;
    node->input = NULL;
    node->n_input = node->n_attribute = 0;
    return inner;
}

static void add_graph(change *c, node_message *node, const char *name, graph_message *graph) {
    attribute_message *made = new_attribute(c, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH);
    if (made == NULL || graph == NULL) return;
    made->g = graph;
    append(c, &node->attribute, &node->n_attribute, made);
}

/* A node becomes an If, and stands in both of its branches. */
static void within_if(change *c) {
    node_message *node = any_node(c), *inner = move_within(c, node, "If");
    if (inner == NULL) return;
    append(c, &node->input, &node->n_input, text(c, "fuzz_condition"));
    add_graph(c, node, "then_branch", graph_of(c, inner, NULL));
    add_graph(c, node, "else_branch", graph_of(c, inner, NULL));
    add_scalar(c, "fuzz_condition", ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, 1);
}

/* A node becomes a Loop, which gathers what the node gives in each turn. */
static void within_loop(change *c) {
    node_message *node = any_node(c), *inner = move_within(c, node, "Loop");
    graph_message *body = inner == NULL ? NULL : graph_of(c, inner, "fuzz_going");
    if (body == NULL) return;
    append(c, &body->input, &body->n_input, new_value(c, "fuzz_turn"));
    append(c, &body->input, &body->n_input, new_value(c, "fuzz_going"));
    append(c, &node->input, &node->n_input, text(c, "fuzz_turns"));
    append(c, &node->input, &node->n_input, text(c, ""));
    add_graph(c, node, "body", body);
    add_scalar(c, "fuzz_turns", ONNX__TENSOR_PROTO__DATA_TYPE__INT64, odd_number(c));
}

/* A node becomes a Scan over its own inputs, as many as there are said to be. */
static void within_scan(change *c) {
    node_message *node = any_node(c), *inner = move_within(c, node, "Scan");
    graph_message *body = inner == NULL ? NULL : graph_of(c, inner, NULL);
    attribute_message *count = new_attribute(c, "num_scan_inputs", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (body == NULL || count == NULL) return;
    for (size_t i = 0; i < inner->n_input; i++) {
        append(c, &body->input, &body->n_input, new_value(c, inner->input[i]));
        append(c, &node->input, &node->n_input, inner->input[i]);
    }
    count->has_i = 1;
    count->i = below(c, 4) == 0 ? odd_number(c) : (int64_t)inner->n_input;
    append(c, &node->attribute, &node->n_attribute, count);
    add_graph(c, node, "body", body);
}

static void import_domain(change *c, const char *domain, int64_t version) {
    Onnx__OperatorSetIdProto *made = eki_arena_alloc(&c->arena, eki_size_of(1, sizeof *made));
    if (made == NULL) return;
    onnx__operator_set_id_proto__init(made);
    made->domain = text(c, domain);
    made->has_version = 1;
    made->version = version;
    append(c, &c->model->opset_import, &c->model->n_opset_import, made);
}

/* A node becomes the call of a function that holds it. */
static void within_function(change *c) {
    static const char *const names[] = {"FuzzA", "FuzzB", "FuzzC", "FuzzD"};
    node_message *node = any_node(c), *inner = new_node(c);
    Onnx__FunctionProto *made = eki_arena_alloc(&c->arena, eki_size_of(1, sizeof *made));
    if (node == NULL || inner == NULL || made == NULL) return;
    onnx__function_proto__init(made);
    *inner = *node;
    made->name = text(c, names[below(c, 4)]);
    made->domain = text(c, "fuzz");
    made->input = node->input;
    made->n_input = node->n_input;
    made->output = node->output;
    made->n_output = node->n_output;
    made->opset_import = c->model->opset_import;
    made->n_opset_import = c->model->n_opset_import;
    append(c, &made->node, &made->n_node, inner);
    node->op_type = made->name;
    node->domain = made->domain;
    node->n_attribute = 0;
    append(c, &c->model->functions, &c->model->n_functions, made);
    import_domain(c, "fuzz", 1);
}

/* ---- the model ---- */

static void other_opset(change *c) {
    if (c->model->n_opset_import > 0) c->model->opset_import[0]->version = (int64_t)below(c, 26);
}

static void metadata(change *c) {
    static const char *const keys[] = {"evenkeel.mean",    "evenkeel.std",     "evenkeel.size",
                                       "evenkeel.classes", "evenkeel.opset",   "evenkeel.preprocess",
                                       "evenkeel.freeze.", "evenkeel.updates."};
    static const char *const values[] = {"",      "0",    "0.5", "0.5,0.5,0.5", "1e-40", "nan",
                                         "-1",    "8x8",  "0x0", "4096x4",      "a\nb",  "9223372036854775807",
                                         "stats", "1e99", "u8",  "a\n\nb"};
    Onnx__StringStringEntryProto *made = eki_arena_alloc(&c->arena, eki_size_of(1, sizeof *made));
    if (made == NULL) return;
    onnx__string_string_entry_proto__init(made);
    made->key = text(c, keys[below(c, sizeof keys / sizeof *keys)]);
    made->value = text(c, values[below(c, sizeof values / sizeof *values)]);
    append(c, &c->model->metadata_props, &c->model->n_metadata_props, made);
}

/* The graph that is changed: one time in four one within, where there is one. */
static graph_message *choose_graph(change *c, graph_message *graph, int depth) {
    for (size_t i = 0; i < graph->n_node && depth < 8; i++) {
        for (size_t k = 0; k < graph->node[i]->n_attribute; k++) {
            graph_message *within = graph->node[i]->attribute[k]->g;
            if (within != NULL && below(c, 4) == 0) return choose_graph(c, within, depth + 1);
        }
    }
    return graph;
}

static void make_changes(change *c) {
    static void (*const changes[])(change *) = {declared_extent,
                                                declared_extent,
                                                declared_extent,
                                                declared_rank,
                                                declared_type,
                                                tensor_extent,
                                                tensor_number,
                                                tensor_number,
                                                tensor_type,
                                                attribute_type,
                                                attribute_number,
                                                attribute_number,
                                                fewer_numbers,
                                                twice,
                                                swapped,
                                                without_name,
                                                attribute_gone_or_twice,
                                                attribute_reference,
                                                fewer_names,
                                                other_source,
                                                other_operator,
                                                output_more,
                                                within_if,
                                                within_loop,
                                                within_scan,
                                                within_function,
                                                other_opset,
                                                metadata};
    for (uint64_t i = 1 + below(c, 4); i > 0; i--) {
        c->graph = choose_graph(c, c->model->graph, 0);
        changes[below(c, sizeof changes / sizeof *changes)](c);
    }
}

size_t fuzz_structure(uint8_t *data, size_t size, size_t room, uint64_t seed) {
    ek_error err = {.text = ""};
    change c = {.random = eki_random_stream(seed, "structure", 0, 0)};
    ProtobufCAllocator allocator = {.alloc = arena_alloc, .free = arena_release, .allocator_data = &c.arena};
    size_t done = 0;
    if (eki_onnx_scan(data, size, &err) != EK_OK) return 0; /* protobuf-c has no limits of its own */
    c.model = onnx__model_proto__unpack(&allocator, size, data);
    if (c.model != NULL && c.model->graph != NULL) {
        make_changes(&c);
        done = onnx__model_proto__get_packed_size(c.model);
        done = done <= room ? onnx__model_proto__pack(c.model, data) : 0;
    }
    eki_arena_free(&c.arena);
    return done;
}
