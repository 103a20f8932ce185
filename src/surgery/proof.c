/* proof.c: what a change did to a model: each changed region on its own boundary, then the whole, where it can run. */
#include "surgery/proof.h"
#include "base/options.h"
#include "surgery/graph_places.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ek_proof {
    eki_arena arena;
    ek_proof_region *regions;
    size_t count, room;
    ek_proof_result result;
};

ek_proof_options ek_proof_options_default(void) {
    return (ek_proof_options){
        .struct_size = sizeof(ek_proof_options), .compare = ek_compare_options_default(), .tolerance = -1};
}

/* "if_1/then_branch/y" */
static ek_status keep_place(eki_proving *p, const char *output, const char **kept) {
    size_t room = strlen(p->path) + strlen(output) + 1;
    char *text = eki_arena_alloc(p->arena, eki_sized(room));
    *kept = text;
    if (text == NULL) return eki_fail_nomem(p->err, room);
    (void)snprintf(text, room, "%s%s", p->path, output);
    return EK_OK;
}

static ek_status keep_text(eki_proving *p, const char *text, const char **kept) {
    *kept = eki_arena_strdup(p->arena, text);
    return *kept == NULL ? eki_fail_nomem(p->err, strlen(text)) : EK_OK;
}

/* Whether a failure is none of the change: it is the machine's, the caller's or the file's. */
static bool ends_it(ek_status status, eki_blame blame) {
    if (status == EK_ERR_FORMAT && blame != EKI_BLAME_SECOND) return true;
    return status == EK_ERR_NOMEM || status == EK_ERR_ARG || (status == EK_ERR_LIMIT && blame == EKI_BLAME_NOBODY);
}

/* What the second model alone gets wrong is a difference that no number measures. */
static bool differs_beyond_measure(ek_status status, eki_blame blame) {
    return blame == EKI_BLAME_SECOND && status != EK_ERR_UNSUPPORTED && status != EK_ERR_LIMIT;
}

static ek_status compare_region(eki_proving *p, eki_cut *cut, ek_proof_region *row) {
    ek_compare_options o = p->options.compare;
    ek_comparison found = {0};
    ek_error failure = {.text = ""};
    eki_blame blame = EKI_BLAME_NOBODY;
    o.timed = 0;
    ek_status status = eki_compare(cut->models[0], cut->models[1], &o, &found, &blame, &failure);
    row->nodes_before = cut->nodes[0];
    row->nodes_after = cut->nodes[1];
    row->tolerance = cut->tolerance;
    row->difference = found.worst;
    row->proved = status == EK_OK;
    if (ends_it(status, blame)) {
        if (p->err != NULL) *p->err = failure;
        return status;
    }
    if (differs_beyond_measure(status, blame)) {
        row->proved = 1;
        row->difference = HUGE_VAL;
    }
    EKI_TRY(keep_place(p, found.output != NULL ? found.output : cut->outputs[0], &row->output));
    return keep_text(p, failure.text, &row->text);
}

static ek_status prove_region(eki_proving *p, ek_proof *proof, int region) {
    ek_proof_region row = {.output = "", .text = ""};
    ek_error failure = {.text = ""};
    eki_cut cut;
    ek_status status = eki_proof_cut(p, region, &cut, &failure);
    if (status == EK_ERR_UNSUPPORTED) {
        row.nodes_before = cut.nodes[0];
        row.nodes_after = cut.nodes[1];
        row.tolerance = cut.tolerance;
        status = keep_place(p, cut.outputs[0], &row.output);
        if (status == EK_OK) status = keep_text(p, failure.text, &row.text);
    } else if (status != EK_OK) {
        if (p->err != NULL) *p->err = failure;
    } else if (cut.n_outputs > 0) {
        status = compare_region(p, &cut, &row);
    }
    bool counts = cut.n_outputs > 0;
    eki_cut_free(&cut);
    if (status != EK_OK || !counts) return status;
    if (!eki_grow((void **)&proof->regions, &proof->room, proof->count + 1, sizeof row)) {
        return eki_fail_nomem(p->err, sizeof row);
    }
    proof->regions[proof->count++] = row;
    return EK_OK;
}

