/* test_fold_wrong.c: random graphs never change their function; every way in which a fold can go wrong is caught, on
 * every pattern that has what goes wrong. */
#include "patterns.h"
#include "random_net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double difference(ek_model *a, ek_model *b) {
    ek_compare_options options = ek_compare_options_default();
    ek_comparison result;
    options.runs = 1;
    OK(ek_compare(a, b, &options, &result, err));
    return result.worst;
}

static ek_model *fold_of(ek_model *model) {
    ek_model *folded;
    ek_edit_report *report;
    OK(ek_fold(model, &folded, &report, err));
    ek_edit_report_destroy(report);
    return folded;
}

/* ---- random graphs ---- */

static void test_random(void **state) {
    (void)state;
    size_t before = 0, after = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        ek_model *model = random_net(seed), *folded = fold_of(model), *again = fold_of(folded);
        double once = difference(model, folded), twice = difference(folded, again);
        if (!(once <= 2e-5)) fail_msg("graph %d changed by %g", (int)seed, once);
        if (!(twice <= 2e-5)) fail_msg("graph %d changed by %g when folded again", (int)seed, twice);
        before += ek_model_norm_count(model);
        after += ek_model_norm_count(folded);
        ek_model_destroy(again);
        ek_model_destroy(folded);
        ek_model_destroy(model);
    }
    /* The graphs must have something to fold, and something to refuse. */
    assert_true(before > 1000 && after > 50 && after < before / 2);
}

/* ---- folds that went wrong ---- */

static eki_tensor *norm_part(const ek_model *model, size_t norm, int input) {
    const eki_node *node = eki_model_norm_node(model, norm);
    return (eki_tensor *)(uintptr_t)eki_fixed(model->document, node->in[input]);
}

static bool wrong_epsilon(ek_model *m) {
    for (size_t i = 0; i < m->n_norms; i++)
        OK(eki_node_set_float(m->document, eki_model_norm_node(m, i), "epsilon", 0.05F, err));
    return m->n_norms > 0;
}

/* Divides by the variance, not the deviation. */
static bool no_root(ek_model *m) {
    for (size_t i = 0; i < m->n_norms; i++) {
        eki_tensor *variance = norm_part(m, i, 4);
        for (int64_t c = 0; c < eki_count(variance); c++) {
            ((float *)variance->data)[c] *= ((float *)variance->data)[c];
        }
    }
    return m->n_norms > 0;
}

static bool no_mean(ek_model *m) {
    for (size_t i = 0; i < m->n_norms; i++) memset(norm_part(m, i, 3)->data, 0, norm_part(m, i, 3)->bytes);
    return m->n_norms > 0;
}

static bool no_bias(ek_model *m) {
    for (size_t i = 0; i < m->n_norms; i++) memset(norm_part(m, i, 2)->data, 0, norm_part(m, i, 2)->bytes);
    return m->n_norms > 0;
}

static bool wrong_order(ek_model *m) {
    for (size_t i = 0; i < m->n_norms; i++) {
        for (int k = 1; k < 3; k++) {
            eki_tensor *part = norm_part(m, i, k);
            float *x = part->data, first = x[0];
            size_t n = part->bytes / sizeof *x;
            memmove(x, x + 1, (n - 1) * sizeof *x);
            x[n - 1] = first;
        }
    }
    return m->n_norms > 0;
}

static bool scale_for_mean(ek_model *m) {
    for (size_t i = 0; i < m->n_norms; i++)
        memcpy(norm_part(m, i, 3)->data, norm_part(m, i, 1)->data, norm_part(m, i, 3)->bytes);
    return m->n_norms > 0;
}

static eki_tensor *constant_of(const ek_model *m, const eki_node *node, int input) {
    return input < node->n_in ? (eki_tensor *)(uintptr_t)eki_fixed(m->document, node->in[input]) : NULL;
}

/* The layer's own bias is lost. */
static bool layer_bias_lost(ek_model *m) {
    bool any = false;
    for (size_t i = 0; i < m->document->n_nodes; i++) {
        const eki_node *node = m->document->nodes[i];
        eki_tensor *bias = eki_is_product(node) ? constant_of(m, node, 2) : NULL;
        if (bias == NULL) continue;
        memset(bias->data, 0, bias->bytes);
        any = true;
    }
    return any;
}

/* Whether a node before this one reads the same weight. */
static bool seen_before(const ek_model *m, size_t index) {
    for (size_t i = 0; i < index; i++) {
        const eki_node *node = m->document->nodes[i];
        if (eki_is_product(node) && node->in[1] == m->document->nodes[index]->in[1]) return true;
    }
    return false;
}

