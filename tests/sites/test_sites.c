/* test_sites.c: every norm is found, in whatever way it is written, with what it computes; its twin is not.
 *
 *     test_sites                     seeds 1 to 6 of every family
 *     test_sites FIRST COUNT         these seeds
 */
#include "site_maker.h"

#include "graph/exec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t first_seed = 1, seeds = 6;
static int cases_seen, twins_seen, engine_runs, fused;

/* The site of the case, the only one that counts. */
static const eki_site *find(const eki_sites *sites, const site_case *c) {
    const eki_site *found = NULL;
    for (size_t i = 0; i < sites->count; i++) {
        const eki_site *site = &sites->items[i];
        if (site->kind == c->spec.kind && site->spelling == c->spelling) {
            if (found != NULL) fail_msg("%s: found twice", c->label);
            found = site;
        } else if (site->kind != EKI_SITE_AFFINE) {
            fail_msg("%s: found as %s, %s", c->label, eki_site_kind_name(site->kind),
                     eki_spelling_name(site->spelling));
        }
    }
    return found;
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

static void check_descriptor(const site_case *c, const eki_site *s) {
    const norm_spec *spec = &c->spec;
    unsigned axes = 0;
    for (int i = 0; i < s->n_axes; i++) axes |= 1U << (s->axes[i] < 0 ? s->axes[i] + spec->rank : s->axes[i]);
    bool own_axes = spec->kind == EKI_SITE_LAYER || spec->kind == EKI_SITE_RMS || spec->kind == EKI_SITE_WEIGHT ||
                    spec->kind == EKI_SITE_INSTANCE || spec->kind == EKI_SITE_LP || c->training;
    if (own_axes && axes != spec->axes) fail_msg("%s: axes %x, not %x", c->label, axes, spec->axes);
    if (s->channel_axis != spec->channel_axis) fail_msg("%s: channel axis %d", c->label, s->channel_axis);
    if (spec->kind == EKI_SITE_GROUP && s->groups != spec->groups) fail_msg("%s: %d groups", c->label, (int)s->groups);
    if (spec->kind != EKI_SITE_AFFINE && s->epsilon != spec->epsilon) fail_msg("%s: epsilon %g", c->label, s->epsilon);
    if (s->training != c->training) fail_msg("%s: training %d", c->label, s->training);
    if (s->channels_last != c->channels_last) fail_msg("%s: channels last %d", c->label, s->channels_last);
    if (c->path != NULL && strcmp(c->path, s->path) != 0) fail_msg("%s: path '%s'", c->label, s->path);
    if (s->n_nodes < 1 || s->y->producer == NULL) fail_msg("%s: no nodes", c->label);
}

static void input_of(const site_case *c, double *x) {
    bool product = c->spec.kind == EKI_SITE_AFFINE && c->skip[0] != 0;
    for (int64_t i = 0; i < spec_count(&c->spec); i++) {
        x[i] = product ? c->skip[i] : c->has_skip ? c->x[i] + c->skip[i] : c->x[i];
    }
}

static bool always(void *context, int64_t opset, const uint8_t *ignore) {
    (void)context;
    (void)opset;
    (void)ignore;
    return true;
}

/* Whether one node can be had for it: no casts within, and channels where ONNX has them. */
static bool can_fuse(const site_case *c) {
    eki_site_kind kind = c->spec.kind;
    if (c->half || c->channels_last || c->training || c->contrib || kind > EKI_SITE_INSTANCE) return false;
    if (c->spelling != EKI_SPELL_MOMENTS && c->spelling != EKI_SPELL_FACTOR && c->spelling != EKI_SPELL_RESHAPED &&
        c->spelling != EKI_SPELL_GROUPED_MOMENTS) {
        return false;
    }
    return kind != EKI_SITE_LAYER || c->spec.channel_axis < 0;
}

/* Fused, it is one norm and nothing of what it was made of. */
static void check_fused(site_case *c) {
    ek_error err = {.text = ""};
    eki_fuse_options options = {.kinds = EKI_FUSE_ALL, .new_parameters = true, .may_need = always};
    int64_t needed;
    int norms = 0;
    if (eki_sites_fuse(c->graph, &options, &needed, &err) != EK_OK) fail_msg("%s: %s", c->label, err.text);
    if (!can_fuse(c)) return;
    if (needed == 0) fail_msg("%s: it stays", c->label);
    assert_int_equal(eki_graph_add_opset(c->graph, "", needed, NULL), EK_OK);
    assert_int_equal(eki_graph_sort(c->graph, NULL), EK_OK);
    assert_int_equal(eki_graph_check(c->graph, NULL), EK_OK);
    for (size_t i = 0; i < c->graph->n_nodes; i++) {
        norms += eki_op_has(c->graph->nodes[i]->op, EKI_NORM);
        if (!eki_op_has(c->graph->nodes[i]->op, EKI_NORM | EKI_SAME | EKI_RESHAPE | EKI_CONSTANT)) {
            fail_msg("%s: %s is left", c->label, c->graph->nodes[i]->op_type);
        }
    }
    assert_int_equal(norms, 1);
    fused++;
}

/* The graph by the engine against the definition. */
static void run_engine(const site_case *c, const double *wanted) {
    static double got[SPEC_ELEMENTS];
    ek_error err = {.text = ""};
    eki_exec *exec;
    eki_exec_options options = {.mode = EKI_MODE_FILE, .threads = 1};
    if (eki_exec_create(c->graph, &options, &exec, &err) != EK_OK) fail_msg("%s: %s", c->label, err.text);
    eki_shape shape = c->graph->inputs[0]->shape;
    if (shape.dims[0] < 0) shape.dims[0] = c->spec.dims[0];
    if (eki_exec_prepare(exec, &shape, &err) != EK_OK) fail_msg("%s: %s", c->label, err.text);
    float *in = eki_exec_input(exec, 0).data;
    for (int64_t i = 0; !c->bare_weight && i < spec_count(&c->spec); i++) in[i] = (float)c->x[i];
    if (eki_exec_forward(exec, &err) != EK_OK) fail_msg("%s: %s", c->label, err.text);
    eki_view view = eki_exec_output(exec, 0);
    for (int64_t i = 0; i < spec_count(&c->spec); i++) got[i] = (double)((const float *)view.data)[i];
    double difference = worst(got, wanted, spec_count(&c->spec));
    if (!(difference <= (c->half ? 2e-3 : 1e-5))) fail_msg("%s: the engine differs by %g", c->label, difference);
    eki_exec_destroy(exec);
    engine_runs++;
}

static void check_case(int family, uint64_t seed) {
    static site_case c;
    static norm_spec seen;
    static double x[SPEC_ELEMENTS], wanted[SPEC_ELEMENTS], told[SPEC_ELEMENTS];
    eki_sites sites;
    site_case_make(family, seed, TWIN_NONE, &c);
    assert_int_equal(eki_sites_find(c.graph, &sites, NULL), EK_OK);
    const eki_site *site = find(&sites, &c);
    if (site == NULL) fail_msg("%s: not found", c.label);
    check_descriptor(&c, site);
    spec_of_site(&sites, site, c.spec.rank, c.spec.dims, &seen);
    input_of(&c, x);
    spec_run(&c.spec, x, wanted);
    spec_run(&seen, x, told);
    double difference = worst(told, wanted, spec_count(&c.spec));
    if (!(difference <= 1e-6)) fail_msg("%s: what is told differs by %g", c.label, difference);
    eki_sites_free(&sites);
    if (!c.contrib) run_engine(&c, wanted);
    check_fused(&c);
    if (can_fuse(&c)) run_engine(&c, wanted);
    site_case_destroy(&c);
    cases_seen++;
}

/* Of a twin, arithmetic per channel and operators within may be found, the norm may not. */
static void check_twin(int family, uint64_t seed, site_twin twin) {
    static site_case c;
    eki_sites sites;
    site_case_make(family, seed, twin, &c);
    for (int tries = 1; c.skipped && tries < 6; tries++) {
        site_case_destroy(&c);
        site_case_make(family, seed + 1000 * (uint64_t)tries, twin, &c);
    }
    if (!c.skipped) {
        assert_int_equal(eki_sites_find(c.graph, &sites, NULL), EK_OK);
        for (size_t i = 0; i < sites.count; i++) {
            const eki_site *site = &sites.items[i];
            bool other = site->kind == EKI_SITE_AFFINE && c.spec.kind != EKI_SITE_AFFINE;
            bool within = site->spelling == EKI_SPELL_OPERATOR && c.spelling == EKI_SPELL_RESHAPED;
            if (other || within) continue;
            fail_msg("%s: found as %s, %s", c.label, eki_site_kind_name(site->kind), eki_spelling_name(site->spelling));
        }
        eki_sites_free(&sites);
        twins_seen++;
    }
    site_case_destroy(&c);
}

static void cases(void **state) {
    (void)state;
    for (int family = 0; family < n_site_families; family++) {
        for (uint64_t k = 0; k < seeds; k++) check_case(family, first_seed + k);
    }
    printf("%d cases found, %d made one node, %d runs of the engine\n", cases_seen, fused, engine_runs);
    assert_true(cases_seen >= 80);
    assert_true(engine_runs >= 80);
}

static void twins(void **state) {
    (void)state;
    for (int family = 0; family < n_site_families; family++) {
        for (uint64_t k = 0; k < seeds; k++) {
            for (int twin = 1; twin < TWINS; twin++) check_twin(family, first_seed + k, (site_twin)twin);
        }
    }
    printf("%d twins, none found\n", twins_seen);
    assert_true(twins_seen >= 80);
}

int main(int argc, char **argv) {
    if (argc > 2) {
        first_seed = strtoull(argv[1], NULL, 10);
        seeds = strtoull(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(cases), cmocka_unit_test(twins)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
