/* preprocessed.c: preprocessing in a file, known by its mark, kept declarations, and the way back.
 *
 * Programs are made without it: images come to a session prepared, as to a model that never had any, so that nothing is
 * done twice and all bits are the same. What belongs to it needs no list: it is whatever the old input is made of. The
 * declarations that the file had are kept in the metadata by their bytes, base64 (RFC 4648).
 */
#include "model/model.h"

#include "onnx/onnx.h"

#include <stdlib.h>
#include <string.h>

/* ---- base64 ---- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(eki_bytes bytes, char *text) {
    const unsigned char *from = bytes.data;
    for (size_t i = 0; i < bytes.size; i += 3) {
        uint32_t three = (uint32_t)from[i] << 16;
        if (i + 1 < bytes.size) three |= (uint32_t)from[i + 1] << 8;
        if (i + 2 < bytes.size) three |= from[i + 2];
        for (int k = 0; k < 4; k++) *text++ = letters[three >> (18 - 6 * k) & 63];
        if (i + 1 >= bytes.size) text[-2] = '=';
        if (i + 2 >= bytes.size) text[-1] = '=';
    }
    *text = '\0';
}

/* False where the text is no base64. */
static bool decode(const char *text, unsigned char *to, size_t *size) {
    size_t length = strlen(text), pads = 0;
    if (length % 4 != 0) return false;
    while (pads < 2 && pads < length && text[length - 1 - pads] == '=') pads++;
    for (size_t i = 0; i < length; i += 4) {
        uint32_t three = 0;
        for (size_t k = i; k < i + 4; k++) {
            const char *at = k < length - pads ? strchr(letters, text[k]) : letters;
            if (at == NULL || *at == '\0') return false;
            three = three << 6 | (uint32_t)(at - letters);
        }
        for (int k = 0; k < 3; k++) *to++ = (unsigned char)(three >> (16 - 8 * k));
    }
    *size = length / 4 * 3 - pads;
    return true;
}

ek_status eki_keep_declaration(eki_graph *graph, const eki_value *value, const char *key, ek_error *err) {
    eki_bytes bytes;
    EKI_TRY(eki_onnx_declaration(graph, value, &bytes, err));
    eki_size room = eki_size_of(bytes.size / 3 + 2, 4);
    char *text = eki_alloc(room);
    if (text == NULL) return eki_fail_nomem(err, room.bytes);
    encode(bytes, text);
    ek_status status = eki_graph_set_meta(graph, key, text, err);
    free(text);
    return status;
}

/* The value that the kept declaration is of, declared so again. */
static ek_status put_back(eki_graph *graph, const char *key, eki_value **value, ek_error *err) {
    const char *text = eki_graph_meta(graph, key);
    size_t size = 0, room = text != NULL ? strlen(text) + 4 : 4;
    unsigned char *bytes = eki_arena_alloc(&graph->arena, eki_sized(room));
    ek_error why = {0};
    if (bytes == NULL) return eki_fail_nomem(err, room);
    if (text == NULL || !decode(text, bytes, &size)) {
        return eki_fail(err, EK_ERR_FORMAT, "metadata %s is no declaration in base64; the preprocessing cannot be told",
                        key);
    }
    ek_status status = eki_onnx_declare(graph, (eki_bytes){.data = bytes, .size = size}, value, &why);
    if (status == EK_OK || status == EK_ERR_NOMEM) return status == EK_OK ? EK_OK : eki_fail_nomem(err, size);
    return eki_fail(err, EK_ERR_FORMAT, "metadata %s does not fit the graph any more: %s", key, why.text);
}

/* ---- what the old input is made of ---- */

typedef struct part {
    eki_graph *graph;
    bool *nodes;      /* by node id: belongs to it */
    eki_node **stack; /* to be looked at */
    size_t depth;
    eki_value *pixels; /* what it begins with */
    ek_error *err;
} part;

static ek_status refuse(const part *p, const char *why, const eki_value *value) {
    return eki_fail(p->err, EK_ERR_FORMAT,
                    "the preprocessing cannot be told apart from the model any more: '%.200s' %s", value->name, why);
}

static void enter(part *p, eki_node *node) {
    if (p->nodes[node->id]) return;
    p->nodes[node->id] = true;
    p->stack[p->depth++] = node;
}

static ek_status reach(part *p, eki_value *value) {
    if (value == NULL || value->init != NULL || value->opaque) return EK_OK;
    if (value->producer != NULL) {
        enter(p, value->producer);
        return EK_OK;
    }
    if (value->input_index < 0 || value->captured > 0) return refuse(p, "is no input", value);
    if (p->pixels != NULL && p->pixels != value) return refuse(p, "is a second input", value);
    p->pixels = value;
    return EK_OK;
}