/* The weight is read backwards: transposed, and more. */
static bool weight_turned(ek_model *m) {
    bool any = false;
    for (size_t i = 0; i < m->document->n_nodes; i++) {
        const eki_node *node = m->document->nodes[i];
        eki_tensor *weight = eki_is_product(node) && !seen_before(m, i) ? constant_of(m, node, 1) : NULL;
        for (int64_t k = 0, n = weight == NULL ? 0 : eki_count(weight); k < n / 2; k++) {
            float *x = weight->data, keep = x[k];
            x[k] = x[n - 1 - k];
            x[n - 1 - k] = keep;
            any = true;
        }
    }
    return any;
}

static bool mul_forgotten(ek_model *m) {
    bool any = false;
    for (size_t i = 0; i < m->document->n_nodes; i++) {
        const eki_node *node = m->document->nodes[i];
        eki_tensor *factor = eki_is_op(node, EKI_OP_Mul) ? constant_of(m, node, 1) : NULL;
        for (int64_t k = 0; factor != NULL && k < eki_count(factor); k++) ((float *)factor->data)[k] = 1;
        any |= factor != NULL;
    }
    return any;
}

static bool transpose_ignored(ek_model *m) {
    bool any = false;
    for (size_t i = 0; i < m->document->n_nodes; i++) {
        eki_node *node = m->document->nodes[i];
        const eki_tensor *weight = eki_is_op(node, EKI_OP_Gemm) ? constant_of(m, node, 1) : NULL;
        if (weight == NULL || weight->shape.dims[0] != weight->shape.dims[1]) continue;
        OK(eki_node_set_int(m->document, node, "transB", !eki_node_int(node, "transB", 0), err));
        any = true;
    }
    return any;
}

static int caught(const pattern *list, const char *what, bool (*spoil)(ek_model *)) {
    int count = 0;
    for (const pattern *p = list; p->name != NULL; p++) {
        ek_model *model = p->build(false), *other = p->build(false);
        if (spoil(other)) {
            OK(eki_model_rebuild(other, err));
            ek_model *folded = fold_of(other);
            if (!(difference(model, folded) > 1e-4)) fail_msg("%s: %s is not caught", p->name, what);
            ek_model_destroy(folded);
            count++;
        }
        ek_model_destroy(other);
        ek_model_destroy(model);
    }
    return count;
}

static void test_mutations(void **state) {
    (void)state;
    static const struct {
        const char *what;
        bool (*spoil)(ek_model *);
        int least;
    } cases[] = {
        {"a wrong epsilon", wrong_epsilon, 40},
        {"no square root", no_root, 40},
        {"a lost mean", no_mean, 40},
        {"a lost bias", no_bias, 40},
        {"a wrong channel order", wrong_order, 40},
        {"scale taken for mean", scale_for_mean, 40},
        {"the layer's bias lost", layer_bias_lost, 15},
        {"a turned weight", weight_turned, 40},
        {"a forgotten Mul", mul_forgotten, 4},
        {"transB ignored", transpose_ignored, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int count = caught(patterns_after, cases[i].what, cases[i].spoil) +
                    caught(patterns_before, cases[i].what, cases[i].spoil) +
                    caught(patterns_more, cases[i].what, cases[i].spoil);
        if (count < cases[i].least) fail_msg("%s: only %d patterns", cases[i].what, count);
    }
}

static bool is_read(const ek_model *model, const char *name) {
    const eki_value *value = eki_graph_find(model->graph, name);
    for (size_t i = 0; i < model->graph->n_nodes; i++) {
        for (int k = 0; k < model->graph->nodes[i]->n_in; k++) {
            if (model->graph->nodes[i]->in[k] == value) return true;
        }
    }
    return false;
}

/* Each new tensor of each folded pattern, changed alone by a tenth. */
static void test_every_tensor(void **state) {
    (void)state;
    static const pattern *const lists[] = {patterns_after, patterns_before, patterns_more};
    for (size_t l = 0; l < 3; l++) {
        for (const pattern *p = lists[l]; p->name != NULL; p++) {
            ek_model *model = p->build(false), *folded = fold_of(model);
            for (size_t i = 0; i < ek_model_tensor_count(folded); i++) {
                void *data;
                ek_tensor_info info = ek_model_tensor(folded, i);
                if (!is_read(folded, info.name)) continue;
                OK(ek_model_tensor_data(folded, info.name, &info, &data, err));
                float *x = data, most = 0;
                for (size_t k = 0; k < info.bytes / sizeof *x; k++) most = fmaxf(most, fabsf(x[k]));
                for (size_t k = 0; k < info.bytes / sizeof *x; k++) x[k] += 0.1F * most;
                if (!(difference(model, folded) > 1e-4)) fail_msg("%s: %s is not caught", p->name, info.name);
                for (size_t k = 0; k < info.bytes / sizeof *x; k++) x[k] -= 0.1F * most;
            }
            ek_model_destroy(folded);
            ek_model_destroy(model);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_every_tensor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
