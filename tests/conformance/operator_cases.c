/* operator_cases.c: writes the models of operators.cases, one operator each, and a line of JSON about each.
 *
 *     operator_cases operators.cases FOLDER
 *
 * A line of the file is an operator, its opsets, its inputs and attributes:
 *
 *     Pad 11,18 x:2,3,4 i:0,1,0,0,2,0 c:0.5 mode=constant
 *
 * Inputs: x:dims (fed) and p:dims (initializer), f32, either with @low,high; f:values and c:value (f32 list, scalar);
 * i:values and s:value (i64 list, scalar); b:dims (bool); - (absent). Attributes: name=1, name=0.5f, name=[1,2],
 * name=[1f,2f], name=text. >n: number of outputs. !reason: onnxruntime has no such kernel. Results of other types than
 * f32 are cast to it. The last line names the operators that the engine runs and that have no case.
 */
#include "base/random.h"
#include "graph/exec.h"
#include "onnx/onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16, TEXT = 1024 };

typedef struct build {
    eki_graph *graph;
    eki_value *in[MOST];
    int n_in, n_out;
    const char *attributes[MOST];
    int n_attributes;
    const char *reason; /* why onnxruntime is not asked, or NULL */
    char inputs[TEXT];  /* JSON */
} build;

static void need(ek_status status, const char *line, const ek_error *err) {
    if (status == EK_OK) return;
    fprintf(stderr, "operator_cases: %s: %s\n", line, err->text);
    exit(1);
}

static int read_numbers(const char *text, double *values, char *stop) {
    int n = 0;
    *stop = *text;
    while (*text != '\0' && *text != '@' && *text != ']') {
        char *end;
        values[n++] = strtod(text, &end);
        if (*end == 'f') end++;
        *stop = *end;
        text = *end == ',' ? end + 1 : end;
        if (n == 64 || (*end != ',' && *end != '\0' && *end != '@' && *end != ']')) exit(3);
    }
    return n;
}

static eki_shape shape_from(const char *text) {
    double values[64];
    char stop;
    eki_shape shape = {.rank = read_numbers(text, values, &stop)};
    for (int i = 0; i < shape.rank; i++) shape.dims[i] = (int64_t)values[i];
    return shape;
}

static void range_from(const char *text, double range[2]) {
    char stop;
    const char *at = strchr(text, '@');
    range[0] = -1.5;
    range[1] = 1.5;
    if (at != NULL && read_numbers(at + 1, range, &stop) != 2) exit(3);
}

static void fed(build *b, const char *text, eki_value *value, ek_error *err) {
    double range[2];
    range_from(text, range);
    value->dtype = EK_F32;
    value->shape = shape_from(text);
    need(eki_graph_add_input(b->graph, value, err), text, err);
    size_t used = strlen(b->inputs);
    used += (size_t)snprintf(b->inputs + used, TEXT - used, "%s{\"name\":\"%s\",\"low\":%g,\"high\":%g,\"dims\":[",
                             used > 0 ? "," : "", value->name, range[0], range[1]);
    for (int i = 0; i < value->shape.rank; i++) {
        used += (size_t)snprintf(b->inputs + used, TEXT - used, "%s%lld", i > 0 ? "," : "",
                                 (long long)value->shape.dims[i]);
    }
    (void)snprintf(b->inputs + used, TEXT - used, "]}");
}

/* An initializer: random numbers (p, b) or the listed ones. */
static eki_value *initializer(build *b, char kind, const char *text, const char *name, ek_error *err) {
    double values[64], range[2];
    char stop;
    bool random = kind == 'p' || kind == 'b', scalar = kind == 'c' || kind == 's';
    ek_dtype dtype = kind == 'b' ? EK_BOOL : kind == 'i' || kind == 's' ? EK_I64 : EK_F32;
    int n = random ? 0 : read_numbers(text, values, &stop);
    eki_shape shape = random ? shape_from(text) : (eki_shape){.rank = !scalar, .dims = {n}};
    eki_value *value;
    need(eki_graph_add_tensor(b->graph, name, dtype, &shape, &value, err), text, err);
    int64_t count = 0;
    eki_shape_count(&shape, &count);
    range_from(text, range);
    for (int64_t i = 0; i < count; i++) {
        double u = eki_random_uniform(eki_random_stream(11, name, (uint64_t)count, 0), (uint64_t)i);
        if (kind == 'b') ((uint8_t *)value->init->data)[i] = u < 0.5;
        if (kind == 'p') ((float *)value->init->data)[i] = (float)(range[0] + (range[1] - range[0]) * u);
        if (!random && dtype == EK_F32) ((float *)value->init->data)[i] = (float)values[i];
        if (!random && dtype == EK_I64) ((int64_t *)value->init->data)[i] = (int64_t)values[i];
    }
    return value;
}

static void add_input(build *b, const char *token, ek_error *err) {
    char name[16];
    eki_value *value = NULL;
    (void)snprintf(name, sizeof name, "in%d", b->n_in);
    if (token[0] == 'x') {
        need(eki_graph_value(b->graph, name, &value, err), token, err);
        fed(b, token + 2, value, err);
    } else if (token[0] != '-') {
        value = initializer(b, token[0], token + 2, name, err);
    }
    b->in[b->n_in++] = value;
}

