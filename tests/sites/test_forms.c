/* test_forms.c: norms of one node are written out and become one node again, at every opset, and compute the same.
 *
 *     test_forms               all
 *     test_forms FOLDER        writes each before, written out and fused again, with cases.json, for another runtime
 */
#include "form_maker.h"

#include "graph/exec.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != EK_OK) fail_msg("%s: %s", label, err.text);                                                      \
    } while (0)

static const char *label = "";
static ek_error err;
static const char *folder;
static FILE *list;
static int written, fused, runs;

static double wanted[SPEC_ELEMENTS];

static void definition(const form_case *c) {
    static double x[SPEC_ELEMENTS];
    for (int64_t i = 0; i < spec_count(&c->spec); i++) x[i] = c->x[i] + (c->has_skip ? c->skip[i] : 0);
    spec_run(&c->spec, x, wanted);
}

static double worst(const double *a, const double *b, int64_t n) {
    double difference = 0, scale = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs(a[i] - b[i]);
        if (!(d <= difference)) difference = d;
        if (fabs(b[i]) > scale) scale = fabs(b[i]);
    }
    return difference / scale;
}

static void fill(eki_exec *exec, int input, const double *numbers, int64_t count) {
    float *in = eki_exec_input(exec, input).data;
    for (int64_t i = 0; i < count; i++) in[i] = (float)numbers[i];
}

static void run_engine(const form_case *c) {
    static double got[SPEC_ELEMENTS];
    eki_exec *exec;
    eki_exec_options options = {.mode = EKI_MODE_FILE, .threads = 1};
    eki_shape shapes[2] = {c->graph->inputs[0]->shape, c->graph->inputs[0]->shape};
    int64_t count = spec_count(&c->spec);
    OK(eki_exec_create(c->graph, &options, &exec, &err));
    OK(eki_exec_prepare(exec, shapes, &err));
    fill(exec, 0, c->x, count);
    if (c->has_skip) fill(exec, 1, c->skip, count);
    OK(eki_exec_forward(exec, &err));
    const float *out = eki_exec_output(exec, 0).data;
    for (int64_t i = 0; i < count; i++) got[i] = (double)out[i];
    double difference = worst(got, wanted, count);
    if (!(difference <= (c->half ? 4e-3 : 1e-5))) fail_msg("%s: the engine differs by %g", label, difference);
    eki_exec_destroy(exec);
    runs++;
}

static void put_numbers(const char *key, const double *numbers, int64_t count) {
    fprintf(list, ", \"%s\": [", key);
    for (int64_t i = 0; i < count; i++) fprintf(list, "%s%.9g", i > 0 ? "," : "", numbers[i]);
    fprintf(list, "]");
}

static void save(const form_case *c, const char *state) {
    char path[512];
    static int made;
    if (folder == NULL) return;
    (void)snprintf(path, sizeof path, "%s/%03d.onnx", folder, made);
    OK(eki_onnx_save(c->graph, path, &err));
    fprintf(list, "%s{\"label\": \"%s\", \"form\": \"%s\", \"half\": %s, \"file\": \"%s\", \"dims\": [",
            made++ > 0 ? ",\n" : "", label, state, c->half ? "true" : "false", path);
    for (int i = 0; i < c->spec.rank; i++) fprintf(list, "%s%" PRId64, i > 0 ? "," : "", c->spec.dims[i]);
    fprintf(list, "]");
    put_numbers("x", c->x, spec_count(&c->spec));
    if (c->has_skip) put_numbers("skip", c->skip, spec_count(&c->spec));
    put_numbers("wanted", wanted, spec_count(&c->spec));
    fprintf(list, "}");
}

/* Removed parameters stay in a graph until the caller drops them, as surgery does. */
static void settle(form_case *c) {
    OK(eki_graph_sort(c->graph, &err));
    OK(eki_graph_check(c->graph, &err));
}

static int count_norms(const eki_graph *graph, eki_opcode *op) {
    int norms = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        bool is =
            node->op == EKI_OP_NONE || node->op == EKI_OP_MeanVarianceNormalization || eki_op_has(node->op, EKI_NORM);
        if (is) *op = node->op;
        norms += is;
    }
    return norms;
}