/* "no LSTM, com.acme.MyOp here" */
static bool missing_operators(const eki_graph *graph, char text[256]) {
    size_t used = (size_t)snprintf(text, 256, "no "), first = used;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        char name[96];
        if (eki_op_find(node->op, eki_graph_opset(graph, node->domain)) != NULL) continue;
        (void)snprintf(name, sizeof name, "%.40s%s%.40s", node->domain, node->domain[0] != '\0' ? "." : "",
                       node->op_type);
        if (strstr(text, name) != NULL || used > 160) continue;
        used += (size_t)snprintf(text + used, 256 - used, "%s%s", used > first ? ", " : "", name);
    }
    (void)snprintf(text + used, 256 - used, " here");
    return used > first;
}

static ek_status compare_whole(eki_proving *p, ek_proof *proof, ek_model *before, ek_model *after) {
    ek_error failure = {.text = ""};
    eki_blame blame = EKI_BLAME_NOBODY;
    ek_proof_result *r = &proof->result;
    char text[256];
    ek_status status = eki_compare(before, after, &p->options.compare, &r->comparison, &blame, &failure);
    bool own = p->options.compare.input_count > 0 && blame == EKI_BLAME_FIRST && status != EK_ERR_UNSUPPORTED;
    r->whole = status == EK_OK || differs_beyond_measure(status, blame);
    if (ends_it(status, blame) || own) {
        if (p->err != NULL) *p->err = failure;
        return status;
    }
    if (status != EK_OK && r->whole) r->comparison.worst = HUGE_VAL;
    if (r->comparison.output == NULL) r->comparison.output = "";
    bool lacks = status == EK_ERR_UNSUPPORTED && missing_operators(before->document, text);
    return keep_text(p, status == EK_OK ? "" : lacks ? text : failure.text, &r->why);
}

static double excess(double difference, double tolerance) {
    return tolerance > 0 ? difference / tolerance : difference > 0 ? HUGE_VAL : 0;
}

/* Keeps what is worst beside its tolerance. */
static void judge_one(ek_proof_result *r, const char *output, double difference, double tolerance) {
    double before = excess(r->worst, r->tolerance), now = excess(difference, tolerance);
    if (r->output[0] != '\0' && !(now > before || (now == before && difference > r->worst))) return;
    r->output = output;
    r->worst = difference;
    r->tolerance = tolerance;
}

static void judge(ek_proof *proof, double tolerance) {
    ek_proof_result *r = &proof->result;
    r->output = "";
    r->regions = proof->count;
    r->tolerance = tolerance >= 0 ? tolerance : 1e-4;
    double most = r->tolerance;
    for (size_t i = 0; i < proof->count; i++) {
        const ek_proof_region *row = &proof->regions[i];
        most = fmax(most, row->tolerance);
        if (!row->proved) continue;
        r->proved++;
        judge_one(r, row->output, row->difference, row->tolerance);
    }
    if (r->whole) judge_one(r, r->comparison.output, r->comparison.worst, most);
    bool covered = r->whole || r->proved == r->regions;
    r->verdict = !(r->worst <= r->tolerance) ? EK_VERDICT_DIFFERS : covered ? EK_VERDICT_PROVED : EK_VERDICT_OPEN;
}

static ek_status check_names(const eki_proving *p, const eki_graph *graph) {
    const ek_compare_options *o = &p->options.compare;
    for (size_t i = 0; i < o->input_count + o->shape_count; i++) {
        const char *name = i < o->input_count ? o->inputs[i].name : o->shapes[i - o->input_count].name;
        bool has = eki_graph_has_name(graph, name);
        for (size_t k = 0; k < graph->n_functions; k++) has |= eki_graph_has_name(graph->functions[k].body, name);
        if (has) continue;
        return eki_fail(p->err, EK_ERR_ARG,
                        "the model has no input or value '%s' to check with; evenkeel models FILE.onnx lists them",
                        name);
    }
    return EK_OK;
}