static void add_attribute(build *b, eki_node *node, const char *token, ek_error *err) {
    char name[64], stop;
    double values[64];
    float floats[64];
    int64_t ints[64];
    const char *equals = strchr(token, '='), *text = equals + 1;
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - token), token);
    bool list = *text == '[', number = list || strchr("-.0123456789", *text) != NULL;
    if (!number) {
        need(eki_node_set_string(b->graph, node, name, text, err), token, err);
        return;
    }
    int n = read_numbers(text + list, values, &stop);
    bool real = text[strlen(text) - 1 - list] == 'f';
    for (int i = 0; i < n; i++) {
        ints[i] = (int64_t)values[i];
        floats[i] = (float)values[i];
    }
    if (list && real) {
        eki_attr *slot;
        need(eki_node_attr_slot(b->graph, node, name, &slot, err), token, err);
        slot->type = EKI_ATTR_FLOATS;
        slot->count = (size_t)n;
        slot->floats = eki_arena_memdup(&b->graph->arena, floats, eki_size_of((size_t)n, sizeof *floats));
    } else if (list) {
        need(eki_node_set_ints(b->graph, node, name, ints, (size_t)n, err), token, err);
    } else if (real) {
        need(eki_node_set_float(b->graph, node, name, floats[0], err), token, err);
    } else {
        need(eki_node_set_int(b->graph, node, name, ints[0], err), token, err);
    }
}

/* The node's outputs become the graph's, by way of a Cast where they are not f32. */
static void add_outputs(build *b, eki_node *node, int64_t opset, const char *line, ek_error *err) {
    need(eki_graph_infer(b->graph, NULL, err), line, err);
    for (int i = 0; i < node->n_out; i++) {
        eki_value *value = node->out[i], *cast;
        eki_node *made;
        char name[16];
        if (value->dtype != EK_F32) {
            (void)snprintf(name, sizeof name, "cast%d", i);
            need(eki_graph_value(b->graph, name, &cast, err), line, err);
            need(eki_graph_add_node(b->graph, "Cast", "", "", &value, 1, &cast, 1, &made, err), line, err);
            need(eki_node_set_int(b->graph, made, "to", EK_F32, err), line, err);
            cast->shape = value->shape;
            cast->dtype = EK_F32;
            value = cast;
        }
        need(eki_graph_add_output(b->graph, value, err), line, err);
    }
    b->graph->ir_version = opset < 9 ? 4 : 8;
}

static void write_case(const char *line, const char *op, int64_t opset, char **tokens, int n, const char *path) {
    ek_error err;
    build b = {.n_out = 1};
    eki_value *out[MOST];
    eki_node *node;
    char name[16];
    need(eki_graph_create(opset, &b.graph, &err), line, &err);
    for (int i = 0; i < n; i++) {
        if (tokens[i][0] == '>') {
            b.n_out = atoi(tokens[i] + 1);
        } else if (tokens[i][0] == '!') {
            b.reason = tokens[i] + 1;
        } else if (strchr(tokens[i], '=') != NULL) {
            b.attributes[b.n_attributes++] = tokens[i];
        } else {
            add_input(&b, tokens[i], &err);
        }
    }
    for (int i = 0; i < b.n_out; i++) {
        (void)snprintf(name, sizeof name, "out%d", i);
        need(eki_graph_value(b.graph, name, &out[i], &err), line, &err);
    }
    need(eki_graph_add_node(b.graph, op, "", "", b.in, b.n_in, out, b.n_out, &node, &err), line, &err);
    for (int i = 0; i < b.n_attributes; i++) add_attribute(&b, node, b.attributes[i], &err);
    add_outputs(&b, node, opset, line, &err);
    need(eki_onnx_save(b.graph, path, &err), line, &err);
    printf("{\"file\":\"%s\",\"case\":\"%s\",\"opset\":%lld,\"outputs\":%d,\"reason\":\"%s\",\"inputs\":[%s]}\n", path,
           line, (long long)opset, b.n_out, b.reason != NULL ? b.reason : "", b.inputs);
    eki_graph_destroy(b.graph);
}

static void write_line(const char *line, const char *folder, int *number, bool *covered) {
    char copy[TEXT], path[TEXT], *tokens[32];
    int n = 0;
    (void)snprintf(copy, sizeof copy, "%s", line);
    for (char *t = strtok(copy, " "); t != NULL && n < 32; t = strtok(NULL, " ")) tokens[n++] = t;
    if (n < 2) return;
    covered[eki_op_code(tokens[0], "")] = true;
    double opsets[64];
    char stop;
    int count = read_numbers(tokens[1], opsets, &stop);
    for (int i = 0; i < count; i++) {
        (void)snprintf(path, sizeof path, "%s/%04d.onnx", folder, (*number)++);
        write_case(line, tokens[0], (int64_t)opsets[i], tokens + 2, n - 2, path);
    }
}

int main(int argc, char **argv) {
    char line[TEXT];
    bool covered[512] = {false}, first = true;
    int number = 0;
    FILE *file = argc == 3 ? fopen(argv[1], "r") : NULL;
    if (file == NULL) return 2;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '#' && line[0] != '\0') write_line(line, argv[2], &number, covered);
    }
    fclose(file);
    printf("{\"missing\":[");
    for (int i = 0; i < EKI_OPS; i++) {
        if (covered[i] || eki_op_run((eki_opcode)i) == NULL) continue;
        printf("%s\"%s\"", first ? "" : ",", eki_op_name((eki_opcode)i));
        first = false;
    }
    printf("]}\n");
    return 0;
}