/* Reductions have their axes where this opset has them. */
static void check_axes(const eki_graph *graph) {
    bool input = eki_graph_opset(graph, "") >= 18;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (node->op != EKI_OP_ReduceMean) continue;
        if ((node->n_in == 2) != input || (eki_node_attr(node, "axes") == NULL) != input) {
            fail_msg("%s: axes of another opset", label);
        }
    }
}

/* What is written out is found again, as the same norm. */
static void check_found(const form_case *c) {
    static norm_spec seen;
    static double told[SPEC_ELEMENTS], x[SPEC_ELEMENTS], plain[SPEC_ELEMENTS];
    eki_sites sites;
    const eki_site *site = NULL;
    norm_spec own = c->spec;
    OK(eki_sites_find(c->graph, &sites, &err));
    for (size_t i = 0; i < sites.count; i++) {
        if (sites.items[i].kind == c->spec.kind) site = &sites.items[i];
    }
    if (site == NULL || sites.count != 1) fail_msg("%s: %d sites", label, (int)sites.count);
    if (site->kind != EKI_SITE_GROUP && site->epsilon != c->spec.epsilon) fail_msg("%s: %g", label, site->epsilon);
    spec_of_site(&sites, site, c->spec.rank, c->spec.dims, &seen);
    own.swish = false; /* nodes of its own */
    for (int64_t i = 0; i < spec_count(&own); i++) x[i] = c->x[i];
    spec_run(&seen, x, told);
    spec_run(&own, x, plain);
    double difference = worst(told, plain, spec_count(&own));
    if (!(difference <= 1e-6)) fail_msg("%s: what is found differs by %g", label, difference);
    eki_sites_free(&sites);
}

static int64_t opset_of(eki_site_kind kind) {
    return kind == EKI_SITE_LAYER ? 17 : kind == EKI_SITE_GROUP ? 21 : kind == EKI_SITE_RMS ? 23 : 1;
}

static ek_status expect_opset(void *context, const eki_site *site, eki_opcode op, int64_t opset, const char *why,
                              ek_error *error) {
    const form_case *c = context;
    int64_t least = opset_of(site->kind), own = eki_graph_opset(c->graph, "");
    (void)op;
    (void)error;
    if (why != NULL) fail_msg("%s: it stays: %s", label, why);
    if (opset != (own < least ? least : 0)) fail_msg("%s: opset %d is asked for", label, (int)opset);
    return EK_OK;
}

/* One node again where the opset has it; else it stays and the opset is named. */
static void check_fused(form_case *c) {
    eki_fuse_options options = {
        .kinds = EKI_FUSE_ALL, .new_parameters = true, .casts = true, .tell = expect_opset, .context = c};
    int64_t needed, own = eki_graph_opset(c->graph, "");
    eki_opcode op = EKI_OP_NONE;
    bool lacks = own < opset_of(c->spec.kind);
    OK(eki_sites_fuse(c->graph, &options, &needed, &err));
    settle(c);
    if (needed != (lacks ? 0 : own)) fail_msg("%s: needs %d", label, (int)needed);
    if (lacks) return;
    if (count_norms(c->graph, &op) != 1 || op == EKI_OP_NONE) fail_msg("%s: not one norm", label);
    for (size_t i = 0; i < c->graph->n_nodes; i++) {
        if (c->graph->nodes[i]->op == EKI_OP_ReduceMean) fail_msg("%s: a mean is left", label);
    }
    fused++;
    run_engine(c);
    save(c, "fused");
}

static void check(form kind, int64_t opset, bool half) {
    static form_case c;
    eki_write_out_options options = {.wanted = NULL};
    size_t count;
    eki_opcode op = EKI_OP_NONE;
    if (!form_make(kind, opset, half, &c)) return;
    label = c.label;
    definition(&c);
    /* Of these no other runtime here has the one node. */
    bool lacking = kind == FORM_GROUP_LAST || (kind == FORM_MEAN_VARIANCE && half);
    if (!lacking) save(&c, "one node");
    if (!c.contrib && opset >= 17) run_engine(&c);
    OK(eki_sites_write_out(c.graph, &options, &count, &err));
    settle(&c);
    assert_int_equal(count, 1);
    int left = count_norms(c.graph, &op);
    bool group = c.spec.kind == EKI_SITE_GROUP;
    if (left != group || (group && op != EKI_OP_InstanceNormalization)) fail_msg("%s: %d norms are left", label, left);
    check_axes(c.graph);
    run_engine(&c);
    save(&c, "written out");
    written++;
    if (kind != FORM_MEAN_VARIANCE) {
        check_found(&c);
        check_fused(&c);
    }
    form_destroy(&c);
}