static ek_status collect(part *p, eki_value *input) {
    enter(p, input->producer);
    while (p->depth > 0) {
        eki_node *node = p->stack[--p->depth];
        if (node->n_captures > 0) return refuse(p, "comes by way of a nested graph", input);
        for (int k = 0; k < node->n_in; k++) EKI_TRY(reach(p, node->in[k]));
    }
    return p->pixels != NULL ? EK_OK : refuse(p, "comes from no input", input);
}

/* Nothing of it but the old input may be read elsewhere. */
static ek_status check_alone(const part *p, const eki_value *input) {
    const eki_graph *graph = p->graph;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (p->nodes[node->id]) {
            for (int k = 0; k < node->n_out; k++) {
                const eki_value *out = node->out[k];
                bool seen = out != NULL && out != input && (out->is_output || out->captured > 0);
                if (seen) return refuse(p, "is read elsewhere", out);
            }
            continue;
        }
        for (int k = 0; k < node->n_in; k++) {
            const eki_value *in = node->in[k];
            bool inside = in != NULL && in != input && in->producer != NULL && p->nodes[in->producer->id];
            if (inside || (in != NULL && in == p->pixels)) return refuse(p, "is read elsewhere", in);
        }
    }
    return EK_OK;
}

static void drop_node(eki_node *node) {
    for (int k = 0; k < node->n_out; k++) {
        if (node->out[k] == NULL) continue;
        node->out[k]->producer = NULL;
        node->out[k]->declared = false;
    }
    eki_node_drop(node);
}

static ek_status strip_input(part *p) {
    eki_value *input;
    EKI_TRY(put_back(p->graph, EKI_META_OLD_INPUT, &input, p->err));
    EKI_TRY(collect(p, input));
    EKI_TRY(check_alone(p, input));
    for (size_t i = 0; i < p->graph->n_nodes; i++) {
        if (p->nodes[p->graph->nodes[i]->id]) drop_node(p->graph->nodes[i]);
    }
    eki_graph_replace_input(p->graph, p->pixels, input);
    p->pixels->declared = false;
    input->declared = true;
    return EK_OK;
}

/* The Softmax behind the logits. */
static ek_status strip_output(part *p) {
    eki_value *logits, *output = NULL;
    if (eki_graph_meta(p->graph, EKI_META_OLD_OUTPUT) == NULL) return EK_OK;
    EKI_TRY(put_back(p->graph, EKI_META_OLD_OUTPUT, &logits, p->err));
    for (size_t i = 0; i < p->graph->n_outputs; i++) {
        const eki_node *node = p->graph->outputs[i]->producer;
        if (node != NULL && node->op == EKI_OP_Softmax && node->in[0] == logits) output = p->graph->outputs[i];
    }
    if (output == NULL) return refuse(p, "has no Softmax behind it", logits);
    drop_node(output->producer);
    eki_graph_replace_output(p->graph, output, logits);
    return EK_OK;
}

static ek_status strip(part *p) {
    eki_graph *graph = p->graph;
    EKI_TRY(strip_input(p));
    EKI_TRY(strip_output(p));
    if (eki_graph_meta(graph, EKI_META_NEW_CLASSES) != NULL) {
        EKI_TRY(eki_graph_set_meta(graph, "evenkeel.classes", NULL, p->err));
    }
    EKI_TRY(eki_graph_set_meta(graph, EKI_META_PREPROCESS, NULL, p->err));
    EKI_TRY(eki_graph_set_meta(graph, EKI_META_OLD_INPUT, NULL, p->err));
    EKI_TRY(eki_graph_set_meta(graph, EKI_META_OLD_OUTPUT, NULL, p->err));
    EKI_TRY(eki_graph_set_meta(graph, EKI_META_NEW_CLASSES, NULL, p->err));
    return eki_graph_sort(graph, p->err);
}

bool eki_graph_preprocessed(const eki_graph *graph) { return eki_graph_meta(graph, EKI_META_PREPROCESS) != NULL; }

ek_status eki_strip_preprocess(eki_graph *graph, ek_error *err) {
    if (!eki_graph_preprocessed(graph)) {
        return eki_fail(err, EK_ERR_ARG, "the file has no preprocessing that Evenkeel put into it (metadata %s)",
                        EKI_META_PREPROCESS);
    }
    part p = {.graph = graph, .err = err};
    p.nodes = eki_calloc(graph->n_nodes + 1, sizeof *p.nodes);
    p.stack = eki_calloc(graph->n_nodes + 1, sizeof(eki_node *));
    bool enough = p.nodes != NULL && p.stack != NULL;
    ek_status status = enough ? strip(&p) : eki_fail_nomem(err, graph->n_nodes * sizeof(eki_node *));
    free(p.nodes);
    free(p.stack);
    return status;
}

ek_status eki_refuse_preprocessed(const eki_graph *graph, const char *what, ek_error *err) {
    if (!eki_graph_preprocessed(graph)) return EK_OK;
    return eki_fail(err, EK_ERR_UNSUPPORTED,
                    "the file has its preprocessing inside, so that %s; evenkeel convert --strip-preprocess takes it "
                    "out, and --preprocess puts it in again",
                    what);
}