static ek_status open_side(eki_side *side, eki_graph *graph, ek_error *err) {
    side->graph = graph;
    EKI_TRY(eki_graph_sort(side->graph, err));
    size_t nodes = side->graph->n_nodes + 1, values = side->graph->n_values + 1;
    side->region = eki_calloc(nodes, sizeof *side->region);
    side->fixed = eki_calloc(values, sizeof *side->fixed);
    side->outside = eki_calloc(values, sizeof *side->outside);
    bool got = side->region != NULL && side->fixed != NULL && side->outside != NULL;
    return got ? EK_OK : eki_fail_nomem(err, values + nodes);
}

static void close_pair(eki_proving *p) {
    for (int s = 0; s < 2; s++) {
        free(p->sides[s].region);
        free(p->sides[s].fixed);
        free(p->sides[s].outside);
        p->sides[s] = (eki_side){0};
    }
    free(p->known);
    p->known = NULL;
    p->regions = 0;
}

/* The shapes are asked for where something differs, or graphs within may. */
static ek_status prove_open(eki_proving *p, ek_proof *proof, size_t pairs) {
    EKI_TRY(eki_proof_mark(p));
    EKI_TRY(eki_proof_regions(p));
    if (p->regions == 0 && p->n_pairs == pairs) return EK_OK;
    EKI_TRY(eki_proof_infer(p));
    for (int i = 0; i < p->regions; i++) EKI_TRY(prove_region(p, proof, i));
    eki_proof_keep_shapes(p);
    return EK_OK;
}

static ek_status prove_pair(eki_proving *p, ek_proof *proof, eki_graph_pair pair) {
    p->path = pair.path;
    EKI_TRY(eki_proof_detach(p, &pair));
    ek_status status = open_side(&p->sides[0], pair.graphs[0], p->err);
    if (status == EK_OK) status = open_side(&p->sides[1], pair.graphs[1], p->err);
    if (status == EK_OK) status = prove_open(p, proof, p->n_pairs);
    close_pair(p);
    return status;
}

static ek_status prove(eki_proving *p, ek_proof *proof, ek_model *before, ek_model *after) {
    EKI_TRY(check_names(p, before->document));
    EKI_TRY(eki_graph_view(before->document, &p->views[0], p->err));
    EKI_TRY(eki_graph_view(after->document, &p->views[1], p->err));
    EKI_TRY(eki_learn_shapes(before, p->views[0], p->err));
    EKI_TRY(eki_proof_pairs(p));
    for (size_t i = 0; i < p->n_pairs; i++) EKI_TRY(prove_pair(p, proof, p->pairs[i])); /* which adds to them */
    EKI_TRY(compare_whole(p, proof, before, after));
    judge(proof, p->options.tolerance);
    return EK_OK;
}

ek_status ek_prove(ek_model *before, ek_model *after, const ek_proof_options *options, ek_proof **out, ek_error *err) {
    EKI_GIVEN(before, err);
    EKI_GIVEN(after, err);
    EKI_GIVEN(out, err);
    eki_proving p = {.options = ek_proof_options_default(), .err = err};
    *out = NULL;
    EKI_TRY(eki_options_take(&p.options, sizeof p.options, options, "ek_proof_options", err));
    EKI_TRY(eki_compare_check(&p.options.compare, err));
    ek_proof *proof = eki_calloc(1, sizeof *proof);
    if (proof == NULL) return eki_fail_nomem(err, sizeof *proof);
    p.arena = &proof->arena;
    ek_status status = prove(&p, proof, before, after);
    eki_graph_destroy(p.views[0]);
    eki_graph_destroy(p.views[1]);
    free(p.pairs);
    if (status != EK_OK) {
        ek_proof_destroy(proof);
        return status;
    }
    *out = proof;
    return EK_OK;
}

void ek_proof_destroy(ek_proof *proof) {
    if (proof == NULL) return;
    eki_arena_free(&proof->arena);
    free(proof->regions);
    free(proof);
}

const ek_proof_result *ek_proof_result_of(const ek_proof *proof) { return proof == NULL ? NULL : &proof->result; }
size_t ek_proof_region_count(const ek_proof *proof) { return proof == NULL ? 0 : proof->count; }
const ek_proof_region *ek_proof_region_get(const ek_proof *proof, size_t index) {
    return proof == NULL || index >= proof->count ? NULL : &proof->regions[index];
}