static void forms(void **state) {
    static const int64_t opsets[] = {11, 13, 17, 18, 21, 23};
    (void)state;
    for (int kind = 0; kind < FORMS; kind++) {
        for (size_t i = 0; i < sizeof opsets / sizeof *opsets; i++) {
            check((form)kind, opsets[i], false);
            check((form)kind, opsets[i], true);
        }
    }
    printf("%d norms written out, %d of them one node again, %d runs of the engine\n", written, fused, runs);
    assert_true(written >= 100 && fused >= 40);
}

/* Rows of a tensor whose rank nobody knows: axes are counted from the end, in both forms. */
static void rankless(void **state) {
    static form_case c;
    size_t count;
    int64_t needed;
    eki_write_out_options out = {.wanted = NULL};
    eki_fuse_options in = {.kinds = EKI_FUSE_ALL, .new_parameters = true, .casts = true};
    (void)state;
    assert_true(form_make(FORM_LAYER, 17, false, &c));
    label = "rankless";
    c.graph->inputs[0]->shape.rank = c.graph->outputs[0]->shape.rank = -1;
    OK(eki_sites_write_out(c.graph, &out, &count, &err));
    settle(&c);
    assert_int_equal(count, 1);
    OK(eki_sites_fuse(c.graph, &in, &needed, &err));
    settle(&c);
    assert_int_equal(c.graph->n_nodes, 1);
    assert_int_equal(c.graph->nodes[0]->op, EKI_OP_LayerNormalization);
    assert_int_equal(eki_node_int(c.graph->nodes[0], "axis", 0), -1);
    form_destroy(&c);
}

/* What is left alone: another output that is read. */
static ek_status expect_stay(void *context, const eki_site *site, const char *why, ek_error *error) {
    (void)site;
    (void)error;
    if (why == NULL) fail_msg("it is written out");
    *(int *)context += 1;
    return EK_OK;
}

static void other_output(void **state) {
    static form_case c;
    size_t count;
    int told = 0;
    eki_write_out_options out = {.tell = expect_stay, .context = &told};
    (void)state;
    assert_true(form_make(FORM_LAYER, 17, false, &c));
    label = "other output";
    eki_node *node = c.graph->nodes[0];
    eki_value *outputs[2] = {node->out[0], NULL};
    OK(eki_graph_value(c.graph, "mean", &outputs[1], &err));
    node->out = eki_arena_memdup(&c.graph->arena, outputs, eki_sized(sizeof outputs));
    node->n_out = 2;
    outputs[1]->producer = node;
    outputs[1]->producer_output = 1;
    OK(eki_graph_add_output(c.graph, outputs[1], &err));
    OK(eki_sites_write_out(c.graph, &out, &count, &err));
    assert_int_equal(count, 0);
    assert_int_equal(told, 1);
    assert_ptr_equal(c.graph->nodes[0], node);
    form_destroy(&c);
}

static void overflow(void **state) {
    static form_case c;
    (void)state;
    form_make_overflow(true, &c);
    label = "overflow";
    save(&c, "square");
    form_destroy(&c);
    form_make_overflow(false, &c);
    definition(&c);
    save(&c, "overflows");
    check_fused(&c);
    form_destroy(&c);
}

int main(int argc, char **argv) {
    char path[512];
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(overflow), cmocka_unit_test(rankless),
                                       cmocka_unit_test(other_output)};
    if (argc > 1) {
        folder = argv[1];
        (void)snprintf(path, sizeof path, "%s/cases.json", folder);
        list = fopen(path, "w");
        if (list == NULL) return 1;
        fprintf(list, "[");
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (list != NULL) {
        fprintf(list, "]\n");
        if (fclose(list) != 0) failed = 1;
    }
    return failed;
}
